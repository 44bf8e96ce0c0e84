"""Faults on demand: what goes wrong, for which requests, and how often."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._values.exchange import ArmError, ConnectionReset, Response
from purview_mpe.emulator._values.public import public

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_CODES = {
    400: "BadRequest", 401: "AuthenticationFailed", 403: "AuthorizationFailed", 404: "ResourceNotFound",
    408: "RequestTimeout", 409: "Conflict", 412: "PreconditionFailed", 429: "TooManyRequests",
    500: "InternalServerError", 502: "BadGateway", 503: "ServiceUnavailable", 504: "GatewayTimeout",
}  # fmt: skip

_HTML = b"<html><head><title>Bad gateway</title></head><body><h1>Service unavailable</h1></body></html>"


@public
@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. Make it with one of the constructors and give it to `Emulator.inject`.

    All of them choose the requests in the same way: `method` is an HTTP method or `*`; `path` is part of the
    path, or a pattern for the whole of it if it holds `*` or `?`, in any letter case; `times` is how often
    it happens (None: for ever); `probability` is how likely it happens to a request that fits, drawn from
    the emulator's seed.

    Of the faults that answer in the service's place (`status`, `reset`, `body`, `rewrite`) the first
    injected one that fits a request is used; delays and plans add up.
    """

    kind: str
    """What goes wrong: `status`, `reset`, `body`, `rewrite`, `delay`, or what becomes of the endpoint."""
    method: str
    """HTTP method of the requests that it happens to; `*` stands for all."""
    path: str | None = None
    """Part of their path, or a pattern for the whole of it; None stands for all."""
    times: int | None = 1
    """How often it happens; None: for ever."""
    probability: float = 1.0
    """How likely it happens to a request that fits, from 0 to 1."""
    after: bool = False
    """Whether the service does its work before the fault happens."""
    answer: Response | None = None
    """What is answered in the service's place; None if nothing is."""
    mangled: str | bytes | Callable[[Any], Any] | None = field(default=None, hash=False)
    """The body that replaces the service's own, or the function that changes it."""
    seconds: float = 0.0
    """How long it delays the answer, on the emulator's clock."""
    planned: dict[str, Any] = field(default_factory=dict[str, Any], hash=False)
    """What becomes of the endpoint that is requested: how it ends, or what is decided about its connection."""

    def __post_init__(self) -> None:
        """Refuse what cannot happen.

        Raises:
            ValueError: the message begins with the argument that is wrong.
        """
        if self.times is not None and self.times < 1:
            raise ValueError(f"times: must be at least 1, or None for ever, not {self.times!r}")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability: must be from 0 to 1, not {self.probability!r}")
        if not 0 <= self.seconds < math.inf:
            raise ValueError(f"seconds: must be a number from 0 on, not {self.seconds!r}")
        if self.answer is not None and not 200 <= self.answer.status <= 599:
            raise ValueError(f"status: must be from 200 to 599, not {self.answer.status!r}")
        if self.answer is not None and not self.answer.headers.get("Retry-After", "").isprintable():
            raise ValueError(f"retry_after: must be one line, not {self.answer.headers['Retry-After']!r}")

    @classmethod
    def status(
        cls,
        method: str,
        status: int,
        *,
        path: str | None = None,
        times: int | None = 1,
        probability: float = 1.0,
        retry_after: float | str | None = None,
        code: str | None = None,
        message: str | None = None,
        after: bool = False,
    ) -> Fault:
        """Answer with a status and an error in Azure Resource Manager's shape.

        `retry_after` is sent as it is, so it can be huge or no number at all. With `after=True` the service
        does what it was asked to and only the answer is wrong.
        """
        code = code or _CODES.get(status, "InternalServerError" if status >= 500 else "BadRequest")
        error = ArmError(status, code, message or f"The emulator was told to answer {status} {code}.")
        if retry_after is not None:
            error.response.headers["Retry-After"] = str(retry_after)
        return cls("status", method, path, times, probability, after, error.response)

    @classmethod
    def reset(
        cls,
        method: str,
        *,
        before: bool = True,
        path: str | None = None,
        times: int | None = 1,
        probability: float = 1.0,
    ) -> Fault:
        """Break the connection before the request is delivered, or (`before=False`) after the work."""
        return cls("reset", method, path, times, probability, after=not before)

    @classmethod
    def body(
        cls,
        method: str,
        content: str | bytes = "truncated",
        *,
        path: str | None = None,
        times: int | None = 1,
        probability: float = 1.0,
    ) -> Fault:
        """Do the work and answer with its status, but spoil the body.

        `content` is `"truncated"` (the first half of the right one), `"html"` (a page of some proxy),
        `"empty"`, or the bytes to send.
        """
        return cls("body", method, path, times, probability, after=True, mangled=content)

    @classmethod
    def rewrite(
        cls,
        method: str,
        change: Callable[[Any], Any],
        *,
        path: str | None = None,
        times: int | None = 1,
        probability: float = 1.0,
    ) -> Fault:
        """Do the work and answer with its status, but with the JSON that `change` makes of the right one.

        For hostile answers: missing fields, wrong types, links to other hosts. It has no form in a scenario.
        """
        return cls("rewrite", method, path, times, probability, after=True, mangled=change)

    @classmethod
    def delay(
        cls,
        method: str,
        seconds: float,
        *,
        path: str | None = None,
        times: int | None = 1,
        probability: float = 1.0,
    ) -> Fault:
        """Let the request wait before it is worked on.

        A client whose time is up sooner gives up; the work is done all the same.
        """
        return cls("delay", method, path, times, probability, seconds=seconds)

    @classmethod
    def failed_provisioning(cls, *, path: str | None = None, times: int | None = 1, probability: float = 1.0) -> Fault:
        """Let the endpoint that is requested end as Failed."""
        return cls("failed-provisioning", "PUT", path, times, probability, planned={"outcome": "Failed"})

    @classmethod
    def rejected_connection(cls, *, path: str | None = None, times: int | None = 1, probability: float = 1.0) -> Fault:
        """Let somebody reject the connection of the requested endpoint as soon as it is there."""
        return cls("rejected-connection", "PUT", path, times, probability, planned={"decision": "Rejected"})

    @classmethod
    def lock(cls, method: str, *, path: str | None = None, times: int | None = 1, probability: float = 1.0) -> Fault:
        """Answer 409 `ScopeLocked`, as if the scope were locked; `Emulator.add_lock` locks it for good."""
        message = "The scope cannot perform the operation because following scope(s) are locked. Remove the lock."
        return cls.status(
            method, 409, path=path, times=times, probability=probability, code="ScopeLocked", message=message
        )

    @classmethod
    def policy(cls, method: str, *, path: str | None = None, times: int | None = 1, probability: float = 1.0) -> Fault:
        """Answer 403 `RequestDisallowedByPolicy`; `Emulator.deny_by_policy` denies for good."""
        return cls.status(
            method,
            403,
            path=path,
            times=times,
            probability=probability,
            code="RequestDisallowedByPolicy",
            message="The resource was disallowed by policy.",
        )

    def fits(self, method: str, path: str) -> bool:
        """Whether this fault is meant for such a request."""
        if self.method != "*" and self.method.upper() != method:
            return False
        if self.planned and "/managedprivateendpoints/" not in path.casefold():
            return False
        if self.path is None:
            return True
        path, wanted = path.casefold(), self.path.casefold()
        return fnmatchcase(path, wanted) if "*" in wanted or "?" in wanted else wanted in path


@dataclass(slots=True)
class _Armed:
    fault: Fault
    left: int | None


class Faults:
    """The faults that are still to happen, in the order in which they were injected."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._armed: list[_Armed] = []

    def inject(self, fault: Fault) -> None:
        """Arm a fault."""
        self._armed.append(_Armed(fault, fault.times))

    def clear(self) -> None:
        """Disarm all faults."""
        self._armed.clear()

    @property
    def armed(self) -> list[tuple[Fault, int | None]]:
        """The faults that are still to happen, and how often; None: for ever."""
        return [(armed.fault, armed.left) for armed in self._armed]

    def take(self, method: str, path: str) -> list[Fault]:
        """The faults that happen to this request; each counts as having happened."""
        if not self._armed:
            return []
        taken: list[Fault] = []
        answered = False
        for armed in list(self._armed):
            fault = armed.fault
            answers = fault.kind in {"status", "reset", "body", "rewrite"}
            if (answers and answered) or not fault.fits(method, path):
                continue
            if fault.probability < 1 and self._random.random() >= fault.probability:
                continue
            answered = answered or answers
            taken.append(fault)
            if armed.left is not None:
                armed.left -= 1
                if armed.left <= 0:
                    self._armed.remove(armed)
        return taken


def happen_before(faults: list[Fault]) -> Response | None:
    """What the faults answer in place of the service.

    Raises:
        ConnectionReset: the connection broke before the request was delivered.
    """
    for fault in faults:
        if fault.kind == "reset" and not fault.after:
            raise ConnectionReset(delivered=False)
        if fault.kind == "status" and not fault.after and fault.answer is not None:
            return _copied(fault.answer)
    return None


def happen_after(faults: list[Fault], answer: Response) -> Response:
    """What becomes of the service's answer.

    Raises:
        ConnectionReset: the connection broke before the answer was delivered.
    """
    for fault in faults:
        if fault.kind == "reset" and fault.after:
            raise ConnectionReset(delivered=True)
        if fault.kind == "status" and fault.after and fault.answer is not None:
            return _copied(fault.answer)
        if fault.mangled is not None:
            kind = "text/html" if fault.mangled == "html" else "application/json; charset=utf-8"
            answer.headers["Content-Type"] = kind
            answer.content = _mangle(fault.mangled, answer)
    return answer


def _mangle(how: str | bytes | Callable[[Any], Any], answer: Response) -> bytes:
    match how:
        case "truncated":
            content = answer.encoded()
            return content[: len(content) // 2]
        case "html":
            return _HTML
        case "empty":
            return b""
        case str():
            return how.encode()
        case bytes():
            return how
        case _:
            return json.dumps(how(json.loads(answer.encoded() or b"null"))).encode()


def _copied(answer: Response) -> Response:
    return Response(answer.status, answer.body, dict(answer.headers), answer.content)
