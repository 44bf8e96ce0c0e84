"""The progress of one factory through an orchestration, from the reports of its activities."""

from __future__ import annotations

from purview_mpe import Outcome, Report, Spec
from purview_mpe.durable._progress import Course

HOME = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1/providers"
ACCOUNT = f"{HOME}/Microsoft.Purview/accounts/pv1"
SPEC = Spec(factory=f"{HOME}/Microsoft.DataFactory/factories/df1", account=ACCOUNT, name="purview")


def reported(*results: tuple[str, str | None]) -> Report:
    """A report about the endpoint for the account: each outcome's result, and how its connection was matched."""
    return Report(
        verb="create_all",
        spec=SPEC,
        account={"id": ACCOUNT, "name": "pv1"},
        outcomes=tuple(
            Outcome(name="purview", group_id="account", resource_id=ACCOUNT, result=result, matched_by=matched_by)
            for result, matched_by in results
        ),
        approval_asked=True,
    )


def results_of(*reports: Report) -> list[str]:
    course = Course(SPEC, approve=True)
    for report in reports:
        course.take(report, waited=True)
    return [outcome.result for outcome in course.report.outcomes]


def test_approval_seen_at_the_next_look_counts_as_approved() -> None:
    """The first look sent the decision and timed out; the second look found the connection approved."""
    first = reported(("created", None), ("timed-out", "private-endpoint-id"))
    assert results_of(first, reported(("kept", None), ("already-approved", "private-endpoint-id"))) == [
        "created",
        "approved",
    ]


def test_approval_by_another_person_stays_already_approved() -> None:
    """The first look did not find the connection, so it decided nothing."""
    first = reported(("created", None), ("timed-out", None))
    assert results_of(first, reported(("kept", None), ("already-approved", "private-endpoint-id"))) == [
        "created",
        "already-approved",
    ]
