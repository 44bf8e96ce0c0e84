"""What a person sees on a terminal."""

from __future__ import annotations

import io
import re


class Screen(io.StringIO):
    """A stream that may or may not be a terminal."""

    def __init__(self, text: str = "", *, tty: bool = False) -> None:
        super().__init__(text)
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty

    @property
    def seen(self) -> str:
        """The content of the screen after all redrawing, without colours, for the few sequences of the library."""
        lines: list[list[str]] = [[]]
        row = column = 0
        for piece in re.findall(r"\x1b\[\d*[AJKm]|[\s\S]", self.getvalue()):
            match piece[-1]:
                case "\n":
                    row, column = row + 1, 0
                    lines += [[] for _ in range(row + 1 - len(lines))]
                case "\r":
                    column = 0
                case "A" if len(piece) > 1:
                    row -= int(piece[2:-1])
                    assert row >= 0, "the cursor left the screen"
                case "K" if len(piece) > 1:
                    del lines[row][column:]
                case "J" if len(piece) > 1:
                    del lines[row][column:], lines[row + 1 :]
                case "m" if len(piece) > 1:
                    pass
                case character:
                    lines[row][column : column + 1] = [character]
                    column += 1
        return "\n".join("".join(line) for line in lines)
