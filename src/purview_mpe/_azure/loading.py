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
#: So many full collections show that a process has come further than its imports.
_NEW = 3
#: Whether objects are frozen because of us.
_has_frozen = False


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

    A fifth of the time that the SDKs take to import goes into looking for garbage among their classes, and a quarter of
    a short process's time into looking through them once more when it ends (measured). So in a process that has just
    begun, whatever is there afterwards is frozen: it is the interpreter and what was imported, and stays to the end. In
    a process that has worked already it counts as old, or the next look for young garbage would go through all of it.
    Whoever has switched the collector off, or frozen objects, finds things as they were.
    """
    global _has_frozen  # noqa: PLW0603 - the collector is the process's, and so is what was done to it
    was_on, is_new = gc.isenabled(), _process_is_new()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            # How many are frozen takes long to count where there are many, so it is asked until there are some of ours.
            is_ours_to_say = _has_frozen or not gc.get_freeze_count()
            if is_new and is_ours_to_say:
                gc.freeze()
                _has_frozen = True
            elif is_ours_to_say and not _has_frozen:
                # One after the other they move every object to the oldest generation, without looking at any.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def _process_is_new() -> bool:
    """Whether no more is there than an interpreter and some modules.

    The collector goes through everything once for each quarter that is added to what there is, beginning with some
    70,000 objects (CPython), so the number of times tells how much there can be.
    """
    return bool(gc.get_stats()[-1]["collections"] < _NEW)
