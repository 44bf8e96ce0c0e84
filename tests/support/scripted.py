"""A scripted Azure: azure-core transports of both colours over one list of answers.

Unlike the emulator, it knows nothing about Azure, so a test can return any answer. Its clock moves only when code
sleeps.
"""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import azure.core  # noqa: F401 - first: the SDKs import it in a circle
import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.pipeline.transport import AsyncHttpTransport, HttpTransport

from purview_mpe import Client, aio
from purview_mpe._azure import loading
from purview_mpe._model.arm_id import ArmId
from purview_mpe._wire.errors import Attempt
from purview_mpe.emulator._http.transport import AsyncEmulatorResponse, EmulatorResponse
from purview_mpe.emulator._values.exchange import Response

if TYPE_CHECKING:
    from collections.abc import Callable

MARK = "s3cr3t-t0k3n-mark"
SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1/providers"
FACTORY = ArmId.parse(f"{SUBSCRIPTION}/Microsoft.DataFactory/factories/df1")
ACCOUNT = ArmId.parse(f"{SUBSCRIPTION}/Microsoft.Purview/accounts/pv1")
STORAGE = ArmId.parse(f"{SUBSCRIPTION}/Microsoft.Storage/storageAccounts/st1")
NAMESPACE = ArmId.parse(f"{SUBSCRIPTION}/Microsoft.EventHub/namespaces/eventhub1")
READING = Attempt("read the Purview account 'pv1'", str(ACCOUNT), "Reader")

# Loaded now, so that the import does not count against a test's deadline.
for _package in ("datafactory", "purview", "storage", "eventhub"):
    loading.load(f"azure.mgmt.{_package}.aio")

#: One answer of a script: a response, or an exception that the transport raises.
Reply = Response | BaseException


def ok(body: Any = None, **headers: str) -> Response:
    """200 with JSON."""
    return answer(200, {} if body is None else body, **headers)


def answer(status: int, body: Any = None, **headers: str) -> Response:
    """Any answer; `_` in header names means `-`. A body of bytes is sent unchanged."""
    named = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, bytes):
        return Response(status, None, named, content=body)
    return Response(status, body, named)


def refusal(status: int, code: str = "Oops", message: str = "Something is wrong.", **headers: str) -> Response:
    """An error in Azure Resource Manager's form."""
    return answer(status, {"error": {"code": code, "message": message}}, **headers)


@dataclass(frozen=True)
class Sent:
    """A request as it arrived at the transport."""

    method: str
    url: str
    headers: dict[str, str]
    options: dict[str, Any]
    at: float


@dataclass(repr=False)
class Script:
    """Answers in order (the last one repeats), or from a function of the request."""

    replies: list[Reply] | Callable[[Sent], Reply]
    sent: list[Sent] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)
    now: float = 1000.0
    takes: float = 0.0
    """How long each answer takes, on the script's clock."""

    def answer(self, request: Any, options: dict[str, Any]) -> Response:
        self.sent.append(Sent(request.method, str(request.url), dict(request.headers), options, self.now))
        self.now += self.takes
        if callable(self.replies):
            reply = self.replies(self.sent[-1])
        else:
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, BaseException):
            raise reply
        return reply

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


class Transport(HttpTransport):
    def __init__(self, script: Script) -> None:
        self.script = script
        self.monotonic = script.monotonic
        self.closed = 0

    def send(self, request: Any, **options: Any) -> Any:
        return EmulatorResponse(request, self.script.answer(request, options), is_stream=bool(options.get("stream")))

    def sleep(self, duration: float) -> None:
        self.script.sleep(duration)

    def open(self) -> None: ...

    def close(self) -> None:
        self.closed += 1

    def __exit__(self, *args: object) -> None: ...


class AsyncTransport(AsyncHttpTransport):
    def __init__(self, script: Script) -> None:
        self.script = script
        self.monotonic = script.monotonic
        self.closed = 0

    async def send(self, request: Any, **options: Any) -> Any:
        await asyncio.sleep(0)
        reply = self.script.answer(request, options)
        return AsyncEmulatorResponse(request, reply, is_stream=bool(options.get("stream")))

    async def sleep(self, duration: float) -> None:
        await asyncio.sleep(0)
        self.script.sleep(duration)

    async def open(self) -> None: ...

    async def close(self) -> None:
        self.closed += 1

    async def __aexit__(self, *args: object) -> None: ...


class Credential:
    """Returns marked tokens, and records the requests for them; raises `raises` instead if it is given."""

    def __init__(self, token: Any = MARK, *, seconds: float = 3600, raises: BaseException | None = None) -> None:
        self.token = token
        self.seconds = seconds
        self.raises = raises
        self.asked: list[dict[str, Any]] = []
        self.closed = 0
        self._lock = threading.Lock()

    def get_token_info(self, *scopes: str, options: dict[str, Any] | None = None) -> Any:
        return self.give(scopes, options)

    def give(self, scopes: tuple[str, ...], options: dict[str, Any] | None) -> Any:
        with self._lock:
            self.asked.append({"scopes": scopes} | (options or {}))
        if self.raises is not None:
            raise self.raises
        if not isinstance(self.token, str):
            return self.token
        return AccessTokenInfo(self.token, int(time.time() + self.seconds))

    def close(self) -> None:
        self.closed += 1


class AsyncCredential(Credential):
    async def get_token_info(self, *scopes: str, options: dict[str, Any] | None = None) -> Any:  # type: ignore[override]
        await asyncio.sleep(0)
        return self.give(scopes, options)

    async def close(self) -> None:  # type: ignore[override]
        self.closed += 1


class OldCredential:
    """A credential with the older protocol."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.asked.append({"scopes": scopes} | options)
        return AccessToken(MARK, int(time.time() + 3600))


class OldAsyncCredential(OldCredential):
    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # type: ignore[override]
        return super().get_token(*scopes, **options)


class Runner:
    """Runs flows and verbs in one colour over a script."""

    def __init__(self, colour: str) -> None:
        self.colour = colour

    def __repr__(self) -> str:
        return self.colour

    @property
    def is_sync(self) -> bool:
        return self.colour == "sync"

    def credential(self, *args: Any, **options: Any) -> Any:
        return (Credential if self.is_sync else AsyncCredential)(*args, **options)

    def transport(self, script: Script) -> Any:
        return Transport(script) if self.is_sync else AsyncTransport(script)

    def azure(self, script: Script | None, credential: Any = None, **given: Any) -> Any:
        """The clients below a verb."""
        cloud, endpoint, retry = given.pop("cloud", "public"), given.pop("endpoint", None), given.pop("retry", None)
        purview_endpoint = given.pop("purview_endpoint", None)
        if script is not None:
            given["transport"] = self.transport(script)
        return loading.load("purview_mpe._azure.clients").Azure(
            self.colour,
            self.credential() if credential is None else credential,
            cloud=cloud,
            endpoint=endpoint,
            purview_endpoint=purview_endpoint,
            retry=retry,
            options=given,
        )

    def flow(
        self, azure: Any, flow: Callable[[Any], Any], *, timeout: float | None = None, listener: Any = None
    ) -> Any:
        """The result of a flow with an Io of this colour."""
        colours = loading.load("purview_mpe._azure.io")
        if self.is_sync:
            io = colours.SyncIo(azure, timeout=timeout, listener=listener)
            return colours.run(flow(io))

        async def main() -> Any:
            io = colours.AsyncIo(azure, timeout=timeout, listener=listener)
            try:
                return await flow(io)
            finally:
                await azure.aclose()

        return asyncio.run(main())

    def get(self, replies: Any, *, timeout: float | None = None, takes: float = 0.0, **given: Any) -> Script:
        """Read one account and return the script, with the result in its `result`; errors are raised."""
        script = replies if isinstance(replies, Script) else Script(replies, takes=takes)
        credential = given.pop("credential", None)
        listener = given.pop("listener", None)
        azure = self.azure(script, credential, **given)
        script.result = self.flow(azure, read_account, timeout=timeout, listener=listener)  # type: ignore[attr-defined]
        return script

    def client(self, script: Script, verb: Callable[[Any], Any], credential: Any = None, **options: Any) -> Any:
        """The result of a verb of the client, over a script."""
        credential = self.credential() if credential is None else credential
        return self._client(verb, credential, {"transport": self.transport(script)} | options)

    def client_on(self, emulator: Any, verb: Callable[[Any], Any], **options: Any) -> Any:
        """The result of a verb of the client, on an emulator."""
        if self.is_sync:
            return self._client(verb, emulator.credential, {"transport": emulator.transport()} | options)
        return self._client(verb, emulator.async_credential, {"transport": emulator.async_transport()} | options)

    def _client(self, verb: Callable[[Any], Any], credential: Any, options: dict[str, Any]) -> Any:
        if self.is_sync:
            with Client(credential, **options) as client:
                return verb(client)

        async def main() -> Any:
            async with aio.Client(credential, **options) as client:
                return await verb(client)

        return asyncio.run(main())


async def read_account(io: Any) -> Any:
    """GET of one resource."""
    return await io.read(READING, lambda az: az.purview(ACCOUNT).accounts.get("rg1", "pv1"))


async def read_everything(io: Any) -> None:
    """One request through each of the four management clients, together."""

    async def one(operation: Any) -> None:
        await io.read(READING, operation)

    await io.gather(
        [
            one(lambda az: az.purview(ACCOUNT).accounts.get("rg1", "pv1")),
            one(lambda az: az.datafactory(FACTORY).factories.get("rg1", "df1")),
            one(lambda az: az.storage(STORAGE).storage_accounts.get_properties("rg1", "st1")),
            one(lambda az: az.eventhub(NAMESPACE).namespaces.get("rg1", "eventhub1")),
        ]
    )


async def put_endpoint(io: Any) -> Any:
    """PUT of one resource."""
    body = {"properties": {"privateLinkResourceId": str(ACCOUNT), "groupId": "account", "fqdns": []}}
    return await io.read(
        Attempt("create the endpoint 'purview'", str(FACTORY), "Data Factory Contributor"),
        lambda az: az.datafactory(FACTORY).managed_private_endpoints.create_or_update(
            "rg1", "df1", "default", "purview", body
        ),
    )


async def delete_endpoint(io: Any) -> Any:
    """DELETE of one resource."""
    return await io.call(
        Attempt("delete the endpoint 'purview'", str(FACTORY), "Data Factory Contributor"),
        lambda az: az.datafactory(FACTORY).managed_private_endpoints.delete("rg1", "df1", "default", "purview"),
    )


async def post_ingestion(io: Any) -> Any:
    """POST: an approval."""
    return await io.call(
        Attempt("approve the connection 'x'", str(ACCOUNT), "Contributor"),
        lambda az: az.purview(ACCOUNT).ingestion_private_endpoint_connections.update_status(
            "rg1", "pv1", {"privateEndpointId": "/x", "status": "Approved"}
        ),
    )


async def list_endpoints(io: Any) -> Any:
    """A paged list."""
    return await io.collect(
        Attempt("list the managed private endpoints of the factory 'df1'", str(FACTORY), "Reader"),
        lambda az: az.datafactory(FACTORY).managed_private_endpoints.list_by_factory("rg1", "df1", "default"),
    )


async def list_storage_connections(io: Any) -> Any:
    """A list of another service."""
    return await io.collect(
        Attempt("list the private endpoint connections of the storage account 'st1'", str(STORAGE), "Reader"),
        lambda az: az.storage(STORAGE).private_endpoint_connections.list("rg1", "st1"),
    )


#: Runs a test once in each colour.
both = pytest.mark.parametrize("runner", [Runner("sync"), Runner("async")], ids=repr)
