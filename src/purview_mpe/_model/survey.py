"""What was read of a factory and an account, as values for the pure functions that judge them.

None always means "could not be read"; an empty tuple means "read, and there is none".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.matrix import RuntimeKind
    from purview_mpe._model.results import Account, Endpoint, ErrorDetail
    from purview_mpe._model.spec import Spec

#: The parts that can be forbidden separately, while the other parts are still read.
Part = Literal["factory", "networks", "endpoints", "runtimes"]


@dataclass(frozen=True, slots=True)
class Permission:
    """What one role allows a caller at a scope."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Runtime:
    """An integration runtime of the factory."""

    name: str
    kind: RuntimeKind
    network: str | None = None
    """Name of the runtime's managed virtual network; None for every kind except `azure-managed-vnet`."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A part that could not be read, with Azure's answer."""

    part: Part
    error: ErrorDetail


@dataclass(frozen=True, slots=True)
class CuratorSeen:
    """The root collection's policy was read."""

    holds_role: bool
    """Whether the factory's identity is Data Curator."""


@dataclass(frozen=True, slots=True)
class CuratorHidden:
    """The root collection's policy cannot be read."""

    reason: str


@dataclass(frozen=True, slots=True)
class OwnConnections:
    """Whether the targets show the connections of the private endpoints that self-hosted runtimes need."""

    are_there: bool | None
    """None if a target's connections cannot be read."""
    reason: str = ""
    """The group ids that lack one, or why it cannot be seen."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One factory and one account, as far as this caller can see them."""

    spec: Spec
    account: Account | None
    """None if the spec names no account and none is connected, or if it does not exist."""
    connected_to: str | None = None
    """Id of the account that the factory is connected to; `gaps` says whether that could be read."""
    has_system_identity: bool = True
    curator: CuratorSeen | CuratorHidden | None = None
    """None without an account, or without an identity to look for."""
    networks: tuple[str, ...] | None = None
    endpoints: tuple[Endpoint, ...] | None = None
    runtimes: tuple[Runtime, ...] | None = None
    own: OwnConnections | None = None
    """None if no self-hosted runtime needs private endpoints, or the targets were not read."""
    permissions: Mapping[str, tuple[Permission, ...] | None] = field(default_factory=dict[str, None])
    """By the case-folded id of the scope."""
    gaps: tuple[Gap, ...] = ()

    def misses(self, part: Part) -> bool:
        """True if a part could not be read."""
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
    """Azure's literal for how the activity itself ended, or that it still runs."""


@dataclass(frozen=True, slots=True)
class Entity:
    """An activity's entity in Purview's catalog."""

    guid: str
    qualified_name: str
    last_run: float | None
    """Time of the activity's last run, in seconds since 1970; None if the entity does not show it."""


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """One pipeline run."""

    pipeline: str
    status: str
    """Azure's literal for how the run ended, or that it still runs."""
    started: datetime | None
    """When it started, on Azure's clock; None if Azure does not show it."""
    message: str = ""
    """What Azure says about a run that failed."""


@dataclass(frozen=True, slots=True)
class RecentRuns:
    """The recent pipeline runs that were read."""

    runs: int
    more: bool
    """True if there were more runs than were read."""
    activities: tuple[ActivityRun, ...]
    unreadable: tuple[str, ...] = ()
    """Why some activities are missing, in Azure's words."""


@dataclass(frozen=True, slots=True)
class KnownFactory:
    """A factory that this caller can list."""

    id: ArmId
    purview_account: str | None = None
    endpoints: tuple[Endpoint, ...] | None = None
    """The endpoints in all its managed virtual networks; None if they cannot be read."""
