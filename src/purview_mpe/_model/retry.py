"""How often and for how long the client repeats one HTTP exchange."""

from __future__ import annotations

from dataclasses import dataclass

from purview_mpe._model.public import public
from purview_mpe.errors import InvalidSpec


@public("purview_mpe")
@dataclass(frozen=True, slots=True)
class Retry:
    """How one HTTP exchange is repeated after a temporary failure.

    Temporary failures are the answers 408, 429 and 5xx, and broken connections. `attempts` counts all of them. Waits
    begin at `backoff` seconds, double, vary by up to a half, and never exceed `ceiling` seconds, whatever `Retry-After`
    says.
    """

    attempts: int = 4
    """The most times that a request is sent, from 1 to 20."""
    backoff: float = 0.5
    """Seconds before the second attempt, from 0 to 60; each further wait doubles."""
    ceiling: float = 60.0
    """The most seconds that one wait takes, from 0 to 600, whatever Azure asks for."""

    def __post_init__(self) -> None:
        problems = [
            (field, rule)
            for field, rule, fine in (
                (
                    "attempts",
                    "must be a whole number from 1 to 20, for example 4",
                    _is_whole(self.attempts, 1, 20),
                ),
                ("backoff", "must be 0 to 60 seconds, for example 0.5", _is_seconds(self.backoff, 60)),
                ("ceiling", "must be 0 to 600 seconds, for example 60", _is_seconds(self.ceiling, 600)),
            )
            if not fine
        ]
        if problems:
            raise InvalidSpec("Retry", problems)


def pause_after(retry: Retry, attempt: int, asked_for: float, spread: float) -> float | None:
    """Seconds to wait after an attempt that failed; None after the last one.

    `asked_for` is what Azure asked for, 0 if it asked for no particular time; `spread` is a random number from 0 to 1,
    so that requests that were refused together do not return together.
    """
    if attempt >= retry.attempts:
        return None
    if asked_for > 0:
        return min(retry.ceiling, asked_for * (1 + spread / 10))
    return min(retry.ceiling, retry.backoff * 2.0 ** (attempt - 1)) * (1 - spread / 2)


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_seconds(value: object, high: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= high
