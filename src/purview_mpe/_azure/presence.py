"""Which threads work and which wait, for a transport that controls the time.

A transport with its own clock (the emulator's) moves the clock when every thread of a verb waits. It cannot see which
threads exist: one that was started and has not run yet looks like one that does not exist. So each thread is reported,
if the transport has the methods of `Presence`. A thread that waits for another thread is reported as well. The other
thread reports the end of that wait before it wakes the first, so that time does not move in between.

Imports no SDK.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

T = TypeVar("T")

#: A wait is split into slices of this length, and checks after each whether the verb was stopped: a wait for a lock
#: with a time limit cannot be interrupted on every platform.
SLICE = 0.25


class Presence(Protocol):
    """Methods that a transport can have; azure-core's transports have none of them."""

    def begin_work(self, thread: threading.Thread) -> None:
        """The thread starts to work; called again for each verb that runs inside another."""
        ...

    def end_work(self, thread: threading.Thread) -> None:
        """The thread has finished its work."""
        ...

    def begin_wait(self, thread: threading.Thread) -> None:
        """The thread begins to wait for another thread."""
        ...

    def end_wait(self, thread: threading.Thread) -> None:
        """The thread stops waiting."""
        ...

    def sleep_unless(self, event: threading.Event, duration: float) -> None:
        """Let `duration` seconds pass for the calling thread, or less if another thread sets the event and wakes it."""
        ...

    def wake(self, thread: threading.Thread) -> None:
        """End the sleep of a thread in `sleep_unless`."""
        ...


class _Unasked:
    """For transports without these methods."""

    def begin_work(self, thread: threading.Thread) -> None: ...

    def end_work(self, thread: threading.Thread) -> None: ...

    def begin_wait(self, thread: threading.Thread) -> None: ...

    def end_wait(self, thread: threading.Thread) -> None: ...

    def sleep_unless(self, event: threading.Event, duration: float) -> None:
        event.wait(duration)

    def wake(self, thread: threading.Thread) -> None: ...


UNASKED: Presence = _Unasked()


def presence_of(transport: Any) -> Presence:
    """The transport itself, if it has the methods of `Presence`; otherwise an object that ignores the reports."""
    names = ("begin_work", "end_work", "begin_wait", "end_wait", "sleep_unless", "wake")
    return cast("Presence", transport) if all(hasattr(transport, name) for name in names) else UNASKED


@contextmanager
def at_work(presence: Presence) -> Generator[None]:
    """Report the calling thread as working inside the block."""
    me = threading.current_thread()
    presence.begin_work(me)
    try:
        yield
    finally:
        presence.end_work(me)


class Crew:
    """Threads that work for a thread that waits for them."""

    def __init__(self, presence: Presence, threads: Iterable[threading.Thread]) -> None:
        self._presence = presence
        self._master = threading.current_thread()
        self._lock = threading.Lock()
        self._left = set(threads)
        self._is_awaited = True

    def begin(self) -> None:
        """Report the threads as working and the caller as waiting; call it before the threads start."""
        for thread in self._left:
            self._presence.begin_work(thread)
        self._presence.begin_wait(self._master)

    def end(self, thread: threading.Thread) -> None:
        """Report that a thread has ended, or was never started; the last one also ends the master's wait."""
        with self._lock:
            if thread not in self._left:
                return
            self._left.remove(thread)
            if not self._left:
                self._dismiss()
        self._presence.end_work(thread)

    def dismiss(self) -> None:
        """Report that the waiting thread goes on, whether or not all threads have ended."""
        with self._lock:
            self._dismiss()

    def _dismiss(self) -> None:
        if self._is_awaited:
            self._is_awaited = False
            self._presence.end_wait(self._master)


class Turns:
    """A reentrant lock whose waiting threads are reported.

    An interruption can come at any instant. CPython looks for it behind each call of a function in C and at the
    beginning of each Python function, and so also at the beginning of a context manager's `__exit__`: a lock that is
    held by a `with` statement on a Python object can stay held for ever. So `take` runs its action inside one `try`.
    """

    def __init__(self) -> None:
        # It knows its owner, unlike a `Lock`: an interruption may leave open whether this thread has got it.
        self._lock = threading.RLock()
        self._owner: threading.Thread | None = None
        self._door = threading.Lock()
        self._waiting: dict[threading.Thread, Presence] = {}

    def take(self, presence: Presence, action: Callable[[], T], check: Callable[[], None] = lambda: None) -> T:
        """The action's result, while this thread holds the lock; while it waits for the lock, `check` may raise."""
        me = threading.current_thread()
        if self._owner is me:
            return action()
        try:
            try:
                while not (self._is_free(presence) or self._lock.acquire(timeout=SLICE)):
                    check()
            finally:
                self._stop_waiting(me)
            self._owner = me
            return action()
        finally:
            try:
                if self._owner is me:
                    self._owner = None
                    self._pass_on()
            finally:
                try:
                    self._lock.release()
                except RuntimeError:
                    pass  # it has been passed on, or this thread never had it

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

    def _pass_on(self) -> None:
        """Release the lock, and report that the waiting threads go on.

        The operating system chooses which one gets the lock; the others report again.
        """
        with self._door:
            for thread, presence in self._waiting.items():
                presence.end_wait(thread)
            self._waiting.clear()
            self._lock.release()
