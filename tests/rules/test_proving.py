"""Whether the lineage of one run arrived."""

from __future__ import annotations

from typing import Any

import pytest

from purview_mpe._model.matrix import CLOSED, OPEN
from purview_mpe._model.survey import ActivityRun, Runtime
from purview_mpe._rules.proving import Catalogued, Seen, findings, is_proven, links
from tests.support.nouns import an_account

INSIDE = Runtime("ir-vnet", "azure-managed-vnet", "default")


def an_activity(lineage: str | None = "Succeeded", **fields: Any) -> ActivityRun:
    given = {"pipeline": "pl", "activity": "copy", "kind": "Copy", "run_id": "r1", "runtime": "ir-vnet (West Europe)"}
    return ActivityRun(**(given | {"lineage": lineage} | fields))


def seen(activity: ActivityRun | None = None, catalog: Any = None, **fields: Any) -> Seen:
    """A run whose lineage arrived, less what is given."""
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
HIDDEN = {"catalog": Catalogued(an_activity(), None, evidence="hidden"), "catalog_hidden": "outside the network"}
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
    "cannot be seen": (seen(**HIDDEN), "yes yes yes unknown unknown", None, {"catalog-unreadable": "info"}),
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
        {"lineage-failed": "error"},
    ),
    "unknown word": (seen(an_activity("Gedeihlich"), catalog=()), "yes yes unknown unknown unknown", None, {}),
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
        seen(status=None, activities=(), catalog=()),
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
    "runtime not listed": (seen(runtimes=()), "yes unknown yes yes yes", True, {"lineage-proven": "info"}),
    "runtimes unreadable": (seen(runtimes=None), "yes unknown yes yes yes", True, {"lineage-proven": "info"}),
    "firewall unknown": (
        seen(account=an_account(firewall=None)),
        "yes unknown yes yes yes",
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
def test_a_proof(name):
    """Each way in which lineage arrives, or does not, has links, a verdict and findings of its own."""
    of, expected, proven, found = CASES[name]
    assert states(of) == expected.split()
    assert is_proven(links(of)) is proven
    assert codes(of) == found
    assert all(finding.remedy for finding in findings(of, links(of)))


def test_one_activity_without_lineage_does_not_undo_the_others():
    """An activity that had nothing to report is a warning beside one whose lineage arrived."""
    both = (an_activity(), an_activity("NotReported", activity="other"))
    of = seen(activities=both)
    assert is_proven(links(of)) is True
    assert codes(of)["lineage-not-reported"] == "warning"


def test_every_reported_activity_has_to_arrive():
    """One whose entity is missing keeps the proof from being one."""
    catalog = (Catalogued(an_activity(), True, 2), Catalogued(an_activity(activity="other"), False))
    activities = tuple(one.activity for one in catalog)
    assert is_proven(links(Seen("Succeeded", activities, catalog=catalog))) is False
