"""Diagnosing why lineage does not arrive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from purview_mpe._flows.status import read_target_statuses
from purview_mpe._flows.steps.runs import recent_runs
from purview_mpe._flows.steps.survey import survey
from purview_mpe._flows.steps.targets import list_targets
from purview_mpe._model.arm_id import ArmId
from purview_mpe._rules import diagnosing
from purview_mpe._rules.own_endpoints import own_targets_of, seen_own

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from datetime import datetime

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.checkup import Diagnosis
    from purview_mpe._model.results import ErrorDetail, Finding
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.survey import RecentRuns, Situation

#: The local clock and Azure's differ; a run must not be missed because of that.
_CLOCK_SKEW = timedelta(days=1)


async def diagnose(io: Io, spec: Spec, *, since: timedelta, now: datetime) -> Diagnosis:
    """Read the whole chain, then judge it in one pure function.

    Raises:
        NotFound: the factory does not exist.
    """
    reading: list[Coroutine[Any, Any, Any]] = [
        _both_sides(io, spec),
        recent_runs(io, spec.factory_id, now - since, now + _CLOCK_SKEW),
    ]
    read: list[Any] = await io.gather(reading)
    seen: _Seen = read[0]
    runs: RecentRuns | ErrorDetail = read[1]
    return diagnosing.diagnose(
        seen.situation,
        target_status=seen.target_status,
        target_findings=seen.target_findings,
        runs=runs,
        since=since,
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    situation: Situation
    target_status: Mapping[str, str | None]
    target_findings: tuple[Finding, ...] = ()


async def _with_own(io: Io, situation: Situation) -> Situation:
    """The situation; for a self-hosted runtime, with what the targets show of its private endpoints."""
    own = own_targets_of(situation)
    if situation.account is None or not own:
        return situation
    return seen_own(situation, own, await list_targets(io, ArmId.parse(situation.account.id), own))


async def _both_sides(io: Io, spec: Spec) -> _Seen:
    """The situation and, if the account and the endpoints could be read, what the targets show."""
    situation = await _with_own(io, await survey(io, spec))
    targets = diagnosing.wanted_targets(situation)
    if situation.account is None or situation.endpoints is None or not targets:
        return _Seen(situation, {})
    return _Seen(situation, *await read_target_statuses(io, spec, situation.account, targets, situation.endpoints))
