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


def test_every_format_can_be_asked_for() -> None:
    """The command knows the formats of the library, without loading it for its help."""
    assert get_args(ExportFormat) == FORMATS


@pytest.mark.parametrize("code", FORMATS)
def test_stdout_gets_the_code_and_nothing_else(shell: Any, code: str) -> None:
    """What the library's `export` gives, ready to be redirected."""
    ended = shell.ends("export", "--format", code)
    plan = Plan.model_validate(shell.ends("plan").json)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == export(plan, code).rstrip("\n") + "\n"  # type: ignore[arg-type]
    assert shell.emulator.writes == []


def test_a_plan_file_needs_no_azure(shell: Any, plan_file: str, tmp_path: Path) -> None:
    """With `--plan` nothing is asked; `--out` writes a file."""
    asked = len(shell.emulator.requests)
    file = tmp_path / "main.json"
    ended = shell.run("export", "--plan", plan_file, "--format", "arm", "--out", str(file))
    assert (ended.code, ended.out) == (0, "")
    assert len(json.loads(file.read_text())["resources"]) >= 4
    assert len(shell.emulator.requests) == asked


def test_a_plan_has_its_own_spec(shell: Any, plan_file: str) -> None:
    """`--plan` beside the options of a spec is refused."""
    ended = shell.ends("export", "--plan", plan_file, "--format", "arm")
    assert ended.code == 2
    assert "--plan: already holds a spec" in ended.said


def test_endpoints_of_ones_own_go_into_a_subnet(shell: Any, plan_file: str) -> None:
    """With `--own-subnet` the code is about private endpoints in that network, and DNS zones."""
    subnet = f"{shell.spec.factory.partition('/providers')[0]}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
    own = ("--own-subnet", subnet, "--own-location", "westeurope", "--own-approval", "manual")
    ended = shell.run("export", "--plan", plan_file, "--format", "bicep", *own)
    assert ended.code == 0
    assert "privatelink.purview.azure.com" in ended.out
    assert "manualPrivateLinkServiceConnections" in ended.out


def test_the_groups_of_the_command_are_those_of_the_code(shell: Any) -> None:
    """`--groups` chooses the endpoints of one's own as well, the browser's among them."""
    subnet = f"{shell.spec.factory.partition('/providers')[0]}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
    own = ("--own-subnet", subnet, "--own-location", "westeurope", "--groups", "account,portal")
    ended = shell.ends("export", "--format", "arm", *own)
    made = [each["name"] for each in json.loads(ended.out)["resources"] if each["type"].endswith("/privateEndpoints")]
    assert [name.rpartition("-")[2] for name in made] == ["account", "portal"]


def test_the_cloud_of_the_command_is_that_of_the_code(shell: Any, plan_file: str) -> None:
    """`--cloud` reaches the providers of the code."""
    ended = shell.run("export", "--plan", plan_file, "--format", "terraform", "--cloud", "us-government")
    assert 'environment     = "usgovernment"' in ended.out


@pytest.mark.parametrize("half", [("--own-subnet", "x"), ("--own-location", "westeurope")])
def test_half_a_network_is_refused(shell: Any, plan_file: str, half: tuple[str, str]) -> None:
    """Subnet and location go together."""
    ended = shell.run("export", "--plan", plan_file, "--format", "bicep", *half)
    assert ended.code == 2
    assert "--own-subnet: and --own-location go together" in ended.said
