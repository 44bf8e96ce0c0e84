"""The fleet verbs of the asynchronous client: many factories in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from purview_mpe import _flows
from purview_mpe._client.files import fleet_of
from purview_mpe._client.fleet_arguments import approving, creating, keep
from purview_mpe._client.journal import Journal
from purview_mpe._flows.steps.narration import attach_fleet, tell_finished, tell_started, tell_warning

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable
    from pathlib import Path

    from purview_mpe._client.fleet_arguments import Run
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.events import Event
    from purview_mpe._model.fleets import FleetReport, FleetStatus, FoundSpecs
    from purview_mpe._model.results import Report
    from purview_mpe._model.spec import Spec

T = TypeVar("T")


class FleetVerbs:
    """As `purview_mpe.Client`, for many factories at once."""

    _azure: Any
    _colour: Any
    _on_event: Callable[[Event], None] | None

    async def find_specs(self, scope: str, *, name: str = "purview", account: str | None = None) -> FoundSpecs:
        """As `purview_mpe.Client.find_specs`."""
        return await self._run(
            "find_specs", lambda io: _flows.find_specs.find_specs(io, scope, name=name, account=account)
        )

    async def create_many(
        self,
        specs: Iterable[Spec] | str | Path,
        *,
        approve: bool = False,
        wait: bool = True,
        timeout: float = 1800,  # noqa: ASYNC109 - the verb's own deadline, kept on the injected clock
        stop_after: float | None = None,
        resume: FleetReport | str | Path | None = None,
        journal: str | Path | None = None,
    ) -> FleetReport:
        """As `purview_mpe.Client.create_many`."""
        run = creating(specs, resume, journal, approve=approve, wait=wait, timeout=timeout, stop_after=stop_after)
        return await self._all("create_many", run)

    def iter_create_many(
        self,
        specs: Iterable[Spec] | str | Path,
        *,
        approve: bool = False,
        wait: bool = True,
        timeout: float = 1800,
        stop_after: float | None = None,
        resume: FleetReport | str | Path | None = None,
        journal: str | Path | None = None,
    ) -> AsyncIterator[Report]:
        """As `purview_mpe.Client.iter_create_many`."""
        run = creating(specs, resume, journal, approve=approve, wait=wait, timeout=timeout, stop_after=stop_after)
        rounds = self._rounds("create_many", run)
        return (report async for _, report in rounds)

    async def approve_many(
        self,
        specs_or_reports: Iterable[Spec | Report] | FleetReport | str | Path,
        *,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = 300,  # noqa: ASYNC109 - as above
    ) -> FleetReport:
        """As `purview_mpe.Client.approve_many`."""
        run = approving(specs_or_reports, dry_run=dry_run, wait=wait, timeout=timeout)
        return await self._all("approve_many", run)

    def iter_approve_many(
        self,
        specs_or_reports: Iterable[Spec | Report] | FleetReport | str | Path,
        *,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = 300,
    ) -> AsyncIterator[Report]:
        """As `purview_mpe.Client.iter_approve_many`."""
        run = approving(specs_or_reports, dry_run=dry_run, wait=wait, timeout=timeout)
        rounds = self._rounds("approve_many", run)
        return (report async for _, report in rounds)

    async def status_many(self, specs: Iterable[Spec] | str | Path) -> FleetStatus:
        """As `purview_mpe.Client.status_many`."""
        fleet = fleet_of(specs)
        return await self._run("status_many", lambda io: _flows.status_many.status_many(io, fleet))

    async def _all(self, verb: str, run: Run) -> FleetReport:
        try:
            async for _ in self._rounds(verb, run):
                pass
        except BaseException as error:
            attach_fleet(error, run.report)
            raise
        return run.report()

    async def _rounds(self, verb: str, run: Run) -> AsyncGenerator[tuple[int, Report]]:
        io = self._colour.AsyncIo(self._azure, timeout=run.timeout, listener=self._on_event)
        work = run.make(io)
        began = tell_started(io, verb)
        try:
            with io.engaged(), Journal(run.journal, lambda text: tell_warning(io, verb, began, text)) as file:
                try:
                    while not work.is_over:
                        with io.verb(verb):
                            finished = await work.round()
                        keep(run, file, finished)
                        for index, report in finished:
                            yield index, report
                finally:
                    keep(run, file, await work.close())
            run.warnings.extend(filter(None, [*work.warnings, file.warning]))
        finally:
            tell_finished(io, verb, began)

    async def _run(
        self,
        verb: str,
        flow: Callable[[Io], Coroutine[Any, Any, T]],
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> T:
        raise NotImplementedError  # the client's own
