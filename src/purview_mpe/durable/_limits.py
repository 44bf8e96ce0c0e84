"""How fast a fleet may go on many machines: the workers know nothing of each other, so the orchestration counts.

It keeps the same buckets that a client keeps (`_budget`), on the engine's clock instead of a real one: values in,
values out, the same at each replay.
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

#: Reads that one factory costs at most: its networks, its endpoints and a look afterwards; to onboard it, the factory
#: itself and its integration runtimes as well.
_READS: Mapping[FleetVerb, int] = {"create": 4, "onboard": 6}
#: Writes that one factory costs at most: the network and four endpoints; to onboard it, the factory itself and an
#: integration runtime as well.
_WRITES: Mapping[FleetVerb, int] = {"create": 5, "onboard": 7}


class Pace:
    """Azure's limits, as far as one orchestration uses them up."""

    def __init__(self, share: float) -> None:
        self._budget = Budget(share)
        self._began: datetime | None = None

    def pause_for(self, requests: Iterable[Request], now: datetime) -> float:
        """Seconds to wait until Azure takes all of these at once; counts them as made."""
        self._began = self._began or now
        seconds = (now - self._began).total_seconds()
        tickets = [self._budget.take(method, path, seconds) for method, path in requests]
        return max((ticket.ready_at - seconds for ticket in tickets if ticket is not None), default=0.0)


def waves(items: Sequence[T], share: float, verb: FleetVerb = "create") -> Iterator[Sequence[T]]:
    """Items in waves: half of what Azure takes at once, so that the next wave's limits fill up meanwhile."""
    return batches(items, max(1, int(WRITES.burst * share / _WRITES[verb] / 2)))


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Items in pieces of a size."""
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]


def cost_of_making(specs: Sequence[Spec], verb: FleetVerb, *, approve: bool) -> Iterator[Request]:
    """What creating for or onboarding these factories asks of Azure at most, with the account read once."""
    for spec in specs:
        yield from [("GET", spec.factory)] * _READS[verb]
        yield from [("PUT", spec.factory)] * _WRITES[verb]
        if approve:
            yield from cost_of_approving([spec])
    yield from [("GET", _account(spec)) for spec in specs[:1]]


def cost_of_looking(specs: Sequence[Spec], verb: FleetVerb) -> Iterator[Request]:
    """What a look at these factories asks of Azure."""
    for spec in specs:
        yield from [("GET", spec.factory)] * _READS[verb]
    yield from [("GET", _account(spec)) for spec in specs[:1]]


def cost_of_approving(specs: Sequence[Spec]) -> Iterator[Request]:
    """What approving for these factories asks of Azure at most; the storage is taken to be the account's neighbour."""
    for spec in specs:
        account = _account(spec)
        subscription = account.split("/")[2]
        yield ("PUT", account)
        for provider, count in (("Microsoft.Storage", 2), ("Microsoft.EventHub", 1)):
            neighbour = f"/subscriptions/{subscription}/providers/{provider}/targets/any"
            yield from [("GET", neighbour), *[("PUT", neighbour)] * count]


def _account(spec: Spec) -> str:
    return spec.account or spec.factory
