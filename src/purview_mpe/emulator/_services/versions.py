"""The api-versions that each provider accepts: those of the specs, and those that current clients send.

Storage and Event Hubs clients send newer versions than the published specs hold; the operations used here
are the same in all of them (SDK sources of azure-mgmt-storage 25 and azure-mgmt-eventhub 12).
"""

from __future__ import annotations

# Python, JavaScript, Azure CLI, PowerShell and Terraform all send this one; others do not exist.
DATA_FACTORY = ("2018-06-01",)

# 2021-07-01: azure-mgmt-purview 1.0, @azure/arm-purview 1.0. 2021-12-01: Terraform azurerm.
# 2024-04-01-preview: azure-mgmt-purview 1.1.0b2 and later.
PURVIEW = ("2020-12-01-preview", "2021-07-01", "2021-12-01", "2023-05-01-preview", "2024-04-01-preview")

ADD_ROOT_ADMIN = tuple(version for version in PURVIEW if version >= "2021-07-01")

INGESTION = ("2023-05-01-preview", "2024-04-01-preview")

# Purview's own hosts. Policies: recorded 2021; collections: recorded 2022; domains and search: specs.
POLICY_STORE = ("2021-07-01-preview", "2021-07-01")
COLLECTIONS = ("2019-11-01-preview", "2023-10-01-preview", "2023-12-01-preview")
DOMAINS = ("2023-10-01-preview", "2023-12-01-preview")
SEARCH = ("2022-08-01-preview", "2023-09-01", "2023-10-01-preview", "2024-03-01-preview")

STORAGE = (
    "2019-06-01", "2020-08-01-preview", "2021-01-01", "2021-02-01", "2021-04-01", "2021-06-01", "2021-08-01",
    "2021-09-01", "2022-05-01", "2022-09-01", "2023-01-01", "2023-04-01", "2023-05-01", "2024-01-01",
    "2025-01-01", "2025-06-01", "2025-08-01", "2026-04-01", "2026-06-01", "2026-09-01",
)  # fmt: skip

EVENT_HUB = (
    "2018-01-01-preview", "2021-01-01-preview", "2021-06-01-preview", "2021-11-01", "2022-01-01-preview",
    "2022-10-01-preview", "2023-01-01-preview", "2024-01-01", "2024-05-01-preview", "2025-05-01-preview",
    "2026-01-01", "2026-07-01-preview",
)  # fmt: skip

AUTHORIZATION = ("2015-07-01", "2018-07-01", "2020-04-01-preview", "2022-04-01", "2022-05-01-preview")

LOCKS = ("2015-01-01", "2016-09-01", "2017-04-01", "2020-05-01")

# 2022-01-01: recorded. 2024-03-01: spec. 2026-03-01: azure-mgmt-network 33.
NETWORK = ("2022-01-01", "2024-03-01", "2026-03-01")

# 2024-06-01: azure-mgmt-privatedns 2.
PRIVATE_DNS = ("2018-09-01", "2020-06-01", "2024-06-01")

# Any well-formed date: the answers are the same in all of their many versions.
ANY: tuple[str, ...] = ()

# The properties of an account that only some Purview versions have (specs). All others are in every version.
_SINCE_2021_12 = frozenset({"accountStatus", "managedResourcesPublicNetworkAccess", "managedEventHubState"})
_SINCE_2023_05 = frozenset({"ingestionStorage"})
_SINCE_2024_04 = frozenset({"mergeInfo", "defaultDomain", "tenantEndpointState"})


def hidden_account_properties(api_version: str) -> frozenset[str]:
    """The properties of an account that this version does not have."""
    hidden: frozenset[str] = frozenset()
    if api_version < "2024-04":
        hidden |= _SINCE_2024_04
    if api_version < "2023-05":
        hidden |= _SINCE_2023_05
    if api_version < "2021-12":
        hidden |= _SINCE_2021_12
    return hidden


def shows_guardian(api_version: str) -> bool:
    """Whether `endpoints.guardian` exists in this version of an account (up to 2021-12-01, specs)."""
    return api_version <= "2021-12-01"


# Each provider's description of itself: its types and their versions.
PROVIDERS: dict[str, dict[str, tuple[str, ...]]] = {
    "Microsoft.DataFactory": {"factories": DATA_FACTORY, "factories/integrationRuntimes": DATA_FACTORY},
    "Microsoft.Purview": {"accounts": PURVIEW},
    "Microsoft.Storage": {"storageAccounts": STORAGE},
    "Microsoft.EventHub": {"namespaces": EVENT_HUB},
    "Microsoft.Network": {
        "virtualNetworks": NETWORK,
        "privateEndpoints": NETWORK,
        "networkInterfaces": NETWORK,
        "privateDnsZones": PRIVATE_DNS,
    },
    "Microsoft.Authorization": {"permissions": AUTHORIZATION, "locks": LOCKS},
}
