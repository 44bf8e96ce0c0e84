"""Adds entities and relations to a catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._state.catalog import Entity, Relation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe.emulator._state.catalog import Catalog
    from purview_mpe.emulator._state.world import World


def new_entity(
    world: World,
    catalog: Catalog,
    kind: str,
    qualified_name: str,
    attributes: Mapping[str, Any],
    *,
    visible_from: float = 0.0,
) -> Entity:
    """Add an entity to a catalog, or change the one with this type and qualified name."""
    moment = world.milliseconds()
    name = qualified_name.rpartition("/")[2].partition("#")[0]
    given = {"qualifiedName": qualified_name, "name": name, **attributes}
    for entity in catalog.entities.values():
        if entity.kind == kind and entity.attributes["qualifiedName"] == qualified_name:
            entity.attributes |= given
            entity.updated = moment
            return entity
    entity = Entity(world.guid(), kind, given, moment, moment, world.serial(), visible_from)
    catalog.entities[entity.guid] = entity
    return entity


def new_relation(world: World, catalog: Catalog, source: str, destination: str, *, contains: bool = False) -> None:
    """Relate two entities, unless they are related already.

    Raises:
        LookupError: the entity does not exist.
    """
    for guid in (source, destination):
        if guid not in catalog.entities:
            raise LookupError(f"the catalog has no entity {guid}")
    known = {(one.source, one.destination, one.is_containment) for one in catalog.relations}
    if (source, destination, contains) not in known:
        catalog.relations.append(Relation(world.guid(), source, destination, contains))
