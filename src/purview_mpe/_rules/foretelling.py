"""What a dry run reports for the steps of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model.results import ErrorDetail, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._model.results import Action, Plan, Result, Step

#: The result of a plan's step in a dry run.
_WOULD: Mapping[Action, Result] = {
    "create": "would-create",
    "keep": "kept",
    "replace": "would-replace",
    "conflict": "conflict",
}


def foretold(plan: Plan) -> tuple[Outcome, ...]:
    """One outcome for each step: what would be done."""
    return tuple(
        Outcome(
            subject=step.subject,
            name=step.name,
            group_id=step.group_id,
            resource_id=step.resource_id,
            result=_WOULD[step.action],
            error=conflict_of(step) if step.action == "conflict" else None,
        )
        for step in plan.steps
    )


def conflict_of(step: Step) -> ErrorDetail:
    """Why a step that is in conflict is not done."""
    return ErrorDetail(code="conflict", message=step.reason, remedy=step.remedy or "Plan again.")
