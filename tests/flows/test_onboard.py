"""onboard and offboard: from a bare factory to lineage that can flow, and back."""

from __future__ import annotations

import contextlib
from typing import Literal

import pytest

from purview_mpe import Client, Spec
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import AccessDenied
from tests.support.moments import BeforeWrite, Died, Killed

SUBJECTS = ["identity", "connection", "managed-network", "runtime", "endpoint", "data-curator"]


def bare(shape: str = "A", **options) -> tuple[Emulator, Spec]:
    """An account, and a factory without identity, connection, network and runtime."""
    emulator = Emulator(empty=True, **options)
    account = emulator.add_account("contoso", shape=shape)
    place = str(account).partition("/providers/")[0]
    body = {"id": f"{place}/providers/Microsoft.DataFactory/factories/df1", "properties": {}}
    factory = emulator.add_factory(body=body, managed_vnet=False)
    return emulator, Spec(factory=str(factory), account=str(account), name="purview")


def results(report) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in report.outcomes:
        found.setdefault(one.subject, set()).add(one.result)
    return found


@pytest.mark.parametrize("shape", ["A", "B", "C", "D", "E"])
def test_one_call_leads_to_lineage_that_can_flow(colour, shape):
    """Both sides are ready, the check is fine, the role is held; a second call writes nothing."""
    emulator, spec = bare(shape)
    began = emulator.clock.now()
    report = colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    assert report.complete
    assert list(results(report)) == SUBJECTS
    assert emulator.clock.now() - began <= 1.15 * 90
    assert len(emulator.writes) <= 12
    assert colour.run(emulator, lambda client: client.status(spec)).ready
    check = colour.run(emulator, lambda client: client.check(spec))
    assert (check.ok, check.curator) == (True, True)
    requests, writes = len(emulator.requests), len(emulator.writes)
    again = colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    assert again.complete
    assert (len(emulator.writes) - writes, len(emulator.requests) - requests <= 12) == (0, True)


def test_a_dry_run_says_what_would_be_done(colour):
    """Nothing is written."""
    emulator, spec = bare()
    report = colour.run(emulator, lambda client: client.onboard(spec, approve=True, dry_run=True))
    assert not emulator.writes
    assert not report.complete
    assert {subject: min(found) for subject, found in results(report).items()} == {
        "identity": "would-enable",
        "connection": "would-connect",
        "managed-network": "would-create",
        "runtime": "would-create",
        "endpoint": "would-create",
        "data-curator": "would-grant",
    }


def test_a_dry_run_hands_off_a_role_that_this_caller_cannot_give(colour):
    """The identity does not exist yet, but the policy shows already that the caller is not an administrator."""
    emulator, spec = bare()
    report = colour.run(emulator, lambda client: client.onboard(spec, dry_run=True), roles=("Owner",))
    assert results(report)["identity"] == {"would-enable"}
    assert results(report)["data-curator"] == {"handed-off"}
    assert not emulator.writes


def test_a_dry_run_says_that_this_caller_would_become_admin(colour):
    """The identity does not exist yet; a caller with the right could make itself an administrator, and is warned."""
    emulator, spec = bare()
    report = colour.run(
        emulator, lambda client: client.onboard(spec, become_admin=True, dry_run=True), roles=("Owner",)
    )
    assert results(report)["data-curator"] == {"would-grant"}
    assert "would-become-collection-admin" in {finding.code for finding in report.warnings}
    assert not emulator.writes


def test_without_approval_it_is_not_complete(colour):
    """What waits for the owners of the targets is in the hand-off."""
    emulator, spec = bare()
    report = colour.run(emulator, lambda client: client.onboard(spec))
    assert report.succeeded
    assert not report.complete
    assert "Please approve" in report.hand_off


def test_outside_the_network_the_rest_is_done(colour):
    """Only the role is left, and the hand-off says why."""
    emulator, spec = bare(inside_network=False)
    report = colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    assert results(report)["data-curator"] == {"handed-off"}
    assert results(report)["endpoint"] == {"created", "approved"}
    assert not report.complete
    assert "inside the network" in report.hand_off


def test_a_factory_that_cannot_be_written_stops_only_what_depends_on_it(colour):
    """The endpoints are made; the role has no identity to be given to."""
    emulator, spec = bare()
    emulator.inject(Fault.status("PUT", 403, path="*/factories/df1", times=None))
    report = colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    assert results(report)["identity"] == results(report)["connection"] == {"failed"}
    assert results(report)["endpoint"] == {"created", "approved"}
    assert results(report)["runtime"] == {"created"}
    assert results(report)["data-curator"] == {"failed"}


def test_a_network_that_cannot_be_made_stops_what_stands_in_it(colour):
    """The role and the connection need no network."""
    emulator, spec = bare()
    emulator.inject(Fault.status("PUT", 403, path="*/managedVirtualNetworks/default", times=None))
    report = colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    assert results(report)["runtime"] == {"failed"}
    assert "failed" in results(report)["endpoint"]
    assert results(report)["data-curator"] == {"granted"}
    assert results(report)["connection"] == {"connected"}


@pytest.mark.parametrize(("named", "kind"), [("ir-azure", "azure"), ("ir-self", "self-hosted"), ("ir-ssis", "ssis")])
def test_a_runtime_of_another_kind_is_a_conflict(colour, named, kind):
    """It is not touched, and the rest is done."""
    emulator, spec = bare()
    emulator.add_runtime(spec.factory, named, kind)
    wanted = spec.model_copy(update={"runtime": named})
    report = colour.run(emulator, lambda client: client.onboard(wanted, approve=True))
    assert results(report)["runtime"] == {"conflict"}
    assert results(report)["endpoint"] == {"created", "approved"}


def test_a_runtime_that_azure_puts_outside_the_network_is_a_failure(colour):
    """It is read back: one that is public would not carry lineage."""
    emulator, spec = bare()

    def public(body):
        for item in body["value"]:
            item["properties"].pop("managedVirtualNetwork", None)
        return body

    emulator.inject(Fault.rewrite("GET", public, path="*/integrationRuntimes", times=None))
    report = colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    assert results(report)["runtime"] == {"failed"}


def test_user_assigned_identities_are_kept(colour):
    """The combined type is sent with all of them, each an empty object."""
    emulator, spec = bare()
    own = f"{spec.factory.partition('/providers/')[0]}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id1"
    body = {
        "id": spec.factory,
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {own: {"clientId": "x"}}},
    }
    emulator.remove(spec.factory)
    emulator.add_factory(body=body | {"properties": {}}, managed_vnet=False)
    colour.run(emulator, lambda client: client.onboard(spec))
    [sent] = [request.body for request in emulator.writes if request.path.endswith("/factories/df1")]
    assert sent["identity"] == {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {own: {}}}


@pytest.mark.parametrize("place", range(12))
def test_a_run_that_died_is_finished_by_the_next(place):
    """Whatever the first run had written, the second makes the rest, and nothing twice."""
    emulator, spec = bare()

    def die(number: int) -> None:
        if number > place:
            raise Died

    options = {"transport": emulator.transport(), "per_retry_policies": [BeforeWrite(die)]}
    with Client(emulator.credential, **options) as client, contextlib.suppress(Died):
        client.onboard(spec, approve=True)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        report = client.onboard(spec, approve=True)
    assert report.complete
    puts = [request.path for request in emulator.writes if request.method == "PUT" and request.status == 200]
    made = [path for path in puts if "managedPrivateEndpoints" in path or "integrationRuntimes" in path]
    assert len(made) == len(set(made))


def end_state(emulator: Emulator, spec: Spec) -> dict[str, object]:
    """What there is in the end, without what is drawn by chance."""
    document = emulator.dump()
    [factory] = document["factories"]
    members = emulator.catalog.members("data-curator", spec.account)
    return {
        "identity": factory["body"]["identity"]["type"],
        "connection": factory["body"]["properties"]["purviewConfiguration"],
        "runtimes": factory["runtimes"],
        "endpoints": sorted((one["name"], one["status"], one["provisioning_state"]) for one in factory["endpoints"]),
        "curators": (len(members), emulator.identity_of(spec.factory) in members),
        "connections": sorted((str(one.target), one.status) for one in emulator.connections()),
    }


def killed_and_repeated(place: int, moment: Literal["before", "after"]) -> tuple[Emulator, Spec]:
    """An emulator after a run that was killed at one of its requests, and a second run."""
    emulator, spec = bare(foreign_connections=0)
    options = {"transport": emulator.transport(), "per_retry_policies": [Killed(place, moment)]}
    with Client(emulator.credential, **options) as client, contextlib.suppress(Died):
        client.onboard(spec, approve=True)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        assert client.onboard(spec, approve=True).complete
    return emulator, spec


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("place", range(7, 83, 5))
def test_a_run_that_was_killed_at_a_request_leads_to_the_same_end(place, moment):
    """Before it was sent or after it was answered: a second run makes the rest, and nothing twice."""
    whole, whole_spec = killed_and_repeated(10_000, "before")
    emulator, spec = killed_and_repeated(place, moment)
    assert end_state(emulator, spec) == end_state(whole, whole_spec)
    puts = [request.path for request in emulator.writes if request.method == "PUT" and request.status == 200]
    made = [path for path in puts if "managedPrivateEndpoints" in path or "integrationRuntimes" in path]
    assert len(made) == len(set(made))


def test_offboard_takes_away_in_order(colour):
    """Role, connection, endpoints; the runtime, the network and the identity stay."""
    emulator, spec = bare()
    colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    report = colour.run(emulator, lambda client: client.offboard(spec))
    assert results(report) == {"data-curator": {"revoked"}, "connection": {"disconnected"}, "endpoint": {"deleted"}}
    assert report.complete
    assert len(emulator.catalog.members("data-curator", spec.account)) == 1
    check = colour.run(emulator, lambda client: client.check(spec))
    assert [runtime.name for runtime in check.runtimes] == ["managed-vnet"]
    again = colour.run(emulator, lambda client: client.offboard(spec))
    assert results(again) == {"data-curator": {"absent"}, "connection": {"absent"}, "endpoint": {"absent"}}


def test_events_of_offboard_name_the_verb_that_runs(colour):
    """The deletion of the endpoints is a part of it."""
    emulator, spec = bare()
    colour.run(emulator, lambda client: client.onboard(spec, approve=True)).raise_for_failures()
    events = []
    colour.run(emulator, lambda client: client.offboard(spec), on_event=events.append)
    assert {event.verb for event in events} == {"offboard"}


def test_offboard_dry_run_writes_nothing(colour):
    """It names what would go."""
    emulator, spec = bare()
    colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    before = len(emulator.writes)
    report = colour.run(emulator, lambda client: client.offboard(spec, dry_run=True))
    assert len(emulator.writes) == before
    assert results(report) == {
        "data-curator": {"would-revoke"},
        "connection": {"would-disconnect"},
        "endpoint": {"would-delete"},
    }


def test_offboard_writes_nothing_if_the_endpoints_cannot_be_listed(colour):
    """The list is read before the first write, so no report is lost half-way."""
    emulator, spec = bare()
    colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    before = len(emulator.writes)
    emulator.inject(Fault.status("GET", 403, path="managedPrivateEndpoints", times=None))
    with pytest.raises(AccessDenied):
        colour.run(emulator, lambda client: client.offboard(spec))
    assert len(emulator.writes) == before


def test_offboard_reports_what_it_did_if_a_later_list_is_refused(colour):
    """The role and the connection are gone by then, and the endpoints are failures of the report."""
    emulator, spec = bare()
    colour.run(emulator, lambda client: client.onboard(spec, approve=True))

    def refuse(event):
        if event.outcome is not None and event.outcome.result == "disconnected":
            emulator.inject(Fault.status("GET", 403, path="managedPrivateEndpoints", times=None))
            emulator.clock.advance(60)  # the list that was read before is old by now

    report = colour.run(emulator, lambda client: client.offboard(spec), on_event=refuse)
    assert results(report) == {"data-curator": {"revoked"}, "connection": {"disconnected"}, "endpoint": {"failed"}}
    assert not report.complete


def test_a_network_that_exists_is_kept(colour):
    """The second call has an outcome for each part that is in place."""
    emulator, spec = bare()
    first = colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    second = colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    assert results(first)["managed-network"] == {"created"}
    assert results(second)["managed-network"] == {"kept"}
    assert results(second).keys() == results(first).keys()
    assert second.complete
