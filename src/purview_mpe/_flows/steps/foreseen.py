"""A dry run's predictions: decisions that this caller is not allowed to make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.permissions import read_permissions
from purview_mpe._model.arm_id import ArmId, folded
from purview_mpe._rules.rights import missing_to_decide

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._flows.steps.approving import Approving
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.search import Search
    from purview_mpe._model.survey import Permission


async def read_rights_and_hand_off(io: Io, works: Sequence[Approving]) -> None:
    """Hand off the decisions that the caller's permissions do not include. Reads only."""
    holders = dict.fromkeys(str(holder) for work in works for _, holder in foreseen(work))
    held = await read_permissions(io, holders)
    for work in works:
        hand_off_forbidden(work, held)


def foreseen(work: Approving) -> list[tuple[Search, ArmId]]:
    """What would be decided, each with the resource on which the right is needed."""
    account_id = ArmId.parse(work.account.id)
    return [(search, connections.holder_of(account_id, search.target)) for search in work.would_be_decided()]


def hand_off_forbidden(work: Approving, held: Mapping[str, tuple[Permission, ...] | None]) -> None:
    """Hand off the decisions that these permissions do not include. The keys of `held` are folded scopes.

    Permissions that cannot be read prove nothing. Permissions that include everything prove nothing either, because a
    deny assignment overrides them. In both cases the search stays unchanged.
    """
    for search, holder in foreseen(work):
        permissions = held.get(folded(str(holder)))
        if permissions is not None and (missing := missing_to_decide(search.target.connections, permissions)):
            work.lacks_rights(search, missing)
