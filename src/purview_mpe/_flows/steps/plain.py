"""Lists for which no management client has an operation, read as plain requests through one of the clients."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from purview_mpe._azure import loading
from purview_mpe._wire.reading import Object, as_mapping, objects, text
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._wire.errors import Attempt

#: The lists read here have a handful of pages; a longer one probably never ends.
_MAX_PAGES = 100


async def read_list(io: Io, attempt: Attempt, via: ArmId, path: str) -> tuple[Object, ...] | None:
    """All items of a list; None if it cannot be read, for any reason: these lists are optional.

    `via` is any resource: the client of its subscription carries the request.
    """
    url = path
    items: list[Object] = []
    for _ in range(_MAX_PAGES):
        if (answer := await _page(io, attempt, via, url)) is None:
            return None
        items.extend(objects(answer, "value"))
        if not (url := text(answer, "nextLink")):
            return tuple(items)
    return None


async def _page(io: Io, attempt: Attempt, via: ArmId, url: str) -> Object | None:
    request = loading.load("azure.core.rest").HttpRequest("GET", url)
    try:
        return _body(await io.call(attempt, lambda az: az.datafactory(via).send_request(request)))
    except PurviewMpeError:
        return None


def _body(response: Any) -> Object | None:
    """The JSON of a good answer; None otherwise: `send_request` neither raises for errors nor parses (SDK source)."""
    if response.status_code != 200:
        return None
    try:
        answer = as_mapping(json.loads(response.text()))
    except ValueError:
        return None
    return answer if isinstance(answer.get("value"), list) else None
