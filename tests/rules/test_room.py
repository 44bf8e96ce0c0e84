"""Capacity of the targets that the factories of a fleet share."""

from __future__ import annotations

from purview_mpe._model.results import Account, Connection, Factory, Target
from purview_mpe._rules.ownership import Listing
from purview_mpe._rules.planning import make_plan
from purview_mpe._rules.room import Room
from tests.support.nouns import ACCOUNT, FACTORY, HIDDEN, STORAGE, a_spec

BLOB = Target(group_id="blob", resource_id=STORAGE, connections="storage")
QUEUE = Target(group_id="queue", resource_id=STORAGE, connections="storage")
OWN = Target(group_id="account", resource_id=ACCOUNT, connections="account")
THE_ACCOUNT = Account(id=ACCOUNT, name="pv1", shape="C", targets=(OWN, BLOB, QUEUE))


def shown(count: int) -> Listing:
    """The list of a target with this many connections."""
    return Listing(
        tuple(
            Connection(
                id=f"{STORAGE}/privateEndpointConnections/{number}",
                name=str(number),
                private_endpoint_id=f"{HIDDEN}/df1.{number}",
                status="Approved",
            )
            for number in range(count)
        )
    )


def plan(name: str = "df1"):
    """The plan for a factory without endpoints."""
    factory = FACTORY.replace("df1", name)
    spec = a_spec().model_copy(update={"factory": factory, "account": ACCOUNT})
    return make_plan(spec, THE_ACCOUNT, Factory(id=factory, networks=("default",)))


def room(count: int) -> Room:
    """The room left beside this many connections."""
    found = Room()
    found.count((BLOB, QUEUE), shown(count))
    return found


def test_factories_share_the_room():
    """Each factory takes what it needs; the first one that does not fit gets conflicts and takes nothing."""
    found = room(196)
    assert not found.take(plan("df1")).conflicts
    assert not found.take(plan("df2")).conflicts
    refused = found.take(plan("df3"))
    assert {step.group_id for step in refused.conflicts} == {"blob", "queue"}
    assert "it has 200 of 200" in refused.conflicts[0].reason
    assert found.taken.total() == 6


def test_room_of_a_failed_creation_is_returned():
    """A factory that Azure refused leaves its room to the next one."""
    found = room(198)
    found.take(plan("df1"))
    assert found.take(plan("df2")).conflicts
    found.give_back((BLOB, QUEUE))
    assert not found.take(plan("df2")).conflicts


def test_uncounted_target_has_room():
    """If the connections cannot be read, or no limit is documented, Azure decides."""
    assert not Room().take(plan()).conflicts
    found = Room()
    found.count((BLOB, QUEUE), Listing(error=ValueError()))  # type: ignore[arg-type]  # any error
    found.count((OWN,), shown(10_000))
    assert not found.take(plan()).conflicts
    assert found.findings() == ()


def test_warning_starts_at_80_percent():
    """The count includes what the fleet itself has taken."""
    found = room(157)
    assert found.findings() == ()
    found.take(plan("df1"))
    found.take(plan("df2"))
    assert [finding.code for finding in found.findings()] == ["target-nearly-full"]
    assert "161 of 200" in found.findings()[0].message
