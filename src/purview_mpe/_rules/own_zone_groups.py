"""Whether an existing zone group makes the names of a private endpoint resolve. Pure functions.

A private endpoint has one zone group at most (docs). One that exists is not touched, because a policy may have created
it: what is wrong with it is reported. The exception is one of this library's that Azure could not finish: the same
PUT is sent again, which changes nothing in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model import states
from purview_mpe._model.arm_id import folded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.network import ZoneGroup


def problem_of(group: ZoneGroup, zones: Sequence[ArmId]) -> str | None:
    """Why names do not resolve through a zone group, continuing "The zone group …"; None if they do."""
    if states.is_broken(group.state, ""):
        return f"is {group.state}"
    missing = [str(zone) for zone in zones if not group.holds(zone)]
    return f"does not write to the zone {' or '.join(missing)}" if missing else None


def is_repeatable(group: ZoneGroup, name: str, zones: Sequence[ArmId]) -> bool:
    """True if Azure could not finish a zone group that has this name and exactly these zones."""
    has_failed = states.is_broken(group.state, "")
    is_same = len(group.zones) == len(zones) and all(map(group.holds, zones))
    return has_failed and is_same and folded(group.name) == folded(name)
