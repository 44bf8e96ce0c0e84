"""Why lineage does not arrive: walks the chain from the matrix to the runs, and finds what breaks it.

Each link of the chain is one function that returns findings; `diagnose` puts them in the chain's order, errors first.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from purview_mpe._model import matrix
from purview_mpe._model.checkup import Diagnosis
from purview_mpe._model.results import ErrorDetail, Finding, by_severity
from purview_mpe._rules import checking
from purview_mpe._rules.findings.approvals import APPROVAL_PENDING, APPROVAL_REJECTED, APPROVAL_STALE
from purview_mpe._rules.findings.endpoints import (
    ENDPOINT_FAILED,
    ENDPOINT_MISSING,
    ENDPOINT_PROVISIONING,
    ENDPOINT_WRONG_TARGET,
    EVENT_HUBS_ENABLED_LATER,
    TARGETS_CHANGED,
    TARGETS_CHANGED_BY_NAME,
)
from purview_mpe._rules.findings.runs import (
    ACTIVITIES_NOT_SUCCEEDED,
    LINEAGE_ARRIVES,
    LINEAGE_FAILED,
    LINEAGE_NOT_REPORTED,
    LINEAGE_SILENT,
    LINEAGE_STATUS_UNKNOWN,
    NO_LINEAGE_ACTIVITIES,
    NO_RECENT_RUNS,
    RAN_OUTSIDE_THE_NETWORK,
    RUNS_FORBIDDEN,
    RUNS_PARTLY_UNREADABLE,
    RUNS_UNREADABLE,
)
from purview_mpe._rules.planning import is_retired, needed_targets
from purview_mpe._rules.runtimes import IMPLICIT_RUNTIME
from purview_mpe._rules.verdicts import judge
from purview_mpe.errors import UnsupportedSetup

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta

    from purview_mpe._model.results import Endpoint, EndpointStatus, Plan, Status, Target
    from purview_mpe._model.survey import ActivityRun, RecentRuns, Situation
    from purview_mpe._rules.findings.kind import Kind

#: How many pipeline runs are read, the newest first: each costs a request.
MAX_RUNS = 50
_EVIDENCE = 10

_Reported = Literal["arrived", "failed", "not-reported", "silent", "unknown", "not-succeeded"]

#: The kind of finding for each verdict that can stop lineage, in the order of the chain.
_ENDPOINT_KINDS: Mapping[str, Kind] = {
    "missing": ENDPOINT_MISSING,
    "wrong-target": ENDPOINT_WRONG_TARGET,
    "failed": ENDPOINT_FAILED,
    "rejected": APPROVAL_REJECTED,
    "stale": APPROVAL_STALE,
    "provisioning": ENDPOINT_PROVISIONING,
    "pending": APPROVAL_PENDING,
    EVENT_HUBS_ENABLED_LATER.code: EVENT_HUBS_ENABLED_LATER,
}


def diagnose(
    situation: Situation,
    *,
    target_status: Mapping[str, str | None],
    target_findings: Sequence[Finding],
    runs: RecentRuns | ErrorDetail,
    since: timedelta,
) -> Diagnosis:
    """The findings of the whole chain; the targets' states are passed in the form that `judge` takes."""
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
            *checking.identity_findings(situation),
            *plan_findings,
            *(finding for finding in endpoints if finding.code != EVENT_HUBS_ENABLED_LATER.code),
            *target_findings,
            *(changed_targets(plan) if plan else ()),
            *(finding for finding in endpoints if finding.code == EVENT_HUBS_ENABLED_LATER.code),
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
        ok=checking.is_fine(findings) and status is not None and status.all_known,
        since=since,
        runs=readable.runs if readable else None,
        lineage=dict(Counter(one.lineage or "(silent)" for one in readable.activities)) if readable else {},
        findings=findings,
    )


def wanted_targets(situation: Situation) -> tuple[Target, ...]:
    """The targets that the spec wants endpoints to; none if they are not known, which `plan_of` reports."""
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
    """Why the endpoints do not carry lineage; the findings are errors only if the firewall leaves no other way."""
    firewall = situation.account.firewall if situation.account else None
    needed = firewall in {matrix.CLOSED, None}
    for verdict, kind in _ENDPOINT_KINDS.items():
        affected = [one for one in status.endpoints if _kind(one, status) == verdict]
        if affected:
            yield kind.found(
                severity=None if needed else "info",
                names=_listed([one.group_id for one in affected]),
                cause="" if needed else "With this firewall setting lineage needs no managed private endpoint.",
                evidence=(f"{one.name}: {one.reason}" for one in affected),
            )


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _kind(one: EndpointStatus, status: Status) -> str:
    """The verdict; for a `namespace` that came later than `blob` and `queue`, the code of its own kind of finding."""
    others = [other for other in status.endpoints if other.group_id in {"blob", "queue"}]
    if (
        one.verdict == "missing"
        and one.group_id == "namespace"
        and others
        and all(other.verdict not in {"missing", "wrong-target"} for other in others)
    ):
        return EVENT_HUBS_ENABLED_LATER.code
    return one.verdict


def changed_targets(plan: Plan) -> Iterator[Finding]:
    """Endpoints to resources that the account no longer uses, and endpoints of unknown origin with the spec's names."""
    retired = [one for one in plan.obsolete if is_retired(plan.account, one)]
    if retired:
        yield TARGETS_CHANGED.found(evidence=_pointing(retired))
    if by_name := [one for one in plan.obsolete if one not in retired]:
        yield TARGETS_CHANGED_BY_NAME.found(evidence=_pointing(by_name))


def _pointing(endpoints: Sequence[Endpoint]) -> tuple[str, ...]:
    return tuple(f"{one.name}: {one.group_id} on {one.resource_id}" for one in endpoints)


def run_findings(runs: RecentRuns | ErrorDetail, situation: Situation) -> Iterator[Finding]:
    """The findings about the lineage of the recent runs."""
    if isinstance(runs, ErrorDetail):
        kind = RUNS_FORBIDDEN if runs.code == "access-denied" else RUNS_UNREADABLE
        yield kind.found(remedy=runs.remedy, evidence=(runs.message,))
        return
    if runs.unreadable:
        yield RUNS_PARTLY_UNREADABLE.found(evidence=runs.unreadable[:_EVIDENCE])
    if not runs.runs:
        yield NO_RECENT_RUNS.found()
    elif not runs.activities and not runs.unreadable:
        yield NO_LINEAGE_ACTIVITIES.found(runs=runs.runs)
    else:
        yield from _activity_findings(runs, situation)


def _activity_findings(runs: RecentRuns, situation: Situation) -> Iterator[Finding]:
    """Judges the newest run of each activity: an activity that failed last week and succeeds today works."""
    newest: dict[tuple[str, str], ActivityRun] = {}
    for activity in runs.activities:
        newest.setdefault((activity.pipeline, activity.activity), activity)
    by_result: dict[_Reported, list[ActivityRun]] = {}
    for activity in newest.values():
        by_result.setdefault(reported(activity), []).append(activity)
    count = "1 pipeline run" if runs.runs == 1 else f"{runs.runs} pipeline runs"
    scope = f"the newest {count}" if runs.more else count
    without_lineage = [one for key in ("failed", "unknown", "silent") for one in by_result.get(key, ())]
    if outside := [one for one in without_lineage if _ran_outside(one, situation)]:
        yield _about(RAN_OUTSIDE_THE_NETWORK, outside, scope, inside=_runtimes_inside(situation))
    if failed := by_result.get("failed"):
        yield _about(LINEAGE_FAILED, failed, scope)
    if unknown := by_result.get("unknown"):
        yield _about(LINEAGE_STATUS_UNKNOWN, unknown, scope)
    if not_reported := by_result.get("not-reported"):
        yield _about(LINEAGE_NOT_REPORTED, not_reported, scope)
    if unfinished := by_result.get("not-succeeded"):
        yield _about(ACTIVITIES_NOT_SUCCEEDED, unfinished, scope)
    if silent := by_result.get("silent"):
        yield _about(LINEAGE_SILENT, silent, scope)
    if arrived := by_result.get("arrived"):
        yield _about(LINEAGE_ARRIVES, arrived, scope)


def _about(kind: Kind, activities: Sequence[ActivityRun], scope: str, inside: str = "") -> Finding:
    return kind.found(activities=_count(activities), scope=scope, inside=inside, evidence=_evidence(activities))


def _ran_outside(activity: ActivityRun, situation: Situation) -> bool:
    """True if an activity ran where it cannot reach a closed account."""
    if activity.runtime is None or situation.account is None or situation.account.firewall != matrix.CLOSED:
        return False
    name = runtime_name(activity.runtime).casefold()
    kinds = {one.name.casefold(): one.kind for one in situation.runtimes or ()}
    is_implicit = name == IMPLICIT_RUNTIME.casefold() and situation.runtimes is not None
    return kinds.get(name, "azure" if is_implicit else None) == "azure"


def runtime_name(effective: str) -> str:
    """The runtime's name in an activity's text about where it ran: `<runtime> (<Region>)` (public code, docs)."""
    name, bracket, _ = effective.rpartition(" (")
    return name if bracket else effective


def _runtimes_inside(situation: Situation) -> str:
    inside = [one.name for one in situation.runtimes or () if one.kind == "azure-managed-vnet"]
    return f": {_listed(inside)}" if inside else ""


def reported(activity: ActivityRun) -> _Reported:
    """The kind of finding for a status. `Succeeded` and `NotReported` are recorded; those for failures are not."""
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
    """True if the activity failed, was cancelled or still runs; an activity without a status counts as ended."""
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
