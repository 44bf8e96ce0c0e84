"""Whether the lineage of one pipeline run arrived."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.matrix import CLOSED, OPEN
from purview_mpe._model.survey import ActivityRun, Entity, Runtime
from purview_mpe._rules.findings.factory import NOT_CONNECTED
from purview_mpe._rules.proving import (
    Catalogued,
    Hidden,
    Seen,
    address_hidden,
    catalog_hidden,
    catalogued,
    findings,
    is_proven,
    is_to_look_up,
    links,
    run_hidden,
    unknown,
)
from purview_mpe._wire.account import unreadable_account
from purview_mpe.errors import AccessDenied, AzureError, AzureUnavailable, NoAnswer, NotFound, WaitTimedOut
from tests.support.nouns import ACCOUNT, an_account

INSIDE = Runtime("ir-vnet", "azure-managed-vnet", "default")


def an_activity(lineage: str | None = "Succeeded", **fields: Any) -> ActivityRun:
    given = {"pipeline": "pl", "activity": "copy", "kind": "Copy", "run_id": "r1", "runtime": "ir-vnet (West Europe)"}
    return ActivityRun(**(given | {"lineage": lineage} | fields))


def seen(activity: ActivityRun | None = None, catalog: Any = None, **fields: Any) -> Seen:
    """A run whose lineage arrived, with these changes."""
    activity = activity or an_activity()
    entry = Catalogued(activity, True, 2, "copy: entity") if catalog is None else catalog
    given = {
        "status": "Succeeded",
        "activities": (activity,),
        "account": an_account(firewall=CLOSED),
        "runtimes": (INSIDE,),
        "catalog": (entry,) if entry else (),
    }
    return Seen(**(given | fields))


def states(of: Seen) -> list[str]:
    chain = links(of)
    assert [link.name for link in chain] == ["run", "runtime", "reported", "entity", "relations"]
    return [link.state for link in chain]


def codes(of: Seen) -> dict[str, str]:
    return {finding.code: finding.severity for finding in findings(of, links(of))}


OUTSIDE = an_activity("Failed", runtime="AutoResolveIntegrationRuntime (West Europe)")
WHY = Hidden("outside the network", "Go inside.")
HIDDEN = {"catalog": unknown(an_activity(), WHY)}
ODD = an_activity("Gedeihlich")
BROKEN = an_activity(None, activity="broken", status="Failed")
CASES: dict[str, tuple[Seen, str, bool | None, dict[str, str]]] = {
    "arrived": (seen(), "yes yes yes yes yes", True, {"lineage-proven": "info"}),
    "without relations": (
        seen(catalog=Catalogued(an_activity(), True, 0)),
        "yes yes yes yes no",
        False,
        {"lineage-without-relations": "error"},
    ),
    "not in the catalog": (
        seen(catalog=Catalogued(an_activity(), False)),
        "yes yes yes no unknown",
        False,
        {"lineage-not-in-catalog": "error"},
    ),
    "catalog unreadable": (seen(**HIDDEN), "yes yes yes unknown unknown", None, {"catalog-unreadable": "info"}),
    "outside the network": (
        seen(OUTSIDE, catalog=()),
        "yes no no unknown unknown",
        False,
        {"ran-outside-the-network": "error", "lineage-failed": "error"},
    ),
    "not reported": (
        seen(an_activity("NotReported"), catalog=()),
        "yes yes no unknown unknown",
        False,
        {"lineage-not-reported": "error"},
    ),
    "silent": (
        seen(an_activity(None), catalog=()),
        "yes yes no unknown unknown",
        False,
        {"lineage-silent": "error"},
    ),
    "unknown word": (
        seen(ODD, catalog=unknown(ODD, WHY)),
        "yes yes unknown unknown unknown",
        None,
        {"lineage-status-unknown": "warning", "catalog-unreadable": "info"},
    ),
    "unknown word, in the catalog": (
        seen(ODD),
        "yes yes yes yes yes",
        True,
        {"lineage-status-unknown": "warning", "lineage-proven": "info"},
    ),
    "unknown word, not in the catalog": (
        seen(ODD, catalog=Catalogued(ODD, False)),
        "yes yes unknown no unknown",
        False,
        {"lineage-status-unknown": "warning", "lineage-not-in-catalog": "error"},
    ),
    "relations unreadable": (
        seen(catalog=Catalogued(an_activity(), True, None, hidden=WHY)),
        "yes yes yes yes unknown",
        None,
        {"catalog-unreadable": "info"},
    ),
    "one activity failed": (
        seen(activities=(an_activity(), BROKEN)),
        "yes yes yes yes yes",
        True,
        {"activities-not-succeeded": "info", "lineage-proven": "info"},
    ),
    "every activity failed": (
        seen(activities=(BROKEN,), catalog=()),
        "yes unknown unknown unknown unknown",
        None,
        {"activities-not-succeeded": "info"},
    ),
    "one activity still runs": (
        seen(activities=(an_activity(), an_activity(None, status="InProgress"))),
        "yes yes unknown yes yes",
        None,
        {"activities-not-succeeded": "info"},
    ),
    "one activity did not report": (
        seen(activities=(an_activity(), an_activity("NotReported", activity="other"))),
        "yes yes no yes yes",
        False,
        {"lineage-not-reported": "error"},
    ),
    "one activity ran outside": (
        seen(activities=(an_activity(), an_activity(activity="other", runtime="AutoResolveIntegrationRuntime (x)"))),
        "yes no yes yes yes",
        False,
        {"ran-outside-the-network": "error"},
    ),
    "not started": (
        seen(status=None, activities=(), catalog=(), connection=NOT_CONNECTED.found(factory="df1"), is_started=False),
        "unknown unknown no unknown unknown",
        False,
        {"not-connected": "error"},
    ),
    "no longer connected": (
        seen(connection=NOT_CONNECTED.found(factory="df1")),
        "yes yes yes yes yes",
        True,
        {"not-connected": "warning", "lineage-proven": "info"},
    ),
    "unreadable activities": (
        seen(activities=(), catalog=(), activities_hidden=WHY),
        "yes unknown unknown unknown unknown",
        None,
        {"run-unreadable": "warning"},
    ),
    "failed run": (
        seen(status="Failed", activities=(), catalog=()),
        "no unknown unknown unknown unknown",
        False,
        {"run-not-succeeded": "error"},
    ),
    "still running": (
        seen(status="InProgress", activities=(), catalog=()),
        "unknown unknown unknown unknown unknown",
        None,
        {"run-not-ended": "warning"},
    ),
    "unreadable run": (
        seen(status=None, activities=(), catalog=(), run_hidden=WHY),
        "unknown unknown unknown unknown unknown",
        None,
        {"run-unreadable": "warning"},
    ),
    "no lineage activity": (
        seen(activities=(), catalog=()),
        "yes unknown unknown unknown unknown",
        None,
        {"no-lineage-activities": "warning"},
    ),
    "runtime not listed": (seen(runtimes=()), "yes unknown yes yes yes", None, {"runtime-unknown": "warning"}),
    "runtimes unreadable": (seen(runtimes=None), "yes unknown yes yes yes", None, {"runtime-unknown": "warning"}),
    "firewall unknown": (
        seen(an_activity(runtime="AutoResolveIntegrationRuntime (x)"), account=an_account(firewall=None)),
        "yes unknown yes yes yes",
        None,
        {"runtime-unknown": "warning"},
    ),
    "account unknown, runtime inside": (seen(account=None), "yes yes yes yes yes", True, {"lineage-proven": "info"}),
    "open firewall, runtimes unreadable": (
        seen(account=an_account(firewall=OPEN), runtimes=None),
        "yes yes yes yes yes",
        True,
        {"lineage-proven": "info"},
    ),
    "open firewall": (
        seen(an_activity(runtime="AutoResolveIntegrationRuntime (x)"), account=an_account(firewall=OPEN)),
        "yes yes yes yes yes",
        True,
        {"lineage-proven": "info"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_proof(name):
    """Each case has its own links, verdict and findings."""
    of, expected, proven, found = CASES[name]
    assert states(of) == expected.split()
    assert is_proven(links(of)) is proven
    assert codes(of) == found
    assert all(finding.remedy for finding in findings(of, links(of)))
    assert not ("lineage-proven" in found and "error" in found.values())


def test_every_reported_activity_must_arrive():
    """One activity without an entity in the catalog makes the proof fail."""
    catalog = (Catalogued(an_activity(), True, 2), Catalogued(an_activity(activity="other"), False))
    activities = tuple(one.activity for one in catalog)
    assert is_proven(links(Seen("Succeeded", activities, catalog=catalog))) is False


def denied(status: int | None = 403, said: str = "no") -> AccessDenied:
    return AccessDenied(said, remedy="Ask.", status=status)


def lost() -> NoAnswer:
    return NoAnswer("No answer came.", remedy="Check the network.")


ROLE, NETWORK, AGAIN = "Data Reader on", "inside its private network", "Repeat the proof"


@pytest.mark.parametrize(
    ("firewall", "error", "is_inside", "words", "is_lasting"),
    [
        (CLOSED, denied(), False, NETWORK, True),
        (CLOSED, denied(), True, ROLE, True),
        (CLOSED, denied(401), False, ROLE, True),
        (OPEN, denied(), False, ROLE, True),
        (CLOSED, denied(None, "not signed in"), True, "not signed in", True),
        (CLOSED, lost(), False, NETWORK, True),
        (CLOSED, lost(), True, "No answer came", False),
        (OPEN, lost(), False, "No answer came", False),
        (CLOSED, AzureUnavailable("Azure answered 503.", remedy="Wait.", status=503), False, "503", False),
        (CLOSED, WaitTimedOut("time", remedy="Wait."), False, "time", False),
        (CLOSED, AzureError("Azure answered 400.", remedy="x", status=400), False, "400", True),
    ],
)
def test_why_the_catalog_cannot_be_read(firewall, error, is_inside, words, is_lasting):
    """After the catalog has answered once, a 403 is about the role, and a lost answer is a temporary failure."""
    hidden = catalog_hidden(an_account(firewall=firewall), error, is_inside=is_inside)
    assert words in hidden.reason
    assert hidden.is_lasting is is_lasting
    assert is_lasting or hidden.remedy.startswith(AGAIN)


@pytest.mark.parametrize(
    ("error", "remedy", "is_lasting"),
    [
        (lost(), AGAIN, False),
        (WaitTimedOut("time", remedy="Wait."), AGAIN, True),
        (NotFound("gone", remedy="x", status=404), "Check the id of the run", True),
        (denied(), "Ask.", True),
    ],
)
def test_why_a_run_cannot_be_read(error, remedy, is_lasting):
    """The remedy fits the failure: a role, an id, or another attempt."""
    hidden = run_hidden(error)
    assert hidden.remedy.startswith(remedy)
    assert hidden.is_lasting is is_lasting


def test_unreadable_account_differs_from_account_without_address():
    """Either the role Reader is missing, or the account shows no address."""
    hidden = address_hidden(unreadable_account(ArmId.parse(ACCOUNT), denied()))
    assert "not allowed to read the account" in hidden.reason
    assert "Reader on the Purview account" in hidden.remedy
    assert "does not show the address" in address_hidden(an_account()).reason


START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("last_run", "started", "is_there"),
    [
        (START.timestamp(), START, True),
        (START.timestamp() - 1, START, False),
        (None, START, None),
        (START.timestamp(), None, None),
    ],
)
def test_entity_belongs_to_the_run_only_by_its_time(last_run, started, is_there):
    """If either time is missing, the answer is unknown."""
    found = catalogued(an_activity(), Entity("guid", "name", last_run), started)
    assert found.is_there is is_there
    assert bool(found.hidden) is (is_there is None)


def test_missing_entity_is_not_in_the_catalog():
    """Without an entity, the answer is a definite no."""
    assert catalogued(an_activity(), None, START).is_there is False


def test_activities_to_look_up():
    """Activities that reported lineage, or whose status is unknown."""
    assert [is_to_look_up(an_activity(said)) for said in ("Succeeded", "Odd", "NotReported", "Failed", None)] == [
        True, True, False, False, False]  # fmt: skip
