"""The sync and async Io: a flow has the same result in both, also with parallel flows and with failures."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Retry, Spec, aio
from purview_mpe._azure import loading
from purview_mpe.emulator import Emulator
from purview_mpe.errors import InvalidSpec, NotFound, PurviewMpeError
from tests.support.scripted import ACCOUNT, MARK, READING, Runner, Script, both, ok, read_account, refusal

if TYPE_CHECKING:
    from purview_mpe._model.events import Event

colours = loading.load("purview_mpe._azure.io")


async def value(result: Any) -> Any:
    return result


async def failing(error: BaseException) -> Any:
    raise error


@both
@pytest.mark.parametrize("count", [0, 1, 2, 5, 40])
def test_gather_gives_results_in_order(runner: Runner, count: int) -> None:
    """Also without flows, for one flow, and for more flows than threads."""

    async def flow(io: Any) -> Any:
        return await io.gather([value(number) for number in range(count)])

    assert runner.flow(runner.azure(Script([ok()])), flow) == list(range(count))


@both
def test_gather_lets_all_finish_and_raises_the_first_in_order(runner: Runner) -> None:
    """A failure stops no other flow; of several failures, the first in the order of the flows is raised."""
    finished: list[int] = []

    async def numbered(io: Any, number: int) -> int:
        await io.sleep(5 - number)
        finished.append(number)
        if number in {1, 3}:
            raise NotFound(f"number {number}", remedy="Look.")
        return number

    async def flow(io: Any) -> None:
        await io.gather([numbered(io, number) for number in range(5)])

    with pytest.raises(NotFound, match="number 1"):
        runner.flow(runner.azure(Script([ok()])), flow)
    assert sorted(finished) == [0, 1, 2, 3, 4]


@both
def test_gather_returns_an_exception_that_a_flow_returns(runner: Runner) -> None:
    """An exception is a failure only if it is raised."""
    returned = [NotFound(f"number {number}", remedy="Look.") for number in range(2)]

    async def flow(io: Any) -> Any:
        return await io.gather([value(each) for each in returned])

    assert runner.flow(runner.azure(Script([ok()])), flow) == returned


@both
def test_gather_of_one_raises_as_gather_of_many(runner: Runner) -> None:
    """One flow alone needs no thread, and fails in the same way."""

    async def flow(io: Any) -> None:
        await io.gather([failing(NotFound("x", remedy="Look."))])

    with pytest.raises(NotFound):
        runner.flow(runner.azure(Script([ok()])), flow)


@both
def test_gather_within_gather_cannot_deadlock(runner: Runner) -> None:
    """Three nested levels: the levels share no thread pool that could run out."""

    async def level(io: Any, depth: int) -> int:
        if depth == 0:
            return 1
        return sum(await io.gather([level(io, depth - 1) for _ in range(20 if depth > 1 else 2)]))

    assert runner.flow(runner.azure(Script([ok()])), lambda io: level(io, 3)) == 800


@both
def test_unexpected_error_of_a_flow_is_raised(runner: Runner) -> None:
    """A bug in a flow is not hidden: its own exception is raised after the other flows have finished."""
    finished: list[int] = []

    async def fine() -> None:
        finished.append(1)

    async def flow(io: Any) -> None:
        await io.gather([failing(ZeroDivisionError()), fine()])

    with pytest.raises(ZeroDivisionError):
        runner.flow(runner.azure(Script([ok()])), flow)
    assert finished == [1]


@pytest.mark.parametrize("together", [1, 2])
def test_a_flow_that_suspends_under_syncio_is_an_error(together: int) -> None:
    """A flow can await only an Io; the coroutine is closed without a warning."""
    cleaned: list[int] = []

    class Pause:
        def __await__(self) -> Any:
            yield

    async def suspending() -> None:
        try:
            await Pause()
        finally:
            cleaned.append(1)

    async def flow(io: Any) -> None:
        await io.gather([suspending() for _ in range(together)])

    with pytest.raises(RuntimeError, match="suspended under SyncIo"):
        Runner("sync").flow(Runner("sync").azure(Script([ok()])), flow)
    assert cleaned == [1] * together
    gc.collect()


def test_the_sync_colour_works_inside_a_running_event_loop() -> None:
    """A notebook runs an event loop; the synchronous client works inside it and starts no other."""
    runner, script = Runner("sync"), Script([ok({"name": "pv1"})])

    async def together(io: Any) -> Any:
        return await io.gather([read_account(io), read_account(io)])

    async def notebook() -> Any:
        return runner.flow(runner.azure(script), together)

    assert asyncio.run(notebook()) == [{"name": "pv1"}] * 2


def test_threads_end_with_gather() -> None:
    """No thread runs between calls."""

    async def flow(io: Any) -> None:
        await io.gather([read_account(io) for _ in range(8)])

    runner = Runner("sync")
    runner.flow(runner.azure(Script([ok()])), flow)
    assert [thread.name for thread in threading.enumerate() if thread.name == "purview-mpe"] == []


def test_one_client_serves_many_threads() -> None:
    """Verbs in different threads have their own deadlines and do not mix."""
    runner, script = Runner("sync"), Script(lambda sent: ok({"url": sent.url}))
    azure = runner.azure(script)
    results: list[Any] = []

    def work(timeout: float) -> None:
        async def flow(io: Any) -> Any:
            read = await io.gather([read_account(io) for _ in range(3)])
            return io.deadline, len(read)

        results.append((timeout, runner.flow(azure, flow, timeout=timeout)))

    threads = [threading.Thread(target=work, args=(float(seconds),)) for seconds in range(10, 42)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [(seconds, (1000.0 + seconds, 3)) for seconds in map(float, range(10, 42))]
    assert len(script.sent) == 96


@both
def test_sleep_ends_at_the_deadline(runner: Runner) -> None:
    """No wait of a flow goes beyond the verb's deadline, and none is negative."""
    script = Script([ok()])

    async def flow(io: Any) -> None:
        await io.sleep(4)
        await io.sleep(60)
        await io.sleep(60)
        await io.sleep(-1)

    runner.flow(runner.azure(script), flow, timeout=10)
    assert script.sleeps == [4, 6, 0, 0]


@both
def test_every_wait_goes_through_the_transports_sleep(runner: Runner) -> None:
    """Waits of flows and waits between attempts: a transport with its own clock sees them all."""
    script = Script([refusal(503, Retry_After="60"), ok()])

    async def flow(io: Any) -> None:
        await read_account(io)
        await io.sleep(7)

    runner.flow(runner.azure(script), flow)
    assert script.sleeps == [60, 7]


@both
def test_now_and_deadline_use_the_transports_clock(runner: Runner) -> None:
    """`now`, `deadline` and `sleep` use the same clock."""

    async def flow(io: Any) -> tuple[float, float, float | None]:
        before = io.now()
        await io.sleep(3)
        return before, io.now(), io.deadline

    assert runner.flow(runner.azure(Script([ok()])), flow, timeout=9) == (1000, 1003, 1009)


@both
def test_transport_without_a_clock_uses_real_time(runner: Runner) -> None:
    """The system clock measures a transport without its own clock."""
    script = Script([ok()])
    transport = runner.transport(script)
    del transport.monotonic

    async def flow(io: Any) -> float:
        return io.now()

    azure = runner.azure(None, transport=transport)
    assert abs(runner.flow(azure, flow) - time.monotonic()) < 5
    assert azure.is_real_time


@both
def test_call_returns_the_sdks_object(runner: Runner) -> None:
    """`call` returns the SDK's object, `read` returns Azure's own JSON."""

    async def flow(io: Any) -> Any:
        called = await io.call(READING, lambda az: az.purview(ACCOUNT).accounts.get("rg1", "pv1"))
        return type(called).__name__, await read_account(io)

    body = {"name": "pv1", "properties": {"newField": {"a": [1]}}, "unknown": True}
    assert runner.flow(runner.azure(Script([ok(body)])), flow) == ("Account", body)


@both
def test_a_listener_that_fails_does_not_end_the_run(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    """If the listener fails, the work goes on and the failure is logged."""

    def listener(_: Event) -> None:
        raise ValueError("no terminal")

    script = runner.get(Script([refusal(503), ok({"name": "pv1"})]), listener=listener)
    assert script.result == {"name": "pv1"}
    assert "on_event failed" in caplog.text
    assert "no terminal" in caplog.text


@both
def test_listener_calls_do_not_overlap(runner: Runner) -> None:
    """Events of parallel requests arrive one at a time, so a listener needs no lock."""
    inside = threading.Lock()
    heard: list[str] = []

    def listener(event: Event) -> None:
        assert inside.acquire(blocking=False)
        heard.append(event.kind)
        inside.release()

    async def flow(io: Any) -> None:
        await io.gather([read_account(io) for _ in range(16)])

    script = Script(lambda _: refusal(503) if len(script.sent) <= 16 else ok())
    runner.flow(runner.azure(script, retry=Retry(20)), flow, listener=listener)
    assert heard == ["retrying"] * 16


@both
def test_listener_can_interrupt_a_verb(runner: Runner) -> None:
    """A BaseException from a listener, such as a Stop button's, reaches the caller."""

    class Enough(BaseException):
        pass

    def listener(_: Event) -> None:
        raise Enough

    async def flow(io: Any) -> None:
        await io.gather([io.gather([read_account(io), read_account(io)]), read_account(io)])

    script = Script([refusal(503), ok()])
    with pytest.raises(Enough):
        runner.flow(runner.azure(script), flow, listener=listener)


@both
def test_error_of_a_callers_hook_becomes_a_library_error(runner: Runner) -> None:
    """The error names the hook's exception and does not show the token."""

    def hook(request: Any) -> None:
        raise LookupError(f"no header for {request.http_request.headers['Authorization']}")

    with pytest.raises(PurviewMpeError, match="LookupError") as caught:
        runner.get(Script([ok()]), raw_request_hook=hook)
    assert MARK not in str(caught.value)


def test_a_client_is_refused_in_a_second_event_loop() -> None:
    """The client's connections belong to the first loop: each verb is refused elsewhere, before anything is sent."""
    emulator = Emulator()
    spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
    with emulator.serve() as server, asyncio.Runner() as first, asyncio.Runner() as second:
        client = aio.Client(emulator.async_credential, endpoint=server.url, connection_verify=server.ca_file)
        with pytest.raises(InvalidSpec):
            first.run(client.discover("none"))  # nothing was sent, so the client does not belong to this loop

        async def watched() -> None:
            async for _ in client.watch(spec):
                pass

        second.run(client.plan(spec))
        sent = len(emulator.requests)
        for verb in (client.plan(spec), client.check(spec), client.create_all(spec), watched()):
            with pytest.raises(InvalidSpec) as caught:
                first.run(verb)
            assert str(caught.value) == (
                "Client is not valid:\n"
                "  client: was used in another event loop before, and its connections belong to that one\n"
                "  What to do: Make a client inside the loop that uses it, one in each coroutine that asyncio.run gets; "
                "nothing was sent to Azure."
            )
        assert len(emulator.requests) == sent
        second.run(client.plan(spec))
        second.run(client.close())


def test_client_with_the_callers_transport_works_in_every_event_loop() -> None:
    """With a transport that belongs to no loop, each verb can run in its own asyncio.run."""
    emulator = Emulator()
    spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
    client = aio.Client(emulator.async_credential, transport=emulator.async_transport())
    first, second = (asyncio.run(client.create_all(spec)) for _ in range(2))
    assert [outcome.result for outcome in (*first.outcomes, *second.outcomes)] == ["created"] * 4 + ["kept"] * 4
