"""What an orchestration needs of an engine: a handful of words, and no engine behind them.

An orchestrator is run again from its beginning whenever something has happened, and has to come to the same decisions
each time. So it asks nothing but its engine: no clock, no chance, no request. What it waits for it yields.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

#: The names under which the functions are registered. Running instances refer to them, so they never change.
FLEET = "purview_mpe_fleet"
CREATE = "purview_mpe_create"
ONBOARD = "purview_mpe_onboard"
APPROVE = "purview_mpe_approve"
#: The external event that tells an orchestration a person's decision: true or false.
APPROVAL = "purview_mpe_approval"

T = TypeVar("T")
Json: TypeAlias = "dict[str, Any]"
#: An engine's own handle for something that is under way.
Task: TypeAlias = Any
#: A part of an orchestration: it yields what it waits for, and goes on when the first of that is done.
Steps: TypeAlias = "Generator[Sequence[Task], None, T]"


class Unanswered(Exception):
    """Something that was called did not answer, or its engine says that it failed."""


class Engine(Protocol):
    """One run of one orchestration."""

    def now(self) -> datetime:
        """The moment at which the engine took up this orchestration, in UTC; the same at each replay."""
        ...

    def call(self, activity: str, order: Mapping[str, Any]) -> Task:
        """Have an activity carried out, on whichever machine is free."""
        ...

    def timer(self, seconds: float) -> Task:
        """Something that is done in so many seconds."""
        ...

    def event(self, name: str) -> Task:
        """Something that is done when the outside says so."""
        ...

    def first_of(self, tasks: Sequence[Task]) -> Task:
        """To be yielded: goes on as soon as one of them is done."""
        ...

    def is_done(self, task: Task) -> bool:
        """Whether it is."""
        ...

    def answer(self, task: Task) -> Any:
        """What came of it.

        Raises:
            Unanswered: nothing has, or a failure.
        """
        ...

    def cancel(self, timer: Task) -> None:
        """Let a timer go that is not done; an orchestration does not end before its timers."""
        ...

    def tell(self, status: Json) -> None:
        """Show where it stands to every client that asks."""
        ...


def in_utc(moment: datetime) -> datetime:
    """A moment that says that it is in UTC; engines leave that out at times."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def driven(engine: Engine, steps: Steps[T]) -> Generator[Task, Any, T]:
    """An orchestration as engines want it: one task at a time."""
    while True:
        try:
            waiting = next(steps)
        except StopIteration as end:
            return cast("T", end.value)
        if not any(map(engine.is_done, waiting)):
            yield engine.first_of(waiting)


def together(engine: Engine, parts: Sequence[Steps[T]]) -> Steps[list[T]]:
    """Several parts side by side, none of which waits for another; what came of each."""
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
    """Let time pass."""
    if seconds > 0:
        yield [engine.timer(seconds)]


def all_of(engine: Engine, tasks: Sequence[Task], patience: float) -> Steps[None]:
    """Wait until all are done, failed ones too, for at most `patience` seconds."""
    limit = engine.timer(patience)
    # One after the other instead of the engines' own "all": those disagree about what a failure in between means.
    while (waiting := [task for task in tasks if not engine.is_done(task)]) and not engine.is_done(limit):
        yield [*waiting, limit]
    if not engine.is_done(limit):
        engine.cancel(limit)
