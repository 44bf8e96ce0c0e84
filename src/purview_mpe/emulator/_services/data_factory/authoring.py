"""Microsoft.DataFactory: interactive authoring of an integration runtime in a managed virtual network.

Both calls answer 202 with `Azure-AsyncOperation` and `Location`, which lead to the same operation (spec). Only
getStatus shows the state, and the minutes stay after authoring is disabled (seen in public code).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe.emulator._http.call import bad_request
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_factory.factories import find_factory
from purview_mpe.emulator._services.data_factory.rules import child_not_found, invalid_request
from purview_mpe.emulator._services.data_factory.runtimes import is_managed_by_azure, network_of
from purview_mpe.emulator._services.resource_manager.operations import find_operation, shown_operation
from purview_mpe.emulator._services.versions import DATA_FACTORY
from purview_mpe.emulator._state import operations
from purview_mpe.emulator._values.exchange import Response

if TYPE_CHECKING:
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.nouns import Factory, Runtime

_MINUTES = (10, 30, 60, 120)


def _find(call: Call) -> tuple[Factory, Runtime]:
    factory = find_factory(call)
    runtime = factory.runtimes.get(call["runtime"].casefold())
    if runtime is None:
        raise child_not_found(factory.id.child("integrationRuntimes", call["runtime"]))
    if not is_managed_by_azure(runtime) or network_of(runtime) is None:
        why = "Interactive authoring needs an integration runtime in a managed virtual network"
        raise invalid_request("IntegrationRuntime", runtime.name, why)
    if call.now < runtime.online_from:
        raise invalid_request("IntegrationRuntime", runtime.name, "The integration runtime is not online")
    return factory, runtime


def _enable(call: Call) -> Response:
    factory, runtime = _find(call)
    minutes = call.json.get("autoTerminationMinutes") if call.request.content.strip() else _MINUTES[0]
    if isinstance(minutes, bool) or minutes not in _MINUTES:
        allowed = ", ".join(map(str, _MINUTES))
        raise bad_request(f"The property 'autoTerminationMinutes' must be one of {allowed}.", "InvalidPropertyValue")
    runtime.authoring, runtime.authoring_minutes = "Enabling", minutes

    def enabled() -> None:
        if runtime.authoring == "Enabling":
            runtime.authoring = "Enabled"
            call.world.after(60.0 * minutes, terminated)

    def terminated() -> None:
        if runtime.authoring == "Enabled":
            runtime.authoring = "Disabled"

    return _begin(call, factory, runtime, "enableInteractiveQuery", enabled)


def _disable(call: Call) -> Response:
    factory, runtime = _find(call)
    runtime.authoring = "Disabling"

    def disabled() -> None:
        if runtime.authoring == "Disabling":
            runtime.authoring = "Disabled"

    return _begin(call, factory, runtime, "disableInteractiveQuery", disabled)


def _begin(call: Call, factory: Factory, runtime: Runtime, verb: str, finish: operations.Finish) -> Response:
    operation = operations.begin(call.world, call.world.seconds("interactive_authoring"), finish)
    place = f"{call.origin}{factory.id}/integrationruntimes/{runtime.name}/{verb}/operationresults/{operation.id}"
    place += f"?api-version={call.api_version}"
    return Response(202, headers={"Azure-AsyncOperation": place, "Location": place})


def _operation(call: Call) -> Response:
    operation = find_operation(call)
    shown = {"properties": None, "error": None, **shown_operation(operation)}
    return Response(200, {key: shown[key] for key in ("status", "name", "properties", "error")})


_FACTORY = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.DataFactory/factories/{factory}"
_RUNTIME = f"{_FACTORY}/integrationRuntimes/{{runtime}}"
_ACTION = "Microsoft.DataFactory/factories/integrationruntimes"

ROUTES = tuple(
    route
    for verb, handler in (("enableInteractiveQuery", _enable), ("disableInteractiveQuery", _disable))
    for route in (
        Route("POST", f"{_RUNTIME}/{verb}", DATA_FACTORY, handler, f"{_ACTION}/{verb}/action"),
        Route(
            "GET",
            f"{_RUNTIME}/{verb}/operationresults/{{operation}}",
            DATA_FACTORY,
            _operation,
            f"{_ACTION}/read",
        ),
    )
)
