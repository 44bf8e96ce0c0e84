"""Reading the recent pipeline runs, as far as their lineage is concerned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model.results import ErrorDetail
from purview_mpe._model.survey import RecentRuns
from purview_mpe._rules.diagnosing import MAX_RUNS
from purview_mpe._wire import factory
from purview_mpe._wire.errors import Attempt
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from datetime import datetime

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.survey import ActivityRun
    from purview_mpe._wire.account import Json

_ROLE = "Data Factory Contributor"
#: Maximum number of pages to read. Neither query goes through `Io.collect`, so nothing else limits them.
_MAX_PAGES = 20


async def recent_runs(io: Io, factory_id: ArmId, begin: datetime, end: datetime) -> RecentRuns | ErrorDetail:
    """The newest runs between two moments, with their activities; or why they cannot be read."""
    try:
        run_ids, more = await _run_ids(io, factory_id, begin, end)
    except PurviewMpeError as error:
        return ErrorDetail.of(error)
    found = await io.gather([activities_of(io, factory_id, run_id, begin, end) for run_id in run_ids])
    return RecentRuns(
        runs=len(run_ids),
        more=more,
        activities=tuple(
            activity for activities in found if not isinstance(activities, str) for activity in activities
        ),
        unreadable=tuple(activities for activities in found if isinstance(activities, str)),
    )


async def _run_ids(io: Io, factory_id: ArmId, begin: datetime, end: datetime) -> tuple[list[str], bool]:
    attempt = Attempt(f"list the recent pipeline runs of the factory {factory_id.name!r}", str(factory_id), _ROLE)

    async def run_page(asked: Json) -> tuple[tuple[str, ...], str | None]:
        answer = await io.read(
            attempt,
            lambda az: az.datafactory(factory_id).pipeline_runs.query_by_factory(
                factory_id.resource_group, factory_id.name, asked
            ),
            of_list=True,
        )
        return factory.read_run_page(answer)

    found: list[str] = []
    token: str | None = None
    for _ in range(_MAX_PAGES):
        ids, token = await run_page(factory.runs_filter(begin, end, token))
        found.extend(run_id for run_id in ids if run_id not in found)
        if token is None or len(found) > MAX_RUNS:
            break
    return found[:MAX_RUNS], token is not None or len(found) > MAX_RUNS


async def activities_of(
    io: Io, factory_id: ArmId, run_id: str, begin: datetime, end: datetime
) -> tuple[ActivityRun, ...] | str:
    """The activities of one run; or why they cannot be read, so that one bad run does not hide the others."""
    try:
        return await list_activities(io, factory_id, run_id, begin, end)
    except PurviewMpeError as error:
        return error.message


async def list_activities(
    io: Io, factory_id: ArmId, run_id: str, begin: datetime, end: datetime
) -> tuple[ActivityRun, ...]:
    """Those activities of one run that can report lineage."""
    attempt = Attempt(f"list the activities of the pipeline run {run_id!r}", str(factory_id), _ROLE)

    async def activity_page(asked: Json) -> tuple[tuple[ActivityRun, ...], str | None]:
        answer = await io.read(
            attempt,
            lambda az: az.datafactory(factory_id).activity_runs.query_by_pipeline_run(
                factory_id.resource_group, factory_id.name, run_id, asked
            ),
            of_list=True,
        )
        return factory.read_activity_page(answer)

    found: list[ActivityRun] = []
    token: str | None = None
    for _ in range(_MAX_PAGES):
        page, token = await activity_page(factory.activities_filter(begin, end, token))
        found.extend(page)
        if token is None:
            break
    return tuple(found)
