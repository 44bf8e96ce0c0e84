"""The SDK clients, synchronous and asynchronous, over one transport, token and pipeline; and translated SDK errors.

Imported through `loading.load` alone, because it imports azure.core.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from azure.core import AzureClouds
from azure.core.exceptions import AzureError as SdkError
from azure.core.exceptions import DecodeError, HttpResponseError
from azure.core.instrumentation import get_tracer
from azure.core.settings import settings
from azure.mgmt.core.tools import get_arm_endpoints

from purview_mpe._azure import credentials, loading, network, operations, pacing, policies, purview_data
from purview_mpe._azure.exchange import current
from purview_mpe._azure.options import (
    CONNECT_SECONDS,
    LONGEST_LIST,
    READ_SECONDS,
    Cloud,
    Colour,
    checked,
    with_plain_paths,
)
from purview_mpe._model.retry import Retry
from purview_mpe._version import __version__
from purview_mpe._wire import errors
from purview_mpe.errors import AzureUnavailable, InvalidSpec, PurviewMpeError, UnsupportedSetup, WaitTimedOut

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Generator, Mapping

    from purview_mpe._azure.exchange import Exchange
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._rules.budget import Budget
    from purview_mpe._wire.errors import Attempt
    from purview_mpe._wire.operations import Operation

__all__ = [
    "ASYNC_POOL_SIZE",
    "POOL_SIZE",
    "Azure",
    "Cloud",
    "Visited",
    "json_of",
    "span",
    "translated",
    "without_frames",
]

_E = TypeVar("_E", bound=BaseException)

#: How many requests one client has under way at once, and so how many connections it keeps.
POOL_SIZE = 16
#: The same for the asynchronous client. Tasks are cheap, and with this many a fleet reaches Azure's limits in several
#: subscriptions even if each request takes a second.
ASYNC_POOL_SIZE = 96
_CLOUDS: dict[str, AzureClouds] = {
    "public": AzureClouds.AZURE_PUBLIC_CLOUD,
    "us-government": AzureClouds.AZURE_US_GOVERNMENT,
    "china": AzureClouds.AZURE_CHINA_CLOUD,
}
_PORTALS = {"public": "portal.azure.com", "us-government": "portal.azure.us", "china": "portal.azure.cn"}


class Azure:
    """The management clients of one colour (sync or async), which share one transport, one token and one `Retry`."""

    def __init__(
        self,
        colour: Colour,
        credential: Any,
        *,
        cloud: Cloud,
        endpoint: str | None,
        purview_endpoint: str | None = None,
        retry: Retry | None,
        options: dict[str, Any],
        budget: Budget | None = None,
    ) -> None:
        options = with_plain_paths(options)
        checked(
            colour,
            cloud=cloud,
            endpoint=endpoint,
            purview_endpoint=purview_endpoint,
            retry=retry,
            budget=budget,
            options=options,
        )
        self._colour: Colour = colour
        self._cloud_setting = _CLOUDS[cloud]
        self.portal = _PORTALS[cloud]
        arm = get_arm_endpoints(self._cloud_setting)
        # With a trailing slash, every path would begin with two slashes.
        self._endpoint = (endpoint or arm["resource_manager"]).rstrip("/")
        self._owned_credential = credential is None
        self._credential = credentials.wrapped(
            colour, credentials.default(colour, cloud) if credential is None else credential
        )
        self.retry = retry or Retry()
        given = options.get("transport")
        self._owns_transport = given is None
        security = _security(options, is_ours=given is None)
        self.transport = make_transport(colour, security) if given is None else given
        self._budget = pacing.shared_budget(given) if budget is None else budget
        self._pipeline_for = partial(
            policies.pipeline,
            colour,
            self.transport,
            signs=given is not None or colour == "async",
            credential=self._credential,
            retry=self.retry,
            options=options,
            budget=self._budget,
            # Our own transport got these settings when it was made; the caller's gets them with each request.
            pass_on={} if given is None else security,
        )
        self._audience: str = arm["credential_scopes"][0]
        #: One for all management clients. Each would make its own of the same policies, and a policy knows one next
        #: policy only: a client that is made in one thread would break the requests of another thread (SDK source).
        self._pipeline = self._pipeline_for(endpoint=self._endpoint, audiences=arm["credential_scopes"])
        self.cloud = cloud
        self._purview_endpoint = purview_endpoint
        self._purview_audiences = purview_data.AUDIENCES[cloud]
        #: The clock for deadlines. A transport may bring its own clock, which its `sleep` then follows.
        self.now = getattr(self.transport, "monotonic", time.monotonic)
        self.is_real_time = self.now is time.monotonic
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._is_closed = False
        self._loop: AbstractEventLoop | None = None
        self._enable_cae = bool(options.get("enable_cae", False))
        if loading.on_client is not None:
            loading.on_client(self)

    @property
    def signs_in_ahead(self) -> bool:
        """Whether a token may be requested before a verb needs one: in real time, on a connection of our own."""
        return self._colour == "sync" and self._owns_transport and self.is_real_time

    def sign_in_ahead(self) -> None:
        """Request the token that the first verb needs. If that fails, the verb raises the error."""
        self._credential.ask_ahead(self._audience, options={"enable_cae": True} if self._enable_cae else {})

    def datafactory(self, resource: ArmId) -> Any:
        return self._client("azure.mgmt.datafactory", "DataFactoryManagementClient", resource)

    def purview(self, resource: ArmId) -> Any:
        return self._client("azure.mgmt.purview", "PurviewManagementClient", resource)

    def storage(self, resource: ArmId) -> Any:
        return self._client("azure.mgmt.storage", "StorageManagementClient", resource)

    def eventhub(self, resource: ArmId) -> Any:
        return self._client("azure.mgmt.eventhub", "EventHubManagementClient", resource)

    def network(self, resource: ArmId) -> Any:
        return self._extra("azure.mgmt.network", "NetworkManagementClient", resource)

    def private_dns(self, resource: ArmId) -> Any:
        return self._extra("azure.mgmt.privatedns", "PrivateDnsManagementClient", resource)

    def _extra(self, package: str, name: str, resource: ArmId) -> Any:
        """A client that comes with the extra `network`.

        Raises:
            UnsupportedSetup: it is not installed.
        """
        try:
            return self._client(package, name, resource)
        except ModuleNotFoundError as error:
            missing = error.name or package
        raise UnsupportedSetup(
            f"Private endpoints of your own need {missing}, which is not installed; nothing was sent.",
            remedy="Install the packages of the extra 'network': pip install azure-mgmt-network azure-mgmt-privatedns",
        )

    def follow(self, operation: Operation) -> Any:
        """How an operation stands; awaited in the asynchronous colour."""
        self.check_open()
        with self._lock:
            if ("", self._endpoint) not in self._clients:
                self._clients["", self._endpoint] = operations.connect(self._colour, self._endpoint, self._pipeline)
            client = self._clients["", self._endpoint]
        # Without the lock: a synchronous request waits for its answer here, and may be repeated for minutes.
        return client.follow(operation)

    def plain_list(self, resource: ArmId, url: str) -> Any:
        client = self.purview(resource)
        return loading.load("purview_mpe._azure.plain_list").listed(self._colour, client, url)

    def purview_data(self, account: ArmId, endpoint: str) -> Any:
        self.check_open()
        base = purview_data.base_of(endpoint, account.name, self._purview_endpoint)
        with self._lock:
            if ("", base) not in self._clients:
                self._clients["", base] = purview_data.connect(
                    self._colour, base, self._pipeline_for(endpoint=base, audiences=self._purview_audiences)
                )
            return self._clients["", base]

    def until_room(self, method: str, resource: ArmId, count: int) -> float:
        """Seconds until the budget allows `count` requests about a resource, sent together."""
        return self._budget.until_room(method, f"{self._endpoint}{resource.path}/", count, self.now())

    def check_open(self) -> None:
        """Refuse to work after `close`.

        Raises:
            InvalidSpec: the client was closed.
        """
        if self._is_closed:
            raise InvalidSpec("Client", [("client", "was closed; make a new one, or stay inside its with block")])

    def check_loop(self, loop: AbstractEventLoop) -> None:
        """Refuse to work in a second event loop: connections belong to the loop that opened them.

        If the caller gave both the transport and the credential, any loop is accepted: the caller is responsible.

        Raises:
            InvalidSpec: another event loop has used the connections of this client.
        """
        if (self._owns_transport or self._owned_credential) and self._loop not in {None, loop}:
            raise InvalidSpec(
                "Client",
                [("client", "was used in another event loop before, and its connections belong to that one")],
                remedy="Make a client inside the loop that uses it, one in each coroutine that asyncio.run gets; "
                "nothing was sent to Azure.",
            )

    def enter(self, loop: AbstractEventLoop) -> None:
        """Bind this client to the event loop, before a request. Raises as `check_loop` does."""
        with self._lock:
            self.check_loop(loop)
            self._loop = loop

    def token(self) -> Any:
        """The token for Azure Resource Manager; awaited in the asynchronous colour."""
        return self._credential.get_token_info(self._audience, options={"enable_cae": True})

    def _client(self, package: str, name: str, resource: ArmId) -> Any:
        self.check_open()
        key = (package, resource.subscription.casefold())
        with self._lock:
            if key not in self._clients:
                module = loading.load(package if self._colour == "sync" else f"{package}.aio")
                self._clients[key] = getattr(module, name)(
                    self._credential,
                    resource.subscription,
                    self._endpoint,
                    cloud_setting=self._cloud_setting,
                    pipeline=self._pipeline,
                    policies=[],  # those of the pipeline count; without this, the client would make its own for nothing
                )
            return self._clients[key]

    def close(self) -> None:
        """Close what this object opened; the caller's transport and credential stay open."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._owns_transport:
                self.transport.close()
        finally:
            if self._owned_credential:
                self._credential.inner.close()

    async def aclose(self) -> None:
        """As `close`, for the asynchronous colour."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._owns_transport:
                await self.transport.close()
        finally:
            if self._owned_credential:
                await self._credential.inner.close()


def _security(options: Mapping[str, Any], *, is_ours: bool) -> dict[str, Any]:
    """How to check the server's certificate, and which certificate to show; for our transport, as the system says."""
    security = {key: options[key] for key in ("connection_verify", "connection_cert") if key in options}
    if is_ours and (authorities := network.authorities()) is not None:
        security.setdefault("connection_verify", authorities)
    return security


def make_transport(colour: Colour, security: dict[str, Any]) -> Any:
    """Our own transport; `security` may have `connection_verify` and `connection_cert`."""
    if colour == "sync":
        sync_transport = loading.load("purview_mpe._azure.transport").PooledTransport
        return sync_transport(POOL_SIZE, connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, **security)
    try:
        async_transport = loading.load("purview_mpe._azure.transport_aio").AsyncPooledTransport
    except ModuleNotFoundError as error:
        missing = error.name
    else:
        return async_transport(
            ASYNC_POOL_SIZE, verify=security.get("connection_verify", True), cert=security.get("connection_cert")
        )
    raise UnsupportedSetup(
        f"purview_mpe.aio.Client needs {missing}, which is not installed.",
        remedy="Install aiohttp (pip install aiohttp), or give the client a transport.",
    )


@contextmanager
def span(verb: str) -> Generator[None]:
    """The parent span of all spans that the SDKs make inside the block, if azure-core's tracing is switched on."""
    # Any, because the tracer's types are unknown if opentelemetry is not installed.
    tracer: Any = None
    if settings.tracing_enabled():
        tracer = get_tracer(library_name="purview_mpe", library_version=__version__)
    if tracer is None:
        yield
        return
    with tracer.start_as_current_span(f"purview_mpe.{verb}") as current:
        try:
            yield
        except BaseException as error:
            code = error.code if isinstance(error, PurviewMpeError) else type(error).__name__
            current.set_attribute("error.type", code)
            raise


def translated(error: Exception, exchange: Exchange) -> PurviewMpeError:
    """This library's error for an SDK exception; it holds nothing of the request, the response or the token."""
    failure = without_frames(_translated(error, exchange))
    if failure.retry_after is None and not isinstance(failure, WaitTimedOut):
        failure.retry_after = exchange.retry_after
    return failure


def _translated(error: Exception, exchange: Exchange) -> PurviewMpeError:
    if isinstance(error, PurviewMpeError):
        return error
    attempt = exchange.attempt
    signature = exchange.followed.signature if exchange.followed else ""
    said = errors.blotted(_said_by(error), exchange.secret, signature)
    if exchange.answer is None:
        if exchange.run.left() <= 0:
            return exchange.time_is_up("Azure had not answered when the time ran out")
        return errors.no_answer(
            attempt,
            said,
            host=network.place_of(exchange.url) if exchange.url else "",
            proxy=network.proxy_for(exchange.url, exchange.proxies) if exchange.url else None,
            bad_certificate=network.has_bad_certificate(error),
        )
    answer = exchange.answer
    if answer.status >= 400:
        return errors.error_for(attempt, answer)
    if isinstance(error, HttpResponseError) and not isinstance(error, DecodeError):
        return errors.unexpected_answer(attempt, answer)
    # An SDK raises these for an answer of an unexpected shape: JSONDecodeError, TypeError, KeyError …
    return errors.unreadable_answer(attempt, answer, said)


def _said_by(error: Exception) -> str:
    """The most specific description of the failure: the operating system's, if the network failed."""
    for cause in network.causes_of(error):
        # Skip the OSError subclasses of requests, urllib3 and aiohttp: their texts quote pools, addresses and URLs.
        if isinstance(cause, OSError) and type(cause).__module__ in {"builtins", "socket", "ssl"}:
            return f"{type(cause).__name__}: {cause}"
    return str(error.message) if isinstance(error, SdkError) else f"{type(error).__name__}: {error}"


def without_frames(error: _E) -> _E:
    """The exception without its traceback, cause and context.

    The frames' local variables hold requests, and so tokens; error reporters and debuggers show them.
    """
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error


def json_of(model: Any) -> dict[str, Any]:
    """Azure's own JSON of one resource.

    Raises:
        TypeError: the answer is valid JSON but not an object: null, a number, a list.
    """
    fields = model.as_dict() if hasattr(model, "as_dict") else model
    if not isinstance(fields, dict):
        raise TypeError(f"JSON that is not an object: {type(fields).__name__}")
    return cast("dict[str, Any]", fields)


def refuse_no_list(exchange: Exchange) -> None:
    """Refuse an answer that is not a page of the requested list: the SDKs would take it for an empty page.

    Raises:
        TypeError: as `json_of` does.
    """
    if exchange.is_no_list:
        raise TypeError("JSON without the list that was asked for")


class Visited:
    """The links of a paged list that were followed: a list that leads back to one of them never ends.

    A list with more pages or bytes than any of Azure's lists counts as endless, too.
    """

    _MAX_PAGES = 1000

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._links: set[str] = set()

    def add(self, link: str | None) -> None:
        if link is None:
            return
        if link in self._links or len(self._links) >= self._MAX_PAGES or current().received > LONGEST_LIST:
            raise AzureUnavailable(
                f"Could not {self._attempt.what}: the list that Azure answered does not end.",
                remedy="Repeat the call; if it happens again, report it to Microsoft.",
            )
        self._links.add(link)
