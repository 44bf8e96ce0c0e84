"""What a network holds already."""

from __future__ import annotations

from purview_mpe._model.surroundings import Zone
from tests.support.nouns import a_network


def test_zone_finds_its_link():
    """The link is found by the id of the virtual network, in any letter case."""
    network = a_network().virtual_network_id
    zone = Zone(network, (("other", ""), ("ours", str(network).upper().replace("/SUB", "/sub"))))
    assert zone.link_to(network) == "ours"
    assert Zone(network).link_to(network) is None
