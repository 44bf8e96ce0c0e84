"""Connections of other people: every real target has some, and some of those are pending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model.arm_id import ArmId
from purview_mpe.emulator._state import life
from purview_mpe.emulator._state.world import ACCOUNT_TYPE, NAMESPACE_TYPE

if TYPE_CHECKING:
    from purview_mpe.emulator._state.world import World

_PEOPLE = ("contoso-analytics", "synapse-finance", "adf-hr", "pe-jumpbox", "fabrikam-ingest", "df-research")
_REQUESTS = (
    "Please approve my connection, thanks.",
    "",
    "Requested by DataFactory:adf-hr, Name:purview_blob",
)


def add_strangers(world: World, target_id: ArmId, count: int) -> None:
    """Add pending connections of strangers to a target."""
    groups = {ACCOUNT_TYPE: ("account", "portal"), NAMESPACE_TYPE: ("namespace",)}
    choice = next((ids for kind, ids in groups.items() if target_id.is_a(kind)), ("blob", "queue"))
    for _ in range(count):
        person = world.random.choice(_PEOPLE)
        owner = ArmId(world.guid(), f"{person}-rg")
        life.add_connection(
            world,
            target_id,
            private_endpoint_id=str(
                owner.in_group("Microsoft.Network", "privateEndpoints", f"{person}.{world.letters(6)}")
            ),
            group_id=world.random.choice(choice),
            description=world.random.choice(_REQUESTS),
        )
