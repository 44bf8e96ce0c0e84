"""The tables of fleets: one line per factory, those that need attention first, and counts instead of lists."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from purview_mpe._display import endings
from purview_mpe._display.text.nouns import more, render_findings
from purview_mpe._display.text.page import Page, marked, name_in, short_ids
from purview_mpe._display.text.render import render
from purview_mpe._model.fleet_looks import FleetCheck, FleetPlan
from purview_mpe._model.fleets import FleetReport, FleetStatus
from purview_mpe._model.results import ErrorDetail
from purview_mpe._model.words import ACTIONS, FAILED, WAITING
from purview_mpe.errors import PlanConflict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from purview_mpe._display.text.page import Cell
    from purview_mpe._model.fleet_looks import FactoryCheck, FactoryPlan
    from purview_mpe._model.fleets import FactoryStatus
    from purview_mpe._model.results import Finding, Report

    Row: TypeAlias = tuple[Cell, str, str]
    """The mark, the name and the result of a factory."""
    Cause: TypeAlias = tuple[str, str, ErrorDetail]
    """What stopped something: the factory, the step if it is about one, and the error."""

#: Maximum number of lines; for a fleet of thousands, read the JSON.
_SHOWN = 40
#: Maximum number of factories with the same result that have a line each in a fleet that does not fit.
_ALONE = 10
_DETAILED = 5
#: Maximum number of steps that one failure names.
_NAMED = 3


@render.register(FleetReport)
def render_fleet_report(fleet: FleetReport, page: Page) -> None:
    """Factories with failures first, then those that wait for a person, then the rest."""
    counts = ", ".join(f"{count} {result}" for result, count in fleet.counts.items()) or "nothing to do"
    page.title(f"Fleet of {_factories(len(fleet.reports))}: {counts}", "strong" if fleet.succeeded else "bad")
    ordered = sorted(fleet.reports, key=lambda report: (report.succeeded, report.complete))
    if ordered:
        _table(page, [_row(report) for report in ordered], ("", "FACTORY", "RESULTS"))
    _failures(fleet, page)
    render_findings(fleet.warnings, page)


def _failures(fleet: FleetReport, page: Page) -> None:
    """Each error once, with what it is about: one cause often stops many factories, or many steps of one."""
    causes: list[Cause] = []
    for report in fleet.reports:
        failures = [(name, one.error) for name, one in report.named_failures if one.error is not None]
        # Below a conflict, the other steps only say that the plan has one.
        reasons = [(name, error) for name, error in failures if error.code != PlanConflict.code] or failures
        causes += [(report.spec.factory_id.name, name, error) for name, error in reasons]
    _explain(page, causes, "failures")


@render.register(FleetStatus)
def render_fleet_status(fleet: FleetStatus, page: Page) -> None:
    """Factories that are not ready first."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in fleet.counts.items()) or "nothing is wanted"
    page.title(
        f"Status of {_factories(len(fleet.factories))}: {'ready' if fleet.ready else 'not ready'} ({counts})",
        "strong" if fleet.ready else "attention",
    )
    ordered = sorted(fleet.factories, key=_status_order)
    if ordered:
        _table(page, [_status_row(each) for each in ordered], ("", "FACTORY", "ENDPOINTS"))
    _explain_unreadable(page, ordered)


@render.register(FleetPlan)
def render_fleet_plan(fleet: FleetPlan, page: Page) -> None:
    """Factories that cannot be planned first, then those with something to do."""
    is_good = not fleet.conflicts and all(each.plan is not None for each in fleet.factories)
    counts = endings.counted(fleet.counts) or "nothing is wanted"
    page.title(f"Plan of {_factories(len(fleet.factories))}: {counts}", "strong" if is_good else "bad")
    ordered = sorted(fleet.factories, key=_plan_order)
    if ordered:
        _table(page, [_plan_row(each) for each in ordered], ("", "FACTORY", "STEPS"))
    _explain(
        page,
        [
            (name_in(plan.spec.factory), step.name, ErrorDetail(code="", message=step.reason, remedy=step.remedy or ""))
            for plan in fleet.plans
            for step in plan.conflicts
        ],
        "conflicts",
    )
    _explain_unreadable(page, ordered)
    render_findings(fleet.warnings, page)


@render.register(FleetCheck)
def render_fleet_check(fleet: FleetCheck, page: Page) -> None:
    """Factories with errors first; each error once, with the factories that it applies to."""
    counts = endings.counted(fleet.counts) or "nothing is wanted"
    page.title(
        f"Check of {_factories(len(fleet.factories))}: {'ok' if fleet.ok else 'not ok'} ({counts})",
        "strong" if fleet.ok else "bad",
    )
    ordered = sorted(fleet.factories, key=lambda each: each.check is not None and each.check.ok)
    if ordered:
        _table(page, [_check_row(each) for each in ordered], ("", "FACTORY", "ERRORS"))
    errors = {one.code: one for each in reversed(ordered) for one in reversed(_errors(each))}
    render_findings(tuple(errors.values()), page)
    _explain_unreadable(page, ordered)


def _status_order(each: FactoryStatus) -> int:
    if each.status is None:
        return 0
    return {FAILED: 1, WAITING: 2}.get(endings.of_status(each.status), 3)


def _plan_order(each: FactoryPlan) -> int:
    if each.plan is None:
        return 0
    return 1 if each.plan.conflicts else 2 if each.plan.changes else 3


def _plan_row(each: FactoryPlan) -> Row:
    if each.plan is None:
        return marked(FAILED), name_in(each.spec.factory), each.error.code if each.error else "unreadable"
    counted = Counter(ACTIONS[step.action].text for step in each.plan.steps)
    return marked(endings.of_plan(each.plan)), name_in(each.spec.factory), _counted(counted)


def _check_row(each: FactoryCheck) -> Row:
    if each.check is None:
        return marked(FAILED), name_in(each.spec.factory), each.error.code if each.error else "unreadable"
    codes = ", ".join(dict.fromkeys(one.code for one in _errors(each))) or "-"
    return marked(endings.of_check(each.check)), name_in(each.spec.factory), codes


def _errors(each: FactoryCheck) -> list[Finding]:
    return [one for one in each.check.findings if one.severity == "error"] if each.check else []


def _explain_unreadable(page: Page, ordered: Sequence[FactoryPlan | FactoryCheck | FactoryStatus]) -> None:
    causes = [(name_in(each.spec.factory), "", each.error) for each in ordered if each.error is not None]
    _explain(page, causes, "factories")


def _counted(counts: Mapping[str, int], nothing: str = "-") -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or nothing


def _row(report: Report) -> Row:
    counted = Counter(outcome.result for outcome in report.outcomes)
    return (
        marked(endings.of_report(report)[0]),
        name_in(report.spec.factory),
        ", ".join(f"{count} {result}" for result, count in counted.items()) or "-",
    )


def _status_row(each: FactoryStatus) -> Row:
    if each.status is None:
        return marked(FAILED), name_in(each.spec.factory), each.error.code if each.error else "unreadable"
    counted = Counter(endpoint.verdict for endpoint in each.status.endpoints)
    return (
        marked(endings.of_status(each.status)),
        name_in(each.spec.factory),
        ", ".join(f"{count} {verdict}" for verdict, count in counted.items()) or "-",
    )


def _explain(page: Page, causes: Sequence[Cause], what: str) -> None:
    """Each cause once, in the words of the first that it stops, with the names of some of them."""
    grouped: dict[tuple[str, ...], list[Cause]] = {}
    for factory, step, error in causes:
        texts = (short_ids(error.message), error.remedy)
        generic = [_without(_without(text, step), factory) for text in texts]
        grouped.setdefault((error.code, *generic), []).append((factory, step, error))
    for alike in [*grouped.values()][:_DETAILED]:
        error = alike[0][2]
        names = [f"{factory}: {step}" if step else factory for factory, step, _ in alike]
        others = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        page.gap()
        page.prose(f"{', '.join(names[:_NAMED])}{others}: {short_ids(error.message)}", role="bad")
        if error.remedy:
            page.advice(error.remedy, indent=2)
        more(page, error.code)
    if hidden := sum(len(alike) for alike in [*grouped.values()][_DETAILED:]):
        page.prose(f"... and {hidden} more {what}; the JSON holds them all.", role="faint")


def _without(text: str, name: str) -> str:
    """The text without the name of a step or factory, so that texts about several of them are alike."""
    return re.sub(rf"\b{re.escape(name)}\b(?![-\w])", "", text) if name else text


def _table(page: Page, rows: Sequence[Row], head: Sequence[str]) -> None:
    """A row for each factory; in a large fleet one for all that end alike, and only so many of the others."""
    shown = _gathered(rows) if len(rows) > _SHOWN else [(row, 1) for row in rows]
    page.table([row for row, _ in shown[:_SHOWN]], head=head)
    if hidden := sum(count for _, count in shown[_SHOWN:]):
        page.prose(f"... and {hidden} more factories; the JSON holds them all.", role="faint")


def _gathered(rows: Sequence[Row]) -> list[tuple[Row, int]]:
    """Rows, of which those that say the same are one, each with the number of its factories."""
    groups: dict[tuple[Cell, str], list[str]] = {}
    for mark, name, said in rows:
        groups.setdefault((mark, said), []).append(name)
    gathered: list[tuple[Row, int]] = []
    for (mark, said), names in groups.items():
        if len(names) <= _ALONE:
            gathered += [((mark, name, said), 1) for name in names]
        else:
            gathered.append(((mark, f"{names[0]} and {len(names) - 1} more", said), len(names)))
    return gathered


def _factories(count: int) -> str:
    return "1 factory" if count == 1 else f"{count} factories"
