"""Creating for many factories at once, round by round.

A round submits what the limits of Azure let through in a few seconds and, side by side with that, looks at the
factories whose endpoints are due for a look: one list each, however many endpoints wait. When nothing is left to
submit, a round is one sleep and one list for each factory that is due. Between two rounds nothing is under way, so
that a caller who stops there leaves nothing half-done, and no thread waits for a factory.

How often a factory is looked at follows from how long it waits, how many others do (their lists share one limit), and
how long the quickest of this fleet took: nobody is asked before that.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from purview_mpe._flows.create_all import Creation
from purview_mpe._flows.steps import fleet_reports as fleet_outcomes
from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.crowd import crowd
from purview_mpe._flows.steps.fleet_approval import Approvals
from purview_mpe._flows.steps.io import remaining
from purview_mpe._flows.steps.provisioning import Provisioning
from purview_mpe._flows.steps.waiting import PASSING, poll_interval
from purview_mpe._model.events import Event
from purview_mpe._rules.lanes import Backlog, interleaved
from purview_mpe._rules.planning import make_plan
from purview_mpe.errors import AccessDenied, PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from typing import Any

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Account, Report
    from purview_mpe._model.spec import Spec

#: A spec and its place in what the caller gave.
Item: TypeAlias = tuple[int, "Spec"]

#: How long a round submits; reports come out between rounds.
_SLICE = 5.0
#: Factories of one subscription that are submitted together: enough to use up its limit with a second per request.
_AT_ONE_SUBSCRIPTION = 8
#: Lists per second and subscription that looking may cost: less than half of what Azure Resource Manager allows while
#: factories are still to be submitted, and most of it afterwards.
_LOOKS_PER_SECOND = 10.0
_LOOKS_PER_SECOND_AT_REST = 20.0


@dataclass
class _Member:
    """A factory whose endpoints are submitted."""

    index: int
    creation: Creation
    submitted: float
    next_look: float
    subscription: str
    needs_look: bool = True
    """Whether the factory's side has to be looked at again; kept, because every round asks it of every factory."""
    awaits_approval: bool = True
    """The same of its connections."""
    looked_for_connections: bool = False


@dataclass
class Fleet:
    """One run over many factories.

    `timeout` is for each factory, from its submission; the whole ends with the deadline of the `Io`.
    """

    io: Io
    items: Iterable[Item]
    approve: bool
    wait: bool
    timeout: float
    began: float = field(init=False)
    _open: list[_Member] = field(init=False, default_factory=list[_Member])
    _new: deque[_Member] = field(init=False, default_factory=deque[_Member])
    _done: deque[tuple[int, Report]] = field(init=False, default_factory=deque[tuple[int, "Report"]])
    _finished: int = field(init=False, default=0)
    _not_signed_in: PurviewMpeError | None = field(init=False, default=None)
    _quickest: float | None = field(init=False, default=None)
    _next_approval: float = field(init=False, default=0.0)
    _beside: Counter[str] = field(init=False, default_factory=Counter[str])
    """How many factories are open in each subscription."""
    _looks_are_over: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.began = self.io.now()
        self.backlog = Backlog(self.items, _subscription)
        self._approvals = Approvals(self.io)

    @property
    def is_over(self) -> bool:
        """Whether every factory has its report."""
        return not (self.backlog or self._open or self._done)

    async def round(self) -> list[tuple[int, Report]]:
        """One round; the reports of the factories that it finished."""
        if remaining(self.io) <= 0:
            self._end_all()
        elif not self.backlog:
            await self._rest()
        now = self.io.now()
        self._beside = Counter(member.subscription for member in self._open)
        together: list[Coroutine[Any, Any, None]] = [self._look_at(self._due(now))]
        if now >= self._next_approval and (members := [each for each in self._open if each.awaits_approval]):
            together.append(self._approve(members, now + _SLICE))
        submitters = min(len(self.backlog), self.backlog.lanes * _AT_ONE_SUBSCRIPTION, max(1, self.io.at_once * 2 // 3))
        self._looks_are_over = False
        await self.io.gather([*together, *(self._submit(now + _SLICE) for _ in range(submitters))])
        return self._results()

    async def _submit(self, until: float) -> None:
        """Begin factories until the slice is over, and as long as the looks of this round are under way."""
        while self.io.now() < until or not self._looks_are_over:
            if (item := self.backlog.take()) is None:
                return
            await self._begin(item)

    async def _look_at(self, members: deque[_Member]) -> None:
        try:
            await crowd(self.io, members, self._look, at_once=max(1, self.io.at_once // 4))
        finally:
            self._looks_are_over = True

    def _due(self, now: float) -> deque[_Member]:
        due = [member for member in self._open if member.next_look <= now and member.needs_look]
        return interleaved(due, lambda member: member.subscription)

    async def _begin(self, item: Item) -> None:
        index, spec = item
        if (error := self._not_signed_in) is None:
            try:
                creation = await self._submitted(item)
            except AccessDenied as denied:
                # Nobody is let in anywhere without a sign-in: a thousand more refusals would tell nothing new.
                error = denied
                if denied.status != 403:
                    self._not_signed_in = denied
            except PurviewMpeError as failure:
                error = failure
            else:
                if creation is not None:
                    now = self.io.now()
                    next_look = now + max(poll_interval(0), self._not_before())
                    member = _Member(index, creation, now, next_look, _subscription(item))
                    self._note(member)
                    self._new.append(member)
                return
        self._done.append((index, fleet_outcomes.failed(spec, error, approve=self.approve)))

    async def _submitted(self, item: Item) -> Creation | None:
        """What was begun for a spec; None if it was put aside, or ended in conflicts."""
        index, spec = item
        account_id = spec.account_id or await reads.connected_account(self.io, spec)
        known = self.backlog.account(account_id.key, item)
        if isinstance(known, PurviewMpeError):
            raise known
        if isinstance(known, str):
            if known == "come back":
                return None
            account, factory = await reads.both(
                self.io, self._read_account(account_id), reads.read_factory(self.io, spec)
            )
        else:
            account, factory = known, await reads.read_factory(self.io, spec)
        plan = make_plan(spec, account, factory)
        if plan.conflicts:
            self._done.append((index, fleet_outcomes.conflicting(plan, approve=self.approve)))
            return None
        creation = Creation(
            self.io, plan, Provisioning(self.io, plan, factory, "create_all"), self.approve, "create_all"
        )
        await creation.begin()
        return creation

    async def _read_account(self, account_id: ArmId) -> Account:
        try:
            account = await reads.read_account(self.io, account_id)
        except PurviewMpeError as error:
            self.backlog.found(account_id.key, error, is_final=not isinstance(error, PASSING))
            raise
        self.backlog.found(account_id.key, account)
        return account

    async def _rest(self) -> None:
        """One sleep until somebody is due."""
        now = self.io.now()
        moments = [member.next_look for member in self._open if member.needs_look]
        if any(member.awaits_approval for member in self._open):
            moments.append(self._next_approval)
        if moments and (pause := min(min(moments) - now, remaining(self.io))) > 0:
            self._tell_waiting()
            # A little later than the first, so that a round serves several.
            await self.io.sleep(pause + min(1.0, pause / 10))

    async def _look(self, member: _Member) -> None:
        provisioning = member.creation.provisioning
        if provisioning.waiting:
            await provisioning.look()
        if self.wait and not provisioning.waiting:
            await member.creation.heal()
        now = self.io.now()
        took = now - member.submitted
        if not provisioning.waiting:
            self._quickest = took if self._quickest is None else min(self._quickest, took)
        looks = _LOOKS_PER_SECOND if self.backlog else _LOOKS_PER_SECOND_AT_REST
        pause = max(poll_interval(took), self._beside[member.subscription] / looks)
        member.next_look = max(now + pause, member.submitted + self._not_before())
        self._note(member)

    def _note(self, member: _Member) -> None:
        """What is still to be waited for, after something has happened to the factory."""
        provisioning, approving = member.creation.provisioning, member.creation.approving
        member.needs_look = provisioning.is_replacing or (self.wait and not provisioning.is_over)
        member.awaits_approval = (
            approving is not None and not approving.is_over and (self.wait or not member.looked_for_connections)
        )

    async def _approve(self, members: list[_Member], until: float) -> None:
        works = [member.creation.approving for member in members if member.creation.approving is not None]
        await self._approvals.round(works, until=until)
        for member in members:
            member.looked_for_connections = True
            self._note(member)
        oldest = min(member.submitted for member in members)
        self._next_approval = self.io.now() + poll_interval(self.io.now() - oldest)

    def _results(self) -> list[tuple[int, Report]]:
        now = self.io.now()
        self._open.extend(self._new)
        self._new.clear()
        still_open: list[_Member] = []
        for member in self._open:
            is_late = now - member.submitted >= self.timeout
            if is_late or not (member.needs_look or member.awaits_approval):
                member.creation.end(waited=self.wait)
                self._done.append((member.index, member.creation.report()))
            else:
                still_open.append(member)
        self._open = still_open
        results = list(self._done)
        self._done.clear()
        for _, report in results:
            self._tell_done(report)
        return results

    def _not_before(self) -> float:
        """Seconds after its submission before which no factory of this fleet was ready."""
        return 0.8 * (self._quickest or 0.0)

    def _end_all(self) -> None:
        """The time for the whole fleet is over."""
        for member in self._open:
            member.creation.end(waited=True)
            self._note(member)
        while (item := self.backlog.take()) is not None:
            self._done.append((item[0], fleet_outcomes.not_begun(item[1], approve=self.approve)))

    def _tell_done(self, report: Report) -> None:
        self._finished += 1
        self.io.tell(
            Event(
                kind="finished",
                verb="create_all",
                seconds=self.io.now() - self.began,
                message=f"{report.spec.factory_id.name}: {fleet_outcomes.summary(report)}",
                factory=report.spec.factory,
            )
        )

    def _tell_waiting(self) -> None:
        self.io.tell(
            Event(
                kind="waiting",
                verb="create_many",
                seconds=self.io.now() - self.began,
                message=f"{self._finished} factories are done, {len(self._open)} wait for Azure",
            )
        )


def _subscription(item: Item) -> str:
    return item[1].factory_id.subscription.casefold()
