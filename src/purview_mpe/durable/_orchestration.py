"""The orchestration, for every engine: a fleet in lanes, each lane in waves, and a person's decision.

There is one lane for each subscription, because each has limits of its own; no lane waits for another. A lane submits
all its factories in waves that Azure's limits allow, then looks at those that are not done, in rounds with growing
pauses. Workers are stateless: their reports are merged here, and a factory without a report is handed to a worker again
in the next round.

An orchestration's history grows with every message and is read in each replay, so messages hold only what is new.
"""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from purview_mpe._model.fleets import FleetReport
from purview_mpe._model.results import Report
from purview_mpe.durable._engine import (
    APPROVAL,
    APPROVE,
    CREATE,
    ONBOARD,
    Engine,
    Unanswered,
    all_of,
    pause,
    together,
)
from purview_mpe.durable._limits import (
    Pace,
    batches,
    cost_of_approving,
    cost_of_looking,
    cost_of_making,
    waves,
)
from purview_mpe.durable._progress import Course, asks_for_approval, spec_of, unanswered, undecided, with_decisions
from purview_mpe.durable._request import FleetRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from purview_mpe._model.results import Verb
    from purview_mpe._model.spec import Spec
    from purview_mpe.durable._engine import Json, Steps

#: A pause is this fraction of the time already spent, so that no pause ends long after Azure is done.
_PAUSE = 0.08
#: The fraction of `silence_seconds` for which a worker may work; the rest allows for clocks that differ.
_WORKING_TIME = 0.9
#: Seconds between looks at what was approved by other means, while waiting for a person: at first, and at most.
_FIRST_LOOK, _LAST_LOOK = 3600.0, 24 * 3600.0


def fleet(engine: Engine, given: object) -> Steps[Json]:
    """Create for or onboard all factories, and approve as the request says; returns the JSON of a `FleetReport`."""
    request = FleetRequest.model_validate(given)
    phase = "onboarding" if request.verb == "onboard" else "creating"
    engine.tell({"phase": phase, "factories": len(request.specs)})
    courses = [Course(spec, approve=request.approval == "at-once", verb=_verb(request)) for spec in request.specs]
    lanes: dict[str, list[Course]] = {}
    for course in courses:
        lanes.setdefault(course.spec.factory_id.subscription.casefold(), []).append(course)
    yield from together(engine, [_lane(engine, request, members) for members in lanes.values()])
    reports = [course.report for course in courses]
    if request.approval == "when-told":
        reports = yield from _approved_when_told(engine, request, reports)
    return FleetReport(reports=tuple(reports)).model_dump(mode="json")


def _lane(engine: Engine, request: FleetRequest, courses: Sequence[Course]) -> Steps[None]:
    """Create the endpoints of one subscription's factories, or onboard these factories."""
    pace = Pace(request.share)
    yield from _round(engine, request, pace, courses, is_last=False)
    submitted = engine.now()
    while request.wait and (waiting := [course for course in courses if course.is_open]):
        spent = (engine.now() - submitted).total_seconds()
        if (left := request.timeout - spent) <= 0:
            break
        seconds = max(request.poll_seconds, _PAUSE * spent)
        yield from pause(engine, min(left, seconds))
        yield from _round(engine, request, pace, waiting, is_last=left <= seconds)


def _round(
    engine: Engine, request: FleetRequest, pace: Pace, courses: Sequence[Course], *, is_last: bool
) -> Steps[None]:
    """Have workers submit each factory, or look at it if it is already submitted: once each, in waves."""
    approve = request.approval == "at-once"
    activity = ONBOARD if request.verb == "onboard" else CREATE
    for wave in waves(courses, request.share, request.verb):
        new = [course for course in wave if not course.is_submitted]
        old = [course for course in wave if course.is_submitted]
        cost = chain(
            cost_of_making([course.spec for course in new], request.verb, approve=approve),
            cost_of_looking([course.spec for course in old], request.verb),
        )
        yield from pause(engine, pace.pause_for(cost, engine.now()))
        parts = [*batches(new, request.batch), *batches(old, request.batch)]
        calls = [engine.call(activity, _order(engine, request, part, is_last=is_last)) for part in parts]
        yield from all_of(engine, calls, request.silence_seconds)
        for part, call in zip(parts, calls, strict=True):
            waited = part[0].is_submitted
            reports = _answered(engine, call, [course.spec for course in part], approve=approve, verb=_verb(request))
            for course, report in zip(part, reports, strict=True):
                course.take(report, waited=waited)


def _verb(request: FleetRequest) -> Verb:
    """The verb that does for one factory what the request asks for all of them."""
    return "onboard" if request.verb == "onboard" else "create_all"


def _order(engine: Engine, request: FleetRequest, part: Sequence[Course], *, is_last: bool) -> Json:
    is_submitted = part[0].is_submitted
    order = {
        "factories": [
            {"spec": spec_of(course.spec)} | ({"made": course.made} if course.is_broken else {}) for course in part
        ],
        "approve": request.approval == "at-once",
        "wait": is_submitted,
        "brief": is_submitted and not is_last,
        "hand_off": request.hand_off,
        "until": _until(engine, request),
    }
    if request.verb == "create":
        return order
    # A look leaves out the role, which is settled by then. A factory whose role is still open is submitted again
    # instead of looked at. So the last submission waits as a look does: it must not report endpoints as created that
    # Azure has not finished.
    return order | {
        "wait": is_submitted or is_last,
        "grant": request.grant and not is_submitted,
        "account": not is_submitted,
    }


def _until(engine: Engine, request: FleetRequest) -> str:
    """The time by which a worker has to be done: before another one is asked, so that no two do the same work."""
    return (engine.now() + timedelta(seconds=_WORKING_TIME * request.silence_seconds)).isoformat()


def _answered(
    engine: Engine, call: Any, specs: Sequence[Spec], *, approve: bool, verb: Verb
) -> Sequence[Report | None]:
    """A report about each of these factories, even if no worker answered; None for a factory without news."""
    try:
        reports = engine.answer(call)["reports"]
    except Unanswered as silence:
        return [unanswered(spec, str(silence), approve=approve, verb=verb) for spec in specs]
    return [None if report is None else Report.model_validate(report) for report in reports]


def _approved_when_told(engine: Engine, request: FleetRequest, reports: Sequence[Report]) -> Steps[list[Report]]:
    """Wait for a person's decision, and act on it; without a decision in time, nothing is approved."""
    asking = {index: report for index, report in enumerate(reports) if asks_for_approval(report)}
    if not asking:
        return list(reports)
    pace = Pace(request.share)
    until = engine.now() + timedelta(hours=request.approval_hours)
    decision = yield from _decision(engine, request, pace, list(asking.values()), until)
    engine.tell({"phase": "approving" if decision else "ending", "factories": len(asking)})
    looked = yield from _decide(engine, request, pace, list(asking.values()), dry_run=not decision)
    why = (
        f"No decision came within {request.approval_hours:g} hours, so the connection was not approved."
        if decision is None
        else "The approval was declined, so the connection was not approved."
    )
    done = {
        index: with_decisions(report, found) if decision else undecided(report, found, why)
        for (index, report), found in zip(asking.items(), looked, strict=True)
    }
    return [done.get(index, report) for index, report in enumerate(reports)]


def _decision(
    engine: Engine, request: FleetRequest, pace: Pace, reports: Sequence[Report], until: datetime
) -> Steps[bool | None]:
    """The person's decision, or True once everything is approved by other means; None without a decision in time."""
    status: Json = {"phase": "waiting-for-approval", "factories": len(reports), "until": until.isoformat()}
    engine.tell(status)
    event = engine.event(APPROVAL)
    next_look = _FIRST_LOOK
    while (left := (until - engine.now()).total_seconds()) > 0:
        # Short timers, one after the other: some storage backends hold no timer of more than six days.
        timer = engine.timer(min(left, next_look))
        yield [event, timer]
        if engine.is_done(event):
            if not engine.is_done(timer):
                engine.cancel(timer)
            sent = engine.answer(event)
            if (decision := _understood(sent)) is not None:
                return decision
            engine.tell(status | {"not understood": repr(sent)[:200]})
            event = engine.event(APPROVAL)
        else:
            if (yield from _are_approved(engine, request, pace, reports)):
                return True
            next_look = min(2 * next_look, _LAST_LOOK)
    return None


def _are_approved(engine: Engine, request: FleetRequest, pace: Pace, reports: Sequence[Report]) -> Steps[bool]:
    """Whether everything is approved; stops at the first wave in which something is not."""
    for wave in waves(reports, request.share):
        looked = yield from _decide(engine, request, pace, wave, dry_run=True)
        if not all(_is_approved(report) for report in looked):
            return False
    return True


def _decide(
    engine: Engine, request: FleetRequest, pace: Pace, reports: Sequence[Report], *, dry_run: bool
) -> Steps[list[Report]]:
    """Approve, or in a dry run only look; one wave at a time, because all factories share the same few targets."""
    decided: list[Report] = []
    for wave in waves(reports, request.share):
        specs = [report.spec for report in wave]
        yield from pause(engine, pace.pause_for(cost_of_approving(specs), engine.now()))
        order = {
            "reports": [
                report.model_dump(mode="json", exclude_defaults=True, exclude={"hand_off", "warnings"})
                for report in wave
            ],
            "dry_run": dry_run,
            "hand_off": request.hand_off,
            "until": _until(engine, request),
        }
        call = engine.call(APPROVE, order)
        yield from all_of(engine, [call], request.silence_seconds)
        answered = _answered(engine, call, specs, approve=True, verb="approve")
        decided += [report for report in answered if report is not None]
    return decided


def _is_approved(report: Report) -> bool:
    return all(outcome.result in {"approved", "already-approved"} for outcome in report.outcomes)


def _understood(sent: object) -> bool | None:
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
