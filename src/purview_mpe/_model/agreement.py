"""Facts that one document states in several places: the places must agree.

A report names its account in the spec, in the account and in every target. Different readers use different places, so
a check of one place would not protect a reader of another. So a document whose places disagree is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model.arm_id import ArmId, same_id
from purview_mpe._model.spec import ACCOUNT_TYPE, NAMESPACE_TYPE, STORAGE_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purview_mpe._model.results import Account, Report, Target

#: The type of resource that an endpoint of a group id leads to, and the lists that can show its connection.
_GROUPS = {
    **dict.fromkeys(("account", "platform", "portal"), (ACCOUNT_TYPE, ("account",))),
    **dict.fromkeys(("blob", "queue"), (STORAGE_TYPE, ("storage", "ingestion"))),
    "namespace": (NAMESPACE_TYPE, ("namespace",)),
}
#: Groups whose target is the Purview account itself.
_OF_THE_ACCOUNT = frozenset({"account", "platform", "portal"})


def fits(group_id: str | None, resource_id: str) -> bool:
    """Whether an endpoint of this group id can lead to this resource."""
    known = _GROUPS.get((group_id or "").casefold())
    return known is not None and ArmId.parse(resource_id).is_a(known[0])


def target_problems(target: Target) -> Iterator[tuple[str, str]]:
    """The fields in which group id, resource and list of a target do not fit together."""
    known = _GROUPS.get(target.group_id.casefold())
    if known is None:
        yield "group_id", f"{target.group_id!r} must be one of {', '.join(_GROUPS)}"
        return
    resource_type, lists = known
    arm_id = ArmId.parse(target.resource_id)
    if not arm_id.is_a(resource_type):
        yield "resource_id", f"is the id of a {arm_id.type}, and {target.group_id} leads to a {resource_type}"
    if target.connections not in lists:
        yield "connections", f"is {target.connections!r}, but {target.group_id} needs {' or '.join(lists)}"


def account_problems(account: Account) -> Iterator[tuple[str, str]]:
    """The fields in which an account and its targets name different accounts."""
    arm_id = ArmId.parse(account.id)
    if not arm_id.is_a(ACCOUNT_TYPE):
        yield "id", f"is the id of a {arm_id.type}, not of a {ACCOUNT_TYPE}"
    if account.name.casefold() != arm_id.name.casefold():
        yield "name", f"is {account.name!r}, and the id names {arm_id.name!r}"
    for index, target in enumerate(account.targets):
        if target.group_id.casefold() in _OF_THE_ACCOUNT and not same_id(target.resource_id, account.id):
            yield f"targets.{index}.resource_id", f"is {target.resource_id}, and the account is {account.id}"


def report_problems(report: Report) -> Iterator[tuple[str, str]]:
    """The fields in which a report names different accounts.

    An outcome with the result `conflict` is skipped: it can be about a step of an old plan that was never carried out.
    """
    spec_account, account = report.spec.account, report.account
    if spec_account is not None and account is not None and not same_id(spec_account, account.id):
        yield "account.id", f"is {account.id}, and spec.account is {spec_account}"
    known = spec_account or (account.id if account is not None else None)
    for index, outcome in enumerate(report.outcomes):
        group_id = (outcome.group_id or "").casefold()
        if group_id not in _GROUPS or outcome.result == "conflict":
            continue
        place = f"outcomes.{index}.resource_id"
        if not fits(group_id, outcome.resource_id):
            found = ArmId.parse(outcome.resource_id).type
            yield place, f"is the id of a {found}, and {group_id} leads to a {_GROUPS[group_id][0]}"
        elif group_id in _OF_THE_ACCOUNT and known is not None and not same_id(outcome.resource_id, known):
            yield place, f"is {outcome.resource_id}, and the account is {known}"
