"""A fleet on two worker processes, one of which is killed half-way: `python tests/durable_fleet.py --factories 500`.

The engine is durabletask's in-memory backend as it is. It never gives an activity a second time, however dead the
worker is that took it; so what makes the fleet whole is the orchestration's own patience. It does not give an
orchestrator away again either, which is why the worker that is killed runs activities alone.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
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

from purview_mpe import FleetReport, Spec, durable
from purview_mpe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKER = Path(__file__).with_name("durable_worker.py")
VICTIM = "the-victim"


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
    """Counts what is written, and kills the victim in the middle of one of its own writes once half is done."""

    expected: int
    victim: subprocess.Popen[bytes] | None = None
    puts: Counter[str] = field(default_factory=Counter)
    by_victim: int = 0
    killed_at: int | None = None

    def __call__(self, exchange: Any) -> None:
        # A request that the kill cuts off in the middle of its body is refused, and writes nothing.
        if exchange.method != "PUT" or exchange.status != 200:
            return
        self.puts[exchange.url.partition("?")[0].casefold()] += 1
        is_victims = VICTIM in exchange.headers.get("user-agent", "")
        self.by_victim += is_victims
        if is_victims and self.killed_at is None and self._is_half_way() and self.victim is not None:
            # The answer to this request is still to be sent: whatever activity asked, it cannot have ended.
            os.kill(self.victim.pid, signal.SIGKILL)
            self.killed_at = self.puts.total()

    def _is_half_way(self) -> bool:
        """Half of everything is done, or the victim has done half of its share."""
        return self.puts.total() >= self.expected // 2 or self.by_victim >= self.expected // 4


@dataclass
class Ended:
    """What came of it."""

    report: FleetReport
    watch: Watch
    victim_status: int
    azure: Emulator
    seconds: float


def run(count: int, subscriptions: int, *, silence: float, timeout: float, **fields: Any) -> Ended:
    """The whole fleet."""
    azure = Emulator(request_log=10)
    specs = factories(azure, count, subscriptions)
    request = durable.FleetRequest(specs=specs, poll_seconds=1, silence_seconds=silence, **fields)
    watch = Watch(expected=4 * count)
    azure.observe(watch)
    with azure.serve() as server, engine() as address, client(address) as hub, contextlib.ExitStack() as workers:

        def worker(name: str, *roles: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, str(WORKER), address, server.url, str(server.ca_file), name, *roles]
            return workers.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))

        watch.victim, survivor = worker(VICTIM), worker("the-survivor", "orchestrators")
        for started in (watch.victim, survivor):
            assert started.stdout is not None
            assert started.stdout.readline() == b"ready\n"
        began = time.monotonic()
        instance = hub.schedule_new_orchestration(durable.FLEET, input=request.model_dump(mode="json"))
        state = hub.wait_for_orchestration_completion(instance, timeout=timeout)
        seconds = time.monotonic() - began
        assert state is not None
        assert state.serialized_output is not None, state.failure_details
    return Ended(FleetReport.model_validate_json(state.serialized_output), watch, watch.victim.wait(), azure, seconds)


def main() -> None:
    """Run it and tell the figures; fail unless everything is done, and nothing twice."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--factories", type=int, default=500)
    parser.add_argument("--subscriptions", type=int, default=20)
    parser.add_argument("--silence", type=float, default=60)
    given = parser.parse_args()
    logging.disable(logging.INFO)
    ended = run(given.factories, given.subscriptions, silence=given.silence, timeout=900)
    watch, expected = ended.watch, 4 * given.factories
    sys.stdout.write(
        f"{given.factories} factories in {given.subscriptions} subscriptions: {ended.seconds:.0f} s; "
        f"outcomes {ended.report.counts}; {watch.puts.total()} endpoints written, {watch.by_victim} of them by the "
        f"worker that was killed at write {watch.killed_at}; most writes of one endpoint: {max(watch.puts.values())}\n"
    )
    assert ended.report.complete
    assert ended.victim_status == -signal.SIGKILL
    assert len(watch.puts) == expected
    assert set(watch.puts.values()) == {1}
    assert len([one for one in ended.azure.endpoints() if not one.name.startswith("AutoResolve")]) == expected


if __name__ == "__main__":
    main()
