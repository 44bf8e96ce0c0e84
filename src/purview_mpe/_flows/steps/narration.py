"""What every verb does around its own work: report its start, its end and, if interrupted, what was done so far."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from purview_mpe._model.events import Event
from purview_mpe._model.results import INTERRUPTED, NOT_BEGUN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.fleets import FleetReport
    from purview_mpe._model.results import Outcome, Report
    from purview_mpe._model.spec import Spec

T = TypeVar("T")
R = TypeVar("R")

#: How many times an action is tried if interruptions stop it; holding down Ctrl-C must still end the process.
_MAX_TRIES = 3


async def narrated(io: Io, verb: str, flow: Callable[[Io], Awaitable[T]]) -> T:
    """The flow's result, with `started` and `finished` reported around it.

    An exception (Ctrl-C, cancellation) that ends a verb after its first write carries what was done so far: in its
    notes, which every traceback shows, and in full in its attribute `report`. No later error replaces it.
    """
    with io.verb(verb):
        try:
            io.tell(Event(kind="started", verb=verb, seconds=0.0, message=f"{verb} started"))
            result = await flow(io)
            io.tell(_finished(verb, io.elapsed, f"{verb} finished"))
            await io.checkpoint()
        except BaseException as error:
            ending = io.interruption_behind(error) or error
            if io.so_far is not None:
                _accompany(ending, io.so_far, _attach)
            ended_with = f"{verb} ended with {type(ending).__name__}"
            _despite_interruptions(lambda: io.tell(_finished(verb, io.elapsed, ended_with)))
            if ending is error:
                raise
        else:
            return result
    raise ending  # raised outside the handler, so that `error`, which hid `ending`, is not shown as its cause


@contextmanager
def framed(io: Io, verb: str) -> Generator[None]:
    """As `narrated`, for a verb that runs in rounds.

    If the caller stops between two rounds, the verb counts as finished.
    """
    io.tell(Event(kind="started", verb=verb, seconds=0.0, message=f"{verb} started"))
    try:
        yield
    except GeneratorExit:
        io.tell(_finished(verb, io.elapsed, f"{verb} finished"))
        raise
    except BaseException as error:
        ended_with = f"{verb} ended with {type(error).__name__}"
        _despite_interruptions(lambda: io.tell(_finished(verb, io.elapsed, ended_with)))
        raise
    else:
        io.tell(_finished(verb, io.elapsed, f"{verb} finished"))


def tell_step(io: Io, verb: str, outcome: Outcome, factory: str | None, *, shown: str = "") -> None:
    """Report the outcome of a step; `shown` follows its result."""
    message = f"{outcome.name}: {outcome.result}{shown}"
    io.tell(Event(kind="step", verb=verb, seconds=io.elapsed, message=message, factory=factory, outcome=outcome))


def tell_waiting(io: Io, verb: str, message: str, *, factory: str | None = None, pending: Sequence[str] = ()) -> None:
    """Report a round of polling, with the names of what the verb waits for."""
    io.tell(
        Event(kind="waiting", verb=verb, seconds=io.elapsed, message=message, factory=factory, pending=tuple(pending))
    )


def tell_warning(io: Io, verb: str, message: str) -> None:
    """Report a problem that does not end the verb but needs the caller's attention."""
    io.tell(Event(kind="warning", verb=verb, seconds=io.elapsed, message=message))


def tell_read(io: Io, verb: str, spec: Spec) -> None:
    """Report that one factory of a fleet was read."""
    message = f"{spec.factory_id.name}: read"
    io.tell(Event(kind="finished", verb=verb, seconds=io.elapsed, message=message, factory=spec.factory))


def attach_fleet(error: BaseException, so_far: Callable[[], FleetReport]) -> None:
    """Attach what was done so far to the exception that ends a fleet, as `narrated` does for one factory."""
    _accompany(error, so_far, _attach_fleet)


def _accompany(error: BaseException, so_far: Callable[[], R], attach: Callable[[BaseException, R], None]) -> None:
    """Attach what was done so far; if that fails, a note says so."""

    def accompany() -> None:
        try:
            attach(error, so_far())
        except Exception as fault:  # noqa: BLE001 - no error may replace the interruption
            error.add_note(
                f"purview_mpe: what was done so far could not be collected ({type(fault).__name__}: {fault})."
            )

    _despite_interruptions(accompany)


def _despite_interruptions(action: Callable[[], None]) -> None:
    """Run the action even if further interruptions arrive; the caller raises the original one right afterwards."""
    for _ in range(_MAX_TRIES):
        try:
            action()
        except Exception:  # noqa: BLE001 - as above
            return
        except BaseException:  # noqa: BLE001, S112 - a second Ctrl-C adds nothing to the first
            continue
        return


def _attach_fleet(error: BaseException, fleet: FleetReport) -> None:
    error.add_note(
        f"purview_mpe: the fleet did not finish. The reports of {len(fleet.reports)} factories are in this exception's "
        "attribute 'report'. Repeat the call with resume set to it, if the verb has that argument."
    )
    vars(error)["report"] = fleet


def _attach(error: BaseException, report: Report) -> None:
    done = "; ".join(f"{outcome.name}: {_known(outcome)}" for outcome in report.outcomes) or "nothing yet"
    # Exceptions accept attributes, but their types do not declare them; __reduce__ and pickle keep this attribute, too.
    vars(error)["report"] = report
    error.add_note(f"purview_mpe: {report.verb} did not finish. So far: {done}. Repeat the call: it reads Azure first.")


def _known(outcome: Outcome) -> str:
    """What is known of a step: if it was under way, Azure may have done it."""
    if outcome.error == NOT_BEGUN:
        return "not started"
    was_under_way = outcome.error is not None and outcome.error.code == INTERRUPTED.code
    return "not known" if was_under_way else outcome.result


def _finished(verb: str, seconds: float, message: str) -> Event:
    return Event(kind="finished", verb=verb, seconds=seconds, message=message)
