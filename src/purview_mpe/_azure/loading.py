"""The one place where `azure.*` is imported, behind one lock.

Two threads that import `azure.*` packages for the first time at once fail with `_DeadlockError` or `ImportError`,
because azure.core has circular imports (measured with azure-core 1.41: 2 of 3 fresh processes). Once azure.core is
imported, the other packages can follow in any order. The lock covers all of them for simplicity.
"""

from __future__ import annotations

import importlib
import sys
import threading
from typing import Any

_lock = threading.RLock()


def load(module: str) -> Any:
    """The module, imported if necessary; azure.core always comes first."""
    with _lock:
        if (found := sys.modules.get(module)) is not None:
            return found
        importlib.import_module("azure.core")
        return importlib.import_module(module)
