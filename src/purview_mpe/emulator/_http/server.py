"""The emulator on a socket: HTTPS on 127.0.0.1, for any client in any language.

Needs the extra `emulator`: trustme makes a throw-away certificate authority, cheroot serves HTTP/1.1 with
keep-alive on a pool of threads. Both are imported only when a server starts.
"""

from __future__ import annotations

import socket
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from purview_mpe.emulator._http.http import HOST, adapter_class, connection_class, gateway_class, server_class
from purview_mpe.emulator._state.clock import VirtualClock
from purview_mpe.emulator._values.problems import MissingExtra
from purview_mpe.emulator._values.public import public

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from purview_mpe.emulator._http.service import Service
    from purview_mpe.emulator._state.clock import Clock

# A delayed request holds a thread while it waits, and so does a connection that sends nothing at first.
_THREADS = 64
# How long a connection can be idle. Azure's SDKs poll every 10 or 30 s, and a connection that is closed just before
# would look like a fault.
_IDLE = 120


@public
class Server:
    """A running server; a context manager that stops it.

    While it runs, the emulator's clock runs with real time.
    """

    def __init__(
        self, service: Service, clock: Clock, described: Callable[[], dict[str, str | None]], port: int
    ) -> None:
        trustme, cheroot_server, cheroot_ssl = _packages()
        _check_free(port)
        self._stack = ExitStack()
        self._clock = clock
        self._described = described
        try:
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="purview-mpe-emulator-")))
            authority = trustme.CA(organization_name="purview-mpe emulator")
            certificate = authority.issue_cert(HOST, "localhost", "::1")
            self.ca_file = str(folder / "ca.pem")
            authority.cert_pem.write_to_path(self.ca_file)
            served = str(folder / "server.pem")
            certificate.private_key_and_cert_chain_pem.write_to_path(served)
            self._server: Any = server_class(cheroot_server)(
                (HOST, port),
                gateway_class(cheroot_server, service, clock),
                # cheroot does not add threads by itself.
                minthreads=_THREADS,
                maxthreads=_THREADS,
            )
            self._server.timeout = _IDLE
            self._server.ConnectionClass = connection_class(cheroot_server)
            self._server.ssl_adapter = adapter_class(cheroot_ssl)(served, served)
            # cheroot would log connections that clients break off, and a full pool of idle threads; both are
            # normal.
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
        return f"https://{HOST}:{self.port}"

    def announcement(self) -> dict[str, str | None]:
        """What a client needs to begin: addresses and default ids."""
        addresses = {"endpoint": self.url, "purview_endpoint": f"{self.url}/purview/{{account}}"}
        return {**addresses, "ca_file": self.ca_file, **self._described()}

    def start(self) -> Self:
        """Serve in a separate thread."""
        if isinstance(self._clock, VirtualClock):
            self._stack.enter_context(self._clock.running())
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving, and remove the certificates."""
        self._server.stop()
        self._thread.join(timeout=5)
        self._server.close_opened()
        self._stack.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *args: object) -> None:
        self.stop()


def _check_free(port: int) -> None:
    """Fail cleanly if the port is in use: cheroot leaves its socket open when it cannot bind it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))


def _packages() -> tuple[ModuleType, ModuleType, ModuleType]:
    try:
        import cheroot.server  # noqa: PLC0415  only needed to serve
        import cheroot.ssl.builtin  # noqa: PLC0415
        import trustme  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra(
            f"serving the emulator needs the package {error.name}; install it with: pip install cheroot trustme",
            name=error.name,
        ) from error
    return trustme, cheroot.server, cheroot.ssl.builtin


def _say_nothing(*_args: object, **_kwargs: object) -> None:
    """Log nothing."""
