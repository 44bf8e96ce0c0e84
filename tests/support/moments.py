"""Things that happen at an exact moment of a run: just before one of its requests is sent."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
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
