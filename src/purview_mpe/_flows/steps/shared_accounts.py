"""The accounts of a fleet: each account, and the room at its targets, is read once for all its factories."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.shared import Shared
from purview_mpe._rules.capacity import LIMITS
from purview_mpe._rules.room import Room
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._flows.steps.approvals import Place
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.schedule import Schedule
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Account, Finding, Target
    from purview_mpe._rules.ownership import Listing


@dataclass(eq=False)
class SharedAccount:
    """One account, as it was read for all its factories."""

    account: Account
    room: Room = field(default_factory=Room)
    """How many more endpoints its targets accept; no limit is known for those that could not be read."""


class SharedAccounts:
    """Reads accounts for a fleet.

    Args:
        io: Sends the requests.
        schedule: Runs the reads.
        with_room: Whether the connections of the targets are counted, too.
    """

    def __init__(self, io: Io, schedule: Schedule, *, with_room: bool = False) -> None:
        self._with_room = with_room
        self._accounts: Shared[ArmId, Account] = Shared(
            io, schedule, lambda account_id: account_id, lambda account_id: reads.read_account(io, account_id)
        )
        self._lists: Shared[Place, Listing] = Shared(
            io, schedule, lambda place: place[1], lambda place: connections.list_connections(io, *place)
        )
        self._counted: dict[ArmId, SharedAccount] = {}

    def need(self, account_id: ArmId, then: Callable[[SharedAccount | PurviewMpeError], None]) -> None:
        """Call `then` with the account, or with the error from reading it."""

        def found(account: Account | PurviewMpeError) -> None:
            if isinstance(account, PurviewMpeError):
                then(account)
            elif (shared := self._counted.get(account_id)) is not None:
                then(shared)
            else:
                self._count(account_id, account, then)

        self._accounts.need(account_id, found)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings about targets that are nearly full."""
        return tuple(finding for shared in self._counted.values() for finding in shared.room.findings())

    def _count(self, account_id: ArmId, account: Account, then: Callable[[SharedAccount], None]) -> None:
        """Count the connections of every target that has a limit, one list for each."""
        shared = SharedAccount(account)
        by_place: dict[Place, list[Target]] = {}
        for target in account.targets if self._with_room else ():
            if target.connections in LIMITS:
                place = target.connections, connections.holder_of(account_id, target)
                by_place.setdefault(place, []).append(target)
        left = set(by_place)

        def counted(place: Place, listing: Listing | PurviewMpeError) -> None:
            # If the connections cannot be read, no limit is known; Azure refuses endpoints that do not fit.
            if not isinstance(listing, PurviewMpeError):
                shared.room.count(by_place[place], listing)
            left.discard(place)
            go_on()

        def go_on() -> None:
            if not left:
                then(self._counted.setdefault(account_id, shared))

        for place in by_place:
            self._lists.need(place, partial(counted, place))
        if not by_place:
            go_on()
