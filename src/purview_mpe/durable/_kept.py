"""The reports of a large fleet stay with its pages: only counts and ids reach the lane and the fleet.

What a child answers is part of its parent's history, which is one message at each turn. So a page gives its reports to
a child of its own, which does nothing but return them: its output is there for everyone who knows its instance id.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast, get_args

from purview_mpe._model.fleets import FleetReport
from purview_mpe._model.results import Report, Result
from purview_mpe.durable._engine import REPORTS, Engine, Unanswered
from purview_mpe.durable._packing import unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from purview_mpe.durable._engine import Json, Steps
    from purview_mpe.durable._logic import Logic


def kept(engine: Engine, name: str, result: Json, logic: Logic) -> Steps[Json]:
    """Give the answer of a page to a child, and return what the lane has to know of it.

    Raises:
        Unanswered: the engine runs no child.
    """
    report = FleetReport(reports=tuple(reports_in([state for page in result["pages"] for state in unpacked(page)])))
    for number in range(logic.failures):
        instance = f"{name}-report-{number}"
        call = engine.child(REPORTS, {"pages": result["pages"]}, instance)
        yield [call]
        try:
            engine.answer(call)
        except Unanswered:
            continue
        return {
            "kept": [instance],
            "factories": len(report.reports),
            "counts": report.counts,
            "succeeded": report.succeeded,
            "complete": report.complete,
        }
    raise Unanswered("The engine ran none of the orchestrations that keep the reports.")


def joined(answers: Sequence[Json]) -> Json:
    """The answers of pages, or of lanes, as one."""
    counts: Counter[str] = Counter()
    for each in answers:
        counts.update(cast("dict[str, int]", each["counts"]))
    return {
        "kept": [instance for each in answers for instance in each["kept"]],
        "factories": sum(each["factories"] for each in answers),
        "counts": {result: counts[result] for result in get_args(Result) if counts[result]},
        "succeeded": all(each["succeeded"] for each in answers),
        "complete": all(each["complete"] for each in answers),
    }


def reports_in(states: Iterable[Json]) -> list[Report]:
    """The reports in the states of factories that are done."""
    return [Report.model_validate({**state["report"], "spec": state["spec"]}) for state in states]
