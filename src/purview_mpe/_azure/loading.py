"""The one place where `azure.*` is imported, behind one lock.

Two threads that import `azure.*` packages for the first time at once fail with `_DeadlockError` or `ImportError`,
because azure.core imports itself in a circle (measured with azure-core 1.41: 2 of 3 fresh processes). Once azure.core
is whole, the others may follow in any order; the lock keeps it simple.
"""

from __future__ import annotations

import gc
import importlib
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

_lock = threading.RLock()
#: Whether the command line has the process to itself.
_is_own_process = False


def load(module: str) -> Any:
    """The module, imported if it is not yet; azure.core always first."""
    with _lock:
        if (found := sys.modules.get(module)) is not None:
            return found
        with uncollected():
            importlib.import_module("azure.core")
            return importlib.import_module(module)


@contextmanager
def uncollected() -> Generator[None]:
    """Leave the garbage collector off inside, for imports: they make many objects that stay, and next to no garbage.

    A fifth of the time that the SDKs take to import goes into looking for garbage among their classes (measured). What
    was imported counts as old afterwards, or the next look for young garbage would go through all of it. Whoever has
    switched the collector off, or frozen objects, finds things as they were: the process belongs to the application.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if _is_own_process:
                gc.freeze()
            elif not gc.get_freeze_count():
                # One after the other they move every object to the oldest generation, without looking at any.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def own_process() -> None:
    """Say that the process is this library's own, and ends with its command: it may keep what it has imported.

    Frozen objects are never looked through, which saves a quarter of a short process's time when it ends (measured),
    and never freed, cycles and the files in them included. So an application that imports the library must not have
    its objects frozen, however new its process is.
    """
    global _is_own_process  # noqa: PLW0603 - the collector is the process's, and so is whose process it is
    _is_own_process = True
