"""The reports of a large fleet stay with its pages: only counts and ids reach the lane and the fleet.

What a child answers is part of its parent's history, which is one message at each turn. So a page gives its reports to
a child of its own, which does nothing but return them: its output is there for everyone who knows its instance id.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, get_args

from purview_mpe._model.fleets import FleetReport
from purview_mpe._model.results import Report, Result
from purview_mpe.durable._engine import REPORTS, Engine, Unanswered
from purview_mpe.durable._packing import unpacked
from purview_mpe.durable._progress import approved, asks_for_approval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from purview_mpe.durable._engine import Json, Steps
    from purview_mpe.durable._logic import Logic


def kept(engine: Engine, name: str, result: Json, logic: Logic) -> Steps[Json]:
    """Give the answer of a page to a child, and return what the lane has to know of it.

    Raises:
        Unanswered: the engine runs no child.
    """
    counted = result.get("counted") or _counted(result)
    reports: Json = {key: result[key] for key in ("pages", "why") if key in result}
    for number in range(logic.failures):
        instance = f"{name}-report-{number}"
        call = engine.child(REPORTS, reports, instance)
        yield [call]
        try:
            engine.answer(call)
        except Unanswered:
            continue
        return {"kept": [instance], **counted}
    raise Unanswered("The engine ran none of the orchestrations that keep the reports.")


def returned(engine: Engine, given: Json) -> Steps[Json]:
    """The orchestration that keeps reports: its output is its input."""
    del engine
    yield from ()
    return given


def _counted(result: Json) -> Json:
    reports = reports_in([state for page in result["pages"] for state in unpacked(page)])
    report = FleetReport(reports=tuple(reports))
    return {
        "factories": len(reports),
        "counts": report.counts,
        "succeeded": report.succeeded,
        "complete": report.complete,
        "ready": all(approved(each).complete for each in reports),
        "asking": sum(map(asks_for_approval, reports)),
    }


def joined(answers: Sequence[Json]) -> Json:
    """The answers of pages, or of lanes, as one."""
    return {
        "kept": [instance for each in answers for instance in each["kept"]],
        "factories": sum(each["factories"] for each in answers),
        "counts": summed([each["counts"] for each in answers]),
        "succeeded": all(each["succeeded"] for each in answers),
        "complete": all(each["complete"] for each in answers),
        # Answers of an earlier version lack these; with its logic numbers nothing reads them.
        "ready": all(each.get("ready", False) for each in answers),
        "asking": sum(each.get("asking", 0) for each in answers),
    }


def summed(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """The numbers of outcomes with each result, together."""
    found: Counter[str] = Counter()
    for each in counts:
        found.update(each)
    return {result: found[result] for result in get_args(Result) if found[result]}


def reports_in(states: Iterable[Json]) -> list[Report]:
    """The reports in the states of factories that are done."""
    return [Report.model_validate({**state["report"], "spec": state["spec"]}) for state in states]
