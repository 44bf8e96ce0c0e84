"""What a dry run of a creation reads in addition to its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows.steps.approving import Approving
from purview_mpe._flows.steps.claims import FromFactory
from purview_mpe._rules.planning import needed_targets

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Plan, Verb


def rehearsed_approvals(io: Io, plan: Plan, verb: Verb) -> Approving | None:
    """A dry run over the connections of existing endpoints; None if there are none.

    The endpoints that the plan creates have no connections yet.
    """
    kept = {step.identity for step in plan.steps if step.action == "keep" and step.group_id}
    targets = [target for target in needed_targets(plan.spec, plan.account) if target.identity in kept]
    if not targets:
        return None
    source = FromFactory(io, plan.spec, targets)
    return Approving(io, plan.spec, plan.account, targets, source, decision="Approved", dry_run=True, verb=verb)
