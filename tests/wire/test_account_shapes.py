"""What a Purview account needs, read from its JSON: shapes A to F, the firewall setting, and odd answers."""

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
def test_a_shape_is_read_from_the_properties(shape, properties, expected):
    """Shape and targets follow from the properties; null, empty and absent mean the same."""
    account = read(**properties)
    assert account.shape == shape
    assert targets(account) == expected


def test_the_rest_of_the_account():
    """Location, state and the addresses that Azure gives are taken over; the id is the one that was asked for."""
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


def test_the_age_of_an_account_does_not_matter():
    """Microsoft's pages disagree about dates, so none is looked at."""
    old, new = read(**INGESTION, createdAt="2019-01-01T00:00:00Z"), read(**INGESTION, createdAt="2029-01-01T00:00:00Z")
    assert (old.shape, old.targets) == (new.shape, new.targets)


# --- warnings


def test_two_storages_are_warned_of():
    """Shape E uses the ingestion storage and says so; the managed one is retired."""
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


def test_one_storage_named_twice_is_one_storage():
    """Where both properties name the same storage account there is nothing to warn of, and nothing is retired."""
    account = read(managedResources=MANAGED, ingestionStorage={"id": STORAGE.upper()})
    assert (codes(account), account.retired) == ([], ())


def test_a_disabled_namespace_is_retired():
    """Endpoints to a namespace that was switched off are of no use any more."""
    assert read(managedResources=MANAGED | HUBS, managedEventHubState="Disabled").retired == (NAMESPACE,)


def test_an_ingestion_storage_that_is_a_resource_group_is_no_target():
    """Azure's own sample shows a bare resource group there; that is told and not planned to."""
    account = read(managedResources=MANAGED, ingestionStorage={"id": GROUP})
    assert account.shape == "B"
    [finding] = account.warnings
    assert (finding.code, finding.severity) == ("unexpected-id", "warning")
    assert finding.message == (
        "ingestionStorage.id is not the id of a Microsoft.Storage/storageAccounts, so it is not a target."
    )
    assert finding.evidence == (f"ingestionStorage.id: '{GROUP}'",)


@pytest.mark.parametrize("odd", ["nonsense", 5, ["x"], {"id": STORAGE}, NAMESPACE, True, "x" * 10_000])
def test_ids_that_are_none_are_told(odd):
    """Whatever stands where a storage account's id belongs is told, cut to a readable length, and not planned to."""
    account = read(managedResources={"storageAccount": odd})
    assert account.shape == "F"
    assert codes(account) == ["unexpected-id", "shape-unknown"]
    assert len(account.warnings[0].evidence[0]) < 300


@pytest.mark.parametrize("state", ["Creating", "creating", "Unknown"])
def test_an_account_in_the_making_cannot_be_told_yet(state):
    """Shape F of a fresh account says to wait."""
    [finding] = read(provisioningState=state).warnings
    assert (finding.code, finding.severity) == ("shape-unknown", "error")
    assert finding.message == "It is not known which ingestion endpoints the account needs."
    assert finding.cause == "The account is still being created."
    assert finding.evidence == (f"provisioningState: {state}",)
    assert finding.remedy == "Wait until the account is created, then try again."


def test_an_account_that_hides_its_resources_cannot_be_told():
    """Shape F of a ready account says what to look at, and how to go on with the account endpoint alone."""
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
    """It is shown, or is that of any managed resource; the ingestion storage's is Microsoft's own."""
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
def test_state_of_account_on_its_way_in_or_out_is_a_finding(state, code, severity):
    """Every state but Succeeded is named, with what it means for the plan; the targets are read all the same."""
    account = read(managedResources=MANAGED, provisioningState=state)
    [finding] = account.warnings
    assert (finding.code, finding.severity) == (code, severity)
    assert f"'pv1' is in the state {state}" in finding.message
    assert finding.evidence == (f"provisioningState: {state}",)
    assert account.shape == "B"


@pytest.mark.parametrize("state", ["Succeeded", "succeeded", "", None, 5])
def test_settled_account_has_no_finding_about_its_state(state):
    """A finished account, and one that shows no state, give nothing to warn of."""
    assert read(managedResources=MANAGED, provisioningState=state).warnings == ()


def test_failed_account_shows_azure_reason():
    """What Azure says about the failure is evidence, as one line."""
    told = {"accountProvisioningState": "Failed", "errorDetails": {"code": "x", "message": "no\nquota"}}
    [finding] = read(managedResources=MANAGED, provisioningState="Failed", accountStatus=told).warnings
    assert finding.evidence == ("provisioningState: Failed", "accountStatus: no quota")


def test_state_that_is_no_word_is_shown_short():
    """A state from outside is one bounded line in the message."""
    [finding] = read(managedResources=MANAGED, provisioningState="x\x1b[2J" + "y" * 10_000).warnings
    assert len(finding.message) < 300
    assert "\x1b" not in finding.message


@pytest.mark.parametrize("state", ["Deleting", "Failed"])
def test_hidden_resources_of_account_on_its_way_out_are_not_waited_for(state):
    """Shape F of such an account gives both findings, and neither says to wait for its creation."""
    account = read(provisioningState=state)
    assert codes(account)[1:] == ["shape-unknown"]
    assert "Wait" not in account.warnings[1].remedy


def test_an_account_that_may_not_be_read():
    """Without Reader there is the account endpoint alone, as in the portal, with the role that is missing."""
    account = unreadable_account(ID, AccessDenied("403", remedy="", status=403))
    assert (account.shape, account.firewall, targets(account)) == (None, None, [OWN])
    [finding] = account.warnings
    assert (finding.code, finding.severity, finding.evidence) == ("account-unreadable", "warning", ("403",))
    assert finding.message == "Only the account endpoint can be planned: this caller is not allowed to read 'pv1'."
    assert finding.remedy == (
        "Ask an owner of the account for the role Reader: az role assignment create --role Reader "
        f"--assignee YOU --scope {ACCOUNT}"
    )


def test_an_account_in_a_hidden_subscription():
    """A role does not help there: the remedy is about the tenant that the caller is signed in to."""
    account = unreadable_account(ID, AccessDenied("404", remedy="Sign in to its tenant.", status=404))
    [finding] = account.warnings
    assert (finding.code, finding.evidence) == ("account-unreadable", ("404",))
    assert finding.remedy == "Sign in to its tenant."


def test_a_deleted_account_is_shown_as_an_unreadable_one():
    """A takedown replaces the warning by one of its own."""
    [finding] = unreadable_account(ID, NotFound("gone", remedy="", status=404)).warnings
    assert finding.remedy.startswith("Ask an owner of the account for the role Reader")


# --- firewall

OPEN, HALF, CLOSED = "enabled-from-all-networks", "disabled-for-ingestion-only", "disabled-from-all-networks"


@pytest.mark.parametrize(
    ("account", "managed", "ingestion", "firewall", "warned"),
    [
        # flags: of the account, of the managed resources, of the ingestion storage (absent where None)
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
def test_the_firewall_setting(account, managed, ingestion, firewall, warned):
    """The portal's setting follows from the flags; where two disagree the stricter one counts, with a warning."""
    properties: dict[str, Any] = {"publicNetworkAccess": account, "managedResourcesPublicNetworkAccess": managed}
    if ingestion is not None:
        properties["ingestionStorage"] = {"id": OTHER_STORAGE, "publicNetworkAccess": ingestion}
    else:
        properties["managedResources"] = MANAGED
    read_as = read(**properties)
    assert read_as.firewall == firewall
    assert codes(read_as) == (["flags-disagree"] if warned else [])


def test_flags_that_disagree_are_shown():
    """The warning names both flags with what they say."""
    [finding] = read(
        managedResourcesPublicNetworkAccess="Enabled",
        ingestionStorage={"id": OTHER_STORAGE, "publicNetworkAccess": "Disabled"},
    ).warnings
    assert finding.evidence == (
        "managedResourcesPublicNetworkAccess: Enabled",
        "ingestionStorage.publicNetworkAccess: Disabled",
    )


def test_the_ingestion_flag_counts_whatever_the_id_names():
    """A closed ingestion storage closes ingestion also where its id is spelled as in Azure's sample."""
    account = read(managedResources=MANAGED, ingestionStorage={"id": GROUP, "publicNetworkAccess": "Disabled"})
    assert account.firewall == HALF


def test_an_ingestion_flag_without_storage_counts_for_nothing():
    """Without an ingestion storage there is nothing that the flag could be about."""
    account = read(managedResources=MANAGED, ingestionStorage={"publicNetworkAccess": "Disabled"})
    assert account.firewall == OPEN


# --- Azure's own examples

# Our own bodies, in the manner of the examples: with everything around that is of no interest here.
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
def test_bodies_in_the_manner_of_the_examples(shape, properties, expected):
    """Nothing around the fields that count changes what is read."""
    account = read_account(AROUND | {"properties": PROPERTIES | properties}, ID)
    assert (account.shape, targets(account)) == (shape, expected)


def test_azures_published_accounts_are_read():
    """A published account that names managed resources is of shape A, any other of F; a bare group is told."""
    accounts = published.items(published.examples("purview", "Accounts_*Get*.json"))
    accounts += published.items(published.examples("purview", "Accounts_ListBy*.json"))
    accounts += published.items(published.examples("purview", "Accounts_CreateOrUpdate.json"))
    if not accounts:
        pytest.skip(published.HINT)
    for body in accounts:
        account = read_account(body, ArmId.parse(body["id"]))
        told = [target.group_id for target in account.targets]
        if "managedResources" in body["properties"]:
            assert (account.shape, told) == ("A", ["account", "blob", "queue", "namespace"])
        else:
            assert (account.shape, told) == ("F", ["account"])
        assert ("unexpected-id" in codes(account)) == ("ingestionStorage" in body["properties"])
