"""Values as messages show them, and texts as one printable line."""

from __future__ import annotations

#: A longer value would hide the rest of the message.
_LONGEST = 80


def shown(value: object) -> str:
    """The value as Python spells it: short and printable. Never raises."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a caller's own repr can raise anything; that of 10**5000 does
        return f"a value of type {type(value).__name__} that cannot be printed"
    text = "".join(letter if letter.isprintable() else "?" for letter in text[: _LONGEST + 1])
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def one_line(text: str) -> str:
    """The text with a space in place of every character that cannot be printed, line breaks included."""
    if text.isprintable():
        return text
    # Each character is judged once, however often it occurs: the text can be a whole file.
    return text.translate({ord(c): c if c.isprintable() else " " for c in set(text)})
