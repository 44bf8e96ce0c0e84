"""Specs from files: JSON and CSV. Every wrong field is reported with its line, all at once, before anything is sent."""

from __future__ import annotations

import csv
import difflib
import io
import json
from bisect import bisect_left
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from purview_mpe import _model
from purview_mpe._model.public import public
from purview_mpe._model.spec import Spec
from purview_mpe._wire.errors import safe_text
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_DECODER = json.JSONDecoder()
#: Spreadsheet programs write the separator of the user's locale.
_SEPARATORS = (",", ";", "\t")
_BOOLEANS = {"true": True, "false": False}
Problem = tuple[str, str]
_Reader: TypeAlias = "Callable[[str, list[Problem]], Iterator[_Row]]"


class _Row:
    """The fields of one spec from a file, and the line of each."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.fields: dict[str, Any] = {}
        self.lines: dict[str, int] = {}

    def put(self, field: str, value: object, line: int) -> None:
        self.fields[field] = value
        self.lines[field] = line

    def spec(self, problems: list[Problem], defaults: Mapping[str, Any]) -> Spec | None:
        try:
            return Spec(**{**defaults, **self.fields})
        except InvalidSpec as error:
            for field, rule in error.problems:
                name = field.partition(".")[0]
                is_default = name in defaults and name not in self.fields
                line = self.lines.get(name, self.line)
                problems.append((field if is_default else f"line {line}, {field}", rule))
        return None


@public("purview_mpe")
def read_specs(path: str | Path) -> tuple[Spec, ...]:
    """The specs in a `.json` or `.csv` file, ready for `create_many`.

    JSON: a list of specs, or `{"defaults": {…}, "specs": […]}`. A default applies to each spec that does not set the
    field. CSV: a header row with the names of the fields, then one spec per line. An empty cell omits the field,
    `groups` are separated by spaces, and a column `names.blob` holds the name for the group id `blob`.

    Raises:
        InvalidSpec: with the line and the field of everything that is wrong, or of specs that conflict over an
            endpoint.
        OSError: the file cannot be read.
    """
    return specs_in(path)


def specs_in(path: str | Path, defaults: Mapping[str, Any] | None = None) -> tuple[Spec, ...]:
    """As `read_specs`; `defaults` are the fields of every spec that does not set them.

    Raises:
        InvalidSpec, OSError: as `read_specs`; a problem of a default has the field alone as its place.
    """
    file = _model.fleets.path_of(path, "path")
    reader = _READERS.get(file.suffix.casefold())
    if reader is None:
        raise InvalidSpec(str(file), [("path", "must end in .json or .csv")])
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise InvalidSpec(str(file), [("path", 'is not written in UTF-8; save it as "CSV UTF-8"')])
    return _specs(text, reader, str(file), defaults or {})


def specs_in_text(text: str, what: str, defaults: Mapping[str, Any] | None = None) -> tuple[Spec, ...]:
    """As `specs_in`, from a text that is JSON if it begins like that, and CSV otherwise.

    Raises:
        InvalidSpec: as `specs_in`.
    """
    text = text.removeprefix("\ufeff")
    return _specs(text, _json_rows if text.lstrip()[:1] in {"[", "{"} else _csv_rows, what, defaults or {})


def _specs(text: str, reader: _Reader, what: str, defaults: Mapping[str, Any]) -> tuple[Spec, ...]:
    problems: list[Problem] = []
    try:
        rows = list(reader(text, problems))
    except csv.Error as error:
        # csv only raises for a line that it cannot parse at all, for example a cell of more than 128 KB.
        rows, problems = [], [("path", f"is not CSV: {error}")]
    specs = [row.spec(problems, defaults) for row in rows]
    if not rows and not problems:
        problems.append(("line 1", "the file holds no spec"))
    _model.fleets.refuse(what, problems)
    return _model.fleets.checked_fleet(specs, [f"line {row.line}" for row in rows])


def fleet_of(specs: Iterable[Spec] | str | Path) -> tuple[Spec, ...]:
    """The specs of a fleet: the value itself, or read from a file.

    Raises:
        InvalidSpec: as `read_specs`; or an item is not a spec.
    """
    return read_specs(specs) if isinstance(specs, (str, Path)) else _model.fleets.checked_fleet(specs)


def _csv_rows(text: str, problems: list[Problem]) -> Iterator[_Row]:
    heading = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=heading.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    columns = [column.strip() for column in next(reader, list[str]())]
    known = {*Spec.model_fields} - {"names"}
    if any("/" in column for column in columns):
        problems.append(("line 1", "must name the columns, for example factory,account,name; it holds an id"))
        return
    wrong = [column for column in columns if column not in known and not column.startswith("names.")]
    problems.extend((f"line 1, {_shown(column)}", _no_column(column, known)) for column in wrong)
    problems.extend(
        (f"line 1, {_shown(column)}", "is there twice")
        for index, column in enumerate(columns)
        if column in columns[:index] and column not in wrong
    )
    if problems:
        return
    begins = reader.line_num + 1
    for cells in reader:
        row = _Row(begins)
        begins = reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(columns):
            problems.append((f"line {row.line}", f"has {len(cells)} cells, and the heading has {len(columns)}"))
            continue
        for column, cell in zip(columns, cells, strict=False):
            if value := cell.strip():
                _put_cell(row, column, value)
        yield row


def _shown(column: str) -> str:
    # Without the escapes, a heading with an invisible character would look like a correct one.
    return (column if column.isprintable() else repr(column)[1:-1]) or "(empty)"


def _no_column(column: str, known: set[str]) -> str:
    near = difflib.get_close_matches(column.casefold(), known, n=1)
    meant = f"did you mean {near[0]!r}" if near else f"use {', '.join(sorted(known))} or names.<group id>"
    return f"is not a column; {meant}{'?' if near else ''}"


def _put_cell(row: _Row, column: str, value: str) -> None:
    if column == "groups":
        row.put(column, tuple(value.replace(";", " ").split()), row.line)
    elif column == "replace_broken":
        row.put(column, _BOOLEANS.get(value.casefold(), value), row.line)
    elif column.startswith("names."):
        row.put("names", row.fields.get("names", {}) | {column.removeprefix("names."): value}, row.line)
    else:
        row.put(column, value, row.line)


def _json_rows(text: str, problems: list[Problem]) -> Iterator[_Row]:
    """Walks through the text itself, because parsed values do not hold their line numbers."""
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        problems.append((f"line {line}", f"is not JSON: {error.args[0].partition(': line')[0]}"))
        return
    line_of = _lines(text)
    start = _past_blanks(text, 0)
    defaults: dict[str, tuple[Any, int]] = {}
    if text[start] == "{":
        members: dict[str, int] = {}
        for key, position, _ in _members(text, start):
            place = f"line {line_of(position)}, {safe_text(key, 80)}"
            if key not in {"defaults", "specs"}:
                problems.append((place, "is neither defaults nor specs"))
            elif key in members:
                problems.append((place, "is there twice"))
            members[key] = position
        if "defaults" in members:
            defaults = _defaults(text, members["defaults"], line_of, problems)
        if problems:
            return
        start = members.get("specs", start)
    if text[start] != "[":
        problems.append((f"line {line_of(start)}", "must be a list of specs, or hold one under specs"))
        return
    for position, value in _items(text, start):
        row = _Row(line_of(position))
        if not isinstance(value, dict):
            problems.append((f"line {row.line}", f"is a {type(value).__name__}, not the fields of a spec"))
            continue
        given = _fields(text, position, line_of, problems)
        for field, (member, line) in {**defaults, **given}.items():
            row.put(field, member, line)
        yield row


def _defaults(
    text: str, start: int, line_of: Callable[[int], int], problems: list[Problem]
) -> dict[str, tuple[Any, int]]:
    """The default fields, which apply to each spec that does not set them, each with its line."""
    if text[start] == "{":
        return _fields(text, start, line_of, problems)
    kind = type(_DECODER.raw_decode(text, start)[0]).__name__
    problems.append((f"line {line_of(start)}, defaults", f"is a {kind}, not the fields of a spec"))
    return {}


def _fields(
    text: str, start: int, line_of: Callable[[int], int], problems: list[Problem]
) -> dict[str, tuple[Any, int]]:
    """The members of the object at `start`, each with its line; a repeated key is a problem."""
    found: dict[str, tuple[Any, int]] = {}
    for field, position, value in _members(text, start):
        if field in found:
            problems.append((f"line {line_of(position)}, {safe_text(field, 80)}", "is there twice"))
        elif field == "names" and text[position] == "{":
            _fields(text, position, line_of, problems)  # check its own keys, too
        found[field] = (value, line_of(position))
    return found


def _items(text: str, start: int) -> Iterator[tuple[int, Any]]:
    """Each item of the list at `start`: where it begins, and its value. The text is known to be JSON."""
    at = _past_blanks(text, start + 1)
    while text[at] != "]":
        value, end = _DECODER.raw_decode(text, at)
        yield at, value
        at = _past_comma(text, end)


def _members(text: str, start: int) -> Iterator[tuple[str, int, Any]]:
    """Key, position and value of each member of the object at `start`."""
    at = _past_blanks(text, start + 1)
    while text[at] != "}":
        key, end = _DECODER.raw_decode(text, at)
        at = _past_blanks(text, _past_blanks(text, end) + 1)
        value, end = _DECODER.raw_decode(text, at)
        yield key, at, value
        at = _past_comma(text, end)


def _past_comma(text: str, at: int) -> int:
    at = _past_blanks(text, at)
    return _past_blanks(text, at + 1) if text[at] == "," else at


def _past_blanks(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def _lines(text: str) -> Callable[[int], int]:
    """A function from a position in the text to its line number."""
    ends = [at for at, letter in enumerate(text) if letter == "\n"]
    return lambda at: bisect_left(ends, at) + 1


_READERS: Mapping[str, _Reader] = {".json": _json_rows, ".csv": _csv_rows}
