"""Writes that have to wait: before a write is repeated, the state is read again."""

from __future__ import annotations

import pytest

from purview_mpe import Budget, Client
from purview_mpe._rules.budget import Rate
from purview_mpe.emulator import Emulator, Fault
from tests.support.colours import spec_for

BUSY = Fault.status("DELETE", 409, code="AnotherOperationInProgress", times=1)
THROTTLED = Fault.status("DELETE", 429, retry_after=60, times=1)
ILL = Fault.status("DELETE", 503, times=1)
WAITS = pytest.mark.parametrize("fault", [BUSY, THROTTLED, ILL], ids=["busy", "throttled", "ill"])


def sent(emulator: Emulator, method: str) -> list[str]:
    return [request.path.rpartition("/")[2] for request in emulator.requests if request.method == method]


def once(action):
    """A listener that acts once, when a write is about to wait."""
    done = []

    def listener(event):
        if event.kind == "retrying" and not done:
            done.append(event)
            action()

    return listener


def other_client(emulator: Emulator) -> Client:
    return Client(emulator.credential, transport=emulator.transport())


@WAITS
def test_a_repeated_deletion_spares_a_new_endpoint_of_the_name(colour, fault):
    """Meanwhile a colleague replaces the endpoint by one to another account, which stays."""
    emulator = Emulator()
    spec = spec_for(emulator, groups=("account",))
    other = emulator.add_account("other")
    other_client(emulator).create_all(spec, approve=True)

    def swap():
        with other_client(emulator) as colleague:
            colleague.delete_all(spec)
            colleague.create_all(spec_for(emulator, other, groups=("account",)), approve=True)

    emulator.inject(fault)
    report = colour.run(emulator, lambda client: client.delete_all(spec), on_event=once(swap))
    assert [outcome.result for outcome in report.outcomes] == ["absent" if fault is BUSY else "deleted"]
    emulator.clock.advance(300)
    [left] = emulator.endpoints()
    assert (left.name, left.target, left.status) == ("purview", str(other), "Approved")


@WAITS
def test_a_repeated_deletion_deletes_the_same_endpoint(colour, fault):
    """The endpoint has not changed, so the second request deletes it."""
    emulator = Emulator()
    spec = spec_for(emulator, groups=("account",))
    other_client(emulator).create_all(spec)
    emulator.inject(fault)
    report = colour.run(emulator, lambda client: client.delete_all(spec))
    assert [outcome.result for outcome in report.outcomes] == ["deleted"]
    assert sent(emulator, "DELETE") == ["purview", "purview"]
    assert emulator.endpoints() == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status("PUT", 429, path="privateEndpointConnections", retry_after=55),
        Fault.status("PUT", 409, path="privateEndpointConnections", code="StorageAccountOperationInProgress"),
        Fault.status("PUT", 503, path="privateEndpointConnections"),
    ],
    ids=["throttled", "busy", "ill"],
)
def test_a_repeated_approval_does_not_overrule_the_owner(colour, fault):
    """The owner rejects while the approval waits: it is not sent again, and the report shows the target's state."""
    emulator = Emulator(foreign_connections=0)
    spec = spec_for(emulator, groups=("blob",))
    other_client(emulator).create_all(spec)
    emulator.inject(fault)
    report = colour.run(
        emulator, lambda client: client.approve(spec), on_event=once(lambda: emulator.reject("purview_blob"))
    )
    [outcome] = report.outcomes
    assert (outcome.result, outcome.error.code) == ("failed", "not-approved")
    assert "shows it as Rejected" in outcome.error.message
    puts = [request for request in emulator.requests if request.method == "PUT" and "onnections" in request.path]
    assert len(puts) == 1


def test_an_approval_of_a_deleted_connection_is_not_repeated(colour):
    """The endpoint is deleted while the approval waits, so no request addresses its old connection."""
    emulator = Emulator(foreign_connections=0)
    spec = spec_for(emulator, groups=("blob",))
    other_client(emulator).create_all(spec)
    emulator.inject(Fault.status("PUT", 429, path="privateEndpointConnections", retry_after=55))
    report = colour.run(
        emulator,
        lambda client: client.approve(spec),
        on_event=once(lambda: other_client(emulator).delete_all(spec)),
    )
    [outcome] = report.outcomes
    assert outcome.result == "failed"
    assert "shows no state for it" in outcome.error.message
    assert [request.status for request in emulator.requests if "onnections/" in request.path] == [429]


def test_a_write_delayed_by_the_budget_reads_again(colour):
    """Meanwhile the endpoint was replaced by one to another account, which stays."""
    emulator = Emulator()
    spec = spec_for(emulator, groups=("account",))
    other = emulator.add_account("other")
    other_client(emulator).create_all(spec)
    budget = Budget(deletes=Rate(1, 0.01))

    def swap():
        with other_client(emulator) as colleague:
            colleague.delete_all(spec)
            colleague.create_all(spec_for(emulator, other, groups=("account",)))

    first = spec_for(emulator, factory=str(emulator.add_factory("first")), groups=("account",))
    other_client(emulator).create_all(first)
    colour.run(emulator, lambda client: client.delete_all(first), budget=budget)  # uses the only token
    report = colour.run(emulator, lambda client: client.delete_all(spec), budget=budget, on_event=once(swap))
    assert [outcome.result for outcome in report.outcomes] == ["absent"]
    assert [(left.name, left.target) for left in emulator.endpoints(emulator.factory)] == [("purview", str(other))]
    assert all(bucket.on_the_way == 0 for bucket in budget._buckets.values())


def test_writes_delayed_by_the_budget_are_sent(colour):
    """Four deletions with one token every 20 s are all carried out, each after a read."""
    emulator = Emulator()
    spec = spec_for(emulator)
    other_client(emulator).create_all(spec)
    budget = Budget(deletes=Rate(1, 0.05))
    report = colour.run(emulator, lambda client: client.delete_all(spec), budget=budget)
    assert [outcome.result for outcome in report.outcomes] == ["deleted"] * 4
    assert len(sent(emulator, "DELETE")) == 4
    assert all(bucket.on_the_way == 0 for bucket in budget._buckets.values())


def test_a_deletion_whose_answer_is_lost_is_not_sent_twice(colour):
    """The list shows that it worked."""
    emulator = Emulator()
    spec = spec_for(emulator, groups=("account",))
    other_client(emulator).create_all(spec)
    emulator.inject(Fault.reset("DELETE", before=False))
    report = colour.run(emulator, lambda client: client.delete_all(spec))
    assert [outcome.result for outcome in report.outcomes] == ["deleted"]
    assert sent(emulator, "DELETE") == ["purview"]


@pytest.mark.parametrize(
    ("verb", "method", "path", "result"),
    [
        ("create_all", "PUT", "*/managedPrivateEndpoints/purview_blob", "created"),
        ("delete_all", "DELETE", "*/managedPrivateEndpoints/purview_blob", "deleted"),
        ("approve", "PUT", "*/storageAccounts/*/privateEndpointConnections/*", "approved"),
    ],
)
def test_a_lost_answer_followed_by_429_is_read_back(colour, verb, method, path, result):
    """The request was delivered, its answer lost and later attempts throttled: each verb reads the result."""
    emulator = Emulator(foreign_connections=0)
    spec = spec_for(emulator, groups=("blob",))
    if verb != "create_all":
        other_client(emulator).create_all(spec)
    emulator.inject(Fault.reset(method, before=False, path=path, times=1))
    emulator.inject(Fault.status(method, 429, path=path, times=None))
    report = colour.run(emulator, lambda client: getattr(client, verb)(spec))
    assert [outcome.result for outcome in report.outcomes] == [result]


def test_without_a_readable_list_a_write_is_not_repeated(colour):
    """The deletion failed without proof and the list cannot be read: the outcome has the reason."""
    emulator = Emulator()
    spec = spec_for(emulator, groups=("account",))
    other_client(emulator).create_all(spec)
    emulator.inject(Fault.status("DELETE", 503, times=None))

    def blind():
        emulator.inject(
            Fault.status("GET", 403, path="managedPrivateEndpoints", times=None, code="AuthorizationFailed")
        )

    report = colour.run(emulator, lambda client: client.delete_all(spec), on_event=once(blind))
    [outcome] = report.outcomes
    assert (outcome.result, outcome.error.status) == ("failed", 503)
    assert sent(emulator, "DELETE") == ["purview"]
