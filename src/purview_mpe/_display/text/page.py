"""A page of terminal text: cells that line up, lines that fit, and nothing that a terminal would obey.

All symbols are ASCII, so that a page can be printed wherever Python can print at all: into a pipe on Windows, or under
`LANG=C`. Whatever arrives here is cleaned first: names and messages come from servers and files.
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
"""What a piece of text means: the roles of marks, and headings. A painter makes a colour of it."""
Paint: TypeAlias = "Callable[[Role, str], str]"

GAP = "  "
_NARROWEST = 6
#: No label of ours is as wide; some come from Azure's answers.
_WIDEST_LABEL = 40
# Control sequences (CSI), strings (OSC, DCS, SOS, PM, APC), other escapes; each also in its one-byte form (ECMA-48).
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_COMMAND = re.compile(r"(.*:) ((?:az|purview-mpe) [a-z].*)", re.DOTALL)
_IDS = re.compile(r"/subscriptions/[^\s'\"(),;]+", re.IGNORECASE)


def plain(_role: Role, text: str) -> str:
    """No colour."""
    return text


@dataclass(frozen=True, slots=True)
class Look:
    """How a page is to look: decided by whoever prints it, not by what is printed."""

    width: int = 80
    paint: Paint = plain
    verbose: bool = False
    """Whether ids for a support case are shown."""
    on_command_line: bool = False
    """Whether calls, fields and arguments are called as the command line calls them."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table with what it means."""

    text: str
    role: Role | None = None


def marked(mark: words.Mark) -> Cell:
    """A mark as a cell."""
    return Cell(mark.symbol, mark.role)


class Traceable(Protocol):
    """What an error and its value in a report both have."""

    @property
    def status(self) -> int | None: ...
    @property
    def azure_code(self) -> str | None: ...
    @property
    def request_id(self) -> str | None: ...
    @property
    def correlation_id(self) -> str | None: ...


class Page:
    """Lines under construction."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self._lines: list[str] = []

    def __str__(self) -> str:
        return "\n".join(self._lines)

    def line(self, text: str, role: Role | None = None) -> None:
        """A line as it is, however long."""
        self._lines.append(self._painted(clean(text), role))

    def gap(self) -> None:
        """An empty line between two parts; none at the top."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def title(self, text: str, role: Role = "strong") -> None:
        """A line that says what follows."""
        self.gap()
        for line in wrapped(self._said(text), self.look.width):
            self._lines.append(self._painted(line, role))

    def prose(self, text: str, *, indent: int = 2, bullet: str = "", role: Role | None = None) -> None:
        """A paragraph; what follows the bullet is indented by its width."""
        first = " " * indent + clean(bullet)
        rest = " " * columns(first)
        lines = wrapped(self._said(text), self.look.width - columns(first))
        self._lines += [(rest if at else first) + self._painted(line, role) for at, line in enumerate(lines)]

    def advice(self, text: str, *, indent: int = 2) -> None:
        """What to do; a command at its end gets a line of its own, whole, so that it can be copied."""
        text = self._said(text)
        ends_in_a_command = _COMMAND.fullmatch(text)
        self.prose(f"What to do: {ends_in_a_command[1] if ends_in_a_command else text}", indent=indent, role="strong")
        if ends_in_a_command:
            self.line(" " * (indent + 2) + ends_in_a_command[2])

    def trail(self, code: str, error: Traceable, *, indent: int = 2) -> None:
        """What a support case asks for."""
        known = [
            ("code", code),
            ("status", error.status),
            ("Azure's code", error.azure_code),
            ("request id", error.request_id),
            ("correlation id", error.correlation_id),
        ]
        self.prose(", ".join(f"{label} {value}" for label, value in known if value), indent=indent, role="faint")

    def block(self, text: str, *, indent: int = 2) -> None:
        """Text for another person: its lines are kept as they are, since some of them are commands."""
        self._lines += [" " * indent + clean(line) if line.strip() else "" for line in text.splitlines()]

    def fields(self, rows: Iterable[tuple[str, str | None]], *, indent: int = 2) -> None:
        """Labels and values, one under the other; those without a value are left out."""
        shown = [(shortened(label, _WIDEST_LABEL), value) for label, value in rows if value]
        widest = max((columns(label) for label, _ in shown), default=0)
        for label, value in shown:
            self.prose(value, indent=indent, bullet=label + " " * (widest - columns(label)) + GAP)

    def table(
        self, rows: Sequence[Sequence[str | Cell]], head: Sequence[str] | None = None, *, indent: int = 2
    ) -> None:
        """Rows, under a head if there is one. Cells are shortened where they do not fit, the longest column first.

        A column of single characters holds symbols: it stands close to the next one.
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
    """The text on one line, without anything that a terminal would obey or that hides what is there.

    Escape sequences, control characters, marks that turn the direction of writing, and halves of characters.
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
    """The text in at most this many columns; what is too long loses its middle, since both ends tell names apart."""
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
    """The name with where it is, so that two of the same name can be told apart."""
    try:
        arm_id = ArmId.parse(resource_id)
    except InvalidArmId:
        return resource_id
    return f"{arm_id.name} in {arm_id.resource_group}, subscription {arm_id.subscription}"


def duration(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any."""
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
