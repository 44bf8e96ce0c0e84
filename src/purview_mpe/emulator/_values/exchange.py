"""One request and its answer, as values; and errors in Azure Resource Manager's shape."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from purview_mpe.emulator._values.public import public

REASONS = {
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved Permanently", 302: "Found",
    304: "Not Modified", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 412: "Precondition Failed",
    413: "Content Too Large", 415: "Unsupported Media Type", 429: "Too Many Requests",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout",
}  # fmt: skip


# The maximum size of one request to Azure Resource Manager (documentation).
MAXIMUM_CONTENT = 4 * 2**20


@dataclass(slots=True, frozen=True)
class Request:
    """A request as it arrived. Header names are in lower case."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes = b""


@public
@dataclass(slots=True)
class Response:
    """An answer. `body` is sent as JSON; `content` overrides it with exact bytes."""

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
    """An error that is sent in Azure Resource Manager's shape: `{"error": {"code", "message"}}`."""

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
        self.code = code
        self.response = Response(status, {"error": {"code": code, "message": message, **more}}, dict(headers or {}))


class ConnectionReset(Exception):
    """The connection broke before the request was delivered, or before its answer was."""

    def __init__(self, *, delivered: bool, why: str = "") -> None:
        super().__init__(why or "connection reset by the emulator" + (" after delivery" if delivered else ""))
        self.delivered = delivered
        self.why = why


@public
@dataclass(slots=True)
class RecordedRequest:
    """One line of the request log; the bearer token is never part of it."""

    method: str
    """HTTP method."""
    path: str
    """Path as sent, without the query."""
    query: dict[str, str]
    """Parameters of the query."""
    headers: dict[str, str]
    """Headers with names in lower case, without those that hold secrets."""
    body: Any
    """The JSON of the body, or its text; None if there was none."""
    at: float
    """Seconds on the emulator's clock."""
    caller: str = ""
    """The caller; empty before sign-in."""
    status: int | None = None
    """The status of the answer; None while it is under way, or if the connection broke first."""
    host: str = ""
    """The host of the request."""


@public
@dataclass(slots=True, frozen=True)
class Exchange:
    """A request and its answer, for an observer. Header names of the request are in lower case.

    It does not hold secrets: headers with secrets and the bodies of a sign-in are left out.
    """

    method: str
    """HTTP method."""
    url: str
    """Address as sent, with its query."""
    headers: dict[str, str]
    """Headers of the request."""
    content: bytes
    """Body of the request."""
    status: int
    """HTTP status of the answer."""
    answer_headers: dict[str, str]
    """Headers of the answer."""
    answer_content: bytes
    """Body of the answer."""
    is_faulty: bool
    """Whether a fault happened to it, so that the answer might not be one of Azure's."""


def split_url(url: str) -> tuple[str, str, dict[str, str]]:
    """The origin, the path as sent, and the query of a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        # `//[x` is not an address, but still a path.
        parts = urlsplit(url.replace("[", "%5B").replace("]", "%5D"))
    origin = f"{parts.scheme or 'https'}://{parts.netloc or 'management.azure.com'}"
    return origin, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))


def segments_of(path: str) -> tuple[str, ...]:
    """The decoded segments of a path; doubled slashes are tolerated, as some clients send them."""
    segments = tuple(segment for segment in path.split("/") if segment)
    return tuple(map(unquote, segments)) if "%" in path else segments
