"""One request and what is answered to it, as values; and errors in Azure Resource Manager's shape."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeGuard, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from purview_mpe._model.arm_id import ArmId, InvalidArmId

REASONS = {
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved Permanently", 302: "Found",
    304: "Not Modified", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 412: "Precondition Failed",
    413: "Content Too Large", 415: "Unsupported Media Type", 429: "Too Many Requests",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout",
}  # fmt: skip


# What Azure Resource Manager takes in one request (documentation).
MAXIMUM_CONTENT = 4 * 2**20
_DEPTH = 64


@dataclass(slots=True, frozen=True)
class Request:
    """A request as it arrived. Header names are in lower case."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes = b""


@dataclass(slots=True)
class Response:
    """An answer. `body` is JSON to be; `content` overrides it with exact bytes."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    content: bytes | None = None

    def encoded(self) -> bytes:
        """The bytes of the body."""
        if self.content is not None:
            return self.content
        return b"" if self.body is None else json.dumps(self.body, separators=(",", ":")).encode()


class ArmError(Exception):
    """An error that is answered in Azure Resource Manager's shape: `{"error": {"code", "message"}}`."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.response = Response(status, {"error": {"code": code, "message": message, **more}}, dict(headers or {}))


class ConnectionReset(Exception):
    """The connection broke before the request was delivered, or before its answer was."""

    def __init__(self, *, delivered: bool) -> None:
        super().__init__("connection reset by the emulator" + (" after delivery" if delivered else ""))
        self.delivered = delivered


@dataclass(slots=True)
class RecordedRequest:
    """One line of the request log; the bearer token is never part of it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    at: float
    caller: str = ""
    status: int | None = None
    """What was answered; None while it is under way, or if the connection broke first."""


@dataclass(slots=True, frozen=True)
class Exchange:
    """A request and what was answered to it, for an observer. Header names of the request are in lower case.

    Secrets are not part of it: neither headers that hold any, nor the bodies of a sign-in.
    """

    method: str
    url: str
    headers: dict[str, str]
    content: bytes
    status: int
    answer_headers: dict[str, str]
    answer_content: bytes
    is_faulty: bool
    """Whether a fault happened to it, so that the answer need not be one of Azure's."""


def split_url(url: str) -> tuple[str, str, dict[str, str]]:
    """The origin, the path as sent, and the query of a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        # `//[x` is no address, and a path all the same.
        parts = urlsplit(url.replace("[", "%5B").replace("]", "%5D"))
    origin = f"{parts.scheme or 'https'}://{parts.netloc or 'management.azure.com'}"
    return origin, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))


def segments_of(path: str) -> tuple[str, ...]:
    """The decoded segments of a path; doubled slashes are tolerated, as some clients send them."""
    segments = tuple(segment for segment in path.split("/") if segment)
    return tuple(map(unquote, segments)) if "%" in path else segments


def check_size(request: Request) -> None:
    """Refuse a body that is larger than Azure Resource Manager takes.

    Raises:
        ArmError: 413.
    """
    if len(request.content) > MAXIMUM_CONTENT:
        raise ArmError(
            413,
            "RequestContentTooLarge",
            f"The request content size exceeds the maximum size of {MAXIMUM_CONTENT // 2**20} MB.",
        )


def read_json(request: Request) -> Any:
    """The request's body as JSON; None if there is none.

    Raises:
        ArmError: 400 `InvalidRequestContent`, Azure Resource Manager's answer to malformed JSON; 413 if there is too
            much of it.
    """
    check_size(request)
    if not request.content.strip():
        return None
    try:
        content = json.loads(request.content, parse_constant=_no_number, parse_float=_finite)
        if request.content.count(b"[") + request.content.count(b"{") > _DEPTH:
            _check_depth(content)
    except (ValueError, RecursionError) as error:
        raise ArmError(
            400,
            "InvalidRequestContent",
            f"The request content was invalid and could not be deserialized: '{error}'.",
        ) from None
    return content


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _check_depth(content: Any) -> None:
    """Refuse what is nested so deep that nobody could write it down again."""
    level, depth = [content], 0
    while level:
        depth += 1
        if depth > _DEPTH:
            raise ValueError(f"it is nested deeper than {_DEPTH} levels")
        level = [inner for item in level for inner in _inside(item)]


def _inside(item: Any) -> list[Any]:
    found = object_of(item)
    return list(found.values()) if found is not None else list_of(item) or []


def object_of(value: Any) -> dict[str, Any] | None:
    """The value if it is a JSON object."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def list_of(value: Any) -> list[Any] | None:
    """The value if it is a JSON array."""
    return value if _is_list(value) else None


def strings_of(value: Any) -> list[str] | None:
    """The value if it is a JSON array of strings."""
    items = list_of(value)
    if items is None or not all(isinstance(item, str) for item in items):
        return None
    return items


@lru_cache(maxsize=16_384)
def parsed(text: str) -> ArmId | None:
    """The id that a text is; remembered, since the same few are asked for again and again."""
    try:
        return ArmId.parse(text)
    except InvalidArmId:
        return None


def id_of(value: Any) -> ArmId | None:
    """The value if it is the id of a resource."""
    return parsed(value) if isinstance(value, str) else None


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def read_object(request: Request) -> dict[str, Any]:
    """The request's body as a JSON object.

    Raises:
        ArmError: 400 `InvalidRequestContent`.
    """
    body = object_of(content := read_json(request))
    if body is None:
        kind = "nothing" if content is None else type(content).__name__
        raise ArmError(
            400,
            "InvalidRequestContent",
            f"The request content was invalid and could not be deserialized: a JSON object is required, got {kind}.",
        )
    return body
