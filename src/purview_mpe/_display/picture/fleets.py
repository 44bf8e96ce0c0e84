"""The pictures of fleets: a line per factory, those that need a person first, up to a readable number of lines."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from purview_mpe._display import endings
from purview_mpe._display.picture.scene import Scene, Way, scene, sorted_ways
from purview_mpe._model.arm_id import last_segment
from purview_mpe._model.fleet_looks import FleetCheck, FleetPlan
from purview_mpe._model.fleets import FleetReport, FleetStatus
from purview_mpe._model.words import DONE, FAILED, WAITING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from purview_mpe._model.fleet_looks import FactoryCheck, FactoryPlan
    from purview_mpe._model.fleets import FactoryStatus
    from purview_mpe._model.results import Report

#: Maximum number of lines in a picture; the tables below it and the JSON hold the rest.
SHOWN = 12
_CONNECTED = "the connected account"
_WORST_FIRST = (FAILED, WAITING, DONE)


@scene.register(FleetReport)
def _(fleet: FleetReport) -> Scene:
    counts = ", ".join(f"{count} {result}" for result, count in fleet.counts.items()) or "nothing to do"
    title = f"Fleet of {factories(len(fleet.reports))}: {counts}"
    return _fleet(title, [_reported(report) for report in fleet.reports])


@scene.register(FleetStatus)
def _(fleet: FleetStatus) -> Scene:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in fleet.counts.items()) or "nothing is wanted"
    title = f"Status of {factories(len(fleet.factories))}: {'ready' if fleet.ready else 'not ready'} ({counts})"
    return _fleet(title, [_seen(each) for each in fleet.factories])


@scene.register(FleetPlan)
def _(fleet: FleetPlan) -> Scene:
    counts = endings.counted(fleet.counts) or "nothing is wanted"
    return _fleet(f"Plan of {factories(len(fleet.factories))}: {counts}", [_planned(each) for each in fleet.factories])


@scene.register(FleetCheck)
def _(fleet: FleetCheck) -> Scene:
    counts = endings.counted(fleet.counts) or "nothing is wanted"
    title = f"Check of {factories(len(fleet.factories))}: {'ok' if fleet.ok else 'not ok'} ({counts})"
    return _fleet(title, [_checked(each) for each in fleet.factories])


def factories(count: int) -> str:
    """The number of factories, in words."""
    return "1 factory" if count == 1 else f"{count} factories"


def _fleet(title: str, ways: list[Way]) -> Scene:
    ways.sort(key=lambda way: _WORST_FIRST.index(way.mark))
    hidden = len(ways) - SHOWN
    return Scene(
        title,
        ("Fleet", factories(len(ways))),
        ("Data factories", f"{SHOWN} of {len(ways)} shown" if hidden > 0 else ""),
        sorted_ways(ways[:SHOWN]),
        ways[0].mark if ways else DONE,
        empty="no factories",
    )


def _reported(report: Report) -> Way:
    account = report.account.id if report.account else report.spec.account
    mark, word = endings.of_report(report)
    return Way(
        report.spec.factory_id.name,
        _counted(outcome.result for outcome in report.outcomes),
        account or _CONNECTED,
        mark,
        word,
    )


def _seen(each: FactoryStatus) -> Way:
    name, wanted = last_segment(each.spec.factory), each.spec.account or _CONNECTED
    if each.status is None:
        return Way(name, each.error.code if each.error else "no reason given", wanted, FAILED, "cannot be read")
    endpoints = each.status.endpoints
    ready = sum(endpoint.verdict == "ready" for endpoint in endpoints)
    verdicts = _counted(endpoint.verdict for endpoint in endpoints)
    return Way(
        name, verdicts, each.status.account, endings.of_status(each.status), f"{ready} of {len(endpoints)} ready"
    )


def _planned(each: FactoryPlan) -> Way:
    name, wanted = last_segment(each.spec.factory), each.spec.account or _CONNECTED
    if each.plan is None:
        return Way(name, each.error.code if each.error else "no reason given", wanted, FAILED, "cannot be read")
    mark = FAILED if each.plan.conflicts else WAITING if each.plan.changes else DONE
    done = "in conflict" if each.plan.conflicts else "to do" if each.plan.changes else "nothing to do"
    steps = endings.counted(Counter(step.action for step in each.plan.steps)) or "nothing"
    return Way(name, steps, each.plan.account.id, mark, done)


def _checked(each: FactoryCheck) -> Way:
    name, wanted = last_segment(each.spec.factory), each.spec.account or _CONNECTED
    if each.check is None:
        return Way(name, each.error.code if each.error else "no reason given", wanted, FAILED, "cannot be read")
    findings = _counted(finding.severity for finding in each.check.findings)
    ok = each.check.ok
    return Way(name, findings, each.check.account or wanted, DONE if ok else FAILED, "ok" if ok else "not ok")


def _counted(kinds: Iterable[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in Counter(kinds).items()) or "nothing"
