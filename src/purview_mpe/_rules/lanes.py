"""What a fleet has still to begin: fair to every subscription, and each account is read once.

Used by several workers at once, which are threads in one colour and tasks in the other; so it has a lock, and nothing
in here waits.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from purview_mpe._model.results import Account
    from purview_mpe.errors import PurviewMpeError

T = TypeVar("T")


class Backlog(Generic[T]):
    """Items in lanes, taken in turn from each lane: no subscription waits for another one's limits."""

    def __init__(self, items: Iterable[T], lane_of: Callable[[T], str]) -> None:
        self._lane_of = lane_of
        self._lanes: dict[str, deque[T]] = {}
        self._turns: deque[str] = deque()
        self._accounts: dict[str, Account | PurviewMpeError] = {}
        self._parked: dict[str, list[T]] = {}
        self._lock = threading.Lock()
        for item in items:
            self._put(item)

    def __len__(self) -> int:
        """How many items nobody has taken yet."""
        with self._lock:
            return sum(map(len, self._lanes.values())) + sum(map(len, self._parked.values()))

    @property
    def lanes(self) -> int:
        """How many lanes have items to take."""
        with self._lock:
            return len(self._turns)

    def take(self) -> T | None:
        """The next item; None if there is none at present."""
        with self._lock:
            if not self._turns:
                return None
            lane = self._turns.popleft()
            waiting = self._lanes[lane]
            item = waiting.popleft()
            if waiting:
                self._turns.append(lane)
            return item

    def account(self, key: str, item: T) -> Account | PurviewMpeError | Literal["read it", "come back"]:
        """The account that an item needs, or what reading it has failed with.

        The first who asks is told to read it, and tells what came of that with `found`. Who asks meanwhile need not
        wait: the item is put aside and taken up again when the account is known.
        """
        with self._lock:
            if key in self._accounts:
                return self._accounts[key]
            if key in self._parked:
                self._parked[key].append(item)
                return "come back"
            self._parked[key] = []
            return "read it"

    def found(self, key: str, account: Account | PurviewMpeError, *, is_final: bool = True) -> None:
        """Tell what reading an account has brought; what is not final is tried again by the next who asks."""
        with self._lock:
            if is_final:
                self._accounts[key] = account
            for item in self._parked.pop(key, []):
                self._put(item)

    def _put(self, item: T) -> None:
        lane = self._lane_of(item)
        waiting = self._lanes.setdefault(lane, deque())
        if not waiting:
            self._turns.append(lane)
        waiting.append(item)


def interleaved(items: Sequence[T], lane_of: Callable[[T], str]) -> deque[T]:
    """The items, in turn from each lane."""
    backlog = Backlog(items, lane_of)
    turns: deque[T] = deque()
    while (item := backlog.take()) is not None:
        turns.append(item)
    return turns
