"""What a failed write proves about Azure's state."""

from __future__ import annotations

import pytest

from purview_mpe._rules.certainty import is_worth_a_look, proves_nothing_done
from purview_mpe.errors import (
    AccessDenied,
    AzureError,
    AzureUnavailable,
    InvalidSpec,
    NoAnswer,
    PolicyDenied,
    PurviewMpeError,
    Throttled,
    WaitTimedOut,
)


def an_error(kind: type[PurviewMpeError], status: int | None) -> PurviewMpeError:
    return kind("no", remedy="Repeat.", status=status)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (AccessDenied, None),
        (AccessDenied, 401),
        (AccessDenied, 403),
        (PolicyDenied, 403),
        (AzureError, 400),
        (Throttled, None),
    ],
)
def test_refusal_proves_that_nothing_was_written(kind, status):
    """Azure refused, or the request was never sent: no token, no right, a wrong body, no place within the limits."""
    assert proves_nothing_done(an_error(kind, status))


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (NoAnswer, None),
        (WaitTimedOut, None),
        (AzureError, 200),
        (AzureError, 202),
        (AzureUnavailable, 302),
        (AzureUnavailable, 408),
        (AzureUnavailable, 500),
        (AzureUnavailable, 503),
        (AzureError, 404),
        (AzureError, 409),
        (AzureError, 412),
        (Throttled, 429),
    ],
)
def test_other_failures_leave_the_write_uncertain(kind, status):
    """No answer, an unexpected answer, a failure of Azure, or the answer to a request that arrived twice."""
    failure = an_error(kind, status)
    assert not proves_nothing_done(failure)
    assert is_worth_a_look(failure)


def test_invalid_argument_proves_that_nothing_was_written():
    """An argument that the library refuses never becomes a request."""
    assert proves_nothing_done(InvalidSpec("Client", [("client", "was closed")]))


@pytest.mark.parametrize(("status", "looks"), [(None, False), (401, False), (403, False), (400, True)])
def test_read_back_is_skipped_without_sign_in_or_right(status, looks):
    """Such a caller changed nothing; after other refusals, another caller may have made the change first."""
    assert is_worth_a_look(an_error(AccessDenied if status != 400 else AzureError, status)) is looks
