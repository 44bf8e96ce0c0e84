"""What an orchestration needs of an engine: a handful of words, and no engine behind them.

An orchestrator is run again from its beginning whenever something has happened, and has to come to the same decisions
each time. So it asks nothing but its engine: no clock, no chance, no request. What it waits for it yields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from datetime import datetime

#: The names under which the functions are registered. Running instances refer to them, so they never change.
FLEET = "purview_mpe_fleet"
LANE = "purview_mpe_lane"
CREATE = "purview_mpe_create"
APPROVE = "purview_mpe_approve"
#: The external event that tells an orchestration a person's decision: true or false.
APPROVAL = "purview_mpe_approval"

T = TypeVar("T")
Json: TypeAlias = "dict[str, Any]"
#: An engine's own handle for something that is under way.
Task: TypeAlias = Any
Steps: TypeAlias = "Generator[Task, Any, T]"


class Unanswered(Exception):
    """Something that was called did not answer, or its engine says that it failed."""


class Engine(Protocol):
    """One run of one orchestration."""

    @property
    def instance(self) -> str:
        """The id of this orchestration."""
        ...

    def now(self) -> datetime:
        """The moment at which the engine took up this orchestration, the same at each replay."""
        ...

    def call(self, activity: str, order: Mapping[str, Any]) -> Task:
        """Have an activity carried out, on whichever machine is free."""
        ...

    def start(self, orchestration: str, order: Mapping[str, Any], instance: str) -> Task:
        """Start another orchestration under an id of its own."""
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
        """Show where it stands to whoever asks."""
        ...


def pause(engine: Engine, seconds: float) -> Steps[None]:
    """Let time pass."""
    if seconds > 0:
        yield engine.timer(seconds)


def all_of(engine: Engine, tasks: Sequence[Task], patience: float | None = None) -> Steps[None]:
    """Wait until all are done, failed ones too, for at most `patience` seconds."""
    limits = [] if patience is None else [engine.timer(patience)]
    # One after the other instead of the engines' own "all": those disagree about what a failure in between means.
    while waiting := [task for task in tasks if not engine.is_done(task)]:
        if any(map(engine.is_done, limits)):
            return
        yield engine.first_of([*waiting, *limits])
    for limit in limits:
        if not engine.is_done(limit):
            engine.cancel(limit)
