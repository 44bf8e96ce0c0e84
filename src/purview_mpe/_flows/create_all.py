"""Carrying out a plan, and "Create all": plan, provision and, if requested, approve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from purview_mpe._flows.steps.approving import Approving
from purview_mpe._flows.steps.claims import FromFactory
from purview_mpe._flows.steps.io import remaining
from purview_mpe._flows.steps.narration import tell_waiting
from purview_mpe._flows.steps.planned import planned
from purview_mpe._flows.steps.progress import InTheWay
from purview_mpe._flows.steps.provisioning import Provisioning
from purview_mpe._flows.steps.waiting import poll_interval
from purview_mpe._model import states
from purview_mpe._model.results import Plan, Report, Target
from purview_mpe._model.spec import Spec
from purview_mpe._rules.ownership import Claim, claim_for
from purview_mpe._rules.planning import needed_targets, reconciled
from purview_mpe._wire.hand_off import Pending, hand_off
from purview_mpe.errors import PlanConflict

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.progress import Progress
    from purview_mpe._model.results import Verb

_WRITTEN = frozenset({"created", "replaced", "kept"})
#: If a request takes longer than this many seconds, sending the first read right after the writes saves time.
_LONG_TRIP = 0.05


async def apply(io: Io, subject: Plan | Spec, *, wait: bool) -> Report:
    """Carry out a plan, or plan and carry out a spec."""
    return await create_all(io, subject, approve=False, wait=wait, verb="apply")


async def create_all(io: Io, subject: Plan | Spec, *, approve: bool, wait: bool, verb: Verb = "create_all") -> Report:
    """Plan and carry out; approve each connection as soon as it appears and provably belongs to the endpoint.

    A plan is checked again before anything is written: it may be old, and a plan file may have been edited. If
    Azure's present state contradicts a step, that step is a conflict; the other steps are carried out.
    """
    earlier = subject if isinstance(subject, Plan) else None
    if earlier is not None and earlier.conflicts:
        raise PlanConflict(earlier)
    fresh = await planned(io, subject if isinstance(subject, Spec) else subject.spec)
    plan = fresh.plan if earlier is None else reconciled(earlier, fresh.plan)
    if earlier is None and plan.conflicts:
        raise PlanConflict(plan)
    provisioning = Provisioning(io, plan, fresh.factory, verb, fresh.seen_at)
    creation = Creation(io, plan, provisioning, approve, verb)
    io.so_far = creation.report
    await creation.begin(read_early=wait and io.round_trip >= _LONG_TRIP)
    await wait_for(io, creation, wait=wait)
    return creation.report()


@dataclass
class Creation:
    """A plan that is being carried out."""

    io: Io
    plan: Plan
    provisioning: Provisioning
    approve: bool
    verb: Verb
    approving: Approving | None = None

    async def begin(self, *, read_early: bool = False) -> None:
        """Write what can be written immediately."""
        await self.provisioning.write(read_early=read_early)
        if self.approve:
            self.approving = _approving(self.io, self.plan, self.provisioning, self.verb)

    async def heal(self) -> None:
        """Replace one endpoint that another endpoint blocked. The replacement's connection needs its own approval."""
        healed = await self.provisioning.heal()
        if healed is not None and self.approving is not None:
            self.approving.reopen(healed.identity)

    @property
    def is_over(self) -> bool:
        """True if nothing will change any more on either side."""
        return self.provisioning.is_over and (self.approving is None or self.approving.is_over)

    def end(self, *, waited: bool) -> None:
        """End every step that is not done; nothing more will be read."""
        self.provisioning.time_out(waited=waited)
        if self.approving is not None:
            self.approving.end_open(waited=waited)

    def report(self) -> Report:
        """What was done so far."""
        provisioning, approving, plan = self.provisioning, self.approving, self.plan
        return Report(
            verb=self.verb,
            spec=plan.spec,
            account=plan.account,
            outcomes=(*provisioning.outcomes(), *(approving.outcomes() if approving else ())),
            hand_off=approving.hand_off() if approving else _left_to_owners(self.io, plan, provisioning),
            approval_asked=self.approve,
            warnings=plan.warnings,
        )


async def wait_for(io: Io, creation: Creation, *, wait: bool) -> None:
    """Read both sides together, round after round, until both are done or the time runs out."""
    provisioning, approving = creation.provisioning, creation.approving
    began = io.now()
    # No pause before the first read: everything may be done already. An emulator finishes before this read, and another
    # call may have created the same endpoints.
    pause = 0.0
    approving_due = began + poll_interval(0)
    # Connections of existing endpoints may be pending already; a new connection takes some seconds to appear.
    if approving is not None and (not wait or any(progress.result == "kept" for progress in provisioning.steps)):
        await approving.look()
    while provisioning.is_replacing or (wait and not creation.is_over):
        if (left := remaining(io)) <= 0:
            break
        _tell_waiting(io, provisioning, approving)
        if pause:
            await io.sleep(min(pause, left))
        looks: list[Coroutine[Any, Any, None]] = []
        if provisioning.waiting:
            looks.append(provisioning.look())
        # Connections appear later than endpoints, and reading them takes one list request for each target.
        is_due = io.now() >= approving_due or not provisioning.waiting
        if approving is not None and not approving.is_over and is_due:
            looks.append(approving.look())
            approving_due = io.now() + poll_interval(io.now() - began)
        await io.gather(looks)
        pause = poll_interval(io.now() - began)
        if wait and not provisioning.waiting:
            await creation.heal()
    creation.end(waited=wait)


def _tell_waiting(io: Io, provisioning: Provisioning, approving: Approving | None) -> None:
    names = [progress.step.name for progress in provisioning.waiting]
    unapproved = approving.open_names() if approving else []
    awaited = (
        f"waiting for Azure to create {', '.join(names)}" if names else "",
        f"waiting for the connections of {', '.join(unapproved)}" if unapproved else "",
    )
    tell_waiting(
        io,
        provisioning.verb,
        "; ".join(filter(None, awaited)),
        factory=provisioning.plan.spec.factory,
        pending=tuple(dict.fromkeys([*names, *unapproved])),
    )


def _approving(io: Io, plan: Plan, provisioning: Provisioning, verb: Verb) -> Approving:
    written = [
        target
        for progress, target in _endpoints(plan, provisioning)
        if progress.result in _WRITTEN or isinstance(progress.state, InTheWay)
    ]
    return Approving(
        io,
        plan.spec,
        plan.account,
        written,
        FromProvisioning(io, plan.spec, written, provisioning),
        decision="Approved",
        dry_run=False,
        verb=verb,
    )


@dataclass
class FromProvisioning:
    """Claims from a creation that is under way: the endpoints that its latest read of the factory showed."""

    io: Io
    spec: Spec
    targets: Sequence[Target]
    provisioning: Provisioning
    blind: bool = False

    @property
    def may_grow(self) -> bool:
        """True if endpoints that are missing now may still appear."""
        return not self.provisioning.is_over

    async def claims(self) -> Sequence[Claim]:
        """The endpoints that exist now. After provisioning, a missing private endpoint id is read from the factory.

        Until provisioning is over, a failed endpoint may be replaced, so it is not a claim.
        """
        is_over = self.provisioning.is_over
        claims = [
            claim_for(target, progress.endpoint)
            for progress, target in _endpoints(self.provisioning.plan, self.provisioning)
            if progress.endpoint is not None
            and progress.result in _WRITTEN
            and (is_over or not states.is_broken(progress.endpoint.provisioning_state, ""))
        ]
        if is_over and any(claim.private_endpoint_id is None for claim in claims):
            return await FromFactory(self.io, self.spec, self.targets).claims()
        return claims


def _left_to_owners(io: Io, plan: Plan, provisioning: Provisioning) -> str | None:
    """The hand-off for the owners of the targets. Preparing it needs no right on a target."""
    pending = [
        Pending(target, progress.endpoint.name, progress.endpoint.private_endpoint_id)
        for progress, target in _endpoints(plan, provisioning)
        if progress.endpoint is not None and progress.endpoint.connection_status.casefold() != "approved"
    ]
    return hand_off(plan.spec.factory_id.name, plan.account.id, pending, portal=io.portal)


def _endpoints(plan: Plan, provisioning: Provisioning) -> list[tuple[Progress, Target]]:
    targets = {target.identity: target for target in needed_targets(plan.spec, plan.account)}
    return [
        (progress, targets[key])
        for progress in provisioning.endpoint_steps
        if (key := progress.step.identity) in targets
    ]
