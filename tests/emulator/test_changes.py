"""Accounts and runtimes that clients create and change, as infrastructure tools do."""

import pytest

from purview_mpe.emulator import Emulator

VERSION = "2024-04-01-preview"


def test_an_account_is_created(arm, emulator):
    """PUT answers 201 Creating; after 150 s it is Succeeded, with ingestion storage, as new accounts have it."""
    path = str(emulator.account).replace("pv1", "made")
    body = {"location": "westeurope", "identity": {"type": "SystemAssigned"}, "tags": {"a": "b"}, "properties": {"publicNetworkAccess": "Disabled", "provisioningState": "Odd"}}  # fmt: skip
    made = arm.put(path, body, version=VERSION)
    assert made.status_code == 201
    assert made.json()["properties"]["provisioningState"] == "Creating"
    emulator.clock.sleep(150)
    shown = arm.get(path, version=VERSION).json()
    assert shown["properties"]["provisioningState"] == "Succeeded"
    assert shown["properties"]["publicNetworkAccess"] == "Disabled"
    assert shown["properties"]["ingestionStorage"]["id"]
    assert shown["tags"] == {"a": "b"}
    assert "managedResources" not in shown["properties"]
    assert arm.put(path, body, version=VERSION).status_code == 200


def test_an_account_is_changed(arm, emulator):
    """PATCH changes access flags and Event Hubs; enabling Event Hubs adds a namespace, disabling removes it."""
    account = emulator.add_account("plain", shape="E")
    for state, has in (("Enabled", True), ("Disabled", False)):
        body = {
            "properties": {
                "managedEventHubState": state,
                "ingestionStorage": {"publicNetworkAccess": "Enabled"},
            }
        }
        answer = arm.send("PATCH", account, version=VERSION, body=body).json()
        assert (answer["properties"]["managedResources"].get("eventHubNamespace") is not None) is has
        assert answer["properties"]["ingestionStorage"]["publicNetworkAccess"] == "Enabled"
        assert ("namespace" in emulator.targets(account)) is has


def test_event_hubs_can_be_enabled_later(arm, emulator):
    """The owner enables managed Event Hubs, and the account needs one more endpoint."""
    account = emulator.add_account("later", shape="C")
    namespace = emulator.enable_event_hubs(account)
    assert emulator.enable_event_hubs(account) == namespace
    assert emulator.targets(account)["namespace"] == namespace
    assert arm.get(namespace, version="2026-01-01").status_code == 200
    assert emulator.enable_event_hubs() == emulator.targets(emulator.account)["namespace"]


def test_an_account_is_deleted(arm, emulator):
    """DELETE also removes its managed resources and their connections; endpoints to it are Disconnected."""
    targets = emulator.targets(emulator.account)
    emulator.add_endpoint(emulator.factory, "p", targets["blob"], "blob", status="Pending")
    assert arm.send("DELETE", emulator.account, version=VERSION).status_code == 202
    emulator.clock.sleep(180)
    assert arm.send("DELETE", emulator.account, version=VERSION).status_code == 204
    assert arm.get(targets["blob"], version="2025-08-01").status_code == 404
    assert emulator.connections() == []
    assert [endpoint.status for endpoint in emulator.endpoints()] == ["Disconnected"]


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("a_b", {"location": "x"}, "InvalidAccountName"),
        ("made", {}, "LocationRequired"),
        ("made", {"location": "x", "properties": 5}, "InvalidPropertyValue"),
        ("made", {"location": "x", "properties": {"publicNetworkAccess": "Maybe"}}, "InvalidPropertyValue"),
    ],
)
def test_a_malformed_account_is_refused(arm, emulator, name, body, code):
    """Invalid names, missing locations and unknown values are a 400."""
    answer = arm.put(str(emulator.account).replace("pv1", name), body, version=VERSION)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_keys_of_an_account(arm, emulator):
    """An account with a managed namespace shows its Kafka endpoints, another account shows none."""
    keys = arm.send("POST", f"{emulator.account}/listkeys", version=VERSION).json()
    assert keys["atlasKafkaPrimaryEndpoint"].startswith("Endpoint=sb://atlas-")
    without = emulator.add_account("without", shape="C")
    assert arm.send("POST", f"{without}/listkeys", version=VERSION).json() == {}


def test_an_account_with_event_hubs_is_created(arm, emulator):
    """A new account for which managed Event Hubs is requested has a namespace."""
    path = str(emulator.account).replace("pv1", "kafka")
    arm.put(path, {"location": "x", "properties": {"managedEventHubState": "Enabled"}}, version=VERSION)
    emulator.clock.sleep(150)
    assert set(emulator.targets(path)) == {"account", "blob", "queue", "namespace"}


def test_a_runtime_is_created_changed_and_deleted(arm, emulator):
    """PUT creates a runtime and changes it, but cannot move it into a managed network; DELETE removes it."""
    path = f"{emulator.factory}/integrationRuntimes/mine"
    assert arm.put(path, {"properties": {"type": "SelfHosted"}}).status_code == 200
    assert (
        arm.put(path, {"properties": {"type": "SelfHosted", "description": "x"}}).json()["properties"]["description"]
        == "x"
    )
    managed = {
        "type": "Managed",
        "managedVirtualNetwork": {"type": "ManagedVirtualNetworkReference", "referenceName": "default"},
    }
    assert arm.put(path, {"properties": managed}).status_code == 400
    assert arm.put(path, {"properties": {"type": "Quantum"}}).status_code == 400
    assert arm.put(f"{path}-", {"properties": {"type": "Managed"}}).status_code == 400
    assert [arm.send("DELETE", path).status_code for _ in range(2)] == [200, 204]
    full = Emulator(entity_limit=2)
    other = type(arm)(full)
    assert other.put(f"{full.factory}/integrationRuntimes/mine", {"properties": {"type": "Managed"}}).status_code == 400
