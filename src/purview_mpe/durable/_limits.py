"""How fast a fleet may go on many machines: the workers do not know about each other, so the orchestration counts.

It keeps the same buckets as a client (`_rules.budget`), on the engine's clock instead of a real one. The results depend
only on the arguments, so they are the same in each replay.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from purview_mpe._model.arm_id import last_segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from purview_mpe._model.spec import Spec
    from purview_mpe.durable._logic import Logic
    from purview_mpe.durable._request import FleetVerb

T = TypeVar("T")
#: Subscription, kind (`reads`, `writes`) and service of a request.
Request: TypeAlias = tuple[str, str, str]
#: The buckets as JSON: subscription, kind, service, level.
Levels: TypeAlias = "list[tuple[str, str, str, float]]"
#: The subscriptions that a lane has in common with others, as JSON: for each bucket in the order of `Logic.rates`, how
#: much the lanes before it use, and which part of the limit is this lane's.
Common: TypeAlias = "dict[str, list[tuple[int, float]]]"

#: Bytes of a factory in a message of its page: fixed, and for each byte of its ids, and of its names. The largest of
#: each verb and kind of approval, measured with names of all lengths and several scripts.
_WITHOUT_HAND_OFF, _WITH_HAND_OFF = (6_400, 7, 26), (8_400, 9, 32)
#: The part of a message that the factories of a page may fill.
_FILLED = 0.9
#: Bytes in the longest message of a fleet that carries its reports, for each lane, for each factory, and for each
#: letter of its ids in JSON: measured with an account for each factory and the longest managed resource groups.
_CARRIED, _DECIDED, _DECIDED_WITH_HAND_OFF = (2_500, 800, 2.0), (5_600, 1_800, 1.8), (6_200, 3_100, 3.4)
#: Bytes of the longest id of an account in JSON: a resource group has at most 90 letters (docs: "Naming rules and
#: restrictions for Azure resources"), each of at most 12 bytes.
_LONGEST_ACCOUNT = 1_290
#: How many times as much of them the fleet's own orchestration carries, because it has them packed (measured). Up to
#: logic number 3.
_PACKED = 3
#: The writes that the approvals of one factory take, and how many of them are those to Storage (`blob` and `queue`).
_WRITES, _STORAGE_WRITES = 4, 2
#: The smallest part of a limit that a lane gets is one of so many.
_PARTS = 100_000


class Pace:
    """How much of Azure's limits one orchestration has used; `levels` are those of an earlier `Pace` at `since`."""

    def __init__(
        self,
        logic: Logic,
        share: float,
        since: datetime,
        levels: Iterable[Sequence[object]] = (),
        common: Common | None = None,
    ) -> None:
        self._logic, self._share, self._common = logic, share, common or {}
        self._at = since
        self._levels: dict[Request, float] = {
            (str(subscription), str(kind), str(service)): float(str(level))
            for subscription, kind, service, level in levels
        }

    def pause_for(self, requests: Iterable[Request], now: datetime) -> float:
        """Seconds to wait until Azure accepts all of these requests at once; counts them as sent."""
        self._refill(now)
        wait = 0.0
        for key, count in _counted(requests, self._logic).items():
            burst, per_second = self._rate(key)
            level = self._levels[key] = self._levels.get(key, burst) - count
            wait = max(wait, -level / per_second)
        return wait

    def levels(self, now: datetime) -> Levels:
        """The buckets that are not full, for the `Pace` that continues this one."""
        self._refill(now)
        return [(*key, level) for key, level in self._levels.items() if level < self._rate(key)[0]]

    def _rate(self, key: Request) -> tuple[float, float]:
        return _rate(key, self._logic, self._share * _part_of(key, self._logic, self._common))

    def _refill(self, now: datetime) -> None:
        seconds = max(0.0, (now - self._at).total_seconds())
        for key, level in self._levels.items():
            burst, per_second = self._rate(key)
            # A page of a lane can begin with more than its part of the burst.
            self._levels[key] = max(level, min(burst, level + seconds * per_second))
        self._at = max(self._at, now)


def shares(
    costs: Sequence[Sequence[Request]],
    logic: Logic,
    share: float,
    *,
    before: Levels | None = None,
    pages: int = 0,
    common: Common | None = None,
) -> list[Levels]:
    """Where the buckets of each page of a lane begin, so that pages with equal parts of the share go one by one.

    Each page then counts on its own with its part of the share. The first pages use up the burst; each later one waits
    until the limits allow its first requests. `before` is what the pages before these use, of `pages` in all. In a
    subscription that is `common` to several lanes, the pages of all of them go one by one.
    """
    levels: list[Levels] = []
    common = common or {}
    used: Counter[Request] = Counter()
    for place, buckets in common.items():
        for (kind, service), (count, _) in zip(logic.rates, buckets, strict=True):
            used[place, kind, service] = count
    for subscription, kind, service, level in before or ():
        used[subscription, kind, service] += int(level)
    for cost in costs:
        own = _counted(cost, logic)
        used.update(own)
        rates = {key: _rate(key, logic, share) for key in own}
        wait = max((0.0, *((used[key] - burst) / per_second for key, (burst, per_second) in rates.items())))
        parts = pages or len(costs)
        own_rates = {key: rates[key][1] * _part_of(key, logic, common) / parts for key in own}
        levels.append([(*key, count - wait * own_rates[key]) for key, count in own.items()])
    return levels


def in_common(lanes: Sequence[Iterable[Request]], logic: Logic) -> list[Common]:
    """How the lanes divide the limits of subscriptions that several of them send requests to: by what they send."""
    uses = [_counted(requests, logic) for requests in lanes]
    total, before = Counter[Request](), Counter[Request]()
    for each in uses:
        total.update(each)
    found: list[Common] = []
    for own in uses:
        places = sorted({key[0] for key in own if own[key] < total[key]})
        keys = {place: [(place, kind, service) for kind, service in logic.rates] for place in places}
        found.append({place: [(before[key], _part(own[key], total[key])) for key in keys[place]] for place in places})
        before.update(own)
    return found


def _part(own: int, total: int) -> float:
    """Rounded down, because this is part of many messages."""
    return max(1, own * _PARTS // total) / _PARTS if own else 1.0


def used_by(costs: Iterable[Iterable[Request]], logic: Logic) -> Levels:
    """What these pages use of each bucket, together."""
    used: Counter[Request] = Counter()
    for cost in costs:
        used.update(_counted(cost, logic))
    return [(*key, count) for key, count in used.items()]


def pages_of(specs: Sequence[Spec], logic: Logic, *, hand_off: bool) -> Iterator[Sequence[Spec]]:
    """The factories of each page: as many as a message holds, and at most the number of the logic."""
    if logic.message is None:
        yield from batches(specs, logic.page)
        return
    begin, size = 0, 0
    for index, spec in enumerate(specs):
        size += bytes_of(spec, hand_off=hand_off)
        if index > begin and (index - begin == logic.page or size > _FILLED * logic.message):
            yield specs[begin:index]
            begin, size = index, bytes_of(spec, hand_off=hand_off)
    if specs:
        yield specs[begin:]


def carries(specs: Sequence[Spec], logic: Logic, *, hand_off: bool, decided: bool) -> bool:
    """Whether the reports of these factories fit into the messages of the fleet's own orchestration, packed.

    `decided`: whether a person decides, so that it holds them twice.
    """
    if logic.message is None:
        return True
    if not logic.packs:
        return sum(bytes_of(spec, hand_off=hand_off) for spec in specs) <= _PACKED * logic.message
    lane, factory, per_letter = (_DECIDED_WITH_HAND_OFF if hand_off else _DECIDED) if decided else _CARRIED
    lanes = len({spec.factory_id.subscription.casefold() for spec in specs})
    letters = sum(len(json.dumps(spec.factory)) + _letters_of_account(spec) for spec in specs)
    return lane * lanes + factory * len(specs) + per_letter * letters <= logic.message


def _letters_of_account(spec: Spec) -> int:
    return len(json.dumps(spec.account)) if spec.account else _LONGEST_ACCOUNT


def bytes_of(spec: Spec, *, hand_off: bool) -> int:
    """The bytes that one factory takes in the longest message of its page, with a tenth to spare (measured).

    A report repeats the ids a few times, and the names of factory, account and endpoints in each endpoint's ids.
    Engines write JSON in ASCII: a letter of another script takes six bytes, or twelve.
    """
    account = spec.account or spec.factory
    ids = len(json.dumps(spec.factory)) + len(json.dumps(account))
    names = sum(len(json.dumps(each)) for each in (spec.factory_id.name, last_segment(account), spec.name))
    fixed, per_id, per_name = _WITH_HAND_OFF if hand_off else _WITHOUT_HAND_OFF
    return fixed + per_id * ids + per_name * names


def _counted(requests: Iterable[Request], logic: Logic) -> Counter[Request]:
    """How many requests draw on each bucket: the caller's, and that of a service with limits of its own."""
    counted: Counter[Request] = Counter()
    for subscription, kind, service in requests:
        counted[subscription, kind, ""] += 1
        if (kind, service) in logic.rates:
            counted[subscription, kind, service] += 1
    return counted


def _part_of(key: Request, logic: Logic, common: Common) -> float:
    """Which part of the limit is this lane's."""
    place, kind, service = key
    return common[place][list(logic.rates).index((kind, service))][1] if place in common else 1.0


def _rate(key: Request, logic: Logic, share: float) -> tuple[float, float]:
    _, kind, service = key
    burst, per_second = logic.rates[kind, service]
    return max(1.0, burst * (1 - logic.reserve) * share), per_second * share


def waves(items: Sequence[T], share: float, logic: Logic, verb: FleetVerb = "create") -> Iterator[Sequence[T]]:
    """The items in waves of half of what Azure accepts at once, so that the limits refill while a wave runs."""
    burst, _ = logic.rates["writes", ""]
    return batches(items, max(1, int(burst * share / logic.writes[verb] / 2)))


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in batches of at most `size`."""
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]


def cost_of_making(specs: Sequence[Spec], verb: FleetVerb, logic: Logic, *, approve: bool) -> Iterator[Request]:
    """The most requests that it takes to create for or onboard these factories; the account is read once."""
    for spec in specs:
        yield from _of_factory(spec, reads=logic.reads[verb], writes=logic.writes[verb])
        if approve:
            yield from cost_of_approving([spec])
    yield from [(subscription_of_account(spec), "reads", "microsoft.purview") for spec in specs[:1]]


def cost_of_looking(specs: Sequence[Spec], verb: FleetVerb, logic: Logic) -> Iterator[Request]:
    """The requests that a look at these factories takes."""
    for spec in specs:
        yield from _of_factory(spec, reads=logic.reads[verb], writes=0)
    yield from [(subscription_of_account(spec), "reads", "microsoft.purview") for spec in specs[:1]]


def cost_of_finding(specs: Sequence[Spec], logic: Logic) -> Iterator[Request]:
    """The requests that it takes to find endpoints: those of a look, and each account with its connections."""
    yield from cost_of_looking(specs, "create", logic)
    if logic.divides:
        accounts = {(spec.account or spec.factory).casefold(): subscription_of_account(spec) for spec in specs}
        for subscription in accounts.values():
            yield from [(subscription, "reads", "microsoft.purview")] * 2
            yield subscription, "reads", "microsoft.storage"
            yield subscription, "reads", "microsoft.eventhub"


def cost_of_deciding(specs: Sequence[Spec], logic: Logic, *, finds: bool) -> Iterator[Request]:
    """The most requests that a decision about these factories takes, where the endpoints are found first or known."""
    yield from cost_of_approving(specs)
    if finds and logic.divides:
        yield from cost_of_finding(specs, logic)


def seconds_to_approve(factories: int, common: Common, logic: Logic, share: float) -> float:
    """How long the limits on writes let a lane take to approve, if it begins after all other lanes."""
    longest = 0.0
    for kind, writes in ((("writes", ""), _WRITES), (("writes", "microsoft.storage"), _STORAGE_WRITES)):
        index = list(logic.rates).index(kind)
        part = min((buckets[index][1] for buckets in common.values()), default=1.0)
        burst, per_second = _rate(("", *kind), logic, share)
        longest = max(longest, (writes * factories / part - burst) / per_second)
    return longest


def seconds_until(levels: Levels, logic: Logic, share: float, common: Common) -> float:
    """How long a page waits that begins with these buckets, until none of them is below zero."""
    longest = 0.0
    for place, kind, service, level in levels:
        key = place, kind, service
        _, per_second = _rate(key, logic, share * _part_of(key, logic, common))
        longest = max(longest, -level / per_second)
    return longest


def seconds_after(before: Levels, logic: Logic, share: float) -> float:
    """How long the pages of a lane take that use this much of its buckets."""
    longest = 0.0
    for place, kind, service, used in before:
        _, per_second = _rate((place, kind, service), logic, share)
        longest = max(longest, used / per_second)
    return longest


def cost_of_approving(specs: Sequence[Spec]) -> Iterator[Request]:
    """The most requests that approving takes; assumes that the targets are in the subscription of the account."""
    for spec in specs:
        account = subscription_of_account(spec)
        yield account, "writes", "microsoft.purview"
        for service, count in (("microsoft.storage", _STORAGE_WRITES), ("microsoft.eventhub", 1)):
            yield account, "reads", service
            yield from [(account, "writes", service)] * count


def _of_factory(spec: Spec, *, reads: int, writes: int) -> Iterator[Request]:
    subscription = spec.factory_id.subscription.casefold()
    yield from [(subscription, "reads", "microsoft.datafactory")] * reads
    yield from [(subscription, "writes", "microsoft.datafactory")] * writes


def subscription_of_account(spec: Spec) -> str:
    """The subscription of the account, in lower case; the factory's where the spec names no account."""
    return (spec.account or spec.factory).split("/")[2].casefold()
