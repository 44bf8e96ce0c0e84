"""What delete_many promises, in both colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from purview_mpe import FleetReport, Retry
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import AccessDenied
from tests.support.colours import fleet_of
from tests.support.moments import Before, BeforeWrite

if TYPE_CHECKING:
    from pathlib import Path

    from purview_mpe import Spec
    from tests.support.colours import Colour


@pytest.fixture
def specs(colour: Colour, emulator: Emulator) -> list[Spec]:
    """A fleet of three whose endpoints exist."""
    specs = fleet_of(emulator, 3)
    colour.run(emulator, lambda client: client.create_many(specs)).raise_for_failures()
    return specs


def test_only_the_fleets_endpoints_are_deleted(colour: Colour, emulator: Emulator, specs: list[Spec]):
    """All endpoints of the fleet are deleted; an endpoint to another target stays."""
    emulator.add_endpoint(specs[0].factory, "other", f"{emulator.account}2", "account")
    report = colour.run(emulator, lambda client: client.delete_many(specs))
    assert report.counts == {"deleted": 12}
    assert [one.spec for one in report.reports] == specs
    assert [one.verb for one in report.reports] == ["delete_all"] * 3
    assert [view.name for spec in specs for view in emulator.endpoints(spec.factory)] == ["other"]
    again = colour.run(emulator, lambda client: client.delete_many(specs))
    assert again.counts == {"absent": 12}


def test_a_dry_run_deletes_nothing(colour: Colour, emulator: Emulator, specs: list[Spec]):
    """It says what would be deleted, and the account is read once for the fleet."""
    before = len(emulator.writes)
    reads = [request.path for request in emulator.requests]
    report = colour.run(emulator, lambda client: client.delete_many(specs, dry_run=True))
    assert report.counts == {"would-delete": 12}
    assert not report.complete
    assert len(emulator.writes) == before
    later = [request.path for request in emulator.requests][len(reads) :]
    assert sum(path.endswith("/accounts/pv1") for path in later) == 1


def test_reports_come_one_by_one(colour: Colour, emulator: Emulator, specs: list[Spec]):
    """The iterator gives each factory's report."""
    reports = colour.run(emulator, lambda client: client.iter_delete_many(specs))
    assert {report.spec.factory for report in reports} == {spec.factory for spec in specs}


def test_one_failure_stops_no_other_factory(colour: Colour, emulator: Emulator, specs: list[Spec]):
    """A missing factory, and one whose account is unknown, fail alone."""
    gone = specs[0].model_copy(update={"factory": f"{specs[0].factory}-gone"})
    lost = specs[1].model_copy(update={"account": None})
    report = colour.run(emulator, lambda client: client.delete_many([gone, lost, specs[2]]))
    assert [one.counts for one in report.reports] == [{"failed": 1}, {"failed": 1}, {"deleted": 4}]


def test_an_unreadable_account_fails_its_factories(colour: Colour, emulator: Emulator, specs: list[Spec]):
    """For an account that cannot be read, no endpoint is deleted."""
    emulator.inject(Fault.status("GET", 500, path="/accounts/pv1", times=99))
    report = colour.run(emulator, lambda client: client.delete_many(specs))
    assert report.counts == {"failed": 3}


def test_a_factory_that_takes_too_long_times_out(colour: Colour, emulator: Emulator, specs: list[Spec]):
    """The timeout counts for each factory from its deletions; Azure may still finish."""
    report = colour.run(emulator, lambda client: client.delete_many(specs, timeout=0.5))
    assert report.counts == {"timed-out": 12}


def test_a_fleet_that_is_stopped_says_what_was_not_started(colour: Colour, emulator: Emulator, specs: list[Spec]):
    """`stop_after` ends the whole fleet."""
    emulator.inject(Fault.delay("GET", 50, path="/accounts/pv1"))
    report = colour.run(emulator, lambda client: client.delete_many(specs, stop_after=5))
    assert report.counts == {"timed-out": 3}


def test_a_deletion_is_resumed_from_its_journal(colour: Colour, emulator: Emulator, specs: list[Spec], tmp_path: Path):
    """No request is sent for a factory whose report in the journal is complete."""
    journal = tmp_path / "gone.jsonl"
    colour.run(emulator, lambda client: client.delete_many(specs[:2], journal=journal, resume=journal))
    before = len(emulator.requests)
    report = colour.run(emulator, lambda client: client.delete_many(specs, journal=journal, resume=journal))
    assert report.counts == {"deleted": 12}
    later = emulator.requests[before:]
    assert not [request.path for request in later if f"/{specs[0].factory_id.name}/" in request.path]
    assert len(FleetReport.load(journal).reports) == 3


def test_creations_and_deletions_in_one_journal_are_kept_apart(
    colour: Colour, emulator: Emulator, specs: list[Spec], tmp_path: Path
):
    """A report of a creation does not complete a deletion, nor the other way round."""
    journal = tmp_path / "fleet.jsonl"
    colour.run(emulator, lambda client: client.create_many(specs, journal=journal, resume=journal))
    gone = colour.run(emulator, lambda client: client.delete_many(specs, journal=journal, resume=journal))
    assert gone.counts == {"deleted": 12}
    back = colour.run(emulator, lambda client: client.create_many(specs, journal=journal, resume=journal))
    assert back.counts == {"created": 12}


def test_a_dry_run_of_a_deletion_leaves_the_journal(
    colour: Colour, emulator: Emulator, specs: list[Spec], tmp_path: Path
):
    """It writes neither to Azure nor to the file."""
    journal = tmp_path / "gone.jsonl"
    colour.run(emulator, lambda client: client.delete_many(specs, journal=journal, dry_run=True))
    assert not journal.exists()


def test_a_lost_sign_in_ends_waiting(colour: Colour):
    """Endpoints that Azure is deleting fail with the reason at once, not when the time runs out."""
    emulator = Emulator(deletion=600)
    waiting, late = fleet_of(emulator, 2, purview_account=emulator.account)
    colour.run(emulator, lambda client: client.create_many([waiting, late])).raise_for_failures()
    emulator.inject(Fault.delay("GET", 30, path="*/factories/adf-1"))

    def sign_out(_: int) -> None:
        raise AccessDenied("The credential gave no token.", remedy="Sign in.")

    signed_out = Before("GET", "/adf-1/managedVirtualNetworks/default/managedPrivateEndpoints", sign_out)
    specs, began = [waiting, late.model_copy(update={"account": None})], emulator.clock.now()
    report = colour.run(emulator, lambda client: client.delete_many(specs), per_retry_policies=[signed_out])
    assert report.counts == {"failed": 5}
    assert {outcome.error.message for outcome in report.outcomes} == {"The credential gave no token."}
    assert emulator.clock.now() - began < 60


@pytest.mark.parametrize(("failures", "result"), [(2, "deleted"), (9, "failed")])
def test_a_short_outage_of_a_factory_fails_no_endpoint(colour: Colour, emulator: Emulator, failures, result):
    """Azure goes on deleting; only several failed reads in a row end the wait."""
    [spec] = fleet_of(emulator, 1)
    colour.run(emulator, lambda client: client.create_all(spec)).raise_for_failures()
    failing = Fault.status("GET", 503, path="/managedPrivateEndpoints", times=failures)
    silent = BeforeWrite(lambda number: emulator.inject(failing) if number == 4 else None)
    options = {"retry": Retry(attempts=1), "per_retry_policies": [silent]}
    report = colour.run(emulator, lambda client: client.delete_all(spec), **options)
    assert {outcome.result for outcome in report.outcomes} == {result}
