"""grant and revoke: the factory's identity as Data Curator on the root collection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from purview_mpe import Client, Retry, Spec
from purview_mpe.emulator import Answers, Emulator, Fault
from tests.support.colours import spec_for


def unconnected(emulator: Emulator):
    """The spec of a factory with an identity that holds no role."""
    return spec_for(emulator, factory=str(emulator.add_factory("df2")))


def outcome(report):
    [only] = report.outcomes
    return only


def test_the_identity_becomes_data_curator(colour, emulator):
    """One policy is written, read back, and a second call writes nothing."""
    spec = unconnected(emulator)
    report = colour.run(emulator, lambda client: client.grant(spec))
    assert (outcome(report).subject, outcome(report).result, report.complete) == ("data-curator", "granted", True)
    assert len(emulator.catalog.members("data-curator")) == 3
    before = len(emulator.writes)
    report = colour.run(emulator, lambda client: client.grant(spec))
    assert (outcome(report).result, len(emulator.writes)) == ("already-granted", before)


def test_a_dry_run_of_grant_writes_nothing(colour, emulator):
    """It says what would be done."""
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator), dry_run=True))
    assert outcome(report).result == "would-grant"
    assert not emulator.writes


def test_revoke_restores_the_policy(colour, emulator):
    """Everything but the version is as it was before the grant."""
    before = emulator.catalog.policy()["properties"]
    spec = unconnected(emulator)
    colour.run(emulator, lambda client: client.grant(spec))
    report = colour.run(emulator, lambda client: client.revoke(spec))
    assert outcome(report).result == "revoked"
    assert emulator.catalog.policy()["properties"] == before
    assert outcome(colour.run(emulator, lambda client: client.revoke(spec))).result == "absent"


def test_a_caller_without_the_right_hands_off(colour, emulator):
    """The text says which role can do it and where, and holds a script; nothing is written."""
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)), roles=("Reader",))
    assert (outcome(report).result, report.complete) == ("handed-off", False)
    assert "not a collection administrator" in report.hand_off
    assert "az rest" in report.hand_off
    assert len(emulator.catalog.members("data-curator")) == 2


@pytest.mark.parametrize("closed_account", ["403", "reset"])
def test_a_caller_outside_the_network_hands_off(colour, closed_account):
    """After at most two requests to a closed account's data plane the caller counts as outside the network."""
    emulator = Emulator(inside_network=False, answers=Answers(closed_account=closed_account))
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator), become_admin=True))
    assert outcome(report).result == "handed-off"
    assert "inside the network" in report.hand_off
    assert outcome(report).error.remedy.startswith("Run this from inside the account's private network")
    asked = [request for request in emulator.requests if "policystore" in request.path]
    assert len(asked) <= 2
    assert not emulator.writes


def test_one_broken_connection_inside_the_network_is_retried(colour, emulator):
    """The read is repeated."""
    emulator.inject(Fault.reset("GET", path="*policystore*", times=1))
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)))
    assert outcome(report).result == "granted"


def test_an_open_account_is_reachable_from_outside(colour):
    """Only a closed account requires a caller inside the network."""
    emulator = Emulator(firewall="disabled-for-ingestion-only", inside_network=False)
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)))
    assert outcome(report).result == "granted"


@pytest.mark.parametrize(
    "fault",
    [{"status": 429, "retry_after": 20}, {"status": 409, "code": "AnotherOperationInProgress"}, {"status": 503}],
)
def test_become_admin_is_retried(colour, emulator, fault):
    """A busy account, throttling or a short failure does not end the grant: the same request again is harmless."""
    spec = unconnected(emulator)
    emulator.inject(Fault.status("POST", path="*/addRootCollectionAdmin", times=2, **fault))
    report = colour.run(emulator, lambda client: client.grant(spec, become_admin=True), roles=("Owner",))
    assert (outcome(report).result, report.complete) == ("granted", True)


def test_become_admin_is_reported(colour, emulator):
    """The caller becomes a collection administrator first, and a warning says so and how to undo it."""
    report = colour.run(
        emulator, lambda client: client.grant(unconnected(emulator), become_admin=True), roles=("Owner",)
    )
    assert outcome(report).result == "granted"
    assert [finding.code for finding in report.warnings] == ["became-collection-admin"]
    assert "Remove the caller" in report.warnings[0].remedy


def dry_run(client, emulator):
    return client.grant(unconnected(emulator), become_admin=True, dry_run=True)


def test_a_dry_run_warns_that_the_caller_would_become_admin(colour, emulator):
    """The real run grants, so the dry run predicts it, and a warning names this second change."""
    report = colour.run(emulator, lambda client: dry_run(client, emulator), roles=("Owner",))
    assert outcome(report).result == "would-grant"
    assert [finding.code for finding in report.warnings] == ["would-become-collection-admin"]
    assert report.hand_off is None
    assert not emulator.writes


def test_a_dry_run_hands_off_if_the_caller_cannot_become_admin(colour, emulator):
    """A Reader lacks the right, so that the real run hands off, too."""
    report = colour.run(emulator, lambda client: dry_run(client, emulator), roles=("Reader",))
    assert (outcome(report).result, report.warnings) == ("handed-off", ())


def test_revoke_without_the_right_hands_off_a_script(colour, emulator):
    """The script removes the identity."""
    report = colour.run(emulator, lambda client: client.revoke(spec_for(emulator)), roles=("Reader",))
    assert outcome(report).result == "handed-off"
    assert "decide take <<<" in report.hand_off


def test_a_refused_become_admin_names_the_missing_role(colour, emulator):
    """The account is closed, but Azure Resource Manager sent the refusal: another network does not help."""
    report = colour.run(
        emulator, lambda client: client.grant(unconnected(emulator), become_admin=True), roles=("Reader",)
    )
    assert outcome(report).result == "handed-off"
    assert outcome(report).error.remedy.startswith("Ask an owner for the role Owner")
    assert "not a collection administrator" in report.hand_off


def test_become_admin_without_an_answer_from_azure_is_a_failure(colour, emulator):
    """It is not known whether the caller has the right."""
    emulator.inject(Fault.reset("POST", path="*/addRootCollectionAdmin", times=None))
    report = colour.run(
        emulator, lambda client: client.grant(unconnected(emulator), become_admin=True), roles=("Owner",)
    )
    assert (outcome(report).result, outcome(report).error.code) == ("failed", "no-answer")
    assert report.hand_off is None


def test_become_admin_without_the_right_is_a_failure(colour, emulator):
    """A Reader cannot become an administrator."""
    report = colour.run(
        emulator, lambda client: client.grant(unconnected(emulator), become_admin=True), roles=("Reader",)
    )
    assert outcome(report).result in {"failed", "handed-off"}
    assert not report.complete
    assert len(emulator.catalog.members("data-curator")) == 2


def test_a_factory_without_identity_cannot_get_the_role(colour, emulator):
    """The remedy names the verb that turns the identity on."""
    bare = emulator.add_factory(body={"id": str(emulator.factory).replace("df1", "bare"), "properties": {}})
    report = colour.run(emulator, lambda client: client.grant(spec_for(emulator, factory=str(bare))))
    assert outcome(report).error.code == "no-system-identity"
    assert "identity=True" in outcome(report).error.remedy


def test_a_stale_write_is_repeated(colour, emulator):
    """A policy that another caller has changed is read again and written again."""
    emulator.inject(Fault.status("PUT", 400, code="1002", message="Etag did not match.", path="*policystore*", times=3))
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)))
    assert outcome(report).result == "granted"


def test_an_identity_unknown_to_purview_is_retried(colour, emulator):
    """The write is repeated, with longer and longer pauses, until Purview knows the identity."""
    emulator.inject(_unknown_principal(times=3))
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)))
    assert outcome(report).result == "granted"
    assert len([one for one in emulator.writes if "/metadataPolicies/" in one.path]) == 4


def test_an_identity_that_stays_unknown_times_out_after_few_writes(colour, emulator):
    """The report says what Purview answered."""
    emulator.inject(_unknown_principal(times=None))
    began = emulator.clock.now()
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)))
    assert outcome(report).result == "timed-out"
    assert "principal not found" in report.outcomes[0].error.message
    assert len([one for one in emulator.writes if "/metadataPolicies/" in one.path]) <= 15
    assert 240 <= emulator.clock.now() - began <= 300


def _unknown_principal(times):
    return Fault.status(
        "PUT", 400, path="/metadataPolicies/", times=times, code="1004", message="The principal not found."
    )


def test_a_lost_answer_is_read_back(colour, emulator):
    """The policy is read to find out whether the write worked."""
    emulator.inject(Fault.reset("PUT", before=False, path="*policystore*", times=1))
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)))
    assert outcome(report).result == "granted"
    assert len(emulator.catalog.members("data-curator")) == 3


def policy_writes(emulator: Emulator):
    return [one for one in emulator.requests if one.method == "PUT" and "/metadataPolicies/" in one.path]


def put_fault(kind):
    """A failure of the policy's PUT that never ends."""
    if kind == "reset":
        return Fault.reset("PUT", path="*policystore*", times=None)
    return Fault.status("PUT", kind, path="*policystore*", times=None)


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("kind", [503, 429, "reset"])
def test_a_failing_write_is_repeated_up_to_the_retry_limit(colour, emulator, kind, attempts):
    """`Retry` counts all attempts; then the failure is reported."""
    emulator.inject(put_fault(kind))
    retry = Retry(attempts=attempts, backoff=0)
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)), retry=retry)
    assert not report.complete
    assert outcome(report).error.status == (None if kind == "reset" else kind)
    assert len(policy_writes(emulator)) == attempts


def test_a_lost_answer_to_the_last_write_is_read_back(colour, emulator):
    """The write may have worked, even if it was the last attempt."""
    emulator.inject(Fault.reset("PUT", before=False, path="*policystore*", times=1))
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)), retry=Retry(attempts=1))
    assert outcome(report).result == "granted"
    assert len(policy_writes(emulator)) == 1


def test_a_failing_write_that_cannot_be_read_back_is_reported(colour, emulator):
    """The write's error explains more than the read's."""
    emulator.inject(put_fault(503))
    emulator.inject(Fault.rewrite("GET", lambda body: body, path="*policystore*", times=1))
    emulator.inject(Fault.status("GET", 500, path="*policystore*", times=None))
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)), retry=Retry(attempts=1))
    assert (outcome(report).result, outcome(report).error.status) == ("failed", 503)


STALE = {"code": "1002", "message": "Etag did not match.", "path": "*policystore*", "times": None}


def test_endless_stale_writes_time_out(colour, emulator):
    """The remedy says that another caller keeps writing the policy."""
    emulator.inject(Fault.status("PUT", 400, **STALE))
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator), timeout=20))
    assert outcome(report).result == "timed-out"
    assert "who else keeps writing the policy" in outcome(report).error.remedy


def test_stale_writes_end_after_sixty_attempts(colour, emulator):
    """With time left, the result is a failure with Azure's answer and the same remedy."""
    emulator.inject(Fault.status("PUT", 400, **STALE))
    report = colour.run(
        emulator, lambda client: client.grant(unconnected(emulator), timeout=86400), retry=Retry(backoff=0.1)
    )
    assert (outcome(report).result, outcome(report).error.azure_code) == ("failed", "1002")
    assert "who else keeps writing the policy" in outcome(report).error.remedy
    assert len(policy_writes(emulator)) == 60


def test_an_account_that_is_being_created_is_waited_for(colour):
    """Purview refuses every request until the account's root policy exists."""
    emulator = Emulator(empty=True)
    account = emulator.add_account("pv2", creating=True)
    factory = emulator.add_factory("df2", managed_vnet=False)
    spec = Spec(factory=str(factory), account=str(account), name="purview")
    report = colour.run(emulator, lambda client: client.grant(spec, timeout=3600))
    assert outcome(report).result == "granted"
    assert any(one.status == 409 for one in emulator.requests if "policystore" in one.path)


def test_an_account_that_stays_in_creation_times_out(colour, emulator):
    """The report says what Purview answered."""
    not_ready = Fault.status("GET", 409, code="AccountNotReady", message="x", path="*policystore*", times=None)
    emulator.inject(not_ready)
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator), timeout=60))
    assert outcome(report).result == "timed-out"
    assert "AccountNotReady" in outcome(report).error.message
    assert "has been created" in outcome(report).error.remedy


@pytest.mark.parametrize("stale_policy", ["1002", "409", "412", "accepted"])
def test_concurrent_grants_in_one_process_lose_nothing(stale_policy):
    """Eight clients in eight threads: all eight identities have the role in the end."""
    emulator = Emulator(answers=Answers(stale_policy=stale_policy))
    specs = [spec_for(emulator, factory=str(emulator.add_factory(f"df-{n}"))) for n in range(8)]

    def granted(spec):
        with Client(emulator.credential, transport=emulator.transport()) as client:
            return outcome(client.grant(spec)).result

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(granted, specs)) == {"granted"}
    assert len(emulator.catalog.members("data-curator")) == 10


@pytest.mark.parametrize(
    "host", ["https://evil.example", "https://pv1.purview.azure.com.evil.example", "http://pv1.purview.azure.com"]
)
def test_no_token_is_sent_to_a_foreign_host(colour, emulator, host):
    """A data-plane host that is not Purview's is not contacted."""

    def elsewhere(body):
        body["properties"]["endpoints"] = {"catalog": f"{host}/catalog"}
        return body

    emulator.inject(Fault.rewrite("GET", elsewhere, path="*/accounts/pv1", times=None))
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)))
    assert not report.complete
    assert all("policystore" not in request.path for request in emulator.requests)
