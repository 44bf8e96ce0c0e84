"""The state of a long-running operation, read from the answer of its status URL."""

from __future__ import annotations

import pickle

import pytest

from purview_mpe._wire.errors import Attempt, blotted
from purview_mpe._wire.operations import Operation, OperationState, operation_failed, read_operation

ATTEMPT = Attempt("create the private endpoint 'purview-blob'", "/subscriptions/s", "Network Contributor")
SIGNED = "https://h/operations/1?api-version=2026-03-01&t=1&c=MIIH&s=sig&h=hash"


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, {"status": "InProgress"}, "under-way"),
        (202, {"status": "InProgress"}, "under-way"),
        (200, {"status": "Succeeded"}, "succeeded"),
        (202, {"status": "SUCCEEDED"}, "succeeded"),
        (200, {"status": "Failed"}, "failed"),
        (200, {"status": "Canceled"}, "failed"),
        (200, {"status": "Cancelled"}, "failed"),
        (202, None, "under-way"),
        (200, None, "succeeded"),
        (204, {}, "succeeded"),
        (200, [], "succeeded"),
        (200, {"status": 1}, "succeeded"),
    ],
)
def test_states(status, body, state):
    """Every answer gives a state, with or without a body."""
    assert read_operation(status, body).state == state


def test_failure_has_code_and_message():
    """A signed URL in the message loses its signature."""
    state = read_operation(200, {"status": "Failed", "error": {"code": "RetryableError", "message": f"see {SIGNED}"}})
    assert (state.code, state.may_pass) == ("RetryableError", True)
    assert "MIIH" not in state.message
    assert not OperationState("succeeded", "RetryableError").may_pass
    assert not OperationState("failed", "Other").may_pass
    gone = "Call to a resource provider failed: PrivateLinkServiceId Invalid private link service id."
    assert OperationState("failed", "InvalidResourceReference", gone).may_pass


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("PrivateEndpointCannotBeCreatedInSubnetThatHasNetworkPoliciesEnabled", "subnet update --ids /SUBNET"),
        ("RemotePrivateLinkServiceSubscriptionNotRegistered", "az provider register"),
        ("Other", "Read Azure's message above"),
        ("", "Read Azure's message above"),
    ],
)
def test_error_of_a_failure(code, remedy):
    """The error has the attempt, Azure's message and a remedy."""
    error = operation_failed(ATTEMPT, OperationState("failed", code, "It broke."), subnet="/SUBNET")
    assert "Could not create the private endpoint 'purview-blob'" in error.message
    assert "It broke." in error.message
    assert remedy in error.remedy
    assert error.azure_code == (code or None)
    assert operation_failed(ATTEMPT, OperationState("failed"), subnet="").message.endswith("failed.")


def test_url_is_shown_without_its_signature():
    """The path names the operation for a support case."""
    operation = Operation(SIGNED)
    assert operation.shown == "https://h/operations/1"
    assert operation.signature == "api-version=2026-03-01&t=1&c=MIIH&s=sig&h=hash"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"use uri: {SIGNED}.", "use uri: https://h/operations/1?***"),
        ('{"uri":"https://h/o?a=1\\u0026s=sig"}', '{"uri":"https://h/o?***"}'),
        ("https://h/o?api-version=2026-03-01", "https://h/o?api-version=2026-03-01"),
        ("what? nothing", "what? nothing"),
    ],
)
def test_signatures_are_removed_from_texts(text, shown):
    """A URL in a message keeps its query only if it is not signed."""
    assert blotted(text) == shown


def test_operation_exposes_no_signature():
    """Its repr is the URL without the query, and it cannot be pickled."""
    operation = Operation(SIGNED)
    assert repr(operation) == f"Operation({operation.shown!r})"
    with pytest.raises(TypeError, match="signed address"):
        pickle.dumps(operation)


def test_network_that_is_linked_to_another_zone():
    """Only the message identifies this failure; the remedy names the field for the other zone."""
    said = "A virtual network cannot be linked to multiple zones with overlapping namespaces."
    error = operation_failed(ATTEMPT, OperationState("failed", "BadRequest", said), subnet="/SUBNET")
    assert "Network.zone_resource_group" in error.remedy
