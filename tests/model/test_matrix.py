"""The support matrix, cell by cell, against the tables on Microsoft's page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe import MATRIX, SCENARIOS, STUDIO, requirement, scenario
from purview_mpe._model.matrix import CLOSED, FIREWALLS, INGESTION, KINDS, OPEN
from purview_mpe.errors import InvalidSpec

#: Microsoft's page, "Lineage from pipelines": Purview firewall, then Azure IR, Azure IR with managed VNet, self-hosted
#: IR. `managed` endpoints are needed in the factory, `customer` endpoints in the network of the runtime.
LINEAGE = """
enabled-from-all-networks   | supported   | supported                                                 | supported
disabled-for-ingestion-only | supported   | supported                                                 | supported; customer: blob queue namespace
disabled-from-all-networks  | unsupported | supported; managed: account blob queue namespace          | supported; customer: account blob queue namespace
"""
#: The same page, "Search from Data Factory Studio".
SEARCH = """
enabled-from-all-networks   | supported
disabled-for-ingestion-only | supported
disabled-from-all-networks  | supported; customer: account portal
"""


def rows(table: str, kinds: tuple[str | None, ...]) -> list[tuple[str, str | None, str]]:
    return [
        (firewall.strip(), kind, cell.strip())
        for line in table.strip().splitlines()
        for firewall, *cells in [line.split("|")]
        for kind, cell in zip(kinds, cells, strict=True)
    ]


def in_words(answer) -> str:
    words = "supported" if answer.supported else "unsupported"
    for whose, groups in (("managed", answer.managed_groups), ("customer", answer.customer_groups)):
        if groups:
            words += f"; {whose}: {' '.join(groups)}"
    return words


@pytest.mark.parametrize(("firewall", "kind", "cell"), rows(LINEAGE, KINDS) + rows(SEARCH, (None,)))
def test_cell_matches_microsofts_page(firewall, kind, cell):
    """The cell says whether it is supported, and which managed and customer endpoints it needs."""
    answer = requirement(firewall, kind)
    assert (answer.firewall, answer.runtime, in_words(answer)) == (firewall, kind, cell)


def test_tables_are_complete():
    """Each firewall setting has one cell per kind of runtime, and one for Studio."""
    assert {(cell.firewall, cell.runtime) for cell in MATRIX} == {(f, kind) for f in FIREWALLS for kind in KINDS}
    assert len(MATRIX) == 9
    assert [(cell.firewall, cell.runtime) for cell in STUDIO] == [(f, None) for f in FIREWALLS]


def test_reasons_differ_with_the_requirements():
    """Each reason is a sentence, and cells with different requirements have different reasons."""
    cells = [*MATRIX, *STUDIO]
    assert all(cell.reason.endswith(".") for cell in cells)
    needs = {cell.reason: (cell.supported, cell.managed_groups, cell.customer_groups) for cell in cells}
    assert all(needs[cell.reason] == (cell.supported, cell.managed_groups, cell.customer_groups) for cell in cells)


def test_unsupported_cell_says_why():
    """An Azure runtime outside the managed network cannot reach a closed account, and the reason says so."""
    assert requirement(CLOSED, "azure").reason == (
        "All public access is closed, and an Azure integration runtime outside a managed virtual network has no other."
    )


def test_studio_says_that_managed_endpoints_do_not_help():
    """Search runs in the browser, so the browser's network matters."""
    assert requirement(CLOSED, None).reason == (
        "The browser talks to Purview directly: its network needs the customer's own account and portal endpoints; "
        "managed private endpoints do not help."
    )


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_ssis_is_outside_the_matrix(firewall):
    """SSIS runtimes are neither supported nor unsupported, because the page does not mention them."""
    answer = requirement(firewall, "ssis")
    assert (answer.supported, answer.managed_groups, answer.customer_groups) == (None, (), ())
    assert answer.reason == (
        "Lineage of SSIS runtimes is outside the support matrix; Microsoft documents nothing about it."
    )


def test_account_without_event_hubs_needs_no_namespace_endpoint():
    """Only group ids that the account offers are required; every account offers `portal`."""
    offered = ("account", "blob", "queue")
    assert requirement(CLOSED, "azure-managed-vnet", available=offered).managed_groups == offered
    assert requirement(INGESTION, "self-hosted", available=offered).customer_groups == ("blob", "queue")
    assert requirement(CLOSED, None, available=offered).customer_groups == ("account", "portal")


@pytest.mark.parametrize(
    ("which", "kinds"),
    [
        ("lineage-azure-ir", ["azure", "azure-managed-vnet"]),
        ("lineage-self-hosted-ir", ["self-hosted"]),
        ("discovery-in-studio", [None]),
    ],
)
@pytest.mark.parametrize("firewall", FIREWALLS)
def test_scenario_has_a_cell_for_each_of_its_runtimes(which, kinds, firewall):
    """A scenario consists of the cells of the runtimes that it can run on."""
    assert scenario(firewall, which) == tuple(requirement(firewall, kind) for kind in kinds)


def test_scenarios_cover_the_matrix():
    """Together, the scenarios cover every kind of runtime, and Studio."""
    asked = [kind for kinds in SCENARIOS.values() for kind in kinds]
    assert sorted(map(str, asked)) == sorted(map(str, (*KINDS, None)))


def test_scenarios_follow_the_offered_group_ids():
    """A scenario omits group ids that the account does not offer."""
    [answer] = scenario(CLOSED, "lineage-self-hosted-ir", available=("account", "blob", "queue"))
    assert answer.customer_groups == ("account", "blob", "queue")


@given(st.text() | st.none() | st.integers() | st.lists(st.text()))
def test_unknown_arguments_are_refused(nonsense):
    """The message for a wrong firewall setting, runtime or scenario lists the valid ones."""
    with pytest.raises(InvalidSpec, match="is none of enabled-from-all-networks, disabled-for-ingestion-only"):
        requirement(nonsense, "azure")
    with pytest.raises(InvalidSpec, match="is none of lineage-azure-ir, lineage-self-hosted-ir, discovery-in-studio"):
        scenario(OPEN, nonsense)
    if nonsense is not None:
        with pytest.raises(InvalidSpec, match=r"is none of azure, azure-managed-vnet, self-hosted, ssis, None"):
            requirement(OPEN, nonsense)
