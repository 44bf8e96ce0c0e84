"""The lines of a journal: complete lines, and a last line that may be cut off.

Works on bytes, because a crash can cut a line in the middle of a character. Only a line feed ends a line: JSON escapes
it, but not the other separators that `str.splitlines` knows, for example U+2028.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The start of a report's JSON.
_BEGINNING = b'{"verb"'
#: The byte order mark: Windows PowerShell writes one in front of UTF-8.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def is_journal(content: bytes) -> bool:
    """True if this is the content of a journal, even of an empty one or one whose first line was cut off."""
    beginning = _without_mark(content).lstrip()[: len(_BEGINNING)]
    return _BEGINNING.startswith(beginning)


def numbered_lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Every report's line with its number; a last line that was cut off is skipped."""
    lines = _without_mark(content).split(b"\n")
    last = len(lines)
    for number, line in enumerate(lines, start=1):
        if line.strip() and (number < last or is_whole(line)):
            yield number, line


def is_whole(line: bytes) -> bool:
    """True if a line without a line feed is a complete report: an editor may have dropped the line feed."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def last_line(content: bytes) -> bytes:
    """The text after the last line feed."""
    return content[content.rfind(b"\n") + 1 :]


def _without_mark(content: bytes) -> bytes:
    return content.removeprefix(_BYTE_ORDER_MARK)
