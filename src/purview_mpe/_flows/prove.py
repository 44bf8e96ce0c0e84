"""Proving that lineage arrives: one run of the user's own pipeline, followed into Purview's catalog."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.io import remaining
from purview_mpe._flows.steps.runs import activities_of
from purview_mpe._flows.steps.waiting import PASSING, poll_interval
from purview_mpe._model.events import Event
from purview_mpe._model.proof import Proof
from purview_mpe._rules import proving
from purview_mpe._rules.diagnosing import reported
from purview_mpe._rules.reach import out_of_reach
from purview_mpe._wire import factory as factory_json
from purview_mpe._wire import lineage
from purview_mpe._wire.account import data_plane_address
from purview_mpe._wire.errors import Attempt
from purview_mpe.errors import AccessDenied, AzureError, PurviewMpeError, Throttled, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Account
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.survey import ActivityRun, PipelineRun, Runtime

_ROLE = "Data Factory Contributor"
#: The local clock and Azure's differ; an activity must not be missed because of that.
_CLOCK_SKEW = timedelta(days=1)
#: Maximum number of operations of one activity whose lineage is requested separately.
_MAX_OPERATIONS = 5


async def prove(
    io: Io,
    spec: Spec,
    *,
    pipeline: str | None,
    run_id: str | None,
    parameters: Mapping[str, Any] | None,
    now: datetime,
) -> Proof:
    """Start a run or take an existing one, wait for its end, and look for its lineage.

    Raises:
        NotFound, AccessDenied: before anything is started, if the factory or the account cannot be read.
        PurviewMpeError: the run could not be started.
    """
    began = io.now()
    account_id = spec.account_id or await reads.connected_account(io, spec)
    account, runtimes = await reads.both(io, reads.read_account(io, account_id), _runtimes(io, spec.factory_id))
    work = _Proving(io, spec, account_id, account, runtimes, pipeline, run_id)
    if work.run_id is None:
        work.run_id = await work.start(parameters)
    await work.follow(now)
    chain = proving.links(work.seen())
    return Proof(
        factory=spec.factory,
        account=str(account_id),
        pipeline=work.run.pipeline if work.run else pipeline,
        run_id=work.run_id,
        proven=proving.is_proven(chain),
        links=chain,
        findings=proving.findings(work.seen(), chain),
        seconds=round(io.now() - began, 3),
    )


async def _runtimes(io: Io, factory_id: ArmId) -> tuple[Runtime, ...] | None:
    try:
        return tuple(await reads.list_runtimes(io, factory_id))
    except AccessDenied:
        return None


@dataclass(slots=True)
class _Proving:
    """One run and its lineage in Purview."""

    io: Io
    spec: Spec
    account_id: ArmId
    account: Account
    runtimes: tuple[Runtime, ...] | None
    pipeline: str | None
    run_id: str | None
    run: PipelineRun | None = None
    unreadable: str = ""
    """Why the run cannot be read."""
    activities: tuple[ActivityRun, ...] = ()
    catalog: list[proving.Catalogued] = field(default_factory=list[proving.Catalogued])
    hidden: str | None = None
    """Why the catalog cannot be read."""

    async def start(self, parameters: Mapping[str, Any] | None) -> str:
        """Start one run, never a second one: if the answer is lost, the proof ends.

        A run whose id was lost cannot be recognised among others. Only throttled requests are repeated: Azure Resource
        Manager refuses them before it forwards them (docs of its limits), so no run was started.
        """
        pipeline = self.pipeline or ""
        attempt = Attempt(f"start the pipeline {pipeline!r}", self.spec.factory, _ROLE)
        answer: Any = None
        for number in count(1):
            try:
                answer = await self._create_run(attempt, pipeline, dict(parameters or {}))
                break
            except Throttled as refused:
                wait = self.io.pause_after(number, refused.retry_after or 0.0)
                if wait is None or wait >= remaining(self.io):
                    raise
                await self.io.sleep(wait)
        if (run_id := factory_json.read_started_run({"runId": getattr(answer, "run_id", None)})) is None:
            raise AzureError(
                f"Could not {attempt.what}: Azure's answer contains no run id.",
                remedy="Check under Monitor in Data Factory Studio whether it runs, and prove that run with run_id.",
                status=200,
            )
        self._say(f"started the run {run_id} of {pipeline!r}")
        return run_id

    async def _create_run(self, attempt: Attempt, pipeline: str, parameters: dict[str, Any]) -> Any:
        factory = self.spec.factory_id
        return await self.io.call(
            attempt,
            lambda az: az.datafactory(factory).pipelines.create_run(
                factory.resource_group, factory.name, pipeline, parameters=parameters
            ),
        )

    async def follow(self, now: datetime) -> None:
        """Wait for the run's end, then look for its lineage until it is there or the time runs out."""
        try:
            await self._wait_for_end()
            if self.run is None or self.run.status.casefold() != "succeeded":
                return
            await self._read_activities(now)
            arrived = [activity for activity in self.activities if reported(activity) == "arrived"]
            for activity in arrived:
                self.catalog.append(await self._look_up(activity))
        except WaitTimedOut:
            return  # the proof ends with what was seen so far

    async def _wait_for_end(self) -> None:
        began = self.io.now()
        while True:
            try:
                self.run = await self._read_run()
            except PurviewMpeError as error:
                if isinstance(error, WaitTimedOut):
                    raise
                self.unreadable = error.message
                if not isinstance(error, PASSING):
                    return
            if self.run is not None and self.run.status.casefold() in proving.ENDED:
                return
            await self._wait(began, f"waiting for the run {self.run_id} to end")

    async def _read_run(self) -> PipelineRun:
        factory, run_id = self.spec.factory_id, self.run_id or ""
        attempt = Attempt(f"read the pipeline run {run_id!r}", str(factory), _ROLE)
        answer = await self.io.read(
            attempt, lambda az: az.datafactory(factory).pipeline_runs.get(factory.resource_group, factory.name, run_id)
        )
        return factory_json.read_run(answer)

    async def _read_activities(self, now: datetime) -> None:
        begin = (self.run.started if self.run and self.run.started else now - timedelta(days=45)) - _CLOCK_SKEW
        found = await activities_of(self.io, self.spec.factory_id, self.run_id or "", begin, now + _CLOCK_SKEW)
        if isinstance(found, str):
            self.unreadable = found
        else:
            self.activities = found

    async def _look_up(self, activity: ActivityRun) -> proving.Catalogued:
        """Look until the catalog shows this run with its relations, or the time runs out."""
        address, began = data_plane_address(self.account), self.io.now()
        if address is None:
            self.hidden = "the account does not show the address of its data plane"
            return proving.Catalogued(activity, None, evidence=f"{activity.activity}: {self.hidden}")
        last = proving.Catalogued(activity, False, evidence=f"{activity.activity}: not in the catalog")
        while True:
            try:
                last = await self._looked(address, activity)
            except WaitTimedOut:
                return last
            except PurviewMpeError as error:
                if not isinstance(error, PASSING) or out_of_reach(self.account, error):
                    self.hidden = _why_hidden(self.account, error)
                    return proving.Catalogued(activity, None, evidence=f"{activity.activity}: {self.hidden}")
            if last.is_there and last.relations:
                return last
            try:
                await self._wait(began, f"waiting for the lineage of {activity.activity!r} in Purview")
            except WaitTimedOut:
                return last

    async def _looked(self, address: str, activity: ActivityRun) -> proving.Catalogued:
        entity = await self._find(address, activity)
        if entity is None:
            return proving.Catalogued(activity, False, evidence=f"{activity.activity}: not in the catalog")
        started = self.run.started.timestamp() if self.run and self.run.started else None
        if started is not None and (entity.last_run is None or entity.last_run < started):
            return proving.Catalogued(
                activity, False, evidence=f"{activity.activity}: in the catalog from an earlier run only"
            )
        relations = await self._relations(address, entity)
        return proving.Catalogued(activity, True, relations, f"{activity.activity}: entity {entity.guid}")

    async def _find(self, address: str, activity: ActivityRun) -> lineage.Entity | None:
        """The activity's entity: by its expected name, otherwise by a search that ignores letter case."""
        if (asked := lineage.entity_request(self.spec.factory_id, activity)) is not None:
            try:
                return lineage.read_entity(await self._get(address, *asked))
            except AzureError as error:
                if error.status != 404:  # the search decides, whatever the code of a 404 is
                    raise
        path, query, body = lineage.search_request(activity)
        attempt = self._attempt("search the catalog")
        answer = await self.io.read(
            attempt,
            lambda az: az.purview_data(self.account_id, address).send("POST", path, params=query, body=body),
        )
        guid = lineage.read_hit(answer, lineage.qualified_name(self.spec.factory_id, activity))
        return lineage.read_entity(await self._get(address, lineage.entity_by_guid(guid), {})) if guid else None

    async def _relations(self, address: str, entity: lineage.Entity) -> int:
        answer = await self._get(address, *lineage.lineage_request(entity.guid))
        found = lineage.relations(answer, entity)
        for guid in lineage.operations(answer, entity)[:_MAX_OPERATIONS] if not found else ():
            inner = await self._get(address, *lineage.lineage_request(guid))
            found += lineage.relations(inner, lineage.Entity(guid, entity.qualified_name, None))
        return found

    async def _get(self, address: str, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        return await self.io.read(
            self._attempt("read the catalog"),
            lambda az: az.purview_data(self.account_id, address).send("GET", path, params=query),
        )

    def _attempt(self, what: str) -> Attempt:
        return Attempt(
            f"{what} of {self.account.name!r}",
            str(self.account_id),
            "Data Reader",
            on_data_plane=True,
        )

    async def _wait(self, began: float, what: str) -> None:
        """Wait until the next look.

        Raises:
            WaitTimedOut: the time has run out.
        """
        if remaining(self.io) <= 0:
            raise WaitTimedOut(f"The time ran out while {what}.", remedy="Repeat the proof for this run (run_id).")
        self._say(what)
        await self.io.sleep(min(poll_interval(self.io.now() - began), remaining(self.io)))

    def _say(self, what: str) -> None:
        self.io.tell(Event(kind="waiting", verb="prove", seconds=0.0, message=what, factory=self.spec.factory))

    def seen(self) -> proving.Seen:
        """Everything that was read."""
        run = self.run
        said = f"{run.pipeline} {run.status}" + (f": {run.message}" if run.message else "") if run else self.unreadable
        return proving.Seen(
            status=run.status if run else None,
            activities=self.activities,
            account=self.account,
            runtimes=self.runtimes,
            catalog=tuple(self.catalog),
            catalog_hidden=self.hidden,
            run_evidence=f"run {self.run_id}: {said}",
        )


def _why_hidden(account: Account, error: PurviewMpeError) -> str:
    reach = out_of_reach(account, error)
    if reach is None:
        return error.message
    if reach.kind == "not-collection-admin":
        return "this caller does not hold the role Data Reader on the root collection"
    return reach.reason
