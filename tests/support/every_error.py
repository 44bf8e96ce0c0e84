"""One instance of each error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe import Outcome, Plan, Report, Step, errors
from purview_mpe.errors import InvalidSpec, PlanConflict, PurviewMpeError, ReportFailed
from tests.support.nouns import STORAGE, a_spec, an_account

if TYPE_CHECKING:
    from purview_mpe._model.results import ErrorDetail

CLASSES = {name: getattr(errors, name) for name in errors.__all__}
LEAVES = [cls for name, cls in CLASSES.items() if name != "PurviewMpeError"]


def a_plan(*steps: Step) -> Plan:
    return Plan(spec=a_spec(), account=an_account(), steps=steps)


def a_conflict(name: str, reason: str = "Why.", remedy: str = "Do this.") -> Step:
    return Step(action="conflict", name=name, group_id="blob", resource_id=STORAGE, reason=reason, remedy=remedy)


def an_outcome(name: str, result: str, error: ErrorDetail | None = None) -> Outcome:
    return Outcome(name=name, group_id="blob", resource_id=STORAGE, result=result, error=error)


def made(cls: type[PurviewMpeError]) -> PurviewMpeError:
    if cls is InvalidSpec:
        return InvalidSpec("Spec", [("name", "is required")])
    if cls is PlanConflict:
        return PlanConflict(a_plan(a_conflict("purview_blob")))
    if cls is ReportFailed:
        return ReportFailed(Report(verb="apply", spec=a_spec(), outcomes=(an_outcome("purview_blob", "failed"),)))
    return cls("Could not do it.", remedy="Do that.", status=403, azure_code="X", request_id="r", correlation_id="c")
