"""HTTP/1.1 for the emulator: cheroot's classes, changed to answer everything in Azure Resource Manager's shape.

cheroot is passed in as an argument, because it is imported only to serve.
"""

from __future__ import annotations

import errno
import json
import re
import socket
import ssl
import struct
import time
from contextlib import suppress
from http.client import responses
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.deadline import reader_class
from purview_mpe.emulator._http.pages import refuse_pages
from purview_mpe.emulator._values.exchange import MAXIMUM_CONTENT, REASONS, ArmError, ConnectionReset, Request, Response

if TYPE_CHECKING:
    from types import ModuleType

    from purview_mpe.emulator._http.service import Service
    from purview_mpe.emulator._state.clock import Clock

HOST = "127.0.0.1"
# How long a client can take to send a request that it has begun.
_READING = 10.0
_PIECE = 2**16
_HOST_HEADER = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.-]*)(?::\d*)?")
# cheroot's statuses for requests that it does not understand; Azure's front door treats these as client errors.
_CLIENTS_MISTAKES = frozenset({"501", "505"})


class _Malformed(Exception):
    """A body that violates its own framing, so its end is unknown."""


def request_class(cheroot_server: ModuleType) -> type:
    """The class that cheroot instantiates for each request that it reads."""

    class LenientRequest(cheroot_server.HTTPRequest):  # type: ignore[misc, name-defined]  # cheroot is imported late
        """Reads `//metadata/endpoints`, which some clients send, as a path and not as a host and a path."""

        def __init__(self, server: Any, connection: Any) -> None:
            super().__init__(server, connection, strict_mode=False)  # pyright: ignore[reportUnknownMemberType]

        def read_request_line(self) -> bool:
            """Whether the first line is a valid request line."""
            try:
                return bool(super().read_request_line())  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            except ValueError as error:  # `//[x` is not an address
                self.simple_response("400 Bad Request", f"Malformed Request-URI: {error}")
                return False

        def read_request_headers(self) -> bool:
            """Whether the headers are usable."""
            if not super().read_request_headers():  # pyright: ignore[reportUnknownMemberType]
                return False
            host = self.inheaders.get(b"Host", b"").decode("latin-1").strip()
            if int(self.inheaders.get(b"Content-Length", 0)) < 0:
                self.simple_response("400 Bad Request", "Malformed Content-Length Header.")
            elif not _HOST_HEADER.fullmatch(host):
                self.simple_response("400 Bad Request", "Invalid Hostname.")
            else:
                return True
            return False

        def simple_response(self, status: str, msg: str = "") -> None:
            """Refuse a request that is not HTTP, and close the connection."""
            given = str(status)[:3]
            number = 400 if given in _CLIENTS_MISTAKES else int(given)
            self.close_connection = True
            with suppress(OSError):  # a client that has disconnected needs no answer
                self.conn.wfile.write(refusal(number, msg or str(status)[4:]))

    return LenientRequest


def connection_class(cheroot_server: ModuleType) -> type:
    """The class that cheroot instantiates for each connection."""
    reader: Any = reader_class()

    class Connection(cheroot_server.HTTPConnection):  # type: ignore[misc, name-defined]  # cheroot is imported late
        """A connection of lenient requests, which a fault can break."""

        RequestHandlerClass = request_class(cheroot_server)
        is_broken = False
        is_greeted = False
        rfile: Any

        def __init__(self, server: Any, sock: Any, *rest: Any) -> None:
            sock.settimeout(_READING)
            super().__init__(server, sock, *rest)  # pyright: ignore[reportUnknownMemberType]
            self.rfile.close()
            self.rfile = reader(sock, self.rbufsize)
            server.opened.add(self)

        def communicate(self) -> bool:
            """Answer a request; gives whether another may follow.

            The TLS handshake waits until a worker thread is free. If it ran where connections are accepted, a silent
            connection would block all others.
            """
            self.is_greeted = self.is_greeted or _has_greeted(self.socket)
            if not self.is_greeted:
                return False
            self.rfile.raw.until = time.monotonic() + _READING
            return bool(super().communicate())  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]

        def close(self) -> None:
            """Close the connection, or reset it if a fault breaks it."""
            self.server.opened.discard(self)
            if not self.is_broken:
                super().close()  # pyright: ignore[reportUnknownMemberType]
                return
            self.rfile.close()
            self.wfile.close()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()

    return Connection


def _has_greeted(connection: Any) -> bool:
    """Whether the TLS handshake succeeded; a peer that speaks plain HTTP gets an answer that says so."""
    try:
        connection.do_handshake()
    except ssl.SSLError as error:
        if error.reason == "HTTP_REQUEST":
            # Sent without TLS, because the client does not use it either.
            with suppress(OSError):
                socket.socket.send(connection, refusal(400, "This address speaks HTTPS, and not HTTP."))
        return False
    except OSError:
        return False
    return True


def server_class(cheroot_server: ModuleType) -> type:
    """The class of the server, which keeps track of its open connections."""

    class Server(cheroot_server.HTTPServer):  # type: ignore[misc, name-defined]  # cheroot is imported late
        """Keeps track of its open connections: cheroot loses one that changes threads while the server stops."""

        # How often it checks all connections, and how long stopping takes at most.
        expiration_interval = 0.05

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)  # pyright: ignore[reportUnknownMemberType]
            self.opened: set[Any] = set()

        def put_conn(self, conn: Any) -> None:
            """Take back a connection that may send another request."""
            try:
                super().put_conn(conn)  # pyright: ignore[reportUnknownMemberType]
            except (OSError, ValueError, KeyError):
                conn.close()  # the server has just stopped, so the connection cannot be registered any more

        def close_opened(self) -> None:
            """Close every connection that is still open; called when no thread works any more."""
            for connection in list(self.opened):
                with suppress(OSError):
                    connection.close()

    return Server


def adapter_class(cheroot_ssl: ModuleType) -> type:
    """The class of the adapter that turns a TCP connection into a TLS connection."""

    class LateAdapter(cheroot_ssl.BuiltinSSLAdapter):  # type: ignore[misc, name-defined]  # cheroot is imported late
        """Leaves the handshake to the connection."""

        def wrap(self, sock: Any) -> tuple[Any, dict[str, Any]]:
            """The connection, before its handshake."""
            return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}

    return LateAdapter


def gateway_class(cheroot_server: ModuleType, service: Service, clock: Clock) -> type:
    """The class that cheroot instantiates for each request."""

    class Gateway(cheroot_server.Gateway):  # type: ignore[misc, name-defined]  # cheroot is imported late
        """Reads a request, lets the service answer it, writes the answer."""

        req: Any

        def respond(self) -> None:
            """Answer, or break the connection if a fault says so."""
            try:
                answer = _answered(service, clock, _read(self.req))
            except _Malformed as malformed:
                # The next request on this connection cannot be distinguished from the rest of this body.
                self.req.close_connection = True
                answer = ArmError(
                    400, "InvalidRequestContent", f"The request content was invalid: {malformed}."
                ).response
            except ConnectionReset:
                self.req.conn.is_broken = True
                raise ConnectionResetError(errno.ECONNRESET, "broken off by a fault") from None
            except Exception as error:  # noqa: BLE001  a client must always get an answer
                answer = ArmError(500, "EmulatorFailed", f"The emulator has a mistake: {error!r}.").response
            _write(self.req, answer)

    return Gateway


def refusal(status: int, message: str) -> bytes:
    """A complete answer to something that is not a request."""
    reason = REASONS.get(status) or responses.get(status, "Unknown")
    code = "InternalServerError" if status >= 500 else "".join(reason.title().split())
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("latin-1") + body


def _answered(service: Service, clock: Clock, request: Request) -> Response:
    try:
        refuse_pages(request)
    except ArmError as refused:
        return refused.response
    ticket = service.begin(request)
    if ticket.delay:
        clock.sleep(ticket.delay)
    return service.finish(ticket)


def _read(req: Any) -> Request:
    headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in req.inheaders.items()}
    host, target = headers.get("host") or HOST, req.uri.decode("latin-1")
    scheme, _, rest = target.partition("://")
    if scheme.casefold() in {"http", "https"}:
        # The client uses this server as its proxy; the path follows the host.
        target = "/" + rest.partition("/")[2]
    elif not target.startswith("/"):
        target = f"/{target}"
    return Request(req.method.decode("latin-1").upper(), f"https://{host}{target}", headers, _content(req))


def _content(req: Any) -> bytes:
    """The body; if it is too large, only slightly more than allowed, because it is refused anyway."""
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := req.rfile.read(_PIECE):
            size += len(piece)
            if size <= MAXIMUM_CONTENT + _PIECE:
                pieces.append(piece)
    except ValueError as error:
        raise _Malformed(str(error)) from None
    if getattr(req.rfile, "remaining", 0):
        raise _Malformed("it ends before its Content-Length")
    return b"".join(pieces)


def _write(req: Any, answer: Response) -> None:
    content = answer.encoded()
    req.status = f"{answer.status} {REASONS.get(answer.status, 'Unknown')}".encode("latin-1")
    req.outheaders = [
        (name.encode("latin-1"), value.encode("latin-1", errors="replace")) for name, value in answer.headers.items()
    ]
    has_body = answer.status not in {204, 304}
    if has_body:
        req.outheaders.append((b"Content-Length", str(len(content)).encode("latin-1")))
    req.sent_headers = True
    req.send_headers()
    if has_body:
        req.write(content)
