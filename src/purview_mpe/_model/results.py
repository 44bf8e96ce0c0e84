"""The nouns: what the verbs take and return. All are frozen, print as a table and round-trip through JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Protocol, TypeAlias, cast

from pydantic import AfterValidator, Field, computed_field, model_validator

from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.public import public
from purview_mpe._model.spec import Fixed, Noun, Spec
from purview_mpe.errors import PurviewMpeError, ReportFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

Firewall = Literal["enabled-from-all-networks", "disabled-for-ingestion-only", "disabled-from-all-networks"]
Shape = Literal["A", "B", "C", "D", "E", "F"]
Severity = Literal["error", "warning", "info"]
Action = Literal["create", "keep", "replace", "conflict"]
#: Which list shows an endpoint's connection, and so which call approves it.
ConnectionList = Literal["account", "storage", "namespace", "ingestion"]
Result = Literal[
    "created",
    "kept",
    "replaced",
    "approved",
    "already-approved",
    "rejected",
    "deleted",
    "absent",
    "connected",
    "already-connected",
    "disconnected",
    "enabled",
    "already-enabled",
    "granted",
    "already-granted",
    "revoked",
    "handed-off",
    "ambiguous",
    "conflict",
    "failed",
    "timed-out",
    "would-approve",
    "would-reject",
    "would-delete",
    "would-create",
    "would-replace",
    "would-connect",
    "would-disconnect",
    "would-enable",
    "would-grant",
    "would-revoke",
]
FAILURES: frozenset[Result] = frozenset({"failed", "timed-out", "conflict", "ambiguous"})
Verdict = Literal["ready", "pending", "provisioning", "rejected", "stale", "wrong-target", "missing", "failed"]
Verb = Literal[
    "apply",
    "create_all",
    "approve",
    "reject",
    "delete_all",
    "connect",
    "disconnect",
    "grant",
    "revoke",
    "onboard",
    "offboard",
]
#: What a step or an outcome is about.
Subject = Literal["endpoint", "managed-network", "runtime", "identity", "connection", "data-curator"]


@public("purview_mpe")
class Finding(Noun):
    """Something a person should know, with what to do about it."""

    code: str
    """Stable and kebab-case; the documentation has a heading for each."""
    severity: Severity
    message: str
    cause: str = ""
    evidence: tuple[str, ...] = ()
    remedy: str = ""


def _an_id(text: str) -> str:
    ArmId.parse(text)
    return text


#: Text that is a resource id. Nouns that requests are made from hold nothing else: a report may come from a file.
IdText = Annotated[str, AfterValidator(_an_id)]


Identity: TypeAlias = tuple[str, str]
"""Target and group id in one letter case: compared and used as a key, never shown."""


class _HasTarget(Protocol):
    @property
    def resource_id(self) -> str: ...
    @property
    def group_id(self) -> str | None: ...


class Identified:
    """What every value that points to one target and group id has in common."""

    @property
    def identity(self: _HasTarget) -> Identity:
        """What makes two values be about the same endpoint: target and group id, in any letter case.

        The name does not count: Data Factory refuses a second endpoint to the same target and group under any name
        (public code).
        """
        return identity(self.resource_id, self.group_id)


@public("purview_mpe")
class Target(Noun, Identified):
    """One resource and group id that an endpoint has to reach."""

    group_id: str
    resource_id: IdText
    connections: ConnectionList
    """Which list shows the connection: the account's own, its ingestion list, the storage's or the namespace's."""


@public("purview_mpe")
class Account(Noun):
    """What a Purview account needs, read from its properties.

    `shape` and `firewall` are None where the caller may not read it: then only the `account` endpoint is known.
    """

    id: IdText
    name: str
    location: str | None = None
    provisioning_state: str | None = None
    shape: Shape | None = None
    firewall: Firewall | None = None
    targets: tuple[Target, ...] = ()
    retired: tuple[str, ...] = ()
    """Ids of resources that belong to the account and that it does not use for ingestion (any more)."""
    endpoints: Fixed[str, str] = Field(default_factory=dict, validate_default=True)
    """Addresses of the account's services, as Azure gives them."""
    warnings: tuple[Finding, ...] = ()


@public("purview_mpe")
class Endpoint(Noun, Identified):
    """A managed private endpoint, as the factory shows it."""

    id: str
    name: str
    group_id: str
    resource_id: str
    provisioning_state: str = ""
    connection_status: str = ""
    """Empty until Azure knows; not refreshed by the factory after Approved."""
    private_endpoint_id: str | None = None
    """Exact id of the private endpoint in Microsoft's subscription, where Azure tells it."""
    reserved: bool = False
    """Whether the endpoint belongs to the service itself."""

    def is_for(self, resource_id: str, group_id: str) -> bool:
        """Whether it has this identity: target and group id, in any letter case."""
        return self.identity == identity(resource_id, group_id)


class Connection(Noun):
    """A private endpoint connection, as its target shows it."""

    id: str
    name: str
    private_endpoint_id: str
    """Id of the private endpoint that asks to be let in; it lives in whichever subscription its owner has."""
    status: str
    description: str = ""


class Factory(Noun):
    """A data factory with its managed virtual network, as far as the job needs it."""

    id: str
    location: str | None = None
    purview_account: str | None = None
    """Id of the account that the factory is connected to, where it was read."""
    networks: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    """Those of the managed virtual network that the spec names."""


@public("purview_mpe")
class Step(Noun, Identified):
    """One line of a plan."""

    action: Action
    subject: Subject = "endpoint"
    """What the step makes: an endpoint, the managed virtual network or an integration runtime."""
    name: str
    group_id: str | None = None
    """Group id of the endpoint; None for every other subject."""
    resource_id: str
    reason: str
    remedy: str | None = None
    """What to do about a conflict; None for every other action."""

    @model_validator(mode="before")
    @classmethod
    def _network_of_older_plans(cls, given: object) -> object:
        """A plan file from before there were subjects marks the managed virtual network by its missing group id."""
        if not isinstance(given, dict):
            return given
        fields = cast("dict[str, object]", given)
        is_older = "subject" not in fields and fields.get("group_id") is None
        return {**fields, "subject": "managed-network"} if is_older else fields


@public("purview_mpe")
class Plan(Noun):
    """The difference between what the account needs and what the factory has."""

    spec: Spec
    account: Account
    steps: tuple[Step, ...]
    obsolete: tuple[Endpoint, ...] = ()
    """Endpoints of the factory to what the account used once, or with a name of ours and a foreign target."""
    warnings: tuple[Finding, ...] = ()

    @property
    def conflicts(self) -> tuple[Step, ...]:
        """The steps that keep the plan from being applied."""
        return tuple(step for step in self.steps if step.action == "conflict")

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that would write."""
        return tuple(step for step in self.steps if step.action in {"create", "replace"})


@public("purview_mpe")
class ErrorDetail(Noun):
    """An error as a value: what was attempted, what came back, what to do next."""

    code: str
    message: str
    remedy: str
    status: int | None = None
    azure_code: str | None = None
    request_id: str | None = None
    correlation_id: str | None = None

    @classmethod
    def of(cls, error: PurviewMpeError) -> ErrorDetail:
        """The value of an exception of ours."""
        return cls(
            code=error.code,
            message=error.message,
            remedy=error.remedy,
            status=error.status,
            azure_code=error.azure_code,
            request_id=error.request_id,
            correlation_id=error.correlation_id,
        )


#: What is said of a step that was under way when the run was interrupted.
INTERRUPTED = ErrorDetail(
    code="interrupted",
    message="The run was interrupted before this step was known to be done; Azure may have done it.",
    remedy="Repeat the call: it looks first, and does only what is missing.",
)


@public("purview_mpe")
class Outcome(Noun, Identified):
    """What became of one step."""

    subject: Subject = "endpoint"
    """What the outcome is about."""
    name: str
    group_id: str | None = None
    """Group id of the endpoint; None for every other subject."""
    resource_id: str
    private_endpoint_id: str | None = None
    matched_by: Literal["private-endpoint-id", "name"] | None = None
    """How a connection was recognised as ours."""
    result: Result
    error: ErrorDetail | None = None
    seconds: float = Field(default=0.0, ge=0, allow_inf_nan=False)


@public("purview_mpe")
class Report(Noun):
    """What a verb did, step by step; also where it did not finish."""

    verb: Verb
    spec: Spec
    account: Account | None = None
    """The account as it was read for this report; so an approver needs not be able to read it."""
    outcomes: tuple[Outcome, ...] = ()
    hand_off: str | None = None
    """What is left for the owners of the targets, as text they can follow without knowing this library."""
    approval_asked: bool = False
    warnings: tuple[Finding, ...] = ()

    @computed_field  # type: ignore[prop-decorator]  # mypy has no notion of decorated properties
    @property
    def succeeded(self) -> bool:
        """Whether nothing failed, timed out, conflicted or was ambiguous."""
        return not self.failures

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def complete(self) -> bool:
        """Whether it succeeded, and where approval was asked nothing is handed off or unapproved."""
        if not self.succeeded or any(o.result == "handed-off" for o in self.outcomes):
            return False
        if not self.approval_asked:
            return True
        approved = {o.identity for o in self.outcomes if o.result in {"approved", "already-approved"}}
        asked = {o.identity for o in self.outcomes if o.group_id is not None}
        return asked <= approved

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The outcomes that keep the report from having succeeded."""
        return tuple(outcome for outcome in self.outcomes if outcome.result in FAILURES)

    @property
    def named_failures(self) -> tuple[tuple[str, Outcome], ...]:
        """The failures, each with the name that tells it from the others."""
        return tuple((outcome.name, outcome) for outcome in self.failures)

    def raise_for_failures(self) -> None:
        """Do nothing if all went well.

        Raises:
            ReportFailed: with every failure and its remedy.
        """
        if self.failures:
            raise ReportFailed(self)


@public("purview_mpe")
class EndpointStatus(Noun, Identified):
    """One endpoint that the account needs, seen from both sides."""

    name: str
    group_id: str
    resource_id: str
    private_endpoint_id: str | None = None
    provisioning_state: str | None = None
    connection_status: str | None = None
    """What the factory says."""
    target_status: str | None = None
    """What the target says; None if it cannot be read, empty if it shows no connection of ours."""
    verdict: Verdict
    reason: str = ""


@public("purview_mpe")
class Status(Noun):
    """Both sides of every endpoint at one moment."""

    factory: str
    account: str
    ready: bool
    endpoints: tuple[EndpointStatus, ...]
    others: tuple[Endpoint, ...] = ()
    """The factory's endpoints that are not for this account."""
    findings: tuple[Finding, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether waiting changes nothing any more: every verdict needs a person, or nothing."""
        return all(endpoint.verdict not in {"provisioning", "pending"} for endpoint in self.endpoints)


def identity(resource_id: str, group_id: str | None) -> Identity:
    """The `Identified.identity` of a target and group id that no value holds yet."""
    return resource_id.rstrip("/").casefold(), (group_id or "").casefold()


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then warnings, then information; within each in the order given."""
    order = ("error", "warning", "info")
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))
