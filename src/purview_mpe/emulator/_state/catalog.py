"""The data plane of a Purview account: collections, their policies, and the catalog of entities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._state import policies

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.policies import CollectionRole


@dataclass(slots=True)
class Collection:
    """A collection; a root has no parent."""

    name: str
    friendly_name: str
    description: str
    parent: str | None
    created_at: str


@dataclass(slots=True)
class Entity:
    """An entity of the catalog."""

    guid: str
    kind: str
    attributes: dict[str, Any]
    created: int
    """Its creation time, in milliseconds since 1970."""
    updated: int
    serial: int
    visible_from: float = 0.0
    """The time from which it is found; lineage takes a while to arrive."""


@dataclass(slots=True, frozen=True)
class Relation:
    """A relation between two entities: data flows along it, or the first one contains the second."""

    id: str
    source: str
    destination: str
    is_containment: bool = False


@dataclass(slots=True)
class Catalog:
    """The data plane of one account."""

    account: ArmId
    collections: dict[str, Collection] = field(default_factory=dict[str, Collection])
    """By name, in order of creation."""
    policies: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """By id in lower case, in order of creation."""
    written: dict[str, int] = field(default_factory=dict[str, int])
    """By the same id: the number of the last request that had arrived when it was written."""
    entities: dict[str, Entity] = field(default_factory=dict[str, Entity])
    """By guid."""
    relations: list[Relation] = field(default_factory=list[Relation])

    @property
    def root(self) -> str:
        """The name of the root collection: the account's, in lower case (recorded 2021-10)."""
        return self.account.name.lower()

    def store(self, policy: dict[str, Any], arrivals: int) -> None:
        """Store a policy under its id; requests that arrived before can see that it was written since."""
        key = str(policy["id"]).casefold()
        self.policies[key], self.written[key] = policy, arrivals

    def policy_of(self, collection: str) -> dict[str, Any] | None:
        """The policy of a collection."""
        for policy in self.policies.values():
            if policies.collection_of(policy).casefold() == collection.casefold():
                return policy
        return None

    def holds(self, principal: str, role: CollectionRole, collection: str) -> bool:
        """Whether a principal holds a role on a collection, directly or inherited."""
        seen: set[str] = set()
        policy = self.policy_of(collection)
        while policy is not None and policy["id"] not in seen:
            seen.add(policy["id"])
            if any(principal.casefold() == one.casefold() for one in policies.members_of(policy, role)):
                return True
            parent = policies.parent_of(policy)
            policy = self.policy_of(parent) if parent is not None and policies.inherits(policy) else None
        return False

    def allows(self, principal: str, action: str, collection: str) -> bool:
        """Whether any role of a principal on a collection allows an action such as `data/read`."""
        return any(
            action in actions and self.holds(principal, role, collection)
            for role, actions in policies.ROLE_ACTIONS.items()
        )

    def entity_called(self, kind: str, qualified_name: str, now: float) -> Entity | None:
        """The entity of a type with this qualified name, in exactly this spelling."""
        for entity in self.entities.values():
            is_it = entity.kind == kind and entity.attributes.get("qualifiedName") == qualified_name
            if is_it and entity.visible_from <= now:
                return entity
        return None
