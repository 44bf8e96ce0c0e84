"""The one place where `azure.*` is imported, behind one lock.

Two threads that import `azure.*` packages for the first time at once fail with `_DeadlockError` or `ImportError`,
because azure.core imports itself in a circle (measured with azure-core 1.41: 2 of 3 fresh processes). Once azure.core
is whole, the others may follow in any order; the lock keeps it simple.
"""

from __future__ import annotations

import gc
import importlib
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

_lock = threading.RLock()


def load(module: str) -> Any:
    """The module, imported if it is not yet; azure.core always first."""
    with _lock, uncollected():
        importlib.import_module("azure.core")
        return importlib.import_module(module)


@contextmanager
def uncollected() -> Generator[None]:
    """Leave the garbage collector off inside, for imports: they make many objects that stay, and next to no garbage.

    A fifth of the time that the SDKs take to import goes into looking for garbage among their classes (measured).
    What was made inside counts as old afterwards, or the next look for young garbage would go through all of it.
    Whoever has switched the collector off, or frozen objects, finds things as they were.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():
                # One after the other they move every object to the oldest generation, without looking at any.
                gc.freeze()
                gc.unfreeze()
            gc.enable()
