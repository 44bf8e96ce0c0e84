"""The emulator itself: how many requests it answers per second, and whether its memory grows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .figures import Figure, figure
from .processes import run_module

if TYPE_CHECKING:
    from collections.abc import Iterator


def measure(requests: int) -> Iterator[Figure]:
    """Each measurement in its own process; memory only if the operating system reports it."""
    for kind, share, what, unit, against in (
        ("in-process", 5, "emulator in process", "requests/s", "reading the answer alone"),
        ("https", 20, "emulator over HTTPS, two clients", "requests/s", "an answer without work"),
        ("memory", 1, f"memory over {requests:,} requests", "MB", "after the first fifth"),
    ):
        if kind == "memory" and not Path("/proc/self/status").exists():
            continue
        took = run_module("throughput_run", kind=kind, requests=max(20, requests // share))
        yield figure("throughput", what, took["rate"], unit, baseline=took["baseline"], against=against)
