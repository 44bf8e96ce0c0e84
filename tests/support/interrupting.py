"""Interruptions at random instants, in real time: `python -m tests.support.interrupting --runs 300 --seed 1`.

Each writing verb of each client is interrupted somewhere between its first line and its end, by Ctrl-C or by
cancellation, while an emulator serves it over HTTPS. Every run has to end as the interruption, promptly, and its
report has to agree with what the emulator recorded: nothing that is said to be done was not done, and nothing was
done of which the report says that nothing was sent.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from purview_mpe import Client, Report, Spec, aio
from purview_mpe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VERBS = ("create_all", "approve", "reject", "delete_all", "connect")
CLIENTS = ("sync", "async")
#: Seconds within which the interruption arrives, at most: what comes later is one more round of waiting.
SPAN = 0.7
#: An interrupted verb ends within a second, and a loaded machine may add to that.
PROMPT = 2.5
_RUNS_AT_ONE_SERVER = 25


@dataclass(frozen=True)
class End:
    """How one run ended."""

    how: Literal["interrupted", "not interrupted", "otherwise"]
    late: float = 0.0
    """Seconds after the interruption."""
    error: BaseException | None = None


@dataclass
class Tally:
    """What the runs of a session ended in."""

    ends: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    slowest: float = 0.0

    @property
    def interrupted(self) -> int:
        """How many runs were."""
        return sum(count for end, count in self.ends.items() if end != "not interrupted")

    def take(self, place: Place, verb: str, delay: float, end: End) -> None:
        """Hold one run's report against the emulator's record."""
        self.slowest = max(self.slowest, end.late)
        where = f"{verb}, {delay:.4f} s"
        if end.how == "otherwise":
            self.wrong.append(f"{where}: ended as {type(end.error).__name__}: {end.error}")
        if end.late > PROMPT:
            self.wrong.append(f"{where}: took {end.late:.1f} s to end")
        if end.how != "interrupted":
            self.ends[end.how] += 1
            return
        place.settle()
        report: Report | None = getattr(end.error, "report", None)
        self.ends["with a report" if report is not None else "before the first write"] += 1
        self.wrong += [f"{where}: {problem}" for problem in disagreements(place, verb, report)]

    def __str__(self) -> str:
        ends = ", ".join(f"{count} {end}" for end, count in sorted(self.ends.items()))
        return f"{ends}; slowest end {self.slowest:.2f} s; {len(self.wrong)} wrong"


@dataclass
class Place:
    """One factory on a served emulator, with what a verb needs to have something to do."""

    emulator: Emulator
    spec: Spec
    before: int
    """Requests that the emulator had recorded by then."""

    @classmethod
    def made_for(cls, emulator: Emulator, verb: str, number: int) -> Place:
        """A factory of its own, on which the verb has something to write."""
        factory = emulator.add_factory(f"adf-{number:05d}")
        spec = Spec(factory=str(factory), account=str(emulator.account), name="purview")
        if verb in {"approve", "reject", "delete_all"}:
            status = "Approved" if verb == "delete_all" else "Pending"
            for group_id, target in emulator.targets(emulator.account).items():
                emulator.add_endpoint(factory, spec.name_of(group_id), target, group_id, status=status)
        return cls(emulator, spec, emulator.request_count)

    def settle(self) -> None:
        """Wait until the emulator has answered what had arrived when the client left."""
        seen = -1
        while seen != (now := self.emulator.request_count):
            seen = now
            time.sleep(0.06)

    def writes(self) -> list[Any]:
        """What was written for this run."""
        count = self.emulator.request_count - self.before
        asked = self.emulator.requests[-count:] if count else []
        return [request for request in asked if request.method in {"PUT", "POST", "DELETE"}]


@contextmanager
def served(seed: int) -> Iterator[tuple[Emulator, Any]]:
    """An emulator in real time, as quick as makes every state of a step last for a moment."""
    emulator = Emulator(foreign_connections=0, provisioning=0.2, connection_delay=0.1, deletion=0.2, seed=seed)
    with emulator.serve() as server:
        yield emulator, server


def session(verb: str, client: str, runs: int, seed: int) -> Tally:
    """Interrupt one verb of one client until so many runs were interrupted."""
    random, tally, number = Random(f"{verb} {client} {seed}"), Tally(), 0
    interrupt = interrupted_sync if client == "sync" else interrupted_async
    while tally.interrupted < runs and number <= 10 * runs + _RUNS_AT_ONE_SERVER:
        with served(seed) as (emulator, server):
            began, whole = time.monotonic(), Place.made_for(emulator, verb, 0)
            interrupt(server, whole, verb, SPAN)
            span = time.monotonic() - began  # a whole run, if it is shorter; and the imports are done
            whole.settle()
            for _ in range(_RUNS_AT_ONE_SERVER):
                number += 1
                place, delay = Place.made_for(emulator, verb, number), random.random() * min(SPAN, span)
                tally.take(place, verb, delay, interrupt(server, place, verb, delay))
                if tally.interrupted >= runs:
                    break
    if tally.interrupted < runs:
        tally.wrong.append("hardly any run was interrupted")
    return tally


def interrupted_sync(server: Any, place: Place, verb: str, delay: float) -> End:
    """Ctrl-C, by a timer of the operating system."""
    fired: list[float] = []

    def ctrl_c(_number: int, _frame: object) -> None:
        fired.append(time.monotonic())
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ctrl_c)
    returned = False
    emulator = place.emulator
    try:
        with Client(emulator.credential, endpoint=server.url, connection_verify=server.ca_file) as client:
            action: Callable[[Spec], Any] = getattr(client, verb)
            try:
                signal.setitimer(signal.ITIMER_REAL, delay)
                action(place.spec)
                returned = True
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt as interrupt:
        return End("not interrupted") if returned else End("interrupted", time.monotonic() - fired[0], interrupt)
    except BaseException as error:  # noqa: BLE001 - whatever it is: it is not the interruption
        return End("otherwise", error=error)
    finally:
        signal.signal(signal.SIGALRM, before)
    return End("not interrupted")


def interrupted_async(server: Any, place: Place, verb: str, delay: float) -> End:
    """Cancellation of the task."""

    async def main() -> End:
        options = {"endpoint": server.url, "connection_verify": server.ca_file}
        async with aio.Client(place.emulator.async_credential, **options) as client:
            task = asyncio.ensure_future(getattr(client, verb)(place.spec))
            await asyncio.wait([task], timeout=delay)
            began = time.monotonic()
            if not task.cancel():
                return End("not interrupted")
            try:
                await task
            except asyncio.CancelledError as cancelled:
                return End("interrupted", time.monotonic() - began, cancelled)
            except BaseException as error:  # noqa: BLE001 - as above
                return End("otherwise", error=error)
            return End("not interrupted")

    return asyncio.run(main())


def disagreements(place: Place, verb: str, report: Report | None) -> list[str]:
    """Where a report and the emulator's record differ."""
    writes = place.writes()
    if report is None:
        return [f"no report, and {request.method} {request.path} was sent" for request in writes]
    problems = [f"{o.name} took {o.seconds} s" for o in report.outcomes if o.seconds < 0]
    if report.verb != verb:
        problems.append(f"the report is that of {report.verb}")
    for outcome in report.outcomes:
        sent = [request for request in writes if _is_about(request, verb, place, outcome)]
        accepted = [request for request in sent if request.status < 300]
        interrupted = outcome.error is not None and outcome.error.code == "interrupted"
        if interrupted and "nothing was sent" in outcome.error.message and sent:  # type: ignore[union-attr]  # as asked
            problems.append(f"{outcome.name}: nothing was sent, and {sent[0].method} was")
        elif not interrupted and outcome.result in _DONE and not accepted:
            problems.append(f"{outcome.name}: {outcome.result}, and nothing was accepted")
        elif not interrupted and outcome.result not in _DONE and accepted:
            problems.append(f"{outcome.name}: {outcome.result}, and {accepted[0].method} was accepted")
        elif not interrupted and outcome.result in {"failed", "timed-out", "conflict", "ambiguous"}:
            problems.append(f"{outcome.name}: {outcome.result}: {outcome.error}")
    return problems


_DONE = frozenset({"created", "replaced", "approved", "rejected", "deleted", "connected"})


def _is_about(request: Any, verb: str, place: Place, outcome: Any) -> bool:
    if verb == "connect":
        return bool(request.path.casefold().endswith(place.spec.factory.casefold()))
    if verb in {"create_all", "delete_all"}:
        return bool(request.path.casefold().endswith(f"/managedprivateendpoints/{outcome.name}".casefold()))
    connection = next(
        (
            one
            for one in place.emulator.connections()
            if one.private_endpoint_id.casefold() == str(outcome.private_endpoint_id).casefold()
        ),
        None,
    )
    return connection is not None and request.path.casefold().endswith(f"/{connection.name}".casefold())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300, help="interruptions of each verb of each client")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verb", choices=VERBS, action="append")
    parser.add_argument("--client", choices=CLIENTS, action="append")
    given = parser.parse_args()
    failed = False
    for a_verb in given.verb or VERBS:
        for a_client in given.client or CLIENTS:
            found = session(a_verb, a_client, given.runs, given.seed)
            failed |= bool(found.wrong)
            print(f"{a_verb:<12}{a_client:<7}{found}", flush=True)  # noqa: T201
            for problem in found.wrong[:20]:
                print(f"    {problem}", flush=True)  # noqa: T201
    sys.exit(1 if failed else 0)
