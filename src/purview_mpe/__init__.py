"""Gets Azure Data Factory into a firewalled Microsoft Purview account.

    from purview_mpe import Client, Spec

    spec = Spec(factory="/subscriptions/…/factories/adf-sales", account="/subscriptions/…/accounts/pv", name="purview")
    with Client() as client:
        print(client.plan(spec))
        client.create_all(spec).raise_for_failures()

Importing this package costs next to nothing: neither pydantic nor an Azure SDK is loaded before a name is used, because
serverless functions would pay for it at every cold start.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING

from purview_mpe._version import __version__

if TYPE_CHECKING:
    from purview_mpe import aio as aio
    from purview_mpe import durable as durable
    from purview_mpe import emulator as emulator
    from purview_mpe import errors as errors
    from purview_mpe import notebook as notebook
    from purview_mpe._azure.quick_start import quick_start
    from purview_mpe._client.client import Client
    from purview_mpe._client.files import read_specs
    from purview_mpe._export.formats import ExportFormat, export, export_customer_endpoints
    from purview_mpe._model.checkup import (
        Check,
        Diagnosis,
        OrphanConnection,
        OrphanEndpoint,
        Orphans,
        Right,
        RuntimeCheck,
    )
    from purview_mpe._model.events import Event
    from purview_mpe._model.fleet_looks import FactoryCheck, FactoryPlan, FleetCheck, FleetPlan
    from purview_mpe._model.fleets import FactoryStatus, FleetReport, FleetStatus, FoundSpecs
    from purview_mpe._model.matrix import MATRIX, SCENARIOS, STUDIO, Requirement, requirement, scenario
    from purview_mpe._model.network import Network
    from purview_mpe._model.proof import Link, Proof
    from purview_mpe._model.results import (
        Account,
        Endpoint,
        EndpointStatus,
        ErrorDetail,
        Finding,
        Outcome,
        Plan,
        Report,
        Status,
        Step,
        Target,
    )
    from purview_mpe._model.retry import Retry
    from purview_mpe._model.spec import Spec
    from purview_mpe._rules.budget import Budget, Rate

#: The public modules; `import purview_mpe` gives `purview_mpe.aio.Client`, too.
_MODULES = frozenset({"aio", "durable", "emulator", "errors", "notebook"})
_HOMES = {
    **dict.fromkeys(("Budget", "Rate"), "_rules.budget"),
    **dict.fromkeys(("FactoryCheck", "FactoryPlan", "FleetCheck", "FleetPlan"), "_model.fleet_looks"),
    **dict.fromkeys(("FactoryStatus", "FleetReport", "FleetStatus", "FoundSpecs"), "_model.fleets"),
    "quick_start": "_azure.quick_start",
    "read_specs": "_client.files",
    "Client": "_client.client",
    "Event": "_model.events",
    **dict.fromkeys(("ExportFormat", "export", "export_customer_endpoints"), "_export.formats"),
    **dict.fromkeys(
        ("Check", "Diagnosis", "OrphanConnection", "OrphanEndpoint", "Orphans", "Right", "RuntimeCheck"),
        "_model.checkup",
    ),
    **dict.fromkeys(
        (
            "Account",
            "Endpoint",
            "EndpointStatus",
            "ErrorDetail",
            "Finding",
            "Outcome",
            "Plan",
            "Report",
            "Status",
            "Step",
            "Target",
        ),
        "_model.results",
    ),
    **dict.fromkeys(("MATRIX", "SCENARIOS", "STUDIO", "Requirement", "requirement", "scenario"), "_model.matrix"),
    "Network": "_model.network",
    **dict.fromkeys(("Link", "Proof"), "_model.proof"),
    "Retry": "_model.retry",
    "Spec": "_model.spec",
    # Not for users, but pickles refer to them: pickles of specs with names, and of the emulator's views.
    "ArmId": "_model.arm_id",
    "_Fixed": "_model.spec",
}

__all__ = [
    "MATRIX",
    "SCENARIOS",
    "STUDIO",
    "Account",
    "Budget",
    "Check",
    "Client",
    "Diagnosis",
    "Endpoint",
    "EndpointStatus",
    "ErrorDetail",
    "Event",
    "ExportFormat",
    "FactoryCheck",
    "FactoryPlan",
    "FactoryStatus",
    "Finding",
    "FleetCheck",
    "FleetPlan",
    "FleetReport",
    "FleetStatus",
    "FoundSpecs",
    "Link",
    "Network",
    "OrphanConnection",
    "OrphanEndpoint",
    "Orphans",
    "Outcome",
    "Plan",
    "Proof",
    "Rate",
    "Report",
    "Requirement",
    "Retry",
    "Right",
    "RuntimeCheck",
    "Spec",
    "Status",
    "Step",
    "Target",
    "__version__",
    "export",
    "export_customer_endpoints",
    "quick_start",
    "read_specs",
    "requirement",
    "scenario",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if (home := _HOMES.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
