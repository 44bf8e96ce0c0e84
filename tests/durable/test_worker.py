"""Fleets on many machines: the durabletask engine with several workers, and executors with several processes."""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import multiprocessing
import signal
from functools import partial

import pytest
from durabletask.worker import TaskHubGrpcWorker

from purview_mpe import Client, FleetReport, Report, durable
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import InvalidSpec
from tests.support.colours import spec_for
from tests.support.durable_fleet import bare_factories, client, factories, run
from tests.support.processes import in_a_fresh_process
from tests.support.task_hub_server import serving

#: The `connect` function for an executor's processes, at the top level of a module that they can import.
CONNECTING = """
from purview_mpe import Client
from purview_mpe.emulator import Emulator

def connect(**settings):
    return Client(Emulator(empty=True).credential, **settings)
"""


#: Seconds until a test that does not end counts as failed; no result depends on it.
NEVER = 600


@pytest.fixture(autouse=True)
def _quiet():
    """Silence the engine, which logs each closed stream; its threads may log even after the test."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@contextlib.contextmanager
def working(azure, count=2):
    """An engine with workers in this process, and its client."""
    with serving() as (address, _), client(address) as hub, contextlib.ExitStack() as workers:
        for _ in range(count):
            worker = workers.enter_context(TaskHubGrpcWorker(host_address=address))
            durable.register_worker(worker, lambda: Client(azure.credential, transport=azure.transport()))
            worker.start()
        yield hub


def ended(hub, instance):
    state = hub.wait_for_orchestration_completion(instance, timeout=NEVER)
    assert state.failure_details is None
    return FleetReport.model_validate_json(state.serialized_output)


def test_two_workers_share_a_fleet():
    """Every endpoint is written once, and a failure affects only its own factory."""
    azure = Emulator(provisioning=10)
    specs = factories(azure, 12, 4)
    azure.inject(Fault.policy("PUT", path="adf-0003", times=None))
    request = durable.FleetRequest(specs=specs, approval="at-once", poll_seconds=0.1)
    with working(azure) as hub:
        report = ended(hub, hub.schedule_new_orchestration(durable.FLEET, input=request.model_dump(mode="json")))
    assert report.counts == {"created": 44, "approved": 44, "failed": 4}
    puts = [request.path for request in azure.writes if "managedPrivateEndpoints" in request.path]
    assert len(set(puts)) == 48
    assert {report.spec.factory_id.name for report in report.reports if not report.succeeded} == {"adf-0003"}


def test_two_workers_onboard_into_one_account():
    """Activities that write the policy at the same time lose no identity, and every other write is sent once."""
    azure = Emulator(provisioning=10)
    specs = bare_factories(azure, 8, 4)
    request = durable.FleetRequest(specs=specs, verb="onboard", approval="at-once", poll_seconds=0.1, batch=1)
    with working(azure) as hub:
        report = ended(hub, hub.schedule_new_orchestration(durable.FLEET, input=request.model_dump(mode="json")))
    assert report.complete
    members = azure.catalog.members("data-curator", azure.account)
    assert {azure.identity_of(spec.factory) for spec in specs} <= set(members)
    puts = [one.path for one in azure.writes if one.method == "PUT" and "/metadataPolicies" not in one.path]
    assert len(puts) == len(set(puts))


def test_approval_event_reaches_the_orchestration():
    """The event reaches the orchestration on any worker, and nothing is approved before it."""
    azure = Emulator(provisioning=10)
    request = durable.FleetRequest(specs=factories(azure, 2, 1), approval="when-told", poll_seconds=0.1)
    with working(azure) as hub:
        instance = hub.schedule_new_orchestration(durable.FLEET, input=request.model_dump(mode="json"))
        # An early event is kept until the orchestration waits for it.
        hub.raise_orchestration_event(instance, durable.APPROVAL, data={"approved": True})
        report = ended(hub, instance)
    assert report.counts == {"created": 8, "approved": 8}


def test_wrong_request_fails_the_orchestration():
    """Wrong JSON fails the orchestration, and its failure names each wrong field."""
    azure = Emulator()
    with working(azure, 1) as hub:
        instance = hub.schedule_new_orchestration(durable.FLEET, input={"specs": [], "approval": "maybe"})
        state = hub.wait_for_orchestration_completion(instance, timeout=NEVER)
    assert "FleetRequest is not valid" in state.failure_details.message
    assert "approval" in state.failure_details.message
    assert azure.requests == []


def test_work_of_killed_workers_is_done_by_others():
    """One process is killed during a write, one during the orchestrator's turn: everything is done exactly once."""
    done = run(24, 4, timeout=NEVER, batch=1)
    assert done.exit_statuses == [-signal.SIGKILL] * 2
    assert set(done.watch.killed) == {"activities", "orchestrators"}
    assert done.report.complete
    assert set(done.report.counts) <= {"created", "kept"}
    assert len(done.watch.puts) == len(done.azure.endpoints()) == 96
    assert set(done.watch.puts.values()) == {1}


def test_register_worker_loads_only_its_engine():
    """Registering loads durabletask, but no other engine."""
    loaded = in_a_fresh_process(
        """
        import sys
        from purview_mpe import durable
        assert "durabletask" not in sys.modules
        class Worker:
            def add_orchestrator(self, function): print(function.__name__)
            add_activity = add_orchestrator
        durable.register_worker(Worker())
        assert "durabletask.task" in sys.modules
        assert not {"pydantic", "azure.functions", "azure.durable_functions"} & set(sys.modules)
        durable.register_worker(Worker(), only="orchestrators")
        durable.register_worker(Worker(), only="activities")
        """
    )
    activities = ["purview_mpe_create", "purview_mpe_onboard", "purview_mpe_approve", "purview_mpe_find"]
    orchestrators = [durable.FLEET, *(f"purview_mpe_{each}" for each in ("turn", "lane", "page", "reports"))]
    assert loaded.split() == [*orchestrators, *activities, *orchestrators, *activities]


# --- any executor


def test_processes_create_one_factory_each(tmp_path, monkeypatch):
    """`create_one` runs in processes that share nothing: it takes JSON and returns a report."""
    (tmp_path / "connecting.py").write_text(CONNECTING)
    monkeypatch.syspath_prepend(str(tmp_path))
    import connecting

    azure = Emulator()
    specs = [spec.model_dump(mode="json") for spec in factories(azure, 4, 1)]
    with azure.serve() as server:
        settings = {"endpoint": server.url, "connection_verify": str(server.ca_file)}
        work = partial(durable.create_one, connect=connecting.connect, settings=settings, approve=True)
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            reports = [Report.model_validate(report) for report in pool.map(work, specs)]
    assert FleetReport(reports=reports).counts == {"created": 16, "approved": 16}
    assert [report.spec.factory for report in reports] == [spec["factory"] for spec in specs]


def test_calls_with_the_same_settings_share_a_client():
    """Connections and tokens are kept between factories; other settings get another client."""
    azure, made = Emulator(), []

    def connect(**settings):
        made.append(settings)
        return Client(azure.credential, transport=azure.transport(), **settings)

    specs = [spec.model_dump(mode="json") for spec in factories(azure, 6, 1)]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(partial(durable.create_one, connect=connect), specs))
    durable.create_one(specs[0], connect, {"user_agent": "another"})
    assert made == [{}, {"user_agent": "another"}]


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ("share", "is a str; pass a mapping that JSON can hold"),
        (["share"], "is a list; pass a mapping that JSON can hold"),
        ({1: "x"}, "has a name that is not text"),
        ({"share": object}, "is nothing that JSON can hold: Object of type type is not JSON serializable"),
    ],
)
def test_settings_that_json_cannot_hold_are_refused(settings, rule):
    """They are refused before any client is made."""
    azure = Emulator()
    with pytest.raises(InvalidSpec) as refused:
        durable.create_one(spec_for(azure).model_dump(mode="json"), pytest.fail, settings)
    assert refused.value.problems == [("settings", rule)]


def test_refusal_by_azure_is_a_report_and_a_wrong_spec_raises():
    """A missing factory gives a report; an invalid spec raises, and nothing is sent."""
    azure = Emulator()
    missing = spec_for(azure).model_dump(mode="json") | {"factory": str(azure.factory).replace("df1", "gone")}

    def connect():
        return Client(azure.credential, transport=azure.transport())

    report = Report.model_validate(durable.create_one(missing, connect))
    assert [outcome.error.code for outcome in report.outcomes if outcome.error] == ["not-found"]
    asked = len(azure.requests)
    with pytest.raises(InvalidSpec, match="name"):
        durable.create_one(missing | {"name": "!"}, connect)
    assert len(azure.requests) == asked


def test_connect_accepts_client_options():
    """`connect` refuses what a client would refuse, and keeps to its share of Azure's limits."""
    with pytest.raises(InvalidSpec, match="share"):
        durable.connect(share=2)
    with pytest.raises(InvalidSpec, match="is not an option of the client"):
        durable.connect(clowd="public")
    with durable.connect(share=0.25, cloud="us-government") as made:
        assert isinstance(made, Client)
