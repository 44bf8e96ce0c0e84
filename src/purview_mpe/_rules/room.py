"""How many more endpoints the targets of an account accept, while the factories of a fleet share that room."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from purview_mpe._model.results import identity
from purview_mpe._rules.capacity import Load, capacity_findings, fitted, loads, wanted_by

if TYPE_CHECKING:
    from collections.abc import Iterable

    from purview_mpe._model.results import Finding, Identity, Plan, Target
    from purview_mpe._rules.ownership import Listing


@dataclass
class Room:
    """The counted connections of the targets, and the places that the fleet has taken since."""

    counted: dict[Identity, Load] = field(default_factory=dict["Identity", Load])
    taken: Counter[Identity] = field(default_factory=Counter["Identity"])

    def count(self, targets: Iterable[Target], listing: Listing) -> None:
        """Count the connections of one list; a target without a documented limit always has room."""
        several = list(targets)
        for load in loads(several, {target.identity: listing for target in several}):
            self.counted[identity(load.resource_id, None)] = load

    def take(self, plan: Plan) -> Plan:
        """Take the room that a plan needs; if there is not enough, take none and return the plan with conflicts."""
        wanted = Counter(identity(target.resource_id, None) for target in wanted_by(plan))
        asked = [replace(self._now(key), wanted=count) for key, count in wanted.items() if key in self.counted]
        checked = fitted(plan, asked)
        if not checked.conflicts:
            self.taken += wanted
        return checked

    def give_back(self, targets: Iterable[Target]) -> None:
        """Return the room of endpoints that were not created."""
        self.taken -= Counter(identity(target.resource_id, None) for target in targets)

    def findings(self) -> tuple[Finding, ...]:
        """A warning for each target that is nearly full."""
        return tuple(capacity_findings(self._now(key) for key in self.counted))

    def _now(self, key: Identity) -> Load:
        load = self.counted[key]
        return replace(load, used=load.used + self.taken[key])
