"""Microsoft.Authorization: the caller's permissions at a scope, and the locks there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.versions import AUTHORIZATION, LOCKS
from purview_mpe.emulator._state.access import within
from purview_mpe.emulator._values.exchange import Response

if TYPE_CHECKING:
    from purview_mpe.emulator._http.call import Call


def _permissions(call: Call) -> Response:
    roles = call.caller.roles_at(call.scope)
    if not roles or call.world.is_microsofts(call.scope):
        # A caller with any role at a scope can read this; one without a role cannot (inferred).
        call.access.check(call.caller, "Microsoft.Authorization/permissions/read", call.scope)
    value: list[dict[str, Any]] = [
        {
            "actions": list(role.actions),
            "notActions": list(role.not_actions),
            "dataActions": [],
            "notDataActions": [],
        }
        for role in roles
    ]
    return Response(200, {"value": value})


def _locks(call: Call) -> Response:
    value: list[dict[str, Any]] = [
        {
            "id": f"{lock.scope}/providers/Microsoft.Authorization/locks/{lock.name}",
            "name": lock.name,
            "type": "Microsoft.Authorization/locks",
            "properties": {"level": lock.level},
        }
        for lock in call.guards.locks
        if within(call.scope, lock.scope) or within(lock.scope, call.scope)
    ]
    return Response(200, {"value": value})


ROUTES = (
    Route("GET", "{scope}/providers/Microsoft.Authorization/permissions", AUTHORIZATION, _permissions),
    Route(
        "GET",
        "{scope}/providers/Microsoft.Authorization/locks",
        LOCKS,
        _locks,
        "Microsoft.Authorization/locks/read",
    ),
)
