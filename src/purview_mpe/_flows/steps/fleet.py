"""The base of every verb for many factories: each factory gets its report as soon as it is finished."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from purview_mpe._flows.steps import fleet_reports, reads
from purview_mpe._flows.steps.io import remaining
from purview_mpe._flows.steps.narration import tell_waiting
from purview_mpe._flows.steps.schedule import Cost, Job, Schedule
from purview_mpe._model.events import Event
from purview_mpe._wire.errors import is_without_token

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from typing import Any

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Finding, Report
    from purview_mpe._model.spec import Spec
    from purview_mpe.errors import PurviewMpeError

#: The queue in which factories are read, with its share of concurrent work.
READ_QUEUE = {"factories": 0.6}
#: Seconds between two events that say what a fleet waits for.
_SAY_AGAIN = 2.0


@dataclass(eq=False)
class Member:
    """One factory of a fleet."""

    index: int
    """Its position in the caller's list."""
    spec: Spec
    jobs: int = 0
    """Pieces of work that are queued or under way for it."""
    is_over: bool = False

    @property
    def lane(self) -> str:
        """Its subscription, which has limits of its own."""
        return self.spec.factory_id.subscription.casefold()


M = TypeVar("M", bound=Member)


class FleetWork(ABC, Generic[M]):
    """One run over many factories.

    `round` returns reports as soon as there are any; between two rounds, running work goes on and no new work starts.
    The deadline of the `Io` applies to all factories together.

    Args:
        io: Sends the requests and keeps the time.
        members: The factories.
        queues: The kinds of work in addition to reading factories, each with its share of concurrent work.
    """

    verb: ClassVar[str]

    def __init__(self, io: Io, members: Sequence[M], queues: Mapping[str, float]) -> None:
        self.io = io
        self.schedule = Schedule(io, self.verb, {**READ_QUEUE, **queues})
        self.members = {member.index: member for member in members}
        """Factories without a report."""
        self._count = len(members)
        self._done: deque[tuple[int, Report]] = deque()
        self._without_token: PurviewMpeError | None = None
        self._said_at = io.now()
        self._has_begun = False
        self.is_ending = False
        """True if the time for the whole fleet has run out."""

    @property
    def is_over(self) -> bool:
        """True if every factory has its report, and every report was returned."""
        return not self.members and not self._done

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings about the fleet as a whole, so far."""
        return ()

    async def round(self) -> list[tuple[int, Report]]:
        """Work until at least one factory is finished; return the reports of the finished ones."""
        if not self._has_begun:
            self._has_begun = True
            for member in list(self.members.values()):
                self.admit(member)
        while self.members and not self._done:
            if remaining(self.io) <= 0 and not self.is_ending:
                self._end_all()
            until = self.prepare()
            if not self._done:
                self._say_waiting()
                await self.schedule.step(until)
        return self._given_out()

    async def close(self) -> list[tuple[int, Report]]:
        """Stop what is under way; return the finished reports that were not returned yet."""
        await self.schedule.close()
        self.schedule.settle()
        return self._given_out()

    @abstractmethod
    def admit(self, member: M) -> None:
        """Queue the first piece of work for a factory."""

    @abstractmethod
    def cut_off(self, member: M) -> Report:
        """The report for a factory whose work ends now, with what was done so far."""

    def prepare(self) -> float:
        """Called before each step; returns the moment for the next call if nothing happens before."""
        return float("inf")

    def submit(
        self,
        member: M,
        queue: str,
        flow: Callable[[], Coroutine[Any, Any, None]],
        then: Callable[[PurviewMpeError | None], None],
        *costs: Cost,
        at: float | None = None,
    ) -> None:
        """Do something for a factory, and handle the result unless the factory is finished by then."""
        if self.is_ending:
            self._end_unless_busy(member)
            return

        async def guarded() -> None:
            if self._without_token is not None:
                raise self._without_token
            if not member.is_over:
                await flow()

        def reacted(failure: PurviewMpeError | None) -> None:
            member.jobs -= 1
            if failure is not None and is_without_token(failure):
                self._without_token = failure  # then no request is possible for any other factory either
            if not member.is_over:
                then(failure)

        def dropped() -> None:
            member.jobs -= 1

        member.jobs += 1
        self.schedule.put(queue, member.lane, Job(guarded, reacted, costs, dropped), at=at)

    def find_account(self, member: M, then: Callable[[ArmId], None], failed: Callable[[PurviewMpeError], None]) -> None:
        """Call `then` with the account of a factory: that of its spec, or the one that the factory is connected to."""
        if (account_id := member.spec.account_id) is not None:
            then(account_id)
            return
        found: list[ArmId] = []

        async def flow() -> None:
            found.append(await reads.connected_account(self.io, member.spec))

        def reacted(failure: PurviewMpeError | None) -> None:
            if failure is not None:
                failed(failure)
            else:
                then(found[0])

        self.submit(member, "factories", flow, reacted, Cost("GET", member.spec.factory_id, 1))

    def finish(self, member: M, report: Report) -> None:
        """Finish a factory."""
        if member.is_over:
            return
        member.is_over = True
        del self.members[member.index]
        self._done.append((member.index, report))
        self.io.tell(
            Event(
                kind="finished",
                verb=self.verb_of(report),
                seconds=self.io.elapsed,
                message=f"{member.spec.factory_id.name}: {fleet_reports.summary(report)}",
                factory=member.spec.factory,
                counts=report.counts,
            )
        )

    def verb_of(self, report: Report) -> str:
        """The verb for one factory, for events."""
        return report.verb

    def _given_out(self) -> list[tuple[int, Report]]:
        results = list(self._done)
        self._done.clear()
        return results

    def _end_all(self) -> None:
        self.is_ending = True
        self.schedule.drop_all()
        for member in list(self.members.values()):
            self._end_unless_busy(member)

    def _end_unless_busy(self, member: M) -> None:
        """End a factory that has no work under way.

        A running request ends by itself at the deadline, and its result belongs in the report.
        """
        if not member.jobs:
            self.finish(member, self.cut_off(member))

    def _say_waiting(self) -> None:
        now = self.io.now()
        if now - self._said_at >= _SAY_AGAIN:
            self._said_at = now
            done = self._count - len(self.members)
            tell_waiting(self.io, self.verb, f"{done} of {self._count} factories are done")
