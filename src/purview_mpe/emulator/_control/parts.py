"""The parts of one emulator, for the code that needs most of them: its public class, admin path and scenarios."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from purview_mpe.emulator._control.administrator import Administrator
from purview_mpe.emulator._control.callers import Callers
from purview_mpe.emulator._control.catalogs import Catalogs
from purview_mpe.emulator._control.connections import Connections
from purview_mpe.emulator._control.inventory import Inventory
from purview_mpe.emulator._control.networks import Networks
from purview_mpe.emulator._control.owners import Owners
from purview_mpe.emulator._control.run_history import RunHistory
from purview_mpe.emulator._http.faults import Faults
from purview_mpe.emulator._http.request_log import RequestLog
from purview_mpe.emulator._services.data_plane.catalogs import open_catalog
from purview_mpe.emulator._state.access import OWNER, Access
from purview_mpe.emulator._state.guards import Guards

if TYPE_CHECKING:
    from purview_mpe.emulator._services.purview.shapes import Firewall, Shape
    from purview_mpe.emulator._state.policies import CollectionRole
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
    connections: Connections
    run_history: RunHistory
    owners: Owners
    administrator: Administrator
    callers: Callers
    catalogs: Catalogs
    networks: Networks

    @classmethod
    def of(cls, world: World, *, subscription: str, location: str, request_log: int | None) -> Self:
        """The parts of an emulator with nothing in it; its default caller is Owner of everything."""
        world.ensure_subscription(subscription)
        access, guards = Access(world), Guards(world)
        access.default.assignments.append(("", OWNER))
        inventory = Inventory(world, subscription, location)
        return cls(
            world=world,
            access=access,
            guards=guards,
            faults=Faults(world.random),
            log=RequestLog(world, request_log),
            inventory=inventory,
            connections=Connections(world, inventory),
            run_history=RunHistory(world, access, inventory),
            owners=Owners(world),
            administrator=Administrator(world, guards),
            callers=Callers(world, access),
            catalogs=Catalogs(world, access, inventory),
            networks=Networks(world, inventory),
        )

    def furnish(self, shape: Shape, firewall: Firewall) -> None:
        """Add the default account and the default factory, connected, with a pipeline."""
        self.inventory.furnish(shape, firewall)
        self.run_history.add_pipeline()
        # The portal grants the role together with the connection (documentation).
        curator: dict[CollectionRole, list[str]] = {
            "data-curator": [self.inventory.identity_of(self.inventory.factory)]
        }
        open_catalog(self.world, self.access, self.inventory.find_account(), curator)
