"""Waiting, and sending a write again, with the library tenacity on the flow's own clock.

The Azure client's HTTP pipeline repeats reads, but sends each write once: after a wait the state may have changed, so
the flow reads first and only then repeats the write. That holds for a busy resource, for an answer that asks to wait,
for a lost answer, and for a wait for Azure's limits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from purview_mpe._flows.steps.io import MOMENT, NotYet, remaining
from purview_mpe._rules.certainty import is_worth_a_look, proves_nothing_done
from purview_mpe._wire.errors import is_busy
from purview_mpe.errors import AzureError, AzureUnavailable, NoAnswer, PurviewMpeError, Throttled, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from purview_mpe._flows.steps.io import Io

T = TypeVar("T")

#: Seconds to wait for a busy resource: another caller's operation on a storage account takes about a minute.
PATIENCE = 300.0
#: Failures that may be temporary although the pipeline has tried several times.
PASSING = (AzureUnavailable, NoAnswer, Throttled)
#: Number of consecutive failed reads after which a wait ends; fewer are tolerated if each failure is one of `PASSING`.
FAILED_LOOKS = 5
#: Maximum number of attempts. Without it, a write would repeat for ever if the clock stands still while the flow
#: sleeps.
_MAX_ATTEMPTS = 60


async def carried_out(
    io: Io,
    write: Callable[[], Awaitable[T]],
    *,
    look: Callable[[bool], Awaitable[T | None]],
    seen_at: float | None = None,
) -> T:
    """The result of a write that is sent as often as necessary, each time after a read.

    Args:
        io: Sends the requests and keeps the time.
        write: Sends the write once.
        look: Reads the state. Returns a result that makes the write unnecessary, or None if the write is still needed;
            raises an error of this library if the state forbids it. Its argument says whether an earlier attempt may
            have worked.
        seen_at: When the state was last read; None if that was just now.

    Raises:
        PurviewMpeError: the write's last error, if nothing shows that it happened; or the error that `look` raised.
    """
    work = _Write(io, write, look)
    if seen_at is not None and io.now() - seen_at > MOMENT and (found := await look(False)) is not None:
        return found
    try:
        return await work.send()
    except PurviewMpeError:
        return await work.again()


@dataclass
class _Write(Generic[T]):
    """One write and its failures so far."""

    io: Io
    write: Callable[[], Awaitable[T]]
    look: Callable[[bool], Awaitable[T | None]]
    failure: PurviewMpeError | None = None
    """The last failure of the write itself."""
    may_have_happened: bool = False
    """True if any attempt may have been carried out."""
    pause: float | None = None
    """Seconds until the next attempt; None if there is none."""
    is_blind: bool = False
    """True if the state could not be read after a failure."""
    _attempts: int = 0
    _times: int = 0
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.io.now()

    async def send(self) -> T:
        """The write, sent once."""
        try:
            return await self.write()
        except PurviewMpeError as failure:
            self.failure = failure
            self.may_have_happened |= not (proves_nothing_done(failure) or is_busy(failure))
            self.pause = self._pause_after(failure)
            raise

    async def again(self) -> T:
        """Read and send until a repetition no longer helps; then one read decides."""
        from tenacity import AsyncRetrying, retry_if_exception  # noqa: PLC0415 - most processes never repeat a write

        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: error is self.failure and self.pause is not None),
            wait=lambda _: self.pause or 0.0,
            sleep=self.io.sleep,
            before_sleep=lambda state: self.io.retrying(f"Trying again in {state.upcoming_sleep:.1f} s: {self._why()}"),
            reraise=True,
        )
        is_first = True

        async def attempt() -> T:
            nonlocal is_first
            if is_first and self.failure is not None:
                is_first = False
                raise self.failure  # `send` has already made the first attempt; report its failure to tenacity
            found = await self._looked()
            return await self.send() if found is None else found

        try:
            return await retrying(attempt)
        except PurviewMpeError as error:
            is_settled = not (self.may_have_happened or is_worth_a_look(error))
            if error is not self.failure or self.is_blind or is_settled:
                raise
            if (found := await self._looked()) is None:
                raise
            return found

    async def _looked(self) -> T | None:
        """The result of the read. If nothing can be read, the write's error explains more than the read's."""
        try:
            return await self.look(self.may_have_happened)
        except (AzureError, NoAnswer, WaitTimedOut):
            self.pause, self.is_blind = None, True
            if self.failure is None or isinstance(self.failure, NotYet):
                raise
            raise self.failure from None

    def _pause_after(self, failure: PurviewMpeError) -> float | None:
        self._times += 1
        elapsed = self.io.now() - self._began
        wait: float | None = None
        if isinstance(failure, NotYet):
            wait = failure.retry_after
        elif is_busy(failure):
            wait = poll_interval(elapsed) if elapsed + poll_interval(elapsed) <= PATIENCE else None
        elif failure.retry_after is not None:
            self._attempts += 1
            wait = self.io.pause_after(self._attempts, failure.retry_after)
        if wait is None or wait >= remaining(self.io) or self._times >= _MAX_ATTEMPTS:
            return None
        return wait

    def _why(self) -> str:
        return self.failure.message if self.failure is not None else ""


def poll_interval(elapsed: float) -> float:
    """Seconds until the next read: 2 at first, then 8 % of the time already spent, 15 at most.

    After the first 25 seconds, a wait ends at most 8 % later than necessary; before that, at most 2 seconds later.
    A long wait needs few requests.
    """
    return min(15.0, max(2.0, 0.08 * elapsed))
