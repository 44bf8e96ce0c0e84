"""Fleet results: what counts as done, which specs can form one fleet, and how work is shared out."""

from __future__ import annotations

import pytest

from purview_mpe import ErrorDetail, FactoryStatus, FleetReport, FleetStatus, Outcome, Report, Spec, Status
from purview_mpe._model.fleets import checked_fleet, checked_subjects, left_over
from purview_mpe._model.results import Connection, EndpointStatus, Target
from purview_mpe._rules.lanes import interleaved
from purview_mpe._rules.ownership import Claim, Listing
from purview_mpe._rules.register import Register
from purview_mpe.errors import InvalidSpec, ReportFailed
from tests.support import nouns
from tests.support.nouns import ACCOUNT, FACTORY

SPEC = Spec(factory=FACTORY, account=ACCOUNT, name="pv")


def report(result: str, spec: Spec = SPEC, **fields: object) -> Report:
    """A report with one outcome."""
    outcome = Outcome(name="pv", group_id="account", resource_id=ACCOUNT, result=result)
    return Report(verb="create_all", spec=spec, outcomes=(outcome,), **fields)


def test_counts_and_success():
    """Outcomes are counted by result in a fixed order, and one failure makes the whole fleet failed."""
    fleet = FleetReport(reports=(report("kept"), report("created"), report("failed")))
    assert list(fleet.counts.items()) == [("created", 1), ("kept", 1), ("failed", 1)]
    assert not fleet.succeeded
    assert not fleet.complete
    assert FleetReport(reports=(report("kept"),)).complete


def test_repr_of_a_fleet_is_short():
    """A result that is shown by accident, as asyncio.run does, does not print a thousand reports."""
    assert repr(FleetReport(reports=(report("kept"), report("created")))) == (
        "<FleetReport of 2 factories: 1 created, 1 kept>"
    )
    assert repr(FleetStatus(factories=(FactoryStatus(spec=SPEC),))) == "<FleetStatus of 1 factories: 1 unreadable>"
    assert repr(FleetReport()) == "<FleetReport of 0 factories: nothing>"


def test_failures_name_the_factory():
    """Many factories have endpoints with the same name, so the message names the factory too."""
    with pytest.raises(ReportFailed, match=r"1 of 2 steps(?s:.*)df1: pv: failed"):
        FleetReport(reports=(report("kept"), report("failed"))).raise_for_failures()
    FleetReport().raise_for_failures()


def test_message_limits_the_listed_failures():
    """Failures above the limit are only counted."""
    with pytest.raises(ReportFailed, match="and 10 more"):
        FleetReport(reports=tuple(report("failed") for _ in range(60))).raise_for_failures()


def test_fleet_report_survives_a_file(tmp_path):
    """A report that was written as JSON is loaded again, with its counts."""
    fleet = FleetReport(reports=(report("created"),))
    path = tmp_path / "report.json"
    path.write_text(fleet.model_dump_json(indent=2))
    assert FleetReport.load(path) == fleet


def test_journal_of_several_runs(tmp_path):
    """The last report of a factory counts, and a truncated last line is ignored."""
    path = tmp_path / "fleet.jsonl"
    lines = [report("failed").model_dump_json(), "", report("created").model_dump_json()]
    path.write_text("\n".join(lines) + "\n")
    assert FleetReport.load(path) == FleetReport(reports=(report("created"),))
    path.write_text("\n".join(lines) + "\n" + lines[0][:-5])
    assert FleetReport.load(path) == FleetReport(reports=(report("created"),))


def test_file_that_is_not_a_report_is_refused(tmp_path):
    """Resuming from another file is refused instead of being taken for no progress."""
    path = tmp_path / "report.json"
    path.write_text('{"reports": [7]}')
    with pytest.raises(InvalidSpec, match="reports"):
        FleetReport.load(path)


def test_status_counts():
    """Verdicts are counted, and so are factories that could not be read."""
    endpoint = EndpointStatus(name="pv", group_id="account", resource_id=ACCOUNT, verdict="ready")
    status = Status(factory=FACTORY, account=ACCOUNT, ready=True, endpoints=(endpoint,))
    error = ErrorDetail(code="not-found", message="m", remedy="r")
    fine = FleetStatus(factories=(FactoryStatus(spec=SPEC, status=status),))
    assert (fine.ready, fine.counts) == (True, {"ready": 1})
    mixed = FleetStatus(factories=(*fine.factories, FactoryStatus(spec=SPEC, error=error)))
    assert (mixed.ready, mixed.counts) == (False, {"ready": 1, "unreadable": 1})


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({}, "says the same as"),
        ({"factory": FACTORY.upper()}, "would create the endpoint for 'account'|says the same"),
        ({"account": None}, "unless they name different accounts"),
        ({"name": "other", "groups": ("queue",)}, "would create the endpoint for 'queue'"),
        ({"account": ACCOUNT + "2"}, "wants the name 'pv'"),
        ({"account": ACCOUNT + "2", "name": "PV_BLOB", "groups": ("account",)}, "wants the name 'PV_BLOB'"),
    ],
)
def test_conflicting_specs_are_refused(fields, rule):
    """The same spec, endpoint or name twice in one factory is refused before anything is sent."""
    other = SPEC.model_copy(update=fields)
    with pytest.raises(InvalidSpec, match=rule) as refused:
        checked_fleet([SPEC, other])
    assert refused.value.problems[0][0] == "specs[1]"


@pytest.mark.parametrize(
    "fields",
    [
        {"factory": FACTORY + "2"},
        {"managed_virtual_network": "v2"},
        {"account": ACCOUNT + "2", "name": "other"},
        {"groups": ("portal",), "name": "other"},
    ],
)
def test_compatible_specs_form_a_fleet(fields):
    """Another factory, another network, or other targets with other names."""
    other = SPEC.model_copy(update=fields)
    assert checked_fleet([SPEC, other]) == (SPEC, other)


def test_items_that_are_not_specs_are_refused():
    """The message names the item's place in the list."""
    with pytest.raises(InvalidSpec, match=r"specs\[1\]: is a str"):
        checked_fleet([SPEC, "x"])
    with pytest.raises(InvalidSpec, match=r"specs\[0\]: is a int"):
        checked_subjects([7])
    with pytest.raises(InvalidSpec, match="says the same as specs"):
        checked_subjects([SPEC, SPEC])
    with pytest.raises(InvalidSpec, match=r"specs\[1\]: is about the endpoint for 'account', as specs\[0\] is"):
        checked_subjects([SPEC, report("created")])


def test_same_name_in_two_accounts_can_be_approved():
    """Names must be unique only for creation; each account shows its own connections."""
    other = SPEC.model_copy(update={"account": ACCOUNT + "2"})
    assert checked_subjects([SPEC, other]) == (SPEC, other)


def test_resume_skips_complete_factories():
    """A report counts only if it is complete, has the identical spec, and was asked for at least as much."""
    other = SPEC.model_copy(update={"factory": FACTORY + "2"})
    done = FleetReport(reports=(report("created"), report("failed", other)))
    assert left_over([SPEC, other], done, approve=False) == ([(1, other)], {0: done.reports[0]})
    assert left_over([SPEC], done, approve=True) == ([(0, SPEC)], {})
    changed = SPEC.model_copy(update={"name": "new"})
    assert left_over([changed], done, approve=False) == ([(0, changed)], {})
    assert left_over([SPEC], None, approve=False) == ([(0, SPEC)], {})
    assert left_over([SPEC], done, approve=False, subjects={"endpoint"}) == ([], {0: done.reports[0]})
    assert left_over([SPEC], done, approve=False, subjects={"endpoint", "identity"}) == ([(0, SPEC)], {})


def test_lanes_take_turns():
    """Items of a long lane and a short lane alternate until the short lane is empty."""
    assert "".join(interleaved("aaaabb", lambda item: item)) == "abab" + "aa"


HIDDEN = f"{nouns.HIDDEN}/df1.pv"


def connection(number: int, endpoint: str = HIDDEN, status: str = "Pending") -> Connection:
    """A connection as a target shows it."""
    return Connection(
        id=f"{ACCOUNT}/privateEndpointConnections/{number}",
        name=str(number),
        private_endpoint_id=endpoint,
        status=status,
    )


def test_register_filters_connections_by_claim():
    """The exact id counts if it is known, otherwise the name, both in any letter case."""
    mine, twin, stranger = (
        connection(1),
        connection(2, HIDDEN.replace("99999999", "88888888")),
        connection(3, HIDDEN + "2"),
    )
    register = Register(Listing((mine, twin, stranger)))
    target = Target(group_id="account", resource_id=ACCOUNT, connections="account")
    exact = Claim(target, "pv", HIDDEN.upper())
    assert register.for_claim("DF1", exact).connections == (mine,)
    assert register.for_claim("DF1", Claim(target, "PV")).connections == (mine, twin)
    assert register.for_claim("other", Claim(target, "pv")).connections == ()


def test_register_finds_the_current_status_of_a_connection():
    """A connection is the same only if both its id and its private endpoint are equal."""
    register = Register(Listing((connection(1, status="Approved"), connection(2, HIDDEN + "2"))))
    assert register.status_of(connection(1)) == "Approved"
    assert register.status_of(connection(2)) == ""
    assert register.status_of(connection(9)) == ""
