"""Microsoft.Network: long-running answers, and the rights on resources that a request links to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe.emulator._http.call import bad_request
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.resource_manager.operations import find_operation, shown_operation
from purview_mpe.emulator._services.versions import ANY
from purview_mpe.emulator._values.exchange import ArmError, Response
from purview_mpe.emulator._values.json_values import region_of

if TYPE_CHECKING:
    from typing import Any

    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.nouns import Operation

PROVIDER = "Microsoft.Network"
# The lengths of the parts of a signed address: together more than three thousand characters (recorded 2024-10:
# 3,185 to 3,232).
_CERTIFICATE, _SIGNATURE = 2590, 342
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def accepted(call: Call, operation: Operation, location: str, status: int, body: Any = None) -> Response:
    """The answer to a write whose work goes on: the signed address of its operation, no `Retry-After` (recorded)."""
    return Response(status, body, {"Azure-AsyncOperation": signed_address(call, operation, location)})


def signed_address(call: Call, operation: Operation, location: str, kind: str = "operations") -> str:
    """The address of an operation, with a certificate and a signature (recorded 2024-10)."""
    draw = call.world.random.choices
    place = f"{call.origin}/subscriptions/{call['subscription']}/providers/{PROVIDER}/locations/{region_of(location)}"
    parts = {
        "api-version": call.api_version,
        "t": str(638_000_000_000_000_000 + call.world.milliseconds()),
        "c": "".join(draw(_DIGITS, k=_CERTIFICATE)),
        "s": "".join(draw(_DIGITS, k=_SIGNATURE)),
        "h": "".join(draw(_DIGITS, k=43)),
    }
    query = "&".join(f"{name}={value}" for name, value in parts.items())
    return f"{place}/{kind}/{operation.id}?{query}"


def check_linked(call: Call, action: str, scope: str) -> None:
    """Refuse a caller without a right on a resource that the request links to.

    Raises:
        ArmError: 403 `LinkedAuthorizationFailed`, or a policy's refusal.
    """
    if not call.access.allowed(call.caller, action, scope):
        raise ArmError(
            403,
            "LinkedAuthorizationFailed",
            f"The client '{call.caller.client_id}' with object id '{call.caller.object_id}' has permission to perform "
            f"action on scope '{call.scope}'; however, it does not have permission to perform action(s) '{action}' on "
            f"the linked scope(s) '{scope}' (respectively) or the linked scope(s) are invalid.",
        )
    call.guards.check(call.caller, action, scope, delete_passes_locks=False)


def busy(call: Call, resource: str) -> ArmError:
    """The refusal of a second operation on a subnet or an endpoint."""
    status = int(call.world.settings.answers.busy_subnet)
    return ArmError(
        status,
        "AnotherOperationInProgress",
        f"Another operation on this or dependent resource is in progress: '{resource}'.",
    )


def invalid(message: str, code: str = "InvalidRequestFormat") -> ArmError:
    """A 400 of the network's resource provider."""
    return bad_request(message, code)


def _status(call: Call) -> Response:
    shown = shown_operation(find_operation(call))
    return Response(200, {key: shown[key] for key in ("status", "error") if key in shown})


def _result(call: Call) -> Response:
    return Response(204 if find_operation(call).is_over else 202)


_LOCATION = "/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}"

ROUTES = (
    Route("GET", f"{_LOCATION}/operations/{{operation}}", ANY, _status),
    Route("GET", f"{_LOCATION}/operationResults/{{operation}}", ANY, _result),
)
