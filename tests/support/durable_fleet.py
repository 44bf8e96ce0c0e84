"""A fleet on two worker processes, one of which is killed half-way: `python tests/durable_fleet.py --factories 500`.

The engine is durabletask's in-memory backend as it is. It never gives an activity a second time, however dead the
worker is that took it; so what makes the fleet whole is the orchestration's own patience. It does not give an
orchestrator away again either: that one runs in this process.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durabletask.client import TaskHubGrpcClient
from durabletask.testing import create_test_backend
from durabletask.worker import TaskHubGrpcWorker

from purview_mpe import FleetReport, Spec, durable
from purview_mpe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKER = Path(__file__).with_name("durable_worker.py")


@contextlib.contextmanager
def engine() -> Iterator[str]:
    """The address of an in-memory backend."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    backend = create_test_backend(port=port)
    try:
        yield f"localhost:{port}"
    finally:
        backend.stop()


@contextlib.contextmanager
def client(address: str) -> Iterator[TaskHubGrpcClient]:
    """A client of the engine."""
    opened = TaskHubGrpcClient(host_address=address)
    try:
        yield opened
    finally:
        opened.close()


def factories(azure: Emulator, count: int, subscriptions: int) -> list[Spec]:
    """Specs for new factories, spread over subscriptions."""
    return [
        Spec(
            factory=str(
                azure.add_factory(
                    f"adf-{number:04}",
                    purview_account=azure.account,
                    subscription=f"00000000-0000-0000-0000-{100 + number % subscriptions:012}",
                )
            ),
            account=str(azure.account),
            name="purview",
        )
        for number in range(count)
    ]


@dataclass
class Watch:
    """Counts what is written, and kills the worker that makes the write with which half of everything is done."""

    half: int
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    puts: Counter[str] = field(default_factory=Counter)
    by_worker: Counter[str] = field(default_factory=Counter)
    killed: str = ""

    def __call__(self, exchange: Any) -> None:
        # A request that the kill cuts off in the middle of its body is refused, and writes nothing.
        if exchange.method != "PUT" or exchange.status != 200:
            return
        self.puts[exchange.url.partition("?")[0].casefold()] += 1
        name = exchange.headers["user-agent"].partition(" ")[0]
        self.by_worker[name] += 1
        if self.puts.total() >= self.half and not self.killed:
            # The answer to this request is still to be sent: whatever activity asked, it cannot have ended.
            self.workers[name].kill()
            self.killed = name


@dataclass
class Ended:
    """What came of it."""

    report: FleetReport
    watch: Watch
    exit_status: int | None
    """Of the worker that was killed."""
    azure: Emulator
    seconds: float


def run(count: int, subscriptions: int, *, silence: float, timeout: float, **fields: Any) -> Ended:
    """The whole fleet."""
    azure = Emulator(request_log=10)
    specs = factories(azure, count, subscriptions)
    request = durable.FleetRequest(specs=specs, poll_seconds=1, silence_seconds=silence, **fields)
    watch = Watch(half=4 * count // 2)
    azure.observe(watch)
    with azure.serve() as server, engine() as address, client(address) as hub, contextlib.ExitStack() as workers:
        orchestrating = workers.enter_context(TaskHubGrpcWorker(host_address=address))
        durable.register_worker(orchestrating, only="orchestrators")
        orchestrating.use_work_item_filters()
        orchestrating.start()
        for name in ("worker-1", "worker-2"):
            command = [sys.executable, str(WORKER), address, server.url, str(server.ca_file), name]
            started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            watch.workers[name] = workers.enter_context(started)
        for started in watch.workers.values():
            assert started.stdout is not None
            assert started.stdout.readline() == b"ready\n"
        began = time.monotonic()
        instance = hub.schedule_new_orchestration(durable.FLEET, input=request.model_dump(mode="json"))
        state = hub.wait_for_orchestration_completion(instance, timeout=timeout)
        seconds = time.monotonic() - began
        assert state is not None
        assert state.serialized_output is not None, state.failure_details
    status = watch.workers[watch.killed].wait()
    return Ended(FleetReport.model_validate_json(state.serialized_output), watch, status, azure, seconds)


def main() -> None:
    """Run it and tell the figures; fail unless everything is done, and nothing twice."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--factories", type=int, default=500)
    parser.add_argument("--subscriptions", type=int, default=20)
    parser.add_argument("--silence", type=float, default=60)
    given = parser.parse_args()
    logging.disable(logging.WARNING)  # the engine tells of every timer that comes late
    ended = run(given.factories, given.subscriptions, silence=given.silence, timeout=900)
    watch, expected = ended.watch, 4 * given.factories
    sys.stdout.write(
        f"{given.factories} factories in {given.subscriptions} subscriptions: {ended.seconds:.0f} s; "
        f"outcomes {ended.report.counts}; endpoints written by {dict(watch.by_worker)}, of which {watch.killed} was "
        f"killed half-way; most writes of one endpoint: {max(watch.puts.values())}\n"
    )
    assert ended.report.complete
    assert ended.exit_status == -signal.SIGKILL
    assert len(watch.puts) == expected
    assert set(watch.puts.values()) == {1}
    assert len(ended.azure.endpoints()) == expected


if __name__ == "__main__":
    main()
