"""New processes, and the served emulator that they use."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.processes import unmeasured

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

_SERVE = """
import json, sys
from purview_mpe.emulator import Emulator
options = json.loads(sys.argv[1])
count = options.pop("factories")
emulator = Emulator(**options)
names = [str(emulator.add_factory(f"adf-{n:05}", purview_account=emulator.account)) for n in range(count)]
with emulator.serve() as server:
    print(json.dumps({"url": server.url, "ca_file": server.ca_file, "account": str(emulator.account), "factories": names}), flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True, slots=True)
class Finished:
    """The result of a process."""

    seconds: float
    """Wall-clock time from its start to its end."""
    printed: str


@dataclass(frozen=True, slots=True)
class Served:
    """An emulator in its own process, as Azure would be."""

    url: str
    ca_file: str
    account: str
    factories: list[str]

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that let `DefaultAzureCredential()` sign in to the emulator as a managed identity."""
        return {
            "AZURE_ENDPOINT": self.url,
            "REQUESTS_CA_BUNDLE": self.ca_file,
            "NODE_EXTRA_CA_CERTS": self.ca_file,
            "IDENTITY_ENDPOINT": f"{self.url}/metadata/identity/oauth2/token",
            "IDENTITY_HEADER": "any",
        }


def run(*arguments: str, environment: Mapping[str, str] | None = None, program: str = sys.executable) -> Finished:
    """Run one process, by default Python, from its start to its end."""
    began = time.perf_counter()
    done = subprocess.run(
        [program, *arguments],
        env=unmeasured() | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments[:3])} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return Finished(seconds, done.stdout)


def run_module(module: str, **options: Any) -> Any:
    """Run a module of this folder in its own process, so that it can measure itself, above all its peak memory."""
    return json.loads(run("-m", f"{__package__}.{module}", json.dumps(options)).printed)


@contextmanager
def served(**options: Any) -> Generator[Served]:
    """The emulator over HTTPS; `factories` is their number, and the rest are options of `Emulator`."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVE, json.dumps(options)],
        env=unmeasured(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield Served(**json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()
