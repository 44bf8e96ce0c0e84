"""What every verb does around its own work: say when it starts and ends, and what was done if it is interrupted."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from purview_mpe._model.events import Event
from purview_mpe._model.results import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.fleets import FleetReport
    from purview_mpe._model.results import Outcome, Report

T = TypeVar("T")


async def narrated(io: Io, verb: str, flow: Callable[[Io], Awaitable[T]]) -> T:
    """The flow's result, with `started` and `finished` told around it.

    Whatever ends a verb that has begun to write (Ctrl-C, cancellation) carries what was done so far: in its notes,
    which every traceback shows, and whole in its attribute `report`.
    """
    began = io.now()
    with io.verb(verb):
        io.tell(Event(kind="started", verb=verb, seconds=0.0, message=f"{verb} started"))
        try:
            result = await flow(io)
        except BaseException as error:
            if io.so_far is not None:
                _attach(error, io.so_far())
            io.tell(_finished(verb, io.now() - began, f"{verb} ended with {type(error).__name__}"))
            raise
        io.tell(_finished(verb, io.now() - began, f"{verb} finished"))
    return result


@contextmanager
def framed(io: Io, verb: str) -> Generator[float]:
    """As `narrated`, around a verb that goes on in rounds; gives the moment at which it began.

    A caller who stops between two rounds has finished with it.
    """
    io.tell(Event(kind="started", verb=verb, seconds=0.0, message=f"{verb} started"))
    began = io.now()
    ending = "finished"
    try:
        yield began
    except GeneratorExit:
        raise
    except BaseException as error:
        ending = f"ended with {type(error).__name__}"
        raise
    finally:
        io.tell(_finished(verb, io.now() - began, f"{verb} {ending}"))


def tell_warning(io: Io, verb: str, began: float, message: str) -> None:
    """Report something that does not end the verb and that the caller should act on."""
    io.tell(Event(kind="warning", verb=verb, seconds=io.now() - began, message=message))


def attach_fleet(error: BaseException, fleet: FleetReport) -> None:
    """Let what ends a fleet carry what was done so far, as `narrated` does for one factory."""
    error.add_note(
        f"purview_mpe: the fleet did not finish; {len(fleet.reports)} factories have their report, in this "
        "exception's attribute 'report'. Repeat the call with resume set to it."
    )
    vars(error)["report"] = fleet


def _attach(error: BaseException, report: Report) -> None:
    done = "; ".join(f"{outcome.name}: {_known(outcome)}" for outcome in report.outcomes) or "nothing yet"
    error.add_note(f"purview_mpe: {report.verb} did not finish. So far: {done}. Repeat the call: it looks first.")
    # Exceptions take attributes, and their types cannot say so; __reduce__ and pickle keep this one, too.
    vars(error)["report"] = report


def _known(outcome: Outcome) -> str:
    """What is known of a step: one that was under way may have been done."""
    was_under_way = outcome.error is not None and outcome.error.code == INTERRUPTED.code
    return "not known" if was_under_way else outcome.result


def _finished(verb: str, seconds: float, message: str) -> Event:
    return Event(kind="finished", verb=verb, seconds=seconds, message=message)
