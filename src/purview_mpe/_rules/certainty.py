"""What a failed write proves: the one place that says whether anything can have happened in Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe.errors import AccessDenied, InvalidCredential, InvalidSpec, NotApproved, Throttled, UnsupportedSetup

if TYPE_CHECKING:
    from purview_mpe.errors import PurviewMpeError

#: Gone, timed out, in conflict with itself, changed by itself, throttled.
_MAY_BE_THE_SECOND_ANSWER = frozenset({404, 408, 409, 410, 412, 429})


def proves_nothing_done(failure: PurviewMpeError) -> bool:
    """Whether a write that failed like this was certainly not carried out: never sent, or refused by Azure.

    Only 4xx answers are refusals. A timeout (408), a 5xx, a success that the SDK does not expect and a connection that
    broke say nothing about what happened, and neither does the kind of exception (SDK source). Some refusals can be
    the answer to a request that a proxy, or a transport that the caller passed, sent twice, the first time with
    success: aiohttp repeats PUT and DELETE on a connection that the server closed (its source).
    """
    if failure.status is None:
        # Without an answer these mean that no request left: no token, no turn within Azure's limits, a wrong argument,
        # a connection that cannot be addressed.
        return isinstance(
            failure, (AccessDenied, Throttled, InvalidSpec, InvalidCredential, UnsupportedSetup, NotApproved)
        )
    return 400 <= failure.status < 500 and failure.status not in _MAY_BE_THE_SECOND_ANSWER


def is_worth_a_look(failure: PurviewMpeError) -> bool:
    """Whether Azure's state after this failure can differ from what the failure suggests.

    A caller without the right, or without a sign-in, has changed nothing. Every other refusal can mean that another
    caller was faster: the endpoint exists, is gone, is decided.
    """
    return failure.status not in {401, 403} and not (failure.status is None and proves_nothing_done(failure))
