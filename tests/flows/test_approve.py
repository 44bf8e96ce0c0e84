"""approve and reject decide only the factory's own connections, by the call that the target needs, once each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from purview_mpe import Report
from purview_mpe._model.arm_id import ArmId
from purview_mpe.emulator import Emulator, Fault
from tests.support.colours import spec_for
from tests.support.reports import results_by_group

SHAPES = {"A": 4, "B": 3, "C": 3, "D": 4, "E": 3}


def ours(emulator):
    return {c.endpoint: c.status for c in emulator.connections() if c.factory == emulator.factory}


def strangers(emulator):
    return {c.status for c in emulator.connections() if c.factory is None}


def without_our_connections(emulator, *endpoints):
    for connection in emulator.connections():
        if connection.factory == emulator.factory and (not endpoints or connection.endpoint in endpoints):
            emulator.remove(connection.id)


def create(colour, emulator, **options):
    spec = spec_for(emulator)
    report = colour.run(emulator, lambda client: client.create_all(spec, **options))
    report.raise_for_failures()
    return spec, report


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reveal", ["at-once", "when-provisioned", "never"])
def test_approves_the_factorys_connections_and_no_foreign_ones(colour, shape, reveal):
    """In every shape exactly the factory's connections are approved, whether or not Azure shows their exact ids."""
    emulator = Emulator(shape=shape, reveal_private_endpoint_ids=reveal, foreign_connections=5)
    spec, _ = create(colour, emulator)
    report = colour.run(emulator, lambda client: client.approve(spec))
    assert list(results_by_group(report).values()) == ["approved"] * SHAPES[shape]
    assert {o.matched_by for o in report.outcomes} == {"name" if reveal == "never" else "private-endpoint-id"}
    assert set(ours(emulator).values()) == {"Approved"}
    assert strangers(emulator) == {"Pending"}
    assert report.complete
    assert report.hand_off is None


@pytest.mark.parametrize("shape", SHAPES)
def test_second_approve_sends_no_write(colour, shape):
    """A second call reads the approved connections and leaves them alone."""
    emulator = Emulator(shape=shape)
    spec, _ = create(colour, emulator, approve=True)
    before = len(emulator.writes)
    report = colour.run(emulator, lambda client: client.approve(spec))
    assert set(results_by_group(report).values()) == {"already-approved"}
    assert report.complete
    assert len(emulator.writes) == before


@pytest.mark.parametrize("shape", SHAPES)
def test_create_all_approves_while_azure_is_still_provisioning(colour, shape):
    """With exact ids a connection is approved when it appears, not when its endpoint is provisioned."""
    emulator = Emulator(shape=shape, provisioning=90, connection_delay=17)
    _, report = create(colour, emulator, approve=True)
    approved = [o.seconds for o in report.outcomes if o.result == "approved"]
    assert len(approved) == SHAPES[shape]
    assert max(approved) < 25
    assert report.complete


def test_create_all_without_exact_ids_waits_until_the_factory_confirms(colour):
    """A name match counts only once the factory says that its endpoint is provisioned."""
    emulator = Emulator(reveal_private_endpoint_ids="never", provisioning=90, connection_delay=17)
    _, report = create(colour, emulator, approve=True)
    assert min(o.seconds for o in report.outcomes if o.result == "approved") >= 90
    assert report.complete


@pytest.mark.parametrize("when", ["before", "after", "instead"])
@pytest.mark.parametrize("reveal", ["at-once", "never"])
@pytest.mark.parametrize("shape", ["A", "C"])
def test_a_foreign_connection_with_the_same_name_is_never_approved(colour, when, reveal, shape):
    """A foreign private endpoint with the endpoint's name is not approved, whenever its connection appears."""
    emulator = Emulator(shape=shape, reveal_private_endpoint_ids=reveal, foreign_connections=0)
    spec = spec_for(emulator)
    target = emulator.targets(emulator.account)["blob"]
    impostor = (
        "/subscriptions/99999999-9999-9999-9999-999999999999/resourceGroups/rg-evil"
        f"/providers/Microsoft.Network/privateEndpoints/{emulator.factory.name}.purview_blob"
    )

    def appear():
        emulator.add_connection(
            target,
            private_endpoint_id=impostor,
            description=f"Requested by DataFactory:{emulator.factory.name}, Name:purview_blob",
        )

    if when == "before":
        appear()
    colour.run(emulator, lambda client: client.create_all(spec))
    if when != "before":
        appear()
    if when == "instead":
        mine = next(c for c in emulator.connections(target) if c.endpoint == "purview_blob")
        emulator.remove(mine.id)
    report = colour.run(emulator, lambda client: client.approve(spec, timeout=20))
    assert strangers(emulator) == {"Pending"}
    result = results_by_group(report)["blob"]
    if when == "instead":
        assert result in {"failed", "ambiguous"}  # the factory shows its endpoint as Disconnected
    else:
        assert result == ("approved" if reveal == "at-once" else "ambiguous")


def test_imitated_connection_name_and_description_prove_nothing(colour, emulator):
    """Anyone can choose the name and the description of a connection."""
    target = emulator.targets(emulator.account)["queue"]
    emulator.add_connection(
        target,
        name=f"{emulator.factory.name}.purview_queue-0d5e8a5c-6b1e-4d8a-9f51-9d8f5b3c2a11",
        description=f"Requested by DataFactory:{emulator.factory.name}, Name:purview_queue",
    )
    spec, _ = create(colour, emulator)
    colour.run(emulator, lambda client: client.approve(spec))
    assert strangers(emulator) == {"Pending"}
    assert ours(emulator)["purview_queue"] == "Approved"


def test_a_longer_name_is_not_approved(colour, emulator):
    """The base name is a prefix of other endpoints' names, here and in other factories: only the exact name counts."""
    other = emulator.add_factory("df1-other")
    target = emulator.targets(emulator.account)["blob"]
    emulator.add_endpoint(other, "purview_blob", str(target), "blob", status="Pending")
    emulator.add_endpoint(
        emulator.factory, "purview_blob2", str(emulator.add_account("pv2")), "account", status="Pending"
    )
    spec, _ = create(colour, emulator)
    colour.run(emulator, lambda client: client.approve(spec))
    others = [c.status for c in emulator.connections() if c.factory == other or c.endpoint == "purview_blob2"]
    assert others == ["Pending", "Pending"]


def test_dry_run_writes_nothing(colour, emulator):
    """A dry run reports what would be approved, and sends no write."""
    spec, _ = create(colour, emulator)
    before = len(emulator.writes)
    report = colour.run(emulator, lambda client: client.approve(spec, dry_run=True))
    assert set(results_by_group(report).values()) == {"would-approve"}
    assert len(emulator.writes) == before
    assert not report.complete


def test_reject_rejects_the_factorys_connections(colour, emulator):
    """Reject finds connections as approve does, and a second call writes nothing."""
    spec, _ = create(colour, emulator)
    report = colour.run(emulator, lambda client: client.reject(spec))
    assert set(results_by_group(report).values()) == {"rejected"}
    assert set(ours(emulator).values()) == {"Rejected"}
    assert strangers(emulator) == {"Pending"}
    before = len(emulator.writes)
    again = colour.run(emulator, lambda client: client.reject(spec))
    assert set(results_by_group(again).values()) == {"rejected"}
    assert len(emulator.writes) == before


def test_reject_leaves_approved_connections_alone(colour, emulator):
    """Only pending connections are decided: an approved one is a conflict with a remedy."""
    spec, _ = create(colour, emulator, approve=True)
    report = colour.run(emulator, lambda client: client.reject(spec))
    assert set(results_by_group(report).values()) == {"conflict"}
    assert set(ours(emulator).values()) == {"Approved"}
    assert report.outcomes[0].error.message == (
        "The connection of 'purview' is already Approved, and only pending ones are rejected."
    )


def test_rejected_connection_cannot_be_approved(colour, emulator):
    """A rejected connection is reported with a remedy, while the others are approved."""
    spec, _ = create(colour, emulator)
    emulator.reject("purview_blob")
    report = colour.run(emulator, lambda client: client.approve(spec))
    assert results_by_group(report) == {
        "account": "approved",
        "blob": "failed",
        "queue": "approved",
        "namespace": "approved",
    }
    error = report.outcomes[1].error
    assert error.code == "not-approved"
    assert error.message == "The connection of 'purview_blob' is Rejected, and only pending ones can be decided."
    assert error.remedy == (
        "Replace the endpoint and approve the new one: create_all with Spec(replace_broken=True), or, if the "
        "factory still says Approved, delete_all and then create_all."
    )


def never_made(*names):
    return [
        f"Azure could not create the endpoint {name!r}, so no connection can be decided. Replace it and approve "
        "the new one: create_all with Spec(replace_broken=True), then repeat the call."
        for name in names
    ]


@pytest.mark.parametrize("reveal", ["at-once", "never"])
@pytest.mark.parametrize("verb", ["approve", "reject", "approve_many"])
def test_a_failed_endpoint_without_connection_is_not_waited_for(colour, reveal, verb):
    """Its step fails at once with a remedy, and the other connections are decided."""
    emulator = Emulator(reveal_private_endpoint_ids=reveal)
    spec = spec_for(emulator)
    emulator.inject(Fault.failed_provisioning(path="*/managedPrivateEndpoints/purview_namespace"))
    colour.run(emulator, lambda client: client.create_all(spec))
    without_our_connections(emulator, "purview_namespace")

    def decide(client):
        return client.approve_many([spec]) if verb == "approve_many" else getattr(client, verb)(spec)

    answer = colour.run(emulator, decide)
    report = answer.reports[0] if verb == "approve_many" else answer
    done = "rejected" if verb == "reject" else "approved"
    assert results_by_group(report) == {"account": done, "blob": done, "queue": done, "namespace": "failed"}
    assert [f"{o.error.message} {o.error.remedy}" for o in report.failures] == never_made("purview_namespace")
    assert report.failures[0].error.code == "provisioning-failed"
    assert report.failures[0].seconds < 1


@pytest.mark.parametrize("reveal", ["at-once", "never"])
def test_an_endpoint_that_fails_in_create_all_has_no_connection_to_approve(colour, reveal):
    """create_all reports its connection as approve does, whether or not Azure shows exact ids."""
    emulator = Emulator(reveal_private_endpoint_ids=reveal, connection_delay=1000 if reveal == "at-once" else 17)
    emulator.inject(Fault.failed_provisioning(path="*/managedPrivateEndpoints/purview_namespace"))
    report = colour.run(emulator, lambda client: client.create_all(spec_for(emulator), approve=True))
    made, connection = report.failures
    assert made.error.message.startswith("Azure accepted the endpoint 'purview_namespace' but could not create it")
    assert [f"{connection.error.message} {connection.error.remedy}"] == never_made("purview_namespace")
    assert [o.result for o in report.outcomes].count("approved") == 3


def test_a_failed_endpoint_with_a_connection_has_the_connections_state(colour, emulator):
    """A deletion that a lock stopped leaves the endpoint Failed (public code), and its connection unchanged."""
    spec = spec_for(emulator, groups=("account",))
    emulator.add_endpoint(emulator.factory, "purview", emulator.account, "account", provisioning_state="Failed")
    report = colour.run(emulator, lambda client: client.approve(spec))
    assert results_by_group(report) == {"account": "already-approved"}


@pytest.mark.parametrize("shape", ["A", "C", "D"])
def test_description_of_the_requester_is_kept(colour, shape):
    """Approving appends to the requester's description, wherever Azure takes a description."""
    emulator = Emulator(shape=shape)
    create(colour, emulator, approve=True)
    described = {c.endpoint: c.description for c in emulator.connections() if c.factory == emulator.factory}
    written = described["purview"]
    assert written.startswith("Requested by")
    assert written.endswith("; Approved with purview-mpe")


@pytest.mark.parametrize("answer", ["200", "201", "202", "202-empty"])
def test_an_empty_202_of_event_hubs_counts_as_approved(colour, answer):
    """Event Hubs may answer an approval with 202 and no body: the connection that it shows afterwards counts."""
    emulator = Emulator(namespace_approval=answer)
    _, report = create(colour, emulator, approve=True)
    assert report.complete
    assert ours(emulator)["purview_namespace"] == "Approved"


@pytest.mark.parametrize("accepted", ["private-endpoint", "connection", "either"])
def test_ingestion_takes_either_id(colour, accepted):
    """The ingestion call is sent with the private endpoint's id, then with the connection's."""
    emulator = Emulator(shape="C", ingestion_accepts=accepted)
    _, report = create(colour, emulator, approve=True)
    assert report.complete


def test_a_busy_storage_account_is_asked_again(colour):
    """Storage runs one private endpoint operation at a time: 409 is retried, and the two decisions go one by one."""
    emulator = Emulator(storage_busy=10)
    spec, _ = create(colour, emulator)
    report = colour.run(emulator, lambda client: client.approve(spec))
    assert set(results_by_group(report).values()) == {"approved"}


def test_targets_are_read_once_each_and_together(colour, emulator):
    """A round costs one list for the factory and one for each distinct target; the account costs one more."""
    spec, _ = create(colour, emulator, approve=True)
    before = len(emulator.requests)
    colour.run(emulator, lambda client: client.approve(spec))
    paths = [request.path.rpartition("/")[2] for request in emulator.requests[before:]]
    assert sorted(paths) == [
        "managedPrivateEndpoints",
        "privateEndpointConnections",
        "privateEndpointConnections",
        "privateEndpointConnections",
        "pv1",
    ]


class TestHandOff:
    """What this caller is not allowed to decide becomes a text that the target's owner can follow."""

    def test_forbidden_approvals_are_handed_off(self, colour, emulator):
        """A 403 on an approval ends as handed-off, and the text names the connection."""
        spec, _ = create(colour, emulator)
        report = colour.run(emulator, lambda client: client.approve(spec), roles=("reader",))
        assert set(results_by_group(report).values()) == {"handed-off"}
        assert report.succeeded
        assert not report.complete
        for connection in emulator.connections():
            command = f"az network private-endpoint-connection approve --id {connection.id}"
            assert (command in report.hand_off) == (connection.factory == emulator.factory)

    def test_create_all_hands_off_ahead_of_time(self, colour, emulator):
        """A requester without any right on the targets gets the text for their owners in the report."""
        _, report = create(colour, emulator)
        assert report.complete
        assert report.hand_off.startswith(
            "Please approve 4 private endpoint connections of the data factory 'df1' for the Purview account\n"
        )

    @pytest.mark.parametrize(
        ("guard", "code"),
        [("deny_by_policy", "policy-denied"), ("add_deny_assignment", "access-denied"), ("add_lock", "locked")],
    )
    def test_policy_deny_assignment_and_lock_have_distinct_codes(self, colour, emulator, guard, code):
        """Each of the three has its own error code, and the other connections are approved."""
        spec, _ = create(colour, emulator)
        storage = emulator.targets(emulator.account)["blob"]
        if guard == "add_lock":
            emulator.add_lock(storage, "ReadOnly")
        else:
            getattr(emulator, guard)(storage)
        report = colour.run(emulator, lambda client: client.approve(spec))
        assert results_by_group(report) == {
            "account": "approved",
            "blob": "handed-off",
            "queue": "handed-off",
            "namespace": "approved",
        }
        assert report.outcomes[1].error.code == code


class TestTwoPeople:
    """The requester and the approver are two people with disjoint rights."""

    def test_report_carries_the_exact_ids_to_the_approver(self, colour, emulator):
        """An approver without any right on the factory approves from the requester's report."""
        spec = spec_for(emulator)
        report = colour.run(emulator, lambda client: client.create_all(spec), roles=("requester",))
        handed = Report.model_validate_json(json.dumps(json.loads(report.model_dump_json())))
        approval = colour.run(emulator, lambda client: client.approve(handed), roles=("approver",))
        assert set(results_by_group(approval).values()) == {"approved"}
        assert {o.matched_by for o in approval.outcomes} == {"private-endpoint-id"}
        assert not any("DataFactory" in r.path for r in emulator.requests if r.method != "GET" and r.status == 403)

    def test_report_without_ids_is_not_completed_by_guessing(self, colour):
        """From a report only exact ids are accepted."""
        emulator = Emulator(reveal_private_endpoint_ids="never")
        _, report = create(colour, emulator)
        approval = colour.run(emulator, lambda client: client.approve(report), roles=("approver",))
        assert set(results_by_group(approval).values()) == {"ambiguous"}
        assert set(ours(emulator).values()) == {"Pending"}
        assert "the report shows no private endpoint called" in approval.outcomes[0].error.message

    def test_approver_without_the_factory_matches_names_with_a_warning(self, colour, emulator):
        """Without the factory and without a report, one match per target, all in one resource group, is accepted."""
        spec, _ = create(colour, emulator)
        report = colour.run(emulator, lambda client: client.approve(spec), roles=("approver",))
        assert set(results_by_group(report).values()) == {"approved"}
        assert {o.matched_by for o in report.outcomes} == {"name"}
        assert [finding.code for finding in report.warnings] == ["matched-by-name"]

    @pytest.mark.parametrize("group_id", ["account", "blob", "queue", "namespace"])
    def test_two_connections_of_one_name_stop_an_approver_without_the_factory(self, colour, emulator, group_id):
        """If any target shows two connections with the endpoint's name, none is approved by name."""
        spec, _ = create(colour, emulator)
        name = spec.name_of(group_id)
        emulator.add_connection(
            emulator.targets(emulator.account)[group_id],
            private_endpoint_id="/subscriptions/99999999-9999-9999-9999-999999999999/resourceGroups/rg"
            f"/providers/Microsoft.Network/privateEndpoints/DF1.{name.upper()}",
        )
        report = colour.run(emulator, lambda client: client.approve(spec), roles=("approver",))
        assert set(results_by_group(report).values()) == {"ambiguous"}
        assert set(ours(emulator).values()) == {"Pending"}

    def test_approver_of_one_target_alone_gets_a_hand_off(self, colour, emulator):
        """Without the factory, and with only some targets readable, a name proves nothing."""
        spec, _ = create(colour, emulator)
        storage = emulator.targets(emulator.account)["blob"]
        report = colour.run(
            emulator,
            lambda client: client.approve(spec),
            roles=(("Storage Account Contributor", storage), ("Reader", emulator.account)),
        )
        assert set(ours(emulator).values()) == {"Pending"}
        assert results_by_group(report)["namespace"] == "handed-off"
        assert results_by_group(report)["blob"] == "ambiguous"
        assert report.hand_off is not None


class TestOddities:
    """Unusual conditions: each connection has a clear outcome, and the other ones are decided."""

    def test_approve_without_endpoints_reports_each_as_absent(self, colour, emulator):
        """The call returns at once."""
        spec = spec_for(emulator)
        report = colour.run(emulator, lambda client: client.approve(spec))
        assert set(results_by_group(report).values()) == {"absent"}
        assert report.outcomes[1].error.message == (
            "No endpoint 'purview_blob' has a connection that could be decided."
        )
        assert not report.complete

    def test_connection_that_never_appears_times_out(self, colour):
        """The deadline holds, and the error code says that waiting timed out."""
        emulator = Emulator(connection_delay=4000)
        spec, _ = create(colour, emulator, wait=False)
        began = emulator.clock.elapsed
        report = colour.run(emulator, lambda client: client.approve(spec, timeout=60))
        assert set(results_by_group(report).values()) == {"timed-out"}
        assert emulator.clock.elapsed - began <= 75
        assert report.outcomes[0].error.code == "wait-timed-out"

    def test_wait_false_reads_each_target_once(self, colour):
        """With wait=False a connection that does not exist yet is absent."""
        emulator = Emulator(connection_delay=4000)
        spec, _ = create(colour, emulator, wait=False)
        before = emulator.clock.elapsed
        report = colour.run(emulator, lambda client: client.approve(spec, wait=False))
        assert set(results_by_group(report).values()) == {"absent"}
        assert emulator.clock.elapsed == before

    def test_a_deleted_target_fails_only_its_own_steps(self, colour, emulator):
        """The connections on the other targets are approved."""
        spec, _ = create(colour, emulator)
        emulator.remove(emulator.targets(emulator.account)["namespace"])
        report = colour.run(emulator, lambda client: client.approve(spec))
        assert results_by_group(report) == {
            "account": "approved",
            "blob": "approved",
            "queue": "approved",
            "namespace": "failed",
        }
        assert report.outcomes[3].error.code == "not-found"

    def test_one_html_answer_to_a_list_is_retried(self, colour, emulator):
        """A proxy's page in place of one list does not end the approval."""
        spec, _ = create(colour, emulator)
        emulator.inject(Fault.body("GET", "<html>Sign in</html>", path="storageAccounts"))
        report = colour.run(emulator, lambda client: client.approve(spec))
        assert set(results_by_group(report).values()) == {"approved"}

    def test_html_after_an_approval_is_read_back(self, colour, emulator):
        """The answer to the approval does not count: the target is read again."""
        spec, _ = create(colour, emulator)
        emulator.inject(Fault.body("PUT", "<html></html>", path="privateEndpointConnections", times=3))
        report = colour.run(emulator, lambda client: client.approve(spec))
        assert set(results_by_group(report).values()) == {"approved"}

    def test_approve_fails_if_the_factory_was_deleted(self, colour, emulator):
        """The error says that the factory was not found, and no connection is approved."""
        spec, _ = create(colour, emulator)
        emulator.remove(emulator.factory)
        before = len(emulator.writes)
        report = colour.run(emulator, lambda client: client.approve(spec))
        assert set(results_by_group(report).values()) == {"failed"}
        assert {outcome.error.code for outcome in report.outcomes} == {"not-found"}
        assert "factories/df1' under resource group 'rg1' was not found" in report.outcomes[0].error.message
        assert len(emulator.writes) == before

    def test_ids_compare_without_letter_case(self, colour, emulator):
        """A spec in odd letter case approves the same connections."""
        create(colour, emulator)
        odd = spec_for(emulator).model_copy(
            update={"factory": str(emulator.factory).upper().replace("/SUBSCRIPTIONS", "/subscriptions")}
        )
        assert ArmId.parse(odd.factory) == emulator.factory
        report = colour.run(emulator, lambda client: client.approve(odd))
        assert set(results_by_group(report).values()) == {"approved"}


# --- what a dry run foresees


@pytest.mark.parametrize("door", ["approve", "reject", "approve_many"])
@pytest.mark.parametrize("shape", ["A", "C"])
def test_dry_run_hands_off_what_this_caller_cannot_decide(colour, door, shape):
    """The permissions on each target are read, so that a decision Azure would refuse is handed off."""
    emulator = Emulator(shape=shape)
    spec, _ = create(colour, emulator)
    emulator.clear_requests()
    report = dry_run(colour, emulator, spec, door, ("Reader",))
    assert set(results_by_group(report).values()) == {"handed-off"}
    assert report.hand_off.startswith("Please reject " if door == "reject" else "Please approve ")
    assert not report.complete
    assert {outcome.error.code for outcome in report.outcomes} == {"access-denied"}
    assert report.outcomes[0].error.message == (
        "This caller is not allowed to decide on the connection of 'purview' on 'pv1': its permissions there do not "
        "include Microsoft.Purview/accounts/privateEndpointConnections/write and "
        "Microsoft.Purview/accounts/PrivateEndpointConnectionsApproval/action."
    )
    assert report.outcomes[0].error.remedy == (
        "Ask an owner for the role Contributor: az role assignment create --role 'Contributor' --assignee YOU --scope "
        f"{emulator.account}"
    )
    assert {outcome.matched_by for outcome in report.outcomes} == {"private-endpoint-id"}
    assert emulator.writes == []


@pytest.mark.parametrize("door", ["approve", "reject", "approve_many"])
def test_dry_run_reads_the_permissions_of_each_target(colour, emulator, door):
    """With rights on the account alone, only the account's own connection would be approved."""
    spec, _ = create(colour, emulator)
    report = dry_run(colour, emulator, spec, door, ("Reader", ("Contributor", emulator.account)))
    assert set(results_by_group(report).values()) == {
        "would-reject" if door == "reject" else "would-approve",
        "handed-off",
    }
    assert results_by_group(report)["account"].startswith("would-")


def test_dry_run_without_readable_permissions_says_would_approve(colour, emulator):
    """Permissions that cannot be read prove nothing."""
    spec, _ = create(colour, emulator)
    emulator.inject(Fault.status("GET", 403, path="*/Microsoft.Authorization/permissions", times=None))
    report = dry_run(colour, emulator, spec, "approve", ("Reader",))
    assert set(results_by_group(report).values()) == {"would-approve"}


def dry_run(colour, emulator, spec, door, roles):
    done = colour.run(
        emulator,
        lambda client: getattr(client, door)([spec] if door == "approve_many" else spec, dry_run=True),
        roles=roles,
    )
    return done.reports[0] if door == "approve_many" else done


# --- policies that require the private endpoint


def bodies_of_decisions(emulator) -> list[dict[str, Any]]:
    bodies: list[dict[str, Any]] = []

    def keep(exchange) -> None:
        if exchange.method == "PUT" and "privateendpointconnections" in exchange.url.casefold():
            bodies.append(json.loads(exchange.content)["properties"])

    emulator.observe(keep)
    return bodies


@pytest.mark.parametrize("door", ["approve", "reject", "approve_many"])
@pytest.mark.parametrize("group_id", ["account", "blob", "namespace"])
def test_a_policy_that_requires_the_private_endpoint_gets_its_id(colour, emulator, door, group_id):
    """Microsoft's published policies refuse a body without it, so a second request carries the id."""
    spec = spec_for(emulator, groups=(group_id,))
    colour.run(emulator, lambda client: client.create_all(spec))
    bodies = bodies_of_decisions(emulator)
    emulator.inject(Fault.policy("PUT", path="/privateEndpointConnections/"))
    given = [spec] if door == "approve_many" else spec
    done = colour.run(emulator, lambda client: getattr(client, door)(given))
    assert [outcome.result for outcome in done.outcomes] == ["rejected" if door == "reject" else "approved"]
    [connection] = [one for one in emulator.connections() if one.endpoint]
    assert [body.get("privateEndpoint") for body in bodies] == [None, {"id": connection.private_endpoint_id}]


def test_a_policy_that_refuses_both_bodies_is_handed_off(colour, emulator):
    """Two requests are sent, and the report hands the decision off."""
    spec = spec_for(emulator, groups=("blob",))
    colour.run(emulator, lambda client: client.create_all(spec))
    emulator.clear_requests()
    emulator.inject(Fault.policy("PUT", path="/privateEndpointConnections/", times=None))
    report = colour.run(emulator, lambda client: client.approve(spec))
    assert results_by_group(report) == {"blob": "handed-off"}
    assert report.outcomes[0].error.code == "policy-denied"
    assert len(emulator.writes) == 2


def test_without_a_policy_the_body_holds_the_decision_alone(colour, emulator):
    """Azure's specs mark the private endpoint of a connection read-only, so it is sent only after a policy refusal."""
    spec, _ = create(colour, emulator)
    bodies = bodies_of_decisions(emulator)
    colour.run(emulator, lambda client: client.approve(spec))
    assert [set(body) for body in bodies] == [{"privateLinkServiceConnectionState"}] * 4


def test_a_404_of_the_endpoint_list_is_a_failure_if_the_network_exists(colour, emulator):
    """It does not mean that the factory has no endpoints."""
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec)).raise_for_failures()
    emulator.inject(Fault.status("GET", 404, path="*/managedPrivateEndpoints", times=None, code="ResourceNotFound"))
    report = colour.run(emulator, lambda client: client.approve(spec, timeout=60))
    assert {(outcome.result, outcome.error.status) for outcome in report.outcomes} == {("failed", 404)}
    assert not [request for request in emulator.writes if "/privateEndpointConnections/" in request.path]
