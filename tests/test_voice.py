"""Plain English: words and forms that this project does not use, because they made readers stop."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXTS = sorted(
    [
        *(ROOT / "src").rglob("*.py"),
        *(path for kind in ("*.md", "*.ipynb", "*.py") for path in (ROOT / "docs").rglob(kind)),
        ROOT / "README.md",
    ]
)

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


def found_in(path: Path) -> list[str]:
    """Every place of a file that breaks a rule."""
    places = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        rest = re.sub("|".join(map(re.escape, ALLOWED)), "", line)
        places += [
            f"{path.relative_to(ROOT)}:{number}: {match[0]!r}: write {instead}"
            for pattern, instead in WORDS.items()
            for match in re.finditer(pattern, rest, re.IGNORECASE)
        ]
    return places


def test_no_text_uses_a_word_that_makes_readers_stop():
    """The list in CONTRIBUTING.md says what to write instead."""
    assert [place for path in TEXTS for place in found_in(path)] == []


@pytest.mark.parametrize("pattern", WORDS)
def test_every_word_is_named_for_contributors(pattern):
    """What is written instead stands where contributors read it."""
    assert WORDS[pattern] in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
