"""Policies that are written once for both clients: as steps, which one client takes and the other awaits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

#: What is done next, asking a credential or sending a request: gives the result, or with the asynchronous client
#: something to await.
Step: TypeAlias = "Callable[[], Any]"
#: A policy's work on one request; each step's result, or its error, comes back into it.
Steps: TypeAlias = "Generator[Step, Any, Any]"


def taken(steps: Steps) -> Any:
    """What the work comes to, each step taken as it is."""
    step = next(steps)
    try:
        while True:
            try:
                result = step()
            except Exception as error:  # noqa: BLE001 - handed to the work, which passes on what it does not handle
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as done:
        return done.value


async def awaited(steps: Steps) -> Any:
    """What the work comes to, each step awaited."""
    step = next(steps)
    try:
        while True:
            try:
                result = await step()
            except Exception as error:  # noqa: BLE001 - as above
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as done:
        return done.value
