"""The data plane of an account, made at its first use, and the checks of its callers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe.emulator._state.access import within
from purview_mpe.emulator._state.catalog import Catalog, Collection
from purview_mpe.emulator._state.policies import ROLE_IDS, CollectionRole, new_policy
from purview_mpe.emulator._values.exchange import ArmError, ConnectionReset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.access import Access, Caller
    from purview_mpe.emulator._state.nouns import Account
    from purview_mpe.emulator._state.world import World

# The sentence is documented; its code is unknown.
_CLOSED = (
    "Not authorized to access this Microsoft Purview account. This Microsoft Purview account is behind a private "
    "endpoint. Please access the account from a client in the same virtual network (VNet) that has been configured for "
    "the Microsoft Purview account's private endpoint."
)


def catalog_of(world: World, access: Access, account: Account) -> Catalog:
    """The data plane of an account, with a root collection on which the creator holds every role."""
    found = world.catalogs.get(account.id.key)
    return open_catalog(world, access, account, {}) if found is None else found


def open_catalog(
    world: World, access: Access, account: Account, more: Mapping[CollectionRole, Sequence[str]]
) -> Catalog:
    """Make the data plane of an account; the `more` principals hold roles on its root collection from the start."""
    made = world.catalogs[account.id.key] = Catalog(account.id)
    creator = account.creator or access.default.object_id
    holders: dict[CollectionRole, list[str]] = {role: [creator, *more.get(role, ())] for role in ROLE_IDS}
    for caller in access.callers.values():
        for scope, role in caller.collection_roles:
            if within(str(account.id), scope) and caller.object_id not in holders[role]:
                holders[role].append(caller.object_id)
    add_collection(world, made, made.root, friendly_name=account.id.name, policy_name=account.id.name, holders=holders)
    return made


def add_collection(
    world: World,
    catalog: Catalog,
    name: str,
    *,
    friendly_name: str,
    policy_name: str = "",
    parent: str | None = None,
    holders: dict[CollectionRole, list[str]] | None = None,
) -> None:
    """Add a collection to an account, with its policy."""
    description = "The root collection." if parent is None else ""
    catalog.collections[name] = Collection(name, friendly_name, description, parent, world.stamp())
    policy = new_policy(
        policy_id=world.guid(),
        # This keeps the letter case of the account's name; the name of its collection does not (recorded 2021-10).
        name=f"policy_{policy_name or name}",
        collection=name,
        holders=holders or {},
        parent=parent,
    )
    catalog.policies[policy["id"]] = policy


def enter(call: Call) -> Catalog:
    """The data plane of the account in the path, for a caller who can reach it.

    Raises:
        ArmError: 404, 403 or 409: the account does not exist, it is closed, or its creation is under way.
        ConnectionReset: it is closed, and the emulator is set to reset such connections.
    """
    account = call.world.account_called(call["account"])
    if account is None:
        raise ArmError(404, "AccountNotFound", f"The account '{call['account']}' could not be found.")
    if account.properties.get("publicNetworkAccess") == "Disabled" and not is_inside(call.world, call.caller):
        if call.world.settings.answers.closed_account == "reset":
            raise ConnectionReset(delivered=False)
        raise ArmError(403, "Unauthorized", _CLOSED)
    if account.becoming is not None:
        # Until then the service writes its root policy (seen in public code; code and message are inferred).
        raise ArmError(409, "AccountNotReady", f"The account '{account.id.name}' is being created. Try again later.")
    return catalog_of(call.world, call.access, account)


def is_inside(world: World, caller: Caller) -> bool:
    """Whether a caller is inside the network of closed accounts."""
    return world.is_inside if caller.is_inside is None else caller.is_inside


def not_authorized(status: int = 403) -> ArmError:
    """The refusal of a caller without the role (seen in public questions)."""
    return ArmError(status, "Unauthorized", "Not authorized to access account")


def check(call: Call, catalog: Catalog, action: str, collection: str | None = None) -> None:
    """Refuse a caller without a role that allows an action on a collection, by default on the root.

    Raises:
        ArmError: 403.
    """
    if not catalog.allows(call.caller.object_id, action, collection or catalog.root):
        raise not_authorized()
