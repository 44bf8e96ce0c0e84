"""The emulator: one small Azure, made to measure, with nothing shared between two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from purview_mpe.emulator._http.call import GUID
from purview_mpe.emulator._http.faults import Fault, Faults
from purview_mpe.emulator._http.server import Server
from purview_mpe.emulator._http.service import Service, is_admin
from purview_mpe.emulator._inventory import Inventory
from purview_mpe.emulator._owners import Ownership
from purview_mpe.emulator._scenario.dump import dump
from purview_mpe.emulator._scenario.scenario import Loader, options_of
from purview_mpe.emulator._scenario.scenario import read as read_scenario
from purview_mpe.emulator._services import (
    authorization,
    event_hubs,
    factories,
    groups,
    ingestion,
    managed_network,
    purview,
    resources,
    runs,
    runtimes,
    sign_in,
    storage,
)
from purview_mpe.emulator._services.admin import admin_routes
from purview_mpe.emulator._state.access import OWNER, TOKEN_MARK, Access
from purview_mpe.emulator._state.clock import Clock, VirtualClock
from purview_mpe.emulator._state.guards import Guards
from purview_mpe.emulator._state.limits import Limits
from purview_mpe.emulator._state.settings import (
    DEFAULT_LOCATION,
    DEFAULT_SUBSCRIPTION,
    DEFAULT_TENANT,
    IngestionAccepts,
    NamespaceApproval,
    Reveal,
    Settings,
    Span,
    Spans,
)
from purview_mpe.emulator._state.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from purview_mpe.emulator._http.exchange import Exchange, RecordedRequest
    from purview_mpe.emulator._http.router import Route
    from purview_mpe.emulator._http.transport import AsyncEmulatorTransport, EmulatorTransport
    from purview_mpe.emulator._services.account_shapes import Firewall, Shape

_WRITES = frozenset({"PUT", "PATCH", "DELETE", "POST"})


class Emulator(Loader):
    """Azure Resource Manager around Purview and Data Factory, in this process.

    A new emulator holds one subscription with the resource group `rg1`, the Purview account `pv1` and the
    factory `df1`, which is connected to it and has a managed virtual network with an integration runtime in
    it.

    Args:
        shape: what the default account looks like, `A` (managed storage and Event Hubs) to `F` (still
            creating).
        firewall: the firewall setting of the default account.
        seed: all names and random numbers come from it; two emulators with the same seed and epoch are alike.
        clock: the time; by default a virtual clock, see `VirtualClock`.
        epoch: the date at which the emulator is made; by default now.
        provisioning: how long an endpoint is Provisioning: seconds, a range of seconds, `Reads(n)`, or a
            mapping from group id to these. By default 90 s of virtual time, 1 s in real time.
        connection_delay: how long after the request the connection appears on the target. By default 17 s of
            virtual time, 0.3 s in real time.
        deletion: how long an endpoint is Deleting. By default 30 s of virtual time, 0.5 s in real time.
        refresh_delay: how long the factory takes to notice a decision made on the target.
        latency: how long each request takes.
        page_size: how many items a list answers with at most.
        absent_status: what a GET of an absent endpoint answers, 404 or 400: Azure has been seen doing both.
        foreign_connections: how many strangers' pending connections every target has.
        reveal_private_endpoint_ids: when the factory tells the exact id of the hidden private endpoint:
            `at-once` (as soon as it exists), `when-provisioned`, or `never`; Azure does not document that
            property.
        ingestion_accepts: by which id the ingestion approval of newer accounts can be called: that of the
            private endpoint, that of the connection, or either.
        namespace_approval: what the approval on an Event Hubs namespace answers: `200`, `201`, `202` or
            `202-empty`.
        storage_busy: for how many seconds a storage account refuses the next private endpoint operation.
        deletion_lingers: for how many seconds after an endpoint is gone from the list it still cannot be
            made again.
        entity_limit: how many entities a factory can have.
        enforce_limits: whether Azure Resource Manager's token buckets refuse requests with 429.
        request_log: how many requests are kept in `requests`, the newest; None keeps all of them.
        subscription: the default subscription.
        tenant: the tenant.
        location: where the default resources are.
        empty: start without resource group, factory and account.

    Raises:
        ValueError: an argument cannot be.
    """

    def __init__(
        self,
        *,
        shape: Shape = "A",
        firewall: Firewall = "disabled-from-all-networks",
        seed: int = 0,
        clock: Clock | None = None,
        epoch: datetime | None = None,
        provisioning: Spans | None = None,
        connection_delay: Spans | None = None,
        deletion: Spans | None = None,
        refresh_delay: Span = 0.0,
        latency: Span = 0.0,
        page_size: int = 100,
        absent_status: Literal[404, 400] = 404,
        foreign_connections: int = 2,
        reveal_private_endpoint_ids: Reveal = "at-once",
        ingestion_accepts: IngestionAccepts = "either",
        namespace_approval: NamespaceApproval = "200",
        storage_busy: float = 0.0,
        deletion_lingers: float = 0.0,
        entity_limit: int = 5000,
        enforce_limits: bool = False,
        request_log: int | None = 10_000,
        subscription: str = DEFAULT_SUBSCRIPTION,
        tenant: str = DEFAULT_TENANT,
        location: str = DEFAULT_LOCATION,
        empty: bool = False,
    ) -> None:
        if page_size < 1:
            raise ValueError(f"page_size: must be at least 1, not {page_size!r}")
        for name, guid in (("subscription", subscription), ("tenant", tenant)):
            if not GUID.fullmatch(guid):
                raise ValueError(f"{name}: must be a GUID, not {guid!r}")
        settings = Settings(
            provisioning=provisioning,
            connection_delay=connection_delay,
            deletion=deletion,
            refresh_delay=refresh_delay,
            page_size=page_size,
            absent_status=absent_status,
            foreign_connections=foreign_connections,
            reveal_private_endpoint_ids=reveal_private_endpoint_ids,
            ingestion_accepts=ingestion_accepts,
            namespace_approval=namespace_approval,
            storage_busy=storage_busy,
            deletion_lingers=deletion_lingers,
            entity_limit=entity_limit,
            latency=latency,
        )
        self.clock = clock or VirtualClock()
        world = World(settings, self.clock, seed=seed, epoch=epoch, tenant=tenant)
        world.ensure_subscription(subscription)
        access, guards = Access(world), Guards(world)
        access.default.assignments.append(("", OWNER))
        Inventory.__init__(self, world, subscription, location)
        Ownership.__init__(self, world, access, guards)
        self._faults = Faults(world.random)
        self._limits = Limits(enforced=enforce_limits)
        self._service = Service(
            world,
            access,
            guards,
            limits=self._limits,
            faults=self._faults,
            routes=(*_all_routes(), *admin_routes(self)),
            log_size=request_log,
        )
        if not empty:
            self.furnish(shape, firewall)

    @classmethod
    def from_scenario(cls, source: str | Path | Mapping[str, Any], **options: Any) -> Self:
        """An emulator as a scenario describes it: a JSON or YAML file, or the document itself.

        `options` are arguments of `Emulator` that go before those in the scenario. `docs/emulator.md`
        describes the format.

        Raises:
            InvalidScenario: it cannot be used; the message lists every problem with its place.
            MissingExtra: reading YAML needs the extra `emulator`.
        """
        document = read_scenario(source)
        emulator = cls(**{**options_of(document), **options})
        emulator._load(document)
        return emulator

    def dump(self) -> dict[str, Any]:
        """The present state as a scenario: an emulator made from it goes on from here.

        Time starts anew in it: what is under way begins again, and the request log is empty.
        """
        with self._world.lock:
            self._world.settle()
            options = {
                "subscription": self._subscription,
                "location": self._location,
                "enforce_limits": self._limits.enforced,
            }
            return dump(self._world, self._access, self._guards, self._faults, options)

    # --- how to reach it

    def transport(self) -> EmulatorTransport:
        """A transport for sync clients of the Azure SDK."""
        from purview_mpe.emulator._http.transport import EmulatorTransport  # noqa: PLC0415  no SDK is needed to serve

        return EmulatorTransport(self._service, self.clock)

    def async_transport(self) -> AsyncEmulatorTransport:
        """A transport for async clients of the Azure SDK."""
        from purview_mpe.emulator._http.transport import AsyncEmulatorTransport  # noqa: PLC0415  see transport

        return AsyncEmulatorTransport(self._service, self.clock)

    def serve(self, port: int = 0) -> Server:
        """Serve HTTPS on 127.0.0.1; use it as a context manager. Port 0 means any free one.

        The server's `url` and `ca_file` are what a client needs. The clock runs with real time meanwhile, and
        provisioning takes a second unless told otherwise.

        Raises:
            MissingExtra: the packages of the extra `emulator` are not installed.
        """
        return Server(self, self._service, port)

    # --- what goes wrong, and what was asked

    def inject(self, fault: Fault) -> None:
        """Let a fault happen."""
        with self._world.lock:
            self._faults.inject(fault)

    @property
    def faults(self) -> list[tuple[Fault, int | None]]:
        """The faults that are still to happen, and how often; None: for ever."""
        with self._world.lock:
            return self._faults.armed

    def clear_faults(self) -> None:
        """Let no more faults happen."""
        with self._world.lock:
            self._faults.clear()

    def observe(self, observer: Callable[[Exchange], None]) -> None:
        """Let a function see every exchange from now on, whole, in the order of the answers.

        It is called while the emulator is locked, so it must not ask the emulator anything.
        """
        with self._world.lock:
            self._service.observers.append(observer)

    @property
    def requests(self) -> list[RecordedRequest]:
        """What was asked, in order of arrival: the newest `request_log` requests."""
        with self._world.lock:
            return list(self._service.log)

    @property
    def writes(self) -> list[RecordedRequest]:
        """The requests among `requests` that were not reads."""
        return [request for request in self.requests if request.method in _WRITES]

    @property
    def request_count(self) -> int:
        """How many requests were answered in all, whether they are still in the log or not."""
        with self._world.lock:
            return self._service.counts.total()

    @property
    def token_mark(self) -> str:
        """A text that every token of the emulator contains and nothing else does."""
        return TOKEN_MARK

    def clear_requests(self) -> None:
        """Forget the requests so far, and count from 0."""
        with self._world.lock:
            self._service.log.clear()
            self._service.counts.clear()

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every operation of Azure that the emulator has; anything else is answered with 404."""
        return tuple(route for route in self._service.router.routes if not is_admin(route.template))

    @property
    def subscription(self) -> str:
        """The default subscription."""
        return self._subscription

    @property
    def tenant(self) -> str:
        """The tenant."""
        return self._world.tenant


def _all_routes() -> tuple[Route, ...]:
    return (
        *factories.ROUTES,
        *managed_network.ROUTES,
        *runs.ROUTES,
        *runtimes.ROUTES,
        *purview.ROUTES,
        *ingestion.ROUTES,
        *storage.ROUTES,
        *event_hubs.ROUTES,
        *authorization.ROUTES,
        *resources.ROUTES,
        *groups.ROUTES,
        *sign_in.ROUTES,
    )
