"""Fleets on many machines: Azure Durable Functions, the `durabletask` engine, or an executor of your choice.

    app = df.DFApp()
    durable.register_functions(app, connect)        # azure-functions-durable 1.x

    worker = TaskHubGrpcWorker(host_address=…)
    durable.register_worker(worker, connect)        # durabletask

    durable.spread(specs, pool, slots=8)            # processes, Dask

Start the orchestration `FLEET` with `FleetRequest(…).to_input()` as its input; `report_in` reads its output. The same
orchestration runs on every engine. Importing this module loads no engine, no pydantic and no
Azure SDK: each registering function loads what it needs of its engine, and the first activity loads the rest.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from purview_mpe.durable._engine import APPROVAL, FLEET, STOP
from purview_mpe.durable._executors import connect, create_one, create_some
from purview_mpe.durable._functions import register_functions
from purview_mpe.durable._worker import register_worker

if TYPE_CHECKING:
    from purview_mpe.durable._output import pages_in, report_in
    from purview_mpe.durable._request import FleetRequest
    from purview_mpe.durable._spread import spread

__all__ = [
    "APPROVAL",
    "FLEET",
    "STOP",
    "FleetRequest",
    "connect",
    "create_one",
    "create_some",
    "pages_in",
    "register_functions",
    "register_worker",
    "report_in",
    "spread",
]


#: What loads pydantic, and where it is defined.
_LATER = {"FleetRequest": "_request", "pages_in": "_output", "report_in": "_output", "spread": "_spread"}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
