"""The orchestration of a fleet, for every engine: a lane for each subscription, and a person's decision.

Each lane is a child orchestration (`_lane`), because each subscription has limits of its own, and no lane waits for
another. A lane's instance id is made from its subscription, so that two fleets never work in one subscription at once:
an engine starts no second instance with the id of one that runs, and the second fleet waits.

The parent keeps what its lanes answer packed, and reads it once at the end. To wait for a person it begins again with
what it has to know, so that a wait of months costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from purview_mpe.durable._engine import APPROVAL, STOP, Engine, together
from purview_mpe.durable._kept import joined
from purview_mpe.durable._lane import order_of_specs
from purview_mpe.durable._limits import carries, cost_of_deciding, cost_of_making, in_common
from purview_mpe.durable._logic import logic_of
from purview_mpe.durable._output import most_of, output_of, output_of_kept, packed_places
from purview_mpe.durable._page import Options, first_order
from purview_mpe.durable._request import FleetRequest, checked_input, checked_size, read_request
from purview_mpe.durable._turn import id_of, made_in_turn
from purview_mpe.durable._waiting import kept_of, order_to_wait, order_with_reports, order_with_specs, waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe.durable._engine import Json, Steps, Task
    from purview_mpe.durable._limits import Common

#: Requests without a logic number were made by hand; this is the number of all of them, for ever.
_UNNUMBERED = 1
#: Engines limit what a status holds (16 kB for Durable Functions, as documented).
_LISTED_LANES = 100


def fleet(engine: Engine, given: object) -> Steps[Json | None]:
    """Create for or onboard all factories, and approve as the request says; returns the JSON of a `FleetReport`.

    A report that is too large for the engine's messages is returned packed, and that of a large fleet stays with its
    pages; `report_in` reads all of them.
    """
    whole = given
    if isinstance(given, dict) and "until" in given:
        return (yield from waiting(engine, cast("Json", given)))
    if isinstance(given, dict) and "lanes" in given:
        return (yield from _Counting(engine, cast("Json", given)).run())
    request = read_request({"logic": _UNNUMBERED, **cast("Json", given)} if isinstance(given, dict) else given)
    keeps = _keeps(request)
    checked_size(request, engine.carries, keeps=keeps, instance=len(engine.instance))
    if keeps:
        checked_input(whole, request)
        engine.again({**_order_to_count(request), **_sent(engine, request)})
        return None
    return (yield from _Making(engine, request).run())


def _keeps(request: FleetRequest) -> bool:
    """Whether the reports stay with the pages."""
    logic = logic_of(request.logic)
    if logic.carried is None or (request.approval == "when-told" and not logic.asks_pages):
        return False
    return len(request.specs) > logic.carried or not carries(
        request.specs, logic, hand_off=request.hand_off, decided=request.approval == "when-told"
    )


def _places_in(request: FleetRequest) -> dict[str, list[int]]:
    """The places of the factories of each subscription."""
    places: dict[str, list[int]] = {}
    for index, spec in enumerate(request.specs):
        places.setdefault(spec.factory_id.subscription.casefold(), []).append(index)
    return places


def _order_to_count(request: FleetRequest) -> Json:
    """What the parent of a large fleet begins again with, so that no later turn reads a spec."""
    places, options = _places_in(request), Options.of(request)
    common = common_in(request, list(places.values()))
    decides: Json = {"hours": request.approval_hours} if request.approval == "when-told" else {}
    return {
        **decides,
        "logic": request.logic,
        "phase": _phase_of(request),
        "lanes": {
            subscription: {
                **order_of_specs(request.logic, options, [request.specs[place] for place in here]),
                **({"common": own} if own else {}),
            }
            for (subscription, here), own in zip(places.items(), common, strict=True)
        },
        "places": packed_places(list(places.values())),
    }


def common_in(request: FleetRequest, places: Sequence[Sequence[int]]) -> list[Common]:
    """How each lane takes part in the limits of subscriptions that several lanes send approvals to."""
    logic = logic_of(request.logic)
    if not logic.divides or request.approval == "none" or len(places) == 1:
        return [{} for _ in places]
    lanes = [[request.specs[place] for place in here] for here in places]
    if request.approval == "when-told":
        return in_common([cost_of_deciding(specs, logic, finds=_keeps(request)) for specs in lanes], logic)
    return in_common([cost_of_making(specs, request.verb, logic, approve=True) for specs in lanes], logic)


def _sent(engine: Engine, request: FleetRequest) -> Json:
    """A decision that has come already: an engine may forget it when the orchestration begins again."""
    return _answer(engine, engine.event(APPROVAL)) if request.approval == "when-told" else {}


def _answer(engine: Engine, event: Task) -> Json:
    return {"sent": kept_of(engine.answer(event))} if engine.is_done(event) else {}


def _phase_of(request: FleetRequest) -> str:
    return "onboarding" if request.verb == "onboard" else "creating"


class _Counting:
    """The parent of a large fleet: it passes on the orders of the lanes, and adds up what they count."""

    def __init__(self, engine: Engine, order: Json) -> None:
        self._engine, self._order = engine, order
        self._logic = logic_of(order["logic"])
        self._answers: list[Json] = []

    def run(self) -> Steps[Json | None]:
        engine, order = self._engine, self._order
        lanes: dict[str, Json] = order["lanes"]
        event = engine.event(APPROVAL) if "hours" in order else None
        self._stop = engine.event(STOP)
        self._tell()
        parts = [self._made(index, *each) for index, each in enumerate(lanes.items())]
        made = joined((yield from together(engine, parts)))
        if event is None or not made["asking"]:
            return output_of_kept(order["places"], made)
        sent = {"sent": order["sent"]} if "sent" in order else _answer(engine, event)
        options = next(iter(lanes.values()))["options"]
        fields = {"options": options, "stopped": engine.is_done(self._stop), **sent}
        held = order_with_specs(lanes, order["places"], made)
        engine.again(order_to_wait(engine, order["logic"], order["hours"], **fields, **held))
        return None

    def _made(self, index: int, subscription: str, order: Json) -> Steps[Json]:
        named = {**order, "name": f"{self._engine.instance}-make-{index}"}
        made = yield from made_in_turn(self._engine, self._logic, named, subscription, self._stop)
        self._answers.append(made)
        self._tell()
        return made

    def _tell(self) -> None:
        so_far, lanes = joined(self._answers), self._order["lanes"]
        status: Json = {
            "phase": self._order["phase"],
            "factories": sum(order["open"][0] for order in lanes.values()),
            "done": so_far["factories"],
            "counts": so_far["counts"],
        }
        if len(lanes) <= _LISTED_LANES:
            status["lanes"] = [id_of(each) for each in lanes]
        self._engine.tell(status)


class _Making:
    """The parent until everything is made."""

    def __init__(self, engine: Engine, request: FleetRequest) -> None:
        self._engine, self._request = engine, request
        self._logic = logic_of(request.logic)
        self._options = Options.of(request)
        self._stop = engine.event(STOP)
        self._places = _places_in(request)
        self._common = common_in(request, list(self._places.values()))

    def run(self) -> Steps[Json | None]:
        engine, request = self._engine, self._request
        event = engine.event(APPROVAL) if request.approval == "when-told" else None
        lanes = [id_of(each) for each in self._places]
        engine.tell({"phase": _phase_of(request), "factories": len(request.specs), "lanes": lanes})
        made = yield from together(engine, [self._made(*each) for each in enumerate(self._places)])
        if event is None or not any(any(each["asking"]) for each in made):
            return output_of(most_of(engine, self._logic), list(self._places.values()), made)
        fields = {
            "options": self._options.to_json(),
            "stopped": engine.is_done(self._stop),
            **_answer(engine, event),
        }
        held = order_with_reports(list(self._places.values()), made, self._common)
        engine.again(order_to_wait(engine, request.logic, request.approval_hours, **fields, **held))
        return None

    def _made(self, index: int, subscription: str) -> Steps[Json]:
        """What the lane of one subscription answers; another fleet in that subscription is waited for."""
        specs = [self._request.specs[place] for place in self._places[subscription]]
        order = first_order(self._request.logic, self._options, specs, f"{self._engine.instance}-make-{index}")
        if self._common[index]:
            order["common"] = self._common[index]
        return (yield from made_in_turn(self._engine, self._logic, order, subscription, self._stop))
