"""Is everything in place, before anything is written?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.survey import survey
from purview_mpe._model.arm_id import ArmId
from purview_mpe._rules import checking
from purview_mpe._rules.capacity import LIMITS, capacity_findings, loads, wanted_by
from purview_mpe._rules.own_endpoints import own_targets_of, seen_own

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.checkup import Check
    from purview_mpe._model.spec import Spec


async def check(io: Io, spec: Spec) -> Check:
    """Reads everything, judges it in one pure function."""
    situation = await survey(io, spec)
    plan, _ = checking.plan_of(situation)
    wanted = wanted_by(plan) if plan else ()
    limited = [target for target in wanted if target.connections in LIMITS]
    own = own_targets_of(situation)
    if situation.account is None or not (limited or own):
        return checking.check(situation)
    listings = await connections.list_targets(io, ArmId.parse(situation.account.id), [*limited, *own])
    return checking.check(
        seen_own(situation, own, listings),
        target_findings=capacity_findings(loads(limited, listings, wanted=wanted)),
    )
