"""Flows that run beside the flow that started them, for both clients.

`Io.gather` ends with the slowest of its flows. Here the waiting flow goes on as soon as any of the others has ended, so
a request that hangs delays only its own flow. Only one thread or task starts flows and waits for them.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

from purview_mpe._azure import retrying
from purview_mpe._azure.exchange import Run, Stopped
from purview_mpe._azure.presence import SLICE, UNASKED

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

#: How long requests under way can take to end after the team is closed; then they are cut off.
_GRACE = 0.5
#: How long to wait for stopped threads: a thread that is connecting cannot be ended from outside.
_PATIENCE = 0.9


class SyncTeam:
    """Flows on threads; a thread that has finished its flow gets the next one."""

    def __init__(self, run_of: Run, transport: Any, run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        self._run = run_of
        self._transport = transport
        self._finish = run
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._master = threading.current_thread()
        self._idle: list[_Worker] = []
        self._workers: list[_Worker] = []
        self._running = 0
        self._is_awaited = False
        """Whether the master is reported as waiting for the workers."""
        self._failure: BaseException | None = None

    def start(self, flow: Coroutine[Any, Any, None]) -> None:
        """Run the flow on a thread of its own."""
        with self._lock:
            worker = self._idle.pop() if self._idle else None
            self._running += 1
        if worker is None:
            worker = _Worker(self)
            # Listed before it starts: a thread that is interrupted while it starts must be dismissed as well.
            self._workers.append(worker)
            worker.thread.start()
        self._run.presence.begin_work(worker.thread)
        worker.take(flow)

    async def wait(self, seconds: float) -> None:
        """Wait until a flow has ended, for at most `seconds` on the transport's clock."""
        self._master = threading.current_thread()
        end = self._run.now() + max(0.0, min(seconds, self._run.left()))
        while not self._news.is_set():
            self._run.check()
            if (left := end - self._run.now()) <= 0:
                return
            self._pause(left)
        self._news.clear()
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        """End all flows and threads."""
        try:
            self._run.wind_down()
            self._await_rest(_GRACE)
            if self._running:
                self._run.stop()
                self._await_rest(_PATIENCE)
        finally:
            for worker in self._workers:
                worker.dismiss()

    def work(self, flow: Coroutine[Any, Any, None]) -> None:
        """Run a flow to its end on the calling thread, and keep what it raised."""
        try:
            self._run.check()
            self._finish(flow)
        except Stopped:
            flow.close()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits for the team
            self._failure = self._failure or error
            if not isinstance(error, Exception):
                self._run.stop()  # for example, a listener has raised KeyboardInterrupt

    def ended(self, worker: _Worker) -> None:
        """Note that a worker has finished its flow."""
        with self._lock:
            self._running -= 1
            self._idle.append(worker)
            self._news.set()
            # Wake the master before `end_work` is reported, so that time does not move in between.
            self._run.presence.wake(self._master)
            if self._is_awaited:
                self._is_awaited = False
                self._run.presence.end_wait(self._master)
        self._run.presence.end_work(worker.thread)

    def _pause(self, seconds: float) -> None:
        """Let time pass until a flow has ended, for at most `seconds`."""
        if self._run.is_real:
            self._news.wait(min(SLICE, seconds))
        elif seconds < float("inf") and self._run.presence is not UNASKED:
            self._run.presence.sleep_unless(self._news, seconds)
        elif self._begin_wait():
            self._news.wait(SLICE)
        elif not self._news.is_set():
            retrying.pause(self._run, self._transport, seconds)

    def _begin_wait(self) -> bool:
        """Report the master as waiting; False if a flow has just ended, or none runs whose end could end the wait."""
        with self._lock:
            if self._news.is_set() or not self._running:
                return False
            self._is_awaited = True
            self._run.presence.begin_wait(self._master)
            return True

    def _await_rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self._running and (left := end - time.monotonic()) > 0:
            self._news.wait(min(left, SLICE))
            self._news.clear()


class _Worker:
    """One thread, and the flows that it runs one after the other."""

    def __init__(self, team: SyncTeam) -> None:
        self._team = team
        self._given: queue.SimpleQueue[tuple[contextvars.Context, Coroutine[Any, Any, None]] | None] = (
            queue.SimpleQueue()
        )
        self.thread = threading.Thread(target=self._work, name="purview-mpe", daemon=True)

    def take(self, flow: Coroutine[Any, Any, None]) -> None:
        # A copy of the context, so that spans keep their parent.
        self._given.put((contextvars.copy_context(), flow))

    def dismiss(self) -> None:
        self._given.put(None)

    def _work(self) -> None:
        while (given := self._given.get()) is not None:
            context, flow = given
            try:
                context.run(self._team.work, flow)
            finally:
                del given, context, flow
                self._team.ended(self)


class AsyncTeam:
    """Flows as tasks."""

    def __init__(self, run_of: Run, sleep: Callable[[float], Coroutine[Any, Any, None]]) -> None:
        self._run = run_of
        self._sleep = sleep
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._failure: BaseException | None = None

    def start(self, flow: Coroutine[Any, Any, None]) -> None:
        """Run the flow as a task."""
        task = asyncio.ensure_future(flow)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def wait(self, seconds: float) -> None:
        """Wait until a flow has ended, for at most `seconds` on the transport's clock."""
        seconds = max(0.0, min(seconds, self._run.left()))
        if not self._news.is_set():
            if seconds == float("inf"):
                await self._news.wait()
            else:
                await self._news_or_time(seconds)
        self._news.clear()
        if self._failure is not None:
            raise self._failure

    async def _news_or_time(self, seconds: float) -> None:
        waits: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(self._news.wait()),
            asyncio.ensure_future(self._sleep(seconds)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def close(self) -> None:
        """End all flows."""
        self._run.wind_down()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_GRACE)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._news.set()
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Stopped):
            self._failure = self._failure or error
