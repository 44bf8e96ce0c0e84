"""HTTP/1.1 as the emulator speaks it: cheroot's classes, made to answer everything in Azure Resource Manager's shape.

cheroot is handed in, because it is imported only where somebody serves.
"""

from __future__ import annotations

import errno
import json
import re
import socket
import ssl
import struct
from contextlib import suppress
from http.client import responses
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.pages import refuse_pages
from purview_mpe.emulator._values.exchange import MAXIMUM_CONTENT, REASONS, ArmError, ConnectionReset, Request, Response

if TYPE_CHECKING:
    from types import ModuleType

    from purview_mpe.emulator._http.service import Service
    from purview_mpe.emulator._state.clock import Clock

HOST = "127.0.0.1"
# For how long a client may take to send what it began.
_READING = 10.0
_PIECE = 2**16
_HOST_HEADER = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.-]*)(?::\d*)?")
# cheroot's words for what it does not understand; for Azure's front door these are mistakes of the client.
_CLIENTS_MISTAKES = frozenset({"501", "505"})


class _Malformed(Exception):
    """A body that does not keep to its own framing; where it ends is not known."""


def request_class(cheroot_server: ModuleType) -> type:
    """The class that cheroot makes one object of for what it reads of each request."""

    class LenientRequest(cheroot_server.HTTPRequest):  # type: ignore[misc, name-defined]  # cheroot is imported late
        """Takes `//metadata/endpoints` for a path, as some clients send it, and not for a host and a path."""

        def __init__(self, server: Any, connection: Any) -> None:
            super().__init__(server, connection, strict_mode=False)  # pyright: ignore[reportUnknownMemberType]

        def read_request_line(self) -> bool:
            """Whether the first line is one."""
            try:
                return bool(super().read_request_line())  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            except ValueError as error:  # `//[x` is no address
                self.simple_response("400 Bad Request", f"Malformed Request-URI: {error}")
                return False

        def read_request_headers(self) -> bool:
            """Whether the headers are such as can be worked with."""
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
            """Refuse what is no HTTP, and close the connection."""
            given = str(status)[:3]
            number = 400 if given in _CLIENTS_MISTAKES else int(given)
            self.close_connection = True
            with suppress(OSError):  # who is gone needs no answer
                self.conn.wfile.write(refusal(number, msg or str(status)[4:]))

    return LenientRequest


def connection_class(cheroot_server: ModuleType) -> type:
    """The class that cheroot makes one object of for each connection."""

    class Connection(cheroot_server.HTTPConnection):  # type: ignore[misc, name-defined]  # cheroot is imported late
        """A connection of lenient requests, which a fault can break."""

        RequestHandlerClass = request_class(cheroot_server)
        is_broken = False
        is_greeted = False

        def __init__(self, server: Any, sock: Any, *rest: Any) -> None:
            sock.settimeout(_READING)
            super().__init__(server, sock, *rest)  # pyright: ignore[reportUnknownMemberType]
            server.opened.add(self)

        def communicate(self) -> bool:
            """Answer a request; gives whether there may be another.

            The TLS handshake waits until a thread has time for it: where connections are accepted, one that says
            nothing would keep all others out.
            """
            self.is_greeted = self.is_greeted or _has_greeted(self.socket)
            if not self.is_greeted:
                return False
            return bool(super().communicate())  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]

        def close(self) -> None:
            """Say farewell, or let the peer see a reset if the connection is to be broken."""
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
    """Whether the peer has agreed on TLS; one that speaks HTTP is told so."""
    try:
        connection.do_handshake()
    except ssl.SSLError as error:
        if error.reason == "HTTP_REQUEST":
            # Below TLS, because the client is there as well.
            with suppress(OSError):
                socket.socket.send(connection, refusal(400, "This address speaks HTTPS, and not HTTP."))
        return False
    except OSError:
        return False
    return True


def server_class(cheroot_server: ModuleType) -> type:
    """The class of the server, which knows its open connections."""

    class Server(cheroot_server.HTTPServer):  # type: ignore[misc, name-defined]  # cheroot is imported late
        """Knows its open connections: cheroot forgets one that changes hands while it stops."""

        # How often it looks at all connections, and how long stopping takes at most.
        expiration_interval = 0.05

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)  # pyright: ignore[reportUnknownMemberType]
            self.opened: set[Any] = set()

        def put_conn(self, conn: Any) -> None:
            """Take a connection back that may ask again."""
            try:
                super().put_conn(conn)  # pyright: ignore[reportUnknownMemberType]
            except (OSError, ValueError, KeyError):
                conn.close()  # the server stopped just now, and there is nothing left to register it with

        def close_opened(self) -> None:
            """Close every connection that is still open; called when no thread works any more."""
            for connection in list(self.opened):
                with suppress(OSError):
                    connection.close()

    return Server


def adapter_class(cheroot_ssl: ModuleType) -> type:
    """The class of the adapter that makes a TLS connection of a TCP connection."""

    class LateAdapter(cheroot_ssl.BuiltinSSLAdapter):  # type: ignore[misc, name-defined]  # cheroot is imported late
        """Leaves the handshake to the connection."""

        def wrap(self, sock: Any) -> tuple[Any, dict[str, Any]]:
            """The connection, of which nothing is known as yet."""
            return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}

    return LateAdapter


def gateway_class(cheroot_server: ModuleType, service: Service, clock: Clock) -> type:
    """The class that cheroot makes one object of for each request."""

    class Gateway(cheroot_server.Gateway):  # type: ignore[misc, name-defined]  # cheroot is imported late
        """Reads a request, lets the service answer it, writes the answer."""

        req: Any

        def respond(self) -> None:
            """Answer, or break the connection where a fault says so."""
            try:
                answer = _answered(service, clock, _read(self.req))
            except _Malformed as malformed:
                # What follows on this connection cannot be told from the rest of this body.
                self.req.close_connection = True
                answer = ArmError(
                    400, "InvalidRequestContent", f"The request content was invalid: {malformed}."
                ).response
            except ConnectionReset:
                self.req.conn.is_broken = True
                raise ConnectionResetError(errno.ECONNRESET, "broken off by a fault") from None
            except Exception as error:  # noqa: BLE001  a client must never be left without an answer
                answer = ArmError(500, "EmulatorFailed", f"The emulator has a mistake: {error!r}.").response
            _write(self.req, answer)

    return Gateway


def refusal(status: int, message: str) -> bytes:
    """A whole answer to what never became a request."""
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
        # A client that takes this for its proxy; what it wants is behind the host.
        target = "/" + rest.partition("/")[2]
    elif not target.startswith("/"):
        target = f"/{target}"
    return Request(req.method.decode("latin-1").upper(), f"https://{host}{target}", headers, _content(req))


def _content(req: Any) -> bytes:
    """The body; of one that is too large a little more than is allowed, for it is refused."""
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
