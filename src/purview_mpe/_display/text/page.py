"""A page of terminal text: aligned cells, lines that fit, and no control sequences.

All symbols are ASCII, so that a page can be printed everywhere, even into a pipe on Windows or under `LANG=C`. All text
is cleaned first, because names and messages come from servers and files.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from purview_mpe._model import words
from purview_mpe._model.arm_id import ArmId, InvalidArmId
from purview_mpe._model.shell import in_shell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Role: TypeAlias = words.Role | Literal["strong"]
"""The meaning of a piece of text: the roles of marks, and headings. A painter turns it into a colour."""
Paint: TypeAlias = "Callable[[Role, str], str]"

GAP = "  "
_NARROWEST = 6
#: Maximum width of a label. The library's own labels are shorter, but some come from Azure's answers.
_WIDEST_LABEL = 40
# Control sequences (CSI), strings (OSC, DCS, SOS, PM, APC), other escapes; each also in its one-byte form (ECMA-48).
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
#: One command at the end of a remedy; a full stop ends its sentence, a comma or semicolon begins another part of it.
_COMMAND = re.compile(r"(.*:) ((?:az|purview-mpe) [a-z](?:[^,;]|[,;](?! ))*?)\.?", re.DOTALL)
_IDS = re.compile(r"/subscriptions/[^\s'\"(),;]+", re.IGNORECASE)


def plain(_role: Role, text: str) -> str:
    """No colour."""
    return text


@dataclass(frozen=True, slots=True)
class Look:
    """How a page looks: the caller that prints it decides, not the noun."""

    width: int = 80
    paint: Paint = plain
    verbose: bool = False
    """Whether to show ids for a support case."""
    on_command_line: bool = False
    """Whether calls, fields and arguments have their command-line names."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table with what it means."""

    text: str
    role: Role | None = None


def marked(mark: words.Mark) -> Cell:
    """A mark as a cell."""
    return Cell(mark.symbol, mark.role)


class Traceable(Protocol):
    """The attributes that an error and its value in a report share."""

    @property
    def status(self) -> int | None: ...
    @property
    def azure_code(self) -> str | None: ...
    @property
    def request_id(self) -> str | None: ...
    @property
    def correlation_id(self) -> str | None: ...


class Page:
    """The lines of a page while it is built."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self._lines: list[str] = []

    def __str__(self) -> str:
        return "\n".join(self._lines)

    def line(self, text: str, role: Role | None = None) -> None:
        """Add a line unchanged, however long."""
        self._lines.append(self._painted(clean(text), role))

    def gap(self) -> None:
        """Add an empty line between two parts; none at the top."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def title(self, text: str, role: Role = "strong") -> None:
        """Add a heading."""
        self.gap()
        for line in wrapped(self._said(text), self.look.width):
            self._lines.append(self._painted(line, role))

    def prose(self, text: str, *, indent: int = 2, bullet: str = "", role: Role | None = None) -> None:
        """Add a paragraph; the lines after the first are indented by the width of the bullet."""
        mark = clean(bullet)
        rest = " " * (indent + columns(mark))
        lines = wrapped(self._said(text), self.look.width - len(rest))
        first = " " * indent + self._painted(mark.rstrip(), role) + " " * (len(mark) - len(mark.rstrip()))
        self._lines += [(rest if at else first) + self._painted(line, role) for at, line in enumerate(lines)]

    def advice(self, text: str, *, indent: int = 2) -> None:
        """Add a remedy; a command at its end gets its own unbroken line, so that it can be copied."""
        text = self._said(text)
        ends_in_a_command = _COMMAND.fullmatch(text)
        self.prose(f"What to do: {ends_in_a_command[1] if ends_in_a_command else text}", indent=indent, role="strong")
        if ends_in_a_command:
            self.line(" " * (indent + 2) + ends_in_a_command[2])

    def trail(self, code: str, error: Traceable, *, indent: int = 2) -> None:
        """Add the ids that a support case needs."""
        known = [
            ("code", code),
            ("status", error.status),
            ("Azure's code", error.azure_code),
            ("request id", error.request_id),
            ("correlation id", error.correlation_id),
        ]
        self.prose(", ".join(f"{label} {value}" for label, value in known if value), indent=indent, role="faint")

    def block(self, text: str, *, indent: int = 2) -> None:
        """Add a text for another person: its lines are kept unchanged, because some are commands."""
        self._lines += [" " * indent + clean(line) if line.strip() else "" for line in text.splitlines()]

    def fields(self, rows: Iterable[tuple[str, str | None]], *, indent: int = 2) -> None:
        """Add labels with their values, one per line; those without a value are left out."""
        shown = [(shortened(label, _WIDEST_LABEL), value) for label, value in rows if value]
        widest = max((columns(label) for label, _ in shown), default=0)
        for label, value in shown:
            self.prose(value, indent=indent, bullet=label + " " * (widest - columns(label)) + GAP)

    def table(
        self, rows: Sequence[Sequence[str | Cell]], head: Sequence[str] | None = None, *, indent: int = 2
    ) -> None:
        """Add rows, with a head if there is one. Cells that do not fit are shortened, the longest column first.

        A column of single characters holds symbols, and gets a narrow gap.
        """
        lines = [[Cell(heading, "faint") for heading in head]] if head else []
        lines += [[_cell(cell) for cell in row] for row in rows]
        natural = [max(columns(cell.text) for cell in column) for column in zip(*lines, strict=True)]
        gaps = [1 if width <= 1 else len(GAP) for width in natural]
        widths = _fitting(natural, self.look.width - indent - sum(gaps[:-1]))
        for line in lines:
            self._row(line, widths, gaps, " " * indent)

    def _row(self, row: Sequence[Cell], widths: Sequence[int], gaps: Sequence[int], line: str) -> None:
        owed = ""  # blanks that are written only if something follows them
        for cell, width, gap in zip(row, widths, gaps, strict=True):
            text = shortened(cell.text, width)
            if text:
                line += owed + self._painted(text, cell.role)
                owed = ""
            owed += " " * (width - columns(text) + gap)
        self._lines.append(line)

    def _said(self, text: str) -> str:
        return in_shell(text) if self.look.on_command_line else text

    def _painted(self, text: str, role: Role | None) -> str:
        return text if role is None or not text.strip() else self.look.paint(role, text)


def clean(text: str) -> str:
    """The text on one line, without characters that a terminal would obey or that hide other text.

    Those are escape sequences, control characters, marks that change the writing direction, and halves of characters.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_harmless(character) for character in _ESCAPES.sub("", text))


def columns(text: str) -> int:
    """How many columns of a terminal the text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(character) for character in text)


def shortened(text: str, width: int) -> str:
    """The text in at most this many columns; a longer one loses its middle, because names differ at their ends."""
    if columns(text) <= width:
        return text
    dots = "..." if width > _NARROWEST else "."
    room = width - len(dots)
    head = _taken(text, (room + 1) // 2)
    tail = _taken(text[::-1], room // 2)[::-1]
    return head + dots + tail


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most this many columns.

    A long word with a slash in it is an id, a path or an address, and stays whole, so that it can be copied.
    """
    lines: list[str] = []
    line = ""
    for word in clean(text).split():
        if line and columns(line) + 1 + columns(word) <= width:
            line += " " + word
            continue
        if line:
            lines.append(line)
        *full, line = [word] if "/" in word else _pieces(word, width)
        lines += full
    if line or not lines:
        lines.append(line)
    return lines


def _pieces(word: str, width: int) -> list[str]:
    """The word in pieces of at most this many columns, and of at least one character."""
    pieces: list[str] = []
    began = used = 0
    for at, character in enumerate(word):
        used += (wide := _columns_of(character))
        if used > width and at > began:
            pieces.append(word[began:at])
            began, used = at, wide
    return [*pieces, word[began:]]


def short_ids(text: str) -> str:
    """The text with each resource id reduced to its last type and name; for sentences, not for commands."""
    return _IDS.sub(lambda found: _short_id(found[0]), text)


def name_in(resource_id: str) -> str:
    """The name at the end of a resource id."""
    return resource_id.rstrip("/").rpartition("/")[2]


def place(resource_id: str) -> str:
    """The name with its location, to distinguish two resources of the same name."""
    try:
        arm_id = ArmId.parse(resource_id)
    except InvalidArmId:
        return resource_id
    return f"{arm_id.name} in {arm_id.resource_group}, subscription {arm_id.subscription}"


def duration(seconds: float) -> str:
    """Minutes and seconds, with hours if there are any."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _short_id(resource_id: str) -> str:
    bare = resource_id.rstrip(".:/")
    tail = resource_id[len(bare) :]
    parts = bare.split("/")
    return resource_id if len(parts) <= 5 else ".../" + "/".join(parts[-2:]) + tail


def _cell(cell: str | Cell) -> Cell:
    return Cell(clean(cell)) if isinstance(cell, str) else Cell(clean(cell.text), cell.role)


def _fitting(natural: Sequence[int], room: int) -> list[int]:
    widths = list(natural)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _harmless(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Zl", "Zp"} or character in "\t\n\r\v\f":
        return " "
    if category == "Cs":
        return "?"
    return "" if category.startswith("C") else character


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _taken(text: str, width: int) -> str:
    used = 0
    for at, character in enumerate(text):
        used += _columns_of(character)
        if used > width:
            return text[:at]
    return text
