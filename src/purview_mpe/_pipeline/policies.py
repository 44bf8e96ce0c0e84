"""The pipeline that makes one HTTP exchange reliable, and keeps its token where it belongs.

Made of azure-core's own policies, with these differences to what the management clients have by default, each for a
measured reason:

- retries only 408, 429, 5xx and broken connections, a bounded number of times, with jitter and with a capped
  `Retry-After` (the default retries any status that has the header, sleeps as long as it says, and fails on a
  malformed one);
- POST is retried too, since every POST of this job may be repeated;
- no provider registration (by default a plain GET that meets `MissingSubscriptionRegistration` registers a resource
  provider in the customer's subscription);
- no redirects, and no request to a host other than the configured one, so that no token goes there either;
- requests lose their token as soon as they are answered, and an answer that repeats it is refused;
- every attempt keeps within what Azure allows (`pacing`);
- what the deadline of the verb leaves bounds each request as a whole.

Imported through `_imports.load` alone, because it imports azure.core.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import ssl
from collections.abc import Iterable
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
    ServiceResponseTimeoutError,
)
from azure.core.pipeline import policies
from azure.core.pipeline.transport import HttpTransport

from purview_mpe._pipeline.exchange import current
from purview_mpe._pipeline.options import CONNECT_SECONDS, READ_SECONDS, host_of
from purview_mpe._pipeline.pacing import AsyncPacing, Pacing
from purview_mpe._version import __version__
from purview_mpe._wire_errors import Answer, blotted, safe_text, token_repeated
from purview_mpe.errors import AzureUnavailable, InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._budget import Budget
    from purview_mpe._pipeline.exchange import Run
    from purview_mpe._pipeline.options import Colour
    from purview_mpe._retry import Retry

_log = logging.getLogger("purview_mpe.http")

#: The headers by which Azure names a request and an operation, for a support case.
_IDS = ("x-ms-request-id", "x-ms-correlation-request-id")
#: Failures that tell that the server is there and will not do it: asking again changes nothing.
_PERMANENT = frozenset({501, 505})
_MAY_LEAVE_OUT_VALUE = ("storage", "eventhub", "authorization")
#: Azure's tokens have a thousand letters and more. What is shorter than this is a word that stands for one, a test's
#: or an emulator's, and may well be part of an answer.
_SHORTEST_TOKEN = 12


def make(
    colour: Colour,
    *,
    endpoint: str,
    scopes: Iterable[str],
    credential: Any,
    retry: Retry,
    options: Mapping[str, Any],
    budget: Budget,
    pass_on: Mapping[str, Any],
) -> list[Any]:
    """The policies, outermost first; `pass_on` is given to the transport with every request."""
    own = dict(options)
    is_sync = colour == "sync"
    authentication = policies.BearerTokenCredentialPolicy if is_sync else policies.AsyncBearerTokenCredentialPolicy
    return [
        *_given(colour, "per_call_policies", options),
        policies.RequestIdPolicy(**own),
        policies.HeadersPolicy(**own),
        policies.UserAgentPolicy(sdk_moniker=f"purview-mpe/{__version__}", **own),
        policies.ProxyPolicy(**own),
        policies.ContentDecodePolicy(**own),
        (_Retry if is_sync else _AsyncRetry)(retry),
        *_given(colour, "per_retry_policies", options),
        _OneHost(endpoint),
        Pacing(budget, pause) if is_sync else AsyncPacing(budget),
        authentication(credential, *scopes, enable_cae=own.get("enable_cae", False)),
        policies.CustomHookPolicy(**own),
        policies.DistributedTracingPolicy(**own),
        policies.HttpLoggingPolicy(**own),
        _Record(),
        (_Limits if is_sync else _AsyncLimits)(own, pass_on),
    ]


def _given(colour: Colour, name: str, options: Mapping[str, Any]) -> list[Any]:
    given: Any = options.get(name) or []
    listed: list[Any] = list(cast("Iterable[object]", given)) if isinstance(given, Iterable) else [given]
    kind = policies.HTTPPolicy if colour == "sync" else policies.AsyncHTTPPolicy
    for policy in listed:
        if not isinstance(policy, (kind, policies.SansIOHTTPPolicy)):
            raise InvalidSpec(
                "Client",
                [(name, f"{type(policy).__name__} is neither a SansIOHTTPPolicy nor an {kind.__name__} of azure-core")],
            )
    return listed


class _Patience:
    """Whether an exchange is tried again, and after how long."""

    def __init__(self, retry: Retry) -> None:
        super().__init__()
        self._retry = retry

    def after(self, attempt: int, response: Any, broken: Exception | None) -> float | None:
        """Seconds to wait before the next attempt; None if this answer, or this failure, stands."""
        if broken is not None:
            return self._after_break(attempt, broken)
        status = response.http_response.status_code
        if status == 200 and _is_garbled(response):
            return self._wait(attempt, "its answer was not JSON", None)
        exchange = current()
        exchange.is_no_list = exchange.of_list and status == 200 and not _is_list(response)
        if exchange.is_no_list:
            return self._wait(attempt, "its answer was no list", None)
        if status not in {408, 429} and (status < 500 or status in _PERMANENT):
            return None
        return self._wait(attempt, f"it answered {status}", self._asked_for(response.http_response.headers))

    def _after_break(self, attempt: int, error: Exception) -> float | None:
        """The same when no answer came; whether Azure did the work is not known (the exceptions' names mislead)."""
        return None if not _is_broken(error) else self._wait(attempt, type(error).__name__, None)

    def _wait(self, attempt: int, why: str, asked_for: float | None) -> float | None:
        if attempt >= self._retry.attempts:
            return None
        # Jitter, so that four PUTs that were throttled together do not come back together.
        spread = random.random()  # noqa: S311 - spreads load, protects nothing
        if asked_for is None:
            wait = min(self._retry.ceiling, self._retry.backoff * 2.0 ** (attempt - 1)) * (1 - spread / 2)
        else:
            wait = min(self._retry.ceiling, asked_for * (1 + spread / 10))
        exchange = current()
        if wait >= exchange.run.left():
            return None
        exchange.run.retrying(
            f"Trying again in {wait:.1f} s to {exchange.attempt.what}: {why} (attempt {attempt} of "
            f"{self._retry.attempts})"
        )
        return wait

    def _asked_for(self, headers: Mapping[str, str]) -> float | None:
        said = headers.get("Retry-After")
        if said is None:
            return None
        try:
            seconds = float(said)
        except ValueError:
            seconds = _until(said, headers.get("Date"))
        # Comparing is false for NaN, too. Zero, the past and nonsense: our own backoff will do.
        return seconds if seconds > 0 else None


def _until(moment: str, now: str | None) -> float:
    """Seconds until a date, by the server's own clock, which ours need not agree with."""
    try:
        return (parsedate_to_datetime(moment) - parsedate_to_datetime(now or "")).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _is_garbled(response: Any) -> bool:
    """Whether what was read is no whole JSON object: cut off on the way, or from a proxy.

    Only reads are asked again for it; after a write the flows look what was done.
    """
    if response.http_request.method != "GET":
        return False
    try:
        body = response.http_response.text().strip()
    except Exception:  # noqa: BLE001 - what cannot be decoded is no JSON either
        return True
    return not (body.startswith("{") and body.endswith("}"))


def _is_list(response: Any) -> bool:
    """Whether it is a page of a list: an object with an array `value`.

    Data Factory and Purview always send one (spec). The SDKs take an object without it for an empty list (SDK source),
    and an empty list would be believed: that endpoints are gone, say. Storage, Event Hubs and Authorization may leave
    it out (spec), so of them an object without anything is an empty list indeed.
    """
    try:
        page = json.loads(response.http_response.text())
    except (ValueError, RecursionError):
        return False
    if not page:
        path = urlsplit(str(response.http_request.url)).path.casefold()
        return any(f"/providers/microsoft.{name}/" in path for name in _MAY_LEAVE_OUT_VALUE)
    return isinstance(page.get("value"), list)


def _is_broken(error: Exception) -> bool:
    """Whether the connection failed, in a way that may be over at the next attempt."""
    if has_bad_certificate(error) or isinstance(error, ClientAuthenticationError):
        return False
    if isinstance(error, (ServiceRequestError, ServiceResponseError, IncompleteReadError)):
        return True
    # azure-core's transports raise this, without a response, when a chunked answer ends too soon (SDK source).
    return isinstance(error, HttpResponseError) and error.response is None


def has_bad_certificate(error: BaseException) -> bool:
    """Whether a certificate was refused, somewhere among the causes: it will be the next time, too."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes_of(error))


def causes_of(error: BaseException) -> list[BaseException]:
    """The exception and all that it holds or comes from: each library hides what happened in another place."""
    causes: list[BaseException] = []
    todo: list[Any] = [error]
    while todo:
        cause = todo.pop(0)
        if isinstance(cause, BaseException) and not any(cause is known for known in causes):
            causes.append(cause)
            todo += [cause.__cause__, cause.__context__, *cause.args]
            todo += [getattr(cause, name, None) for name in ("inner_exception", "reason")]
    return causes


class _Retry(_Patience, policies.HTTPPolicy[Any, Any]):
    def send(self, request: Any) -> Any:
        for attempt in count(1):
            current().check()
            request.context["retry_count"] = attempt - 1  # azure-core's tracing reports it
            broken: Exception | None = None
            response: Any = None
            try:
                response = self.next.send(request)
            except Exception as error:  # noqa: BLE001 - raised again below, or tried again
                broken = error
            # Outside the handler: a listener that fails while it hears of this must not carry `error`, whose frames
            # hold the request with its token, into a log.
            wait = self.after(attempt, response, broken)
            if wait is None:
                if broken is not None:
                    raise broken
                return response
            pause(current().run, request.context.transport, wait)
        raise AssertionError  # pragma: no cover - counting has no end


class _AsyncRetry(_Patience, policies.AsyncHTTPPolicy[Any, Any]):
    async def send(self, request: Any) -> Any:
        for attempt in count(1):
            current().check()
            request.context["retry_count"] = attempt - 1
            broken: Exception | None = None
            response: Any = None
            try:
                response = await self.next.send(request)
            except Exception as error:  # noqa: BLE001 - as above
                broken = error
            wait = self.after(attempt, response, broken)  # outside the handler, as above
            if wait is None:
                if broken is not None:
                    raise broken
                return response
            await request.context.transport.sleep(wait)
        raise AssertionError  # pragma: no cover - as above


def pause(run: Run, transport: Any, seconds: float) -> None:
    """Let time pass as the transport does, but so that an interrupted verb need not wait for the end of it."""
    if cast("Any", type(transport)).sleep is cast("Any", HttpTransport).sleep:
        run.pause(seconds)  # azure-core's own is `time.sleep`, which nothing can end
    else:
        transport.sleep(seconds)


class _OneHost(policies.SansIOHTTPPolicy[Any, Any]):
    """Lets no request, and so no token, go to a host that an answer named (in a `nextLink`, say)."""

    def __init__(self, endpoint: str) -> None:
        self._host = host_of(endpoint)

    def on_request(self, request: Any) -> None:
        url = str(request.http_request.url)
        # Query and fragment are none of the host's business, and a path may hold what an endpoint may not.
        origin = "/".join(url.replace("?", "/").replace("#", "/").split("/", 3)[:3])
        if host_of(origin) != self._host:
            scheme, _, host = origin.rpartition("@")[2].rpartition("//")
            raise AzureUnavailable(
                f"An answer pointed to {safe_text(f'{scheme}//{host}', 100)}, which is not https://{self._host}; "
                "nothing was sent there.",
                remedy="Check who answers in Azure's place: Azure Resource Manager never points to another host.",
            )


class _Limits(policies.HTTPPolicy[Any, Any]):
    """Gives every attempt the timeouts of this library, or what is left until the deadline if that is less."""

    def __init__(self, options: Mapping[str, Any], pass_on: Mapping[str, Any]) -> None:
        super().__init__()
        self._connect = options.get("connection_timeout", CONNECT_SECONDS)
        self._read = options.get("read_timeout", READ_SECONDS)
        self._pass_on = dict(pass_on)

    def prepare(self, request: Any) -> None:
        exchange = current()
        exchange.check()
        left = exchange.run.left()
        request.context.options.update(
            self._pass_on, connection_timeout=min(self._connect, left), read_timeout=min(self._read, left)
        )

    def send(self, request: Any) -> Any:
        self.prepare(request)
        return self.next.send(request)


class _AsyncLimits(policies.AsyncHTTPPolicy[Any, Any]):
    """The same, and a limit for the whole of it: a server that trickles keeps every other timeout from ending it."""

    def __init__(self, options: Mapping[str, Any], pass_on: Mapping[str, Any]) -> None:
        super().__init__()
        self._limits = _Limits(options, pass_on)

    async def send(self, request: Any) -> Any:
        self._limits.prepare(request)
        given = request.context.options
        seconds = given["connection_timeout"] + given["read_timeout"]
        left = current().run.left_for_timer()
        try:
            async with asyncio.timeout(seconds if left is None else min(seconds, left)):
                return await self.next.send(request)
        except TimeoutError:
            pass
        raise ServiceResponseTimeoutError(f"The answer was not complete within {seconds:.0f} s.")


class _Record(policies.SansIOHTTPPolicy[Any, Any]):
    """Notes each answer, and takes the token off its request: exceptions, logs and debuggers keep requests."""

    def on_request(self, request: Any) -> None:
        exchange = current()
        exchange.answer = None
        exchange.secret = request.http_request.headers.get("Authorization", "").removeprefix("Bearer ")
        request.context["purview_mpe_began"] = exchange.run.now()

    def on_response(self, request: Any, response: Any) -> None:
        _forget_token(request.http_request.headers)
        answered = response.http_response
        sent = getattr(getattr(answered, "internal_response", None), "request", None)
        _forget_token(getattr(sent, "headers", None))
        exchange = current()
        exchange.run.round_trip = min(exchange.run.round_trip, _seconds(request))
        exchange.answer = Answer(
            answered.status_code,
            blotted(_text_of(answered), exchange.secret) if answered.status_code >= 400 else "",
            *(_id_in(answered.headers, name, exchange.secret) for name in _IDS),
        )
        self._tell(request, str(answered.status_code), exchange.answer)
        if _repeats(answered, exchange.secret):
            # Raised here, within every policy that keeps or logs what an answer says: Azure's SDKs put it into the
            # texts of their exceptions and spans.
            raise token_repeated(exchange.attempt, exchange.answer)

    def on_exception(self, request: Any) -> None:
        _forget_token(request.http_request.headers)
        self._tell(request, "no answer", None)

    def _tell(self, request: Any, came: str, answer: Answer | None) -> None:
        if not _log.isEnabledFor(logging.DEBUG):
            return
        exchange, sent = current(), request.http_request
        seconds = _seconds(request)
        path = safe_text(urlsplit(str(sent.url)).path)
        _log.debug(
            "%s %s: %s after %.3f s",
            sent.method,
            path,
            came,
            seconds,
            extra={
                "verb": exchange.run.verb,
                "method": sent.method,
                "path": path,
                "status": answer.status if answer else None,
                "seconds": seconds,
                "attempt": request.context["retry_count"] + 1,
                "resource_id": exchange.attempt.scope,
                "client_request_id": sent.headers.get("x-ms-client-request-id"),
                "request_id": answer.request_id if answer else None,
                "correlation_id": answer.correlation_id if answer else None,
            },
        )


def _seconds(request: Any) -> float:
    """How long an attempt has taken up to now."""
    seconds: float = current().run.now() - request.context["purview_mpe_began"]
    return seconds


def _id_in(headers: Mapping[str, str], name: str, secret: str) -> str | None:
    value = next((value for key, value in headers.items() if key.casefold() == name), None)
    return safe_text(blotted(value, secret), 100) if value else None


def _repeats(response: Any, token: str) -> bool:
    """Whether an answer says the token that it was asked with, in whatever way JSON may spell it."""
    if len(token) < _SHORTEST_TOKEN:
        return False
    text = _text_of(response)
    if token in text or any(token in f"{name} {value}" for name, value in response.headers.items()):
        return True
    if "\\" not in text:
        return False
    try:
        spelt_out = json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return False
    return json.dumps(token)[1:-1] in spelt_out


def _text_of(response: Any) -> str:
    try:
        return str(response.text())
    except Exception:  # noqa: BLE001 - a body that cannot be read is no body
        return ""


def _forget_token(headers: Any) -> None:
    if hasattr(headers, "pop"):
        headers.pop("Authorization", None)
