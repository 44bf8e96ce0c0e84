"""A new process that makes the four endpoints of one factory and ends, against a plain script on the same SDKs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .figures import Figure, paired
from .processes import run, served

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FOLDER = Path(__file__).resolve().parent


def measure(pairs: int, latencies: Sequence[float] = (0.0, 0.1)) -> Iterator[Figure]:
    """With an answer at once, and after 100 ms; Azure makes the endpoints at once in both."""
    for latency in latencies:
        # The first pair of each warms the file cache and is not counted.
        with served(factories=2 * (pairs + 1), latency=latency, provisioning=0) as azure:
            factories = iter(azure.factories)
            seconds = [
                tuple(
                    run(
                        str(_FOLDER / script), next(factories), azure.account, "pv", environment=azure.environment
                    ).seconds
                    for script in ("create_all.py", "sequential.py")
                )
                for _ in range(pairs + 1)
            ][1:]
        what = f"a new process creates all, {latency * 1000:.0f} ms per request"
        yield paired("cold", what, [(ours, theirs) for ours, theirs in seconds], "s", against="sequential script")
