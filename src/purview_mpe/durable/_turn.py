"""Lanes one after the other: a fleet waits until another one has left the subscription."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from purview_mpe.durable._engine import LANE, STOP, Engine, Unanswered
from purview_mpe.durable._lane import first_answer, given_up, patience

if TYPE_CHECKING:
    from purview_mpe.durable._engine import Json, Steps
    from purview_mpe.durable._logic import Logic


def made_in_turn(engine: Engine, logic: Logic, order: Json, subscription: str, stop: Any) -> Steps[Json]:
    """What the lane of one subscription answers; another fleet in that subscription is waited for."""
    began, calls, seconds, failures = engine.now(), list[Any](), logic.queue_pause, 0
    until = began + timedelta(hours=logic.queue_hours)
    why = "The orchestration of its subscription did not answer."
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
    return (yield from given_up(engine, logic, order, f"{why} Another fleet may be at work in its subscription."))


def id_of(subscription: str) -> str:
    """The instance id of a subscription's lane."""
    return f"purview-mpe-{subscription}"


def rest(engine: Engine, seconds: float, *events: Any) -> Steps[None]:
    """Wait for this long, or for one of the events."""
    if seconds <= 0:
        return
    timer = engine.timer(seconds)
    yield [timer, *events]
    if not engine.is_done(timer):
        engine.cancel(timer)


def _is_taken(why: str) -> bool:
    """Whether an engine says that an instance with this id runs; each has words of its own."""
    return any(word in why.casefold() for word in ("already exists", "already running", "runs", "in use"))
