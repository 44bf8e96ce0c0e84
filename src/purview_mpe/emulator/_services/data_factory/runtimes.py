"""Microsoft.DataFactory: integration runtimes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_factory.factories import find_factory
from purview_mpe.emulator._services.data_factory.rules import (
    check_if_match,
    check_limit,
    check_name,
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

RuntimeKind = Literal["azure", "azure-managed-vnet", "self-hosted", "ssis"]


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


def _find_runtime(call: Call) -> tuple[Factory, Runtime]:
    factory = find_factory(call)
    runtime = factory.runtimes.get(call["runtime"].casefold())
    if runtime is None:
        raise child_not_found(factory.id.child("integrationRuntimes", call["runtime"]))
    return factory, runtime


def _get_runtime(call: Call) -> Response:
    factory, runtime = _find_runtime(call)
    if names_tag(call.request.headers.get("if-none-match"), runtime.etag):
        return Response(304)
    return Response(200, _shown_runtime(factory, runtime))


def _put_runtime(call: Call) -> Response:
    factory, name, body = find_factory(call), call["runtime"], call.json
    properties = object_of(body.get("properties"))
    if properties is None or properties.get("type") not in {"Managed", "SelfHosted"}:
        raise invalid_request("IntegrationRuntime", name, "Invalid payload")
    for key in ("typeProperties", "managedVirtualNetwork"):
        want(properties, key, dict)
    want(properties, "description", str)
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


def _status(call: Call) -> Response:
    # Terraform's azurerm asks for it whenever it reads a runtime of Azure's own.
    factory, runtime = _find_runtime(call)
    state, none_of = str(runtime.properties.get("state", "Online")), "otherErrors"
    if runtime.properties["type"] == "SelfHosted":
        # Nobody has installed it anywhere.
        state, none_of = "NeedRegistration", "links"
    properties: dict[str, Any] = {
        "type": runtime.properties["type"],
        "dataFactoryName": factory.id.name,
        "state": state,
        "typeProperties": {"createTime": factory.body["properties"]["createTime"], "nodes": [], none_of: []},
    }
    return Response(200, {"name": runtime.name, "properties": properties})


def _keys(call: Call) -> Response:
    # Terraform's azurerm asks for them whenever it reads a self-hosted runtime.
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
