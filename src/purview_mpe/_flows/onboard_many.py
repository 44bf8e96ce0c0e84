"""Onboarding many factories at once: identity and connection, then `create_many` and the role in parallel.

All factories of one account share one policy, which is read and written back whole. So their identities are collected,
and one write adds all that are ready. The write is sent as soon as every factory of the account has its identity, or
after a while, so that a slow factory does not delay the others for long.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from purview_mpe._flows.create_all import Creation
from purview_mpe._flows.create_many import Fleet
from purview_mpe._flows.onboard import Onboarding, role_of
from purview_mpe._flows.steps import fleet_reports, reads
from purview_mpe._flows.steps.factory_change import Connection, FactoryChange, Identity
from purview_mpe._flows.steps.provisioning import Provisioning
from purview_mpe._flows.steps.schedule import Job
from purview_mpe._model.results import ErrorDetail
from purview_mpe.errors import PurviewMpeError, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from purview_mpe._flows.create_many import Candidate, Item, Seen
    from purview_mpe._flows.grant import Curating, Member
    from purview_mpe._flows.onboard import OnboardOptions
    from purview_mpe._flows.steps.factory_change import Part
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.schedule import Schedule
    from purview_mpe._flows.steps.shared_accounts import SharedAccount
    from purview_mpe._model.results import Account, Outcome, Report, Verb

#: Seconds that the first identities of an account wait for further ones; each later batch waits twice as long as the
#: one before, so that the number of writes hardly grows with the size of the fleet.
_GATHER = 60.0
#: Timeout of one batch in seconds, from its first request; the same as the default of `grant`.
_PATIENCE = 300.0


@dataclass(eq=False)
class _Role:
    """The role of one factory's identity."""

    candidate: Candidate
    member: Member
    curating: Curating | None = None
    """The batch that writes the role; None while the role waits for one."""


@dataclass(eq=False)
class _PolicyQueue:
    """The policy of one account, and the roles that wait to be written to it."""

    account: Account
    waiting: list[_Role] = field(default_factory=list[_Role])
    due: float = float("inf")
    gather: float = _GATHER
    is_writing: bool = False
    unreached: PurviewMpeError | None = None
    """Why this caller cannot reach the policy; then no further request is sent."""


@dataclass(eq=False)
class _Work:
    """What is done for one factory."""

    io: Io
    onboarding: Onboarding
    role: _Role | None = None

    def report(self) -> Report:
        """What was done so far; a role that is still open is reported as timed out."""
        if (part := self._part()) is not None:
            self.onboarding.curating = part
        return self.onboarding.report()

    def role_outcomes(self) -> tuple[Outcome, ...]:
        """The outcome for the role."""
        part = self._part()
        return part.outcomes() if part is not None else ()

    def _part(self) -> Curating | None:
        """The batch that writes this factory's role, reduced to this factory; None without a role to write."""
        if self.role is None:
            return None
        member, work = self.role.member, self.onboarding
        if member.result is None:
            member.result, member.ended, member.error = "timed-out", self.io.now(), ErrorDetail.of(_out_of_time(work))
        curating = self.role.curating
        if curating is None:
            return role_of(self.io, work.plan.account, [member], work.options, dry_run=work.dry_run)
        return replace(curating, members=[member])


def _out_of_time(work: Onboarding) -> WaitTimedOut:
    return WaitTimedOut(
        f"The identity of the factory {work.spec.factory_id.name!r} was not made Data Curator: the time ran out.",
        remedy="Repeat the call.",
    )


class _Roles:
    """The role Data Curator for all factories of a fleet."""

    def __init__(self, io: Io, schedule: Schedule, fleet: OnboardingFleet, options: OnboardOptions) -> None:
        self._io = io
        self._schedule = schedule
        self._fleet = fleet
        self._options = options
        self._queues: dict[str, _PolicyQueue] = {}
        self._expected: dict[int, str] = {}
        """For each factory that has no identity yet, the id of its account; an empty text while that is not known."""
        self._open: Counter[str] = Counter()

    def expect(self, candidate: Candidate, account: str) -> None:
        """Record that a factory of this account will need the role."""
        self.forget(candidate)
        self._expected[candidate.index] = account
        self._open[account] += 1

    def forget(self, candidate: Candidate) -> None:
        """Record that a factory no longer needs the role, or is ready for it."""
        if (account := self._expected.pop(candidate.index, None)) is not None:
            self._open[account] -= 1

    def add(self, candidate: Candidate, account: Account, member: Member) -> _Role:
        """Queue the role of an identity that exists now."""
        self.forget(candidate)
        role, key = _Role(candidate, member), account.id.casefold()
        queue = self._queues.setdefault(key, _PolicyQueue(account))
        queue.waiting.append(role)
        queue.due = min(queue.due, self._io.now() + queue.gather)
        return role

    def start(self) -> float:
        """Start the writes that are due; return the moment at which the next batch is due."""
        now, next_due = self._io.now(), float("inf")
        for key, queue in self._queues.items():
            if not queue.waiting or queue.is_writing:
                continue
            if now >= queue.due or not (self._open[key] or self._open[""]):
                self._put(queue)
            else:
                next_due = min(next_due, queue.due)
        return next_due

    def _put(self, queue: _PolicyQueue) -> None:
        batch, queue.waiting = queue.waiting, []
        queue.due, queue.gather, queue.is_writing = float("inf"), 2 * queue.gather, True
        members = [role.member for role in batch]
        curating = role_of(self._io, queue.account, members, self._options, dry_run=self._fleet.dry_run)

        async def flow() -> None:
            curating.until = self._io.now() + _PATIENCE
            if queue.unreached is None:
                await curating.run()
            else:
                curating.refuse(curating.members, queue.unreached)

        def then(failure: PurviewMpeError | None) -> None:
            queue.is_writing = False
            queue.unreached = curating.refusal if curating.unreached is not None else None
            ended(failure)

        def ended(failure: PurviewMpeError | None = None) -> None:
            if failure is not None:
                curating.refuse([member for member in curating.members if member.result is None], failure)
            for role in batch:
                role.candidate.jobs -= 1
                role.candidate.awaits_more = False
                self._fleet.go_on(role.candidate)

        for role in batch:
            role.curating = curating
            role.candidate.jobs += 1
        self._schedule.put("roles", queue.account.id.casefold(), Job(flow, then, (), ended))


class OnboardingFleet(Fleet):
    """One run that onboards many factories."""

    verb: ClassVar[str] = "onboard_many"
    single: ClassVar[Verb] = "onboard"
    usual_writes: ClassVar[int] = 7
    queues: ClassVar[Mapping[str, float]] = {**Fleet.queues, "roles": 0.2}

    def __init__(
        self,
        io: Io,
        items: Iterable[Item],
        options: OnboardOptions,
        *,
        wait: bool,
        timeout: float,
        dry_run: bool = False,
    ) -> None:
        super().__init__(io, items, approve=options.approve, wait=wait, timeout=timeout, dry_run=dry_run)
        self._options = options
        self._roles = _Roles(io, self.schedule, self, options)
        self._works: dict[int, _Work] = {}
        """The work for each factory that was read with its account, by the factory's index."""

    def admit(self, member: Candidate) -> None:
        """Find the factory's account; the factory's identity will need the role there."""
        if self._options.grant:
            account_id = member.spec.account_id
            self._roles.expect(member, str(account_id).casefold() if account_id else "")
        super().admit(member)

    def take_up(self, member: Candidate, found: SharedAccount | PurviewMpeError) -> None:
        """Read a factory whose account is known."""
        if self._options.grant and not isinstance(found, PurviewMpeError):
            self._roles.expect(member, found.account.id.casefold())
        super().take_up(member, found)

    async def read(self, member: Candidate, seen: Seen) -> None:
        """Read what a plan is made from, and the factory itself."""
        seen.body, side = await reads.both(
            self.io,
            reads.read_factory_body(self.io, member.spec.factory_id),
            reads.read_factory_side(self.io, member.spec, with_runtimes=True),
        )
        seen.side.append(side)

    def decide(self, member: Candidate, owner: SharedAccount, seen: Seen) -> None:
        """Make the plan, and write the factory itself first.

        Raises:
            UnsupportedSetup: nothing can be created for this account or factory.
        """
        spec = member.spec
        plan, factory = seen.plan(spec, owner)
        parts: list[Part] = [Identity(spec), Connection(spec, plan.account.id, self._options.replace, "onboard")]
        change = FactoryChange(self.io, spec, parts, seen.body, seen.at, "onboard", dry_run=self.dry_run)
        provisioning = Provisioning(self.io, plan, factory, "onboard", seen.at)
        creation = Creation(self.io, plan, provisioning, self._options.approve, "onboard")
        onboarding = Onboarding(self.io, spec, plan, change, creation, self._options, self.dry_run)
        work = self._works[member.index] = _Work(self.io, onboarding)
        member.report = partial(self._report, member, work)

        async def flow() -> None:
            await change.run()

        def then(failure: PurviewMpeError | None) -> None:
            if failure is not None:
                self.fail(member, failure)
                return
            if self._options.grant:
                work.role = self._roles.add(member, owner.account, onboarding.member())
                member.awaits_more = True
            if self.dry_run:
                onboarding.foretell_steps()
                self.rehearse(member, plan)
            else:
                self.write(member, owner, creation)

        self.submit(member, "writes", flow, then)

    def _report(self, member: Candidate, work: _Work) -> Report:
        if self.dry_run and member.case is not None:
            work.onboarding.approving = member.case.work
        return work.report()

    def prepare(self) -> float:
        """As `Fleet.prepare`; also write the policies that are due."""
        return min(super().prepare(), self._roles.start())

    def cut_off(self, member: Candidate) -> Report:
        """What was done so far, and what timed out."""
        work = self._works.get(member.index)
        if work is None or member.is_submitted:
            return super().cut_off(member)
        work.onboarding.creation.end(waited=True)
        return work.report()

    def fail(self, member: Candidate, failure: PurviewMpeError) -> None:
        """End the work for a factory; changes to the factory itself stay in the report."""
        report = fleet_reports.failed(member.spec, failure, approve=self._options.approve, verb="onboard")
        if (work := self._works.get(member.index)) is not None:
            outcomes = (*work.onboarding.change.outcomes(), *report.outcomes, *work.role_outcomes())
            report = report.model_copy(update={"outcomes": outcomes, "account": work.onboarding.plan.account})
        self.finish(member, report)

    def finish(self, member: Candidate, report: Report) -> None:
        """Finish a factory; the roles of other factories no longer wait for its identity."""
        self._roles.forget(member)
        super().finish(member, report)
