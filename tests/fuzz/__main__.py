"""`nox -s fuzz -- [--inputs N] [--seed S]`: runs the inputs, and prints a table of them."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING

from . import answers, arguments, command_line, files, nouns, orchestration
from .subject import TYPED, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

#: Every entry with its weight; quick entries are drawn more often.
ENTRIES: dict[str, tuple[Callable[[Subject, Random], None], int]] = {
    "spec": (arguments.spec, 14),
    "ids and names": (arguments.ids_and_names, 8),
    "arguments of verbs": (arguments.verbs, 8),
    "arguments of functions": (arguments.functions, 8),
    "spans of time": (arguments.since, 1),
    "spec file": (nouns.spec, 12),
    "plan file": (nouns.plan, 8),
    "plan file exported": (nouns.exports, 6),
    "report file": (nouns.report, 8),
    "other nouns' files": (nouns.others, 8),
    "fleet file, JSON": (files.fleet_json, 6),
    "fleet file, CSV": (files.fleet_csv, 6),
    "journal": (files.journal, 6),
    "scenario": (files.scenario, 5),
    "fleet request": (files.fleet_request, 5),
    "spec elsewhere": (files.spec_elsewhere, 2),
    "orchestration": (orchestration.run, 2),
    "command line": (command_line.typed, 6),
    "answer's content": (answers.content, 5),
    "answer's headers": (answers.headers, 3),
    "answer's pages": (answers.pages, 3),
}
_SHOWN = 20


class Unraised(Exception):
    """An exception was raised where no code can catch it, such as in a destructor, or a coroutine was never awaited."""


def fuzz(inputs: int, seed: int, entries: dict[str, tuple[Callable[[Subject, Random], None], int]] = ENTRIES) -> int:
    """Run the inputs, print the table, and return the number of untyped exceptions and broken promises."""
    began = perf_counter()
    fed, refused, wrong, seconds = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    unraised: list[str] = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), _unraised(unraised.append):
        subject = Subject.made_in(Path(folder))
        for number in range(inputs):
            drawn = seed * 1_000_003 + number
            random, started = Random(drawn), perf_counter()
            name = random.choices(list(entries), [weight for _, weight in entries.values()])[0]
            fed[name] += 1
            try:
                entries[name][0](subject, random)
                if unraised:
                    raise Unraised("; ".join(unraised))
            except TYPED as error:
                str(error)
                refused[name] += 1
            except (Exception, SystemExit):  # noqa: BLE001 - fuzzing looks for every exception that is not a typed error
                wrong[name] += 1
                if wrong.total() <= _SHOWN:
                    print(f"\ninput {drawn}, {name}\n{traceback.format_exc(limit=-8)}", file=sys.stderr)
            unraised.clear()
            seconds[name] += perf_counter() - started
    print(f"{inputs} inputs, seed {seed}, {perf_counter() - began:.0f} s, {wrong.total()} wrong")
    print(f"  {'entry':<24}{'inputs':>8}{'refused':>9}{'wrong':>7}{'ms each':>9}")
    for name, count in fed.items():
        each = 1000 * seconds[name] / count
        print(f"  {name:<24}{count:>8}{refused[name]:>9}{wrong[name]:>7}{each:>9.1f}")
    return wrong.total()


@contextlib.contextmanager
def _unraised(note: Callable[[str], None]) -> Generator[None]:
    """Call `note` for each exception that no code can catch."""
    before = sys.unraisablehook
    sys.unraisablehook = lambda found: note(f"{found.err_msg} {found.object!r}: {found.exc_value!r}")
    try:
        yield
    finally:
        sys.unraisablehook = before


def main() -> int:
    """Returns 0 if no input went wrong."""
    parser = argparse.ArgumentParser(prog="nox -s fuzz --", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--entry", choices=ENTRIES, help="this one alone")
    given = parser.parse_args()
    # The SDKs log every body that is not JSON, and without a handler, the log goes to the screen.
    logging.getLogger("azure").addHandler(logging.NullHandler())
    entries = ENTRIES if given.entry is None else {given.entry: ENTRIES[given.entry]}
    return 1 if fuzz(given.inputs, given.seed, entries) else 0


if __name__ == "__main__":
    sys.exit(main())
