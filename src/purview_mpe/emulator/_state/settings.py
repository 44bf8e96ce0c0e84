"""The settings of one emulator, chosen when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from purview_mpe.emulator._values.public import public

Cloud: TypeAlias = Literal["public", "us-government", "china"]

if TYPE_CHECKING:
    from random import Random

    from purview_mpe.emulator._state.answers import Answers
    from purview_mpe.emulator._state.times import Times

DEFAULT_SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
DEFAULT_TENANT = "11111111-1111-1111-1111-111111111111"
DEFAULT_LOCATION = "westeurope"


@public
@dataclass(frozen=True, slots=True)
class Reads:
    """A duration that ends after this many reads, however long that takes."""

    count: int
    """The number of reads."""


Span: TypeAlias = "float | tuple[float, float] | Reads"
"""A duration: seconds, a range from which the seed draws, or a number of reads."""

Spans: TypeAlias = "Span | Mapping[str, Span]"
"""A span, or one per group id; the key `*` stands for the others."""

Reveal: TypeAlias = Literal["at-once", "when-provisioned", "never"]
NamespaceApproval: TypeAlias = Literal["200", "201", "202", "202-empty"]
IngestionAccepts: TypeAlias = Literal["either", "private-endpoint", "connection"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one emulator; `Emulator` documents them."""

    provisioning: Spans | None
    connection_delay: Spans | None
    deletion: Spans | None
    refresh_delay: Span
    page_size: int
    absent_status: int
    foreign_connections: int
    reveal_private_endpoint_ids: Reveal
    ingestion_accepts: IngestionAccepts
    namespace_approval: NamespaceApproval
    storage_busy: float
    deletion_lingers: float
    entity_limit: int
    latency: Span
    storage_connection_limit: int
    namespace_connection_limit: int
    cloud: Cloud
    answers: Answers
    times: Times

    @property
    def counts_reads(self) -> bool:
        """Whether any span is a number of reads."""
        spans = (self.provisioning, self.connection_delay, self.deletion, self.refresh_delay)
        flat = [one for span in spans for one in (span.values() if isinstance(span, Mapping) else (span,))]
        return any(isinstance(span, Reads) for span in flat)

    def span(self, kind: Literal["provisioning", "connection_delay", "deletion"], group_id: str, *, real: bool) -> Span:
        """The span for an endpoint of this group; `real` while time is real."""
        spans: Spans | None = getattr(self, kind)
        if isinstance(spans, Mapping):
            spans = spans.get(group_id, spans.get("*"))
        if spans is None:
            return (_REAL if real else _VIRTUAL)[kind]
        return spans


# Virtual: provisioning usually takes 1 to 3 minutes, and a connection appeared on its target 17 s after the
# PUT (recorded from the sibling service). Real: short enough for a test suite that waits.
_VIRTUAL: dict[str, Span] = {"provisioning": 90.0, "connection_delay": 17.0, "deletion": 30.0}
_REAL: dict[str, Span] = {"provisioning": 1.0, "connection_delay": 0.3, "deletion": 0.5}


def drawn(span: float | tuple[float, float], random: Random) -> float:
    """The seconds of a span; a range gives a random value."""
    return random.uniform(*span) if isinstance(span, tuple) else float(span)
