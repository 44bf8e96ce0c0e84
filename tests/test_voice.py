"""Plain English: words and forms that this project does not use, because they made readers stop."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.untraced

ROOT = Path(__file__).parents[1]
TEXTS = sorted(
    [
        *(ROOT / "src").rglob("*.py"),
        *(path for kind in ("*.md", "*.ipynb", "*.py") for path in (ROOT / "docs").rglob(kind)),
        ROOT / "README.md",
    ]
)
#: Of the tests only what is written for a reader counts, because they feed any text to the library.
TESTS = sorted({*(ROOT / "tests").rglob("*.py")} - {Path(__file__)})

#: What is not written, and what is written instead.
WORDS = {
    r"\bis no \b": "is not a",
    r"\bwhoever\b": "anyone who, or a plain noun",
    r"\banew\b": "again",
    r"\bmay not\b": "is not allowed to, or cannot",
    r"\btold\b": "said, reported, shown",
    r"\b(nobody|somebody)\b": "the person: the caller, the target's owner",
    r"\bleav\w+ [^.]{1,25} away\b": "drop, or leave out",
}

#: Where such a word is right: a value of the public interface, and a "may not" that means "possibly not".
ALLOWED = ("when-told", "may or may not")


def found_in(path: Path, lines: Iterator[tuple[int, str]]) -> list[str]:
    """Every place in these lines of a file that breaks a rule."""
    places = []
    for number, line in lines:
        rest = re.sub("|".join(map(re.escape, ALLOWED)), "", line)
        places += [
            f"{path.relative_to(ROOT)}:{number}: {match[0]!r}: write {instead}"
            for pattern, instead in WORDS.items()
            for match in re.finditer(pattern, rest, re.IGNORECASE)
        ]
    return places


def all_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Every line of a file, with its number."""
    yield from enumerate(path.read_text(encoding="utf-8").splitlines(), 1)


def written_for_readers(path: Path) -> Iterator[tuple[int, str]]:
    """The docstrings, comments and function names of a test file, with their line numbers."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            at = getattr(node, "lineno", 1)
            yield at, getattr(node, "name", "").replace("_", " ")
            yield at, " ".join((ast.get_docstring(node) or "").split())
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def test_no_text_uses_a_word_that_makes_readers_stop():
    """The list in CONTRIBUTING.md says what to write instead."""
    assert [place for path in TEXTS for place in found_in(path, all_lines(path))] == []


def test_no_test_uses_a_word_that_makes_readers_stop():
    """The texts of tests follow the same list."""
    assert [place for path in TESTS for place in found_in(path, written_for_readers(path))] == []


@pytest.mark.parametrize("pattern", WORDS)
def test_every_word_is_named_for_contributors(pattern):
    """What is written instead stands where contributors read it."""
    assert WORDS[pattern] in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
