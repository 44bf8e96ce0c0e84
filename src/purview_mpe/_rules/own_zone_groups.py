"""Whether an existing zone group makes the names of a private endpoint resolve. Pure functions.

A private endpoint has one zone group at most (docs). One that exists is not touched, because a policy may have created
it: what is wrong with it is reported. The exception is one of this library's that Azure could not finish: the same
PUT is sent again, which changes nothing in it.

A zone holds one record for a target, so of two private endpoints to it the later one replaces the record (docs: "Azure
Private Endpoint private DNS zone values", which warns of that).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model import states
from purview_mpe._model.arm_id import ArmId, folded
from purview_mpe._model.surroundings import Record
from purview_mpe._rules.findings.network import DNS_RECORD_REPLACED, DNS_RECORD_TAKEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from purview_mpe._model.network import Network
    from purview_mpe._model.results import Finding, Step, Target
    from purview_mpe._model.surroundings import Zone, ZoneGroup

#: The groups whose record is the name of the target (docs). The host of a portal or a platform is the same for all
#: accounts of a tenant, so a private endpoint to another account serves it as well.
_NAMED_BY_TARGET = frozenset({"account", "blob", "queue", "namespace"})


def problem_of(group: ZoneGroup, zones: Sequence[ArmId]) -> str | None:
    """Why names do not resolve through a zone group, continuing "The zone group …"; None if they do."""
    if states.is_broken(group.state, ""):
        return f"is {group.state}"
    missing = [str(zone) for zone in zones if not group.holds(zone)]
    return f"does not write to the zone {' or '.join(missing)}" if missing else None


def is_repeatable(group: ZoneGroup, name: str, zones: Sequence[ArmId]) -> bool:
    """True if Azure could not finish a zone group that has this name and exactly these zones."""
    has_failed = states.is_broken(group.state, "")
    is_same = len(group.zones) == len(zones) and all(map(group.holds, zones))
    return has_failed and is_same and folded(group.name) == folded(name)


def records_to_read(
    groups: Iterable[ZoneGroup], targets: Sequence[Target], zones: Sequence[Zone], names: Mapping[str, Sequence[str]]
) -> list[Record]:
    """The records that say whether names resolve to a private endpoint, and whether a new one replaces another's.

    `names` has the names of the zones of each group id.
    """
    known = {zone.id.key: zone for zone in zones}
    written = [record for group in groups for record in group.records if ArmId.parse(record.zone).key in known]
    expected = [
        record
        for target in targets
        for zone in zones
        if folded(zone.name) in names.get(target.group_id, ()) and (record := expected_record(target, zone.id))
    ]
    return list({record.key: record for record in (*written, *expected)}.values())


def expected_record(target: Target | Step, zone: ArmId) -> Record | None:
    """The record that a zone group writes for a target, without its address; None if its name is not documented."""
    if target.group_id not in _NAMED_BY_TARGET:
        return None
    return Record(str(zone), folded(ArmId.parse(target.resource_id).name))


def replaced_records(
    network: Network, step: Step, group: ZoneGroup, zones: Sequence[ArmId], now: Mapping[tuple[str, str], Record]
) -> Iterator[Finding]:
    """A finding for each record of a zone group that its zone no longer holds."""
    keys = {zone.key for zone in zones}
    for record in group.records:
        held = now.get(record.key)
        if held is None or ArmId.parse(record.zone).key not in keys:
            continue
        is_served = bool(held.addresses) and step.group_id not in _NAMED_BY_TARGET
        if not is_served and not set(record.addresses) <= set(held.addresses):
            yield DNS_RECORD_REPLACED.found(
                zone=ArmId.parse(record.zone).name,
                held=" and ".join(held.addresses) or "no address",
                record=record.name,
                name=step.name,
                addresses=", ".join(record.addresses),
                network=network.virtual_network_id.name,
                group=group.name,
            )


def taken_records(
    network: Network, step: Step, zones: Sequence[ArmId], now: Mapping[tuple[str, str], Record]
) -> Iterator[Finding]:
    """A finding for each record that the new zone group of a private endpoint replaces."""
    for zone in zones:
        expected = expected_record(step, zone)
        held = now.get(expected.key) if expected is not None else None
        if held is not None and held.addresses:
            yield DNS_RECORD_TAKEN.found(
                zone=zone.name,
                held=" and ".join(held.addresses),
                record=held.name,
                name=step.name,
                network=network.virtual_network_id.name,
            )
