"""The path of a request through the emulator, the same for in-process transports and for sockets.

begin   log it, choose the faults that happen to it, and find how long it takes
(the transport waits that long)
finish  faults before → sign-in → rate limits → route → api-version → rights → handler → faults after →
headers
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from purview_mpe.emulator._http import hosts
from purview_mpe.emulator._http.call import Call
from purview_mpe.emulator._http.faults import Fault, Faults, happen_after, happen_before
from purview_mpe.emulator._http.router import Route, Router, check_version
from purview_mpe.emulator._state.settings import Reads, drawn
from purview_mpe.emulator._values.exchange import (
    ArmError,
    ConnectionReset,
    Exchange,
    RecordedRequest,
    Request,
    Response,
    segments_of,
    split_url,
)
from purview_mpe.emulator._values.json_values import check_size, read_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from purview_mpe.emulator._http.request_log import RequestLog
    from purview_mpe.emulator._state.access import Access, Caller
    from purview_mpe.emulator._state.guards import Guards
    from purview_mpe.emulator._state.limits import Limits
    from purview_mpe.emulator._state.world import World

ADMIN = "_emulator"
# How much of a body that is not JSON is kept in the log.
_LOGGED = 10_000
_SECRET_HEADERS = frozenset({"authorization", "x-ms-authorization-auxiliary", "cookie"})


@dataclass(slots=True)
class Ticket:
    """A request between `begin` and `finish`."""

    request: Request
    origin: str
    path: str
    query: dict[str, str]
    record: RecordedRequest
    faults: list[Fault]
    delay: float
    arrived: int


class Service:
    """Answers requests. All of the emulator's state is behind the world's lock."""

    def __init__(
        self,
        world: World,
        access: Access,
        guards: Guards,
        *,
        limits: Limits,
        faults: Faults,
        routes: Iterable[Route],
        log: RequestLog,
    ) -> None:
        self._world = world
        self._access = access
        self._guards = guards
        self._limits = limits
        self._faults = faults
        self.router = Router(routes)
        self._log = log

    def begin(self, request: Request) -> Ticket:
        """Log a request; gives how long it has to wait before `finish`."""
        origin, path, query = split_url(request.url)
        with self._world.lock:
            record = RecordedRequest(
                method=request.method,
                path=path,
                query=query,
                headers={key: value for key, value in request.headers.items() if key not in _SECRET_HEADERS},
                # The body of a sign-in holds secrets.
                body=None if "/oauth2/" in path else _readable(request),
                at=self._world.clock.now(),
                host=urlsplit(origin).hostname or "",
            )
            self._world.arrivals += 1
            arrived = self._world.arrivals
            if is_admin(path):
                return Ticket(request, origin, path, query, record, [], 0.0, arrived)
            self._log.arrived(record)
            faults = self._faults.take(request.method, path)
            latency = self._world.settings.latency
            delay = 0.0 if isinstance(latency, Reads) else drawn(latency, self._world.random)
            delay += sum(fault.seconds for fault in faults)
        return Ticket(request, origin, path, query, record, faults, delay, arrived)

    def finish(self, ticket: Ticket) -> Response:
        """Do the work and answer.

        Raises:
            ConnectionReset: a fault broke the connection.
        """
        with self._world.lock:
            try:
                answer = self._answer(ticket)
            except ConnectionReset:
                self._log.answered(ticket.record, None)
                raise
            if not is_admin(ticket.path):
                self._log.answered(ticket.record, answer)
                self._show(ticket, answer)
            return answer

    def _show(self, ticket: Ticket, answer: Response) -> None:
        """Show the exchange to the observers. A sign-in is left out, because its bodies hold secrets."""
        if not self._log.is_observed or "/oauth2/" in ticket.path:
            return
        exchange = Exchange(
            method=ticket.request.method,
            url=ticket.request.url,
            headers=ticket.record.headers,
            content=ticket.request.content,
            status=answer.status,
            answer_headers=dict(answer.headers),
            answer_content=answer.encoded(),
            is_faulty=bool(ticket.faults),
        )
        self._log.show(exchange)

    def _answer(self, ticket: Ticket) -> Response:
        headers: dict[str, str] = {}
        answer = happen_before(ticket.faults)
        if answer is None:
            try:
                answer = self._work(ticket, headers)
            except ArmError as error:
                answer = error.response
            answer = happen_after(ticket.faults, answer)
        self._complete(ticket, answer, headers)
        return answer

    def _work(self, ticket: Ticket, headers: dict[str, str]) -> Response:
        world, request = self._world, ticket.request
        now = world.settle()
        check_size(request)
        segments = (*hosts.prefix_of(world, ticket.record.host), *segments_of(ticket.path))
        route, parameters = self.router.match(request.method, segments)
        caller = self._access.default if route.anonymous else self._caller(ticket, route)
        subscription = parameters.get("subscription", "").casefold()
        if subscription in world.subscriptions:
            headers |= self._limits.take(subscription, caller.object_id, request.method, now)
        planned: dict[str, Any] = {}
        for fault in ticket.faults:
            planned.update(fault.planned)
        call = Call(
            world=world,
            access=self._access,
            guards=self._guards,
            caller=caller,
            request=request,
            method=request.method,
            origin=ticket.origin,
            path=ticket.path,
            query=ticket.query,
            segments=segments,
            parameters=parameters,
            api_version=check_version(route, _asked_version(ticket.query)),
            now=now,
            planned=planned,
            arrived=ticket.arrived,
        )
        if "subscription" in parameters:
            call.subscription()
            if "/providers/Microsoft." in route.template:
                namespace = route.template.partition("/providers/")[2].partition("/")[0]
                self._guards.check_registration(parameters["subscription"], namespace)
        scope = call.scope
        for action in (route.action, route.also):
            if action is not None:
                self._access.check(caller, action, scope)
                self._guards.check(caller, action, scope, delete_passes_locks=route.delete_passes_locks)
        try:
            return route.handler(call)
        except ArmError as error:
            if route.is_data_plane:
                # An account's own host also sends the code of an error in a header (spec).
                error.response.headers.setdefault("x-ms-error-code", error.code)
            raise

    def _caller(self, ticket: Ticket, route: Route) -> Caller:
        if route.is_data_plane:
            audiences = hosts.purview_audiences(ticket.record.host, self._world.settings.answers.sovereign_audience)
        else:
            audiences = hosts.MANAGEMENT_AUDIENCES | {ticket.origin.casefold()}
        caller = self._access.caller_of(ticket.request.headers.get("authorization", ""), audiences)
        ticket.record.caller = caller.name
        return caller

    def _complete(self, ticket: Ticket, answer: Response, headers: dict[str, str]) -> None:
        request_id = self._world.guid()
        correlation = ticket.request.headers.get("x-ms-correlation-request-id") or request_id
        answer.headers = {
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
            "x-ms-request-id": request_id,
            "x-ms-correlation-request-id": correlation,
            **headers,
            **answer.headers,
        }
        if "x-ms-client-request-id" in ticket.request.headers:
            answer.headers["x-ms-client-request-id"] = ticket.request.headers["x-ms-client-request-id"]
        if ticket.request.method == "HEAD":
            answer.body, answer.content = None, None
        if answer.body is not None or answer.content:
            answer.headers.setdefault("Content-Type", "application/json; charset=utf-8")


def is_admin(path: str) -> bool:
    """Whether a path belongs to the emulator itself: it is not logged or counted, and no fault happens to it."""
    return path.strip("/").partition("/")[0].casefold() == ADMIN


def _asked_version(query: dict[str, str]) -> str | None:
    """The api-version; the name of the parameter can have any letter case."""
    asked = query.get("api-version")
    if asked is None:
        asked = next((value for key, value in query.items() if key.casefold() == "api-version"), None)
    return asked


def _readable(request: Request) -> Any:
    """The body for the log, parsed if it is JSON."""
    try:
        return read_json(request)
    except ArmError:
        return request.content[:_LOGGED].decode(errors="replace")
