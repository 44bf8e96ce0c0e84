"""Which threads work and which wait, for a transport that holds the time.

A transport with a clock of its own (the emulator's) moves it when every thread of a verb waits. It cannot see which
threads there are: one that was started and has not run yet looks like one that does not exist. So each thread is
reported, if the transport has the methods of `Presence`. A thread that waits for another one is reported as well, and
the end of that wait by the other one, before it lets the first go on: in between, time must not move.

Imports no SDK.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

#: How long a wait may last before it looks whether it is still wanted: waiting for a lock with a time limit cannot be
#: interrupted on every platform.
SLICE = 0.25


class Presence(Protocol):
    """What a transport may have; azure-core's have none of it."""

    def begin_work(self, thread: threading.Thread) -> None:
        """The thread may do something from now on; said again for each verb inside another one."""
        ...

    def end_work(self, thread: threading.Thread) -> None:
        """It does nothing more."""
        ...

    def begin_wait(self, thread: threading.Thread) -> None:
        """It waits for another thread."""
        ...

    def end_wait(self, thread: threading.Thread) -> None:
        """It goes on."""
        ...

    def sleep_unless(self, event: threading.Event, duration: float) -> None:
        """Let time pass for the calling thread, until another one has set the event and woken it."""
        ...

    def wake(self, thread: threading.Thread) -> None:
        """End the sleep of a thread that sleeps unless an event is set."""
        ...


class _Unasked:
    """For transports that do not ask."""

    def begin_work(self, thread: threading.Thread) -> None: ...

    def end_work(self, thread: threading.Thread) -> None: ...

    def begin_wait(self, thread: threading.Thread) -> None: ...

    def end_wait(self, thread: threading.Thread) -> None: ...

    def sleep_unless(self, event: threading.Event, duration: float) -> None:
        event.wait(duration)

    def wake(self, thread: threading.Thread) -> None: ...


UNASKED: Presence = _Unasked()


def presence_of(transport: Any) -> Presence:
    """The transport itself, if it wants to know; else something that forgets what it is given."""
    names = ("begin_work", "end_work", "begin_wait", "end_wait", "sleep_unless", "wake")
    return cast("Presence", transport) if all(hasattr(transport, name) for name in names) else UNASKED


@contextmanager
def at_work(presence: Presence) -> Generator[None]:
    """Report the calling thread inside."""
    me = threading.current_thread()
    presence.begin_work(me)
    try:
        yield
    finally:
        presence.end_work(me)


class Crew:
    """Threads that work for one that waits for them."""

    def __init__(self, presence: Presence, threads: Iterable[threading.Thread]) -> None:
        self._presence = presence
        self._master = threading.current_thread()
        self._lock = threading.Lock()
        self._left = set(threads)
        self._is_awaited = True

    def begin(self) -> None:
        """Before the threads are started."""
        for thread in self._left:
            self._presence.begin_work(thread)
        self._presence.begin_wait(self._master)

    def end(self, thread: threading.Thread) -> None:
        """A thread has ended, or was never started; the last one to do so hands over to the one that waits."""
        with self._lock:
            if thread not in self._left:
                return
            self._left.remove(thread)
            if not self._left:
                self._dismiss()
        self._presence.end_work(thread)

    def dismiss(self) -> None:
        """The waiting thread goes on, whether or not all have ended."""
        with self._lock:
            self._dismiss()

    def _dismiss(self) -> None:
        if self._is_awaited:
            self._is_awaited = False
            self._presence.end_wait(self._master)


class Turns:
    """A lock whose waiting threads are reported. The thread that has it may take it again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: threading.Thread | None = None
        self._door = threading.Lock()
        self._waiting: dict[threading.Thread, Presence] = {}

    @contextmanager
    def turn(self, presence: Presence, check: Callable[[], None] = lambda: None) -> Generator[None]:
        """Hold the lock inside; while waiting for it, `check` may raise."""
        me = threading.current_thread()
        if self._owner is me:
            yield
            return
        try:
            while not (self._is_free(presence) or self._lock.acquire(timeout=SLICE)):
                check()
        finally:
            self._stop_waiting(me)
        try:
            self._owner = me
            yield
        finally:
            self._owner = None
            self._release()

    def _is_free(self, presence: Presence) -> bool:
        """Take the lock, or report that this thread waits for it."""
        with self._door:
            if self._lock.acquire(blocking=False):
                return True
            me = threading.current_thread()
            if me not in self._waiting:
                self._waiting[me] = presence
                presence.begin_wait(me)
            return False

    def _stop_waiting(self, me: threading.Thread) -> None:
        with self._door:
            presence = self._waiting.pop(me, None)
        if presence is not None:
            presence.end_wait(me)

    def _release(self) -> None:
        with self._door:
            try:
                # All of them: which one gets it is the operating system's choice, and the others report again.
                for thread, presence in self._waiting.items():
                    presence.end_wait(thread)
                self._waiting.clear()
            finally:
                self._lock.release()
