"""Checking that everything is in place before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.survey import survey
from purview_mpe._model.arm_id import ArmId
from purview_mpe._rules import checking
from purview_mpe._rules.capacity import LIMITS, capacity_findings, loads, wanted_by
from purview_mpe._rules.own_endpoints import own_targets_of, seen_own

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
    listed = listed_targets(situation)
    if situation.account is None or not listed:
        return checking.check(situation)
    return judged(situation, await connections.list_targets(io, ArmId.parse(situation.account.id), listed))


def listed_targets(situation: Situation) -> list[Target]:
    """The targets whose connections matter, because they have a limit or because a self-hosted runtime needs them."""
    return [*_limited(situation), *own_targets_of(situation)]


def judged(situation: Situation, listings: Mapping[Identity, Listing]) -> Check:
    """The check, with the connections of the listed targets."""
    counted = loads(_limited(situation), listings, wanted=_wanted(situation))
    return checking.check(
        seen_own(situation, own_targets_of(situation), listings), target_findings=capacity_findings(counted)
    )


def _limited(situation: Situation) -> list[Target]:
    """The targets that would get a connection and that limit their number of connections."""
    return [target for target in _wanted(situation) if target.connections in LIMITS]


def _wanted(situation: Situation) -> Sequence[Target]:
    plan, _ = checking.plan_of(situation)
    return wanted_by(plan) if plan else ()
