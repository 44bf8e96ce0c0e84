"""Text for markup: escaped, without characters that markup cannot hold, and short enough for its box."""

from __future__ import annotations

import html
import unicodedata


def escape(text: str) -> str:
    """Text for element content and quoted attributes, in HTML and in SVG.

    Characters that XML cannot hold, and those that reverse the order of others, become a replacement character.
    """
    return html.escape(harmless(text))


def harmless(text: str) -> str:
    """The text without characters that markup cannot hold, and without those that reverse the order of others."""
    if text.isprintable():
        return text
    # Each character is judged once, however often it occurs.
    return text.translate({ord(character): _held(character) for character in set(text)})


def _held(character: str) -> str:
    if character in "\n\t":
        return character
    return (
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
        else character
    )


def shortened(text: str, columns: int) -> str:
    """The text; a longer one loses its middle, because names differ at their ends."""
    if _width(text) <= columns:
        return text
    kept = 0
    while _width(text[: kept + 1]) + _width(text[-kept - 1 :]) + 1 <= columns:
        kept += 1
    return f"{text[:kept]}…{text[len(text) - kept :]}"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
