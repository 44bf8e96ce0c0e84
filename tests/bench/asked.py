"""How many requests each verb makes, against the number of different requests among them.

A ratio above 1 means repeated requests: while the verb waits, or when it reads back a decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe import Client, Spec
from purview_mpe.emulator import Emulator

from .figures import Figure, figure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def measure() -> Iterator[Figure]:
    """One factory through all verbs; endpoints take 90 seconds of virtual time."""
    emulator = Emulator(provisioning=90)
    spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="pv")
    with Client(emulator.credential, transport=emulator.transport()) as client:
        verbs: dict[str, Callable[[], object]] = {
            "discover": lambda: client.discover(str(emulator.account)),
            "check": lambda: client.check(spec),
            "plan": lambda: client.plan(spec),
            "create_all": lambda: client.create_all(spec),
            "create_all, again": lambda: client.create_all(spec),
            "approve": lambda: client.approve(spec),
            "status": lambda: client.status(spec),
            "diagnose": lambda: client.diagnose(spec),
            "orphans": lambda: client.orphans(str(emulator.account)),
            "connect": lambda: client.connect(spec),
            "delete_all": lambda: client.delete_all(spec),
        }
        for name, verb in verbs.items():
            emulator.clear_requests()
            verb()
            asked = emulator.requests
            different = {(request.method, request.path.casefold()) for request in asked}
            yield figure("asked", name, len(asked), "requests", baseline=len(different), against="different ones")
