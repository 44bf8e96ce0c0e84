"""The docstrings below the fields of a class, read from its source, for its JSON schema and its help.

Pydantic can read them when a class is created, but that would double the time of each import of this library. So they
are read when a schema is requested.
"""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def texts_of(home: str, name: str) -> Mapping[str, str]:
    """The text of each field of a class, from the module that defines it; empty if the source is not installed."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[home]))
    except (OSError, TypeError):
        return {}
    return {
        field: text
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name == name
        for field, text in _texts(node)
    }


def _texts(node: ast.ClassDef) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for field, below in zip(node.body, node.body[1:], strict=False):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found.append((name, " ".join(text.split())))
            case _:
                pass
    return found
