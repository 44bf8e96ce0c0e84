"""The relevant built-in roles, and the callers that tests need most often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe.emulator._state.access import OWNER, Role
from purview_mpe.emulator._state.policies import ROLE_IDS

if TYPE_CHECKING:
    from purview_mpe.emulator._state.policies import CollectionRole

# Published definitions of the built-in roles.
_SHARED = (
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.ResourceHealth/availabilityStatuses/read",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
)
BUILT_IN = {
    role.name.casefold(): role
    for role in (
        OWNER,
        Role(
            "Contributor",
            ("*",),
            (
                "Microsoft.Authorization/*/Delete",
                "Microsoft.Authorization/*/Write",
                "Microsoft.Authorization/elevateAccess/Action",
                "Microsoft.Blueprint/blueprintAssignments/write",
                "Microsoft.Blueprint/blueprintAssignments/delete",
                "Microsoft.Compute/galleries/share/action",
            ),
        ),
        Role("Reader", ("*/read",)),
        Role(
            "Data Factory Contributor",
            (
                *_SHARED,
                "Microsoft.DataFactory/dataFactories/*",
                "Microsoft.DataFactory/factories/*",
                "Microsoft.EventGrid/eventSubscriptions/write",
            ),
        ),
        Role("Network Contributor", (*_SHARED, "Microsoft.Network/*")),
        Role(
            "Private DNS Zone Contributor",
            (
                *_SHARED,
                "Microsoft.Network/privateDnsZones/*",
                "Microsoft.Network/privateDnsOperationResults/*",
                "Microsoft.Network/privateDnsOperationStatuses/*",
                "Microsoft.Network/virtualNetworks/read",
                "Microsoft.Network/virtualNetworks/join/action",
            ),
        ),
        Role(
            "Storage Account Contributor",
            (
                *_SHARED,
                "Microsoft.Insights/diagnosticSettings/*",
                "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
                "Microsoft.Storage/storageAccounts/*",
            ),
        ),
    )
}

# Not roles of Azure, but the four people of this job, with their permissions at any scope.
PEOPLE = {
    "none": (),
    "reader": (BUILT_IN["reader"],),
    "requester": (
        BUILT_IN["data factory contributor"],
        Role("Purview account reader", ("Microsoft.Purview/accounts/read", "Microsoft.Purview/accounts/*/read")),
    ),
    "approver": (
        Role(
            "Private endpoint approver",
            (
                "Microsoft.Authorization/permissions/read",
                "Microsoft.Purview/accounts/*",
                "Microsoft.Storage/storageAccounts/*",
                "Microsoft.EventHub/namespaces/*",
            ),
        ),
    ),
}


def collection_role_called(name: str) -> CollectionRole | None:
    """The role on a root collection with this name."""
    return next((role for role in ROLE_IDS if role == name), None)


def roles_called(name: str) -> tuple[Role, ...]:
    """The roles behind a name: a built-in role, or one of the four people.

    Raises:
        ValueError: the role does not exist; the message lists the existing ones.
    """
    if name in PEOPLE:
        return PEOPLE[name]
    found = BUILT_IN.get(name.casefold())
    if found is None:
        known = ", ".join([*PEOPLE, *ROLE_IDS, *(role.name for role in BUILT_IN.values())])
        raise ValueError(f"the role {name!r} does not exist; known are {known}, or make one with Role(name, actions)")
    return (found,)
