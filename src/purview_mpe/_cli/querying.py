"""The forms of an answer for shells and scripts: part of the JSON, and values separated by tabs."""

from __future__ import annotations

import difflib
import importlib
import json
from typing import TYPE_CHECKING, Any, cast

from purview_mpe._cli.options import given_in
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Mapping, Sequence

    from purview_mpe._model.spec import Noun

#: Maximum number of characters that are shown of JMESPath's own messages.
_LONGEST = 200


def check(arguments: Namespace) -> None:
    """Refuse a query that cannot be answered, before the first request.

    Raises:
        InvalidSpec: it is not JMESPath, or does not go with the form of the output.
    """
    query: str | None = getattr(arguments, "query", None)
    if query is None:
        return
    if arguments.output not in {None, "json", "tsv"}:
        if "output" in given_in(arguments):
            raise InvalidSpec("The command", [("--query", "goes with -o json or -o tsv")])
        arguments.output = None  # the option counts more than the variable that says otherwise
    _compiled(query)


class CannotAnswer(ValueError):
    """The query does not fit the data, for example because it asks for the length of a number."""


def queried(data: Any, query: str | None) -> Any:
    """The part of the data that the query names; all of it without one.

    Raises:
        CannotAnswer: the query does not fit the data.
    """
    if query is None:
        return data
    compiled = _compiled(query)
    try:
        return compiled.search(data)
    except ValueError as error:
        reason = " ".join(str(error).split())
    raise CannotAnswer(reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]}…")


def tsv(data: object) -> str:
    """What a query gave: a line for each item of a list, with the values of an item separated by tabs."""
    if data is None:
        return ""
    items = cast("list[object]", data) if isinstance(data, list) else [data]
    return "\n".join(_line(_values(item)) for item in items)


def rows_of(noun: Noun) -> str:
    """The list that a noun holds, a line for each row and without a heading, as az does."""
    from purview_mpe._display.tables import table  # noqa: PLC0415 - loads pydantic, which --help does without

    return "\n".join(_line(row) for row in table(noun).rows)


def _values(item: object) -> Sequence[object]:
    if isinstance(item, dict):
        return list(cast("Mapping[str, object]", item).values())
    return cast("list[object]", item) if isinstance(item, list) else [item]


def _line(values: Sequence[object]) -> str:
    return "\t".join(_text(value) for value in values)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (bool, dict, list, tuple)):
        return json.dumps(value)
    # A tab or a line break in a value would be read as the next value.
    return "".join(character if character.isprintable() else " " for character in str(value))


def _functions(parsed: Mapping[str, Any]) -> Iterator[str]:
    """The functions that a query calls, which JMESPath looks up only when it gets there."""
    if parsed["type"] == "function_expression":
        yield parsed["value"]
    for child in parsed["children"]:
        if isinstance(child, dict):  # the children of a slice are numbers
            yield from _functions(cast("dict[str, Any]", child))


def _compiled(query: str) -> Any:
    try:
        jmespath = importlib.import_module("jmespath")
    except ModuleNotFoundError:
        jmespath = None
    if jmespath is None:
        raise InvalidSpec("The command", [("--query", "needs the package jmespath: pip install jmespath")])
    try:
        compiled = jmespath.compile(query)
    except jmespath.exceptions.JMESPathError as error:
        problem = f"is not JMESPath: {' '.join(str(error).split())[:_LONGEST]}"
    else:
        known: list[str] = list(jmespath.functions.Functions.FUNCTION_TABLE)
        unknown = [name for name in _functions(compiled.parsed) if name not in known]
        if not unknown:
            return compiled
        near = next(iter(difflib.get_close_matches(unknown[0], known, n=1)), None)
        problem = f"has no function {unknown[0]!r}{f'; did you mean {near!r}?' if near else ''}"
    raise InvalidSpec("The command", [("--query", problem)])
