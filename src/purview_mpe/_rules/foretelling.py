"""What a dry run reports for the steps of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model.results import ErrorDetail, Outcome
from purview_mpe.errors import ProvisioningFailed

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
    networks = (step for step in plan.steps if step.subject == "managed-network" and step.action == "conflict")
    in_the_way = next(networks, None)
    return tuple(_foretold(step, in_the_way) for step in plan.steps)


def _foretold(step: Step, in_the_way: Step | None) -> Outcome:
    result, error = _WOULD[step.action], None
    if step.action == "conflict":
        error = conflict_of(step)
    elif in_the_way is not None and step.action != "keep":
        result, error = "failed", ErrorDetail.of(without_network(step, in_the_way))
    return Outcome(
        subject=step.subject,
        name=step.name,
        group_id=step.group_id,
        resource_id=step.resource_id,
        result=result,
        error=error,
    )


def without_network(step: Step, network: Step) -> ProvisioningFailed:
    """Why a step inside the managed virtual network was not carried out: the step of that network was not."""
    if network.action == "conflict":
        why, remedy = f"{network.reason[:1].lower()}{network.reason[1:]}", network.remedy or "Plan again."
    else:
        why = "the factory has no managed virtual network."
        remedy = "Fix the error reported for the managed virtual network, then repeat the call."
    return ProvisioningFailed(f"The {step.subject} {step.name!r} was not created: {why}", remedy=remedy)


def conflict_of(step: Step) -> ErrorDetail:
    """Why a step that is in conflict is not done."""
    return ErrorDetail(code="conflict", message=step.reason, remedy=step.remedy or "Plan again.")
