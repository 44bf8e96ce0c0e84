"""The emulator: one small Azure, made to measure, with nothing shared between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from purview_mpe._arm_id import ArmId
from purview_mpe.emulator import _factories, _life, _managed_network, _purview
from purview_mpe.emulator._access import OWNER, TOKEN_MARK, Access
from purview_mpe.emulator._clock import Clock, VirtualClock
from purview_mpe.emulator._credential import AsyncCredential, Credential
from purview_mpe.emulator._exchange import RecordedRequest, object_of
from purview_mpe.emulator._faults import Fault, Faults
from purview_mpe.emulator._limits import Limits
from purview_mpe.emulator._service import Service
from purview_mpe.emulator._settings import (
    DEFAULT_LOCATION,
    DEFAULT_SUBSCRIPTION,
    DEFAULT_TENANT,
    IngestionAccepts,
    Reveal,
    Settings,
    Span,
    Spans,
)
from purview_mpe.emulator._strangers import add_strangers
from purview_mpe.emulator._world import ACCOUNT_TYPE, FACTORY_TYPE, World

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe.emulator._nouns import Account, Endpoint, Factory
    from purview_mpe.emulator._purview import Firewall, NamespaceAbsence, Shape
    from purview_mpe.emulator._router import Route
    from purview_mpe.emulator._transport import AsyncEmulatorTransport, EmulatorTransport

RuntimeKind = Literal["azure", "azure-managed-vnet", "self-hosted", "ssis"]

_WRITES = frozenset({"PUT", "PATCH", "DELETE", "POST"})


@dataclass(frozen=True, slots=True)
class EndpointView:
    """What a managed private endpoint looks like at this moment; for assertions."""

    name: str
    factory: ArmId
    group_id: str
    target: str
    provisioning_state: str
    status: str
    """The state of the connection as the factory tells it; empty until provisioned."""
    private_endpoint_id: str
    reserved: bool


class Emulator:
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
        epoch: the date at which the clock starts; by default now.
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
        entity_limit: how many entities a factory can have.
        enforce_limits: whether Azure Resource Manager's token buckets refuse requests with 429.
        request_log: how many requests are kept in `requests`, the newest; None keeps all of them.
        subscription: the default subscription.
        tenant: the tenant.
        location: where the default resources are.
        empty: start without resource group, factory and account.
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
        namespace_approval: Literal["200", "201", "202", "202-empty"] = "200",
        storage_busy: float = 0.0,
        entity_limit: int = 5000,
        enforce_limits: bool = False,
        request_log: int | None = 10_000,
        subscription: str = DEFAULT_SUBSCRIPTION,
        tenant: str = DEFAULT_TENANT,
        location: str = DEFAULT_LOCATION,
        empty: bool = False,
    ) -> None:
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
            entity_limit=entity_limit,
            latency=latency,
        )
        self.clock = clock or VirtualClock()
        self._world = World(settings, self.clock, seed, epoch or datetime.now(UTC), tenant)
        self._world.ensure_subscription(subscription)
        self._access = Access(self._world)
        self._access.default.assignments.append(("", OWNER))
        self._faults = Faults(self._world.random)
        self._service = Service(
            self._world,
            self._access,
            Limits(enforced=enforce_limits),
            self._faults,
            _all_routes(),
            log_size=request_log,
        )
        self._subscription = subscription
        self._location = location
        self._factory: ArmId | None = None
        self._account: ArmId | None = None
        if not empty:
            self._account = self.add_account("pv1", shape=shape, firewall=firewall)
            self._factory = self.add_factory("df1", purview_account=self._account)

    # --- what is in it

    @property
    def factory(self) -> ArmId:
        """The id of the default factory.

        Raises:
            LookupError: the emulator was made empty.
        """
        if self._factory is None:
            raise LookupError("this emulator was made empty; add_factory() makes a factory and gives its id")
        return self._factory

    @property
    def account(self) -> ArmId:
        """The id of the default account.

        Raises:
            LookupError: the emulator was made empty.
        """
        if self._account is None:
            raise LookupError("this emulator was made empty; add_account() makes an account and gives its id")
        return self._account

    def add_account(
        self,
        name: str = "",
        *,
        shape: Shape = "A",
        firewall: Firewall = "disabled-from-all-networks",
        without_namespace: NamespaceAbsence = "absent",
        subscription: str | None = None,
        resource_group: str = "rg1",
        location: str | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> ArmId:
        """Add a Purview account; its managed resources come with it.

        `body` is the JSON of an account, for example one of Azure's published examples, and is used as it
        is: the account then lives at the `id` in it. `without_namespace` is how shape B says that it has no
            namespace.
        """
        with self._world.lock:
            if body is None:
                location = location or self._location
                account_id = self._id(subscription, resource_group, ACCOUNT_TYPE, name)
                body = _purview.account_body(
                    self._world,
                    account_id,
                    shape=shape,
                    firewall=firewall,
                    location=location,
                    namespace_absence=without_namespace,
                )
            else:
                account_id = ArmId.parse(body["id"])
            account = _purview.new_account(self._world, account_id, body)
            self._add_strangers(account)
            return account_id

    def add_factory(
        self,
        name: str = "",
        *,
        managed_vnet: bool = True,
        purview_account: ArmId | str | None = None,
        subscription: str | None = None,
        resource_group: str = "rg1",
        location: str | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> ArmId:
        """Add a factory, with a managed virtual network and the runtime that Azure puts into it.

        `body` is the JSON of a factory; the factory then lives at the `id` in it, if there is one. Without
        `managed_vnet` the factory has the plain `AutoResolveIntegrationRuntime`.
        """
        with self._world.lock:
            given = dict(body or {})
            if "id" in given:
                factory_id = ArmId.parse(given["id"])
            else:
                factory_id = self._id(subscription, resource_group, FACTORY_TYPE, name)
            given.setdefault("location", location or self._location)
            if body is None:
                given["identity"] = {"type": "SystemAssigned"}
                given["properties"] = {"publicNetworkAccess": "Enabled"}
            if purview_account is not None:
                properties = given.setdefault("properties", {})
                properties["purviewConfiguration"] = {"purviewResourceId": str(purview_account)}
            factory = _factories.new_factory(self._world, factory_id, given)
            if managed_vnet:
                _managed_network.new_network(self._world, factory)
            self.add_runtime(
                factory_id, "AutoResolveIntegrationRuntime", "azure-managed-vnet" if managed_vnet else "azure"
            )
            return factory_id

    def add_runtime(self, factory: ArmId | str, name: str, kind: RuntimeKind = "azure") -> None:
        """Add an integration runtime of a kind to a factory."""
        with self._world.lock:
            properties = _factories.runtime_properties(kind, self._location)
            _factories.new_runtime(self._world, self._find_factory(factory), name, properties)

    def add_endpoint(
        self,
        factory: ArmId | str,
        name: str,
        target: ArmId | str,
        group_id: str,
        *,
        provisioning_state: str = "Succeeded",
        status: str = "Approved",
        reserved: bool = False,
    ) -> None:
        """Add a managed private endpoint that is already there, with its connection on the target.

        `status` is what factory and target both say. A target of a known type is made to exist.
        """
        with self._world.lock:
            owner = self._find_factory(factory)
            network = owner.networks.get("default") or _managed_network.new_network(self._world, owner)
            _purview.ensure_target(self._world, str(target), self._location)
            endpoint = _life.new_endpoint(
                self._world, owner, network, name=name, target=str(target), group_id=group_id
            )
            endpoint.reserved = reserved
            connection = _life.connect(self._world, endpoint)
            if connection is not None:
                connection.status = status
            if provisioning_state != "Provisioning":
                _life.finish(self._world, endpoint, "Succeeded")
                endpoint.provisioning_state = provisioning_state
                endpoint.status = status

    def remove(self, resource: ArmId | str) -> None:
        """Take a resource away at once, without the life that a deletion has.

        Connections of a factory's endpoints stay on their targets, as in Azure.

        Raises:
            LookupError: there is nothing with this id.
        """
        with self._world.lock:
            self._remove(resource if isinstance(resource, ArmId) else ArmId.parse(resource))

    def endpoints(self, factory: ArmId | str | None = None) -> list[EndpointView]:
        """The managed private endpoints of a factory, or of all of them, in order of creation."""
        with self._world.lock:
            self._world.settle()
            found = self._world.endpoints(self._find_factory(factory) if factory is not None else None)
            return [_view(endpoint) for endpoint in found]

    # --- how to reach it

    def transport(self) -> EmulatorTransport:
        """A transport for sync clients of the Azure SDK."""
        from purview_mpe.emulator._transport import EmulatorTransport  # noqa: PLC0415  no SDK is needed to serve

        return EmulatorTransport(self._service, self.clock)

    def async_transport(self) -> AsyncEmulatorTransport:
        """A transport for async clients of the Azure SDK."""
        from purview_mpe.emulator._transport import AsyncEmulatorTransport  # noqa: PLC0415  see transport

        return AsyncEmulatorTransport(self._service, self.clock)

    @property
    def credential(self) -> Credential:
        """A credential of the default caller, who is Owner of everything but Microsoft's own."""
        return Credential(self._world, self._access, self._access.default)

    @property
    def async_credential(self) -> AsyncCredential:
        """The same for async clients."""
        return AsyncCredential(self.credential)

    # --- what goes wrong, and what was asked

    def inject(self, fault: Fault) -> None:
        """Let a fault happen."""
        with self._world.lock:
            self._faults.inject(fault)

    def clear_faults(self) -> None:
        """Let no more faults happen."""
        with self._world.lock:
            self._faults.clear()

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
    def token_requests(self) -> int:
        """How many tokens the credentials of this emulator were asked for."""
        return self._access.token_requests

    @property
    def token_mark(self) -> str:
        """A text that every token of the emulator contains and nothing else does."""
        return TOKEN_MARK

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every operation that the emulator has; anything else is answered with 501."""
        return self._service.router.routes

    # --- inside

    def _id(self, subscription: str | None, group: str, resource_type: str, name: str) -> ArmId:
        provider, _, kind = resource_type.partition("/")
        outer = f"/subscriptions/{subscription or self._subscription}/resourceGroups/{group}"
        return ArmId.parse(f"{outer}/providers/{provider}/{kind}/{name}")

    def _find_factory(self, factory: ArmId | str) -> Factory:
        factory_id = factory if isinstance(factory, ArmId) else ArmId.parse(factory)
        found = self._world.factories.get(factory_id.key)
        if found is None:
            raise LookupError(f"the emulator has no factory {factory_id}")
        return found

    def _add_strangers(self, account: Account) -> None:
        managed = object_of(account.properties.get("managedResources")) or {}
        ingestion = object_of(account.properties.get("ingestionStorage")) or {}
        targets = [
            str(account.id),
            managed.get("storageAccount"),
            managed.get("eventHubNamespace"),
            ingestion.get("id"),
        ]
        for target in targets:
            add_strangers(self._world, target, self._world.settings.foreign_connections)

    def _remove(self, resource: ArmId) -> None:
        world = self._world
        if (factory := world.factories.pop(resource.key, None)) is not None:
            _life.orphan(factory)
            return
        if resource.key in world.accounts or resource.key in world.resources:
            world.accounts.pop(resource.key, None)
            world.resources.pop(resource.key, None)
            for connection in world.connections.pop(resource.key, {}).values():
                _life.drop_connection(world, connection)
            return
        parent = resource.key.rpartition("/")[0].rpartition("/")[0]
        owner = world.factories.get(parent)
        if owner is not None and resource.name.casefold() in owner.runtimes:
            del owner.runtimes[resource.name.casefold()]
            return
        removed = world.connections.get(parent, {}).get(resource.name.casefold())
        if removed is not None:
            _life.drop_connection(world, removed)
            return
        for endpoint in world.endpoints():
            shown = _managed_network.shown_endpoint(endpoint)["id"]
            network = world.network_of(endpoint)
            if shown.casefold() == resource.key and network is not None:
                del network.endpoints[endpoint.name.casefold()]
                if endpoint.connection is not None:
                    _life.drop_connection(world, endpoint.connection)
                return
        raise LookupError(f"the emulator has nothing called {resource}")


def _view(endpoint: Endpoint) -> EndpointView:
    return EndpointView(
        name=endpoint.name,
        factory=endpoint.factory,
        group_id=endpoint.group_id,
        target=endpoint.target,
        provisioning_state=endpoint.provisioning_state,
        status=endpoint.status,
        private_endpoint_id=endpoint.private_endpoint_id,
        reserved=endpoint.reserved,
    )


def _all_routes() -> tuple[Route, ...]:
    return (*_factories.ROUTES, *_managed_network.ROUTES, *_purview.ROUTES)
