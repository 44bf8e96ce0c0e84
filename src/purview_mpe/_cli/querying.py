"""The forms of an answer for shells and scripts: part of the JSON, and values separated by tabs."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any, cast

from purview_mpe._cli.options import given_in
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping, Sequence

    from purview_mpe._model.spec import Noun


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


def queried(data: Any, query: str | None) -> Any:
    """The part of the data that the query names; all of it without one."""
    return data if query is None else _compiled(query).search(data)


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


def _compiled(query: str) -> Any:
    try:
        jmespath = importlib.import_module("jmespath")
    except ModuleNotFoundError:
        jmespath = None
    if jmespath is None:
        raise InvalidSpec("The command", [("--query", "needs the package jmespath: pip install jmespath")])
    try:
        return jmespath.compile(query)
    except jmespath.exceptions.JMESPathError as error:
        problem = f"is not JMESPath: {' '.join(str(error).split())[:200]}"
    raise InvalidSpec("The command", [("--query", problem)])
