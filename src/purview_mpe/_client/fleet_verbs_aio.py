"""The fleet verbs of the asynchronous client: many factories in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from purview_mpe import _flows
from purview_mpe._client.arguments import checked_timeout
from purview_mpe._client.files import Journal, fleet_of
from purview_mpe._client.fleet_arguments import approving, checked_limit, creating, in_order
from purview_mpe._flows.steps.narration import attach_fleet, tell_finished, tell_started

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable
    from pathlib import Path

    from purview_mpe._flows.approve_many import ApprovingFleet
    from purview_mpe._flows.create_many import Fleet
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.events import Event
    from purview_mpe._model.fleets import FleetReport, FleetStatus
    from purview_mpe._model.results import Report
    from purview_mpe._model.spec import Spec

T = TypeVar("T")


class FleetVerbs:
    """As `purview_mpe.Client`, for many factories at once."""

    _azure: Any
    _colour: Any
    _on_event: Callable[[Event], None] | None

    async def find_specs(self, scope: str, *, name: str = "purview", account: str | None = None) -> tuple[Spec, ...]:
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
        make, done = creating(specs, resume, approve=approve, wait=wait, timeout=timeout)
        rounds = self._rounds("create_many", make, checked_limit(stop_after, "stop_after"), journal)
        return await self._all(rounds, done)

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
        make, _ = creating(specs, resume, approve=approve, wait=wait, timeout=timeout)
        rounds = self._rounds("create_many", make, checked_limit(stop_after, "stop_after"), journal)
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
        make = approving(specs_or_reports, dry_run=dry_run, wait=wait)
        return await self._all(self._rounds("approve_many", make, checked_timeout(timeout)), {})

    def iter_approve_many(
        self,
        specs_or_reports: Iterable[Spec | Report] | FleetReport | str | Path,
        *,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = 300,
    ) -> AsyncIterator[Report]:
        """As `purview_mpe.Client.iter_approve_many`."""
        make = approving(specs_or_reports, dry_run=dry_run, wait=wait)
        rounds = self._rounds("approve_many", make, checked_timeout(timeout))
        return (report async for _, report in rounds)

    async def status_many(self, specs: Iterable[Spec] | str | Path) -> FleetStatus:
        """As `purview_mpe.Client.status_many`."""
        fleet = fleet_of(specs)
        return await self._run("status_many", lambda io: _flows.status_many.status_many(io, fleet))

    async def _all(self, rounds: AsyncIterator[tuple[int, Report]], done: dict[int, Report]) -> FleetReport:
        try:
            async for index, report in rounds:
                done[index] = report  # noqa: PERF403 - what is there must survive an interruption
        except BaseException as error:
            attach_fleet(error, in_order(done))
            raise
        return in_order(done)

    async def _rounds(
        self,
        verb: str,
        make: Callable[[Io], Fleet | ApprovingFleet],
        timeout: float | None,  # noqa: ASYNC109 - as above
        journal: str | Path | None = None,
    ) -> AsyncGenerator[tuple[int, Report]]:
        io = self._colour.AsyncIo(self._azure, timeout=timeout, listener=self._on_event)
        work = make(io)
        began = tell_started(io, verb)
        try:
            with Journal(journal) as file:
                while not work.is_over:
                    with io.verb(verb):
                        finished = await work.round()
                    for index, report in finished:
                        file.add(report)
                        yield index, report
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
