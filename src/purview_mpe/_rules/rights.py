"""Which rights each step needs, and whether a caller's permissions include them.

Azure's rule (docs, "Understand Azure role definitions"): a role allows an action that one of its `actions` matches
and none of its `notActions`; `*` stands for any text, including slashes; letter case does not count; the roles of a
caller add up, so one role may allow what another excludes. Deny assignments override all roles and are not in the
answer: an allowed step can still be refused on resources that Purview manages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, assert_never

from purview_mpe._model.arm_id import folded
from purview_mpe._model.checkup import Right, RightStep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._model.results import Account, ConnectionList
    from purview_mpe._model.survey import Permission

Place = Literal["factory", "account", "storage", "namespace", "ingestion"]

_FACTORY = "Microsoft.DataFactory/factories"
_NETWORK = f"{_FACTORY}/managedVirtualNetworks"
_ENDPOINT = f"{_NETWORK}/managedPrivateEndpoints"
_ACCOUNT = "Microsoft.Purview/accounts"
_STORAGE = "Microsoft.Storage/storageAccounts"
_NAMESPACE = "Microsoft.EventHub/namespaces"


@dataclass(frozen=True, slots=True)
class Need:
    """The rights that one step needs, and where."""

    step: RightStep
    place: Place
    role: str
    actions: tuple[str, ...]
    perhaps: tuple[str, ...] = ()
    """Actions that may also be needed: their names are inferred, or sources disagree, so lacking one proves nothing."""


#: Source: Microsoft's lists of resource provider operations and of built-in roles (docs), except as noted.
NEEDS: tuple[Need, ...] = (
    Need("read-account", "account", "Reader", (f"{_ACCOUNT}/read", f"{_ACCOUNT}/privateEndpointConnections/read")),
    Need(
        "read-factory",
        "factory",
        "Reader",
        (f"{_FACTORY}/read", f"{_NETWORK}/read", f"{_ENDPOINT}/read", f"{_FACTORY}/integrationruntimes/read"),
    ),
    Need("create", "factory", "Data Factory Contributor", (f"{_NETWORK}/write", f"{_ENDPOINT}/write")),
    Need("delete", "factory", "Data Factory Contributor", (f"{_ENDPOINT}/delete",)),
    # The page on connecting a factory asks for Owner or Contributor; this smaller role has the action, too (docs).
    Need("connect", "factory", "Data Factory Contributor", (f"{_FACTORY}/write",)),
    Need(
        "approve-account",
        "account",
        "Contributor",
        (f"{_ACCOUNT}/privateEndpointConnections/write", f"{_ACCOUNT}/PrivateEndpointConnectionsApproval/action"),
    ),
    Need(
        "approve-storage",
        "storage",
        "Storage Account Contributor",
        (
            f"{_STORAGE}/privateEndpointConnections/read",
            f"{_STORAGE}/privateEndpointConnections/write",
            f"{_STORAGE}/PrivateEndpointConnectionsApproval/action",
        ),
    ),
    Need(
        "approve-namespace",
        "namespace",
        "Contributor",
        (
            f"{_NAMESPACE}/privateEndpointConnections/read",
            f"{_NAMESPACE}/privateEndpointConnections/write",
            f"{_NAMESPACE}/privateEndpointConnectionsApproval/action",
        ),
    ),
    Need(
        "approve-ingestion",
        "ingestion",
        "Contributor",
        (f"{_ACCOUNT}/PrivateEndpointConnectionsApproval/action",),
        # Unpublished; inferred from the paths of the two operations.
        (
            f"{_ACCOUNT}/ingestionPrivateEndpointConnections/read",
            f"{_ACCOUNT}/ingestionPrivateEndpointConnectionStatus/action",
        ),
    ),
    # Sources disagree: Microsoft's page on roles says that a Reader can monitor a factory (docs), but some callers got
    # 403 until they had the two actions (public code).
    Need(
        "read-runs",
        "factory",
        "Data Factory Contributor",
        (f"{_FACTORY}/querypipelineruns/read", f"{_FACTORY}/pipelineruns/queryactivityruns/read"),
        (f"{_FACTORY}/querypipelineruns/action", f"{_FACTORY}/pipelineruns/queryactivityruns/action"),
    ),
)


#: Makes a collection administrator of the root collection (docs: list of operations). Sources disagree on whether
#: Contributor is enough, so the caller's permissions decide.
BECOMES_ADMIN = f"{_ACCOUNT}/addrootcollectionadmin/action"


def allows(permissions: Sequence[Permission], action: str) -> bool:
    """True if any of the roles behind these permissions allows an action."""
    return any(
        _matches(permission.actions, action) and not _matches(permission.not_actions, action)
        for permission in permissions
    )


def scopes_of(factory: str, account: Account | None) -> dict[Place, str]:
    """The scope of each step's right; scopes that this account does not need are absent."""
    scopes: dict[Place, str] = {"factory": factory}
    if account is None:
        return scopes
    scopes["account"] = account.id
    for target in account.targets:
        match target.connections:
            case "storage" | "namespace":
                scopes[target.connections] = target.resource_id
            case "ingestion":
                # Both calls, the list and the decision, are made on the account.
                scopes["ingestion"] = account.id
            case "account":
                pass  # already in `scopes`
            case _:
                assert_never(target.connections)
    return scopes


def rights(scopes: Mapping[Place, str], permissions: Mapping[str, Sequence[Permission] | None]) -> tuple[Right, ...]:
    """What a caller is allowed to do; `permissions` by folded scope, None or absent if they cannot be read."""
    return tuple(
        _right(need, scopes[need.place], permissions.get(folded(scopes[need.place])))
        for need in NEEDS
        if need.place in scopes
    )


def missing_to_decide(connections: ConnectionList, held: Sequence[Permission]) -> tuple[str, ...]:
    """The actions that a caller lacks for approving or rejecting the connections of one list."""
    [need] = [need for need in NEEDS if need.step == f"approve-{connections}"]
    return tuple(action for action in need.actions if not allows(held, action))


def _right(need: Need, scope: str, held: Sequence[Permission] | None) -> Right:
    if held is None:
        return Right(step=need.step, scope=scope, allowed=None, role=need.role)
    missing = tuple(action for action in need.actions if not allows(held, action))
    doubtful = any(not allows(held, action) for action in need.perhaps)
    allowed = False if missing else None if doubtful else True
    return Right(step=need.step, scope=scope, allowed=allowed, missing_actions=missing, role=need.role)


def _matches(patterns: Sequence[str], action: str) -> bool:
    folded = action.casefold()
    return any(_covers(pattern.casefold(), folded) for pattern in patterns)


def _covers(pattern: str, action: str) -> bool:
    """True if the action matches the pattern.

    Each part between two stars is searched once, after the part before it: patterns come from an answer, and a search
    with backtracking would take far too long with many stars.
    """
    first, *parts = pattern.split("*")
    if not parts:
        return pattern == action
    last, at = parts.pop(), len(first)
    end = len(action) - len(last)
    if at > end or not action.startswith(first) or not action.endswith(last):
        return False
    for part in parts:
        found = action.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
