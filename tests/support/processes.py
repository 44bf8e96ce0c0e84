"""Python code in a new process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import purview_mpe


def in_a_fresh_process(code: str, *, warnings: str = "error") -> str:
    """The output of the code; the caller fails if the code fails."""
    environment = os.environ | {"PYTHONPATH": str(Path(purview_mpe.__file__).parents[1])}
    environment.pop("COVERAGE_PROCESS_START", None)
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
