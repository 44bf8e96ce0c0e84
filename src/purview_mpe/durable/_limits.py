"""How fast a fleet may go on many machines: the workers do not know about each other, so the orchestration counts.

It keeps the same buckets as a client (`_rules.budget`), on the engine's clock instead of a real one. The results depend
only on the arguments, so they are the same in each replay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar

from purview_mpe._rules.budget import WRITES, Budget

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from purview_mpe._model.spec import Spec
    from purview_mpe.durable._request import FleetVerb

T = TypeVar("T")
Request: TypeAlias = tuple[str, str]

#: The most reads that one factory takes: its networks, its endpoints and a look afterwards; onboarding also reads the
#: factory itself and its integration runtimes.
_READS: Mapping[FleetVerb, int] = {"create": 4, "onboard": 6}
#: The most writes that one factory takes: the network and four endpoints; onboarding also writes the factory itself and
#: an integration runtime.
_WRITES: Mapping[FleetVerb, int] = {"create": 5, "onboard": 7}


class Pace:
    """How much of Azure's limits one orchestration has used."""

    def __init__(self, share: float) -> None:
        self._budget = Budget(share)
        self._began: datetime | None = None

    def pause_for(self, requests: Iterable[Request], now: datetime) -> float:
        """Seconds to wait until Azure accepts all of these requests at once; counts them as sent."""
        self._began = self._began or now
        seconds = (now - self._began).total_seconds()
        tickets = [self._budget.take(method, path, seconds) for method, path in requests]
        return max((ticket.ready_at - seconds for ticket in tickets if ticket is not None), default=0.0)


def waves(items: Sequence[T], share: float, verb: FleetVerb = "create") -> Iterator[Sequence[T]]:
    """The items in waves of half of what Azure accepts at once, so that the limits refill while a wave runs."""
    return batches(items, max(1, int(WRITES.burst * share / _WRITES[verb] / 2)))


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in batches of at most `size`."""
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]


def cost_of_making(specs: Sequence[Spec], verb: FleetVerb, *, approve: bool) -> Iterator[Request]:
    """The most requests that it takes to create for or onboard these factories; the account is read once."""
    for spec in specs:
        yield from [("GET", spec.factory)] * _READS[verb]
        yield from [("PUT", spec.factory)] * _WRITES[verb]
        if approve:
            yield from cost_of_approving([spec])
    yield from [("GET", _account(spec)) for spec in specs[:1]]


def cost_of_looking(specs: Sequence[Spec], verb: FleetVerb) -> Iterator[Request]:
    """The requests that a look at these factories takes."""
    for spec in specs:
        yield from [("GET", spec.factory)] * _READS[verb]
    yield from [("GET", _account(spec)) for spec in specs[:1]]


def cost_of_approving(specs: Sequence[Spec]) -> Iterator[Request]:
    """The most requests that approving takes; assumes that the targets are in the subscription of the account."""
    for spec in specs:
        account = _account(spec)
        subscription = account.split("/")[2]
        yield ("PUT", account)
        for provider, count in (("Microsoft.Storage", 2), ("Microsoft.EventHub", 1)):
            neighbour = f"/subscriptions/{subscription}/providers/{provider}/targets/any"
            yield from [("GET", neighbour), *[("PUT", neighbour)] * count]


def _account(spec: Spec) -> str:
    return spec.account or spec.factory
