"""The policy that keeps a client within its budget: every attempt takes a ticket, and waits if none is free.

It stands inside the retry policy, so that a repeated request takes another ticket. It stands outside the policy that
limits a request by the deadline, so that waiting does not count as a slow request. Waits use the transport's own
`sleep`, as azure-core's do. Imported through `loading.load` alone, because it imports azure.core.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from azure.core.pipeline import policies

from purview_mpe._azure.exchange import current
from purview_mpe._flows.steps.io import MOMENT, NotYet
from purview_mpe._rules.budget import Budget

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from purview_mpe._azure.exchange import Run
    from purview_mpe._rules.budget import Ticket

#: How many times a waiting request checks again, at most: with some transports, `sleep` may let no time pass.
_LOOKS = 5
_shared = Budget()
_by_clock: MutableMapping[Any, Budget] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def shared_budget(transport: Any) -> Budget:
    """The budget of clients that were not given one: one per process.

    A transport that brings its own clock (an emulator's) has its own budget, because its time is not real time.
    """
    if getattr(transport, "monotonic", time.monotonic) is time.monotonic:
        return _shared
    clock = getattr(transport, "clock", transport)
    with _lock:
        return _by_clock.setdefault(clock, Budget())


def _ticket(budget: Budget, request: Any) -> Ticket | None:
    run = current().run
    method, url = _place(request)
    if (kept := run.turns.pop((method, url), None)) is not None:
        budget.take_up(kept)
        return kept
    return budget.take(method, url, run.now())


def _place(request: Any) -> tuple[str, str]:
    return request.http_request.method, str(request.http_request.url)


def _wait(budget: Budget, ticket: Ticket, request: Any) -> float:
    """Seconds to wait now.

    Raises:
        WaitTimedOut: the wait would end after the verb's deadline.
        NotYet: the wait is so long that the flow must read the state again before the write.
    """
    exchange = current()
    wait = budget.wait(ticket, exchange.run.now())
    if wait > 0 and wait >= exchange.run.left():
        raise exchange.time_is_up(f"Azure's limits allow the request in {wait:.0f} s, and the time given ends before")
    if wait > MOMENT and exchange.changes(request.http_request.method) and not exchange.attempt.is_guarded:
        exchange.run.turns[_place(request)] = ticket
        failure = NotYet(
            f"Could not {exchange.attempt.what} yet: Azure's limits allow the request in {wait:.0f} s.",
            remedy="Repeat the call in some minutes: what is done already is kept.",
        )
        failure.retry_after = wait
        raise failure
    return wait


def _answered(budget: Budget, ticket: Ticket, response: Any) -> None:
    answer = response.http_response
    budget.answered(ticket, answer.status_code, answer.headers, current().run.now())


def _unanswered(budget: Budget, ticket: Ticket) -> None:
    budget.answered(ticket, None, {}, current().run.now())


class Pacing(policies.HTTPPolicy[Any, Any]):
    """For synchronous clients; `pause` waits on the transport's clock."""

    def __init__(self, budget: Budget, pause: Callable[[Run, Any, float], None]) -> None:
        super().__init__()
        self._budget = budget
        self._pause = pause

    def send(self, request: Any) -> Any:
        """Wait for a token, then send."""
        if (ticket := _ticket(self._budget, request)) is None:
            return self.next.send(request)
        try:
            for _ in range(_LOOKS):
                if not (wait := _wait(self._budget, ticket, request)):
                    break
                self._pause(current().run, request.context.transport, wait)
                current().run.check()
        except NotYet:
            self._budget.set_aside(ticket)
            raise
        except BaseException:
            self._budget.give_back(ticket)
            raise
        try:
            response = self.next.send(request)
        except BaseException:
            _unanswered(self._budget, ticket)
            raise
        _answered(self._budget, ticket, response)
        return response


class AsyncPacing(policies.AsyncHTTPPolicy[Any, Any]):
    """For asynchronous clients."""

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._budget = budget

    async def send(self, request: Any) -> Any:
        """Wait for a token, then send."""
        if (ticket := _ticket(self._budget, request)) is None:
            return await self.next.send(request)
        try:
            for _ in range(_LOOKS):
                if not (wait := _wait(self._budget, ticket, request)):
                    break
                await request.context.transport.sleep(wait)
                current().run.check()
        except NotYet:
            self._budget.set_aside(ticket)
            raise
        except BaseException:
            self._budget.give_back(ticket)
            raise
        try:
            response = await self.next.send(request)
        except BaseException:
            _unanswered(self._budget, ticket)
            raise
        _answered(self._budget, ticket, response)
        return response
