"""The emulator as azure-core transports, sync and async; no other module here imports an Azure SDK."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from azure.core.exceptions import (
    HttpResponseError,
    ResponseNotReadError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import AsyncHttpTransport, HttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest, HttpResponse
from azure.core.utils import case_insensitive_dict

from purview_mpe.emulator._state.clock import VirtualClock, sleep_on
from purview_mpe.emulator._values.exchange import REASONS, ConnectionReset, Request, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, MutableMapping
    from threading import Event, Thread
    from types import TracebackType

    from purview_mpe.emulator._http.service import Service
    from purview_mpe.emulator._state.clock import Clock

# azure-core's default, for a client that sets no timeout.
_DEFAULT_READ_TIMEOUT = 300.0


class _Answer:
    """The common part of sync and async responses."""

    def __init__(self, request: HttpRequest, response: Response, *, is_stream: bool = False) -> None:
        self._request = request
        # As on a real connection, the body of a streamed answer is not available before it is read.
        self._is_read = not is_stream
        self._status = response.status
        self._headers = case_insensitive_dict(response.headers)
        self._content = response.encoded()
        self._encoding: str | None = None
        self._headers.setdefault("Content-Length", str(len(self._content)))

    @property
    def request(self) -> HttpRequest:
        return self._request

    @property
    def status_code(self) -> int:
        return self._status

    @property
    def headers(self) -> MutableMapping[str, str]:
        return self._headers

    @property
    def reason(self) -> str:
        return REASONS.get(self._status, "Unknown")

    @property
    def content_type(self) -> str | None:
        return self._headers.get("Content-Type")

    @property
    def is_closed(self) -> bool:
        """Always: the whole answer is here."""
        return True

    @property
    def is_stream_consumed(self) -> bool:
        """Always: the whole answer is here."""
        return True

    @property
    def encoding(self) -> str | None:
        return self._encoding

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._encoding = value

    @property
    def url(self) -> str:
        return self._request.url

    @property
    def content(self) -> bytes:
        if not self._is_read:
            raise ResponseNotReadError(self)
        return self._content

    def text(self, encoding: str | None = None) -> str:
        return self.content.decode(encoding or self._encoding or "utf-8-sig", errors="replace")

    def json(self) -> Any:
        return json.loads(self.text())

    def raise_for_status(self) -> None:
        if self._status >= 400:
            raise HttpResponseError(response=self)  # pyright: ignore[reportArgumentType]  mixed into a response below


class EmulatorResponse(_Answer, HttpResponse):
    """An answer for sync clients."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is open."""

    def read(self) -> bytes:
        """The body."""
        self._is_read = True
        return self._content

    def iter_raw(self, **_kwargs: Any) -> Iterator[bytes]:
        """The body, in one piece."""
        yield self._content

    def iter_bytes(self, **_kwargs: Any) -> Iterator[bytes]:
        """The body, in one piece."""
        yield self._content


class AsyncEmulatorResponse(_Answer, AsyncHttpResponse):
    """An answer for async clients."""

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Nothing is open."""

    async def read(self) -> bytes:
        """The body."""
        self._is_read = True
        return self._content

    async def iter_raw(self, **_kwargs: Any) -> AsyncIterator[bytes]:
        """The body, in one piece."""
        yield self._content

    async def iter_bytes(self, **_kwargs: Any) -> AsyncIterator[bytes]:
        """The body, in one piece."""
        yield self._content


class _OnClock:
    """The common part of both transports: reports threads to the clock, for clients that support it."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service = service
        self._clock = clock

    def monotonic(self) -> float:
        """The emulator's time in seconds, for clients that measure how long something took."""
        return self._clock.now()

    def begin_work(self, thread: Thread) -> None:
        """From now on, let no time pass while the thread works; see `VirtualClock.begin_work`."""
        if isinstance(self._clock, VirtualClock):
            self._clock.begin_work(thread)

    def end_work(self, thread: Thread) -> None:
        """The thread has finished its work."""
        if isinstance(self._clock, VirtualClock):
            self._clock.end_work(thread)

    def begin_wait(self, thread: Thread) -> None:
        """The thread begins to wait for another thread."""
        if isinstance(self._clock, VirtualClock):
            self._clock.begin_wait(thread)

    def end_wait(self, thread: Thread) -> None:
        """The thread stops waiting."""
        if isinstance(self._clock, VirtualClock):
            self._clock.end_wait(thread)

    def sleep_unless(self, event: Event, duration: float) -> None:
        """Let time pass for the calling thread, until another thread has set the event and woken it."""
        if isinstance(self._clock, VirtualClock):
            self._clock.sleep(duration, unless=event)
        else:
            self._clock.sleep(duration)

    def wake(self, thread: Thread) -> None:
        """End the sleep of a thread in `sleep_unless`."""
        if isinstance(self._clock, VirtualClock):
            self._clock.wake(thread)


class EmulatorTransport(_OnClock, HttpTransport[HttpRequest, HttpResponse]):
    """Passes a sync client's requests to the emulator; its sleeps move the emulator's clock."""

    def send(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Answer a request, or fail as a broken connection fails in azure-core's own transports."""
        ticket = self._service.begin(_read(request))
        wait, timed_out = _wait(ticket.delay, kwargs)
        if wait:
            self._clock.sleep(wait)
        try:
            answer = self._service.finish(ticket)
        except ConnectionReset as reset:
            raise _broken(reset) from None
        if timed_out:
            raise ServiceResponseTimeoutError("Read timed out.")
        return EmulatorResponse(request, answer, is_stream=bool(kwargs.get("stream")))

    def open(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""

    def sleep(self, duration: float) -> None:
        """Let time pass on the emulator's clock."""
        self._clock.sleep(duration)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()


class AsyncEmulatorTransport(_OnClock, AsyncHttpTransport[HttpRequest, AsyncHttpResponse]):
    """Passes an async client's requests to the emulator; its sleeps move the emulator's clock."""

    async def send(self, request: HttpRequest, **kwargs: Any) -> AsyncHttpResponse:
        """Answer a request, or fail as a broken connection fails in azure-core's own transports."""
        ticket = self._service.begin(_read(request))
        wait, timed_out = _wait(ticket.delay, kwargs)
        if wait:
            await sleep_on(self._clock, wait)
        try:
            answer = self._service.finish(ticket)
        except ConnectionReset as reset:
            raise _broken(reset) from None
        if timed_out:
            raise ServiceResponseTimeoutError("Read timed out.")
        return AsyncEmulatorResponse(request, answer, is_stream=bool(kwargs.get("stream")))

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def sleep(self, duration: float) -> None:
        """Let time pass on the emulator's clock."""
        await sleep_on(self._clock, duration)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.close()


def _read(request: HttpRequest) -> Request:
    content = request.content
    if isinstance(content, str):
        content = content.encode()
    headers = {key.lower(): str(value) for key, value in request.headers.items()}
    return Request(request.method.upper(), request.url, headers, content if isinstance(content, bytes) else b"")


def _wait(delay: float, kwargs: dict[str, Any]) -> tuple[float, bool]:
    """How long the client waits, and whether its timeout is over by then."""
    timeout = kwargs.get("read_timeout", _DEFAULT_READ_TIMEOUT)
    if timeout is not None and delay > timeout:
        return float(timeout), True
    return delay, False


def _broken(reset: ConnectionReset) -> ServiceRequestError | ServiceResponseError:
    text = reset.why or "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))"
    if reset.delivered:
        return ServiceResponseError(text)
    return ServiceRequestError(text)
