"""A figure with its baseline, as text and as JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement beside another one from the same run."""

    bench: str
    what: str
    value: float
    unit: str
    baseline: float
    against: str
    """The name of the baseline."""
    ratio: float
    """The value divided by the baseline; for paired measurements, the median of the pairs' ratios."""


def figure(bench: str, what: str, value: float, unit: str, *, baseline: float, against: str) -> Figure:
    """A figure from single measurements."""
    return Figure(bench, what, value, unit, baseline, against, value / baseline)


def paired(bench: str, what: str, pairs: Sequence[tuple[float, float]], unit: str, *, against: str) -> Figure:
    """A figure from measurements in turn with their baseline, so that a busy moment affects both."""
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    return Figure(bench, what, ours, unit, theirs, against, ratio)


def table(figures: Iterable[Figure]) -> str:
    """The figures as a table for people."""
    rows = [("", "what", "value", "baseline", "", "ratio")]
    rows += [
        (
            each.bench,
            each.what,
            f"{_short(each.value)} {each.unit}",
            f"{_short(each.baseline)} {each.unit}",
            each.against,
            f"{each.ratio:.3f}",
        )
        for each in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    numeric = {2, 3, 5}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in numeric else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def as_json(figures: Iterable[Figure]) -> str:
    """The figures as JSON, with the machine that measured them."""
    document: dict[str, Any] = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": platform.system(),
        "processors": os.cpu_count(),
        "figures": [asdict(each) for each in figures],
    }
    return json.dumps(document, indent=2) + "\n"


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
