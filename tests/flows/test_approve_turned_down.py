"""Connections that were rejected or removed are final, so they are not waited for."""

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
    """The factory shows the exact id of the private endpoint, or does not."""
    return Emulator(reveal_private_endpoint_ids=request.param)


def settled(colour, emulator, door):
    """The only outcome of a verb, and the seconds that it took."""
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
def test_approve_of_a_final_connection_fails_at_once(colour, emulator, happened, state, door):
    """The factory or the target shows a final state, so the remedy is to replace the endpoint."""
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
def test_reject_of_a_final_connection_returns_at_once(colour, emulator, happened, result):
    """A connection that is already rejected or removed is not waited for."""
    happened(colour, emulator)
    emulator.clear_requests()
    outcome, seconds = settled(colour, emulator, "reject")
    assert (outcome.result, seconds, emulator.writes) == (result, 0, [])


def test_the_error_quotes_the_state_shown_by_the_factory(colour, emulator):
    """Only the factory shows the connection, so the message says what the factory shows."""
    removed(colour, emulator)
    outcome, _ = settled(colour, emulator, "approve")
    assert outcome.error.message == (
        "The connection of 'purview_blob' cannot be approved: the factory says that it is Disconnected, which is final."
    )
    outcome, _ = settled(colour, emulator, "reject")
    assert outcome.error.message == (
        "No connection of 'purview_blob' can be rejected: the factory says that it is Disconnected."
    )


def test_a_rejected_connection_does_not_stop_the_others(colour):
    """Its step fails at once, and the other connections are waited for and approved."""
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


def test_create_all_with_approval_fails_at_once_on_a_rejection(colour):
    """The owner rejects the connection before the run finds it: the rest of the 1,800 s is not waited out."""
    emulator = Emulator(reveal_private_endpoint_ids="never", provisioning=90, connection_delay=17)
    spec, seen = spec_for(emulator, groups=("blob",)), []

    def reject(event) -> None:
        if not seen and any(connection.endpoint for connection in emulator.connections()):
            seen.append(event)
            emulator.reject("purview_blob")

    report = colour.run(emulator, lambda client: client.create_all(spec, approve=True), on_event=reject)
    assert [outcome.result for outcome in report.outcomes] == ["created", "failed"]
    assert max(outcome.seconds for outcome in report.outcomes) < 120
