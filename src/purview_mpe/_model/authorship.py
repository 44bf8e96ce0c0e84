"""Who creates a value: the caller, or the library while one of its verbs runs.

If the caller creates a value that breaks a rule, it is the caller's mistake, found before anything is sent. If the
library does, it is a bug, and something may have been written already: "nothing was sent" would be untrue.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from purview_mpe.errors import InternalError, InvalidSpec

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_by_the_library: ContextVar[bool] = ContextVar("purview_mpe_by_the_library", default=False)


def values_by_the_library(made_here: bool = True) -> AbstractContextManager[None]:
    """Inside the block, the library creates values; with False, the caller does so again, for example in a listener."""
    return _Values(made_here)


class _Values:
    """Not a generator: one that an interruption leaves half-way ends whenever it is collected, within another verb."""

    def __init__(self, made_here: bool) -> None:
        self._made_here = made_here

    def __enter__(self) -> None:
        self._token = _by_the_library.set(self._made_here)

    def __exit__(self, *_: object) -> None:
        _by_the_library.reset(self._token)


def wrong_value(noun: str, problems: list[tuple[str, str]]) -> InvalidSpec | InternalError:
    """The error for a value that breaks its rules."""
    if not _by_the_library.get():
        return InvalidSpec(noun, problems)
    rules = "; ".join(f"{field}: {rule}" for field, rule in problems)
    return InternalError(
        f"The library created a value that breaks its own rules: {noun}: {rules}.",
        remedy="Report this as a bug, with this text; then repeat the call, which reads Azure first.",
    )
