"""What a client runs for a verb: one flow with one answer, or rounds that return answers until the work is done."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from purview_mpe import _model
from purview_mpe._client.journal import Journal
from purview_mpe._flows.steps.narration import attach_fleet, framed, narrated, tell_warning
from purview_mpe._model.results import Finding, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.fleets import FleetReport

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A verb with its arguments checked, ready to run, sync or async."""

    verb: str
    flow: Callable[[Io], Coroutine[Any, Any, T]]
    timeout: float | None = None
    """Seconds for the whole verb; None for no limit."""

    async def narrated(self, io: Io) -> T:
        """The flow's result, with `started` and `finished` reported around it."""
        return await narrated(io, self.verb, self.flow)


class Work(Protocol[T_co]):
    """Work in rounds. Nothing starts between two rounds, so a caller can stop there."""

    @property
    def is_over(self) -> bool:
        """True if another round would find nothing to do."""
        ...

    async def round(self) -> Sequence[T_co]:
        """Run one round and return its answers."""
        ...

    async def close(self) -> Sequence[T_co]:
        """Stop what is under way; return the answers that were finished and not yet returned."""
        ...


class WorkOfFleet(Work[tuple[int, Report]], Protocol):
    """The work on a fleet: it gives reports, each with the position of its spec."""

    @property
    def warnings(self) -> Sequence[Finding]:
        """The findings about the fleet as a whole, so far."""
        ...


class LookAtFleet(Work[Any], Protocol[T_co]):
    """The work on a fleet that gives one result at its end."""

    def result(self) -> T_co:
        """The result, once the work is over."""
        ...


class Series(Protocol[T_co]):
    """A verb that returns several answers, with its arguments checked, ready to run, sync or async."""

    @property
    def timeout(self) -> float | None:
        """Seconds for all rounds together; None for no limit."""
        ...

    def begin(self, io: Io) -> AbstractContextManager[Work[T_co]]:
        """The work; leaving the context ends the verb, even if work is left."""
        ...


@dataclass(frozen=True, slots=True)
class Watching(Generic[T]):
    """A series that keeps no answer after it has returned it."""

    verb: str
    make: Callable[[Io], Work[T]]
    timeout: float | None = None

    @contextmanager
    def begin(self, io: Io) -> Generator[Work[T]]:
        """The work, with `started` and `finished` reported around it."""
        with framed(io, self.verb):
            yield _Named(io, self.verb, self.make(io))


@dataclass(frozen=True, slots=True)
class _Named(Generic[T]):
    """Work whose requests, logs and spans carry the name of the verb."""

    io: Io
    verb: str
    work: Work[T]

    @property
    def is_over(self) -> bool:
        return self.work.is_over

    async def round(self) -> Sequence[T]:
        with self.io.verb(self.verb):
            return await self.work.round()

    async def close(self) -> Sequence[T]:
        return await self.work.close()


@dataclass
class FleetRun:
    """One run of a fleet verb: what it runs, and the reports that it has made so far."""

    verb: str
    make: Callable[[Io], WorkOfFleet]
    timeout: float | None
    journal: str | Path | None = None
    reports: dict[int, Report] = field(default_factory=dict[int, "Report"])
    """By the position of their spec; the reports that an earlier run completed are included from the start."""
    warnings: list[Finding] = field(default_factory=list[Finding])

    @contextmanager
    def begin(self, io: Io) -> Generator[Work[Report]]:
        """The work; each report is kept and written to the journal before the caller sees it."""
        with framed(io, self.verb), io.engaged():
            with Journal(self.journal, lambda text: tell_warning(io, self.verb, text)) as file:
                work = self.make(io)
                try:
                    yield _Kept(_Named(io, self.verb, work), self.reports, file)
                finally:
                    self.warnings.extend(work.warnings)
            self.warnings.extend(filter(None, [file.warning]))

    @contextmanager
    def kept(self) -> Generator[None]:
        """Attach the reports so far to any exception that ends the run."""
        try:
            yield
        except BaseException as error:
            attach_fleet(error, self.report)
            raise

    def report(self) -> FleetReport:
        """The reports so far, in the order of their specs."""
        return _model.fleets.FleetReport(
            reports=tuple(self.reports[index] for index in sorted(self.reports)), warnings=tuple(self.warnings)
        )


@dataclass
class FleetLook(Generic[T]):
    """One run of a fleet verb that only reads and gives one result."""

    verb: str
    make: Callable[[Io], LookAtFleet[T]]
    timeout: float | None = None
    results: list[T] = field(default_factory=list[T])
    """The result, once the work has ended."""

    @contextmanager
    def begin(self, io: Io) -> Generator[Work[Any]]:
        """The work; its result is kept if nothing interrupts it."""
        with framed(io, self.verb), io.engaged():
            work = self.make(io)
            yield _Named(io, self.verb, work)
            self.results.append(work.result())


@dataclass(frozen=True, slots=True)
class _Kept:
    """The work of a fleet, with its reports kept."""

    work: Work[tuple[int, Report]]
    reports: dict[int, Report]
    journal: Journal

    @property
    def is_over(self) -> bool:
        return self.work.is_over

    async def round(self) -> list[Report]:
        return self._written_down(await self.work.round())

    async def close(self) -> list[Report]:
        return self._written_down(await self.work.close())

    def _written_down(self, finished: Sequence[tuple[int, Report]]) -> list[Report]:
        self.reports.update(finished)
        for _, report in finished:
            self.journal.add(report)
        return [report for _, report in finished]
