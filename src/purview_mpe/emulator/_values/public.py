"""Where users import a class of the emulator from, which is not where it is defined."""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T", bound=type)


def public(thing: T) -> T:
    """Let a class name `purview_mpe.emulator` in its repr and its pickles, which outlive a move of the file.

    Type hints are looked up in the module that a class names, so they are resolved here; where one names what is
    imported for type checkers alone, all of the class stay as they are.
    """
    with suppress(NameError):
        thing.__annotations__ = inspect.get_annotations(thing, eval_str=True)
    thing.__module__ = "purview_mpe.emulator"
    return thing
