"""An export as Terraform: with HashiCorp's azurerm provider, or with Microsoft's azapi.

Arguments: the documentation and source of both providers. `import` blocks take over existing resources, because both
providers refuse to create them (their source).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from purview_mpe._export.hcl import Block, Code, Hcl, block_lines
from purview_mpe._export.identity import BY_SCRIPT
from purview_mpe._export.resources import (
    ENDPOINT_TYPE,
    NETWORK_TYPE,
    PRIVATE_ENDPOINT_TYPE,
    RUNTIME_TYPE,
    ZONE_GROUP_TYPE,
    ZONE_LINK_TYPE,
    ZONE_TYPE,
    Resource,
    one_line,
)
from purview_mpe._model.arm_id import ArmId

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from purview_mpe._azure.clients import Cloud
    from purview_mpe._export.resources import Bundle, Value

#: The providers' names for the clouds; public is their default (their documentation).
_ENVIRONMENTS: Mapping[Cloud, str] = {"us-government": "usgovernment", "china": "china"}
_AZURERM = {"source": "hashicorp/azurerm", "version": "~> 4.0"}
_AZAPI = {"source": "Azure/azapi", "version": "~> 2.0"}


def write_azurerm(bundle: Bundle) -> str:
    """The bundle for azurerm. azurerm has no resource for a managed virtual network, so azapi creates a missing one."""
    groups = {r.parent: r for r in bundle.resources if r.type == ZONE_GROUP_TYPE}
    blocks = [
        block
        for resource in bundle.declared
        if resource.type != ZONE_GROUP_TYPE
        for block in (_azapi(resource) if resource.type == NETWORK_TYPE else _azurerm(resource, groups))
    ]
    blocks += _identity(bundle)
    needs_azapi = bundle.onboards is not None or any(one.type == NETWORK_TYPE for one in bundle.declared)
    providers = {"azurerm": _AZURERM, **({"azapi": _AZAPI} if needs_azapi else {})}
    # azurerm builds the ids of new resources from the provider's subscription (its source).
    azurerm = Block("provider", ("azurerm",), _provider(bundle), (Block("features"),))
    azapi = [Block("provider", ("azapi",), _provider(bundle))] if needs_azapi and bundle.cloud in _ENVIRONMENTS else []
    return _file(bundle, providers, [azurerm, *azapi, *blocks])


def write_azapi(bundle: Bundle) -> str:
    """The bundle for azapi only."""
    provider = Block("provider", ("azapi",), _provider(bundle))
    blocks = [block for resource in bundle.declared for block in _azapi(resource)] + _identity(bundle)
    return _file(bundle, {"azapi": _AZAPI}, [provider, *blocks])


def _identity(bundle: Bundle) -> list[Block]:
    """The factory's managed identity. azapi reads the factory, sets the field and writes it back (its source).

    User-assigned identities are kept as read; only the type must name both kinds.
    """
    if (factory := bundle.onboards) is None:
        return []
    kind = f"{factory.type}@{factory.api_version}"
    read: dict[str, Hcl] = {"type": kind, "resource_id": factory.id, "response_export_values": ["identity"]}
    users = 'strcontains(try(data.azapi_resource.factory.output.identity.type, ""), "UserAssigned")'
    both = Code(f'{users} ? "SystemAssigned,UserAssigned" : "SystemAssigned"')
    written: dict[str, Hcl] = {"type": kind, "resource_id": factory.id, "body": {"identity": {"type": both}}}
    return [
        Block("data", ("azapi_resource", "factory"), read),
        Block("resource", ("azapi_update_resource", "factory_identity"), written, note=BY_SCRIPT),
    ]


def _provider(bundle: Bundle) -> dict[str, Hcl]:
    fields: dict[str, Hcl] = {"subscription_id": bundle.scope.subscription}
    if environment := _ENVIRONMENTS.get(bundle.cloud):
        fields["environment"] = environment
    return fields


def _file(bundle: Bundle, providers: Mapping[str, Hcl], blocks: Sequence[Block]) -> str:
    # Terraform 1.5 is the first version with import blocks; they are only allowed in a root module.
    terraform = Block("terraform", (), {"required_version": ">= 1.5"}, (Block("required_providers", (), providers),))
    lines = [
        f"# {one_line(bundle.title)}",
        *(f"# {one_line(note)}" for note in bundle.notes),
        "# A complete root module. If your configuration has the blocks terraform and provider, remove them here.",
    ]
    for block in (terraform, *blocks):
        lines += ["", *block_lines(block)]
    return "\n".join(lines) + "\n"


def _azapi(resource: Resource) -> list[Block]:
    fields: dict[str, Hcl] = {
        "type": f"{resource.type}@{resource.api_version}",
        "parent_id": _parent_id(resource),
        "name": resource.name,
    }
    if resource.location is not None:
        fields["location"] = resource.location
    fields["body"] = {"properties": _value(resource.properties)}
    if resource.after:
        fields["depends_on"] = [Code(_address(other)) for other in resource.after]
    return _with_import(resource, Block("resource", ("azapi_resource", _label(resource)), fields, note=_note(resource)))


def _parent_id(resource: Resource) -> Hcl:
    if isinstance(resource.parent, ArmId):
        return str(resource.parent)
    return resource.parent.id if resource.parent.existing else Code(f"{_address(resource.parent)}.id")


def _azurerm(resource: Resource, groups: _Groups) -> list[Block]:
    fields, blocks = _WRITERS[resource.type](resource, groups)
    parent = () if isinstance(resource.parent, ArmId) or resource.parent.existing else (resource.parent,)
    after = [*(other for other in parent if other.type == NETWORK_TYPE), *resource.after]
    if after:
        fields["depends_on"] = [Code(_azurerm_address(other)) for other in after]
    labels = (_AZURERM_TYPES[resource.type], _label(resource))
    return _with_import(resource, Block("resource", labels, fields, blocks, _note(resource)), _azurerm_address)


#: The zone group of each private endpoint: in azurerm it is a part of the endpoint.
_Groups: TypeAlias = "Mapping[Resource | ArmId, Resource]"
_Written: TypeAlias = "tuple[dict[str, Hcl], tuple[Block, ...]]"


def _managed_endpoint(resource: Resource, _: _Groups) -> _Written:
    # azurerm finds the managed virtual network by itself: a factory has only one (its source).
    properties: Any = resource.properties
    return {
        "name": resource.name,
        "data_factory_id": resource.id.partition("/managedVirtualNetworks/")[0],
        "target_resource_id": properties["privateLinkResourceId"],
        "subresource_name": properties["groupId"],
    }, ()


def _runtime(resource: Resource, _: _Groups) -> _Written:
    # `virtual_network_enabled` places it in the factory's managed virtual network (documentation).
    return {
        "name": resource.name,
        "data_factory_id": resource.id.partition("/integrationRuntimes/")[0],
        "location": "AutoResolve",
        "virtual_network_enabled": True,
    }, ()


def _private_endpoint(resource: Resource, groups: _Groups) -> _Written:
    properties: Any = resource.properties
    manual = "manualPrivateLinkServiceConnections" in properties
    (connection,) = properties["manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"]
    asked = connection["properties"]
    service: dict[str, Hcl] = {
        "name": connection["name"],
        "private_connection_resource_id": asked["privateLinkServiceId"],
        "subresource_names": asked["groupIds"],
        "is_manual_connection": manual,
    }
    if manual:
        service["request_message"] = asked["requestMessage"]
    group: Any = groups[resource].properties
    zones = [config["properties"]["privateDnsZoneId"] for config in group["privateDnsZoneConfigs"]]
    ids = [Code(f"{_azurerm_address(zone)}.id") if isinstance(zone, Resource) else zone for zone in zones]
    records = Block("private_dns_zone_group", (), {"name": groups[resource].name, "private_dns_zone_ids": ids})
    return {
        "name": resource.name,
        "resource_group_name": resource.group.resource_group,
        "location": resource.location or "",
        "subnet_id": properties["subnet"]["id"],
    }, (Block("private_service_connection", (), service), records)


def _zone(resource: Resource, _: _Groups) -> _Written:
    return {"name": resource.name, "resource_group_name": resource.group.resource_group}, ()


def _zone_link(resource: Resource, _: _Groups) -> _Written:
    properties: Any = resource.properties
    return {
        "name": resource.name,
        "resource_group_name": resource.group.resource_group,
        "private_dns_zone_name": Code(f"{_azurerm_address(_parent(resource))}.name"),
        "virtual_network_id": properties["virtualNetwork"]["id"],
        "registration_enabled": properties["registrationEnabled"],
    }, ()


def _parent(resource: Resource) -> Resource:
    assert isinstance(resource.parent, Resource), "a link lives in its zone"  # noqa: S101 - says so to type checkers
    return resource.parent


_AZURERM_TYPES = {
    ENDPOINT_TYPE: "azurerm_data_factory_managed_private_endpoint",
    RUNTIME_TYPE: "azurerm_data_factory_integration_runtime_azure",
    PRIVATE_ENDPOINT_TYPE: "azurerm_private_endpoint",
    ZONE_TYPE: "azurerm_private_dns_zone",
    ZONE_LINK_TYPE: "azurerm_private_dns_zone_virtual_network_link",
}
_WRITERS: dict[str, Callable[[Resource, _Groups], _Written]] = {
    ENDPOINT_TYPE: _managed_endpoint,
    RUNTIME_TYPE: _runtime,
    PRIVATE_ENDPOINT_TYPE: _private_endpoint,
    ZONE_TYPE: _zone,
    ZONE_LINK_TYPE: _zone_link,
}


def _with_import(resource: Resource, block: Block, address: Callable[[Resource], str] | None = None) -> list[Block]:
    if not resource.adopted:
        return [block]
    target = (address or _address)(resource)
    return [Block("import", (), {"to": Code(target), "id": resource.id}), block]


def _note(resource: Resource) -> str:
    return one_line(resource.note)


def _label(resource: Resource) -> str:
    return "_".join(resource.words)


def _address(resource: Resource) -> str:
    return f"azapi_resource.{_label(resource)}"


def _azurerm_address(resource: Resource) -> str:
    kind = _AZURERM_TYPES.get(resource.type)
    return f"{kind}.{_label(resource)}" if kind else _address(resource)


def _value(value: Value) -> Hcl:
    match value:
        case Resource():
            return Code(f"{_address(value)}.id")
        case bool() | str() | int():
            return value
        case Mapping():
            return {key: _value(item) for key, item in value.items()}
        case _:
            return [_value(item) for item in value]
