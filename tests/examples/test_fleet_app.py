"""The example app for Azure Durable Functions, without a host: its functions are built and invoked."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import subprocess
import sys
import typing
from pathlib import Path
from types import SimpleNamespace

import azure.durable_functions as df
import azure.functions as func
import pytest

from purview_mpe import Client, FleetReport, durable
from tests.support.durable_fleet import factories
from tests.support.durable_host import Host

APP = Path(__file__).resolve().parents[2] / "docs" / "examples" / "fleet_app"

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads")


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    """The host puts the app's folder on the path; it is removed again for the next test."""
    monkeypatch.syspath_prepend(str(APP))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in {"function_app", "fleets"}]:
        del sys.modules[name]


class Engine:
    """The client of Durable Functions, as far as the HTTP functions use it; it records its calls."""

    def __init__(self, status=None):
        self.started, self.raised, self.status = [], [], status

    async def start_new(self, name, client_input, instance_id="f1"):
        self.started.append((name, client_input))
        return instance_id

    async def raise_event(self, instance, name, data):
        self.raised.append((instance, name, data))

    async def get_status(self, _instance):
        return self.status


RUNNING = SimpleNamespace(runtime_status=df.OrchestrationRuntimeStatus.Running)


class App:
    def __init__(self, azure, **environment):
        doors = importlib.import_module("fleets.doors")
        self.identities = []

        def connect(_settings, identity):
            self.identities.append(identity)
            roles = ("approver",) if identity else ("requester",)
            return Client(azure.credential_for(*roles), transport=azure.transport())

        self.app = doors.build(environment, connect)
        self.functions = {function.get_function_name(): function for function in self.app.get_functions()}

    def call(self, name, engine, body=b"", method="POST", params=None):
        """An HTTP function's answer. The SDK wraps the function, so the inner one is called, with this client."""
        inside = inspect.unwrap(self.functions[name].get_user_function())
        request = func.HttpRequest(
            method=method, url="/api/fleets", body=body, params=params, route_params={"instance": "f1"}
        )
        return asyncio.run(inside(request=request, client=engine))


def test_a_fleet_is_started_approved_and_reported(emulator):
    """From the HTTP body through orchestration, approval and two identities to the report that `look` shows."""
    app, engine = App(emulator, PURVIEW_MPE_APPROVER="22222222-0000-0000-0000-000000000000"), Engine(RUNNING)
    specs = [spec.model_dump(mode="json") for spec in factories(emulator, 3, 2)]
    answer = app.call("start", engine, json.dumps({"specs": specs}).encode())
    assert (answer.status_code, json.loads(answer.get_body())) == (202, {"id": "f1"})
    [(name, given)] = engine.started
    assert app.call("decide", engine, b"true").status_code == 202
    assert engine.raised == [("f1", durable.APPROVAL, True)]

    loaded = SimpleNamespace(get_functions=app.functions.values)  # an app gives its functions only once
    host = Host(loaded, emulator, events=[(5000, durable.APPROVAL, True)])
    ended = host.run(name, given)
    assert FleetReport.model_validate(ended.output).counts == {"created": 12, "approved": 12}
    assert app.identities == [None, "22222222-0000-0000-0000-000000000000"]

    done = SimpleNamespace(
        runtime_status=df.OrchestrationRuntimeStatus.Completed, custom_status=ended.status, output=ended.output
    )
    shown = json.loads(app.call("look", Engine(done), method="GET").get_body())
    assert (shown["state"], shown["report"]["complete"]) == ("Completed", True)


@pytest.mark.parametrize(
    ("wanted", "state", "status"),
    [
        ("nightly.2026-11-30", None, 202),
        ("nightly.2026-11-30", "Completed", 202),
        ("nightly.2026-11-30", "Running", 409),
        ("purview-mpe-1", None, 400),
        ("a/b", None, 400),
        ("x" * 65, None, 400),
    ],
)
def test_the_caller_may_choose_the_id(emulator, wanted, state, status):
    """An id can start one fleet at a time; ids of lanes, and ids that the engine does not accept, are refused."""
    known = None if state is None else getattr(df.OrchestrationRuntimeStatus, state)
    engine = Engine(SimpleNamespace(runtime_status=known))
    specs = [spec.model_dump(mode="json") for spec in factories(emulator, 1, 1)]
    body = json.dumps({"specs": specs}).encode()
    answer = App(emulator).call("start", engine, body, params={"id": wanted})
    assert answer.status_code == status
    assert len(engine.started) == (status == 202)
    if status == 202:
        assert json.loads(answer.get_body()) == {"id": wanted}


def test_the_answer_to_start_contains_no_key(emulator):
    """The engine's own addresses contain the key of its hub: with it the requester could approve its own fleet."""
    specs = [spec.model_dump(mode="json") for spec in factories(emulator, 1, 1)]
    answer = App(emulator).call("start", Engine(), json.dumps({"specs": specs}).encode())
    assert json.loads(answer.get_body()) == {"id": "f1"}
    assert dict(answer.headers) == {"Location": "fleets/f1"}


@pytest.mark.parametrize(
    ("setting", "asked", "becomes"),
    [
        (None, {}, "when-told"),
        (None, {"approval": "when-told"}, "when-told"),
        (None, {"approval": "at-once"}, None),
        ("none", {"approval": "at-once"}, None),
        ("none", {}, "none"),
        ("at-once", {}, "at-once"),
    ],
)
def test_a_request_cannot_exceed_the_approval_setting(emulator, setting, asked, becomes):
    """Such a request is refused, and nothing is started."""
    app, engine = App(emulator, **({"PURVIEW_MPE_APPROVAL": setting} if setting else {})), Engine()
    specs = [spec.model_dump(mode="json") for spec in factories(emulator, 1, 1)]
    answer = app.call("start", engine, json.dumps({"specs": specs, **asked}).encode())
    assert answer.status_code == (202 if becomes else 400)
    assert [given["approval"] for _, given in engine.started] == ([becomes] if becomes else [])


@pytest.mark.parametrize(
    ("setting", "state", "status"),
    [
        ("when-told", None, 404),
        ("when-told", "Completed", 409),
        ("none", "Running", 409),
        ("when-told", "Pending", 202),
    ],
)
def test_a_decision_without_a_waiting_fleet_is_refused(emulator, setting, state, status):
    """A decision is accepted only for a running fleet, in an app whose setting asks for one."""
    found = SimpleNamespace(runtime_status=None if state is None else df.OrchestrationRuntimeStatus[state])
    engine = Engine(found)
    answer = App(emulator, PURVIEW_MPE_APPROVAL=setting).call("decide", engine, b"true")
    assert answer.status_code == status
    assert bool(engine.raised) == (status == 202)


def test_wrong_requests_are_400(emulator):
    """The answer names every wrong field, and nothing is started; an unknown fleet is 404."""
    app, engine = App(emulator), Engine(SimpleNamespace(runtime_status=None))
    answer = app.call("start", engine, b'{"specs": [], "approval": "maybe"}')
    assert answer.status_code == 400
    assert b"specs" in answer.get_body()
    assert b"approval" in answer.get_body()
    assert app.call("decide", engine, b"perhaps").status_code == 400
    assert app.call("decide", engine, b"1").status_code == 400
    assert app.call("decide", engine, b"[" * 100_000).status_code == 400
    assert app.call("look", engine, method="GET").status_code == 404
    assert (engine.started, engine.raised) == ([], [])


def test_a_purged_report_is_gone(emulator):
    """The counts are still shown; the whole report is 410, and the answer names what is missing."""

    class Purged(Engine):
        async def get_status(self, instance):
            return self.status if instance == "f1" else SimpleNamespace(runtime_status=None, output=None)

    output = {"counts": {"created": 180}, "kept": ["f1-make-0-0-report-0"], "places": "?"}
    status = df.OrchestrationRuntimeStatus.Completed
    engine = Purged(SimpleNamespace(runtime_status=status, custom_status=None, output=output))
    app = App(emulator)
    assert json.loads(app.call("look", engine, method="GET").get_body())["report"] == output
    answer = app.call("look", engine, method="GET", params={"whole": "true"})
    assert answer.status_code == 410
    assert b"leave out whole=true to see the counts" in answer.get_body()
    assert b"f1-make-0-0-report-0" in answer.get_body()


def test_every_http_function_needs_a_key_and_can_be_loaded(emulator):
    """No HTTP function can be called without a key, and bindings and parameters have the same names."""
    functions = App(emulator).functions
    activities = {"purview_mpe_create", "purview_mpe_onboard", "purview_mpe_approve", "purview_mpe_find"}
    assert set(functions) == {
        "start",
        "decide",
        "look",
        durable.FLEET,
        "purview_mpe_turn",
        "purview_mpe_lane",
        "purview_mpe_page",
        "purview_mpe_reports",
        *activities,
    }
    for name in ("start", "decide", "look"):
        bindings = {binding.name: binding for binding in functions[name].get_bindings()}
        assert bindings["request"].get_dict_repr()["authLevel"].value == func.AuthLevel.FUNCTION.value
        inside = inspect.unwrap(functions[name].get_user_function())
        assert set(typing.get_type_hints(inside)) - {"return"} == set(bindings) - {"$return"}


def test_wrong_settings_are_reported_together():
    """Every wrong setting is named when the app starts."""
    settings = importlib.import_module("fleets.settings")
    with pytest.raises(settings.WrongSettings) as caught:
        settings.Settings.of({"PURVIEW_MPE_CLOUD": "mars", "PURVIEW_MPE_SHARE": "all", "PURVIEW_MPE_APPROVAL": "yes"})
    assert "PURVIEW_MPE_CLOUD" in str(caught.value)
    assert "PURVIEW_MPE_SHARE" in str(caught.value)
    assert "PURVIEW_MPE_APPROVAL" in str(caught.value)


def test_starting_imports_no_heavy_module():
    """The host imports the app at every cold start; pydantic and the SDKs wait for the first invocation."""
    code = (
        "import sys, function_app; "
        "print([m for m in ('pydantic', 'azure.core', 'azure.mgmt', 'azure.identity', 'durabletask') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=APP, env=os.environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_the_default_client_reaches_a_served_emulator(emulator):
    """With the address and the certificate of a served emulator the app works without sign-in."""
    clients, settings = importlib.import_module("fleets.clients"), importlib.import_module("fleets.settings")
    with emulator.serve() as server:
        given = settings.Settings.of({"PURVIEW_MPE_ENDPOINT": server.url, "PURVIEW_MPE_CA_FILE": server.ca_file})
        with clients.make_client(given) as client:
            assert client.discover(str(emulator.account)).shape == "A"


def test_the_default_client_uses_the_settings(monkeypatch):
    """It is made with a cloud and a share, and without requesting a token."""
    clients, settings = importlib.import_module("fleets.clients"), importlib.import_module("fleets.settings")
    with clients.make_client(settings.Settings("us-government", 0.5), "22222222-0000-0000-0000-000000000000") as made:
        assert isinstance(made, Client)


def test_the_default_client_creates_endpoints_on_an_emulator(emulator):
    """For development: an address on this machine gets no real token."""
    clients, settings = (importlib.import_module(f"fleets.{name}") for name in ("clients", "settings"))
    specs = factories(emulator, 1, 1)
    with emulator.serve() as server:
        environment = {"PURVIEW_MPE_ENDPOINT": server.url, "PURVIEW_MPE_CA_FILE": str(server.ca_file)}
        with clients.make_client(settings.Settings.of(environment)) as client:
            assert client.create_many(specs, wait=False).counts == {"created": 4}
