"""The type Network: it is checked when it is created, all fields at once."""

from __future__ import annotations

import pytest

from purview_mpe import Network
from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.network import check_own_names, link_name, own_name
from purview_mpe.errors import InvalidSpec
from tests.support.nouns import FACTORY, GROUP, SUBNET, SUBSCRIPTION, a_network

DNS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dns"


def test_defaults_come_from_the_virtual_network():
    """Omitted ids are those of the virtual network."""
    network = Network(subnet=ArmId.parse(SUBNET + "/"))
    assert (network.dns, network.approval, network.location) == ("existing", "automatic", None)
    assert str(network.virtual_network_id) == SUBNET.rpartition("/subnets/")[0]
    assert str(network.group_id) == str(network.zone_group_id) == GROUP
    assert str(network.endpoint_id("x")) == f"{GROUP}/providers/Microsoft.Network/privateEndpoints/x"


@pytest.mark.parametrize("given", ["rg-dns", DNS, ArmId.parse(DNS), f"{DNS}/"])
def test_resource_group_is_a_name_or_an_id(given):
    """A name means the virtual network's subscription; zones use the endpoints' group by default."""
    assert str(a_network(resource_group=given).group_id) == DNS
    assert str(a_network(resource_group=given).zone_id("a.b").group) == DNS
    apart = a_network(zone_resource_group=given)
    assert (str(apart.group_id), str(apart.zone_group_id)) == (GROUP, DNS)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("subnet", FACTORY, "not of a Microsoft.Network/virtualNetworks/subnets"),
        ("subnet", 5, "is text"),
        ("subnet", "snet-pe", "not a resource id"),
        ("resource_group", "", "not the name of a resource group"),
        ("resource_group", "rg/x", "not a resource id"),
        ("resource_group", "rg.", "not the name"),
        ("resource_group", "r g", "not the name"),
        ("zone_resource_group", FACTORY, "not of a resource group"),
        ("zone_resource_group", 5, "is text"),
        ("location", "?", "not an Azure region"),
        ("dns", "maybe", "input should be"),
        ("approval", True, "input should be"),
        ("names", {}, "not a known field"),
    ],
)
def test_invalid_field_is_refused(field, value, rule):
    """The message names the field and its rule."""
    with pytest.raises(InvalidSpec, match=f"{field}: .*{rule}"):
        Network(**({"subnet": SUBNET} | {field: value}))


def test_all_invalid_fields_are_named_at_once():
    """Long values are cut in the message."""
    with pytest.raises(InvalidSpec) as refused:
        Network(subnet="x" * 5000, location="?" * 500)
    assert [field for field, _ in refused.value.problems] == ["subnet", "location"]
    assert len(str(refused.value)) < 1500


@pytest.mark.parametrize("base", ["purview", "Purview_1", "p" * 70])
def test_own_names_end_in_the_group_id(base):
    """A derived name is the base name, a hyphen and the group id."""
    check_own_names(base, ("account", "namespace"))
    assert own_name(base, "blob") == f"{base}-blob"


@pytest.mark.parametrize("base", ["_purview", "-x", "p" * 73])
def test_names_that_azure_refuses(base):
    """A name starts with a letter or digit and has at most 80 characters (public code)."""
    with pytest.raises(InvalidSpec, match="name derived for"):
        check_own_names(base, ("account",))


def test_link_gets_a_free_name():
    """The name has at most 80 characters, including the number."""
    assert link_name("vnet", frozenset()) == "link-vnet"
    assert link_name("vnet", frozenset({"link-vnet", "link-vnet-2"})) == "link-vnet-3"
    long = link_name("v" * 100, frozenset({f"link-{'v' * 75}"}))
    assert (len(long), long[-2:]) == (78, "-2")


@pytest.mark.parametrize(
    ("arm_id", "outer"), [(SUBNET, SUBNET.rpartition("/subnets/")[0]), (FACTORY, GROUP), (GROUP, GROUP)]
)
def test_outer_resource(arm_id, outer):
    """The outer resource of a top-level resource is its resource group."""
    assert str(ArmId.parse(arm_id).outer) == outer
    assert str(ArmId.parse(arm_id).group) == GROUP


def test_resource_group_can_be_none():
    """None means the group of the virtual network."""
    assert Network(subnet=SUBNET, resource_group=None).resource_group is None


def test_location_is_a_region():
    """A text that cannot be an Azure region is refused."""
    with pytest.raises(InvalidSpec, match="not an Azure region"):
        Network(subnet=SUBNET, location="West/Europe!")


def test_region_keeps_its_spelling():
    """The portal's spelling is accepted and kept."""
    assert Network(subnet=SUBNET, location="West Europe").location == "West Europe"
