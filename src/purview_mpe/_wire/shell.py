"""Words of commands that a person pastes into a shell."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Characters of a JSON text that mean nothing to any shell, and characters written by their number.
_PLAIN = re.compile(r"[-\w./:,]|\\u[0-9a-f]{4}", re.ASCII)
#: What a shell expands, or takes for the end of the word, between double quotes; PowerShell takes typographic ones.
_SPECIAL = frozenset('"$`\\!%^\u201c\u201d\u201e')


def quoted(text: str) -> str:
    """Text from Azure's answers, safe to paste into a shell as one word.

    In double quotes it is read by people, and by PowerShell and cmd as well, if nothing in it means something to any
    of these shells.
    """
    word = printable(text)
    single = shlex.quote(word)
    return single if single == word or _SPECIAL & set(word) else f'"{word}"'


def json_words(body: Mapping[str, str]) -> tuple[str, str]:
    """A JSON object as one word: for bash, zsh and cmd, and for PowerShell, which no spelling suits together.

    Its quotes are escaped, because cmd and PowerShell take bare ones away on the way to `az`. To cmd such a quote ends
    the quoted part, and PowerShell runs what stands in parentheses outside of quotes: so in the texts every other
    character that could mean something to a shell is written as JSON writes any character, by its number.
    """
    text = ", ".join(f'\\"{_numbered(key)}\\": \\"{_numbered(value)}\\"' for key, value in body.items())
    return f'"{{{text}}}"', f"'{{{text}}}'"


def _numbered(text: str) -> str:
    """The inside of a JSON string, with numbers for all characters but plain ones."""
    escaped = json.dumps(printable(text))[1:-1]  # what lies beyond 16 bits takes two numbers
    pieces = re.findall(r"\\u[0-9a-f]{4}|\\.|.", escaped)
    return "".join(piece if _PLAIN.fullmatch(piece) else f"\\u{ord(piece[-1]):04x}" for piece in pieces)


def printable(text: str) -> str:
    """The text without what a terminal would act upon."""
    return text if text.isprintable() else "".join(character for character in text if character.isprintable())
