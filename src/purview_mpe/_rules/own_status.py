"""How the private endpoints of the customer's own stand, seen from both sides and with their names. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model.network import own_name
from purview_mpe._model.results import EndpointStatus, Status, by_severity, is_all_known
from purview_mpe._rules.findings.network import DNS_ZONE_GROUP_MISSING
from purview_mpe._rules.own_network import standing_for
from purview_mpe._rules.ownership import Claim, match_known
from purview_mpe._rules.verdicts import status_of, unread
from purview_mpe.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._model.network import Network
    from purview_mpe._model.results import Endpoint, Finding, Step, Target
    from purview_mpe._model.surroundings import Surroundings
    from purview_mpe._rules.own_network import OwnPlan
    from purview_mpe._rules.ownership import Listings


def claims_of(targets: Sequence[Target], endpoints: Sequence[Endpoint]) -> list[Claim]:
    """The claims for private endpoints whose exact ids are known; nothing else identifies their connections."""
    return [
        Claim(
            target,
            endpoint.name,
            endpoint.private_endpoint_id,
            endpoint.connection_status.casefold(),
            only_exact=True,
        )
        for target in targets
        for endpoint in endpoints
        if endpoint.identity == target.identity
    ]


def judge_own(own: OwnPlan, network: Network, around: Surroundings, listings: Listings) -> Status:
    """The status of every private endpoint that the purpose needs.

    It is ready only if every name resolves: an endpoint without a record in a zone is not used.
    """
    plan = own.plan
    steps = {step.identity: step for step in plan.steps if step.group_id is not None}
    shown = {identity: standing_for(network, step, around) for identity, step in steps.items()}
    standing = {identity: one.endpoint for identity, one in shown.items() if one is not None}
    claims = claims_of(own.targets, list(standing.values()))
    said: dict[str, str | None] = {}
    findings: list[Finding] = [finding for finding in plan.warnings if finding not in plan.account.warnings]
    for match in match_known(plan.spec.factory_id.name, claims, listings):
        said[match.claim.target.group_id] = match.connection.status if match.connection else ""
    for claim in claims:
        if (error := listings[claim.identity].error) is not None:
            said[claim.target.group_id] = "" if isinstance(error, NotFound) else None
            findings.append(unread(claim.target, error))
    judged = tuple(
        _status(plan.spec.name, target, standing.get(target.identity), said.get(target.group_id))
        for target in own.targets
    )
    missing = [step for step in plan.steps if step.subject == "dns-zone-group" and step.action == "create"]
    findings += [
        DNS_ZONE_GROUP_MISSING.found(name=step.resource_id.split("/")[-3], purpose=plan.purpose)
        for step in missing
        if _exists(step, around)
    ]
    all_known = is_all_known(plan.spec, plan.account, plan.purpose)
    is_changed = any(step.action != "keep" for step in plan.steps if step.subject.startswith("dns-"))
    resolves = not (is_changed or own.hides_names)
    return Status(
        factory=plan.spec.factory,
        account=plan.account.id,
        ready=all_known and resolves and bool(judged) and all(one.verdict == "ready" for one in judged),
        all_known=all_known,
        endpoints=judged,
        findings=by_severity([*plan.account.warnings, *findings]),
    )


def _exists(step: Step, around: Surroundings) -> bool:
    parent = step.resource_id.rpartition("/privateDnsZoneGroups/")[0].casefold()
    return any(one.endpoint.id.casefold() == parent for one in around.endpoints)


def _status(base: str, target: Target, endpoint: Endpoint | None, target_status: str | None) -> EndpointStatus:
    if endpoint is None:
        return EndpointStatus(
            name=own_name(base, target.group_id),
            group_id=target.group_id,
            resource_id=target.resource_id,
            verdict="missing",
            reason="No private endpoint in the subnet leads to this target and group id.",
        )
    return status_of(endpoint, target, target_status, shown_by="private endpoint")
