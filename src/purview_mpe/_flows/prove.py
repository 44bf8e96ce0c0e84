"""Proving that lineage arrives: one run of the user's own pipeline, followed into Purview's catalog."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.io import remaining
from purview_mpe._flows.steps.narration import tell_waiting
from purview_mpe._flows.steps.runs import list_activities
from purview_mpe._flows.steps.waiting import FAILED_LOOKS, poll_interval
from purview_mpe._model.proof import Proof
from purview_mpe._model.survey import Entity
from purview_mpe._rules import proving
from purview_mpe._rules.certainty import proves_nothing_done
from purview_mpe._rules.checking import connection_finding
from purview_mpe._wire import factory as factory_json
from purview_mpe._wire import lineage
from purview_mpe._wire.account import data_plane_address
from purview_mpe._wire.errors import Answer, Attempt, unreadable_answer
from purview_mpe.errors import (
    AccessDenied,
    AzureError,
    AzureUnavailable,
    PurviewMpeError,
    Throttled,
    WaitTimedOut,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Account, Finding
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.survey import ActivityRun, PipelineRun, Runtime

_ROLE = "Data Factory Contributor"
#: The local clock and Azure's differ; an activity must not be missed because of that.
_CLOCK_SKEW = timedelta(days=1)
#: An activity's catalog entity can contain operations. This is the maximum number of them for which lineage is
#: requested separately.
_MAX_OPERATIONS = 5
#: Seconds of the timeout reserved for the last catalog read, so that it can still get an answer.
_LAST_LOOK = 5.0
_LOST = (
    "A run may have started: look for it under Monitor in Data Factory Studio, then call prove again with its run_id."
)


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
    account_id, connection = await _connection(io, spec)
    account, runtimes = await reads.both(io, reads.read_account(io, account_id), _runtimes(io, spec.factory_id))
    work = _Proving(io, spec, account_id, account, runtimes, connection, pipeline, run_id)
    if work.run_id is None and connection is None:
        work.run_id = await work.start(parameters)
    if work.run_id is not None:
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


async def _connection(io: Io, spec: Spec) -> tuple[ArmId, Finding | None]:
    """The account, and a finding if the factory's lineage cannot reach it."""
    if spec.account_id is None:
        return await reads.connected_account(io, spec), None
    try:
        _, connected = await reads.read_connection(io, spec.factory_id)
    except AccessDenied:
        # A caller who is allowed to run pipelines can lack this right; the run itself shows more.
        return spec.account_id, None
    return spec.account_id, connection_finding(spec, connected)


async def _runtimes(io: Io, factory_id: ArmId) -> tuple[Runtime, ...] | None:
    try:
        return tuple(await reads.list_runtimes(io, factory_id))
    except AccessDenied:
        return None


@dataclass(slots=True)
class _Look:
    """What is known of one activity in the catalog."""

    found: proving.Catalogued
    failures: int = 0
    """How many looks in a row could not be answered."""

    @property
    def is_over(self) -> bool:
        """True if another look would show nothing new, or if too many looks in a row have failed."""
        hidden = self.found.hidden
        if hidden:
            return hidden.is_lasting or self.failures >= FAILED_LOOKS
        return bool(self.found.relations)


@dataclass(slots=True)
class _Proving:
    """One run and its lineage in Purview."""

    io: Io
    spec: Spec
    account_id: ArmId
    account: Account
    runtimes: tuple[Runtime, ...] | None
    connection: Finding | None
    pipeline: str | None
    run_id: str | None
    run: PipelineRun | None = None
    run_hidden: proving.Hidden | None = None
    activities: tuple[ActivityRun, ...] = ()
    activities_hidden: proving.Hidden | None = None
    looks: list[_Look] = field(default_factory=list["_Look"])
    is_inside: bool = False
    """True once the catalog has answered this caller."""

    async def start(self, parameters: Mapping[str, Any] | None) -> str:
        """Start one run, never a second one: if the answer is lost, the proof ends.

        A run whose id was lost cannot be recognised among others. Only throttled requests are repeated: Azure Resource
        Manager rejects them before it forwards them (source: its documentation on limits), so no run was started.
        """
        pipeline = self.pipeline or ""
        scope = str(self.spec.factory_id.child("pipelines", pipeline))
        attempt = Attempt(f"start the pipeline {pipeline!r}", scope, _ROLE, home=self.spec.factory)
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
            except PurviewMpeError as error:
                if error.status != 404 and not proves_nothing_done(error):
                    error.remedy = _LOST
                raise
        if (run_id := factory_json.read_started_run({"runId": getattr(answer, "run_id", None)})) is None:
            raise AzureError(
                f"Could not {attempt.what}: Azure's answer contains no run id.",
                remedy=_LOST,
                status=200,
            )
        self._say(f"started the run {run_id} of {pipeline!r}")
        return run_id

    async def _create_run(self, attempt: Attempt, pipeline: str, parameters: dict[str, Any]) -> Any:
        factory = self.spec.factory_id
        # The SDK sends an empty object as text/plain (SDK source). Azure Resource Manager refuses every media type but
        # application/json with 415 (recorded: github.com/Azure/azure-cli, issues 10143 and 13056).
        body = parameters or None
        return await self.io.call(
            attempt,
            lambda az: az.datafactory(factory).pipelines.create_run(
                factory.resource_group, factory.name, pipeline, parameters=body
            ),
        )

    async def follow(self, now: datetime) -> None:
        """Wait for the run's end, then look for its lineage until it arrives or the time runs out."""
        try:
            await self._wait_for_end()
            if self.run is None or self.run.status.casefold() != "succeeded":
                return
            await self._read_activities(now)
            await self._look_up([one for one in self.activities if proving.is_to_look_up(one)])
        except WaitTimedOut:
            return  # the proof ends with what was seen so far

    async def _wait_for_end(self) -> None:
        began, failures = self.io.now(), 0
        while True:
            try:
                self.run, self.run_hidden, failures = await self._read_run(), None, 0
            except WaitTimedOut:
                raise
            except PurviewMpeError as error:
                failures += 1
                self.run_hidden = proving.run_hidden(error)
                if self.run_hidden.is_lasting or failures >= FAILED_LOOKS:
                    self.run = None
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
        try:
            self.activities = await list_activities(
                self.io, self.spec.factory_id, self.run_id or "", begin, now + _CLOCK_SKEW
            )
        except PurviewMpeError as error:
            self.activities_hidden = proving.run_hidden(error)

    async def _look_up(self, activities: list[ActivityRun]) -> None:
        """Look up all activities in turn, until the catalog shows this run with its relations or the time runs out.

        If the factory is not connected to this account, look only once.
        """
        address, began = data_plane_address(self.account), self.io.now()
        hidden = proving.OUT_OF_TIME if address else proving.address_hidden(self.account)
        self.looks = [_Look(proving.unknown(activity, hidden)) for activity in activities]
        while address and (open_looks := [look for look in self.looks if not look.is_over]):
            for look in open_looks:
                if remaining(self.io) <= 0:
                    return
                await self._look(address, look)
            if all(look.is_over for look in open_looks) or self.connection:
                return  # a factory that is not connected to this account sends nothing more
            await self._wait(began, f"waiting for the lineage of {open_looks[0].found.activity.activity!r} in Purview")

    async def _look(self, address: str, look: _Look) -> None:
        """Look once. Both an answer and a failure replace the earlier result, which no longer counts."""
        activity = look.found.activity
        try:
            entity = await self._find(address, activity)
            found = proving.catalogued(activity, entity, self.run.started if self.run else None)
        except PurviewMpeError as error:
            found = proving.unknown(activity, self._hidden(error))
        else:
            if entity is not None and found.is_there:
                try:
                    found = replace(found, relations=await self._relations(address, entity))
                except PurviewMpeError as error:
                    found = replace(found, hidden=self._hidden(error))
        look.failures = look.failures + 1 if found.hidden else 0
        look.found = found

    def _hidden(self, error: PurviewMpeError) -> proving.Hidden:
        return proving.catalog_hidden(self.account, error, is_inside=self.is_inside)

    async def _find(self, address: str, activity: ActivityRun) -> Entity | None:
        """The activity's entity: by its expected name, otherwise by a search that ignores letter case."""
        if (asked := lineage.entity_request(self.spec.factory_id, activity)) is not None:
            entity = await self._entity(address, *asked)
            if entity is not None:
                return entity
            # After a 404, whatever error code comes with it, the search decides.
        path, query, body = lineage.search_request(activity)
        answer = await self._ask("POST", address, path, query, body)
        if not lineage.is_search_answer(answer):
            raise self._unreadable("it holds no list of hits")
        guid = lineage.read_hit(answer, lineage.qualified_name(self.spec.factory_id, activity))
        return await self._entity(address, lineage.entity_by_guid(guid), {}) if guid else None

    async def _entity(self, address: str, path: str, query: Mapping[str, str]) -> Entity | None:
        """One entity; None if it does not exist."""
        try:
            answer = await self._ask("GET", address, path, query)
        except AzureError as error:
            if error.status != 404:
                raise
            self.is_inside = True
            return None
        if (entity := lineage.read_entity(answer)) is None:
            raise self._unreadable("it holds no entity")
        return entity

    async def _relations(self, address: str, entity: Entity) -> int:
        answer = await self._lineage(address, entity.guid)
        found = lineage.relations(answer, entity)
        for guid in lineage.operations(answer, entity)[:_MAX_OPERATIONS] if not found else ():
            inner = await self._lineage(address, guid)
            found += lineage.relations(inner, Entity(guid, entity.qualified_name, None))
        return found

    async def _lineage(self, address: str, guid: str) -> dict[str, Any]:
        answer = await self._ask("GET", address, *lineage.lineage_request(guid))
        if not lineage.is_lineage_answer(answer):
            raise self._unreadable("it holds no lineage")
        return answer

    async def _ask(
        self, method: str, address: str, path: str, query: Mapping[str, str], body: Any = None
    ) -> dict[str, Any]:
        answer = await self.io.read(
            self._attempt("read the catalog"),
            lambda az: az.purview_data(self.account_id, address).send(method, path, params=query, body=body),
        )
        self.is_inside = True
        return answer

    def _unreadable(self, why: str) -> AzureUnavailable:
        return unreadable_answer(self._attempt("read the catalog"), Answer(200), why)

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
        if (left := remaining(self.io) - _LAST_LOOK) <= 0:
            raise WaitTimedOut(f"The time ran out while {what}.", remedy="Repeat the proof for this run (run_id).")
        self._say(what)
        await self.io.sleep(min(poll_interval(self.io.now() - began), left))

    def _say(self, what: str) -> None:
        tell_waiting(self.io, "prove", what, factory=self.spec.factory)

    def seen(self) -> proving.Seen:
        """Everything that was read."""
        return proving.Seen(
            status=self.run.status if self.run else None,
            activities=self.activities,
            account=self.account,
            runtimes=self.runtimes,
            catalog=tuple(look.found for look in self.looks),
            run_hidden=self.run_hidden if self.run is None else None,
            activities_hidden=self.activities_hidden,
            connection=self.connection,
            is_started=self.run_id is not None,
            run_evidence=self._run_evidence(),
        )

    def _run_evidence(self) -> str:
        if self.run_id is None:
            return "no run was started"
        if self.run is None:
            return f"run {self.run_id}: {self.run_hidden.reason if self.run_hidden else 'not read'}"
        said = f"run {self.run_id}: {self.run.pipeline} {self.run.status}"
        return f"{said}: {self.run.message}" if self.run.message else said
