"""Is everything in place, before anything is written?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe import _checking
from purview_mpe._flows.survey import survey

if TYPE_CHECKING:
    from purview_mpe._assessment import Check
    from purview_mpe._flows.io import Io
    from purview_mpe._spec import Spec


async def check(io: Io, spec: Spec) -> Check:
    """Reads everything, judges it in one pure function."""
    return _checking.check(await survey(io, spec))
