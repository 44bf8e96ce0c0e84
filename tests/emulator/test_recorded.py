"""Answers in the form that was recorded from Azure, field by field."""

import re

import pytest

from purview_mpe.emulator import Answers, Emulator, Times

PURVIEW = "2021-12-01"
STORAGE = "2025-08-01"
EVENT_HUB = "2026-01-01"


def decision(status, **state):
    return {"properties": {"privateLinkServiceConnectionState": {"status": status, **state}}}


def ours(emulator, group):
    [found] = [one for one in emulator.connections() if one.endpoint and one.group_id == group]
    return found


@pytest.fixture
def requested(emulator, arm):
    """All four endpoints of an account are requested, and their connections exist."""
    for group, target in emulator.targets(emulator.account).items():
        arm.request_endpoint(f"p_{group}", target, group)
    emulator.clock.sleep(20)
    return emulator


@pytest.mark.parametrize(
    "child", ["managedVirtualNetworks/none", "managedVirtualNetworks/default/managedPrivateEndpoints/none", "integrationRuntimes/none"]
)  # fmt: skip
def test_a_missing_child_of_a_factory_has_data_factorys_404(emulator, arm, child):
    """It is not the gateway's 404."""
    answer = arm.get(f"{emulator.factory}/{child}")
    kind = child.replace("managedVirtualNetworks", "managedvirtualnetworks").replace("managedPrivateEndpoints", "managedprivateendpoints").replace("integrationRuntimes", "integrationruntimes")  # fmt: skip
    assert answer.status_code == 404
    assert answer.json() == {
        "error": {
            "code": "NotFound",
            "message": "The document could not be retrieved because it does not exist.",
            "target": f"{emulator.factory}/{kind}",
            "details": None,
        }
    }


@pytest.mark.parametrize(("resource", "version"), [("factory", "2018-06-01"), ("account", PURVIEW)])
def test_a_missing_resource_has_the_gateways_404(emulator, arm, resource, version):
    """A GET of a missing factory or account answers `ResourceNotFound`, with the gateway's message."""
    answer = arm.get(f"{getattr(emulator, resource)}x", version=version)
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["code"] == "ResourceNotFound"
    assert error["message"].startswith("The Resource 'Microsoft.")


def test_new_endpoint_as_recorded(emulator, arm):
    """PUT answers 200 with the hidden endpoint's id, three empty strings, three nulls, lower-cased ids, and no etag."""
    answer = arm.request_endpoint("Purview", emulator.account, "account")
    shown = answer.json()
    assert answer.status_code == 200
    assert not {"etag", "retry-after"} & {name.lower() for name in answer.headers}
    assert set(shown) == {"id", "name", "type", "properties"}
    assert shown["id"] == f"{emulator.factory}/managedvirtualnetworks/default/managedprivateendpoints/Purview"
    assert shown["type"] == "Microsoft.DataFactory/factories/managedvirtualnetworks/managedprivateendpoints"
    properties = shown["properties"]
    assert properties["connectionState"] == {"status": "", "description": "", "actionsRequired": ""}
    assert properties["provisioningState"] == "Provisioning"
    assert {properties[name] for name in ("error", "ipAddress", "linkId")} == {None}
    assert "isReserved" not in properties
    hidden = properties["resourceId"]
    assert re.fullmatch(
        r"/subscriptions/[-0-9a-f]{36}/resourceGroups/vnet-[0-9a-f]{8}-westeurope-\d{2,3}-rg"
        r"/providers/Microsoft.Network/privateEndpoints/df1\.Purview",
        hidden,
    )
    [network] = arm.get(f"{emulator.factory}/managedVirtualNetworks").json()["value"]
    assert network["properties"]["vNetId"][:8] not in hidden


def test_hidden_endpoint_has_only_the_factory_in_lower_case(emulator, arm):
    """The endpoint's name keeps its letter case in the id of the hidden private endpoint."""
    factory = emulator.add_factory("ADF-Sales")
    arm.request_endpoint("Purview_Blob", emulator.targets(emulator.account)["blob"], "blob", factory)
    [endpoint] = emulator.endpoints(factory)
    assert endpoint.private_endpoint_id.endswith("/adf-sales.Purview_Blob")


@pytest.mark.parametrize(("form", "kind"), [("object", dict), ("text", str)])
def test_failed_endpoint_shows_the_reason(make_arm, form, kind):
    """`properties.error` of a failed endpoint has one of two possible forms."""
    emulator = Emulator(answers=Answers(endpoint_error=form))
    arm = make_arm(emulator)
    arm.request_endpoint("nowhere", f"{emulator.account}x", "account")
    emulator.clock.sleep(90)
    properties = arm.get(arm.endpoint("nowhere")).json()["properties"]
    assert properties["provisioningState"] == "Failed"
    assert isinstance(properties["error"], kind)
    assert "PrivateLinkServiceNotFound" in str(properties["error"])


def test_factory_takes_one_managed_network(emulator, arm):
    """A second managed virtual network is refused; the only one can have any name."""
    bare = emulator.add_factory("bare", managed_vnet=False)
    networks = f"{bare}/managedVirtualNetworks"
    assert arm.put(f"{networks}/corp", {"properties": {}}).status_code == 200
    refused = arm.put(f"{networks}/default", {"properties": {}})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "InvalidResourceRequest")
    assert arm.put(f"{networks}/CORP", {"properties": {}}).status_code == 200
    assert [network["name"] for network in arm.get(networks).json()["value"]] == ["corp"]


def test_event_hubs_approval_as_recorded(requested, arm):
    """202 with the connection, `Updating`, `location`, `groupIds`, and an operation that ends as Succeeded."""
    connection = ours(requested, "namespace")
    answer = arm.put(connection.id, decision("Approved", description="by me"), version=EVENT_HUB)
    shown = answer.json()
    assert answer.status_code == 202
    assert shown["location"] == "westeurope"
    assert shown["properties"]["provisioningState"] == "Updating"
    assert shown["properties"]["groupIds"] == ["namespace"]
    assert shown["properties"]["privateLinkServiceConnectionState"]["status"] == "Approved"
    operation = answer.headers["Azure-AsyncOperation"]
    assert arm.get(operation).json()["status"] == "InProgress"
    requested.clock.sleep(5)
    assert arm.get(operation).json()["status"] == "Succeeded"
    shown = arm.get(connection.id, version=EVENT_HUB).json()
    assert shown["properties"]["provisioningState"] == "Succeeded"
    assert arm.get(operation.replace(operation.split("/")[-1][:36], "0" * 8)).status_code == 404


@pytest.mark.parametrize("before", ["Approved", "Rejected"])
def test_storage_refuses_to_approve_a_decided_connection(requested, arm, before):
    """Approving an Approved or Rejected connection of a storage account is 400, and nothing changes."""
    connection = ours(requested, "blob")
    assert arm.put(connection.id, decision(before, description="first"), version=STORAGE).status_code == 200
    refused = arm.put(connection.id, decision("Approved", description="second"), version=STORAGE)
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "InvalidValuesForRequestParameters"
    assert (ours(requested, "blob").status, ours(requested, "blob").description) == (before, "first")


def test_storage_rejects_an_approved_connection(requested, arm):
    """The answer is 200, and a description that is not sent becomes empty."""
    connection = ours(requested, "blob")
    assert arm.put(connection.id, decision("Approved", description="mine"), version=STORAGE).status_code == 200
    answer = arm.put(connection.id, decision("Rejected"), version=STORAGE)
    assert answer.status_code == 200
    assert answer.json()["properties"]["privateLinkServiceConnectionState"]["description"] == ""
    assert ours(requested, "blob").status == "Rejected"


SEEN = [
    (0, set(), "Creating"),
    (30, {"resourceGroup"}, "Creating"),
    (60, {"resourceGroup", "storageAccount"}, "Creating"),
    (120, {"resourceGroup", "storageAccount", "eventHubNamespace"}, "Creating"),
    (150, {"resourceGroup", "storageAccount", "eventHubNamespace"}, "Succeeded"),
]


def test_an_account_shows_its_resources_one_by_one(emulator, arm):
    """While the account is Creating, each resource exists once it is shown."""
    account = emulator.add_account("young", creating=True)
    began = emulator.clock.now()
    for seconds, resources, state in SEEN:
        emulator.clock.sleep(began + seconds - emulator.clock.now())
        answer = arm.get(account, version=PURVIEW)
        properties = answer.json()["properties"]
        assert (set(properties.get("managedResources", {})), properties["provisioningState"]) == (resources, state)
        assert answer.headers["x-ms-account-status"] == state
        assert PURVIEW in answer.headers["api-supported-versions"]
    assert arm.get(emulator.targets(account)["blob"], version=STORAGE).status_code == 200


@pytest.mark.parametrize(("shape", "steps"), [("C", [0, 0, 1, 1]), ("D", [0, 0, 1, 1])])
def test_ingestion_storage_appears_later_as_well(make_arm, shape, steps):
    """A new account shows its ingestion storage when other accounts show managed storage."""
    emulator = Emulator(times=Times(account_creation=10))
    account = emulator.add_account("young", shape=shape, creating=True)
    shown = []
    for seconds in (0, 3, 1, 1):
        emulator.clock.sleep(seconds)
        properties = make_arm(emulator).get(account, version="2024-04-01-preview").json()["properties"]
        shown.append(int("ingestionStorage" in properties))
    assert shown == steps


def test_a_changed_account_is_creating_with_all_resources(emulator, arm):
    """After a PATCH of tags an account says Creating for a minute and shows all of its resources."""
    before = arm.get(emulator.account, version=PURVIEW).json()["properties"]["managedResources"]
    for _ in range(2):
        answer = arm.send("PATCH", emulator.account, version=PURVIEW, body={"tags": {"a": "b"}})
        assert answer.status_code == 200
        emulator.clock.sleep(40)
    shown = arm.get(emulator.account, version=PURVIEW).json()["properties"]
    assert (shown["provisioningState"], shown["managedResources"]) == ("Creating", before)
    emulator.clock.sleep(20)
    assert arm.get(emulator.account, version=PURVIEW).json()["properties"]["provisioningState"] == "Succeeded"


def test_a_change_does_not_end_a_creation(emulator, arm):
    """An account that never ends its creation, or is still being created, stays Creating after a PATCH."""
    hidden = emulator.add_account("hidden", shape="F")
    young = emulator.add_account("young", creating=True)
    for account in (hidden, young):
        arm.send("PATCH", account, version=PURVIEW, body={"tags": {}})
    emulator.clock.sleep(149)
    states = [arm.get(one, version=PURVIEW).json()["properties"]["provisioningState"] for one in (hidden, young)]
    assert states == ["Creating", "Creating"]
    emulator.clock.sleep(1)
    assert arm.get(young, version=PURVIEW).json()["properties"]["provisioningState"] == "Succeeded"
    assert arm.get(hidden, version=PURVIEW).json()["properties"]["provisioningState"] == "Creating"


def test_an_account_is_deleted_in_three_minutes(emulator, arm):
    """DELETE answers 202 with Location; the account says Deleting, and then the gateway's 404."""
    answer = arm.send("DELETE", emulator.account, version=PURVIEW)
    assert answer.status_code == 202
    assert not answer.content
    assert arm.get(emulator.account, version=PURVIEW).json()["properties"]["provisioningState"] == "Deleting"
    location = answer.headers["Location"]
    assert f"/providers/Microsoft.Purview/locations/{'westeurope'}/operationResults/" in location
    emulator.clock.sleep(179)
    assert arm.get(location).status_code == 202
    emulator.clock.sleep(1)
    assert arm.get(location).status_code == 200
    gone = arm.get(emulator.account, version=PURVIEW)
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "ResourceNotFound")
    assert arm.send("DELETE", emulator.account, version=PURVIEW).status_code == 204


def test_operations_of_an_account_restart_after_a_dump(emulator, arm):
    """In an emulator loaded from a dump, creation, change and deletion restart and end."""
    young = emulator.add_account("young", creating=True)
    changed = emulator.add_account("changed")
    arm.send("PATCH", changed, version=PURVIEW, body={"tags": {"a": "b"}})
    arm.send("DELETE", emulator.account, version=PURVIEW)
    emulator.clock.sleep(31)
    again = Emulator.from_scenario(emulator.dump())
    other = type(arm)(again)
    assert again.dump() == emulator.dump()
    accounts = (young, changed, emulator.account)
    states = [other.get(one, version=PURVIEW).json()["properties"]["provisioningState"] for one in accounts]
    assert states == ["Creating", "Creating", "Deleting"]
    again.clock.sleep(180)
    assert [other.get(one, version=PURVIEW).status_code for one in accounts] == [200, 200, 404]
    assert again.targets(young) == emulator.targets(young) | again.targets(young)
    assert set(again.targets(young)) == {"account", "blob", "queue", "namespace"}


def test_answers_show_the_rest_of_the_request_budget(emulator, arm):
    """Reads, writes and deletes each name the caller's own bucket and the subscription's."""
    read = arm.get(emulator.factory).headers
    assert read["x-ms-ratelimit-remaining-subscription-reads"] == "249"
    assert read["x-ms-ratelimit-remaining-subscription-global-reads"] == "3749"
    written = arm.request_endpoint("p", emulator.account, "account").headers
    assert written["x-ms-ratelimit-remaining-subscription-writes"] == "199"
    assert written["x-ms-ratelimit-remaining-subscription-global-writes"] == "2999"
    deleted = arm.send("DELETE", arm.endpoint("p")).headers
    assert deleted["x-ms-ratelimit-remaining-subscription-deletes"] == "199"


# --- limits of targets


def filled(limit, **options):
    """An emulator whose storage account and namespace have room for one more connection each."""
    return Emulator(
        storage_connection_limit=limit, namespace_connection_limit=limit, foreign_connections=limit - 1, **options
    )


@pytest.mark.parametrize(("group", "other"), [("blob", "queue"), ("namespace", None)])
def test_full_target_fails_the_endpoint(make_arm, group, other):
    """The last place is used; the next endpoint ends as Failed and names the limit."""
    emulator = filled(4)
    arm = make_arm(emulator)
    target = emulator.targets(emulator.account)[group]
    if other is None:
        arm.request_endpoint("first", target, group, emulator.add_factory("df2"))
    else:
        arm.request_endpoint("first", target, other)
    emulator.clock.sleep(90)
    assert len(emulator.connections(target)) == 4
    assert arm.request_endpoint("second", target, group).status_code == 200
    emulator.clock.sleep(90)
    states = {one.name: one.provisioning_state for one in emulator.endpoints()}
    assert states == {"first": "Succeeded", "second": "Failed"}
    error = arm.get(arm.endpoint("second")).json()["properties"]["error"]
    assert error["code"] == "PrivateEndpointConnectionLimitExceeded"
    assert f"'{target}' has reached its limit of 4" in error["message"]
    assert len(emulator.connections(target)) == 4


def test_full_target_can_refuse_at_once(make_arm):
    """With the other answer the PUT of one endpoint too many is 400, and no endpoint exists."""
    emulator = filled(3, answers=Answers(full_target="refused"))
    arm = make_arm(emulator)
    target = emulator.targets(emulator.account)["blob"]
    assert arm.request_endpoint("first", target, "queue").status_code == 200
    emulator.clock.sleep(90)
    refused = arm.request_endpoint("second", target, "blob")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "InvalidResourceRequest")
    assert "has reached its limit of 3" in refused.json()["error"]["message"]
    assert [one.name for one in emulator.endpoints()] == ["first"]


def test_a_removed_connection_makes_room(make_arm):
    """The next endpoint is created."""
    emulator = filled(3)
    arm = make_arm(emulator)
    target = emulator.targets(emulator.account)["namespace"]
    stranger = emulator.connections(target)[0]
    emulator.remove(stranger.id)
    arm.request_endpoint("first", target, "namespace")
    emulator.clock.sleep(90)
    assert [one.provisioning_state for one in emulator.endpoints()] == ["Succeeded"]


def test_documented_limits_are_the_default():
    """200 connections for a storage account and 120 for a namespace; for a Purview account no limit is known."""
    emulator = Emulator()
    targets = emulator.targets(emulator.account)
    world = emulator._parts.world
    limits = [world.connection_limit(targets[group]) for group in ("blob", "namespace", "account")]
    assert limits == [200, 120, None]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Answers(full_target="maybe"), "full_target: must be one of failed, refused, not 'maybe'"),
        (lambda: Times(account_change=-1), "account_change: must be a number of seconds from 0 on, not -1"),
        (lambda: Times(account_change="soon"), "account_change: must be a number of seconds from 0 on, not 'soon'"),
    ],
)
def test_invalid_answers_are_refused(make, message):
    """The error names the field and its possible values."""
    with pytest.raises(ValueError) as refused:
        make()
    assert str(refused.value) == message
