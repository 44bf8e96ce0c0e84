"""Reports are complete or ready only if that is known: callers who cannot read the account, or cannot approve."""

from __future__ import annotations

import pytest

from purview_mpe import Client, FleetReport
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import ReportFailed
from tests.support.colours import spec_for

REQUESTER = ("Data Factory Contributor",)


@pytest.fixture
def emulator() -> Emulator:
    """An Azure with all four endpoints, approved."""
    emulator = Emulator(foreign_connections=0)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        client.create_all(spec_for(emulator), approve=True).raise_for_failures()
    return emulator


@pytest.mark.parametrize("verb", ["create_all", "apply", "delete_all"])
def test_a_write_without_reader_on_the_account_is_not_complete(colour, emulator, verb):
    """One endpoint of four is known: the report succeeded, is not complete, and has a warning."""
    spec = spec_for(emulator)
    report = colour.run(emulator, lambda client: getattr(client, verb)(spec), roles=REQUESTER)
    assert (report.succeeded, report.complete, len(report.outcomes)) == (True, False, 1)
    with pytest.raises(ReportFailed) as caught:
        report.raise_for_failures()
    assert "its other endpoints are unknown" in caught.value.message
    assert "az role assignment create --role Reader" in caught.value.message


@pytest.mark.parametrize("verb", ["create_all", "delete_all"])
def test_a_spec_with_only_known_groups_can_be_complete(colour, emulator, verb):
    """A caller who asks for the account endpoint alone gets all of it without Reader."""
    spec = spec_for(emulator, groups=("account",))
    report = colour.run(emulator, lambda client: getattr(client, verb)(spec), roles=REQUESTER)
    assert report.complete
    report.raise_for_failures()


def test_an_account_being_created_is_not_all_known(colour):
    """Its namespace appears last, so three endpoints are possibly not all of them."""
    emulator = Emulator(foreign_connections=0, provisioning=1.0, connection_delay=0.0)
    account = emulator.add_account("young", creating=True)
    emulator.clock.advance(80)
    spec = spec_for(emulator, account=str(account))
    early = colour.run(emulator, lambda client: client.create_all(spec, approve=True))
    assert (early.counts, early.complete) == ({"created": 3, "approved": 3}, False)
    with pytest.raises(ReportFailed, match="in the state Creating"):
        early.raise_for_failures()
    status = colour.run(emulator, lambda client: client.status(spec))
    assert (status.ready, status.all_known) == (False, False)
    emulator.clock.advance(120)
    late = colour.run(emulator, lambda client: client.create_many([spec], resume=FleetReport(reports=(early,))))
    assert (late.counts, late.complete) == ({"created": 1, "kept": 3}, True)


def test_a_report_without_endpoints_cannot_be_approved(colour, emulator):
    """A report of another verb, or of a creation that failed as a whole, has no connections."""
    connected = colour.run(emulator, lambda client: client.connect(spec_for(emulator)))
    ghost = spec_for(emulator, factory=str(emulator.factory).replace("df1", "ghost"))
    failed = colour.run(emulator, lambda client: client.create_many([ghost]))
    before = len(emulator.writes)
    reports = [
        colour.run(emulator, lambda client: client.approve(connected)),
        colour.run(emulator, lambda client: client.reject(connected)),
        *colour.run(emulator, lambda client: client.approve_many(failed)).reports,
    ]
    assert [(report.complete, report.counts) for report in reports] == [(False, {"failed": 1})] * 3
    assert "names no endpoint" in reports[0].outcomes[0].error.message
    with pytest.raises(ReportFailed, match="report of create_all for the factory 'ghost' names no endpoint"):
        reports[2].raise_for_failures()
    assert len(emulator.writes) == before


def test_a_status_without_reader_on_the_account_is_neither_ready_nor_settled(colour, emulator):
    """The only known endpoint is ready; others may be missing."""
    status = colour.run(emulator, lambda client: client.status(spec_for(emulator)), roles=REQUESTER)
    assert [endpoint.verdict for endpoint in status.endpoints] == ["ready"]
    assert (status.ready, status.settled, status.all_known) == (False, False, False)
    known = spec_for(emulator, groups=("account",))
    status = colour.run(emulator, lambda client: client.status(known), roles=REQUESTER)
    assert (status.ready, status.settled, status.all_known) == (True, True, True)


def test_watch_ends_if_the_rest_cannot_become_known(colour, emulator):
    """Nothing that this caller can see is pending, so the watch ends, and its status is not settled."""
    seen = colour.run(emulator, lambda client: client.watch(spec_for(emulator)), roles=REQUESTER)
    assert [status.settled for status in seen] == [False]


def test_a_diagnosis_without_reader_on_the_account_is_not_ok(colour, emulator):
    """No finding is an error, and yet the diagnosis does not say ok."""
    runtime = spec_for(emulator)
    diagnosis = colour.run(emulator, lambda client: client.diagnose(runtime), roles=REQUESTER)
    assert "account-unreadable" in {finding.code for finding in diagnosis.findings}
    assert not diagnosis.ok


def test_a_fleet_without_reader_on_the_account_is_not_complete(colour, emulator, tmp_path):
    """A later run with the role resumes with those factories."""
    specs = [spec_for(emulator, factory=str(emulator.add_factory(f"adf-{number}"))) for number in range(2)]
    journal = tmp_path / "journal.jsonl"
    fleet = colour.run(emulator, lambda client: client.create_many(specs, journal=journal), roles=REQUESTER)
    assert (fleet.succeeded, fleet.complete) == (True, False)
    with pytest.raises(ReportFailed, match="adf-0: pv1: unknown"):
        fleet.raise_for_failures()
    again = colour.run(emulator, lambda client: client.create_many(specs, resume=FleetReport.load(journal)))
    assert again.complete
    assert {outcome.result for report in again.reports for outcome in report.outcomes} == {"kept", "created"}
    status = colour.run(emulator, lambda client: client.status_many(specs), roles=REQUESTER)
    assert not status.ready


def test_a_handed_off_approval_is_a_failure_unless_allowed(colour):
    """All four approvals were handed off: raise_for_failures raises, unless a hand-off is allowed."""
    emulator = Emulator(foreign_connections=0)
    spec = spec_for(emulator)
    report = colour.run(
        emulator,
        lambda client: client.create_all(spec, approve=True),
        roles=("Data Factory Contributor", ("Reader", emulator.account)),
    )
    assert [outcome.result for outcome in report.outcomes].count("handed-off") == 4
    assert (report.succeeded, report.complete) == (True, False)
    with pytest.raises(ReportFailed, match="4 of 8 steps did not succeed:"):
        report.raise_for_failures()
    report.raise_for_failures(hand_off_is_fine=True)


def test_a_creation_without_approval_is_complete_but_not_ready(colour):
    """Complete means that everything requested was done; the status says whether lineage can flow."""
    emulator = Emulator(foreign_connections=0)
    spec = spec_for(emulator)
    report = colour.run(emulator, lambda client: client.create_all(spec))
    assert report.complete
    assert not colour.run(emulator, lambda client: client.status(spec)).ready


@pytest.mark.parametrize(("verb", "result"), [("approve", "would-approve"), ("delete_all", "would-delete")])
def test_a_dry_run_is_not_complete(colour, verb, result):
    """A dry run succeeds and does nothing."""
    emulator = Emulator(foreign_connections=0)
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec))
    report = colour.run(emulator, lambda client: getattr(client, verb)(spec, dry_run=True))
    assert {outcome.result for outcome in report.outcomes} == {result}
    assert (report.succeeded, report.complete) == (True, False)
    report.raise_for_failures()


@pytest.mark.parametrize("code", ["SubscriptionNotFound", "ResourceNotFound"])
def test_offboard_without_the_account_is_not_complete(colour, emulator, code):
    """An account that is gone or hidden may have left endpoints that cannot be attributed to it."""
    emulator.inject(Fault.status("GET", 404, code=code, path="*/accounts/pv1", times=None))
    report = colour.run(emulator, lambda client: client.delete_all(spec_for(emulator)))
    assert [outcome.result for outcome in report.outcomes] == ["deleted"]
    assert not report.complete
    assert len(emulator.endpoints()) == 3
