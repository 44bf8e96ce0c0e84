"""The targets' side on the wire: connections as the four kinds of list show them, and the bodies that decide them.

The four lists differ in spelling, names and answers (noted beside each); the rest of the library sees one noun.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe._model.fields import is_private_endpoint
from purview_mpe._model.results import Connection
from purview_mpe._wire.account import read_name
from purview_mpe._wire.reading import id_text, line, mapping, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import ConnectionList
    from purview_mpe._model.states import Decision
    from purview_mpe._wire.account import Json

#: Spec: the version whose ingestion operations the hand-off's command calls; 2023-05-01-preview has them as well.
INGESTION_API_VERSION = "2024-04-01-preview"
#: Stable versions that every cloud has, with the list in the same shape as the newest ones (OpenAPI files).
_LIST_API_VERSIONS: Mapping[ConnectionList, str] = {"storage": "2023-01-01", "namespace": "2021-11-01"}
_SIGNATURE = {"Approved": "Approved with purview-mpe", "Rejected": "Rejected with purview-mpe"}
#: Microsoft.Network limits a connection's message to 140 characters (docs); the targets document no limit.
_LONGEST_DESCRIPTION = 140


def list_url(kind: ConnectionList, holder: ArmId) -> str:
    """The address of the list of a storage account's or an Event Hubs namespace's connections."""
    return f"{holder.path}/privateEndpointConnections?api-version={_LIST_API_VERSIONS[kind]}"


def read_connection(answer: Mapping[str, Any]) -> Connection | None:
    """One connection; None if it does not name the private endpoint that it belongs to.

    Items of the ingestion list carry neither name nor group id (spec sample); the description may be null; its real
    text is `Requested by DataFactory:<Factory>, Name:<endpoint>` and proves nothing, because anyone can write it.
    """
    properties = mapping(answer, "properties")
    private_endpoint_id = text(mapping(properties, "privateEndpoint"), "id")
    if not is_private_endpoint(private_endpoint_id):
        return None
    state = mapping(properties, "privateLinkServiceConnectionState")
    return Connection(
        id=id_text(answer, "id"),
        name=read_name(answer),
        private_endpoint_id=private_endpoint_id,
        status=line(state, "status"),
        description=line(state, "description"),
    )


def decision_bodies(decision: Decision, connection: Connection) -> tuple[Json, Json]:
    """Two bodies for the PUT to an account, storage or namespace; send the second if a policy refuses the first.

    What the requester wrote is kept in the description, because approving overwrites it (recorded).

    The Deny policies of Microsoft's Cloud Adoption Framework compare `properties.privateEndpoint.id` with the
    subscriptions that they allow, and refuse a body without it (docs, public code). The common types of Azure's OpenAPI
    files call the property read-only, those of Purview do not (spec). So it is sent only after a refusal.
    """
    state = {"status": decision, "description": extended_description(connection.description, decision)}
    plain = {"privateLinkServiceConnectionState": state}
    return {"properties": plain}, {"properties": {"privateEndpoint": {"id": connection.private_endpoint_id}, **plain}}


def ingestion_body(decision: Decision, private_endpoint_id: str) -> Json:
    """The body of the ingestion POST.

    According to the SDK, the field holds the private endpoint's id; the spec's sample passes the connection's id. The
    caller tries both, in this order.
    """
    return {"privateEndpointId": private_endpoint_id, "status": decision}


def extended_description(existing: str, decision: Decision) -> str:
    """What the requester wrote, and who decided; never longer than the limit of a connection's message."""
    signature = _SIGNATURE[decision]
    if not existing or signature in existing:
        return existing or signature
    longer = f"{existing}; {signature}"
    return longer if len(longer) <= _LONGEST_DESCRIPTION else existing
