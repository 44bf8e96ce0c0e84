"""Decides which integration runtime to use: an existing one in the managed virtual network, or a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model.results import Step
from purview_mpe._rules.findings.factory import IMPLICIT_RUNTIME_MOVES, RUNTIME_NOT_USED_YET

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from purview_mpe._model.results import Action, Finding
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.survey import Runtime

#: The name of the runtime that `onboard` creates if the spec names none.
DEFAULT_RUNTIME = "managed-vnet"
#: The runtime of an activity whose linked services name no integration runtime (docs).
IMPLICIT_RUNTIME = "AutoResolveIntegrationRuntime"
_KINDS = {
    "azure": "an Azure integration runtime outside the managed virtual network",
    "self-hosted": "a self-hosted integration runtime",
    "ssis": "an Azure-SSIS integration runtime",
}


def runtime_step(spec: Spec, runtimes: Sequence[Runtime]) -> Step:
    """The step that provides an Azure integration runtime in the factory's managed virtual network.

    A runtime cannot be moved into the network or out of it (docs), so a runtime of another kind with that name is a
    conflict. If the spec names no runtime, any runtime in the network is used.
    """
    inside = [one for one in runtimes if one.kind == "azure-managed-vnet"]
    if spec.runtime is None and inside:
        return _step(spec, "keep", inside[0].name, "An integration runtime in the managed virtual network exists.")
    name = spec.runtime or DEFAULT_RUNTIME
    existing = next((one for one in runtimes if one.name.casefold() == name.casefold()), None)
    if existing is None:
        return _step(spec, "create", name, "The factory has no such integration runtime.")
    if existing.kind == "azure-managed-vnet":
        return _step(spec, "keep", existing.name, "The integration runtime exists.")
    return _step(
        spec,
        "conflict",
        existing.name,
        f"{existing.name!r} is {_KINDS[existing.kind]}, and an integration runtime cannot be moved.",
        "Set Spec.runtime to a name that is free; the existing runtime is not touched.",
    )


def runtime_findings(spec: Spec, step: Step) -> Iterator[Finding]:
    """Findings about the side effects of creating the runtime."""
    if step.subject != "runtime" or step.action != "create":
        return
    if (spec.runtime or "").casefold() == IMPLICIT_RUNTIME.casefold():
        yield IMPLICIT_RUNTIME_MOVES.found(runtime=IMPLICIT_RUNTIME)
    else:
        yield RUNTIME_NOT_USED_YET.found(runtime=step.name)


def _step(spec: Spec, action: Action, name: str, reason: str, remedy: str | None = None) -> Step:
    return Step(
        action=action,
        subject="runtime",
        name=name,
        resource_id=str(spec.factory_id.child("integrationRuntimes", name)),
        reason=reason,
        remedy=remedy,
    )
