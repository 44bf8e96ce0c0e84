"""The nouns that `check`, `diagnose` and `orphans` return."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from purview_mpe._model.fields import (
    GroupText,
    IdText,
    Line,
    MaybeIdText,
    MaybeNameText,
    NameText,
    PrivateEndpointId,
)
from purview_mpe._model.matrix import RuntimeKind
from purview_mpe._model.public import public
from purview_mpe._model.results import Finding
from purview_mpe._model.spec import Fixed, Noun

#: The steps that need a right; `_rules.rights` says which actions each needs.
RightStep = Literal[
    "read-account",
    "read-factory",
    "create",
    "delete",
    "connect",
    "approve-account",
    "approve-storage",
    "approve-namespace",
    "approve-ingestion",
    "read-runs",
]


@public("purview_mpe")
class RuntimeCheck(Noun):
    """Whether lineage arrives through one integration runtime of the factory."""

    name: MaybeNameText
    """Name of the integration runtime; empty if Azure gives none."""
    kind: RuntimeKind
    """Where the runtime's activities run."""
    supported: bool | None
    """None if Microsoft documents nothing (SSIS), or if the account's firewall setting cannot be read."""
    managed_groups: tuple[str, ...] = ()
    """Group ids of the managed private endpoints that the runtime needs."""
    customer_groups: tuple[str, ...] = ()
    """Group ids of the private endpoints that the runtime's own virtual network needs."""
    private_endpoints: bool | None = None
    """Whether a self-hosted runtime's private endpoints exist; None where that cannot be seen, and for other kinds."""
    reason: Line
    """The sentence of the support matrix, or why the matrix gives no answer."""


@public("purview_mpe")
class Right(Noun):
    """Whether this caller is allowed to do one step at one resource."""

    step: RightStep
    """What the right is for."""
    scope: IdText
    """Id of the resource on which the right is needed."""
    allowed: bool | None
    """None if it is not known: the permissions cannot be read, or the actions are not published."""
    missing_actions: tuple[Line, ...] = ()
    """Actions that none of the caller's roles allows; empty where `allowed` is not False."""
    role: Line
    """The smallest built-in role that allows it."""


@public("purview_mpe")
class Check(Noun):
    """Whether everything is in place for a spec, before anything is written."""

    factory: IdText
    """Id of the factory."""
    account: Line | None
    """Id of the account, or of what the factory is connected to instead; None if the spec names no account and the
    factory is not connected to one."""
    ok: bool
    """Whether no finding is an error."""
    runtimes: tuple[RuntimeCheck, ...] = ()
    """The factory's integration runtimes, in Azure's order; empty if it has none or they cannot be read."""
    rights: tuple[Right, ...] = ()
    """What the caller is allowed to do, in the order in which the steps are done."""
    curator: bool | None = None
    """Whether the factory's identity is Data Curator on the root collection; None where that cannot be seen."""
    findings: tuple[Finding, ...] = ()
    """Errors first, then in the order of the chain from factory to account."""


@public("purview_mpe")
class Diagnosis(Noun):
    """Why lineage does not arrive."""

    factory: IdText
    """Id of the factory."""
    account: Line | None
    """Id of the account, or of what the factory is connected to instead; None if the spec names no account and the
    factory is not connected to one."""
    ok: bool
    """Whether no finding is an error."""
    since: timedelta
    """How far back pipeline runs were looked at."""
    runs: int | None = None
    """How many pipeline runs were looked at; None if they cannot be read."""
    lineage: Fixed[Line, int] = Field(default_factory=dict, validate_default=True)
    """The number of their activities for each lineage status, as Azure spells it."""
    findings: tuple[Finding, ...] = ()
    """Errors first, then in the order of the chain from factory to account."""


@public("purview_mpe")
class OrphanConnection(Noun):
    """A connection on one of the account's targets that Data Factory made and that no endpoint seems to use."""

    target_id: IdText
    """Id of the resource that shows the connection."""
    connection_id: MaybeIdText
    """Id of the connection; empty where Azure gives none."""
    private_endpoint_id: PrivateEndpointId
    """Id of the private endpoint behind it, in a subscription of Microsoft's."""
    factory: IdText | NameText
    """Id of the factory if this caller can see it; otherwise its name, because nothing on the target shows the id."""
    endpoint: NameText
    """Name of the managed private endpoint that the connection was made for."""
    status: Line = ""
    """What the target says about the connection, for example `Pending` or `Approved`; empty if it says nothing."""
    certain: bool
    """False if the factory or its endpoints cannot be read: the factory may be gone, or elsewhere."""
    reason: Line
    """Why it is called an orphan, or why that is not certain."""


@public("purview_mpe")
class OrphanEndpoint(Noun):
    """An endpoint of a factory whose target does not exist any more."""

    target_id: IdText
    """Id of the resource that the endpoint points to."""
    connection_id: IdText | None = None
    """None: the connection went with its target."""
    private_endpoint_id: PrivateEndpointId | None = None
    """Id of the private endpoint behind it; None where Azure does not show it."""
    factory: IdText
    """Id of the factory."""
    endpoint: NameText
    """Name of the managed private endpoint."""
    group_id: GroupText
    """Group id of the endpoint."""
    certain: bool
    """False where the target cannot be read."""
    reason: Line
    """Why it is called an orphan, or why that is not certain."""


@public("purview_mpe")
class Orphans(Noun):
    """What is left on both sides of one Purview account."""

    account: IdText
    """Id of the Purview account."""
    connections: tuple[OrphanConnection, ...] = ()
    """Connections on the account's targets without an endpoint, target by target."""
    endpoints: tuple[OrphanEndpoint, ...] = ()
    """Endpoints of the factories that the caller can list, whose target is gone."""
    findings: tuple[Finding, ...] = ()
    """What could not be read, and so may hide more orphans."""
