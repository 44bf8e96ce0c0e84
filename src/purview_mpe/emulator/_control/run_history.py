"""Runs of pipelines and activities that a test writes into a factory's history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._services.data_factory import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._control.inventory import Inventory
    from purview_mpe.emulator._state.world import World


class RunHistory:
    """Records runs in the factories of one emulator."""

    def __init__(self, world: World, inventory: Inventory) -> None:
        self._world = world
        self._inventory = inventory

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
        """Record that an activity ran, in a pipeline run of its own unless `run_id` names one.

        `lineage_status` is what its output says about lineage; None: nothing. `lineage_key` is the key under
        which it says so, which the documentation misspells.
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
