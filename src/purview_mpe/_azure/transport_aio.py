"""The asynchronous transport: azure-core's own over aiohttp, with six differences.

- Its pool has a connection for each request that can be under way.
- aiohttp by itself repeats an idempotent request whose kept connection turns out to be broken. The pipeline would not
  count that attempt. A client middleware, inside aiohttp's own loop, hides the failure from aiohttp.
- A certificate file is read once. azure-core reads it for every request, and aiohttp then keeps no connection, because
  it compares the TLS contexts by identity.
- An answer is read up to a limit.
- Proxies are read from the environment here: aiohttp would also read a .netrc file, in a thread, for every request, and
  fail if the file has an entry for the host.
- Closing it ends all connections at once. aiohttp leaves the connections of abandoned requests to finish their TLS
  shutdown. If the server does not answer, they wait half a minute, beyond the end of the event loop.

Imported through `loading.load` alone, because it imports azure.core and aiohttp.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import weakref
import zlib
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
from azure.core.pipeline.transport import AioHttpTransport

from purview_mpe._azure.exchange import current
from purview_mpe._azure.network import proxy_of
from purview_mpe._azure.options import LONGEST_ANSWER
from purview_mpe._wire.errors import too_long

if TYPE_CHECKING:
    from aiohttp.client_middlewares import ClientHandlerType


class AsyncPooledTransport(AioHttpTransport):  # type: ignore[misc]  # azure-core exports it lazily, and so untyped
    """azure-core's transport, with at most `size` connections."""

    def __init__(self, size: int, *, verify: bool | str = True, cert: str | tuple[str, ...] | None = None) -> None:
        base: Any = super()
        base.__init__(use_env_settings=False)
        self._size = size
        self._was_opened = False
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._security = _security(verify, cert)

    async def open(self) -> None:
        """Make the session, within the running event loop."""
        if not self._was_opened:
            self._was_opened = True
            self.session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._size, ssl=self._security, socket_factory=self._make_socket),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                middlewares=(_sent_once,),
            )
        base: Any = super()
        await base.open()

    async def close(self) -> None:
        """Close the session and all its connections."""
        base: Any = super()
        with contextlib.suppress(AttributeError):
            # aiohttp fails on a connection that is just ending (asyncio's transport has lost its protocol by then),
            # and leaves the others open. They are closed below.
            await base.close()
        for opened in list(self._sockets):
            if opened.fileno() != -1:
                with contextlib.suppress(OSError):
                    opened.shutdown(socket.SHUT_RDWR)
        # The loop notices the closed sockets in its next rounds, and releases them.
        for _ in range(5):
            await asyncio.sleep(0)

    def _make_socket(self, address: Any) -> socket.socket:
        family, kind, protocol, _, _ = address
        made = socket.socket(family, kind, protocol)
        self._sockets.add(made)
        return made

    async def send(self, request: Any, *, proxies: Any = None, **options: Any) -> Any:
        """Send a request; raises azure-core's errors."""
        if not proxies and (proxy := proxy_of(str(request.url))) is not None:
            proxies = {urlsplit(str(request.url)).scheme: proxy}
        base: Any = super()
        return await base.send(request, proxies=proxies, **options)


async def _sent_once(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
    try:
        answer = await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # aiohttp does not repeat these
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        broken = error
    else:
        setattr(answer, "content", _Bounded(answer))  # noqa: B010 - a reader of a type that is not declared
        return answer
    raise aiohttp.ClientConnectionError(str(broken) or type(broken).__name__)


class _Bounded:
    """Reads the body of an answer, and stops if it is larger than Azure ever sends, packed or unpacked."""

    #: The encodings that azure-core unpacks, with its settings for zlib.
    _PACKED = MappingProxyType({"gzip": 16 + zlib.MAX_WBITS, "deflate": -zlib.MAX_WBITS})

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self._reader = answer.content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    async def read(self) -> bytes:
        """The whole body, still packed."""
        body = bytearray()
        while piece := await self._reader.readany():
            body += piece
            if len(body) > LONGEST_ANSWER:
                raise too_long(current().attempt, self._answer.status)
        if packed := self._PACKED.get(self._answer.headers.get("Content-Encoding", "").lower()):
            with contextlib.suppress(zlib.error):  # azure-core reports that itself
                if len(zlib.decompressobj(packed).decompress(body, LONGEST_ANSWER + 1)) > LONGEST_ANSWER:
                    raise too_long(current().attempt, self._answer.status)
        return bytes(body)


def _security(verify: bool | str, cert: str | tuple[str, ...] | None) -> ssl.SSLContext | bool:
    if cert is None and isinstance(verify, bool):
        return verify
    path = verify if isinstance(verify, str) else None
    is_folder = path is not None and Path(path).is_dir()
    context = ssl.create_default_context(cafile=None if is_folder else path, capath=path if is_folder else None)
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert is not None:
        context.load_cert_chain(*((cert,) if isinstance(cert, str) else cert))
    return context
