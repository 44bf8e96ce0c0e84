"""The clients: what a verb checks before it starts its flow.

A client loads `verbs`, and with it the values that only some verbs need, when its first verb is called.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from purview_mpe._client import verbs

__all__ = ["verbs"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
