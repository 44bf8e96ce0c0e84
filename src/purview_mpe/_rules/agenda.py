"""What a fleet does next: which work is due, how much of it runs at once, and what has to wait.

Each kind of work has its own queue with its own limit: factories that wait for their submission must not block the
polling of those already submitted. Each queue has lanes, one for each subscription (or target), and work is taken from
them in turn. No lane gets more places than its share while other lanes have work, so a subscription that does not
answer blocks only itself.

Only one thread uses this, and nothing in here waits.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

J = TypeVar("J")


@dataclass(frozen=True, slots=True)
class Entry(Generic[J]):
    """A piece of work, with its queue and lane."""

    queue: str
    lane: str
    job: J


@dataclass
class _Queue(Generic[J]):
    """Due work of one kind, in lanes that take turns."""

    at_once: int
    in_one_lane: int
    """How many entries of one lane may run at once, even if no other lane has work."""
    lanes: dict[str, deque[Entry[J]]] = field(default_factory=dict[str, "deque[Entry[J]]"])
    turns: deque[str] = field(default_factory=deque[str])
    running: Counter[str] = field(default_factory=Counter[str])
    closed_until: dict[str, float] = field(default_factory=dict[str, float])

    def add(self, entry: Entry[J]) -> None:
        waiting = self.lanes.setdefault(entry.lane, deque())
        if not waiting:
            self.turns.append(entry.lane)
        waiting.append(entry)

    def take(self, now: float) -> Entry[J] | None:
        """The next entry that may start now."""
        if self.running.total() >= self.at_once:
            return None
        share = self._share()
        for _ in range(len(self.turns)):
            lane = self.turns.popleft()
            if self.running[lane] >= share or self.closed_until.get(lane, now) > now:
                self.turns.append(lane)
                continue
            waiting = self.lanes[lane]
            entry = waiting.popleft()
            if waiting:
                self.turns.append(lane)
            self.running[lane] += 1
            return entry
        return None

    def put_back(self, entry: Entry[J], until: float) -> None:
        """The entry cannot start yet; the rest of its lane waits behind it."""
        self.release(entry)
        waiting = self.lanes[entry.lane]
        if not waiting:
            self.turns.append(entry.lane)
        waiting.appendleft(entry)
        self.closed_until[entry.lane] = until

    def release(self, entry: Entry[J]) -> None:
        self.running[entry.lane] -= 1
        if not self.running[entry.lane]:
            del self.running[entry.lane]

    def _share(self) -> int:
        lanes = len(self.running.keys() | set(self.turns)) or 1
        return max(1, min(self.in_one_lane, self.at_once // lanes))

    def opens(self, now: float) -> float:
        """The first moment at which a closed lane with work opens again."""
        moments = [self.closed_until[lane] for lane in self.turns if self.closed_until.get(lane, now) > now]
        return min(moments, default=float("inf"))


class Agenda(Generic[J]):
    """Work that is due, and work that is scheduled for later.

    Args:
        limits: For each queue, how many of its entries run at once.
        in_one_lane: For any queue, how many entries of one lane run at once.
    """

    def __init__(self, limits: Mapping[str, int], *, in_one_lane: int) -> None:
        self._queues = {name: _Queue[J](at_once, in_one_lane) for name, at_once in limits.items()}
        self._later: list[tuple[float, int, Entry[J]]] = []
        self._serial = itertools.count()

    def put(self, entry: Entry[J], at: float = float("-inf")) -> None:
        """Add an entry that is due at the given moment; without one, it is due now."""
        if at == float("-inf"):
            self._queues[entry.queue].add(entry)
        else:
            heapq.heappush(self._later, (at, next(self._serial), entry))

    def start(self, now: float, wait_for: Callable[[Entry[J]], float]) -> list[Entry[J]]:
        """The entries that start now. `wait_for` returns the seconds that an entry and its lane have to wait."""
        while self._later and self._later[0][0] <= now:
            self.put(heapq.heappop(self._later)[2])
        begun: list[Entry[J]] = []
        for queue in self._queues.values():
            while (entry := queue.take(now)) is not None:
                if (pause := wait_for(entry)) > 0:
                    queue.put_back(entry, now + pause)
                else:
                    begun.append(entry)
        return begun

    def ended(self, entry: Entry[J]) -> None:
        """Note that an entry has ended, which makes room for another one."""
        self._queues[entry.queue].release(entry)

    def next_moment(self, now: float) -> float:
        """The earliest time at which an entry can start without another one ending first; infinite if there is none."""
        moments = [queue.opens(now) for queue in self._queues.values()]
        if self._later:
            moments.append(self._later[0][0])
        return min(moments, default=float("inf"))

    def clear(self) -> list[J]:
        """Remove and return every entry that has not started."""
        left = [entry.job for _, _, entry in sorted(self._later)]
        self._later.clear()
        for queue in self._queues.values():
            left += [entry.job for waiting in queue.lanes.values() for entry in waiting]
            queue.lanes.clear()
            queue.turns.clear()
        return left
