"""Time, held in the hand.

In process the emulator runs on a virtual clock: a client that sleeps for a minute moves the clock by a
minute and takes no time. While the emulator is served over a socket its clients sleep in the real world, so
the same clock then runs with real time.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
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

#: Where a virtual clock starts. Not at zero: there a moment that was never set would look like the beginning.
START = 1_000_000.0
#: How long a sleeping thread waits, in real time, before it looks again: at an event loop that has ended, say.
_GLANCE = 0.25


@public
@runtime_checkable
class Clock(Protocol):
    """What the emulator needs of a clock; bring your own if you want to hold the time yourself."""

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""
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


@dataclass(eq=False)
class _Sleep:
    """A thread that sleeps until a moment."""

    until: float
    thread: _Known
    is_over: bool = False
    wakes: threading.Event = field(default_factory=threading.Event)


@dataclass(eq=False)
class _Known:
    """What the clock knows of one thread."""

    works: int = 0
    """How often work was begun that has not ended: verbs, one inside the other."""
    waits: bool = False
    """Whether it waits for another thread, which says so when it need not wait any more."""
    sleep: _Sleep | None = None
    watch: LoopWatch | None = None

    @property
    def is_running(self) -> bool:
        """Whether it may still do something at this moment."""
        if self.sleep is not None or self.waits:
            return False
        if self.watch is None or not self.watch.is_alive:
            return self.works > 0
        return not self.watch.is_idle and (self.works > 0 or self.watch.is_busy)

    @property
    def is_forgotten(self) -> bool:
        """Whether there is nothing left to know of it."""
        nothing = not self.works and not self.waits and self.sleep is None
        return nothing and (self.watch is None or not self.watch.is_alive)


@public
class VirtualClock:
    """A clock that moves when everything it knows of waits, and then to the first moment that is waited for.

    It knows a thread from `begin_work` to `end_work`, and while it sleeps. The clients of purview_mpe register
    the threads of each verb through the transport, so that sleeps overlap exactly as in the real world, however
    the threads are scheduled. Threads that it does not know do not hold it. The moment to move cannot be found
    by looking at the threads' behaviour: one that was not scheduled yet looks like one that has nothing to do.

    It knows an event loop while one of its tasks sleeps. The loop waits when nothing in it can run; a task that
    waits for a socket or another thread does not hold the clock, unless it is inside a verb.

    Args:
        start: The time at first, in seconds.
        patience: Seconds of real time in which a sleeping thread waits for threads at work that do nothing the
            clock can see. They are blocked by something that it does not know of, so then the sleep fails with a
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
        """Return when so much time has passed on this clock; blocks until everything that it knows of waits.

        With `unless` a `wake` of the sleeping thread ends it earlier, if the event is set before.
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
        """Park the calling task until the clock has moved by `seconds`."""
        if self.is_running or not seconds > 0:
            await asyncio.sleep(max(seconds, 0))
            return
        with self._lock:
            self._last_sign = time.monotonic()
            until, watch = self._read() + seconds, self._watch(asyncio.get_running_loop())
        await watch.park(until)

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`, whether or not a thread is still at work."""
        with self._lock:
            self._move_to(self._read() + seconds)

    # --- who is known

    def begin_work(self, thread: threading.Thread | None = None) -> None:
        """Wait for a thread (by default the calling one) before the clock moves, until its `end_work`.

        Say it of a thread that is about to be started before you start it. May be said several times; then `end_work`
        must be, too.
        """
        with self._lock:
            self._last_sign = time.monotonic()
            self._known.setdefault(thread or threading.current_thread(), _Known()).works += 1

    def end_work(self, thread: threading.Thread | None = None) -> None:
        """The thread does nothing more, as far as the clock has to wait for it."""
        with self._lock:
            self._last_sign = time.monotonic()
            known = self._known.get(worker := thread or threading.current_thread())
            if known is not None:
                known.works = max(0, known.works - 1)
                self._forget(worker)
                self.settle()

    def begin_wait(self, thread: threading.Thread | None = None) -> None:
        """The thread waits for another one, which will say `end_wait` of it before it lets it go on."""
        self._set_waiting(thread, waits=True)

    def end_wait(self, thread: threading.Thread | None = None) -> None:
        """The thread goes on."""
        self._set_waiting(thread, waits=False)

    def wake(self, thread: threading.Thread) -> None:
        """End the sleep of a thread; set the event before that it sleeps `unless`."""
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
        """Move to the first moment that is waited for, unless something may still happen at this one."""
        with self._lock:
            if self._running_since is not None:
                return
            while (moment := self._next()) is not None:
                if any(known.is_running for known in self._known.values()):
                    return
                self._move_to(moment)

    def _next(self) -> float | None:
        """The first moment that a thread or an idle loop waits for."""
        while self._sleeps and self._sleeps[0][2].is_over:
            heapq.heappop(self._sleeps)
        moments = [first for watch in self._watches.values() if (first := watch.waits_until) is not None]
        if self._sleeps:
            moments.append(self._sleeps[0][0])
        return min(moments, default=None)

    def _move_to(self, moment: float) -> None:
        if moment > self._read():
            if self._running_since is not None:
                self._running_since = time.monotonic()
            self._time = moment
        self._wake_due()

    def _wake_due(self) -> None:
        """Let go on what waited for this moment or an earlier one; from here on it counts as running."""
        now = self._read()
        while self._sleeps and self._sleeps[0][0] <= now:
            _, _, sleep = heapq.heappop(self._sleeps)
            if not sleep.is_over:
                sleep.is_over, sleep.thread.sleep = True, None
                sleep.wakes.set()
        for watch in list(self._watches.values()):
            watch.wake(now)

    def _glance(self, sleep: _Sleep) -> float:
        """How long a thread may wait, in real time, until it looks again."""
        with self._lock:
            if self._running_since is not None:
                self._wake_due()
                return 0 if sleep.is_over else sleep.until - self._read()
            self.settle()
            if not sleep.is_over and time.monotonic() - self._last_sign > self._patience:
                raise RuntimeError(self._standstill())
            return min(_GLANCE, self._patience)

    def _standstill(self) -> str:
        # Documented, although its name begins with an underscore: it is the way to see what a thread does.
        frames = sys._current_frames()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        threads = [thread for thread, known in self._known.items() if known.is_running]
        places = [
            f"{thread.name} ({frame.f_code.co_filename}:{frame.f_lineno})"
            for thread in threads
            if (frame := frames.get(thread.ident or 0)) is not None
        ]
        return (
            f"The emulator's clock stands still: for {self._patience:.0f} s threads at work have neither sent a "
            f"request, nor slept, nor ended: {', '.join(places) or 'none that runs'}. End what they are blocked by."
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
        """Have everything that sleeps look again what it waits for."""
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
