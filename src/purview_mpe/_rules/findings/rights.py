"""Findings about what the caller is allowed to do, one for each step whose right can be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._rules.findings.kind import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._model.checkup import RightStep
    from purview_mpe._model.results import Severity

_OWNER = "Do nothing if another person approves; otherwise ask for {role} there."


def _missing(step: RightStep, severity: Severity, what: str, fix: str, why: str = "") -> Kind:
    return Kind(
        link="Rights",
        code=f"may-not-{step}",
        severity=severity,
        message=f"This caller is not allowed to {what}.",
        cause="None of the caller's roles allows it.",
        remedy="Ask an owner for the role {role}: az role assignment create --role {role!r} --assignee YOU --scope "
        "{scope}",
        meaning=f"This caller is not allowed to {what}.",
        why=why,
        fix=fix,
    )


#: By the step whose right is missing. What cannot be read is a separate finding; the other rights need none.
MISSING_RIGHTS: Mapping[RightStep, Kind] = {
    "create": _missing(
        "create",
        "error",
        "create the endpoints",
        "Ask for Data Factory Contributor on the factory; the finding holds the command.",
    ),
    "connect": _missing(
        "connect", "warning", "connect the factory to the account", "Ask for Data Factory Contributor on the factory."
    ),
    "approve-account": _missing(
        "approve-account",
        "info",
        "approve the connection on the Purview account; another person has to",
        _OWNER.format(role="Contributor"),
    ),
    "approve-ingestion": _missing(
        "approve-ingestion",
        "info",
        "approve the ingestion connections of the account; another person has to",
        _OWNER.format(role="Contributor"),
        "None of the caller's roles allows it; the names of some actions are unpublished.",
    ),
    "approve-storage": _missing(
        "approve-storage",
        "info",
        "approve the connections on managed storage; another person has to",
        _OWNER.format(role="Storage Account Contributor"),
    ),
    "approve-namespace": _missing(
        "approve-namespace",
        "info",
        "approve the connection on the managed Event Hubs namespace; another person has to",
        _OWNER.format(role="Contributor"),
    ),
}
