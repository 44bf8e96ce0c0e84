"""The contents of a scenario: one model for each kind of object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, ValidationError

from purview_mpe.emulator._scenario.network_parts import NetworkParts
from purview_mpe.emulator._scenario.parts import (
    Body,
    Count,
    Flag,
    Guid,
    Moment,
    Number,
    Object,
    Part,
    SpanPart,
    SpansPart,
    Text,
    Whole,
    brief,
    one_of,
    options_of,
    problems_of,
    said,
    span_of,
)
from purview_mpe.emulator._services.data_factory.runtimes import RuntimeKind
from purview_mpe.emulator._services.purview.lifecycle import Life
from purview_mpe.emulator._services.purview.shapes import Firewall, NamespaceAbsence, Shape
from purview_mpe.emulator._state.answers import Answers
from purview_mpe.emulator._state.guards import LockLevel
from purview_mpe.emulator._state.settings import Cloud, IngestionAccepts, NamespaceApproval, Reveal
from purview_mpe.emulator._state.times import Times
from purview_mpe.emulator._values.json_values import object_of
from purview_mpe.emulator._values.problems import InvalidScenario

if TYPE_CHECKING:
    from collections.abc import Mapping

# Maximum number of listed problems; the others are counted.
_LISTED = 25
# Marks an option that a scenario does not name, so that the default of `Emulator` applies.
_NOT_GIVEN: Any = None


def check(document: Any) -> Scenario:
    """The document as a scenario.

    Raises:
        InvalidScenario: it is not one; lists every problem with its place.
    """
    try:
        return Scenario.model_validate(document)
    except ValidationError as error:
        problems = problems_of(error)
        more = [f"and {len(problems) - _LISTED} more"] if len(problems) > _LISTED else []
        raise InvalidScenario([*problems[:_LISTED], *more]) from None


class Options(Part):
    """Arguments of `Emulator`."""

    shape: Annotated[Shape, one_of(Shape)] = _NOT_GIVEN
    firewall: Annotated[Firewall, one_of(Firewall)] = _NOT_GIVEN
    seed: Whole = _NOT_GIVEN
    epoch: Moment = _NOT_GIVEN
    provisioning: SpansPart | None = None
    connection_delay: SpansPart | None = None
    deletion: SpansPart | None = None
    refresh_delay: SpanPart = _NOT_GIVEN
    latency: SpanPart = _NOT_GIVEN
    page_size: Count = _NOT_GIVEN
    absent_status: Annotated[Literal[404, 400], one_of(Literal[404, 400])] = _NOT_GIVEN
    foreign_connections: Whole = _NOT_GIVEN
    reveal_private_endpoint_ids: Annotated[Reveal, one_of(Reveal)] = _NOT_GIVEN
    ingestion_accepts: Annotated[IngestionAccepts, one_of(IngestionAccepts)] = _NOT_GIVEN
    namespace_approval: Annotated[NamespaceApproval, one_of(NamespaceApproval)] = _NOT_GIVEN
    storage_busy: Number = _NOT_GIVEN
    deletion_lingers: Number = _NOT_GIVEN
    entity_limit: Whole = _NOT_GIVEN
    storage_connection_limit: Whole = _NOT_GIVEN
    namespace_connection_limit: Whole = _NOT_GIVEN
    answers: Annotated[Any, options_of(Answers)] = _NOT_GIVEN
    times: Annotated[Any, options_of(Times)] = _NOT_GIVEN
    enforce_limits: Flag = _NOT_GIVEN
    request_log: Whole | None = None
    subscription: Guid = _NOT_GIVEN
    tenant: Guid = _NOT_GIVEN
    location: Text = _NOT_GIVEN
    inside_network: Flag = _NOT_GIVEN
    cloud: Annotated[Cloud, one_of(Cloud)] = _NOT_GIVEN
    empty: Flag = _NOT_GIVEN

    def arguments(self) -> dict[str, Any]:
        """The named options in the form that `Emulator` takes."""
        return {name: span_of(value) for name, value in self.given().items()}


class SubscriptionPart(Part):
    """A subscription."""

    examples: ClassVar[dict[str, Any]] = {"id": "00000000-0000-0000-0000-000000000002"}

    id: Guid
    name: Text | None = None
    of_microsoft: Flag = False
    unregistered: tuple[Text, ...] = ()


class GroupPart(Part):
    """A resource group."""

    examples: ClassVar[dict[str, Any]] = {"name": "rg1"}

    name: Text
    subscription: Guid | None = None
    location: Text | None = None
    managed_by: Text | None = None
    tags: Object = Field(default_factory=dict)


class _Placed(Part):
    """A resource with a name, or with Azure's JSON that has an id."""

    name: Text = ""
    body: Body | None = None
    subscription: Guid | None = None
    resource_group: Text = "rg1"
    location: Text | None = None

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> list[str]:
        """Problems of the object as a whole."""
        has_id = "id" in (object_of(given.get("body")) or {})
        return [] if has_id or "name" in given else ["needs a name, or a body with an id"]


class CollectionPart(Part):
    """A collection of an account."""

    examples: ClassVar[dict[str, Any]] = {"name": "finance"}

    name: Text
    friendly_name: Text | None = None
    parent: Text | None = None


class EntityPart(Part):
    """An entity of an account's catalog."""

    examples: ClassVar[dict[str, Any]] = {
        "kind": "adf_pipeline",
        "qualified_name": "/subscriptions/…/pipelines/nightly",
    }

    kind: Text
    qualified_name: Text
    guid: Text | None = None
    attributes: Object = Field(default_factory=dict)


class RelationPart(Part):
    """A relation between two entities, by their guids."""

    examples: ClassVar[dict[str, Any]] = {"source": "a guid", "destination": "another guid"}

    source: Text
    destination: Text
    contains: Flag = False


class DataPlanePart(Part):
    """The data plane of an account."""

    collections: tuple[CollectionPart, ...] = ()
    policies: tuple[Object, ...] = ()
    entities: tuple[EntityPart, ...] = ()
    relations: tuple[RelationPart, ...] = ()


class AccountPart(_Placed):
    """A Purview account."""

    shape: Annotated[Shape, one_of(Shape)] = "A"
    firewall: Annotated[Firewall, one_of(Firewall)] = "disabled-from-all-networks"
    without_namespace: Annotated[NamespaceAbsence, one_of(NamespaceAbsence)] = "absent"
    life: Annotated[Life, one_of(Life)] | None = None
    tenant_level: Flag = False
    creator: Text | None = None
    data_plane: DataPlanePart | None = None


class RuntimePart(Part):
    """An integration runtime."""

    examples: ClassVar[dict[str, Any]] = {"name": "managed-vnet"}

    name: Text
    kind: Annotated[RuntimeKind, one_of(RuntimeKind)] = "azure"
    properties: Object | None = None


class OwnConnectionPart(Part):
    """The connection of a managed private endpoint on its target."""

    examples: ClassVar[dict[str, Any]] = {"name": "pv1.00000000-0000-0000-0000-000000000003", "status": "Pending"}

    name: Text
    status: Text
    description: str | None = None


class EndpointPart(Part):
    """A managed private endpoint."""

    examples: ClassVar[dict[str, Any]] = {"name": "purview", "target": "contoso", "group_id": "account"}

    name: Text
    target: Text
    group_id: Text
    provisioning_state: Text = "Succeeded"
    status: str = "Approved"
    reserved: Flag = False
    private_endpoint_id: Text | None = None
    connection: OwnConnectionPart | None = None


class ActivityPart(Part):
    """A run of an activity."""

    name: Text = "Copy orders"
    activity_type: Text = "Copy"
    status: Text = "Succeeded"
    lineage_status: Text | None = "Succeeded"
    lineage_key: Text = "reportLineageToPurview"
    output: Object | None = None


class PipelinePart(Part):
    """A pipeline that can be run."""

    examples: ClassVar[dict[str, Any]] = {"name": "nightly"}

    name: Text
    activity: Text = "Copy orders"
    activity_type: Text = "Copy"
    runtime: Text | None = None
    status: Text = "Succeeded"
    lineage_status: Text | None = None
    relations: Flag = True


class RunPart(Part):
    """A run of a pipeline."""

    pipeline: Text = "pl_copy"
    status: Text = "Succeeded"
    ago: Number = 60.0
    activities: tuple[ActivityPart, ...] = ()


class FactoryPart(_Placed):
    """A data factory."""

    managed_vnet: Flag = True
    network: Text = "default"
    purview_account: Text | None = None
    runtimes: tuple[RuntimePart, ...] | None = None
    endpoints: tuple[EndpointPart, ...] = ()
    pipelines: tuple[PipelinePart, ...] = ()
    runs: tuple[RunPart, ...] = ()


class ConnectionPart(Part):
    """A stranger's connection on a target."""

    examples: ClassVar[dict[str, Any]] = {"target": "contoso"}

    target: Text
    private_endpoint_id: Text | None = None
    name: Text | None = None
    description: str | None = ""
    status: Text = "Pending"
    group_id: Text | None = None


class RolePart(Part):
    """A role: a known role by its name, or one with its own actions."""

    examples: ClassVar[dict[str, Any]] = {"role": "Reader"}

    role: Text
    actions: tuple[Text, ...] | None = None
    not_actions: tuple[Text, ...] = ()
    scope: Text = ""


def _role(value: Any) -> Any:
    if isinstance(value, str):
        return {"role": value}
    if object_of(value) is None:
        raise said(f"must be a text or an object, not {brief(value)}")
    return value


class CallerPart(Part):
    """A caller with a client id."""

    examples: ClassVar[dict[str, Any]] = {"name": "alice"}

    name: Text
    client_id: Text | None = None
    object_id: Text | None = None
    inside_network: Flag | None = None
    roles: tuple[Annotated[RolePart, BeforeValidator(_role)], ...] = ()


class LockPart(Part):
    """A management lock."""

    examples: ClassVar[dict[str, Any]] = {"scope": "contoso"}

    scope: Text
    level: Annotated[LockLevel, one_of(LockLevel)] = "CanNotDelete"
    name: Text = "lock"
    deletion_ends: Text = "Failed"


class DenialPart(Part):
    """A policy or a deny assignment."""

    examples: ClassVar[dict[str, Any]] = {"kind": "policy", "scope": "contoso"}

    kind: Annotated[Literal["policy", "deny-assignment"], one_of(Literal["policy", "deny-assignment"])]
    scope: Text
    actions: Text = "*"
    name: Text | None = None


class Scenario(Part):
    """The whole document."""

    emulator: Options = Options()
    subscriptions: tuple[SubscriptionPart, ...] = ()
    resource_groups: tuple[GroupPart, ...] = ()
    accounts: tuple[AccountPart, ...] = ()
    factories: tuple[FactoryPart, ...] = ()
    connections: tuple[ConnectionPart, ...] = ()
    networks: NetworkParts = NetworkParts()
    callers: tuple[CallerPart, ...] = ()
    locks: tuple[LockPart, ...] = ()
    denials: tuple[DenialPart, ...] = ()
    faults: tuple[Object, ...] = ()

    def arguments(self) -> dict[str, Any]:
        """The arguments of `Emulator`, without the default account and factory if the document has its own."""
        # An empty list means that there are none.
        is_furnished = bool({"accounts", "factories"} & self.model_fields_set)
        return {"empty": is_furnished, **self.emulator.arguments()}
