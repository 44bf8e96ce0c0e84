"""Checking that everything is in place before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.survey import survey
from purview_mpe._model.arm_id import ArmId
from purview_mpe._rules import checking
from purview_mpe._rules.capacity import LIMITS, capacity_findings, loads, wanted_by

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.checkup import Check
    from purview_mpe._model.results import Identity, Target
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.survey import Situation
    from purview_mpe._rules.ownership import Listing


async def check(io: Io, spec: Spec) -> Check:
    """Read everything, then judge it in one pure function."""
    situation = await survey(io, spec)
    limited = limited_targets(situation)
    if situation.account is None or not limited:
        return checking.check(situation)
    return judged(situation, await connections.list_targets(io, ArmId.parse(situation.account.id), limited))


def limited_targets(situation: Situation) -> list[Target]:
    """The targets that would get a connection and have a limit of them."""
    return [target for target in _wanted(situation) if target.connections in LIMITS]


def judged(situation: Situation, listings: Mapping[Identity, Listing]) -> Check:
    """The check, with the connections of the limited targets."""
    counted = loads(limited_targets(situation), listings, wanted=_wanted(situation))
    return checking.check(situation, target_findings=capacity_findings(counted))


def _wanted(situation: Situation) -> Sequence[Target]:
    plan, _ = checking.plan_of(situation)
    return wanted_by(plan) if plan else ()
