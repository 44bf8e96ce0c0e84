"""Reading what this caller is allowed to do at a resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows.steps.plain import read_list
from purview_mpe._model.arm_id import ArmId, folded
from purview_mpe._wire import factory
from purview_mpe._wire.errors import Attempt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.survey import Permission

_API_VERSION = "2022-04-01"


async def read_permissions(io: Io, scopes: Iterable[str]) -> dict[str, tuple[Permission, ...] | None]:
    """The caller's permissions at each scope, by its folded id; None where they cannot be read."""
    wanted = {folded(scope): ArmId.parse(scope) for scope in scopes}
    found = await io.gather([_at(io, scope) for scope in wanted.values()])
    return dict(zip(wanted, found, strict=True))


async def _at(io: Io, scope: ArmId) -> tuple[Permission, ...] | None:
    attempt = Attempt(f"read the caller's permissions on {scope.name!r}", str(scope), "Reader")
    path = f"{scope.path}/providers/Microsoft.Authorization/permissions?api-version={_API_VERSION}"
    items = await read_list(io, attempt, scope, path)
    return None if items is None else tuple(factory.read_permission(item) for item in items)
