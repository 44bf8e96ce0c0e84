"""Why lineage does not arrive: walks the chain from the matrix to the runs, and says what breaks it.

Each link of the chain is one function that gives findings; `diagnose` puts them in the chain's order, errors first.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from purview_mpe._model import matrix
from purview_mpe._model.checkup import Diagnosis
from purview_mpe._model.results import ErrorDetail, Finding, Severity, by_severity
from purview_mpe._rules import checking
from purview_mpe._rules.planning import is_retired, needed_targets
from purview_mpe._rules.verdicts import judge
from purview_mpe.errors import UnsupportedSetup

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta

    from purview_mpe._model.results import Endpoint, EndpointStatus, Plan, Status, Target
    from purview_mpe._model.survey import ActivityRun, RecentRuns, Situation

#: How many pipeline runs are looked at, the newest: each costs a request.
MAX_RUNS = 50
_EVIDENCE = 10

_Reported = Literal["arrived", "failed", "not-reported", "silent", "unknown", "not-succeeded"]

_LATER = "event-hubs-enabled-later"
#: Code, message and remedy for each way in which an endpoint can stand in lineage's way.
_ENDPOINT_FINDINGS: dict[str, tuple[str, str, str]] = {
    "missing": (
        "endpoint-missing",
        "The factory has no endpoint to {names}.",
        "Make it: client.create_all(spec), then have it approved: client.approve(spec).",
    ),
    "wrong-target": (
        "endpoint-wrong-target",
        "The name of the endpoint to {names} is taken by an endpoint to something else.",
        "Choose another base name, or set Spec.names for that group id, and call create_all again.",
    ),
    "failed": (
        "endpoint-failed",
        "Azure could not make the endpoint to {names}.",
        "Have it made anew: create_all with Spec(replace_broken=True), then client.approve(spec).",
    ),
    "rejected": (
        "approval-rejected",
        "The connection to {names} was rejected or removed at the target.",
        "Ask the target's owner why; then create_all with Spec(replace_broken=True), and a new approval.",
    ),
    "stale": (
        "approval-stale",
        "The factory shows the connection to {names} as approved, and the target does not.",
        "Delete the endpoint, call create_all, and have it approved: Data Factory does not refresh what it showed.",
    ),
    "provisioning": (
        "endpoint-provisioning",
        "Azure is still making the endpoint to {names}.",
        "Wait some minutes: client.watch(spec) shows when it is done.",
    ),
    "pending": (
        "approval-pending",
        "Nobody has approved the connection to {names} yet.",
        "Approve it: client.approve(spec); without the right to do so its report holds a text for the owner.",
    ),
    _LATER: (
        _LATER,
        "The account has managed Event Hubs, and the factory has no endpoint to it, although it has the others.",
        "Make the missing one: client.create_all(spec) keeps the others as they are; then client.approve(spec).",
    ),
}


def diagnose(
    situation: Situation,
    *,
    target_status: Mapping[str, str | None],
    target_findings: Sequence[Finding],
    runs: RecentRuns | ErrorDetail,
    since: timedelta,
) -> Diagnosis:
    """The findings of the whole chain; what the targets say is given as `judge` takes it."""
    plan, plan_findings = checking.plan_of(situation)
    status = _status(situation, target_status)
    endpoints = tuple(endpoint_findings(situation, status)) if status else ()
    held = checking.rights_of(situation)
    readable = None if isinstance(runs, ErrorDetail) else runs
    findings = by_severity(
        [
            *checking.account_findings(situation),
            *checking.matrix_findings(situation),
            *checking.network_findings(situation),
            *checking.connection_findings(situation),
            *plan_findings,
            *(finding for finding in endpoints if finding.code != _LATER),
            *target_findings,
            *(changed_targets(plan) if plan else ()),
            *(finding for finding in endpoints if finding.code == _LATER),
            *checking.name_findings(plan),
            *checking.limit_findings(situation, plan),
            *checking.rights_findings(situation, held, plan),
            *checking.gap_findings(situation),
            *run_findings(runs, situation),
        ]
    )
    return Diagnosis(
        factory=situation.spec.factory,
        account=checking.account_id(situation),
        ok=checking.is_fine(findings),
        since=since,
        runs=readable.runs if readable else None,
        lineage=dict(Counter(one.lineage or "(silent)" for one in readable.activities)) if readable else {},
        findings=findings,
    )


def wanted_targets(situation: Situation) -> tuple[Target, ...]:
    """What the spec wants endpoints to; none where that cannot be told, which `plan_of` says."""
    if situation.account is None:
        return ()
    try:
        return needed_targets(situation.spec, situation.account)
    except UnsupportedSetup:
        return ()


def _status(situation: Situation, target_status: Mapping[str, str | None]) -> Status | None:
    account, endpoints, targets = situation.account, situation.endpoints, wanted_targets(situation)
    if account is None or endpoints is None or not targets:
        return None
    return judge(situation.spec, account, targets, endpoints, target_status=target_status)


def endpoint_findings(situation: Situation, status: Status) -> Iterator[Finding]:
    """What keeps the endpoints from carrying lineage; errors only where the firewall leaves no other way."""
    firewall = situation.account.firewall if situation.account else None
    needed = firewall in {matrix.CLOSED, None}
    for verdict, (code, message, remedy) in _ENDPOINT_FINDINGS.items():
        affected = [one for one in status.endpoints if _kind(one, status) == verdict]
        if not affected:
            continue
        severity: Severity = "info" if not needed else "warning" if verdict == "provisioning" else "error"
        yield Finding(
            code=code,
            severity=severity,
            message=message.format(names=_listed([one.group_id for one in affected])),
            cause="" if needed else "With this firewall setting lineage needs no managed private endpoint.",
            evidence=tuple(f"{one.name}: {one.reason}" for one in affected),
            remedy=remedy,
        )


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _kind(one: EndpointStatus, status: Status) -> str:
    """The verdict, but for a namespace that came later than the others: that has a cause of its own."""
    others = [other for other in status.endpoints if other.group_id in {"blob", "queue"}]
    if (
        one.verdict == "missing"
        and one.group_id == "namespace"
        and others
        and all(other.verdict not in {"missing", "wrong-target"} for other in others)
    ):
        return _LATER
    return one.verdict


def changed_targets(plan: Plan) -> Iterator[Finding]:
    """Endpoints to what the account used once, and those of our names whose past nobody can tell."""
    retired = [one for one in plan.obsolete if is_retired(plan.account, one)]
    if retired:
        yield Finding(
            code="targets-changed",
            severity="warning",
            message="The account no longer uses what some endpoints of the factory point to.",
            cause="Its managed Event Hubs was switched off, or its ingestion storage was changed.",
            evidence=_pointing(retired),
            remedy="Make the endpoints that the account needs now (client.create_all(spec)), and delete those above "
            "in Data Factory Studio when nothing else uses them.",
        )
    if by_name := [one for one in plan.obsolete if one not in retired]:
        yield Finding(
            code="targets-changed",
            severity="warning",
            message="Some endpoints of the factory bear names of this spec and point to what the account does not use.",
            cause="The account used it once and was changed, or somebody made them for something else: a name does "
            "not tell which.",
            evidence=_pointing(by_name),
            remedy="Find out in Data Factory Studio what uses them, and delete only what nothing uses; where a name is "
            "in the way of client.create_all(spec), choose another base name, or set Spec.names for that group id.",
        )


def _pointing(endpoints: Sequence[Endpoint]) -> tuple[str, ...]:
    return tuple(f"{one.name}: {one.group_id} on {one.resource_id}" for one in endpoints)


def run_findings(runs: RecentRuns | ErrorDetail, situation: Situation) -> Iterator[Finding]:
    """What the recent runs themselves say about their lineage."""
    if isinstance(runs, ErrorDetail):
        yield Finding(
            code="runs-unreadable",
            severity="info",
            message="The recent pipeline runs were not looked at.",
            cause="Microsoft's page on roles lets a Reader monitor a factory; others needed two actions more (docs of "
            "this library, permissions)."
            if runs.code == "access-denied"
            else "The question for them failed, so whether any pipeline ran is not known.",
            evidence=(runs.message,),
            remedy=runs.remedy,
        )
        return
    if runs.unreadable:
        yield Finding(
            code="runs-partly-unreadable",
            severity="info",
            message="The activities of some pipeline runs could not be read.",
            evidence=runs.unreadable[:_EVIDENCE],
            remedy="Repeat the call; if it happens again, look at those runs in Data Factory Studio, Monitor.",
        )
    if not runs.runs:
        yield Finding(
            code="no-recent-runs",
            severity="info",
            message="No pipeline ran in the time that was looked at.",
            remedy="Run a pipeline with a Copy or Data Flow activity, or look further back with since.",
        )
    elif not runs.activities and not runs.unreadable:
        yield Finding(
            code="no-lineage-activities",
            severity="info",
            message=f"None of the {runs.runs} pipeline runs has an activity that reports lineage.",
            cause="Only Copy, Data Flow and Execute SSIS Package activities do.",
            remedy="Run a pipeline with such an activity, or look further back with since.",
        )
    else:
        yield from _activity_findings(runs, situation)


def _activity_findings(runs: RecentRuns, situation: Situation) -> Iterator[Finding]:
    """Judged by the newest run of each activity: what failed last week and succeeds today is mended."""
    newest: dict[tuple[str, str], ActivityRun] = {}
    for activity in runs.activities:
        newest.setdefault((activity.pipeline, activity.activity), activity)
    by_result: dict[_Reported, list[ActivityRun]] = {}
    for activity in newest.values():
        by_result.setdefault(_reported(activity), []).append(activity)
    count = "1 pipeline run" if runs.runs == 1 else f"{runs.runs} pipeline runs"
    scope = f"the newest {count}" if runs.more else count
    without_lineage = [one for key in ("failed", "unknown", "silent") for one in by_result.get(key, ())]
    if outside := [one for one in without_lineage if _ran_outside(one, situation)]:
        yield Finding(
            code="ran-outside-the-network",
            severity="error",
            message=f"{_count(outside)} in {scope} ran on an integration runtime outside the managed virtual network.",
            cause="The account's firewall is closed, so a runtime outside the network cannot reach it; the linked "
            "services of these activities name such a runtime, or none.",
            evidence=_evidence(outside),
            remedy="Let the linked services and data flows of these activities name a runtime in the managed virtual "
            f"network (connectVia){_runtimes_inside(situation)}, then run the pipeline again.",
        )
    if failed := by_result.get("failed"):
        yield Finding(
            code="lineage-failed",
            severity="error",
            message=f"{_count(failed)} in {scope} could not report lineage.",
            cause="The runtime could not reach Purview, or Purview refused the factory's identity; such an activity "
            "succeeds all the same and takes up to two minutes longer.",
            evidence=_evidence(failed),
            remedy="Remove the causes above first; if there is none, check that the factory's managed identity is "
            "Data Curator on the account's root collection.",
        )
    if unknown := by_result.get("unknown"):
        yield Finding(
            code="lineage-status-unknown",
            severity="warning",
            message=f"{_count(unknown)} in {scope} ended with a lineage status that is documented nowhere.",
            evidence=_evidence(unknown),
            remedy="Look at the activities in Data Factory Studio, Monitor, under Lineage status.",
        )
    if not_reported := by_result.get("not-reported"):
        yield Finding(
            code="lineage-not-reported",
            severity="warning",
            message=f"{_count(not_reported)} in {scope} had no lineage to report.",
            cause="Source, sink or transformation is not supported for lineage, or the activity failed before.",
            evidence=_evidence(not_reported),
            remedy="Compare source and sink with Microsoft's list of supported stores (How to connect Azure Data "
            "Factory and Microsoft Purview).",
        )
    if unfinished := by_result.get("not-succeeded"):
        yield Finding(
            code="activities-not-succeeded",
            severity="info",
            message=f"{_count(unfinished)} in {scope} did not succeed, or has not ended.",
            cause="Only an activity that succeeds reports lineage, so these say nothing about it.",
            evidence=_evidence(unfinished),
            remedy="Look at the activities in Data Factory Studio, Monitor, and run the pipeline again once they work.",
        )
    if silent := by_result.get("silent"):
        yield Finding(
            code="lineage-silent",
            severity="warning",
            message=f"{_count(silent)} in {scope} says nothing about lineage.",
            cause="The factory was not connected to a Purview account when it ran.",
            evidence=_evidence(silent),
            remedy="Connect the factory, then run the pipeline again.",
        )
    if arrived := by_result.get("arrived"):
        yield Finding(
            code="lineage-arrives",
            severity="info",
            message=f"{_count(arrived)} in {scope} reported lineage.",
            evidence=_evidence(arrived),
            remedy="Nothing; if it does not show in Purview, look for it under the root collection.",
        )


def _ran_outside(activity: ActivityRun, situation: Situation) -> bool:
    """Whether an activity ran where a closed account cannot be reached from."""
    if activity.runtime is None or situation.account is None or situation.account.firewall != matrix.CLOSED:
        return False
    name = runtime_name(activity.runtime).casefold()
    kinds = {one.name.casefold(): one.kind for one in situation.runtimes or ()}
    is_implicit = name == checking.IMPLICIT_RUNTIME.casefold() and situation.runtimes is not None
    return kinds.get(name, "azure" if is_implicit else None) == "azure"


def runtime_name(effective: str) -> str:
    """The runtime's name in what an activity says about where it ran: `<runtime> (<Region>)` (public code, docs)."""
    name, bracket, _ = effective.rpartition(" (")
    return name if bracket else effective


def _runtimes_inside(situation: Situation) -> str:
    inside = [one.name for one in situation.runtimes or () if one.kind == "azure-managed-vnet"]
    return f": {_listed(inside)}" if inside else ""


def _reported(activity: ActivityRun) -> _Reported:
    """What a status means. `Succeeded` and `NotReported` are recorded; the literals for failures are not."""
    if _is_unfinished(activity):
        return "not-succeeded"
    if activity.lineage is None:
        return "silent"
    said = activity.lineage.casefold().replace(" ", "")
    if said == "succeeded":
        return "arrived"
    if said == "notreported":
        return "not-reported"
    if any(word in said for word in ("fail", "timeout", "timedout", "error", "denied", "unauthorized")):
        return "failed"
    return "unknown"


def _is_unfinished(activity: ActivityRun) -> bool:
    """Whether the activity failed, was cancelled or still runs; one that shows no status is taken for ended."""
    return activity.status.casefold() not in {"succeeded", ""}


def _said(activity: ActivityRun) -> str:
    return activity.status if _is_unfinished(activity) else activity.lineage or "silent"


def _count(activities: Sequence[ActivityRun]) -> str:
    return "1 activity" if len(activities) == 1 else f"{len(activities)} activities"


def _evidence(activities: Sequence[ActivityRun]) -> tuple[str, ...]:
    shown = [
        f"{one.pipeline} / {one.activity} ({one.kind}): {_said(one)}"
        + (f", on {one.runtime}" if one.runtime else "")
        + f", run {one.run_id}"
        for one in activities[:_EVIDENCE]
    ]
    hidden = len(activities) - len(shown)
    return (*shown, f"and {hidden} more") if hidden else tuple(shown)
