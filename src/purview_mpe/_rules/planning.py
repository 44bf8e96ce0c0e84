"""Decides what to do: a pure function from spec, account and factory to a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model import states
from purview_mpe._model.arm_id import ArmId, same_id
from purview_mpe._model.naming import OPTIONAL_GROUPS, hidden_name_warning
from purview_mpe._model.results import (
    Account,
    Action,
    Endpoint,
    Factory,
    Finding,
    Plan,
    Step,
    Target,
    by_severity,
    identity,
)
from purview_mpe._rules.findings.account import FIREWALL_OPEN, SHAPE_UNKNOWN
from purview_mpe._rules.findings.approvals import TARGET_FULL
from purview_mpe._rules.findings.endpoints import NAME_MAY_BE_TOO_LONG, PORTAL_NEEDS_THE_BROWSER
from purview_mpe._rules.runtimes import runtime_findings, runtime_step
from purview_mpe.errors import UnsupportedSetup

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from purview_mpe._model.spec import Spec
    from purview_mpe._model.survey import Runtime


def make_plan(spec: Spec, account: Account, factory: Factory, runtimes: Sequence[Runtime] | None = None) -> Plan:
    """The steps that lead from what the factory has to what the account needs.

    If the factory's integration runtimes are given, there is also a step for one in the managed virtual network.

    Raises:
        UnsupportedSetup: the account does not show which endpoints it needs, or lacks a group id in `Spec.groups`.
    """
    targets = needed_targets(spec, account)
    steps = [_endpoint_step(spec, target, factory.endpoints) for target in targets]
    network = [*_network_step(spec, factory), *(() if runtimes is None else (runtime_step(spec, runtimes),))]
    about_runtime = [finding for step in network for finding in runtime_findings(spec, step)]
    return Plan(
        spec=spec,
        account=account,
        steps=(*network, *steps),
        obsolete=tuple(_obsolete(spec, account, factory, targets)),
        warnings=by_severity(
            [*account.warnings, *_firewall_findings(account), *_name_findings(spec, steps), *about_runtime]
        ),
    )


def needed_targets(spec: Spec, account: Account) -> tuple[Target, ...]:
    """The targets that this spec wants an endpoint to, in the account's order.

    Raises:
        UnsupportedSetup: for the same reasons as `make_plan`.
    """
    if spec.groups is None:
        if account.shape == "F":
            raise endpoints_unknown(account)
        return account.targets
    known = {target.group_id: target for target in account.targets}
    for group_id in spec.groups:
        if group_id in OPTIONAL_GROUPS:
            known[group_id] = optional_target(account, group_id)
    missing = [group_id for group_id in spec.groups if group_id not in known]
    if missing and account.shape == "F":
        raise endpoints_unknown(account)
    if missing and account.shape is not None:
        raise UnsupportedSetup(
            f"Spec.groups asks for {' and '.join(missing)}, and the account {account.name!r} (shape {account.shape}) "
            f"offers only {', '.join(target.group_id for target in account.targets)}.",
            remedy=f"Remove {' and '.join(missing)} from Spec.groups, or leave it at None to follow the account.",
        )
    # An unreadable account (shape None) keeps its warning and gets the only known endpoint: its own.
    if len(missing) == len(spec.groups):
        raise _nothing_known(spec.groups, account)  # otherwise a plan without steps would look complete
    return tuple(known[group_id] for group_id in spec.groups if group_id in known)


def optional_target(account: Account, group_id: str) -> Target:
    """The target of a group id that lineage does not need; such endpoints go to the account itself (spec)."""
    return Target(group_id=group_id, resource_id=account.id, connections="account")


def reconciled(planned: Plan, fresh: Plan) -> Plan:
    """The fresh plan, reduced to the steps of the earlier plan.

    A step that another caller has already done is kept; a change that contradicts the plan is a conflict. The result
    holds nothing that the fresh plan would not do, so a plan file cannot do more than its spec could.
    """
    # A dict, because an edited plan file may hold a step twice.
    steps = list({_key(step): _still_standing(step, fresh) for step in planned.steps}.values())
    network_is_missing = any(step.subject == "managed-network" for step in fresh.steps)
    network_was_planned = any(step.subject == "managed-network" for step in planned.steps)
    if network_is_missing and not network_was_planned:
        steps = [
            step if step.action == "conflict" else _moved(step, "the managed virtual network is gone") for step in steps
        ]
    return fresh.model_copy(update={"steps": tuple(steps)})


def _still_standing(planned: Step, fresh: Plan) -> Step:
    key = _key(planned)
    now = next((step for step in fresh.steps if _key(step) == key), None)
    if now is None and planned.subject == "managed-network":
        return planned.model_copy(update={"action": "keep", "reason": "The managed virtual network exists by now."})
    if now is None:
        return _moved(planned, "the account no longer needs its target")
    if now.action in {"conflict", "keep"}:
        return now
    if now.action == planned.action and now.name.casefold() == planned.name.casefold():
        return now
    return _moved(
        planned,
        f"the plan was to {planned.action} {planned.name!r}, but a new plan would {now.action} {now.name!r}",
    )


def _key(step: Step) -> tuple[str, ...]:
    """The key of a step's subject; a factory has one managed virtual network, so its name is not part of it."""
    if step.subject == "managed-network":
        return (step.subject,)
    return step.subject, *step.identity


def _moved(planned: Step, what: str) -> Step:
    return planned.model_copy(
        update={
            "action": "conflict",
            "reason": f"Azure has changed since the plan was made: {what}.",
            "remedy": "Plan again, look at the new plan, and apply that.",
        }
    )


def endpoints_unknown(account: Account) -> UnsupportedSetup:
    """The refusal for an account that does not show its ingestion resources."""
    for finding in account.warnings:
        if finding.code == SHAPE_UNKNOWN.code:
            return UnsupportedSetup(
                f"{finding.message} {finding.cause} ({account.name!r}, {', '.join(finding.evidence)})",
                remedy=finding.remedy,
            )
    # A report file may hold an account without its warnings.
    return UnsupportedSetup(
        f"It is not known which ingestion endpoints the account {account.name!r} needs.",
        remedy="Look at the account's warnings with discover(account).",
    )


def _nothing_known(groups: Sequence[str], account: Account) -> UnsupportedSetup:
    why = next((finding for finding in account.warnings if finding.remedy), None)
    return UnsupportedSetup(
        f"Spec.groups asks only for {' and '.join(groups)}, but only the account endpoint of the "
        f"account {account.name!r} is known.{f' {why.message}' if why else ''}",
        remedy=why.remedy if why else "Look at the account's warnings with discover(account).",
    )


def _network_step(spec: Spec, factory: Factory) -> Iterator[Step]:
    name = spec.managed_virtual_network
    if name.casefold() in {network.casefold() for network in factory.networks}:
        return
    network_id = str(spec.factory_id.child("managedVirtualNetworks", name))
    if not factory.networks:
        yield Step(
            action="create",
            subject="managed-network",
            name=name,
            resource_id=network_id,
            reason="The factory has no managed virtual network.",
        )
        return
    yield Step(
        action="conflict",
        subject="managed-network",
        name=name,
        resource_id=network_id,
        reason=f"The factory's managed virtual network is called {factory.networks[0]!r}, not {name!r}.",
        remedy=f"Set Spec.managed_virtual_network to {factory.networks[0]!r}.",
    )


def _endpoint_step(spec: Spec, target: Target, endpoints: Sequence[Endpoint]) -> Step:
    name = spec.name_of(target.group_id)

    same = [endpoint for endpoint in endpoints if endpoint.identity == target.identity]
    for endpoint in same:
        if endpoint.reserved:
            return _step(
                target,
                "conflict",
                endpoint.name,
                f"The endpoint {endpoint.name!r} to this target belongs to the service itself and is never touched.",
                "Ask Microsoft, or leave this group id out with Spec.groups.",
            )
        if states.is_deleting(endpoint.provisioning_state):
            continue
        return _step_for_existing(spec, target, endpoint)
    taken = next((endpoint for endpoint in endpoints if endpoint.name.casefold() == name.casefold()), None)
    if taken is not None and not states.is_deleting(taken.provisioning_state):
        return _step(
            target,
            "conflict",
            name,
            f"The name {taken.name!r} is taken by an endpoint to {taken.resource_id or 'another target'} "
            f"({taken.group_id or 'no group id'}).",
            f"Choose another base name, or set Spec.names[{target.group_id!r}]; the existing endpoint is not touched.",
        )
    if same:
        return _step(
            target,
            "create",
            name,
            f"The endpoint {same[0].name!r} to this target is being deleted; creation waits for that.",
        )
    return _step(target, "create", name, "No endpoint of the factory points to this target and group id.")


def _step_for_existing(spec: Spec, target: Target, endpoint: Endpoint) -> Step:
    name, state = endpoint.name, endpoint.provisioning_state
    if states.is_broken(state, endpoint.connection_status):
        broken = endpoint.connection_status if states.is_broken("", endpoint.connection_status) else state
        reason = f"The endpoint {name!r} is {broken}; Azure cannot repair it, only delete it and create it again."
        if spec.replace_broken:
            return _step(target, "replace", name, reason)
        remedy = "Set Spec.replace_broken to True to have it replaced; the new connection needs a new approval."
        if states.is_final(endpoint.error):
            reason, remedy = f"{reason} Azure says: {endpoint.error}", f"{TARGET_FULL.remedy} {remedy}"
        return _step(target, "conflict", name, reason, remedy)
    if name.casefold() != spec.name_of(target.group_id).casefold():
        return _step(target, "keep", name, f"An endpoint to this target exists under the name {name!r}.")
    if not states.provisioning_is_over(state):
        return _step(target, "keep", name, f"The endpoint exists and is {state or 'in an unknown state'}.")
    return _step(target, "keep", name, "The endpoint exists.")


def _step(target: Target, action: Action, name: str, reason: str, remedy: str | None = None) -> Step:
    return Step(
        action=action,
        name=name,
        group_id=target.group_id,
        resource_id=target.resource_id,
        reason=reason,
        remedy=remedy,
    )


def _obsolete(spec: Spec, account: Account, factory: Factory, targets: Sequence[Target]) -> Iterator[Endpoint]:
    """Endpoints to resources the account no longer uses, or with a name and group id of the spec but another target.

    The latter may have served this account earlier, or may have another purpose. So an endpoint to replaced storage is
    shown beside the conflict over its name. A similar name, for example one with the same prefix, is not enough. These
    endpoints are only shown, never changed.
    """
    wanted = {target.group_id for target in targets}
    current = {target.identity for target in account.targets}
    for endpoint in factory.endpoints:
        if endpoint.reserved or endpoint.identity in current:
            continue
        group_id = endpoint.group_id.casefold()
        ours_by_name = (
            account.shape not in {None, "F"}
            and group_id in {"blob", "queue", "namespace"}
            and (spec.groups is None or group_id in wanted)
            and endpoint.name.casefold() == spec.name_of(group_id).casefold()
        )
        if is_retired(account, endpoint) or ours_by_name:
            yield endpoint


def is_retired(account: Account, endpoint: Endpoint) -> bool:
    """True if the account itself shows that it used the endpoint's target.

    Either the account names the target as a resource that it no longer ingests through, or the target is in the
    account's managed resource group, where only Azure can create resources (docs: the group has a deny assignment).
    """
    resource = identity(endpoint.resource_id, None)
    if resource in {identity(resource_id, None) for resource_id in account.retired}:
        return True
    in_use = {identity(target.resource_id, None) for target in account.targets}
    return resource not in in_use and _is_in_group(endpoint.resource_id, account.managed_group)


def _is_in_group(resource_id: str, group: str | None) -> bool:
    """True if the resource is in the group; a managed group holds only resources that its account uses or used."""
    if group is None or not resource_id:
        return False
    resource = ArmId.parse(resource_id)
    return same_id(ArmId(resource.subscription, resource.resource_group), group)


def _firewall_findings(account: Account) -> Iterator[Finding]:
    if account.firewall == "enabled-from-all-networks":
        yield FIREWALL_OPEN.found(name=account.name)


def _name_findings(spec: Spec, steps: Sequence[Step]) -> Iterator[Finding]:
    for step in steps:
        if step.action in {"create", "replace"} and (warning := hidden_name_warning(spec.factory_id.name, step.name)):
            yield NAME_MAY_BE_TOO_LONG.found(warning=warning)
        if step.group_id == "portal":
            yield PORTAL_NEEDS_THE_BROWSER.found()
