"""Large fleets of which a person decides, and lanes that are divided: reports stay with their pages."""

from __future__ import annotations

import dataclasses
import json
import logging

import pytest

from purview_mpe import Client, durable
from purview_mpe.durable import _logic
from purview_mpe.durable._packing import packed
from purview_mpe.durable._request import LOGIC
from purview_mpe.durable._waiting import kept_of
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import InvalidSpec
from tests.support.durable_fleet import bare_factories, factories
from tests.support.engine import Engine

SAYS = [(5_000, durable.APPROVAL, True)]


@pytest.fixture(autouse=True)
def _quiet():
    """Workers of the engine log what they carry out."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def changed(monkeypatch, **numbers):
    """The latest logic with other numbers."""
    large = dataclasses.replace(_logic.LOGICS[LOGIC], **numbers)
    monkeypatch.setattr(_logic, "LOGICS", {**_logic.LOGICS, LOGIC: large})


@pytest.fixture
def keeping(monkeypatch):
    """Every fleet counts as a large one, whose reports stay with its pages; a page has two factories."""
    changed(monkeypatch, carried=0, page=2)


@pytest.fixture
def divided(monkeypatch):
    """As `keeping`, and a lane has room for a few pages, so that a larger one is divided."""
    changed(monkeypatch, carried=0, page=2, message=20_000)


def engine_of(azure, client=None, **options):
    """An engine whose workers can do everything for fleets."""
    client = client or Client(azure.credential, transport=azure.transport())
    return Engine(azure, lambda worker: durable.register_worker(worker, lambda: client), **options)


def ended(engine, specs, **fields):
    """The output of a fleet, and its whole report."""
    request = durable.FleetRequest(specs=specs, **{"approval": "when-told", **fields})
    instance = engine.run(durable.FLEET, request.to_input())
    assert instance.failure is None, instance.failure.errorMessage
    output = json.loads(instance.output)
    pages = {page: json.loads(engine.hub.instances[page].output) for page in durable.pages_in(output)}
    report = durable.report_in(output, pages)
    assert output["counts"] == report.counts
    assert (output["succeeded"], output["complete"]) == (report.succeeded, report.complete)
    assert [each.spec for each in report.reports] == list(specs)
    return output, report


def small(specs):
    """The specs with one endpoint each."""
    return [spec.model_copy(update={"groups": ("account",)}) for spec in specs]


def puts(azure):
    """What endpoints were asked for, and decisions made."""
    return [request.path for request in azure.writes if request.method == "PUT"]


def words(report):
    """What a report says, without times and ids."""
    return [
        (
            each.verb,
            each.approval_asked,
            each.complete,
            each.account.name,
            (each.hand_off or "").count("purview"),
            [(one.subject, one.name, one.result, one.error, one.matched_by) for one in each.outcomes],
        )
        for each in report.reports
    ]


# --- a person decides


@pytest.mark.parametrize("says", [SAYS, [(5_000, durable.APPROVAL, False)], [], [(5_000, durable.STOP, None)]])
@pytest.mark.parametrize("verb", ["create", "onboard"])
def test_a_large_fleet_ends_as_a_small_one(says, verb, monkeypatch):
    """Approved, declined, unanswered or stopped: the report is the one that the fleet's own orchestration carries."""
    reports = []
    for carried in (40, 0):
        changed(monkeypatch, carried=carried, page=2)
        azure = Emulator()
        specs = factories(azure, 3, 1) if verb == "create" else bare_factories(azure, 3)
        engine = engine_of(azure, says=list(says))
        request = durable.FleetRequest(specs=specs, verb=verb, approval="when-told", hand_off=True)
        output = json.loads(engine.run(durable.FLEET, request.to_input()).output)
        assert bool(durable.pages_in(output)) is (carried == 0)
        pages = {page: json.loads(engine.hub.instances[page].output) for page in durable.pages_in(output)}
        reports.append(durable.report_in(output, pages))
        assert output["complete"] is reports[-1].complete is (says is SAYS)
        assert output["counts"] == reports[-1].counts
    few, many = (words(report) for report in reports)
    assert many == few


@pytest.mark.usefixtures("keeping")
def test_the_event_may_come_at_the_start():
    """A decision that comes before everything else is kept until the endpoints are created."""
    azure = Emulator()
    engine = engine_of(azure)
    request = durable.FleetRequest(specs=small(factories(azure, 3, 2)), approval="when-told")
    engine.hub.start(durable.FLEET, json.dumps(request.to_input()), "fleet")
    engine.hub.raise_event("fleet", durable.APPROVAL, "true")
    output = json.loads(engine.finish("fleet").output)
    assert (output["counts"], output["complete"]) == ({"created": 3, "approved": 3}, True)


@pytest.mark.untraced
@pytest.mark.parametrize("fate", ["dies before", "dies after", "never noticed", "fails", "answers oddly"])
def test_a_decision_survives_what_a_creation_does(fate, monkeypatch):
    """A worker dies, or an activity is lost, fails or answers oddly, at any place: the same end, nothing twice."""
    changed(monkeypatch, carried=0, page=1)

    def run(place):
        azure, seen = Emulator(), []

        def fate_of(call):
            if call.is_turn and not fate.startswith("dies"):
                return "answered"
            seen.append(call)
            return fate if len(seen) == place else "answered"

        specs = small(factories(azure, 2, 1))
        output, _ = ended(engine_of(azure, fate=fate_of, says=list(SAYS)), specs, poll_seconds=100)
        return output, puts(azure), seen

    undisturbed, written, seen = run(0)
    assert undisturbed["counts"] == {"created": 2, "approved": 2}
    assert "purview_mpe_find" in {call.name for call in seen}
    for place in range(1, len(seen) + 1):
        output, puts_of_this, _ = run(place)
        assert output["complete"], place
        assert len(puts_of_this) == len(set(puts_of_this)) == len(written), place


@pytest.mark.parametrize("fixture", ["keeping", "divided"])
def test_a_large_fleet_notices_approvals_by_other_means(fixture, request):
    """All but one are approved in the portal, and a factory without endpoints is not waited for."""
    request.getfixturevalue(fixture)
    azure = Emulator()
    *specs, missing = small(factories(azure, 11, 1))
    missing = missing.model_copy(update={"factory": missing.factory.replace("adf-0010", "adf-none")})
    specs.insert(0, missing)

    def approving(call):
        late = azure.clock.elapsed > 20_000
        for one in azure.connections() if call.name == "purview_mpe_find" else ():
            if one.endpoint and one.status == "Pending" and (late or one.factory.name != "adf-0009"):
                azure.approve(one.endpoint, factory=one.factory)
        return "answered"

    output, report = ended(engine_of(azure, fate=approving), specs)
    assert output["counts"] == {"created": 10, "failed": 2, "already-approved": 10}
    assert 20_000 < azure.clock.elapsed < 50_000
    assert [outcome.error.code for outcome in report.reports[0].outcomes] == ["not-found"] * 2


@pytest.mark.usefixtures("keeping")
def test_an_endpoint_that_was_deleted_meanwhile_is_not_complete():
    """It is not created again: the person has decided about what there was."""
    azure = Emulator()
    client = Client(azure.credential, transport=azure.transport())

    def deleting(call):
        if call.name == "purview_mpe_find":
            client.delete_all(specs[0])
        return "answered"

    specs = small(factories(azure, 2, 1))
    output, _ = ended(engine_of(azure, fate=deleting, says=list(SAYS)), specs)
    assert output["counts"] == {"created": 2, "approved": 1}
    assert not output["complete"]
    assert len(azure.endpoints()) == 1


@pytest.mark.usefixtures("keeping")
def test_a_factory_that_cannot_be_read_at_first_is_found_later():
    """An unavailable service is tried again in the next round."""
    azure, found = Emulator(), []

    def failing(call):
        if call.name == "purview_mpe_find":
            found.append(call)
        if len(found) == 1 and found[-1] is call:
            azure.inject(Fault.status("GET", 503, path="adf-0000", times=8))
        return "answered"

    output, _ = ended(engine_of(azure, fate=failing, says=list(SAYS)), small(factories(azure, 2, 1)))
    assert output["counts"] == {"created": 2, "approved": 2}


@pytest.mark.usefixtures("keeping")
def test_nothing_is_waited_for_where_nothing_can_be_approved():
    """No factory has an endpoint: the fleet ends without a person."""
    azure = Emulator()
    azure.inject(Fault.policy("PUT", times=None))
    output, _ = ended(engine_of(azure), small(factories(azure, 3, 1)))
    assert output["counts"] == {"failed": 3}


@pytest.mark.usefixtures("keeping")
def test_the_approver_needs_no_right_to_read():
    """The worker that creates finds the endpoints and the account; the approver's identity decides."""
    azure = Emulator()
    clients = [Client(azure.credential_for(role), transport=azure.transport()) for role in ("requester", "approver")]

    def register(worker):
        durable.register_worker(worker, lambda: clients[0], approver=lambda: clients[1])

    output, _ = ended(Engine(azure, register, says=list(SAYS)), factories(azure, 3, 1))
    assert output["counts"] == {"created": 12, "approved": 12}
    assert output["complete"]


# --- lanes that are divided


@pytest.mark.usefixtures("divided")
@pytest.mark.parametrize(("count", "parts"), [(12, 2), (22, 3)])
@pytest.mark.parametrize("approval", ["at-once", "when-told"])
def test_a_large_lane_is_divided(count, parts, approval):
    """One subscription: several lanes of its own lane, each endpoint written once, and the reports in order."""
    azure = Emulator()
    engine = engine_of(azure, says=list(SAYS) if approval == "when-told" else [])
    output, _ = ended(engine, small(factories(azure, count, 1)), approval=approval)
    assert output["counts"] == {"created": count, "approved": count}
    assert len(puts(azure)) == len(set(puts(azure))) == 2 * count
    lanes = {each.id for each in engine.hub.instances.values() if each.name == "purview_mpe_lane"}
    [whole] = [each for each in lanes if each.startswith("purview-mpe-")]
    assert len(lanes) == (1 + parts if approval == "at-once" else 2 + 2 * parts)
    shown = [json.loads(each) for each in engine.hub.instances[whole].statuses]
    assert {"phase": "make", "lanes": [f"fleet-make-0-0-0-{part}-0" for part in range(parts)]} in shown


@pytest.mark.usefixtures("divided")
def test_divided_lanes_share_the_limits_of_their_subscription():
    """Nothing is refused."""
    azure = Emulator(enforce_limits=True, foreign_connections=0)
    output, _ = ended(engine_of(azure), factories(azure, 40, 1), approval="none")
    assert output["counts"] == {"created": 160}
    assert [request for request in azure.requests if request.status == 429] == []


@pytest.mark.usefixtures("divided")
def test_a_divided_lane_can_be_stopped():
    """The event reaches every page."""
    azure = Emulator(provisioning=7200)
    engine = engine_of(azure, says=[(600, durable.STOP, None)])
    output, _ = ended(engine, small(factories(azure, 12, 1)))
    assert output["counts"] == {"timed-out": 12}
    assert azure.clock.elapsed < 800


@pytest.mark.usefixtures("divided")
def test_two_fleets_in_a_divided_lane_take_turns():
    """The subscription's lane is one instance, however it is divided."""
    azure = Emulator()
    engine = engine_of(azure)
    given = json.dumps(durable.FleetRequest(specs=small(factories(azure, 12, 1))).to_input())
    for each in ("first", "second"):
        engine.hub.start(durable.FLEET, given, each)
    outputs = [json.loads(engine.finish(each).output) for each in ("first", "second")]
    assert sorted(next(iter(output["counts"])) for output in outputs) == ["created", "kept"]
    assert len(puts(azure)) == len(set(puts(azure))) == 12


_KEPT_OUTPUT = {"kept": ["a"], "places": packed([{"places": [0]}])}


@pytest.mark.parametrize(
    ("output", "pages", "problem"),
    [
        (None, None, "not the output of a fleet"),
        ("[]", None, "FleetReport is not valid"),
        ({"kept": None}, None, "not the output of a fleet"),
        ({"kept": []}, None, "not the output of a fleet"),
        ({"kept": [], "places": "!"}, None, "not the output of a fleet"),
        ({"lanes": 3}, None, "not the output of a fleet"),
        ({"lanes": [{"places": [0], "pages": ["!"]}]}, None, "not the output of a fleet"),
        (_KEPT_OUTPUT, {}, "lacks the output of the orchestration 'a'"),
        (_KEPT_OUTPUT, {"a": None}, "lacks the output of the orchestration 'a'"),
        (_KEPT_OUTPUT, {"a": {}}, "does not go with the output"),
        (_KEPT_OUTPUT, {"a": {"pages": []}}, "does not go with the output"),
        (_KEPT_OUTPUT, {"a": '{"pages": []}'}, "does not go with the output"),
        (_KEPT_OUTPUT, ["a"], "does not go with the output"),
    ],
)
def test_other_values_than_outputs_are_refused(output, pages, problem):
    """A fleet that failed has no output, and an orchestration that was purged has none any more."""
    with pytest.raises(InvalidSpec, match=problem):
        durable.report_in(output, pages)


@pytest.mark.parametrize("output", [None, "[]", {"kept": 3}])
def test_other_values_than_outputs_have_no_pages(output):
    """The error says what to pass."""
    with pytest.raises(InvalidSpec, match="pass what the engine shows once the fleet has completed"):
        durable.pages_in(output)


def test_a_decision_with_too_many_levels_is_shown_as_such():
    """The waiting fleet shows what it did not understand, and goes on."""
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    assert kept_of(nested) == "a list with too many levels"
    assert kept_of({"approved": True}) is True
    assert kept_of("x" * 1_000) == "'" + "x" * 199
