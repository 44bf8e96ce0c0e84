"""The output of a fleet: a report, a report packed, or the ids of the orchestrations that keep it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from purview_mpe._model.fleets import FleetReport, refuse
from purview_mpe._model.public import public
from purview_mpe.durable._kept import reports_in, summed
from purview_mpe.durable._packing import packed, unpacked
from purview_mpe.durable._progress import settled
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._model.results import Report
    from purview_mpe.durable._engine import Engine, Json
    from purview_mpe.durable._logic import Logic

_NO_OUTPUT = "is not the output of a fleet: pass what the engine shows once the fleet has completed, as a dict"
_NO_PAGE = "does not go with the output: pass what the engine shows for each orchestration that `pages_in` names"


def output_of(most: int | None, places: Sequence[Sequence[int]], made: Sequence[Json]) -> Json:
    """The JSON of the fleet's report, or the report packed where it has more than so many bytes."""
    lanes = [{"places": list(here), "pages": answer["pages"]} for here, answer in zip(places, made, strict=True)]
    report = _report_in(lanes)
    output = report.model_dump(mode="json")
    if most is None or len(json.dumps(output)) <= most:
        return output
    return {"counts": report.counts, "succeeded": report.succeeded, "complete": report.complete, "lanes": lanes}


def most_of(engine: Engine, logic: Logic) -> int | None:
    """The most bytes of an output that is not packed."""
    return min((most for most in (engine.carries, logic.output) if most is not None), default=None)


def output_of_kept(places: str, made: Json, decided: Json | None = None) -> Json:
    """The output where reports stay with their pages; `places` are the places of all factories, packed.

    `decided` is what the pages answered that decided about the connections.
    """
    both = [made] if decided is None else [made, decided]
    output: Json = {
        "kept": made["kept"],
        "factories": made["factories"],
        "counts": summed([each["counts"] for each in both]),
        "succeeded": all(each["succeeded"] for each in both),
        "complete": made["complete"] if decided is None else made["ready"] and decided["complete"],
        "places": places,
    }
    return output if decided is None else {**output, "decided": decided["kept"]}


def packed_places(places: Sequence[Sequence[int]]) -> str:
    """The places of factories in the order of lanes, as a short text."""
    return packed([{"places": [place for here in places for place in here]}])


@public("purview_mpe.durable")
def pages_in(output: Mapping[str, Any]) -> tuple[str, ...]:
    """The instance ids of the orchestrations whose outputs make up the report of a large fleet; nothing is sent.

    Read the output of each from the engine, and pass all of them to `report_in`. The result is empty if the fleet's
    output holds the whole report, as it does up to 40 factories.

    Args:
        output: The JSON that the engine shows as the output of the orchestration `FLEET`.

    Raises:
        InvalidSpec: the value is not such an output; an orchestration that has not ended, or failed, has none.
    """
    try:
        return tuple(str(each) for key in ("kept", "decided") for each in output.get(key, ()))
    except (AttributeError, TypeError):
        raise InvalidSpec("pages_in", [("output", _NO_OUTPUT)]) from None


@public("purview_mpe.durable")
def report_in(output: Mapping[str, Any], pages: Mapping[str, Mapping[str, Any]] | None = None) -> FleetReport:
    """The report in the output of the orchestration `FLEET`, packed or not; nothing is sent.

    Args:
        output: The JSON that the engine shows as the output.
        pages: The output of each orchestration that `pages_in` names, by its instance id.

    Raises:
        InvalidSpec: the value is not such an output, or a page is missing.
    """
    try:
        if "kept" in output:
            return _report_of_pages(output, pages or {})
        return _report_in(output["lanes"]) if "lanes" in output else FleetReport.model_validate(output)
    except InvalidSpec:
        raise
    except (AttributeError, KeyError, TypeError, ValueError):
        where, rule = ("pages", _NO_PAGE) if pages else ("output", _NO_OUTPUT)
        raise InvalidSpec("report_in", [(where, rule)]) from None


def _report_of_pages(output: Mapping[str, Any], pages: Mapping[str, Mapping[str, Any]]) -> FleetReport:
    missing = [each for each in pages_in(output) if pages.get(each) is None]
    refuse("report_in", [("pages", f"lacks the output of the orchestration {each!r}") for each in missing])
    [order] = unpacked(output["places"])
    made = reports_in([state for each in output["kept"] for page in pages[each]["pages"] for state in unpacked(page)])
    decisions = [
        (state, str(pages[each].get("why", "")))
        for each in output.get("decided", ())
        for page in pages[each]["pages"]
        for state in unpacked(page)
    ]
    if decisions:
        made = [_settled(report, *each) for report, each in zip(made, decisions, strict=True)]
    return _in_places(dict(zip(cast("list[int]", order["places"]), made, strict=True)))


def _settled(created: Report, state: Json, why: str) -> Report:
    [decided] = reports_in([state]) if state["report"] else [None]
    return settled(created, decided, why)


def _report_in(lanes: Sequence[Json]) -> FleetReport:
    reports: dict[int, Report] = {}
    for each in lanes:
        states = [state for page in cast("list[str]", each["pages"]) for state in unpacked(page)]
        reports.update(zip(each["places"], reports_in(states), strict=True))
    return _in_places(reports)


def _in_places(reports: Mapping[int, Report]) -> FleetReport:
    return FleetReport(reports=tuple(reports[index] for index in sorted(reports)))
