"""The data planes of accounts, for tests to read and set up: policies, collections, entities."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._services.data_plane.catalogs import add_collection, catalog_of
from purview_mpe.emulator._services.data_plane.lineage import new_entity, new_relation
from purview_mpe.emulator._state import policies
from purview_mpe.emulator._values.public import public

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._control.inventory import Inventory
    from purview_mpe.emulator._state.access import Access
    from purview_mpe.emulator._state.catalog import Catalog
    from purview_mpe.emulator._state.policies import CollectionRole
    from purview_mpe.emulator._state.world import World


@public
@dataclass(frozen=True, slots=True)
class EntityView:
    """An entity of a catalog."""

    guid: str
    """The entity's own id."""
    kind: str
    """Name of its type."""
    qualified_name: str
    """Its unique name in the catalog, for example the address of a table."""
    attributes: dict[str, Any]
    """Its attributes by name, as in JSON."""


@public
class Catalogs:
    """The data planes of the accounts of one emulator.

    Every method takes the id of an account, and uses the default account without it.
    """

    def __init__(self, world: World, access: Access, inventory: Inventory) -> None:
        self._world = world
        self._access = access
        self._inventory = inventory

    # --- policies

    def policy(self, account: ArmId | str | None = None, *, collection: str | None = None) -> dict[str, Any]:
        """The metadata policy of a collection, by default of the root, as a copy.

        Raises:
            LookupError: the account or collection does not exist.
        """
        with self._world.lock:
            return deepcopy(self._policy(account, collection))

    def set_policy(self, policy: dict[str, Any], account: ArmId | str | None = None) -> None:
        """Store a policy unchanged, in place of the one with its id or its collection.

        Raises:
            ValueError: the policy has no id.
        """
        if not policy.get("id"):
            raise ValueError("a policy needs an id")
        with self._world.lock:
            catalog = self._catalog(account)
            policy = deepcopy(policy)
            known = catalog.policy_of(policies.collection_of(policy))
            if known is not None and str(known["id"]).casefold() != str(policy["id"]).casefold():
                del catalog.policies[str(known["id"]).casefold()]
            catalog.store(policy, self._world.arrivals)

    def members(
        self, role: CollectionRole, account: ArmId | str | None = None, *, collection: str | None = None
    ) -> list[str]:
        """The principals that a policy grants a role directly."""
        with self._world.lock:
            return policies.members_of(self._policy(account, collection), role)

    def grant(
        self,
        role: CollectionRole,
        principal: str,
        account: ArmId | str | None = None,
        *,
        collection: str | None = None,
    ) -> None:
        """Give a principal a role, as another admin would: the policy's version rises by one."""
        with self._world.lock:
            self._change(self._policy(account, collection), account, policies.grant, role, principal)

    def revoke(
        self,
        role: CollectionRole,
        principal: str,
        account: ArmId | str | None = None,
        *,
        collection: str | None = None,
    ) -> None:
        """Take a role from a principal, as another admin would: the policy's version rises by one."""
        with self._world.lock:
            self._change(self._policy(account, collection), account, policies.revoke, role, principal)

    def add_collection(
        self, name: str, account: ArmId | str | None = None, *, parent: str | None = None, friendly_name: str = ""
    ) -> None:
        """Add a collection below another, by default below the root."""
        with self._world.lock:
            catalog = self._catalog(account)
            parent = parent or catalog.root
            if catalog.policy_of(parent) is None:
                raise LookupError(f"the account has no collection {parent!r}")
            add_collection(self._world, catalog, name, friendly_name=friendly_name or name, parent=parent)

    # --- entities

    def add_entity(self, kind: str, qualified_name: str, account: ArmId | str | None = None, **attributes: Any) -> str:
        """Add an entity, or change the attributes of an existing one; gives its guid."""
        with self._world.lock:
            return new_entity(self._world, self._catalog(account), kind, qualified_name, attributes).guid

    def add_relation(
        self, source: str, destination: str, account: ArmId | str | None = None, *, contains: bool = False
    ) -> None:
        """Add a data flow from one entity to another or, with `contains`, make the first contain the second."""
        with self._world.lock:
            new_relation(self._world, self._catalog(account), source, destination, contains=contains)

    def entities(self, account: ArmId | str | None = None) -> list[EntityView]:
        """The entities that can be found now, in order of creation."""
        with self._world.lock:
            now = self._world.settle()
            found = [one for one in self._catalog(account).entities.values() if one.visible_from <= now]
            return [
                EntityView(one.guid, one.kind, str(one.attributes.get("qualifiedName", "")), deepcopy(one.attributes))
                for one in found
            ]

    def relations(self, account: ArmId | str | None = None) -> list[tuple[str, str]]:
        """Pairs of the guids of entities between which data flows."""
        with self._world.lock:
            relations = self._catalog(account).relations
            return [(one.source, one.destination) for one in relations if not one.is_containment]

    def _catalog(self, account: ArmId | str | None) -> Catalog:
        return catalog_of(self._world, self._access, self._inventory.find_account(account))

    def _policy(self, account: ArmId | str | None, collection: str | None) -> dict[str, Any]:
        catalog = self._catalog(account)
        found = catalog.policy_of(collection or catalog.root)
        if found is None:
            raise LookupError(f"the account has no collection {collection or catalog.root!r}")
        return found

    def _change(
        self,
        policy: dict[str, Any],
        account: ArmId | str | None,
        change: Any,
        role: CollectionRole,
        principal: str,
    ) -> None:
        if change(policy, role, principal):
            policy["version"] = policies.raised(policy)
            self._catalog(account).store(policy, self._world.arrivals)
