"""Which integration runtime the plan uses: an existing one in the managed virtual network, or a new one."""

from __future__ import annotations

import pytest

from purview_mpe._model.survey import Runtime
from purview_mpe._rules.runtimes import DEFAULT_RUNTIME, IMPLICIT_RUNTIME, runtime_findings, runtime_step
from tests.support.nouns import FACTORY, a_spec

INSIDE = Runtime("ir-vnet", "azure-managed-vnet", "default")
PUBLIC = Runtime("ir-azure", "azure")
SELF_HOSTED = Runtime("ir-self", "self-hosted")
SSIS = Runtime("ir-ssis", "ssis")


@pytest.mark.parametrize(
    ("named", "runtimes", "action", "name"),
    [
        (None, (), "create", DEFAULT_RUNTIME),
        (None, (PUBLIC, SELF_HOSTED, SSIS), "create", DEFAULT_RUNTIME),
        (None, (PUBLIC, INSIDE), "keep", "ir-vnet"),
        (None, (Runtime("Managed-VNET", "azure"),), "conflict", "Managed-VNET"),
        ("ir-new", (INSIDE,), "create", "ir-new"),
        ("IR-vnet", (INSIDE,), "keep", "ir-vnet"),
        ("ir-azure", (INSIDE, PUBLIC), "conflict", "ir-azure"),
        ("ir-self", (SELF_HOSTED,), "conflict", "ir-self"),
        ("ir-ssis", (SSIS,), "conflict", "ir-ssis"),
        (IMPLICIT_RUNTIME, (), "create", IMPLICIT_RUNTIME),
    ],
)
def test_runtime_step(named, runtimes, action, name):
    """Any runtime in the network serves unless the spec names one; a name taken by another kind is a conflict."""
    step = runtime_step(a_spec(runtime=named), runtimes)
    assert (step.action, step.name, step.subject, step.group_id) == (action, name, "runtime", None)
    assert step.resource_id == f"{FACTORY}/integrationRuntimes/{name}"
    assert bool(step.remedy) is (action == "conflict")


@pytest.mark.parametrize(
    ("named", "runtimes", "codes"),
    [
        (None, (), ["runtime-not-used-yet"]),
        (None, (INSIDE,), []),
        (IMPLICIT_RUNTIME.upper(), (), ["implicit-runtime-moves"]),
    ],
)
def test_effect_of_a_new_runtime_is_reported(named, runtimes, codes):
    """A new runtime is not in use yet; AutoResolveIntegrationRuntime moves activities that name no other runtime."""
    spec = a_spec(runtime=named)
    assert [finding.code for finding in runtime_findings(spec, runtime_step(spec, runtimes))] == codes
