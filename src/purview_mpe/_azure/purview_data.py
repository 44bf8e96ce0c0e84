"""Purview's data plane: JSON requests to the account's own host, over the pipeline of the management clients.

A token for Purview goes only to Purview's own hosts and to an emulator on this machine. The account's host comes from
an answer of Azure, and an answer can be forged.

Imported through `loading.load` alone, because it imports azure.core.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from azure.core import AsyncPipelineClient, PipelineClient
from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest

from purview_mpe._wire.account import PURVIEW_HOSTS
from purview_mpe._wire.errors import safe_text
from purview_mpe.errors import UnsupportedSetup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._azure.options import Cloud, Colour

#: Sources disagree on the audience outside the public cloud: Purview's SDKs use the first in all clouds, public scripts
#: use the second. So the second is requested if the first is refused.
AUDIENCES: dict[Cloud, tuple[str, ...]] = {
    "public": ("https://purview.azure.net/.default",),
    "us-government": ("https://purview.azure.net/.default", "https://purview.azure.us/.default"),
    "china": ("https://purview.azure.net/.default", "https://purview.azure.cn/.default"),
}


def base_of(endpoint: str, account: str, override: str | None) -> str:
    """The address that requests of one account go to: the emulator's, if the client was given one.

    Raises:
        UnsupportedSetup: the account's address is not one of Purview's, so no token is sent there.
    """
    if override is not None:
        return override.replace("{account}", quote(account, safe="")).rstrip("/")
    base = endpoint.rstrip("/")
    if not any(host.fullmatch(base.casefold()) for host in PURVIEW_HOSTS):
        raise UnsupportedSetup(
            f"The Purview account {account!r} names {safe_text(base, 100) or 'no address'!r} as its data plane, which "
            "is not an address of Microsoft Purview; nothing was sent there.",
            remedy="Check the account's endpoints in the portal; if they are as shown here, report them to Microsoft.",
        )
    return base


class PurviewData:
    """The data plane of one account, for synchronous clients."""

    def __init__(self, base: str, client: Any) -> None:
        self._base = base
        self._client = client

    def send(self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None) -> Any:
        """The JSON of the answer; `path` begins with a slash, or is the full address of a next page.

        Raises:
            HttpResponseError: Purview answered with an error status.
            ValueError: the answer is not JSON.
        """
        return _json(self._client.send_request(self._request(method, path, params, body)))

    def _request(self, method: str, path: str, params: Mapping[str, str] | None, body: Any) -> HttpRequest:
        url = path if path.startswith("https://") else f"{self._base}{path}"
        return HttpRequest(method, url, params=params, json=body)


class AsyncPurviewData(PurviewData):
    """The same for asynchronous clients."""

    async def send(self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None) -> Any:
        """As `PurviewData.send`, awaited."""
        return _json(await self._client.send_request(self._request(method, path, params, body)))


def connect(colour: Colour, base: str, pipeline: Any) -> PurviewData:
    """The data plane at an address."""
    if colour == "sync":
        return PurviewData(base, PipelineClient(base, pipeline=pipeline))
    return AsyncPurviewData(base, AsyncPipelineClient(base, pipeline=pipeline))


def _json(response: Any) -> Any:
    if response.status_code not in {200, 201, 204}:
        raise HttpResponseError(response=response)
    return {} if response.status_code == 204 else json.loads(response.text())
