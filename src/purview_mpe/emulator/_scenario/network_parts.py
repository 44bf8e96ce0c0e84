"""The parts of a scenario that describe the customer's networks."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from purview_mpe.emulator._scenario.parts import Flag, Guid, Number, Object, Part, Text, brief, one_of, said
from purview_mpe.emulator._values.json_values import object_of

ResolutionPolicy = Literal["Default", "NxDomainRedirect"]
NetworkPolicies = Literal["Disabled", "Enabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled"]
PrivateEndpointState = Literal["Succeeded", "Failed", "Updating", "Deleting"]


def _short_for(key: str) -> BeforeValidator:
    """A text in place of an object with only this key."""

    def read(value: Any) -> Any:
        if isinstance(value, str):
            return {key: value}
        if object_of(value) is None:
            raise said(f"must be a text or an object, not {brief(value)}")
        return value

    return BeforeValidator(read)


class SubnetPart(Part):
    """A subnet."""

    examples: ClassVar[dict[str, Any]] = {"name": "snet-pe"}

    name: Text
    prefix: Text | None = None
    network_policies: Annotated[NetworkPolicies, one_of(NetworkPolicies)] = "Disabled"


class VirtualNetworkPart(Part):
    """A virtual network."""

    examples: ClassVar[dict[str, Any]] = {"name": "vnet-hub"}

    name: Text
    subscription: Guid | None = None
    resource_group: Text = "rg-net"
    location: Text | None = None
    address_prefixes: tuple[Text, ...] = ("10.0.0.0/16",)
    subnets: tuple[Annotated[SubnetPart, _short_for("name")], ...] = ()
    tags: Object = Field(default_factory=dict)


class LinkPart(Part):
    """A link of a virtual network to a private DNS zone."""

    examples: ClassVar[dict[str, Any]] = {"network": "vnet-hub"}

    network: Text
    name: Text | None = None
    resolution_policy: Annotated[ResolutionPolicy, one_of(ResolutionPolicy)] = "Default"
    registration_enabled: Flag = False
    tags: Object = Field(default_factory=dict)


class ZonePart(Part):
    """A private DNS zone."""

    examples: ClassVar[dict[str, Any]] = {"name": "privatelink.purview.azure.com"}

    name: Text
    subscription: Guid | None = None
    resource_group: Text = "rg-net"
    linked_to: tuple[Annotated[LinkPart, _short_for("network")], ...] = ()
    records: dict[str, Text] = Field(default_factory=dict)
    tags: Object = Field(default_factory=dict)


class PrivateConnectionPart(Part):
    """The connection of a private endpoint on its target."""

    examples: ClassVar[dict[str, Any]] = {"name": "pe-1-00000000-0000-0000-0000-000000000003"}

    name: Text
    description: str | None = None


class ZoneGroupPart(Part):
    """The zone group of a private endpoint."""

    examples: ClassVar[dict[str, Any]] = {"zones": ["privatelink.purview.azure.com"]}

    name: Text = "default"
    zones: tuple[Text, ...]
    provisioning_state: Annotated[PrivateEndpointState, one_of(PrivateEndpointState)] = "Succeeded"


class PrivateEndpointPart(Part):
    """A private endpoint in a subnet of the customer."""

    examples: ClassVar[dict[str, Any]] = {
        "name": "contoso-account",
        "subnet": "vnet-hub/snet-pe",
        "target": "contoso",
        "group_id": "account",
    }

    name: Text
    subnet: Text
    target: Text
    group_id: Text
    resource_group: Text | None = None
    manual: Flag = False
    request_message: str = ""
    provisioning_state: Annotated[PrivateEndpointState, one_of(PrivateEndpointState)] = "Succeeded"
    status: Text = "Approved"
    address: Text | None = None
    connection: PrivateConnectionPart | None = None
    zone_group: ZoneGroupPart | None = None
    tags: Object = Field(default_factory=dict)


class ZonePolicyPart(Part):
    """A company's policy that adds zone groups."""

    examples: ClassVar[dict[str, Any]] = {"group_id": "account", "zone": "privatelink.purview.azure.com"}

    group_id: Text
    zone: Text
    after: Number = 0.0


class NetworkParts(Part):
    """The networks of a scenario."""

    virtual_networks: tuple[VirtualNetworkPart, ...] = ()
    private_dns_zones: tuple[ZonePart, ...] = ()
    private_endpoints: tuple[PrivateEndpointPart, ...] = ()
    zone_policies: tuple[ZonePolicyPart, ...] = ()
