"""One fleet in its own process, on the virtual clock with Azure's limits on; prints its costs as JSON."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from typing import TYPE_CHECKING

from purview_mpe import Client, Spec, aio
from purview_mpe.emulator import Emulator

if TYPE_CHECKING:
    from purview_mpe import FleetReport


#: Factories that share an account: its storage takes 200 private endpoints, and each factory needs two of them.
_OF_ONE_ACCOUNT = 100


def main(*, factories: int, subscriptions: int, colour: str, provisioning: float) -> dict[str, float]:
    """Create all endpoints of every factory; seconds are virtual, and processor seconds do not include imports."""
    _create(*_furnished(1, 1, provisioning), colour)
    emulator, specs = _furnished(factories, subscriptions, provisioning)
    refused = 0

    def count(exchange: object) -> None:
        nonlocal refused
        refused += getattr(exchange, "status", 0) == 429

    emulator.observe(count)
    began = time.process_time()
    _create(emulator, specs, colour).raise_for_failures()
    return {
        "processor": time.process_time() - began,
        "seconds": emulator.clock.elapsed,
        "requests": emulator.request_count,
        "refused": refused,
        "peak": _peak(),
    }


def _furnished(factories: int, subscriptions: int, provisioning: float) -> tuple[Emulator, list[Spec]]:
    """A small request log, because this measures the library; one account for about a hundred factories."""
    emulator = Emulator(enforce_limits=True, provisioning=provisioning, foreign_connections=0, request_log=100)
    accounts = [emulator.account]
    specs: list[Spec] = []
    for number in range(factories):
        if number and number % _OF_ONE_ACCOUNT == 0:
            accounts.append(emulator.add_account(f"pv-{number}"))
        place = f"00000000-0000-0000-0000-{number % subscriptions + 1:012}"
        factory = emulator.add_factory(f"adf-{number:05}", subscription=place, purview_account=accounts[-1])
        specs.append(Spec(factory=str(factory), account=str(accounts[-1]), name="pv"))
    return emulator, specs


def _create(emulator: Emulator, specs: list[Spec], colour: str) -> FleetReport:
    if colour == "sync":
        with Client(emulator.credential, transport=emulator.transport()) as client:
            return client.create_many(specs)

    async def create() -> FleetReport:
        async with aio.Client(emulator.async_credential, transport=emulator.async_transport()) as client:
            return await client.create_many(specs)

    return asyncio.run(create())


def _peak() -> float:
    """Megabytes, including the emulator's state."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
