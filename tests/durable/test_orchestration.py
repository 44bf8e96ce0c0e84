"""Fleets on many machines: orchestrations under Azure Durable Functions, on a host with the emulator's clock."""

from __future__ import annotations

import json
import typing

import azure.durable_functions as df
import azure.functions as func
import pytest

from purview_mpe import Client, FleetReport, Spec, durable
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import InvalidCredential, InvalidSpec
from tests.support.durable_fleet import factories
from tests.support.durable_host import Host
from tests.support.processes import in_a_fresh_process

# The SDK's own activity converter makes this call on every host.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads")


class Ended:
    """The result of a fleet that ran on a host."""

    def __init__(self, azure, specs, *, roles=(), approver=None, connect=None, says=(), host=None, **fields):
        def connected(roles):
            credential = azure.credential_for(*roles) if roles else azure.credential
            return Client(credential, transport=azure.transport())

        self.app = df.DFApp()
        durable.register_functions(
            self.app,
            connect or (lambda: connected(roles)),
            approver=None if approver is None else lambda: connected(approver),
        )
        request = durable.FleetRequest(specs=specs, **fields)
        self.host = Host(self.app, azure, **(host or {}))
        self.host.events = [(at, durable.APPROVAL, decision) for at, decision in says]
        self.instance = self.host.run(durable.FLEET, request.model_dump(mode="json"))
        assert self.instance.error is None
        self.report = self.host.report(self.instance)

    def results(self, factory):
        [report] = [each for each in self.report.reports if each.spec.factory_id.name == factory]
        return [outcome.result for outcome in report.outcomes]

    def codes(self):
        return {outcome.error.code for outcome in self.report.outcomes if outcome.error}

    def called(self, activity):
        return [order for name, order in self.host.calls if name == activity]


def puts(azure):
    return [request.path for request in azure.writes if request.method == "PUT"]


# --- creating


def test_fleet_is_created_across_subscriptions():
    """Each endpoint is written once; the output is the JSON of a FleetReport, in the order of the specs."""
    azure = Emulator()
    specs = factories(azure, 9, 3)
    ended = Ended(azure, specs)
    assert ended.report.counts == {"created": 36}
    assert ended.report.complete
    assert [report.spec for report in ended.report.reports] == specs
    assert json.loads(json.dumps(ended.instance.output)) == ended.report.model_dump(mode="json")
    assert len(puts(azure)) == len(set(puts(azure))) == 36


def test_approval_at_once():
    """With `at-once`, workers approve each connection as it appears."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 4, 2), approval="at-once")
    assert ended.report.counts == {"created": 16, "approved": 16}
    assert ended.report.complete


def test_orchestration_waits_for_azure_with_timers():
    """The fleet ends at most a tenth later than Azure, and the endpoints count as created."""
    azure = Emulator(provisioning=900)
    ended = Ended(azure, factories(azure, 3, 1))
    assert ended.report.counts == {"created": 12}
    assert 900 <= azure.clock.elapsed <= 990
    assert len(ended.called("purview_mpe_create")) < 25


def test_timeout_ends_the_wait():
    """Endpoints that Azure has not created by then are timed-out, with their state."""
    azure = Emulator(provisioning=3600)
    ended = Ended(azure, factories(azure, 2, 1), timeout=300)
    assert ended.report.counts == {"timed-out": 8}
    assert azure.clock.elapsed < 320
    assert "was still Provisioning" in ended.report.outcomes[0].error.message


def test_wait_false_returns_at_once():
    """The endpoints are requested once, and the fleet ends."""
    azure = Emulator(provisioning=3600)
    ended = Ended(azure, factories(azure, 2, 1), wait=False)
    assert ended.report.counts == {"created": 8}
    assert len(ended.called("purview_mpe_create")) == 1


def test_second_run_writes_nothing():
    """Starting a fleet again is safe, because it finds everything in place."""
    azure = Emulator()
    specs = factories(azure, 3, 1)
    Ended(azure, specs)
    before = len(azure.writes)
    assert Ended(azure, specs).report.counts == {"kept": 12}
    assert len(azure.writes) == before


# --- Azure's limits


def test_waves_stay_within_azures_limits():
    """A subscription gets no more than its buckets hold: nothing is refused, and the time follows from the limits."""
    azure = Emulator(enforce_limits=True, foreign_connections=0)
    ended = Ended(azure, factories(azure, 100, 1), batch=10)
    assert ended.report.counts == {"created": 400}
    assert [request for request in azure.requests if request.status == 429] == []
    assert 20 < azure.clock.elapsed < 200
    assert max(len(order["factories"]) for order in ended.called("purview_mpe_create")) == 10


def test_share_is_kept_by_all_workers_together():
    """Half of the limits needs twice the time."""
    seconds = []
    for share in (1.0, 0.5):
        azure = Emulator(provisioning=1)
        Ended(azure, factories(azure, 80, 1), wait=False, share=share, batch=20)
        seconds.append(azure.clock.elapsed)
    assert seconds[1] > 1.8 * seconds[0] > 0


# --- expected failures


def test_refusals_by_azure_are_reported():
    """A missing factory, a policy, a conflict: each is in its own report, and the other factories are done."""
    azure = Emulator()
    good, denied, taken = factories(azure, 3, 1)
    missing = good.model_copy(update={"factory": good.factory.replace("adf-0000", "adf-none")})
    azure.inject(Fault.policy("PUT", path="adf-0001", times=None))
    azure.add_endpoint(taken.factory, "purview_blob", str(azure.add_account("other")), "account")
    ended = Ended(azure, [good, missing, denied, taken])
    assert ended.results("adf-0000") == ["created"] * 4
    assert ended.results("adf-none") == ["failed"]
    assert set(ended.results("adf-0001")) == {"failed"}
    assert "conflict" in ended.results("adf-0002")
    assert {"not-found", "policy-denied", "conflict"} <= ended.codes()
    assert not ended.report.succeeded


def test_missing_role_is_reported():
    """A worker that can only read reports it for every factory."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 2, 1), roles=("reader",))
    assert ended.codes() == {"access-denied"}
    assert azure.endpoints() == []


def test_unusable_credential_is_reported():
    """A worker that cannot make its client reports the error for every factory."""
    azure = Emulator()

    def connect():
        raise InvalidCredential("it is none", remedy="Pass one.")

    ended = Ended(azure, factories(azure, 2, 1), connect=connect)
    assert ended.codes() == {"invalid-credential"}


def test_temporary_failure_is_tried_again():
    """A factory that could not be reached at first is done in a later round."""
    azure = Emulator()
    azure.inject(Fault.status("GET", 503, path="adf-0000", times=8))
    ended = Ended(azure, factories(azure, 2, 1))
    assert ended.report.counts == {"created": 8}


# --- workers that die


def test_call_without_an_answer_is_repeated():
    """If a worker dies, the next round finds what it created, and creates the rest."""
    azure = Emulator()
    host = {"lost": lambda name, number: (name, number) == ("purview_mpe_create", 1)}
    ended = Ended(azure, factories(azure, 4, 1), host=host, batch=2, silence_seconds=120)
    assert ended.report.counts == {"created": 16}
    assert len(puts(azure)) == len(set(puts(azure))) == 16


def test_work_of_a_dead_worker_is_kept():
    """A worker dies between its work and its answer: its endpoints are kept, and nothing is written twice."""
    azure = Emulator()
    client = Client(azure.credential, transport=azure.transport())
    specs = factories(azure, 4, 1)

    def dies(_name, number):
        if number == 1:
            client.create_all(specs[0], wait=False)
        return number == 1

    ended = Ended(azure, specs, host={"lost": dies}, batch=2, silence_seconds=120)
    assert ended.report.counts == {"created": 12, "kept": 4}
    assert len(puts(azure)) == len(set(puts(azure))) == 16


def test_activity_that_the_engine_reports_as_failed_is_repeated():
    """A worker that runs out of memory, or out of its allowed time, does not make the fleet fail."""
    azure = Emulator()
    host = {"failing": lambda name, number: (name, number) == ("purview_mpe_create", 1)}
    ended = Ended(azure, factories(azure, 4, 1), host=host, batch=2)
    assert ended.report.counts == {"created": 16}


def test_late_worker_does_nothing():
    """After an order's deadline, another worker may have the order, so the late worker skips it."""
    azure = Emulator()
    app = df.DFApp()
    durable.register_functions(app, lambda: Client(azure.credential, transport=azure.transport()))
    host = Host(app, azure, lost=lambda *_: True)
    request = durable.FleetRequest(specs=factories(azure, 1, 1), silence_seconds=5, timeout=1)
    host.run(durable.FLEET, request.model_dump(mode="json"))
    name, order = host.calls[0]
    answer = host.functions[name](order | {"until": "2020-01-01T00:00:00+00:00"})
    assert "came to it too late" in answer["reports"][0]["outcomes"][0]["error"]["message"]
    assert azure.requests == []


def test_fleet_without_answers_is_reported():
    """Without living workers, the timeout ends the fleet, and the report says what to do."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 2, 1), host={"lost": lambda *_: True}, silence_seconds=60, timeout=200)
    assert ended.report.counts == {"failed": 2}
    assert ended.report.outcomes[0].error.message == (
        "No worker reported what became of the factory 'adf-0000'. No answer came in time."
    )
    assert ended.report.outcomes[0].error.remedy == (
        "Start the fleet again: it reads Azure first and does only what is missing."
    )


# --- endpoints that Azure failed to create


def test_endpoint_that_azure_failed_to_create_is_created_again():
    """An endpoint of this fleet that ends as Failed is replaced without replace_broken, as create_all does."""
    azure = Emulator()
    azure.inject(
        Fault.failed_provisioning(path="adf-0000/managedVirtualNetworks/default/managedPrivateEndpoints/purview_blob")
    )
    ended = Ended(azure, factories(azure, 2, 1))
    assert ended.report.counts == {"created": 8}
    assert ended.report.complete
    assert {one.provisioning_state for one in azure.endpoints()} == {"Succeeded"}


def test_existing_broken_endpoint_is_a_conflict():
    """It existed before the fleet, so the remedy says how to allow its replacement."""
    azure = Emulator()
    [spec] = factories(azure, 1, 1)
    azure.inject(Fault.failed_provisioning(path="purview_blob"))
    with Client(azure.credential, transport=azure.transport()) as client:
        client.create_all(spec, wait=False)
    azure.clock.advance(500)
    ended = Ended(azure, [spec])
    assert ended.results("adf-0000").count("conflict") == 1
    assert "replace_broken" in next(o.error.remedy for o in ended.report.outcomes if o.result == "conflict")


def test_endpoint_rejected_meanwhile_is_not_replaced():
    """A rejection is a decision of the owner: the endpoint is a conflict, and nothing is deleted."""
    azure = Emulator(provisioning={"account": 600, "blob": 30, "queue": 30, "namespace": 30})
    specs = factories(azure, 1, 1)
    host = {"lost": lambda _name, number: number == 3 and bool(azure.reject("purview_blob") or False)}
    ended = Ended(azure, specs, host=host)
    assert "conflict" in ended.results("adf-0000")
    assert [request for request in azure.requests if request.method == "DELETE"] == []


# --- a person's decision


def test_nothing_is_approved_before_the_decision():
    """With `when-told`, the fleet waits for the event, says so in its status, and then approves its connections."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 3, 1), approval="when-told", says=[(7000, {"approved": True})])
    assert ended.report.counts == {"created": 12, "approved": 12}
    assert ended.report.complete
    assert azure.clock.elapsed >= 7000
    assert [status["phase"] for status in ended.instance.statuses] == ["creating", "waiting-for-approval", "approving"]


def test_approver_can_have_its_own_credential():
    """The requester's identity cannot approve, and the approver's cannot create."""
    azure = Emulator()
    ended = Ended(
        azure,
        factories(azure, 2, 1),
        roles=("requester",),
        approver=("approver",),
        approval="when-told",
        says=[(3000, True)],
    )
    assert ended.report.counts == {"created": 8, "approved": 8}


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ([(3000, False)], "The approval was declined, so the connection was not approved."),
        ([], "No decision came within 48 hours, so the connection was not approved."),
    ],
)
def test_without_approval_everything_is_handed_off(says, why):
    """Declined, or without a decision in time: nothing is approved, and the report has the hand-off."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 2, 1), approval="when-told", approval_hours=48, says=says, hand_off=True)
    assert ended.report.counts == {"created": 8, "handed-off": 8}
    assert (ended.report.succeeded, ended.report.complete) == (True, False)
    assert {outcome.error.message for outcome in ended.report.outcomes if outcome.error} == {why}
    assert ended.report.reports[0].hand_off.startswith("Please approve 4")
    assert {one.status for one in azure.connections() if one.endpoint} == {"Pending"}
    assert azure.clock.elapsed < 48 * 3600 + 600


def test_approvals_in_the_portal_are_noticed():
    """The orchestration checks from time to time, so an approval in the portal needs no event."""
    azure = Emulator()

    def approving(name, _number):
        if name == "purview_mpe_approve":
            for one in azure.connections():
                if one.endpoint and one.status == "Pending":
                    azure.approve(one.endpoint, factory=one.factory)
        return False

    ended = Ended(azure, factories(azure, 2, 1), approval="when-told", host={"lost": approving})
    assert ended.report.counts == {"created": 8, "already-approved": 8}
    assert azure.clock.elapsed < 2 * 3600


@pytest.mark.parametrize("data", ["true", '{"approved": true}', " true\n"])
def test_double_encoded_approval_is_understood(data):
    """The client of azure-functions-durable 1.x sends true as the text "true"."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 1, 1), approval="when-told", says=[(3000, data)])
    assert ended.report.counts == {"created": 4, "approved": 4}


def test_double_encoded_decline_is_understood():
    """The text "false" declines."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 1, 1), approval="when-told", says=[(3000, "false")])
    assert ended.report.counts == {"created": 4, "handed-off": 4}


@pytest.mark.parametrize(("sent", "shown"), [("perhaps", "'perhaps'"), ("[" * 100_000, "'" + "[" * 199)])
def test_event_that_is_not_a_decision_is_shown(sent, shown):
    """The status shows the beginning of the event's text, and the fleet waits for another one."""
    azure = Emulator()
    says = [(3000, sent), (3100, True)]
    ended = Ended(azure, factories(azure, 1, 1), approval="when-told", says=says)
    assert ended.report.complete
    assert ended.instance.statuses[2]["not understood"] == shown


def test_no_decision_is_needed_if_nothing_was_created():
    """A fleet that failed ends without waiting for a person."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 2, 1), roles=("reader",), approval="when-told")
    assert ended.codes() == {"access-denied"}
    assert azure.clock.elapsed < 3600


# --- requests


def test_wrong_request_is_refused_before_the_start():
    """Every wrong field is named at once, by the constructor and from JSON."""
    azure = Emulator()
    [spec] = factories(azure, 1, 1)
    fields = {"specs": [spec, spec], "approval": "maybe", "share": 2, "batch": 0}
    for make in (lambda: durable.FleetRequest(**fields), lambda: durable.FleetRequest.model_validate(fields)):
        with pytest.raises(InvalidSpec) as caught:
            make()
        assert [field for field, _ in caught.value.problems] == ["specs[1]", "approval", "share", "batch"]
    with pytest.raises(InvalidSpec, match="must hold at least one spec"):
        durable.FleetRequest(specs=[])
    with pytest.raises(InvalidSpec, match=r"specs\.0\.name"):
        durable.FleetRequest.model_validate({"specs": [spec.model_dump() | {"name": "!"}]})


def test_request_survives_json():
    """The input of an orchestration is read back equal."""
    spec = Spec(factory=str(Emulator().factory), name="purview")
    request = durable.FleetRequest(specs=[spec], approval="when-told", approval_hours=1.5)
    assert durable.FleetRequest.model_validate(request.model_dump(mode="json")) == request
    assert "approval_hours" in str(request)


def test_unknown_names_raise_attribute_error():
    """A misspelt name raises AttributeError, as in any module."""
    with pytest.raises(AttributeError, match="has no attribute 'FleetReqest'"):
        _ = durable.FleetReqest
    assert "FleetRequest" in dir(durable)


# --- several fleets, several pages


def test_second_fleet_ends_although_the_host_drops_its_lane():
    """Azure Storage drops a child whose id is in use: the second fleet asks again when the first must be over."""
    azure = Emulator()
    specs = factories(azure, 2, 1)
    app = df.DFApp()
    durable.register_functions(app, lambda: Client(azure.credential, transport=azure.transport()))
    host = Host(app, azure)
    given = durable.FleetRequest(specs=specs, silence_seconds=60, timeout=600).model_dump(mode="json")
    host.start(durable.FLEET, given, "first")
    second = host.run(durable.FLEET, given, instance="second")
    first = host.instances["first"]
    assert FleetReport.model_validate(first.output).counts == {"created": 8}
    assert FleetReport.model_validate(second.output).counts == {"kept": 8}
    assert len(puts(azure)) == len(set(puts(azure))) == 8


def test_pages_share_the_limits_of_their_subscription():
    """More factories than a page holds: each page is an orchestration, and nothing is refused."""
    azure = Emulator(enforce_limits=True, foreign_connections=0)
    ended = Ended(azure, factories(azure, 45, 1), approval="when-told", says=[(9000, True)])
    assert ended.report.counts == {"created": 180, "approved": 180}
    assert [request for request in azure.requests if request.status == 429] == []
    pages = [each for each in ended.host.instances.values() if each.name == "purview_mpe_page"]
    assert len(pages) == 6


def test_wait_goes_on_until_every_page_is_approved():
    """Everything is approved in the portal except one factory of a later page, which keeps the wait going."""
    azure = Emulator()
    specs = factories(azure, 23, 1)
    host = {}

    def approving(name, _number):
        late = azure.clock.elapsed > 20_000
        for one in azure.connections() if name == "purview_mpe_approve" else ():
            if one.endpoint and one.status == "Pending" and (late or one.factory.name != "adf-0022"):
                azure.approve(one.endpoint, factory=one.factory)
        return False

    host["lost"] = approving
    specs = [spec.model_copy(update={"groups": ("account",)}) for spec in specs]
    ended = Ended(azure, specs, approval="when-told", host=host)
    assert ended.report.counts == {"created": 23, "already-approved": 23}
    assert 20_000 < azure.clock.elapsed < 50_000


# --- loaded modules


def test_import_loads_no_engine():
    """The module loads neither an engine nor pydantic nor an SDK."""
    loaded = in_a_fresh_process("import sys, purview_mpe.durable; print(*sys.modules)").split()
    heavy = {"azure", "durabletask", "grpc", "pydantic", "tenacity"}
    assert {name.partition(".")[0] for name in loaded} & heavy == set()


def test_registration_loads_no_sdk():
    """The host loads the app at every cold start; pydantic and the SDKs are loaded by the first activity."""
    loaded = in_a_fresh_process(
        """
        import sys, azure.durable_functions as df
        from purview_mpe import durable
        durable.register_functions(df.DFApp())
        print(*(name for name in sys.modules if name.startswith(("pydantic", "azure.core", "azure.mgmt", "durabletask"))))
        """
    )
    assert loaded.split() == []


def test_host_can_load_each_function():
    """The host needs equal names of bindings and parameters, and annotations that can be resolved."""
    app = df.DFApp()
    durable.register_functions(app)
    functions = {each.get_function_name(): each for each in app.get_functions()}
    names = {
        "purview_mpe_turn",
        "purview_mpe_lane",
        "purview_mpe_page",
        "purview_mpe_reports",
        "purview_mpe_create",
        "purview_mpe_onboard",
        "purview_mpe_approve",
        "purview_mpe_find",
    }
    assert set(functions) == {durable.FLEET, *names}
    for name, function in functions.items():
        [binding] = function.get_bindings()
        user_function = function.get_user_function()
        if binding.type == "activityTrigger":
            assert typing.get_type_hints(user_function)["order"]
        else:
            assert issubclass(typing.get_type_hints(user_function)["context"], func.OrchestrationContext), name
