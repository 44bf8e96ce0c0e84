"""Writes that have to wait: nothing is sent after a wait without another look."""

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
    """A listener that acts when a write is about to wait, once."""
    done = []

    def listener(event):
        if event.kind == "retrying" and not done:
            done.append(event)
            action()

    return listener


def other_client(emulator: Emulator) -> Client:
    return Client(emulator.credential, transport=emulator.transport())


@WAITS
def test_a_deletion_that_waited_leaves_an_endpoint_to_another_target(colour, fault):
    """Meanwhile a colleague deletes the endpoint and creates one of its name to another account: that one stays."""
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
def test_a_deletion_that_waited_deletes_what_is_still_there(colour, fault):
    """An endpoint that is what it was is deleted by the second request."""
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
def test_an_approval_that_waited_does_not_overrule_the_owner(colour, fault):
    """The owner rejects while the approval waits: it is not sent again, and the report says what the target shows."""
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


def test_an_approval_that_waited_is_not_sent_for_a_connection_that_is_gone(colour):
    """The endpoint is deleted while the approval waits: no connection is asked for by its old name."""
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


def test_a_write_that_waits_for_its_turn_looks_again(colour):
    """A deletion whose turn within the budget comes later is reconsidered: meanwhile the endpoint is another one."""
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


def test_a_write_that_waits_for_its_turn_is_sent_in_the_end(colour):
    """Four deletions with a token each 20 s are all carried out, each after a look."""
    emulator = Emulator()
    spec = spec_for(emulator)
    other_client(emulator).create_all(spec)
    budget = Budget(deletes=Rate(1, 0.05))
    report = colour.run(emulator, lambda client: client.delete_all(spec), budget=budget)
    assert [outcome.result for outcome in report.outcomes] == ["deleted"] * 4
    assert len(sent(emulator, "DELETE")) == 4
    assert all(bucket.on_the_way == 0 for bucket in budget._buckets.values())


def test_a_write_without_an_answer_is_not_sent_twice_if_it_happened(colour):
    """A deletion whose answer is lost is looked for; it is not asked for again."""
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
def test_a_lost_answer_and_then_refusals_end_in_what_happened(colour, verb, method, path, result):
    """Delivered, the answer lost, then throttled for ever: each verb reads before it judges."""
    emulator = Emulator(foreign_connections=0)
    spec = spec_for(emulator, groups=("blob",))
    if verb != "create_all":
        other_client(emulator).create_all(spec)
    emulator.inject(Fault.reset(method, before=False, path=path, times=1))
    emulator.inject(Fault.status(method, 429, path=path, times=None))
    report = colour.run(emulator, lambda client: getattr(client, verb)(spec))
    assert [outcome.result for outcome in report.outcomes] == [result]


def test_what_cannot_be_read_is_not_written_again(colour):
    """After a failure without proof and a list that cannot be read, the write is left alone, and it says why."""
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
