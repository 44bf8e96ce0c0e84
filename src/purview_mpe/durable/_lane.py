"""The child orchestration for one subscription: its factories in pages, side by side.

Each page is an orchestration of its own (`_page`), so the history and the state that a turn reads are those of twenty
factories, however large the lane. The limits of the subscription are divided among the pages. A lane with one page
carries it out itself.

The lane of a large fleet gets specs instead of pages (`order_of_specs`). It divides them once, and begins again with
the orders of its pages, so that no later turn reads a spec; reports stay with the pages (`_kept`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from purview_mpe._model.spec import Spec
from purview_mpe.durable._engine import LANE, PAGE, STOP, Engine, Unanswered, together
from purview_mpe.durable._kept import joined, kept
from purview_mpe.durable._limits import (
    cost_of_deciding,
    cost_of_making,
    seconds_after,
    seconds_to_approve,
    seconds_until,
    shares,
    used_by,
)
from purview_mpe.durable._logic import Logic, logic_of
from purview_mpe.durable._packing import packed, unpacked
from purview_mpe.durable._page import (
    Options,
    common_of,
    first_order,
    is_deciding,
    order_to_find,
    page,
    result_of,
    with_failures,
)
from purview_mpe.durable._progress import spec_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from purview_mpe.durable._engine import Json, Steps, Task
    from purview_mpe.durable._limits import Request

#: Bytes of a page's order without the page: options, limits and names (measured, with room to spare).
_ORDER = 1_500
#: How often a lane's message holds the orders of its pages: in its input, and in the calls of the pages.
_OF_A_LANE = 2.2


def order_of_specs(number: int, options: Options, specs: Sequence[Spec]) -> Json:
    """The order to make the factories of one subscription of a large fleet, without its name.

    With a `phase`, it is the order to decide about them.
    """
    return {
        "logic": number,
        "options": options.to_json(),
        "specs": packed([spec_of(spec) for spec in specs]),
        "open": [len(specs)],
        "parts": 1,
        "keeps": True,
    }


def lane(engine: Engine, order: Json) -> Steps[Json | None]:
    """Carry out an order for one subscription; returns the answers of all its pages."""
    if "orders" in order:
        return (yield from _forwarded(engine, order))
    if "specs" in order:
        given, order = order, _spelled_out(order)
        if parts := list(_divided(given, order)):
            engine.again({"logic": order["logic"], "orders": parts, "by": LANE})
            return None
    is_alone = len(order["pages"]) <= 1 and "before" not in order
    if is_alone and (order["pace"] is not None or not common_of(order)):
        return (yield from page(engine, order))
    orders = list(_orders_of_pages(engine.now(), order))
    if is_alone:
        return (yield from page(engine, orders[0]))
    if order.get("keeps"):
        engine.again({"logic": order["logic"], "orders": orders})
        return None
    stop = engine.event(STOP)
    engine.tell({"phase": order["phase"], "pages": [f"{each['name']}-0" for each in orders]})
    logic = logic_of(order["logic"])
    if order["phase"] == "look":
        for index, each in enumerate(orders):
            if any(each["open"]):
                found = yield from answered(engine, logic, PAGE, each, stop)
                if (first := found.get("first", 0)) is not None:
                    return {"first": sum(len(unpacked(each)) for each in order["pages"][:index]) + first}
        return {"first": None}
    answers = yield from together(engine, [answered(engine, logic, PAGE, each, stop) for each in orders])
    return {"pages": [each["pages"][0] for each in answers], "asking": [each["asking"][0] for each in answers]}


def _forwarded(engine: Engine, order: Json) -> Steps[Json]:
    """The answers of the pages whose orders these are, as one; or of lanes, each with some of the pages."""
    orders: list[Json] = order["orders"]
    logic, by = logic_of(order["logic"]), order.get("by", PAGE)
    phase = orders[0].get("phase", "make")
    stop = engine.event(STOP)
    engine.tell({"phase": phase, "pages" if by == PAGE else "lanes": [f"{each['name']}-0" for each in orders]})
    if phase == "look":
        return (yield from _looked(engine, logic, by, orders, stop))
    parts = [answered(engine, logic, by, each, stop) for each in orders]
    return joined((yield from together(engine, parts)))


def _looked(engine: Engine, logic: Logic, by: str, orders: Sequence[Json], stop: Task) -> Steps[Json]:
    """The place of the first factory whose connections are not all approved: one page after the other."""
    before = 0
    for each in orders:
        found = yield from answered(engine, logic, by, each, stop)
        if (first := found.get("first", 0)) is not None:
            return {"first": before + first}
        before += sum(each["open"])
    return {"first": None}


def _spelled_out(order: Json) -> Json:
    """The order with pages, made from one with specs."""
    options, phase = Options.of(order["options"]), order.get("phase", "make")
    specs = [Spec.model_validate(each) for each in unpacked(order["specs"])]
    fields: Json = {key: order[key] for key in ("name", "why", "before", "of", "common") if key in order}
    if phase == "make":
        return {**first_order(order["logic"], options, specs, order["name"]), **fields, "keeps": True}
    return {**order_to_find(phase, order["logic"], options, specs, **fields), "keeps": True}


def _divided(given: Json, order: Json) -> Iterator[Json]:
    """The orders of lanes, each with as many pages as fit into a message; they share the subscription's limits."""
    logic, options = logic_of(order["logic"]), Options.of(order["options"])
    if logic.message is None:
        return
    with_page = _ORDER + len(json.dumps(common_of(order)))
    groups = list(_groups(order["pages"], int(logic.message / _OF_A_LANE), with_page))
    if len(groups) == 1:
        return
    costs = [list(_cost(order, options, logic, each)) for each in order["pages"]]
    begin = 0
    for index, pages in enumerate(groups):
        specs = [state["spec"] for each in pages for state in unpacked(each)]
        yield {
            **given,
            "name": f"{order['name']}-{index}",
            "specs": packed(specs),
            "open": [len(specs)],
            "parts": len(groups),
            "before": used_by(costs[:begin], logic),
            "of": len(order["pages"]),
        }
        begin += len(pages)


def _groups(pages: Sequence[str], most: int, with_page: int) -> Iterator[Sequence[str]]:
    """The pages in groups whose orders, with so many bytes beside each page, have at most so many bytes."""
    begin, size = 0, 0
    for index, each in enumerate(pages):
        size += len(each) + with_page
        if index > begin and size > most:
            yield pages[begin:index]
            begin, size = index, len(each) + with_page
    yield pages[begin:]


def _orders_of_pages(now: datetime, order: Json) -> Iterator[Json]:
    """The order of each page: one page, and where its part of the limits begins."""
    logic, options = logic_of(order["logic"]), Options.of(order["options"])
    costs = [list(_cost(order, options, logic, each)) for each in order["pages"]]
    pages: int = order.get("of", len(order["pages"]))
    common = common_of(order)
    levels = shares(costs, logic, options.share, before=order.get("before"), pages=pages, common=common)
    order = {key: order[key] for key in order if key not in {"before", "of", "common"}}
    for index, each in enumerate(order["pages"]):
        own = {place: common[place] for place in sorted({request[0] for request in costs[index]} & common.keys())}
        yield {
            **order,
            **({"common": own} if own else {}),
            "name": f"{order['name']}-{index}",
            "parts": pages,
            "pages": [each],
            "open": [order["open"][index]],
            "lost": [0],
            "pace": (now.isoformat(), levels[index]),
        }


def _cost(order: Json, options: Options, logic: Logic, packed_page: str) -> Iterator[Request]:
    specs = [Spec.model_validate(state["spec"]) for state in unpacked(packed_page)]
    if order["phase"] == "make":
        return cost_of_making(specs, options.verb, logic, approve=options.at_once)
    return cost_of_deciding(specs, logic, finds=bool(order.get("keeps")))


def answered(engine: Engine, logic: Logic, orchestrator: str, order: Json, stop: Task | None) -> Steps[Json]:
    """What a child of this orchestration's own answers; it is called again, under another id, if it fails.

    The event to stop is passed on to it, by engines that can.
    """
    why = ""
    for number in range(logic.failures):
        name = f"{order['name']}-{number}"
        call = engine.child(orchestrator, {**order, "name": name}, name)
        yield from first_answer(engine, [call], patience(order, logic), stop)
        if stop is not None and engine.is_done(stop) and not engine.is_done(call):
            engine.signal(name, STOP)
            yield from first_answer(engine, [call], patience(order, logic))
        try:
            return cast("Json", engine.answer(call))
        except Unanswered as failure:
            why = str(failure)
    return (yield from given_up(engine, logic, order, why))


def given_up(engine: Engine, logic: Logic, order: Json, why: str) -> Steps[Json]:
    """The answer in place of a child that does not answer: each factory that still needs something failed."""
    if "specs" in order:
        order = _spelled_out(order)
    result = result_of(with_failures(order, why))
    return (yield from kept(engine, order["name"], result, logic)) if order.get("keeps") else result


def patience(order: Json, logic: Logic) -> float:
    """Seconds after which a child that has not answered is called again: some engines drop a call whose id is taken."""
    options, count = Options.of(order["options"]), sum(order["open"])
    _, per_second = logic.rates["writes", ""]
    submitting: float = order["parts"] * count * logic.writes[options.verb] / (per_second * options.share)
    working = submitting + options.timeout + (logic.tries + 2) * options.silence_seconds
    if logic.divides:
        working += _waiting_for_limits(order, logic, options, order["parts"] * count)
    return 4 * working + 3600 * logic.queue_hours if "turn" in order else 2 * working


def _waiting_for_limits(order: Json, logic: Logic, options: Options, factories: int) -> float:
    """Seconds in which the limits let other pages and lanes go first, and those in which they let this one approve."""
    common, share = common_of(order), options.share
    seconds = seconds_to_approve(factories, common, logic, share) if is_deciding(order) else 0.0
    if before := order.get("before"):
        seconds += seconds_after(before, logic, share)
    if pace := order.get("pace"):
        seconds += seconds_until(pace[1], logic, share / order["parts"], common)
    return seconds


def first_answer(engine: Engine, calls: Sequence[Task], seconds: float, stop: Task | None = None) -> Steps[None]:
    """Wait until one of the calls succeeded, or all are over, or the time is, or the event to stop has come."""
    timer = engine.timer(seconds)
    while not engine.is_done(timer) and not (stop is not None and engine.is_done(stop)):
        waiting = [call for call in calls if not engine.is_done(call)]
        if not waiting or any(succeeded(engine, call) for call in calls):
            break
        yield [*waiting, timer, *([] if stop is None else [stop])]
    if not engine.is_done(timer):
        engine.cancel(timer)


def succeeded(engine: Engine, call: Task) -> bool:
    """Whether the call has an answer."""
    try:
        engine.answer(call)
    except Unanswered:
        return False
    return True
