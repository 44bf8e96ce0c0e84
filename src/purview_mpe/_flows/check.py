"""Is everything in place, before anything is written?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows.steps.survey import survey
from purview_mpe._rules import checking

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.checkup import Check
    from purview_mpe._model.spec import Spec


async def check(io: Io, spec: Spec) -> Check:
    """Reads everything, judges it in one pure function."""
    return checking.check(await survey(io, spec))
