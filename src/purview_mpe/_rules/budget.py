"""How many requests Azure lets us make: token buckets that keep a process below Azure's own limits.

Azure Resource Manager gives each principal a bucket of tokens per subscription, region and kind of operation, and
refuses what comes when it is empty (docs: "Understand how Azure Resource Manager throttles requests"). A `Budget`
keeps the same buckets on this side. A request takes its token before it is sent, and where there is none it is told
how long to wait: first come, first served, because each takes its token from the future that its predecessor left.

What Azure says is left (`x-ms-ratelimit-remaining-subscription-*`) corrects the buckets downwards: others may draw on
the same ones. Nothing here knows how to wait or what time it is; both are told from outside.
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

#: More than anybody asks; an upper bound because not every whole number can be calculated with.
_MOST = 1e9
#: Part of each bucket that is left alone: requests overtake each other on their way, and Azure counts as they arrive.
_RESERVE = 0.1
#: However long Azure asks for, this is as long as others wait on its word; the retry policy has the same ceiling.
_LONGEST_PAUSE = 60.0
#: The subscription, and the service that answers: the last one named, for what is asked about another's resource.
_SCOPE = re.compile(r"/subscriptions/([^/]+)(?=/|$)(?:.*/providers/([^/]+)/)?", re.IGNORECASE)


@public("purview_mpe")
@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests at once, and from then on so many per second."""

    burst: float
    """How many requests can go at once."""
    per_second: float
    """How many more become available each second."""


#: Docs: "Request limits and throttling" of Azure Resource Manager, the limits since 2024; per principal, subscription
#: and region. A whole subscription has fifteen times that, which one principal cannot use up.
READS = Rate(250, 25)
WRITES = Rate(200, 10)
DELETES = Rate(200, 10)
#: What single services limit on top, per subscription. Docs: "Scalability targets for the Azure Storage resource
#: provider" (800 reads per 5 minutes, 1,200 writes per hour) and "Azure subscription limits", Network (1,000 writes
#: per 5 minutes). Data Factory documents none but Azure Resource Manager's; the private endpoints that it makes are
#: made in a subscription of Microsoft's, so they do not draw on ours.
_OF_SERVICES: Mapping[tuple[str, Kind], Rate] = {
    ("microsoft.network", "writes"): Rate(1000, 1000 / 300),
    ("microsoft.network", "deletes"): Rate(1000, 1000 / 300),
    ("microsoft.storage", "reads"): Rate(800, 800 / 300),
    ("microsoft.storage", "writes"): Rate(1200, 1200 / 3600),
}


@dataclass(slots=True)
class _Bucket:
    """Tokens that refill; negative where the future is spoken for."""

    rate: Rate | None
    """None: the service documents no limit; the bucket only knows when it was told to wait."""
    level: float
    at: float
    closed_until: float = float("-inf")
    on_the_way: int = 0
    """Requests that took a token here and are not answered yet."""

    def take(self, now: float) -> float:
        """Take one token; seconds until it is really there."""
        self._refill(now)
        wait = max(0.0, self.closed_until - now)
        if self.rate is not None:
            self.level -= 1
            wait = max(wait, -self.level / self.rate.per_second)
        return wait

    def until_room(self, count: int, now: float) -> float:
        """Seconds until so many tokens are there; more than there ever can be are not waited for."""
        self._refill(now)
        wait = max(0.0, self.closed_until - now)
        if self.rate is not None:
            wait = max(wait, (min(count, self.rate.burst) - self.level) / self.rate.per_second)
        return wait

    def give_back(self) -> None:
        """Put a token back that was not used."""
        if self.rate is not None:
            self.level = min(self.rate.burst, self.level + 1)

    def correct(self, level: float, now: float) -> None:
        """Azure says that less is left than we thought."""
        self._refill(now)
        # A debt stays as it is: those who wait for these tokens were told for how long.
        if self.level > 0:
            self.level = min(self.level, max(0.0, level))

    def close(self, now: float, seconds: float) -> None:
        """Azure wants no request for so many seconds; afterwards they are let in one after the other."""
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
    """One request's place in the queues that it stands in."""

    keys: tuple[Key, ...]
    kind: Kind
    ready_at: float
    """The moment from which it may be sent, on the clock of whoever took it."""


@public("purview_mpe")
class Budget:
    """What this process may ask of Azure; give one to several clients, and they share it.

    Clients that are given none share one per process. A share below 1 leaves room for others who use the same
    subscriptions with the same identity: pipelines, other tools, people.

    Args:
        share: The part of Azure's limits that may be used, above 0 and at most 1.
        reads: What Azure allows of GET requests, per subscription and region.
        writes: What it allows of PUT, PATCH and POST requests.
        deletes: What it allows of DELETE requests.

    Raises:
        InvalidSpec: the share or a rate cannot be.
    """

    def __init__(
        self, share: float = 1.0, *, reads: Rate = READS, writes: Rate = WRITES, deletes: Rate = DELETES
    ) -> None:
        self._limits: dict[Kind, Rate] = {"reads": reads, "writes": writes, "deletes": deletes}
        problems = [] if _is_number(share) and 0 < share <= 1 else [("share", "must be above 0 and at most 1, say 0.5")]
        problems += [
            (kind, f"{shown(rate)} is no Rate with a burst of at least 1 and more than 0 per second")
            for kind, rate in self._limits.items()
            if not _is_rate(rate)
        ]
        if problems:
            raise InvalidSpec("Budget", problems)
        self.share = share
        self._buckets: dict[Key, _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, method: str, url: str, now: float) -> Ticket | None:
        """A place for one request; None for requests that no subscription pays for."""
        with self._lock:
            if not (found := self._places(method, url, now)):
                return None
            for _, bucket in found:
                bucket.on_the_way += 1
            wait = max(bucket.take(now) for _, bucket in found)
        return Ticket(tuple(key for key, _ in found), kind_of(method), now + wait)

    def wait(self, ticket: Ticket, now: float) -> float:
        """Seconds until the request may be sent; asked again after each wait, since Azure may have closed a bucket."""
        with self._lock:
            for bucket in (self._buckets[key] for key in ticket.keys):
                if bucket.closed_until > ticket.ready_at:
                    # Closed after this ticket was given: stand in line again, or all would go at once afterwards.
                    ticket.ready_at = now + bucket.take(now)
        # Less than a microsecond is rounding: clocks are added up, and waiting for it could go on for ever.
        wait = ticket.ready_at - now
        return wait if wait > 1e-6 else 0.0

    def until_room(self, method: str, url: str, count: int, now: float) -> float:
        """Seconds until so many requests, sent together, would not have to wait. Takes nothing."""
        with self._lock:
            found = self._places(method, url, now)
            return max((bucket.until_room(count, now) for _, bucket in found), default=0.0)

    def set_aside(self, ticket: Ticket) -> None:
        """Keep the ticket's place for a request that comes back later; nothing is on the way meanwhile."""
        with self._lock:
            for bucket in (self._buckets[key] for key in ticket.keys):
                bucket.on_the_way -= 1

    def take_up(self, ticket: Ticket) -> None:
        """The request whose ticket was set aside is back."""
        with self._lock:
            for bucket in (self._buckets[key] for key in ticket.keys):
                bucket.on_the_way += 1

    def give_back(self, ticket: Ticket) -> None:
        """The request was never sent."""
        with self._lock:
            for bucket in (self._buckets[key] for key in ticket.keys):
                bucket.on_the_way -= 1
                bucket.give_back()

    def answered(self, ticket: Ticket, status: int | None, headers: Mapping[str, str], now: float) -> None:
        """What came back: None and nothing where no answer came."""
        left = _number(headers.get(f"x-ms-ratelimit-remaining-subscription-{ticket.kind}"))
        with self._lock:
            for key in ticket.keys:
                self._buckets[key].on_the_way -= 1
            whole, service = (self._buckets[key] for key in ticket.keys)
            if left is not None:
                # What is on its way may not be counted yet.
                reserve = self._limits[ticket.kind].burst * _RESERVE
                whole.correct((left - whole.on_the_way - reserve) * self.share, now)
            if status == 429:
                seconds = min(_number(headers.get("Retry-After")) or 1.0, _LONGEST_PAUSE)
                # Azure Resource Manager tells that nothing is left; without that it was the service that refused.
                (service if left else whole).close(now, seconds)

    def _places(self, method: str, url: str, now: float) -> tuple[tuple[Key, _Bucket], ...]:
        """The buckets that a request draws on: the principal's and the service's; none if no subscription pays for it.

        Azure counts in each of its regions by itself, and its answers name the region. One bucket for all of them asks
        for less than Azure allows where requests change regions, and no header of an answer can give a fresh one.
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
    """A header's number; None for absent ones and for nonsense. Dates are left to the retry policy."""
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
