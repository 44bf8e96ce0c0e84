"""Connections on their targets: when they appear, how each provider spells them, and who decides on them."""

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.eventhub import EventHubManagementClient
from azure.mgmt.purview import PurviewManagementClient
from azure.mgmt.storage import StorageManagementClient

from purview_mpe.emulator import Emulator, Reads

PURVIEW = "2024-04-01-preview"
STORAGE = "2025-08-01"
EVENT_HUB = "2026-01-01"
VERSIONS = {"account": PURVIEW, "blob": STORAGE, "queue": STORAGE, "namespace": EVENT_HUB}
APPROVED = {"properties": {"privateLinkServiceConnectionState": {"status": "Approved", "description": "by me"}}}


def request_all(arm):
    emulator = arm.emulator
    for group, target in emulator.targets(emulator.account).items():
        assert arm.request_endpoint(f"p_{group}", target, group).status_code == 200
    emulator.clock.sleep(20)


def ours(emulator):
    return {connection.endpoint: connection for connection in emulator.connections() if connection.endpoint}


def client(kind, emulator):
    return kind(emulator.credential, emulator.factory.subscription, transport=emulator.transport())


@pytest.fixture
def requested(emulator, arm):
    request_all(arm)
    return emulator


def test_a_connection_appears_while_its_endpoint_is_provisioning(emulator, arm):
    """Seconds after the PUT the target shows a Pending connection that names factory and endpoint."""
    arm.request_endpoint("p", emulator.account, "account")
    emulator.clock.sleep(16)
    assert ours(emulator) == {}
    emulator.clock.sleep(1)
    connection = ours(emulator)["p"]
    assert connection.status == "Pending"
    assert connection.description == "Requested by DataFactory:df1, Name:p"
    assert connection.private_endpoint_id.endswith("/privateEndpoints/df1.p")
    assert connection.private_endpoint_id == emulator.endpoints()[0].private_endpoint_id
    assert emulator.endpoints()[0].provisioning_state == "Provisioning"


def test_the_private_endpoint_is_in_a_subscription_of_microsoft(requested):
    """The hidden private endpoint's id is in a subscription and group that the caller does not have."""
    ids = {connection.private_endpoint_id for connection in ours(requested).values()}
    assert all("/resourceGroups/vnet-" in one and "-westeurope-" in one for one in ids)
    assert not any(str(requested.factory.subscription) in one for one in ids)


def test_each_provider_spells_connections_differently(requested, arm):
    """Names and states have the form that each provider uses."""
    connections = ours(requested)
    for endpoint, target_name, tail in (
        ("p_account", "df1.p_account-", "actionsRequired"),
        ("p_blob", connections["p_blob"].target.name + ".", "actionRequired"),
        ("p_namespace", "", None),
    ):
        connection = connections[endpoint]
        shown = arm.get(connection.id, version=VERSIONS[connection.group_id]).json()
        assert shown["name"].startswith(target_name)
        assert len(shown["name"]) == len(target_name) + 36
        state = shown["properties"]["privateLinkServiceConnectionState"]
        assert set(state) == {"status", "description", *([tail] if tail else [])}
        assert shown["id"] == str(connection.id)


def test_purview_approves_with_201_and_a_poller_that_fails(requested):
    """The connection is Approved, and the SDK's poller raises, because Azure-AsyncOperation is the resource itself."""
    connection = ours(requested)["p_account"]
    purview = client(PurviewManagementClient, requested)
    with pytest.raises(HttpResponseError):
        purview.private_endpoint_connections.begin_create_or_update("rg1", "pv1", connection.name, APPROVED).result()
    assert ours(requested)["p_account"].status == "Approved"
    again = purview.private_endpoint_connections.begin_create_or_update(
        "rg1", "pv1", connection.name, APPROVED, polling=False
    ).result()
    assert again.as_dict()["properties"]["privateLinkServiceConnectionState"]["description"] == "by me"
    puts = [request.status for request in requested.requests if request.path == str(connection.id) and request.body]
    assert puts == [201, 200]


def test_storage_approves_with_200(requested):
    """The storage SDK lists, approves and reads back."""
    connection = ours(requested)["p_blob"]
    storage = client(StorageManagementClient, requested)
    group, account = connection.target.resource_group, connection.target.name
    listed = [found.name for found in storage.private_endpoint_connections.list(group, account)]
    assert connection.name in listed
    assert len(listed) == 2 + 2
    storage.private_endpoint_connections.put(group, account, connection.name, APPROVED)
    shown = storage.private_endpoint_connections.get(group, account, connection.name).as_dict()
    assert shown["properties"]["privateLinkServiceConnectionState"]["status"] == "Approved"
    assert ours(requested)["p_queue"].status == "Pending"


@pytest.mark.parametrize("answer", ["200", "201", "202", "202-empty"])
def test_event_hubs_approves_with_three_statuses(make_arm, answer):
    """The approval works with each of them; an empty 202 makes the SDK raise all the same."""
    emulator = Emulator(namespace_approval=answer)
    request_all(make_arm(emulator))
    connection = ours(emulator)["p_namespace"]
    hubs = client(EventHubManagementClient, emulator)
    group, namespace = connection.target.resource_group, connection.target.name
    assert connection.name in [found.name for found in hubs.private_endpoint_connections.list(group, namespace)]
    try:
        hubs.private_endpoint_connections.create_or_update(group, namespace, connection.name, APPROVED)
    except ValueError:
        assert answer == "202-empty"
    assert ours(emulator)["p_namespace"].status == "Approved"
    assert emulator.writes[-1].status == int(answer[:3])


@pytest.mark.parametrize("shape", ["C", "D", "E"])
def test_ingestion_connections_are_in_the_accounts_list(make_arm, shape):
    """Newer accounts list them without name and group, and approve them by the id of the private endpoint."""
    emulator = Emulator(shape=shape)
    arm = make_arm(emulator)
    request_all(arm)
    listed = arm.get(f"{emulator.account}/ingestionPrivateEndpointConnections", version=PURVIEW).json()["value"]
    assert len(listed) == 2 + 2
    assert all(set(item) == {"id", "type", "properties"} for item in listed)
    assert all(item["id"].startswith(f"{emulator.account}/ingestionPrivateEndpointConnections/") for item in listed)
    purview = client(PurviewManagementClient, emulator)
    wanted = ours(emulator)["p_blob"].private_endpoint_id
    answer = purview.ingestion_private_endpoint_connections.update_status(
        "rg1", "pv1", {"privateEndpointId": wanted, "status": "Approved"}
    )
    assert answer.as_dict() == {"privateEndpointId": wanted, "status": "Approved"}
    assert ours(emulator)["p_blob"].status == "Approved"
    assert ours(emulator)["p_queue"].status == "Pending"
    storage = ours(emulator)["p_blob"].target
    assert arm.get(f"{storage}/privateEndpointConnections", version=STORAGE).status_code == 403


@pytest.mark.parametrize(
    ("accepts", "works_by_private_endpoint", "works_by_connection"),
    [("either", True, True), ("private-endpoint", True, False), ("connection", False, True)],
)
def test_the_id_that_the_ingestion_approval_accepts(make_arm, accepts, works_by_private_endpoint, works_by_connection):
    """SDK and sample disagree about the id, so the emulator can be set to accept only one of them."""
    for by_connection, works in ((False, works_by_private_endpoint), (True, works_by_connection)):
        emulator = Emulator(shape="C", ingestion_accepts=accepts)
        arm = make_arm(emulator)
        request_all(arm)
        [item] = [
            item
            for item in arm.get(f"{emulator.account}/ingestionPrivateEndpointConnections", version=PURVIEW).json()[
                "value"
            ]
            if item["properties"]["privateEndpoint"]["id"] == ours(emulator)["p_blob"].private_endpoint_id
        ]
        given = item["id"] if by_connection else item["properties"]["privateEndpoint"]["id"]
        answer = arm.send(
            "POST",
            f"{emulator.account}/ingestionPrivateEndpointConnectionStatus",
            version=PURVIEW,
            body={"privateEndpointId": given, "status": "Approved"},
        )
        assert answer.status_code == (200 if works else 404)
        assert (ours(emulator)["p_blob"].status == "Approved") is works


@pytest.mark.parametrize("body", [{}, {"privateEndpointId": 5}, {"privateEndpointId": "x"}, {"privateEndpointId": "x", "status": "maybe"}])  # fmt: skip
def test_a_malformed_ingestion_decision_is_refused(make_arm, body):
    """Missing or wrong fields are a 400; nothing changes."""
    arm = make_arm(Emulator(shape="C"))
    answer = arm.send(
        "POST", f"{arm.emulator.account}/ingestionPrivateEndpointConnectionStatus", version=PURVIEW, body=body
    )
    assert answer.status_code == 400
    assert {connection.status for connection in arm.emulator.connections()} == {"Pending"}


def test_older_versions_have_no_ingestion_list(make_arm):
    """The operation exists from 2023-05-01-preview on; older api-versions are refused."""
    arm = make_arm(Emulator(shape="C"))
    answer = arm.get(f"{arm.emulator.account}/ingestionPrivateEndpointConnections", version="2021-12-01")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "NoRegisteredProviderFound")


def test_an_account_without_ingestion_storage_has_an_empty_list(arm, emulator):
    """A shape A account has no ingestion connections, and none can be approved."""
    assert arm.get(f"{emulator.account}/ingestionPrivateEndpointConnections", version=PURVIEW).json() == {"value": []}
    body = {"privateEndpointId": "/x", "status": "Approved"}
    answer = arm.send(
        "POST", f"{emulator.account}/ingestionPrivateEndpointConnectionStatus", version=PURVIEW, body=body
    )
    assert answer.status_code == 404


def test_the_factory_follows_the_target_until_approved(requested):
    """Once the factory has shown Approved, it does not change any more."""
    requested.clock.sleep(100)
    states = []
    for decide in (requested.approve, requested.reject):
        decide("p_blob")
        states.append(
            (
                [e.status for e in requested.endpoints() if e.name == "p_blob"],
                ours(requested)["p_blob"].status,
            )
        )
    assert states == [(["Approved"], "Approved"), (["Approved"], "Rejected")]
    requested.reject("p_queue", description="not you")
    assert [e.status for e in requested.endpoints() if e.name == "p_queue"] == ["Rejected"]
    requested.disconnect("p_account")
    assert [e.status for e in requested.endpoints() if e.name == "p_account"] == ["Disconnected"]


def test_an_approval_during_provisioning_shows_afterwards(requested):
    """The state stays empty until the endpoint is Succeeded, and is Approved then."""
    requested.approve("p_blob")
    [endpoint] = [e for e in requested.endpoints() if e.name == "p_blob"]
    assert (endpoint.provisioning_state, endpoint.status) == ("Provisioning", "")
    requested.clock.sleep(80)
    [endpoint] = [e for e in requested.endpoints() if e.name == "p_blob"]
    assert (endpoint.provisioning_state, endpoint.status) == ("Succeeded", "Approved")


def test_the_factory_can_show_decisions_late(make_arm):
    """With a refresh delay the factory says Pending until the delay has passed."""
    emulator = Emulator(refresh_delay=60)
    request_all(make_arm(emulator))
    emulator.clock.sleep(100)
    emulator.approve("p_blob")
    [before] = [e.status for e in emulator.endpoints() if e.name == "p_blob"]
    emulator.clock.sleep(60)
    [after] = [e.status for e in emulator.endpoints() if e.name == "p_blob"]
    assert (before, after) == ("Pending", "Approved")


@pytest.mark.parametrize("decision", ["reject", "disconnect"])
def test_a_rejected_connection_stays_rejected(requested, arm, decision):
    """Rejected and Disconnected connections cannot be approved any more."""
    getattr(requested, decision)("p_blob")
    connection = ours(requested)["p_blob"]
    answer = arm.put(connection.id, APPROVED, version=STORAGE)
    assert answer.status_code == 400
    assert ours(requested)["p_blob"].status == connection.status


@pytest.mark.parametrize("body", [{}, {"properties": {}}, {"properties": {"privateLinkServiceConnectionState": {"status": "Yes"}}},
    {"properties": {"privateLinkServiceConnectionState": {"status": "Approved", "description": 5}}}])  # fmt: skip
def test_a_malformed_decision_is_refused(requested, arm, body):
    """A PUT without a known status is a 400; nothing changes."""
    connection = ours(requested)["p_namespace"]
    assert arm.put(connection.id, body, version=EVENT_HUB).status_code == 400
    assert ours(requested)["p_namespace"] == connection


def test_a_missing_connection_is_not_found(emulator, arm):
    """GET and PUT are 404, DELETE is 204."""
    path = f"{emulator.account}/privateEndpointConnections/nobody"
    assert arm.get(path, version=PURVIEW).status_code == 404
    assert arm.put(path, APPROVED, version=PURVIEW).status_code == 404
    assert arm.send("DELETE", path, version=PURVIEW).status_code == 204


def test_removing_a_connection_disconnects_the_endpoint(requested, arm):
    """After a DELETE on the target the factory says Disconnected, unless it has shown Approved."""
    requested.clock.sleep(100)
    requested.approve("p_queue")
    for name in ("p_blob", "p_queue"):
        assert arm.send("DELETE", ours(requested)[name].id, version=STORAGE).status_code == 200
    assert {e.name: e.status for e in requested.endpoints() if e.group_id in {"blob", "queue"}} == {
        "p_blob": "Disconnected",
        "p_queue": "Approved",
    }
    assert set(ours(requested)) == {"p_account", "p_namespace"}


def test_a_deleted_endpoint_removes_its_connection(requested, arm):
    """The connection is removed when the endpoint is gone; foreign connections stay."""
    arm.send("DELETE", arm.endpoint("p_blob"))
    assert "p_blob" in ours(requested)
    requested.clock.sleep(30)
    assert "p_blob" not in ours(requested)
    assert len(requested.connections(requested.targets(requested.account)["blob"])) == 2 + 1


def test_a_deleted_factory_leaves_orphans(requested, arm):
    """The connections of a deleted factory stay on their targets, still Approved."""
    requested.approve("p_blob")
    arm.send("DELETE", requested.factory)
    left = [c for c in requested.connections() if "/privateEndpoints/df1." in c.private_endpoint_id]
    assert len(left) == 4
    assert sorted(c.status for c in left) == ["Approved", "Pending", "Pending", "Pending"]


def test_every_target_has_foreign_connections(emulator):
    """As many pending foreign connections as requested are on every target."""
    for shape in "ABCDE":
        many = Emulator(shape=shape, foreign_connections=5)
        for target in many.targets(many.account).values():
            assert [c.status for c in many.connections(target)] == ["Pending"] * 5
    assert Emulator(foreign_connections=0).connections() == []
    assert len({c.name for c in emulator.connections()}) == 6


def test_a_foreign_connection_can_have_any_name(emulator):
    """A test can add a connection with any private endpoint id, name and description."""
    imitation = "/subscriptions/99999999-9999-4999-8999-999999999999/resourceGroups/x/providers/Microsoft.Network/privateEndpoints/df1.p_blob"
    added = emulator.add_connection(
        emulator.targets(emulator.account)["blob"],
        private_endpoint_id=imitation,
        name="pv1.imitation",
        description="Requested by DataFactory:df1, Name:p_blob",
        group_id="blob",
    )
    assert added.private_endpoint_id == imitation
    assert added.endpoint is None
    assert added in emulator.connections()
    for target, group in (("account", "account"), ("namespace", "namespace"), ("queue", "blob")):
        assert emulator.add_connection(emulator.targets(emulator.account)[target]).group_id == group
    with pytest.raises(LookupError):
        emulator.add_connection(str(emulator.account) + "x")


def test_storage_runs_one_operation_at_a_time(make_arm):
    """While one private endpoint operation runs, the next one on that account is a 409, and a creation fails."""
    emulator = Emulator(storage_busy=10, provisioning=60, connection_delay={"queue": 30, "*": 17})
    arm = make_arm(emulator)
    request_all(arm)
    emulator.clock.sleep(41)
    connections = ours(emulator)
    assert arm.put(connections["p_blob"].id, APPROVED, version=STORAGE).status_code == 200
    refused = arm.put(connections["p_queue"].id, APPROVED, version=STORAGE)
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "StorageAccountOperationInProgress"
    emulator.clock.sleep(10)
    assert arm.put(connections["p_queue"].id, APPROVED, version=STORAGE).status_code == 200

    neighbours = Emulator(storage_busy=10)
    request_all(make_arm(neighbours))
    neighbours.clock.sleep(100)
    assert {e.name: e.provisioning_state for e in neighbours.endpoints()} == {
        "p_account": "Succeeded",
        "p_blob": "Succeeded",
        "p_queue": "Failed",
        "p_namespace": "Succeeded",
    }


def test_a_connection_can_appear_after_a_number_of_reads(make_arm):
    """With `Reads(2)` the connection exists after two lists of the target."""
    emulator = Emulator(connection_delay=Reads(2), foreign_connections=0)
    arm = make_arm(emulator)
    arm.request_endpoint("p", emulator.account, "account")
    path = f"{emulator.account}/privateEndpointConnections"
    assert [len(arm.get(path, version=PURVIEW).json()["value"]) for _ in range(3)] == [0, 0, 1]
    ingesting = Emulator(shape="C", connection_delay=Reads(1), foreign_connections=0)
    arm = make_arm(ingesting)
    arm.request_endpoint("p", ingesting.targets(ingesting.account)["blob"], "blob")
    path = f"{ingesting.account}/ingestionPrivateEndpointConnections"
    assert [len(arm.get(path, version=PURVIEW).json()["value"]) for _ in range(2)] == [0, 1]


def test_approve_needs_an_unambiguous_name(requested, arm):
    """A name without a connection or with several ones is refused; a factory or an id makes it unambiguous."""
    with pytest.raises(LookupError, match="no connection"):
        requested.approve("nobody")
    other = requested.add_factory("df2")
    arm.request_endpoint("p_account", requested.account, "account", other)
    requested.clock.sleep(20)
    with pytest.raises(LookupError, match="several"):
        requested.approve("p_account")
    requested.approve("p_account", factory=other)
    statuses = {str(c.factory): c.status for c in requested.connections(requested.account) if c.endpoint}
    assert statuses == {str(requested.factory): "Pending", str(other): "Approved"}
    [stranger, *_] = [c for c in requested.connections() if c.endpoint is None]
    requested.approve(str(stranger.id))
    requested.reject(stranger.name)


def test_targets_are_resources(emulator, arm):
    """Managed storage and namespace answer GET and lists, with their connections and groups."""
    targets = emulator.targets(emulator.account)
    for group, version, kind in (
        ("blob", STORAGE, "storageAccounts"),
        ("namespace", EVENT_HUB, "namespaces"),
    ):
        target = targets[group]
        shown = arm.get(target, version=version).json()
        assert shown["id"] == str(target)
        assert len(shown["properties"]["privateEndpointConnections"]) == 2
        in_group = f"/subscriptions/{target.subscription}/resourceGroups/{target.resource_group}/providers/{target.provider}/{kind}"
        in_subscription = f"/subscriptions/{target.subscription}/providers/{target.provider}/{kind}"
        for path in (in_group, in_subscription):
            assert [item["id"] for item in arm.get(path, version=version).json()["value"]] == [str(target)]
        groups = [item["name"] for item in arm.get(f"{target}/privateLinkResources", version=version).json()["value"]]
        assert group in groups
        assert arm.get(str(target) + "x", version=version).status_code == 404
    groups = arm.get(f"{emulator.account}/privateLinkResources", version=PURVIEW).json()["value"]
    assert [item["properties"]["groupId"] for item in groups] == ["account", "portal"]
