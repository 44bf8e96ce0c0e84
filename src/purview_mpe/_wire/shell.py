"""Words of commands that a person pastes into a shell."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Characters of a JSON text that no shell interprets, and characters that are written as their numbers.
_PLAIN = re.compile(r"[-\w./:,]|\\u[0-9a-f]{4}", re.ASCII)
#: Characters that a shell expands between double quotes, or that end the word; PowerShell accepts typographic quotes.
_SPECIAL = frozenset('"$`\\!%^\u201c\u201d\u201e')


def quoted(text: str) -> str:
    """Text from Azure's answers, safe to paste into a shell as one word.

    Double quotes are used if no shell interprets a character in the text: people can read them, and so can PowerShell
    and cmd.
    """
    word = printable(text)
    single = shlex.quote(word)
    return single if single == word or _SPECIAL & set(word) else f'"{word}"'


def json_words(body: Mapping[str, str]) -> tuple[str, str]:
    """A JSON object as one word, in two spellings: for bash, zsh and cmd, and for PowerShell.

    Its quotes are escaped, because cmd and PowerShell remove bare ones on the way to `az`. To cmd such a quote ends the
    quoted part, and PowerShell runs text in parentheses outside of quotes. So every other character that a shell could
    interpret is written as its number, which JSON allows.
    """
    text = ", ".join(f'\\"{_numbered(key)}\\": \\"{_numbered(value)}\\"' for key, value in body.items())
    return f'"{{{text}}}"', f"'{{{text}}}'"


def _numbered(text: str) -> str:
    """The inside of a JSON string, with numbers for all characters except plain ones."""
    escaped = json.dumps(printable(text))[1:-1]  # a character beyond 16 bits takes two numbers
    pieces = re.findall(r"\\u[0-9a-f]{4}|\\.|.", escaped)
    return "".join(piece if _PLAIN.fullmatch(piece) else f"\\u{ord(piece[-1]):04x}" for piece in pieces)


def printable(text: str) -> str:
    """The text without control characters that a terminal would interpret."""
    return text if text.isprintable() else "".join(character for character in text if character.isprintable())
