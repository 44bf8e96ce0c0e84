"""The nouns: what users pass in, what exists in Azure, and what the verbs return. Imports only pydantic.

`_model.fleets.FleetReport` loads the module when the name is used. Defining the nouns of a module takes some
milliseconds, and a verb needs few of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from purview_mpe._model import fleet_looks, fleets, survey

__all__ = ["fleet_looks", "fleets", "survey"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
