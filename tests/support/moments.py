"""Actions at an exact moment of a run: just before one of its requests is sent."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

from azure.core.pipeline.policies import SansIOHTTPPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds of real time that answers may take on a busy machine.
LONGEST = 60.0


class Died(BaseException):
    """Simulates that the process was killed."""


class Before(SansIOHTTPPolicy[Any, Any]):
    """Calls `happen(number)` before each request with this method and end of path; the first request has the number 1.

    Pass it to a client of either colour as `per_retry_policies=[…]`. An exception from `happen` stops the request.
    """

    def __init__(self, method: str, ending: str, happen: Callable[[int], object]) -> None:
        self._method = method
        self._ending = ending.casefold()
        self._happen = happen
        self._count = 0
        self._lock = threading.Lock()

    def on_request(self, request: Any) -> None:
        """Look at the request that is about to be sent."""
        if self.is_meant(request):
            with self._lock:
                self._count += 1
                number = self._count
            self._happen(number)

    def is_meant(self, request: Any) -> bool:
        """Whether the request is counted."""
        http = request.http_request
        path = unquote(urlsplit(http.url).path).casefold()
        is_there = self._ending in path and path.rpartition(self._ending)[2].count("/") <= 1
        return bool(http.method == self._method and is_there)


class DiesAfter(Before):
    """Lets this many requests through; each later one waits until they are answered, and then ends the run.

    Without the wait, one thread could die while another thread has counted its request but not sent it yet.
    """

    def __init__(self, method: str, ending: str, count: int) -> None:
        super().__init__(method, ending, self._die)
        self._allowed = count
        self._answered = 0
        self._news = threading.Condition()

    def on_response(self, request: Any, response: Any) -> None:
        """Count the answers."""
        if self.is_meant(request) and response.http_response is not None:
            with self._news:
                self._answered += 1
                self._news.notify_all()

    def _die(self, number: int) -> None:
        if number > self._allowed:
            with self._news:
                assert self._news.wait_for(lambda: self._answered >= self._allowed, LONGEST)
            raise Died


class BeforeWrite(SansIOHTTPPolicy[Any, Any]):
    """Calls `happen(number)` before each request that is not a GET; the first request has the number 1."""

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
    """Ends the run before its n-th request is sent, or after its answer came; nothing is sent afterwards.

    Pass it to a client of either colour as `per_retry_policies=[…]`.
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
        """Look at the answer."""
        is_there = response.http_response is not None and request.context["place"] >= self._place
        if self._is_dead or (self._moment == "after" and is_there):
            self._is_dead = True
            raise Died
