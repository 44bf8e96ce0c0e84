"""The resources of the emulated Azure. They hold their state, and know nothing about HTTP or time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._model.arm_id import ArmId


@dataclass(slots=True)
class ResourceGroup:
    """A resource group; `managed_by` names the resource whose service owns it."""

    name: str
    location: str
    managed_by: str | None = None
    tags: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True)
class Subscription:
    """A subscription. Those with `of_microsoft` hold resources that customers cannot reach."""

    id: str
    name: str
    of_microsoft: bool = False
    groups: dict[str, ResourceGroup] = field(default_factory=dict[str, ResourceGroup])
    unregistered: set[str] = field(default_factory=set[str])


@dataclass(slots=True)
class Endpoint:
    """A managed private endpoint, as its factory sees it."""

    name: str
    factory: ArmId
    network: str
    target: str
    group_id: str
    fqdns: list[str]
    serial: int
    private_endpoint_id: str
    provisioning_state: str = "Provisioning"
    # Three empty strings until provisioned (recorded 2022-10, 2024-06).
    status: str = ""
    description: str = ""
    actions_required: str = ""
    reserved: bool = False
    shows_private_endpoint_id: bool = False
    error: tuple[str, str] | None = None
    """Code and message of what made it fail."""
    connection: Connection | None = None
    waiting: list[AfterReads] = field(default_factory=list["AfterReads"])

    def mirror_connection(self) -> None:
        """Copy the connection's state, unless the endpoint already shows Approved.

        Data Factory stops refreshing the state of an approved endpoint (documentation).
        """
        if self.connection is None or self.provisioning_state != "Succeeded" or self.status == "Approved":
            return
        self.status = self.connection.status
        self.description = self.connection.description or ""
        self.actions_required = self.connection.actions_required


@dataclass(slots=True)
class AfterReads:
    """An event after a number of reads instead of after a time."""

    left: int
    act: Callable[[], None]


@dataclass(slots=True)
class Network:
    """The managed virtual network of a factory."""

    name: str
    vnet_id: str
    etag: str
    properties: dict[str, Any]
    hidden_group: str
    """The resource group in a Microsoft subscription that holds the hidden private endpoints."""
    serial: int
    endpoints: dict[str, Endpoint] = field(default_factory=dict[str, Endpoint])
    lingering: dict[str, float] = field(default_factory=dict[str, float])
    """Names that have left the list and cannot be used again before that time."""


@dataclass(slots=True)
class Runtime:
    """An integration runtime; only its properties show its kind, as in Azure."""

    name: str
    etag: str
    properties: dict[str, Any]
    serial: int
    created_at: str = ""
    online_from: float = 0.0
    """The time from which it is Online, if it is an Azure integration runtime."""
    authoring: str = "Disabled"
    """The state of interactive authoring: Enabling, Enabled, Disabling or Disabled."""
    authoring_minutes: int | None = None
    """The minutes until interactive authoring ends; kept after it has ended (seen in public code)."""


@dataclass(slots=True)
class Pipeline:
    """A pipeline with one activity, and the course of its runs."""

    name: str
    serial: int
    activity: str
    activity_type: str
    runtime: str | None
    """The integration runtime that the activity runs on; None: one in the managed virtual network, if there is one."""
    status: str
    """How a run ends."""
    lineage_status: str | None
    """A run's lineage status; None: derived from the factory's connection, role and network."""
    relations: bool
    """Whether the lineage that arrives relates the activity to data sets."""


@dataclass(slots=True)
class PipelineRun:
    """A run of a pipeline, with the runs of its activities, newest last."""

    run_id: str
    body: dict[str, Any]
    last_updated: float
    activities: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    serial: int = 0
    began: float = 0.0


@dataclass(slots=True)
class Factory:
    """A data factory; `body` is the body of the PUT, with the properties that the service adds."""

    id: ArmId
    body: dict[str, Any]
    etag: str
    serial: int
    networks: dict[str, Network] = field(default_factory=dict[str, Network])
    runtimes: dict[str, Runtime] = field(default_factory=dict[str, Runtime])
    pipelines: dict[str, Pipeline] = field(default_factory=dict[str, Pipeline])
    runs: dict[str, PipelineRun] = field(default_factory=dict[str, PipelineRun])


@dataclass(slots=True)
class Connection:
    """A private endpoint connection, as the target of the endpoint sees it."""

    name: str
    target: ArmId
    private_endpoint_id: str
    group_id: str
    serial: int
    status: str = "Pending"
    description: str | None = None
    actions_required: str = "None"
    provisioning_state: str = "Succeeded"
    location: str = ""
    """The region of the target, in its display form."""
    endpoint: Endpoint | None = None
    """The managed endpoint behind it; None for a stranger's connection and for an orphan."""


@dataclass(slots=True)
class Account:
    """A Purview account; `body` is its JSON without parts that depend on the api-version or change by themselves."""

    id: ArmId
    body: dict[str, Any]
    serial: int
    changes: int = 0
    """The number of the change under way; 0: none."""
    becoming: dict[str, Any] | None = None
    """Its JSON at the end of its creation."""
    creator: str = ""
    """The principal that made it, and holds every role on its root collection; empty: the default caller."""

    @property
    def is_tenant_level(self) -> bool:
        """Whether it is the tenant-level account, reached on the tenant's host."""
        return self.properties.get("tenantEndpointState") == "Enabled"

    @property
    def properties(self) -> dict[str, Any]:
        """The account's properties."""
        found: dict[str, Any] = self.body.setdefault("properties", {})
        return found


@dataclass(slots=True)
class Resource:
    """A target of private endpoints without further behaviour."""

    id: ArmId
    body: dict[str, Any]
    serial: int
    busy_until: float = 0.0
    """Storage runs one private endpoint operation at a time; until then it answers 409 to the next one."""


@dataclass(slots=True)
class Operation:
    """One long-running operation."""

    id: str
    begun: str
    """When it began, as Azure writes times."""
    status: str = "InProgress"
    error: tuple[str, str] | None = None
    """Code and message of what made it fail."""
    ended: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status != "InProgress"
