"""Fair order: items in turn from each lane, so that no subscription waits for all factories of another."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


def interleaved(items: Iterable[T], lane_of: Callable[[T], str]) -> deque[T]:
    """The items, in turn from each lane."""
    lanes: dict[str, deque[T]] = {}
    for item in items:
        lanes.setdefault(lane_of(item), deque()).append(item)
    turns, ordered = deque(lanes.values()), deque[T]()
    while turns:
        lane = turns.popleft()
        ordered.append(lane.popleft())
        if lane:
            turns.append(lane)
    return ordered
