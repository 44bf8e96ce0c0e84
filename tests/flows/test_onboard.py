"""onboard and offboard: from a bare factory to working lineage, and back."""

from __future__ import annotations

import contextlib
from functools import cache
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
def test_one_call_makes_lineage_work(colour, shape):
    """Both sides are ready, the check is ok, the role is granted; a second call writes nothing."""
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
    """Every step is predicted, and nothing is written."""
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


def test_a_dry_run_hands_off_a_role_that_this_caller_cannot_grant(colour):
    """The identity does not exist yet, but the policy already shows that the caller is not an administrator."""
    emulator, spec = bare()
    report = colour.run(emulator, lambda client: client.onboard(spec, dry_run=True), roles=("Owner",))
    assert results(report)["identity"] == {"would-enable"}
    assert results(report)["data-curator"] == {"handed-off"}
    assert not emulator.writes


def test_a_dry_run_hands_off_connections_that_this_caller_cannot_approve(colour):
    """As in a dry run of `approve`, the report has the instructions, and nothing would be approved."""
    emulator, spec = bare()
    colour.run(emulator, lambda client: client.create_all(spec)).raise_for_failures()
    emulator.clock.advance(60)
    roles = ("Data Factory Contributor", "Reader")
    approving = colour.run(emulator, lambda client: client.approve(spec, dry_run=True), roles=roles)
    report = colour.run(
        emulator, lambda client: client.onboard(spec, approve=True, grant=False, dry_run=True), roles=roles
    )
    assert {outcome.result for outcome in approving.outcomes} == {"handed-off"}
    assert [one for one in report.outcomes if one.result == "handed-off"] == list(approving.outcomes)
    assert report.hand_off == approving.hand_off


def test_a_dry_run_warns_that_the_caller_would_become_admin(colour):
    """The identity does not exist yet; a caller with the right would become an administrator, and is warned."""
    emulator, spec = bare()
    report = colour.run(
        emulator, lambda client: client.onboard(spec, become_admin=True, dry_run=True), roles=("Owner",)
    )
    assert results(report)["data-curator"] == {"would-grant"}
    assert "would-become-collection-admin" in {finding.code for finding in report.warnings}
    assert not emulator.writes


@pytest.mark.parametrize("approve", [False, True])
def test_a_dry_run_reports_each_part_as_an_event(colour, approve):
    """A progress display counts every change, not only the identity and the connection."""
    emulator, spec = bare()
    events = []
    report = colour.run(
        emulator, lambda client: client.onboard(spec, approve=approve, dry_run=True), on_event=events.append
    )
    steps = [(event.outcome.subject, event.outcome.name) for event in events if event.kind == "step"]
    assert sorted(steps) == sorted((one.subject, one.name) for one in report.outcomes)


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_network_of_another_name_is_named_in_the_errors(colour, dry_run):
    """Steps inside the network fail with the existing name and the option that sets it; the other steps are done."""
    emulator = Emulator(empty=True)
    account = emulator.add_account("contoso")
    factory = emulator.add_factory("df1", network="corp-vnet", identity=False)
    spec = Spec(factory=str(factory), account=str(account), name="purview", runtime="managed-vnet")
    report = colour.run(emulator, lambda client: client.onboard(spec, dry_run=dry_run))
    found = results(report)
    assert (found["managed-network"], found["runtime"], found["endpoint"]) == ({"conflict"}, {"failed"}, {"failed"})
    existing = spec.model_copy(update={"runtime": None})
    report_of_existing = colour.run(emulator, lambda client: client.onboard(existing, dry_run=dry_run))
    assert results(report_of_existing)["runtime"] == {"kept"}
    for one in report.outcomes:
        if one.result == "failed":
            assert "managed virtual network is called 'corp-vnet', not 'default'" in one.error.message
            assert "Spec.managed_virtual_network to 'corp-vnet'" in one.error.remedy
            assert "--managed-vnet corp-vnet" in one.error.shell_remedy
    right = spec.model_copy(update={"managed_virtual_network": "corp-vnet"})
    assert colour.run(emulator, lambda client: client.onboard(right, approve=True)).complete


def test_a_connection_to_another_account_names_onboards_option(colour):
    """The remedy repeats the call that the caller made, in Python and in a shell."""
    emulator, spec = bare()
    colour.run(emulator, lambda client: client.connect(spec))
    other = spec.model_copy(update={"account": str(emulator.add_account("other"))})
    single = colour.run(emulator, lambda client: client.onboard(other))
    [fleet] = colour.run(emulator, lambda client: client.onboard_many([other])).reports
    for report in (single, fleet):
        [error] = [one.error for one in report.outcomes if one.subject == "connection"]
        assert error.remedy.startswith("Call onboard(spec, replace=True) if")
        assert error.shell_remedy.startswith("Run purview-mpe onboard --replace if")


def test_a_policy_without_a_version_can_be_written(colour):
    """It is sent back as it was read, apart from the new identity."""
    emulator, spec = bare()
    stored = emulator.catalog.policy(spec.account)
    del stored["version"]
    emulator.catalog.set_policy(stored, spec.account)
    assert colour.run(emulator, lambda client: client.onboard(spec, approve=True)).complete
    [sent] = [one.body for one in emulator.writes if "/metadataPolicies/" in one.path]
    assert "version" not in sent


def test_without_approval_onboard_is_not_complete(colour):
    """Approvals left to the targets' owners are in the hand-off."""
    emulator, spec = bare()
    report = colour.run(emulator, lambda client: client.onboard(spec))
    assert report.succeeded
    assert not report.complete
    assert "Please approve" in report.hand_off


def test_without_the_role_onboard_is_not_complete(colour):
    """The policy is not read, so the report does not know whether lineage can flow; a warning says so."""
    emulator, spec = bare()
    report = colour.run(emulator, lambda client: client.onboard(spec, approve=True, grant=False))
    report.raise_for_failures()
    assert not report.complete
    assert "data-curator" not in results(report)
    assert "data-curator-left-out" in {finding.code for finding in report.warnings}
    assert not [request for request in emulator.requests if "/policystore/" in request.path]
    colour.run(emulator, lambda client: client.grant(spec))
    assert colour.run(emulator, lambda client: client.onboard(spec, approve=True)).complete


def test_outside_the_network_only_the_role_is_handed_off(colour):
    """The other steps are done, and the hand-off gives the reason."""
    emulator, spec = bare(inside_network=False)
    report = colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    assert results(report)["data-curator"] == {"handed-off"}
    assert results(report)["endpoint"] == {"created", "approved"}
    assert not report.complete
    assert "inside the network" in report.hand_off


def test_a_factory_that_cannot_be_written_stops_only_dependent_steps(colour):
    """The endpoints are created; the role fails, because the factory has no identity."""
    emulator, spec = bare()
    emulator.inject(Fault.status("PUT", 403, path="*/factories/df1", times=None))
    report = colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    assert results(report)["identity"] == results(report)["connection"] == {"failed"}
    assert results(report)["endpoint"] == {"created", "approved"}
    assert results(report)["runtime"] == {"created"}
    assert results(report)["data-curator"] == {"failed"}
    assert report.outcomes[-1].error.remedy == "Fix the error reported for the identity, then repeat the call."


def test_a_network_that_cannot_be_created_stops_runtime_and_endpoints(colour):
    """The role and the connection do not need it."""
    emulator, spec = bare()
    emulator.inject(Fault.status("PUT", 403, path="*/managedVirtualNetworks/default", times=None))
    report = colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    assert results(report)["runtime"] == {"failed"}
    assert "failed" in results(report)["endpoint"]
    assert results(report)["data-curator"] == {"granted"}
    assert results(report)["connection"] == {"connected"}


@pytest.mark.parametrize(("named", "kind"), [("ir-azure", "azure"), ("ir-self", "self-hosted"), ("ir-ssis", "ssis")])
def test_a_runtime_of_another_kind_is_a_conflict(colour, named, kind):
    """The runtime is not touched, and the other steps are done."""
    emulator, spec = bare()
    emulator.add_runtime(spec.factory, named, kind)
    wanted = spec.model_copy(update={"runtime": named})
    report = colour.run(emulator, lambda client: client.onboard(wanted, approve=True))
    assert results(report)["runtime"] == {"conflict"}
    assert results(report)["endpoint"] == {"created", "approved"}


def test_a_runtime_that_azure_puts_outside_the_network_is_a_failure(colour):
    """It is read back, because a public runtime would not carry lineage."""
    emulator, spec = bare()

    def public(body):
        for item in body["value"]:
            item["properties"].pop("managedVirtualNetwork", None)
        return body

    emulator.inject(Fault.rewrite("GET", public, path="*/integrationRuntimes", times=None))
    report = colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    assert results(report)["runtime"] == {"failed"}


def test_user_assigned_identities_are_kept(colour):
    """The combined identity type is sent with each of them as an empty object."""
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
def test_an_interrupted_run_is_finished_by_the_next(place):
    """The second run creates what is missing, and nothing twice."""
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
    """The final state, without the random parts."""
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


@cache
def undisturbed() -> dict[str, object]:
    """The final state after two runs that nothing killed."""
    return end_state(*killed_and_repeated(10_000, "before"))


@pytest.mark.untraced
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("place", range(7, 83, 5))
def test_a_run_killed_at_any_request_is_finished_by_the_next(place, moment):
    """Killed before a request is sent or after its answer, the second run creates the rest, and nothing twice."""
    emulator, spec = killed_and_repeated(place, moment)
    assert end_state(emulator, spec) == undisturbed()
    puts = [request.path for request in emulator.writes if request.method == "PUT" and request.status == 200]
    made = [path for path in puts if "managedPrivateEndpoints" in path or "integrationRuntimes" in path]
    assert len(made) == len(set(made))


def test_offboard_removes_role_connection_and_endpoints(colour):
    """In this order; the runtime, the network and the identity stay."""
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


def test_offboard_has_no_hand_off_if_the_account_is_gone(colour):
    """The role was deleted with the account."""
    emulator, spec = bare()
    colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    emulator.remove(spec.account)
    report = colour.run(emulator, lambda client: client.offboard(spec))
    assert results(report)["data-curator"] == {"absent"}
    assert results(report)["connection"] == {"disconnected"}
    assert report.hand_off is None


@pytest.mark.parametrize("dry_run", [False, True])
def test_every_event_of_offboard_names_offboard(colour, dry_run):
    """A progress display sees one run, not a deletion that never ends."""
    emulator, spec = bare()
    colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    events = []
    colour.run(emulator, lambda client: client.offboard(spec, dry_run=dry_run), on_event=events.append)
    assert {event.verb for event in events} == {"offboard"}
    assert {event.outcome.subject for event in events if event.outcome} == {"data-curator", "connection", "endpoint"}


def test_offboard_dry_run_writes_nothing(colour):
    """It names what would be removed."""
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
    """The list is read before the first write, so that the call fails as a whole."""
    emulator, spec = bare()
    colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    before = len(emulator.writes)
    emulator.inject(Fault.status("GET", 403, path="managedPrivateEndpoints", times=None))
    with pytest.raises(AccessDenied):
        colour.run(emulator, lambda client: client.offboard(spec))
    assert len(emulator.writes) == before


def test_offboard_reports_earlier_steps_if_a_later_list_is_refused(colour):
    """The role and the connection are already removed, and the endpoints are failures in the report."""
    emulator, spec = bare()
    colour.run(emulator, lambda client: client.onboard(spec, approve=True))

    def refuse(event):
        if event.outcome is not None and event.outcome.result == "disconnected":
            emulator.inject(Fault.status("GET", 403, path="managedPrivateEndpoints", times=None))
            emulator.clock.advance(60)  # the list from before the first write is out of date

    report = colour.run(emulator, lambda client: client.offboard(spec), on_event=refuse)
    assert results(report) == {"data-curator": {"revoked"}, "connection": {"disconnected"}, "endpoint": {"failed"}}
    assert not report.complete


def test_a_second_onboard_keeps_the_network(colour):
    """It has an outcome for each existing part."""
    emulator, spec = bare()
    first = colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    second = colour.run(emulator, lambda client: client.onboard(spec, approve=True))
    assert results(first)["managed-network"] == {"created"}
    assert results(second)["managed-network"] == {"kept"}
    assert results(second).keys() == results(first).keys()
    assert second.complete
