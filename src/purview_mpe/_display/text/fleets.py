"""The tables of fleets: one line per factory, those that need attention first, and counts instead of lists."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from purview_mpe._display import endings
from purview_mpe._display.text.nouns import more, render_findings
from purview_mpe._display.text.page import Page, marked, name_in
from purview_mpe._display.text.render import render
from purview_mpe._model.fleets import FleetReport, FleetStatus
from purview_mpe._model.words import FAILED

if TYPE_CHECKING:
    from purview_mpe._display.text.page import Cell
    from purview_mpe._model.fleets import FactoryStatus
    from purview_mpe._model.results import ErrorDetail, Report

#: Maximum number of lines; for a fleet of thousands, read the JSON.
_SHOWN = 40
_DETAILED = 5


@render.register(FleetReport)
def render_fleet_report(fleet: FleetReport, page: Page) -> None:
    """Factories with failures first, then those that wait for a person, then the rest."""
    counts = ", ".join(f"{count} {result}" for result, count in fleet.counts.items()) or "nothing to do"
    page.title(f"Fleet of {_factories(len(fleet.reports))}: {counts}", "strong" if fleet.succeeded else "bad")
    ordered = sorted(fleet.reports, key=lambda report: (report.succeeded, report.complete))
    if ordered:
        page.table([_row(report) for report in ordered[:_SHOWN]], head=("", "FACTORY", "RESULTS"))
        _more(page, len(ordered))
    failures = fleet.named_failures
    for name, outcome in failures[:_DETAILED]:
        if outcome.error is not None:
            _explain(page, name, outcome.error)
    if len(failures) > _DETAILED:
        page.prose(f"... and {len(failures) - _DETAILED} more failures; the JSON holds them all.", role="faint")
    render_findings(fleet.warnings, page)


@render.register(FleetStatus)
def render_fleet_status(fleet: FleetStatus, page: Page) -> None:
    """Factories that are not ready first."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in fleet.counts.items()) or "nothing is wanted"
    page.title(
        f"Status of {_factories(len(fleet.factories))}: {'ready' if fleet.ready else 'not ready'} ({counts})",
        "strong" if fleet.ready else "attention",
    )
    ordered = sorted(fleet.factories, key=lambda each: each.status is not None and each.status.ready)
    if ordered:
        page.table([_status_row(each) for each in ordered[:_SHOWN]], head=("", "FACTORY", "ENDPOINTS"))
        _more(page, len(ordered))
    for each in [each for each in ordered if each.error is not None][:_DETAILED]:
        if each.error is not None:
            _explain(page, name_in(each.spec.factory), each.error)


def _row(report: Report) -> tuple[Cell | str, ...]:
    counted = Counter(outcome.result for outcome in report.outcomes)
    return (
        marked(endings.of_report(report)[0]),
        name_in(report.spec.factory),
        ", ".join(f"{count} {result}" for result, count in counted.items()) or "-",
    )


def _status_row(each: FactoryStatus) -> tuple[Cell | str, ...]:
    if each.status is None:
        return marked(FAILED), name_in(each.spec.factory), each.error.code if each.error else "unreadable"
    counted = Counter(endpoint.verdict for endpoint in each.status.endpoints)
    return (
        marked(endings.of_status(each.status)),
        name_in(each.spec.factory),
        ", ".join(f"{count} {verdict}" for verdict, count in counted.items()) or "-",
    )


def _explain(page: Page, name: str, error: ErrorDetail) -> None:
    page.gap()
    page.prose(f"{name}: {error.message}", role="bad")
    page.advice(error.remedy, indent=2)
    more(page, error.code)


def _more(page: Page, count: int) -> None:
    if count > _SHOWN:
        page.prose(f"... and {count - _SHOWN} more factories", role="faint")


def _factories(count: int) -> str:
    return "1 factory" if count == 1 else f"{count} factories"
