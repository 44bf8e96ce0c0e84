"""Support for Azure Durable Functions: azure-functions-durable 1.x and 2.x, in the Python v2 programming model."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from purview_mpe._model.public import public
from purview_mpe.durable._engine import (
    ACTIVITIES,
    APPROVE,
    ORCHESTRATORS,
    Unanswered,
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


@public("purview_mpe.durable")
def register_functions(
    app: Any, connect: Callable[[], Client] = connect_by_default, *, approver: Callable[[], Client] | None = None
) -> None:
    """Register the orchestrators and the activities of fleets with a Durable Functions app.

    Args:
        app: A `DFApp` or `Blueprint` of azure.durable_functions.
        connect: Returns the client that creates endpoints; called when the first activity runs.
        approver: Returns the client that approves, if that needs another identity; by default, `connect`'s client.
    """
    creating = Once(connect)
    clients = {APPROVE: creating if approver is None else Once(approver)}
    for name in ORCHESTRATORS:
        app.orchestration_trigger(context_name="context")(_orchestrator(name))
    for name in ACTIVITIES:
        app.activity_trigger(input_name="order")(_activity(name, clients.get(name, creating)))


# The functions need annotations, because the host's worker looks those up when it loads the app.
def _orchestrator(name: str) -> Callable[..., Any]:
    """A function that the host calls by its name."""

    def run(context: Any) -> Generator[Any, Any, Any]:
        engine = DurableFunctions(context)
        return (yield from driven(engine, implementation(name)(engine, context.get_input())))

    run.__name__ = name
    return run


def _activity(name: str, client: Callable[[], Client]) -> Callable[..., Any]:
    def work(order: Any) -> Any:
        return implementation(name)(client, order)

    work.__name__ = name
    return work


class DurableFunctions:
    """One run of an orchestrator, as an `Engine` over azure-functions-durable."""

    #: Azure Storage, the default provider, keeps large messages in blobs (docs: "Azure Storage provider").
    carries: int | None = None

    def __init__(self, context: Any) -> None:
        self._context = context

    @property
    def instance(self) -> str:
        return str(self._context.instance_id)

    def now(self) -> datetime:
        return in_utc(self._context.current_utc_datetime)

    def call(self, activity: str, order: Mapping[str, Any]) -> Any:
        return self._context.call_activity(activity, order)

    def child(self, orchestrator: str, order: Mapping[str, Any], instance: str) -> Any:
        return self._context.call_sub_orchestrator(orchestrator, order, instance)

    def again(self, order: Mapping[str, Any]) -> None:
        self._context.continue_as_new(order)

    def timer(self, seconds: float) -> Any:
        return self._context.create_timer(self.now() + timedelta(seconds=seconds))

    def event(self, name: str) -> Any:
        return self._context.wait_for_external_event(name)

    def signal(self, instance: str, name: str) -> None:
        """Orchestrators of azure-functions-durable raise no events."""

    def first_of(self, tasks: Sequence[Any]) -> Any:
        return self._context.task_any(list(tasks))

    def is_done(self, task: Any) -> bool:
        return bool(task.is_complete if _is_of_durabletask(task) else task.is_completed)

    def answer(self, task: Any) -> Any:
        if _is_of_durabletask(task):
            return answer_of(task)
        if not task.is_completed:
            raise Unanswered("No answer came in time.")
        if isinstance(task.result, Exception):
            raise Unanswered(f"The engine says: {str(task.result).strip()[:500]}")
        return task.result

    def cancel(self, timer: Any) -> None:
        timer.cancel()

    def tell(self, status: dict[str, Any]) -> None:
        self._context.set_custom_status(status)


def _is_of_durabletask(task: Any) -> bool:
    """Whether the task is durabletask's, on which azure-functions-durable 2.x is built."""
    return hasattr(task, "is_complete")
