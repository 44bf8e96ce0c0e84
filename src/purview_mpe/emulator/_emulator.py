"""The emulator: a small, configurable Azure. Emulators share nothing."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, Self

from purview_mpe.emulator._control.admin import admin_routes
from purview_mpe.emulator._control.administrator import Administrator
from purview_mpe.emulator._control.callers import Callers
from purview_mpe.emulator._control.connections import Connections
from purview_mpe.emulator._control.delegation import Delegated
from purview_mpe.emulator._control.inventory import Inventory
from purview_mpe.emulator._control.owners import Owners
from purview_mpe.emulator._control.parts import Parts
from purview_mpe.emulator._control.run_history import RunHistory
from purview_mpe.emulator._http.call import GUID
from purview_mpe.emulator._http.request_log import RequestLog
from purview_mpe.emulator._http.server import Server
from purview_mpe.emulator._http.service import Service, is_admin
from purview_mpe.emulator._services.routes import ALL_ROUTES
from purview_mpe.emulator._state.access import TOKEN_MARK
from purview_mpe.emulator._state.answers import Answers
from purview_mpe.emulator._state.clock import Clock, VirtualClock
from purview_mpe.emulator._state.limits import Limits
from purview_mpe.emulator._state.settings import (
    DEFAULT_LOCATION,
    DEFAULT_SUBSCRIPTION,
    DEFAULT_TENANT,
    Cloud,
    IngestionAccepts,
    NamespaceApproval,
    Reveal,
    Settings,
    Span,
    Spans,
)
from purview_mpe.emulator._state.times import Times
from purview_mpe.emulator._state.world import World
from purview_mpe.emulator._values.public import public

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._http.credential import AsyncCredential, Credential
    from purview_mpe.emulator._http.faults import Fault
    from purview_mpe.emulator._http.router import Route
    from purview_mpe.emulator._http.transport import AsyncEmulatorTransport, EmulatorTransport
    from purview_mpe.emulator._services.purview.shapes import Firewall, Shape
    from purview_mpe.emulator._values.exchange import RecordedRequest

_INVENTORY: Callable[[Emulator], Inventory] = attrgetter("_parts.inventory")
_CONNECTIONS: Callable[[Emulator], Connections] = attrgetter("_parts.connections")
_OWNERS: Callable[[Emulator], Owners] = attrgetter("_parts.owners")
_ADMINISTRATOR: Callable[[Emulator], Administrator] = attrgetter("_parts.administrator")
_CALLERS: Callable[[Emulator], Callers] = attrgetter("_parts.callers")
_RUN_HISTORY: Callable[[Emulator], RunHistory] = attrgetter("_parts.run_history")
_LOG: Callable[[Emulator], RequestLog] = attrgetter("_parts.log")


@public
class Emulator:
    """Azure Resource Manager around Purview and Data Factory, in this process.

    A new emulator holds one subscription with the resource group `rg1`, the Purview account `pv1` and the
    factory `df1`, which is connected to it, holds Data Curator there, and has the pipeline `pl_copy` and a managed
    virtual network with an integration runtime in it.

    Args:
        shape: the shape of the default account, from `A` (managed storage and Event Hubs) to `F` (still
            creating).
        firewall: the firewall setting of the default account.
        seed: source of all names and random numbers; two emulators with the same seed and epoch behave alike.
        clock: the time; by default a virtual clock, see `VirtualClock`.
        epoch: the date at which the emulator is made; by default now.
        provisioning: how long an endpoint is Provisioning: seconds, a range of seconds, `Reads(n)`, or a
            mapping from group id to these. By default 90 s of virtual time, 1 s in real time.
        connection_delay: how long after the request the connection appears on the target. By default 17 s of
            virtual time, 0.3 s in real time.
        deletion: how long an endpoint is Deleting. By default 30 s of virtual time, 0.5 s in real time.
        refresh_delay: how long the factory takes to notice a decision made on the target.
        latency: how long each request takes.
        page_size: how many items a page of a list has at most.
        absent_status: the status for a GET of an absent endpoint, 404 or 400: Azure has been seen answering both.
        foreign_connections: how many strangers' pending connections every target has.
        reveal_private_endpoint_ids: when the factory shows the exact id of the hidden private endpoint:
            `at-once` (from the answer to the PUT on, as recorded), `when-provisioned`, or `never`; Azure does not
            document that property.
        ingestion_accepts: by which id the ingestion approval of newer accounts can be called: that of the
            private endpoint, that of the connection, or either.
        namespace_approval: what the approval on an Event Hubs namespace answers: `202` (recorded), `200`, `201` or
            `202-empty`.
        storage_busy: for how many seconds a storage account refuses the next private endpoint operation.
        deletion_lingers: for how many seconds after an endpoint is gone from the list it still cannot be
            made again.
        entity_limit: how many entities a factory can have.
        storage_connection_limit: how many private endpoint connections a storage account can have.
        namespace_connection_limit: how many private endpoint connections an Event Hubs namespace can have.
        inside_network: whether callers are inside the network of closed accounts; from outside they only reach the
            hosts of open accounts.
        cloud: which cloud the hosts of accounts are in.
        answers: Azure's undocumented answers, see `Answers`.
        times: the durations of accounts and other things, see `Times`.
        enforce_limits: whether Azure Resource Manager's token buckets refuse requests with 429.
        request_log: how many of the newest requests are kept in `requests`; None keeps all of them.
        subscription: the default subscription.
        tenant: the tenant.
        location: where the default resources are.
        empty: start without resource group, factory and account.

    Raises:
        ValueError: an argument is not possible.
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
        namespace_approval: NamespaceApproval = "202",
        storage_busy: float = 0.0,
        deletion_lingers: float = 0.0,
        entity_limit: int = 5000,
        storage_connection_limit: int = 200,
        namespace_connection_limit: int = 120,
        inside_network: bool = True,
        cloud: Cloud = "public",
        answers: Answers | None = None,
        times: Times | None = None,
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
            storage_connection_limit=storage_connection_limit,
            namespace_connection_limit=namespace_connection_limit,
            cloud=cloud,
            answers=answers or Answers(),
            times=times or Times(),
        )
        self.clock = clock or VirtualClock()
        world = World(settings, self.clock, seed=seed, epoch=epoch, tenant=tenant)
        world.is_inside = inside_network
        self._parts = Parts.of(world, subscription=subscription, location=location, request_log=request_log)
        self.catalog, self.networks = self._parts.catalogs, self._parts.networks
        self._limits = Limits(enforced=enforce_limits)
        self._service = Service(
            world,
            self._parts.access,
            self._parts.guards,
            limits=self._limits,
            faults=self._parts.faults,
            routes=(*ALL_ROUTES, *admin_routes(self._parts, self.dump)),
            log=self._parts.log,
        )
        if not empty:
            self._parts.furnish(shape, firewall)

    @classmethod
    def from_scenario(cls, source: str | Path | Mapping[str, Any], **options: Any) -> Self:
        """An emulator as a scenario describes it: a JSON or YAML file, or the document itself.

        `options` are arguments of `Emulator` that take precedence over those in the scenario. `docs/emulator.md`
        describes the format.

        Raises:
            InvalidScenario: it cannot be used; the message lists every problem with its place.
            MissingExtra: reading YAML needs the extra `emulator`.
        """
        from purview_mpe.emulator._scenario.files import read  # noqa: PLC0415  loads pydantic
        from purview_mpe.emulator._scenario.loader import Loader  # noqa: PLC0415  as above

        scenario = read(source)
        made = cls(**{**scenario.arguments(), **options})
        Loader(made._parts).load(scenario)
        return made

    def dump(self) -> dict[str, Any]:
        """The present state as a scenario: an emulator made from it continues from here.

        Its time starts again: operations under way begin again, and the request log is empty.
        """
        from purview_mpe.emulator._scenario.dump import dump  # noqa: PLC0415  rarely needed

        parts = self._parts
        with parts.world.lock:
            parts.world.settle()
            options = {
                "subscription": self.subscription,
                "location": parts.inventory.location,
                "enforce_limits": self._limits.enforced,
                "inside_network": self.inside_network,
            }
            return dump(parts.world, parts.access, parts.guards, parts.faults, options)

    # --- how to reach it

    def transport(self) -> EmulatorTransport:
        """A transport for sync clients of the Azure SDK."""
        from purview_mpe.emulator._http.transport import EmulatorTransport  # noqa: PLC0415  serving needs no SDK

        return EmulatorTransport(self._service, self.clock)

    def async_transport(self) -> AsyncEmulatorTransport:
        """A transport for async clients of the Azure SDK."""
        from purview_mpe.emulator._http.transport import AsyncEmulatorTransport  # noqa: PLC0415  see transport

        return AsyncEmulatorTransport(self._service, self.clock)

    def serve(self, port: int = 0) -> Server:
        """Serve HTTPS on 127.0.0.1; use it as a context manager. Port 0 means any free one.

        A client needs the server's `url` and `ca_file`. While it serves, the clock runs with real time, and
        provisioning takes a second unless you set another time.

        Raises:
            MissingExtra: the packages of the extra `emulator` are not installed.
            OSError: the port cannot be used.
        """
        return Server(self._service, self.clock, self._parts.inventory.described, port)

    # --- what is in it

    add_account = Delegated(_INVENTORY, Inventory.add_account)
    add_factory = Delegated(_INVENTORY, Inventory.add_factory)
    identity_of = Delegated(_INVENTORY, Inventory.identity_of)
    add_runtime = Delegated(_INVENTORY, Inventory.add_runtime)
    add_endpoint = Delegated(_CONNECTIONS, Connections.add_endpoint)
    add_connection = Delegated(_CONNECTIONS, Connections.add_connection)
    add_pipeline = Delegated(_RUN_HISTORY, RunHistory.add_pipeline)
    start_pipeline = Delegated(_RUN_HISTORY, RunHistory.start_pipeline)
    add_pipeline_run = Delegated(_RUN_HISTORY, RunHistory.add_pipeline_run)
    add_activity_run = Delegated(_RUN_HISTORY, RunHistory.add_activity_run)
    enable_event_hubs = Delegated(_INVENTORY, Inventory.enable_event_hubs)
    unregister = Delegated(_INVENTORY, Inventory.unregister)
    remove = Delegated(_INVENTORY, Inventory.remove)
    connections = Delegated(_CONNECTIONS, Connections.connections)
    endpoints = Delegated(_CONNECTIONS, Connections.endpoints)
    targets = Delegated(_INVENTORY, Inventory.targets)

    @property
    def factory(self) -> ArmId:
        """The id of the default factory.

        Raises:
            LookupError: the emulator was made empty.
        """
        return self._parts.inventory.factory

    @property
    def account(self) -> ArmId:
        """The id of the default account.

        Raises:
            LookupError: the emulator was made empty.
        """
        return self._parts.inventory.account

    @property
    def default_factory(self) -> ArmId | None:
        """The id of the default factory; None in an emulator that was made empty."""
        return self._parts.inventory.default_factory

    @property
    def default_account(self) -> ArmId | None:
        """The id of the default account; None in an emulator that was made empty."""
        return self._parts.inventory.default_account

    @property
    def subscription(self) -> str:
        """The default subscription."""
        return self._parts.inventory.subscription

    @property
    def tenant(self) -> str:
        """The tenant."""
        return self._parts.world.tenant

    # --- other people

    approve = Delegated(_OWNERS, Owners.approve)
    reject = Delegated(_OWNERS, Owners.reject)
    disconnect = Delegated(_OWNERS, Owners.disconnect)
    add_lock = Delegated(_ADMINISTRATOR, Administrator.add_lock)
    remove_locks = Delegated(_ADMINISTRATOR, Administrator.remove_locks)
    deny_by_policy = Delegated(_ADMINISTRATOR, Administrator.deny_by_policy)
    add_deny_assignment = Delegated(_ADMINISTRATOR, Administrator.add_deny_assignment)
    remove_denials = Delegated(_ADMINISTRATOR, Administrator.remove_denials)
    credential_for = Delegated(_CALLERS, Callers.credential_for)
    async_credential_for = Delegated(_CALLERS, Callers.async_credential_for)
    restrict = Delegated(_CALLERS, Callers.restrict)

    @property
    def credential(self) -> Credential:
        """A credential of the default caller, who is Owner of everything except Microsoft's resources."""
        return self._parts.callers.default()

    @property
    def async_credential(self) -> AsyncCredential:
        """The same for async clients."""
        return self._parts.callers.async_default()

    @property
    def token_requests(self) -> int:
        """How many tokens were requested from the credentials of this emulator."""
        return self._parts.access.token_requests

    @property
    def token_mark(self) -> str:
        """A text that only the tokens of the emulator contain, and every one of them does."""
        return TOKEN_MARK

    @property
    def inside_network(self) -> bool:
        """Whether callers are inside the network of closed accounts; can be set."""
        return self._parts.world.is_inside

    @inside_network.setter
    def inside_network(self, inside: bool) -> None:
        with self._parts.world.lock:
            self._parts.world.is_inside = inside

    # --- what goes wrong, and what was asked

    def inject(self, fault: Fault) -> None:
        """Inject a fault."""
        with self._parts.world.lock:
            self._parts.faults.inject(fault)

    @property
    def faults(self) -> list[tuple[Fault, int | None]]:
        """The faults that have not happened yet, and how often each will; None: for ever."""
        with self._parts.world.lock:
            return self._parts.faults.armed

    def clear_faults(self) -> None:
        """Remove all faults."""
        with self._parts.world.lock:
            self._parts.faults.clear()

    observe = Delegated(_LOG, RequestLog.observe)
    clear_requests = Delegated(_LOG, RequestLog.clear)

    @property
    def requests(self) -> list[RecordedRequest]:
        """The newest `request_log` requests, in order of arrival."""
        return self._parts.log.requests

    @property
    def writes(self) -> list[RecordedRequest]:
        """The requests among `requests` that are not reads."""
        return self._parts.log.writes

    @property
    def request_count(self) -> int:
        """The total number of answered requests, whether or not they are still in the log."""
        return self._parts.log.count

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every operation of Azure that the emulator covers; it answers 501 to anything else."""
        return tuple(route for route in self._service.router.routes if not is_admin(route.template))
