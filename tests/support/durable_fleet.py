"""A fleet on worker processes, two of which are killed half-way: `python -m tests.support.durable_fleet`.

One is killed during a write of an activity, the other one while it has the orchestrator's turn.
The engine is a task hub that gives the work of dead workers to other workers, as real engines do.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durabletask.client import TaskHubGrpcClient

from purview_mpe import FleetReport, Spec, durable
from purview_mpe.emulator import Emulator
from tests.support.task_hub_server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    import durabletask.internal.orchestrator_service_pb2 as pb

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def client(address: str) -> Iterator[TaskHubGrpcClient]:
    """A client of the engine."""
    opened = TaskHubGrpcClient(host_address=address)
    try:
        yield opened
    finally:
        opened.close()


#: Factories per account: its storage takes 200 private endpoints, and each factory needs two of them.
_OF_AN_ACCOUNT = 40


def factories(azure: Emulator, count: int, subscriptions: int) -> list[Spec]:
    """Specs for new factories, spread over subscriptions, and over enough accounts to have room for them."""
    accounts = [azure.account, *(azure.add_account(f"pv-{n}") for n in range(1, -(-count // _OF_AN_ACCOUNT)))]
    return [
        Spec(
            factory=str(
                azure.add_factory(
                    f"adf-{number:04}",
                    purview_account=accounts[number // _OF_AN_ACCOUNT],
                    subscription=f"00000000-0000-0000-0000-{100 + number % subscriptions:012}",
                )
            ),
            account=str(accounts[number // _OF_AN_ACCOUNT]),
            name="purview",
        )
        for number in range(count)
    ]


def bare_factories(azure: Emulator, count: int, subscriptions: int = 1) -> list[Spec]:
    """Like `factories`, but without an identity, a connection or a managed virtual network."""
    return [
        Spec(
            factory=str(
                azure.add_factory(
                    f"adf-{number:04}",
                    managed_vnet=False,
                    identity=False,
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
    """Counts writes and turns, and kills one worker of each kind half-way."""

    half: int
    turn: int
    """The worker that gets this turn of the orchestrator is killed."""
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    puts: Counter[str] = field(default_factory=Counter)
    by_worker: Counter[str] = field(default_factory=Counter)
    turns: int = 0
    killed: dict[str, str] = field(default_factory=dict)
    """The worker of each kind that was killed."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wrote(self, exchange: Any) -> None:
        """Called when the emulator has processed a request; the answer is not sent yet."""
        # If the kill cuts a request off in the middle of its body, the emulator refuses it and writes nothing.
        if exchange.method != "PUT" or exchange.status != 200:
            return
        self.puts[exchange.url.partition("?")[0].casefold()] += 1
        name = exchange.headers["user-agent"].partition(" ")[0]
        self.by_worker[name] += 1
        if self.puts.total() >= self.half:
            # The answer is still to be sent, so the activity that sent the request cannot have ended.
            self._kill("activities", name)

    def given(self, name: str, item: pb.WorkItem) -> None:
        """Called just before a worker gets a piece of work, which it then holds."""
        if item.HasField("orchestratorRequest"):
            self.turns += 1
            if self.turns >= self.turn:
                self._kill("orchestrators", name)

    def _kill(self, kind: str, name: str) -> None:
        with self._lock:
            if kind in self.killed:
                return
            self.killed[kind] = name
        self.workers[name].kill()
        self.workers[name].wait()


@dataclass
class Ended:
    """The result of the run."""

    report: FleetReport
    watch: Watch
    exit_statuses: list[int | None]
    """The exit statuses of the killed workers."""
    azure: Emulator
    seconds: float


def run(count: int, subscriptions: int, *, timeout: float, **fields: Any) -> Ended:
    """Run the whole fleet; `timeout` only stops a run that would never end."""
    azure = Emulator(request_log=10)
    request = durable.FleetRequest(specs=factories(azure, count, subscriptions), poll_seconds=1, **fields)
    watch = Watch(half=4 * count // 2, turn=3)
    azure.observe(watch.wrote)
    with (
        azure.serve() as server,
        serving(watch.given) as (address, hub),
        client(address) as starting,
        contextlib.ExitStack() as workers,
    ):
        for name in ("activities-1", "activities-2", "orchestrators-1", "orchestrators-2"):
            command = [sys.executable, "-m", "tests.support.durable_worker", address, server.url, str(server.ca_file)]
            started = subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
            watch.workers[name] = workers.enter_context(started)
        for started in watch.workers.values():
            assert started.stdout is not None
            assert started.stdout.readline() == b"ready\n"
        began = time.monotonic()
        instance = starting.schedule_new_orchestration(durable.FLEET, input=request.to_input())
        starting.wait_for_orchestration_completion(instance, timeout=timeout)
        seconds = time.monotonic() - began
        ended = hub.instances[instance]
        assert ended.output, ended.failure
    statuses = [watch.workers[name].returncode for name in watch.killed.values()]
    output = json.loads(ended.output)
    pages = {page: json.loads(hub.instances[page].output or "") for page in durable.pages_in(output)}
    return Ended(durable.report_in(output, pages), watch, statuses, azure, seconds)


def main() -> None:
    """Run it and print the figures; fail unless everything is done exactly once."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--factories", type=int, default=500)
    parser.add_argument("--subscriptions", type=int, default=20)
    given = parser.parse_args()
    logging.disable(logging.WARNING)  # the engine warns about every timer that fires late
    ended = run(given.factories, given.subscriptions, timeout=900)
    watch, expected = ended.watch, 4 * given.factories
    sys.stdout.write(
        f"{given.factories} factories in {given.subscriptions} subscriptions: {ended.seconds:.0f} s; "
        f"outcomes {ended.report.counts}; endpoints written by {dict(watch.by_worker)}, and {sorted(watch.killed.values())} "
        f"were killed half-way; most writes of one endpoint: {max(watch.puts.values())}\n"
    )
    assert ended.report.complete
    assert ended.exit_statuses == [-signal.SIGKILL] * 2
    assert len(watch.puts) == expected
    assert set(watch.puts.values()) == {1}
    assert len(ended.azure.endpoints()) == expected


if __name__ == "__main__":
    main()
