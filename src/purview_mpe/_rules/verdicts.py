"""The verdict on one endpoint, from what the factory and the target show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model import states
from purview_mpe._model.results import EndpointStatus, Finding, Status, is_all_known
from purview_mpe._rules.findings.approvals import CONNECTION_AMBIGUOUS, TARGET_GONE, TARGET_UNREADABLE
from purview_mpe._rules.ownership import Claim, Listings, Match, claim_for, match_known
from purview_mpe.errors import NotFound, PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._model.results import Account, Endpoint, Target, Verdict
    from purview_mpe._model.spec import Spec


def judge(
    spec: Spec,
    account: Account,
    targets: Sequence[Target],
    endpoints: Sequence[Endpoint],
    *,
    target_status: Mapping[str, str | None],
    findings: Sequence[Finding] = (),
) -> Status:
    """The status of all endpoints that the spec wants; `target_status` is keyed by group id."""
    all_known = is_all_known(spec, account)
    judged = [_endpoint(spec, target, endpoints, target_status.get(target.group_id)) for target in targets]
    wanted = [endpoint for endpoint in endpoints if any(endpoint.identity == target.identity for target in targets)]
    return Status(
        factory=spec.factory,
        account=account.id,
        ready=all_known and bool(judged) and all(endpoint.verdict == "ready" for endpoint in judged),
        all_known=all_known,
        endpoints=tuple(judged),
        others=tuple(endpoint for endpoint in endpoints if endpoint not in wanted and not endpoint.reserved),
        findings=tuple(findings),
    )


def target_statuses(
    spec: Spec, targets: Sequence[Target], endpoints: Sequence[Endpoint], listings: Listings
) -> tuple[dict[str, str | None], tuple[Finding, ...]]:
    """What the targets show of the endpoints' connections, by group id, and findings about what is not known.

    A state is None if the target cannot be read, or if several connections in different states could be the endpoint's.
    It is "" if the target does not show the endpoint's connection.
    """
    claims = claims_of(targets, endpoints)
    said: dict[str, str | None] = {}
    findings: dict[str, Finding] = {}
    for match in match_known(spec.factory_id.name, claims, listings):
        said[match.claim.target.group_id] = match.connection.status if match.connection else ""
        if match.kind == "ambiguous":
            said[match.claim.target.group_id] = _agreed(match)
            findings[match.claim.name] = _ambiguity(match)
    for claim in claims:
        if (error := listings[claim.identity].error) is not None:
            said[claim.target.group_id] = "" if isinstance(error, NotFound) else None
            findings[claim.target.resource_id] = unread(claim.target, error)
    return said, tuple(findings.values())


def claims_of(targets: Sequence[Target], endpoints: Sequence[Endpoint]) -> list[Claim]:
    """The claims for the endpoints that the factory shows."""
    return [
        claim_for(target, endpoint)
        for target in targets
        for endpoint in endpoints
        if endpoint.identity == target.identity and not endpoint.reserved
    ]


def _agreed(match: Match) -> str | None:
    """The state that all candidates have at the target; None if they differ."""
    said = {connection.status for connection in match.candidates}
    return said.pop() if len(said) == 1 else None


def _ambiguity(match: Match) -> Finding:
    return CONNECTION_AMBIGUOUS.found(name=match.claim.name, reason=match.reason)


def unread(target: Target, error: PurviewMpeError) -> Finding:
    """The finding for a target whose connections cannot be read."""
    if isinstance(error, NotFound):
        return TARGET_GONE.found(target=target.resource_id, evidence=(error.message,))
    return TARGET_UNREADABLE.found(target=target.resource_id, remedy=error.remedy, evidence=(error.message,))


def status_of(
    endpoint: Endpoint, target: Target, target_status: str | None, *, shown_by: str = "factory"
) -> EndpointStatus:
    """How the endpoint for a target stands, by what is shown on its own side and on the target."""
    verdict, reason = verdict_of(endpoint, target_status, shown_by=shown_by)
    return EndpointStatus(
        name=endpoint.name,
        group_id=target.group_id,
        resource_id=target.resource_id,
        private_endpoint_id=endpoint.private_endpoint_id,
        provisioning_state=endpoint.provisioning_state or None,
        connection_status=endpoint.connection_status or None,
        target_status=target_status,
        verdict=verdict,
        reason=reason,
    )


def _endpoint(spec: Spec, target: Target, endpoints: Sequence[Endpoint], target_status: str | None) -> EndpointStatus:
    name = spec.name_of(target.group_id)
    for endpoint in endpoints:
        if endpoint.identity == target.identity and not endpoint.reserved:
            return status_of(endpoint, target, target_status)
    for endpoint in endpoints:
        if endpoint.name.casefold() == name.casefold():
            return EndpointStatus(
                name=name,
                group_id=target.group_id,
                resource_id=target.resource_id,
                verdict="wrong-target",
                reason=f"The endpoint of this name points to {endpoint.resource_id} ({endpoint.group_id}).",
            )
    return EndpointStatus(
        name=name,
        group_id=target.group_id,
        resource_id=target.resource_id,
        verdict="missing",
        reason="No endpoint of the factory points to this target and group id.",
    )


def verdict_of(endpoint: Endpoint, target_status: str | None, *, shown_by: str = "factory") -> tuple[Verdict, str]:
    """One endpoint's verdict, and the sentence that explains it.

    The factory stops refreshing the state once the connection is approved (docs), so the target's state decides,
    if it can be read. `target_status` is None if it cannot be read, and "" if the target does not show the endpoint's
    connection.
    """
    state, factory_says = endpoint.provisioning_state, endpoint.connection_status.casefold()
    if states.is_broken(state, ""):
        return "failed", f"Azure could not create the endpoint{_because(endpoint)}"
    if states.is_broken("", factory_says):
        return "rejected", f"The connection is {endpoint.connection_status}; the endpoint must be replaced."
    if target_status is not None and factory_says == "approved" and target_status.casefold() != "approved":
        what = f"the target says {target_status}" if target_status else "the target has no such connection"
        return "stale", f"The {shown_by} says Approved, but {what}."
    if not states.provisioning_is_over(state):
        return "provisioning", f"Azure is still creating the endpoint ({state or 'state unknown'}){_because(endpoint)}"
    if "approved" in {factory_says, (target_status or "").casefold()}:
        return "ready", "Approved."
    if target_status is not None and target_status.casefold() in {"rejected", "disconnected"}:
        return "rejected", f"The target says {target_status}; the endpoint must be replaced."
    if target_status == "":
        return "pending", "The target does not show the endpoint's connection yet."
    return "pending", "The owner of the target has not approved the connection yet."


def _because(endpoint: Endpoint) -> str:
    """The end of a sentence about an endpoint with a problem: Azure's message, if there is one."""
    return f": {endpoint.error.rstrip('.')}." if endpoint.error else "."
