"""The synchronous transport: azure-core's own, with a larger pool, and with requests that can be ended.

Imported through `loading.load` alone, because it imports azure.core and requests.
"""

from __future__ import annotations

import _thread
import contextlib
import errno
import importlib
import math
import os
import queue
import socket
import threading
import time
from collections import deque
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseTimeoutError
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family
from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs
from urllib3.util.wait import wait_for_write

from purview_mpe._azure.exchange import current
from purview_mpe._azure.options import LONGEST_ANSWER
from purview_mpe._azure.presence import SLICE
from purview_mpe._wire.errors import too_long

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator


# azure-core imports it with the first answer, on any thread, while another thread may be importing an SDK.
with contextlib.suppress(ModuleNotFoundError):
    importlib.import_module("azure.core.rest._requests_basic")


class PooledTransport(RequestsTransport):  # type: ignore[misc]  # azure-core exports it lazily, and so untyped
    """azure-core's transport, with at most `size` requests under way at once.

    azure-core's own pool keeps 10 connections and drops the others after each request. Its timeouts apply to the next
    piece of an answer, so a server that sends a byte now and then keeps a request alive for ever. Here a request ends
    after the sum of its two timeouts.
    """

    def __init__(self, size: int, **options: Any) -> None:
        session = requests.Session()
        session.mount("https://", _Adapter(size))
        # A callable that does nothing: without it, requests replaces our token with a login from a .netrc file.
        session.auth = _unchanged
        # Not a semaphore, for the same reason as in `_Free`.
        self._slots = queue.SimpleQueue[None]()
        for _ in range(size):
            self._slots.put(None)
        base: Any = super()
        base.__init__(session=session, session_owner=True, **options)

    def send(self, request: Any, **options: Any) -> Any:
        """Send a request; raises azure-core's errors."""
        seconds = options["connection_timeout"] + options["read_timeout"]
        run, line = current().run, _Line()
        base: Any = super()
        token = _line.set(line)
        try:
            with _slot(self._slots, seconds), run.breakable(line.cut), _Limit(line, min(seconds, run.left())):
                response = base.send(request, **options)
        finally:
            _line.reset(token)
            run.check()  # an interrupted verb ignores the outcome
        if line.is_cut:
            # To the code that reads the answer, our cut looks like the end of it.
            raise ServiceResponseTimeoutError(f"The answer was not complete within {seconds:.0f} s.")
        return response


class _Line:
    """The connection that a request is using, so that other threads can cut it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: HTTPSConnection | None = None
        self._socket: socket.socket | None = None
        self._dialling: socket.socket | None = None
        self.is_cut = False

    def uses(self, connection: HTTPSConnection) -> None:
        with self._lock:
            self._connection = connection
            is_cut = self.is_cut
        if is_cut:
            raise TimeoutError("the time was over before the connection was there")

    def reads(self, opened: socket.socket | None) -> None:
        # If the answer has no length, the connection drops its socket and leaves it to the reader (http.client).
        with self._lock:
            self._socket = opened

    def dials(self, opened: socket.socket) -> None:
        # A second handle on the socket: TLS takes over the first, and gives a new one only after the handshake.
        self.has_dialled()
        with self._lock:
            self._dialling = opened.dup()
            is_cut = self.is_cut
        if is_cut:
            raise TimeoutError("the time was over before the connection was there")

    def has_dialled(self) -> None:
        with self._lock:
            dialled, self._dialling = self._dialling, None
        if dialled is not None:
            dialled.close()

    def cut(self) -> None:
        with self._lock:
            self.is_cut = True
            opened = self._dialling or self._socket or getattr(self._connection, "sock", None)
            if opened is None:
                return
            # Not the SSL socket's method of the same name: that drops its TLS state while the reader uses it.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(opened, socket.SHUT_RDWR)


_line: ContextVar[_Line] = ContextVar("purview_mpe_line")


class _Connection(HTTPSConnection):
    """A connection that registers with the request that uses it."""

    def connect(self) -> None:
        line = _line.get()
        line.uses(self)
        try:
            super().connect()
        finally:
            line.has_dialled()

    def _new_conn(self) -> socket.socket:
        # Like urllib3's own method, but the line knows the socket before it is connected. So a stopped thread ends even
        # if the host does not answer, or answers and never finishes the TLS handshake.
        try:
            return _dialled(_line.get(), self._dns_host, self.port or 443, self.timeout, self.socket_options)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"{self.host} was not reached in {self.timeout} s") from error
        except OSError as error:
            raise NewConnectionError(self, f"{self.host} was not reached: {error}") from error

    def request(self, method: str, url: str, *args: Any, **options: Any) -> None:
        line = _line.get()
        line.uses(self)
        # Here and not earlier, because urllib3 logs the address of each request.
        if (followed := current().followed) is not None:
            url = "/" + followed.signed().split("/", 3)[3]
        super().request(method, url, *args, **options)
        line.reads(self.sock)


def _dialled(line: _Line, host: str, port: int, timeout: float | None, options: Any) -> socket.socket:
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, allowed_gai_family(), socket.SOCK_STREAM):
        opened = socket.socket(family, kind, protocol)
        try:
            for option in options or ():
                opened.setsockopt(*option)
            line.dials(opened)
            _connect(line, opened, address, timeout)
        except BaseException as error:
            opened.close()
            if not isinstance(error, OSError):
                raise
            failure = error
        else:
            return opened
    raise failure


def _connect(line: _Line, opened: socket.socket, address: Any, timeout: float | None) -> None:
    """Connect, and check now and then whether the request was cut.

    Cutting a socket has no effect before its connection has begun, so only this check sees such an early cut.
    """
    end = math.inf if timeout is None else time.monotonic() + timeout
    opened.setblocking(False)
    problem = opened.connect_ex(address)
    while problem in {errno.EINPROGRESS, errno.EWOULDBLOCK}:
        left = end - time.monotonic()
        if line.is_cut or left <= 0:
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        if wait_for_write(opened, min(left, SLICE)):
            problem = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if problem:
        raise OSError(problem, os.strerror(problem))
    opened.settimeout(timeout)


class _Free(queue.LifoQueue[Any]):
    """The free connections of a pool, with the methods that urllib3 uses of a queue; nothing here waits.

    urllib3's own queue uses conditions, which are Python code: an interruption inside one can leave it locked, and then
    every later request waits for ever (measured). A deque takes each step at once. A connection that an interruption
    loses is replaced: the slots limit the requests, and not this pool.
    """

    def __init__(self, maxsize: int) -> None:  # not `super().__init__`, which makes the conditions
        self.maxsize = maxsize
        self._free: deque[Any] = deque()

    def get(self, *_: Any, **__: Any) -> Any:
        """The connection that was used last."""
        try:
            return self._free.pop()
        except IndexError:
            raise queue.Empty from None

    def put(self, item: Any, *_: Any, **__: Any) -> None:
        """Keep a connection, unless there are enough."""
        if len(self._free) >= self.maxsize:
            raise queue.Full
        self._free.append(item)

    def qsize(self) -> int:
        """The number of free connections, and of places for new ones."""
        return len(self._free)


class _Authorities:
    """The certificate authorities, read once for all connections of a pool.

    urllib3 reads them for each connection. Those of certifi take tens of milliseconds of processor time (measured).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[object, ...], ssl.SSLContext] = {}

    def lend(self, connection: Any) -> None:
        """Give a connection the TLS settings that it would make for itself, unless it has some of its own."""
        place = connection.ca_certs or connection.ca_cert_dir
        if not place or connection.cert_file or connection.ssl_context is not None:
            return
        with contextlib.suppress(OSError):  # the connection raises what is wrong with its authorities
            # A program that runs for months reads authorities that are replaced meanwhile.
            key = (connection.cert_reqs, connection.ca_certs, connection.ca_cert_dir, Path(place).stat().st_mtime_ns)
            with self._lock:
                if key not in self._known:
                    self._known = {key: self._read(connection)}
                context = self._known[key]
            connection.ssl_context, connection.ca_certs, connection.ca_cert_dir = context, None, None

    @staticmethod
    def _read(connection: Any) -> ssl.SSLContext:
        context = create_urllib3_context(cert_reqs=resolve_cert_reqs(connection.cert_reqs))
        context.load_verify_locations(connection.ca_certs, connection.ca_cert_dir)
        return context


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection  # pyright: ignore[reportAssignmentType]  # urllib3 types it as its own classes only
    QueueCls: Any = _Free

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._authorities = _Authorities()

    def _new_conn(self) -> Any:
        connection = super()._new_conn()
        if self.proxy is None:  # a proxy may be reached over TLS, too
            self._authorities.lend(connection)
        return connection


class _Adapter(HTTPAdapter):
    """requests' own adapter with our connections. It does not retry: the pipeline does, and counts the attempts."""

    def __init__(self, size: int) -> None:
        super().__init__(pool_connections=4, pool_maxsize=size, max_retries=0)

    def build_response(self, req: Any, resp: Any) -> Any:
        """The answer as urllib3 has it so far; the rest of its body is read up to a limit."""
        response = super().build_response(req, resp)
        response.raw = _Bounded(resp)
        return response

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        _use_our_connections(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*args, **options)
        _use_our_connections(manager)
        return manager


class _Bounded:
    """An answer of urllib3 that stops reading when the body is larger than Azure ever sends."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._answer, name)

    def stream(self, *args: Any, **options: Any) -> Iterator[bytes]:
        """The pieces of the body, unpacked."""
        size = 0
        for piece in self._answer.stream(*args, **options):
            size += len(piece)
            if size > LONGEST_ANSWER:
                self._answer.close()
                raise too_long(current().attempt, self._answer.status)
            yield piece


def _use_our_connections(manager: Any) -> None:
    # A manager for SOCKS proxies brings its own connections, which are kept.
    if manager.pool_classes_by_scheme["https"] is HTTPSConnectionPool:
        manager.pool_classes_by_scheme = manager.pool_classes_by_scheme | {"https": _Pool}


@contextlib.contextmanager
def _slot(slots: queue.SimpleQueue[None], seconds: float) -> Any:
    """Hold one of the slots for requests under way."""
    waited = 0.0
    while not _is_taken(slots):
        current().check()
        waited += SLICE
        if waited >= seconds:
            raise ServiceRequestTimeoutError("All connections were in use for too long.")
    try:
        current().check()
        yield
    finally:
        slots.put(None)


def _is_taken(slots: queue.SimpleQueue[None]) -> bool:
    try:
        slots.get(timeout=SLICE)
    except queue.Empty:
        return False
    return True


class _Limit:
    """Cuts the line after a timeout, from a thread that ends with the context.

    An interruption can come at any instant, even in the first and last steps of the context. If it keeps `__exit__`
    from ending the thread, `__del__` does that.
    """

    def __init__(self, line: _Line, seconds: float) -> None:
        self._line = line
        self._seconds = max(0.0, seconds)
        # Locks, because they are released in one step. An event takes several, and an interruption between them can
        # leave it locked.
        self._is_left = threading.Lock()
        self._is_left.acquire()
        self._has_ended = threading.Lock()
        self._has_ended.acquire()

    def __enter__(self) -> None:
        # Not `threading.Thread`: if it is interrupted while it waits for its thread to start, that thread can hang.
        # Nothing here refers to the limit itself, so that `__del__` runs.
        _thread.start_new_thread(_cut_after, (self._seconds, self._line, self._is_left, self._has_ended))

    def __exit__(self, *_: object) -> None:
        self._end()
        # After this, other requests use the connection, and must not be cut.
        self._has_ended.acquire()

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):  # interrupted before the lock was made
            self._end()

    def _end(self) -> None:
        with contextlib.suppress(RuntimeError):  # already released
            self._is_left.release()


def _cut_after(seconds: float, line: _Line, is_left: threading.Lock, has_ended: threading.Lock) -> None:
    try:
        if not is_left.acquire(timeout=seconds):
            line.cut()
    finally:
        has_ended.release()


def _unchanged(request: Any) -> Any:
    return request
