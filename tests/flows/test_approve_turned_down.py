"""Connections that were rejected or removed: nothing comes of waiting, so nothing is waited for."""

from __future__ import annotations

import pytest

from purview_mpe.emulator import Emulator
from tests.support.colours import spec_for

DOORS = {
    "approve": lambda client, spec: client.approve(spec),
    "reject": lambda client, spec: client.reject(spec),
    "approve_many": lambda client, spec: client.approve_many([spec]),
}


@pytest.fixture(params=("at-once", "never"))
def emulator(request) -> Emulator:
    """With and without the exact id of the private endpoint in what the factory shows."""
    return Emulator(reveal_private_endpoint_ids=request.param)


def settled(colour, emulator, door):
    """The only outcome of a door, and the seconds that it took."""
    spec, began = spec_for(emulator, groups=("blob",)), emulator.clock.elapsed
    done = colour.run(emulator, lambda client: DOORS[door](client, spec))
    [outcome] = done.outcomes
    return outcome, emulator.clock.elapsed - began


def rejected(colour, emulator) -> None:
    colour.run(emulator, lambda client: client.create_all(spec_for(emulator, groups=("blob",))))
    emulator.reject("purview_blob")


def removed(colour, emulator) -> None:
    colour.run(emulator, lambda client: client.create_all(spec_for(emulator, groups=("blob",))))
    emulator.remove(next(connection.id for connection in emulator.connections() if connection.endpoint))


@pytest.mark.parametrize(
    ("happened", "state"), [(rejected, "Rejected"), (removed, "Disconnected")], ids=["rejected", "removed"]
)
@pytest.mark.parametrize("door", ["approve", "approve_many"])
def test_an_approval_ends_at_once(colour, emulator, happened, state, door):
    """The factory, or the target, says that it is final: the endpoint has to be made again."""
    happened(colour, emulator)
    outcome, seconds = settled(colour, emulator, door)
    assert (outcome.result, seconds) == ("failed", 0)
    assert outcome.error.code == "not-approved"
    assert state in outcome.error.message
    assert outcome.error.remedy.startswith("Replace the endpoint and approve")
    assert "Spec(replace_broken=True)" in outcome.error.remedy


@pytest.mark.parametrize(
    ("happened", "result"), [(rejected, "rejected"), (removed, "absent")], ids=["rejected", "removed"]
)
def test_a_rejection_finds_it_done(colour, emulator, happened, result):
    """What is rejected already, or gone, is not waited for either."""
    happened(colour, emulator)
    emulator.clear_requests()
    outcome, seconds = settled(colour, emulator, "reject")
    assert (outcome.result, seconds, emulator.writes) == (result, 0, [])


def test_the_words_of_the_factory(colour, emulator):
    """A connection that nothing but the factory shows is spoken of as the factory does."""
    removed(colour, emulator)
    outcome, _ = settled(colour, emulator, "approve")
    assert outcome.error.message == (
        "The connection of 'purview_blob' cannot be approved: the factory says that it is Disconnected, which is final."
    )
    outcome, _ = settled(colour, emulator, "reject")
    assert outcome.error.message == (
        "No connection of 'purview_blob' can be rejected: the factory says that it is Disconnected."
    )


def test_the_others_are_waited_for(colour):
    """One that is turned down ends at once, and the rest of the work goes on."""
    emulator = Emulator(reveal_private_endpoint_ids="never", connection_delay={"queue": 100, "*": 5})
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec))
    emulator.reject("purview_blob")
    report = colour.run(emulator, lambda client: client.approve(spec))
    assert {outcome.group_id: outcome.result for outcome in report.outcomes} == {
        "account": "approved",
        "blob": "failed",
        "queue": "approved",
        "namespace": "approved",
    }


def test_a_creation_that_approves_ends_as_well(colour):
    """Its owner rejects the connection before it is found: the rest of the 1,800 s is not waited out."""
    emulator = Emulator(reveal_private_endpoint_ids="never", provisioning=90, connection_delay=17)
    spec, seen = spec_for(emulator, groups=("blob",)), []

    def reject(event) -> None:
        if not seen and any(connection.endpoint for connection in emulator.connections()):
            seen.append(event)
            emulator.reject("purview_blob")

    report = colour.run(emulator, lambda client: client.create_all(spec, approve=True), on_event=reject)
    assert [outcome.result for outcome in report.outcomes] == ["created", "failed"]
    assert max(outcome.seconds for outcome in report.outcomes) < 120
