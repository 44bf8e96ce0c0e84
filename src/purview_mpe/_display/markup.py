"""Text that goes into markup: escaped, cleaned of what markup cannot hold, and short enough for its box."""

from __future__ import annotations

import html
import unicodedata


def escape(text: str) -> str:
    """Text for element content and quoted attributes of HTML and SVG alike.

    Characters that XML cannot hold, and those that turn the order of others around, become a replacement character.
    """
    return html.escape(harmless(text))


def harmless(text: str) -> str:
    """The text without what no markup can hold, and without what turns the order of other characters around."""
    return "".join(_held(character) for character in text)


def _held(character: str) -> str:
    if character in "\n\t":
        return character
    return (
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
        else character
    )


def shortened(text: str, columns: int) -> str:
    """The text, without its middle if it is too long: names differ at their ends."""
    if _width(text) <= columns:
        return text
    kept = 0
    while _width(text[: kept + 1]) + _width(text[-kept - 1 :]) + 1 <= columns:
        kept += 1
    return f"{text[:kept]}…{text[len(text) - kept :]}"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
