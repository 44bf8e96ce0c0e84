"""Python code in a new process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import purview_mpe


def unmeasured() -> dict[str, str]:
    """The environment for a process that coverage does not measure, because tracing takes most of its time."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS_")}


def in_a_fresh_process(code: str, *, warnings: str = "error") -> str:
    """The output of the code; the caller fails if the code fails."""
    environment = unmeasured() | {"PYTHONPATH": str(Path(purview_mpe.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-W", warnings, "-c", textwrap.dedent(code)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
