"""Pauses of up to two seconds of real time where threads take turns, as on a busy machine.

A pytest plugin, which `nox -s pauses` loads: `-p tests.support.pauses --pauses SEED`. A test that passes with it does
not depend on how soon a thread continues. With `--short-pauses`, the pauses are short and many, so that a few runs
cover nearly every order of the threads. Each process draws its pauses from the seed and its own worker's name.
"""

from __future__ import annotations

import functools
import inspect
import os
import random
import threading
import time
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator import VirtualClock
from purview_mpe.emulator._http.transport import AsyncEmulatorTransport, EmulatorTransport
from tests.support.task_hub import TaskHub

if TYPE_CHECKING:
    import pytest

#: A pause lasts up to this many seconds, and one call in this many gets one.
LONG, RARE = 2.0, 1500
SHORT, OFTEN = 0.03, 8

#: The methods with which one thread lets another continue, or finds out that it can.
_TURNS: dict[type, tuple[str, ...]] = {
    VirtualClock: ("now", "sleep", "begin_work", "end_work", "begin_wait", "end_wait", "wake", "settle"),
    EmulatorTransport: ("send",),
    AsyncEmulatorTransport: ("send",),
    TaskHub: ("start", "take", "raise_event", "fire_due", "complete_turn", "complete_activity"),
}


class Pauses:
    """Draws pauses, and counts them."""

    def __init__(self, seed: str, longest: float, rarity: int) -> None:
        self._longest = longest
        self._rarity = rarity
        self._random = random.Random(seed)  # noqa: S311  the same pauses for the same seed
        self._lock = threading.Lock()
        self.count = 0
        self.seconds = 0.0

    def perhaps(self) -> None:
        """Maybe delay the calling thread."""
        with self._lock:
            if self._random.randrange(self._rarity):
                return
            seconds = self._random.uniform(0, self._longest)
            self.count += 1
            self.seconds += seconds
        time.sleep(seconds)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options for the seed and the kind of pauses."""
    parser.addoption("--pauses", default="1", metavar="SEED", help="what the pauses are drawn from")
    parser.addoption("--short-pauses", action="store_true", help="many short pauses instead of few long ones")


def pytest_configure(config: pytest.Config) -> None:
    """Patch every method before the first test."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    kind = (SHORT, OFTEN) if config.getoption("--short-pauses") else (LONG, RARE)
    pauses = Pauses(f"{config.getoption('--pauses')}-{worker}", *kind)
    for owner, names in _TURNS.items():
        for name in names:
            setattr(owner, name, _held_up(getattr(owner, name), pauses))


def _held_up(method: Any, pauses: Pauses) -> Any:
    """The method, after a possible pause."""
    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def begun(*arguments: Any, **options: Any) -> Any:
            pauses.perhaps()
            return await method(*arguments, **options)

    else:

        @functools.wraps(method)
        def begun(*arguments: Any, **options: Any) -> Any:
            pauses.perhaps()
            return method(*arguments, **options)

    return begun
