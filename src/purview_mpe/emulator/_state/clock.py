"""The emulator's clocks, virtual and real.

In process the emulator runs on a virtual clock: a client that sleeps for a minute moves the clock by a
minute and takes no time. While the emulator is served over a socket, its clients sleep in real time, so
the same clock then runs with real time.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import sys
import threading
import time
import weakref
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from purview_mpe.emulator._state.loops import LoopWatch
from purview_mpe.emulator._values.public import public

if TYPE_CHECKING:
    from collections.abc import Generator

#: The start of a virtual clock. It is not zero, so that a time that was never set does not look like the start.
START = 1_000_000.0
#: How long a sleeping thread waits, in real time, before it checks again, for example for an ended event loop.
_GLANCE = 0.25


@public
@runtime_checkable
class Clock(Protocol):
    """What the emulator needs of a clock; pass your own to control the time yourself."""

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed."""
        ...


@public
class RealClock:
    """Real time, in seconds since this clock was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def now(self) -> float:
        """Seconds since the clock was made."""
        return time.monotonic() - self._start

    def sleep(self, seconds: float) -> None:
        """Block the calling thread."""
        time.sleep(max(seconds, 0))


@dataclass(eq=False)
class _Sleep:
    """A thread that sleeps until a time."""

    until: float
    thread: _Known
    is_over: bool = False
    wakes: threading.Event = field(default_factory=threading.Event)


@dataclass(eq=False)
class _Known:
    """The clock's record of one thread."""

    works: int = 0
    """How many verbs have begun and not ended, one inside the other."""
    waits: bool = False
    """Whether it waits for another thread, which reports the end of the wait."""
    sleep: _Sleep | None = None
    watch: LoopWatch | None = None

    @property
    def is_running(self) -> bool:
        """Whether it may still do something at the present time."""
        if self.sleep is not None or self.waits:
            return False
        if self.watch is None or not self.watch.is_alive:
            return self.works > 0
        return not self.watch.is_idle and (self.works > 0 or self.watch.is_busy)

    @property
    def is_forgotten(self) -> bool:
        """Whether the record can be dropped."""
        nothing = not self.works and not self.waits and self.sleep is None
        return nothing and (self.watch is None or not self.watch.is_alive)


@public
class VirtualClock:
    """A clock that moves when everything it knows of waits, and then to the earliest time waited for.

    It knows a thread from `begin_work` to `end_work`, and while the thread sleeps. The clients of purview_mpe register
    the threads of each verb through the transport, so that sleeps overlap exactly as in real time, however the
    threads are scheduled. Unknown threads do not hold the clock. Threads have to be registered, because a thread that
    was not scheduled yet looks like one that has nothing to do.

    It knows an event loop while one of the loop's tasks sleeps. The loop waits when nothing in it can run. A task that
    waits for a socket or another thread does not hold the clock, unless it is inside a verb.

    Args:
        start: The first time, in seconds.
        patience: Seconds of real time for which a sleeping thread waits for working threads that do nothing the clock
        can see. After that they count as blocked by something unknown to the clock, and the sleep fails with a
        RuntimeError that shows where.
    """

    def __init__(self, start: float = START, *, patience: float = 120.0) -> None:
        self._lock = threading.RLock()
        self._start = self._time = float(start)
        self._patience = patience
        self._running_since: float | None = None
        self._runners = 0
        self._serial = itertools.count()
        self._known: dict[threading.Thread, _Known] = {}
        self._sleeps: list[tuple[float, int, _Sleep]] = []
        self._watches: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopWatch] = weakref.WeakKeyDictionary()
        self._last_sign = time.monotonic()
        self.looks: int = 0

    def now(self) -> float:
        """Seconds on this clock; see `start`."""
        with self._lock:
            self.looks += 1
            self._last_sign = time.monotonic()
            return self._read()

    @property
    def elapsed(self) -> float:
        """Seconds since the clock was made, to the microsecond."""
        return round(self.now() - self._start, 6)

    def sleep(self, seconds: float, unless: threading.Event | None = None) -> None:
        """Return when `seconds` have passed on this clock; blocks until everything that the clock knows of waits.

        With `unless`, a `wake` of the sleeping thread ends the sleep early, if the event is set first.
        """
        if not seconds > 0:
            return
        with self._lock:
            if unless is not None and unless.is_set():
                return
            known = self._known.setdefault(threading.current_thread(), _Known())
            known.sleep = sleep = _Sleep(self._read() + seconds, known)
            heapq.heappush(self._sleeps, (sleep.until, next(self._serial), sleep))
            self._last_sign = time.monotonic()
            self.settle()
        try:
            while not sleep.is_over:
                sleep.wakes.wait(self._glance(sleep))
                sleep.wakes.clear()
        finally:
            with self._lock:
                if not sleep.is_over:  # it was interrupted
                    sleep.is_over, known.sleep = True, None
                    self.settle()
                self._forget(threading.current_thread())

    async def sleep_async(self, seconds: float) -> None:
        """Suspend the calling task until the clock has moved by `seconds`."""
        if self.is_running or not seconds > 0:
            await asyncio.sleep(max(seconds, 0))
            return
        with self._lock:
            self._last_sign = time.monotonic()
            until, watch = self._read() + seconds, self._watch(asyncio.get_running_loop())
        await watch.park(until)

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`, even if a thread is still at work."""
        with self._lock:
            self._move_to(self._read() + seconds)

    # --- known threads

    def begin_work(self, thread: threading.Thread | None = None) -> None:
        """Hold the clock for a thread (by default the calling one) until its `end_work`.

        Call it for a new thread before you start that thread. If you call it several times, call `end_work` as often.
        """
        with self._lock:
            self._last_sign = time.monotonic()
            self._known.setdefault(thread or threading.current_thread(), _Known()).works += 1

    def end_work(self, thread: threading.Thread | None = None) -> None:
        """The thread has finished its work, and no longer holds the clock."""
        with self._lock:
            self._last_sign = time.monotonic()
            known = self._known.get(worker := thread or threading.current_thread())
            if known is not None:
                known.works = max(0, known.works - 1)
                self._forget(worker)
                self.settle()

    def begin_wait(self, thread: threading.Thread | None = None) -> None:
        """The thread waits for another thread, which calls `end_wait` for it before it lets it continue."""
        self._set_waiting(thread, waits=True)

    def end_wait(self, thread: threading.Thread | None = None) -> None:
        """The thread stops waiting."""
        self._set_waiting(thread, waits=False)

    def wake(self, thread: threading.Thread) -> None:
        """End the sleep of a thread; first set the event that it passed as `unless`."""
        with self._lock:
            self._last_sign = time.monotonic()
            known = self._known.get(thread)
            if known is not None and (sleep := known.sleep) is not None:
                sleep.is_over, known.sleep = True, None
                sleep.wakes.set()

    def _set_waiting(self, thread: threading.Thread | None, *, waits: bool) -> None:
        with self._lock:
            self._last_sign = time.monotonic()
            known = self._known.get(thread or threading.current_thread())
            if known is not None:
                known.waits = waits
                self.settle()

    def _forget(self, thread: threading.Thread) -> None:
        known = self._known.get(thread)
        if known is not None and known.is_forgotten:
            del self._known[thread]

    def _watch(self, loop: asyncio.AbstractEventLoop) -> LoopWatch:
        watch = self._watches.get(loop)
        if watch is None:
            for finished in [other for other in self._watches if other.is_closed()]:
                del self._watches[finished]
            watch = self._watches[loop] = LoopWatch(self, self._lock, loop)
        self._known.setdefault(threading.current_thread(), _Known()).watch = watch
        return watch

    # --- moving

    def settle(self) -> None:
        """Move to the earliest time waited for, unless something may still happen at the present time."""
        with self._lock:
            if self._running_since is not None:
                return
            while (moment := self._next()) is not None:
                if any(known.is_running for known in self._known.values()):
                    return
                self._move_to(moment)

    def _next(self) -> float | None:
        """The earliest time that a thread or an idle loop waits for."""
        while self._sleeps and self._sleeps[0][2].is_over:
            heapq.heappop(self._sleeps)
        moments = [first for watch in self._watches.values() if (first := watch.waits_until) is not None]
        if self._sleeps:
            moments.append(self._sleeps[0][0])
        # A sleep without an end does not move the clock: no time would be left for anything that comes afterwards.
        return min((moment for moment in moments if moment < math.inf), default=None)

    def _move_to(self, moment: float) -> None:
        if moment > self._read():
            if self._running_since is not None:
                self._running_since = time.monotonic()
            self._time = moment
        self._wake_due()

    def _wake_due(self) -> None:
        """Wake everything that waited for this time or an earlier one; from here on it counts as running."""
        now = self._read()
        while self._sleeps and self._sleeps[0][0] <= now:
            _, _, sleep = heapq.heappop(self._sleeps)
            if not sleep.is_over:
                sleep.is_over, sleep.thread.sleep = True, None
                sleep.wakes.set()
        for watch in list(self._watches.values()):
            watch.wake(now)

    def _glance(self, sleep: _Sleep) -> float:
        """How long a thread can wait, in real time, until it checks again."""
        with self._lock:
            if self._running_since is not None:
                self._wake_due()
                return 0 if sleep.is_over else sleep.until - self._read()
            self.settle()
            if not sleep.is_over and time.monotonic() - self._last_sign > self._patience:
                raise RuntimeError(self._standstill())
            return min(_GLANCE, self._patience)

    def _standstill(self) -> str:
        # Documented in spite of its underscore: no other way shows what a thread does.
        frames = sys._current_frames()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        threads = [thread for thread, known in self._known.items() if known.is_running]
        places = [
            f"{thread.name} ({frame.f_code.co_filename}:{frame.f_lineno})"
            for thread in threads
            if (frame := frames.get(thread.ident or 0)) is not None
        ]
        return (
            f"The emulator's clock stands still: for {self._patience:.0f} s threads at work have neither sent a "
            f"request, nor slept, nor ended: {', '.join(places) or 'none that runs'}. Remove what blocks them."
        )

    # --- real time

    @contextmanager
    def running(self) -> Generator[None]:
        """Let the clock run with real time inside the block; blocks may overlap."""
        with self._lock:
            self._runners += 1
            if self._running_since is None:
                self._running_since = time.monotonic()
                self._poke()
        try:
            yield
        finally:
            with self._lock:
                self._runners -= 1
                if not self._runners:
                    self._time = self._read()
                    self._running_since = None
                    self._poke()

    @property
    def is_running(self) -> bool:
        """Whether the clock runs with real time."""
        return self._running_since is not None

    def _poke(self) -> None:
        """Make everything that sleeps check again what it waits for."""
        for _, _, sleep in self._sleeps:
            sleep.wakes.set()
        for watch in list(self._watches.values()):
            watch.poke()

    def _read(self) -> float:
        if self._running_since is None:
            return self._time
        return self._time + time.monotonic() - self._running_since


async def sleep_on(clock: Clock, seconds: float) -> None:
    """Sleep without blocking the event loop, on whichever clock."""
    if isinstance(clock, VirtualClock):
        await clock.sleep_async(seconds)
    elif isinstance(clock, RealClock):
        await asyncio.sleep(max(seconds, 0))
    else:
        await asyncio.to_thread(clock.sleep, seconds)
