"""The pipelines in docs/examples/ci: their commands are valid, and on an emulator they do what the page says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from purview_mpe._cli.main import make_parser
from tests.support.colours import spec_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purview_mpe.emulator import Emulator

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "docs" / "examples" / "ci").glob("*.yml"))

pytest.importorskip("trustme")
pytest.importorskip("cheroot")


def scripts(node: Any) -> Iterator[str]:
    """Every script of a pipeline, in order."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"run", "script", "inlineScript"}:
                yield value
            else:
                yield from scripts(value)
    elif isinstance(node, list):
        for item in node:
            yield from scripts(item)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_command_of_a_pipeline_is_valid(file: Path) -> None:
    """The command line's parser accepts each call."""
    calls = [
        call
        for script in scripts(yaml.safe_load(file.read_text()))
        for call in re.findall(r"purview-mpe ([^|>\n]*)", script.replace("\\\n", " "))
    ]
    assert calls
    for call in calls:
        assert make_parser().parse_args(shlex.split(call)).run


@pytest.fixture
def bash(emulator: Emulator, tmp_path: Path) -> Iterator[Any]:
    """Runs a script as the CI runner does, with the command of this checkout, against a served emulator."""
    command = tmp_path / "bin" / "purview-mpe"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m purview_mpe "$@"\n')
    command.chmod(0o755)
    (tmp_path / "purview.json").write_text(spec_for(emulator).model_dump_json())
    (tmp_path / "plan").mkdir()
    with emulator.serve() as server:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("PURVIEW_MPE_", "AZURE_"))},
            "PATH": f"{command.parent}:{os.environ['PATH']}",
            "PURVIEW_MPE_ENDPOINT": server.url,
            "PURVIEW_MPE_CA": server.ca_file,
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "PIPELINE_WORKSPACE": str(tmp_path),
        }

        def run(script: str) -> subprocess.CompletedProcess[str]:
            words = ["bash", "-e", "-o", "pipefail", "-c", script]
            return subprocess.run(
                words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
            )

        yield run


def of(name: str) -> list[str]:
    [file] = [file for file in FILES if file.stem == name]
    return [script for script in scripts(yaml.safe_load(file.read_text())) if "purview-mpe " in script]


def test_the_github_pipeline_plans_and_applies(bash: Any, tmp_path: Path) -> None:
    """The first plan reports changes, in the summary, too; a plan after the second job reports none."""
    plan, create, status = of("github-actions")
    assert bash(plan).returncode == 0
    assert (tmp_path / "output").read_text() == "changes=true\n"
    assert "## Plan: 4 to create" in (tmp_path / "summary.md").read_text()
    assert bash(create).returncode == 0
    assert bash(status).returncode == 0  # 4, pending approval, does not fail the job
    assert "## Status: " in (tmp_path / "summary.md").read_text()
    assert bash(plan).returncode == 0
    assert (tmp_path / "output").read_text() == "changes=true\nchanges=false\n"


def test_the_azure_devops_pipeline_plans_and_applies(bash: Any, tmp_path: Path) -> None:
    """It uses the logging commands of Azure DevOps."""
    plan, create = of("azure-pipelines")
    planned = bash(plan)
    assert planned.returncode == 0
    assert f"##vso[task.uploadsummary]{tmp_path}/plan.md" in planned.stdout
    assert "variable=changes;isOutput=true]true" in planned.stdout
    (tmp_path / "plan.json").rename(tmp_path / "plan" / "plan.json")
    assert bash(create).returncode == 0
    assert "isOutput=true]false" in bash(plan).stdout


def test_a_failed_plan_ends_the_job(bash: Any, emulator: Emulator) -> None:
    """A missing right does not count as a change to approve."""
    emulator.restrict("none")
    for script in (of("github-actions")[0], of("azure-pipelines")[0]):
        assert bash(script).returncode == 5


def test_the_pre_commit_hook_runs_an_existing_command() -> None:
    """`.pre-commit-hooks.yaml` names the verb, and the files that the page mentions."""
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert make_parser().parse_args([*shlex.split(hook["entry"])[1:], "fleet.csv"]).run
    for name in ("purview.json", "fleets/fleet-eu.csv"):
        assert re.search(hook["files"], name)
    assert not re.search(hook["files"], "package.json")
    assert hook["id"] in (ROOT / "docs" / "howto" / "in-ci.md").read_text()
