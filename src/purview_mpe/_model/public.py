"""The public module of a name: where users import it from, which is not where it is defined."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def public(module: str) -> Callable[[T], T]:
    """Show a public module as the home of a class or function in its repr, its pickles and its tracebacks.

    Pickles and tracebacks must stay valid when the defining file moves. Python looks up the type hints of a class in
    the module that the class names, so they are resolved here, before that module changes.
    """

    def mark(thing: T) -> T:
        if inspect.isclass(thing):
            thing.__annotations__ = inspect.get_annotations(thing, eval_str=True)
        thing.__module__ = module
        return thing

    return mark
