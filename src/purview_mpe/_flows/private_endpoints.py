"""Private endpoints in the customer's own network: plan, create, status, and removal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.approving import Approving
from purview_mpe._flows.steps.building import Building
from purview_mpe._flows.steps.network_reads import Observed, observe
from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.results import Outcome, Report, by_severity
from purview_mpe._rules.capacity import LIMITS, capacity_findings, fitted, loads
from purview_mpe._rules.foretelling import foretold
from purview_mpe._rules.own_network import OwnPlan, make_own_plan, standing_for
from purview_mpe._rules.own_status import claims_of, judge_own
from purview_mpe._wire.hand_off import Pending, hand_off
from purview_mpe.errors import PlanConflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.progress import Progress
    from purview_mpe._model.network import Network, Purpose
    from purview_mpe._model.results import Plan, Status
    from purview_mpe._model.spec import Spec
    from purview_mpe._rules.ownership import Claim


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and what it was made from."""

    own: OwnPlan
    observed: Observed
    seen_at: float
    """A moment just before the network was read."""


async def plan_private_endpoints(io: Io, spec: Spec, network: Network, purpose: Purpose) -> Plan:
    """What the network needs."""
    return (await planned(io, spec, network, purpose)).own.plan


async def planned(io: Io, spec: Spec, network: Network, purpose: Purpose) -> Planned:
    """What the network needs, and whether the targets have room for it."""
    seen_at = io.now()
    observed = await observe(io, spec, network, purpose)
    own = make_own_plan(spec, network, purpose, observed.account, observed.around, cloud=io.cloud)
    created = {step.identity for step in own.plan.steps if step.group_id is not None and step.action == "create"}
    wanted = [target for target in own.targets if target.identity in created]
    limited = [target for target in wanted if target.connections in LIMITS]
    if limited:
        listings = await connections.list_targets(io, ArmId.parse(observed.account.id), limited)
        counted = loads(limited, listings, wanted=wanted)
        warnings = by_severity([*own.plan.warnings, *capacity_findings(counted)])
        own = own.with_plan(fitted(own.plan, counted).model_copy(update={"warnings": warnings}))
    return Planned(own, observed, seen_at)


async def create_private_endpoints(
    io: Io, spec: Spec, network: Network, purpose: Purpose, *, approve: bool, dry_run: bool, wait: bool
) -> Report:
    """Plan and carry out; then approve each connection that is still pending.

    The exact id of the private endpoint identifies its connection.

    Raises:
        PlanConflict: before the first write.
    """
    found = await planned(io, spec, network, purpose)
    plan = found.own.plan
    if plan.conflicts and not dry_run:
        raise PlanConflict(plan)
    building = Building(
        io, network, found.own, found.observed.around, "create_private_endpoints", found.seen_at, wait=wait
    )
    work = Creation(io, plan, building, approve=approve)
    if dry_run:
        return work.report((*foretold(plan), *(work.foretold_approvals() if approve else ())))
    io.so_far = work.report
    await building.run()
    if approve:
        await work.approve_pending(wait=wait)
    return work.report()


@dataclass
class Creation:
    """A plan for a network that is being carried out."""

    io: Io
    plan: Plan
    building: Building
    approve: bool
    approving: Approving | None = None

    async def approve_pending(self, *, wait: bool) -> None:
        """Approve what Azure did not approve by itself."""
        claims, plan = self._claims(), self.plan
        self.approving = Approving(
            self.io,
            plan.spec,
            plan.account,
            [claim.target for claim in claims],
            Known(claims),
            decision="Approved",
            dry_run=False,
            verb="create_private_endpoints",
            own=(self.building.network, plan.purpose),
        )
        if claims:
            await self.approving.run(wait=wait)

    def _claims(self) -> list[Claim]:
        made = [progress.endpoint for progress in self._endpoints() if progress.endpoint is not None]
        return [claim for claim in claims_of(self.building.own.targets, made) if claim.factory_says != "approved"]

    def foretold_approvals(self) -> list[Outcome]:
        """What a dry run can say about approvals: only existing private endpoints have a connection."""
        building = self.building
        found: list[Outcome] = []
        for step in self.plan.steps:
            kept = standing_for(building.network, step, building.around) if step.action == "keep" else None
            if kept is not None:
                is_approved = kept.endpoint.connection_status.casefold() == "approved"
                found.append(
                    Outcome(
                        subject=step.subject,
                        name=step.name,
                        group_id=step.group_id,
                        resource_id=step.resource_id,
                        private_endpoint_id=kept.endpoint.private_endpoint_id,
                        result="already-approved" if is_approved else "would-approve",
                    )
                )
        return found

    def _endpoints(self) -> list[Progress]:
        return self.building.of("private-endpoint")

    def report(self, outcomes: tuple[Outcome, ...] | None = None) -> Report:
        """What was done so far."""
        plan, approving = self.plan, self.approving
        done = self.building.outcomes() if outcomes is None else outcomes
        return Report(
            verb="create_private_endpoints",
            spec=plan.spec,
            account=plan.account,
            network=plan.network,
            purpose=plan.purpose,
            outcomes=(*done, *self._approved(), *(approving.outcomes() if approving else ())),
            hand_off=approving.hand_off() if approving else self._left_to_owners(),
            approval_asked=self.approve,
            warnings=plan.warnings,
        )

    def _approved(self) -> list[Outcome]:
        """The connections that Azure approved by itself, or that were approved before."""
        if self.approving is None:
            return []
        return [
            progress.outcome(self.io.now()).model_copy(update={"result": "already-approved", "seconds": 0.0})
            for progress in self._endpoints()
            if progress.endpoint is not None and progress.endpoint.connection_status.casefold() == "approved"
        ]

    def _left_to_owners(self) -> str | None:
        """The text for the owners of the targets."""
        endpoints = [progress.endpoint for progress in self._endpoints() if progress.endpoint is not None]
        pending = [
            Pending(claim.target, claim.name, claim.private_endpoint_id)
            for claim in claims_of(self.building.own.targets, endpoints)
            if claim.factory_says != "approved"
        ]
        return hand_off(None, self.plan.account.id, pending, portal=self.io.portal)


@dataclass
class Known:
    """Claims of private endpoints whose exact ids are known."""

    known: Sequence[Claim]
    blind: bool = False
    may_grow: bool = False

    async def claims(self) -> Sequence[Claim]:
        """All of them."""
        return self.known


async def private_endpoints_status(io: Io, spec: Spec, network: Network, purpose: Purpose) -> Status:
    """Both sides of every private endpoint that the purpose needs, and whether its names resolve."""
    observed = await observe(io, spec, network, purpose)
    own = make_own_plan(spec, network, purpose, observed.account, observed.around, cloud=io.cloud)
    listings = await connections.list_targets(io, ArmId.parse(observed.account.id), own.targets)
    return judge_own(own, network, observed.around, listings)
