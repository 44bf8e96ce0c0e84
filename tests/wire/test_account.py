"""Azure's JSON as values: irregular answers that were recorded, and arbitrary JSON."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe._model.arm_id import ArmId
from purview_mpe._wire import account as account_json
from purview_mpe._wire import connections, reading
from tests.support import published
from tests.support.nouns import ACCOUNT, FACTORY, HIDDEN, STORAGE, SUBSCRIPTION, a_connection, json_values, texts

LISTED = {
    "id": f"{FACTORY.lower()}/managedvirtualnetworks/default/managedprivateendpoints/purview_blob",
    "name": "purview_blob",
    "type": "Microsoft.DataFactory/factories/managedvirtualnetworks/managedprivateendpoints",
    "etag": "e",
    "properties": {
        "privateLinkResourceId": STORAGE,
        "groupId": "blob",
        "fqdns": ["scanwesteurope.blob.core.windows.net"],
        "provisioningState": "Succeeded",
        "connectionState": {"status": "Pending", "description": "", "actionsRequired": "None"},
        "resourceId": f"{HIDDEN}/df1.purview_blob",
        "isReserved": False,
    },
}


def endpoint(**properties: Any) -> Any:
    return account_json.read_endpoint(LISTED | {"properties": LISTED["properties"] | properties}, "df1")


def test_listed_endpoint_is_read():
    """Target, group id, states and the private endpoint's exact id are read."""
    read = endpoint()
    assert (read.name, read.group_id, read.resource_id) == ("purview_blob", "blob", STORAGE)
    assert (read.provisioning_state, read.connection_status) == ("Succeeded", "Pending")
    assert (read.private_endpoint_id, read.reserved) == (f"{HIDDEN}/df1.purview_blob", False)


@pytest.mark.parametrize(
    ("error", "read"),
    [
        (None, ""),
        ({"code": "NotFound", "message": "No such\ntarget."}, "NotFound: No such target."),
        ({"error": {"code": "NotFound", "message": "Inside."}}, "NotFound: Inside."),
        ({"message": "Only a sentence."}, "Only a sentence."),
        ("Only a text.", "Only a text."),
        ("Bearer abcdefghijklmnopqrstuvwxyz", "Bearer ***"),
        (5, ""),
    ],
)
def test_error_of_an_endpoint(error, read):
    """Null without an error (recorded); otherwise an object or a text, read as one line without secrets."""
    assert endpoint(error=error).error == read
    assert len(endpoint(error="x" * 100_000).error) < 1000


def test_new_endpoint_has_an_empty_connection():
    """Right after its creation, an endpoint's connection has three empty texts (recorded)."""
    fresh = {"status": "", "description": "", "actionsRequired": ""}
    assert endpoint(provisioningState="Provisioning", connectionState=fresh).connection_status == ""


@pytest.mark.parametrize("absent", [None, "", 5, {}, [], "/subscriptions/x/resourceGroups/rg1"])
def test_missing_connection_or_id_is_unknown(absent):
    """`connectionState` may be missing (spec), and `resourceId` is in no OpenAPI file; neither is guessed."""
    read = endpoint(connectionState=absent, resourceId=absent)
    assert (read.connection_status, read.private_endpoint_id) == ("", None)


def test_missing_name_is_taken_from_the_id():
    """The spec does not require names; the last segment of the id is the name."""
    read = account_json.read_endpoint({"id": LISTED["id"], "properties": {}}, "df1")
    assert read is not None
    assert read.name == "purview_blob"
    assert account_json.read_name({"id": f"{FACTORY}/managedvirtualnetworks/default/"}) == "default"


@pytest.mark.parametrize(("flag", "reserved"), [(True, True), (False, False), (None, False), ("true", False)])
def test_reserved_endpoints(flag, reserved):
    """Only the JSON value true makes an endpoint reserved."""
    assert endpoint(isReserved=flag).reserved is reserved


@pytest.mark.parametrize("odd", ["..", ".", "a/b", "../..", "x?y=1#", "%2e%2e", "a\x1b[2J", "", None, 5])
def test_name_that_is_unsafe_in_a_path_is_ignored(odd):
    """The name becomes part of the next request; the id gives the name instead, or the item is dropped."""
    named = account_json.read_endpoint(LISTED | {"name": odd}, "df1")
    assert named is not None
    assert named.name == "purview_blob"
    assert account_json.read_endpoint(LISTED | {"name": odd, "id": "/x/../"}, "df1") is None
    connection = connections.read_connection(
        {"name": odd, "id": f"{ACCOUNT}/c/..", "properties": {"privateEndpoint": {"id": f"{HIDDEN}/df1.purview"}}}
    )
    assert connection is not None
    assert (connection.name, connection.id) == ("", "")


@pytest.mark.parametrize(
    "given",
    [
        f"{HIDDEN}/df2.purview_blob",
        f"{HIDDEN}/df1.purview",
        f"{HIDDEN}/df1.purview_b\u2113ob",
        f"{HIDDEN}/df1.purview_blob/x",
        HIDDEN.replace("privateEndpoints", "privateLinkServices") + "/df1.purview_blob",
        "df1.purview_blob",
    ],
)
def test_exact_id_must_have_data_factorys_name(given):
    """`resourceId` is undocumented, and approvals rely on it, so an id with another name is dropped."""
    assert endpoint(resourceId=given).private_endpoint_id is None
    assert endpoint(resourceId=f"{HIDDEN}/DF1.Purview_Blob").private_endpoint_id == f"{HIDDEN}/DF1.Purview_Blob"


def test_endpoint_matches_its_target_in_any_letter_case():
    """Azure returns target and group id in other letter cases and with a trailing slash."""
    read = endpoint(privateLinkResourceId=STORAGE.upper() + "/", groupId="Blob")
    assert read.is_for(STORAGE, "blob")
    assert not read.is_for(STORAGE, "queue")


def test_body_of_an_endpoint():
    """The body is exactly what the portal sends (recorded); no part of a fetched body is sent back."""
    assert account_json.endpoint_body(STORAGE, "blob") == {
        "properties": {"privateLinkResourceId": STORAGE, "groupId": "blob", "fqdns": []}
    }


def test_body_of_a_network():
    """Azure refuses a body without properties (public code)."""
    assert account_json.network_body() == {"properties": {}}


@pytest.mark.parametrize(
    ("answer", "location", "account"),
    [
        ({"location": "westeurope", "properties": {}}, "westeurope", None),
        ({"properties": {"purviewConfiguration": {"purviewResourceId": ACCOUNT}}}, None, ACCOUNT),
        ({"properties": {"purviewConfiguration": {"purviewResourceId": ""}}}, None, None),
        ({"properties": {"purviewConfiguration": None}}, None, None),
        ({}, None, None),
    ],
)
def test_account_that_a_factory_is_connected_to(answer, location, account):
    """Null, empty and absent all mean that the factory is not connected."""
    assert account_json.read_factory_connection(answer) == (location, account)


@pytest.mark.parametrize(
    ("properties", "kind"),
    [
        ({"type": "SelfHosted"}, "self-hosted"),
        ({"type": "selfhosted"}, "self-hosted"),
        ({"type": "Managed", "managedVirtualNetwork": {"referenceName": "default"}}, "azure-managed-vnet"),
        ({"type": "Managed", "typeProperties": {"computeProperties": {"location": "AutoResolve"}}}, "azure"),
        ({"type": "Managed", "typeProperties": {"ssisProperties": {"edition": "Standard"}}}, "ssis"),
        (
            {
                "type": "Managed",
                "managedVirtualNetwork": {"referenceName": "default"},
                "typeProperties": {"ssisProperties": {"edition": "Standard"}},
            },
            "ssis",
        ),
        ({"type": "Managed", "managedVirtualNetwork": None}, "azure"),
        ({}, "azure"),
        ({"type": "Airflow"}, None),
        ({"type": {"of": "another kind"}}, "azure"),
    ],
)
def test_kind_of_an_integration_runtime(properties, kind):
    """The type alone does not distinguish the kinds of Azure runtimes (spec)."""
    assert account_json.read_runtime_kind({"properties": properties}) == kind


# --- the targets' side

SHOWN = {
    "id": f"{ACCOUNT}/privateEndpointConnections/df1.purview-0f",
    "name": "df1.purview-0f",
    "properties": {
        "privateEndpoint": {"id": f"{HIDDEN}/df1.purview"},
        "privateLinkServiceConnectionState": {"status": "Pending", "description": "Requested by DataFactory:df1"},
    },
}


def test_connection_is_read():
    """Id, name, private endpoint, state and description are read."""
    read = connections.read_connection(SHOWN)
    assert read.model_dump() == {
        "id": SHOWN["id"],
        "name": "df1.purview-0f",
        "private_endpoint_id": f"{HIDDEN}/df1.purview",
        "status": "Pending",
        "description": "Requested by DataFactory:df1",
    }


def test_connection_without_name_or_description():
    """Items of the ingestion list have no name (spec), and a description may be null."""
    properties = SHOWN["properties"] | {"privateLinkServiceConnectionState": {"status": "Pending", "description": None}}
    read = connections.read_connection({"id": SHOWN["id"], "properties": properties})
    assert (read.name, read.description) == ("df1.purview-0f", "")


@pytest.mark.parametrize("private_endpoint", [None, {}, {"id": None}, {"id": ""}, {"id": 5}, "x"])
def test_connection_without_private_endpoint_is_dropped(private_endpoint):
    """Without the private endpoint's id, the connection cannot be matched to an endpoint."""
    properties = SHOWN["properties"] | {"privateEndpoint": private_endpoint}
    assert connections.read_connection(SHOWN | {"properties": properties}) is None


def test_body_of_a_decision_keeps_the_requesters_description():
    """An approval overwrites the description (recorded), so the body contains the old one."""
    connection = a_connection(f"{HIDDEN}/df1.purview", description="Requested by DataFactory:df1")
    state = {"status": "Approved", "description": "Requested by DataFactory:df1; Approved with purview-mpe"}
    assert connections.decision_bodies("Approved", connection) == (
        {"properties": {"privateLinkServiceConnectionState": state}},
        {
            "properties": {
                "privateEndpoint": {"id": f"{HIDDEN}/df1.purview"},
                "privateLinkServiceConnectionState": state,
            }
        },
    )


@pytest.mark.parametrize(
    ("existing", "decision", "sent"),
    [
        ("", "Approved", "Approved with purview-mpe"),
        ("", "Rejected", "Rejected with purview-mpe"),
        ("mine", "Rejected", "mine; Rejected with purview-mpe"),
        ("mine; Approved with purview-mpe", "Approved", "mine; Approved with purview-mpe"),
        ("x" * 113, "Approved", "x" * 113 + "; Approved with purview-mpe"),
        ("x" * 114, "Approved", "x" * 114),
    ],
)
def test_description_is_extended_once_up_to_140_characters(existing, decision, sent):
    """A description that would become too long is not changed."""
    assert connections.extended_description(existing, decision) == sent


@given(texts, st.sampled_from(["Approved", "Rejected"]))
def test_description_is_never_lost(existing, decision):
    """The requester's text stays at the beginning, and a second decision changes nothing."""
    once = connections.extended_description(existing, decision)
    assert once.startswith(existing)
    assert connections.extended_description(once, decision) == once


def test_body_of_the_ingestion_call():
    """The field holds the id of the private endpoint (SDK)."""
    assert connections.ingestion_body("Approved", f"{HIDDEN}/df1.purview_blob") == {
        "privateEndpointId": f"{HIDDEN}/df1.purview_blob",
        "status": "Approved",
    }


# --- arbitrary JSON


def anything(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, json_values))


resources = st.one_of(
    st.dictionaries(texts, json_values, max_size=3),
    st.fixed_dictionaries(
        {
            "properties": st.one_of(
                json_values,
                st.fixed_dictionaries(
                    {},
                    optional={
                        "managedResources": anything("storageAccount", "eventHubNamespace") | json_values,
                        "ingestionStorage": anything("id", "publicNetworkAccess") | json_values,
                        "endpoints": st.dictionaries(texts | st.just("\ud800"), json_values) | json_values,
                        "connectionState": anything("status", "description") | json_values,
                        "privateEndpoint": anything("id") | json_values,
                        "privateLinkServiceConnectionState": anything("status", "description") | json_values,
                        "purviewConfiguration": anything("purviewResourceId") | json_values,
                        "typeProperties": anything("ssisProperties") | json_values,
                    }
                    | dict.fromkeys(
                        (
                            "groupId",
                            "isReserved",
                            "managedEventHubState",
                            "managedResourcesPublicNetworkAccess",
                            "managedVirtualNetwork",
                            "privateLinkResourceId",
                            "provisioningState",
                            "publicNetworkAccess",
                            "resourceId",
                            "type",
                        ),
                        json_values,
                    ),
                ),
            )
        },
        optional={"id": json_values, "name": json_values, "location": json_values},
    ),
)


@given(resources)
def test_account_is_read_from_any_json(answer):
    """Any JSON gives an account whose first target is the requested account."""
    account = account_json.read_account(answer, ArmId.parse(ACCOUNT))
    assert account.targets[0].resource_id == ACCOUNT
    assert account.model_validate_json(account.model_dump_json()) == account


@given(resources)
def test_other_values_are_read_from_any_json(answer):
    """Any JSON gives a value that can be written as JSON, or None."""
    read = account_json.read_endpoint(answer, "df1")
    assert read is None or read.model_validate_json(read.model_dump_json()) == read
    connection = connections.read_connection(answer)
    assert connection is None or connection.model_validate_json(connection.model_dump_json()) == connection
    assert all(part is None or part.encode() for part in account_json.read_factory_connection(answer))
    assert account_json.read_runtime_kind(answer) in {"azure", "azure-managed-vnet", "self-hosted", "ssis", None}
    assert isinstance(account_json.read_name(answer).encode(), bytes)


@given(st.dictionaries(st.just("key"), json_values))
def test_field_of_another_type_counts_as_absent(holder):
    """Objects, texts and lists of them are read; a value of another type is ignored."""
    value = holder.get("key")
    items = value if isinstance(value, list) else []
    assert reading.mapping(holder, "key") == reading.as_mapping(value) == (value if isinstance(value, dict) else {})
    assert list(reading.objects(holder, "key")) == [item for item in items if isinstance(item, dict)]
    assert len(reading.texts(holder, "key")) == len([item for item in items if isinstance(item, str)])
    assert all(text.encode() is not None for text in (*reading.texts(holder, "key"), reading.text(holder, "key")))


def test_lone_surrogates_are_replaced():
    """JSON can contain half a character, which neither a file nor a terminal accepts."""
    assert endpoint(groupId="blob\ud800").group_id == ""
    account = account_json.read_account({"properties": {"endpoints": {"\udfff": "\ud800"}}}, ArmId.parse(ACCOUNT))
    assert account.endpoints == {"?": "?"}


# --- Azure's own examples


def test_azures_published_endpoints_are_read():
    """The published endpoints have a name, a target and a group id, and no connection yet."""
    bodies = published.items(published.examples("datafactory", "ManagedPrivateEndpoints_*.json"))
    if not bodies:
        pytest.skip(published.HINT)
    for body in bodies:
        given = body["properties"]["privateLinkResourceId"].replace("12345678-1234-1234-1234-12345678abc", SUBSCRIPTION)
        read = account_json.read_endpoint(
            {**body, "properties": {**body["properties"], "privateLinkResourceId": given}}, "df1"
        )
        assert read is not None
        assert (read.name, read.group_id, read.reserved) == ("exampleManagedPrivateEndpointName", "blob", False)
        assert "/providers/Microsoft.Storage/storageAccounts/" in read.resource_id


@pytest.mark.parametrize(
    ("provider", "pattern"),
    [
        ("purview", "PrivateEndpointConnections_ListByAccount.json"),
        ("purview", "IngestionPrivateEndpointConnections_List.json"),
        ("storage", "StorageAccountListPrivateEndpointConnections.json"),
        ("eventhub", "**/PrivateEndPointConnectionList.json"),
    ],
)
def test_azures_published_connections_are_read(provider, pattern):
    """Every published connection has its private endpoint and its state, in each provider's own spelling."""
    bodies = published.items(published.examples(provider, pattern))
    if not bodies:
        pytest.skip(published.HINT)
    for body in bodies:
        given = body["properties"]["privateEndpoint"]["id"].replace("{subscription-id}", SUBSCRIPTION)
        body["properties"]["privateEndpoint"]["id"] = given.replace("12345678-1234-1234-12345678abc", SUBSCRIPTION)
        read = connections.read_connection(body)
        assert read is not None
        assert "/privateEndpoints/" in read.private_endpoint_id
        assert read.status in {"Approved", "Pending", "Rejected", "Disconnected"}
