"""New processes that create the four endpoints of a factory, against plain scripts on the SDKs; a command; a worker.

Each of the library's processes runs with and without `quick_start`, except the command, which always calls it.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .figures import Figure, paired
from .processes import run, served

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .processes import Served

_FOLDER = Path(__file__).resolve().parent
_APP = _FOLDER.parents[1] / "docs" / "examples" / "function_app"
_SEQUENTIAL, _JAVASCRIPT, _SDKS = "sequential script", "JavaScript SDK script", "importing the SDKs alone"
_IMPORTS = """
from azure.identity import DefaultAzureCredential
from azure.mgmt.datafactory import DataFactoryManagementClient
from azure.mgmt.purview import PurviewManagementClient
"""


@dataclass(frozen=True, slots=True)
class _Process:
    """One kind of process: its program and its first arguments."""

    program: str
    arguments: tuple[str, ...]

    def seconds(self, azure: Served, factory: str) -> float:
        """Seconds from its start to its end, on a new factory."""
        arguments = (*self.arguments, factory, azure.account, "pv")
        return run(*arguments, environment=azure.environment, program=self.program).seconds


def measure(pairs: int, latencies: Sequence[float] = (0.0, 0.1)) -> Iterator[Figure]:
    """With immediate answers and with answers after 100 ms; in both, Azure creates the endpoints at once."""
    for latency in latencies:
        slow = f"{latency * 1000:.0f} ms per request"
        creating = {
            f"a new process creates all, {slow}": _script("create_all.py"),
            f"the same with quick_start, {slow}": _script("create_all.py", "quick"),
            f"the same with its token at hand, {slow}": _script("create_all.py", "quick", "token"),
            _SEQUENTIAL: _script("sequential.py"),
            **_javascript(),
        }
        yield from _compared(creating, pairs, latency)
        planning = {
            f"the command plans, {slow}": _script("command.py"),
            f"a Functions worker's first invocation plans, {slow}": _script("worker.py", str(_APP)),
            f"the same with quick_start, {slow}": _script("worker.py", str(_APP), "quick"),
            _SDKS: _Process(sys.executable, ("-c", _IMPORTS)),
        }
        yield from _compared(planning, pairs, latency)


def _script(name: str, *arguments: str) -> _Process:
    return _Process(sys.executable, (str(_FOLDER / name), *arguments))


def _javascript() -> dict[str, _Process]:
    """The script on the JavaScript SDKs; empty if Node.js or the SDKs are missing."""
    node, packages = shutil.which("node"), os.environ.get("PURVIEW_MPE_NODE_MODULES")
    if node is None or packages is None:
        return {}
    return {_JAVASCRIPT: _Process(node, (str(_FOLDER / "sequential.mjs"), packages))}


def _compared(processes: dict[str, _Process], pairs: int, latency: float) -> Iterator[Figure]:
    """Each of the library's processes against each baseline; all of them run in turn."""
    # The first round warms the file cache and does not count.
    with served(factories=len(processes) * (pairs + 1), latency=latency, provisioning=0) as azure:
        factories = iter(azure.factories)
        rounds = [
            {name: each.seconds(azure, next(factories)) for name, each in processes.items()} for _ in range(pairs + 1)
        ]
    baselines = [name for name in processes if name in {_SEQUENTIAL, _JAVASCRIPT, _SDKS}]
    for name in processes:
        for baseline in baselines if name not in baselines else ():
            seconds = [(one[name], one[baseline]) for one in rounds[1:]]
            yield paired("cold", name, seconds, "s", against=baseline)
