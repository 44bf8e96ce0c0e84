"""Values as messages show them, and texts as one printable line."""

from __future__ import annotations

#: More of a value than this hides the rest of the message.
_LONGEST = 80


def shown(value: object) -> str:
    """The value as Python spells it: short, printable, and without raising, whatever the value is."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a repr of the caller's own can raise anything; 10**5000 has one that does
        return f"a value of type {type(value).__name__} that cannot be printed"
    text = "".join(letter if letter.isprintable() else "?" for letter in text[: _LONGEST + 1])
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def one_line(text: str) -> str:
    """The text with a blank for every character that cannot be printed, line breaks included."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
