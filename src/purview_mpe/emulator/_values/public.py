"""Sets the module from which users import a class of the emulator, which is not where it is defined."""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T", bound=type)


def public(thing: T) -> T:
    """Make a class name `purview_mpe.emulator` in its repr and its pickles, so that they survive a move of the file.

    Type hints are looked up in the module that a class names, so they are resolved here. If a hint names an import
    that only type checkers see, all hints of the class stay unresolved.
    """
    with suppress(NameError):
        thing.__annotations__ = inspect.get_annotations(thing, eval_str=True)
    thing.__module__ = "purview_mpe.emulator"
    return thing
