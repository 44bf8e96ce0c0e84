"""What a dry run foresees: decisions that this caller is known not to be allowed to make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.permissions import read_permissions
from purview_mpe._model.arm_id import ArmId, folded
from purview_mpe._rules.rights import missing_to_decide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._flows.steps.approving import Approving
    from purview_mpe._flows.steps.io import Io


async def hold_against_rights(io: Io, works: Sequence[Approving]) -> None:
    """Hand off what would be decided, where the caller's permissions do not include it. Reads only.

    Permissions that cannot be read prove nothing, and neither do those that include everything: a deny assignment
    stands above them. Such a search stays as it is.
    """
    would = [
        (work, search, connections.holder_of(ArmId.parse(work.account.id), search.target))
        for work in works
        for search in work.would_be_decided()
    ]
    held = await read_permissions(io, dict.fromkeys(str(holder) for _, _, holder in would))
    for work, search, holder in would:
        permissions = held.get(folded(str(holder)))
        if permissions is not None and (missing := missing_to_decide(search.target.connections, permissions)):
            work.lacks_rights(search, missing)
