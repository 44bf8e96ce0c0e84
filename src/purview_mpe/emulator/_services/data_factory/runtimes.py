"""Microsoft.DataFactory: integration runtimes.

A PUT answers 200 with the whole resource at once, and its segments in lower case (recorded for other kinds 2024-06).
`AutoResolveIntegrationRuntime` exists in every factory, but lists do not show it until it was PUT (recorded 2024-06).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_factory.factories import find_factory
from purview_mpe.emulator._services.data_factory.managed_network import new_network
from purview_mpe.emulator._services.data_factory.rules import (
    check_if_match,
    check_limit,
    child_not_found,
    invalid_request,
    names_tag,
    want,
)
from purview_mpe.emulator._services.versions import DATA_FACTORY
from purview_mpe.emulator._state.nouns import Runtime
from purview_mpe.emulator._values.exchange import Response
from purview_mpe.emulator._values.json_values import object_of

if TYPE_CHECKING:
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.nouns import Factory
    from purview_mpe.emulator._state.world import World

RuntimeKind = Literal["azure", "azure-managed-vnet", "self-hosted", "ssis", "airflow"]

IMPLICIT = "AutoResolveIntegrationRuntime"
# 3 to 63 characters, without underscores (spec).
_NAME = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")


def new_runtime(world: World, factory: Factory, name: str, properties: dict[str, Any]) -> Runtime:
    """Add an integration runtime to a factory; it is Online at once."""
    runtime = Runtime(name, world.etag(), properties, world.serial(), created_at=world.stamp())
    factory.runtimes[name.casefold()] = runtime
    return runtime


def runtime_properties(kind: str, location: str, network: str = "default") -> dict[str, Any]:
    """The properties that define the kind of a runtime (spec: the type alone does not)."""
    match kind:
        case "self-hosted":
            return {"type": "SelfHosted"}
        case "airflow":
            return {"type": "Airflow", "typeProperties": {"computeProperties": {"location": location}}}
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
                reference = {"type": "ManagedVirtualNetworkReference", "referenceName": network}
                properties["managedVirtualNetwork"] = reference
            return properties
        case _:
            raise ValueError(f"a runtime is azure, azure-managed-vnet, self-hosted, ssis or airflow, not {kind!r}")


def find_by_name(world: World, factory: Factory, name: str) -> Runtime | None:
    """The runtime of a factory with this name, the implicit one included."""
    found = factory.runtimes.get(name.casefold())
    if found is None and name.casefold() == IMPLICIT.casefold():
        return Runtime(IMPLICIT, "", runtime_properties("azure", ""), 0, created_at=world.stamp(0))
    return found


def is_managed_by_azure(runtime: Runtime) -> bool:
    """Whether it is an Azure integration runtime: not self-hosted, and not for SSIS or Airflow."""
    inner = object_of(runtime.properties.get("typeProperties")) or {}
    return runtime.properties.get("type") == "Managed" and "ssisProperties" not in inner


def network_of(runtime: Runtime) -> str | None:
    """The managed virtual network that a runtime is in."""
    reference = object_of(runtime.properties.get("managedVirtualNetwork"))
    return None if reference is None else str(reference.get("referenceName", ""))


def _shown_runtime(call: Call, factory: Factory, runtime: Runtime) -> dict[str, Any]:
    properties = runtime.properties
    if is_managed_by_azure(runtime) and call.world.settings.answers.runtime_state == "shown":
        properties = {**properties, "state": _state(runtime, call.now)}
    return {
        "id": f"{factory.id}/integrationruntimes/{runtime.name}",
        "name": runtime.name,
        "type": "Microsoft.DataFactory/factories/integrationruntimes",
        "properties": properties,
        "etag": runtime.etag,
    }


def _state(runtime: Runtime, now: float) -> str:
    return "Online" if now >= runtime.online_from else "Initial"


def _list_runtimes(call: Call) -> Response:
    factory = find_factory(call)
    found = list(factory.runtimes.values())
    if call.world.settings.answers.implicit_runtime == "listed" and IMPLICIT.casefold() not in factory.runtimes:
        implicit = find_by_name(call.world, factory, IMPLICIT)
        assert implicit is not None  # noqa: S101  it is in every factory
        implicit.serial, implicit.etag = factory.serial, factory.etag
        found.insert(0, implicit)
    return call.page(found, lambda runtime: runtime.serial, lambda runtime: _shown_runtime(call, factory, runtime))


def _find_runtime(call: Call) -> tuple[Factory, Runtime]:
    factory = find_factory(call)
    runtime = factory.runtimes.get(call["runtime"].casefold())
    if runtime is None and call.world.settings.answers.implicit_runtime == "listed":
        runtime = find_by_name(call.world, factory, call["runtime"])
    if runtime is None:
        raise child_not_found(factory.id.child("integrationRuntimes", call["runtime"]))
    return factory, runtime


def _get_runtime(call: Call) -> Response:
    factory, runtime = _find_runtime(call)
    if names_tag(call.request.headers.get("if-none-match"), runtime.etag):
        return Response(304)
    return Response(200, _shown_runtime(call, factory, runtime))


# --- making, changing, deleting


def _put_runtime(call: Call) -> Response:
    factory, name = find_factory(call), call["runtime"]
    properties = _read(name, call.json)
    runtime = factory.runtimes.get(name.casefold())
    check_if_match(call, runtime.etag if runtime else None)
    if runtime is None:
        if not 3 <= len(name) <= 63 or not _NAME.fullmatch(name):
            raise invalid_request("IntegrationRuntime", name, "Invalid resource name")
        check_limit(call, factory)
        properties = _placed(call, factory, name, properties)
        runtime = new_runtime(call.world, factory, name, properties)
        if is_managed_by_azure(runtime):
            runtime.online_from = call.now + call.world.seconds("runtime_start")
        return Response(200, _shown_runtime(call, factory, runtime))
    if runtime.properties["type"] != properties["type"]:
        raise invalid_request("IntegrationRuntime", name, "The type of an integration runtime cannot be changed")
    if ("managedVirtualNetwork" in runtime.properties) != ("managedVirtualNetwork" in properties):
        # An existing runtime cannot be moved into or out of a managed network (documentation).
        move = call.world.settings.answers.runtime_move
        if move == "refused":
            raise invalid_request("IntegrationRuntime", name, "The managed virtual network cannot be changed")
        if move == "ignored":
            stays = runtime.properties.get("managedVirtualNetwork")
            properties = {key: value for key, value in properties.items() if key != "managedVirtualNetwork"}
            properties |= {"managedVirtualNetwork": stays} if stays is not None else {}
    runtime.properties, runtime.etag = _placed(call, factory, name, properties), call.world.etag()
    return Response(200, _shown_runtime(call, factory, runtime))


def _read(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """The properties in a body, after a check for required ones (spec)."""
    properties = object_of(body.get("properties"))
    kind = (properties or {}).get("type")
    if properties is None or not isinstance(kind, str) or kind not in {"Managed", "SelfHosted"}:
        raise invalid_request("IntegrationRuntime", name, "Invalid payload")
    for key in ("typeProperties", "managedVirtualNetwork"):
        want(properties, key, dict)
    want(properties, "description", str)
    reference = object_of(properties.get("managedVirtualNetwork"))
    is_complete = reference is None or (
        reference.get("type") == "ManagedVirtualNetworkReference"
        and isinstance(reference.get("referenceName"), str)
        and reference["referenceName"]
    )
    if not is_complete or (kind == "Managed" and object_of(properties.get("typeProperties")) is None):
        raise invalid_request("IntegrationRuntime", name, "Invalid payload")
    # `state` is read-only; a null network equals no network.
    return {
        key: value
        for key, value in properties.items()
        if key != "state" and not (key == "managedVirtualNetwork" and value is None)
    }


def _placed(call: Call, factory: Factory, name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """The properties of a runtime whose network exists; for a missing network, the outcome that the settings choose."""
    reference = object_of(properties.get("managedVirtualNetwork"))
    if reference is None or reference["referenceName"].casefold() in factory.networks:
        return properties
    answer = call.world.settings.answers.missing_network
    if answer == "public":
        return {key: value for key, value in properties.items() if key != "managedVirtualNetwork"}
    if answer == "created" and not factory.networks:
        new_network(call.world, factory, reference["referenceName"])
        return properties
    why = f"The managed virtual network '{reference['referenceName']}' does not exist"
    raise invalid_request("IntegrationRuntime", name, why)


def _delete_runtime(call: Call) -> Response:
    removed = find_factory(call).runtimes.pop(call["runtime"].casefold(), None)
    return Response(204 if removed is None else 200)


# --- other requests about a runtime


def _status(call: Call) -> Response:
    factory, runtime = _find_runtime(call)
    inner: dict[str, Any] = {"createTime": runtime.created_at, "nodes": []}
    if is_managed_by_azure(runtime):
        state = _state(runtime, call.now)
        inner |= {"otherErrors": [], "lastOperation": None}
        if network_of(runtime) is not None:
            authoring: dict[str, Any] = {"status": runtime.authoring}
            if runtime.authoring_minutes is not None:
                authoring["autoTerminationMinutes"] = runtime.authoring_minutes
            inner["interactiveQuery"] = authoring
    elif runtime.properties["type"] == "SelfHosted":
        # It has never been installed.
        state = "NeedRegistration"
        inner["links"] = []
    else:
        state = str(runtime.properties.get("state", "Online"))
        inner["otherErrors"] = []
    properties: dict[str, Any] = {
        "type": runtime.properties["type"],
        "dataFactoryName": factory.id.name,
        "state": state,
        "typeProperties": inner,
        # Present even if it is null, and missing from the published schemas (recorded 2024-06).
        "managedVirtualNetwork": runtime.properties.get("managedVirtualNetwork"),
    }
    return Response(200, {"name": runtime.name, "properties": properties})


def _keys(call: Call) -> Response:
    # Terraform's azurerm requests them whenever it reads a self-hosted runtime.
    factory, runtime = _find_runtime(call)
    if runtime.properties["type"] != "SelfHosted":
        raise invalid_request("IntegrationRuntime", runtime.name, "Only a self-hosted integration runtime has keys")
    place = f"IR@{runtime.etag}@{factory.id.name}@ServiceEndpoint={factory.id.name}.emulated.datafactory.azure.net"
    return Response(200, {"authKey1": f"{place}@emulated1=", "authKey2": f"{place}@emulated2="})


_FACTORY = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.DataFactory/factories/{factory}"
_RUNTIMES = f"{_FACTORY}/integrationRuntimes"
_RUNTIME = f"{_RUNTIMES}/{{runtime}}"
_ACTION = "Microsoft.DataFactory/factories/integrationruntimes"

ROUTES = (
    Route("GET", _RUNTIMES, DATA_FACTORY, _list_runtimes, f"{_ACTION}/read"),
    Route("GET", _RUNTIME, DATA_FACTORY, _get_runtime, f"{_ACTION}/read"),
    Route("PUT", _RUNTIME, DATA_FACTORY, _put_runtime, f"{_ACTION}/write"),
    Route("DELETE", _RUNTIME, DATA_FACTORY, _delete_runtime, f"{_ACTION}/delete"),
    Route("POST", f"{_RUNTIME}/getStatus", DATA_FACTORY, _status, f"{_ACTION}/getstatus/read"),
    Route("POST", f"{_RUNTIME}/listAuthKeys", DATA_FACTORY, _keys, f"{_ACTION}/listauthkeys/action"),
)
