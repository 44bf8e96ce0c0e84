"""Status and watch: both sides of every endpoint."""

from __future__ import annotations

import pytest

from purview_mpe import errors
from purview_mpe.emulator import Emulator, Fault
from tests.support.colours import spec_for


def verdicts(status):
    return {endpoint.group_id: endpoint.verdict for endpoint in status.endpoints}


def test_nothing_there_is_missing(colour, emulator):
    """Before anything is made, every endpoint is missing."""
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


def test_ready_when_both_sides_say_so(colour, emulator, ready):
    """Approved on both sides is ready, in at most six requests for four endpoints."""
    before = len(emulator.requests)
    status = colour.run(emulator, lambda client: client.status(ready))
    assert status.ready
    assert {(e.connection_status, e.target_status) for e in status.endpoints} == {("Approved", "Approved")}
    assert len(emulator.requests) - before <= 6
    assert not emulator.writes[len(emulator.writes) :]


@pytest.mark.parametrize("act", ["reject", "disconnect"])
def test_stale_when_the_target_says_otherwise(colour, emulator, ready, act):
    """Data Factory goes on saying Approved; the target is believed."""
    getattr(emulator, act)("purview_blob")
    status = colour.run(emulator, lambda client: client.status(ready))
    assert verdicts(status) == {"account": "ready", "blob": "stale", "queue": "ready", "namespace": "ready"}
    assert not status.ready


def test_stale_when_the_connection_is_gone(colour, emulator, ready):
    """A connection that was deleted on the target leaves the factory's Approved stale."""
    mine = next(c for c in emulator.connections() if c.endpoint == "purview_queue")
    emulator.remove(mine.id)
    status = colour.run(emulator, lambda client: client.status(ready))
    assert verdicts(status)["queue"] == "stale"
    assert next(e for e in status.endpoints if e.group_id == "queue").target_status == ""


def test_stale_when_the_target_is_gone(colour, emulator, ready):
    """A target that does not exist any more is an error finding, and its endpoint is stale."""
    emulator.remove(emulator.targets(emulator.account)["namespace"])
    status = colour.run(emulator, lambda client: client.status(ready))
    assert verdicts(status)["namespace"] == "stale"
    assert [finding.code for finding in status.findings] == ["target-gone"]


def test_rejected_when_the_factory_says_so_too(colour, emulator):
    """Rejected on both sides needs a new endpoint."""
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec))
    emulator.reject("purview_blob")
    status = colour.run(emulator, lambda client: client.status(spec))
    assert verdicts(status)["blob"] == "rejected"


def test_wrong_target_when_the_name_points_elsewhere(colour, emulator):
    """An endpoint of our name that points to another account is told as such."""
    emulator.add_endpoint(emulator.factory, "purview", str(emulator.add_account("pv2")), "account")
    status = colour.run(emulator, lambda client: client.status(spec_for(emulator)))
    assert verdicts(status)["account"] == "wrong-target"


def test_without_rights_on_the_targets_the_factory_is_believed(colour, emulator, ready):
    """A requester sees the factory's side, and is told that the other could not be read."""
    status = colour.run(
        emulator,
        lambda client: client.status(ready),
        roles=(("Data Factory Contributor", emulator.factory), ("Reader", emulator.account)),
    )
    assert status.ready
    assert [e.target_status for e in status.endpoints] == ["Approved", None, None, None]
    assert {finding.code for finding in status.findings} == {"target-unreadable"}


def test_endpoints_for_other_things_are_listed_apart(colour, emulator, ready):
    """Endpoints that are not for this account stand under others."""
    emulator.add_endpoint(emulator.factory, "elsewhere", str(emulator.add_account("pv2")), "account")
    status = colour.run(emulator, lambda client: client.status(ready))
    assert [endpoint.name for endpoint in status.others] == ["elsewhere"]


def test_account_of_the_factory_is_found(colour, emulator, ready):
    """Spec.account None takes the account that the factory is connected to."""
    spec = ready.model_copy(update={"account": None})
    assert colour.run(emulator, lambda client: client.status(spec)).ready


def test_missing_factory_is_an_error(colour, emulator, ready):
    """A factory that does not exist is not the same as one without endpoints."""
    from purview_mpe import errors

    emulator.remove(emulator.factory)
    with pytest.raises(errors.NotFound, match="Could not list the managed virtual networks"):
        colour.run(emulator, lambda client: client.status(ready))


def test_watch_yields_changes_until_settled(colour):
    """Watching tells each change once and ends when nothing is pending any more."""
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
    """A watch with a timeout ends although something is still pending."""
    emulator = Emulator(provisioning=1, connection_delay=1)
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec))
    began = emulator.clock.elapsed
    statuses = colour.run(emulator, lambda client: client.watch(spec, every=5, timeout=60))
    assert verdicts(statuses[-1])["account"] == "pending"
    assert emulator.clock.elapsed - began <= 61


@pytest.mark.parametrize("timeout", [0.5, 20, 30.1, 30.4, 30.7, 31, 45.8, 46.1, 46.4, 46.7, 47])
def test_a_watch_ends_at_its_timeout_in_the_middle_of_a_look(colour, timeout):
    """A look that is under way when the time is over gives no status, and raises nothing."""
    emulator = Emulator(foreign_connections=0, latency=0.3, provisioning=1, connection_delay=1)
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec))
    began = emulator.clock.elapsed
    statuses = colour.run(emulator, lambda client: client.watch(spec, every=15, timeout=timeout))
    assert all(verdicts(status)["account"] == "pending" for status in statuses)
    assert len(statuses) == (timeout > 1)
    assert emulator.clock.elapsed - began <= timeout + 0.1


def test_a_watch_reports_its_beginning_and_its_end(colour):
    """`started` and `finished` frame a watch like any other verb, also where the caller stops early."""
    emulator = Emulator(provisioning=1, connection_delay=1)
    spec, events = spec_for(emulator), []
    colour.run(emulator, lambda client: client.create_all(spec))
    colour.run(emulator, lambda client: client.watch(spec, every=5, timeout=20), on_event=events.append)
    assert [(event.kind, event.verb) for event in events] == [("started", "watch"), ("finished", "watch")]


def test_a_watch_raises_what_status_raises(colour):
    """Only the deadline ends the iteration quietly; what Azure refuses is raised from it."""
    emulator = Emulator(provisioning=1, connection_delay=1)
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec))
    emulator.inject(Fault.status("GET", 403, path="*/managedPrivateEndpoints*", times=None))
    with pytest.raises(errors.AccessDenied):
        colour.run(emulator, lambda client: client.watch(spec, every=5, timeout=60))
