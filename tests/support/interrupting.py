"""Interruptions at random moments, in real time: `python -m tests.support.interrupting --runs 300 --seed 1`.

Each writing verb of each client is interrupted between its start and its end, by Ctrl-C or by cancellation, while an
emulator serves it over HTTPS. Every run must end promptly with the interruption, and its report must agree with the
emulator's record: what the report calls done was done, and where it says that nothing was sent, nothing was written.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from purview_mpe import Client, Network, Report, Spec, aio
from purview_mpe._azure import loading
from purview_mpe.emulator import Emulator, Times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from purview_mpe import Outcome

#: Each writing verb, with its arguments besides the spec (and the network).
OPTIONS: dict[str, dict[str, Any]] = {
    "create_all": {},
    "apply": {},
    "approve": {},
    "reject": {},
    "delete_all": {},
    "connect": {"identity": True},
    "disconnect": {},
    "grant": {},
    "revoke": {},
    "onboard": {"approve": True},
    "offboard": {},
    "create_private_endpoints": {"purpose": "self-hosted-runtime", "approve": True},
    "delete_private_endpoints": {"purpose": "self-hosted-runtime"},
}
VERBS = tuple(OPTIONS)
CLIENTS = ("sync", "async")
_NETWORK_VERBS = {"create_private_endpoints", "delete_private_endpoints"}
#: The latest moment of an interruption, in seconds; more would only add rounds of waiting.
SPAN = 0.7
#: An interrupted verb ends within a second; a busy machine may need more.
PROMPT = 2.5
_RUNS_AT_ONE_SERVER = 25
#: The factor for the waits of verbs that would otherwise poll only every two seconds.
_HURRY = 0.02
_SYNC = loading.load("purview_mpe._azure.transport")
_ASYNC = loading.load("purview_mpe._azure.transport_aio")
_SETTINGS = loading.load("purview_mpe._azure.options")


class Hurried(_SYNC.PooledTransport):
    """The library's own transport, with real connections and real time, but shorter waits between polls."""

    def __init__(self, ca_file: str) -> None:
        super().__init__(
            16,
            connection_timeout=_SETTINGS.CONNECT_SECONDS,
            read_timeout=_SETTINGS.READ_SECONDS,
            connection_verify=ca_file,
        )

    def sleep(self, duration: float) -> None:
        time.sleep(duration * _HURRY)


class AsyncHurried(_ASYNC.AsyncPooledTransport):
    """The same for asyncio."""

    def __init__(self, ca_file: str) -> None:
        super().__init__(96, verify=ca_file)

    async def sleep(self, duration: float) -> None:
        await asyncio.sleep(duration * _HURRY)


@dataclass(frozen=True)
class End:
    """How one run ended."""

    how: Literal["interrupted", "not interrupted", "otherwise"]
    late: float = 0.0
    """Seconds after the interruption."""
    error: BaseException | None = None


@dataclass
class Tally:
    """The results of a session's runs."""

    ends: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    slowest: float = 0.0

    @property
    def interrupted(self) -> int:
        """The number of interrupted runs."""
        return sum(count for end, count in self.ends.items() if end != "not interrupted")

    def take(self, place: Place, verb: str, delay: float, end: End) -> None:
        """Compare one run's report with the emulator's record."""
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
    """One factory on a served emulator, with everything that gives the verb work to do."""

    emulator: Emulator
    spec: Spec
    before: int
    """The number of requests that the emulator had recorded before the run."""

    network: Network | None = None
    """The network for private endpoints of the customer."""

    @classmethod
    def made_for(cls, emulator: Emulator, verb: str, number: int) -> Place:
        """A new factory, or a new network, in which the verb has something to write."""
        is_bare, is_member = verb in {"connect", "onboard", "create_all"}, verb in {"disconnect", "offboard", "revoke"}
        factory = emulator.add_factory(
            f"adf-{number:05d}",
            identity=not is_bare,
            managed_vnet=not is_bare,
            purview_account=emulator.account if is_member else None,
        )
        spec = Spec(
            factory=str(factory),
            account=str(emulator.account),
            name="purview",
            runtime="managed-vnet" if verb == "create_all" else None,
        )
        if is_member:
            emulator.catalog.grant("data-curator", emulator.identity_of(factory))
        if verb in {"approve", "reject", "delete_all", "offboard"}:
            status = "Pending" if verb in {"approve", "reject"} else "Approved"
            for group_id, target in emulator.targets(emulator.account).items():
                emulator.add_endpoint(factory, spec.name_of(group_id), target, group_id, status=status)
        network = _network(emulator, spec, verb, number) if verb in _NETWORK_VERBS else None
        return cls(emulator, spec, emulator.request_count, network)

    def call(self, client: Any, verb: str) -> Any:
        """Call the verb: its report, or an awaitable for it."""
        given = (self.spec,) if self.network is None else (self.spec, self.network)
        return getattr(client, verb)(*given, **OPTIONS[verb])

    def settle(self) -> None:
        """Wait until the emulator has answered every request that arrived before the client left."""
        seen = -1
        while seen != (now := self.emulator.request_count):
            seen = now
            time.sleep(0.06)

    def writes(self) -> list[Any]:
        """The writes of this run."""
        count = self.emulator.request_count - self.before
        asked = self.emulator.requests[-count:] if count else []
        return [request for request in asked if request.method not in {"GET", "HEAD"}]


def _network(emulator: Emulator, spec: Spec, verb: str, number: int) -> Network:
    """A new virtual network, with private endpoints in it if they are to be deleted."""
    hub = emulator.networks.add_virtual_network(f"vnet-{number:05d}", resource_group=f"rg-{number:05d}")
    # With `manual`, the verb also writes approvals.
    network = Network(
        subnet=hub.child("subnets", "snet-pe"),
        dns="create",
        zone_resource_group=hub.resource_group,
        approval="manual",
    )
    if verb == "delete_private_endpoints":
        for group_id, target in emulator.targets(emulator.account).items():
            emulator.networks.add_private_endpoint(f"{spec.name}-{group_id}", network.subnet_id, target, group_id)
    return network


@contextmanager
def served(seed: int) -> Iterator[tuple[Emulator, Any]]:
    """An emulator in real time, slow enough for every state of a step to last a moment."""
    emulator = Emulator(
        foreign_connections=0,
        provisioning=0.2,
        connection_delay=0.1,
        deletion=0.2,
        times=Times(private_endpoint=0.05, private_endpoint_deletion=0.05, private_dns=0.03),
        seed=seed,
    )
    with emulator.serve() as server:
        yield emulator, server


def session(verb: str, client: str, runs: int, seed: int) -> Tally:
    """Interrupt one verb of one client until this many runs were interrupted."""
    random, tally, number = Random(f"{verb} {client} {seed}"), Tally(), 0
    interrupt = interrupted_sync if client == "sync" else interrupted_async
    while tally.interrupted < runs and number <= 10 * runs + _RUNS_AT_ONE_SERVER:
        with served(seed) as (emulator, server):
            began, whole = time.monotonic(), Place.made_for(emulator, verb, 0)
            interrupt(server, whole, verb, _span(verb))
            span = time.monotonic() - began  # the length of a whole run, if it is shorter; also loads every import
            whole.settle()
            for _ in range(_RUNS_AT_ONE_SERVER):
                number += 1
                place, delay = Place.made_for(emulator, verb, number), random.random() * min(_span(verb), span)
                tally.take(place, verb, delay, interrupt(server, place, verb, delay))
                if tally.interrupted >= runs:
                    break
    if tally.interrupted < runs:
        tally.wrong.append("hardly any run was interrupted")
    return tally


def _span(verb: str) -> float:
    """The latest moment of an interruption, in seconds: the longer verbs write until their end."""
    return (8 if verb in _NETWORK_VERBS else 3) * SPAN if verb in _HURRIED else SPAN


_HURRIED = _NETWORK_VERBS | {"onboard", "offboard"}


def _options(place: Place, server: Any, verb: str, hurried: Callable[[str], Any]) -> dict[str, Any]:
    """The client's options for a server and a verb."""
    return {
        "endpoint": server.url,
        "purview_endpoint": f"{server.url}/purview/{{account}}",
        "connection_verify": server.ca_file,
        **({"transport": hurried(server.ca_file)} if verb in _HURRIED else {}),
    }


def interrupted_sync(server: Any, place: Place, verb: str, delay: float) -> End:
    """Interrupt with Ctrl-C, by a timer of the operating system."""
    fired: list[float] = []

    def ctrl_c(_number: int, _frame: object) -> None:
        fired.append(time.monotonic())
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ctrl_c)
    returned = False
    options = _options(place, server, verb, Hurried)
    try:
        with Client(place.emulator.credential, **options) as client:
            try:
                signal.setitimer(signal.ITIMER_REAL, delay)
                place.call(client, verb)
                returned = True
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt as interrupt:
        return End("not interrupted") if returned else End("interrupted", time.monotonic() - fired[0], interrupt)
    except BaseException as error:  # noqa: BLE001 - any other exception is a wrong end
        return End("otherwise", error=error)
    finally:
        signal.signal(signal.SIGALRM, before)
        if "transport" in options:
            options["transport"].close()
    return End("not interrupted")


def interrupted_async(server: Any, place: Place, verb: str, delay: float) -> End:
    """Interrupt by cancelling the task."""

    async def main() -> End:
        async with contextlib.AsyncExitStack() as stack:
            options = _options(place, server, verb, AsyncHurried)
            if "transport" in options:
                await stack.enter_async_context(options["transport"])
            client = await stack.enter_async_context(aio.Client(place.emulator.async_credential, **options))
            task = asyncio.ensure_future(place.call(client, verb))
            await asyncio.wait([task], timeout=delay)
            began = time.monotonic()
            is_over = not task.cancel()
            try:
                await task
            except asyncio.CancelledError as cancelled:
                return End("interrupted", time.monotonic() - began, cancelled)
            except BaseException as error:  # noqa: BLE001 - as above
                return End("otherwise", error=error)
            return End("not interrupted" if is_over else "otherwise")

    return asyncio.run(main())


def disagreements(place: Place, verb: str, report: Report | None) -> list[str]:
    """The differences between a report and the emulator's record."""
    writes = place.writes()
    if report is None:
        return [f"no report, and {request.method} {request.path} was sent" for request in writes]
    problems = [f"{o.name} took {o.seconds} s" for o in report.outcomes if o.seconds < 0]
    if report.verb != verb:
        problems.append(f"the report is that of {report.verb}")
    unexplained = [request for request in writes if request.status < 300]
    for outcome in report.outcomes:
        sent = [request for request in writes if _is_about(request, place, report, outcome)]
        accepted = [request for request in sent if request.status < 300]
        unexplained = [request for request in unexplained if request not in sent]
        interrupted = outcome.error is not None and outcome.error.code == "interrupted"
        if interrupted and "nothing was sent" in outcome.error.message and sent:  # type: ignore[union-attr]  # as asked
            problems.append(f"{outcome.name}: nothing was sent, and {sent[0].method} was")
        elif not interrupted and outcome.result in _DONE and not accepted:
            problems.append(f"{outcome.name}: {outcome.result}, and nothing was accepted")
        elif not interrupted and outcome.result not in _DONE and accepted:
            problems.append(f"{outcome.name}: {outcome.result}, and {accepted[0].method} was accepted")
        elif not interrupted and outcome.result in {"failed", "timed-out", "conflict", "ambiguous"}:
            problems.append(f"{outcome.name}: {outcome.result}: {outcome.error}")
    return problems + [f"no outcome is about {request.method} {request.path}" for request in unexplained]


_DONE = frozenset(
    {
        *("created", "replaced", "approved", "rejected", "deleted"),
        *("connected", "disconnected", "enabled", "granted", "revoked"),
    }
)


def _is_about(request: Any, place: Place, report: Report, outcome: Outcome) -> bool:
    """Whether this write was sent for this outcome."""
    path, factory = request.path.casefold(), place.spec.factory.casefold()
    match outcome.subject:
        case "connection" | "identity":
            ends = factory
        case "data-curator":
            return "/metadatapolicies/" in path
        case "managed-network" | "runtime" | "dns-zone" | "dns-link" | "dns-zone-group":
            ends = outcome.resource_id.casefold()
        case _ if _is_decision(report, outcome):
            ends = f"/{_connection_name(place.emulator, outcome)}"
        case "private-endpoint":
            ends = f"/privateendpoints/{outcome.name}".casefold()
        case _:
            ends = f"{factory}/managedvirtualnetworks/default/managedprivateendpoints/{outcome.name}".casefold()
    return path.endswith(ends)


def _is_decision(report: Report, outcome: Outcome) -> bool:
    """Whether the outcome is about an approval or a rejection: the second outcome of a created endpoint is."""
    same = [one for one in report.outcomes if one.group_id is not None and one.identity == outcome.identity]
    return report.verb in {"approve", "reject"} or (len(same) > 1 and outcome is not same[0])


def _connection_name(emulator: Emulator, outcome: Outcome) -> str:
    """The name of the outcome's connection; a name that no connection has if the connection does not exist."""
    return next(
        (
            one.name.casefold()
            for one in emulator.connections()
            if one.private_endpoint_id.casefold() == str(outcome.private_endpoint_id).casefold()
        ),
        "?",
    )


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
            print(f"{a_verb:<25}{a_client:<6}{found}", flush=True)  # noqa: T201
            for problem in found.wrong[:20]:
                print(f"    {problem}", flush=True)  # noqa: T201
    sys.exit(1 if failed else 0)
