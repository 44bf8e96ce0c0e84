"""The example app for Azure Functions, without a host: its functions are built and invoked."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
import sys
import typing
from pathlib import Path

import azure.functions as func
import pytest

from purview_mpe import Client, Spec, quick_start
from purview_mpe.emulator import Emulator, Fault
from tests.support.nouns import HIDDEN

APP = Path(__file__).resolve().parents[2] / "docs" / "examples" / "function_app"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    """The host puts the app's folder on the path; it is removed again for the next test."""
    monkeypatch.syspath_prepend(str(APP))
    yield
    quick_start(False)  # the app enables it
    for name in [name for name in sys.modules if name.partition(".")[0] in {"function_app", "provisioning"}]:
        del sys.modules[name]


class App:
    """The app of one person on an emulator."""

    def __init__(self, emulator, *roles, **settings):
        doors = importlib.import_module("provisioning.doors")
        self.emulator = emulator
        self.clients = 0
        credential = emulator.credential_for(*roles) if roles else emulator.credential

        def connect(_settings):
            self.clients += 1
            return Client(credential, transport=emulator.transport())

        self.app = doors.build(environment(emulator, **settings), connect)
        self.functions = {function.get_function_name(): function for function in self.app.get_functions()}

    def call(self, name, method="GET", body=b"", **params):
        """The function's answer: its status, its JSON or text, and its headers."""
        request = func.HttpRequest(method=method, url=f"/api/{name}", body=body, params=params)
        answer = self.functions[name].get_user_function()(request)
        text = answer.get_body().decode()
        return answer.status_code, json.loads(text) if answer.mimetype == "application/json" else text, answer.headers

    def tick(self):
        """The timer fires."""
        self.functions["drift"].get_user_function()(func.timer.TimerRequest())


def environment(emulator, **settings):
    named = {"factory": emulator.factory, "account": emulator.account, "name": "purview"} | settings
    return {f"PURVIEW_MPE_{name.upper()}": str(value) for name, value in named.items()}


def spec_of(emulator):
    return Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")


@pytest.fixture
def ready(emulator):
    """An emulator with all endpoints created and approved."""
    with Client(emulator.credential, transport=emulator.transport()) as client:
        assert client.create_all(spec_of(emulator), approve=True).complete
    return emulator


# --- what the host needs


@pytest.mark.parametrize(
    ("person", "names"), [("requester", {"plan", "create", "status", "drift"}), ("approver", {"approve"})]
)
def test_each_person_has_separate_functions(emulator, person, names):
    """An app serves one person: the requester's cannot approve, and the approver's can do nothing else."""
    assert set(App(emulator, person=person).functions) == names


@pytest.mark.parametrize("person", ["requester", "approver"])
def test_the_worker_can_load_each_function(emulator, person):
    """Bindings and parameters have the same names, and annotations can be resolved, as the worker requires."""
    for function in App(emulator, person=person).functions.values():
        bindings = {binding.name for binding in function.get_bindings()} - {"$return"}
        user_function = function.get_user_function()
        assert set(inspect.signature(user_function).parameters) == bindings
        assert typing.get_type_hints(user_function)


@pytest.mark.parametrize("person", ["requester", "approver"])
def test_every_http_function_needs_a_key(emulator, person):
    """No HTTP function can be called without one."""
    triggers = [
        binding.get_dict_repr()
        for function in App(emulator, person=person).functions.values()
        for binding in function.get_bindings()
        if binding.type == "httpTrigger"
    ]
    assert triggers
    assert {trigger["authLevel"].value for trigger in triggers} == {func.AuthLevel.FUNCTION.value}


def test_reads_are_get_and_writes_are_post(emulator):
    """A link that is followed, or a page that is prefetched, writes nothing."""
    methods = {
        name: [method.value for method in binding.get_dict_repr()["methods"]]
        for person in ("requester", "approver")
        for name, function in App(emulator, person=person).functions.items()
        for binding in function.get_bindings()
        if binding.type == "httpTrigger"
    }
    assert methods == {"plan": ["GET"], "status": ["GET"], "create": ["POST"], "approve": ["POST"]}


def test_starting_imports_no_heavy_module(emulator):
    """The host imports the app at every cold start; pydantic and the SDKs wait for the first invocation."""
    code = (
        "import sys, function_app; "
        "print([m for m in ('pydantic', 'azure.core', 'azure.mgmt', 'azure.identity') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=APP,
        env=os.environ | environment(emulator),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


# --- settings


def test_wrong_settings_are_reported_together(emulator):
    """Every missing or wrong setting is named when the app starts."""
    doors = importlib.import_module("provisioning.doors")
    settings = importlib.import_module("provisioning.settings")
    with pytest.raises(settings.WrongSettings) as caught:
        doors.build({"PURVIEW_MPE_NAME": "purview", "PURVIEW_MPE_PERSON": "both", "PURVIEW_MPE_ACCEPTS_REPORTS": "yes"})
    for name in ("PURVIEW_MPE_FACTORY", "PURVIEW_MPE_ACCOUNT", "PURVIEW_MPE_PERSON", "PURVIEW_MPE_ACCEPTS_REPORTS"):
        assert name in str(caught.value)


def test_the_app_is_configured_by_the_environment(monkeypatch):
    """The module that the host imports uses the address in its environment."""
    emulator = Emulator()
    with emulator.serve() as server:
        for name, value in environment(emulator, endpoint=server.url, ca_file=server.ca_file).items():
            monkeypatch.setenv(name, value)
        app = importlib.import_module("function_app").app
        plan = next(one for one in app.get_functions() if one.get_function_name() == "plan").get_user_function()
        answer = plan(func.HttpRequest(method="GET", url="/api/plan", body=b""))
    assert answer.status_code == 200
    assert len(json.loads(answer.get_body())["steps"]) == 4


# --- the requester


def test_plan_writes_nothing(emulator):
    """GET plan shows the steps, with a reader's rights."""
    status, plan, _ = App(emulator, "reader").call("plan")
    assert status == 200
    assert [step["action"] for step in plan["steps"]] == ["create"] * 4
    assert emulator.writes == []


def test_create_is_idempotent(emulator):
    """POST create needs only the requester's rights; a second call writes nothing."""
    app = App(emulator, "requester")
    status, report, _ = app.call("create", "POST")
    assert (status, {outcome["result"] for outcome in report["outcomes"]}) == (200, {"created"})
    assert report["hand_off"].startswith("Please approve 4")
    written = len(emulator.writes)
    status, report, _ = app.call("create", "POST")
    assert (status, {outcome["result"] for outcome in report["outcomes"]}) == (200, {"kept"})
    assert len(emulator.writes) == written


def test_create_answers_before_the_load_balancer_times_out():
    """Work that takes longer than an HTTP request may is 202; the next request continues it."""
    emulator = Emulator(provisioning=350)
    app = App(emulator)
    status, _, headers = app.call("create", "POST")
    assert (status, headers["Retry-After"]) == (202, "30")
    assert emulator.clock.elapsed < 230
    status, report, _ = app.call("create", "POST")
    assert (status, report["succeeded"]) == (200, True)


def test_status_shows_both_sides(ready):
    """GET status is the Status, as JSON."""
    status, body, _ = App(ready).call("status")
    assert (status, body["ready"]) == (200, True)


def test_azures_refusals_are_reported_with_their_remedy(emulator):
    """A refusal by Azure is an error of the app, not a 403 about the caller."""
    status, detail, _ = App(emulator, "reader").call("create", "POST")
    assert status == 502
    assert "Data Factory Contributor" in json.dumps(detail)
    emulator.add_endpoint(emulator.factory, "purview", str(emulator.add_account("other")), "account")
    status, detail, _ = App(emulator).call("create", "POST")
    assert (status, detail["code"]) == (409, "plan-conflict")
    assert detail["remedy"]


def test_an_unavailable_azure_is_503(emulator):
    """The caller sees that a later request can succeed."""
    emulator.inject(Fault.status("*", 503, times=None))
    status, detail, _ = App(emulator).call("status")
    assert (status, detail["code"]) == (503, "azure-unavailable")


def test_one_client_serves_all_invocations(ready):
    """Connections and tokens are kept between invocations, and the client is made by the first one."""
    app = App(ready)
    assert app.clients == 0
    app.call("plan")
    app.call("status")
    assert app.clients == 1


# --- drift


def test_without_drift_the_timer_succeeds(ready):
    """Every endpoint is ready."""
    App(ready).tick()


def test_a_pending_approval_is_not_drift(emulator):
    """Otherwise the alarm would ring while the approver still has the request."""
    app = App(emulator)
    app.call("create", "POST")
    app.tick()


def stale(azure):
    azure.disconnect("purview_blob")


def missing(azure):
    azure.remove(f"{azure.factory}/managedVirtualNetworks/default/managedPrivateEndpoints/purview_queue")


def grown(azure):
    azure.add_account("pv1", shape="D")


@pytest.mark.parametrize(
    ("change", "message"),
    [(stale, "stale purview_blob"), (missing, "create purview_queue"), (grown, "purview_namespace")],
)
def test_drift_fails_the_invocation(ready, caplog, change, message):
    """Each change is logged in a line, and the failed invocation can raise an alarm."""
    change(ready)
    app = App(ready)
    with pytest.raises(importlib.import_module("provisioning.requester").Drift, match=message):
        app.tick()
    assert any(message in record.getMessage() for record in caplog.records)


# --- the approver


def test_approval_without_a_report_reads_the_factory(emulator):
    """With Reader on the factory, its exact ids show which connections are its own."""
    App(emulator).call("create", "POST")
    app = App(emulator, "approver", ("Reader", emulator.factory), person="approver")
    status, report, _ = app.call("approve", "POST")
    assert (status, report["complete"]) == (200, True)
    assert {outcome["matched_by"] for outcome in report["outcomes"]} == {"private-endpoint-id"}


def test_an_approval_that_approves_nothing_is_an_error(emulator):
    """409 without endpoints, 403 if the approver has too few rights."""
    approver = App(emulator, "approver", ("Reader", emulator.factory), person="approver")
    assert approver.call("approve", "POST")[0] == 409
    App(emulator).call("create", "POST")
    reader = App(emulator, ("Reader", emulator.account), ("Reader", emulator.factory), person="approver")
    status, report, _ = reader.call("approve", "POST")
    assert (status, {outcome["result"] for outcome in report["outcomes"]}) == (403, {"handed-off"})
    assert reader.call("approve", "POST", dry_run="true")[0] == 403


def test_an_ambiguous_approval_is_409(emulator):
    """Two connections on each target have the endpoint's name."""
    App(emulator).call("create", "POST")
    for connection in emulator.connections():
        if connection.endpoint:
            emulator.add_connection(
                connection.target, private_endpoint_id=f"{HIDDEN}/df1.{connection.endpoint}", status="Pending"
            )
    app = App(emulator, "approver", person="approver")
    status, report, _ = app.call("approve", "POST")
    assert (status, {outcome["result"] for outcome in report["outcomes"]}) == (409, {"ambiguous"})


def test_a_creation_with_unknown_endpoints_is_409(emulator):
    """The account cannot be read, so only its own endpoint was created."""
    app = App(emulator, ("Data Factory Contributor", emulator.factory))
    status, report, _ = app.call("create", "POST")
    assert (status, report["complete"], len(report["outcomes"])) == (409, False, 1)


def test_a_dry_run_approves_nothing(emulator):
    """`?dry_run=true` shows what would be approved."""
    App(emulator).call("create", "POST")
    status, report, _ = App(emulator, person="approver").call("approve", "POST", dry_run="true")
    assert (status, {outcome["result"] for outcome in report["outcomes"]}) == (200, {"would-approve"})
    assert {one.status for one in emulator.connections() if one.endpoint} == {"Pending"}


def test_an_invalid_dry_run_is_refused(emulator):
    """A misspelt dry run does not approve."""
    status, text, _ = App(emulator, person="approver").call("approve", "POST", dry_run="yes")
    assert (status, "dry_run" in text, emulator.requests) == (400, True, [])


def test_reports_are_accepted_only_if_the_setting_allows_them(emulator):
    """By default, a report does not decide which private endpoints are approved."""
    _, report, _ = App(emulator).call("create", "POST")
    body = json.dumps(report).encode()
    status, _, _ = App(emulator, "approver", person="approver").call("approve", "POST", body)
    assert status == 403
    assert {one.status for one in emulator.connections() if one.endpoint} == {"Pending"}
    trusting = App(emulator, "approver", person="approver", accepts_reports="true")
    status, decision, _ = trusting.call("approve", "POST", body)
    assert (status, decision["complete"]) == (200, True)


def test_a_report_about_another_factory_or_account_is_refused(emulator):
    """The app approves only for its own factory and account."""
    other = emulator.add_factory("df2", purview_account=emulator.account)
    client = Client(emulator.credential, transport=emulator.transport())
    report = client.create_all(Spec(factory=str(other), account=str(emulator.account), name="purview"))
    app = App(emulator, "approver", person="approver", accepts_reports="true")
    assert app.call("approve", "POST", report.model_dump_json().encode())[0] == 403
    elsewhere = spec_of(emulator).model_copy(update={"account": str(emulator.add_account("pv2"))})
    lie = report.model_copy(update={"spec": elsewhere, "account": None})
    assert app.call("approve", "POST", lie.model_dump_json().encode())[0] == 400
    empty = lie.model_copy(update={"outcomes": ()})
    assert app.call("approve", "POST", empty.model_dump_json().encode())[0] == 403


def test_a_body_that_is_not_a_report_is_400(emulator):
    """The answer has the reason, and no request is sent to Azure."""
    app = App(emulator, person="approver", accepts_reports="true")
    status, text, _ = app.call("approve", "POST", b'{"verb": 1}')
    assert (status, "Report" in text, emulator.requests) == (400, True, [])
