"""Where users import a name from, which is not where it is defined."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def public(module: str) -> Callable[[T], T]:
    """Let a class or function say in its repr, its pickles and its tracebacks that it comes from a public module.

    Those outlive the file that defines it. Type hints of a class are looked up in the module that it names, so they
    are resolved here, while the class still names the file that its annotations were written for.
    """

    def mark(thing: T) -> T:
        if inspect.isclass(thing):
            thing.__annotations__ = inspect.get_annotations(thing, eval_str=True)
        thing.__module__ = module
        return thing

    return mark
