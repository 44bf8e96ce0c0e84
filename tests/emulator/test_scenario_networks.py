"""Networks in a scenario, which are validated when read and can be written."""

from __future__ import annotations

import json

import pytest

from purview_mpe.emulator import Emulator, InvalidScenario

NETWORKS = {
    "accounts": [{"name": "contoso"}, {"name": "fabrikam", "shape": "C"}],
    "networks": {"virtual_networks": [
        {"name": "vnet-hub", "subnets": ["snet-pe", {"name": "old", "prefix": "10.9.0.0/26", "network_policies": "Enabled"}], "tags": {"a": "b"}},
        {"name": "vnet-spoke", "resource_group": "rg-spoke", "location": "northeurope", "address_prefixes": ["10.1.0.0/16"]},
    ],
    "private_dns_zones": [
        {
            "name": "privatelink.purview.azure.com",
            "linked_to": ["vnet-hub", {"network": "vnet-spoke", "name": "spoke", "resolution_policy": "NxDomainRedirect", "registration_enabled": True}],
            "records": {"other": "10.2.0.9"},
        },
    ],
    "private_endpoints": [
        {"name": "pe-ready", "subnet": "vnet-hub/snet-pe", "target": "contoso", "group_id": "account", "zone_group": {"zones": ["privatelink.purview.azure.com"]}},
        {"name": "pe-asking", "subnet": "vnet-hub/snet-pe", "target": "fabrikam", "group_id": "blob", "manual": True, "request_message": "lineage", "status": "Pending"},
        {"name": "pe-lost", "subnet": "vnet-hub/snet-pe", "target": "contoso", "group_id": "portal", "connection": None},
        {"name": "pe-failed", "subnet": "vnet-hub/snet-pe", "target": "contoso", "group_id": "blob", "provisioning_state": "Failed"},
        {"name": "pe-young", "subnet": "vnet-hub/snet-pe", "target": "contoso", "group_id": "queue", "provisioning_state": "Updating"},
        {"name": "pe-leaving", "subnet": "vnet-hub/old", "resource_group": "rg-pe", "target": "contoso", "group_id": "namespace", "provisioning_state": "Deleting", "tags": {"c": "d"}},
        {"name": "pe-naming", "subnet": "vnet-hub/snet-pe", "target": "fabrikam", "group_id": "account", "zone_group": {"name": "own", "zones": ["privatelink.purview.azure.com"], "provisioning_state": "Updating"}},
        {"name": "pe-unnamed", "subnet": "vnet-hub/snet-pe", "target": "fabrikam", "group_id": "portal", "zone_group": {"zones": ["privatelink.purview.azure.com"], "provisioning_state": "Failed"}},
        {"name": "pe-unnaming", "subnet": "vnet-hub/snet-pe", "target": "fabrikam", "group_id": "queue", "zone_group": {"zones": ["privatelink.purview.azure.com"], "provisioning_state": "Deleting"}},
    ],
    "zone_policies": [{"group_id": "queue", "zone": "privatelink.purview.azure.com", "after": 5}]},
}  # fmt: skip


def networks_of(emulator):
    """The visible state of an emulator's networks."""
    return {
        "endpoints": emulator.networks.private_endpoints(),
        "zones": emulator.networks.private_dns_zones(),
        "connections": {(c.target, c.status, c.description, c.private_endpoint_id) for c in emulator.connections()},
    }


def test_networks_of_a_scenario():
    """Networks, zones, endpoints and policies are as in the document, and operations in progress restart."""
    emulator = Emulator.from_scenario(NETWORKS)
    seen = {one.id.name: one for one in emulator.networks.private_endpoints()}
    assert {name: (one.provisioning_state, one.status) for name, one in seen.items()} == {
        "pe-ready": ("Succeeded", "Approved"),
        "pe-asking": ("Succeeded", "Pending"),
        "pe-lost": ("Succeeded", "Disconnected"),
        "pe-failed": ("Failed", "Approved"),
        "pe-young": ("Updating", "Approved"),
        "pe-leaving": ("Deleting", "Approved"),
        "pe-naming": ("Succeeded", "Approved"),
        "pe-unnamed": ("Succeeded", "Approved"),
        "pe-unnaming": ("Succeeded", "Approved"),
    }
    assert [one.private_endpoint_id.rpartition("/")[2] for one in emulator.connections(seen["pe-asking"].target)][
        -1:
    ] == ["pe-unnaming"]
    [zone] = emulator.networks.private_dns_zones()
    assert zone.records.keys() == {"other", "contoso", "fabrikam"} - {"fabrikam"} | {
        seen["pe-unnaming"].target.rpartition("/")[2]
    }
    emulator.clock.sleep(100)
    states = {one.id.name: (one.provisioning_state, one.zone_groups) for one in emulator.networks.private_endpoints()}
    assert "pe-leaving" not in states
    assert states["pe-young"] == ("Succeeded", ("deployedByPolicy",))
    assert states["pe-naming"] == ("Succeeded", ("own",))
    assert states["pe-unnaming"] == ("Succeeded", ())
    hub, spoke = zone.linked_to
    assert emulator.networks.resolve(hub, "fabrikam.purview.azure.com") == seen["pe-naming"].address
    assert emulator.networks.resolve(hub, "elsewhere.purview.azure.com") is None
    assert emulator.networks.resolve(spoke, "elsewhere.purview.azure.com") == "public"


@pytest.mark.parametrize("after", [0, 100])
def test_networks_survive_a_dump(after):
    """A loaded emulator has the same networks."""
    emulator = Emulator.from_scenario(NETWORKS)
    emulator.clock.sleep(after)
    again = Emulator.from_scenario(json.loads(json.dumps(emulator.dump())))
    assert again.dump() == emulator.dump()
    for one in (emulator, again):
        one.clock.sleep(100)
    assert networks_of(again) == networks_of(emulator)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"virtual_networks": [{"name": "a"}, {"name": "a"}]}, "networks.virtual_networks[1]: there is another virtual network a"),
        ({"virtual_networks": [{"name": "a", "subnets": [{"name": "s", "prefix": "x"}]}]}, "networks.virtual_networks[0]: 'x' is not an address prefix such as 10.0.0.0/24"),
        ({"virtual_networks": [{"name": "a", "subnets": [7]}]}, "networks.virtual_networks[0].subnets[0]: must be a text or an object, not 7"),
        ({"private_dns_zones": [{"name": "z.example"}] * 2}, "networks.private_dns_zones[1]: there is another private DNS zone z.example"),
        ({"private_dns_zones": [{"name": "z.example", "linked_to": ["absent"]}]}, "networks.private_dns_zones[0]: 'absent' is neither the id nor the name of a virtual network in this scenario"),
        ({"private_endpoints": [{"name": "p", "subnet": "vnet", "target": "pv1", "group_id": "account"}]}, "networks.private_endpoints[0]: 'vnet' is not the id of a subnet, and has not the form network/subnet"),
        (
            {"virtual_networks": [{"name": "v", "subnets": ["s"]}], "private_endpoints": [{"name": "p", "subnet": "v/s", "target": "pv1", "group_id": "account"}] * 2},
            "networks.private_endpoints[1]: there is another private endpoint p",
        ),
        ({"zone_policies": [{"group_id": "account", "zone": "absent"}]}, "networks.zone_policies[0]: 'absent' is neither the id nor the name of a private DNS zone in this scenario"),
    ],
)  # fmt: skip
def test_problems_of_networks_are_reported_with_their_place(change, problem):
    """Duplicates and references to missing resources."""
    with pytest.raises(InvalidScenario) as invalid:
        Emulator.from_scenario({"networks": change})
    assert problem in str(invalid.value)
