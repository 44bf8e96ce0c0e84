"""Text from outside is processed in linear time, whatever it contains."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import foreign
from tests.support.processes import unmeasured


@pytest.mark.parametrize("feeder", [feeder.__name__ for feeder, _ in foreign.FEEDERS])
def test_untrusted_text_is_processed_in_linear_time(feeder):
    """Every function finishes a megabyte of the worst input; backtracking would take hours."""
    # Far more than the slowest machine needs; the process itself has a limit on its processor time.
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.foreign", "1800", feeder],
        cwd=Path(__file__).parents[1],
        env=unmeasured(),
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    said = done.stdout.splitlines()
    assert said[-1:] == ["done"], f"{said[-1:]} did not end: {done.stderr[-2000:]}"
