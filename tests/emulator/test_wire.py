"""Malformed requests are answered, and never with a 5xx."""

import json
import socket
import ssl
import threading
import time
from contextlib import closing

import pytest

from purview_mpe.emulator import Emulator, Fault, RealClock

pytest.importorskip("cheroot", reason="serving needs the extra `emulator`")


@pytest.fixture(scope="module")
def served():
    emulator = Emulator()
    with emulator.serve() as server:
        yield emulator, server


def connected(server):
    """A bare TLS connection."""
    context = ssl.create_default_context(cafile=server.ca_file)
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    return context.wrap_socket(raw, server_hostname="127.0.0.1")


def answer_of(connection):
    """Status and body of one answer, and whether the connection stays open."""
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        headers = {}
        while line := stream.readline().strip():
            name, _, value = line.decode("latin-1").partition(": ")
            headers[name.lower()] = value
        return status, stream.read(int(headers.get("content-length", 0))), headers.get("connection") != "close"


def asked(server, text, body=b""):
    with closing(connected(server)) as connection:
        connection.sendall(text.replace("\n", "\r\n").encode("latin-1") + b"\r\n" + body)
        return answer_of(connection)


GET = "GET {factory}?api-version=2018-06-01 HTTP/1.1\nHost: x\nAuthorization: Bearer x\n"
PUT = GET.replace("GET", "PUT")


@pytest.mark.parametrize(
    ("text", "body", "status"),
    [
        ("hello\n", b"", 400),
        ("\x00\x01\xff\n", b"", 400),
        ("GET / HTTP/2.0\n", b"", 400),
        ("GET / HTTP/x\n", b"", 400),
        ("PRI * HTTP/2.0\n", b"", 400),
        ("CONNECT somewhere:443 HTTP/1.1\nHost: x\n", b"", 405),
        ("OPTIONS * HTTP/1.1\nHost: x\n", b"", 501),
        ("TRACE {factory}?api-version=2018-06-01 HTTP/1.1\nHost: x\nAuthorization: Bearer x\n", b"", 405),
        ("GET //[x HTTP/1.1\nHost: x\n", b"", 400),
        ("GET /\xe4 HTTP/1.1\nHost: x\n", b"", 400),
        ("GET /#part HTTP/1.1\nHost: x\n", b"", 400),
        ("GET / HTTP/1.1\nHost: [x\n", b"", 400),
        ("GET / HTTP/1.1\nHost: a b/c\n", b"", 400),
        (GET + "no colon\n", b"", 400),
        (PUT + "Content-Length: many\n", b"", 400),
        (PUT + "Content-Length: -5\n", b"", 400),
        (PUT + "Transfer-Encoding: gzip\n", b"", 400),
        (PUT + "Transfer-Encoding: chunked\n", b"zz\r\n{}\r\n0\r\n\r\n", 400),
        (PUT + "Transfer-Encoding: chunked\n", b"5\r\n{}\r\n0\r\n\r\n", 400),
        (PUT + "Content-Length: 2\nContent-Encoding: gzip\n", b"\x1f\x8b", 400),
        (PUT + "Content-Length: 2000\n", b"[" * 2000, 400),
        (PUT + "Content-Length: 6000000\n", b" " * 6_000_000, 413),
    ],
)
def test_a_malformed_request_is_refused(served, text, body, status):
    """The error has ARM's shape; the only 5xx is 501 for methods that are not emulated."""
    emulator, server = served
    found, content, _ = asked(server, text.replace("{factory}", str(emulator.factory)), body)
    assert found == status
    assert set(json.loads(content)["error"]) >= {"code", "message"}


@pytest.mark.parametrize(
    "target", ["https://elsewhere.example{path}", "http://127.0.0.1{path}", "/{path}", "{path}&x=%zz%00", "{bare}"]
)
def test_unusual_request_targets_are_accepted(served, target):
    """Absolute addresses, and doubled or missing slashes."""
    emulator, server = served
    path = f"{emulator.factory}?api-version=2018-06-01"
    target = target.format(path=path, bare=path.lstrip("/"))
    assert asked(server, f"GET {target} HTTP/1.1\nHost: x\nAuthorization: Bearer x\n")[0] == 200


def test_malformed_json_leaves_the_connection_open(served):
    """A second request on the same connection is answered."""
    emulator, server = served
    wrong, right = (text.format(factory=emulator.factory).replace("\n", "\r\n") for text in (PUT, GET))
    with closing(connected(server)) as connection:
        connection.sendall(f"{wrong}Content-Length: 1\r\n\r\n{{".encode())
        assert answer_of(connection)[0::2] == (400, True)
        connection.sendall(f"{right}\r\n".encode())
        assert answer_of(connection)[0] == 200


def test_a_truncated_body_changes_nothing(served):
    """A request whose body never arrives in full is not carried out."""
    emulator, server = served
    path = str(emulator.factory).replace("df1", "df-half")
    before = emulator.request_count
    with closing(connected(server)) as connection:
        connection.sendall(
            f"PUT {path}?api-version=2018-06-01 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n"
            'Content-Length: 100\r\n\r\n{"location": "x"}'.encode()
        )
        connection.shutdown(socket.SHUT_WR)
    assert asked(server, f"GET {path}?api-version=2018-06-01 HTTP/1.1\nHost: x\nAuthorization: Bearer x\n")[0] == 404
    assert emulator.request_count == before + 1


def test_a_plain_http_request_is_answered_in_http(served):
    """A client with the wrong scheme gets an answer that it can read."""
    with closing(socket.create_connection(("127.0.0.1", served[1].port), timeout=20)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        status, content, _ = answer_of(connection)
    assert status == 400
    assert "HTTPS" in json.loads(content)["error"]["message"]


def test_silent_connections_do_not_block_others(served):
    """A port scanner that connects and sends nothing, not even TLS, does not block other clients."""
    emulator, server = served
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    try:
        began = time.monotonic()
        assert asked(server, GET.format(factory=emulator.factory))[0] == 200
        assert time.monotonic() - began < 15
    finally:
        for connection in silent:
            connection.close()


def test_slow_requests_do_not_block_others():
    """While a dozen requests wait, another one is answered."""

    class Held(RealClock):
        def __init__(self):
            super().__init__()
            self.waiting, self.gone_on = threading.Semaphore(0), threading.Event()

        def sleep(self, _seconds):
            self.waiting.release()
            self.gone_on.wait(60)

    emulator = Emulator(clock=Held())
    emulator.inject(Fault.delay("GET", 5, path="*/slow", times=12))
    path = str(emulator.factory).replace("df1", "slow")
    with emulator.serve() as server:
        slow = [threading.Thread(target=asked, args=(server, GET.format(factory=path))) for _ in range(12)]
        for thread in slow:
            thread.start()
        try:
            assert all(emulator.clock.waiting.acquire(timeout=60) for _ in slow)
            assert asked(server, GET.format(factory=emulator.factory))[0] == 200
        finally:
            emulator.clock.gone_on.set()
            for thread in slow:
                thread.join()
