"""What plan_many and check_many promise, in both colours: few requests, isolation, and no writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from purview_mpe.emulator import Fault
from purview_mpe.errors import InvalidSpec
from tests.support.colours import fleet_of, spec_for
from tests.support.crowded import filled

if TYPE_CHECKING:
    from purview_mpe import Event, FleetCheck, FleetPlan
    from purview_mpe.emulator import Emulator
    from tests.support.colours import Colour


def lists(emulator: Emulator, ending: str) -> int:
    return sum(request.method == "GET" and request.path.endswith(ending) for request in emulator.requests)


def test_each_plan_equals_that_of_a_single_plan(colour: Colour, emulator: Emulator):
    """Plans come in the order of the specs, equal what `plan` gives for each, and nothing is written."""
    specs = fleet_of(emulator, 4)
    emulator.add_endpoint(specs[1].factory, "purview", str(emulator.account), "account")
    found: FleetPlan = colour.run(emulator, lambda client: client.plan_many(specs))
    assert [one.spec for one in found.factories] == specs
    single = [colour.run(emulator, lambda client, spec=spec: client.plan(spec)) for spec in specs]
    assert [plan.steps for plan in found.plans] == [plan.steps for plan in single]
    assert found.counts == {"create": 15, "keep": 1}
    assert (len(found.changes), found.conflicts, found.all_known) == (15, (), True)
    assert emulator.writes == []


def test_plans_share_the_reads_of_an_account(colour: Colour, emulator: Emulator):
    """The account and its connections are read once for six factories."""
    specs = fleet_of(emulator, 6)
    colour.run(emulator, lambda client: client.plan_many(specs))
    assert lists(emulator, "/accounts/pv1") == 1


def test_plans_of_a_fleet_share_the_room_of_a_target(colour: Colour):
    """Each plan alone would fit; the fourth of the fleet does not, and has a conflict."""
    emulator = filled(storage=194)
    specs = fleet_of(emulator, 4)
    found = colour.run(emulator, lambda client: client.plan_many(specs))
    conflicts = [bool(plan.conflicts) for plan in found.plans]
    assert sorted(conflicts) == [False, False, False, True]
    assert [warning.code for warning in found.warnings] == ["target-nearly-full"]


def test_a_missing_factory_is_an_error_of_the_fleet_plan(colour: Colour, emulator: Emulator):
    """The other factories have their plans."""
    good = fleet_of(emulator, 2)
    gone = good[0].model_copy(update={"factory": f"{good[0].factory}-gone"})
    found = colour.run(emulator, lambda client: client.plan_many([good[0], gone, good[1]]))
    assert [one.error.code if one.error else None for one in found.factories] == [None, "not-found", None]
    assert found.counts == {"create": 8, "unreadable": 1}
    assert not found.all_known
    assert repr(found) == "<FleetPlan of 3 factories: 8 create, 1 unreadable>"


def test_each_factory_of_a_fleet_plan_has_a_finished_event(colour: Colour, emulator: Emulator):
    """A progress display can count the factories that are planned."""
    events: list[Event] = []
    specs = fleet_of(emulator, 3)
    colour.run(emulator, lambda client: client.plan_many(specs), on_event=events.append)
    ended = [event for event in events if event.kind == "finished" and event.factory]
    assert {event.verb for event in ended} == {"plan"}
    assert {event.factory for event in ended} == {spec.factory for spec in specs}


@pytest.mark.parametrize("verb", ["plan_many", "check_many", "delete_many"])
def test_a_single_spec_is_not_a_fleet(colour: Colour, emulator: Emulator, verb: str):
    """The error is raised before the first request."""
    with pytest.raises(InvalidSpec, match="pass a list of specs"):
        colour.run(emulator, lambda client: getattr(client, verb)(spec_for(emulator)))
    assert list(emulator.requests) == []


# --- check_many


def test_each_check_equals_that_of_a_single_check(colour: Colour, emulator: Emulator):
    """Checks come in the order of the specs and equal what `check` gives for each."""
    specs = fleet_of(emulator, 3, purview_account=emulator.account)
    specs[1] = specs[1].model_copy(update={"account": None})
    found: FleetCheck = colour.run(emulator, lambda client: client.check_many(specs))
    single = [colour.run(emulator, lambda client, spec=spec: client.check(spec)) for spec in specs]
    assert [one.check for one in found.factories] == single
    assert found.counts == {"not-ok" if not single[0].ok else "ok": 3}
    assert found.ok == all(one.ok for one in single)
    assert emulator.writes == []


def test_checks_share_the_reads_of_an_account(colour: Colour, emulator: Emulator):
    """The account, its policy and its permissions are read once for five factories."""
    specs = fleet_of(emulator, 5)
    colour.run(emulator, lambda client: client.check_many(specs))
    assert lists(emulator, "/accounts/pv1") == 1
    assert lists(emulator, "/metadataPolicies") == 1


def test_a_missing_factory_is_an_error_of_the_fleet_check(colour: Colour, emulator: Emulator):
    """A factory without a Purview connection is checked all the same, without an account."""
    good, bare = fleet_of(emulator, 2)
    gone = good.model_copy(update={"factory": f"{good.factory}-gone"})
    specs = [good, gone, bare.model_copy(update={"account": None})]
    found = colour.run(emulator, lambda client: client.check_many(specs))
    assert [one.error.code if one.error else None for one in found.factories] == [None, "not-found", None]
    assert found.factories[2].check.account is None
    assert not found.ok
    assert found.counts["unreadable"] == 1
    assert repr(found).startswith("<FleetCheck of 3 factories: ")


def test_an_unreadable_account_fails_only_its_factories(colour: Colour, emulator: Emulator):
    """A server error on one account does not affect the factories of the other account."""
    other = emulator.add_account("pv2")
    specs = [*fleet_of(emulator, 1), spec_for(emulator, other)]
    emulator.inject(Fault.status("GET", 500, path="/accounts/pv2", times=99))
    found = colour.run(emulator, lambda client: client.check_many(specs))
    assert [one.error is None for one in found.factories] == [True, False]


# --- applying a fleet plan


def test_create_many_applies_a_fleet_plan(colour: Colour, emulator: Emulator):
    """Each factory gets what its plan holds, even if the plan was stored as JSON."""
    specs = fleet_of(emulator, 3)
    found: FleetPlan = colour.run(emulator, lambda client: client.plan_many(specs))
    read = type(found).model_validate_json(found.model_dump_json())
    report = colour.run(emulator, lambda client: client.create_many(read))
    assert report.counts == {"created": 12}
    assert [one.spec for one in report.reports] == specs
    again = colour.run(emulator, lambda client: client.create_many(read))
    assert again.counts == {"kept": 12}


def test_only_steps_of_the_plan_are_carried_out(colour: Colour, emulator: Emulator):
    """A step removed from the plan is not carried out, and a conflict stops only its own step."""
    specs = fleet_of(emulator, 2)
    found: FleetPlan = colour.run(emulator, lambda client: client.plan_many(specs))
    first, second = found.factories
    assert first.plan is not None
    fewer = first.plan.model_copy(update={"steps": first.plan.steps[:1]})
    emulator.add_endpoint(specs[1].factory, "purview_blob", str(emulator.account), "account")
    edited = found.model_copy(update={"factories": (first.model_copy(update={"plan": fewer}), second)})
    report = colour.run(emulator, lambda client: client.create_many(edited))
    assert [view.name for view in emulator.endpoints(specs[0].factory)] == ["purview"]
    assert report.reports[0].counts == {"created": 1}
    results = {outcome.name: outcome.result for outcome in report.reports[1].outcomes}
    assert results["purview_blob"] == "conflict"
    assert results["purview_queue"] == results["purview_namespace"] == "created"


def test_a_factory_whose_plan_has_a_conflict_is_not_changed(colour: Colour, emulator: Emulator):
    """No request writes to that factory, even if the conflict no longer exists; the others are created."""
    specs = fleet_of(emulator, 2)
    emulator.add_endpoint(specs[0].factory, "purview_blob", str(emulator.account) + "2", "account")
    found: FleetPlan = colour.run(emulator, lambda client: client.plan_many(specs))
    report = colour.run(emulator, lambda client: client.create_many(found))
    assert report.reports[0].counts["conflict"] == 1
    assert report.reports[1].counts == {"created": 4}
    assert len(emulator.writes) == 4


def test_a_fleet_plan_with_an_unplanned_factory_is_refused(colour: Colour, emulator: Emulator):
    """Its steps are unknown, so no request is sent; an empty fleet plan is refused, too."""
    good = fleet_of(emulator, 1)
    gone = good[0].model_copy(update={"factory": f"{good[0].factory}-gone"})
    found: FleetPlan = colour.run(emulator, lambda client: client.plan_many([*good, gone]))
    with pytest.raises(InvalidSpec, match=r"factories.1: has no plan: .* could not be read; plan again"):
        colour.run(emulator, lambda client: client.create_many(found))
    with pytest.raises(InvalidSpec, match="factories: holds no plan"):
        colour.run(emulator, lambda client: client.create_many(found.model_copy(update={"factories": ()})))
    assert emulator.writes == []


def test_a_dry_run_of_a_plan_writes_nothing(colour: Colour, emulator: Emulator):
    """It says what the plan would still do."""
    specs = fleet_of(emulator, 2)
    found: FleetPlan = colour.run(emulator, lambda client: client.plan_many(specs))
    colour.run(emulator, lambda client: client.create_all(specs[0]))
    before = len(emulator.writes)
    report = colour.run(emulator, lambda client: client.create_many(found, dry_run=True))
    assert report.counts == {"kept": 4, "would-create": 4}
    assert len(emulator.writes) == before
