"""The JSON of a private endpoint and of its network interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._services.network import lives
from purview_mpe.emulator._services.network.common import PROVIDER

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.networking import PrivateEndpoint
    from purview_mpe.emulator._state.world import World


def shown_endpoint(world: World, endpoint: PrivateEndpoint) -> dict[str, Any]:
    """The JSON of an endpoint."""
    status, description = lives.connection_status(world, endpoint)
    connection: dict[str, Any] = {
        "name": endpoint.connection_name,
        "id": f"{endpoint.id}/{_list_name(endpoint)}/{endpoint.connection_name}",
        "etag": f'W/"{endpoint.etag}"',
        "type": f"{PROVIDER}/privateEndpoints/{_list_name(endpoint)}",
        "properties": {
            "provisioningState": "Succeeded",
            "privateLinkServiceId": endpoint.target,
            "groupIds": [endpoint.group_id],
            "privateLinkServiceConnectionState": {
                "status": status,
                "description": description,
                "actionsRequired": "None",
            },
        },
    }
    if endpoint.is_manual:
        connection["properties"]["requestMessage"] = endpoint.request_message
    is_there = endpoint.provisioning_state == "Succeeded"
    properties: dict[str, Any] = {
        "provisioningState": endpoint.provisioning_state,
        "privateLinkServiceConnections": [] if endpoint.is_manual else [connection],
        "manualPrivateLinkServiceConnections": [connection] if endpoint.is_manual else [],
        "customNetworkInterfaceName": endpoint.body["interface"],
        "subnet": {"id": endpoint.subnet},
        "ipConfigurations": [],
        "networkInterfaces": [{"id": str(interface_id_of(endpoint))}] if is_there else [],
        "customDnsConfigs": [],
    }
    if is_there and not endpoint.zone_groups:
        properties["customDnsConfigs"] = [{"fqdn": lives.host_of(world, endpoint), "ipAddresses": [endpoint.address]}]
    return {
        "name": endpoint.id.name,
        "id": str(endpoint.id),
        "etag": f'W/"{endpoint.etag}"',
        "type": f"{PROVIDER}/privateEndpoints",
        "location": endpoint.body["location"],
        "tags": endpoint.body["tags"],
        "properties": properties,
    }


def interface_id_of(endpoint: PrivateEndpoint) -> ArmId:
    """The id of an endpoint's network interface: its custom name, or one made from the endpoint's."""
    name = endpoint.body["interface"] or f"{endpoint.id.name}.nic.{endpoint.body['guid']}"
    return endpoint.id.in_group(PROVIDER, "networkInterfaces", name)


def shown_interface(world: World, endpoint: PrivateEndpoint) -> dict[str, Any]:
    """The JSON of an endpoint's network interface."""
    interface_id = interface_id_of(endpoint)
    member = {
        "groupId": endpoint.group_id,
        "requiredMemberName": endpoint.group_id,
        "fqdns": [lives.host_of(world, endpoint)],
    }
    configuration: dict[str, Any] = {
        "id": str(interface_id.child("ipConfigurations", "private")),
        "name": "private",
        "type": f"{PROVIDER}/networkInterfaces/ipConfigurations",
        "properties": {
            "provisioningState": "Succeeded",
            "primary": True,
            "privateIPAddress": endpoint.address,
            "privateIPAllocationMethod": "Dynamic",
            "privateIPAddressVersion": "IPv4",
            "subnet": {"id": endpoint.subnet},
            "privateLinkConnectionProperties": member,
        },
    }
    return {
        "id": str(interface_id),
        "name": interface_id.name,
        "type": f"{PROVIDER}/networkInterfaces",
        "location": endpoint.body["location"],
        "properties": {
            "provisioningState": "Succeeded",
            "ipConfigurations": [configuration],
            "privateEndpoint": {"id": str(endpoint.id)},
        },
    }


def _list_name(endpoint: PrivateEndpoint) -> str:
    return "manualPrivateLinkServiceConnections" if endpoint.is_manual else "privateLinkServiceConnections"
