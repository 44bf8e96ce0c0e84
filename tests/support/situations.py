"""A situation for `check` with everything in place."""

from __future__ import annotations

from typing import Any

from purview_mpe._model.survey import Permission, Runtime, Situation
from tests.support.nouns import ACCOUNT, FACTORY, TARGETS, a_spec, an_account, an_endpoint

MANAGED = Runtime("AutoResolveIntegrationRuntime", "azure-managed-vnet")
INSIDE = Runtime("ir-vnet", "azure-managed-vnet", "default")
ALL_ENDPOINTS = tuple(
    an_endpoint(f"purview_{target.group_id}" if target.group_id != "account" else "purview", target.group_id)
    for target in TARGETS
)


def a_situation(**fields: Any) -> Situation:
    """Everything is in place except the endpoints; the caller is Owner."""
    scopes = {FACTORY, *(target.resource_id for target in TARGETS)}
    given = {
        "spec": a_spec(),
        "account": an_account(),
        "connected_to": ACCOUNT,
        "networks": ("default",),
        "endpoints": (),
        "runtimes": (MANAGED,),
        "permissions": {scope.casefold(): (Permission(("*",)),) for scope in scopes},
    }
    return Situation(**(given | fields))


def codes(found: Any) -> dict[str, str]:
    """The codes of the findings with their severities."""
    return {finding.code: finding.severity for finding in found.findings}
