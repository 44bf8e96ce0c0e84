"""The sleeping tasks of an event loop, and the check whether that loop waits."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import weakref
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

#: For loops that do not show what is ready to run: how many rounds must pass without a use of the clock. A woken task
#: reaches its next request within two or three rounds (locks, gather, queues).
_QUIET_ROUNDS = 20


class _Clock(Protocol):
    looks: int

    @property
    def is_running(self) -> bool: ...

    def now(self) -> float: ...

    def settle(self) -> None: ...


class LoopWatch:
    """The suspended tasks of one event loop, changed by the loop itself or under the lock of the clock."""

    def __init__(self, clock: _Clock, lock: threading.RLock, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = clock
        self._lock = lock
        # Weak, because the clock keeps watches by their loop, and a watch must not keep an ended loop alive.
        self._loop = weakref.ref(loop)
        self._parked: list[tuple[float, int, asyncio.Future[None]]] = []
        self._serial = itertools.count()
        self._looks = -1
        self._quiet = 0
        self._is_watching = False
        #: Whether something in the loop may still run at the present time, as far as the clock knows.
        self.is_busy = False
        #: Whether nothing in the loop can run until the clock moves.
        self.is_idle = False

    @property
    def is_alive(self) -> bool:
        """Whether the loop runs; an ended loop does not hold the clock."""
        loop = self._loop()
        return loop is not None and loop.is_running() and (self.is_busy or self.is_idle)

    @property
    def waits_until(self) -> float | None:
        """The earliest time that a task waits for, if the loop is idle."""
        if not (self.is_idle and self.is_alive):
            return None
        self._drop_cancelled()
        return self._parked[0][0] if self._parked else None

    async def park(self, until: float) -> None:
        """Suspend the calling task until the clock shows this time."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            heapq.heappush(self._parked, (until, next(self._serial), future))
            self._begin()
        try:
            await future
        except asyncio.CancelledError:
            with self._lock:
                # Otherwise the future would keep the loop alive, and the loop the future.
                self._parked = [parked for parked in self._parked if parked[2] is not future]
                heapq.heapify(self._parked)
                self._begin()
            raise

    def wake(self, now: float) -> None:
        """Make the loop wake the tasks that wait for this time; it holds the clock from here on."""
        if self._parked and self._parked[0][0] <= now:
            self.is_busy, self.is_idle = True, False
            self._soon(self._wake)

    def poke(self) -> None:
        """Make the loop check again what it waits for."""
        if self._parked:
            self.is_busy, self.is_idle = True, False
            self._soon(self._begin)

    def _soon(self, callback: Callable[[], Any]) -> None:
        loop = self._loop()
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(callback)

    def _begin(self) -> None:
        """Watch for the point at which nothing in the loop can run."""
        loop = self._loop()
        self.is_busy, self.is_idle = True, False
        if not self._is_watching and loop is not None:
            self._is_watching = True
            loop.call_soon(self._look)

    def _look(self) -> None:
        self._is_watching = False
        loop = self._loop()
        if loop is None:
            return
        with self._lock:
            if self._clock.is_running:
                self._look_in_real_time(loop)
            elif self._is_quiet(loop):
                self._drop_cancelled()
                self.is_busy, self.is_idle = False, bool(self._parked)
                self._clock.settle()
            else:
                self._begin()

    def _look_in_real_time(self, loop: asyncio.AbstractEventLoop) -> None:
        self._let_go()
        if self._parked:
            loop.call_later(max(0.0, self._parked[0][0] - self._clock.now()), self._begin)

    def _is_quiet(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether nothing in the loop is ready to run.

        asyncio's own loops have a queue of ready callbacks, which no public method shows; it has been the same in
        every version since 3.4. The loop took this callback off the queue before it called it.
        """
        ready = getattr(loop, "_ready", None)
        if ready is not None:
            return not ready
        self._quiet = self._quiet + 1 if self._clock.looks == self._looks else 0
        self._looks = self._clock.looks
        return self._quiet >= _QUIET_ROUNDS

    def _wake(self) -> None:
        with self._lock:
            self._let_go()
            self._begin()

    def _let_go(self) -> None:
        now = self._clock.now()
        self._drop_cancelled()
        while self._parked and self._parked[0][0] <= now:
            _, _, future = heapq.heappop(self._parked)
            future.set_result(None)
            self._drop_cancelled()

    def _drop_cancelled(self) -> None:
        # A cancelled sleep must not move the clock to a time that nothing waits for.
        while self._parked and self._parked[0][2].done():
            heapq.heappop(self._parked)
