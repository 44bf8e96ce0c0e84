"""What the orchestrators of a fleet cost: `python -m tests.support.durable_costs 100 5000 --approval when-told`.

The engine is in memory and on the emulator's clock, so only processor time counts. There are 20 subscriptions; the
accounts are in those of their factories, or all in one (`--accounts together`).
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from typing import Any

from durabletask.worker import TaskHubGrpcWorker

from purview_mpe import Client, Spec, durable
from purview_mpe.emulator import Emulator
from tests.support.engine import Engine

_SUBSCRIPTIONS, _OF_ONE_ACCOUNT = 20, 40


class _Measured(TaskHubGrpcWorker):
    """Adds up the processor time of turns, and the bytes that the engine sends and gets."""

    seconds, sent = 0.0, 0

    def _execute_orchestrator(self, req: Any, stub: Any, completion_token: str) -> None:
        began = time.process_time()
        super()._execute_orchestrator(req, stub, completion_token)
        _Measured.seconds += time.process_time() - began
        _Measured.sent += req.ByteSize()


def specs_in(azure: Emulator, count: int, place_of_accounts: str | None) -> list[Spec]:
    """Factories with short names; their accounts in this subscription, or in their own."""
    accounts: dict[str, Any] = {}
    specs: list[Spec] = []
    for number in range(count):
        place = f"00000000-0000-0000-0000-{100 + number % _SUBSCRIPTIONS:012}"
        if number // _SUBSCRIPTIONS % _OF_ONE_ACCOUNT == 0:
            accounts[place] = azure.add_account(f"pv-{number}", subscription=place_of_accounts or place)
        factory = azure.add_factory(f"adf-{number:04}", purview_account=accounts[place], subscription=place)
        specs.append(Spec(factory=str(factory), account=str(accounts[place]), name="purview"))
    return specs


def measured(count: int, approval: str, days: float, *, together: bool) -> str:
    """One fleet; a person approves after so many days."""

    def register(worker: Any) -> None:
        worker.__class__ = _Measured
        durable.register_worker(worker, lambda: client)

    azure = Emulator(request_log=10)
    specs = specs_in(azure, count, "00000000-0000-0000-0000-000000000099" if together else None)
    client = Client(azure.credential, transport=azure.transport())
    says = [(days * 86_400, durable.APPROVAL, True)] if approval == "when-told" else []
    request = durable.FleetRequest(specs=specs, approval=approval, approval_hours=24 * days + 24)
    _Measured.seconds, _Measured.sent = 0.0, 0
    engine = Engine(azure, register, says=says)
    ended = engine.run(durable.FLEET, request.to_input())
    assert ended.failure is None, ended.failure
    output = json.loads(ended.output or "null")
    counts = output["counts"] if durable.pages_in(output) else durable.report_in(output).counts
    return (
        f"{count} factories, {approval}, logic {request.logic}: {1000 * _Measured.seconds / count:.1f} ms and "
        f"{_Measured.sent / count / 1000:.1f} kB for each, longest message {max(engine.hub.largest.values())} bytes, "
        f"output {len(ended.output or '')} bytes, {azure.clock.elapsed / 3600:.1f} h, {counts}"
    )


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("sizes", type=int, nargs="+")
    parser.add_argument("--approval", choices=("none", "at-once", "when-told"), default="none")
    parser.add_argument("--days", type=float, default=1, help="after how many days the person approves")
    parser.add_argument("--accounts", choices=("apart", "together"), default="apart", help="their subscriptions")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    for size in given.sizes:
        line = measured(size, given.approval, given.days, together=given.accounts == "together")
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
