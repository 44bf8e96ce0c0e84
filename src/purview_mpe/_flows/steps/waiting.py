"""Waiting and trying again, for one change of state: tenacity over the flow's own clock.

The pipeline below has already repeated what a second attempt can mend (see `_azure`), so nothing here looks at 429,
5xx or broken connections. Here are the refusals that mean "busy", and waiting until something has happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from purview_mpe._flows.steps.io import Io, remaining
from purview_mpe.errors import AzureUnavailable, NoAnswer, PurviewMpeError, Throttled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenacity import RetryCallState

T = TypeVar("T")

#: Somebody else's operation on a storage account takes a minute or so; longer than this nobody is "busy".
PATIENCE = 300.0
#: What may pass by itself although the pipeline has tried several times: waiting survives some of them.
PASSING = (AzureUnavailable, NoAnswer, Throttled)
FAILED_LOOKS = 5


async def when_free(io: Io, action: Callable[[], Awaitable[T]], *, is_busy: Callable[[PurviewMpeError], bool]) -> T:
    """The result of an action that is tried again while Azure says that somebody else is at it.

    Raises:
        PurviewMpeError: what the action raised last, once patience or the verb's time is over.
    """
    try:
        return await action()
    except PurviewMpeError as failure:
        if not is_busy(failure):
            raise
        first = failure
    return await _when_free_again(io, action, first, is_busy=is_busy)


async def _when_free_again(
    io: Io, action: Callable[[], Awaitable[T]], first: PurviewMpeError, *, is_busy: Callable[[PurviewMpeError], bool]
) -> T:
    from tenacity import AsyncRetrying, retry_if_exception  # noqa: PLC0415 - most processes meet nobody who is busy

    began = io.now()
    failures = [first]

    def out_of_patience(state: RetryCallState) -> bool:
        wait = poll_interval(io.now() - began)
        return io.now() - began + wait > PATIENCE or wait >= remaining(io) or state.attempt_number >= 60

    retrying = AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, PurviewMpeError) and is_busy(error)),
        wait=lambda _: poll_interval(io.now() - began),
        stop=out_of_patience,
        sleep=io.sleep,
        before_sleep=lambda state: io.retrying(f"Trying again in {state.upcoming_sleep:.1f} s: {_why(state)}"),
        reraise=True,
    )

    async def attempt() -> T:
        if failures:
            raise failures.pop()  # the first attempt was made before there was anything to wait for
        return await action()  # tenacity awaits coroutine functions only, and a lambda is none

    return await retrying(attempt)


def _why(state: RetryCallState) -> str:
    error = state.outcome.exception() if state.outcome is not None else None
    return error.message if isinstance(error, PurviewMpeError) else "another operation is under way"


def poll_interval(elapsed: float) -> float:
    """Seconds until the next look: 2 at first, then 8 % of the time already spent, 15 at most.

    So a wait never ends more than a tenth after what it waits for, and a long one costs few requests.
    """
    return min(15.0, max(2.0, 0.08 * elapsed))
