"""Emulators with a virtual network of the customer, and its state at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.core.rest import HttpRequest

from purview_mpe import Network
from purview_mpe.emulator import Emulator
from tests.support.colours import spec_for

if TYPE_CHECKING:
    from purview_mpe import Report, Spec
    from purview_mpe._model.arm_id import ArmId

#: The zones of the group ids, as documented.
ZONES = (
    "privatelink.purview.azure.com",
    "privatelink.purviewstudio.azure.com",
    "privatelink.blob.core.windows.net",
    "privatelink.queue.core.windows.net",
    "privatelink.servicebus.windows.net",
)
SHIR = "self-hosted-runtime"
PURPOSES = (SHIR, "studio")


@dataclass(frozen=True)
class Place:
    """An emulator, with a spec and a network for it."""

    azure: Emulator
    spec: Spec
    network: Network
    virtual_network: ArmId

    @property
    def subnet(self) -> ArmId:
        """The subnet of the network."""
        return self.network.subnet_id

    def with_zones(self, *, linked: bool = True, group: str = "rg-dns") -> Place:
        """The same place with all zones, in the resource group of a hub."""
        for zone in ZONES:
            links = [self.virtual_network] if linked else []
            self.azure.networks.add_private_dns_zone(zone, linked_to=links, resource_group=group)
        return self


def a_place(shape: str = "A", dns: str = "create", *, fields: dict[str, Any] | None = None, **options: Any) -> Place:
    """A network with one subnet; `fields` are those of Network, the others those of the emulator."""
    azure = Emulator(shape=shape, **options)
    virtual_network = azure.networks.add_virtual_network()
    network = Network(subnet=virtual_network.child("subnets", "snet-pe"), dns=dns, **(fields or {}))
    return Place(azure, spec_for(azure), network, virtual_network)


def results(report: Report) -> dict[str, list[str]]:
    """The results of a report by subject, in order."""
    found: dict[str, list[str]] = {}
    for one in report.outcomes:
        found.setdefault(one.subject, []).append(one.result)
    return found


def end_state(azure: Emulator) -> dict[str, object]:
    """The content of the network, without random values."""
    networks = azure.networks
    return {
        "endpoints": sorted(
            (str(one.id), str(one.subnet), one.target.casefold(), one.group_id, one.status, one.provisioning_state)
            for one in networks.private_endpoints()
        ),
        "groups": sorted((str(one.id), one.zone_groups) for one in networks.private_endpoints()),
        "zones": sorted(
            (str(one.id), tuple(map(str, one.linked_to)), tuple(sorted(one.records)))
            for one in networks.private_dns_zones()
        ),
        "connections": sorted((str(one.target), one.status) for one in azure.connections()),
    }


def signatures(azure: Emulator) -> set[str]:
    """The signed part of every URL that was followed."""
    return {
        value
        for request in azure.requests
        if "/operations/" in request.path.casefold()
        for name, value in request.query.items()
        if name in {"c", "s", "h"}
    }


def sent(azure: Emulator, method: str, resource: ArmId, body: Any = None) -> Any:
    """The answer to one request from another program about a resource of Microsoft.Network."""
    url = f"https://management.azure.com{resource}?api-version=2024-03-01"
    token = azure.credential.get_token("https://management.azure.com/.default").token
    request = HttpRequest(method, url, headers={"Authorization": f"Bearer {token}"}, json=body)
    answer = azure.transport().send(request)
    assert answer.status_code < 300
    return answer.json() if method == "GET" else None
