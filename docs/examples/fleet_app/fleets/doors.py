"""Puts the app together: the orchestration of the library, and three functions to start, decide and look.

Nothing here, nor in what it imports, loads pydantic or an Azure SDK: the host imports this at every cold start.
"""

from __future__ import annotations

import importlib
import json
import re
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
#: An id that a caller may choose. A lane's id begins with `purview-mpe-`.
_ID = re.compile(r"(?!purview-mpe-)[\w.-]{1,64}", re.ASCII)
_NO_FLEET = "This fleet does not exist."
#: States of an orchestration that can still take an event.
_UNDER_WAY = frozenset({"Pending", "Running", "ContinuedAsNew", "Suspended"})


def build(environment: Mapping[str, str], connect: Callable[[Settings, str | None], Client] = make_client) -> Any:
    """The app for these settings. `connect` makes its clients, each once, when it is first needed.

    Raises:
        WrongSettings: a setting is wrong.
    """
    settings = Settings.of(environment)
    app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
    approver = None if settings.approver is None else lambda: connect(settings, settings.approver)
    durable.register_functions(app, lambda: connect(settings, None), approver=approver)
    app.register_functions(_doors(settings))
    return app


def _doors(settings: Settings) -> Any:
    functions = df.Blueprint()

    async def start(request: func.HttpRequest, client: str) -> func.HttpResponse:
        """Start a fleet; the body is the JSON of a `FleetRequest`. Whether approval is asked, the settings say.

        `?id=` gives the fleet an id of the caller's, so that repeating the request does not start it twice.
        """
        try:
            given = _checked(request.get_body(), settings)
        except ValueError as wrong:
            return _refused(400, str(wrong))
        engine: Any = client
        options: dict[str, str] = {}
        if wanted := request.params.get("id"):
            if not _ID.fullmatch(wanted):
                return _refused(400, "The id may have letters, digits, dots, dashes and underscores, at most 64.")
            status = await engine.get_status(wanted)
            if status.runtime_status is not None and status.runtime_status.name in _UNDER_WAY:
                return _refused(409, f"The fleet {wanted} is {status.runtime_status.name}.")
            options["instance_id"] = wanted
        instance: str = await engine.start_new(durable.FLEET, client_input=given, **options)
        # The id alone. The engine's own addresses hold the key of its whole hub: with it, the caller that starts a
        # fleet could raise its approval, and end or erase any other.
        body = json.dumps({"id": instance})
        return func.HttpResponse(
            body, status_code=202, mimetype="application/json", headers={"Location": f"fleets/{instance}"}
        )

    async def decide(request: func.HttpRequest, client: str) -> func.HttpResponse:
        """Approve or decline what a fleet has created; the body is true or false."""
        try:
            decision = json.loads(request.get_body())
        except (ValueError, RecursionError):  # RecursionError: deeply nested brackets
            decision = None
        if not isinstance(decision, bool):
            return _refused(400, "The body must be true or false.")
        if settings.approval != "when-told":
            return _refused(409, "No fleet of this app waits for a decision; see PURVIEW_MPE_APPROVAL.")
        engine: Any = client
        instance = request.route_params["instance"]
        status = await engine.get_status(instance)
        if status.runtime_status is None:
            return _refused(404, _NO_FLEET)
        if status.runtime_status.name not in _UNDER_WAY:
            return _refused(409, f"The fleet is {status.runtime_status.name}, so nothing of it waits for a decision.")
        await engine.raise_event(instance, durable.APPROVAL, decision)
        return func.HttpResponse(status_code=202)

    async def look(request: func.HttpRequest, client: str) -> func.HttpResponse:
        """Where a fleet stands, and its report once it is done; of a large fleet, its counts.

        `?whole=true` gives the report of a large fleet as well, factory by factory, unless it was purged.
        """
        engine: Any = client
        status = await engine.get_status(request.route_params["instance"])
        if status.runtime_status is None:
            return _refused(404, _NO_FLEET)
        report = status.output
        if status.runtime_status.name == "Completed" and request.params.get("whole") == "true":
            try:
                report = await _whole(engine, report)
            except ValueError as missing:
                return _refused(
                    410, f"Parts of the report were purged; leave out whole=true to see the counts. {missing}"
                )
        body = {"state": status.runtime_status.name, "status": status.custom_status, "report": report}
        return func.HttpResponse(json.dumps(body), mimetype="application/json")

    for function, route, method in (
        (start, "fleets", "POST"),
        (decide, "fleets/{instance}/approval", "POST"),
        (look, "fleets/{instance}", "GET"),
    ):
        with_client = functions.durable_client_input(client_name="client")(function)
        functions.route(route, trigger_arg_name="request", methods=[method])(with_client)
    return functions


async def _whole(engine: Any, output: Any) -> Any:
    """The JSON of the whole report, with what the pages of a large fleet keep."""
    pages = {page: (await engine.get_status(page)).output for page in durable.pages_in(output)}
    return durable.report_in(output, pages).model_dump(mode="json")


def _refused(status: int, why: str) -> func.HttpResponse:
    return func.HttpResponse(why, status_code=status, mimetype="text/plain")


def _checked(body: bytes, settings: Settings) -> dict[str, Any]:
    """What to start a fleet with.

    Raises:
        ValueError: it is wrong, with every field that is; or it asks for another approval than the app gives.
    """
    from purview_mpe.durable import FleetRequest  # noqa: PLC0415 - cold starts pay for what is imported

    given = FleetRequest.model_validate_json(body)
    if "approval" in given.model_fields_set and given.approval != settings.approval:
        raise ValueError(f"approval is {given.approval!r}; this app's is {settings.approval!r}, so leave it out")
    return given.model_copy(update={"approval": settings.approval}).to_input()
