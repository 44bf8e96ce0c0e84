"""Lanes one after the other: a fleet waits until another one has left the subscription.

From logic number 4 on, an orchestration for each subscription waits (`turn`). It begins again after each try, so that
its history does not grow. Its order is that of the lane, with these keys besides:

| key | meaning |
|---|---|
| `turn` | the subscription |
| `until` | when the wait ends; missing before the first try |
| `tries` | the number of tries so far |
| `failures` | how many of these tries failed for another reason than another fleet |
| `pause` | seconds until the next try |

In earlier versions, the fleet's own orchestration waits (`made_in_turn`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from purview_mpe.durable._engine import LANE, STOP, TURN, Engine, Unanswered, rest
from purview_mpe.durable._lane import answered, first_answer, given_up, patience, succeeded
from purview_mpe.durable._logic import logic_of

if TYPE_CHECKING:
    from purview_mpe.durable._engine import Json, Steps, Task
    from purview_mpe.durable._logic import Logic

_OWN_KEYS = {"turn", "until", "tries", "failures", "pause"}


def made_in_turn(engine: Engine, logic: Logic, order: Json, subscription: str, stop: Task) -> Steps[Json]:
    """What the lane of one subscription answers; another fleet in that subscription is waited for."""
    if logic.takes_turns:
        return (yield from answered(engine, logic, TURN, {**order, "turn": subscription}, stop))
    began, calls, seconds, failures = engine.now(), list[Any](), logic.queue_pause, 0
    until = began + timedelta(hours=logic.queue_hours)
    why = _SILENT
    while engine.now() < until and failures < logic.failures and not engine.is_done(stop):
        name = f"{order['name']}-{len(calls)}"
        calls.append(engine.child(LANE, {**order, "name": name}, id_of(subscription)))
        yield from first_answer(engine, calls, patience(order, logic), stop)
        if engine.is_done(stop) and not all(map(engine.is_done, calls)):
            engine.signal(id_of(subscription), STOP)
            yield from first_answer(engine, calls, patience(order, logic))
        for call in filter(engine.is_done, calls):
            try:
                return cast("Json", engine.answer(call))
            except Unanswered as failure:
                why = str(failure)
        if all(map(engine.is_done, calls)):
            # The engine starts no second instance with this id, or the instance failed.
            failures += not _is_taken(why)
            yield from rest(engine, seconds, stop)
            seconds = min(2 * seconds, logic.queue_longest_pause)
    return (yield from given_up(engine, logic, order, f"{why} {_TAKEN}"))


def turn(engine: Engine, order: Json) -> Steps[Json | None]:
    """What the lane answers; as long as another fleet is in its subscription, begins again with the next try."""
    logic = logic_of(order["logic"])
    stop = engine.event(STOP)
    until = order.get("until") or (engine.now() + timedelta(hours=logic.queue_hours)).isoformat()
    tries, failures, seconds = order.get("tries", 0), order.get("failures", 0), order.get("pause", logic.queue_pause)
    engine.tell({"phase": "waiting-for-its-turn" if tries else "under-way", "lanes": [id_of(order["turn"])]})
    lane = {key: order[key] for key in order if key not in _OWN_KEYS}
    calls = yield from _called(engine, logic, {**lane, "name": f"{order['name']}-{tries}"}, order["turn"], stop)
    why = _SILENT
    for call in filter(engine.is_done, calls):
        try:
            return cast("Json", engine.answer(call))
        except Unanswered as failure:
            why = str(failure)
    failures += all(map(engine.is_done, calls)) and not _is_taken(why)
    if failures < logic.failures:
        yield from rest(engine, min(seconds, (datetime.fromisoformat(until) - engine.now()).total_seconds()), stop)
    if failures >= logic.failures or engine.is_done(stop) or engine.now() >= datetime.fromisoformat(until):
        return (yield from given_up(engine, logic, lane, f"{why} {_TAKEN}"))
    next_pause = min(2 * seconds, logic.queue_longest_pause)
    engine.again({**order, "until": until, "tries": tries + 1, "failures": failures, "pause": next_pause})
    return None


def _called(engine: Engine, logic: Logic, order: Json, subscription: str, stop: Task) -> Steps[list[Task]]:
    """The calls of a lane: one, or two if no answer came in time."""
    instance, seconds, began = id_of(subscription), patience(order, logic), engine.now()
    over = began + timedelta(hours=logic.queue_hours)
    calls = [engine.child(LANE, order, instance)]
    yield from first_answer(engine, calls, seconds, stop)
    if not engine.is_done(calls[0]) and not engine.is_done(stop):
        # An engine that drops a call whose id is taken drops the second one as well. Any other refuses the second one,
        # so the first one is at work, and only slow.
        calls.append(engine.child(LANE, {**order, "name": f"{order['name']}-again"}, instance))
        yield from first_answer(engine, calls, seconds, stop)
        while engine.is_done(calls[1]) and not succeeded(engine, calls[1]) and not engine.is_done(calls[0]):
            if engine.is_done(stop) or engine.now() >= over:
                break
            yield from first_answer(engine, calls[:1], seconds, stop)
    if engine.is_done(stop) and not all(map(engine.is_done, calls)):
        # The lane can be another fleet's. Then the engine refuses the call at once, and that lane must not be stopped.
        since = (engine.now() - began).total_seconds()
        yield from first_answer(engine, calls, max(0.0, logic.refusal_seconds - since))
        if not all(map(engine.is_done, calls)):
            engine.signal(instance, STOP)
            yield from first_answer(engine, calls, seconds)
    return calls


_SILENT = "The orchestration of its subscription did not answer."
_TAKEN = "Another fleet may be at work in its subscription."


def id_of(subscription: str) -> str:
    """The instance id of a subscription's lane."""
    return f"purview-mpe-{subscription}"


def _is_taken(why: str) -> bool:
    """Whether an engine says that an instance with this id runs; each has words of its own."""
    return any(word in why.casefold() for word in ("already exists", "already running", "in use"))
