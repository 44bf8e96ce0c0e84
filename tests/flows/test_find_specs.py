"""What searching for factories promises: every one that is connected, whatever the others are like."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from purview_mpe.emulator import Fault
from purview_mpe.errors import InvalidSpec
from tests.support.nouns import SUBSCRIPTION

if TYPE_CHECKING:
    from purview_mpe.emulator import Emulator
    from tests.support.colours import Colour

SCOPE = f"/subscriptions/{SUBSCRIPTION}"


def listed(emulator: Emulator, *ids: str) -> None:
    """Have Azure list further factories, connected to the emulator's account."""
    odd = [
        {"id": each, "properties": {"purviewConfiguration": {"purviewResourceId": str(emulator.account)}}}
        for each in ids
    ]
    emulator.inject(Fault.rewrite("GET", lambda body: {**body, "value": [*odd, *body["value"]]}, path="*/factories"))


def test_finding_factories(colour: Colour, emulator: Emulator):
    """Discovery finds the connected factories of a subscription or resource group, and gives specs for them."""
    other = emulator.add_account("pv2")
    emulator.add_factory("adf-loose")
    emulator.add_factory("adf-two", purview_account=other)
    emulator.add_factory("adf-far", purview_account=other, resource_group="rg2")
    subscription = f"/subscriptions/{emulator.factory.subscription}"
    found = colour.run(emulator, lambda client: client.find_specs(subscription, name="pv"))
    assert {spec.factory_id.name for spec in found} == {"df1", "adf-two", "adf-far"}
    in_group = colour.run(emulator, lambda client: client.find_specs(f"{subscription}/resourceGroups/rg2"))
    assert [(spec.factory_id.name, spec.name) for spec in in_group] == [("adf-far", "purview")]
    of_one = colour.run(emulator, lambda client: client.find_specs(subscription, account=str(other).upper()))
    assert {spec.factory_id.name for spec in of_one} == {"adf-two", "adf-far"}


def test_a_factory_that_is_listed_twice_is_found_once(colour: Colour, emulator: Emulator):
    """Pages that overlap list a factory again; a fleet that has it twice would be refused."""
    emulator.inject(Fault.rewrite("GET", lambda body: {**body, "value": body["value"] * 2}, path="*/factories"))
    found = colour.run(emulator, lambda client: client.find_specs(f"/subscriptions/{emulator.factory.subscription}"))
    assert [spec.factory_id.name for spec in found] == ["df1"]


@pytest.mark.parametrize("scope", ["", "rg1", "/subscriptions/x", None, "/subscriptions/x/resourceGroups/rg"])
def test_a_scope_that_is_none_is_refused(colour: Colour, emulator: Emulator, scope):
    """What is neither a subscription nor a resource group is told before anything is sent."""
    with pytest.raises(InvalidSpec, match="scope"):
        colour.run(emulator, lambda client: client.find_specs(scope))
    assert emulator.requests == []


def test_the_scope_of_a_factory_is_refused(colour: Colour, emulator: Emulator):
    """A resource is no scope of a search."""
    with pytest.raises(InvalidSpec, match="scope"):
        colour.run(emulator, lambda client: client.find_specs(str(emulator.factory)))


def test_a_connection_to_something_else_is_left_to_the_verbs(colour: Colour, emulator: Emulator):
    """A factory connected to what is no account is found, and fails for itself later on."""
    emulator.add_factory("adf-odd", purview_account="/subscriptions/nonsense", resource_group="rg3")
    scope = f"/subscriptions/{emulator.factory.subscription}/resourceGroups/rg3"
    found = colour.run(emulator, lambda client: client.find_specs(scope))
    assert [spec.account for spec in found] == [None]
    report = colour.run(emulator, lambda client: client.create_many(found))
    assert report.outcomes[0].error.code == "unsupported-setup"


@pytest.mark.parametrize(
    "odd",
    [
        "",
        "df-x",
        f"{SCOPE}/resourceGroups/rg 1/providers/Microsoft.DataFactory/factories/df-x",
        f"{SCOPE}/resourceGroups/rg1/providers/Microsoft.DataFactory/factories/d\u2028f",
    ],
)
def test_one_odd_factory_does_not_stop_the_search(colour: Colour, emulator: Emulator, odd):
    """A factory that no spec can name is left out with a finding and an event; the others are returned."""
    listed(emulator, odd)
    told = []
    found = colour.run(emulator, lambda client: client.find_specs(SCOPE), on_event=told.append)
    assert [spec.factory_id.name for spec in found] == ["df1"]
    [finding] = found.findings
    assert (finding.code, finding.severity) == ("factory-left-out", "warning")
    assert finding.evidence[0].startswith("factory: ")
    assert finding.message.isprintable()
    assert [event.message for event in told if event.kind == "warning"] == [finding.message]


def test_what_was_found_is_a_tuple(colour: Colour, emulator: Emulator):
    """It can be compared, cut, pickled and passed on as every other tuple of specs; its findings come along."""
    listed(emulator, "df-x")
    found = colour.run(emulator, lambda client: client.find_specs(SCOPE))
    assert isinstance(found, tuple)
    assert found == tuple(found)
    copy = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own
    assert (copy, copy.findings) == (found, found.findings)
    assert colour.run(emulator, lambda client: client.create_many(found)).counts == {"created": 4}


def test_a_group_in_another_script_is_searched(colour: Colour, emulator: Emulator):
    """A resource group is found by its name, which goes over the wire percent-encoded, and its factory can be used."""
    urls: list[str] = []
    emulator.observe(lambda exchange: urls.append(exchange.url))
    group, account = "数据-dätä", emulator.account
    factory = emulator.add_factory("df2", resource_group=group, purview_account=account)
    emulator.catalog.grant("data-curator", emulator.identity_of(factory))
    everywhere = colour.run(emulator, lambda client: client.find_specs(SCOPE))
    assert {spec.factory_id.resource_group for spec in everywhere} == {"rg1", group}
    [spec] = colour.run(emulator, lambda client: client.find_specs(f"{SCOPE}/resourceGroups/{group.upper()}"))
    assert spec.factory_id.name == "df2"
    assert colour.run(emulator, lambda client: client.create_many([spec], approve=True)).complete
    assert colour.run(emulator, lambda client: client.check(spec)).ok
    assert quote(group) in "".join(urls)
    assert all(url.isascii() for url in urls)


@pytest.mark.parametrize(
    "scope",
    [
        f"https://portal.azure.com/#@contoso.onmicrosoft.com/resource{SCOPE}/overview",
        f'"{SCOPE}"\r\n',
        f"C:/Program Files/Git{SCOPE}",
        f"https://portal.azure.com/#@contoso.onmicrosoft.com/resource{SCOPE}/resourceGroups/rg1/overview",
        SCOPE.removeprefix("/"),
    ],
)
def test_a_scope_is_taken_as_it_is_copied(colour: Colour, emulator: Emulator, scope):
    """The address of a portal's page, quotes, line ends and what Git Bash adds are taken off."""
    assert len(colour.run(emulator, lambda client: client.find_specs(scope))) == 1


def test_a_wrong_name_is_refused_before_anything_is_read(colour: Colour, emulator: Emulator):
    """A base name that breaks a rule is wrong for every factory."""
    with pytest.raises(InvalidSpec, match="name"):
        colour.run(emulator, lambda client: client.find_specs(SCOPE, name="not allowed!"))
    assert emulator.requests == []
