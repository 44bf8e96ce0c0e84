"""The app of the team that runs the factory: plan, create, status, and a timer that notices drift."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import azure.functions as func

from provisioning.answers import answered, reported, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provisioning.settings import Settings
    from purview_mpe import Client, Plan, Status

#: Azure's load balancer ends an HTTP request after 230 seconds (docs, "Azure Functions scale and hosting").
HTTP_SECONDS = 200

_log = logging.getLogger("provisioning")


class Drift(Exception):
    """What was ready is not any more. Raised so that the invocation fails, which an alert rule can watch for."""


def blueprint(settings: Settings, client: Callable[[], Client]) -> func.Blueprint:
    """The functions of the requester."""
    functions = func.Blueprint()  # type: ignore[no-untyped-call]  # azure-functions leaves its constructor untyped

    @functions.function_name("plan")
    @functions.route("plan", trigger_arg_name="request", methods=["GET"])
    def plan(request: func.HttpRequest) -> func.HttpResponse:
        """What would be made."""
        del request
        return answered(lambda: shown(client().plan(settings.spec)))

    @functions.function_name("create")
    @functions.route("create", trigger_arg_name="request", methods=["POST"])
    def create(request: func.HttpRequest) -> func.HttpResponse:
        """Make what is missing; safe to repeat, so a caller that gets 202 asks again."""
        del request
        return answered(lambda: reported(client().create_all(settings.spec, timeout=HTTP_SECONDS)))

    @functions.function_name("status")
    @functions.route("status", trigger_arg_name="request", methods=["GET"])
    def status(request: func.HttpRequest) -> func.HttpResponse:
        """How both sides see it."""
        del request
        return answered(lambda: shown(client().status(settings.spec)))

    @functions.function_name("drift")
    @functions.timer_trigger(arg_name="timer", schedule="%PURVIEW_MPE_SCHEDULE%")
    def drift(timer: func.TimerRequest) -> None:
        """Fail if anything has to be made, or has come undone."""
        del timer
        spec = settings.spec
        found = list(drift_of(client().plan(spec), client().status(spec)))
        for line in found:
            _log.error("drift: %s", line)
        if found:
            raise Drift("; ".join(found))

    return functions


def drift_of(plan: Plan, status: Status) -> Iterator[str]:
    """One line per thing that has changed. Waiting for an approval is not drift."""
    for step in plan.steps:
        if step.action != "keep":
            yield f"{step.action} {step.name}: {step.reason}"
    for endpoint in plan.obsolete:
        yield f"obsolete {endpoint.name}: the account does not use {endpoint.resource_id}"
    reported = {step.name.casefold() for step in plan.steps if step.action != "keep"}
    for one in status.endpoints:
        if one.verdict not in {"ready", "pending", "provisioning"} and one.name.casefold() not in reported:
            yield f"{one.verdict} {one.name}: {one.reason}"
