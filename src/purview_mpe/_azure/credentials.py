"""One token request at a time for each credential, whatever threads, tasks and clients share it.

azure-core's authentication policies have no lock: 24 threads that start together make up to 24 token requests
(measured), and every management client makes its own. So this module wraps the caller's credential in one that keeps
the token and lets one caller at a time ask for a new one.

Imported through `loading.load` alone, because it imports azure.core.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import inspect
import json
import math
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError

from purview_mpe._azure import loading
from purview_mpe._azure.exchange import Exchange, Run, current, exchanging
from purview_mpe._azure.network import causes_of, has_bad_certificate, proxy_for
from purview_mpe._azure.presence import UNASKED, Turns
from purview_mpe._wire import errors
from purview_mpe._wire.errors import Attempt
from purview_mpe._wire.sign_in import read_no_token
from purview_mpe.errors import InvalidCredential, PurviewMpeError, UnsupportedSetup

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._azure.options import Cloud, Colour

#: Identifies a token request: its scopes, and the options that are the same for every request of a client.
_Key: TypeAlias = tuple[tuple[str, ...], str]

#: Clients with the same credential share its token, as long as one of them exists.
_known: weakref.WeakValueDictionary[int, OneToken] = weakref.WeakValueDictionary()
_lock = threading.Lock()
_AHEAD = Attempt("sign in", "the caller's own token", "Reader")
#: Seconds for which the failure of a request ahead of the verb counts as the answer to the verb's own request.
_RECENT = 5.0
_AUTHORITIES = {
    "public": "login.microsoftonline.com",
    "us-government": "login.microsoftonline.us",
    "china": "login.chinacloudapi.cn",
}


class OneToken:
    """A synchronous credential that asks the real one only if it has no valid token, and never twice at once."""

    #: How many seconds before its expiry a token is renewed.
    _MARGIN = 360.0
    _colour: Colour = "sync"

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self._turns = Turns()
        self._kept: dict[_Key, _Token] = {}
        #: Why a request ahead of the verb has failed, and when.
        self._failed: dict[_Key, tuple[Exception, float]] = {}

    def get_token_info(self, *scopes: str, options: dict[str, Any] | None = None) -> Any:
        """The token at hand, or a new one."""
        return self._in_own_turn(lambda: self._at_hand(scopes, options) or self._new(scopes, options))

    def ask_ahead(self, *scopes: str, options: dict[str, Any] | None = None) -> None:
        """Request a token before a verb needs it; the verb that asks meanwhile waits for it, or raises the failure."""

        def ask() -> None:
            if self._at_hand(scopes, options) is not None:
                return
            self._tell_sign_in()
            given, failure = _answer(self.inner, scopes, options)
            if failure is None:
                self._keep(scopes, options, given)
            else:
                self._failed[_key(scopes, options)] = failure.with_traceback(None), time.monotonic()

        with exchanging(Exchange(Run(time.monotonic), _AHEAD)):
            self._turns.take(UNASKED, ask)

    def renewed(self, refused: str, *scopes: str, options: dict[str, Any] | None = None) -> Any:
        """A token other than the one that Azure refused: one fetched meanwhile, or a new one."""

        def renew() -> Any:
            self.drop(refused)
            return self._at_hand(scopes, options) or self._new(scopes, options)

        return self._in_own_turn(renew)

    def drop(self, refused: str) -> None:
        """Drop a token that Azure refused."""
        for key, kept in list(self._kept.items()):
            if kept.token == refused:
                self._kept.pop(key, None)

    def close(self) -> None:
        """Do nothing: the owner of the real credential closes it."""

    def _in_own_turn(self, action: Callable[[], Any]) -> Any:
        return self._turns.take(current().run.presence, action, current().check)

    def _new(self, scopes: tuple[str, ...], options: dict[str, Any] | None) -> Any:
        self._tell_sign_in()
        given, failure = None, self._failed_ahead(scopes, options)
        if failure is None:
            given, failure = _answer(self.inner, scopes, options)
        token = self._keep(scopes, options, given) if failure is None else self._after_failure(scopes, options, failure)
        return _token_or_raise(token)

    def _failed_ahead(self, scopes: tuple[str, ...], options: dict[str, Any] | None) -> Exception | None:
        failure, since = self._failed.pop(_key(scopes, options), (None, 0.0))
        return failure if time.monotonic() - since < _RECENT else None

    def _tell_sign_in(self) -> None:
        if loading.on_sign_in is not None:
            loading.on_sign_in(self._colour)

    def _at_hand(self, scopes: tuple[str, ...], options: dict[str, Any] | None) -> _Token | None:
        kept = self._kept.get(_key(scopes, options))
        return kept if kept is not None and kept.is_fresh() else None

    def _keep(self, scopes: tuple[str, ...], options: dict[str, Any] | None, given: Any) -> Any:
        token = _read(given, self._MARGIN)
        if isinstance(token, _Token):
            self._kept[_key(scopes, options)] = token
        elif inspect.iscoroutine(given):
            given.close()
        return token

    def _after_failure(self, scopes: tuple[str, ...], options: dict[str, Any] | None, error: Exception) -> Any:
        kept = self._kept.get(_key(scopes, options))
        if kept is not None and kept.is_valid():
            return kept  # the old token is still valid: the next request tries the renewal again
        return _failure(error, *(one.token for one in self._kept.values()))


class OneAsyncToken(OneToken):
    """The same for tasks: waiting for the lock must not block the event loop."""

    _colour: Colour = "async"

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self._lock = threading.Lock()
        # An asyncio lock belongs to the event loop in which a task first waits for it.
        self._queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = weakref.WeakKeyDictionary()

    async def get_token_info(self, *scopes: str, options: dict[str, Any] | None = None) -> Any:
        """The token at hand, or a new one."""
        return await self._in_turn("", scopes, options)

    async def renewed(self, refused: str, *scopes: str, options: dict[str, Any] | None = None) -> Any:
        """A token other than the one that Azure refused: one fetched meanwhile, or a new one."""
        return await self._in_turn(refused, scopes, options)

    async def _in_turn(self, refused: str, scopes: tuple[str, ...], options: dict[str, Any] | None) -> Any:
        try:
            async with asyncio.timeout(current().run.left_for_timer()), self._queue():
                self.drop(refused)
                if (kept := self._at_hand(scopes, options)) is not None:
                    return kept
                self._tell_sign_in()
                try:
                    token = await _request(self.inner, scopes, options)
                except Exception as error:  # noqa: BLE001 - as above
                    token = self._after_failure(scopes, options, error)
                else:
                    token = self._keep(scopes, options, token)
        except TimeoutError:
            token = current().time_is_up("the time given ran out while the credential was asked for a token")
        return _token_or_raise(token)

    def _queue(self) -> asyncio.Lock:
        with self._lock:
            return self._queues.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    async def close(self) -> None:  # type: ignore[override]  # the asynchronous protocol wants a coroutine
        """Do nothing: the owner of the real credential closes it."""


class _Token:
    """A token and how long it is valid; each is read once, because a credential may return any object."""

    def __init__(self, token: str, ends: float, refresh_on: float | None, margin: float) -> None:
        self.token = token
        now = time.time()
        # A token with a short life is kept for half of it: with the whole margin, every request would renew it.
        fresh_until = ends - min(margin, (ends - now) / 2)
        self._fresh_until = fresh_until if refresh_on is None else min(fresh_until, refresh_on)
        self._ends = ends

    def is_fresh(self) -> bool:
        return time.time() < self._fresh_until

    def is_valid(self) -> bool:
        return time.time() < self._ends - 30


def object_id(token: str) -> str | None:
    """Object id of a token's identity (claim `oid`, docs: "Access token claims reference"), if the token shows it.

    The token is not verified: the id is only used to act in the caller's own name.
    """
    try:
        claims = json.loads(base64.urlsafe_b64decode(f"{token.split('.')[1]}=="))
        found = str(UUID(claims["oid"]))
    except (IndexError, KeyError, TypeError, ValueError, AttributeError):
        return None
    return found


def wrapped(colour: Colour, credential: Any) -> OneToken:
    """The credential, wrapped so that one caller at a time asks it.

    Raises:
        InvalidCredential: the object is not a credential, or it is one for the other kind of client.
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
        # The key is the object's id, because not every credential can be hashed. The wrapper keeps the credential
        # alive, so the id stays unique.
        known = _known.get(id(credential))
        if known is None:
            known = _known[id(credential)] = (OneToken if colour == "sync" else OneAsyncToken)(credential)
        return known


def default(colour: Colour, cloud: Cloud) -> Any:
    """The credential that `credential=None` stands for."""
    module = loading.load("azure.identity" if colour == "sync" else "azure.identity.aio")
    try:
        return module.DefaultAzureCredential(authority=_AUTHORITIES[cloud])
    except ImportError:
        missing = "DefaultAzureCredential of azure.identity.aio needs aiohttp, which is not installed."
    # Raised outside the handler, so that the SDK's long traceback is not attached.
    raise UnsupportedSetup(missing, remedy="Install it: pip install aiohttp.")


def _key(scopes: tuple[str, ...], options: dict[str, Any] | None) -> _Key:
    lasting = {name: value for name, value in (options or {}).items() if name != "claims"}
    return scopes, repr(sorted(lasting.items()))


def _request(credential: Any, scopes: tuple[str, ...], options: dict[str, Any] | None) -> Any:
    if hasattr(credential, "get_token_info"):
        return credential.get_token_info(*scopes, options=options or {})
    return credential.get_token(*scopes, **(options or {}))


def _answer(credential: Any, scopes: tuple[str, ...], options: dict[str, Any] | None) -> tuple[Any, Exception | None]:
    try:
        return _request(credential, scopes, options), None
    except Exception as error:  # noqa: BLE001 - whatever a credential raises becomes an error of this library
        return None, error


def _token_or_raise(token: Any) -> Any:
    # Raised here, without the original traceback: the frames of the credential's code could show its secrets.
    if isinstance(token, PurviewMpeError):
        raise token
    return token


def _read(given: Any, margin: float) -> _Token | PurviewMpeError:
    """The token that a credential returned; an error if it returned something else."""
    try:
        text, kind = given.token, getattr(given, "token_type", "Bearer")
        ends, refresh_on = _time(given.expires_on), getattr(given, "refresh_on", None)
        refresh_on = None if refresh_on is None else _time(refresh_on)
    except Exception as error:  # noqa: BLE001 - properties may raise anything
        return _unusable(f"it returned a {type(given).__name__} that is not a token ({errors.blotted(_words(error))})")
    # requests and aiohttp refuse such a header with an error that quotes it (library sources).
    if not isinstance(text, str) or not text or not text.isascii() or not text.isprintable() or " " in text:
        return _unusable("the text of its token is empty, or holds a space, a line break or a letter outside ASCII")
    if isinstance(kind, str) and kind.casefold() != "bearer":
        return _unusable(f"its token is of the type {kind!r}, and Azure Resource Manager takes bearer tokens")
    if ends <= time.time():
        return errors.no_token(current().attempt, "its token has expired already", proxy_for=_proxy_for)
    return _Token(text, ends, refresh_on, margin)


def _time(value: object) -> float:
    """Seconds since 1970.

    Raises:
        ValueError: it is not a number of seconds.
    """
    with contextlib.suppress(OverflowError):
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(seconds := float(value)):
            return seconds
    raise ValueError("expires_on and refresh_on must be seconds since 1970")


def _unusable(why: str) -> InvalidCredential:
    return InvalidCredential(
        f"The credential cannot be used: {errors.safe_text(why, 300)}.",
        remedy="Pass a credential of azure-identity, for example DefaultAzureCredential(), or correct your own: "
        "get_token_info returns an AccessTokenInfo of azure.core.credentials.",
    )


def _words(error: BaseException) -> str:
    """Type and text of an exception; the type alone if it has no text."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - an exception whose text raises counts as one without a text
        return type(error).__name__


def _failure(error: Exception, *tokens: str) -> PurviewMpeError:
    if isinstance(error, PurviewMpeError):
        return error.with_traceback(None)
    said = errors.blotted(_text_of(error), *tokens)
    attempt = current().attempt
    for cause in causes_of(error):
        # azure-identity wraps network errors in an error of its own (SDK source).
        if isinstance(cause, (ServiceRequestError, ServiceResponseError)) and not has_bad_certificate(error):
            host = read_no_token(said).host
            return errors.no_answer(
                attempt, f"while signing in, {said}", host=host or "the sign-in host", proxy=_proxy_for(host)
            )
    return errors.no_token(attempt, said, proxy_for=_proxy_for)


def _text_of(error: Exception) -> str:
    return str(error.message) if isinstance(error, ClientAuthenticationError) else _words(error)


def _proxy_for(host: str) -> str | None:
    return proxy_for(f"https://{host.partition(':')[0]}", None) if host else None
