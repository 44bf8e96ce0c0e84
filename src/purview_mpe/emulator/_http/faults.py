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

# The collections whose resources a fault can make fail later than their request.
_PLANNED = frozenset({"managedprivateendpoints", "privateendpoints", "privatednszones"})

_HTML = b"<html><head><title>Bad gateway</title></head><body><h1>Service unavailable</h1></body></html>"


@public
@dataclass(frozen=True, slots=True)
class Fault:
    """One failure to inject. Make it with one of the constructors and pass it to `Emulator.inject`.

    All of them choose the requests in the same way: `method` is an HTTP method or `*`; `path` is part of the
    path, or a pattern for the whole path if it holds `*` or `?`, in any letter case; `times` is how often
    it happens (None: for ever); `probability` is how likely it happens to a matching request, drawn from
    the emulator's seed.

    If several faults that answer in place of the service (`status`, `reset`, `body`, `rewrite`) match a request,
    the first injected one is used. Delays and outcomes of endpoints add up.
    """

    kind: str
    """The kind of failure: `status`, `reset`, `body`, `rewrite`, `delay`, or an outcome of the endpoint."""
    method: str
    """HTTP method of the matching requests; `*` stands for all."""
    path: str | None = None
    """Part of their path, or a pattern for the whole path; None stands for all."""
    times: int | None = 1
    """How often it happens; None: for ever."""
    probability: float = 1.0
    """How likely it happens to a matching request, from 0 to 1."""
    after: bool = False
    """Whether the service does its work before the fault happens."""
    answer: Response | None = None
    """The answer in place of the service's; None if there is none."""
    mangled: str | bytes | Callable[[Any], Any] | None = field(default=None, hash=False)
    """The body that replaces the service's own, or the function that changes it."""
    seconds: float = 0.0
    """How long it delays the answer, on the emulator's clock."""
    planned: dict[str, Any] = field(default_factory=dict[str, Any], hash=False)
    """The outcome of the requested endpoint: how its provisioning ends, or the decision about its connection."""

    def __post_init__(self) -> None:
        """Refuse impossible values.

        Raises:
            ValueError: the message begins with the name of the wrong argument.
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

        `retry_after` is sent unchanged, so it can be huge or not a number. With `after=True` the service
        does the work and only its answer is wrong.
        """
        code = code or _CODES.get(status, "InternalServerError" if status >= 500 else "BadRequest")
        error = ArmError(status, code, message or f"An injected fault of the emulator answers {status} {code}.")
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
        """Break the connection before the request is delivered, or (`before=False`) after the service's work."""
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
        """Do the work and answer with its status, but with a wrong body.

        `content` is `"truncated"` (the first half of the right one), `"html"` (a proxy's error page),
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
        """Do the work and answer with its status, but with the JSON that `change` returns for the right one.

        For hostile answers: missing fields, wrong types, links to other hosts. A scenario cannot hold it.
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
        """Delay the request before the service works on it.

        A client with a shorter timeout gives up; the service still does the work.
        """
        return cls("delay", method, path, times, probability, seconds=seconds)

    @classmethod
    def failed_provisioning(
        cls,
        *,
        code: str | None = None,
        message: str | None = None,
        path: str | None = None,
        times: int | None = 1,
        probability: float = 1.0,
    ) -> Fault:
        """Make the requested endpoint end as Failed, with this code and message.

        For private endpoints in networks, their zone groups, private DNS zones and links, the operation fails.
        """
        planned: dict[str, Any] = {"outcome": "Failed"}
        if code is not None:
            planned["error"] = (code, message or f"An injected fault of the emulator fails with {code}.")
        return cls("failed-provisioning", "PUT", path, times, probability, planned=planned)

    @classmethod
    def rejected_connection(cls, *, path: str | None = None, times: int | None = 1, probability: float = 1.0) -> Fault:
        """Reject the connection of the requested endpoint as soon as it appears."""
        return cls("rejected-connection", "PUT", path, times, probability, planned={"decision": "Rejected"})

    @classmethod
    def lock(cls, method: str, *, path: str | None = None, times: int | None = 1, probability: float = 1.0) -> Fault:
        """Answer 409 `ScopeLocked`, as if the scope were locked; `Emulator.add_lock` locks it permanently."""
        message = "The scope cannot perform the operation because following scope(s) are locked. Remove the lock."
        return cls.status(
            method, 409, path=path, times=times, probability=probability, code="ScopeLocked", message=message
        )

    @classmethod
    def policy(cls, method: str, *, path: str | None = None, times: int | None = 1, probability: float = 1.0) -> Fault:
        """Answer 403 `RequestDisallowedByPolicy`; `Emulator.deny_by_policy` denies permanently."""
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
        """Whether this fault matches a request."""
        if self.method != "*" and self.method.upper() != method:
            return False
        if self.planned and not _PLANNED & set(path.casefold().split("/")):
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
    """The faults that have not happened yet, in the order of their injection."""

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
        """The faults that have not happened yet, and how often each will; None: for ever."""
        return [(armed.fault, armed.left) for armed in self._armed]

    def take(self, method: str, path: str) -> list[Fault]:
        """The faults that happen to this request; each is counted as used."""
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
    """The answer of the faults in place of the service's.

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
    """The service's answer, as the faults change it.

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
