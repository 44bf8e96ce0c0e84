"""A fleet on the durabletask engine, whose workers die anywhere; and the engine of these tests itself."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import durabletask.internal.orchestrator_service_pb2 as pb
import pytest
from durabletask.task import TaskFailedError

from purview_mpe import Client, FleetReport, durable
from purview_mpe.emulator import Emulator
from tests.support.durable_fleet import factories
from tests.support.engine import Engine


@pytest.fixture(autouse=True)
def _quiet():
    """Workers of the engine log what they carry out."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def fleet_engine(azure, **options):
    """An engine whose workers can do everything for fleets."""
    client = Client(azure.credential, transport=azure.transport())
    return Engine(azure, lambda worker: durable.register_worker(worker, lambda: client), **options)


def ran(engine, specs, **fields):
    """The report of a fleet that went through the engine."""
    instance = engine.run(durable.FLEET, durable.FleetRequest(specs=specs, **fields).model_dump(mode="json"))
    assert instance.failure is None, instance.failure.errorMessage
    return FleetReport.model_validate_json(instance.output)


def puts(azure):
    """What endpoints were asked for, and decisions made."""
    return [request.path for request in azure.writes if request.method == "PUT"]


# --- fleets


def test_a_fleet_ends_as_its_requests_say():
    """Across subscriptions, everything is made and approved, and written once."""
    azure = Emulator()
    specs = factories(azure, 9, 3)
    report = ran(fleet_engine(azure), specs, approval="at-once")
    assert report.counts == {"created": 36, "approved": 36}
    assert report.complete
    assert [each.spec for each in report.reports] == specs
    assert len(puts(azure)) == len(set(puts(azure))) == 72


def test_waits_are_the_engines():
    """Minutes that Azure takes are timers: the fleet ends less than a tenth later, after a few looks."""
    azure = Emulator(provisioning=900)
    engine = fleet_engine(azure)
    assert ran(engine, factories(azure, 3, 1)).counts == {"created": 12}
    assert 900 <= azure.clock.elapsed <= 990
    assert len([call for call in engine.calls if not call.is_turn]) < 25


def test_a_person_decides():
    """Nothing is approved before the event comes, and it may come long after."""
    azure = Emulator()
    engine = fleet_engine(azure, says=[(40_000, durable.APPROVAL, {"approved": True})])
    assert ran(engine, factories(azure, 2, 1), approval="when-told").counts == {"created": 8, "approved": 8}
    assert azure.clock.elapsed >= 40_000
    [instance] = engine.hub.instances.values()
    phases = [json.loads(shown)["phase"] for shown in instance.statuses]
    assert phases == ["creating", "waiting-for-approval", "approving"]


#: A fleet in two subscriptions of which a person decides: turns and both activities, several of each.
FIELDS = {"approval": "when-told", "batch": 1, "poll_seconds": 100}
SAYS = [(5_000, durable.APPROVAL, True)]


def fleet_with(fate):
    """How such a fleet ends: its report, what was written, and its calls."""
    azure = Emulator()
    engine = fleet_engine(azure, fate=fate, says=list(SAYS))
    specs = [spec.model_copy(update={"groups": ("account",)}) for spec in factories(azure, 2, 2)]
    report = ran(engine, specs, **FIELDS)
    states = {(one.factory, one.name): (one.provisioning_state, one.status) for one in azure.endpoints()}
    return report, puts(azure), states, engine.calls


@pytest.mark.parametrize("fate", ["dies before", "dies after"])
def test_a_worker_may_die_at_any_piece_of_work(fate):
    """Turn or activity, before it begins or with everything done: the fleet ends as without it, nothing is made twice."""
    undisturbed, written, states, calls = fleet_with(lambda _call: "answered")
    assert undisturbed.counts == {"created": 2, "approved": 2}
    assert {call.name for call in calls} == {durable.FLEET, "purview_mpe_create", "purview_mpe_approve"}
    for number in range(1, len(calls) + 1):
        report, puts_of_this, states_of_this, _ = fleet_with(
            lambda call, number=number: fate if call.number == number else "answered"
        )
        assert report.succeeded, number
        assert report.complete, number
        assert len(puts_of_this) == len(set(puts_of_this)) == len(written), number
        assert set(states_of_this.values()) == set(states.values()), number
        assert set(report.counts) <= {"created", "kept", "approved", "already-approved"}, number


def test_all_workers_may_die_again_and_again():
    """However many deaths there are, as long as work is given to a living one at last."""
    report, written, _, calls = fleet_with(lambda call: ("dies before", "dies after", "answered")[call.number % 3])
    assert report.complete
    assert len(written) == len(set(written)) == 4
    assert len({call.worker for call in calls}) > 10


def test_work_that_no_engine_gives_out_again_is_asked_for_again():
    """Where an engine does not notice that a worker died, the orchestration's own patience ends."""
    azure = Emulator()

    def fate(call):
        return "never noticed" if call.name == "purview_mpe_create" and call.worker == "worker-1" else "answered"

    engine = fleet_engine(azure, fate=fate)
    report = ran(engine, factories(azure, 4, 1), batch=2, silence_seconds=120)
    assert report.complete
    assert len(puts(azure)) == len(set(puts(azure))) == 16


# --- the engine itself


def small(*orchestrators, activities=(), **options):
    """An engine with orchestrators of a test's own."""

    def register(worker):
        for one in orchestrators:
            worker.add_orchestrator(one)
        for one in activities:
            worker.add_activity(one)

    return Engine(Emulator(), register, **options)


def double(_context, number):
    """An activity."""
    return 2 * number


def test_children_answer_their_parents():
    """A child's result comes back, and so does its failure; a second one with the same id is refused while it runs."""

    def parent(context, _given):
        doubled = yield context.call_sub_orchestrator("child", input=4, instance_id="c")
        try:
            yield context.call_sub_orchestrator("child", input=None, instance_id="d")
        except TaskFailedError as error:
            return [doubled, "unsupported operand" in str(error)]

    def child(context, number):
        if number is None:
            raise TypeError("unsupported operand")
        return (yield context.call_activity("double", input=number))

    engine = small(parent, child, activities=[double])
    assert json.loads(engine.run("parent", None).output) == [8, True]
    engine.hub.start("parent", "null", "twice")
    with pytest.raises(KeyError):
        engine.hub.start("parent", "null", "twice")


def test_continuing_as_new_forgets_what_was():
    """A timer and an activity of an earlier execution say nothing to the next one, and early events are kept for it."""

    def rounds(context, number):
        context.create_timer(timedelta(seconds=3))
        context.call_activity("double", input=number)
        if number < 3:
            yield context.create_timer(timedelta(seconds=10))
            context.continue_as_new(number + 1, save_events=True)
            return None
        told = yield context.wait_for_external_event("word")
        yield context.create_timer(timedelta(seconds=10))
        return [number, told]

    engine = small(rounds, activities=[double], says=[(2, "word", "early")])
    instance = engine.run("rounds", 1)
    assert json.loads(instance.output) == [3, "early"]
    assert instance.execution == 2
    assert engine.azure.clock.elapsed == 30


def test_timers_ring_in_their_order():
    """Time jumps to the next one, and the orchestrator sees it."""

    def waiting(context, _given):
        began, seen = context.current_utc_datetime, []
        timers = {seconds: context.create_timer(timedelta(seconds=seconds)) for seconds in (30, 10, 20)}
        for seconds in (10, 20, 30):
            yield timers[seconds]
            seen.append((context.current_utc_datetime - began).total_seconds())
        return seen

    assert json.loads(small(waiting).run("waiting", None).output) == [10, 20, 30]


def test_an_orchestrator_that_is_not_the_same_at_each_replay_fails():
    """The engine's own worker notices, as it does everywhere."""
    turns = []

    def random(context, _given):
        turns.append(1)
        yield context.call_activity("double" if len(turns) % 2 else "triple", input=1)
        yield context.call_activity("double", input=1)

    def triple(_context, number):
        return 3 * number

    instance = small(random, activities=[double, triple]).run("random", None)
    assert instance.status == pb.ORCHESTRATION_STATUS_FAILED
    assert "NonDeterminism" in instance.failure.errorType


def test_a_dead_workers_answer_is_not_heard():
    """Its work was given to another one; what it says afterwards changes nothing."""

    def one(context, _given):
        return (yield context.call_activity("double", input=5))

    engine = small(one, activities=[double])
    hub = engine.hub
    hub.start("one", "null", "x")
    late = hub.take("a")
    hub.lose("a")
    engine._work(hub.take(engine._name))
    hub.complete_turn(pb.OrchestratorResponse(instanceId="x", completionToken=late.completionToken))
    late = hub.take("b")
    assert hub.take(engine._name) is None
    hub.lose("b")
    again = hub.take(engine._name)
    assert again.activityRequest.taskId == late.activityRequest.taskId
    engine._work(again)
    hub.complete_activity(
        pb.ActivityResponse(instanceId="x", taskId=1, completionToken=late.completionToken, result={"value": "-1"})
    )
    engine._work(hub.take(engine._name))
    assert json.loads(hub.instances["x"].output) == 10
    assert hub.take("a") is None


def test_what_nothing_can_end_is_noticed():
    """An orchestration that waits for something that never comes is an error of the test."""

    def lonely(context, _given):
        yield context.wait_for_external_event("never")

    with pytest.raises(AssertionError, match="waits for nothing"):
        small(lonely).run("lonely", None)


def test_an_orchestration_can_be_ended_from_outside():
    """Its timers and activities are forgotten, and its parent hears of it."""

    def parent(context, _given):
        try:
            yield context.call_sub_orchestrator("child", instance_id="c")
        except TaskFailedError as error:
            return str(error)

    def child(context, _given):
        engine.hub.terminate("c", '"enough"')
        yield context.create_timer(timedelta(days=1))

    engine = small(parent, child)
    assert "terminated" in engine.run("parent", None).output
    assert engine.hub.next_timer is None


def test_the_largest_messages_are_known():
    """Engines limit them, so tests can ask for them."""
    azure = Emulator()
    engine = fleet_engine(azure)
    ran(engine, factories(azure, 2, 1))
    assert all(200 < size < 100_000 for size in engine.hub.largest.values()), engine.hub.largest
