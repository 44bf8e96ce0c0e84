"""A server on 127.0.0.1 that misbehaves at socket level, which an in-process transport cannot."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import trustme

if TYPE_CHECKING:
    from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n" + b'{"name":"pv1"}'
#: Answers one request on an open connection; true keeps the connection.
Behaviour = Callable[["Peer"], bool]


@dataclass
class Peer:
    """One connection, as the server sees it."""

    socket: Any
    number: int
    """The number of this connection, from 1."""
    request: bytes = b""
    """The request to answer."""
    count: int = 0
    """The number of the request on this connection, from 1."""
    over: threading.Event = field(default_factory=threading.Event)

    def send(self, data: bytes) -> bool:
        self.socket.sendall(data)
        return True

    def trickle(self, data: bytes, seconds: float = 0.05) -> bool:
        """Send single bytes, until the client gives up or the test ends."""
        with contextlib.suppress(OSError):
            for byte in data:
                if self.over.wait(seconds):
                    break
                self.socket.sendall(bytes([byte]))
        return False

    def hang(self) -> bool:
        """Send no answer."""
        self.over.wait(30)
        return False


class Loopback:
    """Listens, with TLS by default, reads requests, and answers with the given behaviour."""

    def __init__(self, behaviour: Behaviour, folder: Path, *, tls: bool = True) -> None:
        self.behaviour = behaviour
        self.requests: list[bytes] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        authority = trustme.CA()
        self.ca_file = str(folder / "ca.pem")
        authority.cert_pem.write_to_path(self.ca_file)
        self._tls: ssl.SSLContext | None = None
        if tls:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1").configure_cert(self._tls)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[Any] = []
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *args: object) -> None:
        self._over.set()
        # This connection wakes the accepting thread.
        with contextlib.suppress(OSError), socket.create_connection(self._listening.getsockname(), 1):
            pass
        self._listening.close()
        for opened in self._sockets:
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _start(self, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True, name="loopback")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(OSError):
                opened, _ = self._listening.accept()
                if self._over.is_set():
                    opened.close()
                    return
                self._start(self._serve, opened)

    def _serve(self, opened: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            peer = Peer(opened, self.connections, over=self._over)
        try:
            opened.settimeout(20)
            if self._tls is not None:
                peer.socket = self._tls.wrap_socket(opened, server_side=True, do_handshake_on_connect=False)
            self._sockets.append(peer.socket)
            if self._tls is not None:
                peer.socket.do_handshake()
            elif not self.behaviour(peer):
                return
            while (request := _read(peer.socket)) is not None:
                with self._lock:
                    self.requests.append(request)
                peer.request, peer.count = request, peer.count + 1
                if not self.behaviour(peer):
                    return
        except (OSError, ssl.SSLError):
            pass
        finally:
            peer.socket.close()
            opened.close()


def _read(opened: Any) -> bytes | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = opened.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += opened.recv(65536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def serving(behaviour: Behaviour, folder: Path, *, tls: bool = True) -> Iterator[Loopback]:
    with Loopback(behaviour, folder, tls=tls) as server:
        yield server


def reset(peer: Peer) -> bool:
    """Cut the connection as a crashed server does, with a reset instead of an orderly end."""
    raw = peer.socket
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    socket.socket.close(raw)
    return False
