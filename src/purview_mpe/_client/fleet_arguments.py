"""What both clients check and prepare for the fleet verbs, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from purview_mpe import _flows
from purview_mpe._client.arguments import checked_flags, checked_timeout
from purview_mpe._client.files import fleet_of
from purview_mpe._model.fleets import FleetReport, checked_subjects, left_over, path_of
from purview_mpe._model.results import Finding
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from purview_mpe._client.journal import Journal
    from purview_mpe._flows.approve_many import ApprovingFleet
    from purview_mpe._flows.create_many import Fleet
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Report
    from purview_mpe._model.spec import Spec


def checked_limit(value: object, argument: str) -> float | None:
    """Seconds, or None for no limit."""
    return None if value is None else checked_timeout(value, argument)


@dataclass
class Run:
    """One run of a fleet verb: what it starts from, and what came of it."""

    make: Callable[[Io], Fleet | ApprovingFleet]
    timeout: float | None
    journal: str | Path | None = None
    reports: dict[int, Report] = field(default_factory=dict[int, "Report"])
    """By the place of their spec; those that an earlier run completed are there from the start."""
    warnings: list[Finding] = field(default_factory=list[Finding])

    def report(self) -> FleetReport:
        """The reports so far, in the order of their specs."""
        return FleetReport(
            reports=tuple(self.reports[index] for index in sorted(self.reports)), warnings=tuple(self.warnings)
        )


def keep(run: Run, journal: Journal, finished: Iterable[tuple[int, Report]]) -> None:
    """Keep reports, and write them down, before the caller sees them."""
    for index, report in finished:
        run.reports[index] = report
        journal.add(report)


def _earlier(value: object, journal: str | Path | None) -> FleetReport | None:
    """The report to go on from, read where it is a file's path.

    A journal that is to be written and does not exist yet holds nothing, so that the first run and every further one
    can be the same call.

    Raises:
        InvalidSpec: it is neither, or the file holds no report.
        OSError: the file cannot be read.
    """
    if isinstance(value, (str, Path)):
        if journal is not None and _is_same_file(value, journal) and not path_of(value, "resume").exists():
            return None
        return FleetReport.load(value)
    if value is None or isinstance(value, FleetReport):
        return value
    rule = f"is a {type(value).__name__}; pass a FleetReport, or the path of a report file or journal"
    raise InvalidSpec("resume", [("resume", rule)])


def _is_same_file(one: str | Path, other: str | Path) -> bool:
    return path_of(one, "resume").resolve() == path_of(other, "journal").resolve()


def creating(
    specs: Iterable[Spec] | str | Path,
    resume: FleetReport | str | Path | None,
    journal: str | Path | None,
    *,
    approve: bool,
    wait: bool,
    timeout: object,
    stop_after: object,
) -> Run:
    """The run of `create_many`, with the reports of what is complete already."""
    checked_flags(approve=approve, wait=wait)
    limit, whole = checked_timeout(timeout), checked_limit(stop_after, "stop_after")
    todo, kept = left_over(fleet_of(specs), _earlier(resume, journal), approve=approve)
    return Run(
        lambda io: _flows.create_many.Fleet(io, todo, approve=approve, wait=wait, timeout=limit), whole, journal, kept
    )


def approving(
    specs_or_reports: Iterable[Spec | Report] | FleetReport | str | Path, *, dry_run: bool, wait: bool, timeout: object
) -> Run:
    """The run of `approve_many`."""
    checked_flags(dry_run=dry_run, wait=wait)
    limit = checked_timeout(timeout)
    if isinstance(specs_or_reports, FleetReport):
        given: Iterable[Spec | Report] = specs_or_reports.reports
    elif isinstance(specs_or_reports, (str, Path)):
        given = fleet_of(specs_or_reports)
    else:
        given = specs_or_reports
    subjects = checked_subjects(given)
    return Run(
        lambda io: _flows.approve_many.ApprovingFleet(io, list(enumerate(subjects)), dry_run=dry_run, wait=wait), limit
    )
