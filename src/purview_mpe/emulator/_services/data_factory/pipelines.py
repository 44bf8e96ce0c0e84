"""Microsoft.DataFactory: pipelines that can be run, and the course of a run.

A run is Queued, then InProgress, then ended. At its end the activity says whether it reported lineage. The lineage
appears in Purview's catalog some time later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_factory import reporting, runs
from purview_mpe.emulator._services.data_factory.factories import find_factory
from purview_mpe.emulator._services.data_factory.rules import child_not_found
from purview_mpe.emulator._services.data_factory.runtimes import IMPLICIT, network_of
from purview_mpe.emulator._services.versions import DATA_FACTORY
from purview_mpe.emulator._state.nouns import Pipeline
from purview_mpe.emulator._values.exchange import Response

if TYPE_CHECKING:
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.access import Access
    from purview_mpe.emulator._state.nouns import Factory, PipelineRun
    from purview_mpe.emulator._state.world import World


def new_pipeline(
    world: World,
    factory: Factory,
    name: str,
    *,
    activity: str,
    activity_type: str,
    runtime: str | None,
    status: str,
    lineage_status: str | None,
    relations: bool,
) -> None:
    """Add a pipeline to a factory, in place of one with the same name."""
    factory.pipelines[name.casefold()] = Pipeline(
        name, world.serial(), activity, activity_type, runtime, status, lineage_status, relations
    )


def start(world: World, access: Access, factory: Factory, pipeline: Pipeline) -> PipelineRun:
    """Begin a run of a pipeline; it continues by itself."""
    run = runs.begin_run(world, factory, pipeline=pipeline.name)
    life = _Life(world, access, factory, pipeline, run)
    world.after(world.seconds("pipeline_queue"), life.begin)
    return run


@dataclass(slots=True)
class _Life:
    """One run under way."""

    world: World
    access: Access
    factory: Factory
    pipeline: Pipeline
    run: PipelineRun

    def begin(self) -> None:
        runs.change_run(self.world, self.run, "InProgress")
        runs.begin_activity(
            self.world, self.run, name=self.pipeline.activity, kind=self.pipeline.activity_type, runtime=self._runtime()
        )
        self.world.after(self.world.seconds("pipeline_run"), self.end)

    def end(self) -> None:
        pipeline = self.pipeline
        reported: str | None = None
        if pipeline.status == "Succeeded":
            reported = pipeline.lineage_status or self._lineage_status()
        runs.end_activity(self.world, self.run, status=pipeline.status, lineage_status=reported)
        runs.change_run(self.world, self.run, pipeline.status)
        if reported == "Succeeded" and pipeline.activity_type in runs.LINEAGE_TYPES:
            report = reporting.Report(
                self.factory,
                pipeline.name,
                pipeline.activity,
                self.world.milliseconds(),
                has_relations=pipeline.relations,
            )
            self.world.after(
                self.world.seconds("lineage_arrival"), lambda: reporting.arrive(self.world, self.access, report)
            )

    def _lineage_status(self) -> str:
        can = reporting.can_report(self.world, self.access, self.factory, self._runtime())
        return "Succeeded" if can else "NotReported"

    def _runtime(self) -> str:
        inside = [one.name for one in self.factory.runtimes.values() if network_of(one) is not None]
        return self.pipeline.runtime or (inside[0] if inside else IMPLICIT)


def _create_run(call: Call) -> Response:
    factory, name = find_factory(call), call["pipeline"]
    pipeline = factory.pipelines.get(name.casefold())
    if pipeline is None:
        raise child_not_found(factory.id.child("pipelines", name))
    run = start(call.world, call.access, factory, pipeline)
    run.body["parameters"] = {key: str(value) for key, value in call.json.items()} if call.request.content else {}
    return Response(200, {"runId": run.run_id})


_FACTORY = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.DataFactory/factories/{factory}"

ROUTES = (
    Route(
        "POST",
        f"{_FACTORY}/pipelines/{{pipeline}}/createRun",
        DATA_FACTORY,
        _create_run,
        "Microsoft.DataFactory/factories/pipelines/createrun/action",
    ),
)
