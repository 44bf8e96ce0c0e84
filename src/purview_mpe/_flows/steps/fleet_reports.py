"""A fleet's reports for factories whose steps produced no results."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from purview_mpe._model.results import ErrorDetail, Outcome, Report
from purview_mpe._rules.foretelling import conflict_of, foretold
from purview_mpe.errors import PlanConflict, PurviewMpeError, WaitTimedOut

if TYPE_CHECKING:
    from purview_mpe._flows.steps.approvals import Case
    from purview_mpe._model.results import Account, Plan, Step, Verb
    from purview_mpe._model.spec import Spec

#: The single-factory verbs whose fleet verb accepts the report of an earlier run (`resume`).
_RESUMABLE: frozenset[str] = frozenset({"create_all", "onboard"})


def failed(
    spec: Spec, error: PurviewMpeError, *, approve: bool, verb: Verb = "create_all", account: Account | None = None
) -> Report:
    """The report for a factory that failed as a whole: one outcome."""
    outcome = Outcome(
        name=spec.name,
        resource_id=spec.factory,
        result="timed-out" if isinstance(error, WaitTimedOut) else "failed",
        error=ErrorDetail.of(error),
    )
    return Report(verb=verb, spec=spec, account=account, outcomes=(outcome,), approval_asked=approve)


def not_begun(spec: Spec, *, approve: bool, verb: Verb = "create_all") -> Report:
    """The report for a factory that was not started in time."""
    error = WaitTimedOut(
        f"The factory {spec.factory_id.name!r} was not started: the time for the whole fleet ran out.",
        remedy="Repeat the call with resume set to the fleet's report."
        if verb in _RESUMABLE
        else "Repeat the call: what is done already is kept.",
    )
    return failed(spec, error, approve=approve, verb=verb)


def conflicting(plan: Plan, *, approve: bool) -> Report:
    """The report for a plan with conflicts: nothing was written, and each outcome except `kept` says why."""
    return Report(
        verb="create_all",
        spec=plan.spec,
        account=plan.account,
        outcomes=tuple(_of(step, plan) for step in plan.steps),
        approval_asked=approve,
        warnings=plan.warnings,
    )


def rehearsed(plan: Plan, case: Case | None, *, approve: bool) -> Report:
    """The report of a dry run: the plan's steps, and the decisions about connections that exist."""
    return Report(
        verb="create_all",
        spec=plan.spec,
        account=plan.account,
        outcomes=(*foretold(plan), *(case.work.outcomes() if case else ())),
        hand_off=case.work.hand_off() if case else None,
        approval_asked=approve,
        warnings=plan.warnings,
    )


def summary(report: Report) -> str:
    """One line: how many outcomes of which kind."""
    counted = Counter(outcome.result for outcome in report.outcomes)
    return ", ".join(f"{count} {result}" for result, count in counted.items()) or "nothing to do"


def _of(step: Step, plan: Plan) -> Outcome:
    error = None
    if step.action == "conflict":
        error = conflict_of(step)
    elif step.action != "keep":
        error = ErrorDetail.of(PlanConflict(plan))
    return Outcome(
        subject=step.subject,
        name=step.name,
        group_id=step.group_id,
        resource_id=step.resource_id,
        result="conflict" if step.action == "conflict" else "kept" if step.action == "keep" else "failed",
        error=error,
    )
