"""delete_all deletes exactly the endpoints of this spec, and waits until Azure no longer lists them."""

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


def test_all_endpoints_are_deleted_together(colour, emulator, made):
    """The four deletions take as long as one, and the connections are gone too."""
    report = colour.run(emulator, lambda client: client.delete_all(made))
    assert results(report) == dict.fromkeys(NAMES, "deleted")
    assert report.complete
    assert not emulator.endpoints(emulator.factory)
    assert max(outcome.seconds for outcome in report.outcomes) < 40
    assert deletes(emulator) == sorted(NAMES)


def test_a_second_call_writes_nothing(colour, emulator, made):
    """Deleted endpoints are absent."""
    colour.run(emulator, lambda client: client.delete_all(made))
    before = len(emulator.writes)
    report = colour.run(emulator, lambda client: client.delete_all(made))
    assert results(report) == dict.fromkeys(NAMES, "absent")
    assert report.succeeded
    assert len(emulator.writes) == before


def test_a_404_of_the_list_is_an_error_if_the_network_exists(colour, emulator, made):
    """The 404 is not about the network, so no endpoint counts as absent."""
    emulator.inject(Fault.status("GET", 404, path="managedPrivateEndpoints", times=None))
    with pytest.raises(NotFound):
        colour.run(emulator, lambda client: client.delete_all(made))


def test_a_404_of_the_list_while_waiting_is_a_failure(colour, emulator, made):
    """It is not known whether the endpoints are gone."""

    def hide(event):
        if event.kind == "waiting":
            emulator.inject(Fault.status("GET", 404, path="managedPrivateEndpoints", times=None))

    report = colour.run(emulator, lambda client: client.delete_all(made), on_event=hide)
    assert results(report) == dict.fromkeys(NAMES, "failed")


def test_a_dry_run_deletes_nothing(colour, emulator):
    """It reports what would be deleted, what is absent and what is reserved."""
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


def test_an_answer_without_a_list_is_an_error(colour, emulator, made):
    """An object without a list is not an empty list: no endpoint counts as absent or deleted because of it."""
    emulator.inject(Fault.body("GET", '{"error": {"code": "Oops"}}', path="managedPrivateEndpoints", times=None))
    with pytest.raises(AzureUnavailable) as caught:
        colour.run(emulator, lambda client: client.delete_all(made))
    assert caught.value.message == (
        "Could not list the managed private endpoints of the factory 'df1': the answer 200 cannot be read (TypeError: "
        "JSON without the list that was asked for), so it probably did not come from Azure."
    )
    assert len(emulator.endpoints(emulator.factory)) == len(NAMES)


def test_one_list_per_round_for_all_endpoints(colour, emulator, made):
    """Waiting for four endpoints costs as many lists as waiting for one."""

    def lists() -> int:
        return len([request for request in emulator.requests if request.path.endswith("/managedPrivateEndpoints")])

    colour.run(emulator, lambda client: client.delete_all(made))
    for_four = lists()
    emulator.add_endpoint(emulator.factory, "purview", emulator.account, "account")
    colour.run(emulator, lambda client: client.delete_all(made))
    assert lists() - for_four == for_four <= 16


def test_target_and_group_count_and_not_the_name(colour, emulator):
    """An endpoint to the target under another name is deleted; one of this name to another target is not."""
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
    """It belongs to the service: it is a conflict, and the others are deleted."""
    targets = emulator.targets(emulator.account)
    emulator.add_endpoint(emulator.factory, "theirs", targets["blob"], "blob", reserved=True)
    emulator.add_endpoint(emulator.factory, "purview_queue", targets["queue"], "queue")
    report = colour.run(emulator, lambda client: client.delete_all(spec_for(emulator)))
    assert results(report)["theirs"] == "conflict"
    assert results(report)["purview_queue"] == "deleted"
    assert not report.succeeded
    assert deletes(emulator) == ["purview_queue"]


def test_only_the_groups_of_the_spec_are_deleted(colour, emulator, made):
    """Endpoints of other groups stay."""
    spec = made.model_copy(update={"groups": ("blob",)})
    report = colour.run(emulator, lambda client: client.delete_all(spec))
    assert results(report) == {"purview_blob": "deleted"}
    assert len(emulator.endpoints()) == 3


@pytest.mark.parametrize(("ends", "result"), [("Failed", "failed"), ("Succeeded", "timed-out")])
def test_a_locked_endpoint_is_a_failure(colour, emulator, made, ends, result):
    """Azure answers 200 all the same; the outcome says that the endpoint exists, and how to find the lock."""
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


def test_a_failed_endpoint_is_deleted(colour, emulator):
    """Its Failed state is older than the deletion, so it does not mean that a lock exists."""
    target = emulator.targets(emulator.account)["account"]
    emulator.add_endpoint(emulator.factory, "purview", target, "account", provisioning_state="Failed")
    report = colour.run(emulator, lambda client: client.delete_all(spec_for(emulator)))
    assert results(report)["purview"] == "deleted"


def test_a_slow_deletion_times_out(colour):
    """An endpoint that is still listed is timed-out, and a second call does not delete it again."""
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
def test_an_inconclusive_answer_is_followed_by_the_list(colour, emulator, made, fault):
    """The list decides whether the endpoint is gone."""
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
    """The outcome has the cause, and the endpoint still exists."""
    emulator.inject(fault)
    report = colour.run(emulator, lambda client: client.delete_all(made))
    assert results(report) == dict.fromkeys(NAMES, "deleted") | {"purview_blob": "failed"}
    assert report.failures[0].error.code == code
    assert [endpoint.name for endpoint in emulator.endpoints()] == ["purview_blob"]


def test_a_busy_target_is_waited_for(colour, emulator, made):
    """Another operation on the storage account is not a failure."""
    emulator.inject(Fault.status("DELETE", 409, path="purview_blob", times=2, code="StorageAccountOperationInProgress"))
    report = colour.run(emulator, lambda client: client.delete_all(made))
    assert results(report) == dict.fromkeys(NAMES, "deleted")


def test_a_slow_list_times_out(colour, emulator, made):
    """An endpoint whose deletion is not confirmed is timed-out."""
    once = iter((True,))

    def slow(request: Any) -> None:
        if request.http_request.method == "DELETE" and next(once, False):
            emulator.inject(Fault.delay("GET", 100, path="managedPrivateEndpoints", times=None))

    report = colour.run(emulator, lambda client: client.delete_all(made, timeout=20), raw_request_hook=slow)
    assert set(results(report).values()) == {"timed-out"}


def test_a_slow_delete_answer_is_never_deleted(colour, emulator, made):
    """An answer after the deadline leaves the outcome timed-out or failed."""
    emulator.inject(Fault.delay("DELETE", 100, times=None))
    report = colour.run(emulator, lambda client: client.delete_all(made, timeout=5))
    assert set(results(report).values()) <= {"timed-out", "failed"}
    assert all(outcome.error and outcome.error.remedy for outcome in report.outcomes)


def test_a_forbidden_list_while_waiting_is_a_failure(colour, emulator, made):
    """No endpoint counts as deleted."""
    once = iter((True,))

    def forbid(request: Any) -> None:
        if request.http_request.method == "DELETE" and next(once, False):
            emulator.inject(Fault.status("GET", 403, path="managedPrivateEndpoints", times=None))

    report = colour.run(emulator, lambda client: client.delete_all(made), raw_request_hook=forbid)
    assert set(results(report).values()) == {"failed"}
    assert {outcome.error.status for outcome in report.outcomes} == {403}


def test_if_the_account_is_gone_its_own_endpoint_is_deleted(colour, emulator, made):
    """A warning says why the other endpoints are unknown."""
    emulator.remove(emulator.account)
    report = colour.run(emulator, lambda client: client.delete_all(made))
    assert results(report) == {"purview": "deleted"}
    assert [finding.code for finding in report.warnings] == ["account-missing"]
    assert {endpoint.name for endpoint in emulator.endpoints()} == set(NAMES[1:])


def test_without_reader_the_account_endpoint_is_deleted(colour, emulator, made):
    """A warning says that other endpoints may exist."""
    report = colour.run(emulator, lambda client: client.delete_all(made), roles=("Data Factory Contributor",))
    assert results(report) == {"purview": "deleted"}
    assert [finding.code for finding in report.warnings] == ["account-unreadable"]


def test_errors_before_the_first_write(colour, emulator, made):
    """A missing factory, no rights on it, or an account that hides its targets."""
    with pytest.raises(AccessDenied):
        colour.run(emulator, lambda client: client.delete_all(made), roles=("none",))
    creating = emulator.add_account("creating", shape="F")
    with pytest.raises(UnsupportedSetup):
        colour.run(emulator, lambda client: client.delete_all(spec_for(emulator, creating)))
    missing = made.model_copy(update={"factory": str(emulator.factory).replace("df1", "df9")})
    with pytest.raises(NotFound):
        colour.run(emulator, lambda client: client.delete_all(missing))
    assert not emulator.writes


def test_without_a_network_all_endpoints_are_absent(colour, emulator):
    """No request writes."""
    plain = emulator.add_factory("plain", managed_vnet=False)
    report = colour.run(emulator, lambda client: client.delete_all(spec_for(emulator, factory=str(plain))))
    assert set(results(report).values()) == {"absent"}
    assert not emulator.writes


def test_without_account_the_connected_one_is_used(colour, emulator, made):
    """The account is read from the factory's connection."""
    report = colour.run(emulator, lambda client: client.delete_all(made.model_copy(update={"account": None})))
    assert results(report) == dict.fromkeys(NAMES, "deleted")


def test_events_of_a_deletion(colour, emulator, made):
    """One step per endpoint as soon as it is decided, and each round of waiting with the pending endpoints."""
    events: list[Any] = []
    colour.run(emulator, lambda client: client.delete_all(made), on_event=events.append)
    assert sorted(event.outcome.name for event in events if event.kind == "step") == sorted(NAMES)
    waits = [event.pending for event in events if event.kind == "waiting"]
    assert waits
    assert waits[0] == NAMES


def test_an_interruption_carries_the_report(emulator, made):
    """After Ctrl-C while waiting, the report shows the deletions that were requested and not confirmed."""

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
def test_no_other_endpoint_is_ever_deleted(data):
    """Over random factories: exactly the endpoints with the spec's targets that are not reserved are deleted."""
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
    # By outcome: an endpoint can have the name that the spec gives to another one, which is absent.
    assert {outcome.name for outcome in report.outcomes if outcome.result == "deleted"} == ours
