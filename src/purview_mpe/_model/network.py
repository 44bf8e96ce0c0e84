"""The customer's own network: where private endpoints go that are not Data Factory's, and how their names resolve."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias, cast, get_args

from pydantic import ConfigDict, field_validator
from pydantic_core import PydanticCustomError

from purview_mpe._model import naming, pasted
from purview_mpe._model.arm_id import ArmId, InvalidArmId, is_group_name
from purview_mpe._model.fields import PRIVATE_ENDPOINT_TYPE
from purview_mpe._model.public import public
from purview_mpe._model.spec import Noun
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Mapping


#: What the endpoints are for: lineage from self-hosted integration runtimes, or people who search from Studio.
Purpose: TypeAlias = Literal["self-hosted-runtime", "studio"]
PURPOSES: tuple[Purpose, ...] = cast("tuple[Purpose, ...]", get_args(Purpose))
DnsMode: TypeAlias = Literal["existing", "create", "none"]
Approval: TypeAlias = Literal["automatic", "manual"]

SUBNET_TYPE = "Microsoft.Network/virtualNetworks/subnets"
GROUP_TYPE = "Microsoft.Resources/resourceGroups"
_SUBNET = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-net"
    "/providers/Microsoft.Network/virtualNetworks/vnet-hub/subnets/snet-pe"
)
#: Public code (azurerm): 1 to 80 characters.
_NAME = re.compile(r"[A-Za-z0-9](?:[-\w.]{0,78}\w)?", re.ASCII)
_LOCATION = re.compile(r"[A-Za-z][A-Za-z0-9 ]{1,49}", re.ASCII)
#: A virtual network link's name has at most 80 characters (spec).
_LONGEST_LINK = 80

#: Zone names by cloud and group id (docs: "Azure Private Endpoint private DNS zone values"). Ingestion storage of
#: newer accounts has a host below `z##.blob.storage.azure.net`, whose public alias is `privatelink.blob.core…` all the
#: same (seen in a public recording). No page names Purview's zone in China: `account` there follows the other clouds
#: (inferred from its host name), and `portal` is left out; `platform` is named for the public cloud alone.
ZONES: Mapping[str, Mapping[str, str]] = {
    "public": {
        "account": "privatelink.purview.azure.com",
        "portal": "privatelink.purviewstudio.azure.com",
        "platform": "privatelink.purview-service.microsoft.com",
        "blob": "privatelink.blob.core.windows.net",
        "queue": "privatelink.queue.core.windows.net",
        "namespace": "privatelink.servicebus.windows.net",
    },
    "us-government": {
        "account": "privatelink.purview.azure.us",
        "portal": "privatelink.purviewstudio.azure.us",
        "blob": "privatelink.blob.core.usgovcloudapi.net",
        "queue": "privatelink.queue.core.usgovcloudapi.net",
        "namespace": "privatelink.servicebus.usgovcloudapi.net",
    },
    "china": {
        "account": "privatelink.purview.azure.cn",
        "blob": "privatelink.blob.core.chinacloudapi.cn",
        "queue": "privatelink.queue.core.chinacloudapi.cn",
        "namespace": "privatelink.servicebus.chinacloudapi.cn",
    },
}


@public("purview_mpe")
class Network(Noun):
    """A subnet of your own for private endpoints, and how names resolve in its virtual network.

    Constructing it checks everything that can be checked without asking Azure, and lists every wrong field at once.

    Args:
        subnet: Id of the subnet that the private endpoints go into.
        resource_group: Id or name of the resource group of the private endpoints; None means that of the virtual
            network.
        location: Azure region of the private endpoints; None means that of the virtual network.
        dns: `existing` uses private DNS zones that are linked to the virtual network, and refuses to go on if one is
            missing; `create` makes a zone and a link where none is linked; `none` leaves DNS to a policy or to you.
        zone_resource_group: Id or name of the resource group of zones to create; None means that of the endpoints.
            Zones of a hub are also searched in its subscription.
        approval: `automatic` has Azure approve each connection at once where the caller is allowed to approve it;
            `manual` always waits for the target's owner. Ingestion storage of newer accounts is always manual.

    Raises:
        InvalidSpec: a field is wrong.
    """

    model_config = ConfigDict(strict=True)

    subnet: str
    """Id of the subnet that the private endpoints go into."""
    resource_group: str | None = None
    """Id or name of the resource group of the private endpoints; None means that of the virtual network."""
    location: str | None = None
    """Azure region of the private endpoints; None means that of the virtual network."""
    dns: DnsMode = "existing"
    """How names resolve: by existing zones, by zones to create, or by other means."""
    zone_resource_group: str | None = None
    """Id or name of the resource group of zones to create; None means that of the endpoints. Zones of a hub are also
    searched in its subscription."""
    approval: Approval = "automatic"
    """Whether Azure approves connections at once where the caller is allowed to."""

    if TYPE_CHECKING:
        # An id may be a text or a parsed id, such as an emulator's.
        def __init__(
            self,
            *,
            subnet: str | ArmId,
            resource_group: str | ArmId | None = None,
            location: str | None = None,
            dns: DnsMode = "existing",
            zone_resource_group: str | ArmId | None = None,
            approval: Approval = "automatic",
        ) -> None: ...

    @field_validator("subnet", mode="before")
    @classmethod
    def _subnet_is_a_subnet(cls, value: object) -> str:
        found = _parsed(value, f"for example {_SUBNET}")
        if not found.is_a(SUBNET_TYPE):
            raise _problem(f"is the id of a {found.type}, not of a {SUBNET_TYPE}; for example {_SUBNET}")
        return str(found)

    @field_validator("resource_group", "zone_resource_group", mode="before")
    @classmethod
    def _group_is_a_group(cls, value: object) -> str | None:
        if value is None:
            return None
        text = str(value) if isinstance(value, (str, ArmId)) else value
        if isinstance(text, str) and "/" not in text.strip("/"):
            return _group_name(text)
        found = _parsed(value, "for example 'rg-net'")
        if not found.is_a(GROUP_TYPE):
            raise _problem(f"is the id of a {found.type}, not of a resource group; for example 'rg-net'")
        return str(found)

    @field_validator("location")
    @classmethod
    def _location_is_a_region(cls, value: str | None) -> str | None:
        if value is not None and not _LOCATION.fullmatch(value):
            raise _problem(f"{value[:60]!r} is not an Azure region, for example 'westeurope'")
        return value

    @property
    def subnet_id(self) -> ArmId:
        """The parsed id of the subnet."""
        return ArmId.parse(self.subnet)

    @property
    def virtual_network_id(self) -> ArmId:
        """The parsed id of the virtual network."""
        return self.subnet_id.outer

    @property
    def group_id(self) -> ArmId:
        """The parsed id of the resource group that the private endpoints go into."""
        return self._group(self.resource_group, self.subnet_id.group)

    @property
    def zone_group_id(self) -> ArmId:
        """The parsed id of the resource group that new private DNS zones go into."""
        return self._group(self.zone_resource_group, self.group_id)

    def _group(self, given: str | None, default: ArmId) -> ArmId:
        if given is None:
            return default
        return ArmId.parse(given) if "/" in given else ArmId(self.subnet_id.subscription, given)

    def endpoint_id(self, name: str) -> ArmId:
        """The id of a private endpoint in the resource group of the endpoints."""
        provider, kind = PRIVATE_ENDPOINT_TYPE.split("/")
        return self.group_id.in_group(provider, kind, name)

    def zone_id(self, zone: str) -> ArmId:
        """The id of a private DNS zone in the resource group of new zones."""
        return self.zone_group_id.in_group("Microsoft.Network", "privateDnsZones", zone)


def _parsed(value: object, example: str) -> ArmId:
    try:
        return pasted.parsed(str(value) if isinstance(value, ArmId) else value)
    except InvalidArmId as error:
        raise _problem(str(error).partition("; for example")[0] + f"; {example}") from None


def _group_name(text: str) -> str:
    if not text or not is_group_name(text) or naming.resource_group_problem(text):
        raise _problem(f"{text[:100]!r} is not the name of a resource group, for example 'rg-net'")
    return text


def _problem(rule: str) -> PydanticCustomError:
    return PydanticCustomError("rule", "{rule}", {"rule": rule})


def own_name(base: str, group_id: str) -> str:
    """The name of a private endpoint of the customer's own.

    Purview's page lists a customer's ingestion endpoints only if their names end in `-blob`, `-queue` or `-namespace`
    (comment in a template of Microsoft's).
    """
    return f"{base}-{group_id}"


def check_own_names(base: str, group_ids: tuple[str, ...]) -> None:
    """Refuse a base name that gives names which Microsoft.Network does not accept.

    Raises:
        InvalidSpec: a name breaks its rule.
    """
    for group_id in group_ids:
        if not _NAME.fullmatch(name := own_name(base, group_id)):
            rule = (
                f"the name derived for {group_id}: {name[:100]!r} must be 1 to 80 letters, digits and - _ . and begin "
                "with a letter or digit, for example 'purview-blob'"
            )
            raise InvalidSpec("Spec", [("name", rule)])


def link_name(network: str, taken: frozenset[str]) -> str:
    """A name for the link of a virtual network to a zone that no other link of the zone has."""
    name = base = f"link-{network}"[:_LONGEST_LINK]
    number = 2
    while name.casefold() in taken:
        name = f"{base[: _LONGEST_LINK - 4]}-{number}"
        number += 1
    return name
