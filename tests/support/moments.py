"""Things that happen at an exact moment of a run: just before one of its requests is sent."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

from azure.core.pipeline.policies import SansIOHTTPPolicy

if TYPE_CHECKING:
    from collections.abc import Callable


class Died(BaseException):
    """The process was killed, as far as the run can tell."""


class Before(SansIOHTTPPolicy[Any, Any]):
    """Calls `happen(number)` before each request of one method whose path ends so; the first has the number 1.

    Given to a client of either colour as `per_retry_policies=[…]`. What `happen` raises ends the request unsent.
    """

    def __init__(self, method: str, ending: str, happen: Callable[[int], object]) -> None:
        self._method = method
        self._ending = ending.casefold()
        self._happen = happen
        self._count = 0
        self._lock = threading.Lock()

    def on_request(self, request: Any) -> None:
        """Look at the request that is about to be sent."""
        http = request.http_request
        path = unquote(urlsplit(http.url).path).casefold()
        if http.method == self._method and self._ending in path and path.rpartition(self._ending)[2].count("/") <= 1:
            with self._lock:
                self._count += 1
                number = self._count
            self._happen(number)


class BeforeWrite(SansIOHTTPPolicy[Any, Any]):
    """Calls `happen(number)` before each request that is not a GET; the first has the number 1."""

    def __init__(self, happen: Callable[[int], object]) -> None:
        self._happen = happen
        self._count = 0
        self._lock = threading.Lock()

    def on_request(self, request: Any) -> None:
        """Look at the request that is about to be sent."""
        if request.http_request.method == "GET":
            return
        with self._lock:
            self._count += 1
            number = self._count
        self._happen(number)


class Killed(SansIOHTTPPolicy[Any, Any]):
    """Ends the run before its n-th request is sent, or after the answer to it came; nothing is sent any more then.

    Given to a client of either colour as `per_retry_policies=[…]`.
    """

    def __init__(self, place: int, moment: Literal["before", "after"]) -> None:
        self._place = place
        self._moment = moment
        self._sent = 0
        self._is_dead = False
        self._lock = threading.Lock()

    def on_request(self, request: Any) -> None:
        """Count the request that is about to be sent."""
        with self._lock:
            self._sent += 1
            request.context["place"] = self._sent
            self._is_dead = self._is_dead or (self._moment == "before" and self._sent >= self._place)
        if self._is_dead:
            raise Died

    def on_response(self, request: Any, response: Any) -> None:
        """Look at the answer that has come."""
        is_there = response.http_response is not None and request.context["place"] >= self._place
        if self._is_dead or (self._moment == "after" and is_there):
            self._is_dead = True
            raise Died
