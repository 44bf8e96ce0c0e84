"""The JSON of a Purview account in each observed shape.

| shape | managed storage | managed namespace | ingestion storage |
|---|---|---|---|
| A | yes | yes | |
| B | yes | | |
| C | | | yes |
| D | | yes | yes |
| E | yes | | yes |
| F | | | |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from purview_mpe._model.arm_id import ArmId
from purview_mpe.emulator._http.hosts import DOMAINS
from purview_mpe.emulator._values.json_values import region_of

if TYPE_CHECKING:
    from purview_mpe.emulator._state.world import World

Shape = Literal["A", "B", "C", "D", "E", "F"]
Firewall = Literal["enabled-from-all-networks", "disabled-for-ingestion-only", "disabled-from-all-networks"]
NamespaceAbsence = Literal["absent", "null", "empty", "disabled"]

# publicNetworkAccess of the account, and of its ingestion storage.
_FIREWALLS: dict[Firewall, tuple[str, str]] = {
    "enabled-from-all-networks": ("Enabled", "Enabled"),
    "disabled-for-ingestion-only": ("Enabled", "Disabled"),
    "disabled-from-all-networks": ("Disabled", "Disabled"),
}
# The contents of the account's JSON: managed storage, managed namespace, ingestion storage.
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
    tenant_level: bool = False,
) -> dict[str, Any]:
    """The JSON of an account of a shape, as the service would create it."""
    if shape not in _SHAPES:
        raise ValueError(f"{shape!r} is not a shape of an account; the shapes are {', '.join(_SHAPES)}")
    if firewall not in _FIREWALLS:
        raise ValueError(f"{firewall!r} is not a firewall setting; the settings are {', '.join(_FIREWALLS)}")
    storage, namespace, ingestion = _SHAPES[shape]
    public, ingesting = _FIREWALLS[firewall]
    host = f"https://{account_id.name.lower()}.purview.azure.{DOMAINS[world.settings.cloud]}"
    if tenant_level:
        host = f"https://{world.tenant}-api.purview-service.microsoft.com"
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
    if tenant_level:
        properties |= {"tenantEndpointState": "Enabled", "defaultDomain": account_id.name.lower()}
    if storage or namespace:
        properties |= _managed_resources(world, account_id, region_of(location), storage=storage, namespace=namespace)
    if storage and not namespace:
        if namespace_absence == "disabled":
            properties["managedEventHubState"] = "Disabled"
        elif namespace_absence != "absent":
            properties["managedResources"]["eventHubNamespace"] = None if namespace_absence == "null" else ""
    if ingestion:
        properties["ingestionStorage"] = _ingestion_storage(world, region_of(location), ingesting)
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


def _managed_resources(
    world: World, account_id: ArmId, region: str, *, storage: bool, namespace: bool
) -> dict[str, Any]:
    """The account's properties for its managed resources."""
    group = ArmId(account_id.subscription, f"managed-rg-{account_id.name.lower()}")
    managed: dict[str, Any] = {"resourceGroup": str(group)}
    if storage:
        name = f"scan{region[:13]}{world.letters(7)}"
        managed["storageAccount"] = str(group.in_group("Microsoft.Storage", "storageAccounts", name))
    if namespace:
        managed["eventHubNamespace"] = str(new_namespace_id(world, group))
    return {"managedResourceGroupName": group.resource_group, "managedResources": managed}


def _ingestion_storage(world: World, region: str, public_access: str) -> dict[str, Any]:
    """The ingestion storage of a newer account; it is in a subscription of Microsoft (inferred)."""
    name = f"ingestion{region[:8]}{world.letters(7)}"
    group = ArmId(world.microsoft_subscription().id, f"ingestion-storage-rg-{world.letters(7)}")
    domain = f"z{world.random.randrange(1, 60)}.blob.storage.azure.net"
    if world.settings.answers.ingestion_host == "core":
        domain = "blob.core.windows.net"
    return {
        "id": str(group.in_group("Microsoft.Storage", "storageAccounts", name)),
        "primaryEndpoint": f"https://{name}.{domain}/",
        "publicNetworkAccess": public_access,
    }


def new_namespace_id(world: World, group: ArmId) -> ArmId:
    """The id of a new managed namespace in a managed resource group."""
    return group.in_group("Microsoft.EventHub", "namespaces", f"atlas-{world.guid()}")
