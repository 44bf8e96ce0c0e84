"""Why does lineage not arrive?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from purview_mpe import _diagnosis
from purview_mpe._flows.runs import recent_runs
from purview_mpe._flows.survey import survey

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from datetime import datetime

    from purview_mpe._assessment import Diagnosis
    from purview_mpe._flows.io import Io
    from purview_mpe._model import ErrorDetail
    from purview_mpe._situation import RecentRuns, Situation
    from purview_mpe._spec import Spec

#: The clock here and the clock there differ; a run must not be missed for that.
_CLOCK_SKEW = timedelta(days=1)


async def diagnose(io: Io, spec: Spec, *, since: timedelta, now: datetime) -> Diagnosis:
    """Reads the whole chain, judges it in one pure function.

    Raises:
        NotFound: the factory does not exist.
    """
    reading: list[Coroutine[Any, Any, Any]] = [
        _both_sides(io, spec),
        recent_runs(io, spec.factory_id, now - since, now + _CLOCK_SKEW),
    ]
    read: list[Any] = await io.gather(reading)
    situation: Situation
    target_status: Mapping[str, str | None]
    (situation, target_status), runs = read
    found: RecentRuns | ErrorDetail = runs
    return _diagnosis.diagnose(situation, target_status=target_status, runs=found, since=since)


async def _both_sides(io: Io, spec: Spec) -> tuple[Situation, Mapping[str, str | None]]:
    situation = await survey(io, spec)
    return situation, {}
