"""An emulator whose targets have almost no room."""

from __future__ import annotations

from purview_mpe.emulator import Emulator


def filled(storage: int = 0, namespace: int = 0) -> Emulator:
    """An emulator whose targets have this many connections already."""
    emulator = Emulator(foreign_connections=0)
    targets = emulator.targets(emulator.account)
    for target, count in ((targets["blob"], storage), (targets["namespace"], namespace)):
        for number in range(count):
            emulator.add_connection(
                target,
                private_endpoint_id=f"/subscriptions/00000000-0000-0000-0000-000000000009/resourceGroups/rg"
                f"/providers/Microsoft.Network/privateEndpoints/pe-{number}",
                status="Approved",
            )
    return emulator
