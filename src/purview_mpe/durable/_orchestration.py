"""The orchestration of a fleet, for every engine: a lane for each subscription, and a person's decision.

Each lane is a child orchestration (`_lane`), because each subscription has limits of its own, and no lane waits for
another. A lane's instance id is made from its subscription, so that two fleets never work in one subscription at once:
an engine starts no second instance with the id of one that runs, and the second fleet waits.

The parent keeps what its lanes answer packed, and reads it once at the end.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from purview_mpe._model.fleets import FleetReport
from purview_mpe._model.public import public
from purview_mpe._model.results import Report
from purview_mpe.durable._engine import APPROVAL, LANE, STOP, Engine, Unanswered, together
from purview_mpe.durable._lane import (
    Options,
    Phase,
    asked_to_approve,
    first_order,
    order_to_decide,
    result_of,
    with_failures,
)
from purview_mpe.durable._logic import logic_of
from purview_mpe.durable._messages import unpacked
from purview_mpe.durable._progress import asks_for_approval, is_approved
from purview_mpe.durable._request import FleetRequest, checked_size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe.durable._engine import Json, Steps

#: Requests without a logic number were made by hand; this is the number of all of them, for ever.
_UNNUMBERED = 1
_STOPPED = "The fleet was stopped, so the connection was not approved."


def fleet(engine: Engine, given: object) -> Steps[Json]:
    """Create for or onboard all factories, and approve as the request says; returns the JSON of a `FleetReport`.

    A report that is too large for the engine's messages is returned packed; `report_of` reads both.
    """
    request = FleetRequest.model_validate({"logic": _UNNUMBERED, **given} if isinstance(given, dict) else given)
    checked_size(request, engine.carries)
    return (yield from _Fleet(engine, request).run())


class _Fleet:
    """One run of the parent."""

    def __init__(self, engine: Engine, request: FleetRequest) -> None:
        self._engine, self._request = engine, request
        self._logic = logic_of(request.logic)
        self._options = Options.of(request)
        self._stop = engine.event(STOP)
        self._places: dict[str, list[int]] = {}
        for index, spec in enumerate(request.specs):
            self._places.setdefault(spec.factory_id.subscription.casefold(), []).append(index)

    def run(self) -> Steps[Json]:
        request, count = self._request, len(self._request.specs)
        phase = "onboarding" if request.verb == "onboard" else "creating"
        self._engine.tell({"phase": phase, "factories": count, "lanes": [_id_of(each) for each in self._places]})
        made = yield from together(self._engine, [self._made(each) for each in self._places])
        if request.approval == "when-told" and any(map(_asking, made)):
            made = yield from self._when_told(made)
        return self._output(made)

    # --- making

    def _made(self, subscription: str) -> Steps[Json]:
        """What the lane of one subscription answers; another fleet in that subscription is waited for."""
        engine, logic = self._engine, self._logic
        specs = [self._request.specs[index] for index in self._places[subscription]]
        order = first_order(self._request.logic, self._options, specs)
        began, calls, seconds, failures = engine.now(), list[Any](), logic.queue_pause, 0
        until = began + timedelta(hours=logic.queue_hours)
        patience = self._patience(len(specs))
        why = "The orchestration of its subscription did not answer."
        while engine.now() < until and failures < logic.failures and not self._is_stopped():
            calls.append(engine.child(LANE, order, _id_of(subscription)))
            yield from self._first_answer(calls, patience)
            for call in filter(engine.is_done, calls):
                try:
                    return cast("Json", engine.answer(call))
                except Unanswered as failure:
                    why = str(failure)
            if all(map(engine.is_done, calls)):
                # The engine starts no second instance with this id, or the instance failed.
                failures += not _is_taken(why)
                yield from self._rest(seconds)
                seconds = min(2 * seconds, logic.queue_longest_pause)
        return self._failed(order, f"{why} Another fleet may be at work in its subscription.")

    def _failed(self, order: Json, why: str) -> Json:
        """What a lane would answer that never began."""
        return result_of(with_failures(order, why))

    def _patience(self, count: int) -> float:
        """Seconds after which a silent lane is called again: some engines drop a call whose id is taken."""
        options, logic = self._options, self._logic
        _, per_second = logic.rates["writes", ""]
        submitting = count * logic.writes[options.verb] / (per_second * options.share)
        return 2 * (submitting + options.timeout + (logic.tries + 2) * options.silence_seconds)

    def _first_answer(self, calls: Sequence[Any], seconds: float) -> Steps[None]:
        """Wait until one of the calls succeeded, or all are over, or the time is."""
        engine = self._engine
        timer = engine.timer(seconds)
        while not engine.is_done(timer):
            waiting = [call for call in calls if not engine.is_done(call)]
            if not waiting or any(self._succeeded(call) for call in calls):
                break
            yield [*waiting, timer]
        if not engine.is_done(timer):
            engine.cancel(timer)

    def _succeeded(self, call: Any) -> bool:
        try:
            self._engine.answer(call)
        except Unanswered:
            return False
        return True

    def _is_stopped(self) -> bool:
        return self._engine.is_done(self._stop)

    def _rest(self, seconds: float) -> Steps[None]:
        """Wait for this long, or for the event to stop."""
        timer = self._engine.timer(seconds)
        yield [timer, self._stop]
        if not self._engine.is_done(timer):
            self._engine.cancel(timer)

    # --- a person decides

    def _when_told(self, made: Sequence[Json]) -> Steps[list[Json]]:
        """Wait for a person's decision, and act on it; without a decision in time, nothing is approved."""
        hours, asking = self._request.approval_hours, sum(map(_asking, made))
        decision = yield from self._decision(made, self._engine.now() + timedelta(hours=hours), asking)
        self._engine.tell({"phase": "approving" if decision else "ending", "factories": asking})
        why = "The approval was declined, so the connection was not approved."
        if decision is None:
            why = f"No decision came within {hours:g} hours, so the connection was not approved."
            if self._is_stopped():
                why = _STOPPED
        return (yield from self._decided("approve" if decision else "leave", made, why))

    def _decided(self, phase: Phase, made: Sequence[Json], why: str) -> Steps[list[Json]]:
        number, engine = self._request.logic, self._engine
        parts = [
            self._child(order_to_decide(number, self._options, phase, each, why), f"{engine.instance}-{phase}-{index}")
            for index, each in enumerate(made)
        ]
        return (yield from together(engine, parts))

    def _child(self, order: Json, name: str) -> Steps[Json]:
        """What a lane of this fleet's own answers; it is called again if it fails."""
        engine, why = self._engine, ""
        for number in range(self._logic.failures):
            call = engine.child(LANE, order, f"{name}-{number}")
            yield from self._first_answer([call], self._patience(sum(order["open"])))
            try:
                return cast("Json", engine.answer(call))
            except Unanswered as failure:
                why = str(failure)
        return self._failed(order, why)

    def _decision(self, made: Sequence[Json], until: datetime, asking: int) -> Steps[bool | None]:
        """The decision, or True once everything is approved by other means; None without a decision in time."""
        engine, logic = self._engine, self._logic
        status: Json = {"phase": "waiting-for-approval", "factories": asking, "until": until.isoformat()}
        engine.tell(status)
        event = engine.event(APPROVAL)
        next_look, looks = logic.first_look, 0
        sample: tuple[int, int] | None = (0, 0)
        while sample and (left := (until - engine.now()).total_seconds()) > 0 and not self._is_stopped():
            timer = engine.timer(min(left, next_look))
            yield [event, timer, self._stop]
            if not engine.is_done(timer):
                engine.cancel(timer)
            if engine.is_done(event):
                sent = engine.answer(event)
                if (decision := understood(sent)) is not None:
                    return decision
                engine.tell(status | {"not understood": repr(sent)[:200]})
                event = engine.event(APPROVAL)
            elif engine.is_done(timer):
                looks += 1
                sample = yield from self._look(made, sample, looks)
                next_look = min(2 * next_look, logic.last_look)
        return None if sample else True

    def _look(self, made: Sequence[Json], sample: tuple[int, int], number: int) -> Steps[tuple[int, int] | None]:
        """The place of a factory that is not approved: lane and number; None if everything is approved.

        Looks at one factory, and at all only if that one is approved: most looks of a long wait are as small as that.
        """
        engine, options = self._engine, self._options
        lane, place = sample
        page, index = divmod(place, self._logic.page)
        [report] = _reports_in([unpacked(made[lane]["pages"][page])[index]])
        if asks_for_approval(report):
            until = engine.now() + timedelta(seconds=self._logic.working_time * options.silence_seconds)
            [found] = yield from asked_to_approve(engine, options, [report], until.isoformat(), dry_run=True)
            if not is_approved(found):
                return sample
        for each, answer in enumerate(made):
            if not _asking(answer):
                continue
            order = order_to_decide(self._request.logic, options, "look", answer)
            found_first = yield from self._child(order, f"{engine.instance}-look-{number}-{each}")
            if (first := found_first.get("first", 0)) is not None:
                return each, first
        return None

    # --- the end

    def _output(self, made: Sequence[Json]) -> Json:
        """The JSON of the fleet's report, or the report packed where it is too large for a message."""
        reports: dict[int, Report] = {}
        for places, answer in zip(self._places.values(), made, strict=True):
            states = [state for page in answer["pages"] for state in unpacked(page)]
            reports.update(zip(places, _reports_in(states), strict=True))
        report = FleetReport(reports=tuple(reports[index] for index in range(len(reports))))
        output = report.model_dump(mode="json")
        carries = self._engine.carries
        if carries is None or len(json.dumps(output)) <= carries:
            return output
        return {
            "counts": report.counts,
            "succeeded": report.succeeded,
            "complete": report.complete,
            "lanes": [
                {"places": places, "pages": answer["pages"]}
                for places, answer in zip(self._places.values(), made, strict=True)
            ],
        }


@public("purview_mpe.durable")
def report_in(output: Mapping[str, Any]) -> FleetReport:
    """The report in the output of the orchestration `FLEET`, packed or not; nothing is sent.

    Args:
        output: The JSON that the engine shows as the output.

    Raises:
        InvalidSpec: the value is not such an output.
    """
    if "lanes" not in output:
        return FleetReport.model_validate(output)
    reports: dict[int, Report] = {}
    for each in output["lanes"]:
        states = [state for page in each["pages"] for state in unpacked(page)]
        reports.update(zip(each["places"], _reports_in(states), strict=True))
    return FleetReport(reports=tuple(reports[index] for index in sorted(reports)))


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
