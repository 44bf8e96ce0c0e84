"""The accounts of a fleet: each is read once, however many factories need it, and so is the room at its targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.schedule import Cost, Job
from purview_mpe._flows.steps.waiting import PASSING, poll_interval
from purview_mpe._rules.capacity import LIMITS
from purview_mpe._rules.room import Room

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._flows.steps.approvals import Place
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.schedule import Schedule
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Account, Target
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
        """Count the connections of every target that has a limit, one list for each."""
        by_place: dict[Place, list[Target]] = {}
        for target in reading.shared.account.targets if self._with_room and reading.shared.account else ():
            if target.connections in LIMITS:
                place = target.connections, connections.holder_of(account_id, target)
                by_place.setdefault(place, []).append(target)
        reading.lists = len(by_place)
        for place, targets in by_place.items():
            self._list(account_id, reading, place, targets)
        if not by_place:
            self._found(account_id, reading)

    def _list(self, account_id: ArmId, reading: _Reading, place: Place, targets: list[Target]) -> None:
        async def flow() -> None:
            listing = await connections.list_connections(self._io, *place)
            reading.shared.room.count(targets, listing)

        def then(_: PurviewMpeError | None) -> None:
            # Where the connections cannot be read no limit is known, and Azure refuses what has no room.
            reading.lists -= 1
            if not reading.lists:
                self._found(account_id, reading)

        self._schedule.put("accounts", str(place[1]), Job(flow, then, (Cost("GET", place[1], 1),)))

    def _found(self, account_id: ArmId, reading: _Reading) -> None:
        del self._readings[account_id]
        self._known[account_id] = reading.shared
        for then in reading.waiting:
            then(reading.shared)
