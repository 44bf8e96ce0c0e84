"""The long campaign: several random faults at once in random setups; `nox -s chaos -- --runs 2000 --seed 1`.

Each run draws an account shape, emulator settings, a verb, a colour, and up to six faults that may overlap.
The run must end in the right state, or with a report or typed error that says why not. A second run without faults
must reach the right state, with each endpoint once and every foreign connection unapproved.
The same seed gives the same draws.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import traceback
from collections import Counter
from dataclasses import dataclass
from random import Random
from time import perf_counter
from typing import Any

from purview_mpe import Client, Spec, aio, errors
from purview_mpe.emulator import Emulator, Fault

METHODS = ("GET", "PUT", "POST", "DELETE", "*")
PATHS = (None, "*/managedPrivateEndpoints*", "*/privateEndpointConnections*", "*/accounts/pv1", "*ingestion*")


@dataclass(frozen=True)
class Draw:
    """The settings of one run."""

    seed: int
    shape: str
    colour: str
    verb: str
    settings: dict[str, Any]
    faults: tuple[Fault, ...]


def draw(seed: int) -> Draw:
    """The settings for a seed."""
    random = Random(seed)
    return Draw(
        seed=seed,
        shape=random.choice("ABCDE"),
        colour=random.choice(("sync", "async")),
        verb=random.choice(("create_all", "create_all", "create_all", "approve", "delete_all")),
        settings={
            "seed": seed,
            "provisioning": (1.0, random.uniform(2, 120)),
            "connection_delay": (0.5, random.uniform(1, 40)),
            "deletion": (1.0, random.uniform(2, 60)),
            "reveal_private_endpoint_ids": random.choice(("at-once", "when-provisioned", "never")),
            "ingestion_accepts": random.choice(("private-endpoint", "connection", "either")),
            "namespace_approval": random.choice(("200", "201", "202", "202-empty")),
            "storage_busy": random.choice((0.0, 0.0, 5.0, 20.0)),
            "absent_status": random.choice((404, 400)),
            "page_size": random.choice((1, 3, 100)),
            "foreign_connections": random.randrange(4),
        },
        faults=tuple(_fault(random) for _ in range(random.randrange(1, 7))),
    )


def _fault(random: Random) -> Fault:
    where: dict[str, Any] = {
        "path": random.choice(PATHS),
        "times": random.choice((1, 1, 2, 3, 6, None)),
        "probability": random.choice((1.0, 0.5, 0.2)),
    }
    if where["times"] is None:
        where["probability"] = 0.2
    method = random.choice(METHODS)
    match random.randrange(5):
        case 0 | 1:
            status = random.choice((400, 401, 403, 404, 408, 409, 412, 429, 500, 502, 503, 504))
            retry_after = random.choice((None, None, 1, 30, 100_000, "soon", -1))
            return Fault.status(method, status, retry_after=retry_after, after=random.random() < 0.3, **where)
        case 2:
            return Fault.reset(method, before=random.random() < 0.5, **where)
        case 3:
            return Fault.body(method, random.choice(("truncated", "html", "empty", b"[]", b"null", b"7")), **where)
        case _:
            return Fault.delay(method, random.choice((1, 30, 90)), **where)


def run(one: Draw) -> str:
    """How the run ended; raises AssertionError if it broke a promise."""
    emulator = Emulator(shape=one.shape, **one.settings)
    spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
    if one.verb != "create_all":
        _act("create_all", "async", emulator, spec, approve=False)
    for fault in one.faults:
        emulator.inject(fault)
    try:
        ended = _verdict(_act(one.verb, one.colour, emulator, spec, approve=True))
    except errors.PurviewMpeError as error:
        ended = error.code
    emulator.clear_faults()
    assert _strangers(emulator) <= {"Pending"}, "a stranger was let in"
    _assert_clean_run_converges(one, emulator, spec)
    return ended


def _verdict(report: Any) -> str:
    if report.complete:
        return "converged"
    for outcome in report.outcomes:
        if outcome.result in {"failed", "timed-out", "conflict", "ambiguous", "handed-off"}:
            assert outcome.error is not None, f"{outcome.result} without a reason"
            assert outcome.error.remedy, f"{outcome.result} without a remedy"
    return "reported"


def _assert_clean_run_converges(one: Draw, emulator: Emulator, spec: Spec) -> None:
    verb = "delete_all" if one.verb == "delete_all" else "create_all"
    # An endpoint that Azure failed because of a fault stays broken, and only a replacement repairs it.
    report = _act(verb, one.colour, emulator, spec.model_copy(update={"replace_broken": True}), approve=True)
    assert report.complete, [(o.name, o.result, o.error and o.error.message) for o in report.outcomes]
    there = [(e.target.casefold(), e.group_id) for e in emulator.endpoints() if not e.reserved]
    wanted = 0 if verb == "delete_all" else len(emulator.targets(emulator.account))
    assert len(there) == len(set(there)) == wanted, there
    assert _strangers(emulator) <= {"Pending"}, "a stranger was let in"


def _strangers(emulator: Emulator) -> set[str]:
    return {connection.status for connection in emulator.connections() if connection.factory is None}


def _act(verb: str, colour: str, emulator: Emulator, spec: Spec, *, approve: bool) -> Any:
    def call(client: Any) -> Any:
        if verb == "create_all":
            return client.create_all(spec, approve=approve)
        return client.approve(spec) if verb == "approve" else client.delete_all(spec)

    async def awaited() -> Any:
        async with aio.Client(emulator.async_credential, transport=emulator.async_transport()) as client:
            return await call(client)

    if colour == "async":
        return asyncio.run(awaited())
    with Client(emulator.credential, transport=emulator.transport()) as client:
        return call(client)


def campaign(runs: int, seed: int) -> int:
    """Do the runs, print the table, and return the number of runs with a broken promise."""
    began, ends, wrong = perf_counter(), Counter[tuple[str, str]](), 0
    for number in range(runs):
        one = draw(seed * 1_000_003 + number)
        try:
            ends[one.verb, run(one)] += 1
        except Exception:  # noqa: BLE001 - the campaign looks for every exception that is not a typed error
            wrong += 1
            ends[one.verb, "WRONG"] += 1
            print(f"\n{one}\n{traceback.format_exc()}", file=sys.stderr)  # noqa: T201
    print(f"{runs} runs, seed {seed}, {perf_counter() - began:.0f} s, {wrong} wrong")  # noqa: T201
    for (verb, ended), count in sorted(ends.items()):
        print(f"  {verb:<12}{ended:<20}{count:>6}")  # noqa: T201
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sys.exit(1 if campaign(given.runs, given.seed) else 0)
