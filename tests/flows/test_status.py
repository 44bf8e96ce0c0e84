"""status and watch: both sides of every endpoint."""

from __future__ import annotations

import pytest

from purview_mpe import errors
from purview_mpe.emulator import Emulator, Fault
from tests.support.colours import spec_for


def verdicts(status):
    return {endpoint.group_id: endpoint.verdict for endpoint in status.endpoints}


def test_missing_before_creation(colour, emulator):
    """Every endpoint is missing."""
    status = colour.run(emulator, lambda client: client.status(spec_for(emulator)))
    assert set(verdicts(status).values()) == {"missing"}
    assert not status.ready
    assert status.settled


def test_pending_until_approved(colour, emulator):
    """Between creation and approval the verdict is pending, on both sides."""
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec))
    status = colour.run(emulator, lambda client: client.status(spec))
    assert set(verdicts(status).values()) == {"pending"}
    assert {endpoint.target_status for endpoint in status.endpoints} == {"Pending"}


def test_ready_when_both_sides_are_approved(colour, emulator, ready):
    """Four endpoints take at most six requests."""
    before = len(emulator.requests)
    status = colour.run(emulator, lambda client: client.status(ready))
    assert status.ready
    assert {(e.connection_status, e.target_status) for e in status.endpoints} == {("Approved", "Approved")}
    assert len(emulator.requests) - before <= 6
    assert not emulator.writes[len(emulator.writes) :]


@pytest.mark.parametrize("act", ["reject", "disconnect"])
def test_stale_when_the_target_disagrees(colour, emulator, ready, act):
    """Data Factory still says Approved; the target's state counts."""
    getattr(emulator, act)("purview_blob")
    status = colour.run(emulator, lambda client: client.status(ready))
    assert verdicts(status) == {"account": "ready", "blob": "stale", "queue": "ready", "namespace": "ready"}
    assert not status.ready


def test_stale_when_the_connection_was_deleted(colour, emulator, ready):
    """The factory still says Approved."""
    mine = next(c for c in emulator.connections() if c.endpoint == "purview_queue")
    emulator.remove(mine.id)
    status = colour.run(emulator, lambda client: client.status(ready))
    assert verdicts(status)["queue"] == "stale"
    assert next(e for e in status.endpoints if e.group_id == "queue").target_status == ""


def test_stale_when_the_target_was_deleted(colour, emulator, ready):
    """The missing target is an error finding."""
    emulator.remove(emulator.targets(emulator.account)["namespace"])
    status = colour.run(emulator, lambda client: client.status(ready))
    assert verdicts(status)["namespace"] == "stale"
    assert [finding.code for finding in status.findings] == ["target-gone"]


def test_rejected_when_both_sides_say_so(colour, emulator):
    """The endpoint has to be replaced."""
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec))
    emulator.reject("purview_blob")
    status = colour.run(emulator, lambda client: client.status(spec))
    assert verdicts(status)["blob"] == "rejected"


def test_wrong_target_when_the_name_points_elsewhere(colour, emulator):
    """The endpoint has the expected name and another account as its target."""
    emulator.add_endpoint(emulator.factory, "purview", str(emulator.add_account("pv2")), "account")
    status = colour.run(emulator, lambda client: client.status(spec_for(emulator)))
    assert verdicts(status)["account"] == "wrong-target"


def test_without_rights_on_the_targets_the_factory_counts(colour, emulator, ready):
    """A requester sees the factory's side, and a finding says that the targets could not be read."""
    status = colour.run(
        emulator,
        lambda client: client.status(ready),
        roles=(("Data Factory Contributor", emulator.factory), ("Reader", emulator.account)),
    )
    assert status.ready
    assert [e.target_status for e in status.endpoints] == ["Approved", None, None, None]
    assert {finding.code for finding in status.findings} == {"target-unreadable"}


def test_endpoints_to_other_resources_are_in_others(colour, emulator, ready):
    """Endpoints that are not for this account are listed separately."""
    emulator.add_endpoint(emulator.factory, "elsewhere", str(emulator.add_account("pv2")), "account")
    status = colour.run(emulator, lambda client: client.status(ready))
    assert [endpoint.name for endpoint in status.others] == ["elsewhere"]


def test_without_account_the_connected_one_is_used(colour, emulator, ready):
    """Spec.account None means the account that the factory is connected to."""
    spec = ready.model_copy(update={"account": None})
    assert colour.run(emulator, lambda client: client.status(spec)).ready


def test_a_missing_factory_raises_not_found(colour, emulator, ready):
    """It is not the same as a factory without endpoints."""
    from purview_mpe import errors

    emulator.remove(emulator.factory)
    with pytest.raises(errors.NotFound, match="Could not list the managed virtual networks"):
        colour.run(emulator, lambda client: client.status(ready))


def test_watch_yields_each_change_until_settled(colour):
    """It ends when no endpoint is pending."""
    emulator = Emulator(provisioning=60, connection_delay=10)
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec, wait=False))
    seen = []

    def watch(client):
        return client.watch(spec, every=5)

    if colour.name == "sync":
        from purview_mpe import Client

        with Client(emulator.credential, transport=emulator.transport()) as client:
            for status in watch(client):
                seen.append(verdicts(status)["account"])
                if seen[-1] == "pending":
                    for name in ("purview", "purview_blob", "purview_queue", "purview_namespace"):
                        emulator.approve(name)
    else:
        import asyncio

        from purview_mpe import aio

        async def main():
            async with aio.Client(emulator.async_credential, transport=emulator.async_transport()) as client:
                async for status in watch(client):
                    seen.append(verdicts(status)["account"])
                    if seen[-1] == "pending":
                        for name in ("purview", "purview_blob", "purview_queue", "purview_namespace"):
                            emulator.approve(name)

        asyncio.run(main())
    assert seen[0] == "provisioning"
    assert seen[-1] == "ready"
    assert "pending" in seen


def test_watch_ends_at_its_timeout(colour):
    """The watch ends although an endpoint is still pending."""
    emulator = Emulator(provisioning=1, connection_delay=1)
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec))
    began = emulator.clock.elapsed
    statuses = colour.run(emulator, lambda client: client.watch(spec, every=5, timeout=60))
    assert verdicts(statuses[-1])["account"] == "pending"
    assert emulator.clock.elapsed - began <= 61


@pytest.mark.parametrize("timeout", [0.5, 20, 30.1, 30.4, 30.7, 31, 45.8, 46.1, 46.4, 46.7, 47])
def test_watch_ends_at_its_timeout_during_a_read(colour, timeout):
    """The unfinished read gives no status and raises no error."""
    emulator = Emulator(foreign_connections=0, latency=0.3, provisioning=1, connection_delay=1)
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec))
    began = emulator.clock.elapsed
    statuses = colour.run(emulator, lambda client: client.watch(spec, every=15, timeout=timeout))
    assert all(verdicts(status)["account"] == "pending" for status in statuses)
    assert len(statuses) == (timeout > 1)
    assert emulator.clock.elapsed - began <= timeout + 0.1


def test_watch_has_started_and_finished_events(colour):
    """They are sent as for every verb."""
    emulator = Emulator(provisioning=1, connection_delay=1)
    spec, events = spec_for(emulator), []
    colour.run(emulator, lambda client: client.create_all(spec))
    colour.run(emulator, lambda client: client.watch(spec, every=5, timeout=20), on_event=events.append)
    assert [(event.kind, event.verb) for event in events] == [("started", "watch"), ("finished", "watch")]


def test_watch_raises_what_status_raises(colour):
    """Only the timeout ends the iteration without an error."""
    emulator = Emulator(provisioning=1, connection_delay=1)
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec))
    emulator.inject(Fault.status("GET", 403, path="*/managedPrivateEndpoints*", times=None))
    with pytest.raises(errors.AccessDenied):
        colour.run(emulator, lambda client: client.watch(spec, every=5, timeout=60))
