"""Words of commands that a person pastes into a shell."""

from __future__ import annotations

import shlex

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


def printable(text: str) -> str:
    """The text without what a terminal would act upon."""
    return text if text.isprintable() else "".join(character for character in text if character.isprintable())
