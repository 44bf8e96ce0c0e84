"""How long after the slowest endpoint a call ends, on the virtual clock."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from purview_mpe import Client, Spec
from purview_mpe.emulator import Emulator

from .figures import Figure, figure

if TYPE_CHECKING:
    from collections.abc import Iterator

_GROUPS = ("account", "blob", "queue", "namespace")


def measure(factories: int) -> Iterator[Figure]:
    """The mean of several factories, and the worst of them; each endpoint takes between 20 and 120 seconds."""
    random = Random(1)
    took: list[tuple[float, float]] = []
    for _ in range(factories):
        spans = {group_id: random.uniform(20, 120) for group_id in _GROUPS}
        emulator = Emulator(provisioning=spans)
        with Client(emulator.credential, transport=emulator.transport()) as client:
            spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="pv")
            client.create_all(spec).raise_for_failures()
        took.append((emulator.clock.elapsed, max(spans.values())))
    walls, slowest = (sum(side) / len(took) for side in zip(*took, strict=True))
    wall, end = max(took, key=lambda pair: pair[0] / pair[1])
    what = "create all, endpoints take 20 to 120 s"
    yield figure("waiting", f"{what}: mean", walls, "s", baseline=slowest, against="slowest endpoint")
    yield figure("waiting", f"{what}: worst", wall, "s", baseline=end, against="slowest endpoint")
