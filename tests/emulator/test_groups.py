"""Resource groups: created, changed, listed, and deleted with everything in them."""

import pytest

VERSION = "2022-09-01"


def code_of(answer):
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def subscription(emulator):
    return f"/subscriptions/{emulator.subscription}"


def test_a_group_is_created_changed_and_deleted(arm, subscription):
    """201 for a new one, 200 for an existing one, 202 with a result to poll for a deletion."""
    path = f"{subscription}/resourceGroups/rg-New"
    assert arm.send("HEAD", path, version=VERSION).status_code == 404
    made = arm.put(path, {"location": "West Europe", "tags": {"a": "b"}}, version=VERSION)
    assert made.status_code == 201
    assert made.json()["location"] == "westeurope"
    assert arm.send("HEAD", path.lower(), version=VERSION).status_code == 204
    assert arm.put(path, {"location": "westeurope"}, version=VERSION).json()["tags"] == {}
    assert arm.send("PATCH", path, body={"tags": {"c": "d"}}, version=VERSION).json()["tags"] == {"c": "d"}
    assert arm.send("PATCH", path, body={}, version=VERSION).json()["tags"] == {"c": "d"}
    assert arm.get(path, version=VERSION).json()["id"] == path
    gone = arm.send("DELETE", path, version=VERSION)
    assert gone.status_code == 202
    assert arm.get(gone.headers["Location"]).status_code == 200
    assert code_of(arm.get(path, version=VERSION)) == (404, "ResourceGroupNotFound")
    assert code_of(arm.send("DELETE", path, version=VERSION)) == (404, "ResourceGroupNotFound")
    assert code_of(arm.get(f"{subscription}/operationresults/x", version=VERSION)) == (404, "OperationNotFound")


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("a%20b", {"location": "westeurope"}, (400, "InvalidResourceGroup")),
        ("ends.", {"location": "westeurope"}, (400, "InvalidResourceGroup")),
        ("x" * 91, {"location": "westeurope"}, (400, "InvalidResourceGroup")),
        ("rg2", {}, (400, "LocationRequired")),
        ("rg2", {"location": 5}, (400, "LocationRequired")),
        ("rg2", {"location": "westeurope", "tags": []}, (400, "InvalidPropertyValue")),
        ("rg1", {"location": "eastus"}, (409, "InvalidResourceGroupLocation")),
    ],
)
def test_invalid_groups_are_refused(arm, subscription, name, body, expected):
    """With Azure's codes."""
    assert code_of(arm.put(f"{subscription}/resourceGroups/{name}", body, version=VERSION)) == expected


def test_a_deleted_group_removes_its_resources(arm, emulator, subscription):
    """Factories, accounts and storage are deleted; connections of its factories stay on other targets."""
    elsewhere = emulator.add_account("elsewhere", resource_group="rg2")
    emulator.add_endpoint(emulator.factory, "theirs", elsewhere, "account")
    storage = str(emulator.account).replace("Microsoft.Purview/accounts/pv1", "Microsoft.Storage/storageAccounts/lake1")
    emulator.add_endpoint(emulator.factory, "lake", storage, "blob")
    listed = arm.get(f"{subscription}/resourceGroups/rg1/resources", version=VERSION).json()["value"]
    assert [one["name"] for one in listed] == ["pv1", "df1", "lake1"]
    assert arm.send("DELETE", f"{subscription}/resourceGroups/rg1", version=VERSION).status_code == 202
    assert emulator.endpoints() == []
    assert emulator.connections(storage) == []
    [left] = [one for one in emulator.connections(elsewhere) if one.name.startswith("df1.theirs")]
    assert (left.status, left.endpoint) == ("Approved", None)


def test_a_lock_in_a_group_prevents_its_deletion(arm, emulator, subscription):
    """As long as one of its resources is locked, all of them stay."""
    emulator.add_lock(emulator.account)
    answer = arm.send("DELETE", f"{subscription}/resourceGroups/rg1", version=VERSION)
    assert code_of(answer) == (409, "ScopeLocked")
    assert arm.get(emulator.factory).status_code == 200


def test_resources_of_a_subscription(arm, emulator, subscription):
    """All of them, or those of one type."""
    names = {one["name"] for one in arm.get(f"{subscription}/resources", version=VERSION).json()["value"]}
    assert {"pv1", "df1"} < names
    chosen = arm.get(f"{subscription}/resources?$filter=resourceType eq 'microsoft.purview/accounts'", version=VERSION)
    assert [one["id"] for one in chosen.json()["value"]] == [str(emulator.account)]
