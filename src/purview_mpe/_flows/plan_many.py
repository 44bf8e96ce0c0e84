"""Planning for many factories at once: each account, and the room at its targets, is read once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from purview_mpe._flows.create_many import Fleet
from purview_mpe._flows.steps import fleet_reports
from purview_mpe._model.fleet_looks import FactoryPlan, FleetPlan
from purview_mpe._model.results import ErrorDetail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._flows.create_many import Candidate, Seen
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.shared_accounts import SharedAccount
    from purview_mpe._model.results import Plan, Report
    from purview_mpe._model.spec import Spec
    from purview_mpe.errors import PurviewMpeError


class PlanningFleet(Fleet):
    """A dry run that keeps the plans."""

    verb: ClassVar[str] = "plan_many"

    def __init__(self, io: Io, specs: Sequence[Spec]) -> None:
        super().__init__(io, enumerate(specs), approve=False, wait=False, timeout=float("inf"), dry_run=True)
        self._specs = specs
        self._found: dict[int, Plan | ErrorDetail] = {}

    def decide(self, member: Candidate, owner: SharedAccount, seen: Seen) -> None:
        """Keep the plan; nothing is written.

        Raises:
            UnsupportedSetup: nothing can be created for this account or factory.
        """
        plan, _ = seen.plan(member.spec, owner)
        self._found[member.index] = plan
        self.finish(member, fleet_reports.rehearsed(plan, None, approve=False))

    def fail(self, member: Candidate, failure: PurviewMpeError) -> None:
        """Keep the reason why the plan is missing."""
        self._found[member.index] = ErrorDetail.of(failure)
        super().fail(member, failure)

    def verb_of(self, report: Report) -> str:
        """The verb for one factory."""
        del report
        return "plan"

    def result(self) -> FleetPlan:
        """What was found, in the order of the specs."""
        return FleetPlan(
            factories=tuple(_factory(spec, self._found[index]) for index, spec in enumerate(self._specs)),
            warnings=self.warnings,
        )


def _factory(spec: Spec, found: Plan | ErrorDetail) -> FactoryPlan:
    if isinstance(found, ErrorDetail):
        return FactoryPlan(spec=spec, error=found)
    return FactoryPlan(spec=spec, plan=found)
