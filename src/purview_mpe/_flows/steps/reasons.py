"""Why an endpoint was not created, or its connection not decided: an error for each reason, with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.results import INTERRUPTED, Account, ErrorDetail, Finding, Outcome, Target
from purview_mpe._model.states import is_final
from purview_mpe._rules.findings.approvals import TARGET_FULL, TARGETS_UNCONFIRMED
from purview_mpe.errors import AccessDenied, NotApproved, NotFound, ProvisioningFailed, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._flows.steps.search import Search
    from purview_mpe._model.results import Endpoint, Report, Result
    from purview_mpe._model.states import Decision
    from purview_mpe._rules.ownership import Claim
    from purview_mpe._wire.hand_off import Pending


def not_confirmed_because(account: Account) -> str:
    """Why only the report shows that the account uses a target."""
    hidden = "cannot be read" if account.shape is None else "does not show its storage"
    return f"the account {account.name!r} {hidden}, so only the report says that it uses this target"


_LOCK_REMEDY = (
    "Look for a resource lock on the factory or on the target (Azure answers 200 even if a lock keeps the endpoint), "
    "then repeat the call."
)


def still_listed(name: str) -> WaitTimedOut:
    return WaitTimedOut(
        f"Azure accepted the deletion of the endpoint {name!r}, but still listed it when the time ran out.",
        remedy=_LOCK_REMEDY,
    )


def kept_alive(name: str) -> ProvisioningFailed:
    return ProvisioningFailed(
        f"Azure accepted the deletion of the endpoint {name!r} but did not carry it out.", remedy=_LOCK_REMEDY
    )


def still_in_the_making(name: str, state: str) -> WaitTimedOut:
    return WaitTimedOut(
        f"The endpoint {name!r} was still {state or 'in an unknown state'} when the time ran out.",
        remedy="Check later with status(spec), or repeat the call with a longer timeout: Azure continues meanwhile.",
    )


def reserved(name: str) -> ProvisioningFailed:
    return ProvisioningFailed(
        f"The endpoint {name!r} is reserved: it belongs to the Data Factory service itself.",
        remedy="Leave it as it is; Data Factory removes it when it no longer needs it.",
    )


def interrupted_between(name: str) -> ErrorDetail:
    return ErrorDetail(
        code=INTERRUPTED.code,
        message=f"The run was interrupted after the endpoint {name!r} was deleted and before the new one was created.",
        remedy=INTERRUPTED.remedy,
    )


def could_not_be_made(endpoint: Endpoint) -> ProvisioningFailed:
    again = "Repeat the call with Spec(replace_broken=True), which deletes it and creates it again."
    return ProvisioningFailed(
        f"Azure accepted the endpoint {endpoint.name!r} but could not create it: its state is "
        f"{endpoint.provisioning_state}." + (f" Azure says: {endpoint.error}" if endpoint.error else ""),
        remedy=f"{TARGET_FULL.remedy} {again}" if is_final(endpoint.error) else again,
    )


def vanished(name: str) -> ProvisioningFailed:
    return ProvisioningFailed(
        f"The endpoint {name!r} is not listed any more: another caller deleted it while it was being created.",
        remedy="Repeat the call; if it happens again, look for another automation that works on this factory.",
    )


def ambiguous(claim: Claim, reason: str) -> NotApproved:
    return NotApproved(
        f"The connection of {claim.name!r} was not touched: {reason}.",
        remedy="Compare the private endpoint ids on the target with the requester's report, and decide there by hand.",
    )


def no_endpoint(name: str) -> NotFound:
    return NotFound(
        f"No endpoint {name!r} has a connection that could be decided.",
        remedy="Create it first with create_all(spec).",
    )


def never_made(name: str) -> ProvisioningFailed:
    return ProvisioningFailed(
        f"Azure could not create the endpoint {name!r}, so no connection can be decided.",
        remedy="Replace it and approve the new one: create_all with Spec(replace_broken=True), then repeat the call.",
    )


def not_there(name: str, target: Target) -> NotApproved:
    return NotApproved(
        f"{ArmId.parse(target.resource_id).name!r} does not (yet) show the connection of {name!r}.",
        remedy="Repeat the call in a minute; a connection appears some seconds after its endpoint was created.",
    )


def not_of_the_account(outcome: Outcome, account: Account) -> Outcome:
    error = NotApproved(
        f"The connection of {outcome.name!r} was not looked for: the account {account.name!r} does not use "
        f"{outcome.resource_id} for {outcome.group_id}, or no longer uses it.",
        remedy="Have the requester call create_all again and send the new report.",
    )
    return Outcome(
        name=outcome.name,
        group_id=outcome.group_id,
        resource_id=outcome.resource_id,
        result="conflict",
        error=ErrorDetail.of(error),
    )


def without_endpoints(report: Report) -> Outcome:
    """A report that names no endpoint: nothing was looked for, so nothing is done."""
    spec = report.spec
    error = NotApproved(
        f"No connection was looked for: the report of {report.verb} for the factory {spec.factory_id.name!r} names no "
        "endpoint.",
        remedy="Have the requester call create_all again, and send the report of a run that created the endpoints.",
    )
    return Outcome(name=spec.name, resource_id=spec.factory, result="failed", error=ErrorDetail.of(error))


def not_confirmed(claim: Claim, account: Account) -> Outcome:
    """A target that only the report names, because the account does not show it: its owner has to decide."""
    first = "Ask for Reader on the account" if account.shape is None else "Wait until the account has been created"
    error = NotApproved(
        f"The connection of {claim.name!r} was not looked for: {not_confirmed_because(account)}.",
        remedy=f"{first} and repeat the call, or give the hand-off to the owner of that resource.",
    )
    return Outcome(
        name=claim.name,
        group_id=claim.target.group_id,
        resource_id=claim.target.resource_id,
        private_endpoint_id=claim.private_endpoint_id,
        result="handed-off",
        error=ErrorDetail.of(error),
    )


def unconfirmed_targets(account: Account, pending: Sequence[Pending]) -> Finding:
    """The warning for targets that only a report names."""
    targets = dict.fromkeys(one.target.resource_id for one in pending)
    return TARGETS_UNCONFIRMED.found(name=account.name, account=account.id, evidence=targets)


def never_recognised(name: str, target: Target, reason: str | None) -> WaitTimedOut:
    holder = ArmId.parse(target.resource_id).name
    return WaitTimedOut(
        f"The connection of {name!r} on {holder!r} was not recognised before the time ran out: "
        f"{reason or 'the target was not read'}.",
        remedy="Look at the endpoint with status(spec); if it is Failed, repeat with Spec(replace_broken=True).",
    )


def never_shown(name: str, target: Target) -> WaitTimedOut:
    return WaitTimedOut(
        f"The decision on the connection of {name!r} was sent, but {ArmId.parse(target.resource_id).name!r} did not "
        "show it before the time ran out.",
        remedy="Look again in a minute with status(spec).",
    )


def unsettled(result: Result, name: str, status: str) -> NotApproved | None:
    """Why a connection that is not pending stays as it is; None if that is the wanted result."""
    if result == "conflict":
        return approved_already(name)
    return not_pending(name, status) if result == "failed" else None


def turned_down(name: str, factory_says: str, decision: Decision) -> NotApproved:
    state = factory_says.capitalize()
    if decision == "Rejected":
        return NotApproved(
            f"No connection of {name!r} can be rejected: the factory says that it is {state}.",
            remedy="Delete the endpoint with delete_all(spec), if it is not needed any more.",
        )
    return NotApproved(
        f"The connection of {name!r} cannot be approved: the factory says that it is {state}, which is final.",
        remedy="Replace the endpoint and approve the new one: create_all with Spec(replace_broken=True), then repeat "
        "the call.",
    )


def rights_missing(search: Search, account: Account, missing: Sequence[str], role: str) -> AccessDenied:
    """A dry run's prediction: the permissions of this caller on the resource do not include these actions."""
    holder = account.id if search.target.connections == "ingestion" else search.target.resource_id
    return AccessDenied(
        f"This caller is not allowed to decide on the connection of {search.name!r} on {ArmId.parse(holder).name!r}: "
        f"its permissions there do not include {' and '.join(missing)}.",
        remedy=f"Ask an owner for the role {role}: az role assignment create --role {role!r} --assignee YOU --scope "
        f"{holder}",
    )


def approved_already(name: str) -> NotApproved:
    return NotApproved(
        f"The connection of {name!r} is already Approved, and only pending ones are rejected.",
        remedy="Delete the endpoint with delete_all(spec), which ends its connection.",
    )


def not_pending(name: str, status: str) -> NotApproved:
    return NotApproved(
        f"The connection of {name!r} is {status or 'in an unknown state'}, and only pending ones can be decided.",
        remedy="Replace the endpoint and approve the new one: create_all with Spec(replace_broken=True), or, if the "
        "factory still says Approved, delete_all and then create_all.",
    )


def runtime_not_shown(name: str) -> ProvisioningFailed:
    """A runtime that Azure accepted but does not list."""
    return ProvisioningFailed(
        f"Azure accepted the integration runtime {name!r}, but the factory does not list it.",
        remedy="Repeat the call: it reads Azure first and creates only what is missing.",
    )


def runtime_outside(name: str) -> ProvisioningFailed:
    """A runtime that Azure created outside the managed virtual network (seen in public templates)."""
    return ProvisioningFailed(
        f"Azure created the integration runtime {name!r} outside the managed virtual network, so lineage from it "
        "would not reach a closed account.",
        remedy="Delete it in Data Factory Studio (Manage, Integration runtimes), then repeat the call, or set "
        "Spec.runtime to another name.",
    )
