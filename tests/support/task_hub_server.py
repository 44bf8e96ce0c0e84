"""A task hub behind a socket, in real time, for workers in separate processes, which can be killed.

If a worker dies, its operating system closes its stream, and its work goes to another worker, as with every real
engine sooner or later.
"""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import durabletask.internal.orchestrator_service_pb2 as pb
import durabletask.internal.orchestrator_service_pb2_grpc as stubs
import grpc
from google.protobuf import empty_pb2, wrappers_pb2

from tests.support.task_hub import TaskHub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: The metadata key with which a worker names itself.
NAME = "worker-name"


class Server(stubs.TaskHubSidecarServiceServicer):
    """The engine's service over a task hub. `given` is called with the worker's name before it gets a piece of work."""

    def __init__(self, hub: TaskHub, given: Callable[[str, pb.WorkItem], object]) -> None:
        self.hub = hub
        self._given = given
        self._streams = count(1)
        self.is_over = False

    # The following names are those of the engine's service.

    def Hello(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    def StartInstance(self, request: Any, context: Any) -> Any:  # noqa: N802
        try:
            self.hub.start(request.name, request.input.value, request.instanceId)
        except KeyError as error:
            context.abort(grpc.StatusCode.ALREADY_EXISTS, str(error))
        return pb.CreateInstanceResponse(instanceId=request.instanceId)

    def WaitForInstanceCompletion(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self.hub.changed:
            while not self.hub.instances[request.instanceId].is_over and context.is_active():
                self.hub.changed.wait(0.5)
        return self.GetInstance(request, context)

    def GetInstance(self, request: Any, _context: Any) -> Any:  # noqa: N802
        with self.hub.changed:
            instance = self.hub.instances.get(request.instanceId)
            if instance is None:
                return pb.GetInstanceResponse(exists=False)
            state = pb.OrchestrationState(
                instanceId=instance.id,
                name=instance.name,
                orchestrationStatus=instance.status,
                output=wrappers_pb2.StringValue(value=instance.output) if instance.output else None,
                customStatus=wrappers_pb2.StringValue(value=instance.statuses[-1]) if instance.statuses else None,
                failureDetails=instance.failure,
            )
            return pb.GetInstanceResponse(exists=True, orchestrationState=state)

    def RaiseEvent(self, request: Any, _context: Any) -> Any:  # noqa: N802
        self.hub.raise_event(request.instanceId, request.name, request.input.value)
        return pb.RaiseEventResponse()

    def TerminateInstance(self, request: Any, _context: Any) -> Any:  # noqa: N802
        self.hub.terminate(request.instanceId, request.output.value)
        return pb.TerminateResponse()

    def GetWorkItems(self, request: Any, context: Any) -> Iterator[pb.WorkItem]:  # noqa: N802
        name = dict(context.invocation_metadata()).get(NAME, "worker")
        worker = f"{name}/{next(self._streams)}"
        if not context.add_callback(lambda: self._gone(worker)):
            return
        filters = request.workItemFilters if request.HasField("workItemFilters") else None
        while context.is_active() and not self.is_over:
            if (item := self._next(worker, request, filters)) is not None:
                self._given(name, item)
                yield item

    def CompleteOrchestratorTask(self, request: Any, _context: Any) -> Any:  # noqa: N802
        self.hub.complete_turn(request)
        return pb.CompleteTaskResponse()

    def CompleteActivityTask(self, request: Any, _context: Any) -> Any:  # noqa: N802
        self.hub.complete_activity(request)
        return pb.CompleteTaskResponse()

    def _next(self, worker: str, request: Any, filters: Any) -> pb.WorkItem | None:
        """The next piece of work for a worker; None if none came for a while."""
        turns = None if filters is None else {one.name for one in filters.orchestrations}
        activities = None if filters is None else {one.name for one in filters.activities}
        with self.hub.changed:
            held = self.hub.holds(worker)
            if sum(work.task_id is not None for work in held) >= request.maxConcurrentActivityWorkItems > 0:
                activities = set()
            if sum(work.task_id is None for work in held) >= request.maxConcurrentOrchestrationWorkItems > 0:
                turns = set()
            item = self.hub.take(worker, turns, activities)
            if item is None:
                self.hub.changed.wait(0.5)
            return item

    def _gone(self, worker: str) -> None:
        self.hub.lose(worker)


def _nothing(_name: str, _item: pb.WorkItem) -> None:
    """The default for `given`."""


@contextlib.contextmanager
def serving(given: Callable[[str, pb.WorkItem], object] = _nothing) -> Iterator[tuple[str, TaskHub]]:
    """The address of a task hub, and the hub."""
    hub = TaskHub(lambda: datetime.now(UTC))
    service = Server(hub, given)
    with ThreadPoolExecutor(32) as pool:
        server = grpc.server(pool)
        stubs.add_TaskHubSidecarServiceServicer_to_server(service, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        bell = threading.Thread(target=_ring, args=(service,), daemon=True, name="timers")
        bell.start()
        try:
            yield f"127.0.0.1:{port}", hub
        finally:
            service.is_over = True
            with hub.changed:
                hub.changed.notify_all()
            server.stop(None).wait()
            bell.join()


def _ring(service: Server) -> None:
    """Fire the timers that are due."""
    hub = service.hub
    with hub.changed:
        while not service.is_over:
            hub.fire_due()
            due = hub.next_timer
            hub.changed.wait(0.5 if due is None else max(0.0, min(0.5, (due - hub.now()).total_seconds())))
