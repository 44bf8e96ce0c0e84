"""The request log: the newest requests, their number, and the observers of each exchange."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe.emulator._state.world import World
    from purview_mpe.emulator._values.exchange import Exchange, RecordedRequest, Response

_WRITES = frozenset({"PUT", "PATCH", "DELETE", "POST"})


class RequestLog:
    """The requests of one emulator, in order of arrival."""

    def __init__(self, world: World, size: int | None) -> None:
        self._world = world
        self._kept: deque[RecordedRequest] = deque(maxlen=size)
        self._counts: Counter[tuple[str, int | None]] = Counter()
        self._observers: list[Callable[[Exchange], None]] = []

    def arrived(self, record: RecordedRequest) -> None:
        """Keep a request."""
        self._kept.append(record)

    def answered(self, record: RecordedRequest, answer: Response | None) -> None:
        """Count a request as answered; None: its connection broke."""
        record.status = answer.status if answer else None
        self._counts[record.method, record.status] += 1

    @property
    def is_observed(self) -> bool:
        """Whether there are observers."""
        return bool(self._observers)

    def show(self, exchange: Exchange) -> None:
        """Show an exchange to every observer."""
        for observer in self._observers:
            observer(exchange)

    def observe(self, observer: Callable[[Exchange], None]) -> None:
        """Call a function with every complete exchange from now on, in the order of the answers.

        The emulator is locked while it calls the function, so the function must not use the emulator.
        """
        with self._world.lock:
            self._observers.append(observer)

    @property
    def requests(self) -> list[RecordedRequest]:
        """The kept requests, in order of arrival."""
        with self._world.lock:
            return list(self._kept)

    @property
    def writes(self) -> list[RecordedRequest]:
        """The kept requests that are not reads."""
        return [request for request in self.requests if request.method in _WRITES]

    @property
    def count(self) -> int:
        """The total number of answered requests, kept or not."""
        with self._world.lock:
            return self._counts.total()

    def clear(self) -> None:
        """Forget the requests so far, and count from 0."""
        with self._world.lock:
            self._kept.clear()
            self._counts.clear()
