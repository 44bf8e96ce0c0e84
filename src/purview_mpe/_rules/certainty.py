"""What a failed write proves: the only place that decides whether Azure may have carried it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe.errors import AccessDenied, InvalidCredential, InvalidSpec, NotApproved, Throttled, UnsupportedSetup

if TYPE_CHECKING:
    from purview_mpe.errors import PurviewMpeError

#: Not found, timed out, conflict, gone, precondition failed, throttled: each may be the answer to the second copy of a
#: request that was sent twice.
_MAY_BE_THE_SECOND_ANSWER = frozenset({404, 408, 409, 410, 412, 429})


def proves_nothing_done(failure: PurviewMpeError) -> bool:
    """True if a write with this failure was certainly not carried out: never sent, or refused by Azure.

    Only 4xx answers are refusals. A timeout (408), a 5xx, a success that the SDK does not expect and a broken
    connection do not show what happened, and neither does the type of the exception (SDK source). Some refusals can
    be the answer to a second copy of a request whose first copy succeeded, because a proxy, or the caller's own
    transport, sent it twice: aiohttp repeats PUT and DELETE on a connection that the server closed (aiohttp's source).
    """
    if failure.status is None:
        # Without a status, these errors mean that no request was sent: there was no token or no room within Azure's
        # limits, an argument was wrong, or a connection could not be addressed.
        return isinstance(
            failure, (AccessDenied, Throttled, InvalidSpec, InvalidCredential, UnsupportedSetup, NotApproved)
        )
    return 400 <= failure.status < 500 and failure.status not in _MAY_BE_THE_SECOND_ANSWER


def is_worth_a_look(failure: PurviewMpeError) -> bool:
    """True if Azure's state after this failure can differ from what the failure suggests.

    A caller who lacks the right, or is not signed in, has changed nothing. Every other refusal can mean that another
    caller was faster: the endpoint exists by now, is gone, or its connection has been decided.
    """
    return failure.status not in {401, 403} and not (failure.status is None and proves_nothing_done(failure))
