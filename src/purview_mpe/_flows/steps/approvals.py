"""Approving for many factories: each list serves all of them, and no target waits for another one.

The ownership rules are the same as for one factory, but only the entries of a list that can decide a claim are passed
to them. A connection whose exact id is known is decided as soon as its own target shows it. If only names are known,
the rules compare what all targets of a factory show, so its connections are decided together.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.claims import FromFactory
from purview_mpe._flows.steps.schedule import Cost, Job
from purview_mpe._flows.steps.waiting import FAILED_LOOKS, PASSING, poll_interval
from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.results import ConnectionList, Identity
from purview_mpe._rules.ownership import Listing, Match
from purview_mpe._rules.register import Register
from purview_mpe.errors import PurviewMpeError, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from purview_mpe._flows.steps.approving import Approving
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.schedule import Schedule
    from purview_mpe._rules.ownership import Claim

#: A kind of list, and the resource that it belongs to.
Place: TypeAlias = tuple[ConnectionList, ArmId]

#: The queues of a `Schedule` that this module needs, each with its share of concurrent work.
QUEUES = {"claims": 0.4, "lists": 0.3, "decisions": 0.3}
#: How long Azure may take to show a decision before the decision is sent again.
_ASK_AGAIN = 30.0
#: Concurrent decisions at one resource; storage runs one private endpoint operation at a time (public code).
_AT_ONE_PLACE = 4
#: Seconds between two reads of one target's list while decisions are still being written.
_READ_BACK = 5.0
#: Seconds that a list waits for further factories that are about to ask for it.
_GATHER = 2.0
#: Maximum rate, in factories per second, at which endpoints are read again while their connections are pending.
_LOOKS_PER_SECOND = 10.0


@dataclass(eq=False)
class Case:
    """The connections of one factory."""

    work: Approving
    lane: str
    waits: bool
    """Whether to look again for missing connections."""
    over: Callable[[], None]
    """Called when the work for the factory ends."""
    opened: float = 0.0
    claims: Sequence[Claim] = ()
    placed: Mapping[Place, Sequence[Claim]] = field(default_factory=dict["Place", "Sequence[Claim]"])
    """The claims by the list that shows their connections."""
    was_asked: bool = False
    """True once the claims were read, or could not be read."""
    unread: dict[Place, int] = field(default_factory=dict[Place, int])
    """For each list that must still be read: how many reads of that list had started when the claims were read.

    A list stays in here until a read of it that started after the claims were read has ended.
    """
    deciding: set[Identity] = field(default_factory=set[Identity])
    """Endpoints for which a decision is queued or being written."""
    pending: int = 0
    """Number of unsettled decisions: those in `deciding`, and those that Azure accepted but does not show yet."""
    is_open: bool = False

    def place_of(self, claim: Claim) -> Place:
        """The list that shows the connection of a claim."""
        return claim.target.connections, connections.holder_of(ArmId.parse(self.work.account.id), claim.target)


@dataclass(eq=False)
class _Decision:
    """One pending connection that belongs to an endpoint of the factory."""

    case: Case
    match: Match
    seen_at: float | None
    is_under_way: bool = False
    """True if the decision was, or is about to be, sent."""
    was_shown: bool = False
    """True if the target already shows the decision."""


@dataclass(eq=False)
class _ListQueue:
    """One list and the decisions that depend on it."""

    place: Place
    cases: dict[int, Case] = field(default_factory=dict[int, Case])
    """The factories that wait for the list."""
    register: Register | None = None
    readings: int = 0
    """How many reads of the list have started."""
    began: float = float("-inf")
    """When the last of them started."""
    due: float = float("inf")
    wanted_since: float = float("inf")
    is_listing: bool = False
    failures: int = 0
    decisions: deque[_Decision] = field(default_factory=deque[_Decision])
    writing: int = 0
    written: list[tuple[int, _Decision]] = field(default_factory=list[tuple[int, _Decision]])
    """Decisions that Azure accepted but does not show yet, each with the number of reads started before it."""

    def want(self, at: float) -> None:
        """Read the list at this moment or earlier."""
        self.due = min(self.due, at)
        self.wanted_since = min(self.wanted_since, at)


class Approvals:
    """Approving for all factories of a fleet."""

    def __init__(self, io: Io, schedule: Schedule) -> None:
        self._io = io
        self._schedule = schedule
        self._queues: dict[Place, _ListQueue] = {}
        self._open = 0
        self._claiming = 0
        """How many factories' claims are being read."""

    def open(self, case: Case, *, at: float | None = None) -> None:
        """Start to look for the connections of a factory: now or, with `at`, at that moment."""
        if not case.is_open:
            case.is_open, case.opened = True, self._io.now()
            self._open += 1
            self._claim(case, at)

    def close(self, case: Case) -> None:
        """End the decisions for a factory."""
        if case.is_open:
            case.is_open = False
            self._open -= 1

    def start_lists(self) -> float:
        """Read the lists that are due; return when the next one is due."""
        now = self._io.now()
        moments = [self._start(queue, now) for queue in self._queues.values() if not queue.is_listing]
        return min(moments, default=float("inf"))

    # --- claims

    def _claim(self, case: Case, at: float | None) -> None:
        costs = (Cost("GET", case.work.spec.factory_id, 1),) if isinstance(case.work.source, FromFactory) else ()

        async def flow() -> None:
            if case.is_open:
                case.claims = await case.work.claims()

        def then(failure: PurviewMpeError | None) -> None:
            self._claiming -= at is None
            if case.is_open:
                self._claimed(case, failure)

        self._claiming += at is None
        self._schedule.put("claims", case.lane, Job(flow, then, costs), at=at)

    def _claimed(self, case: Case, failure: PurviewMpeError | None) -> None:
        now, case.was_asked = self._io.now(), True
        if failure is not None:
            case.claims = ()
            case.work.failed(failure)
        placed: dict[Place, list[Claim]] = {}
        for claim in case.claims:
            placed.setdefault(case.place_of(claim), []).append(claim)
        unread: dict[Place, int] = {}
        for place, claims in placed.items():
            queue = self._queues.setdefault(place, _ListQueue(place))
            queue.cases[id(case)] = case
            # If the claims are the same as last time, a read of the list that has started since then is new enough.
            is_same = claims == case.placed.get(place)
            unread[place] = case.unread.get(place, queue.readings) if is_same else queue.readings
            queue.want(max(now, queue.began + self._pause_between_readings(queue)))
        case.placed, case.unread = placed, unread
        if case.waits and not case.work.is_over:
            pause = max(poll_interval(now - case.opened), self._open / _LOOKS_PER_SECOND)
            self._claim(case, now + pause)
        self._consider(case)

    # --- lists

    def _pause_between_readings(self, queue: _ListQueue) -> float:
        oldest = min((case.opened for case in queue.cases.values()), default=self._io.now())
        return poll_interval(self._io.now() - oldest)

    def _start(self, queue: _ListQueue, now: float) -> float:
        """Read a list if it is due; return when it is due next."""
        if queue.due > now:
            return queue.due
        gathered_by = queue.wanted_since + _GATHER
        if self._claiming and now < gathered_by:
            return gathered_by
        queue.is_listing, queue.due, queue.wanted_since = True, float("inf"), float("inf")
        queue.readings += 1
        number, found = queue.readings, Listing()

        async def flow() -> None:
            nonlocal found
            queue.began = self._io.now()
            found = await connections.list_connections(self._io, *queue.place)

        def then(failure: PurviewMpeError | None) -> None:
            queue.is_listing = False
            self._listed(queue, number, found if failure is None else Listing(error=failure))

        holder = queue.place[1]
        self._schedule.put("lists", str(holder), Job(flow, then, (Cost("GET", holder, 1),)))
        return float("inf")

    def _listed(self, queue: _ListQueue, number: int, listing: Listing) -> None:
        error = listing.error
        queue.failures = queue.failures + 1 if error is not None else 0
        if isinstance(error, WaitTimedOut) or (isinstance(error, PASSING) and queue.failures < FAILED_LOOKS):
            queue.want(self._io.now() + poll_interval(0))  # the fleet's time has run out, or the error may be temporary
            return
        queue.register = Register(listing)
        self._settle(queue, number)
        for case in [case for case in queue.cases.values() if case.unread.get(queue.place, number) < number]:
            del case.unread[queue.place]
            self._judge(case, queue)
            self._consider(case)

    def _judge(self, case: Case, queue: _ListQueue) -> None:
        """Judge a factory's connections by the lists that were read."""
        work = case.work
        claims = [claim for claim in case.claims if work.searches.is_open(claim)]
        if not case.is_open or not claims:
            queue.cases.pop(id(case), None)
            return
        if not work.source.blind and all(claim.private_endpoint_id or claim.only_exact for claim in claims):
            claims = [claim for claim in claims if case.place_of(claim) == queue.place]
            claims = [claim for claim in claims if claim.identity not in case.deciding]
        elif case.unread or case.deciding:
            return  # claims identified only by names are decided from all lists together
        queues = {place: self._queues[place] for place in map(case.place_of, claims)}
        for one in (queue, *queues.values()):
            one.cases.pop(id(case), None)
        listings = {claim.identity: self._shown(case, claim) for claim in claims}
        if any(listing.error is not None for listing in listings.values()):
            work.failed_looks = FAILED_LOOKS  # temporary failures have been retried already
        try:
            matches = work.undecided(claims, listings)
        except PurviewMpeError as failure:
            work.failed(failure)
            return
        for match in matches:
            self._decide(case, match, listings[match.claim.identity].at)

    def _shown(self, case: Case, claim: Claim) -> Listing:
        register = self._queues[case.place_of(claim)].register
        return Listing() if register is None else register.for_claim(case.work.spec.factory_id.name, claim)

    # --- decisions

    def _decide(self, case: Case, match: Match, seen_at: float | None) -> None:
        asked = case.work.asked_at(match)
        if match.connection is None or (asked is not None and self._io.now() - asked <= _ASK_AGAIN):
            return
        queue = self._queues[case.place_of(match.claim)]
        queue.decisions.append(_Decision(case, match, seen_at))
        case.deciding.add(match.claim.identity)
        case.pending += 1
        self._write_next(queue)

    def _write_next(self, queue: _ListQueue) -> None:
        at_once = 1 if queue.place[0] == "storage" else _AT_ONE_PLACE
        while queue.decisions and queue.writing < at_once:
            queue.writing += 1
            self._write(queue, queue.decisions.popleft())

    def _write(self, queue: _ListQueue, decision: _Decision) -> None:
        case, match, holder = decision.case, decision.match, queue.place[1]

        def begun() -> None:
            if case.is_open:
                decision.is_under_way = True
                case.work.sent(match)  # from here on, the outcome must not say that nothing was sent

        async def flow() -> None:
            if decision.is_under_way and match.connection is not None:
                decision.was_shown = await connections.write_when_free(
                    self._io,
                    ArmId.parse(case.work.account.id),
                    match.claim.target,
                    match.connection,
                    case.work.decision,
                    seen_at=decision.seen_at,
                )

        def then(failure: PurviewMpeError | None) -> None:
            queue.writing -= 1
            self._written(queue, decision, failure)
            self._write_next(queue)

        method = "POST" if queue.place[0] == "ingestion" else "PUT"
        self._schedule.put("decisions", str(queue.place), Job(flow, then, (Cost(method, holder, 1),), begun=begun))

    def _written(self, queue: _ListQueue, decision: _Decision, failure: PurviewMpeError | None) -> None:
        """Handle the answer to a decision. A successful answer is not trusted; only what the target shows counts."""
        case, match, now = decision.case, decision.match, self._io.now()
        case.deciding.discard(match.claim.identity)
        if case.is_open and failure is None and not decision.was_shown:
            case.work.sent(match)
            queue.written.append((queue.readings, decision))
        else:
            case.pending -= 1
            if case.is_open and failure is not None:
                case.work.refused(match, failure)
            elif case.is_open:
                case.work.decided(match)
        if queue.written:
            queue.want(now if not queue.decisions and not queue.writing else now + _READ_BACK)
        self._consider(case)

    def _settle(self, queue: _ListQueue, number: int) -> None:
        """Settle the decisions that were written before this read of the list started."""
        register, later = queue.register, list[tuple[int, _Decision]]()
        for readings, decision in queue.written:
            case, connection = decision.case, decision.match.connection
            if readings >= number or connection is None or register is None:
                later.append((readings, decision))
                continue
            case.pending -= 1
            if case.is_open and register.status_of(connection).casefold() == case.work.decision.casefold():
                case.work.decided(decision.match)
            self._consider(case)  # if Azure does not show the decision yet, a later read settles it
        queue.written = later

    def _consider(self, case: Case) -> None:
        """Close a case for which nothing is left to do."""
        if not case.is_open:
            return
        has_looked = case.was_asked and not case.unread and not case.pending
        if case.work.is_over or (has_looked and not case.waits):
            self.close(case)
            case.over()
