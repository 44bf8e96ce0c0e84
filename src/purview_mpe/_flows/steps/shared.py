"""What several factories of a fleet need: read once, and given to each that asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from purview_mpe._flows.steps.schedule import Cost, Job
from purview_mpe._flows.steps.waiting import PASSING, poll_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.schedule import Schedule
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.errors import PurviewMpeError

K = TypeVar("K")
V = TypeVar("V")

#: The queue of a `Schedule` that this module needs, with its share of concurrent work.
QUEUES = {"shared": 0.5}
#: How many times a read that fails temporarily is sent.
_MAX_READS = 3


@dataclass(eq=False)
class _Reading(Generic[V]):
    waiting: list[Callable[[V | PurviewMpeError], None]]
    failures: int = 0
    found: list[V] = field(default_factory=list[V])


class Shared(Generic[K, V]):
    """Values that are read once and shared.

    Args:
        io: Sends the requests.
        schedule: Runs the reads.
        resource_of: The resource that a key is about.
        read: Reads what belongs to a key.
    """

    def __init__(
        self,
        io: Io,
        schedule: Schedule,
        resource_of: Callable[[K], ArmId],
        read: Callable[[K], Coroutine[Any, Any, V]],
    ) -> None:
        self._io = io
        self._schedule = schedule
        self._resource_of = resource_of
        self._read = read
        self._readings: dict[K, _Reading[V]] = {}
        self.known: dict[K, V | PurviewMpeError] = {}
        """What was read, or the error."""

    def need(self, key: K, then: Callable[[V | PurviewMpeError], None]) -> None:
        """Call `then` with the value for the key, or with the error from reading it."""
        if key in self.known:
            then(self.known[key])
        elif (reading := self._readings.get(key)) is not None:
            reading.waiting.append(then)
        else:
            reading = self._readings[key] = _Reading([then])
            self._put(key, reading)

    def _put(self, key: K, reading: _Reading[V], *, at: float | None = None) -> None:
        async def flow() -> None:
            reading.found = [await self._read(key)]

        def then(failure: PurviewMpeError | None) -> None:
            if failure is None:
                self._found(key, reading, reading.found[0])
                return
            reading.failures += 1
            if isinstance(failure, PASSING) and reading.failures < _MAX_READS:
                self._put(key, reading, at=self._io.now() + poll_interval(0) * reading.failures)
            else:
                self._found(key, reading, failure)

        resource = self._resource_of(key)
        self._schedule.put("shared", str(resource), Job(flow, then, (Cost("GET", resource, 1),)), at=at)

    def _found(self, key: K, reading: _Reading[V], found: V | PurviewMpeError) -> None:
        del self._readings[key]
        self.known[key] = found
        for then in reading.waiting:
            then(found)
