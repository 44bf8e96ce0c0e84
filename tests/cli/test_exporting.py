"""`purview-mpe export`: a plan as code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import pytest

from purview_mpe import ExportFormat, Plan, export
from purview_mpe._cli.exporting import FORMATS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def plan_file(shell: Any, tmp_path: Path) -> str:
    """A plan as `plan --out` writes it."""
    file = tmp_path / "plan.json"
    shell.ends("plan", "--out", str(file))
    return str(file)


def test_command_offers_every_export_format() -> None:
    """The command's list of formats equals the library's."""
    assert get_args(ExportFormat) == FORMATS


@pytest.mark.parametrize("code", FORMATS)
def test_stdout_gets_the_code_and_nothing_else(shell: Any, code: str) -> None:
    """Stdout is the result of the library's `export`, ready to be redirected."""
    ended = shell.ends("export", "--format", code)
    plan = Plan.model_validate(shell.ends("plan").json)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == export(plan, code).rstrip("\n") + "\n"  # type: ignore[arg-type]
    assert shell.emulator.writes == []


def test_a_plan_file_needs_no_azure(shell: Any, plan_file: str, tmp_path: Path) -> None:
    """With `--plan`, no request is sent; `--out` writes a file."""
    asked = len(shell.emulator.requests)
    file = tmp_path / "main.json"
    ended = shell.run("export", "--plan", plan_file, "--format", "arm", "--out", str(file))
    assert (ended.code, ended.out) == (0, "")
    assert len(json.loads(file.read_text())["resources"]) >= 4
    assert len(shell.emulator.requests) == asked


def test_plan_and_spec_options_together_are_refused(shell: Any, plan_file: str) -> None:
    """`--plan` with the options of a spec is refused."""
    ended = shell.ends("export", "--plan", plan_file, "--format", "arm")
    assert ended.code == 2
    assert "--plan: already holds a spec" in ended.said


def test_own_subnet_exports_private_endpoints(shell: Any, plan_file: str) -> None:
    """With `--own-subnet`, the code contains private endpoints in that subnet and their DNS zones."""
    subnet = f"{shell.spec.factory.partition('/providers')[0]}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
    own = ("--own-subnet", subnet, "--own-location", "westeurope", "--own-approval", "manual")
    ended = shell.run("export", "--plan", plan_file, "--format", "bicep", *own)
    assert ended.code == 0
    assert "privatelink.purview.azure.com" in ended.out
    assert "manualPrivateLinkServiceConnections" in ended.out


def test_groups_choose_the_exported_private_endpoints(shell: Any) -> None:
    """`--groups` also chooses the private endpoints in the caller's network, including `portal`."""
    subnet = f"{shell.spec.factory.partition('/providers')[0]}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
    own = ("--own-subnet", subnet, "--own-location", "westeurope", "--groups", "account,portal")
    ended = shell.ends("export", "--format", "arm", *own)
    made = [each["name"] for each in json.loads(ended.out)["resources"] if each["type"].endswith("/privateEndpoints")]
    assert [name.rpartition("-")[2] for name in made] == ["account", "portal"]


def test_cloud_is_in_the_exported_code(shell: Any, plan_file: str) -> None:
    """`--cloud` reaches the providers of the code."""
    ended = shell.run("export", "--plan", plan_file, "--format", "terraform", "--cloud", "us-government")
    assert 'environment     = "usgovernment"' in ended.out


@pytest.mark.parametrize("half", [("--own-subnet", "x"), ("--own-location", "westeurope")])
def test_own_subnet_and_location_need_each_other(shell: Any, plan_file: str, half: tuple[str, str]) -> None:
    """Each option without the other is refused."""
    ended = shell.run("export", "--plan", plan_file, "--format", "bicep", *half)
    assert ended.code == 2
    assert "--own-subnet: and --own-location go together" in ended.said
