"""Everything that exists in one emulator, and the events that are scheduled for it."""

from __future__ import annotations

import heapq
import itertools
import threading
import uuid
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from purview_mpe.emulator._state.clock import VirtualClock
from purview_mpe.emulator._state.networking import Networking
from purview_mpe.emulator._state.nouns import (
    Account,
    AfterReads,
    Connection,
    Endpoint,
    Factory,
    Network,
    Resource,
    ResourceGroup,
    Subscription,
)
from purview_mpe.emulator._state.settings import DEFAULT_LOCATION, Reads, Settings, Span, drawn
from purview_mpe.emulator._values.json_values import id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.catalog import Catalog
    from purview_mpe.emulator._state.clock import Clock
    from purview_mpe.emulator._state.nouns import Operation

FACTORY_TYPE = "Microsoft.DataFactory/factories"
ACCOUNT_TYPE = "Microsoft.Purview/accounts"
STORAGE_TYPE = "Microsoft.Storage/storageAccounts"
NAMESPACE_TYPE = "Microsoft.EventHub/namespaces"

# The group ids of each kind of target (documentation of Private Link); a target refuses others.
GROUP_IDS: dict[str, frozenset[str]] = {
    ACCOUNT_TYPE.casefold(): frozenset({"account", "portal", "platform"}),
    STORAGE_TYPE.casefold(): frozenset(
        name + tail for name in ("blob", "queue", "table", "file", "dfs", "web") for tail in ("", "_secondary")
    ),
    NAMESPACE_TYPE.casefold(): frozenset({"namespace"}),
}


class World:
    """All state of one emulator. Code that reads or changes it must hold `lock`."""

    def __init__(self, settings: Settings, clock: Clock, *, seed: int, epoch: datetime | None, tenant: str) -> None:
        self.settings = settings
        self.clock = clock
        self.follows_calendar = epoch is None
        self.epoch = epoch or datetime.now(UTC)
        self._began = clock.now()
        self.tenant = tenant
        self.random = Random(seed)
        self.lock = threading.RLock()
        self.subscriptions: dict[str, Subscription] = {}
        self.factories: dict[str, Factory] = {}
        self.accounts: dict[str, Account] = {}
        self.resources: dict[str, Resource] = {}
        """Storage accounts and Event Hubs namespaces."""
        self.connections: dict[str, dict[str, Connection]] = {}
        """By the key of the target, then by the case-folded name of the connection."""
        self.networking = Networking()
        self.catalogs: dict[str, Catalog] = {}
        """The data planes of accounts, by the key of the account."""
        self.is_inside = False
        """Whether callers are inside the network of closed accounts, unless a caller says otherwise."""
        self.arrivals = 0
        """How many requests have arrived."""
        self.operations: dict[str, Operation] = {}
        """Long-running operations by their id."""
        self._serial = itertools.count(1)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._moment: float | None = None

    # --- time

    def now(self) -> float:
        """The time; inside a scheduled event, the time for which it was scheduled."""
        return self.clock.now() if self._moment is None else self._moment

    def stamp(self, at: float | None = None) -> str:
        """A time of the clock in Azure's format, with seven digits after the second."""
        moment = self.epoch + timedelta(seconds=(self.now() if at is None else at) - self._began)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}0Z"

    def moment_of(self, date: datetime) -> float:
        """The time of the clock that a date corresponds to."""
        return self._began + (date - self.epoch) / timedelta(seconds=1)

    def settle(self) -> float:
        """Run all events that are due by now; gives the time."""
        now = self.clock.now()
        while self._due and self._due[0][0] <= now:
            self._moment, _, act = heapq.heappop(self._due)
            act()
        self._moment = None
        return now

    def later(self, span: Span, act: Callable[[], None], waiting: list[AfterReads]) -> None:
        """Schedule an event after a span; spans that count reads are kept in `waiting`."""
        if isinstance(span, Reads):
            if span.count <= 0:
                act()
            else:
                waiting.append(AfterReads(span.count, act))
            return
        seconds = drawn(span, self.random)
        if seconds <= 0:
            act()
        else:
            heapq.heappush(self._due, (self.now() + seconds, next(self._serial), act))

    def was_read(self, endpoint: Endpoint) -> None:
        """Count one read for the events that wait for reads. The answer to that read shows the state before it."""
        if not endpoint.waiting:
            return
        for waiting in list(endpoint.waiting):
            waiting.left -= 1
            if waiting.left <= 0:
                endpoint.waiting.remove(waiting)
                waiting.act()

    def target_was_read(self, target: ArmId) -> None:
        """Count one read of a target's connections for the endpoints that want to connect to it."""
        if not self.settings.counts_reads:
            return
        for endpoint in list(self.endpoints()):
            if endpoint.waiting and endpoint.target.strip("/").casefold() == target.key.strip("/"):
                self.was_read(endpoint)

    def ahead_of_calendar(self) -> float:
        """How far this clock is ahead of the real calendar, from which clients take their dates.

        Only if the epoch is the time at which the emulator was made: with an explicit epoch, dates count from that
        epoch.
        """
        if not self.follows_calendar:
            return 0.0
        return self.clock.now() - self.moment_of(datetime.now(UTC))

    def hold_storage(self, target: ArmId) -> bool:
        """Begin a private endpoint operation on a storage account; False if another is under way."""
        resource = self.resources.get(target.key)
        seconds = self.settings.storage_busy
        if not seconds or resource is None or not target.is_a(STORAGE_TYPE):
            return True
        now = self.now()
        if now < resource.busy_until:
            return False
        resource.busy_until = now + seconds
        return True

    def connection_limit(self, target: ArmId) -> int | None:
        """How many private endpoint connections a target can have; None: no limit is known."""
        if target.is_a(STORAGE_TYPE):
            return self.settings.storage_connection_limit
        return self.settings.namespace_connection_limit if target.is_a(NAMESPACE_TYPE) else None

    def is_full(self, target: ArmId) -> bool:
        """Whether a target has no room for another connection."""
        limit = self.connection_limit(target)
        return limit is not None and len(self.connections_of(target)) >= limit

    def seconds(self, name: str) -> float:
        """The present duration of one of `Times`."""
        return self.settings.times.of(name, real=self.is_real)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Schedule an event after a number of seconds."""
        self.later(seconds, act, [])

    @property
    def is_real(self) -> bool:
        """Whether clients wait in real time."""
        return not isinstance(self.clock, VirtualClock) or self.clock.is_running

    # --- names out of the seed

    def guid(self) -> str:
        """The next GUID."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def hex(self, digits: int) -> str:
        """A number of random hexadecimal digits."""
        return f"{self.random.getrandbits(4 * digits):0{digits}x}"

    def letters(self, count: int) -> str:
        """A number of random lower-case letters."""
        return "".join(self.random.choices("abcdefghijklmnopqrstuvwxyz", k=count))

    def etag(self) -> str:
        """An entity tag in Data Factory's format."""
        return f"{self.hex(8)}-0000-0d00-0000-{self.hex(8)}0000"

    def serial(self) -> int:
        """The next number in order of creation; pages continue after it."""
        return next(self._serial)

    def milliseconds(self, at: float | None = None) -> int:
        """A time of the clock in milliseconds since 1970, Purview's format."""
        moment = self.epoch + timedelta(seconds=(self.now() if at is None else at) - self._began)
        return round(moment.timestamp() * 1000)

    # --- finding things

    def microsoft_subscription(self) -> Subscription:
        """The subscription for resources of the services that customers never see."""
        for subscription in self.subscriptions.values():
            if subscription.of_microsoft:
                return subscription
        guid = self.guid()
        subscription = Subscription(guid, "Microsoft Internal", of_microsoft=True)
        self.subscriptions[guid] = subscription
        return subscription

    def is_microsofts(self, scope: str) -> bool:
        """Whether a scope is in a subscription that customers cannot reach."""
        parts = scope.strip("/").split("/")
        subscription = self.subscriptions.get(parts[1].casefold()) if len(parts) > 1 else None
        return subscription is not None and subscription.of_microsoft

    def ensure_subscription(self, guid: str) -> Subscription:
        """The customer's subscription with this id, added if it is new."""
        return self.subscriptions.setdefault(
            guid.casefold(), Subscription(guid, f"Subscription {len(self.subscriptions) + 1}")
        )

    def ensure_group(self, resource: ArmId, location: str = DEFAULT_LOCATION, managed_by: str | None = None) -> None:
        """Add the subscription and resource group of a resource, if they do not exist."""
        subscription = self.ensure_subscription(resource.subscription)
        subscription.groups.setdefault(
            resource.resource_group.casefold(), ResourceGroup(resource.resource_group, location, managed_by)
        )

    def account_called(self, name: str) -> Account | None:
        """The account with this name; names of accounts are unique in all of Azure."""
        for account in self.accounts.values():
            if account.id.name.casefold() == name.casefold():
                return account
        return None

    def find_resource(self, key: str) -> Factory | Account | Resource | None:
        """The top-level resource with this key."""
        return self.factories.get(key) or self.accounts.get(key) or self.resources.get(key)

    def location_of(self, target: ArmId) -> str:
        """The region of a top-level resource; empty if it has none."""
        found = self.find_resource(target.key)
        return str(found.body.get("location", "")) if found else ""

    def endpoints(self, factory: Factory | None = None) -> Iterator[Endpoint]:
        """All managed private endpoints, in order of creation within a factory."""
        for one in [factory] if factory else list(self.factories.values()):
            for network in one.networks.values():
                yield from network.endpoints.values()

    def network_of(self, endpoint: Endpoint) -> Network | None:
        """The managed virtual network that still holds this endpoint."""
        factory = self.factories.get(endpoint.factory.key)
        network = factory and factory.networks.get(endpoint.network.casefold())
        if network and network.endpoints.get(endpoint.name.casefold()) is endpoint:
            return network
        return None

    def takes(self, target: str, group_id: str) -> ArmId | None:
        """The target's id if it exists and knows the group; None if the connection cannot be made."""
        found = id_of(target)
        if found is None:
            return None
        groups = GROUP_IDS.get(found.type.casefold(), frozenset())
        exists = found.key in self.accounts or found.key in self.resources
        return found if exists and group_id.casefold() in groups else None

    def connections_of(self, target: ArmId) -> dict[str, Connection]:
        """The connections of a target, by case-folded name."""
        return self.connections.setdefault(target.key, {})
