"""Many small flows, a bounded number of them at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Coroutine

    from purview_mpe._flows.steps.io import Io

T = TypeVar("T")


async def crowd(
    io: Io, items: deque[T], action: Callable[[T], Coroutine[Any, Any, None]], *, at_once: int | None = None
) -> None:
    """Do the action for every item; `items` is empty afterwards."""
    limit = min(len(items), io.at_once if at_once is None else at_once)
    await io.gather([worker(items, action) for _ in range(limit)])


async def worker(items: deque[T], action: Callable[[T], Coroutine[Any, Any, None]]) -> None:
    """Do the action for one item after the other, until none is left."""
    while True:
        try:
            item = items.popleft()
        except IndexError:  # several threads take items, so checking first would prove nothing
            return
        await action(item)
