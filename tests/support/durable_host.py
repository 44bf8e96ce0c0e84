"""A Functions host, as far as Durable Functions needs one: history, replays, and timers on the emulator's clock.

It exchanges the real host's messages with the app (a JSON context in, a JSON state out, `HistoryEvent`s in between),
but is stricter: an orchestrator fails if a replay asks for something else, or if it ends before its timers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import azure.functions as func
from azure.durable_functions.models.actions.ActionType import ActionType
from azure.durable_functions.models.history.HistoryEventType import HistoryEventType
from azure.functions import durable_functions
from azure.functions.meta import Datum

from purview_mpe import durable
from purview_mpe.durable._messages import opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe import FleetReport
    from purview_mpe.emulator import Emulator


@dataclass
class Instance:
    """One orchestration."""

    id: str
    name: str
    parent: tuple[Instance, int] | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    news: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    timers: dict[int, datetime] = field(default_factory=dict)
    status: Any = None
    statuses: list[Any] = field(default_factory=list)
    is_done: bool = False
    output: Any = None
    error: str | None = None


@dataclass
class Host:
    """Runs the functions of an app; `lost` selects the activity calls that get no answer, by name and number."""

    app: Any
    azure: Emulator
    lost: Callable[[str, int], bool] = lambda _name, _number: False
    failing: Callable[[str, int], bool] = lambda _name, _number: False
    calls: list[tuple[str, Any]] = field(default_factory=list)
    instances: dict[str, Instance] = field(default_factory=dict)
    events: list[tuple[float, str, Any]] = field(default_factory=list)
    """The outside events: after how many seconds, under which name, and with which data."""

    def __post_init__(self) -> None:
        # One day ahead of the calendar that the workers read, so that no order is ever late, however slow the machine
        # with the tests is.
        self.epoch = datetime.now(UTC) + timedelta(days=1)
        self.functions = {each.get_function_name(): each.get_user_function() for each in self.app.get_functions()}

    def now(self) -> datetime:
        return self.epoch + timedelta(seconds=self.azure.clock.elapsed)

    def run(self, name: str, given: Any, *, instance: str = "fleet") -> Instance:
        """Start an orchestration, and run everything until it is done."""
        started = self.start(name, given, instance)
        while not started.is_done:
            busy = [each for each in self.instances.values() if each.news and not each.is_done]
            for each in busy:
                self.replay(each)
            if not busy:
                self.wait(started)
        return started

    def report(self, ended: Instance) -> FleetReport:
        """The report of a finished fleet, with the reports that a large fleet keeps in its pages."""
        pages = {page: self.instances[page].output for page in durable.pages_in(ended.output)}
        return durable.report_in(ended.output, pages)

    def start(self, name: str, given: Any, instance: str, parent: tuple[Instance, int] | None = None) -> Instance:
        there = self.instances.get(instance)
        assert there is None or there.is_done, f"{instance} runs already"
        started = self.instances[instance] = Instance(instance, name, parent)
        text = given if isinstance(given, str) else json.dumps(given)
        started.news.append(self.event(HistoryEventType.EXECUTION_STARTED, Name=name, Input=text, Version=None))
        return started

    def event(self, kind: HistoryEventType, number: int = -1, **more: Any) -> dict[str, Any]:
        stamp = self.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {"EventType": kind, "EventId": number, "IsPlayed": False, "Timestamp": stamp, **more}

    def replay(self, instance: Instance) -> None:
        instance.history += [self.event(HistoryEventType.ORCHESTRATOR_STARTED), *instance.news]
        instance.news = []
        context = {
            "history": instance.history,
            "instanceId": instance.id,
            "isReplaying": False,
            "parentInstanceId": instance.parent[0].id if instance.parent else None,
            "input": next(e["Input"] for e in instance.history if e["EventType"] == HistoryEventType.EXECUTION_STARTED),
            "upperSchemaVersion": 1,
        }
        try:
            text = self.functions[instance.name](func.OrchestrationContext(json.dumps(context)))
        except Exception as error:  # noqa: BLE001 - the host reports every exception of the app
            self.end(instance, error=str(error))
            return
        instance.history.append(self.event(HistoryEventType.ORCHESTRATOR_COMPLETED))
        state = json.loads(text)
        if state.get("customStatus") and state["customStatus"] != instance.status:
            instance.status = state["customStatus"]
            instance.statuses.append(instance.status)
        wanted = list(flat(action for actions in state["actions"] for action in actions))
        if wanted and wanted[-1]["actionType"] == ActionType.CONTINUE_AS_NEW:
            self.act(instance, wanted[:-1])
            assert instance.timers == {}, "an orchestration does not begin again before its timers"
            self.begin_again(instance, wanted[-1]["input"])
            return
        self.act(instance, wanted)
        if state["isDone"]:
            assert instance.timers == {}, "an orchestration does not end before its timers"
            self.end(instance, output=state.get("output"))

    def begin_again(self, instance: Instance, given: str) -> None:
        instance.history, instance.actions = [], []
        started = self.event(HistoryEventType.EXECUTION_STARTED, Name=instance.name, Input=given, Version=None)
        # Answers to calls from before belong to an execution that has ended.
        later = [event for event in instance.news if event["EventType"] == HistoryEventType.EVENT_RAISED]
        instance.news = [started, *later]

    def act(self, instance: Instance, actions: list[dict[str, Any]]) -> None:
        known = len(instance.actions)
        for before, after in zip(instance.actions, actions, strict=False):
            assert {**before, "isCanceled": None} == {**after, "isCanceled": None}, "the orchestrator is random"
        assert len(actions) >= known, "the orchestrator forgot something"
        for number, action in enumerate(actions):
            if action.get("isCanceled"):
                instance.timers.pop(number, None)
            elif number >= known:
                self.begin(instance, number, action)
        instance.actions = actions

    def begin(self, instance: Instance, number: int, action: dict[str, Any]) -> None:
        match action["actionType"]:
            case ActionType.CALL_ACTIVITY:
                instance.history.append(
                    self.event(HistoryEventType.TASK_SCHEDULED, number, Name=action["functionName"])
                )
                self.carry_out(instance, number, action["functionName"], action["input"])
            case ActionType.CALL_SUB_ORCHESTRATOR:
                child = action["instanceId"]
                created = HistoryEventType.SUB_ORCHESTRATION_INSTANCE_CREATED
                name = action["functionName"]
                instance.history.append(self.event(created, number, Name=name, InstanceId=child, Input=action["input"]))
                if (there := self.instances.get(child)) is None or there.is_done:
                    self.start(name, action["input"], child, (instance, number))
                # The real host drops a child whose id is in use by a running instance, without an answer to the parent.
            case ActionType.CREATE_TIMER:
                instance.timers[number] = datetime.fromisoformat(action["fireAt"])
            case unknown:
                raise AssertionError(unknown)

    def carry_out(self, instance: Instance, number: int, name: str, given: str) -> None:
        converter = durable_functions.ActivityTriggerConverter
        order = converter.decode(Datum(type="json", value=given), trigger_metadata={})
        self.calls.append((name, opened(order)))
        if self.lost(name, len(self.calls)):
            return
        if self.failing(name, len(self.calls)):
            kind, fields = HistoryEventType.TASK_FAILED, {"Reason": "the worker ran out of memory", "Details": ""}
        else:
            answer = converter.encode(self.functions[name](order), expected_type=None)
            kind, fields = HistoryEventType.TASK_COMPLETED, {"Result": answer.value}
        instance.news.append(self.event(kind, TaskScheduledId=number, **fields))

    def end(self, instance: Instance, *, output: Any = None, error: str | None = None) -> None:
        instance.is_done, instance.output, instance.error = True, output, error
        if instance.parent is None:
            return
        parent, number = instance.parent
        if error is None:
            kind, fields = HistoryEventType.SUB_ORCHESTRATION_INSTANCE_COMPLETED, {"Result": json.dumps(output)}
        else:
            kind, fields = HistoryEventType.SUB_ORCHESTRATION_INSTANCE_FAILED, {"Reason": error, "Details": ""}
        parent.news.append(self.event(kind, TaskScheduledId=number, **fields))

    def wait(self, started: Instance) -> None:
        """Advance to the next timer or the next outside event."""
        timers = [
            (at, each, number)
            for each in self.instances.values()
            if not each.is_done
            for number, at in each.timers.items()
        ]
        first = min(timers, key=lambda timer: timer[0], default=None)
        if self.events and (first is None or self.epoch + timedelta(seconds=self.events[0][0]) <= first[0]):
            at, name, data = self.events.pop(0)
            self.advance_to(self.epoch + timedelta(seconds=at))
            raised = self.event(HistoryEventType.EVENT_RAISED, Name=name, Input=json.dumps(data))
            started.news.append(raised)
            return
        assert first is not None, "the orchestration waits for nothing"
        at, each, number = first
        self.advance_to(at)
        del each.timers[number]
        each.news.append(self.event(HistoryEventType.TIMER_FIRED, TimerId=number))

    def advance_to(self, moment: datetime) -> None:
        # Formatted timers have no digits below a microsecond.
        if (seconds := (moment - self.now()).total_seconds()) > 0:
            self.azure.clock.advance(seconds)


def flat(actions: Any) -> Any:
    """Actions as the host counts them: the parts of a compound action count one by one, waits for events do not."""
    for action in actions:
        if "compoundActions" in action:
            yield from flat(action["compoundActions"])
        elif action["actionType"] != ActionType.WAIT_FOR_EXTERNAL_EVENT:
            yield action
