"""A fleet on an executor: chunks of factories as tasks, their reports in one fleet report and in a journal."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, CancelledError, Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from purview_mpe._client.arguments import checked_flags, checked_timeout, earlier_report
from purview_mpe._client.files import fleet_of
from purview_mpe._client.journal import Journal
from purview_mpe._flows.steps.fleet_reports import failed
from purview_mpe._model.fleets import FleetReport, left_over, refuse
from purview_mpe._model.public import public
from purview_mpe.durable._executors import checked_settings, create_some
from purview_mpe.durable._executors import connect as connect_by_default
from purview_mpe.durable._progress import unanswered
from purview_mpe.errors import InvalidSpec, PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from purview_mpe._client.client import Client
    from purview_mpe._model.results import Report
    from purview_mpe._model.spec import Spec
    from purview_mpe.durable._engine import Json

#: The most factories of a task: what a killed worker holds is read again, and the journal grows task by task.
_LARGEST_CHUNK = 40
#: How often a chunk is given to the executor: a second time if its task failed, because its worker may have died.
_TRIES = 2

#: A spec with its place in the fleet.
Placed: TypeAlias = "tuple[int, Spec]"


class Executor(Protocol):
    """What `concurrent.futures` and Dask's `Client.get_executor()` have in common."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        """Run a function somewhere."""
        ...


@public("purview_mpe.durable")
def spread(
    specs: Iterable[Spec] | str | Path,
    executor: Executor,
    connect: Callable[..., Client] = connect_by_default,
    settings: Mapping[str, Any] | None = None,
    *,
    slots: int,
    processes: int | None = None,
    share: float = 1.0,
    chunk: int | None = None,
    approve: bool = False,
    wait: bool = True,
    timeout: float = 1800,
    resume: FleetReport | str | Path | None = None,
    journal: str | Path | None = None,
) -> FleetReport:
    """Create the endpoints of a fleet on an executor: a process pool, or Dask's `Client.get_executor(pure=False)`.

    Each task is `create_some` with a chunk of the factories. A task that fails, for example because its worker died, is
    submitted once more. If it fails again, or the scheduler is gone, the reports of its factories say so: repeat the
    call with the same `journal` and `resume`, and it does only what is missing. Reads, writes and needs what
    `create_many` does. Safe to repeat.

    Args:
        specs: The fleet, as `create_many` takes it.
        executor: Anything whose `submit` returns a `concurrent.futures.Future`.
        connect: As for `create_some`; it also gets the setting `share`.
        settings: As for `create_some`, without `share`.
        slots: How many tasks the executor runs at once.
        processes: How many processes these run in; by default, one for each slot. Each gets its part of the share.
        share: The part of Azure's limits that the whole fleet may use.
        chunk: Factories of one task; by default as many as keep every slot busy, and at most 40.
        approve: Whether to approve each connection as it appears.
        wait: Whether to wait until Azure has created the endpoints.
        timeout: Seconds to wait for each factory.
        resume: As for `create_many`; it may be the path of `journal`.
        journal: As for `create_many`; written by this process, chunk by chunk.

    Returns:
        One report for each spec, in their order.

    Raises:
        InvalidSpec: a spec or an argument is wrong; nothing was sent.
    """
    checked_flags(approve=approve, wait=wait)
    given = _checked(settings, slots=slots, processes=processes, chunk=chunk, share=share)
    work = partial(
        create_some,
        connect=connect,
        settings={**given, "share": share / (processes or slots)},
        approve=approve,
        wait=wait,
        timeout=checked_timeout(timeout),
    )
    fleet = fleet_of(specs)
    todo, kept = left_over(fleet, earlier_report(resume, journal), approve=approve)
    size = chunk or max(1, min(_LARGEST_CHUNK, ceil(len(todo) / slots)))
    with Journal(journal) as file:
        run = _Run(executor, work, file, approve, kept)
        run.all([todo[begin : begin + size] for begin in range(0, len(todo), size)])
    reports = tuple(run.reports[index] for index in range(len(fleet)))
    return FleetReport(reports=reports, warnings=(file.warning,) if file.warning else ())


def _checked(settings: object, *, share: object, **counts: object) -> Mapping[str, Any]:
    """The settings.

    Raises:
        InvalidSpec: one of these arguments is wrong.
    """
    given, _ = checked_settings(settings, "spread")
    problems = [
        (name, "must be a whole number of at least 1")
        for name, number in counts.items()
        if number is not None and not (isinstance(number, int) and number is not True and number >= 1)
    ]
    if not isinstance(share, (int, float)) or share is True or not 0 < share <= 1:
        problems.append(("share", "must be above 0 and at most 1, say 0.5"))
    if "share" in given:
        problems.append(("settings", "has a share of its own; pass the share of the whole fleet as share=…"))
    refuse("spread", problems)
    return given


@dataclass
class _Run:
    executor: Executor
    work: Callable[[list[Json]], Json]
    journal: Journal
    approve: bool
    reports: dict[int, Report]
    """By the place of the spec; those of earlier runs are there from the start."""
    under_way: dict[Future[Any], tuple[Sequence[Placed], int]] = field(
        default_factory=dict[Future[Any], "tuple[Sequence[Placed], int]"]
    )
    """The chunk of each task, and the how-manieth try it is."""

    def all(self, chunks: Iterable[Sequence[Placed]]) -> None:
        """Submit every chunk and take the reports as they come; nothing is left under way at the end."""
        try:
            for part in chunks:
                self._submit(part, 1)
            while self.under_way:
                done, _ = wait_for(self.under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    self._take(future, *self.under_way.pop(future))
        finally:
            for future in self.under_way:
                future.cancel()

    def _submit(self, part: Sequence[Placed], number: int) -> None:
        specs = [spec.model_dump(mode="json") for _, spec in part]
        try:
            self.under_way[self.executor.submit(self.work, specs)] = part, number
        except (RuntimeError, OSError) as error:
            # The pool is shut down or broken, or the scheduler is gone.
            self._lose(part, error)

    def _take(self, future: Future[Any], part: Sequence[Placed], number: int) -> None:
        error = CancelledError("the task was cancelled") if future.cancelled() else future.exception()
        if isinstance(error, InvalidSpec):
            raise error
        if isinstance(error, PurviewMpeError):
            # For example, no sign-in: the same error for every factory of the chunk.
            self._keep(part, [failed(spec, error, approve=self.approve) for _, spec in part])
        elif error is None:
            made = FleetReport.model_validate(future.result()).reports
            self._keep(part, made)
            for report in made:
                self.journal.add(report)
        elif number < _TRIES:
            self._submit(part, number + 1)
        else:
            self._lose(part, error)

    def _lose(self, part: Sequence[Placed], error: BaseException) -> None:
        why = f"The executor says: {type(error).__name__}: {str(error).strip()[:500]}"
        self._keep(part, [unanswered(spec, why, approve=self.approve, verb="create_all") for _, spec in part])

    def _keep(self, part: Sequence[Placed], reports: Sequence[Report]) -> None:
        self.reports.update({index: report for (index, _), report in zip(part, reports, strict=True)})
