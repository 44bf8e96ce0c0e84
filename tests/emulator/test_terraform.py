"""The requests of Terraform's providers azurerm and azapi, in order, recorded from builds that did the whole job.

`tests/clients/test_terraform.py` runs the real providers if they are installed.
"""

from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from azure.core.rest import HttpRequest

from purview_mpe.emulator import Emulator

ARM = "https://management.azure.com"
FACTORY = "2018-06-01"


@pytest.fixture
def terraform(make_arm):
    """An emulator, a client for it, and the paths of a stack that does not exist yet."""
    emulator = Emulator(empty=True)
    group = f"/subscriptions/{emulator.subscription}/resourceGroups/rg-tf"
    factory = f"{group}/providers/Microsoft.DataFactory/factories/df-tf"
    return SimpleNamespace(
        emulator=emulator,
        arm=make_arm(emulator),
        group=group,
        factory=factory,
        network=f"{factory}/managedVirtualNetworks/default",
        account=f"{group}/providers/Microsoft.Purview/accounts/pvtf",
    )


def apply_azurerm(tf):
    """The stack as azurerm creates it: each resource is looked for, created, and read until it exists."""
    arm = tf.arm
    assert arm.get(tf.group, version="2023-07-01").status_code == 404
    assert arm.put(tf.group, {"location": "westeurope", "tags": {}}, version="2023-07-01").status_code == 201

    assert arm.get(tf.account, version="2021-12-01").status_code == 404
    identity = {"type": "SystemAssigned", "userAssignedIdentities": None}
    properties = {"publicNetworkAccess": "Disabled"}
    body = {"identity": identity, "location": "westeurope", "properties": properties, "tags": {}}
    made = arm.put(tf.account, body, version="2021-12-01")
    assert (made.status_code, made.json()["properties"]["provisioningState"]) == (201, "Creating")
    tf.emulator.clock.sleep(150)
    account = arm.get(tf.account, version="2021-12-01").json()
    assert account["properties"]["provisioningState"] == "Succeeded"
    assert account["properties"]["publicNetworkAccess"] == "Disabled"
    assert arm.send("POST", f"{tf.account}/listKeys", version="2021-12-01").status_code == 200

    assert arm.get(tf.factory).status_code == 404
    properties = {
        "publicNetworkAccess": "Disabled",
        "purviewConfiguration": {"purviewResourceId": tf.account},
    }
    body = {"identity": identity, "location": "westeurope", "properties": properties, "tags": {}}
    assert arm.put(tf.factory, body).status_code == 200
    assert arm.put(tf.network, {"properties": {}}).status_code == 200
    [network] = arm.get(f"{tf.factory}/managedVirtualNetworks").json()["value"]
    assert network["name"] == "default"

    runtime = f"{tf.factory}/integrationRuntimes/managed-ir"
    assert arm.get(runtime).status_code == 404
    properties = {
        "description": "",
        "managedVirtualNetwork": {"referenceName": "default", "type": "ManagedVirtualNetworkReference"},
        "type": "Managed",
        "typeProperties": {"computeProperties": {"location": "AutoResolve"}},
    }
    assert arm.put(runtime, {"name": "managed-ir", "properties": properties}).status_code == 200
    assert arm.send("POST", f"{runtime}/getStatus").json()["properties"]["type"] == "Managed"
    runtime = f"{tf.factory}/integrationRuntimes/shir"
    body = {"name": "shir", "properties": {"description": "", "type": "SelfHosted", "typeProperties": {}}}
    assert arm.put(runtime, body).status_code == 200
    assert arm.send("POST", f"{runtime}/listAuthKeys").json()["authKey1"]

    assert arm.get(f"{tf.network}/managedPrivateEndpoints").json()["value"] == []
    endpoint = f"{tf.network}/managedPrivateEndpoints/purview"
    properties = {"groupId": "account", "privateLinkResourceId": tf.account}
    assert arm.put(endpoint, {"properties": properties}).status_code == 200
    tf.emulator.clock.sleep(120)
    assert arm.get(endpoint).json()["properties"]["provisioningState"] == "Succeeded"
    return endpoint


def test_azurerm_applies_plans_without_change_and_destroys(terraform):
    """Everything written is read back the same, and each DELETE ends as the provider expects."""
    tf, arm = terraform, terraform.arm
    endpoint = apply_azurerm(tf)

    # plan: what was written equals what is read
    factory = arm.get(tf.factory).json()
    assert factory["properties"]["purviewConfiguration"]["purviewResourceId"] == tf.account
    assert factory["properties"]["publicNetworkAccess"] == "Disabled"
    assert factory["identity"]["principalId"]
    shown = arm.get(endpoint).json()["properties"]
    assert (shown["privateLinkResourceId"], shown["groupId"]) == (tf.account, "account")
    runtime = arm.get(f"{tf.factory}/integrationRuntimes/managed-ir").json()["properties"]
    assert runtime["typeProperties"] == {"computeProperties": {"location": "AutoResolve"}}
    assert runtime["managedVirtualNetwork"]["referenceName"] == "default"

    # destroy
    assert arm.send("DELETE", endpoint).status_code == 200
    for name in ("managed-ir", "shir"):
        assert arm.send("DELETE", f"{tf.factory}/integrationRuntimes/{name}").status_code == 200
    assert arm.send("DELETE", tf.factory).status_code == 200
    deleted = arm.send("DELETE", tf.account, version="2021-12-01")
    assert deleted.status_code == 202
    assert arm.get(deleted.headers["Location"]).status_code == 202
    tf.emulator.clock.sleep(180)
    assert arm.get(deleted.headers["Location"]).status_code == 200
    query = "?$expand=provisioningState&$top=10"
    assert arm.get(f"{tf.group}/resources{query}", version="2023-07-01").json()["value"] == []
    gone = arm.send("DELETE", tf.group, version="2023-07-01")
    assert gone.status_code == 202
    assert arm.get(gone.headers["Location"]).status_code == 200
    assert arm.get(tf.group, version="2023-07-01").status_code == 404


def test_azapi_reads_writes_and_reads_again(terraform):
    """A 404 before, the answer of GET after, and an approval as an update of an existing resource."""
    tf, arm, version = terraform, terraform.arm, "2021-12-01"
    apply_azurerm(tf)
    endpoint = f"{tf.network}/managedPrivateEndpoints/purview_portal"
    assert arm.get(endpoint).status_code == 404
    properties = {"groupId": "portal", "privateLinkResourceId": tf.account}
    assert arm.put(endpoint, {"properties": properties}).status_code == 200
    assert arm.get(endpoint).json()["name"] == "purview_portal"

    listed = arm.get(f"{tf.account}/privateEndpointConnections", version=version).json()["value"]
    [one] = [item for item in listed if item["properties"]["privateEndpoint"]["id"].endswith("/df-tf.purview")]
    connection = arm.get(one["id"], version=version).json()
    # It sends back everything that it has read, with its change.
    state = {"status": "Approved", "description": "by Terraform"}
    connection["properties"]["privateLinkServiceConnectionState"] |= state
    answer = arm.put(one["id"], connection, version=version)
    assert answer.status_code == 201
    # It follows this address, and finds the resource.
    read = arm.get(answer.headers["Azure-AsyncOperation"]).json()
    assert read["properties"]["privateLinkServiceConnectionState"] == {**state, "actionsRequired": "None"}
    assert arm.send("DELETE", endpoint).status_code == 200


def test_the_providers_find_the_cloud_and_sign_in(terraform):
    """Metadata of 2022-09-01, OpenID configuration, and a token from an address with a doubled slash."""
    transport, tenant = terraform.emulator.transport(), terraform.emulator.tenant
    cloud = transport.send(HttpRequest("GET", f"{ARM}/metadata/endpoints?api-version=2022-09-01")).json()
    assert cloud["authentication"]["loginEndpoint"] == cloud["resourceManager"] == f"{ARM}/"
    assert {"storage", "keyVaultDns"} <= set(cloud["suffixes"])
    described = transport.send(HttpRequest("GET", f"{ARM}/{tenant}/v2.0/.well-known/openid-configuration")).json()
    form = {
        "client_id": "somebody",
        "client_secret": "x",
        "grant_type": "client_credentials",
        "scope": f"{ARM}/.default",
    }
    for url in (described["token_endpoint"], f"{ARM}//{tenant}/oauth2/v2.0/token"):
        answer = transport.send(HttpRequest("POST", url, content=urlencode(form)))
        assert answer.json()["token_type"] == "Bearer"
