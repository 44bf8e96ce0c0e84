"""What an orchestration needs from an engine: a few operations that every engine has.

An engine runs an orchestrator again from the beginning whenever something has happened, and the orchestrator has to
make the same decisions each time. So it takes everything from the engine: it reads no clock, uses no random numbers and
sends no request. It yields the tasks that it waits for.
"""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

#: The names under which the functions are registered. Running instances refer to them, so they never change.
FLEET = "purview_mpe_fleet"
TURN = "purview_mpe_turn"
LANE = "purview_mpe_lane"
PAGE = "purview_mpe_page"
REPORTS = "purview_mpe_reports"
CREATE = "purview_mpe_create"
ONBOARD = "purview_mpe_onboard"
APPROVE = "purview_mpe_approve"
FIND = "purview_mpe_find"
#: The modules that implement them, and their functions there.
ORCHESTRATORS = {
    FLEET: ("_orchestration", "fleet"),
    TURN: ("_turn", "turn"),
    LANE: ("_lane", "lane"),
    PAGE: ("_page", "page"),
    REPORTS: ("_kept", "returned"),
}
ACTIVITIES = {name: ("_activities", name.removeprefix("purview_mpe_")) for name in (CREATE, ONBOARD, APPROVE, FIND)}
#: The external event that carries a person's decision to an orchestration: true or false.
APPROVAL = "purview_mpe_approval"
#: The external event that ends an orchestration between two rounds, with a report of what is done; it carries nothing.
STOP = "purview_mpe_stop"

T = TypeVar("T")
Json: TypeAlias = "dict[str, Any]"
#: An engine's own handle for something that is under way.
Task: TypeAlias = Any
#: A part of an orchestration: it yields the tasks that it waits for, and goes on when the first of them is done.
Steps: TypeAlias = "Generator[Sequence[Task], None, T]"


class Unanswered(Exception):
    """A task has no answer, or its engine says that it failed."""


class Engine(Protocol):
    """One run of one orchestration."""

    @property
    def instance(self) -> str:
        """The id of this orchestration."""
        ...

    @property
    def carries(self) -> int | None:
        """The most bytes that a message of this engine holds; None without a limit to observe."""
        ...

    def now(self) -> datetime:
        """The time at which the engine resumed this orchestration, in UTC; the same in each replay."""
        ...

    def call(self, activity: str, order: Mapping[str, Any]) -> Task:
        """Run an activity, on whichever machine is free."""
        ...

    def child(self, orchestrator: str, order: Mapping[str, Any], instance: str) -> Task:
        """Start an orchestration with this instance id, and wait for its result."""
        ...

    def again(self, order: Mapping[str, Any]) -> None:
        """Begin this orchestration again with another input and no history, once the run ends; its last act."""
        ...

    def timer(self, seconds: float) -> Task:
        """A task that is done after this many seconds."""
        ...

    def event(self, name: str) -> Task:
        """A task that is done when an external event of this name arrives."""
        ...

    def signal(self, instance: str, name: str) -> None:
        """Raise an external event, without data, for another orchestration; does nothing where an engine cannot."""
        ...

    def first_of(self, tasks: Sequence[Task]) -> Task:
        """A task to yield: it is done as soon as one of these tasks is done."""
        ...

    def is_done(self, task: Task) -> bool:
        """Whether the task is done, even if it failed."""
        ...

    def answer(self, task: Task) -> Any:
        """The result of the task.

        Raises:
            Unanswered: the task is not done, or it failed.
        """
        ...

    def cancel(self, timer: Task) -> None:
        """Cancel a timer that is not done, because an orchestration does not end before its timers."""
        ...

    def tell(self, status: Json) -> None:
        """Set the status that the engine shows to every client that asks for it."""
        ...


def implementation(name: str) -> Any:
    """What carries out an orchestrator or an activity; imported on first use, because imports slow down cold starts."""
    module, function = {**ORCHESTRATORS, **ACTIVITIES}[name]
    return getattr(importlib.import_module(f"purview_mpe.durable.{module}"), function)


def in_utc(moment: datetime) -> datetime:
    """The moment, marked as UTC if it has no time zone: engines sometimes leave it out."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def answer_of(task: Task) -> Any:
    """The result of a task of durabletask.

    Raises:
        Unanswered: the task is not done, or it failed.
    """
    if not task.is_complete:
        raise Unanswered("No answer came in time.")
    if task.is_failed:
        raise Unanswered(f"The engine says: {str(task.get_exception()).strip()[:500]}")
    return task.get_result()


def driven(engine: Engine, steps: Steps[T]) -> Generator[Task, Any, T]:
    """The orchestration in the form that engines run: it yields one task at a time."""
    while True:
        try:
            waiting = next(steps)
        except StopIteration as end:
            return cast("T", end.value)
        if not any(map(engine.is_done, waiting)):
            yield engine.first_of(waiting)


def together(engine: Engine, parts: Sequence[Steps[T]]) -> Steps[list[T]]:
    """Run several parts side by side, none of which waits for another; returns the result of each."""
    results: dict[int, T] = {}
    waiting: dict[int, Sequence[Task]] = {}
    ready = list(range(len(parts)))
    while ready:
        for index in ready:
            try:
                waiting[index] = next(parts[index])
            except StopIteration as end:
                results[index] = end.value
                waiting.pop(index, None)
        ready = _ready(engine, waiting)
        if waiting and not ready:
            yield [task for tasks in waiting.values() for task in tasks]
            ready = _ready(engine, waiting)
    return [results[index] for index in range(len(parts))]


def _ready(engine: Engine, waiting: dict[int, Sequence[Task]]) -> list[int]:
    return [index for index, tasks in waiting.items() if any(map(engine.is_done, tasks))]


def pause(engine: Engine, seconds: float) -> Steps[None]:
    """Wait for this many seconds."""
    if seconds > 0:
        yield [engine.timer(seconds)]


def rest(engine: Engine, seconds: float, *events: Task) -> Steps[None]:
    """Wait for this long, or for one of the events."""
    if seconds <= 0:
        return
    timer = engine.timer(seconds)
    yield [timer, *events]
    if not engine.is_done(timer):
        engine.cancel(timer)


def all_of(engine: Engine, tasks: Sequence[Task], patience: float) -> Steps[None]:
    """Wait until all tasks are done, including failed ones, for at most `patience` seconds."""
    limit = engine.timer(patience)
    # Wait for the tasks one by one, and not with the engines' own "all": engines treat the failure of one differently.
    while (waiting := [task for task in tasks if not engine.is_done(task)]) and not engine.is_done(limit):
        yield [*waiting, limit]
    if not engine.is_done(limit):
        engine.cancel(limit)
