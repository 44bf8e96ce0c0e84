"""A task hub of the durabletask engine, in memory: it gives the work of a dead worker to another one.

It uses durabletask's own messages, so that the engine's own workers run on it: in this thread and on the test's clock
(`Engine`), or in separate processes (tests/support/task_hub_server.py). durabletask's in-memory backend can do
neither: it keeps the turn of a killed orchestrator forever, loses its activities, and uses real timers.
"""

from __future__ import annotations

import heapq
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC
from itertools import count
from typing import TYPE_CHECKING, Any

import durabletask.internal.helpers as events
import durabletask.internal.orchestrator_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

DONE = (pb.ORCHESTRATION_STATUS_COMPLETED, pb.ORCHESTRATION_STATUS_FAILED, pb.ORCHESTRATION_STATUS_TERMINATED)


@dataclass(eq=False)
class Instance:
    """One orchestration."""

    id: str
    name: str
    input: str | None
    parent: tuple[Instance, int] | None = None
    """The parent, and the number of this child in the parent's history."""
    status: pb.OrchestrationStatus = pb.ORCHESTRATION_STATUS_PENDING
    output: str | None = None
    failure: pb.TaskFailureDetails | None = None
    statuses: list[str] = field(default_factory=list)
    """Its custom statuses, in order."""
    history: list[pb.HistoryEvent] = field(default_factory=list)
    news: list[pb.HistoryEvent] = field(default_factory=list)
    """Events that no turn has processed yet."""
    execution: int = 0
    """How many times it has continued as new."""
    is_held: bool = False
    """Whether a worker has its turn."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status in DONE


@dataclass(eq=False)
class Work:
    """An orchestrator's turn or an activity; the worker that holds it has the token."""

    instance: Instance
    execution: int
    name: str
    task_id: int | None = None
    """None for a turn."""
    input: str | None = None
    seen: list[pb.HistoryEvent] = field(default_factory=list)
    """The new events of this turn."""
    token: str = ""
    worker: str = ""
    given: int = 0
    """The number of workers that got it."""


class TaskHub:
    """Instances, timers, and the work that waits for workers. `now` is the engine's calendar."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.changed = threading.Condition()
        self.instances: dict[str, Instance] = {}
        self.largest: dict[str, int] = {"turn": 0, "actions": 0, "activity": 0, "answer": 0}
        """Bytes of the largest message of each kind."""
        self._activities: deque[Work] = deque()
        self._held: dict[str, Work] = {}
        self._timers: list[tuple[datetime, int, Instance, int, int]] = []
        self._serial = count(1)
        self._dead: set[str] = set()

    # --- from outside

    def start(self, name: str, given: str | None, instance_id: str, parent: tuple[Instance, int] | None = None) -> None:
        """Start an orchestration.

        Raises:
            KeyError: an orchestration with this id is still running.
        """
        with self.changed:
            there = self.instances.get(instance_id)
            if there is not None and not there.is_over:
                raise KeyError(f"an orchestration with the id {instance_id!r} is already running")
            started = self.instances[instance_id] = Instance(instance_id, name, given, parent)
            self._news(started, events.new_execution_started_event(name, instance_id, given))

    def raise_event(self, instance_id: str, name: str, data: str | None) -> None:
        """Send an event to an orchestration; early events are kept, and an ended orchestration ignores them."""
        with self.changed:
            self._news(self.instances[instance_id], events.new_event_raised_event(name, data))

    def terminate(self, instance_id: str, output: str | None) -> None:
        """End an orchestration from outside."""
        with self.changed:
            self._news(self.instances[instance_id], events.new_terminated_event(encoded_output=output))

    # --- time

    @property
    def next_timer(self) -> datetime | None:
        """When the next timer is due."""
        with self.changed:
            while self._timers:
                due, _, instance, _, execution = self._timers[0]
                if not instance.is_over and instance.execution == execution:
                    return due
                heapq.heappop(self._timers)
            return None

    def fire_due(self) -> None:
        """Fire every timer that is due."""
        with self.changed:
            while (due := self.next_timer) is not None and due <= self.now():
                _, _, instance, timer_id, _ = heapq.heappop(self._timers)
                self._news(instance, events.new_timer_fired_event(timer_id, due))

    # --- workers

    def take(
        self, worker: str, orchestrators: Collection[str] | None = None, activities: Collection[str] | None = None
    ) -> pb.WorkItem | None:
        """Give a worker some work; None if it can do none of the waiting work. Names limit what it can do."""
        with self.changed:
            if worker in self._dead:
                return None
            for instance in self.instances.values():
                can = orchestrators is None or instance.name in orchestrators
                if can and instance.news and not instance.is_held and not instance.is_over:
                    return self._turn(worker, instance)
            for work in list(self._activities):
                if work.instance.is_over or work.execution != work.instance.execution:
                    self._activities.remove(work)
                elif activities is None or work.name in activities:
                    self._activities.remove(work)
                    return self._activity(worker, work)
            return None

    def holds(self, worker: str) -> list[Work]:
        """The work that a worker got and has not answered."""
        with self.changed:
            return [work for work in self._held.values() if work.worker == worker]

    def lose(self, worker: str) -> None:
        """A worker died: its work goes to other workers, and its later answers are ignored."""
        with self.changed:
            self._dead.add(worker)
            for work in self.holds(worker):
                del self._held[work.token]
                if work.task_id is None:
                    work.instance.is_held = False
                    work.instance.news = [*work.seen, *work.instance.news]
                else:
                    self._activities.appendleft(work)
            self.changed.notify_all()

    def complete_turn(self, response: pb.OrchestratorResponse) -> None:
        """Process an orchestrator's actions at the end of its turn."""
        with self.changed:
            work = self._held.pop(response.completionToken, None)
            if work is None:
                return  # its worker counted as dead, and another worker has the turn
            self._note("actions", response)
            instance = work.instance
            instance.is_held = False
            instance.history += work.seen
            instance.status = pb.ORCHESTRATION_STATUS_RUNNING
            if (shown := response.customStatus.value) and instance.statuses[-1:] != [shown]:
                instance.statuses.append(shown)
            for action in response.actions:
                self._act(instance, action)
            self.changed.notify_all()

    def complete_activity(self, response: pb.ActivityResponse) -> None:
        """Process the result of an activity."""
        with self.changed:
            work = self._held.pop(response.completionToken, None)
            if work is None or work.execution != work.instance.execution:
                return
            self._note("answer", response)
            if response.HasField("failureDetails"):
                failed = pb.TaskFailedEvent(taskScheduledId=response.taskId, failureDetails=response.failureDetails)
                event = pb.HistoryEvent(eventId=-1, taskFailed=failed)
            else:
                event = events.new_task_completed_event(response.taskId, response.result.value)
            self._news(work.instance, event)

    # --- inside

    def _turn(self, worker: str, instance: Instance) -> pb.WorkItem:
        seen = [events.new_orchestrator_started_event(self.now()), *(e for e in instance.news if not _begins_turn(e))]
        work = Work(instance, instance.execution, instance.name, seen=seen)
        instance.news, instance.is_held = [], True
        request = pb.OrchestratorRequest(instanceId=instance.id, pastEvents=instance.history, newEvents=seen)
        self._note("turn", request)
        return pb.WorkItem(orchestratorRequest=request, completionToken=self._hold(worker, work))

    def _activity(self, worker: str, work: Work) -> pb.WorkItem:
        request = pb.ActivityRequest(
            name=work.name,
            taskId=work.task_id or 0,
            input=None if work.input is None else {"value": work.input},
            orchestrationInstance=pb.OrchestrationInstance(instanceId=work.instance.id),
        )
        self._note("activity", request)
        return pb.WorkItem(activityRequest=request, completionToken=self._hold(worker, work))

    def _hold(self, worker: str, work: Work) -> str:
        work.token, work.worker, work.given = str(next(self._serial)), worker, work.given + 1
        self._held[work.token] = work
        return work.token

    def _act(self, instance: Instance, action: pb.OrchestratorAction) -> None:
        match action.WhichOneof("orchestratorActionType"):
            case "scheduleTask":
                task = action.scheduleTask
                given = task.input.value if task.HasField("input") else None
                instance.history.append(events.new_task_scheduled_event(action.id, task.name, given))
                self._activities.append(Work(instance, instance.execution, task.name, action.id, given))
            case "createTimer":
                due = action.createTimer.fireAt.ToDatetime(tzinfo=UTC)
                instance.history.append(events.new_timer_created_event(action.id, due))
                heapq.heappush(self._timers, (due, next(self._serial), instance, action.id, instance.execution))
            case "createSubOrchestration":
                self._begin_child(instance, action.id, action.createSubOrchestration)
            case "sendEvent":
                sent = action.sendEvent
                instance.history.append(
                    events.new_event_sent_event(action.id, sent.instance.instanceId, None, name=sent.name)
                )
                if (receiver := self.instances.get(sent.instance.instanceId)) is not None:
                    self._news(receiver, events.new_event_raised_event(sent.name, sent.data.value))
            case "completeOrchestration":
                self._end(instance, action.completeOrchestration)
            case unknown:
                raise AssertionError(f"no orchestration of ours asks for {unknown}")

    def _begin_child(self, parent: Instance, number: int, wanted: pb.CreateSubOrchestrationAction) -> None:
        child, given = wanted.instanceId, wanted.input.value
        parent.history.append(events.new_sub_orchestration_created_event(number, wanted.name, child, given))
        try:
            self.start(wanted.name, given, child, (parent, number))
        except KeyError as error:
            self._news(parent, events.new_sub_orchestration_failed_event(number, error))

    def _end(self, instance: Instance, wanted: pb.CompleteOrchestrationAction) -> None:
        if wanted.orchestrationStatus == pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW:
            instance.execution += 1
            instance.history, instance.input = [], wanted.result.value
            started = events.new_execution_started_event(instance.name, instance.id, instance.input)
            instance.news = [started, *wanted.carryoverEvents, *instance.news]
            return
        instance.status, instance.output = wanted.orchestrationStatus, wanted.result.value
        instance.failure = wanted.failureDetails if wanted.HasField("failureDetails") else None
        instance.news = []
        if instance.parent is None:
            return
        parent, number = instance.parent
        if instance.status == pb.ORCHESTRATION_STATUS_COMPLETED:
            self._news(parent, events.new_sub_orchestration_completed_event(number, instance.output))
        else:
            reason = instance.failure.errorMessage if instance.failure else "it was terminated"
            self._news(parent, events.new_sub_orchestration_failed_event(number, RuntimeError(reason)))

    def _news(self, instance: Instance, event: pb.HistoryEvent) -> None:
        if not instance.is_over:
            instance.news.append(event)
        self.changed.notify_all()

    def _note(self, kind: str, message: Any) -> None:
        self.largest[kind] = max(self.largest[kind], message.ByteSize())


def _begins_turn(event: pb.HistoryEvent) -> bool:
    """Whether the event starts a turn: a lost turn had one, and the next turn adds its own."""
    return event.HasField("orchestratorStarted")
