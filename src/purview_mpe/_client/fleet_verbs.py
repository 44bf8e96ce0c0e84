"""The fleet verbs of the synchronous client: many factories in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from purview_mpe import _flows
from purview_mpe._client.files import fleet_of
from purview_mpe._client.fleet_arguments import approving, creating, keep
from purview_mpe._client.journal import Journal
from purview_mpe._flows.steps.narration import attach_fleet, tell_finished, tell_started, tell_warning

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator
    from pathlib import Path

    from purview_mpe._client.fleet_arguments import Run
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.events import Event
    from purview_mpe._model.fleets import FleetReport, FleetStatus, FoundSpecs
    from purview_mpe._model.results import Report
    from purview_mpe._model.spec import Spec

T = TypeVar("T")


class FleetVerbs:
    """What `Client` can do for many factories at once."""

    _azure: Any
    _colour: Any
    _on_event: Callable[[Event], None] | None

    def find_specs(self, scope: str, *, name: str = "purview", account: str | None = None) -> FoundSpecs:
        """A spec for every factory of a subscription or resource group that is connected to a Purview account.

        Reads the list of factories. Needs Reader on the scope; Azure leaves out the factories that the caller is not
        allowed to see. `scope` is `/subscriptions/…` or the id of a resource group, `name` the base name for all of
        them; with `account` only the factories that are connected to that one. Safe to repeat.

        Returns:
            The specs as a tuple. Its attribute `findings` has an entry for each connected factory that was left out
            because no spec can name it; a `warning` event says so as well.

        Raises:
            InvalidSpec: `scope` is neither, `account` is not the id of an account, or the name breaks a rule.
            AccessDenied, NotFound: the scope cannot be read.
        """
        return self._run("find_specs", lambda io: _flows.find_specs.find_specs(io, scope, name=name, account=account))

    def create_many(
        self,
        specs: Iterable[Spec] | str | Path,
        *,
        approve: bool = False,
        wait: bool = True,
        timeout: float = 1800,
        stop_after: float | None = None,
        resume: FleetReport | str | Path | None = None,
        journal: str | Path | None = None,
    ) -> FleetReport:
        """What `create_all` does, for many factories at once, as fast as Azure's limits allow.

        Reads, writes and needs what `create_all` does, but each account only once. One factory's failure never stops
        the others: it is in its report. Safe to repeat.

        Args:
            specs: The specs, or the path of a JSON or CSV file (see `read_specs`).
            approve: Whether to approve each connection as it appears.
            wait: Whether to wait until Azure has made the endpoints.
            timeout: Seconds for each factory, from the moment its endpoints are submitted.
            stop_after: Seconds for the whole fleet; what is not done by then is reported `timed-out`.
            resume: An earlier report, or the path of a report file or journal; what is complete in it is taken over and
                not looked at again. With the path of `journal` the file need not exist yet, so one call serves the
                first run and every further one.
            journal: A file to which each report is appended as soon as it is there, one line each; read it back with
                `FleetReport.load`. One run at a time can write a file. If the disk is full the run goes on, a warning
                event says so, and the returned report holds everything.

        Returns:
            One report per spec, in their order.

        Raises:
            InvalidSpec: before anything is sent; a spec or row is wrong, is there twice, or fights with another one.
        """
        run = creating(specs, resume, journal, approve=approve, wait=wait, timeout=timeout, stop_after=stop_after)
        return self._all("create_many", run)

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
    ) -> Iterator[Report]:
        """As `create_many`, and gives each factory's report as soon as it is there.

        Reads, writes, needs and raises what `create_many` does; times are in seconds. Safe to repeat.
        What `resume` stands for is left out. Stop iterating, and nothing more is begun or waited for: Azure goes on
        with what is submitted, and a later call finds it.
        """
        run = creating(specs, resume, journal, approve=approve, wait=wait, timeout=timeout, stop_after=stop_after)
        rounds = self._rounds("create_many", run)
        return (report for _, report in rounds)

    def approve_many(
        self,
        specs_or_reports: Iterable[Spec | Report] | FleetReport | str | Path,
        *,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = 300,
    ) -> FleetReport:
        """What `approve` does, for many factories at once: each target is listed once a round for all of them.

        Reads, writes and needs what `approve` does. Takes specs, requesters' reports, the `FleetReport` of
        `create_many`, or the path of a file with specs. `timeout` is in seconds, for all of them together. Safe to
        repeat.

        Raises:
            InvalidSpec: before anything is sent; as `create_many`.
        """
        run = approving(specs_or_reports, dry_run=dry_run, wait=wait, timeout=timeout)
        return self._all("approve_many", run)

    def iter_approve_many(
        self,
        specs_or_reports: Iterable[Spec | Report] | FleetReport | str | Path,
        *,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = 300,
    ) -> Iterator[Report]:
        """As `approve_many`, and gives each factory's report as soon as it is there.

        Reads, writes, needs and raises what `approve_many` does; `timeout` is in seconds. Safe to repeat.
        """
        run = approving(specs_or_reports, dry_run=dry_run, wait=wait, timeout=timeout)
        rounds = self._rounds("approve_many", run)
        return (report for _, report in rounds)

    def status_many(self, specs: Iterable[Spec] | str | Path) -> FleetStatus:
        """What `status` tells, for many factories at once: each account and each target is read once.

        Reads and needs what `status` does. A factory that cannot be read has an error instead of a status. Safe to
        repeat.

        Raises:
            InvalidSpec: before anything is sent; as `create_many`.
        """
        fleet = fleet_of(specs)
        return self._run("status_many", lambda io: _flows.status_many.status_many(io, fleet))

    def _all(self, verb: str, run: Run) -> FleetReport:
        try:
            for _ in self._rounds(verb, run):
                pass
        except BaseException as error:
            attach_fleet(error, run.report)
            raise
        return run.report()

    def _rounds(self, verb: str, run: Run) -> Iterator[tuple[int, Report]]:
        io = self._colour.SyncIo(self._azure, timeout=run.timeout, listener=self._on_event)
        work = run.make(io)
        began = tell_started(io, verb)
        try:
            with io.engaged(), Journal(run.journal, lambda text: tell_warning(io, verb, began, text)) as file:
                try:
                    while not work.is_over:
                        with io.verb(verb):
                            finished = self._colour.run(work.round())
                        keep(run, file, finished)
                        yield from finished
                finally:
                    keep(run, file, self._colour.run(work.close()))
            run.warnings.extend(filter(None, [*work.warnings, file.warning]))
        finally:
            tell_finished(io, verb, began)

    def _run(self, verb: str, flow: Callable[[Io], Coroutine[Any, Any, T]], *, timeout: float | None = None) -> T:
        raise NotImplementedError  # the client's own
