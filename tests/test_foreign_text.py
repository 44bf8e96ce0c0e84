"""Text from outside takes time in proportion to it, however it is made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_no_text_from_outside_keeps_the_process_busy():
    """A megabyte of the worst input ends for every function: what goes back over a text would need hours for one."""
    # Far more than the slowest machine needs; the process itself has a limit on its processor time.
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.foreign", "1800"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    said = done.stdout.splitlines()
    assert said[-1:] == ["done"], f"{said[-1:]} did not end: {done.stderr[-2000:]}"
