"""A fleet that waits for a person, and then approves or leaves the connections to their owners.

The fleet begins again after each look at Azure, with what it has to know, so that a wait of months costs next to
nothing. A small fleet carries its reports (`_Reports`). A large one carries its specs: its reports stay with the pages
that made the endpoints, and the pages that decide find the endpoints first (`_Specs`).
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Protocol, cast

from purview_mpe.durable._engine import APPROVAL, LANE, STOP, Engine, rest, together
from purview_mpe.durable._kept import joined
from purview_mpe.durable._lane import answered
from purview_mpe.durable._logic import logic_of
from purview_mpe.durable._output import most_of, output_of, output_of_kept
from purview_mpe.durable._packing import packed, unpacked
from purview_mpe.durable._page import Options, Phase, asked_to_approve, found, order_to_decide
from purview_mpe.durable._progress import Decision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe.durable._engine import Json, Steps
    from purview_mpe.durable._limits import Common
    from purview_mpe.durable._logic import Logic

_DECLINED = "The approval was declined, so the connection was not approved."
_STOPPED = "The fleet was stopped, so the connection was not approved."


def order_to_wait(engine: Engine, number: int, hours: float, **fields: Any) -> Json:
    """What the fleet begins to wait with; `fields` are what it has to know of its factories."""
    return {
        "logic": number,
        "hours": hours,
        "until": (engine.now() + timedelta(hours=hours)).isoformat(),
        "sample": (0, 0),
        "looks": 0,
        "pause": logic_of(number).first_look,
        **fields,
    }


def order_with_reports(places: Sequence[Sequence[int]], made: Sequence[Json], common: Sequence[Common]) -> Json:
    """What a small fleet has to know: what its lanes answered, and how they divide limits."""
    return {"places": list(places), "made": list(made), **({"common": list(common)} if any(common) else {})}


def order_with_specs(lanes: Mapping[str, Json], places: str, made: Json) -> Json:
    """What a large fleet has to know: its specs, and what its lanes counted."""
    return {"lanes": dict(lanes), "places": places, "kept": {**made, "kept": packed([{"ids": made["kept"]}])}}


def waiting(engine: Engine, order: Json) -> Steps[Json | None]:
    """Wait for the person, or until the next look at Azure."""
    return (yield from _Waiting(engine, order).run())


class _Held(Protocol):
    """What the fleet knows of its factories while it waits."""

    @property
    def asking(self) -> int:
        """How many factories have connections to approve."""
        ...

    @property
    def lanes(self) -> int:
        """How many lanes there are."""
        ...

    def may_ask(self, lane: int) -> bool:
        """Whether a lane may have connections to approve."""
        ...

    def order_for(self, lane: int, phase: Phase, name: str, why: str) -> Json:
        """The order of a lane."""
        ...

    def case(self, lane: int, place: int) -> Decision:
        """One factory."""
        ...

    def output(self, engine: Engine, decided: Sequence[Json]) -> Json:
        """The fleet's output."""
        ...


class _Reports:
    """The reports of a small fleet, as its lanes answered them."""

    def __init__(self, order: Json) -> None:
        self._order = order
        self._made: list[Json] = order["made"]
        self.lanes = len(self._made)
        self.asking = sum(sum(made["asking"]) for made in self._made)

    def may_ask(self, lane: int) -> bool:
        return any(self._made[lane]["asking"])

    def order_for(self, lane: int, phase: Phase, name: str, why: str) -> Json:
        order = self._order
        fields: Json = {"logic": order["logic"], "options": order["options"], "name": name, "why": why}
        if common := order.get("common", {}) and order["common"][lane]:
            fields["common"] = common
        return order_to_decide(phase, self._made[lane], **fields)

    def case(self, lane: int, place: int) -> Decision:
        states = chain.from_iterable(map(unpacked, self._made[lane]["pages"]))
        return Decision.of_json(next(islice(states, place, None)))

    def output(self, engine: Engine, decided: Sequence[Json]) -> Json:
        return output_of(most_of(engine, logic_of(self._order["logic"])), self._order["places"], decided)


class _Specs:
    """The specs of a large fleet, as its lanes take them."""

    def __init__(self, order: Json) -> None:
        self._order = order
        self._orders: list[Json] = list(order["lanes"].values())
        self.lanes = len(self._orders)
        self.asking: int = order["kept"]["asking"]

    def may_ask(self, lane: int) -> bool:
        """The pages know."""
        return lane < self.lanes

    def order_for(self, lane: int, phase: Phase, name: str, why: str) -> Json:
        return {**self._orders[lane], "phase": phase, "name": name, "why": why}

    def case(self, lane: int, place: int) -> Decision:
        return Decision.of_json({"spec": unpacked(self._orders[lane]["specs"])[place], "report": None})

    def output(self, engine: Engine, decided: Sequence[Json]) -> Json:
        del engine  # the output is small
        [ids] = unpacked(self._order["kept"]["kept"])
        return output_of_kept(self._order["places"], {**self._order["kept"], "kept": ids["ids"]}, joined(decided))


def _is_pending(engine: Engine, logic: Logic, options: Options, case: Decision, until: str) -> Steps[bool]:
    """Whether a factory has connections that are not approved, or may have some; asks Azure."""
    if not case.is_found:
        [report] = yield from found(engine, logic, options, [case.created.spec], until)
        case.find(report, 2)
    if case.is_found and case.is_open:
        [report] = yield from asked_to_approve(engine, logic, options, [case.subject], until, dry_run=True)
        case.take(report, 1)
    return case.is_pending


class _Waiting:
    """The fleet from the moment that a person can decide."""

    def __init__(self, engine: Engine, order: Json) -> None:
        self._engine = engine
        self._order = dict(order)
        self._logic = logic_of(order["logic"])
        self._options = Options.of(order["options"])
        self._held: _Held = _Reports(order) if "made" in order else _Specs(order)
        self._event, self._stop = engine.event(APPROVAL), engine.event(STOP)

    def run(self) -> Steps[Json | None]:
        engine, order = self._engine, self._order
        status: Json = {"phase": "waiting-for-approval", "factories": self._held.asking, "until": order["until"]}
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
            order["heard"] = sent[:200] if isinstance(sent, str) else _shown(sent)
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

    def _note_events(self) -> None:
        """Keep what has come: an engine may forget it when the orchestration begins again."""
        if self._engine.is_done(self._event):
            self._order["sent"] = kept_of(self._engine.answer(self._event))
        self._order["stopped"] = self._order["stopped"] or self._engine.is_done(self._stop)

    def _decided(self, *, is_yes: bool, why: str) -> Steps[Json]:
        """Approve everything, or look at what is left to the owners; the fleet's output."""
        engine = self._engine
        engine.tell({"phase": "approving" if is_yes else "ending", "factories": self._held.asking})
        phase: Phase = "approve" if is_yes else "leave"
        parts = [self._answered(phase, index, "" if is_yes else why) for index in range(self._held.lanes)]
        return self._held.output(engine, (yield from together(engine, parts)))

    def _answered(self, phase: Phase, index: int, why: str = "") -> Steps[Json]:
        order = self._order
        child = self._held.order_for(index, phase, f"{self._engine.instance}-{phase}-{order['looks']}-{index}", why)
        return (yield from answered(self._engine, self._logic, LANE, child, None if order["stopped"] else self._stop))

    def _look(self) -> Steps[tuple[int, int] | None]:
        """The place of a factory that is not approved: lane and number; None if everything is approved.

        Looks at one factory, and at all only if that one is approved: most looks of a long wait are as small as that.
        """
        lane, place = cast("tuple[int, int]", self._order["sample"])
        until = self._engine.now() + timedelta(seconds=self._logic.working_time * self._options.silence_seconds)
        case = self._held.case(lane, place)
        if (yield from _is_pending(self._engine, self._logic, self._options, case, until.isoformat())):
            return lane, place
        for index in range(self._held.lanes):
            if self._held.may_ask(index):
                found_first = yield from self._answered("look", index)
                if (first := found_first.get("first", 0)) is not None:
                    return index, first
        return None


def kept_of(sent: object) -> object:
    """What the fleet remembers of an event: the decision, or what was sent instead, as far as a person has to see."""
    decision = understood(sent)
    return _shown(sent) if decision is None else decision


def _shown(sent: object) -> str:
    try:
        return repr(sent)[:200]
    except RecursionError:
        return f"a {type(sent).__name__} with too many levels"


def understood(sent: object) -> bool | None:
    """A decision: true or false, bare or as `{"approved": true}`, also as JSON in a text; None for anything else.

    The client of azure-functions-durable 1.x encodes an event's JSON once more: true arrives as the text "true".
    """
    if isinstance(sent, str):
        try:
            sent = json.loads(sent)
        except (ValueError, RecursionError):  # the latter for brackets in brackets, a thousand times
            return None
    if isinstance(sent, dict):
        sent = cast("Mapping[str, object]", sent).get("approved")
    return sent if isinstance(sent, bool) else None
