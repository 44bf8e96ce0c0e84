"""Killed runs and parallel runs: the next run finds the existing endpoints."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from purview_mpe import Client, aio
from purview_mpe.emulator import Emulator
from tests.support.colours import spec_for
from tests.support.processes import unmeasured

#: Runs create_all and kills itself with SIGKILL at the n-th request: before it is sent, or after its answer.
VICTIM = """
import os, signal, sys, threading
from azure.core.pipeline.policies import SansIOHTTPPolicy
from purview_mpe import Client, Spec
from purview_mpe.emulator import Emulator

url, ca_file, spec, moment, number = sys.argv[1:]
lock, count = threading.Lock(), 0

class Kill(SansIOHTTPPolicy):
    def strike(self):
        global count
        with lock:
            count += 1
            if count == int(number):
                os.kill(os.getpid(), signal.SIGKILL)

    def on_request(self, request):
        if moment == "before":
            self.strike()

    def on_response(self, request, response):
        if moment == "after":
            self.strike()

credential = Emulator(empty=True).credential
with Client(credential, endpoint=url, connection_verify=ca_file, per_retry_policies=[Kill()]) as client:
    client.create_all(Spec.model_validate_json(spec))
"""
#: The requests of create_all for four endpoints: five reads, four writes, and at least one poll.
REQUESTS = 10


def endpoints_of(emulator):
    return sorted((endpoint.group_id, endpoint.name) for endpoint in emulator.endpoints())


FOUR = [
    ("account", "purview"),
    ("blob", "purview_blob"),
    ("namespace", "purview_namespace"),
    ("queue", "purview_queue"),
]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_any_request_is_finished_by_the_next_run(moment):
    """Killed at any request, before sending or after the answer: the next run creates only the missing endpoints."""

    def die(number):
        emulator = Emulator()
        spec = spec_for(emulator)
        with emulator.serve() as server:
            command = [sys.executable, "-c", VICTIM, server.url, str(server.ca_file), spec.model_dump_json(), moment]
            died = subprocess.run(
                [*command, str(number)], env=unmeasured(), timeout=300, capture_output=True, check=False
            )
        assert died.returncode == -signal.SIGKILL, died.stderr.decode()
        there = len(endpoints_of(emulator))
        before = len(emulator.writes)
        with Client(emulator.credential, transport=emulator.transport()) as client:
            client.create_all(spec).raise_for_failures()
        assert len(emulator.writes) - before == 4 - there
        assert endpoints_of(emulator) == FOUR
        return there

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(die, range(1, REQUESTS + 1)))
    assert made[0] == 0
    assert made[-1] == 4


def test_two_runs_at_once_in_threads_create_four_endpoints():
    """Two parallel runs create four endpoints without a failure in either report."""
    emulator = Emulator()
    spec = spec_for(emulator)

    def run(_):
        with Client(emulator.credential, transport=emulator.transport()) as client:
            return client.create_all(spec, approve=True)

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(run, range(2)))
    assert all(report.complete for report in reports)
    assert endpoints_of(emulator) == FOUR


def test_two_runs_at_once_under_two_names_create_four_endpoints():
    """Even under different base names: the second finds the first one's endpoints and keeps them."""
    emulator = Emulator()

    async def run(name):
        async with aio.Client(emulator.async_credential, transport=emulator.async_transport()) as client:
            return await client.create_all(spec_for(emulator, name=name), approve=True)

    async def both():
        return await asyncio.gather(run("purview"), run("lineage"))

    reports = asyncio.run(both())
    assert all(report.complete for report in reports)
    assert len({group for group, _ in endpoints_of(emulator)}) == len(endpoints_of(emulator)) == 4
