"""The SDK clients of both colours, and the pipeline that makes one HTTP exchange reliable.

Imported through `_imports.load` alone, because it imports azure.core. The pipeline is made of azure-core's own
policies with five differences, each for a measured reason:

- retries only 408, 429, 5xx and broken connections, a bounded number of times, with jitter and with a capped
  `Retry-After` (the default retries any status that has the header, sleeps as long as it says, and fails on a
  malformed one);
- POST is retried too, since every POST of this job may be repeated;
- no provider registration (by default a plain GET that meets `MissingSubscriptionRegistration` registers a resource
  provider in the customer's subscription);
- one token request at a time, across threads and clients (by default 24 threads make up to 24);
- requests go to the one host that was configured and nowhere else, and lose their token as soon as they are answered.
"""

from __future__ import annotations

import asyncio
import inspect
import random
import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import urlsplit

from azure.core import AzureClouds
from azure.core.exceptions import AzureError as SdkError
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.pipeline import policies

from purview_mpe import _imports, _wire_errors
from purview_mpe._retry import Retry
from purview_mpe._version import __version__
from purview_mpe.errors import AzureUnavailable, InvalidCredential, InvalidSpec, PurviewMpeError, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Generator

    from purview_mpe._arm_id import ArmId
    from purview_mpe._wire_errors import Attempt

Cloud = Literal["public", "us-government", "china"]
Colour = Literal["sync", "async"]

POOL_SIZE = 16
CONNECT_SECONDS = 10
READ_SECONDS = 60
_CLOUDS: dict[str, AzureClouds] = {
    "public": AzureClouds.AZURE_PUBLIC_CLOUD,
    "us-government": AzureClouds.AZURE_US_GOVERNMENT,
    "china": AzureClouds.AZURE_CHINA_CLOUD,
}
_AUTHORITIES = {
    "public": "login.microsoftonline.com",
    "us-government": "login.microsoftonline.us",
    "china": "login.chinacloudapi.cn",
}
_PORTALS = {"public": "portal.azure.com", "us-government": "portal.azure.us", "china": "portal.azure.cn"}
#: What may be passed on to every management client. Anything else is refused rather than ignored.
OPTIONS = frozenset(
    {
        "connection_cert",
        "connection_timeout",
        "connection_verify",
        "enable_cae",
        "headers",
        "per_call_policies",
        "per_retry_policies",
        "proxies",
        "raw_request_hook",
        "raw_response_hook",
        "read_timeout",
        "tracing_attributes",
        "transport",
        "user_agent",
    }
)
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class Azure:
    """The management clients of one colour over one transport, one token and one retry."""

    def __init__(
        self,
        colour: Colour,
        credential: Any,
        *,
        cloud: Cloud,
        endpoint: str | None,
        retry: Retry | None,
        options: dict[str, Any],
    ) -> None:
        _check_options(cloud, endpoint, options)
        self._colour: Colour = colour
        self._cloud = cloud
        self._cloud_setting = _CLOUDS[cloud]
        self.portal = _PORTALS[cloud]
        self._endpoint = endpoint
        self._retry = retry or Retry()
        self._owned_credential = credential is None
        self._credential: Any = _one_at_a_time(colour, credential or _default_credential(colour, cloud))
        self._options = dict(options)
        transport = self._options.pop("transport", None)
        self._owns_transport = transport is None
        self.transport = transport if transport is not None else _make_transport(colour, self._options)
        self.now = getattr(self.transport, "monotonic", time.monotonic)
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def datafactory(self, resource: ArmId) -> Any:
        return self._client("azure.mgmt.datafactory", "DataFactoryManagementClient", resource)

    def purview(self, resource: ArmId) -> Any:
        return self._client("azure.mgmt.purview", "PurviewManagementClient", resource)

    def storage(self, resource: ArmId) -> Any:
        return self._client("azure.mgmt.storage", "StorageManagementClient", resource)

    def eventhub(self, resource: ArmId) -> Any:
        return self._client("azure.mgmt.eventhub", "EventHubManagementClient", resource)

    def _client(self, package: str, name: str, resource: ArmId) -> Any:
        key = (package, resource.subscription.casefold())
        with self._lock:
            if key not in self._clients:
                module = _imports.load(package if self._colour == "sync" else f"{package}.aio")
                self._clients[key] = getattr(module, name)(
                    self._credential,
                    resource.subscription,
                    self._endpoint,
                    cloud_setting=self._cloud_setting,
                    transport=self.transport,
                    policies=self._policies(),
                    **{
                        key: self._options[key]
                        for key in ("per_call_policies", "per_retry_policies")
                        if key in self._options
                    },
                )
            return self._clients[key]

    def _policies(self) -> list[Any]:
        from azure.mgmt.core.tools import get_arm_endpoints  # noqa: PLC0415 - costs time that only a request is worth

        options = self._options
        arm = get_arm_endpoints(self._cloud_setting)
        host = urlsplit(self._endpoint or arm["resource_manager"]).netloc
        retry, authentication = (
            (_Retry, policies.BearerTokenCredentialPolicy)
            if self._colour == "sync"
            else (_AsyncRetry, policies.AsyncBearerTokenCredentialPolicy)
        )
        return [
            policies.RequestIdPolicy(**options),
            policies.HeadersPolicy(**options),
            policies.UserAgentPolicy(sdk_moniker=f"purview-mpe/{__version__}", **options),
            policies.ProxyPolicy(**options),
            policies.ContentDecodePolicy(**options),
            _OneHost(host),
            retry(self._retry, self.now),
            _Deadline(self.now, options),
            authentication(self._credential, *arm["credential_scopes"], enable_cae=options.get("enable_cae", False)),
            policies.CustomHookPolicy(**options),
            policies.DistributedTracingPolicy(**options),
            policies.HttpLoggingPolicy(**options),
            _Scrub(),
        ]

    def close(self) -> None:
        """Close what this object opened; the caller's transport and credential stay open."""
        if self._owns_transport:
            self.transport.close()
        if self._owned_credential:
            self._credential.inner.close()

    async def aclose(self) -> None:
        """As `close`, for the asynchronous colour."""
        if self._owns_transport:
            await self.transport.close()
        if self._owned_credential:
            await self._credential.inner.close()


@contextmanager
def within(deadline: float | None) -> Generator[None]:
    """Let everything inside know when the verb has to end."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def translated(error: Exception, attempt: Attempt) -> PurviewMpeError:
    """Our error for whatever came out of an SDK operation; holds nothing of the request or the response."""
    if isinstance(error, PurviewMpeError):
        return error
    if isinstance(error, HttpResponseError) and error.response is not None:
        response = cast("Any", error.response)
        try:
            body = response.text()
        except Exception:  # noqa: BLE001 - a body that cannot be read is no body
            body = ""
        if response.status_code < 400 and not isinstance(error, ClientAuthenticationError):
            return _wire_errors.unreadable_answer(attempt, response.status_code)
        return _wire_errors.error_for(attempt, _wire_errors.Answer(response.status_code, dict(response.headers), body))
    if isinstance(error, ClientAuthenticationError):
        return _wire_errors.not_signed_in(attempt, str(error.message))
    if isinstance(error, SdkError):
        return _wire_errors.no_answer(attempt, str(error.message))
    # What an SDK does with an answer that has another shape than it expects: JSONDecodeError, TypeError, KeyError …
    return _wire_errors.unreadable_answer(attempt)


class Visited:
    """The links of a paged list that were followed; a list that leads back to one has no end."""

    _MAX_PAGES = 1000

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._links: set[str] = set()

    def add(self, link: str | None) -> None:
        if link is None:
            return
        if link in self._links or len(self._links) >= self._MAX_PAGES:
            raise AzureUnavailable(
                f"Could not {self._attempt.what}: the list that Azure answered does not end.",
                remedy="Repeat the call; if it happens again, report it to Microsoft.",
            )
        self._links.add(link)


class _BoundedRetry:
    """What both colours' retry policies do differently from azure-core's."""

    _RETRIED = frozenset({408, 429, 500, 502, 503, 504})
    _METHODS = frozenset({"GET", "PUT", "POST", "DELETE", "HEAD"})

    def __init__(self, retry: Retry, now: Any) -> None:
        self._retry = retry
        self._now = now
        attempts = retry.attempts - 1
        # Zero means "no limit" to azure-core's counters, hence the same number for each.
        counters = ("retry_total", "retry_connect", "retry_read", "retry_status")
        cast("Any", super()).__init__(**dict.fromkeys(counters, attempts))

    def configure_retries(self, options: dict[str, Any]) -> dict[str, Any]:
        settings = cast("dict[str, Any]", cast("Any", super()).configure_retries(options))
        return settings | {"methods": self._METHODS}

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        if settings["total"] <= 0 or response.http_response.status_code not in self._RETRIED:
            return False
        return self._fits(self.get_retry_after(response) or 0.0)

    def get_retry_after(self, response: Any) -> float | None:
        said = response.http_response.headers.get("Retry-After")
        try:
            seconds = float(said)
        except (TypeError, ValueError):
            return None  # absent, a date, or nonsense: our own backoff will do
        # Chained comparison refuses NaN, too.
        return min(seconds, self._retry.ceiling) if 0 < seconds <= float("inf") else None

    def get_backoff_time(self, settings: dict[str, Any]) -> float:
        failures = len(settings["history"])
        longest = min(self._retry.ceiling, self._retry.backoff * 2 ** max(0, failures - 1))
        # Jitter, so that four PUTs that were throttled together do not come back together.
        wait = longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, protects nothing
        return wait if self._fits(wait) else 0.0

    def _fits(self, seconds: float) -> bool:
        deadline = _deadline.get()
        return deadline is None or self._now() + seconds < deadline


class _Retry(_BoundedRetry, policies.RetryPolicy[Any, Any]):
    pass


class _AsyncRetry(_BoundedRetry, policies.AsyncRetryPolicy[Any, Any]):
    pass


class _OneHost(policies.SansIOHTTPPolicy[Any, Any]):
    """Lets no request, and so no token, go to a host that an answer named (in a `nextLink`, say)."""

    def __init__(self, host: str) -> None:
        self._host = host.casefold()

    def on_request(self, request: Any) -> None:
        url = urlsplit(str(request.http_request.url))
        if url.netloc.casefold() != self._host or url.scheme != "https":
            raise AzureUnavailable(
                f"An answer pointed to {url.scheme}://{url.netloc[:100]}, which is not {self._host}; "
                "nothing was sent there.",
                remedy="Check who answers in Azure's place: Azure Resource Manager never points to another host.",
            )


class _Deadline(policies.SansIOHTTPPolicy[Any, Any]):
    """Gives every attempt the timeouts of this library, or what is left until the deadline if that is less."""

    def __init__(self, now: Any, options: dict[str, Any]) -> None:
        self._now = now
        self._connect = options.get("connection_timeout", CONNECT_SECONDS)
        self._read = options.get("read_timeout", READ_SECONDS)

    def on_request(self, request: Any) -> None:
        deadline = _deadline.get()
        left = float("inf") if deadline is None else deadline - self._now()
        if left <= 0:
            raise WaitTimedOut(
                "The time given ran out before the next request could be sent.",
                remedy="Repeat the call, with a longer timeout if need be: what is done already is kept.",
            )
        request.context.options["connection_timeout"] = min(self._connect, left)
        request.context.options["read_timeout"] = min(self._read, left)


class _Scrub(policies.SansIOHTTPPolicy[Any, Any]):
    """Takes the token off a request as soon as it is answered: exceptions, logs and debuggers keep requests."""

    def on_response(self, request: Any, response: Any) -> None:
        _forget_token(request.http_request.headers)
        sent = getattr(getattr(response.http_response, "internal_response", None), "request", None)
        _forget_token(getattr(sent, "headers", None))

    def on_exception(self, request: Any) -> None:
        _forget_token(request.http_request.headers)


def _forget_token(headers: Any) -> None:
    if headers is not None and hasattr(headers, "pop"):
        headers.pop("Authorization", None)


class _OneToken:
    """A credential that asks the real one only when no token is at hand, and never twice at once."""

    #: Azure's own policies renew five minutes before the end (SDK source); a minute more, so that they find it renewed.
    _MARGIN = 360

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self._lock = threading.Lock()
        self._tokens: dict[tuple[str, ...], Any] = {}

    def get_token_info(self, *scopes: str, options: dict[str, Any] | None = None) -> Any:
        with self._lock:
            if (token := self._kept(scopes, options)) is None:
                token = self._tokens[scopes] = _ask(self.inner, scopes, options)
            return token

    def close(self) -> None:
        """Nothing: the owner of the inner credential closes it."""

    def _kept(self, scopes: tuple[str, ...], options: dict[str, Any] | None) -> Any:
        if options and options.get("claims"):
            return None  # Azure refused the kept token and says what a new one must contain
        token = self._tokens.get(scopes)
        return token if token is not None and token.expires_on - time.time() > self._MARGIN else None


class _OneAsyncToken(_OneToken):
    """The same for coroutines: waiting for the lock must not block the event loop."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self._turn = asyncio.Lock()

    async def get_token_info(self, *scopes: str, options: dict[str, Any] | None = None) -> Any:
        async with self._turn:
            if (token := self._kept(scopes, options)) is None:
                token = self._tokens[scopes] = await _ask(self.inner, scopes, options)
            return token

    async def close(self) -> None:  # type: ignore[override]  # the async protocol wants a coroutine
        """Nothing: the owner of the inner credential closes it."""


def _ask(credential: Any, scopes: tuple[str, ...], options: dict[str, Any] | None) -> Any:
    if hasattr(credential, "get_token_info"):
        return credential.get_token_info(*scopes, options=options or {})
    return credential.get_token(*scopes, **(options or {}))


def _one_at_a_time(colour: Colour, credential: Any) -> _OneToken:
    method = getattr(credential, "get_token_info", None) or getattr(credential, "get_token", None)
    if method is None:
        raise InvalidCredential(
            f"A credential has get_token or get_token_info, and {type(credential).__name__} has neither.",
            remedy="Pass a credential of azure-identity, for example DefaultAzureCredential(), or none at all.",
        )
    is_async = inspect.iscoroutinefunction(method)
    if colour == "sync" and is_async:
        raise InvalidCredential(
            f"{type(credential).__name__} is asynchronous, and purview_mpe.Client is not.",
            remedy="Take the credential of the same name from azure.identity, or use purview_mpe.aio.Client.",
        )
    if colour == "async" and not is_async:
        raise InvalidCredential(
            f"{type(credential).__name__} is synchronous, and purview_mpe.aio.Client is not.",
            remedy="Take the credential of the same name from azure.identity.aio, or use purview_mpe.Client.",
        )
    return _OneToken(credential) if colour == "sync" else _OneAsyncToken(credential)


def _default_credential(colour: Colour, cloud: Cloud) -> Any:
    module = _imports.load("azure.identity" if colour == "sync" else "azure.identity.aio")
    return module.DefaultAzureCredential(authority=_AUTHORITIES[cloud])


def _make_transport(colour: Colour, options: dict[str, Any]) -> Any:
    wanted = {key: options[key] for key in ("connection_verify", "connection_cert") if key in options}
    timeouts = {"connection_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS}
    if colour == "async":
        transport = _imports.load("azure.core.pipeline.transport").AioHttpTransport
        return transport(**wanted, **timeouts)
    return _imports.load("purview_mpe._transport").PooledTransport(POOL_SIZE, **wanted, **timeouts)


def _check_options(cloud: str, endpoint: str | None, options: dict[str, Any]) -> None:
    problems: list[tuple[str, str]] = []
    if cloud not in _CLOUDS:
        problems.append(("cloud", f"{cloud!r} is none of {', '.join(_CLOUDS)}"))
    if endpoint is not None and not _is_https(endpoint):
        # Tokens travel with every request; azure-core refuses plain http for the same reason.
        problems.append(("endpoint", f"{endpoint!r} is no https address, for example 'https://127.0.0.1:8443'"))
    problems.extend(
        (name, f"is no option of the client; those are {', '.join(sorted(OPTIONS))}")
        for name in options
        if name not in OPTIONS
    )
    if problems:
        raise InvalidSpec("Client", problems)


def _is_https(url: object) -> bool:
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(parts.netloc) and "@" not in parts.netloc
