"""Reading what this caller may do at a resource."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from purview_mpe import _imports, _wire_factory
from purview_mpe._arm_id import ArmId
from purview_mpe._untrusted import Object, as_mapping, text
from purview_mpe._wire_errors import Attempt
from purview_mpe.errors import PurviewMpeError, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Iterable

    from purview_mpe._flows.io import Io
    from purview_mpe._rights import Permission

_API_VERSION = "2022-04-01"
#: A caller has a handful of roles at a scope; a list longer than this does not end.
_MAX_PAGES = 20


async def read_permissions(io: Io, scopes: Iterable[str]) -> dict[str, tuple[Permission, ...] | None]:
    """The caller's permissions at each scope, by its case-folded id; None where they cannot be read."""
    wanted = {scope.casefold(): ArmId.parse(scope) for scope in scopes}
    found = await io.gather([_at(io, scope) for scope in wanted.values()])
    return dict(zip(wanted, found, strict=True))


async def _at(io: Io, scope: ArmId) -> tuple[Permission, ...] | None:
    """What the caller may do at one scope; a right to read just this is nothing that everybody has."""
    attempt = Attempt(f"read the caller's permissions on {scope.name!r}", str(scope), "Reader")
    url: str | None = f"{scope}/providers/Microsoft.Authorization/permissions?api-version={_API_VERSION}"
    held: list[Permission] = []
    for _ in range(_MAX_PAGES):
        if url is None:
            return tuple(held)
        if (answer := await _page(io, attempt, scope, url)) is None:
            return None
        held.extend(_wire_factory.read_permissions(answer))
        url = text(answer, "nextLink") or None
    return None


async def _page(io: Io, attempt: Attempt, scope: ArmId, url: str) -> Object | None:
    # No management client of this library has this operation, so it is sent as a plain request through one of them.
    request = _imports.load("azure.core.rest").HttpRequest("GET", url)
    try:
        return _body(await io.call(attempt, lambda az: az.datafactory(scope).send_request(request)))
    except WaitTimedOut:
        raise
    except PurviewMpeError:
        return None


def _body(response: Any) -> Object | None:
    """The JSON of a good answer: `send_request` neither raises for a bad one nor parses it."""
    if response.status_code != 200:
        return None
    try:
        answer = as_mapping(json.loads(response.text()))
    except ValueError:
        return None
    return answer if isinstance(answer.get("value"), list) else None
