"""The parts of one emulator, for the code that needs most of them: its admin path and its scenarios."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from purview_mpe.emulator._control.administrator import Administrator
    from purview_mpe.emulator._control.callers import Callers
    from purview_mpe.emulator._control.catalogs import Catalogs
    from purview_mpe.emulator._control.inventory import Inventory
    from purview_mpe.emulator._control.networks import Networks
    from purview_mpe.emulator._control.owners import Owners
    from purview_mpe.emulator._control.run_history import RunHistory
    from purview_mpe.emulator._http.faults import Faults
    from purview_mpe.emulator._http.request_log import RequestLog
    from purview_mpe.emulator._state.access import Access
    from purview_mpe.emulator._state.guards import Guards
    from purview_mpe.emulator._state.world import World


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an emulator."""

    world: World
    access: Access
    guards: Guards
    faults: Faults
    log: RequestLog
    inventory: Inventory
    run_history: RunHistory
    owners: Owners
    administrator: Administrator
    callers: Callers
    catalogs: Catalogs
    networks: Networks
