"""Work for many factories, each at its own pace: no factory waits for another.

One flow runs the fleet and decides in `Schedule.step`: it starts due work and handles ended work. The work itself
consists of flows that run beside it. So decisions need no locks, and a request that hangs only delays its own factory.

A write that has to wait for Azure's limits is not started: it would only wait in the client's HTTP pipeline, on
a thread that other work needs, and the read before it would be outdated by then.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from purview_mpe._flows.steps.io import MOMENT, remaining
from purview_mpe._flows.steps.narration import tell_waiting
from purview_mpe._rules.agenda import Agenda, Entry
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId

#: Maximum concurrent work for one subscription or target: enough to use up a subscription's write limit if a request
#: takes two seconds.
_IN_ONE_LANE = 8
#: Maximum seconds between the start of some work and the moment at which the request budget (`Io.until_room`) counts
#: the requests of that work.
_ON_ITS_WAY = 0.2
#: Seconds between two events that report waiting for Azure's limits.
_SAY_AGAIN = 15.0


@dataclass(frozen=True, slots=True)
class Cost:
    """The requests that a piece of work sends together, and the resource that they are about."""

    method: str
    resource: ArmId
    count: int


@dataclass
class Job:
    """A piece of work: its flow is started, and its result is handled afterwards."""

    flow: Callable[[], Coroutine[Any, Any, None]]
    then: Callable[[PurviewMpeError | None], None]
    """Called once `flow` has ended, by the flow that runs the fleet, with the error of `flow` or None."""
    costs: tuple[Cost, ...] = ()
    dropped: Callable[[], None] = lambda: None
    """Called if the work is dropped before it started."""
    begun: Callable[[], None] = lambda: None
    """Called immediately before `flow` starts, by the flow that runs the fleet: it alone knows who is still waiting."""
    failure: PurviewMpeError | None = None


_Entry: TypeAlias = "Entry[Job]"


class Schedule:
    """The work of a fleet, and the team that does it.

    Args:
        io: Sends the requests and keeps the time.
        verb: The fleet's verb, for events.
        limits: For each queue, its maximum share of concurrent work.
    """

    def __init__(self, io: Io, verb: str, limits: Mapping[str, float]) -> None:
        self._io = io
        self._verb = verb
        self._team = io.team()
        self._agenda: Agenda[Job] = Agenda(
            {queue: max(1, round(part * io.at_once)) for queue, part in limits.items()}, in_one_lane=_IN_ONE_LANE
        )
        self._ended: deque[_Entry] = deque()
        self._running = 0
        self._sent: deque[tuple[float, Cost]] = deque()
        """Costs of work that was just started; the budget might not contain its requests yet."""
        self._said_at = float("-inf")

    def put(self, queue: str, lane: str, job: Job, *, at: float | None = None) -> None:
        """Run the job as soon as there is room; with `at`, not before that moment."""
        entry = Entry(queue, lane, job)
        if at is None:
            self._agenda.put(entry)
        else:
            self._agenda.put(entry, at)

    def drop_all(self) -> None:
        """Drop the work that has not started."""
        for job in self._agenda.clear():
            job.dropped()

    async def step(self, until: float = float("inf")) -> None:
        """Start due work, wait until some work has ended or is due, and handle the ended work."""
        now = self._io.now()
        for entry in self._agenda.start(now, self._pause_before):
            self._start(entry)
        if not self._ended:
            await self._team.wait(min(self._agenda.next_moment(now), until) - self._io.now())
        self.settle()

    def settle(self) -> None:
        """Handle the ended work."""
        while self._ended:
            entry = self._ended.popleft()
            self._running -= 1
            self._agenda.ended(entry)
            entry.job.then(entry.job.failure)

    async def close(self) -> None:
        """Stop what is under way."""
        await self._team.close()

    def _start(self, entry: _Entry) -> None:
        self._running += 1
        now = self._io.now()
        self._sent.extend((now, cost) for cost in entry.job.costs)
        entry.job.begun()
        self._team.start(self._do(entry))

    async def _do(self, entry: _Entry) -> None:
        try:
            await entry.job.flow()
        except PurviewMpeError as failure:
            entry.job.failure = failure
        self._ended.append(entry)

    def _pause_before(self, entry: _Entry) -> float:
        """Seconds to wait before an entry starts, so that its requests are sent within `MOMENT` of its start."""
        now = self._io.now()
        while self._sent and now - self._sent[0][0] > _ON_ITS_WAY:
            self._sent.popleft()
        pause = max((self._until_room(cost) for cost in entry.job.costs), default=0.0) - MOMENT
        if pause <= 0 or remaining(self._io) <= 0:
            return 0.0
        if now - self._said_at >= _SAY_AGAIN:
            self._said_at = now
            self._say_waiting(entry, pause)
        return max(pause, MOMENT / 10)

    def _until_room(self, cost: Cost) -> float:
        place = cost.resource.subscription
        sent = sum(
            other.count
            for _, other in self._sent
            if other.method == cost.method and other.resource.subscription == place
        )
        return self._io.until_room(cost.method, cost.resource, cost.count + sent)

    def _say_waiting(self, entry: _Entry, pause: float) -> None:
        subscription = entry.job.costs[0].resource.subscription
        tell_waiting(
            self._io,
            self._verb,
            f"Azure's limits for the subscription {subscription} allow the next request in {pause:.0f} s",
        )
