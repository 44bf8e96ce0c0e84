"""The lines of a journal: what a run has left in its file, whole lines and a last one that may be cut off.

Works on bytes, because a crash can cut a line in the middle of a character. Lines end in a line feed and in nothing
else: JSON escapes it, and leaves the other separators that `str.splitlines` knows (U+2028, say) as they are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How the JSON of a report begins.
_BEGINNING = b'{"verb"'
#: Windows PowerShell writes one in front of UTF-8.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def is_journal(content: bytes) -> bool:
    """Whether a file with this content is a journal, or an empty one, or one whose first line was cut off."""
    beginning = _without_mark(content).lstrip()[: len(_BEGINNING)]
    return _BEGINNING.startswith(beginning)


def numbered_lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Every report's line with its number; a last line that was cut off is left out."""
    lines = _without_mark(content).split(b"\n")
    last = len(lines)
    for number, line in enumerate(lines, start=1):
        if line.strip() and (number < last or is_whole(line)):
            yield number, line


def is_whole(line: bytes) -> bool:
    """Whether a line without a line feed is all of a report's JSON: an editor may have dropped the line feed."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def last_line(content: bytes) -> bytes:
    """What stands behind the last line feed."""
    return content[content.rfind(b"\n") + 1 :]


def _without_mark(content: bytes) -> bytes:
    return content.removeprefix(_BYTE_ORDER_MARK)
