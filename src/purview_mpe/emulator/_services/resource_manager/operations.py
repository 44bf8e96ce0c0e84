"""Long-running operations, at the addresses in `Azure-AsyncOperation` and `Location`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.versions import ANY, EVENT_HUB, PURVIEW
from purview_mpe.emulator._values.exchange import ArmError, Response

if TYPE_CHECKING:
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.nouns import Operation


def shown_operation(operation: Operation) -> dict[str, Any]:
    """The JSON of an operation at the address in `Azure-AsyncOperation`."""
    shown: dict[str, Any] = {"name": operation.id, "status": operation.status, "startTime": operation.begun}
    if operation.ended is not None:
        shown["endTime"] = operation.ended
    if operation.error is not None:
        shown["error"] = {"code": operation.error[0], "message": operation.error[1]}
    return shown


def find_operation(call: Call) -> Operation:
    """The operation in the path.

    Raises:
        ArmError: 404, no operation has this id.
    """
    found = call.world.operations.get(call["operation"].casefold())
    if found is None:
        raise ArmError(404, "OperationNotFound", f"The operation '{call['operation']}' could not be found.")
    return found


def _status(call: Call) -> Response:
    operation = find_operation(call)
    return Response(200, {"id": call.path, **shown_operation(operation)})


def _result(call: Call) -> Response:
    """The answer at the address in `Location`: 202 while the operation runs, then its result, which is empty here."""
    return Response(200 if find_operation(call).is_over else 202)


_SUBSCRIPTION = "/subscriptions/{subscription}"

ROUTES = (
    Route("GET", f"{_SUBSCRIPTION}/operationresults/{{operation}}", ANY, _result),
    Route(
        "GET",
        f"{_SUBSCRIPTION}/providers/Microsoft.EventHub/locations/{{location}}/operationStatus/{{operation}}",
        EVENT_HUB,
        _status,
    ),
    Route(
        "GET",
        f"{_SUBSCRIPTION}/providers/Microsoft.Purview/locations/{{location}}/operationResults/{{operation}}",
        PURVIEW,
        _result,
    ),
)
