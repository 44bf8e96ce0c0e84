"""Policies that are written once, as steps: the synchronous client calls them, the asynchronous one awaits them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

#: The next step, a call of the credential or a request: returns the result or, with the asynchronous client, an
#: awaitable.
Step: TypeAlias = "Callable[[], Any]"
#: A policy's work on one request; it gets back each step's result or error.
Steps: TypeAlias = "Generator[Step, Any, Any]"


def taken(steps: Steps) -> Any:
    """The result of the work; each step is called."""
    step = next(steps)
    try:
        while True:
            try:
                result = step()
            except Exception as error:  # noqa: BLE001 - passed to the work, which raises what it does not handle
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as done:
        return done.value


async def awaited(steps: Steps) -> Any:
    """The result of the work; each step is awaited."""
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
