"""Long-running operations: the client follows their signed address and never shows it."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.pipeline.policies import SansIOHTTPPolicy

from purview_mpe import Client, Event, aio
from purview_mpe._azure import loading
from purview_mpe._azure.recording import recording_to
from purview_mpe._wire.operations import Operation
from purview_mpe.emulator import Fault
from tests.support.logged import everything_logged
from tests.support.networks import SHIR, Place, a_place, signatures
from tests.support.scripted import READING, Runner, Script, answer, both

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = (
    "https://management.azure.com/subscriptions/s/providers/Microsoft.Network/locations/westeurope/operations/1"
    "?api-version=2026-03-01&t=638&c=MIIH&s=signed&h=hash"
)


def without_waits(monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    """Let the library's own transports wait on the emulator's clock, so that a wait takes no time."""
    clock = place.azure.clock

    async def sleep(_transport: object, duration: float) -> None:
        await asyncio.sleep(0)
        clock.advance(duration)

    for module, name, of_this in (
        ("transport", "PooledTransport", lambda _transport, duration: clock.advance(duration)),
        ("transport_aio", "AsyncPooledTransport", sleep),
    ):
        transport = getattr(loading.load(f"purview_mpe._azure.{module}"), name)
        monkeypatch.setattr(transport, "sleep", of_this)
        monkeypatch.setattr(transport, "monotonic", clock.now, raising=False)


def used(place: Place, client: Any) -> list[Any]:
    """The results of the verbs, one after the other."""
    options = {"purpose": SHIR}
    return [
        client.create_private_endpoints(place.spec, place.network, approve=True, **options),
        client.private_endpoints_status(place.spec, place.network, **options),
        client.delete_private_endpoints(place.spec, place.network, **options),
    ]


async def awaited(place: Place, client: Any) -> list[Any]:
    """The same, awaited."""
    return [await one for one in used(place, client)]


def all_of_it(place: Place, name: str, *, served: bool) -> tuple[list[Any], list[Event]]:
    """The verbs with one client, over its own transport or the emulator's."""
    events: list[Event] = []
    options: dict[str, Any] = {"on_event": events.append, "logging_enable": True}

    async def asynchronous(**more: Any) -> list[Any]:
        if not served:
            more["transport"] = place.azure.async_transport()
        async with aio.Client(place.azure.async_credential, **options, **more) as client:
            return await awaited(place, client)

    def synchronous(**more: Any) -> list[Any]:
        if not served:
            more["transport"] = place.azure.transport()
        with Client(place.azure.credential, **options, **more) as client:
            return used(place, client)

    def run(**more: Any) -> list[Any]:
        return synchronous(**more) if name == "sync" else asyncio.run(asynchronous(**more))

    if not served:
        return run(), events
    with place.azure.serve() as server:
        return run(endpoint=server.url, connection_verify=server.ca_file), events


@pytest.mark.parametrize("served", [True, False])
def test_signed_address_is_never_shown(colour, served, monkeypatch):
    """No log, event or report holds a signature, although every operation was followed."""
    place = a_place("C")
    if served:
        without_waits(monkeypatch, place)
    with everything_logged() as written:
        results, events = all_of_it(place, colour.name, served=served)
    assert [one.complete for one in (results[0], results[2])] == [True, True]
    assert results[1].ready
    secrets = signatures(place.azure)
    assert len(secrets) > 10
    shown = written.getvalue() + repr(events) + "".join(one.model_dump_json() + str(one) for one in results)
    assert "/operations/" in shown
    assert [secret for secret in secrets if secret in shown] == []


def test_a_record_holds_no_signature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A `--record` transcript names the operations and contains no signature."""
    place, path = a_place("C"), tmp_path / "record.jsonl"
    without_waits(monkeypatch, place)
    with (
        place.azure.serve() as server,
        recording_to(path, {"connection_verify": server.ca_file}) as transport,
        Client(place.azure.credential, endpoint=server.url, transport=transport) as client,
    ):
        used(place, client)
    text = path.read_text("utf-8")
    assert "operations/" in text
    assert [secret for secret in signatures(place.azure) if secret in text] == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_error_of_an_operation_holds_no_signature(colour, when):
    """Neither an error answer nor a broken connection repeats the address."""
    place = a_place("C", "none")
    path = "*/operations/*"
    message = f"To retrieve status of the operation use uri: {ADDRESS}"
    faults = {
        "before": Fault.reset("GET", path=path, times=None),
        "after": Fault.status("GET", 409, message=message, path=path, times=None),
    }
    place.azure.inject(faults[when])
    with everything_logged() as written:
        report = colour.run(
            place.azure,
            lambda client: client.create_private_endpoints(place.spec, place.network, purpose=SHIR, approve=True),
            logging_enable=True,
        )
    assert report.complete  # the endpoints are read, whatever the operation's address answers
    shown = written.getvalue() + report.model_dump_json()
    assert [secret for secret in {"MIIH", "signed&", *signatures(place.azure)} if secret in shown] == []


def test_operation_cannot_be_copied_or_pickled():
    """Copying, pickling and showing an operation never expose the signature."""
    operation = Operation(ADDRESS)
    assert "signed" not in repr(operation) + operation.shown
    assert operation.signed() == ADDRESS
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            write(operation)


def test_operation_on_another_host_is_not_followed(colour):
    """An address on another host gets no request; the result comes from reading the endpoints."""
    place = a_place("C", "none")

    transport = place.azure.transport() if colour.name == "sync" else place.azure.async_transport()
    sent: list[str] = []
    inner = transport.send

    def moved(answer: Any) -> Any:
        if "Azure-AsyncOperation" in answer.headers:
            answer.headers["Azure-AsyncOperation"] = ADDRESS.replace("management.azure.com", "evil.example")
        return answer

    if colour.name == "sync":

        def send(request: Any, **options: Any) -> Any:
            sent.append(request.url)
            return moved(inner(request, **options))

    else:

        async def send(request: Any, **options: Any) -> Any:  # type: ignore[misc]
            sent.append(request.url)
            return moved(await inner(request, **options))

    transport.send = send
    report = colour.run(
        place.azure,
        lambda client: client.create_private_endpoints(place.spec, place.network, purpose=SHIR, approve=True),
        transport=transport,
    )
    assert report.complete
    assert not [url for url in sent if "evil.example" in url]


@both
def test_an_operation_is_followed_without_the_client_lock(runner: Runner) -> None:
    """A status that is polled would otherwise hold up every other request of the client."""
    held: dict[str, bool] = {}

    class Looking(SansIOHTTPPolicy[Any, Any]):
        def on_request(self, request: Any) -> None:
            held[request.http_request.method] = azure._lock.locked()

    script = Script([answer(200, b'{"status": "Succeeded"}')])
    azure = runner.azure(script, per_retry_policies=[Looking()])
    state = runner.flow(azure, lambda io: io.follow(READING, Operation(ADDRESS)))
    assert state.state == "succeeded"
    assert held == {"GET": False}
