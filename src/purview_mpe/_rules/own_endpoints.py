"""Whether the private endpoints that a self-hosted integration runtime needs exist. Pure functions.

A connection does not show its group id in every list, and never its network. So what counts is how many approved
connections of private endpoints that are not Data Factory's a target shows: one for each group id that the runtime
needs there. The end of a private endpoint's name says its group id where it can: Purview's own page goes by it (comment
in a template of Microsoft's), and this library's names have it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from purview_mpe._model import matrix
from purview_mpe._model.arm_id import folded, same_id
from purview_mpe._model.results import Finding, identity
from purview_mpe._model.survey import OwnConnections
from purview_mpe._rules.findings.network import OWN_ENDPOINTS_NEEDED, OWN_ENDPOINTS_UNREADABLE
from purview_mpe._rules.orphans import is_made_by_a_service

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from purview_mpe._model.checkup import RuntimeCheck
    from purview_mpe._model.results import Account, Connection, Identity, Target
    from purview_mpe._model.survey import Situation
    from purview_mpe._rules.ownership import Listing

#: The account's own list shows the connections of these group ids as well.
_BESIDE_ACCOUNT = ("portal", "platform")


def own_targets_of(situation: Situation) -> tuple[Target, ...]:
    """The targets whose connections show whether the self-hosted runtimes have what they need; none without such."""
    account = situation.account
    if account is None or account.firewall is None:
        return ()
    if not any(runtime.kind == "self-hosted" for runtime in situation.runtimes or ()):
        return ()
    needed = _needed(account)
    return tuple(target for target in account.targets if target.group_id in needed)


def _needed(account: Account) -> tuple[str, ...]:
    offered = [target.group_id for target in account.targets]
    firewall = account.firewall or matrix.CLOSED
    return matrix.requirement(firewall, "self-hosted", available=offered).customer_groups


def own_connections(
    targets: Sequence[Target], listings: Mapping[Identity, Listing], situation: Situation
) -> OwnConnections:
    """The approved connections of the targets that are not Data Factory's."""
    places: dict[Identity, list[str]] = {}
    for target in targets:
        places.setdefault(_place(target), []).append(target.group_id)
    lacking: list[str] = []
    hidden: list[str] = []
    for target in targets:
        listing = listings[target.identity]
        if listing.error is not None:
            hidden.append(listing.error.message)
        elif target.group_id in _lacking(places[_place(target)], _own(listing.connections, situation)):
            lacking.append(target.group_id)
    if lacking:
        return OwnConnections(are_there=False, reason=", ".join(lacking))
    return OwnConnections(are_there=None if hidden else True, reason=hidden[0] if hidden else "")


def _lacking(groups: Sequence[str], connections: Iterable[Connection]) -> list[str]:
    """The group ids of one list that its connections do not serve for certain."""
    ids = {folded(one.private_endpoint_id) for one in connections}
    named = [_named(one, groups) for one in ids]
    unserved = [group for group in groups if group not in named]
    return unserved if len(unserved) > named.count(None) else []


def _named(private_endpoint_id: str, groups: Sequence[str]) -> str | None:
    """The group id at the end of a private endpoint's name; None if it can be any of the list."""
    last = private_endpoint_id.rpartition("/")[2].rpartition("-")[2]
    return last if last in groups or ("account" in groups and last in _BESIDE_ACCOUNT) else None


def _place(target: Target) -> Identity:
    """The list that shows a target's connections: blob and queue share one."""
    return target.connections, identity(target.resource_id, None)[0]


def _own(connections: Sequence[Connection], situation: Situation) -> Iterator[Connection]:
    ours = [one.private_endpoint_id for one in situation.endpoints or ()]
    for one in connections:
        is_managed = any(same_id(one.private_endpoint_id, exact) for exact in ours) or is_made_by_a_service(one)
        if one.status.casefold() == "approved" and not is_managed:
            yield one


def seen_own(situation: Situation, targets: Sequence[Target], listings: Mapping[Identity, Listing]) -> Situation:
    """The situation with what the targets show of the self-hosted runtimes' private endpoints."""
    return replace(situation, own=own_connections(targets, listings, situation)) if targets else situation


def has_private_endpoints(situation: Situation, check: RuntimeCheck) -> bool | None:
    """The field of a runtime's check: None for other runtimes, and where it cannot be seen."""
    if check.kind != "self-hosted" or check.supported is None:
        return None
    if not check.customer_groups:
        return True
    return situation.own.are_there if situation.own is not None else None


def own_findings(situation: Situation, checks: Sequence[RuntimeCheck]) -> Iterator[Finding]:
    """What is said about the self-hosted runtimes together."""
    hosted = [one for one in checks if one.kind == "self-hosted"]
    if not hosted:
        return
    runtimes = " and ".join(repr(one.name) for one in hosted)
    needing = [one for one in hosted if one.customer_groups]
    if needing and needing[0].private_endpoints is False:
        yield OWN_ENDPOINTS_NEEDED.found(
            runtimes=runtimes,
            groups=", ".join(needing[0].customer_groups),
            missing=situation.own.reason if situation.own else "",
            reason=needing[0].reason,
        )
    elif needing and needing[0].private_endpoints is None:
        reason = situation.own.reason if situation.own is not None else "The targets' connections were not read."
        yield OWN_ENDPOINTS_UNREADABLE.found(
            runtimes=runtimes,
            reason=reason,
            remedy="Ask for Reader on the targets that it needs: "
            f"{', '.join(target.resource_id for target in own_targets_of(situation))}",
        )
