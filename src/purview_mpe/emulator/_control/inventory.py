"""The accounts and factories of an emulator, with what belongs to them."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from purview_mpe._model.arm_id import ArmId
from purview_mpe.emulator._control.removal import remove
from purview_mpe.emulator._services.data_factory import factories, managed_network, runtimes
from purview_mpe.emulator._services.purview import accounts, lifecycle
from purview_mpe.emulator._services.purview.shapes import account_body
from purview_mpe.emulator._state.strangers import add_strangers
from purview_mpe.emulator._state.world import ACCOUNT_TYPE, FACTORY_TYPE
from purview_mpe.emulator._values.json_values import as_id, id_of, object_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe.emulator._services.data_factory.runtimes import RuntimeKind
    from purview_mpe.emulator._services.purview.shapes import Firewall, NamespaceAbsence, Shape
    from purview_mpe.emulator._state.nouns import Account, Factory
    from purview_mpe.emulator._state.world import World


class Inventory:
    """Adds, finds and removes the accounts and factories of one emulator."""

    def __init__(self, world: World, subscription: str, location: str) -> None:
        self._world = world
        self.subscription = subscription
        self.location = location
        # The values of `factory` and `account`; None in an emulator that was made empty.
        self.default_factory: ArmId | None = None
        self.default_account: ArmId | None = None

    def furnish(self, shape: Shape, firewall: Firewall) -> None:
        """Add the default account and the default factory."""
        self.default_account = self.add_account("pv1", shape=shape, firewall=firewall)
        self.default_factory = self.add_factory("df1", purview_account=self.default_account)

    @property
    def factory(self) -> ArmId:
        """The id of the default factory.

        Raises:
            LookupError: the emulator was made empty.
        """
        if self.default_factory is None:
            raise LookupError("this emulator was made empty; add_factory() makes a factory and gives its id")
        return self.default_factory

    @property
    def account(self) -> ArmId:
        """The id of the default account.

        Raises:
            LookupError: the emulator was made empty.
        """
        if self.default_account is None:
            raise LookupError("this emulator was made empty; add_account() makes an account and gives its id")
        return self.default_account

    def described(self) -> dict[str, str | None]:
        """The default ids, for a client to begin with."""
        factory, account = self.default_factory, self.default_account
        return {
            "subscription": self.subscription,
            "tenant": self._world.tenant,
            "factory": str(factory) if factory else None,
            "account": str(account) if account else None,
        }

    def find_account(self, account: ArmId | str | None = None) -> Account:
        """The account with this id, by default the default one.

        Raises:
            LookupError: the emulator has no such account.
        """
        account_id = as_id(account or self.account)
        found = self._world.accounts.get(account_id.key)
        if found is None:
            raise LookupError(f"the emulator has no account {account_id}")
        return found

    def find_factory(self, factory: ArmId | str) -> Factory:
        """The factory with this id.

        Raises:
            LookupError: the emulator has no such factory.
        """
        factory_id = as_id(factory)
        found = self._world.factories.get(factory_id.key)
        if found is None:
            raise LookupError(f"the emulator has no factory {factory_id}")
        return found

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
        creating: bool = False,
        tenant_level: bool = False,
    ) -> ArmId:
        """Add a Purview account; its managed resources come with it.

        `creating` begins its creation now: it shows Creating, and its resources appear one after the other. A
        `tenant_level` account is reached on the tenant's host.

        `body` is the JSON of an account, for example one of Azure's published examples, and is used unchanged: the
        account then has the `id` in it, or an id with its name if there is none. `without_namespace` is how shape B
        shows that it has no namespace.

        Raises:
            ValueError: the shape or firewall setting is unknown, or the name is missing.
        """
        with self._world.lock:
            if body is None:
                location = location or self.location
                account_id = self._id(subscription, resource_group, ACCOUNT_TYPE, name)
                body = account_body(
                    self._world,
                    account_id,
                    shape=shape,
                    firewall=firewall,
                    location=location,
                    namespace_absence=without_namespace,
                    tenant_level=tenant_level,
                )
            else:
                given_id = id_of(body.get("id"))
                name = name or str(body.get("name", ""))
                account_id = given_id or self._id(subscription, resource_group, ACCOUNT_TYPE, name)
                if given_id is None:
                    body = {**body, "id": str(account_id), "name": name, "type": ACCOUNT_TYPE}
            if creating:
                account = lifecycle.begin_account(self._world, account_id, {"properties": {}, **body})
            else:
                account = lifecycle.new_account(self._world, account_id, body)
                self._add_strangers(account)
            return account_id

    def add_factory(
        self,
        name: str = "",
        *,
        managed_vnet: bool = True,
        network: str = "default",
        identity: bool = True,
        purview_account: ArmId | str | None = None,
        subscription: str | None = None,
        resource_group: str = "rg1",
        location: str | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> ArmId:
        """Add a factory as the portal's wizard creates it: with a runtime in a managed virtual network.

        `network` is the name of that network. Without `managed_vnet` the factory has no network, and only the
        implicit public `AutoResolveIntegrationRuntime`. Without `identity` it has no managed identity.

        `body` is the JSON of a factory; the factory then has the `id` in it, unless that is not a valid id (the
        subscriptions in Azure's published examples are not GUIDs).
        """
        with self._world.lock:
            given: dict[str, Any] = deepcopy(dict(body or {}))
            factory_id = id_of(given.get("id"))
            if factory_id is None:
                factory_id = self._id(subscription, resource_group, FACTORY_TYPE, name or given.get("name", ""))
            given.setdefault("location", location or self.location)
            if body is None:
                if identity:
                    given["identity"] = {"type": "SystemAssigned"}
                given["properties"] = {"publicNetworkAccess": "Enabled"}
            if purview_account is not None:
                properties = given.setdefault("properties", {})
                properties["purviewConfiguration"] = {"purviewResourceId": str(purview_account)}
            factory = factories.new_factory(self._world, factory_id, given)
            if managed_vnet:
                managed_network.new_network(self._world, factory, network)
                self.add_runtime(factory_id, runtimes.IMPLICIT, "azure-managed-vnet")
            return factory_id

    def identity_of(self, factory: ArmId | str) -> str:
        """Object id of a factory's system-assigned identity; empty if it has none."""
        with self._world.lock:
            identity = object_of(self.find_factory(factory).body.get("identity")) or {}
            return str(identity.get("principalId", ""))

    def add_runtime(self, factory: ArmId | str, name: str, kind: RuntimeKind = "azure") -> None:
        """Add an integration runtime of a kind to a factory."""
        with self._world.lock:
            owner = self.find_factory(factory)
            network = next((one.name for one in owner.networks.values()), "default")
            runtimes.new_runtime(self._world, owner, name, runtimes.runtime_properties(kind, self.location, network))

    def targets(self, account: ArmId | str) -> dict[str, ArmId]:
        """The account's ingestion resources by group id, as its JSON shows them now."""
        with self._world.lock:
            self._world.settle()
            account_id = as_id(account)
            properties = self._world.accounts[account_id.key].properties
            managed = object_of(properties.get("managedResources")) or {}
            ingestion = object_of(properties.get("ingestionStorage")) or {}
            storage = ingestion.get("id") or managed.get("storageAccount")
            found: dict[str, ArmId] = {"account": account_id}
            for group, target in (
                ("blob", storage),
                ("queue", storage),
                ("namespace", managed.get("eventHubNamespace")),
            ):
                # A value that is not an id is not a target.
                if (target_id := id_of(target)) is not None:
                    found[group] = target_id
            return found

    def enable_event_hubs(self, account: ArmId | str | None = None) -> ArmId:
        """Enable managed Event Hubs on an account, so that it needs one more endpoint; gives the namespace."""
        with self._world.lock:
            found = self.find_account(account)
            accounts.enable_event_hubs(self._world, found)
            return self.targets(found.id)["namespace"]

    def unregister(self, namespace: str, subscription: str | None = None) -> None:
        """Mark a resource provider as not registered in a subscription: every call of the provider answers 409."""
        with self._world.lock:
            found = self._world.ensure_subscription(subscription or self.subscription)
            found.unregistered.add(namespace.casefold())

    def remove(self, resource: ArmId | str) -> None:
        """Remove a resource at once, without the stages of a deletion.

        Connections of a factory's endpoints stay on their targets, as in Azure.

        Raises:
            LookupError: no resource has this id.
        """
        with self._world.lock:
            remove(self._world, as_id(resource))

    def _id(self, subscription: str | None, group: str, resource_type: str, name: str) -> ArmId:
        provider, _, kind = resource_type.partition("/")
        outer = f"/subscriptions/{subscription or self.subscription}/resourceGroups/{group}"
        return ArmId.parse(f"{outer}/providers/{provider}/{kind}/{name}")

    def _add_strangers(self, account: Account) -> None:
        for target in (account.id, *lifecycle.managed_targets(account)):
            add_strangers(self._world, target, self._world.settings.foreign_connections)
