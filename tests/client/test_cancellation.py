"""Ctrl-C and cancellation: the verb ends promptly, leaves no thread and reports its results so far."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import re
import signal
import socket
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Report, Spec, aio
from purview_mpe._azure import loading
from purview_mpe._azure.exchange import Run, Stopped
from purview_mpe._flows.steps.narration import narrated
from purview_mpe.emulator import Emulator
from purview_mpe.errors import PurviewMpeError
from tests.support.loopback import Loopback, serving
from tests.support.scripted import READING, AsyncTransport, Runner, Script, Transport, both, ok, read_account, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: One second, plus a margin for a loaded machine.
PROMPT = 1.0 + 1.5


def interrupt_when(ready: Any) -> threading.Thread:
    """Ctrl-C in the main thread as soon as `ready()` is true."""

    def wait() -> None:
        end = time.monotonic() + 20
        while not ready() and time.monotonic() < end:
            threading.Event().wait(0.01)
        interrupted.append(time.monotonic())
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    interrupted.clear()
    thread = threading.Thread(target=wait, name="ctrl-c")
    thread.start()
    return thread


interrupted: list[float] = []


def library_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("purview-mpe")]


def interrupted_run(azure: Any, flow: Any, ready: Any) -> KeyboardInterrupt:
    """Run a flow until it is interrupted; it has to end at once, with all of its threads."""
    waiter = interrupt_when(ready)
    with pytest.raises(KeyboardInterrupt) as caught:
        Runner("sync").flow(azure, flow)
    took = time.monotonic() - interrupted[0]
    waiter.join()
    assert took < PROMPT
    assert library_threads() == []
    return caught.value


async def four_reads(io: Any) -> None:
    await io.gather([read_account(io) for _ in range(4)])


@pytest.mark.parametrize("together", [1, 4])
def test_ctrl_c_ends_requests_that_wait_for_an_answer(together: int, tmp_path: Path) -> None:
    """Worker threads that wait for a server are woken, and end."""
    with serving(lambda peer: peer.hang(), tmp_path) as server:
        azure = Runner("sync").azure(None, endpoint=server.url, connection_verify=server.ca_file)

        async def flow(io: Any) -> None:
            await io.gather([read_account(io) for _ in range(together)])

        interrupted_run(azure, flow, lambda: len(server.requests) == together)
        azure.close()
    assert len(server.requests) == together


@contextlib.contextmanager
def unreachable(*, is_full: bool) -> Iterator[tuple[str, Callable[[], bool]]]:
    """An address whose host never answers; with `is_full` it does not even accept connections."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=0 if is_full else 100)
    waiting = [socket.socket() for _ in range(4 if is_full else 0)]
    try:
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        yield f"https://127.0.0.1:{listening.getsockname()[1]}", lambda: len(library_threads()) >= 4
    finally:
        for one in (listening, *waiting):
            one.close()


@pytest.mark.parametrize("is_full", [False, True], ids=["no TLS", "no connection"])
def test_ctrl_c_ends_making_a_connection(is_full: bool) -> None:
    """Threads that wait for a connection or for TLS end as well."""
    with unreachable(is_full=is_full) as (url, is_waiting):
        azure = Runner("sync").azure(None, endpoint=url)
        interrupted_run(azure, four_reads, is_waiting)
        azure.close()


def test_connection_cut_before_it_starts_ends() -> None:
    """A socket that is not connecting yet cannot be cut, so the connecting thread checks for the cut first."""
    transport = loading.load("purview_mpe._azure.transport")

    class CutTooEarly(transport._Line):  # type: ignore[misc, name-defined]
        def dials(self, opened: socket.socket) -> None:
            super().dials(opened)
            self.cut()

    with unreachable(is_full=True) as (url, _):
        began = time.monotonic()
        line = CutTooEarly()
        with pytest.raises(TimeoutError):
            transport._dialled(line, "127.0.0.1", int(url.rpartition(":")[2]), 10.0, ())
        line.has_dialled()
        assert time.monotonic() - began < PROMPT


@pytest.mark.parametrize("together", [1, 4])
def test_ctrl_c_ends_waits_between_attempts(together: int, tmp_path: Path) -> None:
    """A Retry-After of one minute does not hold up a thread."""
    too_many = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"
    with serving(lambda peer: peer.send(too_many), tmp_path) as server:
        azure = Runner("sync").azure(None, endpoint=server.url, connection_verify=server.ca_file)

        async def flow(io: Any) -> None:
            await io.gather([read_account(io) for _ in range(together)])

        interrupted_run(azure, flow, lambda: len(server.requests) == together)
        azure.close()


@pytest.mark.parametrize("together", [1, 4])
def test_ctrl_c_ends_waits_of_flows(together: int) -> None:
    """A wait of 15 seconds until the next poll does not hold up a thread."""
    sleeping: list[int] = []
    azure = Runner("sync").azure(None)

    async def nap(io: Any) -> None:
        sleeping.append(1)
        await io.sleep(15)

    async def flow(io: Any) -> None:
        await io.gather([nap(io) for _ in range(together)])

    interrupted_run(azure, flow, lambda: len(sleeping) == together)
    azure.close()


def test_ctrl_c_ends_waiting_for_a_token() -> None:
    """Threads that wait for another thread's token request end, even if that request hangs."""
    runner, script = Runner("sync"), Script([ok()])
    azure = runner.azure(script)
    with azure._credential._turns._lock:
        interrupted_run(azure, four_reads, lambda: len(library_threads()) == 4)
    assert script.sent == []


def test_ctrl_c_ends_waiting_for_a_connection_of_the_pool(tmp_path: Path) -> None:
    """Requests that found no free connection end without being sent."""
    with serving(lambda peer: peer.hang(), tmp_path) as server:
        azure = Runner("sync").azure(None, endpoint=server.url, connection_verify=server.ca_file)

        async def many(io: Any) -> None:
            await io.gather([two(io) for _ in range(12)])

        async def two(io: Any) -> None:
            await io.gather([read_account(io) for _ in range(2)])

        interrupted_run(azure, many, lambda: len(server.requests) == 16)
        azure.close()
    assert len(server.requests) == 16


def test_ctrl_c_starts_nothing_more(tmp_path: Path) -> None:
    """Flows that had not started never start, and are closed without a warning."""
    begun: list[int] = []

    async def one(io: Any, number: int) -> None:
        begun.append(number)
        await read_account(io)

    async def flow(io: Any) -> None:
        await io.gather([one(io, number) for number in range(40)])

    with serving(lambda peer: peer.hang(), tmp_path) as server:
        azure = Runner("sync").azure(None, endpoint=server.url, connection_verify=server.ca_file)
        interrupted_run(azure, flow, lambda: len(server.requests) == 16)
        azure.close()
    assert len(begun) == 16


def test_a_thread_that_cannot_be_ended_is_not_waited_for() -> None:
    """The caller's transport cannot be cut; the verb still ends, and nothing more is sent."""
    release = threading.Event()

    class Stuck(Transport):
        def send(self, request: Any, **options: Any) -> Any:
            self.script.answer(request, options)
            release.wait(20)
            return super().send(request, **options)

    script = Script([refusal(503)])
    azure = Runner("sync").azure(None, transport=Stuck(script))
    waiter = interrupt_when(lambda: len(script.sent) == 4)
    with pytest.raises(KeyboardInterrupt):
        Runner("sync").flow(azure, four_reads)
    assert time.monotonic() - interrupted[0] < PROMPT
    waiter.join()
    release.set()
    for thread in threading.enumerate():
        if thread.name == "purview-mpe":
            thread.join(10)
    assert (library_threads(), len(script.sent)) == ([], 8)


def test_stopped_run_starts_nothing_more() -> None:
    """Work that begins after the interruption ends before it does anything."""
    run = Run(time.monotonic)
    cut: list[int] = []
    with run.breakable(lambda: cut.append(1)):
        run.stop()
    assert cut == [1]
    with pytest.raises(Stopped):
        run.check()
    with pytest.raises(Stopped), run.breakable(lambda: cut.append(2)):
        pass
    with pytest.raises(Stopped):
        run.pause(60)


def test_cancelling_ends_children_and_waits_for_them(tmp_path: Path) -> None:
    """Each task of a verb is cancelled and has ended when the verb ends."""
    ended: list[int] = []

    async def child(io: Any, number: int) -> None:
        try:
            await read_account(io)
        finally:
            await asyncio.sleep(0)
            ended.append(number)

    async def main(server: Loopback) -> float:
        runner = Runner("async")
        azure = runner.azure(None, endpoint=server.url, connection_verify=server.ca_file)
        io = loading.load("purview_mpe._azure.io").AsyncIo(azure)
        task = asyncio.create_task(io.gather([child(io, number) for number in range(4)]))
        async with asyncio.timeout(20):
            while len(server.requests) < 4:  # noqa: ASYNC110 - the server lives in threads
                await asyncio.sleep(0.01)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        took = time.monotonic() - began
        assert len(asyncio.all_tasks()) == 1
        await azure.aclose()
        return took

    with serving(lambda peer: peer.hang(), tmp_path) as server:
        assert asyncio.run(main(server)) < PROMPT
    assert sorted(ended) == [0, 1, 2, 3]


@both
@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_interrupted_verb_reports_its_results(runner: Runner, after: int) -> None:
    """The exception carries the report, also in its traceback; a second run creates the missing endpoints."""
    emulator = Emulator()
    spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
    raised: type[BaseException] = KeyboardInterrupt if runner.is_sync else asyncio.CancelledError
    created: list[str] = []

    def heard(event: Any) -> None:
        if event.kind == "step" and event.outcome.result == "created":
            created.append(event.outcome.name)
            if len(created) == after:
                raise raised

    with pytest.raises(raised) as caught:
        runner.client_on(emulator, lambda client: client.create_all(spec), on_event=heard)
    report: Any = vars(caught.value)["report"]
    assert isinstance(report, Report)
    by_name = {outcome.name: outcome.result for outcome in report.outcomes}
    assert set(by_name) == {"purview", "purview_blob", "purview_queue", "purview_namespace"}
    assert {by_name[name] for name in created} == {"created"}
    text = "".join(traceback.format_exception(caught.value))
    assert "purview_mpe: create_all did not finish. So far: purview: " in text
    unknown = {outcome.name for outcome in report.outcomes if outcome.error is not None}
    assert {name for name in by_name if re.search(f"{name}: not (known|started)", text)} == unknown
    assert unknown.isdisjoint(created)
    again = runner.client_on(emulator, lambda client: client.create_all(spec))
    assert again.succeeded
    assert len([sent for sent in emulator.requests if sent.method == "PUT"]) == 4


@both
def test_interrupted_verb_sends_a_finished_event(runner: Runner) -> None:
    """The last event of an interrupted verb is `finished`, and names what ended it."""
    events: list[Any] = []
    azure = runner.azure(Script([KeyboardInterrupt() if runner.is_sync else asyncio.CancelledError()]))
    with pytest.raises((KeyboardInterrupt, asyncio.CancelledError)):
        runner.flow(azure, lambda io: narrated(io, "plan", read_account), listener=events.append)
    assert [event.kind for event in events] == ["started", "finished"]
    assert events[-1].message in {"plan ended with KeyboardInterrupt", "plan ended with CancelledError"}


@both
def test_an_error_that_ends_a_verb_half_way_carries_the_report_and_pickles(runner: Runner) -> None:
    """An error of the library also carries the results so far."""

    async def flow(io: Any) -> None:
        spec = Spec(factory=READING.scope.replace("Purview/accounts", "DataFactory/factories"), name="purview")
        io.so_far = lambda: Report(verb="apply", spec=spec)
        await read_account(io)

    with pytest.raises(PurviewMpeError) as caught:
        runner.flow(runner.azure(Script([refusal(403)])), lambda io: narrated(io, "apply", flow))
    assert caught.value.__notes__ == [
        "purview_mpe: apply did not finish. So far: nothing yet. Repeat the call: it reads Azure first."
    ]
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - the test's own bytes
    assert vars(copy)["report"] == vars(caught.value)["report"]


def test_cancelling_a_verb_of_the_client_is_prompt() -> None:
    """The timeout of asyncio ends a waiting verb, and the report comes with it."""
    emulator = Emulator()
    spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")

    class Slow(AsyncTransport):
        async def send(self, request: Any, **options: Any) -> Any:
            return await inner.send(request, **options)

        async def sleep(self, duration: float) -> None:
            await asyncio.sleep(duration)

    inner = emulator.async_transport()

    async def main() -> float:
        async with aio.Client(emulator.async_credential, transport=Slow(Script([ok()]))) as client:
            began = time.monotonic()
            with pytest.raises(TimeoutError) as caught:
                async with asyncio.timeout(1.0):
                    await client.create_all(spec)
            cause: Any = caught.value.__cause__
            assert "did not finish" in cause.__notes__[0]
            return time.monotonic() - began

    assert asyncio.run(main()) < 1.0 + PROMPT
