"""A thread that redraws progress while nothing happens, so that the shown time moves on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Ticker:
    """Calls a function at intervals, from `start` to `stop`.

    Args:
        tick: The function.
        every: Seconds between two calls.
    """

    def __init__(self, tick: Callable[[], None], every: float) -> None:
        self._tick, self._every = tick, every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="purview-mpe-progress", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait until the last call is over."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._every):
            self._tick()
