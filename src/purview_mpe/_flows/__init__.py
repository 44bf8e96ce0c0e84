"""The verbs, each written once for the sync and the async client.

A verb runs in this order, and every part is a module here:

1. `steps.reads` reads: the Purview account and the factory, at once where neither needs the other;
2. `purview_mpe._rules.planning` (a pure function) decides what is missing;
3. `steps.provisioning` writes the missing endpoints at once and waits for all of them with one list per round.

If something goes wrong between two of these steps, the verb reads Azure again and never relies on stored state: a
repeated run finds what the first one did. So a repeated call always reads before it writes.

A verb's module is imported on first use, because imports slow down a new process, and most processes use one verb:
`_flows.create_all.create_all(…)`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from purview_mpe._flows import (
        approve,
        approve_many,
        check,
        connect,
        create_all,
        create_many,
        delete_all,
        delete_private_endpoints,
        diagnose,
        discover,
        find_specs,
        grant,
        offboard,
        onboard,
        onboard_many,
        orphans,
        plan,
        private_endpoints,
        prove,
        status,
        status_many,
    )

__all__ = [
    "approve",
    "approve_many",
    "check",
    "connect",
    "create_all",
    "create_many",
    "delete_all",
    "delete_private_endpoints",
    "diagnose",
    "discover",
    "find_specs",
    "grant",
    "offboard",
    "onboard",
    "onboard_many",
    "orphans",
    "plan",
    "private_endpoints",
    "prove",
    "status",
    "status_many",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
