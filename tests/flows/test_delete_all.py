"""delete_all: exactly the endpoints of this spec, until Azure lists them no more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purview_mpe import Client
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import AccessDenied, AzureUnavailable, NotFound, UnsupportedSetup
from tests.support.colours import spec_for
from tests.support.reports import results

NAMES = ("purview", "purview_blob", "purview_queue", "purview_namespace")


def deletes(emulator: Emulator) -> list[str]:
    return sorted(request.path.rpartition("/")[2] for request in emulator.requests if request.method == "DELETE")


@pytest.fixture
def made(emulator):
    """A spec whose four endpoints exist."""
    spec = spec_for(emulator)
    for group_id, target in emulator.targets(emulator.account).items():
        emulator.add_endpoint(emulator.factory, spec.name_of(group_id), target, group_id)
    return spec


def test_they_are_gone_afterwards(colour, emulator, made):
    """All four at once, in the time that one takes, and their connections with them."""
    report = colour.run(emulator, lambda client: client.delete_all(made))
    assert results(report) == dict.fromkeys(NAMES, "deleted")
    assert report.complete
    assert not emulator.endpoints(emulator.factory)
    assert max(outcome.seconds for outcome in report.outcomes) < 40
    assert deletes(emulator) == sorted(NAMES)


def test_a_second_call_writes_nothing(colour, emulator, made):
    """What is gone is absent."""
    colour.run(emulator, lambda client: client.delete_all(made))
    before = len(emulator.writes)
    report = colour.run(emulator, lambda client: client.delete_all(made))
    assert results(report) == dict.fromkeys(NAMES, "absent")
    assert report.succeeded
    assert len(emulator.writes) == before


def test_a_list_that_is_not_found_is_not_an_empty_one(colour, emulator, made):
    """The managed virtual network exists, so the 404 is about something else, and no endpoint is called absent."""
    emulator.inject(Fault.status("GET", 404, path="managedPrivateEndpoints", times=None))
    with pytest.raises(NotFound):
        colour.run(emulator, lambda client: client.delete_all(made))


def test_a_list_that_is_not_found_while_waiting_does_not_end_the_wait_as_deleted(colour, emulator, made):
    """The endpoints are failures: whether they are gone is not known."""

    def hide(event):
        if event.kind == "waiting":
            emulator.inject(Fault.status("GET", 404, path="managedPrivateEndpoints", times=None))

    report = colour.run(emulator, lambda client: client.delete_all(made), on_event=hide)
    assert results(report) == dict.fromkeys(NAMES, "failed")


def test_a_dry_run_tells_and_deletes_nothing(colour, emulator):
    """What would go, what is not there and what may not be touched; three reads and no write."""
    targets = emulator.targets(emulator.account)
    emulator.add_endpoint(emulator.factory, "made-by-hand", targets["account"], "account")
    emulator.add_endpoint(emulator.factory, "theirs", targets["blob"], "blob", reserved=True)
    report = colour.run(emulator, lambda client: client.delete_all(spec_for(emulator), dry_run=True))
    assert results(report) == {
        "made-by-hand": "would-delete",
        "theirs": "conflict",
        "purview_queue": "absent",
        "purview_namespace": "absent",
    }
    assert not emulator.writes


def test_an_answer_that_is_no_list_proves_nothing(colour, emulator, made):
    """An object without a list is no empty list: nothing counts as absent or gone because of it."""
    emulator.inject(Fault.body("GET", '{"error": {"code": "Oops"}}', path="managedPrivateEndpoints", times=None))
    with pytest.raises(AzureUnavailable) as caught:
        colour.run(emulator, lambda client: client.delete_all(made))
    assert caught.value.message == (
        "Could not list the managed private endpoints of the factory 'df1': the answer 200 cannot be read (TypeError: "
        "JSON without the list that was asked for), so it probably did not come from Azure."
    )
    assert len(emulator.endpoints(emulator.factory)) == len(NAMES)


def test_one_list_per_round_for_all(colour, emulator, made):
    """Waiting for four endpoints costs what waiting for one does."""

    def lists() -> int:
        return len([request for request in emulator.requests if request.path.endswith("/managedPrivateEndpoints")])

    colour.run(emulator, lambda client: client.delete_all(made))
    for_four = lists()
    emulator.add_endpoint(emulator.factory, "purview", emulator.account, "account")
    colour.run(emulator, lambda client: client.delete_all(made))
    assert lists() - for_four == for_four <= 16


def test_identity_counts_and_not_the_name(colour, emulator):
    """Another name for our target is ours; our name for another target is not."""
    targets = emulator.targets(emulator.account)
    other = emulator.add_account("pv2")
    emulator.add_endpoint(emulator.factory, "by-hand", str(targets["blob"]).upper(), "BLOB")
    emulator.add_endpoint(emulator.factory, "purview", other, "account")
    emulator.add_endpoint(emulator.factory, "purview_queue", emulator.targets(other)["queue"], "queue")
    report = colour.run(emulator, lambda client: client.delete_all(spec_for(emulator)))
    assert results(report) == {
        "purview": "absent",
        "by-hand": "deleted",
        "purview_queue": "absent",
        "purview_namespace": "absent",
    }
    assert {endpoint.name for endpoint in emulator.endpoints()} == {"purview", "purview_queue"}


def test_a_reserved_endpoint_is_left_alone(colour, emulator):
    """It belongs to the service: a conflict, and the others go."""
    targets = emulator.targets(emulator.account)
    emulator.add_endpoint(emulator.factory, "theirs", targets["blob"], "blob", reserved=True)
    emulator.add_endpoint(emulator.factory, "purview_queue", targets["queue"], "queue")
    report = colour.run(emulator, lambda client: client.delete_all(spec_for(emulator)))
    assert results(report)["theirs"] == "conflict"
    assert results(report)["purview_queue"] == "deleted"
    assert not report.succeeded
    assert deletes(emulator) == ["purview_queue"]


def test_groups_narrow_it_down(colour, emulator, made):
    """Only what the spec asks for."""
    spec = made.model_copy(update={"groups": ("blob",)})
    report = colour.run(emulator, lambda client: client.delete_all(spec))
    assert results(report) == {"purview_blob": "deleted"}
    assert len(emulator.endpoints()) == 3


@pytest.mark.parametrize(("ends", "result"), [("Failed", "failed"), ("Succeeded", "timed-out")])
def test_a_lock_keeps_one_alive(colour, emulator, made, ends, result):
    """Azure answers 200 all the same; the outcome says so, and how to find the lock."""
    emulator.add_lock(emulator.targets(emulator.account)["namespace"], deletion_ends=ends)
    report = colour.run(emulator, lambda client: client.delete_all(made, timeout=120))
    assert results(report) == dict.fromkeys(NAMES, "deleted") | {"purview_namespace": result}
    (kept,) = report.failures
    target = emulator.targets(emulator.account)["namespace"]
    assert kept.error.remedy == (
        "Look for a resource lock on the factory, on the target or on the resource group of either (az lock list "
        f"--resource {emulator.factory}; az lock list --resource {target}): Azure answers 200 to the deletion even "
        "where a lock makes it fail. Remove the lock, then repeat the call."
    )
    assert [endpoint.name for endpoint in emulator.endpoints()] == ["purview_namespace"]


def test_one_that_was_failed_before_is_waited_for(colour, emulator):
    """Its old state is no sign of a lock."""
    target = emulator.targets(emulator.account)["account"]
    emulator.add_endpoint(emulator.factory, "purview", target, "account", provisioning_state="Failed")
    report = colour.run(emulator, lambda client: client.delete_all(spec_for(emulator)))
    assert results(report)["purview"] == "deleted"


def test_time_runs_out(colour):
    """What is still listed then is told, with what was asked."""
    emulator = Emulator(deletion=10_000)
    spec = spec_for(emulator)
    emulator.add_endpoint(emulator.factory, "purview", emulator.account, "account")
    report = colour.run(emulator, lambda client: client.delete_all(spec, timeout=30))
    assert results(report)["purview"] == "timed-out"
    assert emulator.clock.elapsed <= 31
    again = colour.run(emulator, lambda client: client.delete_all(spec, timeout=30))
    assert results(again)["purview"] == "timed-out"
    assert deletes(emulator) == ["purview"]  # the second call only waits


@pytest.mark.parametrize(
    "fault",
    [
        Fault.reset("DELETE", before=False),
        Fault.status("DELETE", 500, after=True),
        Fault.status("DELETE", 404),
        Fault.status("DELETE", 429, retry_after=1),
    ],
    ids=["reset", "500", "404", "429"],
)
def test_an_answer_that_proves_nothing(colour, emulator, made, fault):
    """The list decides whether it is gone."""
    if fault.answer is not None and fault.answer.status == 404:
        emulator.remove(f"{emulator.factory}/managedVirtualNetworks/default/managedPrivateEndpoints/purview")
        emulator.add_endpoint(emulator.factory, "purview", emulator.account, "account")
    emulator.inject(fault)
    report = colour.run(emulator, lambda client: client.delete_all(made))
    gone = {name for name, result in results(report).items() if result == "deleted"}
    left = {endpoint.name for endpoint in emulator.endpoints()}
    assert gone | left == set(NAMES)
    assert not gone & left


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.status("DELETE", 403, path="purview_blob", times=None), "access-denied"),
        (Fault.status("DELETE", 409, path="purview_blob", code="ScopeLocked", times=None), "locked"),
        (Fault.status("DELETE", 500, path="purview_blob", times=None), "azure-unavailable"),
        (Fault.reset("DELETE", path="purview_blob", times=None), "no-answer"),
    ],
    ids=["403", "lock", "500", "reset"],
)
def test_one_failure_does_not_stop_the_others(colour, emulator, made, fault, code):
    """It is an outcome with its cause, and it is still there."""
    emulator.inject(fault)
    report = colour.run(emulator, lambda client: client.delete_all(made))
    assert results(report) == dict.fromkeys(NAMES, "deleted") | {"purview_blob": "failed"}
    assert report.failures[0].error.code == code
    assert [endpoint.name for endpoint in emulator.endpoints()] == ["purview_blob"]


def test_a_busy_target_is_waited_for(colour, emulator, made):
    """Somebody else's operation on the storage account is no failure."""
    emulator.inject(Fault.status("DELETE", 409, path="purview_blob", times=2, code="StorageAccountOperationInProgress"))
    report = colour.run(emulator, lambda client: client.delete_all(made))
    assert results(report) == dict.fromkeys(NAMES, "deleted")


def test_a_list_that_comes_too_late(colour, emulator, made):
    """What was asked for and not seen to be gone is timed-out."""
    once = iter((True,))

    def slow(request: Any) -> None:
        if request.http_request.method == "DELETE" and next(once, False):
            emulator.inject(Fault.delay("GET", 100, path="managedPrivateEndpoints", times=None))

    report = colour.run(emulator, lambda client: client.delete_all(made, timeout=20), raw_request_hook=slow)
    assert set(results(report).values()) == {"timed-out"}


def test_no_time_to_ask(colour, emulator, made):
    """An answer that comes too late leaves the outcome timed-out, never deleted."""
    emulator.inject(Fault.delay("DELETE", 100, times=None))
    report = colour.run(emulator, lambda client: client.delete_all(made, timeout=5))
    assert set(results(report).values()) <= {"timed-out", "failed"}
    assert all(outcome.error and outcome.error.remedy for outcome in report.outcomes)


def test_the_list_that_would_tell_may_fail(colour, emulator, made):
    """Then nothing is called deleted."""
    once = iter((True,))

    def forbid(request: Any) -> None:
        if request.http_request.method == "DELETE" and next(once, False):
            emulator.inject(Fault.status("GET", 403, path="managedPrivateEndpoints", times=None))

    report = colour.run(emulator, lambda client: client.delete_all(made), raw_request_hook=forbid)
    assert set(results(report).values()) == {"failed"}
    assert {outcome.error.status for outcome in report.outcomes} == {403}


def test_an_account_that_was_deleted_leaves_its_own_endpoint(colour, emulator, made):
    """That one is deleted; the warning says why the others are not known."""
    emulator.remove(emulator.account)
    report = colour.run(emulator, lambda client: client.delete_all(made))
    assert results(report) == {"purview": "deleted"}
    assert [finding.code for finding in report.warnings] == ["account-missing"]
    assert {endpoint.name for endpoint in emulator.endpoints()} == set(NAMES[1:])


def test_a_requester_without_reader_deletes_the_account_endpoint(colour, emulator, made):
    """And is told that there may be more."""
    report = colour.run(emulator, lambda client: client.delete_all(made), roles=("Data Factory Contributor",))
    assert results(report) == {"purview": "deleted"}
    assert [finding.code for finding in report.warnings] == ["account-unreadable"]


def test_what_stops_it_before_the_first_write(colour, emulator, made):
    """A missing factory, no right on it, an account that hides what it needs."""
    with pytest.raises(AccessDenied):
        colour.run(emulator, lambda client: client.delete_all(made), roles=("none",))
    creating = emulator.add_account("creating", shape="F")
    with pytest.raises(UnsupportedSetup):
        colour.run(emulator, lambda client: client.delete_all(spec_for(emulator, creating)))
    missing = made.model_copy(update={"factory": str(emulator.factory).replace("df1", "df9")})
    with pytest.raises(NotFound):
        colour.run(emulator, lambda client: client.delete_all(missing))
    assert not emulator.writes


def test_a_factory_without_network_has_nothing(colour, emulator):
    """All absent, nothing written."""
    plain = emulator.add_factory("plain", managed_vnet=False)
    report = colour.run(emulator, lambda client: client.delete_all(spec_for(emulator, factory=str(plain))))
    assert set(results(report).values()) == {"absent"}
    assert not emulator.writes


def test_the_account_of_the_factory_is_meant_where_the_spec_names_none(colour, emulator, made):
    """As for every verb."""
    report = colour.run(emulator, lambda client: client.delete_all(made.model_copy(update={"account": None})))
    assert results(report) == dict.fromkeys(NAMES, "deleted")


def test_it_tells_what_happens(colour, emulator, made):
    """A step per endpoint as soon as it is decided, and each round of waiting with what is waited for."""
    events: list[Any] = []
    colour.run(emulator, lambda client: client.delete_all(made), on_event=events.append)
    assert sorted(event.outcome.name for event in events if event.kind == "step") == sorted(NAMES)
    waits = [event.pending for event in events if event.kind == "waiting"]
    assert waits
    assert waits[0] == NAMES


def test_an_interruption_carries_what_was_done(emulator, made):
    """Ctrl-C while waiting: the report says what was asked for and not waited for."""

    def interrupt(event: Any) -> None:
        if event.kind == "waiting":
            raise KeyboardInterrupt

    with (
        Client(emulator.credential, transport=emulator.transport(), on_event=interrupt) as client,
        pytest.raises(KeyboardInterrupt) as caught,
    ):
        client.delete_all(made)
    report = caught.value.report
    assert {outcome.error.code for outcome in report.outcomes} == {"interrupted"}
    assert not report.succeeded


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_nothing_else_is_ever_touched(data):
    """Over random factories: what is deleted has one of the spec's identities and is not reserved; all of those are."""
    emulator = Emulator(shape=data.draw(st.sampled_from("ABCDE")), foreign_connections=0)
    others = [emulator.add_account("pv2"), emulator.add_account("pv3", shape="C")]
    wanted = {(str(target).casefold(), group) for group, target in emulator.targets(emulator.account).items()}
    places = [(t, g) for a in (emulator.account, *others) for g, t in emulator.targets(a).items()]
    names = data.draw(
        st.lists(
            st.sampled_from((*NAMES, "Purview", "purview_blob2", "x_purview", "blob", "p")),
            unique_by=str.casefold,
            max_size=8,
        )
    )
    chosen = data.draw(st.lists(st.sampled_from(places), min_size=len(names), max_size=len(names), unique=True))
    for name, (target, group) in zip(names, chosen, strict=True):
        emulator.add_endpoint(
            emulator.factory,
            name,
            target,
            group,
            reserved=data.draw(st.booleans()),
            provisioning_state=data.draw(st.sampled_from(("Succeeded", "Failed", "Provisioning"))),
        )
    before = {endpoint.name: endpoint for endpoint in emulator.endpoints()}
    with Client(emulator.credential, transport=emulator.transport()) as client:
        report = client.delete_all(spec_for(emulator))
    left = {endpoint.name for endpoint in emulator.endpoints()}
    ours = {n for n, e in before.items() if (e.target.casefold(), e.group_id) in wanted and not e.reserved}
    assert before.keys() - left == ours
    assert {name for name, result in results(report).items() if result == "deleted"} == ours
