"""`logging_enable=True`: every request and answer in the log, with headers and bodies, and without tokens.

azure-core's own policy for this logs the token of each request.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from azure.core.pipeline import policies

from purview_mpe._azure.exchange import current
from purview_mpe._wire.text import LONGEST, blotted, safe_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger("purview_mpe.wire")

#: Parts of the names of headers with secret values: `Authorization`, `x-ms-authorization-auxiliary`,
#: `Proxy-Authorization`, `Set-Cookie`, and keys and tokens that a policy of the application adds.
_SECRET = ("authorization", "cookie", "token", "key", "secret", "signature")
_MASK = "***"


class WireLog(policies.SansIOHTTPPolicy[Any, Any]):
    """Stands next to the policy that removes the token from a request, so it sees requests as they are sent."""

    def on_request(self, request: Any) -> None:
        """Log the request."""
        if not _log.isEnabledFor(logging.DEBUG):
            return
        sent = request.http_request
        token = str(sent.headers.get("Authorization", "")).removeprefix("Bearer ")
        _log.debug(
            "> %s %s %s %s",
            sent.method,
            _line(str(sent.url), token),
            _headers(sent.headers, token),
            _line(_text(getattr(sent, "content", None)), token),
        )

    def on_response(self, request: Any, response: Any) -> None:
        """Log the answer; an answer that repeats the token was refused before it gets here."""
        if not _log.isEnabledFor(logging.DEBUG):
            return
        answered, token = response.http_response, current().secret
        _log.debug(
            "< %s %s %s %s %s",
            answered.status_code,
            request.http_request.method,
            _line(str(request.http_request.url), token),
            _headers(answered.headers, token),
            _line(_text(answered.content), token),
        )


def _headers(headers: Mapping[str, str], token: str) -> str:
    shown = (
        f"{name}: {_MASK if any(part in name.casefold() for part in _SECRET) else _line(str(value), token)}"
        for name, value in headers.items()
    )
    return f"[{'; '.join(shown)}]"


def _text(content: object) -> str:
    if isinstance(content, bytes):
        return content[:LONGEST].decode("utf-8", "replace")
    return content if isinstance(content, str) else ""


def _line(text: str, token: str) -> str:
    """The text as one printable line: a body of several lines would look like several records."""
    return safe_text(blotted(text[:LONGEST], token), LONGEST)
