"""Time, held in the hand.

In process the emulator runs on a virtual clock: a client that sleeps for a minute moves the clock by a
minute and takes no time. While the emulator is served over a socket its clients sleep in the real world, so
the same clock then runs with real time.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
import time
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from purview_mpe.emulator._values.public import public

if TYPE_CHECKING:
    from collections.abc import Generator

# How many rounds of the event loop must pass without anybody asking the emulator for anything before the
# loop counts as idle. A task that was woken reaches its next request within two or three rounds (locks,
# gather, queues).
_QUIET_ROUNDS = 20


@public
@runtime_checkable
class Clock(Protocol):
    """What the emulator needs of a clock; bring your own if you want to hold the time yourself."""

    def now(self) -> float:
        """Seconds since the clock started."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed."""
        ...


@public
class RealClock:
    """The time of the real world, in seconds since this clock was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def now(self) -> float:
        """Seconds since the clock was made."""
        return time.monotonic() - self._start

    def sleep(self, seconds: float) -> None:
        """Block the calling thread."""
        time.sleep(max(seconds, 0))


@public
class VirtualClock:
    """A clock that moves when somebody sleeps.

    Threads: a sleep begins when the sleeping thread last looked at the clock (every request looks at it) and
    moves the clock to its end at once, so sleeps that overlap in different threads are not added up.

    Tasks of an event loop: a sleeping task is parked, and the clock jumps to the earliest of the parked
    tasks when the loop has nothing else to do. So a thousand concurrent flows all see exact time.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._time = 0.0
        self._running_since: float | None = None
        self._runners = 0
        self._seen = threading.local()
        self._watches: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _IdleWatch] = weakref.WeakKeyDictionary()
        self.looks: int = 0

    def now(self) -> float:
        """Seconds since the clock was made."""
        with self._lock:
            self.looks += 1
            now = self._seen.at = self._read()
            return now

    def sleep(self, seconds: float) -> None:
        """Move the clock to the end of this sleep; block only while the clock runs with real time."""
        with self._lock:
            if self._running_since is None:
                now = self._read()
                end = min(getattr(self._seen, "at", now), now) + max(seconds, 0)
                self._seen.at = end
                self._move_to(end)
                return
        time.sleep(max(seconds, 0))

    async def sleep_async(self, seconds: float) -> None:
        """Park the calling task until the clock has moved by `seconds`."""
        if self._running_since is not None or seconds <= 0:
            await asyncio.sleep(max(seconds, 0))
            return
        loop = asyncio.get_running_loop()
        with self._lock:
            watch = self._watches.get(loop)
            if watch is None:
                for finished in [other for other in self._watches if other.is_closed()]:
                    del self._watches[finished]
                watch = self._watches[loop] = _IdleWatch(self, loop)
        await watch.park(self.now() + seconds)

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`, whoever sleeps."""
        with self._lock:
            self._move_to(self._read() + seconds)

    @contextmanager
    def running(self) -> Generator[None]:
        """Let the clock run with real time inside the block; blocks may overlap."""
        with self._lock:
            self._runners += 1
            if self._running_since is None:
                self._running_since = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._runners -= 1
                if not self._runners:
                    self._time = self._read()
                    self._running_since = None

    @property
    def is_running(self) -> bool:
        """Whether the clock runs with real time."""
        return self._running_since is not None

    def move_to(self, moment: float) -> None:
        """Move the clock to `moment` unless it is there already."""
        with self._lock:
            self._move_to(moment)

    def _read(self) -> float:
        if self._running_since is None:
            return self._time
        return self._time + time.monotonic() - self._running_since

    def _move_to(self, moment: float) -> None:
        if moment <= self._read():
            return
        if self._running_since is not None:
            self._running_since = time.monotonic()
        self._time = moment
        for watch in list(self._watches.values()):
            watch.wake_soon()


class _IdleWatch:
    """The parked tasks of one event loop, and the wait for that loop to fall idle."""

    def __init__(self, clock: VirtualClock, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = clock
        # Weak, because the clock keeps watches by their loop and a loop that is done with must not live on
        # in one.
        self._loop = weakref.ref(loop)
        self._parked: list[tuple[float, int, asyncio.Future[None]]] = []
        self._serial = itertools.count()
        self._looks: int = -1
        self._quiet = 0
        self._watching = False

    async def park(self, until: float) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._parked, (until, next(self._serial), future))
        if not self._watching:
            self._watching = True
            loop.call_soon(self._look)
        try:
            await future
        except asyncio.CancelledError:
            # Or the future would keep the loop, and the loop the future.
            self._parked = [parked for parked in self._parked if parked[2] is not future]
            heapq.heapify(self._parked)
            raise

    def wake_soon(self) -> None:
        loop = self._loop()
        if loop is not None and self._parked and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake)

    def _look(self) -> None:
        if self._clock.looks != self._looks:
            self._looks = self._clock.looks
            self._quiet = 0
        else:
            self._quiet += 1
        if self._quiet >= _QUIET_ROUNDS:
            self._quiet = 0
            self._drop_cancelled()
            if self._parked:
                self._clock.move_to(self._parked[0][0])
                self._wake()
        loop = self._loop()
        self._watching = bool(self._parked) and loop is not None
        if self._watching and loop is not None:
            loop.call_soon(self._look)

    def _wake(self) -> None:
        now = self._clock.now()
        self._drop_cancelled()
        while self._parked and self._parked[0][0] <= now:
            _, _, future = heapq.heappop(self._parked)
            future.set_result(None)
            self._drop_cancelled()

    def _drop_cancelled(self) -> None:
        # A cancelled sleeper must not pull the clock to a time that nobody waits for.
        while self._parked and self._parked[0][2].done():
            heapq.heappop(self._parked)


async def sleep_on(clock: Clock, seconds: float) -> None:
    """Sleep without blocking the event loop, on whichever clock."""
    if isinstance(clock, VirtualClock):
        await clock.sleep_async(seconds)
    elif isinstance(clock, RealClock):
        await asyncio.sleep(max(seconds, 0))
    else:
        await asyncio.to_thread(clock.sleep, seconds)
