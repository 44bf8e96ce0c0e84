"""The judge of networks and private DNS: every operation of the emulator conforms to Azure's OpenAPI files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from purview_mpe.emulator import Emulator, Fault

from .judging import judge
from .recorder import live_pair
from .test_traffic import ask

SPECS, OAV = os.environ.get("PURVIEW_MPE_NETWORK_SPECS"), os.environ.get("PURVIEW_MPE_CONFORMANCE_OAV")

VERSION, DNS = "2026-03-01", "2024-06-01"
ZONE = "privatelink.purview.azure.com"


class Traffic:
    """Every operation on networks, called once in a working order, and refusals."""

    def __init__(self, *faults: Fault) -> None:
        self.emulator = Emulator()
        self.seen: list[dict[str, Any]] = []
        self.emulator.observe(lambda one: self.seen.append({"faulty": one.is_faulty, **live_pair(one)}))
        self.base = f"/subscriptions/{self.emulator.subscription}/resourceGroups/rg1/providers/Microsoft.Network"
        for fault in faults:
            self.emulator.inject(fault)

    def ask(self, method: str, path: str, body: Any = None, version: str = VERSION) -> int:
        path = path if path.startswith("/subscriptions") else f"{self.base}/{path}"
        status, _ = ask(self.emulator, method, path, version, body)
        if method != "GET":
            self.emulator.clock.sleep(60)
        return status

    def run(self) -> None:
        self.networks()
        self.zones()
        self.endpoints()
        self.deletions()

    def networks(self) -> None:
        space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
        subnet = {"properties": {"addressPrefix": "10.0.1.0/24", "privateEndpointNetworkPolicies": "Disabled"}}
        body = {"location": "westeurope", "tags": {"team": "data"}, "properties": space}
        self.ask("PUT", "virtualNetworks/vnet", body)
        self.ask("PUT", "virtualNetworks/vnet", body)
        self.ask("PUT", "virtualNetworks/vnet/subnets/snet", subnet)
        self.ask("PUT", "virtualNetworks/vnet/subnets/spare", {"properties": {"addressPrefix": "10.0.2.0/24"}})
        for path in (
            "virtualNetworks",
            "virtualNetworks/vnet",
            "virtualNetworks/vnet/subnets",
            "virtualNetworks/absent",
        ):
            self.ask("GET", path)
        self.ask("GET", self.everywhere("virtualNetworks"))
        self.ask("GET", "virtualNetworks/vnet/subnets/snet")
        self.ask("GET", self.everywhere("locations/westeurope/availablePrivateEndpointTypes"))

    def zones(self) -> None:
        network = {"virtualNetwork": {"id": f"{self.base}/virtualNetworks/vnet"}, "registrationEnabled": False}
        link = {"location": "global", "properties": {**network, "resolutionPolicy": "NxDomainRedirect"}}
        for name in (ZONE, "spare.example"):
            self.ask("PUT", f"privateDnsZones/{name}", {"location": "global", "tags": {}}, DNS)
        self.ask("PUT", f"privateDnsZones/{ZONE}/virtualNetworkLinks/hub", link, DNS)
        self.ask("PUT", "privateDnsZones/single", {"location": "global"}, DNS)
        for path in (
            "",
            f"/{ZONE}",
            "/absent.example",
            f"/{ZONE}/virtualNetworkLinks",
            f"/{ZONE}/virtualNetworkLinks/hub",
        ):
            self.ask("GET", f"privateDnsZones{path}", version=DNS)
        self.ask("GET", self.everywhere("privateDnsZones"), version=DNS)

    def endpoints(self) -> None:
        self.ask("PUT", "privateEndpoints/pe", self.body(manual=False))
        self.ask("PUT", "privateEndpoints/pe", self.body(manual=False))
        self.ask("PUT", "privateEndpoints/pe-manual", self.body(manual=True))
        self.ask("PUT", "privateEndpoints/-", self.body(manual=True))
        config = {"name": "account", "properties": {"privateDnsZoneId": f"{self.base}/privateDnsZones/{ZONE}"}}
        groups = "privateEndpoints/pe/privateDnsZoneGroups"
        self.ask("PUT", f"{groups}/default", {"properties": {"privateDnsZoneConfigs": [config]}})
        for path in (
            "privateEndpoints",
            "privateEndpoints/pe",
            "privateEndpoints/pe-manual",
            "privateEndpoints/absent",
        ):
            self.ask("GET", path)
        self.ask("GET", self.everywhere("privateEndpoints"))
        self.ask("GET", "networkInterfaces/nic-own")
        for path in (groups, f"{groups}/default", "virtualNetworks/vnet"):
            self.ask("GET", path)
        for path in ("A", "A/pv1", "ALL"):
            self.ask("GET", f"privateDnsZones/{ZONE}/{path}", version=DNS)
        self.ask("DELETE", f"{groups}/default")

    def deletions(self) -> None:
        for path in ("privateEndpoints/pe", "privateEndpoints/pe", "privateEndpoints/pe-manual"):
            self.ask("DELETE", path)
        self.ask("DELETE", f"privateDnsZones/{ZONE}/virtualNetworkLinks/hub", version=DNS)
        self.ask("DELETE", f"privateDnsZones/{ZONE}", version=DNS)
        self.ask("DELETE", "virtualNetworks/vnet/subnets/spare")
        self.ask("DELETE", "virtualNetworks/vnet")

    def everywhere(self, path: str) -> str:
        return f"/subscriptions/{self.emulator.subscription}/providers/Microsoft.Network/{path}"

    def body(self, *, manual: bool) -> dict[str, Any]:
        given: dict[str, Any] = {"privateLinkServiceId": str(self.emulator.account), "groupIds": ["account"]}
        if manual:
            given["requestMessage"] = "for lineage"
        kind = "manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"
        subnet = {"id": f"{self.base}/virtualNetworks/vnet/subnets/snet"}
        return {
            "location": "westeurope",
            "properties": {
                "subnet": subnet,
                "customNetworkInterfaceName": "" if manual else "nic-own",
                kind: [{"name": "account", "properties": given}],
            },
        }


def test_the_traffic_has_every_operation():
    """Each route of Microsoft.Network except operation statuses is called and accepted at least once."""
    traffic = Traffic()
    traffic.run()
    wanted = {
        (route.method, re.sub(r"\{\w+\}", "[^/]+", route.template))
        for route in traffic.emulator.routes
        if "/Microsoft.Network/" in route.template and "peration" not in route.template
    }
    asked = [(one.method, one.path, one.status) for one in traffic.emulator.requests]
    missing = {
        (method, template)
        for method, template in wanted
        if not any(
            verb == method and re.fullmatch(template, path) and (status or 500) < 300 for verb, path, status in asked
        )
    }
    assert missing == set()


judged = pytest.mark.skipif(not (SPECS and OAV), reason="runs in: nox -s conformance -- --specs DIR")


def violations(*faults: Fault) -> list[str]:
    traffic = Traffic(*faults)
    traffic.run()
    return list(judge(traffic.seen, Path(str(SPECS)), Path(str(OAV)), faulty_too=True).violations)


@judged
def test_networks_conform_to_the_files():
    """No operation answers with anything that its file does not contain."""
    assert violations() == []


@judged
def test_broken_emulator_is_reported():
    """A wrong status, type or id is a violation."""
    found = violations(
        Fault.status("PUT", 202, path="*/privateEndpoints/pe"),
        Fault.rewrite("GET", lambda body: {**body, "tags": 7}, path="*/privateEndpoints/pe"),
        Fault.rewrite("GET", lambda body: {**body, "id": "/x"}, path=f"*/privateDnsZones/{ZONE}"),
        Fault.rewrite("GET", lambda body: {**body, "novelty": 1}, path="*/virtualNetworkLinks/hub"),
    )
    for operation, what in (
        ("PrivateEndpoints_CreateOrUpdate", "INVALID_RESPONSE_CODE"),
        ("PrivateEndpoints_Get", "INVALID_TYPE"),
        ("PrivateZones_Get", "the id is not the path"),
        ("VirtualNetworkLinks_Get", "OBJECT_ADDITIONAL_PROPERTIES"),
    ):
        assert any(one.startswith(operation) and what in one for one in found), (operation, found)
