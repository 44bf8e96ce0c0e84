"""The pipeline that makes one HTTP exchange reliable and protects its token.

It consists of azure-core's own policies, and differs from the management clients' default pipeline as follows. Each
difference has a measured reason:

- retries as `retrying` says, with a capped `Retry-After` (the default retries any status that has the header, sleeps
  as long as it says, and fails on a malformed one);
- writes are sent once, and the flow looks before it sends one again;
- an api-version that the cloud does not have is replaced by one that it has (`versions`);
- no provider registration (by default a plain GET that meets `MissingSubscriptionRegistration` registers a resource
  provider in the customer's subscription);
- no redirects, and no request to a host other than the configured one, so that no token goes there either;
- requests lose their token as soon as they are answered, and an answer that repeats it is refused;
- the signed address of a long-running operation is known to the transport alone: no policy, log or span sees it;
- every attempt stays within the limits of the budget (`pacing`);
- each request as a whole ends by the verb's deadline.

Imported through `loading.load` alone, because it imports azure.core.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable
from copy import copy
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from azure.core.exceptions import (
    ServiceResponseTimeoutError,
)
from azure.core.pipeline import AsyncPipeline, Pipeline, policies

from purview_mpe._azure.authentication import AsyncAuthentication, Authentication
from purview_mpe._azure.exchange import current
from purview_mpe._azure.options import CONNECT_SECONDS, READ_SECONDS, host_of, leads_elsewhere
from purview_mpe._azure.pacing import AsyncPacing, Pacing
from purview_mpe._azure.retrying import AsyncRetryPolicy, RetryPolicy, pause
from purview_mpe._azure.versions import AsyncVersions, Versions
from purview_mpe._azure.wire_log import WireLog
from purview_mpe._version import __version__
from purview_mpe._wire.errors import Answer, blotted, safe_text, token_repeated
from purview_mpe._wire.operations import ADDRESSES, Operation
from purview_mpe._wire.sign_in import read_challenge
from purview_mpe._wire.text import LONGEST_ERROR
from purview_mpe.errors import AzureUnavailable, InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._azure.options import Colour
    from purview_mpe._model.retry import Retry
    from purview_mpe._rules.budget import Budget

_log = logging.getLogger("purview_mpe.http")

#: The headers that identify a request and an operation, for a support case.
_IDS = ("x-ms-request-id", "x-ms-correlation-request-id")
#: Azure's tokens have a thousand characters or more. A token shorter than this is a placeholder in a test or an
#: emulator, and may occur in an answer by chance.
_SHORTEST_TOKEN = 12


def pipeline(
    colour: Colour,
    transport: Any,
    *,
    endpoint: str,
    audiences: Sequence[str],
    credential: Any,
    retry: Retry,
    options: Mapping[str, Any],
    budget: Budget,
    pass_on: Mapping[str, Any],
    signs: bool = True,
) -> Any:
    """A pipeline of these policies; the transport gets `pass_on` with every request.

    A token is requested for the first of the `audiences`, and for the others if the tenant or the service refuses it.
    `signs` is False if the transport itself puts in the signed address of an operation.
    """
    own = dict(options)
    is_sync = colour == "sync"
    outermost_first: list[Any] = [
        *_given(colour, "per_call_policies", options),
        policies.RequestIdPolicy(**own),
        policies.HeadersPolicy(**own),
        policies.UserAgentPolicy(sdk_moniker=f"purview-mpe/{__version__}", **own),
        policies.ProxyPolicy(**own),
        _Decode(**own),
        (RetryPolicy if is_sync else AsyncRetryPolicy)(retry),
        *_given(colour, "per_retry_policies", options),
        Versions() if is_sync else AsyncVersions(),
        _OneHost(endpoint),
        Pacing(budget, pause) if is_sync else AsyncPacing(budget),
        (Authentication if is_sync else AsyncAuthentication)(
            credential, audiences, enable_cae=own.get("enable_cae", False)
        ),
        policies.CustomHookPolicy(**own),
        policies.DistributedTracingPolicy(**own),
        policies.HttpLoggingPolicy(**own),
        *([WireLog()] if own.pop("logging_enable", False) else []),
        _Record(),
        *([_Signed()] if signs else []),
        (_Limits if is_sync else _AsyncLimits)(own, pass_on),
    ]
    return (Pipeline if is_sync else AsyncPipeline)(transport, outermost_first)


def _given(colour: Colour, name: str, options: Mapping[str, Any]) -> list[Any]:
    """The caller's policies; each that sends requests on itself as a copy of its own.

    A policy that is in two pipelines leads out of both into the second, which may have another credential or host
    (SDK source: each pipeline sets `next` of its policies).
    """
    given: Any = options.get(name) or []
    listed: list[Any] = list(cast("Iterable[object]", given)) if isinstance(given, Iterable) else [given]
    kind = policies.HTTPPolicy if colour == "sync" else policies.AsyncHTTPPolicy
    for policy in listed:
        if not isinstance(policy, (kind, policies.SansIOHTTPPolicy)):
            raise InvalidSpec(
                "Client",
                [(name, f"{type(policy).__name__} is neither a SansIOHTTPPolicy nor an {kind.__name__} of azure-core")],
            )
    return [copy(cast("Any", policy)) if isinstance(policy, kind) else policy for policy in listed]


class _Decode(policies.ContentDecodePolicy):
    """Reads every answer as JSON, the only format requested: azure-core would also parse XML from any server."""

    @classmethod
    def deserialize_from_text(cls, data: Any, mime_type: str | None = None, response: Any = None) -> Any:  # noqa: ARG003
        """The JSON of an answer, whatever content type it declares."""
        return super().deserialize_from_text(data, "application/json", response) if data else None


class _OneHost(policies.SansIOHTTPPolicy[Any, Any]):
    """Keeps requests, and so tokens, from going to a host that an answer named (in a `nextLink`, say)."""

    def __init__(self, endpoint: str) -> None:
        self._host = host_of(endpoint)

    def on_request(self, request: Any) -> None:
        url = str(request.http_request.url)
        # `host_of` is for endpoints, so cut off path, query and fragment, which a request is allowed to have.
        origin = "/".join(url.replace("?", "/").replace("#", "/").split("/", 3)[:3])
        if host_of(origin) != self._host:
            scheme, _, host = origin.rpartition("@")[2].rpartition("//")
            raise AzureUnavailable(
                f"An answer pointed to {safe_text(f'{scheme}//{host}', 100)}, which is not https://{self._host}; "
                "nothing was sent there.",
                remedy="Check who answers in Azure's place: Azure's lists never lead to another host.",
            )
        if leads_elsewhere(url):
            raise AzureUnavailable(
                "An answer named a resource '.' or '..', which would address another one; nothing was sent.",
                remedy="Check who answers in Azure's place: no resource of Azure has such a name.",
            )


class _Limits(policies.HTTPPolicy[Any, Any]):
    """Gives every attempt this library's timeouts, or the time left until the deadline if that is shorter."""

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
            self._pass_on,
            connection_timeout=min(self._connect, left),
            read_timeout=min(self._read, left),
            # The SDKs stream the answers of long-running operations (SDK source). Such a body would not be read yet
            # when this pipeline records and checks it, and no time limit would apply to reading it later.
            stream=False,
        )

    def send(self, request: Any) -> Any:
        self.prepare(request)
        return self.next.send(request)


class _AsyncLimits(policies.AsyncHTTPPolicy[Any, Any]):
    """The same, and a limit for the whole request: a server that sends a byte at a time avoids all other timeouts."""

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
    """Records each answer, and removes the token from its request: exceptions, logs and debuggers keep requests."""

    def on_request(self, request: Any) -> None:
        exchange = current()
        exchange.answer = None
        exchange.url = str(request.http_request.url)
        exchange.proxies = request.context.options.get("proxies")
        exchange.secret = request.http_request.headers.get("Authorization", "").removeprefix("Bearer ")
        request.context["purview_mpe_began"] = exchange.run.now()
        if exchange.changes(request.http_request.method):
            exchange.run.writes.append(None)  # one step, so that threads need no lock

    def on_response(self, request: Any, response: Any) -> None:
        _forget_token(request.http_request.headers)
        answered = response.http_response
        # JSON is UTF-8 (RFC 8259). An answer can name any of Python's encodings, and decoding some takes for ever.
        answered.encoding = "utf-8"
        sent = getattr(getattr(answered, "internal_response", None), "request", None)
        _forget_token(getattr(sent, "headers", None))
        exchange = current()
        if exchange.of_list:
            exchange.received += len(answered.content)
        exchange.run.round_trip = min(exchange.run.round_trip, _seconds(request))
        begun = _operation_in(answered.headers)
        exchange.begun = begun if exchange.changes(request.http_request.method) else exchange.begun
        request_id, correlation_id = (_id_in(answered.headers, name, exchange.secret) for name in _IDS)
        exchange.answer = Answer(
            answered.status_code,
            blotted(_error_text_of(answered), exchange.secret) if answered.status_code >= 400 else "",
            request_id,
            correlation_id,
            challenge=read_challenge(_header(answered.headers, "www-authenticate"))
            if answered.status_code == 401
            else None,
        )
        self._write_log(request, str(answered.status_code), exchange.answer)
        if _repeats(answered, exchange.secret):
            # Raised here, before the outer policies see the answer: they log it, and Azure's SDKs copy its text into
            # exceptions and spans.
            raise token_repeated(exchange.attempt, exchange.answer)

    def on_exception(self, request: Any) -> None:
        _forget_token(request.http_request.headers)
        self._write_log(request, "no answer", None)

    def _write_log(self, request: Any, came: str, answer: Answer | None) -> None:
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


class _Signed(policies.SansIOHTTPPolicy[Any, Any]):
    """Sends a request that follows an operation to the signed address, and forgets the address again."""

    def on_request(self, request: Any) -> None:
        if (followed := current().followed) is not None:
            request.context["purview_mpe_shown"] = request.http_request.url
            request.http_request.url = followed.signed()

    def on_response(self, request: Any, response: Any) -> None:
        del response  # only the request shows the address
        self._forget(request)

    def on_exception(self, request: Any) -> None:
        self._forget(request)

    def _forget(self, request: Any) -> None:
        if current().followed is not None:
            request.http_request.url = request.context["purview_mpe_shown"]


def _operation_in(headers: Any) -> Operation | None:
    """The operation that an answer names; its signature is removed from the headers, which others log."""
    found: Operation | None = None
    for name in ADDRESSES:
        if (address := _header(headers, name.casefold())) is None:
            continue
        operation = Operation(address)
        headers[name] = operation.shown
        found = found or operation
    return found


def _seconds(request: Any) -> float:
    """How long an attempt has taken so far."""
    seconds: float = current().run.now() - request.context["purview_mpe_began"]
    return seconds


def _id_in(headers: Mapping[str, str], name: str, secret: str) -> str | None:
    value = _header(headers, name)
    return safe_text(blotted(value, secret), 100) if value else None


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for key, value in headers.items() if key.casefold() == name), None)


def _repeats(response: Any, token: str) -> bool:
    """Whether an answer contains the token of its request, even in the form of JSON escapes."""
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


def _error_text_of(response: Any) -> str:
    text = _text_of(response)
    return text if len(text) <= LONGEST_ERROR else ""


def _text_of(response: Any) -> str:
    try:
        return str(response.text())
    except UnicodeDecodeError:
        return bytes(response.content).decode("utf-8", "replace")
    except Exception:  # noqa: BLE001 - a body that cannot be read counts as empty
        return ""


def _forget_token(headers: Any) -> None:
    if hasattr(headers, "pop"):
        headers.pop("Authorization", None)
