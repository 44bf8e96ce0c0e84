"""Microsoft.Purview: private endpoint connections of the ingestion storage of newer accounts.

The customer cannot access the storage itself, so list and approval go through the account. Items have no name and
no group id (spec). Sources disagree on whether the approval takes the id of the private endpoint or of the
connection: the SDK says the former, the spec's sample passes the latter. By default the emulator accepts both; a
setting restricts it to one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import bad_request
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.purview.accounts import find_account
from purview_mpe.emulator._services.targets.connections import decide, hold_storage, status_of
from purview_mpe.emulator._services.versions import INGESTION
from purview_mpe.emulator._values.exchange import ArmError, Response
from purview_mpe.emulator._values.json_values import id_of, object_of

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.nouns import Account, Connection


def _storage(account: Account) -> ArmId | None:
    ingestion = object_of(account.properties.get("ingestionStorage")) or {}
    return id_of(ingestion.get("id"))


def _item_id(account: Account, connection: Connection) -> str:
    return f"{account.id}/ingestionPrivateEndpointConnections/{connection.name}"


def _shown_item(account: Account, connection: Connection) -> dict[str, Any]:
    return {
        "id": _item_id(account, connection),
        "type": "Microsoft.Storage/storageAccounts/privateEndpointConnections",
        "properties": {
            "provisioningState": connection.provisioning_state,
            "privateEndpoint": {"id": connection.private_endpoint_id},
            "privateLinkServiceConnectionState": {
                "status": connection.status,
                "description": connection.description,
            },
        },
    }


def _list(call: Call) -> Response:
    account = find_account(call)
    storage = _storage(account)
    connections = call.world.connections_of(storage).values() if storage else ()
    answer = call.page(
        connections, lambda connection: connection.serial, lambda connection: _shown_item(account, connection)
    )
    if storage:
        call.world.target_was_read(storage)
    return answer


def _update_status(call: Call) -> Response:
    account, body = find_account(call), call.json
    given = body.get("privateEndpointId")
    if not isinstance(given, str) or not given:
        raise bad_request("The property 'privateEndpointId' is required.", "InvalidRequestContent")
    status = status_of(body.get("status"))
    storage = _storage(account)
    accepts = call.world.settings.ingestion_accepts
    for connection in call.world.connections_of(storage).values() if storage else ():
        ids = {
            "private-endpoint": (connection.private_endpoint_id,),
            "connection": (_item_id(account, connection),),
            "either": (connection.private_endpoint_id, _item_id(account, connection)),
        }[accepts]
        if given.strip("/").casefold() in {one.strip("/").casefold() for one in ids}:
            hold_storage(call, connection.target)
            decide(call, connection, status, connection.description)
            return Response(200, {"privateEndpointId": given, "status": status})
    raise ArmError(404, "PrivateEndpointConnectionNotFound", f"The account has no connection of '{given}'.")


_ACCOUNT = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Purview/accounts/{account}"
_ACTION = "Microsoft.Purview/accounts"
_READ = f"{_ACTION}/ingestionPrivateEndpointConnections/read"
_UPDATE = f"{_ACTION}/ingestionPrivateEndpointConnectionStatus/action"
_APPROVAL = f"{_ACTION}/PrivateEndpointConnectionsApproval/action"

# The actions are unpublished; these are inferred from the paths.
ROUTES = (
    Route("GET", f"{_ACCOUNT}/ingestionPrivateEndpointConnections", INGESTION, _list, _READ),
    Route(
        "POST",
        f"{_ACCOUNT}/ingestionPrivateEndpointConnectionStatus",
        INGESTION,
        _update_status,
        _UPDATE,
        also=_APPROVAL,
    ),
)
