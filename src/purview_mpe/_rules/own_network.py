"""Decides what a network of the customer's own needs for Purview: private endpoints, zones, links, zone groups.

Pure functions from what was read to a plan. An existing link is always used, because a virtual network can be linked to
one zone of a name only (well known), and a zone group that exists is never touched: it may be a policy's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from purview_mpe._model import states
from purview_mpe._model.arm_id import ArmId, folded, same_id
from purview_mpe._model.matrix import CLOSED, OPEN
from purview_mpe._model.network import ZONES, check_own_names, link_name, own_name
from purview_mpe._model.results import Action, Finding, Plan, Step, Subject, Target, by_severity
from purview_mpe._rules.findings.account import FIREWALL_OPEN
from purview_mpe._rules.findings.network import (
    DNS_ZONE_GROUP_MISSING,
    DNS_ZONE_GROUP_UNUSABLE,
    DNS_ZONE_MISSING,
    DNS_ZONE_UNKNOWN,
    DNS_ZONES_UNREADABLE,
    OWN_ENDPOINTS_HIDDEN,
    OWN_ENDPOINTS_SHARED,
)
from purview_mpe._rules.own_zone_groups import is_repeatable, problem_of, replaced_records, taken_records
from purview_mpe._rules.planning import endpoints_unknown, optional_target
from purview_mpe.errors import UnsupportedSetup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from purview_mpe._model.network import Network, Purpose
    from purview_mpe._model.results import Account
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.surroundings import PrivateEndpoint, Surroundings, VirtualNetwork, Zone, ZoneGroup

#: A tenant-level account is reached through the tenant's own host, which the group `platform` covers (docs, public
#: code); an account's own host may answer beside it, so its groups are wanted as well (unknown).
_TENANT_HOST = "api.purview-service.microsoft.com"


def check_region(network: Network, virtual_network: VirtualNetwork) -> None:
    """Refuse a region that is not the virtual network's, where Azure does not accept its private endpoints (docs).

    Raises:
        UnsupportedSetup: the regions differ.
    """
    wanted, there = network.location or "", virtual_network.location
    if wanted and there and _region(wanted) != _region(there):
        raise UnsupportedSetup(
            f"Network.location is {wanted!r}, but the virtual network {network.virtual_network_id.name!r} is in "
            f"{there!r}: a private endpoint is always in the region of its virtual network.",
            remedy="Leave Network.location out: the region of the virtual network is used.",
        )


def _region(name: str) -> str:
    return folded(name.replace(" ", ""))


def own_targets(account: Account, purpose: Purpose, offered: Sequence[str] = ()) -> tuple[Target, ...]:
    """The targets that private endpoints of the customer's own must reach for a purpose, in the portal's order.

    Self-hosted runtimes need the account itself only if it is closed (matrix). `offered` holds the group ids that the
    account offers, if they are known.

    Raises:
        UnsupportedSetup: the account does not show which ingestion resources it has.
    """
    groups: list[str] = []
    if purpose == "studio" or account.firewall in {CLOSED, None}:
        groups += ["account", *(["portal"] if purpose == "studio" else [])]
        groups += ["platform"] if is_tenant_level(account) else []
    groups = [group for group in groups if not offered or group in offered] or groups
    own = tuple(optional_target(account, group) for group in groups)
    if purpose == "studio":
        return own
    if account.shape == "F":
        raise endpoints_unknown(account)
    return (*own, *(target for target in account.targets if target.group_id != "account"))


def is_tenant_level(account: Account) -> bool:
    """True if the account's own addresses lead to the tenant's host."""
    return any(
        address.partition("://")[2].partition("/")[0].casefold().endswith(_TENANT_HOST)
        for address in account.endpoints.values()
    )


def zone_names(group_id: str, known: Mapping[str, Sequence[str]], cloud: str) -> tuple[str, ...]:
    """The zones that resolve the names of a group id: as the target says, otherwise as documented."""
    if said := known.get(group_id):
        return tuple(said)
    documented = ZONES.get(cloud, {}).get(group_id)
    return () if documented is None else (documented,)


@dataclass(frozen=True, slots=True)
class ZonePlan:
    """What is done about one zone."""

    id: ArmId
    link: str
    """Name of the link."""
    steps: tuple[Step, ...]

    @property
    def is_usable(self) -> bool:
        """True if the zone resolves names for the network once the steps are done."""
        return all(step.action != "conflict" for step in self.steps)

    @property
    def is_linked_by_plan(self) -> bool:
        """True if the steps link the zone to the network."""
        return any(step.subject == "dns-link" and step.action == "create" for step in self.steps)


def plan_zone(network: Network, name: str, zones: Sequence[Zone]) -> ZonePlan:
    """The zone of one name: an existing link is used, then a zone at home; otherwise both are made, if allowed."""
    virtual_network, home = network.virtual_network_id, network.zone_id(name)
    same = [zone for zone in zones if folded(zone.name) == folded(name)]
    for zone in same:
        if (link := zone.link_to(virtual_network)) is not None:
            return _planned(zone.id, link, "keep", "keep", f"It is linked to {virtual_network.name!r}.")
    at_home = next((zone for zone in same if same_id(zone.id, home)), None)
    if network.dns == "existing":
        shown = at_home or (same[0] if same else None)
        where = f"A zone of this name is in {shown.id.resource_group!r}, but it" if shown else "No zone of this name"
        reason = f"{where} is {'not ' if shown else ''}linked to the virtual network {virtual_network.name!r}."
        return _refused(shown.id if shown else home, reason, _missing_remedy(network))
    if at_home is not None:
        link = link_name(virtual_network.name, frozenset(taken.casefold() for taken, _ in at_home.links))
        return _planned(at_home.id, link, "keep", "create", "It exists and is not linked yet.")
    if same and network.zone_resource_group is None:
        group = same[0].id.group
        return _refused(
            same[0].id,
            f"A zone of this name exists in {group.resource_group!r} and is not linked to the virtual network "
            f"{virtual_network.name!r}; a second zone could hide its names.",
            f"Set Network.zone_resource_group to '{group}' to link the network to that zone; with another resource "
            "group, a zone is created there.",
        )
    link = link_name(virtual_network.name, frozenset())
    return _planned(home, link, "create", "create", f"No zone of this name is linked to {virtual_network.name!r}.")


def _missing_remedy(network: Network) -> str:
    return (
        f"Link the zone of your hub to {network.virtual_network_id.name!r}; if it is linked and in another "
        "subscription, set Network.zone_resource_group to the id of its resource group. Or set Network.dns to 'create' "
        "to have a zone and a link made; set Network.dns to 'none' if a policy does that."
    )


_HIDING_REMEDY = (
    "Have the owner of the private endpoint give it a zone group that writes to this zone, or set Network.dns to "
    "'none' if its name resolves by other means."
)


def _planned(zone_id: ArmId, link: str, zone_action: Action, link_action: Action, reason: str) -> ZonePlan:
    link_id = zone_id.child("virtualNetworkLinks", link)
    why = "It exists." if link_action == "keep" else "The virtual network is not linked to this zone yet."
    steps = (
        _step("dns-zone", zone_action, zone_id, reason),
        _step("dns-link", link_action, link_id, why),
    )
    return ZonePlan(zone_id, link, steps)


def _refused(zone_id: ArmId, reason: str, remedy: str) -> ZonePlan:
    return ZonePlan(zone_id, "", (_step("dns-zone", "conflict", zone_id, reason, remedy),))


def _step(subject: Subject, action: Action, resource_id: ArmId, reason: str, remedy: str | None = None) -> Step:
    return Step(
        action=action,
        subject=subject,
        name=resource_id.name,
        resource_id=str(resource_id),
        reason=reason,
        remedy=remedy,
    )


@dataclass(frozen=True, slots=True)
class Resolving:
    """How the names of the targets resolve in the network; empty if DNS is left to others."""

    zones: Mapping[str, ZonePlan]
    """By the name of the zone."""
    wanted: Mapping[str, tuple[str, ...]]
    """By group id: the names of its zones; empty if none is known."""

    @classmethod
    def of(cls, network: Network, targets: Sequence[Target], around: Surroundings, *, cloud: str) -> Resolving:
        """What is done about the zones of these targets."""
        groups = () if network.dns == "none" else tuple(target.group_id for target in targets)
        wanted = {group: zone_names(group, around.zone_names, cloud) for group in groups}
        names = dict.fromkeys(name for found in wanted.values() for name in found)
        return cls({name: plan_zone(network, name, around.zones) for name in names}, wanted)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps for the zones and their links."""
        return tuple(step for zone in self.zones.values() for step in zone.steps)

    def zones_of(self, group_id: str | None) -> tuple[ZonePlan, ...]:
        """The zones that hold the records of a group id."""
        return tuple(self.zones[name] for name in self.wanted.get(group_id or "", ()))

    def resolves(self, step: Step) -> bool:
        """True if the endpoint of a step can get a zone group."""
        found = self.zones_of(step.group_id)
        return step.action != "conflict" and bool(found) and all(zone.is_usable for zone in found)

    def refusing(self, hiding: Mapping[str, str]) -> Resolving:
        """The same with a conflict for each of these zones, which have the reason by their name."""
        refused = {name: _refused(self.zones[name].id, reason, _HIDING_REMEDY) for name, reason in hiding.items()}
        return replace(self, zones={**self.zones, **refused})

    def findings(self, network: Network) -> Iterator[Finding]:
        """A finding for each zone that the network needs and that is not linked to it."""
        for name, zone in self.zones.items():
            if not zone.is_usable:
                refused = zone.steps[0]
                yield DNS_ZONE_MISSING.found(
                    zone=name,
                    network=network.virtual_network_id.name,
                    cause=refused.reason,
                    remedy=refused.remedy or "",
                )
        if unknown := [group for group, found in self.wanted.items() if not found]:
            yield DNS_ZONE_UNKNOWN.found(groups=" and ".join(unknown))


@dataclass(frozen=True, slots=True)
class OwnPlan:
    """A plan for a network, and what carries it out needs to know beyond its steps."""

    plan: Plan
    targets: tuple[Target, ...]
    resolving: Resolving
    hides_names: bool = False
    """True if a zone group is missing or unusable that no step of the plan corrects."""

    def with_plan(self, plan: Plan) -> OwnPlan:
        """The same with another plan for the same steps."""
        return replace(self, plan=plan)


def make_own_plan(
    spec: Spec, network: Network, purpose: Purpose, account: Account, around: Surroundings, *, cloud: str
) -> OwnPlan:
    """The steps that lead from what the network has to what the purpose needs.

    Raises:
        InvalidSpec: the base name gives a name that Azure does not accept.
        UnsupportedSetup: as `own_targets`.
    """
    targets = own_targets(account, purpose, around.offered)
    check_own_names(spec.name, tuple(target.group_id for target in targets))
    resolving = Resolving.of(network, targets, around, cloud=cloud)
    endpoints = [endpoint_step(spec, network, target, around.endpoints) for target in targets]
    resolvable = [step for step in endpoints if resolving.resolves(step)]
    groups = [zone_group_step(network, step, resolving.zones_of(step.group_id), around) for step in resolvable]
    uncorrected = [
        *(
            DNS_ZONE_GROUP_MISSING.found(name=step.name, purpose=purpose, severity="warning")
            for step in groups
            if step.action == "conflict"
        ),
        *(
            found
            for step, group in zip(resolvable, groups, strict=True)
            if group.action == "keep"
            for found in _unusable(network, step, resolving.zones_of(step.group_id), around)
        ),
    ]
    resolving = resolving.refusing(_hiding(network, zip(resolvable, groups, strict=True), resolving, around))
    plan = Plan(
        spec=spec,
        account=account,
        network=network,
        purpose=purpose,
        steps=(*resolving.steps, *endpoints, *(step for step in groups if step.action != "conflict")),
        warnings=by_severity(
            [
                *account.warnings,
                *([FIREWALL_OPEN.found(name=account.name)] if _needs_nothing(account, purpose) else ()),
                *resolving.findings(network),
                *hidden_findings(network, around),
                *uncorrected,
                *_taken(network, resolvable, resolving, around),
            ]
        ),
    )
    return OwnPlan(plan, targets, resolving, hides_names=bool(uncorrected))


def _needs_nothing(account: Account, purpose: Purpose) -> bool:
    return account.firewall == OPEN and purpose == "self-hosted-runtime"


def endpoint_step(spec: Spec, network: Network, target: Target, endpoints: Sequence[PrivateEndpoint]) -> Step:
    """The step for one target: identity is target, group id and subnet, whatever the name."""
    name = own_name(spec.name, target.group_id)
    home = network.endpoint_id(name)
    same = [one for one in endpoints if is_for(one, target, network)]
    standing = [one for one in same if not states.is_deleting(one.endpoint.provisioning_state)]
    standing.sort(key=_is_broken)
    if standing:
        return _step_for_existing(spec, network, target, standing[0])
    taken = next((one for one in endpoints if same_id(one.endpoint.id, home)), None)
    if taken is not None and not states.is_deleting(taken.endpoint.provisioning_state):
        return _endpoint_step(
            target,
            "conflict",
            name,
            f"The name {name!r} is taken by a private endpoint to {taken.endpoint.resource_id or 'another target'} "
            f"({taken.endpoint.group_id}) in the subnet {taken.subnet or 'of another network'}.",
            "Choose another base name for this network (Spec.name), or another resource group "
            "(Network.resource_group); the existing private endpoint is not touched.",
        )
    if same or taken is not None:
        return _endpoint_step(target, "create", name, "The earlier one is being deleted; creation waits for its name.")
    return _endpoint_step(
        target, "create", name, "No private endpoint in the subnet leads to this target and group id."
    )


def is_for(one: PrivateEndpoint, target: Target, network: Network) -> bool:
    """True if a private endpoint has this identity: target, group id and subnet."""
    return one.endpoint.identity == target.identity and same_id(one.subnet, network.subnet)


def is_at_home(one: PrivateEndpoint, network: Network) -> bool:
    """True if a private endpoint is in the network's resource group; no other one is changed or deleted."""
    home = network.group_id
    return same_id(one.id.group, home)


def _is_broken(one: PrivateEndpoint) -> bool:
    return states.is_broken(one.endpoint.provisioning_state, one.endpoint.connection_status)


def _step_for_existing(spec: Spec, network: Network, target: Target, found: PrivateEndpoint) -> Step:
    endpoint, home = found.endpoint, network.endpoint_id(own_name(spec.name, target.group_id))
    name = endpoint.name
    if not _is_broken(found):
        called = "It exists." if same_id(endpoint.id, home) else f"One to this target exists under the name {name!r}."
        if not states.provisioning_is_over(endpoint.provisioning_state):
            called = f"It exists and is {endpoint.provisioning_state or 'in an unknown state'}."
        return _endpoint_step(target, "keep", name, called)
    turned_down = states.is_broken("", endpoint.connection_status)
    if not turned_down and same_id(endpoint.id, home):
        # Sending the same PUT again is how others mend it (public code: azurerm).
        return _endpoint_step(target, "create", name, "Azure did not finish its creation, which is repeated.")
    broken = endpoint.connection_status if turned_down else endpoint.provisioning_state
    reason = f"The private endpoint {name!r} is {broken}; Azure cannot repair it, only delete it and create it again."
    if not is_at_home(found, network):
        where = f"It is in the resource group {found.id.resource_group!r}, where nothing is changed."
        return _endpoint_step(
            target, "conflict", name, f"{reason} {where}", "Have its owner delete it, then repeat the call."
        )
    if spec.replace_broken:
        return _endpoint_step(target, "replace", name, reason)
    return _endpoint_step(
        target,
        "conflict",
        name,
        reason,
        "Set Spec.replace_broken to True to have it replaced; the new connection needs a new approval.",
    )


def _endpoint_step(target: Target, action: Action, name: str, reason: str, remedy: str | None = None) -> Step:
    return Step(
        action=action,
        subject="private-endpoint",
        name=name,
        group_id=target.group_id,
        resource_id=target.resource_id,
        reason=reason,
        remedy=remedy,
    )


def endpoint_id_of(network: Network, step: Step, around: Surroundings) -> ArmId:
    """The id of the private endpoint that a step is about: an existing one may be in another resource group."""
    kept = standing_for(network, step, around) if step.action == "keep" else None
    return network.endpoint_id(step.name) if kept is None else kept.id


def zone_group_step(network: Network, step: Step, zones: Sequence[ZonePlan], around: Surroundings) -> Step:
    """The step for the zone group of a private endpoint: an existing one is not touched, even if a policy made it.

    The creation of one of our own that Azure could not finish is repeated as it was. A conflict if a zone group would
    have to be written outside the network's resource groups.
    """
    endpoint_id = endpoint_id_of(network, step, around)
    existing = existing_zone_group(network, step, around)
    resource_id = endpoint_id.child("privateDnsZoneGroups", existing.name if existing else step.name)
    if existing is not None:
        is_repeated = is_repeatable(existing, step.name, [zone.id for zone in zones])
        if is_repeated and same_id(endpoint_id.group, network.group_id):
            reason = "Azure did not finish its creation, which is repeated."
            return _step("dns-zone-group", "create", resource_id, reason)
        return _step("dns-zone-group", "keep", resource_id, "It exists, and is not touched.")
    is_home = same_id(endpoint_id.group, network.group_id)
    return _step(
        "dns-zone-group",
        "create" if is_home else "conflict",
        resource_id,
        "The private endpoint has no zone group yet.",
    )


def existing_zone_group(network: Network, step: Step, around: Surroundings) -> ZoneGroup | None:
    """The zone group that the private endpoint of a step has and keeps."""
    if step.action == "replace" or is_deleting_for(network, step, around) is not None:
        return None  # it goes with the private endpoint
    return next(iter(around.zone_groups.get(endpoint_id_of(network, step, around).key, ())), None)


def _unusable(network: Network, step: Step, zones: Sequence[ZonePlan], around: Surroundings) -> Iterator[Finding]:
    """A finding if the existing zone group of a private endpoint does not make its names resolve."""
    zone_ids = [zone.id for zone in zones]
    for group in filter(None, [existing_zone_group(network, step, around)]):
        if (problem := problem_of(group, zone_ids)) is None:
            yield from replaced_records(network, step, group, zone_ids, around.records)
        else:
            yield DNS_ZONE_GROUP_UNUSABLE.found(
                group=group.name, name=step.name, problem=problem, network=network.virtual_network_id.name
            )


def _taken(network: Network, steps: Sequence[Step], resolving: Resolving, around: Surroundings) -> Iterator[Finding]:
    """A finding for each record of another private endpoint that a new zone group replaces."""
    for step in steps:
        if step.action == "create" and not _same(network, step, around):
            zones = [zone.id for zone in resolving.zones_of(step.group_id)]
            yield from taken_records(network, step, zones, around.records)


def _hiding(
    network: Network, steps: Iterable[tuple[Step, Step]], resolving: Resolving, around: Surroundings
) -> dict[str, str]:
    """By name: zones that would hide the name of a private endpoint once they are linked, and why.

    `steps` are pairs of the steps for a private endpoint and for its zone group. A linked zone without a record hides
    a public name, and a zone of another network or of a DNS server of the customer's own.
    """
    found: dict[str, str] = {}
    for step, group in steps:
        existing = existing_zone_group(network, step, around)
        for name in resolving.wanted[step.group_id or ""]:
            zone = resolving.zones[name]
            is_written = group.action == "create" or (existing is not None and existing.holds(zone.id))
            if zone.is_linked_by_plan and not is_written:
                why = f"its zone group {existing.name!r} does not write to it" if existing else "it has no zone group"
                found[name] = (
                    f"Once this zone is linked, it hides the name of the private endpoint {step.name!r} from the "
                    f"virtual network {network.virtual_network_id.name!r}, because {why}."
                )
    return found


def shared_findings(
    account: Account, purpose: Purpose, network: Network, endpoints: Sequence[PrivateEndpoint]
) -> Iterator[Finding]:
    """A finding if the subnet serves the other purpose too, which needs some of the same private endpoints."""
    other: Purpose = "studio" if purpose == "self-hosted-runtime" else "self-hosted-runtime"
    if account.shape == "F":
        return
    ours = {target.identity for target in own_targets(account, purpose)}
    serving = [
        (one.endpoint.name, target.identity in ours)
        for target in own_targets(account, other)
        for one in endpoints
        if is_for(one, target, network) and not states.is_deleting(one.endpoint.provisioning_state)
    ]
    names, others = (", ".join(name for name, is_ours in serving if is_ours is which) for which in (True, False))
    if names and others:
        yield OWN_ENDPOINTS_SHARED.found(other=other, names=names, others=others)


def hidden_findings(network: Network, around: Surroundings) -> Iterator[Finding]:
    """What could not be read, and so may exist all the same."""
    if around.hidden_zones:
        yield DNS_ZONES_UNREADABLE.found(evidence=around.hidden_zones)
    if around.hidden_endpoints:
        yield OWN_ENDPOINTS_HIDDEN.found(subnet=network.subnet_id.name, evidence=around.hidden_endpoints)


def standing_for(network: Network, step: Step, around: Surroundings) -> PrivateEndpoint | None:
    """The private endpoint of a step's identity and name, if one exists and is not being deleted."""
    return next(
        (
            one
            for one in _same(network, step, around)
            if folded(one.endpoint.name) == folded(step.name)
            and not states.is_deleting(one.endpoint.provisioning_state)
        ),
        None,
    )


def is_deleting_for(network: Network, step: Step, around: Surroundings) -> PrivateEndpoint | None:
    """The private endpoint that has the name of a step and is being deleted: the name is free once it is gone."""
    home = network.endpoint_id(step.name)
    return next(
        (
            one
            for one in around.endpoints
            if same_id(one.endpoint.id, home) and states.is_deleting(one.endpoint.provisioning_state)
        ),
        None,
    )


def _same(network: Network, step: Step, around: Surroundings) -> list[PrivateEndpoint]:
    return [
        one
        for one in around.endpoints
        if one.endpoint.identity == step.identity and same_id(one.subnet, network.subnet)
    ]
