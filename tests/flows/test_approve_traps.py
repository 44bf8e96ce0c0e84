"""Approving under attack or in a race: edited reports, rights withdrawn half-way, decisions by other callers."""

from __future__ import annotations

import json

import pytest

from purview_mpe import Report
from purview_mpe.emulator import Emulator, Fault, Role
from tests.support.colours import spec_for
from tests.support.moments import Before
from tests.support.reports import results_by_group

ELSEWHERE = (
    "/subscriptions/99999999-0000-0000-0000-000000000001/resourceGroups/rg-s/providers"
    "/Microsoft.Network/privateEndpoints"
)
APPROVER = ("approver",)


def stranger(emulator, group_id, called) -> str:
    """The id of a foreign pending connection."""
    target = emulator.targets(emulator.account)[group_id]
    return str(
        emulator.add_connection(target, private_endpoint_id=f"{ELSEWHERE}/{called}", group_id=group_id).id
    ).casefold()


def status_of(emulator, connection_id) -> str:
    return next(c.status for c in emulator.connections() if str(c.id).casefold() == connection_id)


def created(colour, emulator, *, roles=None, **fields):
    spec = spec_for(emulator, **fields)
    return spec, colour.run(emulator, lambda client: client.create_all(spec), roles=roles)


def with_ids(report, **ids) -> Report:
    """The report read back from a file in which the exact ids of some groups were changed."""
    document = report.model_dump(mode="json")
    for outcome in document["outcomes"]:
        outcome["private_endpoint_id"] = ids.get(outcome["group_id"], outcome["private_endpoint_id"])
    return Report.model_validate_json(json.dumps(document))


def test_a_report_with_a_foreign_private_endpoint_approves_nothing(colour, emulator):
    """An id that does not have the name which Data Factory gives is ignored, whatever the report says."""
    _, report = created(colour, emulator)
    theirs = stranger(emulator, "blob", "evil")
    edited = with_ids(report, blob=f"{ELSEWHERE}/evil")
    approval = colour.run(emulator, lambda client: client.approve(edited), roles=APPROVER)
    assert results_by_group(approval) == {
        "account": "approved",
        "blob": "ambiguous",
        "queue": "approved",
        "namespace": "approved",
    }
    assert status_of(emulator, theirs) == "Pending"
    [refused] = approval.failures
    assert refused.error.message == (
        "The connection of 'purview_blob' was not touched: the report shows no private endpoint called "
        "'df1.purview_blob'."
    )
    assert "evil" not in approval.model_dump_json()


def test_a_factory_forbidden_half_way_does_not_fall_back_to_names(colour):
    """Once the factory was readable, a later 403 does not make name matches acceptable."""
    emulator = Emulator(connection_delay={"*": 5, "queue": 400})
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec, wait=False))
    emulator.clock.sleep(10)
    theirs = stranger(emulator, "queue", "df1.purview_queue")

    def forbid(number) -> None:
        if number == 2:
            emulator.inject(Fault.status("GET", 403, path="managedPrivateEndpoints", times=None))

    moments = Before("GET", "/managedPrivateEndpoints", forbid)
    report = colour.run(emulator, lambda client: client.approve(spec), per_retry_policies=[moments])
    assert results_by_group(report) == {
        "account": "approved",
        "blob": "approved",
        "queue": "failed",
        "namespace": "approved",
    }
    assert status_of(emulator, theirs) == "Pending"


def reject_behind(emulator, name):
    """A `Before` action: the target's owner rejects the connection just before the target is read again."""

    def decide(number) -> None:
        if number == 2:
            emulator.reject(name)

    return Before("GET", "/storageAccounts/", decide)


def busy() -> Fault:
    return Fault.status("PUT", 409, code="StorageAccountOperationInProgress", path="*/storageAccounts/*")


def storage_writes(emulator) -> list[int | None]:
    return [request.status for request in emulator.writes if "/storageaccounts/" in request.path.casefold()]


def test_a_rejection_during_the_retry_is_not_overruled(colour, emulator):
    """The storage account is busy, and its owner rejects the connection before the retry: no second PUT is sent."""
    spec, _ = created(colour, emulator, groups=("blob",))
    emulator.clear_requests()
    emulator.inject(busy())
    report = colour.run(
        emulator,
        lambda client: client.approve(spec),
        per_retry_policies=[reject_behind(emulator, "purview_blob")],
    )
    assert results_by_group(report) == {"blob": "failed"}
    storage = emulator.targets(emulator.account)["blob"].name
    assert report.outcomes[0].error.message.endswith(f"should be Approved, but {storage!r} shows it as Rejected.")
    assert storage_writes(emulator) == [409]


def test_a_rejection_during_the_retry_is_not_overruled_by_approve_many(colour, emulator):
    """The same holds for many factories."""
    spec, _ = created(colour, emulator, groups=("blob",))
    emulator.clear_requests()
    emulator.inject(busy())
    report = colour.run(
        emulator,
        lambda client: client.approve_many([spec]),
        per_retry_policies=[reject_behind(emulator, "purview_blob")],
    )
    assert report.counts == {"failed": 1}
    assert storage_writes(emulator) == [409]


def test_an_approval_during_the_retry_is_not_repeated(colour, emulator):
    """The storage account is busy, and its owner approves the connection before the retry: it counts as approved."""
    spec, _ = created(colour, emulator, groups=("blob",))
    emulator.clear_requests()
    emulator.inject(busy())

    def decide(number) -> None:
        if number == 2:
            emulator.approve("purview_blob")

    moments = Before("GET", "/storageAccounts/", decide)
    report = colour.run(emulator, lambda client: client.approve(spec), per_retry_policies=[moments])
    assert results_by_group(report) == {"blob": "approved"}
    assert storage_writes(emulator) == [409]


def without(*keys):
    """A fault's change: every listed connection loses these fields."""

    def change(answer):
        for item in answer["value"]:
            for key in keys:
                item.pop(key, None)
        return answer

    return change


def test_a_connection_without_name_and_id_is_not_decided(colour, emulator):
    """Without a path no request is sent; a foreign connection with that name is not used instead."""
    spec, _ = created(colour, emulator, groups=("blob",))
    emulator.add_connection(emulator.targets(emulator.account)["blob"], name="df1.purview_blob", group_id="blob")
    emulator.clear_requests()
    emulator.inject(Fault.rewrite("GET", without("id", "name"), path="*/privateEndpointConnections", times=None))
    report = colour.run(emulator, lambda client: client.approve(spec))
    storage = emulator.targets(emulator.account)["blob"].name
    assert report.outcomes[0].error.message == (
        f"Could not approve the connection 'df1.purview_blob' on {storage!r}: the list shows neither the name nor the id of "
        "the connection."
    )
    assert emulator.writes == []


def test_an_ingestion_connection_without_id_is_named_by_its_private_endpoint(colour):
    """The call needs the id that the list does not show, so the error names the private endpoint instead."""
    emulator = Emulator(shape="C", ingestion_accepts="connection")
    spec, _ = created(colour, emulator)
    emulator.inject(Fault.rewrite("GET", without("id", "name"), path="ingestionPrivateEndpointConnections", times=None))
    report = colour.run(emulator, lambda client: client.approve(spec))
    assert results_by_group(report) == {"account": "approved", "blob": "failed", "queue": "failed"}
    assert report.failures[0].error.message.startswith("Could not approve the connection 'df1.purview_blob' on 'pv1':")


def test_a_resource_id_that_is_not_a_private_endpoint_is_ignored(colour, emulator):
    """If the factory's `resourceId` is some other resource, the connection is found by name."""
    spec, _ = created(colour, emulator)

    def its_own(answer):
        for item in answer["value"]:
            item["properties"]["resourceId"] = item["id"]
        return answer

    emulator.inject(Fault.rewrite("GET", its_own, path="managedPrivateEndpoints", times=None))
    report = colour.run(emulator, lambda client: client.approve(spec))
    assert set(results_by_group(report).values()) == {"approved"}
    assert {outcome.matched_by for outcome in report.outcomes} == {"name"}


@pytest.mark.parametrize("name", ["..", ".", "a/b", "x?y=1#", "%2e%2e"])
@pytest.mark.parametrize("server", ["in process", "served"])
def test_a_connection_with_an_invalid_name_is_addressed_by_its_id(colour, name, server):
    """The parent of the path (here the account itself) is not written."""
    emulator = Emulator(foreign_connections=0)
    spec = spec_for(emulator, groups=("account",))

    def renamed(answer):
        for item in answer["value"]:
            item["name"] = name
        return answer

    def act(**options):
        return colour.run(emulator, lambda client: client.approve(spec), **options)

    # In process, where waiting takes no time.
    colour.run(emulator, lambda client: client.create_all(spec))
    emulator.inject(Fault.rewrite("GET", renamed, path="privateEndpointConnections", times=None))
    emulator.clear_requests()
    if server == "in process":
        report = act()
    else:
        with emulator.serve() as served:
            report = act(transport=None, endpoint=served.url, connection_verify=str(served.ca_file))
    assert results_by_group(report) == {"account": "approved"}
    [connection] = emulator.connections()
    assert [request.path for request in emulator.writes] == [str(connection.id)]


@pytest.mark.parametrize("name", ["..", "a/b"])
def test_a_connection_with_invalid_name_and_id_is_not_decided(colour, emulator, name):
    """Neither can be part of a path, so no request is sent."""
    spec, _ = created(colour, emulator, groups=("account",))

    def renamed(answer):
        for item in answer["value"]:
            item["name"] = name
            item["id"] = f"{emulator.account}/privateEndpointConnections/.."
        return answer

    emulator.clear_requests()
    emulator.inject(Fault.rewrite("GET", renamed, path="privateEndpointConnections", times=None))
    report = colour.run(emulator, lambda client: client.approve(spec))
    assert results_by_group(report) == {"account": "failed"}
    assert emulator.writes == []


def test_targets_of_a_replaced_account_are_conflicts(colour, emulator):
    """Targets in the report that the account no longer uses are reported; the other connections are approved."""
    spec, report = created(colour, emulator)
    storage = emulator.targets(emulator.account)["blob"]
    emulator.remove(emulator.account)
    emulator.add_account("pv1", shape="C")
    colour.run(emulator, lambda client: client.delete_all(spec.model_copy(update={"groups": ("account",)})))
    again = colour.run(emulator, lambda client: client.create_all(spec.model_copy(update={"groups": ("account",)})))
    approval = colour.run(
        emulator,
        lambda client: client.approve(report.model_copy(update={"outcomes": (*again.outcomes, *report.outcomes[1:])})),
    )
    assert results_by_group(approval) == {
        "account": "approved",
        "blob": "conflict",
        "queue": "conflict",
        "namespace": "conflict",
    }
    assert approval.outcomes[1].error.message == (
        f"The connection of 'purview_blob' was not looked for: the account 'pv1' does not use {storage} for blob, "
        "or no longer uses it."
    )
    assert not approval.complete


def test_the_timeout_error_gives_the_reason(colour, emulator):
    """The error says what the last read showed, not only that the time ran out."""
    spec, _ = created(colour, emulator, groups=("account",))
    empty = Fault.rewrite("GET", lambda answer: answer | {"value": []}, path="/privateEndpointConnections", times=None)
    emulator.inject(empty)
    report = colour.run(emulator, lambda client: client.approve(spec, timeout=60))
    assert results_by_group(report) == {"account": "timed-out"}
    assert report.outcomes[0].error.message == (
        "The connection of 'purview' on 'pv1' was not recognised before the time ran out: the target does not show the "
        "endpoint's connection yet."
    )


def test_the_timeout_error_says_that_the_factory_does_not_confirm(colour):
    """Without exact ids the connection waits for the factory's confirmation, and the error says so."""
    emulator = Emulator(provisioning=1000, reveal_private_endpoint_ids="never")
    spec = spec_for(emulator, groups=("account",))
    colour.run(emulator, lambda client: client.create_all(spec, wait=False))
    report = colour.run(emulator, lambda client: client.approve(spec, timeout=60))
    assert report.outcomes[0].error.message == (
        "The connection of 'purview' on 'pv1' was not recognised before the time ran out: the factory does not "
        "confirm the endpoint's connection yet."
    )


@pytest.mark.parametrize("shape", ["A", "C"])
def test_a_refused_rejection_asks_the_owner_to_reject(colour, shape):
    """The text for the owner does not mention approval."""
    emulator = Emulator(shape=shape)
    spec, _ = created(colour, emulator)
    report = colour.run(emulator, lambda client: client.reject(spec), roles=("reader",))
    assert set(results_by_group(report).values()) == {"handed-off"}
    assert report.hand_off.startswith("Please reject ")
    asked = [line for line in report.hand_off.splitlines() if "not done because" not in line]
    assert not [line for line in asked if "approve" in line.casefold()]


def test_the_report_of_a_hand_off_carries_the_exact_ids(colour, emulator):
    """The report has exact ids from the factory even if the target is unreadable, so that approvers can use them."""
    spec, _ = created(colour, emulator)
    report = colour.run(emulator, lambda client: client.approve(spec), roles=("requester",))
    assert set(results_by_group(report).values()) == {"handed-off"}
    approval = colour.run(emulator, lambda client: client.approve(report), roles=APPROVER)
    assert {outcome.matched_by for outcome in approval.outcomes} == {"private-endpoint-id"}
    assert set(results_by_group(approval).values()) == {"approved"}


def test_without_name_matches_there_are_no_warnings(colour):
    """The warning about names is given only with connections that were found by name."""
    emulator = Emulator(shape="C")
    spec, _ = created(colour, emulator)
    emulator.inject(Fault.status("GET", 403, path="ingestionPrivateEndpointConnections", times=None))
    report = colour.run(emulator, lambda client: client.approve(spec), roles=APPROVER)
    assert results_by_group(report) == {"account": "ambiguous", "blob": "handed-off", "queue": "handed-off"}
    assert report.warnings == ()


def test_a_name_match_is_ambiguous_if_the_targets_are_unknown(colour, emulator):
    """A caller who can read neither factory nor account cannot compare all targets."""
    spec, _ = created(colour, emulator)
    role = Role("Decides on connections", ("Microsoft.Purview/accounts/privateEndpointConnections*",))
    report = colour.run(emulator, lambda client: client.approve(spec), roles=(role,))
    assert results_by_group(report) == {"account": "ambiguous"}
    assert report.outcomes[0].error.message == (
        "The connection of 'purview' was not touched: neither factory nor account can be read, so not every target is "
        "known."
    )
    alone = spec.model_copy(update={"groups": ("account",)})
    report = colour.run(emulator, lambda client: client.approve(alone, dry_run=True), roles=(role,))
    assert results_by_group(report) == {"account": "would-approve"}


@pytest.mark.parametrize(("statuses", "verdict"), [(("Pending",) * 2, "stale"), (("Pending", "Approved"), "ready")])
def test_connections_of_one_name_that_agree_decide_the_verdict(colour, statuses, verdict):
    """If none is approved, the factory's state is stale; if they differ, the factory's state counts."""
    emulator = Emulator(reveal_private_endpoint_ids="never")
    spec, _ = created(colour, emulator, groups=("account",))
    emulator.approve("purview")
    colour.run(emulator, lambda client: client.status(spec))
    emulator.remove(next(c.id for c in emulator.connections() if c.endpoint))
    for number, status in enumerate(statuses):
        emulator.add_connection(
            emulator.account,
            private_endpoint_id=f"{ELSEWHERE.replace('rg-s', f'rg-{number}')}/df1.purview",
            status=status,
        )
    status = colour.run(emulator, lambda client: client.status(spec))
    assert [endpoint.verdict for endpoint in status.endpoints] == [verdict]
    assert [finding.code for finding in status.findings] == ["connection-ambiguous"]
