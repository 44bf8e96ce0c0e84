"""grant and revoke: the factory's identity as Data Curator on the root collection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from purview_mpe import Client
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


def test_a_dry_run_writes_nothing(colour, emulator):
    """It says what would be done."""
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator), dry_run=True))
    assert outcome(report).result == "would-grant"
    assert not emulator.writes


def test_revoking_gives_the_policy_back(colour, emulator):
    """Everything but the version is as it was before the role was given."""
    before = emulator.catalog.policy()["properties"]
    spec = unconnected(emulator)
    colour.run(emulator, lambda client: client.grant(spec))
    report = colour.run(emulator, lambda client: client.revoke(spec))
    assert outcome(report).result == "revoked"
    assert emulator.catalog.policy()["properties"] == before
    assert outcome(colour.run(emulator, lambda client: client.revoke(spec))).result == "absent"


def test_without_the_role_it_is_handed_off(colour, emulator):
    """The text names who can do it, where, and holds a script; nothing is written."""
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)), roles=("Reader",))
    assert (outcome(report).result, report.complete) == ("handed-off", False)
    assert "not a collection administrator" in report.hand_off
    assert "az rest" in report.hand_off
    assert len(emulator.catalog.members("data-curator")) == 2


def test_outside_the_network_it_is_handed_off(colour):
    """At most two requests reach a closed account's data plane before the caller is taken to be outside."""
    emulator = Emulator(inside_network=False)
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator), become_admin=True))
    assert outcome(report).result == "handed-off"
    assert "inside the network" in report.hand_off
    asked = [request for request in emulator.requests if "policystore" in request.path]
    assert len(asked) <= 2
    assert not emulator.writes


def test_an_open_account_is_reached_from_outside(colour):
    """Only a closed account asks where the caller is."""
    emulator = Emulator(firewall="disabled-for-ingestion-only", inside_network=False)
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)))
    assert outcome(report).result == "granted"


def test_become_admin_is_asked_for_and_reported(colour, emulator):
    """The caller is made a collection administrator first, and a warning says so and how to undo it."""
    report = colour.run(
        emulator, lambda client: client.grant(unconnected(emulator), become_admin=True), roles=("Owner",)
    )
    assert outcome(report).result == "granted"
    assert [finding.code for finding in report.warnings] == ["became-collection-admin"]
    assert "Remove the caller" in report.warnings[0].remedy


def test_become_admin_without_the_right_is_a_failure(colour, emulator):
    """A Reader cannot become an administrator."""
    report = colour.run(
        emulator, lambda client: client.grant(unconnected(emulator), become_admin=True), roles=("Reader",)
    )
    assert outcome(report).result in {"failed", "handed-off"}
    assert not report.complete
    assert len(emulator.catalog.members("data-curator")) == 2


def test_a_factory_without_identity_has_nothing_to_give_the_role_to(colour, emulator):
    """The remedy names the verb that switches it on."""
    bare = emulator.add_factory(body={"id": str(emulator.factory).replace("df1", "bare"), "properties": {}})
    report = colour.run(emulator, lambda client: client.grant(spec_for(emulator, factory=str(bare))))
    assert outcome(report).error.code == "no-system-identity"
    assert "identity=True" in outcome(report).error.remedy


def test_a_stale_write_is_repeated(colour, emulator):
    """A policy that another caller has changed is read again and written again."""
    emulator.inject(Fault.status("PUT", 400, code="1002", message="Etag did not match.", path="*policystore*", times=3))
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)))
    assert outcome(report).result == "granted"


def test_an_identity_that_purview_learns_of_later_is_granted(colour, emulator):
    """The write is repeated, with longer and longer pauses, until Purview knows the identity."""
    emulator.inject(_unknown_principal(times=3))
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)))
    assert outcome(report).result == "granted"
    assert len([one for one in emulator.writes if "/metadataPolicies/" in one.path]) == 4


def test_an_identity_that_purview_never_knows_costs_few_writes(colour, emulator):
    """The time runs out first, and the report says what Purview answered."""
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


def test_an_answer_that_is_lost_is_read_back(colour, emulator):
    """Whether the write went through is read, not guessed."""
    emulator.inject(Fault.reset("PUT", before=False, path="*policystore*", times=1))
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)))
    assert outcome(report).result == "granted"
    assert len(emulator.catalog.members("data-curator")) == 3


@pytest.mark.parametrize("stale_policy", ["1002", "409", "412", "accepted"])
def test_grants_at_once_in_one_process_lose_nothing(stale_policy):
    """Eight clients in eight threads: all eight identities are there in the end."""
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
def test_no_token_goes_to_a_strange_host(colour, emulator, host):
    """An account that names another host is not followed there."""

    def elsewhere(body):
        body["properties"]["endpoints"] = {"catalog": f"{host}/catalog"}
        return body

    emulator.inject(Fault.rewrite("GET", elsewhere, path="*/accounts/pv1", times=None))
    report = colour.run(emulator, lambda client: client.grant(unconnected(emulator)))
    assert not report.complete
    assert all("policystore" not in request.path for request in emulator.requests)
