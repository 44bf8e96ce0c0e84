"""One token request at a time, for all threads, tasks and management clients, and all clients of one credential.

azure-core's authentication policies have no lock: 24 threads that start together make up to 24 token requests
(measured), and every management client makes its own. The credential that is given is therefore wrapped in one that
keeps the token and lets one caller at a time ask for a new one.

Imported through `loading.load` alone, because it imports azure.core.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, TypeAlias

from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError

from purview_mpe._azure import loading
from purview_mpe._azure.exchange import current
from purview_mpe._azure.presence import Turns
from purview_mpe._wire import errors
from purview_mpe.errors import InvalidCredential, PurviewMpeError, UnsupportedSetup

if TYPE_CHECKING:
    from purview_mpe._azure.options import Cloud, Colour

#: What a token was asked with: the scopes, and the options that are the same for every request of a client.
_Key: TypeAlias = tuple[tuple[str, ...], str]

#: Clients that are given the same credential share its token, as long as one of them exists.
_known: weakref.WeakValueDictionary[int, OneToken] = weakref.WeakValueDictionary()
_lock = threading.Lock()
_AUTHORITIES = {
    "public": "login.microsoftonline.com",
    "us-government": "login.microsoftonline.us",
    "china": "login.chinacloudapi.cn",
}


class OneToken:
    """A synchronous credential that asks the real one only when no token is at hand, and never twice at once."""

    #: azure-core's policies ask again 4 to 5 minutes before a token ends (SDK source). A minute more, so that what
    #: they get then is a new one.
    _MARGIN = 360.0

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self._turns = Turns()
        self._kept: dict[_Key, _Kept] = {}

    def get_token_info(self, *scopes: str, options: dict[str, Any] | None = None) -> Any:
        """The token at hand, or a new one."""
        key = _key(scopes, options)
        before = self._kept.get(key)
        with self._turns.turn(current().run.presence, current().check):
            if (kept := self._usable(key, options, before)) is not None:
                return kept.token
            try:
                token = _request(self.inner, scopes, options)
            except Exception as error:  # noqa: BLE001 - whatever a credential raises becomes an error of ours
                token = self._after_failure(key, options, error)
            else:
                token = self._keep(key, token)
        return _token_or_raise(token)

    def close(self) -> None:
        """Nothing: the owner of the real credential closes it."""

    def _usable(self, key: _Key, options: dict[str, Any] | None, before: _Kept | None) -> _Kept | None:
        kept = self._kept.get(key)
        if kept is None or not kept.is_fresh():
            return None
        if options and options.get("claims"):
            # Azure refused the token that was kept, and says what a new one must hold (continuous access
            # evaluation). Whoever waited here meanwhile gets the one that the first has fetched.
            return kept if kept is not before else None
        return kept

    def _keep(self, key: _Key, token: Any) -> Any:
        if (problem := _problem_of(token)) is not None:
            if inspect.iscoroutine(token):
                token.close()
            return _not_signed_in(problem)
        self._kept[key] = _Kept(token, self._MARGIN)
        return token

    def _after_failure(self, key: _Key, options: dict[str, Any] | None, error: Exception) -> Any:
        kept = self._kept.get(key)
        if kept is not None and kept.is_valid() and not (options and options.get("claims")):
            return kept.token  # it was asked ahead of time: the old one will do until the next request
        return _failure(error, *(one.token.token for one in self._kept.values()))


class OneAsyncToken(OneToken):
    """The same for tasks: waiting for one's turn must not block the event loop."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self._lock = threading.Lock()
        # A lock of asyncio's belongs to the event loop in which it is first waited for.
        self._queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = weakref.WeakKeyDictionary()

    async def get_token_info(self, *scopes: str, options: dict[str, Any] | None = None) -> Any:
        """The token at hand, or a new one."""
        key = _key(scopes, options)
        before = self._kept.get(key)
        try:
            async with asyncio.timeout(current().run.left_for_timer()), self._queue():
                if (kept := self._usable(key, options, before)) is not None:
                    return kept.token
                try:
                    token = await _request(self.inner, scopes, options)
                except Exception as error:  # noqa: BLE001 - as above
                    token = self._after_failure(key, options, error)
                else:
                    token = self._keep(key, token)
        except TimeoutError:
            token = current().time_is_up("the time given ran out while the credential was asked for a token")
        return _token_or_raise(token)

    def _queue(self) -> asyncio.Lock:
        with self._lock:
            return self._queues.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    async def close(self) -> None:  # type: ignore[override]  # the asynchronous protocol wants a coroutine
        """Nothing: the owner of the real credential closes it."""


class _Kept:
    """A token and how long it is good for."""

    def __init__(self, token: Any, margin: float) -> None:
        self.token = token
        now = time.time()
        ends = float(token.expires_on)
        # A token that lives shorter than the margin is kept for half its life: otherwise every request would ask.
        fresh_until = ends - min(margin, (ends - now) / 2)
        refresh_on = getattr(token, "refresh_on", None)
        self._fresh_until = fresh_until if refresh_on is None else min(fresh_until, float(refresh_on))
        self._ends = ends

    def is_fresh(self) -> bool:
        return time.time() < self._fresh_until

    def is_valid(self) -> bool:
        return time.time() < self._ends - 30


def wrapped(colour: Colour, credential: Any) -> OneToken:
    """The credential, asked by one at a time.

    Raises:
        InvalidCredential: it is none, or one for the client of the other colour.
    """
    name = type(credential).__name__
    if isinstance(credential, type):
        raise InvalidCredential(
            f"{credential.__name__} is a class, and a credential is an object of it.",
            remedy=f"Pass {credential.__name__}() instead.",
        )
    method = getattr(credential, "get_token_info", None) or getattr(credential, "get_token", None)
    if not callable(method):
        raise InvalidCredential(
            f"A credential has get_token or get_token_info, and {name} has neither.",
            remedy="Pass a credential of azure-identity, for example DefaultAzureCredential(), or none at all.",
        )
    is_async = inspect.iscoroutinefunction(method)
    if colour == "sync" and is_async:
        raise InvalidCredential(
            f"{name} is asynchronous, and purview_mpe.Client is not.",
            remedy="Take the credential of the same name from azure.identity, or use purview_mpe.aio.Client.",
        )
    if colour == "async" and not is_async:
        raise InvalidCredential(
            f"{name} is synchronous, and purview_mpe.aio.Client is not.",
            remedy="Take the credential of the same name from azure.identity.aio, or use purview_mpe.Client.",
        )
    with _lock:
        # By identity, which is no other's as long as the wrapped one holds it: not every credential can be hashed.
        known = _known.get(id(credential))
        if known is None:
            known = _known[id(credential)] = (OneToken if colour == "sync" else OneAsyncToken)(credential)
        return known


def default(colour: Colour, cloud: Cloud) -> Any:
    """What `credential=None` means."""
    module = loading.load("azure.identity" if colour == "sync" else "azure.identity.aio")
    try:
        return module.DefaultAzureCredential(authority=_AUTHORITIES[cloud])
    except ImportError:
        missing = "DefaultAzureCredential of azure.identity.aio needs aiohttp, which is not installed."
    # Outside the handler, so that pages of the SDK do not come along.
    raise UnsupportedSetup(missing, remedy="Install it with the extra 'aio': pip install 'purview-mpe[aio]'.")


def _key(scopes: tuple[str, ...], options: dict[str, Any] | None) -> _Key:
    lasting = {name: value for name, value in (options or {}).items() if name != "claims"}
    return scopes, repr(sorted(lasting.items()))


def _request(credential: Any, scopes: tuple[str, ...], options: dict[str, Any] | None) -> Any:
    if hasattr(credential, "get_token_info"):
        return credential.get_token_info(*scopes, options=options or {})
    return credential.get_token(*scopes, **(options or {}))


def _token_or_raise(token: Any) -> Any:
    # Raised here and not where it happened: a traceback through the credential's code could show what it holds.
    if isinstance(token, PurviewMpeError):
        raise token
    return token


def _problem_of(token: Any) -> str | None:
    """Why this is no token; None if it is one."""
    text, ends = getattr(token, "token", None), getattr(token, "expires_on", None)
    if not isinstance(text, str) or not isinstance(ends, (int, float)):
        return f"it returned a {type(token).__name__} in place of a token"
    # requests and aiohttp refuse such a header with an error that quotes it (library sources).
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        return "its token is empty, or holds a space or line break"
    return None if ends > time.time() else "its token has expired already"


def _failure(error: Exception, *tokens: str) -> PurviewMpeError:
    if isinstance(error, PurviewMpeError):
        return error.with_traceback(None)
    if isinstance(error, ClientAuthenticationError):
        return _not_signed_in(errors.blotted(str(error.message), *tokens))
    said = errors.blotted(f"{type(error).__name__}: {error}", *tokens)
    if isinstance(error, (ServiceRequestError, ServiceResponseError)):
        return errors.no_answer(current().attempt, f"while signing in, {said}")
    return _not_signed_in(said)


def _not_signed_in(said: str) -> PurviewMpeError:
    return errors.not_signed_in(current().attempt, said)
