"""Fleets on azure-functions-durable 2.x, as far as the installed packages allow: its contexts wrap durabletask."""

from __future__ import annotations

import logging
from datetime import timedelta

import durabletask.task
import pytest

from purview_mpe import Client, FleetReport, durable
from purview_mpe.durable import _activities, _lane, _orchestration, _page, _turn
from purview_mpe.durable._engine import driven, in_utc
from purview_mpe.durable._functions import DurableFunctions
from purview_mpe.emulator import Emulator
from tests.support.durable_fleet import factories
from tests.support.engine import Engine


@pytest.fixture(autouse=True)
def _quiet():
    """Silence the engine's workers, which log their work."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


class Context:
    """Version 1 method names over a durabletask context, as version 2 has them for orchestrators with one argument."""

    def __init__(self, inner, given):
        self._inner, self._given = inner, given
        self.instance_id = inner.instance_id
        self.set_custom_status = inner.set_custom_status
        self.continue_as_new = inner.continue_as_new
        self.wait_for_external_event = inner.wait_for_external_event

    @property
    def current_utc_datetime(self):
        return in_utc(self._inner.current_utc_datetime)

    def get_input(self):
        return self._given

    def call_activity(self, name, input_):
        return self._inner.call_activity(name, input=input_)

    def call_sub_orchestrator(self, name, input_, instance_id):
        return self._inner.call_sub_orchestrator(name, input=input_, instance_id=instance_id)

    def create_timer(self, fire_at):
        assert fire_at - self.current_utc_datetime > timedelta(0)
        return self._inner.create_timer(fire_at)

    def task_any(self, tasks):
        return durabletask.task.when_any(tasks)


def registered(worker, client):
    """Register for a durabletask worker everything that `register_functions` registers."""

    def adapted(name, steps):
        def orchestrator(context, given):
            engine = DurableFunctions(Context(context, given))
            return (yield from driven(engine, steps(engine, given)))

        orchestrator.__name__ = name
        return orchestrator

    orchestrators = {"fleet": _orchestration.fleet, "turn": _turn.turn, "lane": _lane.lane, "page": _page.page}
    for name, steps in orchestrators.items():
        worker.add_orchestrator(adapted(f"purview_mpe_{name}", steps))

    def purview_mpe_create(_context, order):
        return _activities.create(lambda: client, order)

    def purview_mpe_approve(_context, order):
        return _activities.approve(lambda: client, order)

    worker.add_activity(purview_mpe_create)
    worker.add_activity(purview_mpe_approve)


@pytest.mark.parametrize("fate", ["answered", "fails", "never noticed"])
def test_fleet_runs_on_durabletask_tasks(fate):
    """Activities, children, timers and the decision work; an activity that fails or gets no answer is called again."""
    azure = Emulator()
    client = Client(azure.credential, transport=azure.transport())
    ends = {"purview_mpe_create": fate}

    def fate_of(call):
        return ends.pop(call.name, "answered")

    engine = Engine(
        azure, lambda worker: registered(worker, client), fate=fate_of, says=[(9000, durable.APPROVAL, True)]
    )
    request = durable.FleetRequest(specs=factories(azure, 22, 1), approval="when-told")
    instance = engine.run(durable.FLEET, request.model_dump(mode="json"))
    report = FleetReport.model_validate_json(instance.output)
    assert report.complete
    assert {name.rpartition("_")[2] for name in {each.name for each in engine.hub.instances.values()}} == {
        "fleet",
        "turn",
        "lane",
        "page",
    }
