"""Microsoft.DataFactory: factories and their integration runtimes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator import _life
from purview_mpe.emulator._call import bad_request, not_found
from purview_mpe.emulator._exchange import Response, object_of
from purview_mpe.emulator._factory_rules import (
    check_if_match,
    check_limit,
    check_name,
    invalid_request,
    names_tag,
    want,
)
from purview_mpe.emulator._nouns import Factory, Runtime
from purview_mpe.emulator._router import Route
from purview_mpe.emulator._versions import DATA_FACTORY as V

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._arm_id import ArmId
    from purview_mpe.emulator._call import Call
    from purview_mpe.emulator._world import World

PROVIDER = "Microsoft.DataFactory"

_FACTORY_NAME = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")


# --- factories


def new_factory(world: World, factory_id: ArmId, body: Mapping[str, Any]) -> Factory:
    """Make a factory exist, completed by what the service adds to a body."""
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
    _complete_identity(world, completed, None)
    factory = Factory(factory_id, completed, world.etag(), world.serial())
    world.ensure_group(factory_id)
    world.factories[factory_id.key] = factory
    return factory


def _complete_identity(world: World, body: dict[str, Any], previous: Any) -> None:
    identity = object_of(body.get("identity"))
    if identity is None:
        body.pop("identity", None)
    elif "SystemAssigned" in str(identity.get("type")):
        before = object_of(previous) or {}
        body["identity"] = {
            **identity,
            "principalId": before.get("principalId") or identity.get("principalId") or world.guid(),
            "tenantId": world.tenant,
        }


def _shown_factory(factory: Factory) -> dict[str, Any]:
    return {
        "name": factory.id.name,
        "id": str(factory.id),
        "type": "Microsoft.DataFactory/factories",
        **factory.body,
        # Spelled and quoted unlike the tag of everything inside a factory (spec examples).
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
    want(body, "properties", dict)
    want(body, "tags", dict)
    want(body, "identity", dict)
    _check_purview_configuration(body)
    factory = call.world.factories.get(factory_id.key)
    check_if_match(call, factory.etag if factory else None)
    if factory is None:
        if not isinstance(body.get("location"), str) or not body["location"]:
            raise bad_request("The required property 'location' is missing from the request body.", "LocationRequired")
        return Response(200, _shown_factory(new_factory(call.world, factory_id, body)))
    before = factory.body
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
    _complete_identity(call.world, factory.body, before.get("identity"))
    factory.etag = call.world.etag()
    return Response(200, _shown_factory(factory))


def _patch_factory(call: Call) -> Response:
    factory, body = find_factory(call), call.json
    for key in ("tags", "identity"):
        want(body, key, dict)
        if key in body:
            factory.body[key] = body[key]
    want(body, "properties", dict)
    # The update parameters know tags, identity and publicNetworkAccess only: purviewConfiguration is ignored
    # (spec).
    if "publicNetworkAccess" in (body.get("properties") or {}):
        factory.body["properties"]["publicNetworkAccess"] = body["properties"]["publicNetworkAccess"]
    _complete_identity(call.world, factory.body, factory.body.get("identity"))
    factory.etag = call.world.etag()
    return Response(200, _shown_factory(factory))


def _delete_factory(call: Call) -> Response:
    factory_id = call.id(PROVIDER, "factories", call["factory"])
    factory = call.world.factories.pop(factory_id.key, None)
    if factory is None:
        return Response(204)
    _life.orphan(factory)
    return Response(200)


def _check_purview_configuration(body: Mapping[str, Any]) -> None:
    given = (object_of(body.get("properties")) or {}).get("purviewConfiguration")
    configuration = object_of(given)
    if given is not None and (configuration is None or not isinstance(configuration.get("purviewResourceId", ""), str)):
        raise bad_request("The property 'purviewConfiguration' is invalid.", "InvalidPropertyValue")


# --- integration runtimes


def new_runtime(world: World, factory: Factory, name: str, properties: dict[str, Any]) -> Runtime:
    """Give a factory an integration runtime."""
    runtime = Runtime(name, world.etag(), properties, world.serial())
    factory.runtimes[name.casefold()] = runtime
    return runtime


def runtime_properties(kind: str, location: str) -> dict[str, Any]:
    """The properties that make a runtime one of a kind (spec: the type alone does not tell)."""
    match kind:
        case "self-hosted":
            return {"type": "SelfHosted"}
        case "ssis":
            compute: dict[str, Any] = {"location": location, "nodeSize": "Standard_D2_v3", "numberOfNodes": 1}
            return {
                "type": "Managed",
                "state": "Stopped",
                "typeProperties": {"computeProperties": compute, "ssisProperties": {"edition": "Standard"}},
            }
        case "azure" | "azure-managed-vnet":
            properties: dict[str, Any] = {
                "type": "Managed",
                "typeProperties": {"computeProperties": {"location": "AutoResolve"}},
            }
            if kind == "azure-managed-vnet":
                properties["managedVirtualNetwork"] = {
                    "type": "ManagedVirtualNetworkReference",
                    "referenceName": "default",
                }
            return properties
        case _:
            raise ValueError(f"a runtime is azure, azure-managed-vnet, self-hosted or ssis, not {kind!r}")


def _shown_runtime(factory: Factory, runtime: Runtime) -> dict[str, Any]:
    return {
        "id": f"{factory.id}/integrationruntimes/{runtime.name}",
        "name": runtime.name,
        "type": "Microsoft.DataFactory/factories/integrationruntimes",
        "properties": runtime.properties,
        "etag": runtime.etag,
    }


def _list_runtimes(call: Call) -> Response:
    factory = find_factory(call)
    return call.page(
        factory.runtimes.values(),
        lambda runtime: runtime.serial,
        lambda runtime: _shown_runtime(factory, runtime),
    )


def _get_runtime(call: Call) -> Response:
    factory = find_factory(call)
    runtime = factory.runtimes.get(call["runtime"].casefold())
    if runtime is None:
        raise not_found(factory.id.child("integrationRuntimes", call["runtime"]))
    if names_tag(call.request.headers.get("if-none-match"), runtime.etag):
        return Response(304)
    return Response(200, _shown_runtime(factory, runtime))


def _put_runtime(call: Call) -> Response:
    factory, name, body = find_factory(call), call["runtime"], call.json
    properties = object_of(body.get("properties"))
    if properties is None or properties.get("type") not in {"Managed", "SelfHosted"}:
        raise invalid_request("IntegrationRuntime", name, "Invalid payload")
    runtime = factory.runtimes.get(name.casefold())
    check_if_match(call, runtime.etag if runtime else None)
    if runtime is None:
        check_name("IntegrationRuntime", name)
        check_limit(call, factory)
        return Response(200, _shown_runtime(factory, new_runtime(call.world, factory, name, properties)))
    if ("managedVirtualNetwork" in runtime.properties) != ("managedVirtualNetwork" in properties):
        # An existing runtime cannot be moved into a managed network or out of it (documentation).
        raise invalid_request("IntegrationRuntime", name, "The managed virtual network cannot be changed")
    runtime.properties, runtime.etag = properties, call.world.etag()
    return Response(200, _shown_runtime(factory, runtime))


def _delete_runtime(call: Call) -> Response:
    removed = find_factory(call).runtimes.pop(call["runtime"].casefold(), None)
    return Response(204 if removed is None else 200)


_ALL = "/subscriptions/{subscription}/providers/Microsoft.DataFactory/factories"
_FACTORIES = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.DataFactory/factories"
_FACTORY = f"{_FACTORIES}/{{factory}}"
_ACTION = "Microsoft.DataFactory/factories"
_RUNTIME = f"{_FACTORY}/integrationRuntimes/{{runtime}}"
_RUNTIME_ACTION = f"{_ACTION}/integrationruntimes"

ROUTES = (
    Route("GET", _ALL, V, _list_factories, f"{_ACTION}/read"),
    Route("GET", _FACTORIES, V, _list_factories, f"{_ACTION}/read"),
    Route("GET", _FACTORY, V, _get_factory, f"{_ACTION}/read"),
    Route("PUT", _FACTORY, V, _put_factory, f"{_ACTION}/write"),
    Route("PATCH", _FACTORY, V, _patch_factory, f"{_ACTION}/write"),
    Route("DELETE", _FACTORY, V, _delete_factory, f"{_ACTION}/delete"),
    Route("GET", f"{_FACTORY}/integrationRuntimes", V, _list_runtimes, f"{_RUNTIME_ACTION}/read"),
    Route("GET", _RUNTIME, V, _get_runtime, f"{_RUNTIME_ACTION}/read"),
    Route("PUT", _RUNTIME, V, _put_runtime, f"{_RUNTIME_ACTION}/write"),
    Route("DELETE", _RUNTIME, V, _delete_runtime, f"{_RUNTIME_ACTION}/delete"),
)
