"""The policy that repeats a request with another api-version, if the cloud does not have the one that the SDK sends.

Each resource type is refused at most once: the client keeps the version that worked for all later requests. Imported
through `loading.load` alone, because it imports azure.core.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.pipeline import policies

from purview_mpe._azure.exchange import current
from purview_mpe._azure.stepping import awaited, taken
from purview_mpe._wire.api_versions import another_version, type_of, version_in, with_version
from purview_mpe._wire.refusal import read_refusal
from purview_mpe._wire.remedies import VERSION_CODES

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._azure.stepping import Steps
    from purview_mpe._wire.refusal import Refusal


class _Asking:
    """The work for one request."""

    def __init__(self) -> None:
        super().__init__()
        #: The version that works, by resource type.
        self._kept: dict[str, str] = {}

    def steps(self, request: Any, send: Callable[[Any], Any]) -> Steps:
        """Send; if the version is refused, send once more with one that the cloud has."""
        sent = request.http_request
        url = str(sent.url)
        asked, resource_type = version_in(url), type_of(urlsplit(url).path)
        if (kept := self._kept.get(resource_type)) is not None:
            sent.url = with_version(sent.url, kept)
        response = yield partial(send, request)
        if kept is not None or response.http_response.status_code not in {400, 404}:
            return response
        if (version := another_version(resource_type, asked, _offered(response.http_response))) is None:
            return response
        sent.url = with_version(sent.url, version)
        second = yield partial(send, request)
        if _refusal_of_version() is None:
            self._kept[resource_type] = version
        return second


def _refusal_of_version() -> Refusal | None:
    """The last answer's refusal of the api-version; None if the answer is about something else."""
    answer = current().answer
    refusal = read_refusal(answer.body) if answer is not None and answer.body else None
    return refusal if refusal is not None and refusal.code.casefold() in VERSION_CODES else None


def _offered(response: Any) -> tuple[str, ...]:
    """The versions that a refusal lists, in its text or in a header (recorded 2023-03 from Purview)."""
    if (refusal := _refusal_of_version()) is None:
        return ()
    header = str(response.headers.get("api-supported-versions", ""))[:2000]
    return refusal.versions or tuple(part.strip() for part in header.split(","))


class Versions(_Asking, policies.HTTPPolicy[Any, Any]):
    """For synchronous clients."""

    def send(self, request: Any) -> Any:
        """Call each step directly."""
        return taken(self.steps(request, self.next.send))


class AsyncVersions(_Asking, policies.AsyncHTTPPolicy[Any, Any]):
    """For asynchronous clients."""

    async def send(self, request: Any) -> Any:
        """Await each step."""
        return await awaited(self.steps(request, self.next.send))
