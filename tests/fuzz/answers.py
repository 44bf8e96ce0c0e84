"""Azure's answers, for every verb in both colours: changed JSON, odd bytes, odd headers, and pages with any link."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from purview_mpe.emulator import Emulator, Fault
from purview_mpe.emulator._values.exchange import Response

from .bending import ODD_JSON, bent, odd_text, rubbish
from .subject import called

if TYPE_CHECKING:
    from collections.abc import Callable

    from .subject import Subject

_HOST = "https://management.azure.com"
_METHODS = ("GET", "GET", "GET", "PUT", "POST", "DELETE", "*")
_ELSEWHERE = (
    "https://evil.example/next",
    "http://management.azure.com/next",
    "https://management.azure.com:8443/next",
    "https://management.azure.com@evil.example/next",
    "https://management.azure.com.evil.example/next",
    "//evil.example/next",
    "https://[evil/next",
    "evil.example",
    "file:///etc/passwd",
)


def content(subject: Subject, random: Random) -> None:
    """Changed JSON, or a body that is not JSON."""
    azure = _azure()
    for _ in range(random.randrange(1, 4)):
        options: dict[str, Any] = {"times": random.choice((1, 2, None)), "probability": random.choice((1.0, 0.5))}
        method, seed = random.choice(_METHODS), random.random()
        if random.random() < 0.8:
            azure.inject(Fault.rewrite(method, lambda body, seed=seed: bent(Random(seed), body), **options))
        else:
            odd = (b"", b"null", b"\xff\xfe", random.randbytes(20), *(each.encode("utf-8") for each in ODD_JSON))
            azure.inject(Fault.body(method, random.choice(odd), **options))
    _act(subject, random, azure)


def headers(subject: Subject, random: Random) -> None:
    """A status with headers that lead elsewhere, make no sense or ask for an endless wait."""
    azure = _azure()
    link = random.choice((*_ELSEWHERE, odd_text(random), _HOST + str(azure.account), _HOST + "/gone"))
    wait = random.choice(("0", "-1", "1e9", "nan", "99999999999999999999", "Wed, 21 Oct 2026 07:28:00 GMT", "", "x"))
    names = random.sample(("Location", "Azure-AsyncOperation", "Retry-After", "Content-Type", "ETag"), 3)
    odd = {name: wait if name == "Retry-After" else link for name in names}
    error = {"error": bent(random, {"code": "Conflict", "message": "Something is wrong.", "details": []})}
    body = random.choice((None, {}, error, {"status": rubbish(random)}, bent(random, error)))
    status = random.choice((200, 201, 202, 204, 206, 299, 301, 307, 308, 400, 401, 403, 404, 408, 409, 412, 429, 500))
    answer = Response(status, body, {"Content-Type": "application/json"} | odd)
    options: dict[str, Any] = {"times": random.choice((1, 3)), "after": random.random() < 0.5}
    azure.inject(Fault("status", random.choice(_METHODS), answer=answer, **options))
    _act(subject, random, azure)


def pages(subject: Subject, random: Random) -> None:
    """Lists that are huge, never end, lead back or lead to another host."""
    azure = _azure()
    method, path = "GET", random.choice((None, "/managedPrivateEndpoints", "/privateEndpointConnections", "/factories"))
    # Following all thousand pages, or reading 32 MiB, takes a while, so these cases are rare.
    match random.choices(("elsewhere", "back", "huge", "nested", "endless", "too large"), (40, 30, 20, 10, 2, 1))[0]:
        case "elsewhere":
            link = random.choice((*_ELSEWHERE, odd_text(random)))
            change: Callable[[Any], Any] = lambda body: _linked(body, link)  # noqa: E731 - one of several
        case "back":
            links = [f"{_HOST}{azure.factory}/{number}" for number in range(random.randrange(1, 4))]
            turn = iter(links * 1000)
            change = lambda body: _linked({"value": _values(body)}, next(turn))  # noqa: E731 - as above
        case "huge":
            count = random.randrange(50, 1000)
            change = lambda body: _longer(body, count)  # noqa: E731 - as above
        case "nested":
            depth = random.randrange(10, 800)
            change = lambda body: _nested(body, depth)  # noqa: E731 - as above
        case "endless":
            numbers = iter(range(10**9))
            change = lambda body: _linked(body, f"{_HOST}{azure.factory}/{next(numbers)}")  # noqa: E731 - as above
        case _:
            azure.inject(Fault.body(method, _too_large(), path=path))
            _act(subject, random, azure)
            return
    azure.inject(Fault.rewrite(method, change, path=path, times=None))
    _act(subject, random, azure)


def _azure() -> Emulator:
    return Emulator(provisioning=1, connection_delay=0.5, deletion=1, foreign_connections=1)


def _act(subject: Subject, random: Random, azure: Emulator) -> None:
    """Any verb; wherever the answers point, it asks only Azure, and approves no foreign connection."""
    spec, strangers = subject.spec, [one.id for one in azure.connections()]
    verbs: tuple[Callable[[Any], Any], ...] = (
        lambda client: client.discover(str(azure.account)),
        lambda client: client.plan(spec),
        lambda client: client.create_all(spec, approve=True, timeout=60),
        lambda client: client.create_many([spec], approve=True, timeout=60),
        lambda client: client.approve(spec, timeout=10),
        lambda client: client.approve_many([spec], timeout=10),
        lambda client: client.approve(subject.nouns["Report"], timeout=10),
        lambda client: client.status(spec),
        lambda client: client.status_many([spec]),
        lambda client: client.watch(spec, every=1, timeout=3),
        lambda client: client.check(spec),
        lambda client: client.diagnose(spec),
        lambda client: client.orphans(str(azure.account)),
        lambda client: client.connect(spec),
        lambda client: client.find_specs(str(azure.factory).partition("/providers/")[0]),
        lambda client: client.delete_all(spec, timeout=30),
    )
    hosts: set[str | None] = set()
    transports = {"transport": azure.transport(), "async_transport": azure.async_transport()}
    for transport in transports.values():
        _watched(transport, hosts)
    try:
        str(called(random, _Watched(azure, transports), random.choice(verbs)))
    finally:
        assert hosts <= {"management.azure.com", f"{azure.account.name}.purview.azure.com"}, hosts
        assert not [one for one in azure.connections() if one.id in strangers and one.status == "Approved"]


class _Watched:
    """An emulator with these transports."""

    def __init__(self, azure: Emulator, transports: dict[str, Any]) -> None:
        self.credential, self.async_credential = azure.credential, azure.async_credential
        self.transport = lambda: transports["transport"]
        self.async_transport = lambda: transports["async_transport"]


def _watched(transport: Any, hosts: set[str | None]) -> None:
    """Make a transport record the hosts of its requests."""
    send = transport.send

    def sending(request: Any, **options: Any) -> Any:
        hosts.add(urlsplit(str(request.url)).hostname)
        return send(request, **options)

    transport.send = sending


def _linked(body: Any, link: str) -> Any:
    return {**(body if isinstance(body, dict) else {"value": []}), "nextLink": link}


def _values(body: Any) -> list[Any]:
    value = body.get("value") if isinstance(body, dict) else None
    return value if isinstance(value, list) else []


def _longer(body: Any, count: int) -> Any:
    values = _values(body) or [body]
    return {**(body if isinstance(body, dict) else {}), "value": (values * count)[:count]}


def _nested(body: Any, depth: int) -> Any:
    for _ in range(depth):
        body = {"value": [body], "properties": body} if depth < 12 else {"properties": body}
    return body


@cache
def _too_large() -> bytes:
    return b'{"value": [' + b" " * (33 << 20) + b"]}"
