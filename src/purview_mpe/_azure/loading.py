"""The one place where `azure.*` is imported, behind one lock.

Two threads that import `azure.*` packages for the first time at once fail with `_DeadlockError` or `ImportError`,
because azure.core has circular imports (measured with azure-core 1.41: 2 of 3 fresh processes). Once azure.core is
imported, the other packages can follow in any order. The lock covers all of them for simplicity.
"""

from __future__ import annotations

import importlib
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._azure.clients import Azure
    from purview_mpe._azure.options import Colour

_lock = threading.RLock()
#: Modules that are imported completely. They are given without the lock: another import may be holding it.
_loaded: dict[str, Any] = {}
#: Called with the kind of client when a credential is about to be asked for a token; set by `quick_start` alone.
on_sign_in: Callable[[Colour], None] | None = None
#: Called when a client has been made; set by `quick_start` alone.
on_client: Callable[[Azure], None] | None = None


def load(module: str) -> Any:
    """The module, imported if necessary; azure.core always comes first."""
    if (found := _loaded.get(module)) is not None and sys.modules.get(module) is found:
        return found
    with _lock:
        if (found := sys.modules.get(module)) is None:
            importlib.import_module("azure.core")
            found = importlib.import_module(module)
        _loaded[module] = found
        return found
