"""Creating for many factories at once, each at its own pace.

A factory is read only once Azure's limits have room for its writes, so that these follow immediately. Then it is polled
with one list request per round, however many endpoints are waiting. The interval grows with the time that the factory
has waited, and with the number of factories that wait (their lists share one limit). The first poll of a factory comes
when it has waited for nearly as long as the quickest factory of this fleet took. No thread waits for a factory.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from purview_mpe._flows.create_all import Creation
from purview_mpe._flows.steps import approvals, fleet_reports, reads, shared
from purview_mpe._flows.steps.approvals import Approvals, Case
from purview_mpe._flows.steps.fleet import FleetWork, Member
from purview_mpe._flows.steps.provisioning import Provisioning
from purview_mpe._flows.steps.rehearsing import rehearsed_approvals
from purview_mpe._flows.steps.schedule import Cost
from purview_mpe._flows.steps.shared_accounts import SharedAccounts
from purview_mpe._flows.steps.shared_rights import SharedRights
from purview_mpe._flows.steps.waiting import poll_interval
from purview_mpe._rules.capacity import wanted_by
from purview_mpe._rules.planning import make_plan, reconciled
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.shared_accounts import SharedAccount
    from purview_mpe._model.results import Factory, Finding, Plan, Report, Verb
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.survey import Runtime

#: The position of a spec in the caller's list, and the spec.
Item: TypeAlias = tuple[int, "Spec"]

#: List requests per second for polling, in each subscription. The first value applies while factories still wait for
#: their submission; it is less than half of what Azure Resource Manager allows. The second applies afterwards; it is
#: most of what Azure Resource Manager allows.
_LOOKS_PER_SECOND = 10.0
_LOOKS_PER_SECOND_AT_REST = 20.0


@dataclass(eq=False)
class Candidate(Member):
    """A factory whose endpoints are being created."""

    creation: Creation | None = None
    submitted: float = float("inf")
    """When its endpoints were submitted."""
    case: Case | None = None
    """Its connections, if they are approved in the same run."""
    is_submitted: bool = False
    awaits_look: bool = False
    """True if a read is queued or under way."""
    awaits_more: bool = False
    """True if the factory waits for something other than endpoints and connections."""
    report: Callable[[], Report] | None = None
    """Builds the report in two cases: in a dry run, and if the run does more than create and approve endpoints.

    In a dry run, the report shows what would be done.
    """
    is_looking: bool = False
    """True while a dry run looks at the connections of existing endpoints."""


@dataclass(eq=False)
class Seen:
    """What was read of a factory, and when."""

    at: float = 0.0
    side: list[tuple[Factory, tuple[Runtime, ...] | None]] = field(
        default_factory=list["tuple[Factory, tuple[Runtime, ...] | None]"]
    )
    """The factory, and its runtimes if they were read."""
    body: dict[str, Any] = field(default_factory=dict[str, "Any"])
    """The factory as Azure's own JSON, if it was read."""

    def plan(self, spec: Spec, owner: SharedAccount) -> tuple[Plan, Factory]:
        """What is missing; if a target has no room for an endpoint, that endpoint is a conflict.

        Raises:
            UnsupportedSetup: as `make_plan`.
        """
        [(factory, runtimes)] = self.side
        return owner.room.take(make_plan(spec, owner.account, factory, runtimes)), factory


class Fleet(FleetWork[Candidate]):
    """One run over many factories.

    `timeout` applies to each factory, from its submission. A dry run only reads; it writes nothing.
    """

    verb: ClassVar[str] = "create_many"
    single: ClassVar[Verb] = "create_all"
    """The verb that does the same for one factory."""
    usual_writes: ClassVar[int] = 4
    """Writes that a factory usually needs, all sent together; the real number is known once the factory was read."""
    queues: ClassVar[Mapping[str, float]] = {"writes": 0.6, "looks": 0.25, **shared.QUEUES, **approvals.QUEUES}

    def __init__(
        self,
        io: Io,
        items: Iterable[Item],
        *,
        approve: bool,
        wait: bool,
        timeout: float,
        dry_run: bool = False,
        agreed: Mapping[int, Plan] | None = None,
    ) -> None:
        super().__init__(io, [Candidate(index, spec) for index, spec in items], self.queues)
        self._approve, self._wait, self._timeout, self.dry_run = approve, wait, timeout, dry_run
        self._agreed = agreed or {}
        """Earlier plans by the position of their factory: only what they contain is done."""
        self._rights = SharedRights(io, self.schedule)
        self._accounts = SharedAccounts(io, self.schedule, with_room=True)
        self._approvals = Approvals(io, self.schedule)
        self._submitted: deque[Candidate] = deque()
        """Factories whose endpoints were submitted, in that order."""
        self._unfinished: Counter[str] = Counter()
        """The number of submitted, unfinished factories in each subscription."""
        self._quickest: float | None = None

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings about targets that are nearly full."""
        return self._accounts.findings

    def admit(self, member: Candidate) -> None:
        """Find the factory's account, which it may share with others."""
        self.find_account(
            member,
            lambda account_id: self._accounts.need(account_id, lambda found: self.take_up(member, found)),
            lambda failure: self.fail(member, failure),
        )

    def cut_off(self, member: Candidate) -> Report:
        """What was created so far, and what timed out."""
        if member.creation is None or not member.is_submitted:
            return fleet_reports.not_begun(member.spec, approve=self._approve, verb=self.single)
        return self._ended(member, member.creation)

    def prepare(self) -> float:
        """End factories that take too long, and read the lists of connections that are due."""
        while self._submitted and (self._submitted[0].is_over or self._is_late(self._submitted[0])):
            self.go_on(self._submitted.popleft())
        times_out = self._submitted[0].submitted + self._timeout if self._submitted else float("inf")
        return min(times_out, self._approvals.start_lists())

    # --- one step after the other

    def take_up(self, member: Candidate, found: SharedAccount | PurviewMpeError) -> None:
        """Read a factory whose account is known."""
        if isinstance(found, PurviewMpeError):
            self.fail(member, found)
            return
        seen = Seen()

        async def flow() -> None:
            seen.at = self.io.now()
            await self.read(member, seen)

        def then(failure: PurviewMpeError | None) -> None:
            if failure is None:
                try:
                    self.decide(member, found, seen)
                except PurviewMpeError as unsuitable:
                    failure = unsuitable
            if failure is not None:
                self.fail(member, failure)

        factory, more = member.spec.factory_id, member.spec.runtime is not None
        costs = [Cost("GET", factory, 2 + more)]
        if not self.dry_run:
            costs.append(Cost("PUT", factory, self.usual_writes + more))
        self.submit(member, "factories", flow, then, *costs)

    async def read(self, member: Candidate, seen: Seen) -> None:
        """Read what a plan is made from."""
        seen.side.append(await reads.read_factory_side(self.io, member.spec))

    def decide(self, member: Candidate, owner: SharedAccount, seen: Seen) -> None:
        """Plan and begin to write.

        Raises:
            UnsupportedSetup: nothing can be created for this account or factory.
        """
        plan, factory = seen.plan(member.spec, owner)
        agreed = self._agreed.get(member.index)
        # The same rule as for a single factory: a plan with conflicts is not carried out, and a conflict that arose
        # afterwards stops only its own step.
        decided = plan if agreed is None else agreed
        if decided.conflicts:
            self.finish(member, fleet_reports.conflicting(decided, approve=self._approve))
            return
        if agreed is not None:
            plan = reconciled(agreed, plan)
        if self.dry_run:
            member.report = lambda: fleet_reports.rehearsed(plan, member.case, approve=self._approve)
            self.rehearse(member, plan)
            return
        provisioning = Provisioning(self.io, plan, factory, self.single, seen.at)
        self.write(member, owner, Creation(self.io, plan, provisioning, self._approve, self.single))

    def rehearse(self, member: Candidate, plan: Plan) -> None:
        """Look at the connections of existing endpoints, if they would be approved; then report."""
        work = rehearsed_approvals(self.io, plan, self.single) if self._approve else None
        if work is not None:

            def seen() -> None:
                member.is_looking = False
                self.go_on(member)

            member.is_looking = True
            member.case = Case(work, member.lane, False, lambda: self._rights.hold(work, seen))
            self._approvals.open(member.case)
        self.go_on(member)

    def write(self, member: Candidate, owner: SharedAccount, creation: Creation) -> None:
        """Write everything that is in a plan."""
        plan, provisioning = creation.plan, creation.provisioning

        async def flow() -> None:
            await creation.begin()

        def then(failure: PurviewMpeError | None) -> None:
            refused = {one.step.identity for one in provisioning.endpoint_steps if one.result == "failed"}
            owner.room.give_back(target for target in wanted_by(plan) if target.identity in refused)
            if failure is not None:
                self.fail(member, failure)
            else:
                self._opened(member)

        member.creation, member.submitted = creation, self.io.now()
        self.submit(member, "writes", flow, then)

    def _opened(self, member: Candidate) -> None:
        member.submitted, member.is_submitted = self.io.now(), True
        self._submitted.append(member)
        self._unfinished[member.lane] += 1
        if member.creation is not None and (approving := member.creation.approving) is not None:
            member.case = Case(approving, member.lane, self._wait, lambda: self.go_on(member))
            is_there = any(progress.result == "kept" for progress in member.creation.provisioning.steps)
            # Connections of existing endpoints may be pending already; a new connection takes some seconds to appear.
            self._approvals.open(member.case, at=None if is_there or not self._wait else self._first_look(member))
        self.go_on(member)

    def go_on(self, member: Candidate) -> None:
        """Do what comes next for a factory, or report it."""
        if self.dry_run:
            if member.report is not None and not (member.is_over or member.is_looking or member.awaits_more):
                self.finish(member, member.report())
            return
        if member.is_over or member.creation is None or not member.is_submitted:
            return
        needs_look = self._needs_look(member.creation)
        is_approving = member.case is not None and member.case.is_open
        if self._is_late(member) or not (needs_look or is_approving or member.awaits_more):
            if not member.jobs:
                self.finish(member, self._ended(member, member.creation))
        elif needs_look and not member.awaits_look:
            self._look(member, member.creation)

    def _look(self, member: Candidate, creation: Creation) -> None:
        provisioning = creation.provisioning

        async def flow() -> None:
            if provisioning.waiting:
                await provisioning.look()
            if self._wait and not provisioning.waiting:
                await creation.heal()

        def then(failure: PurviewMpeError | None) -> None:
            member.awaits_look = False
            if failure is not None:
                provisioning.give_up(failure)
            if not provisioning.waiting:
                took = self.io.now() - member.submitted
                self._quickest = took if self._quickest is None else min(self._quickest, took)
            if member.case is not None and not member.case.work.is_over:
                self._approvals.open(member.case)  # again, if an endpoint was replaced
            self.go_on(member)

        member.awaits_look = True
        cost = Cost("GET", member.spec.factory_id, 1)
        self.submit(member, "looks", flow, then, cost, at=self._next_look(member))

    def _next_look(self, member: Candidate) -> float:
        now = self.io.now()
        took = now - member.submitted
        if took <= 0:
            return self._first_look(member)
        at_rest = self._unfinished.total() == len(self.members)
        looks = _LOOKS_PER_SECOND_AT_REST if at_rest else _LOOKS_PER_SECOND
        pause = max(poll_interval(took), self._unfinished[member.lane] / looks)
        return max(now + pause, member.submitted + self._not_before())

    def _first_look(self, member: Candidate) -> float:
        return member.submitted + max(poll_interval(0), self._not_before())

    def _not_before(self) -> float:
        """A factory is not polled until this many seconds after its submission: 80 % of what the quickest one took."""
        return 0.8 * (self._quickest or 0.0)

    def _needs_look(self, creation: Creation) -> bool:
        provisioning = creation.provisioning
        return provisioning.is_replacing or (self._wait and not provisioning.is_over)

    def _is_late(self, member: Candidate) -> bool:
        return self.is_ending or self.io.now() - member.submitted >= self._timeout

    def _ended(self, member: Candidate, creation: Creation) -> Report:
        if member.case is not None:
            self._approvals.close(member.case)
        self._unfinished[member.lane] -= 1
        creation.end(waited=self._wait or self.is_ending)
        return creation.report() if member.report is None else member.report()

    def fail(self, member: Candidate, failure: PurviewMpeError) -> None:
        """End the work for a factory."""
        self.finish(member, fleet_reports.failed(member.spec, failure, approve=self._approve, verb=self.single))
