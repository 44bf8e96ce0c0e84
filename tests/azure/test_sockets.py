"""The transports on real sockets: time limits, the connection pool, certificates and default behaviour."""

from __future__ import annotations

import contextlib
import gzip
import os
import queue
import ssl
import sys
import threading
import time
import zlib
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from purview_mpe import Retry
from purview_mpe._azure import loading, presence
from purview_mpe.errors import AzureError, AzureUnavailable, InvalidSpec, NoAnswer, WaitTimedOut
from tests.support.loopback import OK, Peer, reset, serving
from tests.support.scripted import MARK, Runner, both, delete_endpoint, put_endpoint, read_account

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

#: Extra time for a loaded machine.
GRACE = 15.0
#: A hundred kilobytes that unpack to a hundred megabytes.
BOMB = gzip.compress(bytes(100_000_000))


def talk(runner: Runner, server: Any, flow: Any, *, timeout: float | None = None, **options: Any) -> Any:
    options = {"connection_verify": server.ca_file, "endpoint": server.url} | options
    azure = runner.azure(None, **options)
    try:
        return runner.flow(azure, flow, timeout=timeout)
    finally:
        if runner.is_sync:
            azure.close()


@both
def test_a_request_over_https_works(runner: Runner, tmp_path: Path) -> None:
    """Both transports use TLS with the given certificate file."""
    with serving(lambda peer: peer.send(OK), tmp_path) as server:
        assert talk(runner, server, read_account) == {"name": "pv1"}
    assert f"Authorization: Bearer {MARK}".lower().encode() in server.requests[0].lower()


@both
@pytest.mark.parametrize(
    "behaviour",
    [
        lambda peer: peer.hang(),
        lambda peer: peer.trickle(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 1000),
        lambda peer: peer.send(OK.partition(b"{")[0].replace(b"14", b"9999")) and peer.trickle(b" " * 1000),
        lambda peer: (
            peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") and peer.trickle(b"1\r\nx\r\n" * 1000)
        ),
        lambda peer: (
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n") and peer.trickle(b"1" * 1000)
        ),
    ],
    ids=["black hole", "trickling headers", "trickling body", "trickling chunks", "trickling without length"],
)
def test_a_server_that_does_not_finish_ends_with_the_deadline(runner: Runner, behaviour: Any, tmp_path: Path) -> None:
    """A server that sends a byte now and then does not keep a verb alive past its deadline."""
    with serving(behaviour, tmp_path) as server:
        began = time.monotonic()
        with pytest.raises(WaitTimedOut):
            talk(runner, server, read_account, timeout=0.6)
        assert 0.5 < time.monotonic() - began < 0.6 + GRACE


def _pour(peer: Peer, head: bytes, piece: bytes) -> bool:
    with contextlib.suppress(OSError):
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + head)
        while not peer.over.is_set():
            peer.send(piece)
    return False


@both
@pytest.mark.parametrize(
    "behaviour",
    [
        lambda peer: _pour(peer, b"\r\n", b"x" * 65536),
        lambda peer: _pour(peer, b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        lambda peer: _pour(peer, b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB), BOMB),
    ],
    ids=["without length", "chunked", "packed"],
)
def test_endless_answer_is_refused(runner: Runner, behaviour: Any, tmp_path: Path) -> None:
    """An answer longer than any of Azure's is refused before it fills the memory, and is not retried."""
    with serving(behaviour, tmp_path) as server, pytest.raises(AzureUnavailable) as caught:
        talk(runner, server, read_account)
    assert caught.value.message == (
        "Could not read the Purview account 'pv1': the answer 200 is longer than any of Azure's, so it was not read "
        "to its end."
    )
    assert (caught.value.status, len(server.requests)) == (200, 1)


@both
@pytest.mark.parametrize(("encoding", "unpacked"), [("gzip", True), ("deflate", True), ("gzip", False)])
def test_compressed_answer_is_decompressed(runner: Runner, encoding: str, unpacked: bool, tmp_path: Path) -> None:
    """Both gzip and deflate work; content that only claims to be compressed is a typed error."""
    body = b'{"name":"pv1"}'
    if unpacked:
        packer = zlib.compressobj(wbits=31 if encoding == "gzip" else -15)
        body = packer.compress(body) + packer.flush()
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
    with serving(lambda peer: peer.send(head.encode() + body), tmp_path) as server:
        if unpacked:
            assert talk(runner, server, read_account) == {"name": "pv1"}
        else:
            with pytest.raises((AzureUnavailable, NoAnswer)):
                talk(runner, server, read_account, retry=Retry(1))


@both
def test_proxy_password_is_not_shown(runner: Runner, tmp_path: Path) -> None:
    """The error of a refusing proxy does not contain its password."""

    def proxy(peer: Peer) -> bool:
        peer.socket.recv(1000)
        peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        return False

    with serving(proxy, tmp_path, tls=False) as tunnel, serving(lambda peer: peer.send(OK), tmp_path) as server:
        proxies = {"https": tunnel.url.replace("https://", "http://me:hunter2@")}
        with pytest.raises(NoAnswer, match="407") as caught:
            talk(runner, server, read_account, retry=Retry(1), proxies=proxies)
    assert "hunter2" not in str(caught.value)


@both
def test_a_server_that_accepts_and_says_nothing_ends_with_the_deadline(runner: Runner, tmp_path: Path) -> None:
    """The deadline also limits the TLS handshake."""
    with serving(lambda peer: peer.hang(), tmp_path, tls=False) as server:
        began = time.monotonic()
        with pytest.raises(WaitTimedOut):
            talk(runner, server, read_account, timeout=0.6)
        assert time.monotonic() - began < 0.6 + GRACE


@both
def test_without_a_deadline_each_attempt_has_its_own_limit(runner: Runner, tmp_path: Path) -> None:
    """A verb without a deadline ends after its attempts; each takes at most the sum of both timeouts."""
    with serving(lambda peer: peer.trickle(OK * 100), tmp_path) as server:
        began = time.monotonic()
        with pytest.raises((NoAnswer, AzureUnavailable)):
            talk(
                runner,
                server,
                read_account,
                connection_timeout=0.2,
                read_timeout=0.3,
                retry=Retry(attempts=2, backoff=0),
            )
        assert time.monotonic() - began < 1 + GRACE
    assert len(server.requests) == 2


@both
@pytest.mark.parametrize(
    ("flow", "method"), [(read_account, b"GET"), (put_endpoint, b"PUT"), (delete_endpoint, b"DELETE")]
)
def test_broken_reused_connection_costs_one_attempt(runner: Runner, flow: Any, method: bytes, tmp_path: Path) -> None:
    """No lower library repeats a request: the server sees each attempt at a read, and a write once."""

    def first_then_reset(peer: Peer) -> bool:
        return peer.send(OK) if len(server.requests) == 1 else reset(peer)

    async def twice(io: Any) -> None:
        await read_account(io)
        await flow(io)

    with serving(first_then_reset, tmp_path) as server, pytest.raises(NoAnswer):
        talk(runner, server, twice, retry=Retry(attempts=3, backoff=0))
    assert [request.split()[0] for request in server.requests] == [b"GET"] + [method] * (3 if method == b"GET" else 1)


@both
def test_truncated_answer_is_retried(runner: Runner, tmp_path: Path) -> None:
    """Half a body is a broken connection, not an answer."""

    def half_then_whole(peer: Peer) -> bool:
        return peer.send(OK) if len(server.requests) > 1 else not peer.send(OK[:-5])

    with serving(half_then_whole, tmp_path) as server:
        assert talk(runner, server, read_account, retry=Retry(backoff=0)) == {"name": "pv1"}
    assert len(server.requests) == 2


@both
def test_connections_are_reused(runner: Runner, tmp_path: Path) -> None:
    """Consecutive requests share one connection."""

    async def thrice(io: Any) -> None:
        for _ in range(3):
            await read_account(io)

    with serving(lambda peer: peer.send(OK), tmp_path) as server:
        talk(runner, server, thrice)
    assert (len(server.requests), server.connections) == (3, 1)


def test_connections_share_their_authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three connections at once read the file with the certificate authorities only once."""
    runner, at_once, read = Runner("sync"), threading.Barrier(3), []
    usual = ssl.SSLContext.load_verify_locations
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda *given, **named: read.append(given) or usual(*given, **named)
    )

    def together(peer: Peer) -> bool:
        at_once.wait(30)
        return peer.send(OK)

    async def thrice(io: Any) -> None:
        await io.gather([read_account(io) for _ in range(3)])

    with serving(together, tmp_path) as server:
        read.clear()
        talk(runner, server, thrice)
    assert (server.connections, len(read)) == (3, 1)


def lent(authorities: Any, **fields: Any) -> SimpleNamespace:
    """A connection after the authorities were lent to it."""
    unset = dict.fromkeys(("ca_certs", "ca_cert_dir", "cert_file", "ssl_context"))
    connection = SimpleNamespace(**unset | {"cert_reqs": "CERT_REQUIRED"} | fields)
    authorities.lend(connection)
    return connection


def test_replaced_authorities_are_read_again(tmp_path: Path) -> None:
    """After the file changes, new connections trust its new authorities."""
    authorities, file = loading.load("purview_mpe._azure.transport")._Authorities(), tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    first, second = (lent(authorities, ca_certs=str(file)).ssl_context for _ in range(2))
    trustme.CA().cert_pem.write_to_path(str(file))
    os.utime(file, (1, 1))
    third = lent(authorities, ca_certs=str(file)).ssl_context
    assert first is second is not third
    assert first.get_ca_certs() != third.get_ca_certs()
    assert first.verify_mode is third.verify_mode is ssl.CERT_REQUIRED
    assert first.check_hostname
    assert third.check_hostname


def test_connections_that_differ_keep_their_own_settings(tmp_path: Path) -> None:
    """Without authorities, with a client certificate, or with a missing file, nothing is shared."""
    authorities = loading.load("purview_mpe._azure.transport")._Authorities()
    file = str(tmp_path / "ca.pem")
    trustme.CA().cert_pem.write_to_path(file)
    alone = ({}, {"ca_certs": file, "cert_file": "me.pem"}, {"ca_certs": str(tmp_path / "missing.pem")})
    for fields in alone:
        connection = lent(authorities, **fields)
        assert connection.ssl_context is None
        assert connection.ca_certs == fields.get("ca_certs")


@both
def test_connection_pool_limits_parallel_requests(runner: Runner, tmp_path: Path) -> None:
    """Twice as many reads as the client runs at once use only that many connections, and reuse them."""
    colours = loading.load("purview_mpe._azure.io")
    at_once = (colours.SyncIo if runner.is_sync else colours.AsyncIo).at_once

    def slow(peer: Peer) -> bool:
        peer.over.wait(0.02)
        return peer.send(OK)

    async def many(io: Any) -> None:
        async def four() -> None:
            await io.gather([read_account(io) for _ in range(4)])

        await io.gather([four() for _ in range(at_once // 2)])

    with serving(slow, tmp_path) as server:
        talk(runner, server, many)
    assert len(server.requests) == at_once * 2
    assert server.connections <= at_once


def test_wait_for_a_free_connection_ends_with_the_deadline(tmp_path: Path) -> None:
    """A request that finds all connections in use ends with its deadline."""
    runner = Runner("sync")
    with serving(lambda peer: peer.hang(), tmp_path) as server:
        azure = runner.azure(None, endpoint=server.url, connection_verify=server.ca_file)

        async def many(io: Any) -> None:
            async def some() -> None:
                await io.gather([read_account(io) for _ in range(3)])

            await io.gather([some() for _ in range(8)])

        began = time.monotonic()
        with pytest.raises(WaitTimedOut):
            runner.flow(azure, many, timeout=0.6)
        assert time.monotonic() - began < 0.6 + GRACE
        azure.close()


def test_wait_for_a_free_connection_ends_without_a_deadline(tmp_path: Path) -> None:
    """Without a deadline, the wait ends after the two timeouts, as a request that was not sent."""
    runner = Runner("sync")
    with serving(lambda peer: peer.send(OK), tmp_path) as server:
        azure = runner.azure(
            None,
            endpoint=server.url,
            connection_verify=server.ca_file,
            connection_timeout=0.1,
            read_timeout=0.1,
            retry=Retry(1),
        )
        for _ in range(16):
            azure.transport._slots.get()
        with pytest.raises(NoAnswer, match="connections were in use"):
            runner.flow(azure, read_account)
        azure.close()
    assert server.requests == []


class Interrupting:
    """Raises KeyboardInterrupt at one step of a request: CPython checks for signals at these events."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.was_raised = False

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event not in {"call", "c_return"} or self.was_raised or frame.f_code.co_filename not in _WITH_LOCKS:
            return
        if frame.f_code.co_name in {"__del__", "_end"}:  # Python ignores what is raised there
            return
        self.left -= 1
        if self.left < 0:
            self.was_raised = True
            raise KeyboardInterrupt


#: Files in which a request takes locks and connection slots.
_WITH_LOCKS = frozenset(
    {loading.load("purview_mpe._azure.transport").__file__, presence.__file__, queue.__file__, threading.__file__}
)


# Python closes a socket that was interrupted between its creation and its first use, and warns about it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interruption_at_any_step_of_a_request_leaves_the_next_one_alone(tmp_path: Path) -> None:
    """No lock stays held, and the interrupted request leaves no state for the next one."""
    runner = Runner("sync")
    with serving(lambda peer: peer.send(OK), tmp_path) as server:
        azure = runner.azure(None, endpoint=server.url, connection_verify=server.ca_file)
        runner.flow(azure, read_account)  # the imports
        for at in count():
            interrupting, before = Interrupting(at), sys.getprofile()
            sys.setprofile(interrupting)
            try:
                runner.flow(azure, read_account)
            except KeyboardInterrupt:
                pass
            finally:
                sys.setprofile(before)
            assert runner.flow(azure, read_account, timeout=30) == {"name": "pv1"}, at
            if not interrupting.was_raised:
                break
        assert at > 20
        azure.close()


def test_pool_returns_the_last_used_connection_without_waiting() -> None:
    """urllib3 expects `Empty` and `Full` at once, whatever wait it requests."""
    free = loading.load("purview_mpe._azure.transport")._Free(2)
    with pytest.raises(queue.Empty):
        free.get(block=True, timeout=None)
    for connection in (1, 2):
        free.put(connection, block=False)
    with pytest.raises(queue.Full):
        free.put(3)
    assert (free.qsize(), free.get(), free.get(), free.qsize()) == (2, 2, 1, 0)


def test_line_can_be_cut_before_it_has_a_connection() -> None:
    """If the time ends before the connection exists, the request ends as soon as it would use one."""
    line = loading.load("purview_mpe._azure.transport")._Line()
    line.cut()
    with pytest.raises(TimeoutError):
        line.uses(object())
    line.cut()


@both
def test_error_with_undecodable_text_keeps_its_status(runner: Runner, tmp_path: Path) -> None:
    """A body that does not match its declared encoding counts as missing."""
    strange = (
        b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-16\r\nContent-Length: 3\r\n\r\n\x00\xd8\x00"
    )
    with serving(lambda peer: peer.send(strange), tmp_path) as server, pytest.raises(AzureError) as caught:
        talk(runner, server, read_account)
    assert (caught.value.status, caught.value.code) == (404, "azure-error")


@both
def test_read_with_undecodable_text_is_retried(runner: Runner, tmp_path: Path) -> None:
    """Bytes that do not match their declared encoding count as a garbled answer."""
    strange = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-16\r\nContent-Length: 3\r\n\r\n\x00\xd8\x00"

    def strange_then_fine(peer: Peer) -> bool:
        return peer.send(OK if len(server.requests) > 1 else strange)

    with serving(strange_then_fine, tmp_path) as server:
        assert talk(runner, server, read_account, retry=Retry(backoff=0)) == {"name": "pv1"}
    assert len(server.requests) == 2


@both
def test_untrusted_certificate_is_not_retried(runner: Runner, tmp_path: Path) -> None:
    """The remedy names the option, and the request is not retried."""
    with serving(lambda peer: peer.send(OK), tmp_path) as server:
        with pytest.raises(NoAnswer, match="connection_verify"):
            talk(runner, server, read_account, connection_verify=True)
        assert (server.requests, server.connections) == ([], 1)


@both
def test_certificate_check_can_be_turned_off(runner: Runner, tmp_path: Path) -> None:
    """`connection_verify=False` accepts any certificate."""
    with serving(lambda peer: peer.send(OK), tmp_path) as server:
        if runner.is_sync:
            with pytest.warns(match="Unverified HTTPS request"):
                talk(runner, server, read_account, connection_verify=False)
        else:
            talk(runner, server, read_account, connection_verify=False)


@both
def test_client_certificate_is_presented(runner: Runner, tmp_path: Path) -> None:
    """`connection_cert` is presented to a server that asks for one."""
    authority = trustme.CA()
    mine = authority.issue_cert("me")
    mine.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "me.pem"))
    mine.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    mine.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    shown: list[Any] = []

    def look(peer: Peer) -> bool:
        shown.append(peer.socket.getpeercert()["subjectAltName"])
        return peer.send(OK)

    with serving(look, tmp_path) as server:
        server._tls.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(server._tls)
        talk(runner, server, read_account, connection_cert=str(tmp_path / "me.pem"))
        both_files = (str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
        talk(runner, server, read_account, connection_cert=both_files)
        if not runner.is_sync:
            talk(runner, server, read_account, connection_cert=both_files, connection_verify=False)
    assert shown[0] == shown[1] == ((("DNS", "me"),))


@both
def test_a_netrc_file_changes_nothing(runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A netrc password for the host neither replaces the token nor leaves the machine."""
    (tmp_path / "netrc").write_text("default login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving(lambda peer: peer.send(OK), tmp_path) as server:
        talk(runner, server, read_account)
    assert MARK.encode() in server.requests[0]
    assert b"Basic" not in server.requests[0]


@both
def test_a_proxy_of_the_environment_is_used(runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client uses HTTPS_PROXY and respects NO_PROXY."""
    asked: list[bytes] = []

    def proxy(peer: Peer) -> bool:
        peer.socket.settimeout(5)
        asked.append(peer.socket.recv(1000))
        peer.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        return False

    with serving(proxy, tmp_path, tls=False) as tunnel, serving(lambda peer: peer.send(OK), tmp_path) as server:
        monkeypatch.setenv("HTTPS_PROXY", tunnel.url.replace("https", "http"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with pytest.raises(NoAnswer):
            talk(runner, server, read_account, retry=Retry(1))
        assert asked[0].startswith(b"CONNECT 127.0.0.1:")
        assert MARK.encode() not in asked[0]
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert talk(runner, server, read_account) == {"name": "pv1"}
        monkeypatch.delenv("HTTPS_PROXY")
        with pytest.raises(NoAnswer):
            talk(runner, server, read_account, retry=Retry(1), proxies={"https": tunnel.url.replace("https", "http")})
    assert len(asked) == 2


@both
def test_closing_a_client_closes_its_connections(runner: Runner, tmp_path: Path) -> None:
    """Everything that the client opened is closed with it, and no thread is left."""
    with serving(lambda peer: peer.send(OK), tmp_path) as server:
        azure = runner.azure(None, endpoint=server.url, connection_verify=server.ca_file)
        runner.flow(azure, read_account)
        if runner.is_sync:
            azure.close()
        with pytest.raises(InvalidSpec, match="was closed"):
            runner.flow(azure, read_account)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith(("purview", "loopback"))] == []


def test_connection_pools_of_a_socks_proxy_are_left_alone() -> None:
    """A proxy with its own connection class keeps it."""
    from urllib3.connectionpool import HTTPSConnectionPool

    transport = loading.load("purview_mpe._azure.transport")

    class Theirs(HTTPSConnectionPool):
        pass

    manager = SimpleNamespace(pool_classes_by_scheme={"https": Theirs})
    transport._use_our_connections(manager)
    assert manager.pool_classes_by_scheme["https"] is Theirs
