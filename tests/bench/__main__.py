"""`nox -s bench -- [BENCH …] [--json FILE] [--pairs N] [--sizes N …] …`: measures, and prints a table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import asked, cold, fleets, imports, throughput, waiting, warm
from .figures import Figure, as_json, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the requested benches."""
    parser = _parser()
    given = parser.parse_args(arguments)
    benches = _benches(given)
    if unknown := [name for name in given.benches if name not in benches]:
        parser.error(f"there is no bench {unknown[0]!r}; there are {', '.join(benches)}")
    figures: list[Figure] = []
    for name in given.benches or benches:
        print(f"{name} …", file=sys.stderr, flush=True)
        figures += benches[name]()
    print(table(figures))
    if given.json:
        given.json.write_text(as_json(figures), encoding="utf-8")


def _benches(given: argparse.Namespace) -> dict[str, Callable[[], Iterator[Figure]]]:
    return {
        "cold": lambda: cold.measure(given.pairs),
        "warm": lambda: warm.measure(given.pairs),
        "waiting": lambda: waiting.measure(given.pairs),
        "asked": asked.measure,
        "fleets": lambda: fleets.measure(given.sizes, given.colours),
        "imports": lambda: imports.measure(given.pairs),
        "throughput": lambda: throughput.measure(given.requests),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nox -s bench --", description="Measures the library; no figure is judged.")
    names = list(_benches(argparse.Namespace()))
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=f"any of {', '.join(names)}; all if none is named")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file as well")
    parser.add_argument("--pairs", type=_count, default=9, metavar="N", help="how often to measure what varies")
    sizes = (10, 100, 1000, 10_000)
    parser.add_argument("--sizes", type=_count, nargs="+", default=sizes, metavar="N", help="factories of each fleet")
    colours = ("sync", "async")
    parser.add_argument(
        "--colours", choices=colours, nargs="+", default=colours, help="of the clients that make fleets"
    )
    parser.add_argument("--requests", type=_count, default=100_000, metavar="N", help="to the emulator, for its memory")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    main()
