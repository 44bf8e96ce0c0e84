"""Who makes a value: the caller, or the library while one of its verbs runs.

A value that breaks a rule is the caller's mistake in the first case, found before anything is sent. In the second it
is a mistake of the library, and something may have been written by then: to say "nothing was sent" would be untrue.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from purview_mpe.errors import InternalError, InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Generator

_by_the_library: ContextVar[bool] = ContextVar("purview_mpe_by_the_library", default=False)


@contextmanager
def values_by_the_library(made_here: bool = True) -> Generator[None]:
    """Inside, values are made by the library; with False again by the caller, in a listener for example."""
    token = _by_the_library.set(made_here)
    try:
        yield
    finally:
        _by_the_library.reset(token)


def wrong_value(noun: str, problems: list[tuple[str, str]]) -> InvalidSpec | InternalError:
    """The error for a value that breaks its rules."""
    if not _by_the_library.get():
        return InvalidSpec(noun, problems)
    rules = "; ".join(f"{field}: {rule}" for field, rule in problems)
    return InternalError(
        f"The library made a value that breaks its own rules: {noun}: {rules}.",
        remedy="Report this as a bug, with this text; then repeat the call, which looks first at what exists.",
    )
