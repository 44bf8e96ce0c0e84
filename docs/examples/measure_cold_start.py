"""How long a cold start imports, with and without compiled bytecode; prints a table.

Copies the installed packages of this environment to a temporary folder, twice: once as they are without any bytecode,
once compiled with `compileall`. Each measurement is a fresh process that does not write bytecode (`-B`), as on a
read-only file system. It loads what it would load in Azure, `DefaultAzureCredential` included, but has its token at
hand and asks a served emulator, so nothing leaves this machine.
The numbers are processor seconds of that process: what importing costs, without waiting for the network or a disk, and
much the same on a machine that has other things to do.
Run it where this package, its extra `emulator` and `azure-functions` are installed:

    python docs/examples/measure_cold_start.py
"""

from __future__ import annotations

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import purview_mpe
from purview_mpe.emulator import Emulator

RUNS = 10
APP = Path(__file__).resolve().parent / "function_app"
#: What a new process does, one after the other: what is measured is the time of each, without what came before.
STEPS = """
import json, sys, time
clock, seconds = time.process_time, []
def lap(since):
    seconds.append(clock() - since)
    return clock()
now = clock()
import azure.functions as func
now = lap(now)
import os
from provisioning.doors import build
def connect(settings):
    from azure.identity import DefaultAzureCredential
    from purview_mpe import Client
    class Static(DefaultAzureCredential):
        def get_token_info(self, *scopes, options=None):
            from azure.core.credentials import AccessTokenInfo
            return AccessTokenInfo("emulator", int(time.time()) + 3600)
    return Client(Static(), endpoint=settings.endpoint, connection_verify=settings.ca_file)
app = build(os.environ, connect)
now = lap(now)
plan = next(f for f in app.get_functions() if f.get_function_name() == "plan").get_user_function()
now = clock()
assert plan(func.HttpRequest(method="GET", url="/api/plan", body=b"")).status_code == 200
now = lap(now)
assert plan(func.HttpRequest(method="GET", url="/api/plan", body=b"")).status_code == 200
lap(now)
print(json.dumps(seconds))
"""
NAMES = ("the host's own library", "the app is imported", "first invocation", "second invocation")


def main() -> None:
    """Copy, compile, measure, print."""
    emulator = Emulator()
    with tempfile.TemporaryDirectory() as folder, emulator.serve() as server:
        environment = os.environ | {
            "PURVIEW_MPE_FACTORY": str(emulator.factory),
            "PURVIEW_MPE_ACCOUNT": str(emulator.account),
            "PURVIEW_MPE_NAME": "purview",
            "PURVIEW_MPE_ENDPOINT": server.url,
            "PURVIEW_MPE_CA_FILE": str(server.ca_file),
        }
        source, compiled = _copied(Path(folder) / "source"), _copied(Path(folder) / "compiled")
        compileall.compile_dir(
            compiled, quiet=2, workers=0, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
        measured = {kind: _measured(where, environment) for kind, where in (("no", source), ("yes", compiled))}
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors")
    print(f"seconds of processor time, least of {RUNS} fresh processes")
    print(f"{'':24}{'without bytecode':>18}{'with bytecode':>16}")
    for place, name in enumerate(NAMES):
        print(f"{name:24}{measured['no'][place]:>18.2f}{measured['yes'][place]:>16.2f}")


def _copied(target: Path) -> Path:
    """The installed packages and this library, without bytecode."""
    without = shutil.ignore_patterns("__pycache__", "*.pyc", "pip", "setuptools")
    shutil.copytree(sysconfig.get_path("purelib"), target, ignore=without, dirs_exist_ok=True)
    shutil.copytree(Path(purview_mpe.__file__).parent, target / "purview_mpe", ignore=without, dirs_exist_ok=True)
    shutil.copytree(APP, target, ignore=without, dirs_exist_ok=True)
    return target


def _measured(folder: Path, environment: dict[str, str]) -> list[float]:
    laps: list[list[float]] = []
    for _ in range(RUNS):
        done = subprocess.run(
            [sys.executable, "-B", "-S", "-c", STEPS],
            cwd=folder,
            env=environment | {"PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        )
        laps.append([float(lap) for lap in done.stdout.strip().strip("[]").split(",")])
    # The least: whatever else a machine does can only make it more.
    return [min(lap) for lap in zip(*laps, strict=True)]


if __name__ == "__main__":
    main()
