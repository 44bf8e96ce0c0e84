"""What a close look found, as values for the pure functions that judge it.

None means "could not be read", everywhere; an empty tuple means "read, and there is none".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.matrix import RuntimeKind
    from purview_mpe._model.results import Account, Endpoint, ErrorDetail
    from purview_mpe._model.spec import Spec

#: What may be forbidden on its own, while the rest of the look goes on.
Part = Literal["factory", "networks", "endpoints", "runtimes"]


@dataclass(frozen=True, slots=True)
class Permission:
    """One role's share of what a caller may do at a scope."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Runtime:
    """An integration runtime of the factory."""

    name: str
    kind: RuntimeKind
    network: str | None = None
    """Name of the managed virtual network that it is in; None for every kind but `azure-managed-vnet`."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A part that could not be read, with Azure's answer."""

    part: Part
    error: ErrorDetail


@dataclass(frozen=True, slots=True)
class Situation:
    """One factory and one account, as far as this caller can see them."""

    spec: Spec
    account: Account | None
    """None if none is named and none is connected, or if it does not exist."""
    connected_to: str | None = None
    """Id of the account that the factory is connected to; see `gaps` for whether that was readable."""
    has_system_identity: bool = True
    networks: tuple[str, ...] | None = None
    endpoints: tuple[Endpoint, ...] | None = None
    runtimes: tuple[Runtime, ...] | None = None
    permissions: Mapping[str, tuple[Permission, ...] | None] = field(default_factory=dict[str, None])
    """By the case-folded id of the scope."""
    gaps: tuple[Gap, ...] = ()

    def misses(self, part: Part) -> bool:
        """Whether a part could not be read."""
        return any(gap.part == part for gap in self.gaps)


@dataclass(frozen=True, slots=True)
class ActivityRun:
    """One activity of one recent pipeline run, as far as lineage is concerned."""

    pipeline: str
    activity: str
    kind: str
    run_id: str
    lineage: str | None
    """Azure's literal for how the lineage report ended; None if the activity says nothing about it."""
    runtime: str | None = None
    """The integration runtime that ran it, with its region, as Azure writes it."""
    status: str = "Succeeded"
    """Azure's literal for how the activity itself ended, or that it has not."""


@dataclass(frozen=True, slots=True)
class RecentRuns:
    """What was seen of the recent pipeline runs."""

    runs: int
    more: bool
    """Whether there were more than were looked at."""
    activities: tuple[ActivityRun, ...]
    unreadable: tuple[str, ...] = ()
    """Why some activities are missing, in Azure's words."""


@dataclass(frozen=True, slots=True)
class KnownFactory:
    """A factory that this caller can list."""

    id: ArmId
    purview_account: str | None = None
    endpoints: tuple[Endpoint, ...] | None = None
    """Those of all its managed virtual networks; None where they cannot be read."""
