"""The smallest orchestration: a page of factories of one subscription, in rounds.

A page begins again with a compact state after each round (engines call it "continue as new"), so that no turn reads
more than the history of one round. Its order and its state are one JSON value, and a lane has the same with several
pages (`_lane`):

| key | meaning |
|---|---|
| `logic` | the number of the version whose constants it follows (`_logic`) |
| `phase` | `make`: create or onboard. `approve`, `leave`: decide about connections, or only look. `look`: ends at the \
first factory whose connections are not all approved |
| `options` | the fields of the `FleetRequest`, without its specs |
| `name` | how the instance ids of the pages of this lane begin; no other lane has it |
| `parts` | how many pages share the limits |
| `why` | for `leave`: why nothing is approved |
| `pages` | the states of the factories, packed, some in each page |
| `open` | for each page, how many factories need another visit |
| `lost` | for each page, how many of these were asked about in vain |
| `round`, `page` | what is next |
| `submitted` | when the first round ended; null before |
| `last` | whether this round is the last one, so that an activity reports what is not done |
| `over` | whether the time for Azure is over, so that only what was asked in vain is asked again |
| `stopped` | whether the event `STOP` has come |
| `pace` | how much of Azure's limits is used, and when that was |
| `common` | how the limits of the accounts' subscriptions are divided among lanes (`_limits`); often missing |
| `keeps` | whether the reports stay with the page (`_kept`); often missing. Pages that decide then begin with specs, \
and find the endpoints first |
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from purview_mpe._model.known import NotKnown, known
from purview_mpe._model.results import Report
from purview_mpe.durable._engine import APPROVE, CREATE, FIND, ONBOARD, STOP, Engine, Unanswered, all_of, pause, rest
from purview_mpe.durable._kept import kept, summed
from purview_mpe.durable._limits import (
    Pace,
    batches,
    cost_of_approving,
    cost_of_finding,
    cost_of_looking,
    cost_of_making,
    pages_of,
    waves,
)
from purview_mpe.durable._logic import logic_of
from purview_mpe.durable._messages import opened, sealed, subject_of
from purview_mpe.durable._packing import packed, unpacked
from purview_mpe.durable._progress import (
    Course,
    Decision,
    asks_for_approval,
    report_of,
    settled,
    spec_of,
    unanswered,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from purview_mpe._model.results import Verb
    from purview_mpe._model.spec import Spec
    from purview_mpe.durable._engine import Json, Steps, Task
    from purview_mpe.durable._limits import Common
    from purview_mpe.durable._logic import Logic
    from purview_mpe.durable._request import Approval, FleetRequest, FleetVerb

Phase: TypeAlias = Literal["make", "approve", "leave", "look"]
#: The longest pause between two tries to decide, in seconds.
_LONGEST_PAUSE = 600.0


@dataclass(frozen=True)
class Options:
    """The fields of a `FleetRequest` that say how, without its specs; other fields in a message are ignored."""

    verb: FleetVerb
    grant: bool
    approval: Approval
    wait: bool
    timeout: float
    hand_off: bool
    share: float
    batch: int
    poll_seconds: float
    silence_seconds: float

    @classmethod
    def of(cls, given: FleetRequest | Json) -> Options:
        """Those of a request, or of a message."""
        values = given if isinstance(given, dict) else {each.name: getattr(given, each.name) for each in fields(cls)}
        return cls(**{each.name: values[each.name] for each in fields(cls)})

    def to_json(self) -> Json:
        """What `of` reads."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @property
    def report_verb(self) -> Verb:
        """The verb that does for one factory what the request asks for all of them."""
        return "onboard" if self.verb == "onboard" else "create_all"

    @property
    def at_once(self) -> bool:
        """Whether the workers approve each connection as it appears."""
        return self.approval == "at-once"

    def course(self, spec: Spec) -> Course:
        """A factory on which no work was done."""
        return Course(spec, self.at_once, self.report_verb)


def first_order(number: int, options: Options, specs: Sequence[Spec], name: str) -> Json:
    """The order to make these factories, which are all in one subscription."""
    parts = list(pages_of(specs, logic_of(number), hand_off=options.hand_off))
    pages = [packed([options.course(spec).to_json() for spec in part]) for part in parts]
    return _order("make", pages, [len(part) for part in parts], logic=number, options=options.to_json(), name=name)


def order_to_find(phase: Phase, number: int, options: Options, specs: Sequence[Spec], **fields: object) -> Json:
    """The order to decide about factories of which only the specs are known."""
    parts = list(pages_of(specs, logic_of(number), hand_off=options.hand_off))
    pages = [packed([{"spec": spec_of(spec), "report": None} for spec in part]) for part in parts]
    return _order(phase, pages, [len(part) for part in parts], logic=number, options=options.to_json(), **fields)


def order_to_decide(phase: Phase, made: Json, **fields: object) -> Json:
    """The order to decide about what was made; `made` is the answer of a lane, `fields` the keys of the order."""
    return _order(phase, made["pages"], list(made["asking"]), **fields)


def _order(phase: Phase, pages: list[str], waiting: list[int], **fields: object) -> Json:
    return {
        "phase": phase,
        "pages": pages,
        "open": waiting,
        "lost": [0] * len(pages),
        "parts": 1,
        "why": "",
        "round": 0,
        "page": 0,
        "submitted": None,
        "last": False,
        "over": False,
        "stopped": False,
        "pace": None,
        **fields,
    }


def is_deciding(order: Json) -> bool:
    """Whether connections are decided in this phase."""
    return bool(order.get("phase", "make") != "make" or order["options"]["approval"] == "at-once")


def common_of(order: Json) -> Common:
    """How the limits of the accounts' subscriptions are divided among lanes, in a phase that sends requests there."""
    return order.get("common", {}) if is_deciding(order) else {}


def result_of(order: Json) -> Json:
    """What a lane answers: the reports so far, packed, and how many connections of each page could be approved."""
    options = Options.of(order["options"])
    if order.get("keeps") and order["phase"] != "make":
        return _decisions_in(order)
    pages, asking = list[str](), list[int]()
    for page in order["pages"]:
        reports = [_report_in(order, options, state) for state in unpacked(page)]
        pages.append(packed([{"spec": spec_of(each.spec), "report": report_of(each)} for each in reports]))
        asking.append(sum(map(asks_for_approval, reports)))
    return {"pages": pages, "asking": asking}


def _decisions_in(order: Json) -> Json:
    """What a page answers that found its endpoints itself: the decisions alone, and what they come to."""
    cases = [Decision.of_json(state) for page in order["pages"] for state in unpacked(page)]
    bare = [settled(each.created.model_copy(update={"outcomes": ()}), each.decided, order["why"]) for each in cases]
    states = [
        {"spec": spec_of(each.created.spec), "report": None if each.decided is None else report_of(each.decided)}
        for each in cases
    ]
    return {
        "pages": [packed(states)],
        "why": order["why"],
        "counted": {
            "factories": len(cases),
            "counts": summed([each.counts for each in bare]),
            "succeeded": all(each.succeeded for each in bare),
            "complete": not order["why"] and all(each.is_complete for each in cases),
        },
    }


def with_failures(order: Json, why: str) -> Json:
    """The order as it is after nothing answered: each factory that still needs something failed."""
    options, pages = Options.of(order["options"]), list[str]()
    for page in order["pages"]:
        states: list[Json] = []
        for state in unpacked(page):
            if order["phase"] == "make":
                course = Course.of_json(state, approve=options.at_once, verb=options.report_verb)
                course.ask_again(why, 1)
                states.append(course.to_json())
            else:
                case = Decision.of_json(state)
                if case.is_open:
                    case.take(unanswered(case.created.spec, why, approve=True, verb="approve"), 1)
                states.append(case.to_json())
        pages.append(packed(states))
    return {**order, "pages": pages}


def _report_in(order: Json, options: Options, state: Json) -> Report:
    if order["phase"] == "make":
        return Course.of_json(state, approve=options.at_once, verb=options.report_verb).report
    decision = Decision.of_json(state)
    return settled(decision.created, decision.decided, "" if order["phase"] == "approve" else order["why"])


def page(engine: Engine, order: Json) -> Steps[Json | None]:
    """Carry out an order: one round, and then begin again with what is left; returns the answer once nothing is."""
    answer = yield from _Page(engine, order).run()
    if answer is None or not order.get("keeps") or order["phase"] == "look":
        return answer
    return (yield from kept(engine, order["name"], answer, logic_of(order["logic"])))


class _Page:
    """One execution, between two beginnings."""

    def __init__(self, engine: Engine, order: Json) -> None:
        self._engine = engine
        self._order = dict(order)
        self._logic = logic_of(order["logic"])
        self._options = Options.of(order["options"])
        at, levels = order["pace"] or (engine.now().isoformat(), ())
        share = self._options.share / order["parts"]
        self._pace = Pace(self._logic, share, datetime.fromisoformat(at), levels, common_of(order))
        self._stop = engine.event(STOP)

    def run(self) -> Steps[Json | None]:
        order = self._order
        self._engine.tell({"phase": order["phase"], "open": sum(order["open"]), "round": order["round"]})
        if self._next_page() is None:
            if (seconds := self._pause_before_next_round()) is None:
                return self._answer()
            yield from self._rest(seconds)
            order.update(round=order["round"] + 1, page=0)
            self._heed_stop()
        if (page := self._next_page()) is None:
            return self._answer()
        if order["phase"] == "make":
            yield from self._make(page)
        elif (found := (yield from self._decide(page))) is not None:
            return {"first": found}
        order["page"] = page + 1
        if self._next_page() is None and order["submitted"] is None:
            order["submitted"] = self._engine.now().isoformat()
        self._heed_stop()
        if self._next_page() is None and self._pause_before_next_round() is None:
            return self._answer()
        now = self._engine.now()
        order["pace"] = (now.isoformat(), self._pace.levels(now))
        self._engine.again(order)
        return None

    def _answer(self) -> Json:
        if self._order["phase"] == "look":
            return {"first": 0 if self._order["stopped"] else None}
        return result_of(self._order)

    def _heed_stop(self) -> None:
        """After the event to stop, Azure is looked at once more, and nothing else is begun."""
        order = self._order
        if order["stopped"] or not self._engine.is_done(self._stop):
            return
        looks = order["phase"] == "make" and self._options.wait
        order.update(stopped=True, last=True, round=order["round"] + 1, page=0 if looks else len(order["pages"]))

    def _next_page(self) -> int | None:
        """The next page of this round with factories to visit."""
        counts = self._order["lost" if self._order["over"] else "open"]
        return next((each for each in range(self._order["page"], len(counts)) if counts[each]), None)

    # --- rounds

    def _pause_before_next_round(self) -> float | None:
        """Seconds until the next round, in which the first page with something to do is next; None if all is done."""
        order, options = self._order, self._options
        if not any(order["open"]) or order["phase"] == "look" or order["stopped"]:
            return None
        if order["phase"] == "make" and options.wait:
            spent = (self._engine.now() - datetime.fromisoformat(order["submitted"])).total_seconds()
            if (left := options.timeout - spent) > 0:
                return min(left, max(options.poll_seconds, self._logic.pause * spent))
            order["over"] = True
            return options.poll_seconds if any(order["lost"]) else None
        # A number of rounds is enough here: nothing waits for Azure.
        if order["round"] + 1 >= self._logic.tries:
            return None
        seconds: float = options.poll_seconds * 2 ** order["round"]
        return min(seconds, max(_LONGEST_PAUSE, options.poll_seconds))

    def _rest(self, seconds: float) -> Steps[None]:
        """Wait for the next round, or for the event to stop."""
        order = self._order
        if order["phase"] == "make" and self._options.wait and not order["over"]:
            spent = (self._engine.now() - datetime.fromisoformat(order["submitted"])).total_seconds()
            order["last"] = self._options.timeout - spent <= seconds
        timer = self._engine.timer(seconds)
        yield [timer, self._stop]
        if not self._engine.is_done(timer):
            self._engine.cancel(timer)

    def _ends_now(self) -> bool:
        """Whether the event to stop has come: nothing else is submitted, and the last look is still to come."""
        return self._logic.stops_soon and not self._order["stopped"] and bool(self._engine.is_done(self._stop))

    # --- making

    def _make(self, page: int) -> Steps[None]:
        """Have workers submit each factory of a page, or look at it if it is already submitted: in waves."""
        options, order = self._options, self._order
        courses = [
            Course.of_json(state, approve=options.at_once, verb=options.report_verb)
            for state in unpacked(order["pages"][page])
        ]
        due = [course for course in courses if self._is_due(course)]
        for wave in waves(due, options.share, self._logic, options.verb):
            if not self._ends_now():
                yield from self._make_wave(wave)
        order["pages"][page] = packed([course.to_json() for course in courses])
        order["open"][page] = sum(map(self._needs_visit, courses))
        order["lost"][page] = sum(course.is_open and course.tries > 0 for course in courses)

    def _is_due(self, course: Course) -> bool:
        if self._order["round"] == 0:
            return True
        if self._order["stopped"]:
            return course.is_open and course.is_submitted
        return course.is_open and course.tries > 0 if self._order["over"] else self._needs_visit(course)

    def _needs_visit(self, course: Course) -> bool:
        """Whether another activity may change something; without waiting, only what is still to be submitted."""
        return course.is_open and (self._options.wait or not course.is_submitted)

    def _make_wave(self, wave: Sequence[Course]) -> Steps[None]:
        options, engine = self._options, self._engine
        new = [course for course in wave if not course.is_submitted]
        old = [course for course in wave if course.is_submitted]
        cost = chain(
            cost_of_making([each.spec for each in new], options.verb, self._logic, approve=options.at_once),
            cost_of_looking([each.spec for each in old], options.verb, self._logic),
        )
        seconds = self._pace.pause_for(cost, engine.now())
        yield from rest(engine, seconds, self._stop) if self._logic.stops_soon else pause(engine, seconds)
        if self._ends_now():
            return
        parts = [*self._parts(new), *self._parts(old)]
        activity = ONBOARD if options.verb == "onboard" else CREATE
        calls = [engine.call(activity, _carried(self._order_to_make(part), self._logic)) for part in parts]
        yield from all_of(engine, calls, options.silence_seconds)
        for part, call in zip(parts, calls, strict=True):
            self._take(part, call)

    def _parts(self, courses: Sequence[Course]) -> Iterable[Sequence[Course]]:
        """The factories of each activity. One that was asked about in vain is alone: it may be the cause."""
        yield from batches([course for course in courses if not course.tries], self._options.batch)
        yield from ([course] for course in courses if course.tries)

    def _take(self, part: Sequence[Course], call: Any) -> None:
        waited = part[0].is_submitted
        try:
            answers = _answers_in(self._engine.answer(call), len(part))
        except Unanswered as silence:
            answers = [silence] * len(part)
        for course, answer in zip(part, answers, strict=True):
            if isinstance(answer, Unanswered):
                course.ask_again(str(answer), self._logic.tries)
            else:
                course.take(answer, waited=waited)

    def _order_to_make(self, part: Sequence[Course]) -> Json:
        options, is_submitted = self._options, part[0].is_submitted
        is_last = bool(self._order["over"] or self._order["last"])
        order = {
            "logic": self._order["logic"],
            "factories": [
                {"spec": spec_of(course.spec)} | ({"made": course.made} if course.is_broken else {}) for course in part
            ],
            "approve": options.at_once,
            "wait": is_submitted,
            "brief": is_submitted and not is_last,
            "hand_off": options.hand_off,
            "until": self._until(),
        }
        if options.verb == "create":
            return order
        # A look leaves out the role, which is settled by then. A factory whose role is still open is submitted again
        # instead of looked at. So the last submission waits as a look does: it must not report endpoints as created
        # that Azure has not finished.
        return order | {
            "wait": is_submitted or is_last,
            "grant": options.grant and not is_submitted,
            "account": not is_submitted,
        }

    def _until(self) -> str:
        """The time by which a worker has to be done: before another one is asked, so that no two do the same work."""
        seconds = self._logic.working_time * self._options.silence_seconds
        return (self._engine.now() + timedelta(seconds=seconds)).isoformat()

    # --- deciding

    def _decide(self, page: int) -> Steps[int | None]:
        """Approve the connections of a page, or only look; one wave at a time, because all share the same few targets.

        Returns, for a look, the place of the first factory that is not approved; otherwise None.
        """
        order = self._order
        cases = [Decision.of_json(state) for state in unpacked(order["pages"][page])]
        due = [case for case in cases if case.is_open]
        fresh = waves([case for case in due if not case.tries], self._options.share, self._logic)
        for part in (*fresh, *[[case] for case in due if case.tries]):
            yield from self._decide_wave(part)
            if order["phase"] == "look":
                pending = [case for case in part if case.is_pending]
                if pending:
                    # A page's orchestration has one page only.
                    return cases.index(pending[0])
        order["pages"][page] = packed([case.to_json() for case in cases])
        order["open"][page] = sum(case.is_open for case in cases)
        return None

    def _decide_wave(self, wave: Sequence[Decision]) -> Steps[None]:
        yield from self._find([case for case in wave if not case.is_found])
        wave = [case for case in wave if case.is_found and case.is_open]
        if not wave:
            return
        specs = [case.created.spec for case in wave]
        yield from pause(self._engine, self._pace.pause_for(cost_of_approving(specs), self._engine.now()))
        dry_run = self._order["phase"] != "approve"
        reports = yield from asked_to_approve(
            self._engine, self._logic, self._options, [case.subject for case in wave], self._until(), dry_run=dry_run
        )
        for case, report in zip(wave, reports, strict=True):
            case.take(report, self._logic.tries)

    def _find(self, cases: Sequence[Decision]) -> Steps[None]:
        if not cases:
            return
        specs = [case.created.spec for case in cases]
        cost = cost_of_finding(specs, self._logic)
        yield from pause(self._engine, self._pace.pause_for(cost, self._engine.now()))
        reports = yield from found(self._engine, self._logic, self._options, specs, self._until())
        for case, report in zip(cases, reports, strict=True):
            case.find(report, self._logic.tries)


def found(engine: Engine, logic: Logic, options: Options, specs: Sequence[Spec], until: str) -> Steps[list[Report]]:
    """What an activity says about the existing endpoints of some factories; a report for each."""
    order = {"factories": [{"spec": spec_of(spec)} for spec in specs], "until": until}
    call = engine.call(FIND, _carried(order, logic))
    return (yield from _answered(engine, options, call, specs))


def asked_to_approve(
    engine: Engine, logic: Logic, options: Options, created: Sequence[Report], until: str, *, dry_run: bool
) -> Steps[list[Report]]:
    """What one activity says about the connections of some factories; a report for each, even if it said nothing."""
    accounts: list[Json] = []
    order = {
        "factories": [subject_of(report, accounts) for report in created],
        "accounts": accounts,
        "dry_run": dry_run,
        "hand_off": options.hand_off,
        "until": until,
    }
    call = engine.call(APPROVE, _carried(order, logic))
    return (yield from _answered(engine, options, call, [report.spec for report in created]))


def _carried(order: Json, logic: Logic) -> Json:
    return sealed(order) if logic.packs else order


def _answered(engine: Engine, options: Options, call: Task, specs: Sequence[Spec]) -> Steps[list[Report]]:
    yield from all_of(engine, [call], options.silence_seconds)
    try:
        answers = _answers_in(engine.answer(call), len(specs))
    except Unanswered as silence:
        answers = [silence] * len(specs)
    return [
        answer if isinstance(answer, Report) else unanswered(spec, str(answer), approve=True, verb="approve")
        for spec, answer in zip(specs, answers, strict=True)
    ]


def _answers_in(message: Any, count: int) -> Sequence[Report | Unanswered | None]:
    """The reports in an activity's answer; None for a factory without news.

    Raises:
        Unanswered: it is not an answer about so many factories.
    """
    try:
        reports = opened(cast("Json", message)).get("reports") if isinstance(message, dict) else None
    except (TypeError, ValueError):
        reports = None
    if not isinstance(reports, list) or len(cast("list[object]", reports)) != count:
        raise Unanswered("An activity answered in words that this version does not know (reports).")
    return [None if report is None else _known(report) for report in cast("list[object]", reports)]


def _known(message: object) -> Report | Unanswered:
    try:
        return known(Report, message)
    except NotKnown as place:
        return Unanswered(f"An activity answered in words that this version does not know ({place}).")
