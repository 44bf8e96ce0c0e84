"""Long-running operations: their start, end and result."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from purview_mpe.emulator._state.nouns import Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe.emulator._state.world import World


Finish: TypeAlias = "Callable[[], None]"


def begin(
    world: World, seconds: float, finish: Callable[[], None], error: Callable[[], tuple[str, str] | None] | None = None
) -> Operation:
    """Begin an operation that ends after a number of seconds.

    At that time `error` is called to decide whether it fails; if not, `finish` is called.
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
