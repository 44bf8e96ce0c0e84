"""What a failed write proves."""

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
def test_a_refusal_proves_that_nothing_was_done(kind, status):
    """Azure refused, or no request left: no token, no right, a wrong body, no turn within Azure's limits."""
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
def test_anything_else_may_have_happened(kind, status):
    """No answer, an unexpected one, a failure of Azure, or the answer to a request that arrived twice."""
    failure = an_error(kind, status)
    assert not proves_nothing_done(failure)
    assert is_worth_a_look(failure)


def test_a_wrong_argument_proves_that_nothing_was_done():
    """An argument that is refused here never becomes a request."""
    assert proves_nothing_done(InvalidSpec("Client", [("client", "was closed")]))


@pytest.mark.parametrize(("status", "looks"), [(None, False), (401, False), (403, False), (400, True)])
def test_a_caller_without_rights_need_not_look(status, looks):
    """A caller without sign-in or right changed nothing; after other refusals another caller may have been faster."""
    assert is_worth_a_look(an_error(AccessDenied if status != 400 else AzureError, status)) is looks
