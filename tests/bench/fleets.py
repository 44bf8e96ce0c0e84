"""Fleets of several sizes, against the time that Azure's limits allow, and how their costs grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .figures import Figure, figure
from .processes import run_module

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Azure Resource Manager's bucket of writes, per subscription and identity.
_BURST, _PER_SECOND = 200, 10
_ENDPOINTS = 4
_PROVISIONING = 60.0
#: The size for comparing growth: enough factories to spread the one-time costs.
_COMPARED = 100
#: From this size on, a fleet is spread over 20 subscriptions.
_LARGE = 10_000


def measure(sizes: Sequence[int], colours: Sequence[str]) -> Iterator[Figure]:
    """Each fleet in its own process."""
    for colour in colours:
        small: dict[str, float] = {}
        for size in sorted({*sizes, min(_COMPARED, max(sizes))}):
            subscriptions = 20 if size >= _LARGE else 1
            options = {"factories": size, "subscriptions": subscriptions, "colour": colour}
            took = run_module("fleet_run", provisioning=_PROVISIONING, **options)
            took["each"] = took["processor"] * 1000 / (size * _ENDPOINTS)
            small = small if size > _COMPARED and small else took
            what = f"{size:,} factories, {subscriptions} subscription{'s' * (subscriptions > 1)}, {colour}"
            yield from _of_one(what, took, small, _bound(size / subscriptions))


def _bound(factories: float) -> float:
    """The earliest end: when the last write is allowed, plus the time that Azure needs for it."""
    return max(0.0, (factories * _ENDPOINTS - _BURST) / _PER_SECOND) + _PROVISIONING


def _of_one(what: str, took: dict[str, float], small: dict[str, float], bound: float) -> Iterator[Figure]:
    yield figure("fleets", what, took["seconds"], "s", baseline=bound, against="what the limits allow")
    yield figure("fleets", "  answered 429", took["refused"], "", baseline=took["requests"], against="requests")
    against = f"{_COMPARED} factories"
    yield figure("fleets", "  processor per endpoint", took["each"], "ms", baseline=small["each"], against=against)
    yield figure("fleets", "  peak memory, with emulator", took["peak"], "MB", baseline=small["peak"], against=against)
