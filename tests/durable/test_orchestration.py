"""Fleets on many machines: the orchestrations under Azure Durable Functions, on a host that is the emulator's clock."""

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

# The SDK's own converter of activities calls it so, on every host.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads")


class Ended:
    """A fleet that went through a host."""

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
        self.host.events = [(at, durable.APPROVAL, told) for at, told in says]
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


def test_a_fleet_is_created_across_subscriptions():
    """Every factory has its endpoints, each written once; the output is the JSON of a FleetReport, in the specs' order."""
    azure = Emulator()
    specs = factories(azure, 9, 3)
    ended = Ended(azure, specs)
    assert ended.report.counts == {"created": 36}
    assert ended.report.complete
    assert [report.spec for report in ended.report.reports] == specs
    assert json.loads(json.dumps(ended.instance.output)) == ended.report.model_dump(mode="json")
    assert len(puts(azure)) == len(set(puts(azure))) == 36


def test_workers_that_may_approve_do_it_at_once():
    """`at-once` approves each connection as it appears."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 4, 2), approval="at-once")
    assert ended.report.counts == {"created": 16, "approved": 16}
    assert ended.report.complete


def test_waiting_is_the_orchestrations_and_ends_soon_after_azure():
    """Timers span the minutes that Azure takes; the fleet is done less than a tenth later, and says created."""
    azure = Emulator(provisioning=900)
    ended = Ended(azure, factories(azure, 3, 1))
    assert ended.report.counts == {"created": 12}
    assert 900 <= azure.clock.elapsed <= 990
    assert len(ended.called("purview_mpe_create")) < 25


def test_the_time_given_ends_the_wait():
    """What Azure has not made by then is timed-out, with the state it was in."""
    azure = Emulator(provisioning=3600)
    ended = Ended(azure, factories(azure, 2, 1), timeout=300)
    assert ended.report.counts == {"timed-out": 8}
    assert azure.clock.elapsed < 320
    assert "was still Provisioning" in ended.report.outcomes[0].error.message


def test_nobody_waits_who_does_not_want_to():
    """With `wait=False` the endpoints are asked for, and that is all."""
    azure = Emulator(provisioning=3600)
    ended = Ended(azure, factories(azure, 2, 1), wait=False)
    assert ended.report.counts == {"created": 8}
    assert len(ended.called("purview_mpe_create")) == 1


def test_a_second_run_writes_nothing():
    """Starting a fleet again is safe: it finds everything."""
    azure = Emulator()
    specs = factories(azure, 3, 1)
    Ended(azure, specs)
    before = len(azure.writes)
    assert Ended(azure, specs).report.counts == {"kept": 12}
    assert len(azure.writes) == before


# --- Azure's limits


def test_waves_keep_azures_limits():
    """A subscription gets no more than its buckets hold: nothing is refused, and the time is what the limits ask."""
    azure = Emulator(enforce_limits=True, foreign_connections=0)
    ended = Ended(azure, factories(azure, 100, 1), batch=10)
    assert ended.report.counts == {"created": 400}
    assert [request for request in azure.requests if request.status == 429] == []
    assert 20 < azure.clock.elapsed < 200
    assert max(len(order["factories"]) for order in ended.called("purview_mpe_create")) == 10


def test_a_share_is_kept_by_all_workers_together():
    """Half of the limits takes twice the time."""
    seconds = []
    for share in (1.0, 0.5):
        azure = Emulator(provisioning=1)
        Ended(azure, factories(azure, 80, 1), wait=False, share=share, batch=20)
        seconds.append(azure.clock.elapsed)
    assert seconds[1] > 1.8 * seconds[0] > 0


# --- what is expected to go wrong


def test_what_azure_refuses_is_in_the_reports():
    """A missing factory, a policy, a conflict: each in its own report, and the others are done."""
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


def test_a_role_that_is_missing_is_in_the_reports():
    """A worker that may only read says so for every factory."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 2, 1), roles=("reader",))
    assert ended.codes() == {"access-denied"}
    assert azure.endpoints() == []


def test_a_credential_that_cannot_be_used_is_in_the_reports():
    """What keeps a worker from making its client is told like what Azure refuses."""
    azure = Emulator()

    def connect():
        raise InvalidCredential("it is none", remedy="Pass one.")

    ended = Ended(azure, factories(azure, 2, 1), connect=connect)
    assert ended.codes() == {"invalid-credential"}


def test_a_passing_failure_passes():
    """A factory that could not be reached at first is taken up again in the next round."""
    azure = Emulator()
    azure.inject(Fault.status("GET", 503, path="adf-0000", times=8))
    ended = Ended(azure, factories(azure, 2, 1))
    assert ended.report.counts == {"created": 8}


# --- workers that die


def test_a_call_that_nobody_answers_is_made_again():
    """A worker that dies with its answer: the next round finds what it made, and makes what is missing."""
    azure = Emulator()
    host = {"lost": lambda name, number: (name, number) == ("purview_mpe_create", 1)}
    ended = Ended(azure, factories(azure, 4, 1), host=host, batch=2, silence_seconds=120)
    assert ended.report.counts == {"created": 16}
    assert len(puts(azure)) == len(set(puts(azure))) == 16


def test_what_a_dead_worker_made_is_found():
    """A worker that dies between its work and its answer: nothing is made twice, and what it made is kept."""
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


def test_an_activity_that_its_engine_calls_failed_is_made_again():
    """A worker that runs out of memory, or of the time that a function may take, is no failure of the fleet."""
    azure = Emulator()
    host = {"failing": lambda name, number: (name, number) == ("purview_mpe_create", 1)}
    ended = Ended(azure, factories(azure, 4, 1), host=host, batch=2)
    assert ended.report.counts == {"created": 16}


def test_a_worker_that_comes_too_late_does_nothing():
    """An order has a time by which it has to be done: later somebody else may have been asked, so it is left alone."""
    azure = Emulator()
    app = df.DFApp()
    durable.register_functions(app, lambda: Client(azure.credential, transport=azure.transport()))
    host = Host(app, azure, lost=lambda *_: True)
    request = durable.FleetRequest(specs=factories(azure, 1, 1), silence_seconds=5, timeout=1)
    host.run(durable.FLEET, request.model_dump(mode="json"))
    name, order = host.calls[0]
    told = host.functions[name](order | {"until": "2020-01-01T00:00:00+00:00"})
    assert "came to it too late" in told["reports"][0]["outcomes"][0]["error"]["message"]
    assert azure.requests == []


def test_workers_that_never_answer_are_reported():
    """Where no worker is alive the time ends, and the report says what to do."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 2, 1), host={"lost": lambda *_: True}, silence_seconds=60, timeout=200)
    assert ended.report.counts == {"failed": 2}
    assert ended.report.outcomes[0].error.message == (
        "No worker reported what became of the factory 'adf-0000'. No answer came in time."
    )
    assert ended.report.outcomes[0].error.remedy == (
        "Start the fleet again: it reads Azure first and does only what is missing."
    )


# --- endpoints that Azure could not make


def test_an_endpoint_that_azure_could_not_make_is_made_anew():
    """One that this fleet made and that ended Failed is replaced, as create_all does, without replace_broken."""
    azure = Emulator()
    azure.inject(
        Fault.failed_provisioning(path="adf-0000/managedVirtualNetworks/default/managedPrivateEndpoints/purview_blob")
    )
    ended = Ended(azure, factories(azure, 2, 1))
    assert ended.report.counts == {"created": 8}
    assert ended.report.complete
    assert {one.provisioning_state for one in azure.endpoints()} == {"Succeeded"}


def test_somebody_elses_broken_endpoint_is_left_alone():
    """One that was there before is a conflict, whose remedy says how to allow its replacement."""
    azure = Emulator()
    [spec] = factories(azure, 1, 1)
    azure.inject(Fault.failed_provisioning(path="purview_blob"))
    with Client(azure.credential, transport=azure.transport()) as client:
        client.create_all(spec, wait=False)
    azure.clock.advance(500)
    ended = Ended(azure, [spec])
    assert ended.results("adf-0000").count("conflict") == 1
    assert "replace_broken" in next(o.error.remedy for o in ended.report.outcomes if o.result == "conflict")


def test_an_endpoint_that_its_owner_rejects_meanwhile_is_not_made_anew():
    """A rejection is a decision: it comes back as a conflict, and nothing is deleted."""
    azure = Emulator(provisioning={"account": 600, "blob": 30, "queue": 30, "namespace": 30})
    specs = factories(azure, 1, 1)
    host = {"lost": lambda _name, number: number == 3 and bool(azure.reject("purview_blob") or False)}
    ended = Ended(azure, specs, host=host)
    assert "conflict" in ended.results("adf-0000")
    assert [request for request in azure.requests if request.method == "DELETE"] == []


# --- a person decides


def test_nothing_is_approved_before_a_person_says_so():
    """`when-told` waits for the event, tells so, and then approves what was created."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 3, 1), approval="when-told", says=[(7000, {"approved": True})])
    assert ended.report.counts == {"created": 12, "approved": 12}
    assert ended.report.complete
    assert azure.clock.elapsed >= 7000
    assert [status["phase"] for status in ended.instance.statuses] == ["creating", "waiting-for-approval", "approving"]


def test_the_approver_can_be_somebody_else():
    """The requester's identity may not approve, and the approver's may not create."""
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
def test_without_a_yes_everything_is_left_to_the_owners(says, why):
    """Declined, or nobody there in time: nothing is approved, and the report hands it off."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 2, 1), approval="when-told", approval_hours=48, says=says, hand_off=True)
    assert ended.report.counts == {"created": 8, "handed-off": 8}
    assert (ended.report.succeeded, ended.report.complete) == (True, False)
    assert {outcome.error.message for outcome in ended.report.outcomes if outcome.error} == {why}
    assert ended.report.reports[0].hand_off.startswith("Please approve 4")
    assert {one.status for one in azure.connections() if one.endpoint} == {"Pending"}
    assert azure.clock.elapsed < 48 * 3600 + 600


def test_approvals_by_other_ways_are_noticed():
    """Who approves in the portal need not tell the orchestration: it looks now and then."""
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


@pytest.mark.parametrize("told", ["true", '{"approved": true}', " true\n"])
def test_a_decision_that_the_sdk_has_encoded_once_more_is_understood(told):
    """The client of azure-functions-durable 1.x sends true as the text "true"."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 1, 1), approval="when-told", says=[(3000, told)])
    assert ended.report.counts == {"created": 4, "approved": 4}


def test_a_no_that_the_sdk_has_encoded_once_more_is_a_no():
    """The text "false" declines."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 1, 1), approval="when-told", says=[(3000, "false")])
    assert ended.report.counts == {"created": 4, "handed-off": 4}


def test_a_word_that_is_no_decision_is_told():
    """An event that says neither yes nor no is shown in the status, and waited on."""
    azure = Emulator()
    says = [(3000, "perhaps"), (3100, True)]
    ended = Ended(azure, factories(azure, 1, 1), approval="when-told", says=says)
    assert ended.report.complete
    assert ended.instance.statuses[2]["not understood"] == "'perhaps'"


def test_nobody_is_asked_where_nothing_was_created():
    """A fleet that failed ends without waiting for a person."""
    azure = Emulator()
    ended = Ended(azure, factories(azure, 2, 1), roles=("reader",), approval="when-told")
    assert ended.codes() == {"access-denied"}
    assert azure.clock.elapsed < 3600


# --- what is asked for


def test_a_wrong_request_is_refused_before_it_is_started():
    """Every wrong field is named at once, by constructor and from JSON alike."""
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


def test_a_request_survives_json():
    """What an orchestration is started with reads back as it was."""
    spec = Spec(factory=str(Emulator().factory), name="purview")
    request = durable.FleetRequest(specs=[spec], approval="when-told", approval_hours=1.5)
    assert durable.FleetRequest.model_validate(request.model_dump(mode="json")) == request
    assert "approval_hours" in str(request)


def test_unknown_names_are_refused():
    """A misspelt name is an AttributeError, as in any module."""
    with pytest.raises(AttributeError, match="has no attribute 'FleetReqest'"):
        _ = durable.FleetReqest
    assert "FleetRequest" in dir(durable)


# --- several fleets, several pages


def test_a_second_fleet_ends_where_the_host_drops_its_lane():
    """Azure Storage drops a child whose id is taken: the second fleet asks again once the first must be over."""
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


def test_all_pages_are_looked_at_before_nothing_is_left_to_decide():
    """Everything is approved in the portal but one factory of a later page: the wait goes on until that is as well."""
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


# --- what is loaded


def test_importing_loads_no_engine():
    """Neither an engine nor pydantic nor an SDK comes with the module."""
    loaded = in_a_fresh_process("import sys, purview_mpe.durable; print(*sys.modules)").split()
    heavy = {"azure", "durabletask", "grpc", "pydantic", "tenacity"}
    assert {name.partition(".")[0] for name in loaded} & heavy == set()


def test_registering_loads_nothing_heavy():
    """The host loads the app at every cold start; pydantic and the SDKs wait for the first activity."""
    loaded = in_a_fresh_process(
        """
        import sys, azure.durable_functions as df
        from purview_mpe import durable
        durable.register_functions(df.DFApp())
        print(*(name for name in sys.modules if name.startswith(("pydantic", "azure.core", "azure.mgmt", "durabletask"))))
        """
    )
    assert loaded.split() == []


def test_the_host_can_load_each_function():
    """Bindings and parameters have the same names, and annotations can be resolved: the host refuses others."""
    app = df.DFApp()
    durable.register_functions(app)
    functions = {each.get_function_name(): each for each in app.get_functions()}
    names = {
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
