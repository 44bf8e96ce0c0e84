"""Purview's catalog: the entities of Data Factory's activities, and how they are tied to data sets.

Sources as in `account`. The types and their nesting come from public code that reads real answers:
`adf_pipeline` holds `adf_copy_activity`, which holds `adf_copy_operation`, which has the relations to data sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe._model.naming import is_guid
from purview_mpe._model.survey import Entity
from purview_mpe._wire.reading import Object, as_mapping, mapping, objects, text

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.survey import ActivityRun

#: The entity and lineage operations take no api-version in Purview's SDK; the search does (SDK source).
SEARCH_VERSION = "2023-09-01"
_ATLAS = "/datamap/api/atlas/v2"
#: Type of the entity by type of the activity; those of data flows and SSIS packages are not known (inferred), so they
#: are searched for by name.
_TYPES = {"copy": "adf_copy_activity"}
_SEARCHED = 50


def qualified_name(factory: ArmId, activity: ActivityRun) -> str:
    """The qualified name of an activity's entity; Data Factory decides its letter case (public code)."""
    return f"{factory}/pipelines/{activity.pipeline}/activities/{activity.activity}"


def entity_request(factory: ArmId, activity: ActivityRun) -> tuple[str, dict[str, str]] | None:
    """Path and query of the activity's entity; None if its type is not known."""
    if (kind := _TYPES.get(activity.kind.casefold())) is None:
        return None
    return f"{_ATLAS}/entity/uniqueAttribute/type/{kind}", {"attr:qualifiedName": qualified_name(factory, activity)}


def search_request(activity: ActivityRun) -> tuple[str, dict[str, str], Any]:
    """Path, query and body of a search for the activity's entity."""
    kind = _TYPES.get(activity.kind.casefold())
    body: dict[str, Any] = {"keywords": activity.activity, "limit": _SEARCHED}
    if kind:
        body["filter"] = {"and": [{"entityType": kind}]}
    return "/datamap/api/search/query", {"api-version": SEARCH_VERSION}, body


def lineage_request(guid: str) -> tuple[str, dict[str, str]]:
    """Path and query of an entity's relations, in both directions."""
    return f"{_ATLAS}/lineage/{guid}", {"direction": "BOTH", "depth": "3"}


def read_entity(answer: Object) -> Entity | None:
    """The entity in an answer; None if it has no id."""
    found = mapping(answer, "entity")
    attributes = mapping(found, "attributes")
    guid = text(found, "guid")
    if not is_guid(guid):
        return None
    return Entity(guid, text(attributes, "qualifiedName"), _seconds(attributes.get("lastRunTime")))


def is_search_answer(answer: Object) -> bool:
    """True if the answer is one of the search: it has a list of hits, perhaps an empty one."""
    return isinstance(answer.get("value"), list)


def is_lineage_answer(answer: Object) -> bool:
    """True if the answer holds an entity's lineage, perhaps one without relations."""
    return isinstance(answer.get("relations"), list) or isinstance(answer.get("guidEntityMap"), dict)


def read_hit(answer: Object, name: str) -> str | None:
    """The guid of the hit with this qualified name, in any letter case (public code: Data Factory decides the case)."""
    for hit in objects(answer, "value"):
        guid = text(hit, "id")
        if text(hit, "qualifiedName").casefold() == name.casefold() and is_guid(guid):
            return guid
    return None


def entity_by_guid(guid: str) -> str:
    """Path of an entity whose guid a search has found."""
    return f"{_ATLAS}/entity/guid/{guid}"


def operations(answer: Object, entity: Entity) -> tuple[str, ...]:
    """Guids of the operations inside an activity, from its lineage."""
    children = {text(one, "childEntityId") for one in objects(answer, "parentRelations")}
    return tuple(sorted(guid for guid in children & _inside(answer, entity) if is_guid(guid) and guid != entity.guid))


def relations(answer: Object, entity: Entity) -> int:
    """How many relations tie the activity, or an operation inside it, to something else."""
    inside = _inside(answer, entity)
    ends = [(text(one, "fromEntityId"), text(one, "toEntityId")) for one in objects(answer, "relations")]
    return sum((start in inside) != (end in inside) for start, end in ends if start and end)


def _inside(answer: Object, entity: Entity) -> set[str]:
    """The activity and its operations; an operation's name is its activity's, a `#` and more (public code)."""
    prefix = f"{entity.qualified_name}#".casefold()
    found = {entity.guid}
    for guid, one in mapping(answer, "guidEntityMap").items():
        name = text(mapping(as_mapping(one), "attributes"), "qualifiedName")
        if name.casefold().startswith(prefix):
            found.add(guid)
    parents = [(text(one, "parentEntityId"), text(one, "childEntityId")) for one in objects(answer, "parentRelations")]
    return found | {child for parent, child in parents if parent == entity.guid and child}


def _seconds(value: object) -> float | None:
    """Seconds since 1970; Purview writes times in milliseconds since 1970 (public code)."""
    return value / 1000 if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**15 else None
