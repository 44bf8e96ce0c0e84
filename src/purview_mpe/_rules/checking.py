"""Judges a situation before anything is written: the support matrix, what is missing, who may do what.

Every function takes what was read and gives findings; the order of the functions is that of the chain from the
factory's runtimes to the account, which `_diagnosis` walks too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from purview_mpe._model import matrix
from purview_mpe._model.arm_id import same_id
from purview_mpe._model.checkup import Check, Right, RuntimeCheck
from purview_mpe._model.results import Factory, Finding, Plan, by_severity
from purview_mpe._rules.planning import make_plan
from purview_mpe._rules.rights import rights, scopes_of
from purview_mpe.errors import UnsupportedSetup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from purview_mpe._model.results import Severity
    from purview_mpe._model.survey import Runtime, Situation

#: Pipelines, datasets, triggers, linked services, private endpoints and runtimes together (docs, service limits).
ENTITY_LIMIT = 5000
#: What an activity runs on whose linked services name no integration runtime (docs).
IMPLICIT_RUNTIME = "AutoResolveIntegrationRuntime"
#: Findings of a plan that are about names; they stand later in the chain than its other findings.
_NAME_CODES = frozenset({"name-may-be-too-long", "portal-needs-the-browser"})
_PARTS = {
    "factory": "the factory itself, so its connection to Purview",
    "networks": "the factory's managed virtual networks",
    "endpoints": "the factory's managed private endpoints",
    "runtimes": "the factory's integration runtimes",
}


def check(situation: Situation) -> Check:
    """Everything that can be said before the first write."""
    plan, plan_findings = plan_of(situation)
    caller_rights = rights_of(situation)
    findings = by_severity(
        [
            *account_findings(situation),
            *matrix_findings(situation),
            *network_findings(situation),
            *connection_findings(situation),
            *plan_findings,
            *(conflict_findings(plan) if plan else ()),
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
        findings=findings,
    )


def is_fine(findings: Iterable[Finding]) -> bool:
    """Whether no finding is an error."""
    return all(finding.severity != "error" for finding in findings)


def account_findings(situation: Situation) -> Iterator[Finding]:
    """What is odd about the account itself."""
    if situation.account is not None:
        yield from situation.account.warnings
    elif situation.spec.account is not None or situation.connected_to is not None:
        named = situation.spec.account or situation.connected_to
        yield Finding(
            code="account-missing",
            severity="error",
            message=f"The Purview account does not exist: {named}.",
            cause="It was deleted, or its id is misspelt.",
            remedy=f"Check the id: az purview account show --ids {named}",
        )


def runtime_checks(situation: Situation) -> tuple[RuntimeCheck, ...]:
    """The support matrix's verdict on every runtime of the factory."""
    return tuple(_runtime_check(situation, runtime) for runtime in situation.runtimes or ())


def _runtime_check(situation: Situation, runtime: Runtime) -> RuntimeCheck:
    account = situation.account
    if account is None or account.firewall is None:
        return RuntimeCheck(
            name=runtime.name,
            kind=runtime.kind,
            supported=None,
            reason="The account's firewall setting cannot be read, so the support matrix cannot be asked.",
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
    """What the support matrix says about the factory's runtimes, taken together."""
    account, checks = situation.account, runtime_checks(situation)
    if situation.runtimes is None or account is None or account.firewall is None:
        return
    if account.firewall == matrix.CLOSED and not any(one.kind == "azure-managed-vnet" for one in checks):
        yield Finding(
            code="managed-runtime-missing",
            severity="error",
            message="No integration runtime of the factory is in its managed virtual network, "
            "so no activity would use the managed private endpoints.",
            cause="An existing Azure integration runtime cannot be moved into a managed virtual network.",
            evidence=tuple(f"{one.name}: {one.kind}" for one in checks),
            remedy="Create an Azure integration runtime with virtual network configuration enabled (Data Factory "
            "Studio, Manage, Integration runtimes, New), and let the linked services use it.",
        )
    if unsupported := [one for one in checks if one.supported is False]:
        others_work = any(one.supported for one in checks)
        yield Finding(
            code="runtime-unsupported",
            severity="warning" if others_work else "error",
            message=f"Lineage does not arrive from activities on {_listed(unsupported)}.",
            cause=unsupported[0].reason,
            evidence=tuple(f"{one.name}: {one.kind}" for one in unsupported),
            remedy="Let the linked services of those activities use an Azure integration runtime in the managed "
            "virtual network, or open the account's firewall.",
        )
    yield from _implicit_runtime(situation)
    if own := [one for one in checks if one.customer_groups]:
        yield Finding(
            code="own-endpoints-needed",
            severity="warning",
            message=f"{_listed(own)} needs private endpoints in its own virtual network for "
            f"{', '.join(own[0].customer_groups)}; managed private endpoints do not serve it.",
            cause=own[0].reason,
            remedy="Create those private endpoints in the network of the self-hosted runtime, with their private DNS "
            "zones; this library reports them and does not make them.",
        )
    if ssis := [one for one in checks if one.kind == "ssis"]:
        yield Finding(
            code="ssis-outside-the-matrix",
            severity="info",
            message=f"Nothing is documented about lineage from {_listed(ssis)} to a firewalled account.",
            cause=ssis[0].reason,
            remedy="Test it with one package; SSIS lineage also needs the tag catalogUri on the factory (Microsoft's "
            "page on connecting a factory to Purview).",
        )


def _implicit_runtime(situation: Situation) -> Iterator[Finding]:
    """The runtime that every factory has and no list shows until somebody has saved it (recorded).

    Linked services that name no other runtime use it, which is the commonest reason why lineage fails although every
    endpoint is approved.
    """
    account, names = situation.account, {one.name.casefold() for one in situation.runtimes or ()}
    if account is None or account.firewall != matrix.CLOSED or IMPLICIT_RUNTIME.casefold() in names:
        return
    yield Finding(
        code="implicit-runtime-public",
        severity="warning",
        message=f"{IMPLICIT_RUNTIME}, which every factory has, runs outside the managed virtual network, so lineage "
        "does not arrive from activities on it.",
        cause="A linked service or data flow that names no integration runtime uses it. It is not in the list of "
        "runtimes until it is saved for the first time.",
        remedy="Let the linked services and data flows name a runtime in the managed virtual network (connectVia).",
    )


def network_findings(situation: Situation) -> Iterator[Finding]:
    """Whether there is a managed virtual network for the endpoints; another name for it is a conflict of the plan."""
    if situation.networks == ():
        yield Finding(
            code="managed-network-missing",
            severity="warning",
            message="The factory has no managed virtual network.",
            cause="A factory gets it with its first integration runtime that has virtual network configuration.",
            remedy="Nothing, if you apply the plan: it makes one. A runtime in it must be made by you.",
        )


def connection_findings(situation: Situation) -> Iterator[Finding]:
    """Whether the factory knows where to send lineage, and as whom."""
    if situation.misses("factory"):
        return
    spec, connected = situation.spec, situation.connected_to
    if connected is None:
        yield Finding(
            code="not-connected",
            severity="error",
            message=f"The factory {spec.factory_id.name!r} is not connected to a Purview account.",
            cause="Without the connection no activity reports lineage.",
            remedy="Connect it: client.connect(spec), or Data Factory Studio, Manage, Microsoft Purview.",
        )
    elif spec.account is not None and not same_id(connected, spec.account):
        yield Finding(
            code="connected-elsewhere",
            severity="error",
            message=f"The factory {spec.factory_id.name!r} is connected to another Purview account.",
            cause="A factory reports lineage to one account only.",
            evidence=(f"connected to: {connected}", f"the spec names: {spec.account}"),
            remedy="Correct Spec.account, or connect the factory anew: client.connect(spec, replace=True).",
        )
    yield identity_finding(has_system_identity=situation.has_system_identity)


def identity_finding(*, has_system_identity: bool) -> Finding:
    """What the connection alone does not settle: as whom the factory signs in to Purview, and whether it may."""
    if not has_system_identity:
        return Finding(
            code="no-system-identity",
            severity="warning",
            message="The factory shows no system-assigned managed identity, with which it would sign in to Purview.",
            remedy="Switch it on, on the factory's page Managed identities in the portal, and give it the role "
            "Data Curator on the account's root collection.",
        )
    return Finding(
        code="data-curator-unknown",
        severity="info",
        message="Whether the factory's managed identity is Data Curator on the account cannot be seen from here.",
        cause="Purview keeps its own roles, which Azure Resource Manager neither shows nor sets.",
        remedy="Look in the Purview portal: Data Map, Collections, the root collection, Role assignments.",
    )


def plan_of(situation: Situation) -> tuple[Plan | None, tuple[Finding, ...]]:
    """The plan, and what is to be said about it before its steps; None where not enough could be read."""
    account, networks, endpoints = situation.account, situation.networks, situation.endpoints
    if account is None or networks is None or endpoints is None:
        return None, ()
    try:
        plan = make_plan(
            situation.spec, account, Factory(id=situation.spec.factory, networks=networks, endpoints=endpoints)
        )
    except UnsupportedSetup as refusal:
        if account.shape == "F":
            return None, ()  # the account's own finding says it already
        return None, (
            Finding(code="unsupported-setup", severity="error", message=refusal.message, remedy=refusal.remedy),
        )
    said = {finding.code for finding in account.warnings} | _NAME_CODES
    return plan, tuple(finding for finding in plan.warnings if finding.code not in said)


def conflict_findings(plan: Plan) -> Iterator[Finding]:
    """What would keep the plan from being applied."""
    for step in plan.conflicts:
        yield Finding(
            code="plan-conflict",
            severity="error",
            message=f"{step.name}: {step.reason}",
            remedy=step.remedy or "Plan again.",
        )


def name_findings(plan: Plan | None) -> Iterator[Finding]:
    """What Azure might dislike about the names that are still to be made."""
    if plan is not None:
        yield from (finding for finding in plan.warnings if finding.code in _NAME_CODES)


def limit_findings(situation: Situation, plan: Plan | None) -> Iterator[Finding]:
    """Whether the factory has room. Only endpoints and runtimes are counted: the rest takes hundreds of requests."""
    known = len(situation.endpoints or ()) + len(situation.runtimes or ())
    wanted = len([step for step in plan.steps if step.action == "create"]) if plan else 0
    severity: Severity = "error" if known + wanted > ENTITY_LIMIT else "warning"
    if known + wanted <= 0.9 * ENTITY_LIMIT:
        return
    what = "has no room for the endpoints" if severity == "error" else "is nearly full"
    yield Finding(
        code="entity-limit",
        severity=severity,
        message=f"The factory {what}: Azure allows {ENTITY_LIMIT} entities.",
        cause="Pipelines, datasets, triggers, linked services, private endpoints and runtimes count together.",
        evidence=(f"private endpoints and runtimes alone: {known}", f"to be made: {wanted}"),
        remedy="Delete entities that nobody uses, or ask Azure support for a higher limit.",
    )


def rights_of(situation: Situation) -> tuple[Right, ...]:
    """What this caller may do at each scope."""
    return rights(scopes_of(situation.spec.factory, situation.account), situation.permissions)


def rights_findings(situation: Situation, held: Sequence[Right], plan: Plan | None) -> Iterator[Finding]:
    """The rights that are missing and wanted: for what is done already nobody needs a right any more."""
    creates = plan is None or bool(plan.changes)
    approvals = _awaited_approvals(situation)
    severity: Severity
    for right in held:
        match right.step:
            case "create":
                severity, wanted, why = "error", creates, "create the endpoints"
            case "connect":
                severity, why = "warning", "connect the factory to the account"
                wanted = not situation.misses("factory") and situation.connected_to is None
            case "approve-account" | "approve-storage" | "approve-namespace" | "approve-ingestion":
                severity, why = "info", "approve the connections there; somebody else has to"
                wanted = right.step in approvals
            case "read-account" | "read-factory" | "delete" | "read-runs":
                continue  # what cannot be read is told by its gap; the others are for other days
            case _:
                assert_never(right.step)
        if right.allowed is False and wanted:
            yield Finding(
                code=f"may-not-{right.step}",
                severity=severity,
                message=f"This caller may not {why}.",
                cause="No role of the caller's allows it.",
                evidence=tuple(f"missing: {action}" for action in right.missing_actions),
                remedy=f"Ask an owner for the role {right.role}: az role assignment create --role {right.role!r} "
                f"--assignee <you> --scope {right.scope}",
            )


def _awaited_approvals(situation: Situation) -> set[str]:
    """The approval steps of the targets whose connection is not known to be approved."""
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
    """What could not be read, and so was not judged."""
    if gaps := situation.gaps:
        yield Finding(
            code="factory-unreadable",
            severity="warning" if all(gap.part == "runtimes" for gap in gaps) else "error",
            message=f"This caller may not read {', '.join(_PARTS[gap.part] for gap in gaps)}.",
            cause="What cannot be read is not judged here.",
            evidence=tuple(gap.error.message for gap in gaps),
            remedy=gaps[0].error.remedy,
        )


def account_id(situation: Situation) -> str | None:
    """The account that all this is about, as far as it is known."""
    return situation.account.id if situation.account else situation.spec.account or situation.connected_to


def _listed(checks: Sequence[RuntimeCheck]) -> str:
    return " and ".join(repr(one.name) for one in checks)
