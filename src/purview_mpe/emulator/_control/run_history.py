"""Runs of pipelines and activities that a test writes into a factory's history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._services.data_factory import pipelines, runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._control.inventory import Inventory
    from purview_mpe.emulator._state.access import Access
    from purview_mpe.emulator._state.world import World


class RunHistory:
    """Records runs in the factories of one emulator."""

    def __init__(self, world: World, access: Access, inventory: Inventory) -> None:
        self._world = world
        self._access = access
        self._inventory = inventory

    def add_pipeline(
        self,
        name: str = "pl_copy",
        factory: ArmId | str | None = None,
        *,
        activity: str = "Copy orders",
        activity_type: str = "Copy",
        runtime: str | None = None,
        status: str = "Succeeded",
        lineage_status: str | None = None,
        relations: bool = True,
    ) -> None:
        """Add a pipeline with one activity, which clients can run.

        A run ends as `status`. Its activity runs on the integration runtime `runtime`, by default on one in the managed
        virtual network if there is one. `lineage_status` is the status that it reports for its lineage. By default that
        is `Succeeded` if the factory is connected, has the role, and reaches the account's ingestion resources, and
        `NotReported` otherwise. `relations` says whether the lineage that arrives names data sets.
        """
        with self._world.lock:
            pipelines.new_pipeline(
                self._world,
                self._inventory.find_factory(factory or self._inventory.factory),
                name,
                activity=activity,
                activity_type=activity_type,
                runtime=runtime,
                status=status,
                lineage_status=lineage_status,
                relations=relations,
            )

    def start_pipeline(self, name: str = "pl_copy", factory: ArmId | str | None = None) -> str:
        """Start a run of a pipeline, as a trigger would; gives the id of the run.

        Raises:
            LookupError: the factory has no such pipeline.
        """
        with self._world.lock:
            owner = self._inventory.find_factory(factory or self._inventory.factory)
            found = owner.pipelines.get(name.casefold())
            if found is None:
                raise LookupError(f"the factory {owner.id.name} has no pipeline {name!r}")
            return pipelines.start(self._world, self._access, owner, found).run_id

    def add_pipeline_run(
        self,
        factory: ArmId | str | None = None,
        *,
        pipeline: str = "pl_copy",
        status: str = "Succeeded",
        ago: float = 60.0,
    ) -> str:
        """Record that a pipeline ran, ending `ago` seconds before now; gives the id of the run."""
        with self._world.lock:
            owner = self._inventory.find_factory(factory or self._inventory.factory)
            return runs.new_run(self._world, owner, pipeline=pipeline, status=status, ago=ago).run_id

    def add_activity_run(
        self,
        factory: ArmId | str | None = None,
        *,
        run_id: str | None = None,
        name: str = "Copy orders",
        activity_type: str = "Copy",
        status: str = "Succeeded",
        lineage_status: str | None = "Succeeded",
        lineage_key: str = "reportLineageToPurview",
        output: Mapping[str, Any] | None = None,
        ago: float = 60.0,
    ) -> str:
        """Record that an activity ran, in a new pipeline run unless `run_id` names one.

        `lineage_status` is the lineage status in its output; None: none. `lineage_key` is the key of that status,
        which the documentation misspells.
        """
        with self._world.lock:
            owner = self._inventory.find_factory(factory or self._inventory.factory)
            run = owner.runs[run_id or self.add_pipeline_run(owner.id, ago=ago, status=status)]
            return runs.new_activity_run(
                self._world,
                run,
                name=name,
                kind=activity_type,
                status=status,
                lineage_status=lineage_status,
                lineage_key=lineage_key,
                output=output,
            )
