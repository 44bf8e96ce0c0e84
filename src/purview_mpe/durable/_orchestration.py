"""The orchestration of a fleet, for every engine: a lane for each subscription, and a person's decision.

Each lane is a child orchestration (`_lane`), because each subscription has limits of its own, and no lane waits for
another. A lane's instance id is made from its subscription, so that two fleets never work in one subscription at once:
an engine starts no second instance with the id of one that runs, and the second fleet waits.

The parent keeps what its lanes answer packed, and reads it once at the end. To wait for a person it begins again with
what it has to know, so that a wait of months costs next to nothing.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from purview_mpe._model.fleets import FleetReport
from purview_mpe._model.public import public
from purview_mpe._model.results import Report
from purview_mpe.durable._engine import APPROVAL, LANE, STOP, Engine, Unanswered, together
from purview_mpe.durable._lane import answered, first_answer, patience
from purview_mpe.durable._logic import logic_of
from purview_mpe.durable._messages import unpacked
from purview_mpe.durable._page import (
    Options,
    Phase,
    asked_to_approve,
    first_order,
    order_to_decide,
    result_of,
    with_failures,
)
from purview_mpe.durable._progress import asks_for_approval, is_approved
from purview_mpe.durable._request import FleetRequest, checked_size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe.durable._engine import Json, Steps

#: Requests without a logic number were made by hand; this is the number of all of them, for ever.
_UNNUMBERED = 1
_DECLINED = "The approval was declined, so the connection was not approved."
_STOPPED = "The fleet was stopped, so the connection was not approved."


def fleet(engine: Engine, given: object) -> Steps[Json | None]:
    """Create for or onboard all factories, and approve as the request says; returns the JSON of a `FleetReport`.

    A report that is too large for the engine's messages is returned packed; `report_in` reads both.
    """
    if isinstance(given, dict) and "made" in given:
        return (yield from _Waiting(engine, cast("Json", given)).run())
    request = FleetRequest.model_validate({"logic": _UNNUMBERED, **given} if isinstance(given, dict) else given)
    checked_size(request, engine.carries)
    return (yield from _Making(engine, request).run())


class _Making:
    """The parent until everything is made."""

    def __init__(self, engine: Engine, request: FleetRequest) -> None:
        self._engine, self._request = engine, request
        self._logic = logic_of(request.logic)
        self._options = Options.of(request)
        self._stop = engine.event(STOP)
        self._places: dict[str, list[int]] = {}
        for index, spec in enumerate(request.specs):
            self._places.setdefault(spec.factory_id.subscription.casefold(), []).append(index)

    def run(self) -> Steps[Json | None]:
        engine, request = self._engine, self._request
        phase = "onboarding" if request.verb == "onboard" else "creating"
        event = engine.event(APPROVAL) if request.approval == "when-told" else None
        engine.tell({"phase": phase, "factories": len(request.specs), "lanes": [_id_of(each) for each in self._places]})
        made = yield from together(engine, [self._made(*each) for each in enumerate(self._places)])
        if event is None or not any(map(_asking, made)):
            return output_of(engine, list(self._places.values()), made)
        order = {
            "logic": request.logic,
            "options": self._options.to_json(),
            "hours": request.approval_hours,
            "until": (engine.now() + timedelta(hours=request.approval_hours)).isoformat(),
            "places": list(self._places.values()),
            "made": made,
            "sample": (0, 0),
            "looks": 0,
            "pause": self._logic.first_look,
            "stopped": engine.is_done(self._stop),
        }
        if engine.is_done(event):
            order["sent"] = engine.answer(event)
        engine.again(order)
        return None

    def _made(self, index: int, subscription: str) -> Steps[Json]:
        """What the lane of one subscription answers; another fleet in that subscription is waited for."""
        engine, logic = self._engine, self._logic
        specs = [self._request.specs[place] for place in self._places[subscription]]
        began, calls, seconds, failures = engine.now(), list[Any](), logic.queue_pause, 0
        until = began + timedelta(hours=logic.queue_hours)
        order = first_order(self._request.logic, self._options, specs, f"{engine.instance}-make-{index}")
        why = "The orchestration of its subscription did not answer."
        while engine.now() < until and failures < logic.failures and not engine.is_done(self._stop):
            name = f"{order['name']}-{len(calls)}"
            calls.append(engine.child(LANE, {**order, "name": name}, _id_of(subscription)))
            yield from first_answer(engine, calls, patience(order, logic), self._stop)
            if engine.is_done(self._stop) and not all(map(engine.is_done, calls)):
                engine.signal(_id_of(subscription), STOP)
                yield from first_answer(engine, calls, patience(order, logic))
            for call in filter(engine.is_done, calls):
                try:
                    return cast("Json", engine.answer(call))
                except Unanswered as failure:
                    why = str(failure)
            if all(map(engine.is_done, calls)):
                # The engine starts no second instance with this id, or the instance failed.
                failures += not _is_taken(why)
                yield from _rest(engine, seconds, self._stop)
                seconds = min(2 * seconds, logic.queue_longest_pause)
        return result_of(with_failures(order, f"{why} Another fleet may be at work in its subscription."))


class _Waiting:
    """The parent from the moment that a person can decide. It begins again after each look at Azure."""

    def __init__(self, engine: Engine, order: Json) -> None:
        self._engine = engine
        self._order = dict(order)
        self._logic = logic_of(order["logic"])
        self._options = Options.of(order["options"])
        self._event, self._stop = engine.event(APPROVAL), engine.event(STOP)

    def run(self) -> Steps[Json | None]:
        engine, order = self._engine, self._order
        status: Json = {"phase": "waiting-for-approval", "factories": self._asking, "until": order["until"]}
        if "heard" in order:
            status["not understood"] = order["heard"]
        engine.tell(status)
        until = datetime.fromisoformat(order["until"])
        if "sent" not in order and not order["stopped"]:
            yield from _rest(
                engine, min((until - engine.now()).total_seconds(), order["pause"]), self._event, self._stop
            )
            self._note_events()
        if "sent" in order:
            sent = order.pop("sent")
            if (decision := understood(sent)) is not None:
                return (yield from self._decided(is_yes=decision, why=_DECLINED))
            order["heard"] = repr(sent)[:200]
        elif order["stopped"]:
            return (yield from self._decided(is_yes=False, why=_STOPPED))
        elif engine.now() >= until:
            why = f"No decision came within {order['hours']:g} hours, so the connection was not approved."
            return (yield from self._decided(is_yes=False, why=why))
        else:
            order["looks"] += 1
            if (sample := (yield from self._look())) is None:
                return (yield from self._decided(is_yes=True, why=""))
            order.update(sample=sample, pause=min(2 * order["pause"], self._logic.last_look))
            self._note_events()
        engine.again(order)
        return None

    @property
    def _asking(self) -> int:
        return sum(map(_asking, self._order["made"]))

    def _note_events(self) -> None:
        """Keep what has come: an engine may forget it when the orchestration begins again."""
        if self._engine.is_done(self._event):
            self._order["sent"] = self._engine.answer(self._event)
        self._order["stopped"] = self._order["stopped"] or self._engine.is_done(self._stop)

    def _decided(self, *, is_yes: bool, why: str) -> Steps[Json]:
        """Approve everything, or look at what is left to the owners; the fleet's output."""
        engine, order = self._engine, self._order
        engine.tell({"phase": "approving" if is_yes else "ending", "factories": self._asking})
        phase: Phase = "approve" if is_yes else "leave"
        parts = [self._answered(phase, index, why) for index, _ in enumerate(order["made"])]
        made = yield from together(engine, parts)
        return output_of(engine, order["places"], made)

    def _answered(self, phase: Phase, index: int, why: str = "") -> Steps[Json]:
        order, made = self._order, self._order["made"][index]
        name = f"{self._engine.instance}-{phase}-{order['looks']}-{index}"
        child = order_to_decide(phase, made, logic=order["logic"], options=self._options.to_json(), name=name, why=why)
        return (yield from answered(self._engine, self._logic, LANE, child, None if order["stopped"] else self._stop))

    def _look(self) -> Steps[tuple[int, int] | None]:
        """The place of a factory that is not approved: lane and number; None if everything is approved.

        Looks at one factory, and at all only if that one is approved: most looks of a long wait are as small as that.
        """
        engine, options = self._engine, self._options
        made: list[Json] = self._order["made"]
        lane, place = cast("tuple[int, int]", self._order["sample"])
        page, index = divmod(place, self._logic.page)
        [report] = _reports_in([unpacked(made[lane]["pages"][page])[index]])
        if asks_for_approval(report):
            until = engine.now() + timedelta(seconds=self._logic.working_time * options.silence_seconds)
            [found] = yield from asked_to_approve(engine, options, [report], until.isoformat(), dry_run=True)
            if not is_approved(found):
                return lane, place
        for each, answer in enumerate(made):
            if _asking(answer):
                found_first = yield from self._answered("look", each)
                if (first := found_first.get("first", 0)) is not None:
                    return each, first
        return None


def _rest(engine: Engine, seconds: float, *events: Any) -> Steps[None]:
    """Wait for this long, or for one of the events."""
    if seconds <= 0:
        return
    timer = engine.timer(seconds)
    yield [timer, *events]
    if not engine.is_done(timer):
        engine.cancel(timer)


def output_of(engine: Engine, places: Sequence[Sequence[int]], made: Sequence[Json]) -> Json:
    """The JSON of the fleet's report, or the report packed where it is too large for a message."""
    lanes = [{"places": list(here), "pages": answer["pages"]} for here, answer in zip(places, made, strict=True)]
    report = _report_in(lanes)
    output = report.model_dump(mode="json")
    if engine.carries is None or len(json.dumps(output)) <= engine.carries:
        return output
    return {"counts": report.counts, "succeeded": report.succeeded, "complete": report.complete, "lanes": lanes}


def _report_in(lanes: Sequence[Json]) -> FleetReport:
    reports: dict[int, Report] = {}
    for each in lanes:
        states = [state for page in cast("list[str]", each["pages"]) for state in unpacked(page)]
        reports.update(zip(each["places"], _reports_in(states), strict=True))
    return FleetReport(reports=tuple(reports[index] for index in sorted(reports)))


@public("purview_mpe.durable")
def report_in(output: Mapping[str, Any]) -> FleetReport:
    """The report in the output of the orchestration `FLEET`, packed or not; nothing is sent.

    Args:
        output: The JSON that the engine shows as the output.

    Raises:
        InvalidSpec: the value is not such an output.
    """
    return _report_in(output["lanes"]) if "lanes" in output else FleetReport.model_validate(output)


def _reports_in(states: Sequence[Json]) -> list[Report]:
    return [Report.model_validate({**state["report"], "spec": state["spec"]}) for state in states]


def _id_of(subscription: str) -> str:
    """The instance id of a subscription's lane."""
    return f"purview-mpe-{subscription}"


def _asking(made: Json) -> int:
    return sum(made["asking"])


def _is_taken(why: str) -> bool:
    """Whether an engine says that an instance with this id runs; each has words of its own."""
    return any(word in why.casefold() for word in ("already exists", "already running", "runs", "in use"))


def understood(sent: object) -> bool | None:
    """A decision: true or false, bare or as `{"approved": true}`, also as JSON in a text; None for anything else.

    The client of azure-functions-durable 1.x encodes an event's JSON once more: true arrives as the text "true".
    """
    if isinstance(sent, str):
        try:
            sent = json.loads(sent)
        except ValueError:
            return None
    if isinstance(sent, dict):
        sent = cast("Mapping[str, object]", sent).get("approved")
    return sent if isinstance(sent, bool) else None
