"""What this caller is allowed to decide, for the dry runs of a fleet: read once for each resource."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from purview_mpe._flows.steps.foreseen import foreseen, hand_off_forbidden
from purview_mpe._flows.steps.permissions import read_permissions
from purview_mpe._flows.steps.shared import Shared
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._flows.steps.approving import Approving
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.schedule import Schedule
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.survey import Permission

_Permissions: TypeAlias = "dict[str, tuple[Permission, ...] | None]"


class SharedRights:
    """Reads permissions for a fleet.

    Args:
        io: Sends the requests.
        schedule: Runs the reads.
    """

    def __init__(self, io: Io, schedule: Schedule) -> None:
        self._permissions: Shared[ArmId, _Permissions] = Shared(
            io, schedule, lambda holder: holder, lambda holder: read_permissions(io, [str(holder)])
        )

    def hold(self, work: Approving, then: Callable[[], None]) -> None:
        """Hand off what this caller would not be allowed to decide, and call `then`."""
        holders = list(dict.fromkeys(holder for _, holder in foreseen(work)))
        held: _Permissions = {}
        left = set(holders)

        def known(holder: ArmId, found: _Permissions | PurviewMpeError) -> None:
            held.update({} if isinstance(found, PurviewMpeError) else found)
            left.discard(holder)
            if not left:
                hand_off_forbidden(work, held)
                then()

        for holder in holders:
            self._permissions.need(holder, partial(known, holder))
        if not holders:
            then()
