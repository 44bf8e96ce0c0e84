"""The accounts of a fleet: each is read once, however many factories need it, and so is the room at its targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.schedule import Cost, Job
from purview_mpe._flows.steps.waiting import PASSING, poll_interval
from purview_mpe._model.arm_id import ArmId
from purview_mpe._rules.capacity import LIMITS
from purview_mpe._rules.room import Room

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.schedule import Schedule
    from purview_mpe._model.results import Account
    from purview_mpe._rules.ownership import Listing
    from purview_mpe.errors import PurviewMpeError

#: The queue of a `Schedule` that this needs, with its part of what goes on at once.
QUEUES = {"accounts": 0.5}
#: How often an account is read that cannot be at the moment.
_READINGS = 3


@dataclass(eq=False)
class SharedAccount:
    """One account, as far as it was read."""

    account: Account | None = None
    error: PurviewMpeError | None = None
    room: Room = field(default_factory=Room)
    """How many more endpoints its targets take; no limit is known for those that could not be read."""


@dataclass(eq=False)
class _Reading:
    shared: SharedAccount
    waiting: list[Callable[[SharedAccount], None]]
    failures: int = 0
    lists: int = 0
    """Lists of connections that are still being read."""


class SharedAccounts:
    """Reads accounts for a fleet.

    Args:
        io: Where requests come from.
        schedule: Where they are put.
        with_room: Whether the connections of the targets are counted, too.
    """

    def __init__(self, io: Io, schedule: Schedule, *, with_room: bool = False) -> None:
        self._io = io
        self._schedule = schedule
        self._with_room = with_room
        self._readings: dict[ArmId, _Reading] = {}
        self._known: dict[ArmId, SharedAccount] = {}

    def need(self, account_id: ArmId, then: Callable[[SharedAccount], None]) -> None:
        """Call `then` with the account, or with the error that reading it ended in."""
        if (known := self._known.get(account_id)) is not None:
            then(known)
        elif (reading := self._readings.get(account_id)) is not None:
            reading.waiting.append(then)
        else:
            reading = self._readings[account_id] = _Reading(SharedAccount(), [then])
            self._read(account_id, reading)

    @property
    def known(self) -> list[SharedAccount]:
        """The accounts that were read."""
        return list(self._known.values())

    def _read(self, account_id: ArmId, reading: _Reading, *, at: float | None = None) -> None:
        async def flow() -> None:
            reading.shared.account = await reads.read_account(self._io, account_id)

        def then(failure: PurviewMpeError | None) -> None:
            if failure is None:
                self._count(account_id, reading)
                return
            reading.failures += 1
            if isinstance(failure, PASSING) and reading.failures < _READINGS:
                self._read(account_id, reading, at=self._io.now() + poll_interval(0) * reading.failures)
                return
            reading.shared.error = failure
            self._found(account_id, reading)

        self._schedule.put("accounts", str(account_id), Job(flow, then, (Cost("GET", account_id, 1),)), at=at)

    def _count(self, account_id: ArmId, reading: _Reading) -> None:
        account = reading.shared.account
        limited = [t for t in (account.targets if account else ()) if self._with_room and t.connections in LIMITS]
        places = list(dict.fromkeys((target.connections, connections.holder_of(account_id, target)) for target in limited))
        reading.lists = len(places)
        if not places:
            self._found(account_id, reading)
        for place in places:
            here = [t for t in limited if (t.connections, connections.holder_of(account_id, t)) == place]
            found: list[Listing] = []

            async def flow(place=place, found=found) -> None:
                found.append(await connections.list_connections(self._io, *place))

            def then(_: PurviewMpeError | None, here=here, found=found) -> None:
                # Where the connections cannot be read no limit is known, and Azure refuses what has no room.
                for listing in found:
                    reading.shared.room.count(here, listing)
                reading.lists -= 1
                if not reading.lists:
                    self._found(account_id, reading)

            self._schedule.put("accounts", str(place[1]), Job(flow, then, (Cost("GET", place[1], 1),)))

    def _found(self, account_id: ArmId, reading: _Reading) -> None:
        del self._readings[account_id]
        self._known[account_id] = reading.shared
        for then in reading.waiting:
            then(reading.shared)
