"""Approving for many factories: each target is listed once a round for all of them, not once for each.

The rules of who is ours are those of one factory; they see of each list the part that can decide a claim. What is
decided is read back in one further list per target.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.crowd import crowd
from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.results import ConnectionList
from purview_mpe._rules.ownership import Listing, Match
from purview_mpe._rules.register import Register
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from purview_mpe._flows.steps.approving import Approving
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._rules.ownership import Claim

#: Which list, of which resource.
Place: TypeAlias = tuple[ConnectionList, ArmId]

#: How long Azure may take to show a decision before it is asked for again.
_ASK_AGAIN = 30.0
#: Decisions at one resource that go together; storage runs one private endpoint operation at a time (public code).
_AT_ONE_PLACE = 4


@dataclass
class _Decision:
    """One decision that is asked for in this round."""

    work: Approving
    match: Match
    failure: PurviewMpeError | None = None


@dataclass
class Approvals:
    """The rounds of approving for all factories of a fleet."""

    io: Io

    async def round(self, works: Sequence[Approving], *, until: float = float("inf")) -> None:
        """One look at all targets; decides what is found, and begins no decision after `until`."""
        claims: dict[int, list[Claim]] = {}

        async def ask(numbered: tuple[int, Approving]) -> None:
            number, work = numbered
            try:
                claims[number] = await work.claims()
            except PurviewMpeError as error:
                work.failed(error)

        await crowd(self.io, deque(enumerate(works)), ask)
        registers = await self._read(
            _place(works[number], claim) for number, listed in claims.items() for claim in listed
        )
        todo: dict[Place, deque[_Decision]] = {}
        for number, listed in sorted(claims.items()):
            for decision in self._undecided(works[number], listed, registers):
                todo.setdefault(_place(decision.work, decision.match.claim), deque()).append(decision)
        if todo:
            await self._decide(todo, until)

    def _undecided(
        self, work: Approving, claims: Sequence[Claim], registers: dict[Place, Register]
    ) -> Iterable[_Decision]:
        factory = work.spec.factory_id.name
        listings = {claim.identity: registers[_place(work, claim)].for_claim(factory, claim) for claim in claims}
        try:
            matches = work.undecided(claims, listings)
        except PurviewMpeError as error:
            work.failed(error)
            return
        for match in matches:
            asked = work.asked_at(match)
            if asked is None or self.io.now() - asked > _ASK_AGAIN:
                yield _Decision(work, match)

    async def _read(self, places: Iterable[Place]) -> dict[Place, Register]:
        registers: dict[Place, Register] = {}

        async def read(place: Place) -> None:
            try:
                listing = await connections.list_connections(self.io, *place)
            except PurviewMpeError as error:
                listing = Listing(error=error)
            registers[place] = Register(listing)

        await crowd(self.io, deque(dict.fromkeys(places)), read)
        return registers

    async def _decide(self, todo: dict[Place, deque[_Decision]], until: float) -> None:
        written: dict[Place, list[_Decision]] = {place: [] for place in todo}

        async def at(place: Place) -> None:
            async def write(decision: _Decision) -> None:
                if self.io.now() >= until and written[place]:
                    return  # the next round finds it again
                await self._write(decision)
                written[place].append(decision)

            at_once = 1 if place[0] == "storage" else _AT_ONE_PLACE
            await crowd(self.io, todo[place], write, at_once=at_once)

        await crowd(self.io, deque(todo), at)
        registers = await self._read(place for place, decisions in written.items() if decisions)
        for place, decisions in written.items():
            for decision in decisions:
                self._settle(decision, registers[place])

    async def _write(self, decision: _Decision) -> None:
        work, match = decision.work, decision.match
        connection = match.connection
        if connection is None:
            return
        account_id, target = ArmId.parse(work.account.id), match.claim.target
        try:
            await connections.write_when_free(self.io, account_id, target, connection, work.decision)
        except PurviewMpeError as error:
            decision.failure = error
        else:
            work.taken(match)

    def _settle(self, decision: _Decision, register: Register) -> None:
        """What the call answered is not believed either way; what the target shows is."""
        work, match, failure = decision.work, decision.match, decision.failure
        if match.connection is None:
            return
        status = register.status_of(match.connection)
        if register.error is None and status.casefold() == work.decision.casefold():
            work.decided(match)
        elif failure is not None:
            work.refused(match, failure)
        # Otherwise Azure took the decision and does not show it yet: the next round looks again.


def _place(work: Approving, claim: Claim) -> Place:
    return claim.target.connections, connections.holder_of(ArmId.parse(work.account.id), claim.target)
