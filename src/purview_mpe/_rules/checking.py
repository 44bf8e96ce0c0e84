"""Judges a situation before anything is written: the support matrix, what is missing, what the caller may do.

Every function takes what was read and returns findings. The functions follow the chain from the factory's runtimes to
the account, as `diagnosing` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from purview_mpe._model import matrix
from purview_mpe._model.arm_id import same_id
from purview_mpe._model.checkup import Check, Right, RuntimeCheck
from purview_mpe._model.results import Factory, Finding, Plan, by_severity
from purview_mpe._model.survey import CuratorHidden, CuratorSeen
from purview_mpe._rules.findings import factory as factory_kinds
from purview_mpe._rules.findings.account import ACCOUNT_MISSING, UNSUPPORTED_SETUP
from purview_mpe._rules.findings.endpoints import NAME_MAY_BE_TOO_LONG, PLAN_CONFLICT, PORTAL_NEEDS_THE_BROWSER
from purview_mpe._rules.findings.factory import (
    CONNECTED_ELSEWHERE,
    DATA_CURATOR_MISSING,
    DATA_CURATOR_UNREADABLE,
    FACTORY_UNREADABLE,
    IMPLICIT_RUNTIME_PUBLIC,
    MANAGED_NETWORK_MISSING,
    MANAGED_RUNTIME_MISSING,
    NO_SYSTEM_IDENTITY,
    NOT_CONNECTED,
    RUNTIME_UNSUPPORTED,
    SSIS_OUTSIDE_THE_MATRIX,
)
from purview_mpe._rules.findings.rights import MISSING_RIGHTS
from purview_mpe._rules.own_endpoints import has_private_endpoints, own_findings
from purview_mpe._rules.planning import make_plan
from purview_mpe._rules.rights import rights, scopes_of
from purview_mpe._rules.runtimes import IMPLICIT_RUNTIME
from purview_mpe.errors import UnsupportedSetup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from purview_mpe._model.spec import Spec
    from purview_mpe._model.survey import Runtime, Situation

#: Pipelines, datasets, triggers, linked services, private endpoints and runtimes together (docs, service limits).
ENTITY_LIMIT = 5000
#: Findings of a plan that are about names; they come later in the chain than its other findings.
_NAME_CODES = frozenset({NAME_MAY_BE_TOO_LONG.code, PORTAL_NEEDS_THE_BROWSER.code})
_PARTS = {
    "factory": "the factory itself, so its connection to Purview",
    "networks": "the factory's managed virtual networks",
    "endpoints": "the factory's managed private endpoints",
    "runtimes": "the factory's integration runtimes",
}


def check(situation: Situation, *, target_findings: Iterable[Finding] = ()) -> Check:
    """All findings that are possible before the first write; those about the targets' room are passed in."""
    plan, plan_findings = plan_of(situation)
    caller_rights = rights_of(situation)
    findings = by_severity(
        [
            *account_findings(situation),
            *matrix_findings(situation),
            *network_findings(situation),
            *connection_findings(situation),
            *identity_findings(situation),
            *plan_findings,
            *(conflict_findings(plan) if plan else ()),
            *target_findings,
            *name_findings(plan),
            *limit_findings(situation, plan),
            *rights_findings(situation, caller_rights, plan),
            *gap_findings(situation),
        ]
    )
    return Check(
        factory=situation.spec.factory,
        account=account_id(situation),
        ok=is_fine(findings),
        runtimes=runtime_checks(situation),
        rights=caller_rights,
        curator=situation.curator.holds_role if isinstance(situation.curator, CuratorSeen) else None,
        findings=findings,
    )


def is_fine(findings: Iterable[Finding]) -> bool:
    """True if no finding is an error."""
    return all(finding.severity != "error" for finding in findings)


def account_findings(situation: Situation) -> Iterator[Finding]:
    """Findings about the account itself."""
    if situation.account is not None:
        yield from situation.account.warnings
    elif situation.spec.account is not None or situation.connected_to is not None:
        named = situation.spec.account or situation.connected_to
        yield ACCOUNT_MISSING.found(account=named)


def runtime_checks(situation: Situation) -> tuple[RuntimeCheck, ...]:
    """The support matrix's verdict on every runtime of the factory."""
    found = [_runtime_check(situation, runtime) for runtime in situation.runtimes or ()]
    return tuple(one.model_copy(update={"private_endpoints": has_private_endpoints(situation, one)}) for one in found)


def _runtime_check(situation: Situation, runtime: Runtime) -> RuntimeCheck:
    account = situation.account
    if account is None or account.firewall is None:
        return RuntimeCheck(
            name=runtime.name,
            kind=runtime.kind,
            supported=None,
            reason="The account's firewall setting cannot be read, so the support matrix gives no answer.",
        )
    cell = matrix.requirement(account.firewall, runtime.kind, available=[target.group_id for target in account.targets])
    return RuntimeCheck(
        name=runtime.name,
        kind=runtime.kind,
        supported=cell.supported,
        managed_groups=cell.managed_groups,
        customer_groups=cell.customer_groups,
        reason=cell.reason,
    )


def matrix_findings(situation: Situation) -> Iterator[Finding]:
    """The support matrix's findings about the factory's runtimes together."""
    account, checks = situation.account, runtime_checks(situation)
    if situation.runtimes is None or account is None or account.firewall is None:
        return
    if account.firewall == matrix.CLOSED and not any(one.kind == "azure-managed-vnet" for one in checks):
        yield MANAGED_RUNTIME_MISSING.found(evidence=_kinds(checks))
    if unsupported := [one for one in checks if one.supported is False]:
        others_work = any(one.supported for one in checks)
        yield RUNTIME_UNSUPPORTED.found(
            runtimes=_listed(unsupported),
            reason=unsupported[0].reason,
            severity="warning" if others_work else "error",
            evidence=_kinds(unsupported),
        )
    yield from _implicit_runtime(situation)
    yield from own_findings(situation, checks)
    if ssis := [one for one in checks if one.kind == "ssis"]:
        yield SSIS_OUTSIDE_THE_MATRIX.found(runtimes=_listed(ssis), reason=ssis[0].reason)


def _implicit_runtime(situation: Situation) -> Iterator[Finding]:
    """The runtime that every factory has but that no list shows until it has been saved (recorded).

    Linked services that name no other runtime use it. This is the most common reason why lineage fails although every
    endpoint is approved.
    """
    account, names = situation.account, {one.name.casefold() for one in situation.runtimes or ()}
    if account is None or account.firewall != matrix.CLOSED or IMPLICIT_RUNTIME.casefold() in names:
        return
    yield IMPLICIT_RUNTIME_PUBLIC.found(runtime=IMPLICIT_RUNTIME)


def network_findings(situation: Situation) -> Iterator[Finding]:
    """A finding if the factory has no managed virtual network; one with another name is a conflict in the plan."""
    if situation.networks == ():
        yield MANAGED_NETWORK_MISSING.found()


def connection_findings(situation: Situation) -> Iterator[Finding]:
    """Whether the factory is connected to a Purview account, and to the one that the spec names."""
    if situation.misses("factory"):
        return
    if finding := connection_finding(situation.spec, situation.connected_to):
        yield finding


def connection_finding(spec: Spec, connected: str | None) -> Finding | None:
    """Why no lineage of the factory can reach the spec's account; None if the factory is connected to it."""
    if connected is None:
        return NOT_CONNECTED.found(factory=spec.factory_id.name)
    if spec.account is None or same_id(connected, spec.account):
        return None
    return CONNECTED_ELSEWHERE.found(
        factory=spec.factory_id.name, evidence=(f"connected to: {connected}", f"the spec names: {spec.account}")
    )


def identity_findings(situation: Situation) -> Iterator[Finding]:
    """The identity with which the factory signs in to Purview, and whether it is allowed to write lineage."""
    if situation.misses("factory"):
        return
    if not situation.has_system_identity:
        yield NO_SYSTEM_IDENTITY.found()
        return
    match situation.curator:
        case CuratorSeen(holds_role=True) | None:
            return
        case CuratorSeen():
            yield DATA_CURATOR_MISSING.found()
        case CuratorHidden(reason=reason):
            yield DATA_CURATOR_UNREADABLE.found(reason=f"{reason[:1].upper()}{reason[1:]}")
        case _:
            assert_never(situation.curator)


def plan_of(situation: Situation) -> tuple[Plan | None, tuple[Finding, ...]]:
    """The plan, and the findings to show before its steps; None if not enough could be read."""
    account, networks, endpoints = situation.account, situation.networks, situation.endpoints
    if account is None or networks is None or endpoints is None:
        return None, ()
    try:
        plan = make_plan(
            situation.spec, account, Factory(id=situation.spec.factory, networks=networks, endpoints=endpoints)
        )
    except UnsupportedSetup as refusal:
        if account.shape == "F":
            return None, ()  # the account's own findings say so already
        return None, (UNSUPPORTED_SETUP.found(refusal=refusal.message, remedy=refusal.remedy),)
    said = {finding.code for finding in account.warnings} | _NAME_CODES
    return plan, tuple(finding for finding in plan.warnings if finding.code not in said)


def conflict_findings(plan: Plan) -> Iterator[Finding]:
    """The conflicts that would keep the plan from being applied."""
    for step in plan.conflicts:
        yield PLAN_CONFLICT.found(name=step.name, reason=step.reason, remedy=step.remedy or "Plan again.")


def name_findings(plan: Plan | None) -> Iterator[Finding]:
    """Findings about names of new endpoints that Azure might refuse."""
    if plan is not None:
        yield from (finding for finding in plan.warnings if finding.code in _NAME_CODES)


def limit_findings(situation: Situation, plan: Plan | None) -> Iterator[Finding]:
    """Whether the factory has room. Counts only endpoints and runtimes: the rest would take hundreds of requests."""
    known = len(situation.endpoints or ()) + len(situation.runtimes or ())
    wanted = len([step for step in plan.steps if step.action == "create"]) if plan else 0
    if known + wanted <= 0.9 * ENTITY_LIMIT:
        return
    kind = factory_kinds.ENTITY_LIMIT_EXCEEDED if known + wanted > ENTITY_LIMIT else factory_kinds.ENTITY_LIMIT
    yield kind.found(
        limit=ENTITY_LIMIT,
        evidence=(f"private endpoints and runtimes alone: {known}", f"to be made: {wanted}"),
    )


def rights_of(situation: Situation) -> tuple[Right, ...]:
    """What this caller is allowed to do at each scope."""
    return rights(scopes_of(situation.spec.factory, situation.account), situation.permissions)


def rights_findings(situation: Situation, held: Sequence[Right], plan: Plan | None) -> Iterator[Finding]:
    """The missing rights for steps that are still to do; a finished step needs no right."""
    creates = plan is None or bool(plan.changes)
    approvals = _awaited_approvals(situation)
    for right in held:
        match right.step:
            case "create":
                wanted = creates
            case "connect":
                wanted = not situation.misses("factory") and situation.connected_to is None
            case "approve-account" | "approve-storage" | "approve-namespace" | "approve-ingestion":
                wanted = right.step in approvals
            case "read-account" | "read-factory" | "delete" | "read-runs":
                continue  # what cannot be read is reported as a gap; the other rights are not needed here
            case _:
                assert_never(right.step)
        if right.allowed is False and wanted:
            yield MISSING_RIGHTS[right.step].found(
                role=right.role,
                scope=right.scope,
                evidence=(f"missing: {action}" for action in right.missing_actions),
            )


def _awaited_approvals(situation: Situation) -> set[str]:
    """The approval steps for the targets whose connection might not be approved yet."""
    account = situation.account
    approved = {
        endpoint.identity
        for endpoint in situation.endpoints or ()
        if endpoint.connection_status.casefold() == "approved"
    }
    return {
        f"approve-{target.connections}"
        for target in (account.targets if account else ())
        if target.identity not in approved
    }


def gap_findings(situation: Situation) -> Iterator[Finding]:
    """What could not be read, and so was not checked."""
    if gaps := situation.gaps:
        yield FACTORY_UNREADABLE.found(
            parts=", ".join(_PARTS[gap.part] for gap in gaps),
            remedy=gaps[0].error.remedy,
            severity="warning" if all(gap.part == "runtimes" for gap in gaps) else "error",
            evidence=(gap.error.message for gap in gaps),
        )


def account_id(situation: Situation) -> str | None:
    """The account that the findings are about, if it is known."""
    return situation.account.id if situation.account else situation.spec.account or situation.connected_to


def _kinds(checks: Sequence[RuntimeCheck]) -> Iterator[str]:
    return (f"{one.name}: {one.kind}" for one in checks)


def _listed(checks: Sequence[RuntimeCheck]) -> str:
    return " and ".join(repr(one.name) for one in checks)
