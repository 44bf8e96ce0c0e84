"""The meaning of Azure's words for the state of an endpoint."""

from __future__ import annotations

import pytest

from purview_mpe._model.states import is_final


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", False),
        ("PrivateEndpointConnectionLimitExceeded: no more", True),
        ("QuotaExceeded", True),
        ("The resource has reached its limit of 200 private endpoint connections.", True),
        ("The number of connections exceeds the maximum allowed.", True),
        ("The quota of private endpoints is exceeded.", True),
        ("An operation is currently performing on this storage account that requires exclusive access.", False),
        ("The limit is 200. The name has reached nobody.", False),
        ("TooManyRequests: the limit of requests is exceeded, retry after 17 seconds.", False),
        ("x" * 2000 + " QuotaExceeded", False),
    ],
)
def test_only_an_exhausted_quota_is_final(said, expected):
    """A busy target and a rate limit pass; the end of a very long text is not read."""
    assert is_final(said) is expected
