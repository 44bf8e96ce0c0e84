"""Microsoft.Purview: accounts, in the shape that each api-version gives them."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Literal

from purview_mpe._arm_id import ArmId, InvalidArmId
from purview_mpe.emulator import _connections, _life
from purview_mpe.emulator._call import not_found
from purview_mpe.emulator._exchange import Response, list_of, object_of
from purview_mpe.emulator._nouns import Account, Resource
from purview_mpe.emulator._router import Route
from purview_mpe.emulator._versions import PURVIEW as V
from purview_mpe.emulator._versions import hidden_account_properties, shows_guardian
from purview_mpe.emulator._world import NAMESPACE_TYPE, STORAGE_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe.emulator._call import Call
    from purview_mpe.emulator._world import World

PROVIDER = "Microsoft.Purview"

Shape = Literal["A", "B", "C", "D", "E", "F"]
Firewall = Literal["enabled-from-all-networks", "disabled-for-ingestion-only", "disabled-from-all-networks"]
NamespaceAbsence = Literal["absent", "null", "empty", "disabled"]

# publicNetworkAccess of the account, and of what it ingests through.
_FIREWALLS: dict[Firewall, tuple[str, str]] = {
    "enabled-from-all-networks": ("Enabled", "Enabled"),
    "disabled-for-ingestion-only": ("Enabled", "Disabled"),
    "disabled-from-all-networks": ("Disabled", "Disabled"),
}
# What the account's JSON shows: managed storage, managed namespace, ingestion storage.
_SHAPES: dict[Shape, tuple[bool, bool, bool]] = {
    "A": (True, True, False),
    "B": (True, False, False),
    "C": (False, False, True),
    "D": (False, True, True),
    "E": (True, False, True),
    "F": (False, False, False),
}


def account_body(
    world: World,
    account_id: ArmId,
    *,
    shape: Shape,
    firewall: Firewall,
    location: str,
    namespace_absence: NamespaceAbsence = "absent",
) -> dict[str, Any]:
    """The JSON of an account of a shape, as a service would have made it."""
    storage, namespace, ingestion = _SHAPES[shape]
    public, ingesting = _FIREWALLS[firewall]
    region = "".join(location.lower().split())
    host = f"https://{account_id.name.lower()}.purview.azure.com"
    managed: dict[str, Any] = {}
    properties: dict[str, Any] = {
        "friendlyName": account_id.name,
        "createdAt": world.stamp(),
        "createdBy": "emulator",
        "createdByObjectId": world.guid(),
        "provisioningState": "Creating" if shape == "F" else "Succeeded",
        "accountStatus": {"accountProvisioningState": "Creating" if shape == "F" else "Succeeded"},
        "endpoints": {"catalog": f"{host}/catalog", "scan": f"{host}/scan", "guardian": f"{host}/guardian"},
        "publicNetworkAccess": public,
        "managedResourcesPublicNetworkAccess": ingesting,
        "managedEventHubState": "Enabled" if namespace else "NotSpecified",
    }
    if storage or namespace:
        group = ArmId(account_id.subscription, f"managed-rg-{account_id.name.lower()}")
        properties["managedResourceGroupName"] = group.resource_group
        managed["resourceGroup"] = str(group)
        if storage:
            managed["storageAccount"] = str(
                group.in_group("Microsoft.Storage", "storageAccounts", f"scan{region[:13]}{world.letters(7)}")
            )
        if namespace:
            managed["eventHubNamespace"] = str(
                group.in_group("Microsoft.EventHub", "namespaces", f"atlas-{world.guid()}")
            )
        properties["managedResources"] = managed
    if storage and not namespace:
        if namespace_absence == "disabled":
            properties["managedEventHubState"] = "Disabled"
        elif namespace_absence != "absent":
            managed["eventHubNamespace"] = None if namespace_absence == "null" else ""
    if ingestion:
        name = f"ingestion{region[:8]}{world.letters(7)}"
        # It lives in a subscription of Microsoft (inferred).
        group = ArmId(world.microsoft_subscription().id, f"ingestion-storage-rg-{world.letters(7)}")
        properties["ingestionStorage"] = {
            "id": str(group.in_group("Microsoft.Storage", "storageAccounts", name)),
            "primaryEndpoint": f"https://{name}.z{world.random.randrange(1, 60)}.blob.storage.azure.net/",
            "publicNetworkAccess": ingesting,
        }
    return {
        "id": str(account_id),
        "name": account_id.name,
        "type": "Microsoft.Purview/accounts",
        "location": location,
        "sku": {"name": "Standard", "capacity": 1},
        "identity": {"type": "SystemAssigned", "principalId": world.guid(), "tenantId": world.tenant},
        "tags": {},
        "systemData": {
            "createdAt": world.stamp(),
            "createdBy": "emulator",
            "createdByType": "User",
            "lastModifiedAt": world.stamp(),
            "lastModifiedBy": "emulator",
            "lastModifiedByType": "User",
        },
        "properties": properties,
    }


def new_account(world: World, account_id: ArmId, body: Mapping[str, Any]) -> Account:
    """Make an account exist, with the storage accounts and namespaces that its JSON names."""
    properties: dict[str, Any] = dict(object_of(body.get("properties")) or {})
    listed = properties.pop("privateEndpointConnections", None)
    account = Account(account_id, {**body, "properties": properties}, world.serial())
    world.ensure_group(account_id, str(body.get("location", "")))
    world.accounts[account_id.key] = account
    managed = object_of(properties.get("managedResources")) or {}
    ingestion = object_of(properties.get("ingestionStorage")) or {}
    for target in (managed.get("storageAccount"), managed.get("eventHubNamespace"), ingestion.get("id")):
        ensure_target(world, target, str(body.get("location", "")), managed_by=str(account_id))
    for item in list_of(listed) or ():
        _seed_connection(world, account_id, object_of(item) or {})
    return account


def ensure_target(world: World, target: Any, location: str, managed_by: str | None = None) -> Resource | None:
    """Make a storage account or namespace exist, if this is the id of one."""
    try:
        target_id = ArmId.parse(target)
    except InvalidArmId:
        return None
    if not target_id.is_a(STORAGE_TYPE) and not target_id.is_a(NAMESPACE_TYPE):
        return None
    known = world.resources.get(target_id.key)
    if known is None:
        world.ensure_group(target_id, location, managed_by)
        known = Resource(target_id, {"location": location, "createdAt": world.stamp()}, world.serial())
        world.resources[target_id.key] = known
    return known


def _seed_connection(world: World, account_id: ArmId, item: Mapping[str, Any]) -> None:
    properties = object_of(item.get("properties")) or {}
    state = object_of(properties.get("privateLinkServiceConnectionState")) or {}
    endpoint = object_of(properties.get("privateEndpoint")) or {}
    name = item.get("name")
    _life.add_connection(
        world,
        account_id,
        private_endpoint_id=str(endpoint.get("id", "")),
        group_id="account",
        description=state.get("description"),
        status=str(state.get("status", "Pending")),
        name=name if isinstance(name, str) else None,
    )


def shown_account(world: World, account: Account, api_version: str) -> dict[str, Any]:
    """The JSON of an account in one api-version."""
    hidden = hidden_account_properties(api_version)
    properties = {key: value for key, value in account.properties.items() if key not in hidden}
    endpoints = object_of(properties.get("endpoints"))
    if endpoints is not None and not shows_guardian(api_version):
        properties["endpoints"] = {key: value for key, value in endpoints.items() if key != "guardian"}
    properties["privateEndpointConnections"] = [
        _connections.shown_connection(connection) for connection in world.connections_of(account.id).values()
    ]
    shown = copy(account.body)
    shown["properties"] = properties
    return shown


def find_account(call: Call) -> Account:
    """The account in the path."""
    account_id = call.id(PROVIDER, "accounts", call["account"])
    account = call.world.accounts.get(account_id.key)
    if account is None:
        raise not_found(account_id)
    return account


def _list_accounts(call: Call) -> Response:
    return call.page(
        call.located(call.world.accounts.values()),
        lambda account: account.serial,
        lambda account: shown_account(call.world, account, call.api_version),
    )


def _get_account(call: Call) -> Response:
    return Response(200, shown_account(call.world, find_account(call), call.api_version))


def _target(call: Call) -> ArmId:
    return find_account(call).id


# The groups and their zones (documentation).
_ZONES = {
    "account": "privatelink.purview.azure.com",
    "portal": "privatelink.purviewstudio.azure.com",
    "platform": "privatelink.purview-service.microsoft.com",
}

_ALL = "/subscriptions/{subscription}/providers/Microsoft.Purview/accounts"
_ACCOUNTS = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Purview/accounts"
_ACCOUNT = f"{_ACCOUNTS}/{{account}}"
_ACTION = "Microsoft.Purview/accounts"

ROUTES = (
    Route("GET", _ALL, V, _list_accounts, f"{_ACTION}/read"),
    Route("GET", _ACCOUNTS, V, _list_accounts, f"{_ACTION}/read"),
    Route("GET", _ACCOUNT, V, _get_account, f"{_ACTION}/read"),
    *_connections.routes(
        _ACCOUNT, V, _target, action=_ACTION, approval="PrivateEndpointConnectionsApproval", zones=_ZONES
    ),
)
