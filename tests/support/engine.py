"""An orchestration on the durabletask engine in one thread, on the emulator's clock, with workers that die on cue.

The test alone decides what happens: no timer is real, nothing runs in parallel, and the engine's own worker
(`TaskHubGrpcWorker`) runs turns and activities. Time passes only while an activity waits for Azure, and while
nothing else can happen before the next timer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from durabletask.worker import TaskHubGrpcWorker

from purview_mpe.durable._messages import opened, sealed
from tests.support.task_hub import Instance, TaskHub

if TYPE_CHECKING:
    from collections.abc import Callable

    import durabletask.internal.orchestrator_service_pb2 as pb

    from purview_mpe.emulator import Emulator

#: How a piece of work ends: answered; the worker dies before it begins, or after it did everything but before it
#: answers, and the engine notices; or the engine never notices. An activity can also fail, or answer with fields
#: that only a later version knows.
Fate = Literal["answered", "dies before", "dies after", "never noticed", "fails", "answers oddly"]


@dataclass
class Call:
    """A piece of work that a worker got, with its number and the worker's name."""

    number: int
    name: str
    worker: str
    order: Any = None
    """The order of an activity; None for a turn."""

    @property
    def is_turn(self) -> bool:
        """Whether this is an orchestrator's turn."""
        return self.order is None


class _Answers:
    """Receives a worker's answers in place of the engine's own connection."""

    def __init__(self, hub: TaskHub) -> None:
        self._hub = hub

    def CompleteOrchestratorTask(self, response: pb.OrchestratorResponse) -> None:  # noqa: N802 - the engine's name
        self._hub.complete_turn(response)

    def CompleteActivityTask(self, response: pb.ActivityResponse) -> None:  # noqa: N802 - as above
        self._hub.complete_activity(response)


class _Unheard(_Answers):
    """For a worker that dies before it answers."""

    def CompleteOrchestratorTask(self, response: pb.OrchestratorResponse) -> None: ...  # noqa: N802 - as above

    def CompleteActivityTask(self, response: pb.ActivityResponse) -> None: ...  # noqa: N802 - as above


class _Failing(_Answers):
    """For an activity that ends with an exception."""

    def CompleteActivityTask(self, response: pb.ActivityResponse) -> None:  # noqa: N802 - as above
        response.ClearField("result")
        response.failureDetails.errorType, response.failureDetails.errorMessage = "MemoryError", "out of memory"
        self._hub.complete_activity(response)


class _Odd(_Answers):
    """For a worker of a later version, whose answers have fields that this version does not know."""

    def CompleteActivityTask(self, response: pb.ActivityResponse) -> None:  # noqa: N802 - as above
        answer = json.loads(response.result.value)
        output = opened(answer)
        output["took"] = 1.5
        for report in filter(None, output["reports"]):
            report["took"] = {"seconds": 1.5}
            for outcome in report["outcomes"]:
                outcome["took"] = [1.5]
        response.result.value = json.dumps({**sealed(output), "took": 1.5} if "packed" in answer else output)
        self._hub.complete_activity(response)


_ANSWERS = {"answered": _Answers, "fails": _Failing, "answers oddly": _Odd}


@dataclass
class Engine:
    """Runs orchestrations; `register` sets up a new worker, and `fate` says how each piece of work ends."""

    azure: Emulator
    register: Callable[[TaskHubGrpcWorker], None]
    fate: Callable[[Call], Fate] = lambda _call: "answered"
    says: list[tuple[float, str, Any]] = field(default_factory=list)
    """The outside events: after how many seconds, under which name, and with which data."""
    hears: str | None = None
    """The instance that gets these events; by default the orchestration that is waited for."""
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        # One day ahead of the calendar that the workers read, so that no order is ever late, however slow the machine
        # with the tests is.
        self._epoch = datetime.now(UTC) + timedelta(days=1)
        self.hub = TaskHub(self.now)
        self._workers = 0
        self._hire()

    def now(self) -> datetime:
        """The engine's time."""
        return self._epoch + timedelta(seconds=self.azure.clock.elapsed)

    def run(self, name: str, given: Any, instance: str = "fleet") -> Instance:
        """Start an orchestration, and run everything until it has ended."""
        self.hub.start(name, json.dumps(given), instance)
        return self.finish(instance)

    def finish(self, instance: str) -> Instance:
        """Run everything until a started orchestration has ended."""
        while not self.hub.instances[instance].is_over:
            self.hub.fire_due()
            if (item := self.hub.take(self._name)) is not None:
                self._work(item)
            else:
                self._wait(instance)
        return self.hub.instances[instance]

    def _hire(self) -> None:
        self._workers += 1
        self._name = f"worker-{self._workers}"
        self._worker = TaskHubGrpcWorker(host_address="127.0.0.1:1")  # it never connects
        self.register(self._worker)

    def _work(self, item: pb.WorkItem) -> None:
        [work] = [work for work in self.hub.holds(self._name) if work.token == item.completionToken]
        order = None if work.task_id is None else json.loads(work.input or "null")
        if isinstance(order, dict):
            order = opened(order)
        call = Call(len(self.calls) + 1, work.name, self._name, order)
        self.calls.append(call)
        fate = self.fate(call)
        if fate != "dies before":
            answers = _ANSWERS.get(fate, _Unheard)(self.hub)
            if call.is_turn:
                self._worker._execute_orchestrator(item.orchestratorRequest, answers, item.completionToken)
            else:
                self._worker._execute_activity(item.activityRequest, answers, item.completionToken)
        if fate in {"dies before", "dies after"}:
            self.hub.lose(self._name)
        if fate not in _ANSWERS:
            self._hire()

    def _wait(self, instance: str) -> None:
        """Advance to the next timer or the next outside event."""
        timer = self.hub.next_timer
        word = self._epoch + timedelta(seconds=self.says[0][0]) if self.says else None
        moments = [moment for moment in (timer, word) if moment is not None]
        assert moments, "the orchestration waits for nothing"
        # Timers have no digits below a microsecond.
        if (seconds := (min(moments) - self.now()).total_seconds()) > 0:
            self.azure.clock.advance(seconds)
        if word is not None and word <= self.now():
            _, name, data = self.says.pop(0)
            self.hub.raise_event(self.hears or instance, name, json.dumps(data))
