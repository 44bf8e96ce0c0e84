"""A presence roll and a reader for it, for tests of who is at work."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.support.scripted import READING, Runner, Script, Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe.emulator import Emulator


def on(emulator: Emulator, runner: Runner, flow: Callable[[Any], Any], credential: Any = None, **options: Any) -> Any:
    """The result of a flow inside a verb, on an emulator."""
    if runner.is_sync:
        credential, transport = credential or emulator.credential, emulator.transport()
    else:
        credential, transport = credential or emulator.async_credential, emulator.async_transport()
    azure = runner.azure(None, credential, transport=transport)

    async def verb(io: Any) -> Any:
        with io.verb("test"):
            return await flow(io)

    return runner.flow(azure, verb, **options)


async def read(io: Any, emulator: Emulator) -> Any:
    """One request."""
    return await io.read(READING, lambda az: az.purview(emulator.account).accounts.get("rg1", "pv1"))


class Roll(Transport):
    """A transport that asks for presence, and notes what it gets."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.works: Counter[threading.Thread] = Counter()
        self.waits: Counter[threading.Thread] = Counter()
        self.most = 0
        self._lock = threading.Lock()

    def begin_work(self, thread: threading.Thread) -> None:
        with self._lock:
            self.works[thread] += 1
            self.most = max(self.most, len(+self.works))

    def end_work(self, thread: threading.Thread) -> None:
        with self._lock:
            self.works[thread] -= 1

    def begin_wait(self, thread: threading.Thread) -> None:
        self.waits[thread] += 1

    def end_wait(self, thread: threading.Thread) -> None:
        self.waits[thread] -= 1

    def sleep_unless(self, event: threading.Event, duration: float) -> None:
        event.wait(duration)

    def wake(self, thread: threading.Thread) -> None:
        """Called to wake sleepers, of which this roll has none."""
