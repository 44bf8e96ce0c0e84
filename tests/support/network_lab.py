"""An emulator with a virtual network, and plain requests to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from purview_mpe.emulator import Emulator

NETWORK = "2026-03-01"
DNS = "2024-06-01"
PURVIEW = "2021-12-01"
NEWER = "2024-04-01-preview"
ACCOUNT_ZONE = "privatelink.purview.azure.com"


@dataclass
class Lab:
    """An emulator with one virtual network, and plain requests to it."""

    emulator: Emulator
    arm: Any

    def __post_init__(self):
        self.network = self.emulator.networks.add_virtual_network("vnet-hub", subnets=["snet-pe", "snet-two"])
        self.subnet = self.network.child("subnets", "snet-pe")

    def path(self, name: str) -> str:
        return f"/subscriptions/{self.emulator.subscription}/resourceGroups/rg-net/providers/Microsoft.Network/{name}"

    def endpoint(self, name: str) -> str:
        return self.path(f"privateEndpoints/{name}")

    def body(self, target: Any, group: str, *, manual: bool = False, subnet: Any = None, **more: Any) -> dict[str, Any]:
        given = {"privateLinkServiceId": str(target), "groupIds": [group], **more}
        kind = "manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"
        return {
            "location": "westeurope",
            "properties": {
                "subnet": {"id": str(subnet or self.subnet)},
                kind: [{"name": "to-target", "properties": given}],
            },
        }

    def put(self, name: str, target: Any, group: str, *, arm: Any = None, **more: Any) -> Any:
        return (arm or self.arm).put(self.endpoint(name), self.body(target, group, **more), version=NETWORK)

    def get(self, path: str, version: str = NETWORK) -> Any:
        return self.arm.get(path, version=version)

    def made(self, name: str, target: Any, group: str, **more: Any) -> dict[str, Any]:
        """A private endpoint after its operation has ended."""
        answer = self.put(name, target, group, **more)
        assert answer.status_code == 201, answer.json()
        self.emulator.clock.sleep(50)
        return self.get(self.endpoint(name)).json()

    def status(self, answer: Any) -> dict[str, Any]:
        """The state of the operation that this answer started."""
        address = answer.headers["Azure-AsyncOperation"]
        return self.arm.send("GET", address, version=None).json()

    def end(self, answer: Any) -> dict[str, Any]:
        """The state of the operation after it has ended."""
        self.emulator.clock.sleep(60)
        return self.status(answer)

    def zone(self, name: str = ACCOUNT_ZONE) -> str:
        return self.path(f"privateDnsZones/{name}")

    def put_group(self, endpoint: str, *zones: Any, name: str = "default", arm: Any = None) -> Any:
        configs = [{"name": f"config-{i}", "properties": {"privateDnsZoneId": str(z)}} for i, z in enumerate(zones)]
        path = f"{self.endpoint(endpoint)}/privateDnsZoneGroups/{name}"
        return (arm or self.arm).put(path, {"properties": {"privateDnsZoneConfigs": configs}}, version=NETWORK)

    def link(self, zone: str, name: str = "hub", *, network: Any = None, arm: Any = None, **more: Any) -> Any:
        properties = {"registrationEnabled": False, "virtualNetwork": {"id": str(network or self.network)}, **more}
        body = {"location": "global", "properties": properties}
        return (arm or self.arm).put(f"{zone}/virtualNetworkLinks/{name}", body, version=DNS)


def code_of(answer: Any) -> str:
    return answer.json()["error"]["code"]


def error_of(operation: dict[str, Any]) -> str:
    assert operation["status"] == "Failed"
    return operation["error"]["code"]
