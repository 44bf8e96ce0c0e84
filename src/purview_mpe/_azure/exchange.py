"""What a request needs to know about its verb: the deadline, whether the verb was stopped, and who listens.

It reaches the pipeline's policies and the transport through a context variable, because the SDKs' operations lie
between them and the flow. Imports no SDK.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from purview_mpe._azure.presence import SLICE, UNASKED
from purview_mpe.errors import WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from contextlib import AbstractContextManager

    from purview_mpe._azure.presence import Presence
    from purview_mpe._rules.budget import Ticket
    from purview_mpe._wire.errors import Answer, Attempt
    from purview_mpe._wire.operations import Operation


class Stopped(BaseException):
    """The verb was interrupted in another thread, and this one unwinds.

    Not an `Exception`, so that no handler takes it for a failure of Azure and goes on.
    """


class _Signal:
    """An event whose `wait` can be interrupted at any point.

    `threading.Event` and `Semaphore` use conditions, which are Python code. An interruption inside a condition leaves
    its lock in the wrong state. The error that follows hides the interruption, in other threads as well.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._gate = threading.Lock()
        self._gate.acquire()

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        with contextlib.suppress(RuntimeError):  # open already
            self._gate.release()

    def wait(self, seconds: float) -> None:
        if self._gate.acquire(timeout=seconds):
            with contextlib.suppress(RuntimeError):
                self._gate.release()


class Run:
    """One run of a verb from beginning to end, for all the threads and tasks that work on it."""

    def __init__(
        self,
        now: Callable[[], float],
        timeout: float | None = None,
        *,
        is_real: bool = True,
        presence: Presence = UNASKED,
        retrying: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.now = now
        #: Name of the verb, for logs.
        self.verb = ""
        self.deadline = None if timeout is None else now() + timeout
        #: Whether `now` follows real time, so that timers can use it.
        self.is_real = is_real
        #: The object that gets reports of this verb's threads.
        self.presence = presence
        #: Seconds that the fastest answer took; infinite before the first.
        self.round_trip = float("inf")
        #: The number of requests that were handed to the transport and that change something, one entry for each.
        self.writes: list[None] = []
        #: Subscriptions and hosts that refused the renewed token as well: the verb requests no further token for them.
        self.refusing: set[str] = set()
        #: Called with a sentence before each retry.
        self.retrying = retrying
        #: Budget tickets that are kept for writes that have to wait, by method and address.
        self.turns: dict[tuple[str, str], Ticket] = {}
        self._lock = threading.Lock()
        self._stopped = _Signal()
        #: The exception that the caller was handling when the verb began (in an `except` block, say), or None.
        self._handled = sys.exception()
        self._breakable: set[Callable[[], None]] = set()

    def left(self) -> float:
        """Seconds until the deadline; infinite without one."""
        return float("inf") if self.deadline is None else self.deadline - self.now()

    def left_for_timer(self) -> float | None:
        """The same for a timer in real time; None without a limit, or if `now` does not follow real time."""
        return None if self.deadline is None or not self.is_real else max(0.0, self.left())

    def check(self) -> None:
        """Raise `Stopped` if another thread was interrupted, so that this one unwinds."""
        if self._stopped.is_set():
            raise Stopped

    def interruption_behind(self, error: BaseException) -> BaseException | None:
        """The interruption that an error hides, because the error was raised while the interruption unwound the stack.

        For example, a lock was released twice, or a connection could not be put back, because the interruption came
        first. An exception that the caller was handling before the verb began does not count.
        """
        seen: set[int] = set()
        cause: BaseException | None = error
        while cause is not None and cause is not self._handled and id(cause) not in seen:
            if not isinstance(cause, Exception):
                return cause
            seen.add(id(cause))
            cause = cause.__context__
        return None

    def pause(self, seconds: float) -> None:
        """Wait in real time, unless stopped."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._stopped.wait(min(left, SLICE))
            self.check()

    def wind_down(self) -> None:
        """Keep all threads and tasks of this verb from starting anything new; requests under way can finish."""
        self._stopped.set()

    def stop(self) -> None:
        """Make all other threads of this verb unwind, whatever they wait for."""
        with self._lock:
            self._stopped.set()
            breakable = list(self._breakable)
        for break_off in breakable:
            break_off()

    @contextmanager
    def breakable(self, break_off: Callable[[], None]) -> Generator[None]:
        """Let `stop` end the work inside this block: it calls `break_off` from its own thread."""
        with self._lock:
            if self._stopped.is_set():
                raise Stopped
            self._breakable.add(break_off)
        try:
            yield
        finally:
            with self._lock:
                self._breakable.discard(break_off)


class Exchange:
    """One operation of an SDK client, which may send several requests: retries, pages."""

    def __init__(self, run: Run, attempt: Attempt, *, of_list: bool = False, asks: bool = False) -> None:
        self.run = run
        self.attempt = attempt
        #: Whether a POST only reads; every other POST changes something.
        self.asks = asks
        #: Whether every answer must be a page of a list.
        self.of_list = of_list
        #: Whether the last answer was not a page of a list, although it succeeded.
        self.is_no_list = False
        #: Bytes of all answers so far.
        self.received = 0
        #: The last answer that came; None while the latest request has none.
        self.answer: Answer | None = None
        #: Seconds after which the request that failed may succeed; see `PurviewMpeError.retry_after`.
        self.retry_after: float | None = None
        #: Address of the latest request, and its proxies, for errors that name the network path.
        self.url = ""
        self.proxies: Mapping[str, str] | None = None
        #: The token of the latest request, which no text may repeat.
        self.secret = ""
        #: The long-running operation that the last answer to a write began.
        self.begun: Operation | None = None
        #: The operation whose signed address the request goes to, whatever address it shows.
        self.followed: Operation | None = None

    def changes(self, method: str) -> bool:
        """Whether a request with this method changes something, so that it is sent once."""
        return method.upper() not in {"GET", "HEAD", "OPTIONS"} and not (method.upper() == "POST" and self.asks)

    def check(self) -> None:
        """Unwind if the verb was stopped, or if its deadline has passed.

        Raises:
            Stopped: another thread was interrupted.
            WaitTimedOut: the deadline has passed.
        """
        self.run.check()
        if self.run.left() <= 0:
            raise self.time_is_up("the time given ran out before the request could be sent")

    def time_is_up(self, how: str) -> WaitTimedOut:
        """The error for a deadline that has passed."""
        return WaitTimedOut(
            f"Could not {self.attempt.what}: {how}.",
            remedy="Repeat the call, with a longer timeout if need be: what is done already is kept.",
        )


_current: ContextVar[Exchange] = ContextVar("purview_mpe_exchange")


def current() -> Exchange:
    """The exchange that the calling code works for."""
    return _current.get()


def exchanging(exchange: Exchange) -> AbstractContextManager[None]:
    """Make this the current exchange inside the block."""
    return _Exchanging(exchange)


class _Exchanging:
    """Not a generator: an interruption can leave one half-way, and its end would then run whenever it is collected.

    That could be within the next verb's exchange, which would lose its variable.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __enter__(self) -> None:
        self._token = _current.set(self._exchange)

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)
        # The frames of a resulting error hold the exchange.
        self._exchange.secret = ""
        self._exchange.begun = self._exchange.followed = None
