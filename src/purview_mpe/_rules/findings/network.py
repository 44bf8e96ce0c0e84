"""Findings about private endpoints in the customer's own network, and about their names."""

from __future__ import annotations

from purview_mpe._rules.findings.kind import Kind

OWN_ENDPOINTS_NEEDED = Kind(
    link="Network",
    code="own-endpoints-needed",
    severity="warning",
    message="{runtimes} needs private endpoints in its own virtual network for {groups}, and the targets show no "
    "approved connection for {missing}; managed private endpoints do not serve it.",
    cause="{reason}",
    remedy="Create them in the network of the self-hosted runtime: client.create_private_endpoints(spec, network, "
    "purpose='self-hosted-runtime').",
    meaning="A self-hosted runtime needs private endpoints in its own network; it cannot use managed ones.\n"
    "Its targets show fewer approved connections of private endpoints that are not Data Factory's than it needs.",
    why="The support matrix.",
    fix="[Create those endpoints](howto/self-hosted-runtime.md), with their private DNS zones.",
)
OWN_ENDPOINTS_UNREADABLE = Kind(
    link="Network",
    code="own-endpoints-unreadable",
    severity="info",
    message="It cannot be seen whether the private endpoints that {runtimes} needs in its own virtual network exist.",
    cause="{reason}",
    remedy="{remedy}",
    meaning="It cannot be seen whether the private endpoints of a self-hosted runtime exist: a target's connections "
    "could not be read.",
    why="A role is missing on a target, or the account itself cannot be read.",
    fix="Ask for Reader on the target that the finding names.",
)
DNS_ZONE_MISSING = Kind(
    link="Network",
    code="dns-zone-missing",
    severity="error",
    message="No private DNS zone {zone} is linked to the virtual network {network!r}, so names would not resolve to "
    "the private endpoints.",
    cause="{cause}",
    remedy="{remedy}",
    meaning="A private DNS zone that the private endpoints need is not linked to their virtual network.",
    why="The zone does not exist, is not linked, or is in a subscription that was not searched. The subscriptions of "
    "the virtual network, of the endpoints and of `Network.zone_resource_group` are searched.",
    fix="Link the zone, set `Network.dns`, or name the resource group of the zone in `Network.zone_resource_group`.",
)
DNS_ZONE_UNKNOWN = Kind(
    link="Network",
    code="dns-zone-unknown",
    severity="warning",
    message="No private DNS zone is documented for {groups} in this cloud, so none is made or searched.",
    remedy="Ask Microsoft for the zone, and write its records yourself.",
    meaning="The account does not say which private DNS zone a group id needs, and none is documented for this cloud.",
    why="Microsoft documents no zone for it.",
)
DNS_ZONES_UNREADABLE = Kind(
    link="Network",
    code="dns-zones-unreadable",
    severity="warning",
    message="Not every private DNS zone could be searched, so the search can have missed a zone that is linked.",
    cause="Azure refused the list of the zones of a whole subscription; only some resource groups were searched.",
    remedy="Ask for Reader on the subscription of the private DNS zones, or set Network.zone_resource_group to their "
    "resource group.",
    meaning="The private DNS zones of a subscription could not be listed; only the resource groups of the network were "
    "searched.",
    why="A role is missing on that subscription.",
    fix="Ask for Reader on it, or name the resource group of the zones in `Network.zone_resource_group`.",
)
DNS_ZONE_GROUP_MISSING = Kind(
    link="Network",
    code="dns-zone-group-missing",
    severity="error",
    message="The private endpoint {name!r} has no zone group, so no zone holds its addresses.",
    cause="It was created without DNS, or the zone group was deleted.",
    remedy="Create it: client.create_private_endpoints(spec, network, purpose='{purpose}').",
    meaning="A private endpoint has no zone group, so no private DNS zone holds its addresses.",
    fix="Repeat [`create_private_endpoints`](verbs/create_private_endpoints.md), or set `Network.dns` to `'none'` if "
    "you keep the records yourself.",
)
DNS_ZONE_GROUP_UNUSABLE = Kind(
    link="Network",
    code="dns-zone-group-unusable",
    severity="warning",
    message="The zone group {group!r} of the private endpoint {name!r} {problem}, so names do not resolve to the "
    "private endpoint in the virtual network {network!r}.",
    cause="The library never changes an existing zone group, because a policy can have created it.",
    remedy="Have the owner of the zone group correct or delete it, then repeat the call: a missing zone group is "
    "created.",
    meaning="A private endpoint has a zone group that does not write its addresses into the private DNS zones that are "
    "linked to the virtual network.",
    why="The zone group names other zones, for example those of another hub, or Azure could not finish it.",
    fix="Correct the zone group, or delete it and repeat "
    "[`create_private_endpoints`](verbs/create_private_endpoints.md). Set `Network.dns` to `'none'` if names "
    "resolve by other means.",
)
DNS_RECORD_REPLACED = Kind(
    link="Network",
    code="dns-record-replaced",
    severity="warning",
    message="The private DNS zone {zone} holds {held} for {record!r}, but the private endpoint {name!r} has "
    "{addresses}, so names do not lead the network {network!r} to that private endpoint.",
    cause="Another private endpoint to the same target writes to the same zone, which holds one record for it.",
    remedy="Let the networks that share the zone use one private endpoint, or link {network!r} to a zone of its own. "
    "If the other private endpoint is gone, delete the zone group {group!r} and repeat the call: it is created again.",
    meaning="The record of a private endpoint is missing from its private DNS zone, or has another address.",
    why="Two private endpoints to one target write to the same zone, for example from two networks of one hub. A zone "
    "holds one record for a target: the later private endpoint replaces it, and it goes when that one is deleted.",
    fix="Let the networks that share a zone use one private endpoint, or link one network to a zone of its own. If the "
    "other private endpoint is gone, delete the zone group, and repeat "
    "[`create_private_endpoints`](verbs/create_private_endpoints.md).",
)
DNS_RECORD_TAKEN = Kind(
    link="Network",
    code="dns-record-taken",
    severity="warning",
    message="The private DNS zone {zone} already holds {held} for {record!r}; the zone group of the private endpoint "
    "{name!r} replaces that record.",
    cause="Another private endpoint to the same target writes to the same zone, which holds one record for it.",
    remedy="Before you continue, find out which networks are linked to the zone: they reach the target through the "
    "new private endpoint afterwards. If they cannot reach it, use the existing private endpoint instead, or link "
    "{network!r} to a zone of its own.",
    meaning="A private DNS zone already holds a record for a target, and the zone group of a new private endpoint "
    "replaces it.",
    why="Another private endpoint to the same target writes to the same zone, for example from another network of one "
    "hub. A zone holds one record for a target.",
    fix="Let the networks that share a zone use one private endpoint, or link one network to a zone of its own.",
)
OWN_ENDPOINTS_SHARED = Kind(
    link="Network",
    code="private-endpoints-shared",
    severity="warning",
    message="The purpose {other!r} needs {names} as well, and its other private endpoints ({others}) are in the same "
    "subnet.",
    remedy="If it is still in use, create what it needs again afterwards: client.create_private_endpoints(spec, "
    "network, purpose='{other}').",
    meaning="A deletion concerns private endpoints that the other purpose needs in the same subnet.",
    why="Self-hosted runtimes and Studio share the private endpoint of a closed account.",
    fix="Delete the private endpoints of both purposes, or repeat "
    "[`create_private_endpoints`](verbs/create_private_endpoints.md) for the other purpose afterwards.",
)
OWN_ENDPOINTS_HIDDEN = Kind(
    link="Network",
    code="private-endpoints-unreadable",
    severity="warning",
    message="Some private endpoints of the subnet {subnet!r} cannot be read, so one that exists can seem missing.",
    cause="They are in resource groups that this caller is not allowed to read.",
    remedy="Ask for Reader on those resource groups, so that nothing is created twice.",
    meaning="The subnet holds private endpoints in resource groups that this caller is not allowed to read.",
    why="A role is missing on those resource groups.",
    fix="Ask for Reader on them.",
)
