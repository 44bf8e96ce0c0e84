"""Foreign connections in a thousand random arrangements: none of them is ever taken for the factory's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import pytest

from purview_mpe._rules.ownership import Claim, Listing, claim_for, match_blind, match_known
from tests.support.nouns import ALL_NAMES, HIDDEN, TARGETS, a_connection, an_endpoint
from tests.support.strangers import OWN_WORDS, imitations

if TYPE_CHECKING:
    from purview_mpe._model.results import Connection, Endpoint, Target

ARRANGEMENTS = 1000
STRANGERS = 50


@dataclass
class Arrangement:
    """One random state of factory and targets, with a record of which connections are genuine."""

    claims: list[Claim] = field(default_factory=list)
    listings: dict[tuple[str, str], Listing] = field(default_factory=dict)
    ours: set[int] = field(default_factory=set)
    """The id() of each genuine connection; every other connection is foreign."""

    def is_ours(self, connection: Connection | None) -> bool:
        """Whether this object is one of the genuine connections."""
        return id(connection) in self.ours


def stranger(random: Random, name: str, exact_allowed: bool) -> Connection:
    subscription = f"{random.getrandbits(32):08x}-0000-0000-0000-{random.getrandbits(48):012x}"
    group = random.choice(("rg", "vnet-92b2afd7-northeurope-55-rg"))
    called = random.choice(imitations(name)[0 if exact_allowed else 2 :])
    return a_connection(
        f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/privateEndpoints/{called}",
        random.choice(("Pending", "Pending", "Pending", "Approved", "Rejected")),
        name=random.choice((f"df1.{name}", "1", f"df1.{name}-0f")),
        description=random.choice((OWN_WORDS.format(name=name), "Please approve", "")),
    )


def an_arrangement(seed: int) -> Arrangement:
    """Endpoints in every state, with genuine connections before, after, among or instead of foreign ones."""
    random = Random(seed)  # noqa: S311 - arrangements, not secrets
    made = Arrangement()
    shows_id = random.choice(("always", "never", "sometimes"))
    for target, name in zip(TARGETS, ALL_NAMES, strict=True):
        endpoint, ours = _own(
            random, target, name, tells_id=shows_id == "always" or (shows_id == "sometimes" and random.random() < 0.5)
        )
        crowd = [stranger(random, name, random.random() < 0.1) for _ in range(random.choice((0, 1, 5, STRANGERS)))]
        if ours is not None:
            crowd.insert(random.randint(0, len(crowd)), ours)
            made.ours.add(id(ours))
        claim = claim_for(target, endpoint)
        made.claims.append(claim)
        made.listings[claim.identity] = Listing(tuple(crowd))
    return made


def _own(random: Random, target: Target, name: str, *, tells_id: bool) -> tuple[Endpoint, Connection | None]:
    """The endpoint as the factory shows it, and its genuine connection as the target shows it."""
    private_endpoint_id = f"{HIDDEN}/df1.{name}"
    life = random.choice(("new", "appeared", "pending", "approved", "stale", "rejected", "failed"))
    state, says, shown = {
        "new": ("Provisioning", "", None),
        "appeared": ("Provisioning", "", "Pending"),
        "pending": ("Succeeded", "Pending", "Pending"),
        "approved": ("Succeeded", random.choice(("Pending", "Approved")), "Approved"),
        "stale": ("Succeeded", "Approved", None),
        "rejected": ("Succeeded", random.choice(("Rejected", "Approved")), random.choice((None, "Rejected"))),
        "failed": ("Failed", random.choice(("", "Pending")), None),
    }[life]
    endpoint = an_endpoint(
        name,
        target.group_id,
        provisioning_state=state,
        connection_status=says,
        private_endpoint_id=private_endpoint_id if tells_id else None,
    )
    return endpoint, None if shown is None else a_connection(private_endpoint_id, shown)


@pytest.mark.untraced
def test_foreign_connection_is_never_approved_if_the_factory_is_readable():
    """Each recognised pending connection is genuine, in every arrangement, and many arrangements have one."""
    approved = 0
    for seed in range(ARRANGEMENTS):
        made = an_arrangement(seed)
        for match in match_known("df1", made.claims, made.listings):
            if match.kind == "recognised" and match.connection.status == "Pending":
                assert made.is_ours(match.connection), f"arrangement {seed}"
                approved += 1
    assert approved > ARRANGEMENTS / 4


@pytest.mark.untraced
def test_exact_id_is_always_found():
    """If the factory shows the id and the target lists the connection, any number of foreign ones does not hide it."""
    for seed in range(ARRANGEMENTS):
        made = an_arrangement(seed)
        for match in match_known("df1", made.claims, made.listings):
            shown = [c for c in made.listings[match.claim.identity].connections if made.is_ours(c)]
            if match.claim.private_endpoint_id is not None:
                assert (match.kind, match.connection) == (("recognised", shown[0]) if shown else ("not-yet", None)), (
                    seed
                )


@pytest.mark.untraced
def test_report_approves_only_exact_ids():
    """With a requester's report, nothing is matched by name."""
    for seed in range(ARRANGEMENTS):
        made = an_arrangement(seed)
        claims = [Claim(c.target, c.name, c.private_endpoint_id, only_exact=True) for c in made.claims]
        for match in match_known("df1", claims, made.listings):
            assert match.kind != "recognised" or (
                match.matched_by == "private-endpoint-id" and made.is_ours(match.connection)
            )


@pytest.mark.untraced
def test_foreign_connection_is_not_approved_beside_a_genuine_one():
    """Without the factory, one genuine connection on any target keeps every foreign one out."""
    approved = 0
    for seed in range(ARRANGEMENTS):
        made = an_arrangement(seed)
        claims = [Claim(claim.target, claim.name) for claim in made.claims]
        matches = [match for match in match_blind("df1", claims, made.listings) if match.kind == "recognised"]
        if any(made.is_ours(match.connection) for match in matches):
            approved += 1
            assert all(made.is_ours(match.connection) for match in matches), f"arrangement {seed}"
            assert len(matches) == len(claims)
    assert approved
