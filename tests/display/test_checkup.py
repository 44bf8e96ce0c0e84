"""How Check, Diagnosis and Orphans print: verbatim."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import pytest

from purview_mpe import (
    Check,
    Diagnosis,
    Finding,
    OrphanConnection,
    OrphanEndpoint,
    Orphans,
    Right,
    RuntimeCheck,
)
from purview_mpe._display.text.page import Look
from purview_mpe._display.text.text import text
from tests.support.nouns import HIDDEN

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1"
FACTORY = f"{GROUP}/providers/Microsoft.DataFactory/factories/adf-sales"
ACCOUNT = f"{GROUP}/providers/Microsoft.Purview/accounts/contoso"
CHECK = Check(
    factory=FACTORY,
    account=ACCOUNT,
    ok=False,
    runtimes=(
        RuntimeCheck(
            name="auto", kind="azure-managed-vnet", supported=True, managed_groups=("account", "blob"), reason="Closed."
        ),
        RuntimeCheck(name="north", kind="self-hosted", supported=True, customer_groups=("account",), reason="Own."),
        RuntimeCheck(name="plain", kind="azure", supported=False, reason="No way."),
        RuntimeCheck(name="ssis", kind="ssis", supported=None, reason="Outside."),
    ),
    rights=(
        Right(step="read-account", scope=ACCOUNT, allowed=True, role="Reader"),
        Right(
            step="create",
            scope=FACTORY,
            allowed=False,
            missing_actions=("Microsoft.DataFactory/factories/write",),
            role="Data Factory Contributor",
        ),
        Right(step="approve-ingestion", scope=ACCOUNT, allowed=None, role="Contributor"),
    ),
    findings=(
        Finding(code="a", severity="error", message="One.", remedy="Do."),
        Finding(code="b", severity="error", message="Two."),
        Finding(code="c", severity="warning", message="Three."),
        Finding(code="d", severity="info", message="Four."),
        Finding(code="e", severity="info", message="Five."),
    ),
)


def test_a_check_shows_runtimes_rights_and_findings() -> None:
    """Each runtime against the matrix, each right with the role that gives it, findings with their remedies."""
    assert str(CHECK) == inspect.cleandoc("""
        Check: not ok (2 errors, 1 warning, 2 info)
          factory  adf-sales in rg1, subscription 00000000-0000-0000-0000-000000000001
          account  contoso in rg1, subscription 00000000-0000-0000-0000-000000000001

        Does lineage arrive through this runtime?
            RUNTIME  KIND                LINEAGE        NEEDS
          + auto     azure-managed-vnet  supported      2 managed
          + north    self-hosted         supported      1 own (not seen)
          x plain    azure               not supported  -
          ? ssis     ssis                unknown        -

          + auto: Closed. Managed endpoints: account, blob.
          + north: Own. Own endpoints: account.
          x plain: No way.
          ? ssis: Outside.

        What may this caller do?
            STEP               ALLOWED  SMALLEST ROLE
          + read-account       yes      Reader
          x create             no       Data Factory Contributor
          ? approve-ingestion  unknown  Contributor

        x error: One.
          What to do: Do.

        x error: Two.

        ! warning: Three.

        i info: Four.

        i info: Five.
    """)


def test_a_verbose_check_names_the_missing_actions() -> None:
    """A custom role has to allow these actions."""
    assert "create lacks Microsoft.DataFactory/factories/write\n" in text(CHECK, Look(verbose=True))


def test_check_without_runtimes_and_rights_has_no_tables() -> None:
    """Without runtimes, rights and an account, only the title and the factory are shown."""
    assert str(Check(factory=FACTORY, account=None, ok=True)) == inspect.cleandoc("""
        Check: ok
          factory  adf-sales in rg1, subscription 00000000-0000-0000-0000-000000000001
    """)


def test_a_diagnosis_counts_what_was_reported() -> None:
    """Runs and lineage at the top, findings in the order given."""
    diagnosis = Diagnosis(
        factory=FACTORY,
        account=ACCOUNT,
        ok=True,
        since=timedelta(hours=24),
        runs=3,
        lineage={"Succeeded": 2, "NotReported": 1},
        findings=(Finding(code="a", severity="warning", message="One."),),
    )
    assert str(diagnosis) == inspect.cleandoc("""
        Diagnosis: ok (1 warning)
          factory  adf-sales in rg1, subscription 00000000-0000-0000-0000-000000000001
          account  contoso in rg1, subscription 00000000-0000-0000-0000-000000000001
          runs     3 in the last 24 hours
          lineage  2 Succeeded, 1 NotReported

        ! warning: One.
    """)


def test_unreadable_runs_are_shown_as_unknown() -> None:
    """Unreadable runs are not shown as zero."""
    diagnosis = Diagnosis(factory=FACTORY, account=ACCOUNT, ok=True, since=timedelta(days=3))
    assert "  runs     unknown in the last 3 days" in str(diagnosis)


def orphan(kind: Any, certain: bool, reason: str, **fields: Any) -> Any:
    return kind(target_id=ACCOUNT, factory=FACTORY, endpoint="purview", certain=certain, reason=reason, **fields)


def test_orphans_show_the_ids_needed_to_delete_them() -> None:
    """Connections and endpoints are listed, each reason once; uncertain ones say so."""
    connections = tuple(
        orphan(
            OrphanConnection,
            certain,
            reason,
            connection_id=f"{ACCOUNT}/privateEndpointConnections/{at}",
            private_endpoint_id=f"{HIDDEN}/x",
        )
        for at, (certain, reason) in enumerate([(True, "Gone."), (True, "Gone."), (False, "Perhaps.")])
    )
    orphans = Orphans(
        account=ACCOUNT,
        connections=connections,
        endpoints=(orphan(OrphanEndpoint, True, "No target.", group_id="account"),),
        findings=(Finding(code="a", severity="info", message="One."),),
    )
    assert str(orphans) == inspect.cleandoc(f"""
        Orphans: 4 left over (1 of them not certain)
          account  contoso in rg1, subscription 00000000-0000-0000-0000-000000000001

        Connections on the targets that no endpoint uses
            FACTORY    ENDPOINT  TARGET   ORPHAN
          ! adf-sales  purview   contoso  yes
          ! adf-sales  purview   contoso  yes
          ? adf-sales  purview   contoso  perhaps

          ! Gone.
            {ACCOUNT}/privateEndpointConnections/0
            {ACCOUNT}/privateEndpointConnections/1

          ? Perhaps.
            {ACCOUNT}/privateEndpointConnections/2

        Endpoints in factories whose target is gone
            FACTORY    ENDPOINT  TARGET   ORPHAN
          ! adf-sales  purview   contoso  yes

          ! No target.
            {FACTORY}

        i info: One.
    """)


@pytest.mark.parametrize("certain", [True, False])
def test_title_counts_uncertain_orphans_only_if_any_exist(certain: bool) -> None:
    """Without orphans, the title says none."""
    one = orphan(OrphanEndpoint, certain, "x", group_id="account")
    title = str(Orphans(account=ACCOUNT, endpoints=(one,))).splitlines()[0]
    assert title == ("Orphans: 1 left over" if certain else "Orphans: 1 left over (1 of them not certain)")
    assert str(Orphans(account=ACCOUNT)).splitlines()[0] == "Orphans: none"
