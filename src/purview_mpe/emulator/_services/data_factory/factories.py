"""Microsoft.DataFactory: factories."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import bad_request, not_found
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_factory.identity import (
    check_identity,
    complete_identity,
    merged_identity,
    without_ids,
)
from purview_mpe.emulator._services.data_factory.rules import (
    check_if_match,
    names_tag,
    want,
    want_identity,
    want_tags,
)
from purview_mpe.emulator._services.versions import DATA_FACTORY
from purview_mpe.emulator._state import life
from purview_mpe.emulator._state.nouns import Factory
from purview_mpe.emulator._values.exchange import Response
from purview_mpe.emulator._values.json_values import object_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.world import World

PROVIDER = "Microsoft.DataFactory"

_FACTORY_NAME = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")


# --- factories


def new_factory(world: World, factory_id: ArmId, body: Mapping[str, Any]) -> Factory:
    """Add a factory, with the properties that the service adds to a body."""
    properties: dict[str, Any] = {
        "provisioningState": "Succeeded",
        "createTime": world.stamp(),
        "version": "2018-06-01",
        **(object_of(body.get("properties")) or {}),
    }
    completed: dict[str, Any] = {
        **{key: value for key, value in body.items() if key not in {"id", "name", "type", "eTag"}},
        "location": body.get("location") or "westeurope",
        "tags": body.get("tags") or {},
        "properties": properties,
    }
    _set_identity(completed, complete_identity(world, completed.get("identity"), None))
    factory = Factory(factory_id, completed, world.etag(), world.serial())
    world.ensure_group(factory_id)
    world.factories[factory_id.key] = factory
    return factory


def remove_factory(world: World, key: str) -> bool:
    """Remove a factory; its connections stay on their targets. Gives whether it existed."""
    factory = world.factories.pop(key, None)
    if factory is not None:
        life.orphan(factory)
    return factory is not None


def _set_identity(body: dict[str, Any], identity: dict[str, Any] | None) -> None:
    if identity is None:
        body.pop("identity", None)
    else:
        body["identity"] = identity


def _shown_factory(factory: Factory) -> dict[str, Any]:
    return {
        "name": factory.id.name,
        "id": str(factory.id),
        "type": "Microsoft.DataFactory/factories",
        **factory.body,
        # Name and quotes differ from those of the entity tags inside a factory (spec examples).
        "eTag": f'"{factory.etag}"',
    }


def find_factory(call: Call) -> Factory:
    """The factory in the path."""
    factory_id = call.id(PROVIDER, "factories", call["factory"])
    factory = call.world.factories.get(factory_id.key)
    if factory is None:
        raise not_found(factory_id)
    return factory


def _list_factories(call: Call) -> Response:
    found = call.located(call.world.factories.values())
    return call.page(found, lambda factory: factory.serial, _shown_factory)


def _get_factory(call: Call) -> Response:
    factory = find_factory(call)
    if names_tag(call.request.headers.get("if-none-match"), factory.etag):
        return Response(304)
    return Response(200, _shown_factory(factory))


def _put_factory(call: Call) -> Response:
    body = call.json
    factory_id = call.id(PROVIDER, "factories", call["factory"])
    if not 3 <= len(factory_id.name) <= 63 or not _FACTORY_NAME.fullmatch(factory_id.name):
        raise bad_request(f"Factory name '{factory_id.name}' is invalid.", "InvalidFactoryName")
    _check_factory(body)
    check_identity(call, body)
    factory = call.world.factories.get(factory_id.key)
    check_if_match(call, factory.etag if factory else None)
    if factory is None:
        if not isinstance(body.get("location"), str) or not body["location"]:
            raise bad_request("The required property 'location' is missing from the request body.", "LocationRequired")
        return Response(200, _shown_factory(new_factory(call.world, factory_id, without_ids(body))))
    before = factory.body
    if body.get("identity") is None and before.get("identity") is not None:
        # An update without the identity is an error (documentation); code and message are inferred.
        raise bad_request(
            f"The factory '{factory_id.name}' has a managed identity, which the request body does not name.",
            "IdentityRequired",
        )
    properties: dict[str, Any] = {
        # Read-only properties in a body are accepted and ignored.
        **(object_of(body.get("properties")) or {}),
        **{key: before["properties"][key] for key in ("provisioningState", "createTime", "version")},
    }
    factory.body = {
        **{key: value for key, value in body.items() if key not in {"id", "name", "type", "eTag"}},
        "location": before["location"],
        "tags": body.get("tags") or {},
        "properties": properties,
    }
    _set_identity(factory.body, complete_identity(call.world, body.get("identity"), before.get("identity") or {}))
    factory.etag = call.world.etag()
    return Response(200, _shown_factory(factory))


def _patch_factory(call: Call) -> Response:
    factory, body = find_factory(call), call.json
    _check_factory(body)
    check_identity(call, body)
    if "tags" in body:
        factory.body["tags"] = body["tags"] or {}
    if (identity := object_of(body.get("identity"))) is not None:
        before = object_of(factory.body.get("identity")) or {}
        if call.world.settings.answers.identity_patch == "merges":
            identity = merged_identity(identity, before)
        _set_identity(factory.body, complete_identity(call.world, identity, before))
    # The update parameters are tags, identity and publicNetworkAccess; purviewConfiguration is ignored (spec).
    if "publicNetworkAccess" in (body.get("properties") or {}):
        factory.body["properties"]["publicNetworkAccess"] = body["properties"]["publicNetworkAccess"]
    factory.etag = call.world.etag()
    return Response(200, _shown_factory(factory))


def _delete_factory(call: Call) -> Response:
    factory_id = call.id(PROVIDER, "factories", call["factory"])
    return Response(200 if remove_factory(call.world, factory_id.key) else 204)


def _check_factory(body: Mapping[str, Any]) -> None:
    """Refuse wrong types, whether or not the factory exists."""
    want(body, "location", str)
    want(body, "properties", dict)
    want_tags(body)
    want_identity(body)
    properties = object_of(body.get("properties")) or {}
    want(properties, "publicNetworkAccess", str)
    for key in ("repoConfiguration", "globalParameters", "encryption"):
        want(properties, key, dict)
    _check_purview_configuration(body)


def _check_purview_configuration(body: Mapping[str, Any]) -> None:
    given = (object_of(body.get("properties")) or {}).get("purviewConfiguration")
    configuration = object_of(given)
    if given is not None and (configuration is None or not isinstance(configuration.get("purviewResourceId", ""), str)):
        raise bad_request("The property 'purviewConfiguration' is invalid.", "InvalidPropertyValue")


_ALL = "/subscriptions/{subscription}/providers/Microsoft.DataFactory/factories"
_FACTORIES = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.DataFactory/factories"
_FACTORY = f"{_FACTORIES}/{{factory}}"
_ACTION = "Microsoft.DataFactory/factories"

ROUTES = (
    Route("GET", _ALL, DATA_FACTORY, _list_factories, f"{_ACTION}/read"),
    Route("GET", _FACTORIES, DATA_FACTORY, _list_factories, f"{_ACTION}/read"),
    Route("GET", _FACTORY, DATA_FACTORY, _get_factory, f"{_ACTION}/read"),
    Route("PUT", _FACTORY, DATA_FACTORY, _put_factory, f"{_ACTION}/write"),
    Route("PATCH", _FACTORY, DATA_FACTORY, _patch_factory, f"{_ACTION}/write"),
    Route("DELETE", _FACTORY, DATA_FACTORY, _delete_factory, f"{_ACTION}/delete"),
)
