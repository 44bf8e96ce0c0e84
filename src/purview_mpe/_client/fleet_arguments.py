"""What both clients check and prepare for the fleet verbs, before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from purview_mpe import _flows
from purview_mpe._client.arguments import checked_flags, checked_timeout
from purview_mpe._client.files import fleet_of
from purview_mpe._model.fleets import FleetReport, checked_subjects, left_over
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from purview_mpe._flows.approve_many import ApprovingFleet
    from purview_mpe._flows.create_many import Fleet
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Report
    from purview_mpe._model.spec import Spec


def checked_limit(value: object, argument: str) -> float | None:
    """Seconds, or None for no limit."""
    return None if value is None else checked_timeout(value, argument)


def _earlier(value: object) -> FleetReport | None:
    """The report to go on from, read where it is a file's path.

    Raises:
        InvalidSpec: it is neither, or the file holds no report.
        OSError: the file cannot be read.
    """
    if isinstance(value, (str, Path)):
        return FleetReport.load(value)
    if value is None or isinstance(value, FleetReport):
        return value
    rule = f"is a {type(value).__name__}; pass a FleetReport, or the path of a report file or journal"
    raise InvalidSpec("resume", [("resume", rule)])


def creating(
    specs: Iterable[Spec] | str | Path,
    resume: FleetReport | str | Path | None,
    *,
    approve: bool,
    wait: bool,
    timeout: object,
) -> tuple[Callable[[Io], Fleet], dict[int, Report]]:
    """What makes the fleet of `create_many`, and the reports of what is complete already."""
    checked_flags(approve=approve, wait=wait)
    limit = checked_timeout(timeout)
    todo, kept = left_over(fleet_of(specs), _earlier(resume), approve=approve)
    return lambda io: _flows.create_many.Fleet(io, todo, approve=approve, wait=wait, timeout=limit), kept


def approving(
    specs_or_reports: Iterable[Spec | Report] | FleetReport | str | Path, *, dry_run: bool, wait: bool
) -> Callable[[Io], ApprovingFleet]:
    """What makes the fleet of `approve_many`."""
    checked_flags(dry_run=dry_run, wait=wait)
    if isinstance(specs_or_reports, FleetReport):
        given: Iterable[Spec | Report] = specs_or_reports.reports
    elif isinstance(specs_or_reports, (str, Path)):
        given = fleet_of(specs_or_reports)
    else:
        given = specs_or_reports
    subjects = checked_subjects(given)
    return lambda io: _flows.approve_many.ApprovingFleet(io, list(enumerate(subjects)), dry_run=dry_run, wait=wait)


def in_order(reports: Mapping[int, Report]) -> FleetReport:
    """The reports in the order of what was asked for."""
    return FleetReport(reports=tuple(reports[index] for index in sorted(reports)))
