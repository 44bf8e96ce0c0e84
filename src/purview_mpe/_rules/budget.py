"""How many requests a process may send: token buckets that keep it below Azure's own limits.

Azure Resource Manager gives each principal a bucket of tokens per subscription, region and kind of operation, and
refuses requests when it is empty (docs: "Understand how Azure Resource Manager throttles requests"). A `Budget`
keeps the same buckets in this process. A request takes its token before it is sent. If the bucket is empty, the request
is given the time to wait. Requests are served in order, because each one takes the first token that is not taken yet.

The remaining number that Azure reports (`x-ms-ratelimit-remaining-subscription-*`) can only lower a bucket: other
programs may draw on the same limits. Nothing here waits or reads a clock; the callers do both.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from purview_mpe._model.public import public
from purview_mpe._model.shown import shown
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["reads", "writes", "deletes"]
Key = tuple[str, ...]

#: More than any caller needs; without an upper bound, calculations with a huge int could fail.
_MOST = 1e9
#: Part of each bucket that stays unused: requests can overtake each other, and Azure counts them as they arrive.
_RESERVE = 0.1
#: The longest time for which a 429 holds back other requests, whatever Azure asks for; the retry policy has the same
#: ceiling.
_LONGEST_PAUSE = 60.0
#: The subscription, and the service that answers: the last provider in the path, even if the resource belongs to an
#: earlier one.
_SCOPE = re.compile(r"/subscriptions/([^/]+)(?=/|$)(?:.*/providers/([^/]+)/)?", re.IGNORECASE)


@public("purview_mpe")
@dataclass(frozen=True, slots=True)
class Rate:
    """A number of requests at once, and then a number per second."""

    burst: float
    """How many requests can go at once."""
    per_second: float
    """How many more become available each second."""


#: Docs: "Request limits and throttling" of Azure Resource Manager, the limits since 2024; per principal, subscription
#: and region. A whole subscription has fifteen times as much, so one principal cannot use that up.
READS = Rate(250, 25)
WRITES = Rate(200, 10)
DELETES = Rate(200, 10)
#: Additional limits of single services, per subscription. Docs: "Scalability targets for the Azure Storage resource
#: provider" (800 reads per 5 minutes, 1,200 writes per hour) and "Azure subscription limits", Network (1,000 writes
#: per 5 minutes). Data Factory documents no request limits of its own. It creates private endpoints in a
#: subscription of Microsoft's, so they do not count towards the caller's limits.
_OF_SERVICES: Mapping[tuple[str, Kind], Rate] = {
    ("microsoft.network", "writes"): Rate(1000, 1000 / 300),
    ("microsoft.network", "deletes"): Rate(1000, 1000 / 300),
    ("microsoft.storage", "reads"): Rate(800, 800 / 300),
    ("microsoft.storage", "writes"): Rate(1200, 1200 / 3600),
}


@dataclass(slots=True)
class _Bucket:
    """Tokens that refill; `level` is negative if future tokens are already taken."""

    rate: Rate | None
    """None if the service documents no limit; then the bucket only holds back after a refusal."""
    level: float
    at: float
    closed_until: float = float("-inf")
    on_the_way: int = 0
    """Requests that took a token here and have no answer yet."""

    def take(self, now: float) -> float:
        """Take one token; return the seconds until it is available."""
        self._refill(now)
        wait = max(0.0, self.closed_until - now)
        if self.rate is not None:
            self.level -= 1
            wait = max(wait, -self.level / self.rate.per_second)
        return wait

    def until_room(self, count: int, now: float) -> float:
        """Seconds until `count` tokens are available; a count above the size of the bucket counts as its size."""
        self._refill(now)
        wait = max(0.0, self.closed_until - now)
        if self.rate is not None:
            wait = max(wait, (min(count, self.rate.burst) - self.level) / self.rate.per_second)
        return wait

    def give_back(self) -> None:
        """Return an unused token."""
        if self.rate is not None:
            self.level = min(self.rate.burst, self.level + 1)

    def correct(self, level: float, now: float) -> None:
        """Lower the level to what Azure says is left, if the bucket holds more."""
        self._refill(now)
        # A level of zero or less stays as it is: the requests that wait for its tokens already know how long to wait.
        if self.level > 0:
            self.level = min(self.level, max(0.0, level))

    def close(self, now: float, seconds: float) -> None:
        """Hold back all requests for that many seconds, as Azure asked; afterwards they go one after the other."""
        self._refill(now)
        self.closed_until = max(self.closed_until, now + seconds)
        if self.rate is not None:
            self.level = min(self.level, -self.rate.per_second * seconds)

    def _refill(self, now: float) -> None:
        if self.rate is not None and now > self.at:
            self.level = min(self.rate.burst, self.level + (now - self.at) * self.rate.per_second)
        self.at = max(self.at, now)


@dataclass(slots=True)
class Ticket:
    """One request's place in its queues."""

    keys: tuple[Key, ...]
    kind: Kind
    ready_at: float
    """The moment from which the request may be sent, on the clock of the caller that took the ticket."""


@public("purview_mpe")
class Budget:
    """How many requests this process may send to Azure; several clients can share one.

    Clients without a budget of their own share one per process. A share below 1 leaves room for others that use the
    same subscriptions with the same identity: pipelines, other tools, people.

    Args:
        share: The part of Azure's limits to use, above 0 and at most 1.
        reads: Azure's limit for GET requests, per subscription and region.
        writes: Azure's limit for PUT, PATCH and POST requests.
        deletes: Azure's limit for DELETE requests.

    Raises:
        InvalidSpec: the share or a rate is not valid.
    """

    def __init__(
        self, share: float = 1.0, *, reads: Rate = READS, writes: Rate = WRITES, deletes: Rate = DELETES
    ) -> None:
        self._limits: dict[Kind, Rate] = {"reads": reads, "writes": writes, "deletes": deletes}
        problems = [] if _is_number(share) and 0 < share <= 1 else [("share", "must be above 0 and at most 1, say 0.5")]
        problems += [
            (kind, f"{shown(rate)} is not a Rate with a burst of at least 1 and more than 0 per second")
            for kind, rate in self._limits.items()
            if not _is_rate(rate)
        ]
        if problems:
            raise InvalidSpec("Budget", problems)
        self.share = share
        self._buckets: dict[Key, _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, method: str, url: str, now: float) -> Ticket | None:
        """A ticket for one request; None for requests that count towards no subscription."""
        with self._lock:
            if not (found := self._places(method, url, now)):
                return None
            for _, bucket in found:
                bucket.on_the_way += 1
            wait = max(bucket.take(now) for _, bucket in found)
        return Ticket(tuple(key for key, _ in found), kind_of(method), now + wait)

    def wait(self, ticket: Ticket, now: float) -> float:
        """Seconds until the request may be sent; call it again after each wait: Azure may have closed a bucket."""
        with self._lock:
            for bucket in (self._buckets[key] for key in ticket.keys):
                if bucket.closed_until > ticket.ready_at:
                    # The bucket closed after this ticket was taken: queue again, or all requests would go at once.
                    ticket.ready_at = now + bucket.take(now)
        # Less than a microsecond is a rounding error of added times; waiting for it might never end.
        wait = ticket.ready_at - now
        return wait if wait > 1e-6 else 0.0

    def until_room(self, method: str, url: str, count: int, now: float) -> float:
        """Seconds until that many requests, sent together, would not have to wait. Takes no token."""
        with self._lock:
            found = self._places(method, url, now)
            return max((bucket.until_room(count, now) for _, bucket in found), default=0.0)

    def set_aside(self, ticket: Ticket) -> None:
        """Keep the ticket for a request that is sent later; until then it does not count as sent."""
        with self._lock:
            for bucket in (self._buckets[key] for key in ticket.keys):
                bucket.on_the_way -= 1

    def take_up(self, ticket: Ticket) -> None:
        """Use a kept ticket again."""
        with self._lock:
            for bucket in (self._buckets[key] for key in ticket.keys):
                bucket.on_the_way += 1

    def give_back(self, ticket: Ticket) -> None:
        """Return the ticket of a request that was never sent."""
        with self._lock:
            for bucket in (self._buckets[key] for key in ticket.keys):
                bucket.on_the_way -= 1
                bucket.give_back()

    def answered(self, ticket: Ticket, status: int | None, headers: Mapping[str, str], now: float) -> None:
        """Note the answer to a request; without an answer, the status is None and the headers are empty."""
        left = _number(headers.get(f"x-ms-ratelimit-remaining-subscription-{ticket.kind}"))
        with self._lock:
            for key in ticket.keys:
                self._buckets[key].on_the_way -= 1
            whole, service = (self._buckets[key] for key in ticket.keys)
            if left is not None:
                # Azure might not have counted the requests that are still on their way.
                reserve = self._limits[ticket.kind].burst * _RESERVE
                whole.correct((left - whole.on_the_way - reserve) * self.share, now)
            if status == 429:
                seconds = min(_number(headers.get("Retry-After")) or 1.0, _LONGEST_PAUSE)
                # If Azure Resource Manager says that some are left, the service itself refused. If it says that none
                # are left, or sends no such header, the limit of the principal counts as used up.
                (service if left else whole).close(now, seconds)

    def _places(self, method: str, url: str, now: float) -> tuple[tuple[Key, _Bucket], ...]:
        """The buckets that a request draws on: the principal's and the service's; none for one without a subscription.

        Azure counts separately in each of its regions, and its answers name the region. One bucket for all regions uses
        less than Azure allows if requests change regions, but no header can ever raise a bucket.
        """
        address = urlsplit(url)
        if (scope := _SCOPE.match(address.path)) is None:
            return ()
        host, subscription, service = address.netloc.casefold(), scope[1].casefold(), (scope[2] or "").casefold()
        kind = kind_of(method)
        keys: tuple[Key, ...] = (
            (host, subscription, kind, "principal", ""),
            (host, subscription, kind, "service", service),
        )
        rates = (self._limits[kind], _OF_SERVICES.get((service, kind)))
        return tuple((key, self._bucket(key, rate, now)) for key, rate in zip(keys, rates, strict=True))

    def _bucket(self, key: Key, rate: Rate | None, now: float) -> _Bucket:
        if key not in self._buckets:
            own = None
            if rate is not None:
                own = Rate(max(1.0, rate.burst * (1 - _RESERVE) * self.share), rate.per_second * self.share)
            self._buckets[key] = _Bucket(own, own.burst if own else 0.0, now)
        return self._buckets[key]


def kind_of(method: str) -> Kind:
    """Which of the three buckets a method draws on; POST counts as a write (inferred: no page says so)."""
    if method.upper() in {"GET", "HEAD", "OPTIONS"}:
        return "reads"
    return "deletes" if method.upper() == "DELETE" else "writes"


def _number(text: str | None) -> float | None:
    """A header's number; None if the header is missing or not a number. The retry policy handles dates."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < 1e6 else None


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_rate(value: object) -> bool:
    return (
        isinstance(value, Rate)
        and _is_number(value.burst)
        and _is_number(value.per_second)
        and 1 <= value.burst <= _MOST
        and 0 < value.per_second <= _MOST
    )
