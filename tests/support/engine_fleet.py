"""A fleet on an existing durabletask engine: `PURVIEW_MPE_TASKHUB=HOST:PORT python -m tests.support.engine_fleet`.

Two workers in this process, an emulator in place of Azure, and a person's decision. The same fleet is started twice
at the same time: each endpoint is written once, and counted as created once.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import time
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

from durabletask.worker import TaskHubGrpcWorker

from purview_mpe import Client, FleetReport, durable
from purview_mpe.emulator import Emulator
from tests.support.durable_fleet import client, factories

if TYPE_CHECKING:
    from durabletask.client import TaskHubGrpcClient


def run(address: str, count: int, subscriptions: int, *, timeout: float, fleets: int = 2) -> Counter[str]:
    """The added outcomes of all fleets."""
    azure = Emulator(provisioning=10)
    puts: Counter[str] = Counter()

    def wrote(exchange: Any) -> None:
        if exchange.method == "PUT" and exchange.status == 200 and "managedPrivateEndpoints" in exchange.url:
            puts[exchange.url.partition("?")[0].casefold()] += 1

    azure.observe(wrote)

    def connect() -> Client:
        return Client(azure.credential, transport=azure.transport())

    specs = factories(azure, count, subscriptions)
    request = durable.FleetRequest(specs=specs, approval="when-told", poll_seconds=1)
    counts: Counter[str] = Counter()
    with contextlib.ExitStack() as workers, client(address) as hub:
        for _ in range(2):
            worker = workers.enter_context(TaskHubGrpcWorker(host_address=address))
            durable.register_worker(worker, connect)
            worker.start()
        ids = [f"engine-{uuid.uuid4().hex}" for _ in range(fleets)]
        for each in ids:
            hub.schedule_new_orchestration(durable.FLEET, input=request.to_input(), instance_id=each)
            hub.raise_orchestration_event(each, durable.APPROVAL, data=True)
        for each in ids:
            state = hub.wait_for_orchestration_completion(each, timeout=timeout)
            assert state is not None
            assert state.failure_details is None, state.failure_details
            report = whole_report(hub, state.get_output())
            assert report.complete, report
            counts.update(report.counts)
    assert set(puts.values()) == {1}
    assert len(puts) == counts["created"] == 4 * count
    return counts


def whole_report(hub: TaskHubGrpcClient, output: Any) -> FleetReport:
    """The report of a finished fleet, with the reports that a large fleet keeps in its pages."""
    pages: dict[str, Any] = {}
    for page in durable.pages_in(output):
        state = hub.get_orchestration_state(page)
        assert state is not None
        pages[page] = state.get_output()
    return durable.report_in(output, pages)


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--factories", type=int, default=24)
    parser.add_argument("--subscriptions", type=int, default=4)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    began = time.monotonic()
    counts = run(os.environ["PURVIEW_MPE_TASKHUB"], given.factories, given.subscriptions, timeout=900)
    sys.stdout.write(f"{given.factories} factories, twice at once: {time.monotonic() - began:.0f} s, {dict(counts)}\n")


if __name__ == "__main__":
    main()
