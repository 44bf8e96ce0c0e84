"""A fleet on the durabletask engine, whose workers die at any place; and the engine of these tests itself."""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
import lzma
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import durabletask.internal.orchestrator_service_pb2 as pb
import pytest
from durabletask.task import TaskFailedError

from purview_mpe import Client, FleetReport, Spec, durable
from purview_mpe.durable import _kept, _logic, _turn
from purview_mpe.durable._engine import Unanswered
from purview_mpe.durable._messages import opened, sealed
from purview_mpe.durable._packing import packed
from purview_mpe.durable._request import LOGIC
from purview_mpe.emulator import Emulator
from purview_mpe.errors import InvalidSpec
from tests.support.durable_fleet import factories
from tests.support.engine import Engine
from tests.support.history import decided_in


@pytest.fixture(autouse=True)
def _quiet():
    """Silence the engine's workers, which log their work."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def fleet_engine(azure, **options):
    """An engine whose workers can run everything for fleets."""
    client = Client(azure.credential, transport=azure.transport())
    return Engine(azure, lambda worker: durable.register_worker(worker, lambda: client), **options)


def ran(engine, specs, **fields):
    """The report of a fleet that ran on the engine."""
    return report_of(engine, engine.run(durable.FLEET, durable.FleetRequest(specs=specs, **fields).to_input()))


def report_of(engine, instance):
    """The report of a finished fleet, with the reports that its pages keep."""
    assert instance.failure is None, instance.failure.errorMessage
    output = json.loads(instance.output)
    return durable.report_in(
        output, {page: json.loads(engine.hub.instances[page].output) for page in durable.pages_in(output)}
    )


@pytest.fixture
def keeping(monkeypatch):
    """Every fleet counts as large, so that its reports stay with its pages; a page has two factories."""
    large = dataclasses.replace(_logic.LOGICS[LOGIC], carried=0, page=2)
    monkeypatch.setattr(_logic, "LOGICS", {**_logic.LOGICS, LOGIC: large})


def puts(azure):
    """The endpoints and decisions that were written."""
    return [request.path for request in azure.writes if request.method == "PUT"]


# --- fleets


def test_fleet_creates_and_approves_across_subscriptions():
    """Everything is created and approved, and each request is written once."""
    azure = Emulator()
    specs = factories(azure, 9, 3)
    report = ran(fleet_engine(azure), specs, approval="at-once")
    assert report.counts == {"created": 36, "approved": 36}
    assert report.complete
    assert [each.spec for each in report.reports] == specs
    assert len(puts(azure)) == len(set(puts(azure))) == 72


def test_waits_are_timers_of_the_engine():
    """The orchestration waits for Azure with timers, and ends at most a tenth later, after a few looks."""
    azure = Emulator(provisioning=900)
    engine = fleet_engine(azure)
    assert ran(engine, factories(azure, 3, 1)).counts == {"created": 12}
    assert 900 <= azure.clock.elapsed <= 990
    assert len([call for call in engine.calls if not call.is_turn]) < 25


def test_approval_waits_for_the_event():
    """Nothing is approved before a person's decision, which may come much later."""
    azure = Emulator()
    engine = fleet_engine(azure, says=[(40_000, durable.APPROVAL, {"approved": True})])
    assert ran(engine, factories(azure, 2, 1), approval="when-told").counts == {"created": 8, "approved": 8}
    assert azure.clock.elapsed >= 40_000
    instance = engine.hub.instances["fleet"]
    phases = [json.loads(shown)["phase"] for shown in instance.statuses]
    assert phases == ["creating", "waiting-for-approval", "approving"]


#: A fleet in two subscriptions that waits for a person: several turns, and several activities of both kinds.
FIELDS = {"approval": "when-told", "batch": 1, "poll_seconds": 100}
SAYS = [(5_000, durable.APPROVAL, True)]


def fleet_with(fate, **fields):
    """The result of such a fleet: its report, the writes, the endpoints' states, and the engine's calls."""
    azure = Emulator()
    fields = FIELDS | fields
    engine = fleet_engine(azure, fate=fate, says=list(SAYS) if fields["approval"] == "when-told" else [])
    specs = [spec.model_copy(update={"groups": ("account",)}) for spec in factories(azure, 2, 2)]
    report = ran(engine, specs, **fields)
    states = {(one.factory, one.name): (one.provisioning_state, one.status) for one in azure.endpoints()}
    return report, puts(azure), states, engine.calls


@pytest.mark.parametrize("fate", ["dies before", "dies after"])
def test_worker_dies_at_any_piece_of_work(fate):
    """In a turn or an activity, before or after the work: the fleet ends the same way, and nothing is written twice."""
    undisturbed, written, states, calls = fleet_with(lambda _call: "answered")
    assert undisturbed.counts == {"created": 2, "approved": 2}
    names = {"purview_mpe_turn", "purview_mpe_lane", "purview_mpe_create", "purview_mpe_approve"}
    assert {call.name for call in calls} == {durable.FLEET, *names}
    for number in range(1, len(calls) + 1):
        report, puts_of_this, states_of_this, _ = fleet_with(
            lambda call, number=number: fate if call.number == number else "answered"
        )
        assert report.succeeded, number
        assert report.complete, number
        assert len(puts_of_this) == len(set(puts_of_this)) == len(written), number
        assert set(states_of_this.values()) == set(states.values()), number
        assert set(report.counts) <= {"created", "kept", "approved", "already-approved"}, number


def test_workers_die_repeatedly():
    """The fleet ends however many workers die, as long as the work goes to a living worker at last."""
    report, written, _, calls = fleet_with(lambda call: ("dies before", "dies after", "answered")[call.number % 3])
    assert report.complete
    assert len(written) == len(set(written)) == 4
    assert len({call.worker for call in calls}) > 10


def test_work_that_the_engine_lost_is_called_again():
    """If an engine does not notice that a worker died, the orchestration calls again after its own limit."""
    azure = Emulator()

    def fate(call):
        return "never noticed" if call.name == "purview_mpe_create" and call.worker == "worker-1" else "answered"

    engine = fleet_engine(azure, fate=fate)
    report = ran(engine, factories(azure, 4, 1), batch=2, silence_seconds=120)
    assert report.complete
    assert len(puts(azure)) == len(set(puts(azure))) == 16


def activities_of(calls):
    return [call.number for call in calls if not call.is_turn]


@pytest.mark.parametrize("approval", ["when-told", "at-once"])
@pytest.mark.parametrize("fate", ["never noticed", "fails", "answers oddly"])
def test_any_activity_is_lost_fails_or_answers_oddly(fate, approval):
    """The fleet ends the same way, whichever activity it is; every endpoint is written once."""
    undisturbed, written, states, calls = fleet_with(lambda _call: "answered", approval=approval)
    assert undisturbed.complete
    for number in activities_of(calls):
        report, puts_of_this, states_of_this, _ = fleet_with(
            lambda call, number=number: fate if call.number == number else "answered", approval=approval
        )
        assert report.complete, number
        assert len(puts_of_this) == len(set(puts_of_this)) == len(written), number
        assert set(states_of_this.values()) == set(states.values()), number
        if fate == "answers oddly":
            assert report.counts == undisturbed.counts, number


@pytest.mark.parametrize("fate", ["never noticed", "fails", "answers oddly"])
def test_any_activity_is_lost_with_wait_false(fate):
    """With `wait=False`, too, the orchestration calls again until everything is submitted."""
    _, _, _, calls = fleet_with(lambda _call: "answered", wait=False, approval="none")
    for number in activities_of(calls):
        report, puts_of_this, _, _ = fleet_with(
            lambda call, number=number: fate if call.number == number else "answered", wait=False, approval="none"
        )
        assert report.complete, number
        assert len(puts_of_this) == len(set(puts_of_this)) == 2, number


def test_activity_that_fails_for_one_factory():
    """One factory's activity always fails: the other factories of its batch are done, and the fleet ends."""
    azure = Emulator()

    def fate(call):
        named = json.dumps(call.order or {})
        return "fails" if not call.is_turn and "adf-0002" in named else "answered"

    report = ran(fleet_engine(azure, fate=fate), factories(azure, 6, 1))
    assert report.counts == {"kept": 20, "failed": 1}
    [failed] = [each for each in report.reports if not each.succeeded]
    assert failed.spec.factory_id.name == "adf-0002"
    assert "out of memory" in failed.outcomes[0].error.message


def test_unreadable_answer_counts_as_no_answer():
    """This version cannot read a worker's answers, packed or not: the factories are failed, and the fleet ends."""
    azure = Emulator()
    client = Client(azure.credential, transport=azure.transport())
    wrong = {"reports": [{"verb": "create_all", "outcomes": 1}]}
    strange = [
        *(None, 5, ["?"], wrong, {"reports": 5}, sealed(wrong), sealed({"reports": 5}), sealed({})),
        *({"packed": each} for each in ("?", "\ud800", 5, None, [], {}, packed([]), packed([[5]]), packed([5]))),
    ]

    def register(worker):
        durable.register_worker(worker, lambda: client, only="orchestrators")

        def purview_mpe_create(_context, order):
            order = opened(order)
            return strange[int(order["factories"][0]["spec"]["factory"][-2:])]

        worker.add_activity(purview_mpe_create)

    report = ran(Engine(azure, register), factories(azure, len(strange), len(strange)))
    assert report.counts == {"failed": len(strange)}
    assert {"words that this version does not know" in one.error.message for one in report.outcomes} == {True}


# --- upgrades


@pytest.mark.parametrize("at", range(1, 30, 4))
def test_fleet_keeps_its_constants_during_an_upgrade(monkeypatch, at):
    """An upgrade changes the pacing at any turn: the recorded history replays, and the fleet ends the same way."""
    turns = []

    def fate(call):
        turns.append(call.is_turn)
        if sum(turns) == at:
            changed = dataclasses.replace(_logic.LOGICS[LOGIC], page=1, pause=0.5, tries=2, first_look=60.0)
            monkeypatch.setattr(_logic, "LOGICS", {**_logic.LOGICS, LOGIC + 1: changed})
        return "answered"

    report, _, _, _ = fleet_with(fate, approval="when-told")
    assert report.counts == {"created": 2, "approved": 2}


@pytest.mark.parametrize("number", range(1, LOGIC + 1))
def test_recorded_history_replays(number):
    """Each recorded turn of the fleets of a logic number decides today what it decided then.

    If this fails, the change needs a new logic number, because fleets that are running would not survive the upgrade.
    Record the new number with tests/support/history.py.
    """
    file = Path(__file__).parent / f"history-logic-{number}.json.xz"
    recorded = json.loads(lzma.decompress(file.read_bytes()))
    assert len(recorded) > 20
    for turn in recorded:
        request = pb.OrchestratorRequest.FromString(base64.b64decode(turn["request"]))
        assert decided_in(request) == turn["decisions"]


# --- two fleets


@pytest.mark.parametrize("logic", [3, LOGIC])
@pytest.mark.parametrize("count", [1, 9])
def test_second_fleet_waits_for_the_first(count, logic):
    """Two identical fleets at once: each endpoint is written once, and counted as created once."""
    azure = Emulator()
    specs = factories(azure, count, 3)
    engine = fleet_engine(azure)
    given = json.dumps(durable.FleetRequest(specs=specs, logic=logic).model_dump(mode="json"))
    engine.hub.start(durable.FLEET, given, "first")
    engine.hub.start(durable.FLEET, given, "second")
    reports = [FleetReport.model_validate_json(engine.finish(each).output) for each in ("first", "second")]
    assert sum(report.counts.get("created", 0) for report in reports) == 4 * count
    assert sum(report.counts.get("kept", 0) for report in reports) == 4 * count
    assert all(report.complete for report in reports)
    assert len(puts(azure)) == len(set(puts(azure))) == 4 * count


def test_fleets_in_different_subscriptions_do_not_wait():
    """Only fleets with a common subscription take turns."""
    azure = Emulator(provisioning=600)
    specs = factories(azure, 4, 2)
    engine = fleet_engine(azure)
    for index in range(2):
        request = durable.FleetRequest(specs=specs[index::2])
        engine.hub.start(durable.FLEET, json.dumps(request.model_dump(mode="json")), f"fleet-{index}")
    for index in range(2):
        assert FleetReport.model_validate_json(engine.finish(f"fleet-{index}").output).counts == {"created": 8}
    assert azure.clock.elapsed < 700


def waiting_fleets(hours, *, count=45, says=()):
    """A fleet whose endpoints take so many hours, and a second one with the same factories."""
    azure = Emulator(provisioning=3600 * hours, request_log=1_000_000)
    engine = fleet_engine(azure, says=list(says))
    specs = small_specs(azure, count)
    given = json.dumps(
        durable.FleetRequest(specs=specs, timeout=3600 * hours + 3600, silence_seconds=100_000).to_input()
    )
    for each in ("first", "second"):
        engine.hub.start(durable.FLEET, given, each)
    return engine, azure, [report_of(engine, engine.finish(each)) for each in ("first", "second")]


def small_specs(azure, count):
    """Factories of one subscription, with one endpoint each."""
    return [spec.model_copy(update={"groups": ("account",)}) for spec in factories(azure, count, 1)]


def test_stop_beside_the_next_try_is_not_lost():
    """STOP can arrive in the same turn as the timer: the fleet still ends, and begins no lane."""
    azure = Emulator(provisioning=7200)
    engine = fleet_engine(azure)
    given = json.dumps(durable.FleetRequest(specs=small_specs(azure, 3), timeout=8000).to_input())
    for each in ("first", "second"):
        engine.hub.start(durable.FLEET, given, each)
    fire, told = engine.hub.fire_due, list[float]()

    def fire_and_stop():
        fire()
        waiting = engine.hub.instances.get("second-make-0-0")
        if not told and waiting and any(event.HasField("timerFired") for event in waiting.news):
            told.append(azure.clock.elapsed)
            engine.hub.raise_event("second-make-0-0", durable.STOP, "null")

    engine.hub.fire_due = fire_and_stop
    assert report_of(engine, engine.finish("second")).counts == {"failed": 3}
    assert azure.clock.elapsed == told[0] < 100


def test_a_long_wait_for_another_fleet_leaves_nothing_behind():
    """After a hundred tries the messages are as short as after the first one."""
    engine, azure, reports = waiting_fleets(20)
    assert [report.counts for report in reports] == [{"created": 45}, {"kept": 45}]
    assert len(puts(azure)) == 45
    turn = engine.hub.instances["second-make-0-0"]
    assert turn.execution > 100
    assert len(turn.history) < 12
    shown = [json.loads(each) for each in turn.statuses]
    assert [each["phase"] for each in shown] == ["under-way", "waiting-for-its-turn"]
    assert engine.hub.largest["turn"] < 40_000


def test_a_wait_for_another_fleet_ends_after_a_day():
    """The factories are failed with the reason, and nothing is written for them."""
    _, azure, reports = waiting_fleets(30)
    assert reports[0].counts == {"created": 45}
    assert reports[1].counts == {"failed": 45}
    assert "Another fleet may be at work in its subscription" in reports[1].outcomes[0].error.message
    assert len(puts(azure)) == 45


def test_a_fleet_that_waits_for_its_turn_can_be_stopped():
    """It ends at once, and the fleet that is at work goes on."""
    azure = Emulator(provisioning=7200)
    engine = fleet_engine(azure, says=[(1_000, durable.STOP, None)])
    engine.hears = "second"
    given = json.dumps(durable.FleetRequest(specs=small_specs(azure, 3), timeout=8000).to_input())
    for each in ("first", "second"):
        engine.hub.start(durable.FLEET, given, each)
    second = report_of(engine, engine.finish("second"))
    assert 1_000 <= azure.clock.elapsed < 1_100
    assert second.counts == {"failed": 3}
    assert report_of(engine, engine.finish("first")).counts == {"created": 3}


def test_stop_at_its_start_does_not_stop_another_fleet():
    """STOP that comes before the engine has refused the lane's id does not reach the lane of the fleet at work."""
    azure = Emulator(provisioning=1200)
    engine = fleet_engine(azure)
    given = json.dumps(durable.FleetRequest(specs=small_specs(azure, 2), timeout=8000).to_input())
    engine.hub.start(durable.FLEET, given, "first")
    engine.hub.start(durable.FLEET, given, "second")
    engine.hub.raise_event("second", durable.STOP, "null")
    assert report_of(engine, engine.finish("second")).counts == {"failed": 2}
    assert azure.clock.elapsed < 100
    assert report_of(engine, engine.finish("first")).counts == {"created": 2}


@pytest.mark.parametrize("logic", [3, LOGIC])
def test_slow_lane_is_waited_for(monkeypatch, logic):
    """A lane that takes longer than expected is not given up: what it created counts as created."""
    patience = _turn.patience
    monkeypatch.setattr(
        _turn, "patience", lambda order, logic: 200.0 if "turn" not in order else patience(order, logic)
    )
    azure = Emulator(provisioning=900)
    report = ran(fleet_engine(azure), small_specs(azure, 1), logic=logic)
    assert report.counts == {"created": 1}
    assert azure.clock.elapsed < 1200


def test_dropped_lane_is_called_again(monkeypatch):
    """An engine that drops a child whose id is taken says nothing: the second fleet begins once the first has ended."""
    patience = _turn.patience
    monkeypatch.setattr(
        _turn, "patience", lambda order, logic: 1_500.0 if "turn" not in order else patience(order, logic)
    )
    azure = Emulator(provisioning=900)
    engine = fleet_engine(azure)
    begin = engine.hub._begin_child

    def begin_or_drop(parent, number, wanted):
        there = engine.hub.instances.get(wanted.instanceId)
        if there is None or there.is_over:
            begin(parent, number, wanted)

    engine.hub._begin_child = begin_or_drop
    given = json.dumps(durable.FleetRequest(specs=small_specs(azure, 2)).to_input())
    for each in ("first", "second"):
        engine.hub.start(durable.FLEET, given, each)
    reports = [report_of(engine, engine.finish(each)) for each in ("first", "second")]
    assert [report.counts for report in reports] == [{"created": 2}, {"kept": 2}]


def test_last_page_waits_for_its_part_of_the_limits_and_is_called_once():
    """A page of one factory waits for all pages before it, and no second call works on the same factory meanwhile."""
    azure = Emulator()
    engine = fleet_engine(azure)
    report = ran(engine, small_specs(azure, 41), approval="at-once", share=0.01)
    assert report.counts == {"created": 41, "approved": 41}
    assert not [each for each in engine.hub.instances if each.endswith("-1")]
    assert azure.clock.elapsed > 20_000


def two_lanes(azure, count):
    """Factories in two subscriptions, with one endpoint each, and one account in a third subscription."""
    account = azure.add_account("pv-common", subscription="00000000-0000-0000-0000-000000000099")
    for number in range(count):
        place = f"00000000-0000-0000-0000-{100 + number % 2:012}"
        factory = azure.add_factory(f"adf-{number}", purview_account=account, subscription=place)
        yield Spec(factory=str(factory), account=str(account), name="purview", groups=("account",))


def test_stop_ends_a_pause_for_the_limits():
    """The lanes would go on for hours; what was not submitted by then is failed, and not submitted later."""
    azure = Emulator()
    engine = fleet_engine(azure, says=[(200, durable.STOP, None)])
    specs = list(two_lanes(azure, 40))
    report = ran(engine, specs, approval="at-once", share=0.01)
    assert azure.clock.elapsed < 400
    assert [each.spec for each in report.reports] == specs
    assert report.counts["failed"] > 20
    assert all(len(each.outcomes) >= 1 for each in report.reports)
    endpoints = {one.factory for one in azure.endpoints()}
    assert len(endpoints) == 40 - report.counts["failed"] < 20


def test_stop_during_a_decision_leaves_no_connection_without_an_outcome():
    """The pages that decide carry the decision out, although the limits make them wait."""
    azure = Emulator()
    engine = fleet_engine(azure, says=[*SAYS, (5_026, durable.STOP, None)])
    report = ran(engine, list(two_lanes(azure, 8)), approval="when-told", share=0.05)
    assert report.counts == {"created": 8, "approved": 8}
    assert report.complete


def test_turn_of_a_lost_lane_ends():
    """The engine lost the lane's turn for good, and refuses its id: the fleet fails after a day, and nothing goes on."""
    azure, lost = Emulator(), []

    def fate(call):
        if call.name == "purview_mpe_lane" and not lost:
            lost.append(call)
            return "never noticed"
        return "answered"

    engine = fleet_engine(azure, fate=fate)
    assert ran(engine, small_specs(azure, 2)).counts == {"failed": 2}
    assert 86_400 < azure.clock.elapsed < 2 * 86_400
    assert engine.hub.instances["fleet-make-0-0"].is_over
    assert "fleet-make-0-1" not in engine.hub.instances


def test_a_lane_that_fails_is_begun_again_a_few_times():
    """Three tries, not a day of tries: no other fleet is at work."""
    azure = Emulator()
    client = Client(azure.credential, transport=azure.transport())

    def register(worker):
        durable.register_worker(worker, lambda: client)
        del worker._registry.orchestrators["purview_mpe_lane"]

        def purview_mpe_lane(_context, _order):
            raise MemoryError("out of memory")

        worker.add_orchestrator(purview_mpe_lane)

    engine = Engine(azure, register)
    report = ran(engine, small_specs(azure, 2))
    assert report.counts == {"failed": 2}
    assert "out of memory" in report.outcomes[0].error.message
    assert engine.hub.instances["fleet-make-0-0"].execution == 2
    assert azure.clock.elapsed < 300


class Fresh:
    """A new client for each call, as on many machines: no client counts the requests of another one."""

    def __init__(self, azure):
        self._azure = azure

    def __getattr__(self, name):
        return getattr(Client(self._azure.credential, transport=self._azure.transport()), name)


def test_lanes_with_accounts_in_one_subscription_divide_its_limits():
    """Together they send no more than the share of one subscription, although no worker knows the others."""
    azure = Emulator(foreign_connections=0)
    engine = Engine(azure, lambda worker: durable.register_worker(worker, lambda: Fresh(azure)), says=list(SAYS))
    specs = list[Spec]()
    for number in range(60):
        if number % 30 == 0:
            account = azure.add_account(f"pv{number}", subscription="00000000-0000-0000-0000-000000000099")
        place = f"00000000-0000-0000-0000-{100 + number // 10:012}"
        factory = azure.add_factory(f"adf-{number}", purview_account=account, subscription=place)
        specs.append(Spec(factory=str(factory), account=str(account), name="purview"))
    report = ran(engine, specs, approval="when-told", share=0.2)
    assert report.counts == {"created": 240, "approved": 240}
    # 36 writes at once, then two in each second. If each of the six lanes did that, there would be no wait.
    assert (240 - 36) / 2 <= azure.clock.elapsed - SAYS[0][0] < 240


# --- stopping


def test_stopped_lane_reports_its_results():
    """The event ends a subscription's orchestration between two rounds, after a last look."""
    azure = Emulator(provisioning=3600)
    specs = factories(azure, 2, 1)
    engine = fleet_engine(azure)
    given = durable.FleetRequest(specs=specs).model_dump(mode="json")
    engine.hub.start(durable.FLEET, json.dumps(given), "fleet")
    engine.says.append((300, durable.STOP, None))
    engine.hears = f"purview-mpe-{specs[0].factory_id.subscription}"
    report = FleetReport.model_validate_json(engine.finish("fleet").output)
    assert azure.clock.elapsed < 400
    assert report.counts == {"timed-out": 8}
    assert len(puts(azure)) == 8


def test_stopped_wait_for_a_decision_approves_nothing():
    """The event ends the wait; created endpoints are reported, and their connections are left to the owners."""
    azure = Emulator()
    engine = fleet_engine(azure, says=[(5000, durable.STOP, None)])
    report = ran(engine, factories(azure, 2, 1), approval="when-told")
    assert report.counts == {"created": 8, "handed-off": 8}
    assert report.outcomes[-1].error.message == "The fleet was stopped, so the connection was not approved."
    assert azure.clock.elapsed < 6000


# --- sizes


@pytest.mark.parametrize(
    ("count", "fields"), [(30, {}), (35, {"approval": "when-told"}), (1000, {}), (1000, {"approval": "when-told"})]
)
def test_fleet_that_is_too_large_for_the_engine_is_refused(count, fields):
    """The fleet fails at its start: nothing is sent to Azure, and the message says how many factories fit."""
    azure = Emulator()
    client = Client(azure.credential, transport=azure.transport())
    engine = Engine(azure, lambda worker: durable.register_worker(worker, lambda: client, message_bytes=15_000))
    given = durable.FleetRequest(specs=factories(azure, count, 2), **fields).to_input()
    instance = engine.run(durable.FLEET, given)
    assert f"has {count:,} factories, and messages of 15,000 bytes carry about" in (instance.failure.errorMessage)
    assert azure.requests == []


def test_report_that_is_too_large_for_the_engine_is_packed():
    """The counts stay readable, and `report_in` returns the whole report."""
    azure = Emulator()
    client = Client(azure.credential, transport=azure.transport())
    engine = Engine(azure, lambda worker: durable.register_worker(worker, lambda: client, message_bytes=12_000))
    specs = factories(azure, 5, 2)
    instance = engine.run(durable.FLEET, durable.FleetRequest(specs=specs).to_input())
    output = json.loads(instance.output)
    assert output["counts"] == {"created": 20}
    assert output["complete"] is True
    assert durable.pages_in(output) == ()
    assert len(instance.output) < 12_000
    report = durable.report_in(output)
    assert [each.spec for each in report.reports] == specs
    assert report.counts == {"created": 20}
    assert durable.report_in(report.model_dump(mode="json")) == report


def test_large_fleet_keeps_its_reports_in_its_pages():
    """The output has counts and the pages' ids; the pages' outputs form the report, in the order of the specs."""
    azure = Emulator()
    specs = factories(azure, 45, 2)
    engine = fleet_engine(azure)
    request = durable.FleetRequest(specs=specs)
    given = request.to_input()
    assert isinstance(given["specs"], str)
    assert len(json.dumps(given)) < 3_000
    instance = engine.run(durable.FLEET, given)
    output = json.loads(instance.output)
    assert (output["factories"], output["counts"], output["complete"]) == (45, {"created": 180}, True)
    assert len(instance.output) < 2_000
    assert [each.spec for each in report_of(engine, instance).reports] == specs
    shown = [json.loads(each) for each in instance.statuses]
    assert [each["done"] for each in shown] == [0, *sorted(each["done"] for each in shown[1:-1]), 45]
    with pytest.raises(InvalidSpec, match="lacks the output of the orchestration 'fleet-make-0-0-0-0-0-report-0'"):
        durable.report_in(output)
    assert engine.hub.largest["turn"] < 100_000
    # The orchestration also reads plain JSON.
    plain = fleet_engine(azure)
    assert report_of(plain, plain.run(durable.FLEET, request.model_dump(mode="json"))).counts == {"kept": 180}


@pytest.mark.usefixtures("keeping")
@pytest.mark.parametrize("fate", ["dies before", "dies after", "never noticed", "fails", "answers oddly"])
def test_large_fleet_survives_what_a_small_fleet_survives(fate):
    """A worker dies, or an activity is lost, fails or answers oddly, at any place: same end, nothing written twice."""
    undisturbed, written, calls = large_fleet_with(lambda _call: "answered")
    assert undisturbed.counts == {"created": 4, "approved": 4}
    names = {f"purview_mpe_{each}" for each in ("turn", "lane", "page", "reports", "create")}
    assert {call.name for call in calls} == {durable.FLEET, *names}
    # Every engine repeats a lost turn; an activity can be lost for good.
    concerned = [call for call in calls if fate.startswith("dies") or not call.is_turn]
    for place in range(len(concerned)):
        report, puts_of_this, _ = large_fleet_with(at_place(place, fate))
        assert report.complete, place
        assert len(puts_of_this) == len(set(puts_of_this)) == len(written), place


def at_place(place, fate):
    """This fate for the piece of work, or the activity, at this place."""
    seen = []

    def fate_of(call):
        if fate.startswith("dies") or not call.is_turn:
            seen.append(call)
            if len(seen) == place + 1:
                return fate
        return "answered"

    return fate_of


def large_fleet_with(fate):
    """The result of a large fleet in two subscriptions, whose reports stay with its pages; one lane has two pages."""
    azure = Emulator()
    engine = fleet_engine(azure, fate=fate)
    specs = [spec.model_copy(update={"groups": ("account",)}) for spec in (*factories(azure, 3, 1), other(azure))]
    return ran(engine, specs, approval="at-once", poll_seconds=100), puts(azure), engine.calls


def other(azure):
    """A factory in another subscription."""
    return factories(azure, 2, 2)[1]


@pytest.mark.usefixtures("keeping")
def test_two_large_fleets_take_turns():
    """Each endpoint is written once, and counted as created once."""
    azure = Emulator()
    engine = fleet_engine(azure)
    given = json.dumps(durable.FleetRequest(specs=factories(azure, 5, 2)).to_input())
    for each in ("first", "second"):
        engine.hub.start(durable.FLEET, given, each)
    reports = [report_of(engine, engine.finish(each)) for each in ("first", "second")]
    assert sum(report.counts.get("created", 0) for report in reports) == 20
    assert all(report.complete for report in reports)
    assert len(puts(azure)) == len(set(puts(azure))) == 20


@pytest.mark.usefixtures("keeping")
@pytest.mark.parametrize("at", [0, 300, 3000])
def test_large_fleet_can_be_stopped(at):
    """At its start or between its rounds, the fleet ends, and the report says what is done."""
    azure = Emulator(provisioning=7200)
    engine = fleet_engine(azure, says=[(at, durable.STOP, None)] if at else [])
    specs = factories(azure, 5, 2)
    engine.hub.start(durable.FLEET, json.dumps(durable.FleetRequest(specs=specs).to_input()), "fleet")
    if not at:
        engine.hub.raise_event("fleet", durable.STOP, "null")
    report = report_of(engine, engine.finish("fleet"))
    assert azure.clock.elapsed < at + 200
    assert [each.spec for each in report.reports] == specs
    assert report.counts == {"timed-out": 20}
    assert len(puts(azure)) == 20


@pytest.mark.usefixtures("keeping")
def test_page_of_a_large_fleet_fails():
    """One subscription's orchestrator always fails: its factories are failed, and the others are done."""
    azure = Emulator()
    client = Client(azure.credential, transport=azure.transport())
    specs = factories(azure, 6, 2)

    def register(worker):
        durable.register_worker(worker, lambda: client)
        lane = worker._registry.orchestrators.pop("purview_mpe_lane")

        def purview_mpe_lane(context, order):
            if context.instance_id.endswith("101"):
                raise MemoryError("out of memory")
            return (yield from lane(context, order))

        worker.add_orchestrator(purview_mpe_lane)

    engine = Engine(azure, register)
    report = ran(engine, specs)
    assert report.counts == {"created": 12, "failed": 3}
    assert [each.succeeded for each in report.reports] == [True, False] * 3
    assert "out of memory" in report.reports[1].outcomes[0].error.message


def test_engine_that_cannot_keep_reports_fails_the_page():
    """If the child that only returns its input fails several times, the page fails with a message."""
    asked = []

    def child(_name, order, instance):
        asked.append((instance, order))
        return instance

    def no_answer(_call):
        raise Unanswered("no")

    engine = SimpleNamespace(child=child, answer=no_answer)
    result = {"pages": [packed([])], "asking": [0]}
    with pytest.raises(Unanswered, match="keep the reports"):
        list(_kept.kept(engine, "page", result, _logic.logic_of(LOGIC)))
    assert [instance for instance, _ in asked] == ["page-report-0", "page-report-1", "page-report-2"]


# --- the engine itself


def small(*orchestrators, activities=(), **options):
    """An engine with a test's own orchestrators."""

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
    """A parent gets its child's result or failure; a second instance with the same id is refused."""

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


def test_continue_as_new_drops_timers_and_activities():
    """Timers and activities of an earlier execution do not reach the next one; early events do."""

    def rounds(context, number):
        context.create_timer(timedelta(seconds=3))
        context.call_activity("double", input=number)
        if number < 3:
            yield context.create_timer(timedelta(seconds=10))
            context.continue_as_new(number + 1, save_events=True)
            return None
        word = yield context.wait_for_external_event("word")
        yield context.create_timer(timedelta(seconds=10))
        return [number, word]

    engine = small(rounds, activities=[double], says=[(2, "word", "early")])
    instance = engine.run("rounds", 1)
    assert json.loads(instance.output) == [3, "early"]
    assert instance.execution == 2
    assert engine.azure.clock.elapsed == 30


def test_timers_fire_in_order():
    """Time advances to each timer, and the orchestrator sees the new time."""

    def waiting(context, _given):
        began, seen = context.current_utc_datetime, []
        timers = {seconds: context.create_timer(timedelta(seconds=seconds)) for seconds in (30, 10, 20)}
        for seconds in (10, 20, 30):
            yield timers[seconds]
            seen.append((context.current_utc_datetime - began).total_seconds())
        return seen

    assert json.loads(small(waiting).run("waiting", None).output) == [10, 20, 30]


def test_orchestrator_that_differs_at_a_replay_fails():
    """The engine's own worker detects it, as in production."""
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


def test_answer_of_a_dead_worker_is_ignored():
    """Another worker got the work, so the late answer changes nothing."""

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


def test_orchestration_without_an_end_fails_the_test():
    """An orchestration that waits for an event that never comes is an error in the test."""

    def lonely(context, _given):
        yield context.wait_for_external_event("never")

    with pytest.raises(AssertionError, match="waits for nothing"):
        small(lonely).run("lonely", None)


def test_orchestration_is_terminated_from_outside():
    """Its timers and activities are dropped, and its parent gets a failure."""

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


def test_largest_messages_are_recorded():
    """Engines limit message sizes, so tests need to know them."""
    azure = Emulator()
    engine = fleet_engine(azure)
    ran(engine, factories(azure, 2, 1))
    assert all(200 < size < 100_000 for size in engine.hub.largest.values()), engine.hub.largest
