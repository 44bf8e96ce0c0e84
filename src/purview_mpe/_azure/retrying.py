"""When a request is repeated, within a limited number of attempts.

Only failures that may pass are retried: 408, 429, 5xx, broken connections, and answers to reads that are cut off or
are not the requested list. Waits have jitter, and `Retry-After` is honoured up to a limit.

A request that changes something is sent once. The flow decides whether to send it again, and reads the state first:
the answer may have been lost, and the state may have changed during a wait.

Imported through `loading.load` alone, because it imports azure.core.
"""

from __future__ import annotations

import json
import random
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline.policies import AsyncHTTPPolicy, HTTPPolicy
from azure.core.pipeline.transport import HttpTransport

from purview_mpe._azure.exchange import current
from purview_mpe._azure.network import has_bad_certificate
from purview_mpe._model.retry import pause_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._azure.exchange import Run
    from purview_mpe._model.retry import Retry

#: Server errors that a retry cannot fix.
_PERMANENT = frozenset({501, 505})
_MAY_LEAVE_OUT_VALUE = ("storage", "eventhub", "authorization")


class _Patience:
    """Whether to retry an exchange, and after how long."""

    def __init__(self, retry: Retry) -> None:
        super().__init__()
        self._retry = retry

    def after(self, attempt: int, request: Any, response: Any, broken: Exception | None) -> float | None:
        """Seconds to wait before the next attempt; None if this answer, or this failure, is final."""
        exchange = current()
        exchange.retry_after = None
        if broken is not None:
            most = exchange.attempt.max_broken
            if not _is_broken(broken) or (most is not None and attempt >= most):
                return None
            return self._wait(attempt, request, type(broken).__name__)
        status = response.http_response.status_code
        # An operation that is over may answer nothing at all.
        if status == 200 and exchange.followed is None and _is_garbled(response):
            return self._wait(attempt, request, "its answer was not JSON")
        exchange.is_no_list = exchange.of_list and status == 200 and not _is_list(response)
        if exchange.is_no_list:
            return self._wait(attempt, request, "its answer was not a list")
        if status not in {408, 429} and (status < 500 or status in _PERMANENT):
            return None
        return self._wait(attempt, request, f"it answered {status}", self._asked_for(response.http_response.headers))

    def _wait(self, attempt: int, request: Any, why: str, asked_for: float = 0.0) -> float | None:
        exchange = current()
        exchange.retry_after = min(self._retry.ceiling, asked_for)
        if exchange.changes(request.http_request.method):
            return None
        wait = wait_after(self._retry, attempt, asked_for)
        if wait is None or wait >= exchange.run.left():
            return None
        exchange.run.retrying(
            f"Trying again in {wait:.1f} s to {exchange.attempt.what}: {why} (attempt {attempt} of "
            f"{self._retry.attempts})"
        )
        return wait

    def _asked_for(self, headers: Mapping[str, str]) -> float:
        """Seconds that the answer asks to wait; 0 if it does not say."""
        said = headers.get("Retry-After")
        if said is None:
            return 0.0
        try:
            seconds = float(said)
        except ValueError:
            seconds = _until(said, headers.get("Date"))
        # This comparison is false for NaN, too. For zero, a past date or nonsense, our own backoff applies.
        return seconds if seconds > 0 else 0.0


def _until(moment: str, now: str | None) -> float:
    """Seconds until a date by the server's clock, which may differ from the local one."""
    try:
        return (parsedate_to_datetime(moment) - parsedate_to_datetime(now or "")).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _is_garbled(response: Any) -> bool:
    """Whether the answer to a read is not complete JSON: cut off on the way, or sent by a proxy.

    Only reads are repeated for this; after a write, the flows read what was done.
    """
    if response.http_request.method != "GET":
        return False
    try:
        body = response.http_response.text().strip()
    except Exception:  # noqa: BLE001 - a body that cannot be decoded is not JSON either
        return True
    return not (body.startswith("{") and body.endswith("}"))


def _is_list(response: Any) -> bool:
    """Whether the answer is a page of a list: an object with an array `value`.

    Data Factory and Purview always send the array (spec). The SDKs read an object without it as an empty list (SDK
    source), and a flow would conclude, say, that endpoints are gone. Storage, Event Hubs and Authorization may omit it
    (spec), so an empty object from them is an empty list.
    """
    try:
        page = json.loads(response.http_response.text())
    except (ValueError, RecursionError):
        return False
    if not page:
        path = urlsplit(str(response.http_request.url)).path.casefold()
        return any(f"/providers/microsoft.{name}/" in path for name in _MAY_LEAVE_OUT_VALUE)
    return isinstance(page, dict) and isinstance(cast("dict[str, object]", page).get("value"), list)


def _is_broken(error: Exception) -> bool:
    """Whether the connection failed in a way that might not affect the next attempt."""
    if has_bad_certificate(error) or isinstance(error, ClientAuthenticationError):
        return False
    if isinstance(error, (ServiceRequestError, ServiceResponseError, IncompleteReadError)):
        return True
    # azure-core's transports raise this, without a response, when a chunked answer ends too soon (SDK source).
    return isinstance(error, HttpResponseError) and error.response is None


class RetryPolicy(_Patience, HTTPPolicy[Any, Any]):
    """Repeats a request, waiting in the calling thread."""

    def send(self, request: Any) -> Any:
        """The final answer."""
        for attempt in count(1):
            current().check()
            request.context["retry_count"] = attempt - 1  # azure-core's tracing reports it
            broken: Exception | None = None
            response: Any = None
            try:
                response = self.next.send(request)
            except Exception as error:  # noqa: BLE001 - raised again below, or tried again
                broken = error
            # Outside the handler: if a listener fails here, its exception must not carry `error`, whose frames hold the
            # request with its token, into a log.
            wait = self.after(attempt, request, response, broken)
            if wait is None:
                if broken is not None:
                    raise broken
                return response
            pause(current().run, request.context.transport, wait)
        raise AssertionError  # pragma: no cover - counting has no end


class AsyncRetryPolicy(_Patience, AsyncHTTPPolicy[Any, Any]):
    """Repeats a request, waiting in the calling task."""

    async def send(self, request: Any) -> Any:
        """The final answer."""
        for attempt in count(1):
            current().check()
            request.context["retry_count"] = attempt - 1
            broken: Exception | None = None
            response: Any = None
            try:
                response = await self.next.send(request)
            except Exception as error:  # noqa: BLE001 - as above
                broken = error
            wait = self.after(attempt, request, response, broken)  # outside the handler, as above
            if wait is None:
                if broken is not None:
                    raise broken
                return response
            await request.context.transport.sleep(wait)
        raise AssertionError  # pragma: no cover - as above


def wait_after(retry: Retry, attempt: int, asked_for: float) -> float | None:
    """Seconds to wait after an attempt, with jitter; None after the last one."""
    return pause_after(retry, attempt, asked_for, random.random())  # noqa: S311 - spreads load, protects nothing


def pause(run: Run, transport: Any, seconds: float) -> None:
    """Let time pass as the transport does, but without making an interrupted verb wait for the end."""
    if cast("Any", type(transport)).sleep is cast("Any", HttpTransport).sleep:
        run.pause(seconds)  # azure-core's transports use `time.sleep`, which nothing can end
    else:
        transport.sleep(seconds)
