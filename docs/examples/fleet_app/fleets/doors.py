"""Puts the app together: the orchestration of the library, and three functions to start, decide and look.

Nothing here, nor in what it imports, loads pydantic or an Azure SDK: the host imports this at every cold start.
"""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

import azure.functions as func

from fleets.clients import make_client
from fleets.settings import Settings
from purview_mpe import durable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from purview_mpe import Client

#: `import azure.durable_functions as df`, but that package says nothing about its types.
df: Any = importlib.import_module("azure.durable_functions")


def build(environment: Mapping[str, str], connect: Callable[[Settings, str | None], Client] = make_client) -> Any:
    """The app for these settings. `connect` makes its clients, each once, when it is first needed.

    Raises:
        WrongSettings: a setting is wrong.
    """
    settings = Settings.of(environment)
    app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
    approver = None if settings.approver is None else lambda: connect(settings, settings.approver)
    durable.register_functions(app, lambda: connect(settings, None), approver=approver)
    app.register_functions(_doors())
    return app


def _doors() -> Any:
    functions = df.Blueprint()

    async def start(request: func.HttpRequest, client: str) -> func.HttpResponse:
        """Start a fleet; the body is the JSON of a `FleetRequest`."""
        try:
            given = _checked(request.get_body())
        except ValueError as wrong:
            return func.HttpResponse(str(wrong), status_code=400, mimetype="text/plain")
        engine: Any = client
        instance: str = await engine.start_new(durable.FLEET, client_input=given)
        answer: func.HttpResponse = engine.create_check_status_response(request, instance)
        return answer

    async def decide(request: func.HttpRequest, client: str) -> func.HttpResponse:
        """Approve or decline what a fleet has created; the body is true or false."""
        try:
            decision = json.loads(request.get_body())
        except ValueError:
            decision = None
        if not isinstance(decision, bool):
            return func.HttpResponse("The body must be true or false.", status_code=400, mimetype="text/plain")
        engine: Any = client
        await engine.raise_event(request.route_params["instance"], durable.APPROVAL, decision)
        return func.HttpResponse(status_code=202)

    async def look(request: func.HttpRequest, client: str) -> func.HttpResponse:
        """Where a fleet stands, and its report once it is done."""
        engine: Any = client
        status = await engine.get_status(request.route_params["instance"])
        if status.runtime_status is None:
            return func.HttpResponse("There is no such fleet.", status_code=404, mimetype="text/plain")
        body = {"state": status.runtime_status.name, "status": status.custom_status, "report": status.output}
        return func.HttpResponse(json.dumps(body), mimetype="application/json")

    for function, route, method in (
        (start, "fleets", "POST"),
        (decide, "fleets/{instance}/approval", "POST"),
        (look, "fleets/{instance}", "GET"),
    ):
        with_client = functions.durable_client_input(client_name="client")(function)
        functions.route(route, trigger_arg_name="request", methods=[method])(with_client)
    return functions


def _checked(body: bytes) -> dict[str, Any]:
    """What to start a fleet with.

    Raises:
        ValueError: it is wrong; with every field that is.
    """
    from purview_mpe.durable import FleetRequest  # noqa: PLC0415 - cold starts pay for what is imported

    return FleetRequest.model_validate_json(body).model_dump(mode="json")
