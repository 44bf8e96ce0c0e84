"""A plan made from what Azure shows now: what is missing, and whether the targets have room for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps import targets as connections
from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.results import by_severity
from purview_mpe._rules.capacity import LIMITS, capacity_findings, fitted, loads, wanted_by

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Factory, Plan
    from purview_mpe._model.spec import Spec


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and the factory that it was made from."""

    plan: Plan
    factory: Factory
    seen_at: float
    """A moment just before the factory was read."""


async def planned(io: Io, spec: Spec) -> Planned:
    """What is missing between the account and the factory.

    The connections of a target are listed only if the plan creates an endpoint to it. If they cannot be listed, the
    target counts as having room, because a plan needs no right on the targets.
    """
    seen_at = io.now()
    observed = await reads.observe(io, spec)
    account, factory, plan = observed.account, observed.factory, observed.plan(spec)
    wanted = wanted_by(plan)
    limited = [target for target in wanted if target.connections in LIMITS]
    if limited:
        listings = await connections.list_targets(io, ArmId.parse(account.id), limited)
        counted = loads(limited, listings, wanted=wanted)
        warnings = by_severity([*plan.warnings, *capacity_findings(counted)])
        plan = fitted(plan, counted).model_copy(update={"warnings": warnings})
    return Planned(plan, factory, seen_at)
