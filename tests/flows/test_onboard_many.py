"""onboard_many: a fleet from bare factories to working lineage, with few writes to each account's policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from purview_mpe import FleetReport, Spec
from purview_mpe.emulator import Answers, Emulator, Fault

if TYPE_CHECKING:
    from tests.support.colours import Colour

BARE = {"managed_vnet": False, "identity": False}
SUBJECTS = ["identity", "connection", "managed-network", "runtime", "endpoint", "data-curator"]


def fleet(count: int, accounts: int = 1, **options) -> tuple[Emulator, list[Spec]]:
    """The given number of bare factories, which share the accounts in turn."""
    emulator = Emulator(empty=True, **options)
    shared = [str(emulator.add_account(f"contoso{number}")) for number in range(accounts)]
    factories = [str(emulator.add_factory(f"adf-{number}", **BARE)) for number in range(count)]
    return emulator, [
        Spec(factory=factory, account=shared[number % accounts], name="purview")
        for number, factory in enumerate(factories)
    ]


def onboard(colour: Colour, emulator: Emulator, specs: list[Spec], **options) -> FleetReport:
    return colour.run(emulator, lambda client: client.onboard_many(specs, approve=True, **options))


def policy_writes(emulator: Emulator) -> list[int | None]:
    return [one.status for one in emulator.writes if "/metadataPolicies/" in one.path]


def roles(report: FleetReport) -> list[str]:
    return [one.result for one in report.outcomes if one.subject == "data-curator"]


def test_every_factory_is_onboarded(colour):
    """Each report is what `onboard` gives; everything is in place, and a second call writes nothing."""
    emulator, specs = fleet(5, accounts=2)
    report = onboard(colour, emulator, specs)
    assert report.complete
    assert [one.verb for one in report.reports] == ["onboard"] * 5
    for one in report.reports:
        assert list(dict.fromkeys(outcome.subject for outcome in one.outcomes)) == SUBJECTS
    for spec in specs:
        assert colour.run(emulator, lambda client, spec=spec: client.check(spec)).ok
        assert emulator.identity_of(spec.factory) in emulator.catalog.members("data-curator", spec.account)
    assert policy_writes(emulator) == [200, 200]
    before = len(emulator.writes)
    assert onboard(colour, emulator, specs).complete
    assert len(emulator.writes) == before


@pytest.mark.untraced
def test_a_hundred_factories_write_the_policy_a_few_times(colour):
    """At most five writes, although Azure's limits delay the factories one after the other."""
    emulator, specs = fleet(100, enforce_limits=True, latency=0.2, request_log=None)
    specs = [spec.model_copy(update={"groups": ("account",)}) for spec in specs]
    report = colour.run(emulator, lambda client: client.onboard_many(specs))
    assert roles(report) == ["granted"] * 100
    assert len(policy_writes(emulator)) <= 5
    assert len(emulator.catalog.members("data-curator", specs[0].account)) == 101


def test_a_slow_factory_does_not_delay_the_others(colour):
    """Identities that are ready get the role without it."""
    emulator, specs = fleet(3)
    began = emulator.clock.now()
    emulator.inject(Fault.delay("PUT", 400, path="/factories/adf-1"))
    finished: dict[str, float] = {}

    def on_event(event):
        if event.kind == "finished" and event.factory:
            finished[event.factory] = emulator.clock.now() - began

    report = colour.run(
        emulator, lambda client: client.onboard_many(specs, approve=True), on_event=on_event, read_timeout=600
    )
    assert report.complete
    assert max(finished[specs[0].factory], finished[specs[2].factory]) < 200
    assert finished[specs[1].factory] >= 400
    assert len(policy_writes(emulator)) == 2


def test_one_failure_stops_no_other_factory(colour):
    """A factory that cannot be written has no identity; the others are complete."""
    emulator, specs = fleet(3)
    emulator.add_lock(specs[1].factory, "ReadOnly")
    report = onboard(colour, emulator, specs)
    assert [one.complete for one in report.reports] == [True, False, True]
    assert roles(report) == ["granted", "failed", "granted"]
    assert policy_writes(emulator) == [200]


def test_a_missing_account_fails_only_its_own_factories(colour):
    """The other factories are onboarded."""
    emulator, specs = fleet(3)
    began = emulator.clock.now()
    missing = str(specs[1].account).replace("contoso0", "nothere")
    specs[1] = specs[1].model_copy(update={"account": missing})
    report = onboard(colour, emulator, specs)
    assert [one.complete for one in report.reports] == [True, False, True]
    assert emulator.clock.now() - began < 110


def test_an_unknown_identity_does_not_delay_the_others(colour):
    """Purview refuses one identity of a batch; the others are written without it."""
    emulator, specs = fleet(4, answers=Answers(unknown_principal="refused"))
    emulator.inject(
        Fault.status("PUT", 400, path="/metadataPolicies/", times=1, code="1004", message="principal not found")
    )
    report = onboard(colour, emulator, specs)
    assert report.complete
    assert policy_writes(emulator) == [400, 200, 200]


def test_without_the_right_only_the_role_is_handed_off(colour):
    """Each factory's hand-off names only its own identity, and the policy is requested at most twice."""
    emulator, specs = fleet(3, inside_network=False)
    report = onboard(colour, emulator, specs)
    assert roles(report) == ["handed-off"] * 3
    for one in report.reports:
        assert not one.complete
        assert one.succeeded
        assert emulator.identity_of(one.spec.factory) in (one.hand_off or "")
        others = [spec.factory for spec in specs if spec != one.spec]
        assert not any(emulator.identity_of(other) in (one.hand_off or "") for other in others)
    assert len([one for one in emulator.requests if "/metadataPolicies" in one.path]) <= 2


def test_without_grant_no_policy_is_read(colour):
    """What was requested is done, the reports are not complete, and `resume` skips the factories."""
    emulator, specs = fleet(2)
    report = onboard(colour, emulator, specs, grant=False)
    report.raise_for_failures()
    assert not report.complete
    assert not roles(report)
    emulator.clear_requests()
    assert onboard(colour, emulator, specs, grant=False, resume=report) == report
    assert not emulator.requests
    assert not [one for one in emulator.requests if "/policystore/" in one.path]


def test_become_admin_is_requested_once_per_account(colour):
    """The caller becomes a collection administrator once, and every report says so."""
    emulator, specs = fleet(3)
    report = colour.run(
        emulator, lambda client: client.onboard_many(specs, approve=True, become_admin=True), roles=("Owner",)
    )
    assert roles(report) == ["granted"] * 3
    assert len([one for one in emulator.writes if one.path.endswith("/addRootCollectionAdmin")]) == 1
    assert all("became-collection-admin" in {w.code for w in one.warnings} for one in report.reports)


def test_a_fleet_is_resumed_from_its_journal(colour, tmp_path):
    """A complete factory is not requested again; a report of `create_many` does not count."""
    emulator, specs = fleet(3)
    journal = tmp_path / "fleet.jsonl"
    onboard(colour, emulator, specs[:2], journal=journal)
    emulator.clear_requests()
    report = onboard(colour, emulator, specs, resume=journal, journal=journal)
    assert report.complete
    assert len(report.reports) == 3
    assert {
        one.path.split("/factories/")[1].split("/")[0] for one in emulator.requests if "/factories/" in one.path
    } == {"adf-2"}
    made = colour.run(emulator, lambda client: client.create_many(specs, approve=True))
    emulator.clear_requests()
    onboard(colour, emulator, specs, resume=made)
    assert len([one for one in emulator.requests if one.path.endswith("/integrationRuntimes")]) == 3


def test_stop_after_ends_the_whole_fleet(colour):
    """The reports show what was done; the rest is timed out."""
    emulator, specs = fleet(2)
    report = onboard(colour, emulator, specs, stop_after=30)
    assert not report.complete
    for one in report.reports:
        results = {(outcome.subject, outcome.result) for outcome in one.outcomes}
        assert {("identity", "enabled"), ("connection", "connected"), ("endpoint", "timed-out")} <= results


def test_wait_false_still_grants(colour):
    """The reports come once everything was requested, and the role is granted."""
    emulator, specs = fleet(2)
    began = emulator.clock.now()
    report = onboard(colour, emulator, specs, wait=False)
    assert roles(report) == ["granted", "granted"]
    assert emulator.clock.now() - began < 60


def test_reports_are_given_one_by_one(colour):
    """Each report comes as soon as its factory is finished."""
    emulator, specs = fleet(2)
    reports = colour.run(emulator, lambda client: client.iter_onboard_many(specs, approve=True))
    assert {one.spec.factory for one in reports} == {spec.factory for spec in specs}
    assert all(one.complete for one in reports)


@pytest.mark.untraced
def test_a_store_without_version_check_loses_no_identity(colour):
    """Even if stale versions are accepted, no batch of the fleet overwrites another one."""
    emulator, specs = fleet(20, answers=Answers(stale_policy="accepted"), enforce_limits=True, latency=1.0)
    assert onboard(colour, emulator, specs).complete
    members = emulator.catalog.members("data-curator", specs[0].account)
    assert {emulator.identity_of(spec.factory) for spec in specs} <= set(members)


@pytest.mark.parametrize("option", ["approve", "grant", "become_admin", "replace", "wait"])
def test_flags_are_checked_before_the_first_request(colour, option):
    """The text "false" would count as true."""
    emulator, specs = fleet(1)
    with pytest.raises(ValueError, match=option):
        colour.run(emulator, lambda client: client.onboard_many(specs, **{option: "false"}))
    assert not emulator.requests
