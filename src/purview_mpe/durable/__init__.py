"""Fleets on many machines: Azure Durable Functions, the `durabletask` engine, or an executor of your choice.

    app = df.DFApp()
    durable.register_functions(app, connect)        # azure-functions-durable 1.x

    worker = TaskHubGrpcWorker(host_address=…)
    durable.register_worker(worker, connect)        # durabletask

    pool.map(durable.create_one, specs)             # processes, Dask

Start the orchestration `FLEET` with `FleetRequest(…).model_dump(mode="json")` as its input; its output is the JSON of a
`FleetReport`. The same orchestration runs on every engine. Importing this module loads no engine, no pydantic and no
Azure SDK: each registering function loads what it needs of its engine, and the first activity loads the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe.durable._engine import APPROVAL, FLEET
from purview_mpe.durable._executors import connect, create_one
from purview_mpe.durable._functions import register_functions
from purview_mpe.durable._worker import register_worker

if TYPE_CHECKING:
    from purview_mpe.durable._request import FleetRequest

__all__ = [
    "APPROVAL",
    "FLEET",
    "FleetRequest",
    "connect",
    "create_one",
    "register_functions",
    "register_worker",
]


def __getattr__(name: str) -> object:
    if name != "FleetRequest":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from purview_mpe.durable._request import FleetRequest  # noqa: PLC0415 - it loads pydantic

    globals()[name] = FleetRequest
    return FleetRequest


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
