"""Provisioning that fails, is slow, or is answered oddly or not at all, and how a run handles it."""

from __future__ import annotations

import pytest

from purview_mpe import Budget, Retry
from purview_mpe._rules.budget import Rate
from purview_mpe.emulator import Answers, Emulator, Fault, Reads
from purview_mpe.errors import ReportFailed, WaitTimedOut
from tests.support.colours import spec_for
from tests.support.moments import Before, BeforeWrite
from tests.support.nouns import ALL_NAMES
from tests.support.reports import create, requests, results, states

CREATED = dict.fromkeys(ALL_NAMES, "created")
BLOB = "*/managedPrivateEndpoints/purview_blob"
LIST = "*/managedPrivateEndpoints"


# --- endpoints that end Failed


def test_a_failed_endpoint_is_reported_and_the_others_are_created(colour, emulator):
    """One endpoint ends Failed: its outcome has a remedy, and the other three are created."""
    emulator.inject(Fault.failed_provisioning(path="*/managedPrivateEndpoints/purview_namespace"))
    report = create(colour, emulator)
    assert results(report) == CREATED | {"purview_namespace": "failed"}
    [failure] = report.failures
    assert failure.error.code == "provisioning-failed"
    assert failure.error.message == (
        "Azure accepted the endpoint 'purview_namespace' but could not create it: its state is Failed. "
        "Azure says: "
        "ManagedPrivateEndpointProvisioningFailed: The managed private endpoint could not be provisioned."
    )
    assert failure.error.remedy == (
        "Repeat the call with Spec(replace_broken=True), which deletes it and creates it again."
    )
    with pytest.raises(ReportFailed, match="1 of 4 steps did not succeed"):
        report.raise_for_failures()


def test_a_canceled_endpoint_is_reported_as_canceled(colour, emulator):
    """The message names the state that Azure shows."""
    cancelled = Fault.rewrite(
        "GET",
        lambda body: {
            "value": [
                {**one, "properties": {**one["properties"], "provisioningState": "Canceled"}} for one in body["value"]
            ]
        },
        path="*/managedPrivateEndpoints",
        times=None,
    )
    spec = spec_for(emulator)
    early = BeforeWrite(lambda _: None if emulator.faults else emulator.inject(cancelled))
    report = colour.run(emulator, lambda client: client.create_all(spec), per_retry_policies=[early])
    assert len(report.failures) == 4
    assert all("its state is Canceled." in one.error.message for one in report.failures)


@pytest.mark.parametrize("form", ["object", "text"])
def test_status_and_diagnose_show_azures_reason_for_a_failed_endpoint(colour, form):
    """Only the endpoint itself has the reason; report, status and diagnosis show it."""
    emulator = Emulator(answers=Answers(endpoint_error=form))
    emulator.inject(Fault.failed_provisioning(path="*/managedPrivateEndpoints/purview_namespace"))
    spec = spec_for(emulator)
    report = colour.run(emulator, lambda client: client.create_all(spec))
    [outcome] = report.failures
    [row] = [
        row for row in colour.run(emulator, lambda client: client.status(spec)).endpoints if row.group_id == "namespace"
    ]
    found = colour.run(emulator, lambda client: client.diagnose(spec)).findings
    [finding] = [one for one in found if one.code == "endpoint-failed"]
    for said in (outcome.error.message, row.reason, *finding.evidence):
        assert "ManagedPrivateEndpointProvisioningFailed: The managed" in said


def test_replace_broken_replaces_a_failed_endpoint(colour, emulator):
    """The remedy in the report works."""
    emulator.inject(Fault.failed_provisioning(path="*/managedPrivateEndpoints/purview_namespace"))
    create(colour, emulator)
    report = create(colour, emulator, replace_broken=True)
    assert results(report) == dict.fromkeys(ALL_NAMES, "kept") | {"purview_namespace": "replaced"}


@pytest.mark.parametrize("name", ["purview_blob", "purview_queue"])
def test_an_endpoint_that_failed_on_a_busy_storage_account_is_repeated(colour, emulator, name):
    """Blob and queue share a storage account, which runs one operation at a time: the failed one is created again."""
    emulator.inject(Fault.failed_provisioning(path=f"*/managedPrivateEndpoints/{name}"))
    report = create(colour, emulator)
    assert results(report) == CREATED
    assert requests(emulator, "PUT", name) == [200, 200]
    assert requests(emulator, "DELETE", name) == [200]
    assert set(states(emulator).values()) == {"Succeeded"}


def test_repeating_ends_after_four_attempts(colour, emulator):
    """An endpoint that fails each time is reported as failed."""
    emulator.inject(Fault.failed_provisioning(path=BLOB, times=None))
    report = create(colour, emulator)
    assert results(report) == CREATED | {"purview_blob": "failed"}
    assert requests(emulator, "PUT", "purview_blob") == [200] * 4


def test_two_failed_endpoints_of_one_storage_account_are_repeated_in_turn(colour, emulator):
    """The second is created again once the first is done."""
    for name in ("purview_blob", "purview_queue"):
        emulator.inject(Fault.failed_provisioning(path=f"*/managedPrivateEndpoints/{name}"))
    assert results(create(colour, emulator)) == CREATED
    healing = [r for r in emulator.writes[4:] if "/managedPrivateEndpoints/" in r.path]
    assert [(r.method, r.path.rpartition("_")[2]) for r in healing] == [
        ("DELETE", "blob"),
        ("PUT", "blob"),
        ("DELETE", "queue"),
        ("PUT", "queue"),
    ]
    assert healing[2].at - healing[1].at >= 90


def test_only_endpoints_created_by_this_run_are_repeated(colour, emulator):
    """An endpoint that existed before may have another owner, so it is reported and not touched."""
    emulator.inject(Fault.failed_provisioning(path=BLOB))
    create(colour, emulator, wait=False)
    report = create(colour, emulator)
    assert results(report) == dict.fromkeys(ALL_NAMES, "kept") | {"purview_blob": "failed"}
    assert requests(emulator, "DELETE", "purview_blob") == []


def test_wait_false_repeats_no_failed_endpoint(colour, emulator):
    """A call that does not wait does not see the failure."""
    emulator.inject(Fault.failed_provisioning(path=BLOB))
    assert results(create(colour, emulator, wait=False)) == CREATED


def test_a_refused_deletion_of_a_failed_endpoint_is_reported(colour, emulator):
    """The outcome has Azure's reason."""
    emulator.inject(Fault.failed_provisioning(path=BLOB))
    emulator.inject(Fault.status("DELETE", 403, path=BLOB))
    report = create(colour, emulator)
    assert results(report) == CREATED | {"purview_blob": "failed"}
    assert report.failures[0].error.code == "access-denied"


# --- time


def test_an_endpoint_that_is_too_slow_is_timed_out(colour):
    """It is not failed, because Azure continues."""
    emulator = Emulator(provisioning={"namespace": 4000, "*": 60})
    report = create(colour, emulator, timeout=300)
    assert results(report) == CREATED | {"purview_namespace": "timed-out"}
    assert 290 <= emulator.clock.elapsed <= 310
    [failure] = report.failures
    assert failure.error.code == "wait-timed-out"
    assert failure.error.message == ("The endpoint 'purview_namespace' was still Provisioning when the time ran out.")
    assert failure.error.remedy == (
        "Check later with status(spec), or repeat the call with a longer timeout: Azure continues meanwhile."
    )


def test_a_run_after_a_timeout_keeps_the_endpoints(colour):
    """Azure has provisioned them meanwhile."""
    emulator = Emulator(provisioning=500)
    assert set(results(create(colour, emulator, timeout=100)).values()) == {"timed-out"}
    emulator.clock.advance(500)
    assert set(results(create(colour, emulator)).values()) == {"kept"}


def test_a_timeout_before_the_first_write_raises(colour):
    """The deadline passes while reading; nothing is written afterwards."""
    emulator = Emulator(latency=20)
    with pytest.raises(WaitTimedOut):
        create(colour, emulator, timeout=5)
    emulator.clock.advance(100)
    assert emulator.writes == []


def test_a_timeout_between_two_writes_is_an_outcome(colour, emulator):
    """A request that cannot be sent any more is timed-out; earlier writes stay."""
    late = Before("PUT", "/purview_queue", lambda _: emulator.clock.advance(4000))
    report = create(colour, emulator, client_options={"per_retry_policies": [late]})
    assert set(results(report).values()) <= {"created", "timed-out"}
    assert results(report)["purview"] == "timed-out"
    assert not report.succeeded


def test_existing_endpoints_in_provisioning_are_waited_for(colour):
    """Another run has created them."""
    emulator = Emulator(provisioning=120)
    create(colour, emulator, wait=False)
    assert set(results(create(colour, emulator)).values()) == {"kept"}
    assert set(states(emulator).values()) == {"Succeeded"}


def test_only_reads_decide_whether_an_endpoint_is_ready(colour):
    """Endpoints that are ready at the third read count as ready, whatever the clock says."""
    assert results(create(colour, Emulator(provisioning=Reads(3)))) == CREATED


def test_an_endpoint_deleted_during_the_wait_is_a_failure(colour, emulator):
    """Another caller deletes it while Azure provisions it."""
    endpoint = f"{emulator.factory}/managedVirtualNetworks/default/managedPrivateEndpoints/purview_blob"
    gone = Before("GET", "/managedPrivateEndpoints", lambda number: number == 4 and emulator.remove(endpoint))
    report = create(colour, emulator, client_options={"per_retry_policies": [gone]})
    assert results(report) == CREATED | {"purview_blob": "failed"}
    assert report.failures[0].error.message == (
        "The endpoint 'purview_blob' is not listed any more: another caller deleted it while it was being created."
    )


# --- unusual answers to a PUT


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status("PUT", 201, path=BLOB, after=True),
        Fault.status("PUT", 202, path=BLOB, after=True),
        Fault.reset("PUT", path=BLOB, before=False),
        Fault.body("PUT", "empty", path=BLOB),
        Fault.body("PUT", "html", path=BLOB),
        Fault.body("PUT", b"[]", path=BLOB),
        Fault.body("PUT", b"{}", path=BLOB),
        Fault.body("PUT", b'{"properties": {"provisioningState": "\\ud800", "connectionState": 5}}', path=BLOB),
        Fault.status("PUT", 500, path=BLOB, after=True, times=4),
        Fault.status("PUT", 409, path=BLOB, after=True, code="Conflict"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.answer.status if fault.answer else fault.mangled or 'reset'}",
)
@pytest.mark.parametrize("wait", [True, False])
def test_an_inconclusive_answer_to_a_put_is_read_back(colour, emulator, fault, wait):
    """Whatever the answer, the endpoint exists: it counts as created."""
    emulator.inject(fault)
    assert results(create(colour, emulator, wait=wait)) == CREATED
    assert len(emulator.endpoints()) == 4


def test_a_lost_answer_followed_by_429_is_read_back(colour, emulator):
    """The first attempt was delivered and its answer lost, the others were throttled: the endpoint exists."""
    emulator.inject(Fault.reset("PUT", path=BLOB, before=False))
    emulator.inject(Fault.status("PUT", 429, path=BLOB, times=None))
    assert results(create(colour, emulator)) == CREATED


def test_a_connection_lost_before_delivery_is_retried(colour, emulator):
    """The request was not delivered, so it is sent again; one endpoint is created."""
    emulator.inject(Fault.reset("PUT", path=BLOB, before=True))
    assert results(create(colour, emulator)) == CREATED
    assert len(emulator.endpoints()) == 4


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        (Fault.status("PUT", 403, path=BLOB), "access-denied", 403),
        (Fault.status("PUT", 403, path=BLOB, code="RequestDisallowedByPolicy"), "policy-denied", 403),
        (Fault.status("PUT", 409, path=BLOB, code="ScopeLocked"), "locked", 409),
        (Fault.status("PUT", 404, path=BLOB), "not-found", 404),
        (Fault.status("PUT", 400, path=BLOB, code="EntityLimitExceeded"), "azure-error", 400),
        (Fault.status("PUT", 429, path=BLOB, times=None), "throttled", 429),
        (Fault.status("PUT", 503, path=BLOB, times=None), "azure-unavailable", 503),
        (Fault.reset("PUT", path=BLOB, times=None), "no-answer", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_refused_endpoint_does_not_stop_the_others(colour, emulator, fault, code, status):
    """Its outcome has Azure's reason and a remedy, and the other three are created."""
    emulator.inject(fault)
    report = create(colour, emulator)
    assert results(report) == CREATED | {"purview_blob": "failed"}
    [failure] = report.failures
    assert (failure.error.code, failure.error.status) == (code, status)
    assert failure.error.message.startswith("Could not create the endpoint 'purview_blob': ")
    assert failure.error.remedy
    assert len(emulator.endpoints()) == 3


def test_a_missing_role_is_reported_with_the_command(colour, emulator):
    """The remedy names role and scope; after a 403 nothing is read back, because nothing can have happened."""
    report = colour.run(emulator, lambda client: client.create_all(spec_for(emulator)), roles=("Reader",))
    assert results(report) == dict.fromkeys(ALL_NAMES, "failed")
    role = "--role 'Data Factory Contributor'"
    assert {outcome.error.remedy for outcome in report.outcomes} == {
        f"Ask an owner for the role Data Factory Contributor: az role assignment create {role} --assignee YOU --scope {emulator.factory}"
    }
    assert requests(emulator, "GET", "/managedPrivateEndpoints") == [200]


def test_a_busy_storage_account_is_retried(colour, emulator):
    """Its 409 is not a failure."""
    emulator.inject(Fault.status("PUT", 409, path=BLOB, times=3, code="StorageAccountOperationInProgress"))
    assert results(create(colour, emulator)) == CREATED
    assert requests(emulator, "PUT", "purview_blob") == [409, 409, 409, 200]


def test_a_storage_account_that_stays_busy_is_a_failure(colour, emulator):
    """Retries end after five minutes."""
    emulator.inject(Fault.status("PUT", 409, path=BLOB, times=None, code="StorageAccountOperationInProgress"))
    report = create(colour, emulator)
    assert results(report) == CREATED | {"purview_blob": "failed"}
    assert report.failures[0].error.azure_code == "StorageAccountOperationInProgress"
    assert emulator.clock.elapsed <= 330


# --- the network


def without_network(emulator):
    return {"factory": str(emulator.add_factory("df2", managed_vnet=False))}


def test_a_refused_network_fails_every_step(colour, emulator):
    """Without a network no endpoint is requested; each outcome has the reason."""
    emulator.inject(Fault.status("PUT", 403, path="*/managedVirtualNetworks/default"))
    report = create(colour, emulator, **without_network(emulator))
    assert results(report) == {"default": "failed"} | dict.fromkeys(ALL_NAMES, "failed")
    assert report.outcomes[0].error.code == "access-denied"
    assert report.outcomes[1].error.message == (
        "The endpoint 'purview' was not created: the factory has no managed virtual network."
    )
    assert len(emulator.writes) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status("PUT", 201, path="*/managedVirtualNetworks/default", after=True),
        Fault.reset("PUT", path="*/managedVirtualNetworks/default", before=False, times=4),
        Fault.status("PUT", 429, path="*/managedVirtualNetworks/default", after=True, times=4),
    ],
    ids=["201", "reset", "429"],
)
def test_an_inconclusive_answer_for_the_network_is_read_back(colour, emulator, fault):
    """Whatever the answer, the network exists, and the endpoints are created."""
    emulator.inject(fault)
    report = create(colour, emulator, **without_network(emulator))
    assert results(report) == {"default": "created"} | CREATED


def test_a_failed_network_that_does_not_exist_is_reported(colour, emulator):
    """It is read back, and it does not exist."""
    emulator.inject(Fault.status("PUT", 500, path="*/managedVirtualNetworks/default", times=None))
    report = create(colour, emulator, **without_network(emulator))
    assert results(report)["default"] == "failed"
    assert report.outcomes[0].error.code == "azure-unavailable"


# --- reading


def test_a_short_outage_of_the_list_ends_nothing(colour, emulator):
    """Azure goes on provisioning endpoints meanwhile."""
    ill = Before("PUT", "/purview_blob", lambda _: emulator.inject(Fault.status("GET", 503, path=LIST, times=8)))
    report = create(colour, emulator, client_options={"per_retry_policies": [ill]})
    assert results(report) == CREATED


def test_a_list_that_keeps_failing_is_reported(colour, emulator):
    """After several failed reads the outcomes have Azure's reason, although the endpoints exist."""
    ill = Before("PUT", "/purview_blob", lambda _: emulator.inject(Fault.status("GET", 503, path=LIST, times=None)))
    report = create(colour, emulator, client_options={"per_retry_policies": [ill], "retry": Retry(attempts=2)})
    assert set(results(report).values()) == {"failed"}
    assert {outcome.error.code for outcome in report.outcomes} == {"azure-unavailable"}
    assert len(emulator.endpoints()) == 4


def test_a_forbidden_list_while_waiting_is_reported(colour, emulator):
    """It is not read again."""
    denied = Before("PUT", "/purview_blob", lambda _: emulator.inject(Fault.status("GET", 403, path=LIST, times=None)))
    report = create(colour, emulator, client_options={"per_retry_policies": [denied]})
    assert {outcome.error.code for outcome in report.outcomes} == {"access-denied"}
    assert requests(emulator, "GET", "/managedPrivateEndpoints").count(403) == 1


# --- approval during creation


def test_a_failed_endpoint_is_not_approved(colour, emulator):
    """The other three are approved, and the failed one is reported once as failed."""
    emulator.inject(Fault.failed_provisioning(path="*/managedPrivateEndpoints/purview_namespace"))
    report = create(colour, emulator, approve=True)
    found = [(outcome.name, outcome.result) for outcome in report.outcomes]
    assert found[:4] == list((CREATED | {"purview_namespace": "failed"}).items())
    assert dict(found[4:]).items() >= dict.fromkeys(ALL_NAMES[:3], "approved").items()
    assert not report.succeeded
    assert {c.status for c in emulator.connections() if c.factory is not None} <= {"Approved", "Pending"}


@pytest.mark.parametrize("many", [False, True])
def test_a_repeated_endpoint_is_approved(colour, emulator, many):
    """The endpoint that was created again is approved, for one factory or for a fleet."""
    emulator.inject(Fault.failed_provisioning(path=BLOB))
    if many:
        report = colour.run(emulator, lambda client: client.create_many([spec_for(emulator)], approve=True))
    else:
        report = create(colour, emulator, approve=True)
    assert requests(emulator, "PUT", "/managedPrivateEndpoints/purview_blob") == [200, 200]
    assert report.complete
    assert {c.status for c in emulator.connections() if c.factory is not None} == {"Approved"}


def test_a_short_outage_of_one_target_and_a_refusal_of_another(colour, emulator):
    """The refusal ends only its own connection; the outage ends none."""
    create(colour, emulator)
    emulator.inject(Fault.status("GET", 403, path="*/namespaces/*/privateEndpointConnections", times=None))
    emulator.inject(Fault.status("GET", 503, path="*/storageAccounts/*/privateEndpointConnections", times=5))
    report = colour.run(emulator, lambda client: client.approve(spec_for(emulator)))
    assert list(results(report).values()) == ["approved", "approved", "approved", "handed-off"]


def test_separate_short_outages_do_not_end_the_wait(colour):
    """Only consecutive failed reads count."""
    emulator = Emulator(connection_delay={"account": 700, "*": 0})
    create(colour, emulator, wait=False)
    ill = Fault.status("GET", 503, path="*/accounts/*/privateEndpointConnections", times=4)

    def now_and_then(number):
        if number % 10 == 0:
            emulator.inject(ill)

    moments = Before("GET", "/accounts/pv1/privateEndpointConnections", now_and_then)
    report = colour.run(
        emulator, lambda client: client.approve(spec_for(emulator), timeout=1200), per_retry_policies=[moments]
    )
    assert report.complete
    assert [request.status for request in emulator.requests].count(503) >= 12


# --- endpoints that are ready at once


@pytest.mark.parametrize("latency", [0.02, 0.06, 0.1, 0.5])
def test_waiting_for_ready_endpoints_costs_one_request(colour, latency):
    """If endpoints are ready at once, `wait=True` ends at most one request later than `wait=False`."""
    took = {}
    for wait in (False, True):
        emulator = Emulator(latency=latency, provisioning=0)
        began = emulator.clock.now()
        assert results(create(colour, emulator, wait=wait)) == CREATED
        took[wait] = emulator.clock.now() - began
    assert took[True] - took[False] <= latency + 1e-6


def test_the_first_read_follows_every_write(colour):
    """It waits for writes delayed by Azure's limits, so that one list shows all endpoints."""
    emulator = Emulator(latency=0.1, provisioning=0)
    report = create(colour, emulator, client_options={"budget": Budget(writes=Rate(1, 10))})
    assert results(report) == CREATED
    sent = [request.method for request in emulator.requests]
    assert sent[-5:] == ["PUT"] * 4 + ["GET"]


def test_the_first_read_does_not_wait_for_a_pending_deletion(colour):
    """An endpoint that is still being deleted is written later, after the first read of the others."""
    emulator = Emulator(latency=0.1, provisioning=0)
    targets = emulator.targets(emulator.account)
    emulator.add_endpoint(emulator.factory, "legacy", targets["blob"], "blob")
    colour.run(
        emulator,
        lambda client: client.delete_all(spec_for(emulator, names={"blob": "legacy"}, groups=("blob",)), timeout=1),
    )
    assert states(emulator) == {"legacy": "Deleting"}
    assert results(create(colour, emulator)) == CREATED
