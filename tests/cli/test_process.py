"""The command as a process: what it loads, and how it ends."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import purview_mpe
from purview_mpe import __main__
from purview_mpe._cli import process
from purview_mpe._cli.verbs import VERBS

HEAVY = ("azure", "pydantic", "requests", "aiohttp", "tenacity", "purview_mpe._model.results", "purview_mpe.emulator")


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], text=True, capture_output=True, check=False, timeout=60)


@pytest.mark.parametrize(
    "argv",
    [["--help"], ["--version"], ["completion", "bash"], *([verb.name, "--help"] for verb in VERBS), ["nonsense"]],
)
def test_help_loads_nothing_heavy(argv: list[str]) -> None:
    """Help, version and completion answer without pydantic and without an Azure SDK."""
    ran = python(
        "-c",
        "import sys, json; from purview_mpe._cli.main import main; main(sys.argv[1:]);"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)",
        *argv,
    )
    loaded = json.loads(ran.stderr.splitlines()[-1])
    assert [name for name in loaded if name.startswith(HEAVY)] == []


def test_the_demo_runs_as_a_module() -> None:
    """`python -m purview_mpe demo -o json` prints one report and nothing else."""
    ran = python("-m", "purview_mpe", "demo", "-o", "json")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(json.loads(ran.stdout)["outcomes"]) == 4


def test_ctrl_c_during_the_imports_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command prints one line, as after the imports."""

    def interrupted(_name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(process.importlib, "import_module", interrupted)
    assert process.main() == 130
    assert capsys.readouterr().err == "Interrupted. Nothing was written.\n"


def test_the_module_ends_with_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m purview_mpe` is the command."""
    monkeypatch.setattr(sys, "argv", ["purview-mpe", "plan"])
    with pytest.raises(SystemExit) as ended:
        # By its path: runpy cannot load the package, because pytest rewrites assertions in packages with a plugin.
        runpy.run_path(str(Path(purview_mpe.__file__).with_name("__main__.py")), run_name="__main__")
    assert ended.value.code == 2


@pytest.mark.parametrize(("argv", "codes"), [(["demo"], {141}), (["--help"], {0, 141})])
def test_closed_pipe_prints_no_error(argv: list[str], codes: set[int]) -> None:
    """After `| head -1` closes the pipe, the command ends with 141 and no error message; argparse can end with 0."""
    running = subprocess.Popen(
        [sys.executable, "-m", "purview_mpe", *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    printed = running.stderr.read()
    running.stderr.close()
    assert running.wait(60) in codes
    assert "Error" not in printed
    assert "Exception" not in printed


@pytest.mark.parametrize("argv", [["--version"], ["plan"], ["demo"]])
def test_command_sets_up_the_collector_of_its_own_process(argv: list[str]) -> None:
    """The command raises the collector's threshold and freezes its objects."""
    ran = python(
        "-c",
        "import gc, sys; from purview_mpe._cli.process import main; before = gc.get_threshold(); main();"
        "print(gc.isenabled(), gc.get_threshold()[0] > before[0], gc.get_freeze_count() > 0, file=sys.stderr)",
        *argv,
    )
    assert ran.stderr.splitlines()[-1] == "True True True"


def test_installed_command_is_the_process() -> None:
    """The console script and `python -m purview_mpe` call the same function."""
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {"purview-mpe": f"{process.__name__}:{process.main.__name__}"}
    assert "from purview_mpe._cli.process import main" in Path(__main__.__file__).read_text(encoding="utf-8")
