"""The managed identities of a factory: what a body requests, and what the factory then has.

`type` is `SystemAssigned`, `UserAssigned` or `SystemAssigned,UserAssigned` (spec). User-assigned identities that a body
does not repeat are removed from the factory. Switching the system-assigned identity off and on gives it another
principal (inferred, as for other resources).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import bad_request
from purview_mpe.emulator._values.exchange import ArmError
from purview_mpe.emulator._values.json_values import id_of, object_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.world import World

_KINDS = frozenset({"SystemAssigned", "UserAssigned"})
_ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"


def check_identity(call: Call, body: Mapping[str, Any]) -> None:
    """Refuse an identity of an unknown type, or with user-assigned ones that the caller is not allowed to assign.

    Raises:
        ArmError: 400, or 403 `LinkedAuthorizationFailed`.
    """
    identity = object_of(body.get("identity"))
    if identity is None:
        return
    kinds, users = _kinds(identity), _users(identity)
    if not kinds or not kinds <= _KINDS:
        raise bad_request(f"The identity type '{identity.get('type')}' is not supported.", "InvalidIdentityType")
    if ("UserAssigned" in kinds) != bool(users):
        raise bad_request(
            "The identity type and the user assigned identities do not fit together.", "InvalidIdentityValues"
        )
    for user in users:
        if id_of(user) is None:
            raise bad_request(f"'{user}' is not the id of a user assigned identity.", "InvalidIdentityValues")
        if not call.access.allowed(call.caller, _ASSIGN, user):
            raise ArmError(
                403,
                "LinkedAuthorizationFailed",
                f"The client '{call.caller.client_id}' with object id '{call.caller.object_id}' has permission to "
                f"perform action 'Microsoft.DataFactory/factories/write' on scope '{call.scope}'; however, it does not "
                f"have permission to perform action(s) '{_ASSIGN}' on the linked scope(s) '{user}' (respectively) or "
                "the linked scope(s) are invalid.",
            )


def complete_identity(world: World, given: Any, before: Any) -> dict[str, Any] | None:
    """The JSON of a factory's identity after a body requested one."""
    identity = object_of(given)
    if identity is None:
        return None
    known = object_of(before) or {}
    kinds = _kinds(identity)
    shown: dict[str, Any] = {"type": ",".join(kind for kind in ("SystemAssigned", "UserAssigned") if kind in kinds)}
    if "SystemAssigned" in kinds:
        # Ids in a body are read-only and ignored, except in JSON that a test supplies.
        mine = known.get("principalId") if before is not None else identity.get("principalId")
        shown |= {"principalId": mine or world.guid(), "tenantId": world.tenant}
    if "UserAssigned" in kinds:
        earlier = {name.casefold(): value for name, value in _users(known).items()}
        shown["userAssignedIdentities"] = {
            name: _ids_of(world, value, earlier.get(name.casefold()), is_new=before is None)
            for name, value in _users(identity).items()
        }
    return shown


def without_ids(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without the principals of its identity: those are read-only, and a new factory gets its own."""
    identity = object_of(body.get("identity"))
    if identity is None:
        return dict(body)
    asked: dict[str, Any] = {"type": identity["type"]}
    if users := _users(identity):
        asked["userAssignedIdentities"] = {user: {} for user in users}
    return {**body, "identity": asked}


def merged_identity(given: dict[str, Any], before: Any) -> dict[str, Any]:
    """A PATCH's identity, merged with the factory's identities if the emulator is set to merge them."""
    known = object_of(before) or {}
    kinds = _kinds(given) | _kinds(known)
    merged: dict[str, Any] = {"type": ",".join(sorted(kinds))}
    if users := {**_users(known), **_users(given)}:
        merged["userAssignedIdentities"] = users
    return merged


def _ids_of(world: World, given: Any, earlier: Any, *, is_new: bool) -> dict[str, str]:
    brought = (object_of(given) or {}) if is_new else {}
    known = object_of(earlier) or brought
    return {
        "principalId": known.get("principalId") or world.guid(),
        "clientId": known.get("clientId") or world.guid(),
    }


def _kinds(identity: Mapping[str, Any]) -> set[str]:
    return {part.strip() for part in str(identity.get("type", "")).split(",") if part.strip()}


def _users(identity: Mapping[str, Any]) -> dict[str, Any]:
    return object_of(identity.get("userAssignedIdentities")) or {}
