"""Who creates a value: the caller, or the library while one of its verbs runs.

If the caller creates a value that breaks a rule, it is the caller's mistake, found before anything is sent. If the
library does, it is a bug, and something may have been written already: "nothing was sent" would be untrue.
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
    """Inside the block, the library creates values; with False, the caller does so again, for example in a listener."""
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
        f"The library created a value that breaks its own rules: {noun}: {rules}.",
        remedy="Report this as a bug, with this text; then repeat the call, which reads Azure first.",
    )
