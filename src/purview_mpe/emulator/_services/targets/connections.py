"""Private endpoint connections on their targets: one behaviour, three forms of JSON.

- Purview: named `<private endpoint>-<guid>`; its state has `actionsRequired`.
- Storage: named `<account>.<guid>`; its state has `actionRequired`.
- Event Hubs: named `<guid>`; its state has neither, its type is `Namespaces/PrivateEndpointConnections`, and it has
  `location` and `groupIds` (recorded 2022-04).

(Spelling of the states and types: specs. Formats of the names: seen in public code.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import bad_request, not_found
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.targets.names import groups_of, private_name
from purview_mpe.emulator._state import life, operations
from purview_mpe.emulator._state.world import ACCOUNT_TYPE, NAMESPACE_TYPE, STORAGE_TYPE
from purview_mpe.emulator._values.exchange import ArmError, Response
from purview_mpe.emulator._values.json_values import object_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.nouns import Connection

    FindTarget = Callable[[Call], ArmId]

_DECISIONS = {
    "approved": "Approved",
    "rejected": "Rejected",
    "pending": "Pending",
    "disconnected": "Disconnected",
}


def shown_connection(connection: Connection) -> dict[str, Any]:
    """The JSON of a connection in its provider's form."""
    state: dict[str, Any] = {"status": connection.status, "description": connection.description}
    if connection.target.is_a(ACCOUNT_TYPE):
        kind = "Microsoft.Purview/accounts/privateEndpointConnections"
        state["actionsRequired"] = connection.actions_required
    elif connection.target.is_a(NAMESPACE_TYPE):
        kind = "Microsoft.EventHub/Namespaces/PrivateEndpointConnections"
    else:
        kind = "Microsoft.Storage/storageAccounts/privateEndpointConnections"
        state["actionRequired"] = connection.actions_required
    shown: dict[str, Any] = {
        "id": str(connection_id(connection)),
        "name": connection.name,
        "type": kind,
        "properties": {
            "provisioningState": connection.provisioning_state,
            "privateEndpoint": {"id": connection.private_endpoint_id},
            "privateLinkServiceConnectionState": state,
        },
    }
    if connection.target.is_a(NAMESPACE_TYPE):
        shown["location"] = connection.location
        shown["properties"]["groupIds"] = [connection.group_id]
    return shown


def connection_id(connection: Connection) -> ArmId:
    """The id of a connection, below its target."""
    return connection.target.child("privateEndpointConnections", connection.name)


def _list(find: FindTarget) -> Callable[[Call], Response]:
    """The handler that lists the connections of a target."""

    def handle(call: Call) -> Response:
        target = find(call)
        connections = call.world.connections_of(target).values()
        if _is_whole(target, call.api_version):
            answer = Response(200, {"value": [shown_connection(connection) for connection in connections]})
        else:
            answer = call.page(connections, lambda connection: connection.serial, shown_connection)
        call.world.target_was_read(target)
        return answer

    return handle


def _is_whole(target: ArmId, api_version: str) -> bool:
    """Whether a list has no pages: in the published specs, storage accounts have no `nextLink` here.

    Newer clients follow a `nextLink` (SDK source of azure-mgmt-storage 25, which sends 2025-08-01 or later).
    """
    return target.provider.casefold() == "microsoft.storage" and api_version < "2025-06-01"


def _get(find: FindTarget) -> Callable[[Call], Response]:
    """The handler that gives one connection."""

    def handle(call: Call) -> Response:
        return Response(200, shown_connection(_find(call, find(call))))

    return handle


def _put(find: FindTarget) -> Callable[[Call], Response]:
    """The handler that approves or rejects a connection; each provider has its own success answer."""

    def handle(call: Call) -> Response:
        target = find(call)
        connection = _find(call, target)
        status, description = _read_decision(call)
        hold_storage(call, target)
        if target.is_a(STORAGE_TYPE):
            _check_storage(connection, status)
        changed = decide(call, connection, status, description)
        return _answer_to_decision(call, connection, changed=changed)

    return handle


def _delete(find: FindTarget) -> Callable[[Call], Response]:
    """The handler that removes a connection."""

    def handle(call: Call) -> Response:
        target = find(call)
        connection = call.world.connections_of(target).get(call["connection"].casefold())
        if connection is None:
            return Response(204)
        hold_storage(call, target)
        life.drop_connection(call.world, connection)
        return Response(200)

    return handle


def _check_storage(connection: Connection, status: str) -> None:
    """Refuse to approve an Approved or Rejected connection, as storage accounts do (recorded 2025-02).

    Raises:
        ArmError: 400.
    """
    if status == "Approved" and connection.status in {"Approved", "Rejected"}:
        raise bad_request(
            "Values for request parameters are invalid: privateLinkServiceConnectionState.status.",
            "InvalidValuesForRequestParameters",
        )


def decide(call: Call, connection: Connection, status: str, description: str | None) -> bool:
    """Change the state of a connection; gives whether anything changed.

    A rejected or disconnected connection stays so: its endpoint must be deleted and created again
    (documentation).

    Raises:
        ArmError: 400, the connection cannot change to that status.
    """
    if connection.status in {"Rejected", "Disconnected"} and status != connection.status:
        raise bad_request(
            f"The private endpoint connection '{connection.name}' is {connection.status} and cannot become "
            f"{status}. Delete the private endpoint and create it again.",
            "InvalidPrivateEndpointConnectionState",
        )
    changed = connection.status != status
    # A decision overwrites the description that the requester wrote; one that is not sent becomes empty (recorded
    # 2025-02 for storage).
    life.decide(call.world, connection, status, description or "")
    return changed


def hold_storage(call: Call, target: ArmId) -> None:
    """Allow a storage account one private endpoint operation at a time.

    Raises:
        ArmError: 409 `StorageAccountOperationInProgress` (seen in public bug reports).
    """
    if not call.world.hold_storage(target):
        raise ArmError(
            409,
            "StorageAccountOperationInProgress",
            "An operation is currently performing on this storage account that requires exclusive access.",
        )


def status_of(text: Any) -> str:
    """A status in Azure's spelling.

    Raises:
        ArmError: 400, this is not a status.
    """
    status = _DECISIONS.get(str(text).casefold())
    if status is None:
        raise bad_request(
            f"The status '{text}' is not one of Approved, Rejected, Pending and Disconnected.",
            "InvalidPropertyValue",
        )
    return status


def routes(
    template: str,
    versions: tuple[str, ...],
    find: FindTarget,
    *,
    action: str,
    approval: str,
) -> tuple[Route, ...]:
    """The operations on the connections of one kind of target, whose path is `template`."""
    listed, one = (
        f"{template}/privateEndpointConnections",
        f"{template}/privateEndpointConnections/{{connection}}",
    )
    name = f"{action}/privateEndpointConnections"
    groups = f"{template}/privateLinkResources"
    return (
        Route("GET", listed, versions, _list(find), f"{name}/read"),
        Route("GET", one, versions, _get(find), f"{name}/read"),
        Route("PUT", one, versions, _put(find), f"{name}/write", also=f"{action}/{approval}/action"),
        Route("DELETE", one, versions, _delete(find), f"{name}/delete"),
        Route("GET", groups, versions, _groups(find), f"{action}/privateLinkResources/read"),
    )


def _groups(find: FindTarget) -> Callable[[Call], Response]:
    """The handler that lists the group ids that a target offers to private endpoints."""

    def handle(call: Call) -> Response:
        target = find(call)
        names = {group: private_name(call.world, target, group) for group in groups_of(call.world, target)}
        value = [_shown_group(target, group, name.zone) for group, name in names.items()]
        return Response(200, {"value": value})

    return handle


def _shown_group(target: ArmId, group: str, zone: str) -> dict[str, Any]:
    return {
        "id": str(target.child("privateLinkResources", group)),
        "name": group,
        "type": f"{target.type}/privateLinkResources",
        "properties": {"groupId": group, "requiredMembers": [group], "requiredZoneNames": [zone]},
    }


def _find(call: Call, target: ArmId) -> Connection:
    connection = call.world.connections_of(target).get(call["connection"].casefold())
    if connection is None:
        raise not_found(target.child("privateEndpointConnections", call["connection"]))
    return connection


def _read_decision(call: Call) -> tuple[str, str | None]:
    properties = object_of(call.json.get("properties")) or {}
    state = object_of(properties.get("privateLinkServiceConnectionState"))
    if state is None or "status" not in state:
        raise bad_request(
            "The property 'properties.privateLinkServiceConnectionState.status' is required.",
            "InvalidRequestContent",
        )
    description = state.get("description")
    if description is not None and not isinstance(description, str):
        raise bad_request("The property 'description' has an invalid value.", "InvalidPropertyValue")
    return status_of(state["status"]), description


def _answer_to_decision(call: Call, connection: Connection, *, changed: bool) -> Response:
    shown = shown_connection(connection)
    if connection.target.is_a(ACCOUNT_TYPE):
        if not changed:
            return Response(200, shown)
        # In the spec's samples this is the resource's own address. A poller that follows it finds no status and
        # fails, although the approval worked.
        own = f"{call.origin}{connection_id(connection)}?api-version={call.api_version}"
        return Response(201, shown, {"Azure-AsyncOperation": own, "x-ms-long-running-operation": "true"})
    if connection.target.is_a(NAMESPACE_TYPE):
        return _answer_of_namespace(call, connection)
    return Response(200, shown)


def _answer_of_namespace(call: Call, connection: Connection) -> Response:
    answer = call.world.settings.namespace_approval
    if answer == "202":
        # Recorded 2022-04: a body with the state Updating, and an operation to follow.
        connection.provisioning_state = "Updating"

        def updated() -> None:
            connection.provisioning_state = "Succeeded"

        operation = operations.begin(call.world, call.world.seconds("namespace_update"), updated)
        where = f"/subscriptions/{connection.target.subscription}/providers/Microsoft.EventHub/locations"
        place = f"{call.origin}{where}/{connection.location}/operationStatus/{operation.id}"
        headers = {"Azure-AsyncOperation": f"{place}?api-version={call.api_version}"}
        return Response(202, shown_connection(connection), headers)
    shown = None if answer.endswith("empty") else shown_connection(connection)
    return Response(int(answer[:3]), shown)
