"""What every verb does around its own work: say when it starts and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from purview_mpe._events import Event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from purview_mpe._flows.io import Io

T = TypeVar("T")


async def narrated(io: Io, verb: str, flow: Callable[[Io], Awaitable[T]]) -> T:
    """The flow's result, with `started` and `finished` told around it."""
    began = io.now()
    io.tell(Event(kind="started", verb=verb, seconds=0.0, message=f"{verb} started"))
    try:
        result = await flow(io)
    except BaseException as error:
        io.tell(_finished(verb, io.now() - began, f"{verb} ended with {type(error).__name__}"))
        raise
    io.tell(_finished(verb, io.now() - began, f"{verb} finished"))
    return result


def _finished(verb: str, seconds: float, message: str) -> Event:
    return Event(kind="finished", verb=verb, seconds=seconds, message=message)
