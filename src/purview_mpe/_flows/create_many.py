"""Creating for many factories at once, each at its own pace.

A factory is read when Azure's limits let its writes through, written at once, and then looked at from time to time: one
list each, however many endpoints wait. How often follows from how long it waits, how many others do (their lists share
one limit), and how long the quickest of this fleet took: none is asked before that. No thread waits for a factory.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from purview_mpe._flows.create_all import Creation
from purview_mpe._flows.steps import approvals, fleet_reports, reads, shared
from purview_mpe._flows.steps.approvals import Approvals, Case
from purview_mpe._flows.steps.fleet import FleetWork, Member
from purview_mpe._flows.steps.provisioning import Provisioning
from purview_mpe._flows.steps.schedule import Cost
from purview_mpe._flows.steps.shared_accounts import SharedAccounts
from purview_mpe._flows.steps.waiting import poll_interval
from purview_mpe._rules.capacity import wanted_by
from purview_mpe._rules.planning import make_plan
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.shared_accounts import SharedAccount
    from purview_mpe._model.results import Factory, Finding, Report
    from purview_mpe._model.spec import Spec

#: A spec and its place in what the caller gave.
Item: TypeAlias = tuple[int, "Spec"]

#: Endpoints that a factory usually gets; what it really needs is known once it was read.
_USUAL_WRITES = 4
#: Lists per second and subscription that looking may cost: less than half of what Azure Resource Manager allows while
#: factories are still to be submitted, and most of it afterwards.
_LOOKS_PER_SECOND = 10.0
_LOOKS_PER_SECOND_AT_REST = 20.0
_QUEUES = {"writes": 0.6, "looks": 0.25, **shared.QUEUES, **approvals.QUEUES}


@dataclass(eq=False)
class _Factory(Member):
    """A factory on its way to its endpoints."""

    creation: Creation | None = None
    submitted: float = float("inf")
    """When its endpoints were asked for."""
    case: Case | None = None
    """Its connections, where they are approved on the way."""
    is_submitted: bool = False
    awaits_look: bool = False
    """Whether a look is queued or under way."""


@dataclass(eq=False)
class _Read:
    """What was read of a factory, and when."""

    at: float = 0.0
    found: list[Factory] = field(default_factory=list["Factory"])


class Fleet(FleetWork[_Factory]):
    """One run over many factories.

    `timeout` is for each factory, from its submission.
    """

    verb: ClassVar[str] = "create_many"

    def __init__(self, io: Io, items: Iterable[Item], *, approve: bool, wait: bool, timeout: float) -> None:
        super().__init__(io, [_Factory(index, spec) for index, spec in items], _QUEUES)
        self._approve, self._wait, self._timeout = approve, wait, timeout
        self._accounts = SharedAccounts(io, self.schedule, with_room=True)
        self._approvals = Approvals(io, self.schedule)
        self._submitted: deque[_Factory] = deque()
        """Those whose endpoints were asked for, the first ones first."""
        self._beside: Counter[str] = Counter()
        """How many of them each subscription has that are not done with."""
        self._quickest: float | None = None

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Targets that are nearly full."""
        return self._accounts.findings

    def admit(self, member: _Factory) -> None:
        """Find the factory's account, which it may share with others."""
        self.find_account(
            member,
            lambda account_id: self._accounts.need(account_id, lambda found: self._read(member, found)),
            lambda failure: self._fail(member, failure),
        )

    def cut_off(self, member: _Factory) -> Report:
        """What was made so far, and what is timed out."""
        if member.creation is None or not member.is_submitted:
            return fleet_reports.not_begun(member.spec, approve=self._approve)
        return self._ended(member, member.creation)

    def prepare(self) -> float:
        """End what takes too long, and read the lists of connections that are due."""
        while self._submitted and (self._submitted[0].is_over or self._is_late(self._submitted[0])):
            self._go_on(self._submitted.popleft())
        times_out = self._submitted[0].submitted + self._timeout if self._submitted else float("inf")
        return min(times_out, self._approvals.start_lists())

    # --- one step after the other

    def _read(self, member: _Factory, found: SharedAccount | PurviewMpeError) -> None:
        if isinstance(found, PurviewMpeError):
            self._fail(member, found)
            return
        read = _Read()

        async def flow() -> None:
            read.at = self.io.now()
            read.found.append(await reads.read_factory(self.io, member.spec))

        def then(failure: PurviewMpeError | None) -> None:
            if failure is not None:
                self._fail(member, failure)
            else:
                self._write(member, found, read)

        factory = member.spec.factory_id
        self.submit(member, "factories", flow, then, Cost("GET", factory, 2), Cost("PUT", factory, _USUAL_WRITES))

    def _write(self, member: _Factory, owner: SharedAccount, read: _Read) -> None:
        [factory] = read.found
        try:
            plan = owner.room.take(make_plan(member.spec, owner.account, factory))
        except PurviewMpeError as failure:
            self._fail(member, failure)
            return
        if plan.conflicts:
            self.finish(member, fleet_reports.conflicting(plan, approve=self._approve))
            return
        provisioning = Provisioning(self.io, plan, factory, "create_all", read.at)
        creation = Creation(self.io, plan, provisioning, self._approve, "create_all")

        async def flow() -> None:
            await creation.begin()

        def then(failure: PurviewMpeError | None) -> None:
            refused = {one.step.identity for one in provisioning.endpoint_steps if one.result == "failed"}
            owner.room.give_back(target for target in wanted_by(plan) if target.identity in refused)
            if failure is not None:
                self._fail(member, failure)
            else:
                self._opened(member)

        member.creation, member.submitted = creation, self.io.now()
        self.submit(member, "writes", flow, then)

    def _opened(self, member: _Factory) -> None:
        member.submitted, member.is_submitted = self.io.now(), True
        self._submitted.append(member)
        self._beside[member.lane] += 1
        if member.creation is not None and (approving := member.creation.approving) is not None:
            member.case = Case(approving, member.lane, self._wait, lambda: self._go_on(member))
            is_there = any(progress.result == "kept" for progress in member.creation.provisioning.steps)
            # What existed before may be pending already; a new connection takes some seconds to appear.
            self._approvals.open(member.case, at=None if is_there or not self._wait else self._first_look(member))
        self._go_on(member)

    def _go_on(self, member: _Factory) -> None:
        """Do what comes next for a factory, or report it."""
        if member.is_over or member.creation is None:
            return
        needs_look = self._needs_look(member.creation)
        is_approving = member.case is not None and member.case.is_open
        if self._is_late(member) or not (needs_look or is_approving):
            if not member.jobs:
                self.finish(member, self._ended(member, member.creation))
        elif needs_look and not member.awaits_look:
            self._look(member, member.creation)

    def _look(self, member: _Factory, creation: Creation) -> None:
        provisioning = creation.provisioning

        async def flow() -> None:
            if provisioning.waiting:
                await provisioning.look()
            if self._wait and not provisioning.waiting:
                await creation.heal()

        def then(_: PurviewMpeError | None) -> None:
            member.awaits_look = False
            if not provisioning.waiting:
                took = self.io.now() - member.submitted
                self._quickest = took if self._quickest is None else min(self._quickest, took)
            if member.case is not None and not member.case.work.is_over:
                self._approvals.open(member.case)  # again, where an endpoint was replaced
            self._go_on(member)

        member.awaits_look = True
        cost = Cost("GET", member.spec.factory_id, 1)
        self.submit(member, "looks", flow, then, cost, at=self._next_look(member))

    def _next_look(self, member: _Factory) -> float:
        now = self.io.now()
        took = now - member.submitted
        if took <= 0:
            return self._first_look(member)
        at_rest = self._beside.total() == len(self.members)
        looks = _LOOKS_PER_SECOND_AT_REST if at_rest else _LOOKS_PER_SECOND
        pause = max(poll_interval(took), self._beside[member.lane] / looks)
        return max(now + pause, member.submitted + self._not_before())

    def _first_look(self, member: _Factory) -> float:
        return member.submitted + max(poll_interval(0), self._not_before())

    def _not_before(self) -> float:
        """Seconds after its submission before which no factory of this fleet was ready."""
        return 0.8 * (self._quickest or 0.0)

    def _needs_look(self, creation: Creation) -> bool:
        provisioning = creation.provisioning
        return provisioning.is_replacing or (self._wait and not provisioning.is_over)

    def _is_late(self, member: _Factory) -> bool:
        return self.is_ending or self.io.now() - member.submitted >= self._timeout

    def _ended(self, member: _Factory, creation: Creation) -> Report:
        if member.case is not None:
            self._approvals.close(member.case)
        self._beside[member.lane] -= 1
        creation.end(waited=self._wait or self.is_ending)
        return creation.report()

    def _fail(self, member: _Factory, failure: PurviewMpeError) -> None:
        self.finish(member, fleet_reports.failed(member.spec, failure, approve=self._approve))
