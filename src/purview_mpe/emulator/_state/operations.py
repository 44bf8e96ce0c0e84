"""Long-running operations: what was begun, how it ends, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe.emulator._state.world import World


@dataclass(slots=True)
class Operation:
    """One long-running operation."""

    id: str
    begun: str
    """When it began, as Azure writes times."""
    status: str = "InProgress"
    error: tuple[str, str] | None = None
    """Code and message of what made it fail."""
    ended: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status != "InProgress"


def begin(
    world: World, seconds: float, finish: Callable[[], None], error: Callable[[], tuple[str, str] | None] | None = None
) -> Operation:
    """Begin an operation that ends after a number of seconds.

    `error` is asked at that time whether it fails; `finish` is called if it does not.
    """
    operation = Operation(world.guid(), world.stamp())
    world.operations[operation.id] = operation

    def end() -> None:
        operation.error = error() if error is not None else None
        operation.status = "Failed" if operation.error else "Succeeded"
        operation.ended = world.stamp()
        if operation.error is None:
            finish()

    world.after(seconds, end)
    return operation
