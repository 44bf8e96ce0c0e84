"""What a Purview account needs, read from its JSON: shapes A to F, the firewall setting, and irregular answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe._model.arm_id import ArmId
from purview_mpe._wire.account import read_account, unreadable_account
from purview_mpe.errors import AccessDenied, NotFound
from tests.support import published
from tests.support.nouns import ACCOUNT, GROUP, NAMESPACE, OTHER_STORAGE, STORAGE

if TYPE_CHECKING:
    from purview_mpe import Account

ID = ArmId.parse(ACCOUNT)
MANAGED = {"storageAccount": STORAGE, "resourceGroup": GROUP}
HUBS = {"eventHubNamespace": NAMESPACE}
INGESTION = {"ingestionStorage": {"id": OTHER_STORAGE, "publicNetworkAccess": "Disabled"}}


def read(**properties: Any) -> Account:
    return read_account({"id": ACCOUNT, "location": "westeurope", "properties": properties}, ID)


def targets(account: Account) -> list[tuple[str, str, str]]:
    return [(target.group_id, target.resource_id, target.connections) for target in account.targets]


def codes(account: Account) -> list[str]:
    return [finding.code for finding in account.warnings]


OWN = ("account", ACCOUNT, "account")
OLD = [("blob", STORAGE, "storage"), ("queue", STORAGE, "storage")]
NEW = [("blob", OTHER_STORAGE, "ingestion"), ("queue", OTHER_STORAGE, "ingestion")]
EVENTS = ("namespace", NAMESPACE, "namespace")

SHAPES: list[tuple[str, dict[str, Any], list[tuple[str, str, str]]]] = [
    ("A", {"managedResources": MANAGED | HUBS}, [OWN, *OLD, EVENTS]),
    ("A", {"managedResources": MANAGED | HUBS, "managedEventHubState": "Enabled"}, [OWN, *OLD, EVENTS]),
    ("A", {"managedResources": MANAGED | HUBS, "managedEventHubState": "NotSpecified"}, [OWN, *OLD, EVENTS]),
    ("A", {"managedResources": MANAGED | HUBS, "ingestionStorage": None}, [OWN, *OLD, EVENTS]),
    ("A", {"managedResources": MANAGED | HUBS, "ingestionStorage": {"id": ""}}, [OWN, *OLD, EVENTS]),
    ("B", {"managedResources": MANAGED}, [OWN, *OLD]),
    ("B", {"managedResources": MANAGED | {"eventHubNamespace": None}}, [OWN, *OLD]),
    ("B", {"managedResources": MANAGED | {"eventHubNamespace": ""}}, [OWN, *OLD]),
    ("B", {"managedResources": MANAGED | HUBS, "managedEventHubState": "Disabled"}, [OWN, *OLD]),
    ("B", {"managedResources": MANAGED | HUBS, "managedEventHubState": "disabled"}, [OWN, *OLD]),
    ("C", INGESTION, [OWN, *NEW]),
    ("C", INGESTION | {"managedResources": None}, [OWN, *NEW]),
    ("C", INGESTION | {"managedResources": {"storageAccount": "", "eventHubNamespace": None}}, [OWN, *NEW]),
    ("D", INGESTION | {"managedResources": HUBS}, [OWN, *NEW, EVENTS]),
    ("E", INGESTION | {"managedResources": MANAGED}, [OWN, *NEW]),
    ("E", INGESTION | {"managedResources": MANAGED | HUBS}, [OWN, *NEW, EVENTS]),
    ("F", {}, [OWN]),
    ("F", {"managedResources": HUBS}, [OWN]),
    ("F", {"managedResources": {"storageAccount": 5}, "ingestionStorage": "x"}, [OWN]),
]


@pytest.mark.parametrize(("shape", "properties", "expected"), SHAPES)
def test_shape_follows_from_the_properties(shape, properties, expected):
    """Null, empty and absent properties mean the same."""
    account = read(**properties)
    assert account.shape == shape
    assert targets(account) == expected


def test_other_fields_of_the_account():
    """Location, state and addresses are Azure's; the id is the requested one."""
    account = read_account(
        {
            "id": ACCOUNT.lower(),
            "location": "westeurope",
            "properties": {
                "provisioningState": "Succeeded",
                "endpoints": {"catalog": "https://pv1.purview.azure.com/catalog", "scan": None},
            },
        },
        ID,
    )
    assert (account.id, account.name, account.location) == (ACCOUNT, "pv1", "westeurope")
    assert account.provisioning_state == "Succeeded"
    assert account.endpoints == {"catalog": "https://pv1.purview.azure.com/catalog"}


def test_age_of_an_account_does_not_matter():
    """Microsoft's pages disagree about dates, so no date is used."""
    old, new = read(**INGESTION, createdAt="2019-01-01T00:00:00Z"), read(**INGESTION, createdAt="2029-01-01T00:00:00Z")
    assert (old.shape, old.targets) == (new.shape, new.targets)


# --- warnings


def test_two_storages_give_a_warning():
    """Shape E uses the ingestion storage and reports it; the managed storage is retired."""
    account = read(**INGESTION, managedResources=MANAGED)
    [finding] = account.warnings
    assert (finding.code, finding.severity) == ("two-storages", "warning")
    assert finding.message == (
        "The account has a managed storage account and an ingestion storage; the endpoints go to the ingestion storage."
    )
    assert finding.evidence == (
        f"managedResources.storageAccount: {STORAGE}",
        f"ingestionStorage.id: {OTHER_STORAGE}",
    )
    assert account.retired == (STORAGE,)


def test_same_storage_in_both_properties_is_one_storage():
    """Nothing is retired, and no warning is given."""
    account = read(managedResources=MANAGED, ingestionStorage={"id": STORAGE.upper()})
    assert (codes(account), account.retired) == ([], ())


def test_disabled_namespace_is_retired():
    """Endpoints to a namespace that was disabled serve no purpose."""
    assert read(managedResources=MANAGED | HUBS, managedEventHubState="Disabled").retired == (NAMESPACE,)


def test_resource_group_as_ingestion_storage_is_not_a_target():
    """Azure's own sample has a bare resource group there, which gives a warning."""
    account = read(managedResources=MANAGED, ingestionStorage={"id": GROUP})
    assert account.shape == "B"
    [finding] = account.warnings
    assert (finding.code, finding.severity) == ("unexpected-id", "warning")
    assert finding.message == (
        "ingestionStorage.id is not the id of a Microsoft.Storage/storageAccounts, so it is not a target."
    )
    assert finding.evidence == (f"ingestionStorage.id: '{GROUP}'",)


@pytest.mark.parametrize("odd", ["nonsense", 5, ["x"], {"id": STORAGE}, NAMESPACE, True, "x" * 10_000])
def test_invalid_id_of_a_storage_gives_a_warning(odd):
    """The value is shown with a bounded length and is not a target."""
    account = read(managedResources={"storageAccount": odd})
    assert account.shape == "F"
    assert codes(account) == ["unexpected-id", "shape-unknown"]
    assert len(account.warnings[0].evidence[0]) < 300


@pytest.mark.parametrize("state", ["Creating", "creating", "Unknown"])
def test_unknown_shape_of_a_new_account(state):
    """While the account is being created, the remedy says to wait."""
    [finding] = read(provisioningState=state).warnings
    assert (finding.code, finding.severity) == ("shape-unknown", "error")
    assert finding.message == "It is not known which ingestion endpoints the account needs."
    assert finding.cause == "The account is still being created."
    assert finding.evidence == (f"provisioningState: {state}",)
    assert finding.remedy == "Wait until the account is created, then try again."


def test_unknown_shape_of_a_ready_account():
    """The remedy says what to check, and how to plan the account endpoint alone."""
    [finding] = read().warnings
    assert finding.cause == "The account shows neither a managed storage account nor an ingestion storage."
    assert finding.evidence == ("provisioningState: (absent)",)
    assert finding.remedy == (
        "Check the account with az purview account show; if you need the account endpoint alone, "
        "set Spec.groups to ('account',)."
    )


@pytest.mark.parametrize(
    ("properties", "group"),
    [
        ({"managedResources": {"resourceGroup": f"{GROUP}-managed"}}, f"{GROUP}-managed"),
        ({"managedResources": {"storageAccount": STORAGE}}, GROUP),
        ({"managedResources": HUBS, "managedEventHubState": "Disabled"}, GROUP),
        ({"managedResources": {"resourceGroup": "nonsense"}}, None),
        (INGESTION, None),
    ],
)
def test_managed_resource_group(properties, group):
    """The group is given, or is that of any managed resource; Microsoft owns the ingestion storage's group."""
    assert read(**properties).managed_group == group


@pytest.mark.parametrize(
    ("state", "code", "severity"),
    [
        ("Creating", "account-changing", "warning"),
        ("Unknown", "account-changing", "warning"),
        ("Moving", "account-changing", "warning"),
        ("SomethingNew", "account-changing", "warning"),
        ("Deleting", "account-leaving", "error"),
        ("softDeleting", "account-leaving", "error"),
        ("SoftDeleted", "account-leaving", "error"),
        ("Failed", "account-failed", "warning"),
        ("Canceled", "account-failed", "warning"),
    ],
)
def test_unsettled_account_state_is_a_finding(state, code, severity):
    """Every state but Succeeded is reported with its effect on the plan; the targets are read all the same."""
    account = read(managedResources=MANAGED, provisioningState=state)
    [finding] = account.warnings
    assert (finding.code, finding.severity) == (code, severity)
    assert f"'pv1' is in the state {state}" in finding.message
    assert finding.evidence == (f"provisioningState: {state}",)
    assert account.shape == "B"


@pytest.mark.parametrize("state", ["Succeeded", "succeeded", "", None, 5])
def test_settled_account_has_no_finding_about_its_state(state):
    """A ready account, and one that shows no state, give no warning."""
    assert read(managedResources=MANAGED, provisioningState=state).warnings == ()


def test_failed_account_shows_azures_reason():
    """Azure's message about the failure is evidence, on one line."""
    account_status = {"accountProvisioningState": "Failed", "errorDetails": {"code": "x", "message": "no\nquota"}}
    [finding] = read(managedResources=MANAGED, provisioningState="Failed", accountStatus=account_status).warnings
    assert finding.evidence == ("provisioningState: Failed", "accountStatus: no quota")


def test_invalid_state_is_shown_short():
    """The state is one line of bounded length in the message."""
    [finding] = read(managedResources=MANAGED, provisioningState="x\x1b[2J" + "y" * 10_000).warnings
    assert len(finding.message) < 300
    assert "\x1b" not in finding.message


@pytest.mark.parametrize("state", ["Deleting", "Failed"])
def test_remedy_does_not_wait_for_a_deleting_or_failed_account(state):
    """Both findings are reported, and the one for shape F does not say to wait."""
    account = read(provisioningState=state)
    assert codes(account)[1:] == ["shape-unknown"]
    assert "Wait" not in account.warnings[1].remedy


def test_unreadable_account_has_only_its_own_target():
    """Without Reader, only the account endpoint is known, as in the portal; the finding names the role."""
    account = unreadable_account(ID, AccessDenied("403", remedy="", status=403))
    assert (account.shape, account.firewall, targets(account)) == (None, None, [OWN])
    [finding] = account.warnings
    assert (finding.code, finding.severity, finding.evidence) == ("account-unreadable", "warning", ("403",))
    assert finding.message == "Only the account endpoint can be planned: this caller is not allowed to read 'pv1'."
    assert finding.remedy == (
        "Ask an owner of the account for the role Reader: az role assignment create --role Reader "
        f"--assignee YOU --scope {ACCOUNT}"
    )


def test_account_in_an_invisible_subscription():
    """A role does not help there; the remedy is about the tenant of the sign-in."""
    account = unreadable_account(ID, AccessDenied("404", remedy="Sign in to its tenant.", status=404))
    [finding] = account.warnings
    assert (finding.code, finding.evidence) == ("account-unreadable", ("404",))
    assert finding.remedy == "Sign in to its tenant."


def test_deleted_account_is_shown_as_an_unreadable_one():
    """`delete_all` replaces this warning with one of its own."""
    [finding] = unreadable_account(ID, NotFound("gone", remedy="", status=404)).warnings
    assert finding.remedy.startswith("Ask an owner of the account for the role Reader")


# --- firewall

OPEN, HALF, CLOSED = "enabled-from-all-networks", "disabled-for-ingestion-only", "disabled-from-all-networks"


@pytest.mark.parametrize(
    ("account", "managed", "ingestion", "firewall", "warned"),
    [
        # flags of the account, the managed resources and the ingestion storage (None: absent)
        ("Enabled", "Enabled", None, OPEN, False),
        (None, None, None, OPEN, False),
        ("NotSpecified", "NotSpecified", None, OPEN, False),
        ("Enabled", "Disabled", None, HALF, False),
        ("enabled", "disabled", None, HALF, False),
        (None, "Disabled", None, HALF, False),
        ("Disabled", "Enabled", None, CLOSED, False),
        ("Disabled", "Disabled", "Enabled", CLOSED, False),
        ("disabled", None, None, CLOSED, False),
        ("Enabled", None, "Disabled", HALF, False),
        ("Enabled", None, "Enabled", OPEN, False),
        ("Enabled", "Disabled", "Disabled", HALF, False),
        ("Enabled", "Enabled", "Disabled", HALF, True),
        ("Enabled", "Disabled", "Enabled", HALF, True),
        ("Enabled", "NotSpecified", "Disabled", HALF, True),
        ("Sometimes", 5, ["Disabled"], OPEN, False),
    ],
)
def test_firewall_setting(account, managed, ingestion, firewall, warned):
    """The flags give the portal's setting; if they disagree, the stricter one counts, with a warning."""
    properties: dict[str, Any] = {"publicNetworkAccess": account, "managedResourcesPublicNetworkAccess": managed}
    if ingestion is not None:
        properties["ingestionStorage"] = {"id": OTHER_STORAGE, "publicNetworkAccess": ingestion}
    else:
        properties["managedResources"] = MANAGED
    read_as = read(**properties)
    assert read_as.firewall == firewall
    assert codes(read_as) == (["flags-disagree"] if warned else [])


def test_disagreeing_flags_are_shown():
    """The warning shows both flags with their values."""
    [finding] = read(
        managedResourcesPublicNetworkAccess="Enabled",
        ingestionStorage={"id": OTHER_STORAGE, "publicNetworkAccess": "Disabled"},
    ).warnings
    assert finding.evidence == (
        "managedResourcesPublicNetworkAccess: Enabled",
        "ingestionStorage.publicNetworkAccess: Disabled",
    )


def test_ingestion_flag_counts_with_any_id():
    """A closed ingestion storage closes ingestion even if its id is a resource group, as in Azure's sample."""
    account = read(managedResources=MANAGED, ingestionStorage={"id": GROUP, "publicNetworkAccess": "Disabled"})
    assert account.firewall == HALF


def test_ingestion_flag_without_storage_is_ignored():
    """Without an ingestion storage, the flag has no meaning."""
    account = read(managedResources=MANAGED, ingestionStorage={"publicNetworkAccess": "Disabled"})
    assert account.firewall == OPEN


# --- Azure's own examples

# Bodies made for these tests in the form of Azure's examples, with all the irrelevant fields.
AROUND: dict[str, Any] = {
    "id": ACCOUNT,
    "name": "pv1",
    "type": "Microsoft.Purview/accounts",
    "location": "West US 2",
    "sku": {"name": "Standard", "capacity": 4},
    "identity": {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"},
    "systemData": {"createdAt": "2023-05-01T00:00:00Z"},
    "tags": None,
}
PROPERTIES: dict[str, Any] = {
    "friendlyName": "friendly-account1",
    "accountStatus": {"accountProvisioningState": "Succeeded"},
    "cloudConnectors": {"awsExternalId": "x"},
    "mergeInfo": {"mergeStatus": "NotSpecified"},
    "endpoints": {"catalog": "https://pv1.catalog.purview.azure.com", "scan": "https://pv1.scan.purview.azure.com"},
    "privateEndpointConnections": [],
    "publicNetworkAccess": "NotSpecified",
}


@pytest.mark.parametrize(("shape", "properties", "expected"), SHAPES)
def test_irrelevant_fields_do_not_change_the_shape(shape, properties, expected):
    """The other fields of a complete body do not change what is read."""
    account = read_account(AROUND | {"properties": PROPERTIES | properties}, ID)
    assert (account.shape, targets(account)) == (shape, expected)


def test_azures_published_accounts_are_read():
    """With managed resources, an account has shape A, otherwise F; a bare resource group gives a warning."""
    accounts = published.items(published.examples("purview", "Accounts_*Get*.json"))
    accounts += published.items(published.examples("purview", "Accounts_ListBy*.json"))
    accounts += published.items(published.examples("purview", "Accounts_CreateOrUpdate.json"))
    if not accounts:
        pytest.skip(published.HINT)
    for body in accounts:
        account = read_account(body, ArmId.parse(body["id"]))
        group_ids = [target.group_id for target in account.targets]
        if "managedResources" in body["properties"]:
            assert (account.shape, group_ids) == ("A", ["account", "blob", "queue", "namespace"])
        else:
            assert (account.shape, group_ids) == ("F", ["account"])
        assert ("unexpected-id" in codes(account)) == ("ingestionStorage" in body["properties"])
