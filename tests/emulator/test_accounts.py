"""Purview accounts: their shapes, and how the api-version changes what they show."""

import json
import os
from pathlib import Path

import pytest
from azure.mgmt.purview import PurviewManagementClient

from purview_mpe.emulator import Emulator

VERSIONS = ("2021-07-01", "2021-12-01", "2023-05-01-preview", "2024-04-01-preview")


@pytest.mark.parametrize(
    ("shape", "managed", "namespace", "ingestion"),
    [
        ("A", True, True, False),
        ("B", True, False, False),
        ("C", False, False, True),
        ("D", False, True, True),
        ("E", True, False, True),
        ("F", False, False, False),
    ],
)
def test_accounts_of_each_shape(shape, managed, namespace, ingestion):
    """An account of a shape shows exactly the properties of that shape."""
    emulator = Emulator(shape=shape)
    client = PurviewManagementClient(emulator.credential, emulator.account.subscription, transport=emulator.transport())
    properties = client.accounts.get("rg1", "pv1").as_dict()["properties"]
    resources = properties.get("managedResources", {})
    assert ("storageAccount" in resources, "eventHubNamespace" in resources) == (managed, namespace)
    assert ("ingestionStorage" in properties) is ingestion
    assert properties["provisioningState"] == ("Creating" if shape == "F" else "Succeeded")
    expected = (
        {"account"} | ({"blob", "queue"} if managed or ingestion else set()) | ({"namespace"} if namespace else set())
    )
    assert set(emulator.targets(emulator.account)) == expected


@pytest.mark.parametrize(
    ("how", "expected"), [("absent", "absent"), ("null", None), ("empty", ""), ("disabled", "absent")]
)
def test_shape_b_shows_a_missing_namespace_in_four_ways(emulator, arm, how, expected):
    """The namespace is absent, null or empty, or its state is Disabled."""
    account = emulator.add_account("quiet", shape="B", without_namespace=how)
    properties = arm.get(account, version="2021-12-01").json()["properties"]
    assert properties["managedResources"].get("eventHubNamespace", "absent") == expected
    assert (properties["managedEventHubState"] == "Disabled") is (how == "disabled")


@pytest.mark.parametrize(
    ("firewall", "public", "ingesting"),
    [
        ("enabled-from-all-networks", "Enabled", "Enabled"),
        ("disabled-for-ingestion-only", "Enabled", "Disabled"),
        ("disabled-from-all-networks", "Disabled", "Disabled"),
    ],
)
def test_firewall_settings(emulator, arm, firewall, public, ingesting):
    """The setting is in the flags of the account, its managed resources and its ingestion storage."""
    account = emulator.add_account("walled", shape="E", firewall=firewall)
    properties = arm.get(account, version="2024-04-01-preview").json()["properties"]
    assert properties["publicNetworkAccess"] == public
    assert properties["managedResourcesPublicNetworkAccess"] == ingesting
    assert properties["ingestionStorage"]["publicNetworkAccess"] == ingesting


@pytest.mark.parametrize("version", VERSIONS)
def test_the_api_version_decides_which_fields_are_shown(make_arm, version):
    """The field ingestionStorage needs a version from 2023-05 on, endpoints.guardian one up to 2021-12-01."""
    arm = make_arm(Emulator(shape="E"))
    properties = arm.get(arm.emulator.account, version=version).json()["properties"]
    assert ("ingestionStorage" in properties) is (version >= "2023-05")
    assert ("guardian" in properties["endpoints"]) is (version <= "2021-12-01")
    assert ("managedEventHubState" in properties) is (version >= "2021-12")


def test_listed_accounts_equal_single_ones(emulator, arm):
    """In a resource group and in a subscription."""
    emulator.add_account("other", resource_group="rg2", shape="C")
    away = emulator.add_account("away", subscription="00000000-0000-0000-0000-0000000000ff")
    here = f"/subscriptions/{emulator.account.subscription}"
    tail = "providers/Microsoft.Purview/accounts"
    names = [item["name"] for item in arm.get(f"{here}/{tail}", version=VERSIONS[-1]).json()["value"]]
    assert names == ["pv1", "other"]
    [item] = arm.get(f"{here}/resourceGroups/RG2/{tail}", version=VERSIONS[-1]).json()["value"]
    assert item["properties"]["ingestionStorage"]
    assert arm.get(away, version=VERSIONS[-1]).status_code == 200


def published(version):
    """Azure's published example of an account, if the specs are available."""
    root = os.environ.get("PURVIEW_MPE_SPECS")
    if not root:
        pytest.skip("PURVIEW_MPE_SPECS does not name a folder with Azure's OpenAPI files")
    kind = "preview" if version.endswith("preview") else "stable"
    base = Path(root) / "specification/purview/resource-manager/Microsoft.Purview"
    text = (base / kind / version / "examples/Accounts_Get.json").read_text(encoding="utf-8")
    return json.loads(text)["responses"]["200"]["body"]


@pytest.mark.parametrize("version", VERSIONS)
def test_published_examples_are_returned_unchanged(version):
    """Azure's example of each version becomes an account that answers with exactly that JSON."""
    body = published(version)
    emulator = Emulator(empty=True, foreign_connections=0)
    account = emulator.add_account(body=body)
    client = PurviewManagementClient(
        emulator.credential, account.subscription, api_version=version, transport=emulator.transport()
    )
    assert client.accounts.get(account.resource_group, account.name).as_dict() == body


def test_a_body_without_an_id_gets_one_from_its_name(emulator, arm):
    """A handwritten body needs only the fields that it is to show."""
    for account in (
        emulator.add_account("contoso", body={"properties": {"publicNetworkAccess": "Disabled"}}),
        emulator.add_account(body={"name": "fabrikam", "properties": {"publicNetworkAccess": "Disabled"}}),
    ):
        shown = arm.get(account, version="2024-04-01-preview").json()
        assert (shown["id"], shown["name"]) == (str(account), account.name)
        assert shown["properties"]["publicNetworkAccess"] == "Disabled"
    assert account == emulator.account.in_group("Microsoft.Purview", "accounts", "fabrikam")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": "Z"}, "'Z' is not a shape of an account; the shapes are A, B, C, D, E, F"),
        (
            {"firewall": "closed"},
            (
                "'closed' is not a firewall setting; the settings are enabled-from-all-networks, disabled-for-ingestion-only, "
                "disabled-from-all-networks"
            ),
        ),
    ],
)
def test_an_unknown_shape_or_firewall_is_refused(emulator, options, message):
    """The error lists the known ones."""
    with pytest.raises(ValueError) as caught:
        emulator.add_account("contoso", **options)
    assert str(caught.value) == message


def test_a_given_body_is_returned_unchanged(emulator, arm):
    """The account has the body's `id`; its targets exist; unknown and unusual values are kept."""
    body = {
        "id": "/subscriptions/34adfa4f-cedf-4dc0-ba29-b6d1a69ab345/resourceGroups/Sample/providers/Microsoft.Purview/accounts/account1",
        "name": "account1",
        "location": "West US 2",
        "properties": {
            "publicNetworkAccess": "Sometimes",
            "managedResources": {
                "storageAccount": "/subscriptions/34adfa4f-cedf-4dc0-ba29-b6d1a69ab345/resourceGroups/m/providers/Microsoft.Storage/storageAccounts/scanwest",
                "eventHubNamespace": "not an id",
            },
            "ingestionStorage": {"id": "/subscriptions/34adfa4f-cedf-4dc0-ba29-b6d1a69ab345/resourceGroups/only-a-group"},
            "privateEndpointConnections": [
                {"name": "peName-1", "properties": {"privateEndpoint": {"id": "/x"}, "privateLinkServiceConnectionState": {"status": "Approved"}}},
                "nonsense",
            ],
        },
    }  # fmt: skip
    account = emulator.add_account(body=body)
    shown = arm.get(account, version="2024-04-01-preview").json()
    assert shown["properties"]["publicNetworkAccess"] == "Sometimes"
    assert shown["properties"]["ingestionStorage"] == body["properties"]["ingestionStorage"]
    connections = shown["properties"]["privateEndpointConnections"]
    assert connections[0]["name"] == "peName-1"
    assert connections[0]["properties"]["privateLinkServiceConnectionState"]["status"] == "Approved"
    storage = body["properties"]["managedResources"]["storageAccount"]
    assert arm.get(storage, version="2023-05-01").json()["location"] == "West US 2"


def test_a_missing_account_is_not_found(emulator, arm):
    """An account that does not exist, or was removed, is a 404 ResourceNotFound."""
    emulator.remove(emulator.account)
    answer = arm.get(emulator.account, version="2021-12-01")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "ResourceNotFound"
    assert "'Microsoft.Purview/accounts/pv1' under resource group 'rg1'" in answer.json()["error"]["message"]
