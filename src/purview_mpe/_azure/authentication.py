"""The policy that authorizes requests: with the kept token, and with a second one if Azure refuses the first.

azure-core's own policy keeps one token per client, and drops it on a 401 only if the answer holds a claims challenge.
Here the credential keeps the token for all clients (`credentials`). On any 401 this policy drops the refused token and
asks the credential once more. A host or subscription that refuses the second token as well refuses the caller, not the
token. So no further token is requested for that host or subscription during the verb.

Imported through `loading.load` alone, because it imports azure.core.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.pipeline import policies

from purview_mpe._azure.exchange import current
from purview_mpe._azure.stepping import awaited, taken
from purview_mpe._flows.steps.io import MOMENT, NotYet
from purview_mpe.errors import AccessDenied, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from purview_mpe._azure.credentials import OneToken
    from purview_mpe._azure.stepping import Step, Steps

#: Entra ID's code for an audience that a tenant does not know (docs: "Microsoft Entra authentication error codes").
_UNKNOWN_AUDIENCE = "AADSTS500011"
_SUBSCRIPTION = re.compile(r"/subscriptions/[^/]+", re.IGNORECASE)


class _Authorizing:
    """The work for one request, in steps that the synchronous client takes and the asynchronous one awaits."""

    def __init__(self, credential: OneToken, audiences: Sequence[str], *, enable_cae: bool) -> None:
        super().__init__()
        self._credential = credential
        self._audiences = audiences
        self._options: dict[str, Any] = {"enable_cae": True} if enable_cae else {}
        #: Index of the audience that worked last.
        self._audience = 0

    def steps(self, request: Any, send: Callable[[Any], Any]) -> Steps:
        """Authorize and send; send again with another token if the first is refused."""
        run = current().run
        refusing, place, began = run.refusing, _place(str(request.http_request.url)), run.now()
        audience, token = yield from self._first_token()
        response = yield from _sent(request, send, token, began)
        if response.http_response.status_code != 401:
            refusing.discard(place)
            return response
        if place in refusing:
            return response
        # First try another token for the same audience, then the audiences that follow it.
        for other in range(audience, len(self._audiences)):
            if (renewed := (yield from self._another(other, token if other == audience else ""))) is None:
                continue
            token = renewed
            response = yield from _sent(request, send, token, began)
            if response.http_response.status_code != 401:
                self._audience = other
                return response
        refusing.add(place)
        self._credential.drop(token)
        return response

    def _first_token(self) -> Generator[Step, Any, tuple[int, str]]:
        for audience in range(self._audience, len(self._audiences)):
            try:
                token = yield partial(self._credential.get_token_info, self._audiences[audience], options=self._options)
            except AccessDenied as denied:
                if _UNKNOWN_AUDIENCE not in denied.message or audience + 1 == len(self._audiences):
                    raise
            else:
                self._audience = audience
                return audience, token.token
        raise AssertionError  # pragma: no cover - the last audience returns or raises

    def _another(self, audience: int, refused: str) -> Generator[Step, Any, str | None]:
        """A token other than the refused one; None if the credential has no other."""
        exchange = current()
        answer = exchange.answer
        claims = answer.challenge.claims if answer and answer.challenge else None
        options = self._options | ({"claims": claims} if claims else {})
        try:
            token = yield partial(self._credential.renewed, refused, self._audiences[audience], options=options)
        except (AccessDenied, NoAnswer) as failure:
            if answer is not None:
                # The error reports the refusal, and adds that the credential has no other token.
                exchange.answer = replace(
                    answer, no_other_token=failure.message.removeprefix(f"Could not {exchange.attempt.what}: ")
                )
            return None
        # A token requested with claims counts as another one, even if its text is the same.
        return token.token if claims or token.token != refused else None


def _sent(request: Any, send: Callable[[Any], Any], token: str, began: float) -> Steps:
    _check_age(request.http_request.method, began)
    request.http_request.headers["Authorization"] = f"Bearer {token}"
    return (yield partial(send, request))


def _check_age(method: str, began: float) -> None:
    """Make the flow read the state again before a write if the sign-in took long: the state may have changed.

    Raises:
        NotYet: nothing was sent; the next attempt uses the token.
    """
    exchange = current()
    waited = exchange.run.now() - began
    if waited > MOMENT and exchange.changes(method) and not exchange.attempt.is_guarded:
        failure = NotYet(
            f"Could not {exchange.attempt.what} yet: the sign-in took {waited:.0f} s.",
            remedy="Repeat the call: what is done already is kept.",
        )
        failure.retry_after = 0.0
        raise failure


def _place(url: str) -> str:
    """The place that refuses a token: the subscription, because each belongs to one tenant; otherwise the host."""
    parts = urlsplit(url)
    subscription = _SUBSCRIPTION.match(parts.path)
    return (subscription[0] if subscription else parts.netloc).casefold()


class Authentication(_Authorizing, policies.HTTPPolicy[Any, Any]):
    """For synchronous clients."""

    def send(self, request: Any) -> Any:
        """Call each step directly."""
        return taken(self.steps(request, self.next.send))


class AsyncAuthentication(_Authorizing, policies.AsyncHTTPPolicy[Any, Any]):
    """For asynchronous clients."""

    async def send(self, request: Any) -> Any:
        """Await each step."""
        return await awaited(self.steps(request, self.next.send))
