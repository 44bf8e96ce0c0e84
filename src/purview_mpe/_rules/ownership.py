"""Whose connection is it? Decides which pending connection at a target is ours; everything here is a pure function.

Anybody can ask to be let into a storage account, and can call their private endpoint `<factory>.<endpoint>`.
Approving a connection that is not ours lets a stranger in, so a connection is ours only

1. if its private endpoint has exactly the id that the factory (or the requester's report) tells: then at once. A report
   may come from a file that somebody has edited, so an id in it counts only if it is called as Data Factory calls ours;
2. if that id is not told, by the name `<factory>.<endpoint>` as the exact last segment of the private endpoint's id, in
   any letter case, provided that the factory says that our endpoint is provisioned and pending (so ours must be among
   those listed), that exactly one connection bears the name, and that all connections found by name sit in one
   resource group (Data Factory puts those of one managed virtual network into one, recorded). Where the factory says
   Approved, which it never takes back, ours may be gone: then a pending connection of that name is somebody else's,
   because an approved one does not become pending again;
3. if the factory cannot be read, by that name, provided that every target shows exactly one such connection and all
   of them sit in one resource group, that of those found before included.

Never by a connection's name or description, never by a prefix or part of a name. Two matches are ambiguous.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from purview_mpe._model import states
from purview_mpe._model.arm_id import last_segment, same_id
from purview_mpe._model.naming import bears_hidden_name, hidden_name, is_endpoint_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._model.results import Connection, Endpoint, Identity, Outcome, Target
    from purview_mpe.errors import PurviewMpeError


@dataclass(frozen=True, slots=True)
class Listing:
    """What one target shows, or why it could not be read."""

    connections: tuple[Connection, ...] = ()
    error: PurviewMpeError | None = None
    at: float | None = None
    """When it was shown, on the clock of the verb."""


#: What each target shows, by identity (target id, group id).
Listings: TypeAlias = "Mapping[Identity, Listing]"


@dataclass(frozen=True, slots=True)
class Claim:
    """An endpoint of ours whose connection is looked for at its target."""

    target: Target
    name: str
    private_endpoint_id: str | None = None
    """Exact id, from the factory or from the requester's report."""
    factory_says: str = ""
    """State of the connection as the factory tells it, lower-case; empty until the endpoint is provisioned."""
    only_exact: bool = False
    """Whether nothing but an exact id is accepted."""
    has_failed: bool = False
    """Whether Azure could not make the endpoint, so that a connection which is not there will not come."""

    @property
    def is_vouched_for(self) -> bool:
        """Whether the factory or a report says enough for a connection to be recognised."""
        return self.private_endpoint_id is not None or self.has_a_connection or self.only_exact

    @property
    def is_turned_down(self) -> bool:
        """Whether the factory itself says that the connection was rejected or removed, which is final (docs)."""
        return states.is_broken("", self.factory_says)

    @property
    def has_a_connection(self) -> bool:
        """Whether, as far as the factory knows, our connection is among those that the target shows.

        A factory that says Disconnected or nothing has none that could be the one listed.
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
    kind: Literal["ours", "not-yet", "ambiguous"]
    connection: Connection | None = None
    matched_by: Literal["private-endpoint-id", "name"] | None = None
    reason: str = ""
    candidates: tuple[Connection, ...] = ()
    """Where it is ambiguous: those of which one may be ours."""


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


def claim_from_report(factory: str, target: Target, told: Outcome) -> Claim:
    """The claim for an endpoint as a requester's report tells it; `factory` is the factory's name.

    An id that is not called as Data Factory calls the private endpoint of this endpoint is left out, so that no owner
    is asked to approve it either.
    """
    private_endpoint_id = told.private_endpoint_id
    may_be_ours = (
        private_endpoint_id is not None
        and is_endpoint_name(told.name)
        and bears_hidden_name(private_endpoint_id, factory, told.name)
    )
    return Claim(target, told.name, private_endpoint_id if may_be_ours else None, only_exact=True)


def match_known(
    factory: str, claims: Sequence[Claim], listings: Listings, *, anchors: Sequence[str] = ()
) -> list[Match]:
    """The connections of endpoints that the factory (or a report) vouches for: rules 1 and 2.

    `factory` is the factory's name; `anchors` are ids of private endpoints that were found to be ours before. A claim
    whose target could not be read gets no match.
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
        ambiguous(match.claim, "the connections found by name sit in different resource groups", match.connection)
        if match.matched_by == "name"
        else match
        for match in found
    ]


def match_blind(
    factory: str, claims: Sequence[Claim], listings: Listings, *, anchors: Sequence[str] = ()
) -> list[Match]:
    """The connections of endpoints that nobody vouches for, because the factory cannot be read: rule 3.

    `anchors` are ids of private endpoints that were found before.
    """
    if any(listings[claim.identity].error is not None for claim in claims):
        return [
            ambiguous(claim, "the factory cannot be read and not every target can, so the name proves nothing")
            for claim in claims
        ]
    named = {
        claim.identity: _bearing(hidden_name(factory, claim.name), listings[claim.identity].connections)
        for claim in claims
    }
    if any(len(connections) > 1 for connections in named.values()):
        return [
            ambiguous(claim, "the factory cannot be read, and a target shows several connections of our name")
            for claim in claims
        ]
    if not all(named.values()):
        return [
            Match(claim, "not-yet", reason="not every target shows a connection of our name yet") for claim in claims
        ]
    found = [connections[0].private_endpoint_id for connections in named.values()]
    if len({home_of(private_endpoint_id) for private_endpoint_id in (*anchors, *found)}) > 1:
        return [
            ambiguous(claim, "the factory cannot be read, and the connections sit in different resource groups")
            for claim in claims
        ]
    return [Match(claim, "ours", named[claim.identity][0], "name") for claim in claims]


def _match(factory: str, claim: Claim, connections: Sequence[Connection]) -> Match:
    if claim.private_endpoint_id is not None:
        exact = [c for c in connections if same_id(c.private_endpoint_id, claim.private_endpoint_id)]
        match exact:
            case [connection]:
                return Match(claim, "ours", connection, "private-endpoint-id")
            case []:
                return Match(claim, "not-yet", reason="the target does not show our connection yet")
            case _:
                return ambiguous(claim, "the target shows several connections of one private endpoint")
    if claim.only_exact:
        return ambiguous(claim, f"the report tells no private endpoint called {hidden_name(factory, claim.name)!r}")
    named = _bearing(hidden_name(factory, claim.name), connections)
    if len(named) > 1:
        reason = f"{len(named)} connections bear the name {hidden_name(factory, claim.name)!r}"
        return ambiguous(claim, reason, *named)
    if not named:
        return Match(claim, "not-yet", reason="the target does not show our connection yet")
    if not claim.has_a_connection:
        return Match(claim, "not-yet", reason="the factory does not vouch for the endpoint yet")
    if claim.factory_says == "approved" and named[0].status.casefold() == "pending":
        return Match(claim, "not-yet", reason="ours was approved before, so the pending connection is not ours")
    return Match(claim, "ours", named[0], "name")


def _bearing(name: str, connections: Sequence[Connection]) -> list[Connection]:
    return [c for c in connections if _is_called(c.private_endpoint_id, name)]


def _is_called(private_endpoint_id: str, name: str) -> bool:
    """Whether an id ends in a name; a letter that only folds to one of ours (a Kelvin sign to k) is another letter."""
    called = last_segment(private_endpoint_id)
    return called.isascii() and called.casefold() == name.casefold()


def home_of(private_endpoint_id: str) -> str:
    """Everything of an id before the private endpoint's own name: subscription and resource group."""
    return private_endpoint_id.rstrip("/").casefold().rpartition("/")[0]


def ambiguous(claim: Claim, reason: str, *candidates: Connection | None) -> Match:
    """No connection can be told to be the claim's."""
    return Match(claim, "ambiguous", reason=reason, candidates=tuple(one for one in candidates if one is not None))
