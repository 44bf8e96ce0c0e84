"""A fleet on Dask, with one process killed half-way: `python -m tests.support.dask_fleet --kill worker`.

Scheduler and workers are separate processes. If a worker is killed, the other worker takes its chunks. If the
scheduler is killed, a new one is started, and the same call is made again with the journal.

`--against-one 1.15 --provisioning 40` compares an undisturbed run with `create_many` in one new process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dask.distributed import Client as Dask

from purview_mpe import FleetReport, durable
from purview_mpe.emulator import Emulator
from tests.support.dask_connecting import connect
from tests.support.durable_fleet import factories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purview_mpe import Spec

ROOT = Path(__file__).resolve().parents[2]
WORKERS, THREADS = 2, 4


@dataclass
class Watch:
    """Counts the writes, and kills a process once half of them are made."""

    half: int
    kill: str
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    scheduler: subprocess.Popen[bytes] | None = None
    puts: Counter[str] = field(default_factory=Counter)
    killed: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wrote(self, exchange: Any) -> None:
        """Called when the emulator has processed a request; the answer is not sent yet."""
        if exchange.method != "PUT" or exchange.status != 200 or "managedPrivateEndpoints" not in exchange.url:
            return
        with self._lock:
            self.puts[exchange.url.partition("?")[0].casefold()] += 1
            if self.puts.total() < self.half or self.killed is not None or self.kill == "none":
                return
            sender = int(exchange.headers["user-agent"].partition(" ")[0].removeprefix("pid-"))
            target = self.scheduler if self.kill == "scheduler" else self.processes[sender]
            assert target is not None
            self.killed = target.pid
        target.kill()
        target.wait()


@contextlib.contextmanager
def cluster(watch: Watch) -> Iterator[Dask]:
    """A scheduler and two workers with four threads each."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    own = {"cwd": ROOT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    local = ["--host", "127.0.0.1", "--no-dashboard"]
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", *local, "--port", str(port)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    watch.scheduler = subprocess.Popen(dask, env=environment, **own)
    work = [sys.executable, "-m", "distributed.cli.dask_worker", address, *local, "--no-nanny"]
    for _ in range(WORKERS):
        started = subprocess.Popen([*work, "--nthreads", str(THREADS)], env=environment, **own)
        watch.processes[started.pid] = started
    try:
        opened = Dask(address, timeout=60)
        try:
            opened.wait_for_workers(WORKERS, timeout=120)
            yield opened
        finally:
            with contextlib.suppress(Exception):
                opened.close(timeout=5)
    finally:
        for process in (watch.scheduler, *watch.processes.values()):
            process.kill()
            process.wait()


def spread(dask: Dask, specs: list[Spec], settings: dict[str, str], journal: Path) -> FleetReport:
    """Run the fleet on every slot."""
    pool = dask.get_executor(pure=False)
    slots = WORKERS * THREADS
    return durable.spread(
        specs, pool, connect, settings, slots=slots, processes=WORKERS, journal=journal, resume=journal
    )


def one_process(factory_count: int, provisioning: float) -> float:
    """Seconds that `create_many` takes for the same fleet in one new process, imports included."""
    azure = Emulator(request_log=10, provisioning=provisioning)
    specs = [spec.model_dump(mode="json") for spec in factories(azure, factory_count, 6)]
    with azure.serve() as server:
        settings = {"endpoint": server.url, "connection_verify": str(server.ca_file)}
        given = json.dumps({"settings": settings, "specs": specs})
        command = [sys.executable, "-m", "tests.support.one_process"]
        ended = subprocess.run(command, input=given, text=True, stdout=subprocess.PIPE, check=True, cwd=ROOT)
    return float(json.loads(ended.stdout)["seconds"])


def main() -> None:
    """Run it and print the figures; fail unless everything is done exactly once."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--factories", type=int, default=24)
    parser.add_argument("--provisioning", type=float, default=5, help="seconds that Azure takes for an endpoint")
    parser.add_argument("--kill", choices=("none", "worker", "scheduler"), default="none")
    parser.add_argument(
        "--against-one", type=float, help="fail if it takes more than so many times what one process takes"
    )
    given = parser.parse_args()
    logging.disable(logging.ERROR)
    azure = Emulator(request_log=10, provisioning=given.provisioning)
    specs = factories(azure, given.factories, 6)
    watch = Watch(half=2 * given.factories, kill=given.kill)
    azure.observe(watch.wrote)
    with azure.serve() as server, tempfile.TemporaryDirectory() as folder:
        settings, journal = {"endpoint": server.url, "connection_verify": str(server.ca_file)}, Path(folder) / "fleet"
        runs: list[tuple[float, dict[str, int]]] = []
        report = FleetReport()
        for _ in range(2 if given.kill == "scheduler" else 1):
            with cluster(watch) as dask:
                began = time.monotonic()
                report = spread(dask, specs, settings, journal)
                runs.append((round(time.monotonic() - began, 1), report.counts))
    expected = 4 * given.factories
    sys.stdout.write(f"{given.factories} factories, {given.kill} killed ({watch.killed}): {runs}\n")
    assert report.complete
    assert (watch.killed is None) == (given.kill == "none")
    assert len(azure.endpoints()) == len(watch.puts) == expected
    # A repeated run reads first what a killed process sent without seeing the answer, so it is not sent again.
    assert set(watch.puts.values()) == {1}
    if given.against_one is not None:
        alone, [(spread_out, _)] = one_process(given.factories, given.provisioning), runs
        sys.stdout.write(f"one process: {alone:.1f} s; Dask: {spread_out:.1f} s, {spread_out / alone:.2f} times that\n")
        assert spread_out <= given.against_one * alone


if __name__ == "__main__":
    main()
