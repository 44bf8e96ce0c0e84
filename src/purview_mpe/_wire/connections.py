"""The targets' side on the wire: connections as the four kinds of list show them, and the bodies that decide them.

The four differ in field spelling, naming and answers (see beside each); everything else of the library sees one noun.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from purview_mpe._model.fields import is_private_endpoint
from purview_mpe._model.results import Connection
from purview_mpe._wire.account import read_name
from purview_mpe._wire.reading import id_text, line, mapping, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._wire.account import Json

Decision = Literal["Approved", "Rejected"]

#: Spec: the version whose ingestion operations the hand-off's command calls; 2023-05-01-preview has them as well.
INGESTION_API_VERSION = "2024-04-01-preview"
_SIGNATURE = {"Approved": "Approved with purview-mpe", "Rejected": "Rejected with purview-mpe"}
#: Microsoft.Network limits the message of a connection to 140 characters (docs); the targets document no limit.
_LONGEST_DESCRIPTION = 140


def read_connection(answer: Mapping[str, Any]) -> Connection | None:
    """One connection; None if it does not name the private endpoint that it belongs to.

    Items of the ingestion list carry neither name nor group id (spec sample); the description may be null; its real
    text is `Requested by DataFactory:<Factory>, Name:<endpoint>` and proves nothing, because anybody can write it.
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


def decision_body(decision: Decision, description: str) -> Json:
    """The body of the three PUTs; what the requester wrote is kept, because approving overwrites it (recorded)."""
    return {
        "properties": {
            "privateLinkServiceConnectionState": {
                "status": decision,
                "description": extended_description(description, decision),
            }
        }
    }


def ingestion_body(decision: Decision, private_endpoint_id: str) -> Json:
    """The body of the ingestion POST.

    The SDK calls the field the private endpoint's id, the spec's sample passes the connection's: the caller tries
    both, in this order.
    """
    return {"privateEndpointId": private_endpoint_id, "status": decision}


def extended_description(existing: str, decision: Decision) -> str:
    """What the requester wrote, and who decided; never longer than a connection's message may be."""
    signature = _SIGNATURE[decision]
    if not existing or signature in existing:
        return existing or signature
    longer = f"{existing}; {signature}"
    return longer if len(longer) <= _LONGEST_DESCRIPTION else existing
