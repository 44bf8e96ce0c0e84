"""Support for the durabletask engine: the Durable Task Scheduler, its emulator, or the in-memory backend."""

from __future__ import annotations

import importlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from purview_mpe._model.public import public
from purview_mpe.durable._engine import (
    ACTIVITIES,
    APPROVE,
    ORCHESTRATORS,
    answer_of,
    driven,
    implementation,
    in_utc,
)
from purview_mpe.durable._executors import connect as connect_by_default
from purview_mpe.durable._once import Once

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from datetime import datetime

    from purview_mpe._client.client import Client


#: The largest message that gRPC accepts unless its channel has other options (4 MiB), less room for what surrounds it.
MESSAGE_BYTES = 4_000_000


@public("purview_mpe.durable")
def register_worker(
    worker: Any,
    connect: Callable[[], Client] = connect_by_default,
    *,
    approver: Callable[[], Client] | None = None,
    only: Literal["orchestrators", "activities"] | None = None,
    message_bytes: int = MESSAGE_BYTES,
) -> None:
    """Register the orchestrators and the activities of fleets with a durabletask worker; call it before `start()`.

    Args:
        worker: A `TaskHubGrpcWorker`, or an instance of a class derived from it.
        connect: Returns the client that creates endpoints; called when the first activity runs.
        approver: Returns the client that approves, if that needs another identity; by default, `connect`'s client.
        only: Registers only one half, for a worker that does nothing else; also call the worker's
            `use_work_item_filters()`, so that the engine knows.
        message_bytes: The largest message that the engine carries: 1,000,000 for the Durable Task Scheduler without a
            payload store. A fleet that needs larger ones is refused when it starts, and a report that is larger is
            returned packed (see `report_in`).
    """
    creating = Once(connect)
    clients = {APPROVE: creating if approver is None else Once(approver)}
    if only != "activities":
        for name in ORCHESTRATORS:
            worker.add_orchestrator(_orchestrator(name, message_bytes))
    if only != "orchestrators":
        for name in ACTIVITIES:
            worker.add_activity(_activity(name, clients.get(name, creating)))


def _orchestrator(name: str, message_bytes: int) -> Callable[..., Any]:
    """A function that the engine calls by its name."""
    when_any = importlib.import_module("durabletask.task").when_any

    def run(context: Any, given: Any) -> Generator[Any, Any, Any]:
        engine = DurableTask(context, when_any, message_bytes)
        return (yield from driven(engine, implementation(name)(engine, given)))

    run.__name__ = name
    return run


def _activity(name: str, client: Callable[[], Client]) -> Callable[..., Any]:
    def work(_context: Any, order: Any) -> Any:
        return implementation(name)(client, order)

    work.__name__ = name
    return work


class DurableTask:
    """One run of an orchestrator, as an `Engine` over durabletask."""

    def __init__(self, context: Any, when_any: Callable[[Sequence[Any]], Any], carries: int | None) -> None:
        self._context = context
        self._when_any = when_any
        self.carries = carries

    @property
    def instance(self) -> str:
        return str(self._context.instance_id)

    def now(self) -> datetime:
        return in_utc(self._context.current_utc_datetime)

    def call(self, activity: str, order: Mapping[str, Any]) -> Any:
        return self._context.call_activity(activity, input=order)

    def child(self, orchestrator: str, order: Mapping[str, Any], instance: str) -> Any:
        return self._context.call_sub_orchestrator(orchestrator, input=order, instance_id=instance)

    def again(self, order: Mapping[str, Any]) -> None:
        self._context.continue_as_new(order, save_events=True)

    def timer(self, seconds: float) -> Any:
        return self._context.create_timer(timedelta(seconds=seconds))

    def event(self, name: str) -> Any:
        return self._context.wait_for_external_event(name)

    def signal(self, instance: str, name: str) -> None:
        self._context.send_event(instance, name)

    def first_of(self, tasks: Sequence[Any]) -> Any:
        return self._when_any(list(tasks))

    def is_done(self, task: Any) -> bool:
        return bool(task.is_complete)

    def answer(self, task: Any) -> Any:
        return answer_of(task)

    def cancel(self, timer: Any) -> None:
        timer.cancel()

    def tell(self, status: dict[str, Any]) -> None:
        self._context.set_custom_status(status)
