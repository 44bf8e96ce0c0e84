"""What the dry runs of create_many and onboard_many promise, in both colours: they predict the run, and only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from purview_mpe import FleetReport, Spec
from purview_mpe.errors import InvalidSpec
from tests.support.colours import fleet_of

if TYPE_CHECKING:
    from pathlib import Path

    from purview_mpe.emulator import Emulator
    from tests.support.colours import Colour


def test_a_dry_run_says_what_would_be_created(colour: Colour, emulator: Emulator):
    """Existing endpoints are kept, missing ones would be created, and nothing is written."""
    specs = fleet_of(emulator, 3)
    emulator.add_endpoint(specs[1].factory, "purview", str(emulator.account), "account")
    report = colour.run(emulator, lambda client: client.create_many(specs, dry_run=True))
    assert [one.counts for one in report.reports] == [
        {"would-create": 4},
        {"kept": 1, "would-create": 3},
        {"would-create": 4},
    ]
    assert [one.spec for one in report.reports] == specs
    assert report.succeeded
    assert not report.complete
    assert emulator.writes == []


def test_a_dry_run_gives_reports_one_by_one(colour: Colour, emulator: Emulator):
    """The iterators take `dry_run`, too."""
    specs = fleet_of(emulator, 2)
    for verb in ("iter_create_many", "iter_onboard_many"):
        reports = colour.run(emulator, lambda client, verb=verb: getattr(client, verb)(specs, dry_run=True))
        assert {report.spec.factory for report in reports} == {spec.factory for spec in specs}
    assert emulator.writes == []


def test_a_dry_run_shows_conflicts_as_the_run_does(colour: Colour, emulator: Emulator):
    """A factory whose plan has a conflict has the same report as in the run."""
    specs = fleet_of(emulator, 2)
    emulator.add_endpoint(specs[0].factory, "purview_blob", str(emulator.account), "portal")
    dry = colour.run(emulator, lambda client: client.create_many(specs, dry_run=True))
    real = colour.run(emulator, lambda client: client.create_many(specs))
    assert dry.reports[0].outcomes == real.reports[0].outcomes
    assert dry.reports[0].counts == {"conflict": 1, "failed": 3}


def test_a_dry_run_with_approval_reads_existing_connections(colour: Colour, emulator: Emulator):
    """Pending connections of existing endpoints would be approved; those of new endpoints do not exist yet."""
    specs = fleet_of(emulator, 2)
    colour.run(emulator, lambda client: client.create_many(specs[:1])).raise_for_failures()
    before = len(emulator.writes)
    report = colour.run(emulator, lambda client: client.create_many(specs, approve=True, dry_run=True))
    assert [one.counts for one in report.reports] == [{"kept": 4, "would-approve": 4}, {"would-create": 4}]
    assert len(emulator.writes) == before


def test_a_dry_run_hands_off_what_the_caller_cannot_approve(colour: Colour, emulator: Emulator):
    """The permissions are read, so that a requester sees before the run which approvals are left to others."""
    specs = fleet_of(emulator, 2)
    colour.run(emulator, lambda client: client.create_many(specs)).raise_for_failures()
    report = colour.run(
        emulator, lambda client: client.create_many(specs, approve=True, dry_run=True), roles=("requester",)
    )
    assert report.counts == {"kept": 8, "handed-off": 8}


def test_a_dry_run_leaves_the_journal_alone(colour: Colour, emulator: Emulator, tmp_path: Path):
    """It reads what the journal holds, and writes nothing into it."""
    journal = tmp_path / "fleet.jsonl"
    specs = fleet_of(emulator, 2)
    colour.run(emulator, lambda client: client.create_many(specs[:1], journal=journal))
    before = journal.read_bytes()
    report = colour.run(
        emulator, lambda client: client.create_many(specs, dry_run=True, resume=journal, journal=journal)
    )
    assert [one.counts for one in report.reports] == [{"created": 4}, {"would-create": 4}]
    assert journal.read_bytes() == before
    assert FleetReport.load(journal).complete


@pytest.mark.parametrize("verb", ["create_many", "onboard_many", "delete_many"])
def test_a_dry_run_is_true_or_false(colour: Colour, emulator: Emulator, verb: str):
    """The text "no" counts as true in Python, so it is refused before the first request."""
    specs = fleet_of(emulator, 1)
    with pytest.raises(InvalidSpec, match="pass True or False"):
        colour.run(emulator, lambda client: getattr(client, verb)(specs, dry_run="no"))


# --- onboard_many


def test_a_dry_run_of_onboarding_predicts_every_step(colour: Colour, emulator: Emulator):
    """For a bare factory: identity, connection, network, runtime, endpoints and role; nothing is written."""
    specs = fleet_of(emulator, 2, managed_vnet=False, identity=False)
    report = colour.run(emulator, lambda client: client.onboard_many(specs, dry_run=True))
    single = colour.run(emulator, lambda client: client.onboard(specs[0], dry_run=True))
    first = report.reports[0]
    assert {(one.subject, one.name, one.result) for one in first.outcomes} == {
        (one.subject, one.name, one.result) for one in single.outcomes
    }
    assert first.counts["would-grant"] == 1
    assert report.reports[1].counts == first.counts
    assert emulator.writes == []


def test_a_dry_run_of_onboarding_reads_the_policy_once(colour: Colour, emulator: Emulator):
    """One policy answers for all factories with an identity."""
    specs = fleet_of(emulator, 4)
    report = colour.run(emulator, lambda client: client.onboard_many(specs, dry_run=True))
    assert report.counts["would-grant"] == 4
    assert sum(request.path.endswith("/metadataPolicies") for request in emulator.requests) == 1
    assert emulator.writes == []


def test_a_dry_run_warns_that_the_caller_would_become_admin(colour: Colour, emulator: Emulator):
    """The real run grants, and each report names this change, for one factory as for a fleet."""
    specs = fleet_of(emulator, 2)
    options = {"become_admin": True, "dry_run": True}
    fleet = colour.run(emulator, lambda client: client.onboard_many(specs, **options), roles=("Owner",))
    single = colour.run(emulator, lambda client: client.onboard(specs[0], **options), roles=("Owner",))
    for report in (*fleet.reports, single):
        assert report.counts["would-grant"] == 1
        assert "would-become-collection-admin" in {finding.code for finding in report.warnings}
    assert emulator.writes == []


def without_identity(emulator: Emulator, count: int) -> list[Spec]:
    factories = [emulator.add_factory(f"new-{number}", identity=False) for number in range(count)]
    return [Spec(factory=str(one), account=str(emulator.account), name="purview") for one in factories]


def test_a_dry_run_reads_the_policy_once_for_missing_identities(colour: Colour, emulator: Emulator):
    """One read answers for existing and missing identities; each report is about its own factory."""
    specs = [*fleet_of(emulator, 2), *without_identity(emulator, 3)]
    colour.run(emulator, lambda client: client.grant(specs[0])).raise_for_failures()
    emulator.clear_requests()
    report = colour.run(emulator, lambda client: client.onboard_many(specs, dry_run=True))
    assert [one.counts.get("would-grant", 0) for one in report.reports] == [0, 1, 1, 1, 1]
    assert report.reports[0].counts["already-granted"] == 1
    assert len([one for one in emulator.requests if "/metadataPolicies" in one.path]) == 1
    assert emulator.writes == []


def test_a_dry_run_hands_off_a_role_that_this_caller_cannot_grant(colour: Colour, emulator: Emulator):
    """The policy shows it, although the identities do not exist yet."""
    specs = without_identity(emulator, 2)
    fleet = colour.run(emulator, lambda client: client.onboard_many(specs, dry_run=True), roles=("Owner",))
    single = colour.run(emulator, lambda client: client.onboard(specs[0], dry_run=True), roles=("Owner",))
    for report in (*fleet.reports, single):
        [role] = [one for one in report.outcomes if one.subject == "data-curator"]
        assert (role.result, report.succeeded) == ("handed-off", True)


def test_identities_with_the_role_need_no_write(colour: Colour, emulator: Emulator):
    """One policy serves the fleet, and each report is about its own factory, in the run as in its dry run."""
    specs = fleet_of(emulator, 3)
    colour.run(emulator, lambda client: client.grant(specs[1])).raise_for_failures()
    dry = colour.run(emulator, lambda client: client.onboard_many(specs, dry_run=True))
    real = colour.run(emulator, lambda client: client.onboard_many(specs))
    roles = [
        [one.result for each in report.reports for one in each.outcomes if one.subject == "data-curator"]
        for report in (dry, real)
    ]
    assert roles == [["would-grant", "already-granted", "would-grant"], ["granted", "already-granted", "granted"]]


def test_a_dry_run_of_an_onboarded_fleet_has_no_changes(colour: Colour, emulator: Emulator):
    """After a real run with approval, nothing would be done."""
    specs = fleet_of(emulator, 2)
    colour.run(emulator, lambda client: client.onboard_many(specs, approve=True)).raise_for_failures()
    before = len(emulator.writes)
    report = colour.run(emulator, lambda client: client.onboard_many(specs, approve=True, dry_run=True))
    assert {result for result in report.counts if result.startswith("would-")} == set()
    assert report.counts["already-approved"] == 8
    assert report.complete
    assert len(emulator.writes) == before


def test_a_dry_run_without_the_role_does_not_read_the_policy(colour: Colour, emulator: Emulator):
    """`grant=False` leaves the role out."""
    specs = fleet_of(emulator, 1)
    report = colour.run(emulator, lambda client: client.onboard_many(specs, grant=False, dry_run=True))
    assert "would-grant" not in report.counts
    assert not any("metadataPolicies" in request.path for request in emulator.requests)
