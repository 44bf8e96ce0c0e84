"""The emulator on a socket: HTTPS on 127.0.0.1, for any client in any language.

Needs the extra `emulator`: trustme makes a throw-away certificate authority, cheroot serves HTTP/1.1 with
keep-alive on a pool of threads. Nothing of either is imported before somebody serves.
"""

from __future__ import annotations

import errno
import socket
import struct
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from purview_mpe.emulator._clock import VirtualClock
from purview_mpe.emulator._exchange import REASONS, ArmError, ConnectionReset, Request, Response

if TYPE_CHECKING:
    from types import ModuleType

    from purview_mpe.emulator._clock import Clock
    from purview_mpe.emulator._emulator import Emulator
    from purview_mpe.emulator._service import Service

_HOST = "127.0.0.1"
# A request that is told to wait holds a thread meanwhile.
_THREADS = 32


class MissingExtra(ImportError):
    """A package of the extra `emulator` is not installed; the message says how to install it."""


class Server:
    """A running server; a context manager that stops it.

    While it runs, the emulator's clock runs with real time.
    """

    def __init__(self, emulator: Emulator, service: Service, port: int) -> None:
        trustme, cheroot_server, cheroot_ssl = _packages()
        _check_free(port)
        self._stack = ExitStack()
        self._emulator = emulator
        try:
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="purview-mpe-emulator-")))
            authority = trustme.CA(organization_name="purview-mpe emulator")
            certificate = authority.issue_cert(_HOST, "localhost", "::1")
            self.ca_file = str(folder / "ca.pem")
            authority.cert_pem.write_to_path(self.ca_file)
            served = str(folder / "server.pem")
            certificate.private_key_and_cert_chain_pem.write_to_path(served)
            self._server: Any = cheroot_server.HTTPServer(
                (_HOST, port),
                _gateway(cheroot_server, service, emulator.clock),
                minthreads=4,
                maxthreads=_THREADS,
            )
            self._server.ConnectionClass = _connection(cheroot_server)
            self._server.ssl_adapter = cheroot_ssl.BuiltinSSLAdapter(served, served)
            # A client that breaks a connection off is no news, and a full pool of idle ones is the usual
            # state.
            self._server.error_log = _say_nothing
            self._server.keep_alive_conn_limit = 1000
            self._server.shutdown_timeout = 1
            self._server.prepare()
        except BaseException:
            self._stack.close()
            raise
        self.port = int(self._server.bind_addr[1])
        self._thread = threading.Thread(target=self._server.serve, name="purview-mpe-emulator", daemon=True)

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"https://{_HOST}:{self.port}"

    def announcement(self) -> dict[str, str | None]:
        """What a client must know to begin: addresses and default ids."""
        factory, account = self._emulator.default_factory, self._emulator.default_account
        return {
            "endpoint": self.url,
            "ca_file": self.ca_file,
            "subscription": self._emulator.subscription,
            "tenant": self._emulator.tenant,
            "factory": str(factory) if factory else None,
            "account": str(account) if account else None,
        }

    def start(self) -> Self:
        """Serve in a thread of its own."""
        if isinstance(self._emulator.clock, VirtualClock):
            self._stack.enter_context(self._emulator.clock.running())
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving, and remove the certificates."""
        self._server.stop()
        self._thread.join(timeout=5)
        self._stack.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *args: object) -> None:
        self.stop()


def _check_free(port: int) -> None:
    """Fail cleanly on a taken port: cheroot leaves its socket open when it cannot bind it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((_HOST, port))


def _packages() -> tuple[ModuleType, ModuleType, ModuleType]:
    try:
        import cheroot.server  # noqa: PLC0415  only who serves needs it
        import cheroot.ssl.builtin  # noqa: PLC0415
        import trustme  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra(
            f"serving the emulator needs the package {error.name}; "
            "install it with: pip install 'purview-mpe[emulator]'",
            name=error.name,
        ) from error
    return trustme, cheroot.server, cheroot.ssl.builtin


def _connection(cheroot_server: Any) -> type:
    """The class that cheroot makes one object of for each connection."""

    class LenientRequest(cheroot_server.HTTPRequest):  # type: ignore[misc]  # cheroot is imported late
        """Takes `//metadata/endpoints` for a path, as some clients send it, and not for a host and a path."""

        def __init__(self, server: Any, connection: Any) -> None:
            super().__init__(server, connection, strict_mode=False)  # pyright: ignore[reportUnknownMemberType]

    class Connection(cheroot_server.HTTPConnection):  # type: ignore[misc]  # cheroot is imported late
        """A connection of lenient requests, which a fault can break."""

        RequestHandlerClass = LenientRequest
        is_broken = False

        def close(self) -> None:
            """Say farewell, or let the peer see a reset if the connection is to be broken."""
            if not self.is_broken:
                super().close()  # pyright: ignore[reportUnknownMemberType]
                return
            self.rfile.close()
            self.wfile.close()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()

    return Connection


def _gateway(cheroot_server: Any, service: Service, clock: Clock) -> type:
    """The class that cheroot makes one object of for each request."""

    class Gateway(cheroot_server.Gateway):  # type: ignore[misc]  # cheroot is imported late, so its class is Any
        """Reads a request, lets the service answer it, writes the answer."""

        req: Any

        def respond(self) -> None:
            """Answer, or break the connection where a fault says so."""
            request = _read(self.req)
            ticket = service.begin(request)
            if ticket.delay:
                clock.sleep(ticket.delay)
            try:
                answer = service.finish(ticket)
            except ConnectionReset:
                self.req.conn.is_broken = True
                raise ConnectionResetError(errno.ECONNRESET, "broken off by a fault") from None
            except Exception as error:  # noqa: BLE001  a client must never be left without an answer
                answer = ArmError(500, "EmulatorFailed", f"The emulator has a mistake: {error!r}.").response
            _write(self.req, answer)

    return Gateway


def _read(req: Any) -> Request:
    headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in req.inheaders.items()}
    host = headers.get("host") or _HOST
    url = f"https://{host}{req.uri.decode('latin-1')}"
    return Request(req.method.decode("latin-1").upper(), url, headers, req.rfile.read() or b"")


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


def _say_nothing(*_args: object, **_kwargs: object) -> None:
    """Log nothing."""
