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
from typing import TYPE_CHECKING, cast

from purview_mpe.durable._engine import APPROVAL, LANE, STOP, Engine, together
from purview_mpe.durable._kept import joined, reports_in
from purview_mpe.durable._lane import answered, order_of_specs
from purview_mpe.durable._logic import logic_of
from purview_mpe.durable._output import output_of, output_of_kept, packed_places
from purview_mpe.durable._packing import unpacked
from purview_mpe.durable._page import Options, Phase, asked_to_approve, first_order, order_to_decide
from purview_mpe.durable._progress import asks_for_approval, is_approved
from purview_mpe.durable._request import FleetRequest, checked_size, read_request
from purview_mpe.durable._turn import id_of, made_in_turn, rest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe.durable._engine import Json, Steps
    from purview_mpe.durable._logic import Logic

#: Requests without a logic number were made by hand; this is the number of all of them, for ever.
_UNNUMBERED = 1
_DECLINED = "The approval was declined, so the connection was not approved."
_STOPPED = "The fleet was stopped, so the connection was not approved."
#: Engines limit what a status holds (16 kB for Durable Functions, as documented).
_LISTED_LANES = 100


def fleet(engine: Engine, given: object) -> Steps[Json | None]:
    """Create for or onboard all factories, and approve as the request says; returns the JSON of a `FleetReport`.

    A report that is too large for the engine's messages is returned packed, and that of a large fleet stays with its
    pages; `report_in` reads all of them.
    """
    if isinstance(given, dict) and "made" in given:
        return (yield from _Waiting(engine, cast("Json", given)).run())
    if isinstance(given, dict) and "lanes" in given:
        return (yield from _Counting(engine, cast("Json", given)).run())
    request = read_request({"logic": _UNNUMBERED, **cast("Json", given)} if isinstance(given, dict) else given)
    keeps = _keeps(request)
    checked_size(request, engine.carries, keeps=keeps)
    if keeps:
        engine.again(_order_to_count(request))
        return None
    return (yield from _Making(engine, request).run())


def _keeps(request: FleetRequest) -> bool:
    """Whether the reports stay with the pages. A person's decision needs them all in one place."""
    carried = logic_of(request.logic).carried
    return request.approval != "when-told" and carried is not None and len(request.specs) > carried


def _places_in(request: FleetRequest) -> dict[str, list[int]]:
    """The places of the factories of each subscription."""
    places: dict[str, list[int]] = {}
    for index, spec in enumerate(request.specs):
        places.setdefault(spec.factory_id.subscription.casefold(), []).append(index)
    return places


def _order_to_count(request: FleetRequest) -> Json:
    """What the parent of a large fleet begins again with, so that no later turn reads a spec."""
    places, options = _places_in(request), Options.of(request)
    return {
        "logic": request.logic,
        "phase": _phase_of(request),
        "lanes": {
            subscription: order_of_specs(request.logic, options, [request.specs[place] for place in here])
            for subscription, here in places.items()
        },
        "places": packed_places(list(places.values())),
    }


def _phase_of(request: FleetRequest) -> str:
    return "onboarding" if request.verb == "onboard" else "creating"


class _Counting:
    """The parent of a large fleet: it passes on the orders of the lanes, and adds up what they count."""

    def __init__(self, engine: Engine, order: Json) -> None:
        self._engine, self._order = engine, order
        self._logic = logic_of(order["logic"])
        self._answers: list[Json] = []

    def run(self) -> Steps[Json]:
        lanes: dict[str, Json] = self._order["lanes"]
        self._stop = self._engine.event(STOP)
        self._tell()
        parts = [self._made(index, *each) for index, each in enumerate(lanes.items())]
        made = yield from together(self._engine, parts)
        return output_of_kept(self._order["places"], joined(made))

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

    def run(self) -> Steps[Json | None]:
        engine, request = self._engine, self._request
        event = engine.event(APPROVAL) if request.approval == "when-told" else None
        lanes = [id_of(each) for each in self._places]
        engine.tell({"phase": _phase_of(request), "factories": len(request.specs), "lanes": lanes})
        made = yield from together(engine, [self._made(*each) for each in enumerate(self._places)])
        if event is None or not any(map(_asking, made)):
            return output_of(_most(engine, self._logic), list(self._places.values()), made)
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
        specs = [self._request.specs[place] for place in self._places[subscription]]
        order = first_order(self._request.logic, self._options, specs, f"{self._engine.instance}-make-{index}")
        return (yield from made_in_turn(self._engine, self._logic, order, subscription, self._stop))


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
            yield from rest(
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
        return output_of(_most(engine, self._logic), order["places"], made)

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
        [report] = reports_in([unpacked(made[lane]["pages"][page])[index]])
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


def _most(engine: Engine, logic: Logic) -> int | None:
    """The most bytes of an output that is not packed."""
    return min((most for most in (engine.carries, logic.output) if most is not None), default=None)


def _asking(made: Json) -> int:
    return sum(made["asking"])


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
