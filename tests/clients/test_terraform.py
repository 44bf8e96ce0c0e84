"""Terraform with its real providers against the served emulator: apply, plan without changes, destroy.

`nox -s clients` does not install the providers. To run this test, set PURVIEW_MPE_TERRAFORM_PROVIDERS to the folder
with `terraform-provider-azurerm` and `terraform-provider-azapi`, built from their sources or downloaded.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import Served, program, tool

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIGURATION = Path(__file__).with_name("terraform") / "main.tf"


@pytest.fixture
def terraform(served: Served, home: Path) -> Callable[..., str]:
    """Runs terraform with the configuration in its own folder."""
    providers = tool("PURVIEW_MPE_TERRAFORM_PROVIDERS", "a folder with Terraform's providers azurerm and azapi")
    executable = program("terraform")
    overrides = f'"hashicorp/azurerm" = "{providers}"\n"azure/azapi" = "{providers}"'
    settings = f"provider_installation {{\n dev_overrides {{\n{overrides}\n}}\n direct {{}}\n}}\n"
    (home / "rc").write_text(settings, encoding="utf-8")
    (home / "main.tf").write_text(CONFIGURATION.read_text(encoding="utf-8"), encoding="utf-8")
    targets = {group: str(target) for group, target in served.emulator.targets(served.emulator.account).items()}
    variables = {
        **served.server.announcement(),
        "host": served.server.url.removeprefix("https://"),
        "targets": json.dumps({group: target for group, target in targets.items() if group != "account"}),
    }

    def run(*words: str) -> str:
        return served.run(
            [executable, f"-chdir={home}", *words, "-no-color", "-input=false"],
            TF_CLI_CONFIG_FILE=str(home / "rc"),
            SSL_CERT_FILE=served.server.ca_file,
            CHECKPOINT_DISABLE="1",
            **{f"TF_VAR_{name}": str(value) for name, value in variables.items()},
        )

    return run


def test_apply_then_no_changes_then_destroy(served: Served, terraform: Callable[..., str]) -> None:
    """Azurerm creates the account's endpoint, azapi the others and the approval; destroy deletes all of them."""
    emulator = served.emulator
    terraform("apply", "-auto-approve")
    assert {endpoint.group_id for endpoint in emulator.endpoints()} == set(emulator.targets(emulator.account))
    assert [endpoint.status for endpoint in emulator.endpoints() if endpoint.group_id == "account"] == ["Approved"]
    # With this flag the exit code is 0 without changes and 2 with changes.
    terraform("plan", "-detailed-exitcode")
    terraform("destroy", "-auto-approve")
    emulator.clock.sleep(1)
    assert emulator.endpoints() == []
