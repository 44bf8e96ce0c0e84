"""Azure Resource Manager's token buckets: how many requests a caller may make in a subscription.

The numbers are documented: per principal and subscription 250 reads at once and 25 per second, 200 writes
and 10 per second, 200 deletes and 10 per second; a whole subscription has 15 times that. The buckets are
always counted, because every answer shows what is left. They refuse requests only if the emulator enforces
limits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from purview_mpe.emulator._values.exchange import ArmError

Kind = Literal["reads", "writes", "deletes"]

_BURST_AND_RATE: dict[Kind, tuple[int, float]] = {
    "reads": (250, 25.0),
    "writes": (200, 10.0),
    "deletes": (200, 10.0),
}
_SUBSCRIPTION_FACTOR = 15


@dataclass(slots=True)
class _Bucket:
    size: float
    rate: float
    level: float
    at: float

    def refill(self, now: float) -> None:
        if now > self.at:
            self.level = min(self.size, self.level + (now - self.at) * self.rate)
            self.at = now


class Limits:
    """The buckets of all subscriptions and callers."""

    def __init__(self, *, enforced: bool) -> None:
        self.enforced = enforced
        self._buckets: dict[tuple[str, str, Kind], _Bucket] = {}

    def take(self, subscription: str, caller: str, method: str, now: float) -> dict[str, str]:
        """Take one token; gives the headers that show what is left (names recorded 2025).

        Raises:
            ArmError: 429 with `Retry-After`, if limits are enforced and a bucket is empty.
        """
        kind = kind_of(method)
        own = self._bucket(subscription, caller, kind, now, 1)
        shared = self._bucket(subscription, "", kind, now, _SUBSCRIPTION_FACTOR)
        if self.enforced and min(own.level, shared.level) < 1:
            empty = own if own.level < 1 else shared
            seconds = max(1, math.ceil((1 - empty.level) / empty.rate))
            raise ArmError(
                429,
                "SubscriptionRequestsThrottled",
                f"Number of '{kind[:-1]}' requests for subscription '{subscription}' "
                f"actor '{caller}' exceeded. "
                f"Please try again after '{seconds}' seconds after additional tokens are available. "
                "Refer to https://aka.ms/arm-throttling for additional information.",
                headers={"Retry-After": str(seconds), f"x-ms-ratelimit-remaining-subscription-{kind}": "0"},
            )
        own.level = max(own.level - 1, 0)
        shared.level = max(shared.level - 1, 0)
        prefix = "x-ms-ratelimit-remaining-subscription"
        return {f"{prefix}-{kind}": str(int(own.level)), f"{prefix}-global-{kind}": str(int(shared.level))}

    def _bucket(self, subscription: str, caller: str, kind: Kind, now: float, factor: int) -> _Bucket:
        key = (subscription, caller, kind)
        bucket = self._buckets.get(key)
        if bucket is None:
            burst, rate = _BURST_AND_RATE[kind]
            bucket = self._buckets[key] = _Bucket(burst * factor, rate * factor, burst * factor, now)
        bucket.refill(now)
        return bucket


def kind_of(method: str) -> Kind:
    """The bucket that a method takes its token from."""
    if method in {"GET", "HEAD", "OPTIONS"}:
        return "reads"
    return "deletes" if method == "DELETE" else "writes"
