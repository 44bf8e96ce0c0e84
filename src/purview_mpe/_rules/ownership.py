"""Whose connection is it? Decides which pending connection at a target belongs to the factory. Pure functions.

Anyone can request a connection to a storage account, and can name the private endpoint `<factory>.<endpoint>`.
Approving another person's connection lets a stranger in, so a connection counts as the factory's only

1. if its private endpoint has exactly the id that the factory (or the requester's report) shows; that is enough.
   A report may come from an edited file, so an id in it counts only if its name has the form that Data Factory gives;
2. or, if that id is not shown, by the name `<factory>.<endpoint>`: the exact last segment of the private endpoint's id,
   in any letter case. The factory must say that the endpoint is provisioned and pending (so its connection must be in
   the list), exactly one connection must have the name, and all connections found by name must be in one resource
   group (Data Factory uses one for each managed virtual network, recorded). If the factory says Approved, which it
   never takes back, its connection may be gone. Then a pending connection of that name belongs to a stranger, because
   an approved connection does not become pending again;
3. or, if the factory cannot be read, by that name. Every target must show exactly one such connection, and all of them
   must be in one resource group, including those found before.

A connection's own name or description never counts, nor does a prefix or part of a name. Two matches are ambiguous.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from purview_mpe._model import states
from purview_mpe._model.arm_id import last_segment, same_id
from purview_mpe._model.naming import bears_hidden_name, hidden_name, is_endpoint_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._model.network import Network
    from purview_mpe._model.results import Connection, Endpoint, Identity, Outcome, Target
    from purview_mpe.errors import PurviewMpeError


@dataclass(frozen=True, slots=True)
class Listing:
    """The connections that one target shows, or why it could not be read."""

    connections: tuple[Connection, ...] = ()
    error: PurviewMpeError | None = None
    at: float | None = None
    """When the target was read, on the verb's clock."""


#: What each target shows, by identity (target id, group id).
Listings: TypeAlias = "Mapping[Identity, Listing]"


@dataclass(frozen=True, slots=True)
class Claim:
    """An endpoint of the factory whose connection is searched for at its target."""

    target: Target
    name: str
    private_endpoint_id: str | None = None
    """Exact id, from the factory or from the requester's report."""
    factory_says: str = ""
    """State of the connection as the factory shows it, lower-case; empty until the endpoint is provisioned."""
    only_exact: bool = False
    """True if only an exact id is accepted."""
    has_failed: bool = False
    """True if Azure could not create the endpoint, so that a missing connection will not appear."""

    @property
    def is_vouched_for(self) -> bool:
        """True if the factory or a report shows enough to recognise a connection."""
        return self.private_endpoint_id is not None or self.has_a_connection or self.only_exact

    @property
    def is_turned_down(self) -> bool:
        """True if the factory itself says that the connection was rejected or removed, which is final (docs)."""
        return states.is_broken("", self.factory_says)

    @property
    def has_a_connection(self) -> bool:
        """True if, according to the factory, the endpoint's connection is in the target's list.

        A factory that shows Disconnected or no state has no connection that could be in the list.
        """
        return self.factory_says in {"pending", "approved"}

    @property
    def identity(self) -> Identity:
        """The identity of the endpoint."""
        return self.target.identity


@dataclass(frozen=True, slots=True)
class Match:
    """What was found for one claim."""

    claim: Claim
    kind: Literal["recognised", "not-yet", "ambiguous"]
    connection: Connection | None = None
    matched_by: Literal["private-endpoint-id", "name"] | None = None
    reason: str = ""
    candidates: tuple[Connection, ...] = ()
    """If the match is ambiguous: the connections, one of which may be the endpoint's."""


def claim_for(target: Target, endpoint: Endpoint) -> Claim:
    """The claim for an endpoint as the factory shows it."""
    return Claim(
        target=target,
        name=endpoint.name,
        private_endpoint_id=endpoint.private_endpoint_id,
        factory_says=endpoint.connection_status.casefold()
        if states.is_provisioned(endpoint.provisioning_state)
        else "",
        has_failed=states.is_broken(endpoint.provisioning_state, ""),
    )


def claim_from_report(factory: str, target: Target, outcome: Outcome, network: Network | None = None) -> Claim:
    """The claim for an endpoint as a requester's report shows it; `factory` is the factory's name.

    An id whose name does not have the form that Data Factory gives for this endpoint is dropped, so that the hand-off
    does not ask an owner to approve it either. In a report about a network of the customer's own, the id must be that
    of the named private endpoint in the network's resource group.
    """
    private_endpoint_id = outcome.private_endpoint_id
    if network is not None:
        own = same_id(private_endpoint_id, network.endpoint_id(outcome.name))
        return Claim(target, outcome.name, private_endpoint_id if own else None, only_exact=True)
    is_plausible = (
        private_endpoint_id is not None
        and is_endpoint_name(outcome.name)
        and bears_hidden_name(private_endpoint_id, factory, outcome.name)
    )
    return Claim(target, outcome.name, private_endpoint_id if is_plausible else None, only_exact=True)


def match_known(
    factory: str, claims: Sequence[Claim], listings: Listings, *, anchors: Sequence[str] = ()
) -> list[Match]:
    """The connections of endpoints that the factory (or a report) shows: rules 1 and 2.

    `factory` is the factory's name; `anchors` are ids of private endpoints that were recognised as the factory's. A
    claim whose target could not be read gets no match.
    """
    found = [
        _match(factory, claim, listings[claim.identity].connections)
        for claim in claims
        if listings[claim.identity].error is None
    ]
    homes = {
        home_of(private_endpoint_id)
        for private_endpoint_id in (
            *anchors,
            *(claim.private_endpoint_id for claim in claims),
            *(match.connection.private_endpoint_id for match in found if match.connection),
        )
        if private_endpoint_id
    }
    if len(homes) <= 1:
        return found
    return [
        ambiguous(match.claim, "the connections found by name are in different resource groups", match.connection)
        if match.matched_by == "name"
        else match
        for match in found
    ]


def match_blind(
    factory: str, claims: Sequence[Claim], listings: Listings, *, anchors: Sequence[str] = ()
) -> list[Match]:
    """The connections of endpoints that only names identify, because the factory cannot be read: rule 3.

    `anchors` are ids of private endpoints that were found before.
    """
    if any(listings[claim.identity].error is not None for claim in claims):
        return [
            ambiguous(claim, "neither the factory nor every target can be read, so the name proves nothing")
            for claim in claims
        ]
    named = {
        claim.identity: _bearing(hidden_name(factory, claim.name), listings[claim.identity].connections)
        for claim in claims
    }
    if any(len(connections) > 1 for connections in named.values()):
        return [
            ambiguous(claim, "the factory cannot be read, and a target shows several connections of that name")
            for claim in claims
        ]
    if not all(named.values()):
        return [
            Match(claim, "not-yet", reason="not every target shows a connection of that name yet") for claim in claims
        ]
    found = [connections[0].private_endpoint_id for connections in named.values()]
    if len({home_of(private_endpoint_id) for private_endpoint_id in (*anchors, *found)}) > 1:
        return [
            ambiguous(claim, "the factory cannot be read, and the connections are in different resource groups")
            for claim in claims
        ]
    return [Match(claim, "recognised", named[claim.identity][0], "name") for claim in claims]


def _match(factory: str, claim: Claim, connections: Sequence[Connection]) -> Match:
    if claim.private_endpoint_id is not None:
        exact = [c for c in connections if same_id(c.private_endpoint_id, claim.private_endpoint_id)]
        match exact:
            case [connection]:
                return Match(claim, "recognised", connection, "private-endpoint-id")
            case []:
                return Match(claim, "not-yet", reason="the target does not show the endpoint's connection yet")
            case _:
                return ambiguous(claim, "the target shows several connections of one private endpoint")
    if claim.only_exact:
        return ambiguous(claim, f"the report shows no private endpoint called {hidden_name(factory, claim.name)!r}")
    named = _bearing(hidden_name(factory, claim.name), connections)
    if len(named) > 1:
        reason = f"{len(named)} connections have the name {hidden_name(factory, claim.name)!r}"
        return ambiguous(claim, reason, *named)
    if not named:
        return Match(claim, "not-yet", reason="the target does not show the endpoint's connection yet")
    if not claim.has_a_connection:
        return Match(claim, "not-yet", reason="the factory does not confirm the endpoint's connection yet")
    if claim.factory_says == "approved" and named[0].status.casefold() == "pending":
        reason = "the endpoint's connection was already approved, so the pending one is not the endpoint's"
        return Match(claim, "not-yet", reason=reason)
    return Match(claim, "recognised", named[0], "name")


def _bearing(name: str, connections: Sequence[Connection]) -> list[Connection]:
    return [c for c in connections if _is_called(c.private_endpoint_id, name)]


def _is_called(private_endpoint_id: str, name: str) -> bool:
    """True if an id ends in a name, in any letter case. Only ASCII counts: folding turns a Kelvin sign into a k."""
    called = last_segment(private_endpoint_id)
    return called.isascii() and called.casefold() == name.casefold()


def home_of(private_endpoint_id: str) -> str:
    """The part of an id before the private endpoint's own name: subscription and resource group."""
    return private_endpoint_id.rstrip("/").casefold().rpartition("/")[0]


def ambiguous(claim: Claim, reason: str, *candidates: Connection | None) -> Match:
    """The match for a claim whose connection cannot be identified."""
    return Match(claim, "ambiguous", reason=reason, candidates=tuple(one for one in candidates if one is not None))
