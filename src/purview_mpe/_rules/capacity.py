"""Whether a target has room for more private endpoints: counts the connections that it shows.

Storage accounts and Event Hubs namespaces accept a limited number of private endpoints. `blob` and `queue` share one
storage account, so an account of shape A is full with about a hundred factories.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from purview_mpe._model.arm_id import last_segment
from purview_mpe._model.results import Finding, identity
from purview_mpe._rules.findings.approvals import TARGET_FULL, TARGET_NEARLY_FULL
from purview_mpe._rules.planning import needed_targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from purview_mpe._model.results import ConnectionList, Plan, Step, Target
    from purview_mpe._rules.ownership import Listings

#: Private endpoints that a target accepts, by the list that shows them. Docs: "Scalability and performance targets for
#: standard storage accounts" (200 per storage account; ingestion storage is one, and its list is the account's) and
#: "Azure Event Hubs quotas and limits" (120 per namespace). No page gives a number for a Purview account.
LIMITS: Mapping[ConnectionList, int] = {"storage": 200, "ingestion": 200, "namespace": 120}
#: The part of the limit above which there is a warning.
_NEARLY = 0.8


@dataclass(frozen=True, slots=True)
class Load:
    """The connections of one target, and how many a plan adds."""

    resource_id: str
    limit: int
    used: int
    """Connections that the target shows, in any state: each belongs to a private endpoint."""
    wanted: int = 0
    """How many more endpoints are to be created to this target."""

    @property
    def fits(self) -> bool:
        """True if there is room for all endpoints to create."""
        return self.wanted == 0 or self.used + self.wanted <= self.limit

    @property
    def is_nearly_full(self) -> bool:
        """True if at least 80 % of the limit is used once all endpoints are created."""
        return self.used + self.wanted >= _NEARLY * self.limit

    @property
    def room(self) -> int:
        """How many more endpoints the target accepts now."""
        return max(0, self.limit - self.used)


def loads(shown: Iterable[Target], listings: Listings, *, wanted: Iterable[Target] = ()) -> tuple[Load, ...]:
    """The load of every target that has a limit and whose list could be read.

    `wanted` lists a target once for each endpoint that is to be created to it, across all factories.
    """
    asked = Counter(identity(target.resource_id, None) for target in wanted)
    found: dict[tuple[str, str], Load] = {}
    for target in shown:
        key = identity(target.resource_id, None)
        listing = listings.get(target.identity)
        limit = LIMITS.get(target.connections)
        if key in found or limit is None or listing is None or listing.error is not None:
            continue
        found[key] = Load(target.resource_id, limit, len(listing.connections), asked[key])
    return tuple(found.values())


def wanted_by(plan: Plan) -> tuple[Target, ...]:
    """The target of each endpoint that a plan creates."""
    created = {step.identity for step in plan.steps if step.action == "create"}
    return tuple(target for target in needed_targets(plan.spec, plan.account) if target.identity in created)


def capacity_findings(loads: Iterable[Load]) -> Iterator[Finding]:
    """A finding for each target that is full or nearly full."""
    for load in loads:
        evidence = (load.resource_id, f"connections: {load.used}", f"to be created: {load.wanted}")
        if not load.fits:
            yield TARGET_FULL.found(**_room(load), evidence=evidence)
        elif load.is_nearly_full:
            yield TARGET_NEARLY_FULL.found(**_room(load), evidence=evidence)


def fitted(plan: Plan, loads: Iterable[Load]) -> Plan:
    """The plan, with a conflict for each endpoint that its target has no room for."""
    full = {identity(load.resource_id, None): load for load in loads if not load.fits}
    if not full:
        return plan
    return plan.model_copy(
        update={
            "steps": tuple(
                _refused(step, load)
                if step.action == "create" and (load := full.get(identity(step.resource_id, None)))
                else step
                for step in plan.steps
            )
        }
    )


def _room(load: Load) -> dict[str, Any]:
    """The values for the message templates about a load."""
    wanted = "1 more private endpoint" if load.wanted == 1 else f"{load.wanted} more private endpoints"
    return {"target": last_segment(load.resource_id), "wanted": wanted, "used": load.used, "limit": load.limit}


def _refused(step: Step, load: Load) -> Step:
    said = TARGET_FULL.found(**_room(load))
    return step.model_copy(update={"action": "conflict", "reason": said.message, "remedy": said.remedy})
