"""The emulator's own address, `/_emulator`, to control it while it runs, from any language.

| request | does |
|---|---|
| `GET /_emulator` | shows default ids, seconds since the emulator was made, number of requests |
| `GET`, `DELETE /_emulator/requests` | the request log; forgets it |
| `GET /_emulator/state` | the present state as a scenario |
| `GET`, `POST`, `DELETE /_emulator/faults` | the faults to come; adds one; clears them |
| `GET`, `POST /_emulator/connections` | all connections on the targets; adds a stranger's |
| `POST /_emulator/decisions` | decides as the owner: `{"name": …, "decision": "approve"}`, or `reject`, … |
| `POST /_emulator/clock` | moves the clock: `{"advance": seconds}` |

It needs no token, faults do not happen to it, and its requests are not in the request log.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import bad_request
from purview_mpe.emulator._http.fault_words import fault_from, words_of
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._state.clock import VirtualClock
from purview_mpe.emulator._values.exchange import ArmError, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe.emulator._control.parts import Parts
    from purview_mpe.emulator._http.call import Call

    #: Method, path after `/_emulator`, and handler.
    _Row = tuple[str, str, Callable[[Call], Response]]

_CONNECTION_FIELDS = frozenset({"target", "private_endpoint_id", "name", "description", "status", "group_id"})
_A_CENTURY = 100 * 365 * 24 * 3600
_DECISION_FIELDS = frozenset({"name", "decision", "factory", "description"})


def admin_routes(parts: Parts, dump: Callable[[], dict[str, Any]]) -> tuple[Route, ...]:
    """The routes that control this emulator."""

    def state(_call: Call) -> Response:
        return Response(200, dump())

    rows: tuple[_Row, ...] = (
        ("GET", "/state", state),
        *_clock_routes(parts),
        *_request_routes(parts),
        *_fault_routes(parts),
        *_connection_routes(parts),
    )
    return tuple(
        Route(method, f"/_emulator{path}", None, _clearly(handler), anonymous=True) for method, path, handler in rows
    )


def _clock_routes(parts: Parts) -> tuple[_Row, ...]:
    """The summary of the emulator, and its clock."""
    clock = parts.world.clock
    began = clock.now()

    def overview(_call: Call) -> Response:
        now, count = clock.now() - began, parts.log.count
        return Response(200, {**parts.inventory.described(), "now": now, "requests": count})

    def move_clock(call: Call) -> Response:
        seconds = _only(call.json, frozenset({"advance"}), "advance")["advance"]
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _A_CENTURY:
            raise ValueError(f"advance: must be a number of seconds, at most {_A_CENTURY}, not {seconds!r}")
        if isinstance(clock, VirtualClock):
            clock.advance(seconds)
        else:
            clock.sleep(seconds)
        return Response(200, {"now": clock.now() - began})

    return ("GET", "", overview), ("POST", "/clock", move_clock)


def _request_routes(parts: Parts) -> tuple[_Row, ...]:
    """The request log."""

    def requests(_call: Call) -> Response:
        return Response(200, {"value": [asdict(request) for request in parts.log.requests]})

    def forget_requests(_call: Call) -> Response:
        parts.log.clear()
        return Response(204)

    return ("GET", "/requests", requests), ("DELETE", "/requests", forget_requests)


def _fault_routes(parts: Parts) -> tuple[_Row, ...]:
    """The faults to come."""

    def faults(_call: Call) -> Response:
        return Response(200, {"value": [words_of(fault, left) for fault, left in parts.faults.armed]})

    def add_fault(call: Call) -> Response:
        parts.faults.inject(fault_from(call.json))
        return Response(201, call.json)

    def clear_faults(_call: Call) -> Response:
        parts.faults.clear()
        return Response(204)

    return ("GET", "/faults", faults), ("POST", "/faults", add_fault), ("DELETE", "/faults", clear_faults)


def _connection_routes(parts: Parts) -> tuple[_Row, ...]:
    """The connections on the targets, and their owners' decisions."""

    def connections(_call: Call) -> Response:
        return Response(200, {"value": [_shown(one) for one in parts.connections.connections()]})

    def add_connection(call: Call) -> Response:
        words = _only(call.json, _CONNECTION_FIELDS, "target")
        return Response(201, _shown(parts.connections.add_connection(words.pop("target"), **words)))

    def decide(call: Call) -> Response:
        words = _only(call.json, _DECISION_FIELDS, "name", "decision")
        name, decision = words.pop("name"), words.pop("decision")
        decisions: dict[str, Callable[..., None]] = {
            "approve": parts.owners.approve,
            "reject": parts.owners.reject,
            "disconnect": parts.owners.disconnect,
        }
        if decision not in decisions:
            raise ValueError(f"decision: must be one of {', '.join(decisions)}, not {decision!r}")
        decisions[decision](name, **words)
        return Response(204)

    return (
        ("GET", "/connections", connections),
        ("POST", "/connections", add_connection),
        ("POST", "/decisions", decide),
    )


def _clearly(handler: Callable[[Call], Response]) -> Callable[[Call], Response]:
    """Answer a refusal of the emulator with 400 or 404 and its message."""

    def handle(call: Call) -> Response:
        try:
            return handler(call)
        except LookupError as error:
            raise ArmError(404, "NotFound", str(error.args[0])) from None
        except ValueError as error:
            raise bad_request(str(error)) from None

    return handle


def _only(words: dict[str, Any], known: frozenset[str], *required: str) -> dict[str, Any]:
    for key, value in words.items():
        if key not in known:
            raise ValueError(f"{key}: is not known here; known are {', '.join(sorted(known))}")
        if key != "advance" and value is not None and not isinstance(value, str):
            raise ValueError(f"{key}: must be a text, not {value!r}")
    for key in required:
        if words.get(key) is None:
            raise ValueError(f"{key}: is missing")
    return dict(words)


def _shown(view: Any) -> dict[str, Any]:
    """A view as JSON, with ids as text."""
    return {
        name: value if isinstance(value := getattr(view, name), str | None) else str(value)
        for name in view.__dataclass_fields__
    }
