"""The two colours of the outside world, one under the other so that they can be compared by eye.

A flow is an `async def` that awaits nothing but an `Io`. Under `AsyncIo` it runs on the caller's event loop. Under
`SyncIo` nothing ever suspends, so `run` gets its result with a single `send(None)`: inside a running event loop (a
notebook) too, because none is started.
"""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar, cast

from purview_mpe import _azure
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from purview_mpe._events import Event
    from purview_mpe._flows.io import Clients
    from purview_mpe._wire_errors import Attempt

T = TypeVar("T")

#: How many requests one verb has under way at once in the synchronous colour; the connection pool is as large.
CONCURRENCY = _azure.POOL_SIZE


def run(flow: Coroutine[Any, Any, T]) -> T:
    """The result of a flow whose `Io` never suspends."""
    try:
        flow.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    flow.close()
    raise RuntimeError("a flow suspended under SyncIo: it awaited something other than its Io")


class _Common:
    def __init__(
        self,
        azure: _azure.Azure,
        *,
        timeout: float | None = None,
        listener: Callable[[Event], None] | None = None,
    ) -> None:
        self._azure = azure
        self._clients = cast("Clients", azure)
        self._listener = listener
        self.deadline = None if timeout is None else self.now() + timeout

    def now(self) -> float:
        return self._azure.now()

    @property
    def portal(self) -> str:
        return self._azure.portal

    def tell(self, event: Event) -> None:
        if self._listener is not None:
            self._listener(event)

    def _wait(self, seconds: float) -> float:
        return seconds if self.deadline is None else max(0.0, min(seconds, self.deadline - self.now()))


class SyncIo(_Common):
    """Threads where things run together, plain calls everywhere else."""

    async def call(self, attempt: Attempt, operation: Callable[[Clients], T]) -> T:
        with _azure.within(self.deadline):
            try:
                return operation(self._clients)
            except Exception as error:
                failure = _azure.translated(error, attempt)
        raise failure

    async def collect(self, attempt: Attempt, operation: Callable[[Clients], Iterable[Any]]) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        with _azure.within(self.deadline):
            try:
                pages = cast("Any", operation(self._clients)).by_page()
                visited = _azure.Visited(attempt)
                for page in pages:
                    items.extend([item.as_dict() for item in page])
                    visited.add(pages.continuation_token)
            except Exception as error:
                failure = _azure.translated(error, attempt)
            else:
                return items
        raise failure

    async def gather(self, flows: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
        if len(flows) == 1:
            return [await flows[0]]
        with ThreadPoolExecutor(
            max_workers=min(len(flows) or 1, CONCURRENCY), thread_name_prefix="purview-mpe"
        ) as pool:
            futures = [pool.submit(contextvars.copy_context().run, run, flow) for flow in flows]
        return [future.result() for future in futures]

    async def sleep(self, seconds: float) -> None:
        self._azure.transport.sleep(self._wait(seconds))


class AsyncIo(_Common):
    """Tasks where things run together, awaits everywhere else."""

    async def call(self, attempt: Attempt, operation: Callable[[Clients], T]) -> T:
        with _azure.within(self.deadline):
            try:
                return cast("T", await cast("Any", operation(self._clients)))
            except Exception as error:
                failure = _azure.translated(error, attempt)
        raise failure

    async def collect(self, attempt: Attempt, operation: Callable[[Clients], Iterable[Any]]) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        with _azure.within(self.deadline):
            try:
                pages = cast("Any", operation(self._clients)).by_page()
                visited = _azure.Visited(attempt)
                async for page in pages:
                    items.extend([item.as_dict() async for item in page])
                    visited.add(pages.continuation_token)
            except Exception as error:
                failure = _azure.translated(error, attempt)
            else:
                return items
        raise failure

    async def gather(self, flows: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
        results = await asyncio.gather(*flows, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return cast("list[T]", results)

    async def sleep(self, seconds: float) -> None:
        await self._azure.transport.sleep(self._wait(seconds))


__all__ = ["AsyncIo", "PurviewMpeError", "SyncIo", "run"]
