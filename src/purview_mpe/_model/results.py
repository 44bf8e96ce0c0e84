"""The nouns: what the verbs take and return. All are frozen, print as a table and round-trip through JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, Self, TypeAlias, TypeVar, cast, get_args

from pydantic import Field, computed_field, model_validator
from pydantic_core import PydanticCustomError

from purview_mpe._model import agreement
from purview_mpe._model.arm_id import folded
from purview_mpe._model.fields import (
    GroupText,
    IdText,
    Line,
    Lines,
    MaybeGroupText,
    MaybeIdText,
    MaybeNameText,
    NameText,
    PrivateEndpointId,
)
from purview_mpe._model.naming import OPTIONAL_GROUPS
from purview_mpe._model.network import Network, Purpose
from purview_mpe._model.public import public
from purview_mpe._model.shell import in_shell
from purview_mpe._model.spec import Fixed, Noun, Spec
from purview_mpe.errors import PurviewMpeError, ReportFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

N = TypeVar("N", bound=Noun)

Firewall = Literal["enabled-from-all-networks", "disabled-for-ingestion-only", "disabled-from-all-networks"]
Shape = Literal["A", "B", "C", "D", "E", "F"]
Severity = Literal["error", "warning", "info"]
Action = Literal["create", "keep", "replace", "conflict"]
#: The list that shows an endpoint's connection; it decides which call approves the connection.
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
#: Results that settle an approval for this caller: it was given, or it is left to the target's owner.
_SETTLED: frozenset[Result] = frozenset({"approved", "already-approved", "handed-off"})
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
    "create_private_endpoints",
    "delete_private_endpoints",
]
#: What a step or an outcome is about.
Subject = Literal[
    "endpoint",
    "managed-network",
    "runtime",
    "identity",
    "connection",
    "data-curator",
    "private-endpoint",
    "dns-zone",
    "dns-link",
    "dns-zone-group",
]


@public("purview_mpe")
class Finding(Noun):
    """Something you should know, with what to do about it."""

    code: Line
    """Stable and kebab-case; the documentation has a heading for each."""
    severity: Severity
    """How bad it is: an error keeps lineage from arriving, or a plan from being carried out."""
    message: Line
    """What was found, in a sentence."""
    cause: Line = ""
    """The cause; empty if it is not known."""
    evidence: tuple[Line, ...] = ()
    """What the finding is based on: ids, states, answers of Azure."""
    remedy: Line = ""
    """What to do about it, starting with a verb; the calls are Python."""

    @property
    def shell_remedy(self) -> str:
        """What to do, in the words of the command line."""
        return in_shell(self.remedy)


Identity: TypeAlias = tuple[str, str]
"""Target and group id in one letter case: compared and used as a key, never shown."""


class _HasTarget(Protocol):
    @property
    def resource_id(self) -> str: ...
    @property
    def group_id(self) -> str | None: ...


class Identified:
    """The base of every value that points to one target and group id."""

    @property
    def identity(self: _HasTarget) -> Identity:
        """The identity of the endpoint: target and group id, in any letter case.

        The name is not part of it: Data Factory refuses a second endpoint to the same target and group id under any
        name (public code).
        """
        return identity(self.resource_id, self.group_id)


@public("purview_mpe")
class Target(Noun, Identified):
    """One resource and group id that an endpoint must reach."""

    group_id: GroupText
    """Group id of the private endpoint: `account`, `blob`, `queue`, `namespace`, `platform` or `portal`."""
    resource_id: IdText
    """Id of the resource."""
    connections: ConnectionList
    """Which list shows the connection: the account's own, its ingestion list, the storage's or the namespace's."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        return _agreeing(self, agreement.target_problems(self))


@public("purview_mpe")
class Account(Noun):
    """What a Purview account needs, read from its properties.

    `shape` and `firewall` are None if the caller is not allowed to read the account: then only the `account` endpoint
    is known.
    """

    id: IdText
    """Id of the account."""
    name: NameText
    """Name of the account."""
    location: Line | None = None
    """Azure region; None if it was not read."""
    provisioning_state: Line | None = None
    """Azure's word for whether the account is ready, for example `Succeeded` or `Creating`; None if it was not read.
    """
    shape: Shape | None = None
    """Which resources ingestion goes through; None if the account could not be read."""
    firewall: Firewall | None = None
    """The firewall setting as the portal shows it; None if the account could not be read."""
    targets: tuple[Target, ...] = ()
    """What endpoints must reach, in the portal's order; only the account itself if it could not be read."""
    managed_group: IdText | None = None
    """Id of the resource group that Azure keeps for the account's own resources; None if Azure shows none."""
    retired: tuple[IdText, ...] = ()
    """Ids of resources that belong to the account but that it does not use for ingestion, or no longer uses."""
    endpoints: Fixed[Line, Line] = Field(default_factory=dict, validate_default=True)
    """Addresses of the account's services, as Azure gives them."""
    default_domain: str | None = None
    """Name of the account's default domain; lineage goes to its root collection. None if Azure shows none."""
    warnings: tuple[Finding, ...] = ()
    """Findings about the account, errors first."""

    @model_validator(mode="after")
    def _is_one_account(self) -> Self:
        return _agreeing(self, agreement.account_problems(self))


@public("purview_mpe")
class Endpoint(Noun, Identified):
    """A managed private endpoint, as the factory shows it."""

    id: MaybeIdText
    """Id of the endpoint; empty if Azure gives none."""
    name: NameText
    """Name of the endpoint within its factory."""
    group_id: MaybeGroupText
    """Group id of the target; empty if Azure gives none."""
    resource_id: MaybeIdText
    """Id of the target; empty if Azure gives none, or gives a text that is not an id."""
    provisioning_state: Line = ""
    """Azure's word for the endpoint's state, for example `Provisioning`, `Succeeded` or `Failed`; empty if Azure gives
    none."""
    connection_status: Line = ""
    """State of the connection; empty until Azure knows it. The factory does not refresh it after Approved."""
    private_endpoint_id: PrivateEndpointId | None = None
    """Exact id of the private endpoint in Microsoft's subscription; None if Azure does not show it."""
    reserved: bool = False
    """Whether the endpoint belongs to the service itself."""
    error: Line = ""
    """Azure's message about a problem with the endpoint; empty without a problem, or without a message."""

    def is_for(self, resource_id: str, group_id: str) -> bool:
        """True if the endpoint has this identity: target and group id, in any letter case."""
        return self.identity == identity(resource_id, group_id)


class Connection(Noun):
    """A private endpoint connection, as its target shows it."""

    id: MaybeIdText
    name: MaybeNameText
    private_endpoint_id: PrivateEndpointId
    """Id of the private endpoint that asks for the connection; it can be in any subscription."""
    status: Line
    description: Line = ""


class Factory(Noun):
    """A data factory and its managed virtual network, as far as this library needs them."""

    id: IdText
    location: Line | None = None
    purview_account: IdText | None = None
    """Id of the account that the factory is connected to, if it was read."""
    networks: tuple[NameText, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    """The endpoints in the managed virtual network that the spec names."""


@public("purview_mpe")
class Step(Noun, Identified):
    """One line of a plan."""

    action: Action
    """What to do."""
    subject: Subject = "endpoint"
    """What the step creates: an endpoint, the managed virtual network, an integration runtime, or a part of the
    customer's own network."""
    name: NameText
    """Name of what the step creates."""
    group_id: GroupText | None = None
    """Group id of the endpoint, managed or your own; None for every other subject."""
    resource_id: IdText
    """Id of the target for an endpoint, managed or your own; otherwise the id of what the step creates."""
    reason: Line
    """Why, in a sentence."""
    remedy: Line | None = None
    """What to do about a conflict; None for every other action."""

    @property
    def shell_remedy(self) -> str | None:
        """What to do about a conflict, in the words of the command line; None for every other action."""
        return None if self.remedy is None else in_shell(self.remedy)

    @model_validator(mode="before")
    @classmethod
    def _network_of_older_plans(cls, given: object) -> object:
        """Set `subject` for older plan files, in which a missing group id marks the managed virtual network."""
        if not isinstance(given, dict):
            return given
        fields = cast("dict[str, object]", given)
        is_older = "subject" not in fields and fields.get("group_id") is None
        return {**fields, "subject": "managed-network"} if is_older else fields


@public("purview_mpe")
class Plan(Noun):
    """The difference between what the account needs and what the factory has."""

    spec: Spec
    """What was asked for."""
    account: Account
    """The account as it was read for this plan."""
    network: Network | None = None
    """The network of your own that the plan is for; None for managed private endpoints."""
    purpose: Purpose | None = None
    """What private endpoints of your own are for; None for managed ones."""
    steps: tuple[Step, ...]
    """The steps in order: the network first, then the endpoints in the portal's order."""
    obsolete: tuple[Endpoint, ...] = ()
    """Endpoints to resources the account no longer uses, or that carry one of the spec's names but point elsewhere."""
    warnings: tuple[Finding, ...] = ()
    """Findings to read before you apply the plan, errors first."""

    @property
    def conflicts(self) -> tuple[Step, ...]:
        """The steps that keep the plan from being applied."""
        return tuple(step for step in self.steps if step.action == "conflict")

    @property
    def all_known(self) -> bool:
        """Whether the account showed every endpoint that the spec wants."""
        return is_all_known(self.spec, self.account, self.purpose)

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that would write."""
        return tuple(step for step in self.steps if step.action in {"create", "replace"})


@public("purview_mpe")
class ErrorDetail(Noun):
    """An error as a value: what was attempted, what came back, what to do next."""

    code: Line
    """Stable and kebab-case; the documentation has a heading for each."""
    message: Lines
    """What was attempted and what came back."""
    remedy: Lines
    """What to do next, starting with a verb; the calls are Python."""
    status: int | None = None
    """The HTTP status; None if no answer came."""
    azure_code: Line | None = None
    """Azure's own code for the error; None if it gave none."""
    request_id: Line | None = None
    """Azure's id of the request, for a support case; None if it gave none."""
    correlation_id: Line | None = None
    """The id under which Azure logged the operation; None if it gave none."""

    @property
    def shell_remedy(self) -> str:
        """What to do next, in the words of the command line."""
        return in_shell(self.remedy)

    @classmethod
    def of(cls, error: PurviewMpeError) -> ErrorDetail:
        """The value for an exception of this library."""
        return cls(
            code=error.code,
            message=error.message,
            remedy=error.remedy,
            status=error.status,
            azure_code=error.azure_code,
            request_id=error.request_id,
            correlation_id=error.correlation_id,
        )


#: The error of a step that was under way when the run was interrupted.
INTERRUPTED = ErrorDetail(
    code="interrupted",
    message="The run was interrupted before this step was known to be done; Azure may have done it.",
    remedy="Repeat the call: it reads Azure first and does only what is missing.",
)
#: The error of a step for which nothing was sent when the run was interrupted.
NOT_BEGUN = ErrorDetail(
    code="interrupted",
    message="The run was interrupted before this step began; nothing was sent for it.",
    remedy=INTERRUPTED.remedy,
)


@public("purview_mpe")
class Outcome(Noun, Identified):
    """The outcome of one step."""

    subject: Subject = "endpoint"
    """What the outcome is about."""
    name: NameText
    """Name of what the outcome is about."""
    group_id: GroupText | None = None
    """Group id of the endpoint, managed or your own; None for every other subject."""
    resource_id: IdText
    """Id of the target for an endpoint, managed or your own, of the account for `connection` and `data-curator`;
    otherwise of the subject itself."""
    private_endpoint_id: PrivateEndpointId | None = None
    """Exact id of the private endpoint behind the connection; None if it is not known."""
    matched_by: Literal["private-endpoint-id", "name"] | None = None
    """How a connection was recognised as the endpoint's."""
    result: Result
    """The result of the step."""
    error: ErrorDetail | None = None
    """Why the step did not succeed, or was handed off; None otherwise."""
    seconds: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """How long the step took, in seconds."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """One reason why a report is not complete, in words."""

    name: str
    state: str
    message: str = ""
    remedy: str = ""

    @classmethod
    def of(cls, outcome: Outcome) -> Unfinished:
        """The entry for an outcome."""
        error = outcome.error
        return cls(outcome.name, outcome.result, *((error.message, error.remedy) if error else ()))

    def __str__(self) -> str:
        said = f"{self.name}: {self.state}" + (f": {self.message}" if self.message else "")
        return f"{said}\n    {self.remedy}" if self.remedy else said


@public("purview_mpe")
class Report(Noun):
    """What a verb did, step by step, even if it did not finish."""

    verb: Verb
    """The verb that made the report."""
    spec: Spec
    """What was asked for."""
    account: Account | None = None
    """The account as it was read for this report, so that an approver need not be allowed to read it."""
    network: Network | None = None
    """The network of your own that the report is about; None for managed private endpoints."""
    purpose: Purpose | None = None
    """What private endpoints of your own are for; None for managed ones."""
    outcomes: tuple[Outcome, ...] = ()
    """One outcome for each step, in the order of the plan; two for an endpoint that was created and then approved."""
    hand_off: Lines | None = None
    """What the owners of the targets still have to do, as a text that does not require this library."""
    approval_asked: bool = False
    """Whether the verb was asked to approve the connections as well."""
    warnings: tuple[Finding, ...] = ()
    """Findings in addition to the outcomes, errors first."""

    @model_validator(mode="after")
    def _is_about_one_account(self) -> Self:
        return _agreeing(self, agreement.report_problems(self))

    @computed_field  # type: ignore[prop-decorator]  # mypy has no notion of decorated properties
    @property
    def succeeded(self) -> bool:
        """True if nothing failed, timed out, conflicted or was ambiguous."""
        return not self.failures

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def complete(self) -> bool:
        """True if everything that you asked for is done, and nothing is unknown.

        False after a failure; if anything was handed off; after a dry run that would write; if you asked for approval
        and not every connection is approved; and if the account could not be read, or is being created and may still
        get its Event Hubs namespace, unless `Spec.groups` names only known group ids. A creation without `approve` is
        complete once the endpoints exist, although their connections may wait for approval: `status(spec)` says whether
        lineage can flow. `onboard` is complete once nothing is left to do: without `approve` once the connections are
        approved, and without `grant` never, because its report does not say whether the identity has the role.
        """
        has_role = any(outcome.subject == "data-curator" for outcome in self.outcomes)
        return self.is_done and (self.verb != "onboard" or has_role)

    @property
    def is_done(self) -> bool:
        """As `complete`, but a role that `onboard` was asked to leave out does not count."""
        is_foretold = any(outcome.result.startswith("would-") for outcome in self.outcomes)
        is_left = self.verb == "onboard" and self.hand_off is not None
        return not (is_foretold or is_left or any(self.unfinished()))

    @property
    def all_known(self) -> bool:
        """Whether the account showed every endpoint that the spec wants."""
        return self.account is None or is_all_known(self.spec, self.account, self.purpose)

    def unfinished(self, *, hand_off_is_fine: bool = False) -> Iterator[Unfinished]:
        """The reasons, apart from a dry run, why the report is not complete; for messages."""
        for outcome in self.outcomes:
            if outcome.result in FAILURES or (outcome.result == "handed-off" and not hand_off_is_fine):
                yield Unfinished.of(outcome)
        if self.approval_asked:
            yield from self._unapproved()
        if self.account is not None and not self.all_known:
            why = next((finding for finding in self.account.warnings if finding.severity != "info"), None)
            yield Unfinished(
                self.account.name,
                "unknown",
                f"the account shows only {', '.join(target.group_id for target in self.account.targets)}, so its "
                f"other endpoints are unknown.{f' {why.message}' if why else ''}",
                why.remedy if why else "Look at the account's warnings with discover(account).",
            )

    def _unapproved(self) -> Iterator[Unfinished]:
        """The endpoints whose outcomes say neither that they are approved nor why they are not."""
        settled = {
            outcome.identity
            for outcome in self.outcomes
            if outcome.result in _SETTLED or outcome.result in FAILURES or outcome.result.startswith("would-")
        }
        for outcome in self.outcomes:
            if outcome.group_id is not None and outcome.identity not in settled:
                settled.add(outcome.identity)
                yield Unfinished.of(outcome)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def counts(self) -> dict[str, int]:
        """The number of outcomes with each result, in the order of the results."""
        return counts_of(self.outcomes)

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The outcomes that kept the report from succeeding."""
        return tuple(outcome for outcome in self.outcomes if outcome.result in FAILURES)

    @property
    def named_failures(self) -> tuple[tuple[str, Outcome], ...]:
        """The failures, each with a name that distinguishes it from the others."""
        return tuple((outcome.name, outcome) for outcome in self.failures)

    def raise_for_failures(self, *, hand_off_is_fine: bool = False) -> None:
        """Raise an error unless everything that you asked for is done; see `complete`.

        A step that was handed off counts as not done: pass `hand_off_is_fine=True` if you pass on the text in
        `hand_off`. After a dry run, only failures and hand-offs count.

        Raises:
            ReportFailed: with everything that is not done, each with its remedy.
        """
        if any(self.unfinished(hand_off_is_fine=hand_off_is_fine)):
            raise ReportFailed(self, hand_off_is_fine=hand_off_is_fine)


@public("purview_mpe")
class EndpointStatus(Noun, Identified):
    """One endpoint that the account needs, seen from both sides."""

    name: NameText
    """Name of the endpoint; if the endpoint is missing, the name that it would get."""
    group_id: GroupText
    """Group id of the target."""
    resource_id: IdText
    """Id of the target."""
    private_endpoint_id: PrivateEndpointId | None = None
    """Exact id of the private endpoint behind it; None if Azure does not show it."""
    provisioning_state: Line | None = None
    """Azure's word for the endpoint's state; None if the endpoint is missing."""
    connection_status: Line | None = None
    """The connection's state according to the factory."""
    target_status: Line | None = None
    """The connection's state according to the target; None if the target cannot be read, empty if it does not show the
    endpoint's connection."""
    verdict: Verdict
    """What both states together mean."""
    reason: Line = ""
    """Why, in a sentence; empty if there is nothing to add."""


@public("purview_mpe")
class Status(Noun):
    """Both sides of every endpoint at one moment."""

    factory: IdText
    """Id of the factory."""
    account: IdText
    """Id of the account."""
    ready: bool
    """Whether every endpoint that the spec wants is known and ready."""
    all_known: bool = True
    """False if the account could not be read, so that its other endpoints are unknown, unless `Spec.groups` names only
    known group ids."""
    endpoints: tuple[EndpointStatus, ...]
    """One entry for each endpoint that the spec wants, in the portal's order."""
    others: tuple[Endpoint, ...] = ()
    """The factory's endpoints that are not for this account."""
    findings: tuple[Finding, ...] = ()
    """Findings in addition to the verdicts, errors first."""

    @property
    def settled(self) -> bool:
        """True if waiting will not change anything: all endpoints are known, and each is ready or needs a person."""
        return self.all_known and not self.is_moving

    @property
    def is_moving(self) -> bool:
        """True if a known endpoint waits for Azure or for its approval."""
        return any(endpoint.verdict in {"provisioning", "pending"} for endpoint in self.endpoints)


def is_all_known(spec: Spec, account: Account, purpose: Purpose | None = None) -> bool:
    """True if the account shows every endpoint that the spec wants.

    An account that cannot be read shows only its own endpoint; which others it needs is unknown. So does an account
    that may still get its Event Hubs namespace. Studio needs only endpoints to the account itself. `Spec.groups` is
    about managed endpoints.
    """
    if purpose == "studio":
        return True
    if spec.groups is None or purpose is not None:
        return account.shape not in {None, "F"} and not _may_grow(account)
    known = {target.group_id for target in account.targets}
    return all(group_id in known or group_id in OPTIONAL_GROUPS for group_id in spec.groups)


def _may_grow(account: Account) -> bool:
    """True while an account that shows no Event Hubs namespace is being created.

    A new account shows its namespace a minute after its storage account, and only then says that it is created
    (recorded). A change of tags looks the same for up to a minute.
    """
    is_being_created = (account.provisioning_state or "").casefold() == "creating"
    return is_being_created and all(target.group_id != "namespace" for target in account.targets)


def _agreeing(noun: N, problems: Iterable[tuple[str, str]]) -> N:
    """The noun, if there are no problems."""
    if found := tuple(problems):
        raise PydanticCustomError("disagreement", "does not agree with itself", {"problems": found})
    return noun


def identity(resource_id: str, group_id: str | None) -> Identity:
    """The `Identified.identity` of a target and group id for which no value exists yet."""
    return folded(resource_id.rstrip("/")), (group_id or "").casefold()


def counts_of(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """The number of outcomes with each result that occurs."""
    counted = Counter(outcome.result for outcome in outcomes)
    return {result: counted[result] for result in cast("tuple[Result, ...]", get_args(Result)) if counted[result]}


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then warnings, then information; each group in the given order."""
    order = ("error", "warning", "info")
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))
