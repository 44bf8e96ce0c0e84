"""The data plane of an account, from a scenario and into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._services.data_plane.catalogs import catalog_of
from purview_mpe.emulator._services.data_plane.lineage import new_entity, new_relation

if TYPE_CHECKING:
    from purview_mpe.emulator._control.parts import Parts
    from purview_mpe.emulator._scenario.schema import DataPlanePart
    from purview_mpe.emulator._state.catalog import Catalog
    from purview_mpe.emulator._state.nouns import Account


def load_data_plane(parts: Parts, account: Account, part: DataPlanePart) -> None:
    """Add collections, policies, entities and relations to an account.

    Raises:
        LookupError: another part names a collection or an entity that does not exist.
    """
    catalog = catalog_of(parts.world, parts.access, account)
    for collection in part.collections:
        if collection.name != catalog.root:
            parts.catalogs.add_collection(
                collection.name,
                account.id,
                parent=collection.parent,
                friendly_name=collection.friendly_name or collection.name,
            )
    for policy in part.policies:
        parts.catalogs.set_policy(policy, account.id)
    for given in part.entities:
        entity = new_entity(parts.world, catalog, given.kind, given.qualified_name, given.attributes)
        if given.guid is not None:
            del catalog.entities[entity.guid]
            entity.guid = given.guid
            catalog.entities[entity.guid] = entity
    for relation in part.relations:
        new_relation(parts.world, catalog, relation.source, relation.destination, contains=relation.contains)


def dump_data_plane(catalog: Catalog) -> dict[str, Any]:
    """The same as a part of a scenario."""
    return {
        "collections": [
            {"name": one.name, "friendly_name": one.friendly_name, "parent": one.parent}
            for one in catalog.collections.values()
        ],
        "policies": list(catalog.policies.values()),
        "entities": [
            {
                "kind": one.kind,
                "qualified_name": one.attributes["qualifiedName"],
                "guid": one.guid,
                "attributes": one.attributes,
            }
            for one in catalog.entities.values()
        ],
        "relations": [
            {"source": one.source, "destination": one.destination, "contains": one.is_containment}
            for one in catalog.relations
        ],
    }
