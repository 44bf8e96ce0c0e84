"""What find_specs promises: every connected factory is found, even if another one cannot be read."""

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
    """Have Azure list further factories that are connected to the emulator's account."""
    odd = [
        {"id": each, "properties": {"purviewConfiguration": {"purviewResourceId": str(emulator.account)}}}
        for each in ids
    ]
    emulator.inject(Fault.rewrite("GET", lambda body: {**body, "value": [*odd, *body["value"]]}, path="*/factories"))


def test_connected_factories_are_found(colour: Colour, emulator: Emulator):
    """The search in a subscription or resource group gives one spec for each connected factory."""
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


def test_a_factory_listed_twice_is_found_once(colour: Colour, emulator: Emulator):
    """Overlapping pages list a factory twice; a fleet with a duplicate would be refused."""
    emulator.inject(Fault.rewrite("GET", lambda body: {**body, "value": body["value"] * 2}, path="*/factories"))
    found = colour.run(emulator, lambda client: client.find_specs(f"/subscriptions/{emulator.factory.subscription}"))
    assert [spec.factory_id.name for spec in found] == ["df1"]


@pytest.mark.parametrize("scope", ["", "rg1", "/subscriptions/x", None, "/subscriptions/x/resourceGroups/rg"])
def test_an_invalid_scope_is_refused(colour: Colour, emulator: Emulator, scope):
    """Anything but a subscription or a resource group is refused before the first request."""
    with pytest.raises(InvalidSpec, match="scope"):
        colour.run(emulator, lambda client: client.find_specs(scope))
    assert emulator.requests == []


def test_a_factory_is_refused_as_scope(colour: Colour, emulator: Emulator):
    """A resource cannot be searched."""
    with pytest.raises(InvalidSpec, match="scope"):
        colour.run(emulator, lambda client: client.find_specs(str(emulator.factory)))


def test_a_factory_connected_to_something_else_is_found(colour: Colour, emulator: Emulator):
    """The verbs report the connection that is not an account."""
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
def test_an_invalid_factory_does_not_stop_the_search(colour: Colour, emulator: Emulator, odd):
    """A factory that a spec cannot name is left out with a finding and an event; the others are returned."""
    listed(emulator, odd)
    events = []
    found = colour.run(emulator, lambda client: client.find_specs(SCOPE), on_event=events.append)
    assert [spec.factory_id.name for spec in found] == ["df1"]
    [finding] = found.findings
    assert (finding.code, finding.severity) == ("factory-left-out", "warning")
    assert finding.evidence[0].startswith("factory: ")
    assert finding.message.isprintable()
    assert [event.message for event in events if event.kind == "warning"] == [finding.message]


def test_the_result_is_a_tuple_with_findings(colour: Colour, emulator: Emulator):
    """It can be compared, sliced and pickled, and keeps its findings."""
    listed(emulator, "df-x")
    found = colour.run(emulator, lambda client: client.find_specs(SCOPE))
    assert isinstance(found, tuple)
    assert found == tuple(found)
    copy = pickle.loads(pickle.dumps(found))  # noqa: S301 - pickled above
    assert (copy, copy.findings) == (found, found.findings)
    assert colour.run(emulator, lambda client: client.create_many(found)).counts == {"created": 4}


def test_a_non_ascii_resource_group_is_searched(colour: Colour, emulator: Emulator):
    """Its name is percent-encoded in the request, and its factory can be used."""
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
def test_a_pasted_scope_is_accepted(colour: Colour, emulator: Emulator, scope):
    """A portal address, quotes, line ends and the path that Git Bash prepends are stripped."""
    assert len(colour.run(emulator, lambda client: client.find_specs(scope))) == 1


def test_an_invalid_base_name_is_refused(colour: Colour, emulator: Emulator):
    """The error is raised before the first request, because the name would be wrong for every factory."""
    with pytest.raises(InvalidSpec, match="name"):
        colour.run(emulator, lambda client: client.find_specs(SCOPE, name="not allowed!"))
    assert emulator.requests == []
