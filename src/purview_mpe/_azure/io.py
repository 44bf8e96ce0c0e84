"""The two implementations of `Io`, synchronous and asynchronous, side by side so that they can be compared.

A flow is an `async def` that awaits nothing but an `Io`. Under `AsyncIo` it runs on the caller's event loop. Under
`SyncIo` nothing ever suspends, so `run` gets its result with a single `send(None)`. This also works inside a running
event loop (a notebook), because it starts no loop of its own.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import queue
import threading
import time
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar, cast

from purview_mpe._azure import clients, retrying
from purview_mpe._azure.credentials import object_id
from purview_mpe._azure.exchange import Exchange, Run, Stopped, current, exchanging
from purview_mpe._azure.presence import SLICE, Crew, Turns, at_work, presence_of
from purview_mpe._azure.team import AsyncTeam, SyncTeam
from purview_mpe._model.authorship import values_by_the_library
from purview_mpe._model.events import Event
from purview_mpe._wire.errors import Attempt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Sequence
    from contextlib import AbstractContextManager

    from purview_mpe._flows.steps.io import Clients
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Report
    from purview_mpe._wire.operations import Operation, OperationState

__all__ = ["AsyncIo", "SyncIo", "run"]

T = TypeVar("T")

_WHO = Attempt("read the caller's identity", "the caller's own token", "Reader")

#: How long an interrupted verb waits for its threads. A thread that is connecting cannot be ended from outside. It ends
#: by itself when the connection timeout is over, and does nothing more.
_PATIENCE_WITH_THREADS = 0.9

_log = logging.getLogger("purview_mpe.verbs")
_LEVELS = {"waiting": logging.DEBUG, "warning": logging.WARNING}


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
        azure: clients.Azure,
        *,
        timeout: float | None = None,
        listener: Callable[[Event], None] | None = None,
    ) -> None:
        azure.check_open()
        self._azure = azure
        self._clients: Clients = azure
        self._listener = listener
        self._listening = Turns()
        self._run = Run(
            azure.now,
            timeout,
            is_real=azure.is_real_time,
            presence=presence_of(azure.transport),
            retrying=self.retrying,
        )
        self._began = self.now()
        #: What was done so far, for the error that an interruption raises; set by the flows that write.
        self.so_far: Callable[[], Report] | None = None

    @property
    def deadline(self) -> float | None:
        return self._run.deadline

    def interruption_behind(self, error: BaseException) -> BaseException | None:
        return self._run.interruption_behind(error)

    def pause_after(self, attempt: int, asked_for: float) -> float | None:
        return retrying.wait_after(self._azure.retry, attempt, asked_for)

    @property
    def round_trip(self) -> float:
        return self._run.round_trip

    @property
    def writes_sent(self) -> int:
        return len(self._run.writes)

    def now(self) -> float:
        return self._azure.now()

    @property
    def elapsed(self) -> float:
        return self.now() - self._began

    @property
    def portal(self) -> str:
        return self._azure.portal

    @property
    def cloud(self) -> str:
        return self._azure.cloud

    @contextmanager
    def verb(self, name: str) -> Generator[None]:
        self._run.verb = name
        with at_work(self._run.presence), clients.span(name), values_by_the_library():
            yield

    def engaged(self) -> AbstractContextManager[None]:
        return at_work(self._run.presence)

    def tell(self, event: Event) -> None:
        _log.log(
            _LEVELS.get(event.kind, logging.INFO),
            "%s",
            event.message,
            extra={
                "verb": event.verb,
                "event": event.kind,
                "factory": event.factory,
                "endpoint": event.outcome.name if event.outcome else None,
                "result": event.outcome.result if event.outcome else None,
                "request_id": event.outcome.error.request_id if event.outcome and event.outcome.error else None,
                "correlation_id": event.outcome.error.correlation_id if event.outcome and event.outcome.error else None,
                "seconds": event.seconds,
            },
        )
        if (listener := self._listener) is not None:
            # One at a time: a listener need not be thread-safe.
            self._listening.take(self._run.presence, lambda: _heard(listener, event))

    def until_room(self, method: str, resource: ArmId, count: int) -> float:
        return self._azure.until_room(method, resource, count)

    def retrying(self, message: str) -> None:
        self.tell(Event(kind="retrying", verb=self._run.verb, seconds=self.elapsed, message=message))

    def _exchange(self, attempt: Attempt, *, of_list: bool, asks: bool) -> Exchange:
        self._azure.check_open()
        return Exchange(self._run, attempt, of_list=of_list, asks=asks)

    def _meant(self, error: Exception, exchange: Exchange) -> BaseException:
        if (interruption := self._run.interruption_behind(error)) is not None:
            return clients.without_frames(interruption)
        return clients.translated(error, exchange)

    def _wait(self, seconds: float) -> float:
        return max(0.0, min(seconds, self._run.left()))


class SyncIo(_Common):
    """Threads where operations run in parallel, plain calls everywhere else."""

    at_once = clients.POOL_SIZE

    @staticmethod
    def run(flow: Coroutine[Any, Any, T]) -> T:
        """The result of a flow, in a context of its own: what an interruption leaves in it does not reach others."""
        return contextvars.copy_context().run(run, flow)

    async def call(self, attempt: Attempt, operation: Callable[[Clients], T]) -> T:
        return self._do(attempt, lambda: operation(self._clients))

    async def read(
        self, attempt: Attempt, operation: Callable[[Clients], Any], *, of_list: bool = False
    ) -> dict[str, Any]:
        def resource() -> dict[str, Any]:
            answer = operation(self._clients)
            clients.refuse_no_list(current())
            return clients.json_of(answer)

        return self._do(attempt, resource, of_list=of_list, asks=True)

    async def collect(self, attempt: Attempt, operation: Callable[[Clients], Iterable[Any]]) -> list[dict[str, Any]]:
        def pages() -> list[dict[str, Any]]:
            items: list[dict[str, Any]] = []
            listed = cast("Any", operation(self._clients)).by_page()
            visited = clients.Visited(attempt)
            for page in listed:
                clients.refuse_no_list(current())
                items.extend([clients.json_of(item) for item in page])
                visited.add(listed.continuation_token)
            return items

        return self._do(attempt, pages, of_list=True, asks=True)

    def _do(self, attempt: Attempt, operation: Callable[[], T], *, of_list: bool = False, asks: bool = False) -> T:
        exchange = self._exchange(attempt, of_list=of_list, asks=asks)
        with exchanging(exchange):
            try:
                return operation()
            except Exception as error:
                failure: BaseException = self._meant(error, exchange)
            except BaseException as interruption:
                failure = clients.without_frames(interruption)
        # Raised outside the handlers, so that the handled exception is not attached as its context.
        raise failure

    async def begin(self, attempt: Attempt, operation: Callable[[Clients], Any]) -> Operation | None:
        def begun() -> Operation | None:
            operation(self._clients)
            return current().begun

        return self._do(attempt, begun)

    async def follow(self, attempt: Attempt, operation: Operation) -> OperationState:
        return self._do(attempt, lambda: cast("OperationState", self._azure.follow(operation)))

    async def caller_id(self) -> str | None:
        return object_id(self._do(_WHO, self._azure.token).token)

    async def gather(self, flows: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
        if len(flows) <= 1:
            return [await flow for flow in flows]
        results: list[Any] = [None] * len(flows)
        failures: dict[int, BaseException] = {}
        places = count()
        # Not `Thread.join` alone: if interrupted, it reports a running thread as ended (CPython 3.11).
        ended = queue.SimpleQueue[None]()

        def work() -> None:
            try:
                while (place := next(places)) < len(flows):
                    try:
                        self._run.check()
                        results[place] = run(flows[place])
                    except Stopped:
                        return
                    except BaseException as error:
                        failures[place] = error
                        if not isinstance(error, Exception):
                            self._run.stop()  # for example, a listener has raised KeyboardInterrupt
            finally:
                crew.end(threading.current_thread())
                ended.put(None)

        threads = [
            # Each thread gets a copy of the context, so that spans keep their parent.
            threading.Thread(target=contextvars.copy_context().run, args=(work,), name="purview-mpe", daemon=True)
            for _ in range(min(len(flows), clients.POOL_SIZE))
        ]
        crew = Crew(self._run.presence, threads)
        try:
            crew.begin()
            for thread in threads:
                thread.start()
            for _ in threads:
                while not _has_come(ended, SLICE):
                    pass
            for thread in threads:
                thread.join()
        except BaseException:
            for thread in threads:
                if thread.ident is None:
                    crew.end(thread)
            self._run.stop()
            end = time.monotonic() + _PATIENCE_WITH_THREADS
            while time.monotonic() < end and any(thread.is_alive() for thread in threads):
                _has_come(ended, SLICE / 10)
            raise
        finally:
            crew.dismiss()
            for flow in flows:
                _close_unless_running(flow)
        if failures:
            raise failures[min(failures)]
        self._run.check()  # if another gather of this verb was stopped, some results are missing
        return results

    def team(self) -> SyncTeam:
        return SyncTeam(self._run, self._azure.transport, run)

    async def checkpoint(self) -> None:
        self._run.check()

    async def sleep(self, seconds: float) -> None:
        retrying.pause(self._run, self._azure.transport, self._wait(seconds))
        self._run.check()


class AsyncIo(_Common):
    """Tasks where operations run in parallel, awaits everywhere else."""

    at_once = clients.ASYNC_POOL_SIZE

    def __init__(
        self,
        azure: clients.Azure,
        *,
        timeout: float | None = None,
        listener: Callable[[Event], None] | None = None,
    ) -> None:
        super().__init__(azure, timeout=timeout, listener=listener)
        # Checked here, so that the verb fails as a whole and not each of its steps.
        azure.check_loop(asyncio.get_running_loop())

    async def call(self, attempt: Attempt, operation: Callable[[Clients], T]) -> T:
        return await self._do(attempt, lambda: cast("Awaitable[T]", operation(self._clients)))

    async def read(
        self, attempt: Attempt, operation: Callable[[Clients], Any], *, of_list: bool = False
    ) -> dict[str, Any]:
        async def resource() -> dict[str, Any]:
            answer = await operation(self._clients)
            clients.refuse_no_list(current())
            return clients.json_of(answer)

        return await self._do(attempt, resource, of_list=of_list, asks=True)

    async def collect(self, attempt: Attempt, operation: Callable[[Clients], Iterable[Any]]) -> list[dict[str, Any]]:
        async def pages() -> list[dict[str, Any]]:
            items: list[dict[str, Any]] = []
            listed = cast("Any", operation(self._clients)).by_page()
            visited = clients.Visited(attempt)
            async for page in listed:
                clients.refuse_no_list(current())
                items.extend([clients.json_of(item) async for item in page])
                visited.add(listed.continuation_token)
            return items

        return await self._do(attempt, pages, of_list=True, asks=True)

    async def _do(
        self, attempt: Attempt, operation: Callable[[], Awaitable[T]], *, of_list: bool = False, asks: bool = False
    ) -> T:
        self._azure.enter(asyncio.get_running_loop())
        exchange = self._exchange(attempt, of_list=of_list, asks=asks)
        with exchanging(exchange):
            try:
                return await operation()
            except Exception as error:
                failure: BaseException = self._meant(error, exchange)
            except BaseException as interruption:
                failure = clients.without_frames(interruption)
        raise failure

    async def begin(self, attempt: Attempt, operation: Callable[[Clients], Any]) -> Operation | None:
        async def begun() -> Operation | None:
            await operation(self._clients)
            return current().begun

        return await self._do(attempt, begun)

    async def follow(self, attempt: Attempt, operation: Operation) -> OperationState:
        return await self._do(attempt, lambda: cast("Awaitable[OperationState]", self._azure.follow(operation)))

    async def caller_id(self) -> str | None:
        return object_id((await self._do(_WHO, self._azure.token)).token)

    async def gather(self, flows: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
        # On cancellation asyncio cancels them all, and waits for all of them to end.
        tasks = [asyncio.ensure_future(flow) for flow in flows]
        await asyncio.gather(*tasks, return_exceptions=True)
        # Each task knows whether it failed; an exception may also be its return value.
        return [task.result() for task in tasks]

    def team(self) -> AsyncTeam:
        return AsyncTeam(self._run, self.sleep)

    async def checkpoint(self) -> None:
        # A task that is cancelled while it runs gets the cancellation when it next suspends. Without this step the
        # task would end as cancelled, and its return value would be lost.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            await asyncio.sleep(0)

    async def sleep(self, seconds: float) -> None:
        await self._azure.transport.sleep(self._wait(seconds))
        self._run.check()


def _heard(listener: Callable[[Event], None], event: Event) -> None:
    try:
        with values_by_the_library(False):
            listener(event)
    except Exception:
        # An error in the code that draws progress must not stop the work half-way.
        _log.exception("on_event failed, and the run goes on", extra={"verb": event.verb})


def _has_come(signals: queue.SimpleQueue[None], seconds: float) -> bool:
    """Whether a signal comes in time. `SimpleQueue` is written in C, so no interruption can leave it half-changed."""
    try:
        signals.get(timeout=seconds)
    except queue.Empty:
        return False
    return True


def _close_unless_running(flow: Coroutine[Any, Any, Any]) -> None:
    if inspect.getcoroutinestate(flow) == inspect.CORO_CREATED:
        flow.close()
