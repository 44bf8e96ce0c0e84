"""An index of a target's connections by their possible owner, so that one list serves a thousand factories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model.arm_id import folded, last_segment
from purview_mpe._model.naming import hidden_name
from purview_mpe._rules.ownership import Listing

if TYPE_CHECKING:
    from purview_mpe._model.results import Connection
    from purview_mpe._rules.ownership import Claim


class Register:
    """One list, read once and searched often."""

    def __init__(self, listing: Listing) -> None:
        self.error = listing.error
        self.at = listing.at
        self._by_endpoint: dict[str, list[Connection]] = {}
        self._by_name: dict[str, list[Connection]] = {}
        self._by_ids: dict[tuple[str, str], Connection] = {}
        for connection in listing.connections:
            endpoint = folded(connection.private_endpoint_id.strip("/"))
            self._by_endpoint.setdefault(endpoint, []).append(connection)
            self._by_name.setdefault(last_segment(endpoint), []).append(connection)
            self._by_ids[_ids(connection)] = connection

    def for_claim(self, factory: str, claim: Claim) -> Listing:
        """The connections that can decide this claim: the rules look at no others in the list."""
        if claim.private_endpoint_id is not None:
            found = self._by_endpoint.get(folded(claim.private_endpoint_id.strip("/")), [])
        else:
            found = self._by_name.get(folded(hidden_name(factory, claim.name)), [])
        return Listing(tuple(found), self.error, self.at)

    def status_of(self, connection: Connection) -> str:
        """The state of a connection that was seen earlier; empty if it is gone or now has another private endpoint."""
        now = self._by_ids.get(_ids(connection))
        return now.status if now is not None else ""


def _ids(connection: Connection) -> tuple[str, str]:
    """The identity of a connection; items of the ingestion list may have no id."""
    return folded(connection.id), folded(connection.private_endpoint_id.strip("/"))
