"""The durations of everything but managed private endpoints."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from purview_mpe.emulator._values.public import public


@public
@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Durations in seconds; None: as long as in Azure on a virtual clock, and a moment in real time.

    Raises:
        ValueError: a number of seconds is negative or infinite.
    """

    account_creation: float | None = None
    """From the PUT of an account to `Succeeded`: 150 s (recorded); its resources appear one after the other."""
    account_change: float | None = None
    """How long an account says `Creating` after a PATCH: 60 s (recorded: up to a minute)."""
    account_deletion: float | None = None
    """From the DELETE of an account until it is gone: 180 s (recorded: about three minutes)."""
    namespace_update: float | None = None
    """How long a connection of an Event Hubs namespace is `Updating` after a decision: 5 s (inferred)."""

    runtime_start: float | None = None
    """From the PUT of an integration runtime until it is `Online`: 30 s (inferred)."""
    interactive_authoring: float | None = None
    """How long interactive authoring is `Enabling` or `Disabling`: 60 s (inferred)."""
    pipeline_queue: float | None = None
    """How long a run is `Queued`: 5 s (inferred)."""
    pipeline_run: float | None = None
    """How long a run is `InProgress`: 180 s (documentation: a cold managed runtime takes a few minutes to start)."""
    lineage_arrival: float | None = None
    """From the end of an activity until Purview's catalog shows its lineage: 60 s (inferred)."""

    private_endpoint: float | None = None
    """From the PUT of a private endpoint to `Succeeded`: 50 s (recorded: 30 s and 71 s)."""
    private_endpoint_deletion: float | None = None
    """From the DELETE of a private endpoint until it is gone: 20 s (inferred)."""
    private_dns: float | None = None
    """How long a write of a private DNS zone, a virtual network link or a zone group takes: 15 s (inferred)."""

    def __post_init__(self) -> None:
        """Refuse invalid durations."""
        for field in fields(self):
            value = getattr(self, field.name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if value is not None and not (is_number and 0 <= value < math.inf):
                raise ValueError(f"{field.name}: must be a number of seconds from 0 on, not {value!r}")

    def of(self, name: str, *, real: bool) -> float:
        """The seconds of one duration; `real` while clients wait in real time."""
        given: float | None = getattr(self, name)
        return _DEFAULTS[name][real] if given is None else given


#: On a virtual clock, and in real time.
_DEFAULTS: dict[str, tuple[float, float]] = {
    "account_creation": (150.0, 1.5),
    "account_change": (60.0, 0.5),
    "account_deletion": (180.0, 1.0),
    "namespace_update": (5.0, 0.1),
    "runtime_start": (30.0, 0.3),
    "interactive_authoring": (60.0, 0.3),
    "pipeline_queue": (5.0, 0.1),
    "pipeline_run": (180.0, 0.5),
    "lineage_arrival": (60.0, 0.3),
    "private_endpoint": (50.0, 0.5),
    "private_endpoint_deletion": (20.0, 0.3),
    "private_dns": (15.0, 0.2),
}
