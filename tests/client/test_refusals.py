"""Every refusal of every write has the same result over a real connection and in process, in both clients."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Client, Network, Proof, Spec, aio
from purview_mpe._azure import loading
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.emulator._values.exchange import Response
from purview_mpe.errors import PurviewMpeError
from tests.support.networks import ZONES
from tests.support.scripted import MARK, AsyncCredential, Credential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from purview_mpe.emulator._http.server import Server

_SYNC = loading.load("purview_mpe._azure.transport")
_ASYNC = loading.load("purview_mpe._azure.transport_aio")
_OPTIONS = loading.load("purview_mpe._azure.options")
#: Each wait lasts this many times longer, so that retries end after a few requests.
_SLOWER = 10
#: Longer than any wait, so that no outcome depends on which thread moved the clock last.
_LONG = 36_000


class Quick(_SYNC.PooledTransport):
    """The library's own transport, except that a wait moves the emulator's clock and takes no time."""

    def __init__(self, emulator: Emulator, ca_file: str) -> None:
        super().__init__(
            16,
            connection_timeout=_OPTIONS.CONNECT_SECONDS,
            read_timeout=_OPTIONS.READ_SECONDS,
            connection_verify=ca_file,
        )
        self.clock = emulator.clock
        self.monotonic = emulator.clock.now

    def sleep(self, duration: float) -> None:
        self.clock.advance(duration * _SLOWER)


class AsyncQuick(_ASYNC.AsyncPooledTransport):
    """The same for tasks."""

    def __init__(self, emulator: Emulator, ca_file: str) -> None:
        super().__init__(96, verify=ca_file)
        self.clock = emulator.clock
        self.monotonic = emulator.clock.now

    async def sleep(self, duration: float) -> None:
        await asyncio.sleep(0)
        self.clock.advance(duration * _SLOWER)


@dataclass
class World:
    """One emulator, reached in process and over HTTPS; refused writes do not change it."""

    emulator: Emulator
    server: Server
    loop: asyncio.Runner
    wires: dict[str, Any]

    def seen(self, way: str, verb: Callable[[Any], Any], *, own_tokens: bool = False) -> Any:
        """The verb's result in one client over one connection, without the parts that differ from run to run.

        With `own_tokens` the caller uses the emulator's tokens, which identify it.
        """
        colour, wire = way.split(", ")
        options: dict[str, Any] = {"transport": self.wires[way]}
        if wire == "https":
            url = self.server.url
            # Without `connection_verify`, which the transports have: azure-core would read the file for every request.
            options |= {"endpoint": url, "purview_endpoint": f"{url}/purview/{{account}}"}
        try:
            if colour == "sync":
                with Client(self.emulator.credential if own_tokens else Credential(), **options) as client:
                    return _outcomes(verb(client))
            return _outcomes(self.loop.run(self._awaited(verb, options, own_tokens)))
        except PurviewMpeError as error:
            return [("raised", "raised", *_said(error))]

    async def _awaited(self, verb: Callable[[Any], Any], options: dict[str, Any], own_tokens: bool) -> Any:
        credential = self.emulator.async_credential if own_tokens else AsyncCredential()
        async with aio.Client(credential, **options) as client:
            return await verb(client)


WAYS = ("sync, in process", "async, in process", "sync, https", "async, https")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A served emulator for the whole module, with connections that wait for approval."""
    emulator = Emulator(provisioning=0.0, connection_delay=0.0, deletion=0.0)
    emulator.add_account("contoso", shape="C")
    emulator.add_factory("df2", purview_account=emulator.account)
    emulator.add_factory("df3", purview_account=emulator.account, managed_vnet=False)
    emulator.add_factory("df4")
    emulator.add_factory("df5", purview_account=emulator.account)
    emulator.catalog.grant("data-curator", emulator.identity_of(emulator.add_factory("df6")))
    _ruled_by_others(emulator)
    for state in NETWORKS:
        _furnish(emulator, state)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        for account in ("pv1", "contoso"):
            client.create_all(_spec("df1", account), wait=False).raise_for_failures()
    emulator.clock.advance(60)
    emulator.approve("second")  # the account's other connections wait for the same kind of approval
    with emulator.serve() as server, asyncio.Runner() as loop:
        quick, in_process, async_in_process = (
            Quick(emulator, server.ca_file),
            emulator.transport(),
            emulator.async_transport(),
        )
        async_quick = AsyncQuick(emulator, server.ca_file)
        in_process.sleep = quick.sleep
        async_in_process.sleep = async_quick.sleep
        wires = (in_process, async_in_process, quick, async_quick)
        yield World(emulator, server, loop, dict(zip(WAYS, wires, strict=True)))
        quick.close()
        loop.run(async_quick.close())


def _spec(factory: str, account: str = "pv1") -> Spec:
    home = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1/providers"
    return Spec(
        factory=f"{home}/Microsoft.DataFactory/factories/{factory}",
        account=f"{home}/Microsoft.Purview/accounts/{account}",
        name="purview" if account == "pv1" else "second",
    )


#: Networks by what they lack: these writes create private endpoints and DNS in the caller's network.
NETWORKS = ("nothing", "endpoints", "zones", "links", "zone groups")


def _network(state: str) -> Network:
    home = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups"
    group = f"rg-{state.replace(' ', '-')}"
    subnet = f"{home}/{group}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/snet-pe"
    dns = {"zones": "create", "links": "create", "zone groups": "existing"}.get(state, "none")
    return Network(subnet=subnet, dns=dns, zone_resource_group=group if dns == "create" else None)  # type: ignore[arg-type]  # an allowed value


def _furnish(emulator: Emulator, state: str) -> None:
    network = _network(state)
    group = network.subnet_id.resource_group
    hub = emulator.networks.add_virtual_network("vnet", resource_group=group)
    if state != "endpoints":
        for group_id in ("account", "portal"):
            name = f"purview-{group_id}"
            emulator.networks.add_private_endpoint(name, network.subnet_id, emulator.account, group_id)
    for zone in ZONES[:2] if state in {"links", "zone groups"} else ():
        links = [hub] if state == "zone groups" else []
        emulator.networks.add_private_dns_zone(zone, linked_to=links, resource_group=group)


def _ruled_by_others(emulator: Emulator) -> None:
    """An account whose roles the caller cannot change."""
    account = emulator.add_account("ruled")
    for admin in emulator.catalog.members("collection-admin", account):
        emulator.catalog.revoke("collection-admin", admin, account)
    emulator.add_factory("df7", purview_account=account)


def _said(error: Any) -> tuple[Any, ...]:
    return error.code, error.status, error.azure_code, error.message, error.remedy


def _outcomes(report: Any) -> Any:
    if isinstance(report, Proof):
        return [(link.name, link.state, *link.evidence) for link in report.links]
    outcomes = [
        (outcome.name, outcome.result, *(_said(outcome.error) if outcome.error else ())) for outcome in report.outcomes
    ]
    return [*outcomes, report.hand_off]


#: Each write: the requests that are refused, and the verb that sends them.
WRITES: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "network PUT": (
        "PUT",
        "*/managedVirtualNetworks/default",
        lambda client: client.create_all(_spec("df3"), timeout=_LONG),
    ),
    "endpoint PUT": ("PUT", "/managedPrivateEndpoints/", lambda client: client.create_all(_spec("df2"), timeout=_LONG)),
    "endpoint DELETE": (
        "DELETE",
        "/managedPrivateEndpoints/",
        lambda client: client.delete_all(_spec("df1"), timeout=_LONG),
    ),
    "factory PUT": ("PUT", "*/factories/df4", lambda client: client.connect(_spec("df4"))),
    # Purview account, storage and namespace at once.
    "approval PUT": ("PUT", "/privateEndpointConnections/", lambda client: client.approve(_spec("df1"), timeout=_LONG)),
    "ingestion POST": (
        "POST",
        "/ingestionPrivateEndpointConnectionStatus",
        lambda client: client.approve(_spec("df1", "contoso"), timeout=_LONG),
    ),
}
RUNTIME: tuple[str, str, Callable[[Any], Any]] = (
    "PUT",
    "*/integrationRuntimes/*",
    lambda client: client.create_all(_spec("df1").model_copy(update={"runtime": "managed-vnet"}), timeout=_LONG),
)
ROLE: tuple[str, str, Callable[[Any], Any]] = (
    "PUT",
    "*/metadataPolicies/*",
    lambda client: client.grant(_spec("df5"), timeout=_LONG),
)
WRITES |= {"runtime PUT": RUNTIME, "policy PUT": ROLE}
WRITES |= {
    "disconnecting PUT": ("PUT", "*/factories/df2", lambda client: client.disconnect(_spec("df2"))),
    "revoking PUT": ("PUT", "*/metadataPolicies/*", lambda client: client.revoke(_spec("df6"), timeout=_LONG)),
    "rejection PUT": ("PUT", "/privateEndpointConnections/", lambda client: client.reject(_spec("df1"), timeout=_LONG)),
    "rejection POST": (
        "POST",
        "/ingestionPrivateEndpointConnectionStatus",
        lambda client: client.reject(_spec("df1", "contoso"), timeout=_LONG),
    ),
    "admin POST": (
        "POST",
        "/addRootCollectionAdmin",
        lambda client: client.grant(_spec("df7", "ruled"), become_admin=True, timeout=_LONG),
    ),
    "run POST": (
        "POST",
        "*/createRun",
        lambda client: client.prove(_spec("df2"), pipeline="copy-sales", timeout=_LONG),
    ),
    "private endpoint DELETE": (
        "DELETE",
        "*/privateEndpoints/*",
        lambda client: client.delete_private_endpoints(
            _spec("df1"), _network("nothing"), purpose="studio", timeout=_LONG
        ),
    ),
}
for _state, _path in (
    ("endpoints", "*/privateEndpoints/*"),
    ("zones", "*/privateDnsZones/*"),
    ("links", "*/virtualNetworkLinks/*"),
    ("zone groups", "*/privateDnsZoneGroups/*"),
):
    WRITES[f"{_state} PUT"] = (
        "PUT",
        _path,
        lambda client, state=_state: client.create_private_endpoints(
            _spec("df1"), _network(state), purpose="studio", timeout=_LONG
        ),
    )
#: Writes of a caller whose token has to identify it.
_OWN_TOKENS = {"admin POST"}
POLICY = "Resource 'x' was disallowed by policy. Reasons: 'Only approved subscriptions'."
#: Each refusal: status, Azure's code and message (bytes: the whole body), and the library's code for it.
REFUSALS: dict[str, tuple[int, str, str | bytes, str]] = {
    "plain": (403, "AuthorizationFailed", "The client has no authorization.", "access-denied"),
    "policy": (403, "RequestDisallowedByPolicy", POLICY, "policy-denied"),
    "lock": (409, "ScopeLocked", "The scope is locked: '/subscriptions/x/resourceGroups/rg1'.", "locked"),
    "deny assignment": (403, "DenyAssignmentAuthorizationFailed", "Denied by an assignment.", "access-denied"),
    "linked scope": (
        403,
        "LinkedAuthorizationFailed",
        "The client has no permission to perform action(s) 'a/join/action' on the linked scope(s) '/subscriptions/x/y'.",
        "access-denied",
    ),
    "second factor": (403, "RequestDisallowedByPolicy", "Reasons: MFA is required.", "access-denied"),
    "wrong tenant": (401, "InvalidAuthenticationTokenTenant", "The token is of another tenant.", "access-denied"),
    "no such subscription": (404, "SubscriptionNotFound", "It could not be found.", "access-denied"),
    "no such type": (404, "InvalidResourceType", "The resource type could not be found.", "azure-error"),
    "unexplained 404": (404, "Oops", "Not here.", "azure-error"),
    "busy": (409, "AnotherOperationInProgress", "Another operation is in progress.", "azure-error"),
    "conflict": (409, "Conflict", "It exists.", "azure-error"),
    "not found": (404, "ResourceNotFound", "The Resource was not found.", "not-found"),
    "throttled": (429, "TooManyRequests", "Too many requests.", "throttled"),
    "failing": (503, "ServerBusy", "The server is busy.", "azure-unavailable"),
    "html": (403, "", b"<html><body>Blocked by the proxy.</body></html>", "access-denied"),
    "empty": (500, "", b"", "azure-unavailable"),
}


def _fault(method: str, path: str, status: int, code: str, said: str | bytes) -> Fault:
    if isinstance(said, str):
        return Fault.status(method, status, path=path, code=code, message=said, times=None)
    page = Response(status, None, {"Content-Type": "text/html"}, content=said)
    return Fault("status", method, path, None, 1.0, answer=page)


@pytest.fixture(autouse=True)
def _quiet_sdk(caplog: pytest.LogCaptureFixture) -> None:
    """The SDKs log a traceback for each error body that is not JSON."""
    caplog.set_level("CRITICAL", "azure")


@pytest.mark.untraced
@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_is_the_same_in_every_client_over_every_connection(world: World, refusal: str, write: str) -> None:
    """Outcome, code, Azure's code, message, remedy and hand-off are the same."""
    method, path, verb = WRITES[write]
    status, code, said, expected = REFUSALS[refusal]
    seen = {}
    for way in WAYS:
        world.emulator.clear_faults()
        world.emulator.inject(_fault(method, path, status, code, said))
        seen[way] = world.seen(way, verb, own_tokens=write in _OWN_TOKENS)
    first = seen[WAYS[0]]
    assert {way: found for way, found in seen.items() if found != first} == {}
    refused = [line for line in first if line is not None and line[2:] and line[3] == status]
    assert [line[2:5] for line in refused] == [(expected, status, code or None)] * len(refused)
    assert len(refused) >= 1
    if isinstance(said, str):
        assert all(said in line[5] for line in refused)


@pytest.mark.untraced
@pytest.mark.parametrize("write", sorted(set(WRITES) - _OWN_TOKENS))
def test_an_answer_that_repeats_the_token_is_never_read(world: World, write: str) -> None:
    """The outcome of every write says why, and no text of it holds the token."""
    method, path, verb = WRITES[write]
    for way in WAYS:
        world.emulator.clear_faults()
        world.emulator.inject(_fault(method, path, 403, "AuthorizationFailed", f"You sent {MARK}."))
        seen = str(world.seen(way, verb))
        assert MARK not in seen, way
        assert "repeats the token that was sent" in seen, way
