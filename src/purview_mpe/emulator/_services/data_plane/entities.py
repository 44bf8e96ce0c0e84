"""The catalog of entities: an entity by its unique attribute or guid, the lineage around it, and search.

Entity and lineage take no api-version, search takes one (spec). The older path `/catalog/api` gives the same answers
(seen in public code).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import read_token, write_token
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_plane.catalogs import check, enter
from purview_mpe.emulator._services.versions import SEARCH
from purview_mpe.emulator._values.exchange import ArmError, Response
from purview_mpe.emulator._values.json_values import list_of, object_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.catalog import Catalog, Entity, Relation

_DIRECTIONS = frozenset({"INPUT", "OUTPUT", "BOTH"})
_DEPTH = 3


def _shown(entity: Entity) -> dict[str, Any]:
    return {
        "typeName": entity.kind,
        "attributes": entity.attributes,
        "lastModifiedTS": "1",
        "guid": entity.guid,
        "isIncomplete": False,
        "status": "ACTIVE",
        "createdBy": "ServiceAdmin",
        "updatedBy": "ServiceAdmin",
        "createTime": entity.created,
        "updateTime": entity.updated,
        "version": 0,
        "contacts": {},
        "relationshipAttributes": {},
        "labels": [],
    }


def _header(entity: Entity) -> dict[str, Any]:
    return {
        "typeName": entity.kind,
        "attributes": {name: entity.attributes.get(name) for name in ("qualifiedName", "name")},
        "lastModifiedTS": "1",
        "guid": entity.guid,
        "status": "ACTIVE",
        "displayText": entity.attributes.get("name"),
        "classificationNames": [],
        "meaningNames": [],
        "meanings": [],
        "isIncomplete": False,
        "labels": [],
    }


def _by_unique_attribute(call: Call) -> tuple[Catalog, Entity]:
    catalog = enter(call)
    check(call, catalog, "data/read")
    name = call.query.get("attr:qualifiedName", "")
    found = catalog.entity_called(call["kind"], name, call.now)
    if found is None:
        raise _atlas(call, f"Instance {call['kind']} with unique attribute {{qualifiedName={name}}} does not exist")
    return catalog, found


def _get_entity(call: Call) -> Response:
    _, entity = _by_unique_attribute(call)
    return Response(200, {"referredEntities": {}, "entity": _shown(entity)})


def _get_entity_by_guid(call: Call) -> Response:
    return Response(200, {"referredEntities": {}, "entity": _shown(_by_guid(call)[1])})


def _by_guid(call: Call) -> tuple[Catalog, Entity]:
    catalog = enter(call)
    check(call, catalog, "data/read")
    entity = catalog.entities.get(call["guid"].casefold())
    if entity is None or entity.visible_from > call.now:
        raise _atlas(call, f"Given instance guid {call['guid']} is invalid/not found", "ATLAS-404-00-005")
    return catalog, entity


def _lineage_by_unique_attribute(call: Call) -> Response:
    catalog, entity = _by_unique_attribute(call)
    return _lineage_of(call, catalog, entity)


def _lineage(call: Call) -> Response:
    catalog, entity = _by_guid(call)
    return _lineage_of(call, catalog, entity)


def _lineage_of(call: Call, catalog: Catalog, base: Entity) -> Response:
    direction = call.query.get("direction", "")
    depth = call.query.get("depth", str(_DEPTH))
    if direction not in _DIRECTIONS or not depth.isdecimal():
        raise _atlas(call, f"Invalid parameters: direction={direction}, depth={depth}", "ATLAS-400-00-001", 400)
    reached = _reached(catalog, base, int(depth), direction, call.now)
    flows = [one for one in catalog.relations if not one.is_containment and {one.source, one.destination} <= reached]
    parents = [one for one in catalog.relations if one.is_containment and {one.source, one.destination} <= reached]
    return Response(
        200,
        {
            "baseEntityGuid": base.guid,
            "lineageDirection": direction,
            "lineageDepth": int(depth),
            "lineageWidth": 10,
            "childrenCount": -1,
            "guidEntityMap": {guid: _header(catalog.entities[guid]) for guid in reached},
            "relations": [
                {"fromEntityId": one.source, "toEntityId": one.destination, "relationshipId": one.id} for one in flows
            ],
            "parentRelations": [
                {"parentEntityId": one.source, "childEntityId": one.destination, "relationshipId": one.id}
                for one in parents
            ],
        },
    )


def _reached(catalog: Catalog, base: Entity, depth: int, direction: str, now: float) -> set[str]:
    """The guids of the entities around one, by containment and by data flow."""
    reached, edge = {base.guid}, {base.guid}
    for _ in range(min(depth, len(catalog.entities))):
        found: set[str] = set()
        for relation in catalog.relations:
            found |= _next(relation, edge, direction)
        edge = {guid for guid in found - reached if catalog.entities[guid].visible_from <= now}
        reached |= edge
    return reached


def _next(relation: Relation, edge: set[str], direction: str) -> set[str]:
    follows: set[str] = set()
    if relation.source in edge and (relation.is_containment or direction != "INPUT"):
        follows.add(relation.destination)
    if relation.destination in edge and (relation.is_containment or direction != "OUTPUT"):
        follows.add(relation.source)
    return follows


# --- search


def _search(call: Call) -> Response:
    catalog, body = enter(call), call.json
    check(call, catalog, "data/read")
    words, limit = body.get("keywords"), body.get("limit", 50)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 0 < limit <= 1000:
        raise _atlas(call, "limit must be from 1 to 1000", "ATLAS-400-00-001", 400)
    passes = _filter(call, body.get("filter"))
    token = body.get("continuationToken")
    start = read_token(token) if isinstance(token, str) and token else 0
    found = [
        entity
        for entity in catalog.entities.values()
        if entity.visible_from <= call.now and _has(entity, words) and passes(entity)
    ]
    answer: dict[str, Any] = {
        "@search.count": len(found),
        "@search.count.approximate": False,
        "value": [_hit(entity) for entity in found[start : start + limit]],
    }
    if len(found) > start + limit:
        answer["continuationToken"] = write_token(start + limit)
    return Response(200, answer)


def _has(entity: Entity, words: Any) -> bool:
    if words is None or words in ("", "*"):
        return True
    text = f"{entity.attributes.get('name', '')} {entity.attributes.get('qualifiedName', '')}".casefold()
    return all(word in text for word in str(words).casefold().split())


def _filter(call: Call, given: Any) -> Callable[[Entity], bool]:
    """A filter of `and`, `or`, `not`, `entityType` and `objectType`; others are refused, not ignored."""
    if given is None:
        return lambda _entity: True
    found = object_of(given) or {}
    if len(found) == 1:
        [(key, value)] = found.items()
        if key in {"and", "or"} and (inner := list_of(value)) is not None:
            parts = [_filter(call, one) for one in inner]
            every = all if key == "and" else any
            return lambda entity: every(passes(entity) for passes in parts)
        if key == "not":
            passes = _filter(call, value)
            return lambda entity: not passes(entity)
        if key == "entityType" and isinstance(value, str):
            return lambda entity: entity.kind == value
        if key == "objectType" and isinstance(value, str):
            return lambda _entity: value == "Assets"
    raise _atlas(call, "The emulator has no such filter", "ATLAS-400-00-001", 400)


def _hit(entity: Entity) -> dict[str, Any]:
    return {
        "@search.score": 1.0,
        "objectType": "Assets",
        "createTime": entity.created,
        "updateTime": entity.updated,
        "id": entity.guid,
        "name": entity.attributes.get("name"),
        "qualifiedName": entity.attributes.get("qualifiedName"),
        "entityType": entity.kind,
        "assetType": ["Azure Data Factory"],
    }


def _atlas(call: Call, message: str, code: str = "ATLAS-404-00-009", status: int = 404) -> ArmError:
    """An error in the shape of Atlas (spec)."""
    error = ArmError(status, code, message)
    error.response.body = {"requestId": call.world.guid(), "errorCode": code, "errorMessage": message}
    return error


_UNIQUE = "uniqueAttribute/type/{kind}"
_ATLAS = ("/purview/{account}/datamap/api/atlas/v2", "/purview/{account}/catalog/api/atlas/v2")

ROUTES = (
    *(
        Route("GET", f"{base}/{path}", None, handler, is_data_plane=True)
        for base in _ATLAS
        for path, handler in (
            (f"entity/{_UNIQUE}", _get_entity),
            ("entity/guid/{guid}", _get_entity_by_guid),
            (f"lineage/{_UNIQUE}", _lineage_by_unique_attribute),
            ("lineage/{guid}", _lineage),
        )
    ),
    Route("POST", "/purview/{account}/datamap/api/search/query", SEARCH, _search, is_data_plane=True),
)
