"""Paged lists as plain requests through a management client that is imported anyway.

The storage and Event Hubs packages take a fifth of a cold start. A verb that only lists connections does not need them.

Imported through `loading.load` alone, because it imports azure.core.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from azure.core.async_paging import AsyncItemPaged, AsyncList
from azure.core.exceptions import HttpResponseError
from azure.core.paging import ItemPaged
from azure.core.rest import HttpRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from purview_mpe._azure.options import Colour


def listed(colour: Colour, client: Any, url: str) -> ItemPaged[Any] | AsyncItemPaged[Any]:
    """The items of a list of Azure Resource Manager; `url` is relative to the client's endpoint.

    Iterating raises, beside what sending a request raises:
        HttpResponseError: Azure answered with an error status.
        ValueError, TypeError: the answer is not JSON, or not a JSON object.
    """

    def page(link: str | None) -> Any:
        return client.send_request(HttpRequest("GET", link or url))

    async def awaited(link: str | None) -> Any:
        return await page(link)

    async def extracted(response: Any) -> tuple[str | None, AsyncIterator[Any]]:
        link, items = _read(response)
        return link, AsyncList(items)

    if colour == "sync":
        return ItemPaged(page, _read)
    return AsyncItemPaged(awaited, extracted)


def _read(response: Any) -> tuple[str | None, Iterator[Any]]:
    if response.status_code != 200:
        raise HttpResponseError(response=response)
    answer = json.loads(response.text())
    if not isinstance(answer, dict):
        raise TypeError(f"JSON that is not an object: {type(answer).__name__}")
    page = cast("dict[str, Any]", answer)
    return page.get("nextLink") or None, iter(page.get("value") or ())
