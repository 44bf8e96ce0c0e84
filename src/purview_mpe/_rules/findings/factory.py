"""Findings about the data factory: its connection, identity, network, runtimes and limits."""

from __future__ import annotations

from purview_mpe._rules.findings.kind import Kind

NOT_CONNECTED = Kind(
    link="Factory",
    code="not-connected",
    severity="error",
    message="The factory {factory!r} is not connected to a Purview account.",
    cause="Without the connection, no activity reports lineage.",
    remedy="Connect it: client.connect(spec), or Data Factory Studio, Manage, Microsoft Purview.",
    meaning="The factory is not connected to a Purview account.",
    fix="[`connect`](verbs/connect.md), or Data Factory Studio, Manage, Microsoft Purview.",
)
CONNECTED_ELSEWHERE = Kind(
    link="Factory",
    code="connected-elsewhere",
    severity="error",
    message="The factory {factory!r} is connected to another Purview account.",
    cause="A factory reports lineage to one account only.",
    remedy="Correct Spec.account, or connect the factory to the account: client.connect(spec, replace=True).",
    meaning="The factory is connected to another account than the spec names.",
    fix="Correct `Spec.account`, or call `connect(spec, replace=True)`.",
)
NO_SYSTEM_IDENTITY = Kind(
    link="Factory",
    code="no-system-identity",
    severity="error",
    message="The factory has no system-assigned managed identity, which it needs to sign in to Purview.",
    cause="Data Factory pushes lineage with that identity; it does not use user-assigned ones.",
    remedy="Switch it on: client.connect(spec, identity=True), or client.onboard(spec) for everything at once.",
    meaning="The factory has no system-assigned managed identity.",
    fix="`connect(spec, identity=True)`, or [`onboard`](verbs/onboard.md) for everything at once.",
)
DATA_CURATOR_MISSING = Kind(
    link="Factory",
    code="data-curator-missing",
    severity="error",
    message="The factory's managed identity is not Data Curator on the account's root collection.",
    cause="Purview refuses lineage from an identity without that role; Azure roles do not replace it.",
    remedy="Give it the role: client.grant(spec).",
    meaning="The factory's managed identity is not Data Curator on the root collection.",
    fix="[`grant`](verbs/grant.md) gives it the role; [`onboard`](verbs/onboard.md) does everything else as well.",
)
DATA_CURATOR_UNREADABLE = Kind(
    link="Factory",
    code="data-curator-unreadable",
    severity="info",
    message="This caller cannot see whether the factory's identity is Data Curator on the account.",
    cause="{reason}.",
    remedy="Call client.grant(spec) from where the account can be reached, as a collection administrator; it changes "
    "nothing if the identity has the role.",
    meaning="This caller cannot see whether the factory's identity is Data Curator on the root collection.",
    why="The caller is outside the account's network, or is not a collection administrator; the finding says which.",
)
DATA_CURATOR_LEFT_OUT = Kind(
    link="Factory",
    code="data-curator-left-out",
    severity="info",
    message="The role Data Curator was left out, so it is not known whether the factory's identity has it.",
    cause="Without the role, Purview refuses the factory's lineage, so a report without it is not complete.",
    remedy="See whether the identity has the role: client.check(spec). Or give it: client.grant(spec).",
    meaning="`onboard` was asked to leave out the role Data Curator, so its report is not complete.",
    why="The caller asked for everything but the role (`grant` in Python, `--no-grant` in a shell).",
    fix="[`check`](verbs/check.md) says whether the identity has the role, and [`grant`](verbs/grant.md) gives it.",
)
BECAME_COLLECTION_ADMIN = Kind(
    link="Factory",
    code="became-collection-admin",
    severity="warning",
    message="The caller ({caller}) was made a collection administrator of the root collection.",
    cause="become_admin was set, and the caller was not a collection administrator.",
    remedy="Remove the caller under Data Map, Collections, the root collection, Role assignments, when you need to "
    "grant no more roles.",
    meaning="`grant` or `onboard` made the caller a collection administrator.",
    why="`become_admin` was set, and the caller was not one.",
)
WOULD_BECOME_COLLECTION_ADMIN = Kind(
    link="Factory",
    code="would-become-collection-admin",
    severity="warning",
    message="The caller ({caller}) would be made a collection administrator of the root collection.",
    cause="become_admin was set, and the caller is not a collection administrator.",
    remedy="Drop become_admin if the caller must not get this role; then a collection administrator has to give the "
    "role Data Curator.",
    meaning="In a dry run: `grant` or `onboard` would make the caller a collection administrator.",
    why="`become_admin` was set, and the caller is not one. A dry run cannot see who is Data Curator already.",
)
IMPLICIT_RUNTIME_MOVES = Kind(
    link="Factory",
    code="implicit-runtime-moves",
    severity="warning",
    message="Saving {runtime} in the managed virtual network moves everything in the factory that names no other "
    "integration runtime.",
    cause="Linked services and data flows without a runtime of their own use it.",
    remedy="Leave Spec.runtime at None to create a separate runtime, if not everything should move.",
    meaning="The plan saves `AutoResolveIntegrationRuntime` in the managed virtual network, and everything that names "
    "no other runtime moves with it.",
)
RUNTIME_NOT_USED_YET = Kind(
    link="Factory",
    code="runtime-not-used-yet",
    severity="info",
    message="Linked services and data flows use the integration runtime {runtime!r} once they name it.",
    cause="Each keeps the runtime that it names; without a name it uses the factory's public runtime.",
    remedy="Let them name it (connectVia in a linked service, integrationRuntime in a data flow activity).",
    meaning="Nothing uses a new integration runtime yet.",
)
MANAGED_NETWORK_MISSING = Kind(
    link="Factory",
    code="managed-network-missing",
    severity="warning",
    message="The factory has no managed virtual network.",
    cause="A factory gets one with its first integration runtime that has virtual network configuration.",
    remedy="Do nothing if you apply the plan: it creates one. client.onboard(spec) also creates a runtime in it.",
    meaning="The factory has no managed virtual network.",
)
MANAGED_RUNTIME_MISSING = Kind(
    link="Factory",
    code="managed-runtime-missing",
    severity="error",
    message="No integration runtime of the factory is in its managed virtual network, so no activity would use the "
    "managed private endpoints.",
    cause="An existing Azure integration runtime cannot be moved into a managed virtual network.",
    remedy="Create one: client.onboard(spec), or client.create_all(spec) with Spec.runtime set; then let the linked "
    "services use it (connectVia).",
    meaning="No integration runtime is in the managed virtual network, so no activity would use the endpoints.",
)
RUNTIME_UNSUPPORTED = Kind(
    link="Factory",
    code="runtime-unsupported",
    severity="error",
    message="Lineage does not arrive from activities on {runtimes}.",
    cause="{reason}",
    remedy="Let the linked services of those activities use an Azure integration runtime in the managed virtual "
    "network, or open the account's firewall.",
    meaning="Lineage does not arrive from activities on some runtimes of the factory.\n"
    "It is a warning if another runtime of the factory is supported.",
    why="The [support matrix](reference/matrix.md): all public access to the account is closed, and such a runtime "
    "has no other.",
)
IMPLICIT_RUNTIME_PUBLIC = Kind(
    link="Factory",
    code="implicit-runtime-public",
    severity="warning",
    message="{runtime}, which every factory has, runs outside the managed virtual network, so lineage does not arrive "
    "from activities on it.",
    cause="A linked service or data flow that names no integration runtime uses it. It is not in the list of runtimes "
    "until it is saved for the first time.",
    remedy="Let the linked services and data flows name a runtime in the managed virtual network (connectVia).",
    meaning="`AutoResolveIntegrationRuntime`, which every factory has, runs outside the managed virtual network.\n"
    "The list of runtimes does not show it until it is saved for the first time.",
)
SSIS_OUTSIDE_THE_MATRIX = Kind(
    link="Factory",
    code="ssis-outside-the-matrix",
    severity="info",
    message="Microsoft documents nothing about lineage from {runtimes} to a firewalled account.",
    cause="{reason}",
    remedy="Test it with one package; SSIS lineage also needs the tag catalogUri on the factory (Microsoft's page on "
    "connecting a factory to Purview).",
    meaning="Microsoft documents nothing about lineage from an SSIS runtime to a firewalled account.",
    why="Microsoft's matrix has no such column.",
)
ENTITY_LIMIT = Kind(
    link="Factory",
    code="entity-limit",
    severity="warning",
    message="The factory is nearly full: Azure allows {limit} entities.",
    cause="Pipelines, datasets, triggers, linked services, private endpoints and runtimes count together.",
    remedy="Delete unused entities, or ask Azure support for a higher limit.",
    meaning="The factory is nearly full.\nIt is an error if the endpoints do not fit.",
    why="Azure allows 5,000 entities per factory: pipelines, datasets, triggers, linked services, runtimes and private "
    "endpoints together.",
)
ENTITY_LIMIT_EXCEEDED = ENTITY_LIMIT.said(
    "The factory has no room for the endpoints: Azure allows {limit} entities.", severity="error"
)
FACTORY_UNREADABLE = Kind(
    link="Factory",
    code="factory-unreadable",
    severity="error",
    message="This caller is not allowed to read {parts}.",
    cause="What cannot be read is not checked.",
    remedy="{remedy}",
    meaning="Parts of a factory could not be read, and so were not checked.",
    why="A role is missing.",
    fix="Ask for Reader on the factory; the finding names the parts that were left out.",
)
FACTORY_UNREADABLE_IN_SEARCH = FACTORY_UNREADABLE.said(
    "The endpoints of the factory {factory!r} cannot be read, so nothing about it is certain.",
    cause="",
    severity="warning",
)
SUBSCRIPTIONS_UNREADABLE = Kind(
    link="Factory",
    code="subscriptions-unreadable",
    severity="warning",
    message="Your subscriptions cannot be listed, so factories were searched in the subscription {subscription} only.",
    remedy="Repeat the call; if it happens again, look at the factories of other subscriptions by hand.",
    meaning="The list of the caller's subscriptions could not be read, so factories in subscriptions other than the "
    "account's are missing from the search.",
    why="Azure did not answer, or answered with something other than a list.",
    fix="Repeat the call. Before you remove a connection, check that no factory of another subscription uses it.",
)
FACTORIES_UNREADABLE = Kind(
    link="Factory",
    code="factories-unreadable",
    severity="warning",
    message="The factories of the subscription {subscription} cannot be listed, so nothing there is known.",
    remedy="{remedy}",
    meaning="The factories of a subscription could not be listed, so nothing is known about its endpoints and "
    "connections.",
    why="A role is missing on that subscription.",
    fix="Ask for Reader on it, or leave it out.",
)
