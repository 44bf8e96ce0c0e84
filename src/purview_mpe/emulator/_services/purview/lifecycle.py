"""The life cycle of an account: its resources appear one after the other; changes and the deletion take time.

    PUT → Creating ──▶ resourceGroup ──▶ storageAccount ──▶ eventHubNamespace ──▶ Succeeded
          0 s          30 s              60 s               120 s                 150 s
    PATCH → Creating, with everything shown ──up to 60 s──▶ Succeeded
    DELETE → 202 with Location ──about 180 s──▶ gone

(Recorded 2023-03 on accounts with managed resources. It is inferred that ingestion storage appears together with the
other storage.)
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from purview_mpe.emulator._state import life, operations
from purview_mpe.emulator._state.nouns import Account, Resource
from purview_mpe.emulator._state.world import NAMESPACE_TYPE, STORAGE_TYPE
from purview_mpe.emulator._values.json_values import id_of, list_of, object_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.nouns import Operation
    from purview_mpe.emulator._state.world import World

Life: TypeAlias = Literal["creating", "changing", "deleting"]

# Fractions of the creation time, and the managed resource that appears at each.
_APPEARANCE = ((0.2, "resourceGroup"), (0.4, "storageAccount"), (0.8, "eventHubNamespace"))
_INGESTION_APPEARS = 0.4


def new_account(world: World, account_id: ArmId, body: Mapping[str, Any]) -> Account:
    """Add an account, with the storage accounts and namespaces that its JSON names."""
    body = deepcopy(dict(body))
    properties: dict[str, Any] = object_of(body.get("properties")) or {}
    listed = properties.pop("privateEndpointConnections", None)
    account = Account(account_id, {**body, "properties": properties}, world.serial())
    world.ensure_group(account_id, str(body.get("location", "")))
    world.accounts[account_id.key] = account
    ensure_targets(world, account)
    for item in list_of(listed) or ():
        _seed_connection(world, account_id, object_of(item) or {})
    return account


def begin_account(world: World, account_id: ArmId, body: Mapping[str, Any]) -> Account:
    """Begin the creation of an account; `body` is its JSON at the end."""
    becoming = deepcopy(dict(body))
    body = deepcopy(becoming)
    properties = body["properties"]
    managed = object_of(properties.pop("managedResources", None)) or {}
    ingestion = properties.pop("ingestionStorage", None)
    account = new_account(world, account_id, body)
    account.becoming = becoming
    _set_state(account, "Creating")
    seconds = world.seconds("account_creation")

    def at(part: float, act: Callable[[], None]) -> None:
        world.after(seconds * part, lambda: act() if _is(world, account, "Creating") else None)

    def show(name: str) -> Callable[[], None]:
        def act() -> None:
            account.properties.setdefault("managedResources", {})[name] = managed[name]
            ensure_targets(world, account)

        return act

    def show_ingestion() -> None:
        account.properties["ingestionStorage"] = ingestion
        ensure_targets(world, account)

    def finish() -> None:
        account.becoming = None
        _set_state(account, "Succeeded")

    for part, name in _APPEARANCE:
        if name in managed:
            at(part, show(name))
    if ingestion is not None:
        at(_INGESTION_APPEARS, show_ingestion)
    at(1.0, finish)
    return account


def change_account(world: World, account: Account) -> None:
    """Make an account show Creating for a while, with all its properties."""
    if account.properties.get("provisioningState") not in {"Succeeded", "Creating"}:
        return
    if account.properties["provisioningState"] == "Creating" and not account.changes:
        return  # the account is being created, or its creation never ends
    account.changes += 1
    number = account.changes
    _set_state(account, "Creating")

    def changed() -> None:
        if _is(world, account, "Creating") and account.changes == number:
            account.changes = 0
            _set_state(account, "Succeeded")

    world.after(world.seconds("account_change"), changed)


def life_of(account: Account) -> Life | None:
    """The state of an account's creation, change or deletion."""
    if account.properties.get("provisioningState") == "Deleting":
        return "deleting"
    if account.becoming is not None:
        return "creating"
    return "changing" if account.changes else None


def delete_account(world: World, account: Account) -> Operation:
    """Begin the deletion of an account."""
    _set_state(account, "Deleting")

    def gone() -> None:
        if world.accounts.get(account.id.key) is account:
            remove_account(world, account.id.key)

    return operations.begin(world, world.seconds("account_deletion"), gone)


def remove_account(world: World, key: str) -> bool:
    """Remove an account at once, with its managed resources. Gives whether it existed."""
    account = world.accounts.pop(key, None)
    if account is None:
        return False
    for target in (account.id, *managed_targets(account)):
        world.resources.pop(target.key, None)
        for connection in world.connections.pop(target.key, {}).values():
            life.drop_connection(world, connection)
    return True


def ensure_targets(world: World, account: Account) -> None:
    """Add the storage accounts and namespaces that an account's JSON names."""
    for target in managed_targets(account):
        ensure_target(world, str(target), str(account.body.get("location", "")), managed_by=str(account.id))


def ensure_target(world: World, target: Any, location: str, managed_by: str | None = None) -> Resource | None:
    """Add a storage account or namespace, if this is the id of one."""
    target_id = id_of(target)
    if target_id is None:
        return None
    if not target_id.is_a(STORAGE_TYPE) and not target_id.is_a(NAMESPACE_TYPE):
        return None
    known = world.resources.get(target_id.key)
    if known is None:
        world.ensure_group(target_id, location, managed_by)
        known = Resource(target_id, {"location": location, "createdAt": world.stamp()}, world.serial())
        world.resources[target_id.key] = known
    return known


def managed_targets(account: Account) -> list[ArmId]:
    """The valid ids of storage accounts and the namespace in an account's JSON."""
    managed = object_of(account.properties.get("managedResources")) or {}
    ingestion = object_of(account.properties.get("ingestionStorage")) or {}
    found: list[ArmId] = []
    for given in (managed.get("storageAccount"), managed.get("eventHubNamespace"), ingestion.get("id")):
        target = id_of(given)
        if target is not None and (target.is_a(STORAGE_TYPE) or target.is_a(NAMESPACE_TYPE)):
            found.append(target)
    return found


def _is(world: World, account: Account, state: str) -> bool:
    is_there = world.accounts.get(account.id.key) is account
    return is_there and account.properties.get("provisioningState") == state


def _set_state(account: Account, state: str) -> None:
    account.properties["provisioningState"] = state
    status = object_of(account.properties.get("accountStatus"))
    if status is not None:
        status["accountProvisioningState"] = state


def _seed_connection(world: World, account_id: ArmId, item: Mapping[str, Any]) -> None:
    properties = object_of(item.get("properties")) or {}
    state = object_of(properties.get("privateLinkServiceConnectionState")) or {}
    endpoint = object_of(properties.get("privateEndpoint")) or {}
    name = item.get("name")
    life.add_connection(
        world,
        account_id,
        private_endpoint_id=str(endpoint.get("id", "")),
        group_id="account",
        description=state.get("description"),
        status=str(state.get("status", "Pending")),
        name=name if isinstance(name, str) else None,
    )
