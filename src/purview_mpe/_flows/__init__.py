"""The verbs, each written once for the sync and the async client.

The parts of a verb run in this order:

1. `steps.reads` reads the Purview account and the factory, concurrently if neither read needs the other;
2. `purview_mpe._rules.planning` (a pure function) decides what is missing;
3. `steps.provisioning` writes the missing endpoints concurrently, then waits for them with one list request per round.

A verb stores no state of its own. If something goes wrong between two of these parts, repeat the call: it reads Azure
before it writes, and so finds what the first run did.

Each assumption about Azure names its source in brackets: (spec) is Azure's OpenAPI files, (docs) Microsoft's
documentation, (SDK source) the source of Azure's SDKs, (recorded) a recording of the real service, (public code) code
that others run against Azure, (measured) a measurement by the authors of this library, and (inferred) a conclusion that
no source confirms.

A verb's module is imported on first use (`_flows.create_all.create_all(…)`), because imports slow down a new process,
and most processes use one verb.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from purview_mpe._flows import (
        approve,
        approve_many,
        check,
        check_many,
        connect,
        create_all,
        create_many,
        delete_all,
        delete_many,
        delete_private_endpoints,
        diagnose,
        discover,
        find_id,
        find_specs,
        grant,
        offboard,
        onboard,
        onboard_many,
        orphans,
        plan,
        plan_many,
        private_endpoints,
        prove,
        status,
        status_many,
    )

__all__ = [
    "approve",
    "approve_many",
    "check",
    "check_many",
    "connect",
    "create_all",
    "create_many",
    "delete_all",
    "delete_many",
    "delete_private_endpoints",
    "diagnose",
    "discover",
    "find_id",
    "find_specs",
    "grant",
    "offboard",
    "onboard",
    "onboard_many",
    "orphans",
    "plan",
    "plan_many",
    "private_endpoints",
    "prove",
    "status",
    "status_many",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
