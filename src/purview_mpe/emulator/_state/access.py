"""Callers and their permissions: roles, and the scopes of their assignments."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._values.exchange import ArmError
from purview_mpe.emulator._values.json_values import object_of
from purview_mpe.emulator._values.public import public

if TYPE_CHECKING:
    from purview_mpe.emulator._state.policies import CollectionRole
    from purview_mpe.emulator._state.world import World

TOKEN_MARK = "emulator-token-never-to-be-kept"  # noqa: S105  meant to be recognised
"""Part of every token of the emulator, so that a test can search for leaked tokens."""


MANAGEMENT = "https://management.azure.com"
"""The audience of tokens for Azure Resource Manager; the default."""

LIFETIME = 3600
"""How many seconds a token is valid."""


@public
@dataclass(frozen=True, slots=True)
class Role:
    """A role: its allowed actions without its excluded ones; `*` stands for anything, in any letter case."""

    name: str
    """Name of the role."""
    actions: tuple[str, ...]
    """Actions that it allows, as patterns."""
    not_actions: tuple[str, ...] = ()
    """Actions that it excludes from those, as patterns."""

    def allows(self, action: str) -> bool:
        """Whether this role alone allows an action."""
        return _matches(action, self.actions) and not _matches(action, self.not_actions)


def _matches(action: str, patterns: tuple[str, ...]) -> bool:
    folded = action.casefold()
    return any(fnmatchcase(folded, pattern.casefold()) for pattern in patterns)


OWNER = Role("Owner", ("*",))
"""The built-in role that allows everything."""


@dataclass(slots=True)
class Caller:
    """A principal with its role assignments: pairs of scope and role."""

    name: str
    object_id: str
    client_id: str
    assignments: list[tuple[str, Role]] = field(default_factory=list[tuple[str, Role]])
    collection_roles: list[tuple[str, CollectionRole]] = field(default_factory=list[tuple[str, "CollectionRole"]])
    """Roles on the root collections of the accounts at a scope."""
    is_inside: bool | None = None
    """Whether the caller is inside the network of closed accounts; None: as the emulator is set."""

    def roles_at(self, scope: str) -> list[Role]:
        """The roles that apply at a scope, including inherited ones."""
        return [role for assigned, role in self.assignments if within(scope, assigned)]


def within(scope: str, outer: str) -> bool:
    """Whether `scope` is `outer` or inside it."""
    inner, outside = scope.strip("/").casefold(), outer.strip("/").casefold()
    return not outside or inner == outside or inner.startswith(outside + "/")


class Access:
    """The callers of one emulator, and the check before every operation."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.callers: dict[str, Caller] = {}
        self.token_requests = 0
        self.default = self.add("default")
        self.stranger = self.default
        """The caller that tokens of unknown origin belong to."""

    def add(self, name: str) -> Caller:
        """A new caller without any role."""
        caller = Caller(name, self._world.guid(), self._world.guid())
        self.callers[caller.object_id] = caller
        return caller

    def rename(self, caller: Caller, client_id: str | None, object_id: str | None) -> None:
        """Give a caller fixed ids that a test knows."""
        del self.callers[caller.object_id]
        caller.client_id, caller.object_id = client_id or caller.client_id, object_id or caller.object_id
        self.callers[caller.object_id] = caller

    def with_client_id(self, client_id: str) -> Caller:
        """The caller with this client id; the stranger if none has it."""
        for caller in self.callers.values():
            if caller.client_id.casefold() == client_id.casefold():
                return caller
        return self.stranger

    def token(self, caller: Caller, audience: str = MANAGEMENT) -> str:
        """A token that looks like a real one and contains the mark."""
        self.token_requests += 1
        now = int(time.time())
        header = _encoded({"typ": "JWT", "alg": "RS256", "kid": "emulator"})
        payload = _encoded(
            {
                "aud": audience,
                "iss": f"https://sts.windows.net/{self._world.tenant}/",
                "oid": caller.object_id,
                "appid": caller.client_id,
                "tid": self._world.tenant,
                "jti": self._world.guid(),
                "iat": now,
                "nbf": now - 300,
                "exp": now + LIFETIME,
                "ver": "1.0",
            }
        )
        return f"{header}.{payload}.{TOKEN_MARK}"

    def caller_of(self, authorization: str, audiences: frozenset[str]) -> Caller:
        """The caller that a token belongs to; a bearer token of unknown origin belongs to the stranger.

        Raises:
            ArmError: 401 if the bearer token is missing, if it has expired by its own claim, or if the emulator made it
                for an audience that is not among these.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.casefold() != "bearer" or not token.strip():
            raise self._refused(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
                "The Authorization header is missing.",
            )
        claims = _claims(token)
        expires = claims.get("exp")
        if isinstance(expires, int | float) and expires < time.time():
            # Real time: clients also compare with the time of day, whatever clock the emulator uses.
            raise self._refused(
                "ExpiredAuthenticationToken",
                "The access token expiry UTC time is earlier than current UTC time.",
                "The access token has expired.",
            )
        if not token.endswith(f".{TOKEN_MARK}"):
            return self.stranger
        audience = claims.get("aud")
        if isinstance(audience, str) and audience.rstrip("/").casefold() not in audiences:
            raise self._refused(
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource '{audience}'. It should exactly "
                f"match with one of the allowed audiences '{', '.join(sorted(audiences))}'.",
                "The audience of the access token is wrong.",
            )
        return self.callers.get(str(claims.get("oid", "")), self.stranger)

    def _refused(self, code: str, message: str, description: str) -> ArmError:
        authority = f"https://login.microsoftonline.com/{self._world.tenant}"
        challenge = f'Bearer authorization_uri="{authority}", error="invalid_token", error_description="{description}"'
        return ArmError(401, code, message, headers={"WWW-Authenticate": challenge})

    def check(self, caller: Caller, action: str, scope: str) -> None:
        """Refuse an action that no role of the caller allows.

        Raises:
            ArmError: 403 `AuthorizationFailed`.
        """
        if self.allowed(caller, action, scope):
            return
        raise ArmError(
            403,
            "AuthorizationFailed",
            f"The client '{caller.client_id}' with object id '{caller.object_id}' does not have "
            f"authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. "
            "If access was recently granted, please refresh your credentials.",
        )

    def sees(self, caller: Caller, scope: str) -> bool:
        """Whether a caller has any role at a scope or inside it."""
        return any(within(scope, given) or within(given, scope) for given, _ in caller.assignments)

    def allowed(self, caller: Caller, action: str, scope: str) -> bool:
        """Whether any role of the caller allows an action at a scope.

        No caller has a role in a subscription of Microsoft.
        """
        if self._world.is_microsofts(scope):
            return False
        return any(role.allows(action) for role in caller.roles_at(scope))


def _encoded(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def _claims(token: str) -> dict[str, Any]:
    """The claims of a token; empty if it is not a JSON web token."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return object_of(payload) or {}
