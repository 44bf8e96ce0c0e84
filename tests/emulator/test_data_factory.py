"""Data Factory's known behaviour, through the real SDK client where the SDK allows it."""

import asyncio

import pytest
from azure.core.exceptions import HttpResponseError, ResourceModifiedError
from azure.mgmt.datafactory.aio import DataFactoryManagementClient as AioDataFactoryManagementClient

from purview_mpe.emulator import Emulator, Reads


def body(target, group_id="account", **more):
    return {"properties": {"privateLinkResourceId": str(target), "groupId": group_id, "fqdns": [], **more}}


def create(client, name, target, group_id="account"):
    created = client.managed_private_endpoints.create_or_update("rg1", "df1", "default", name, body(target, group_id))
    return created.as_dict()


def test_a_put_answers_at_once_with_three_empty_strings(datafactory, emulator):
    """The PUT answers 200, Provisioning, with an empty connection state, no etag and lower-cased segments."""
    created = create(datafactory, "Purview", emulator.account)
    assert created["properties"]["provisioningState"] == "Provisioning"
    assert created["properties"]["connectionState"] == {
        "status": "",
        "description": "",
        "actionsRequired": "",
    }
    assert "etag" not in created
    assert created["id"].endswith("/factories/df1/managedvirtualnetworks/default/managedprivateendpoints/Purview")
    assert created["type"] == "Microsoft.DataFactory/factories/managedvirtualnetworks/managedprivateendpoints"
    assert [request.status for request in emulator.writes] == [200]


def test_an_endpoint_becomes_succeeded_and_pending_with_fqdns(datafactory, emulator):
    """After provisioning the factory shows the state of the connection and the fqdns."""
    create(datafactory, "Purview", emulator.account)
    emulator.clock.sleep(89)
    assert emulator.endpoints()[0].provisioning_state == "Provisioning"
    emulator.clock.sleep(1)
    [endpoint] = datafactory.managed_private_endpoints.list_by_factory("rg1", "df1", "default")
    shown = endpoint.as_dict()
    assert shown["properties"]["provisioningState"] == "Succeeded"
    assert shown["properties"]["connectionState"] == {
        "status": "Pending",
        "description": "Requested by DataFactory:df1, Name:Purview",
        "actionsRequired": "None",
    }
    assert shown["properties"]["fqdns"] == ["pv1.purview.azure.com"]
    assert shown["properties"]["resourceId"].endswith("/Microsoft.Network/privateEndpoints/df1.Purview")


def test_provisioning_can_take_a_number_of_reads():
    """With `Reads(2)` an endpoint is Provisioning for two reads, whatever the clock says."""
    emulator = Emulator(provisioning=Reads(2))
    from azure.mgmt.datafactory import DataFactoryManagementClient

    client = DataFactoryManagementClient(
        emulator.credential, emulator.factory.subscription, transport=emulator.transport()
    )
    create(client, "Purview", emulator.account)
    emulator.clock.sleep(10_000)
    states = [
        client.managed_private_endpoints.get("rg1", "df1", "default", "Purview").properties.provisioning_state
        for _ in range(3)
    ]
    assert states == ["Provisioning", "Provisioning", "Succeeded"]


def test_provisioning_times_per_group_and_seed(make_arm):
    """A mapping gives each group its own time, and a range is drawn from the seed."""

    def finished(seed):
        emulator = Emulator(provisioning={"account": 5, "*": (20, 120)}, seed=seed)
        storage = make_arm(emulator).get(emulator.account, version="2021-12-01").json()["properties"]
        make_arm(emulator).request_endpoint("a", emulator.account, "account")
        make_arm(emulator).request_endpoint("b", storage["managedResources"]["storageAccount"], "blob")
        times = {}
        while len(times) < 2:
            emulator.clock.sleep(0.5)
            for endpoint in emulator.endpoints():
                if endpoint.provisioning_state == "Succeeded":
                    times.setdefault(endpoint.name, emulator.clock.elapsed)
        return times

    first = finished(1)
    assert first["a"] == 5
    assert 20 <= first["b"] <= 120.5
    assert finished(1) == first
    assert finished(2)["b"] != first["b"]


def test_the_same_put_again_is_accepted(datafactory, emulator):
    """Same name, target and group in any letter case: 200, and still one endpoint."""
    create(datafactory, "Purview", emulator.account)
    again = create(datafactory, "purview", str(emulator.account).upper(), "ACCOUNT")
    assert again["name"] == "Purview"
    assert len(emulator.endpoints()) == 1


@pytest.mark.parametrize(
    ("name", "target", "group_id", "message"),
    [
        ("Purview", "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1/providers/Microsoft.Storage/storageAccounts/st1", "account", "Invalid payload"),
        ("Purview", None, "portal", "Invalid payload"),
        ("Other", None, "account", "A managed private endpoint to the data source already exist"),
    ],
)  # fmt: skip
def test_endpoints_are_immutable_and_unique(  # noqa: PLR0917  fixtures and the columns of a table
    datafactory, emulator, name, target, group_id, message
):
    """Other properties under the same name, or another name for the same target and group, are refused with 400."""
    create(datafactory, "Purview", emulator.account)
    with pytest.raises(HttpResponseError) as refused:
        create(datafactory, name, target or emulator.account, group_id)
    assert refused.value.status_code == 400
    assert refused.value.error.code == "InvalidResourceRequest"
    assert message in refused.value.error.message
    assert len(emulator.endpoints()) == 1


def test_a_deletion_takes_time(datafactory, emulator):
    """DELETE answers 200 at once; the endpoint is listed as Deleting, cannot be created again, and then is gone."""
    create(datafactory, "Purview", emulator.account)
    datafactory.managed_private_endpoints.delete("rg1", "df1", "default", "Purview")
    assert [e.provisioning_state for e in emulator.endpoints()] == ["Deleting"]
    with pytest.raises(HttpResponseError) as refused:
        create(datafactory, "Purview", emulator.account)
    assert refused.value.status_code == 409
    datafactory.managed_private_endpoints.delete("rg1", "df1", "default", "Purview")
    emulator.clock.sleep(30)
    assert emulator.endpoints() == []
    datafactory.managed_private_endpoints.delete("rg1", "df1", "default", "Purview")
    assert [request.status for request in emulator.writes] == [200, 200, 409, 200, 204]


def test_a_deleted_name_can_stay_blocked(make_arm):
    """The endpoint is not listed any more, and yet cannot be created again for a while."""
    emulator = Emulator(deletion=10, deletion_lingers=20)
    arm = make_arm(emulator)
    arm.request_endpoint("p", emulator.account, "account")
    arm.send("DELETE", arm.endpoint("p"))
    emulator.clock.sleep(10)
    assert emulator.endpoints() == []
    assert arm.request_endpoint("p", emulator.account, "account").status_code == 409
    emulator.clock.sleep(20)
    assert arm.request_endpoint("p", emulator.account, "account").status_code == 200


@pytest.mark.parametrize("status", [404, 400])
def test_a_missing_endpoint_answers_404_or_400(make_arm, status):
    """Azure has given both answers; an option of the emulator selects one."""
    arm = make_arm(Emulator(absent_status=status))
    answer = arm.get(arm.endpoint("nobody"))
    assert answer.status_code == status
    assert set(answer.json()["error"]) >= {"code", "message"}


def test_an_endpoint_to_a_missing_target_fails(datafactory, emulator):
    """So does one with a group that the target does not have."""
    create(datafactory, "nowhere", str(emulator.account) + "x")
    create(datafactory, "nothing", emulator.account, "blob")
    emulator.clock.sleep(90)
    assert {e.name: e.provisioning_state for e in emulator.endpoints()} == {
        "nowhere": "Failed",
        "nothing": "Failed",
    }


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"properties": None},
        {"properties": {"groupId": "account"}},
        {"properties": {"groupId": 5, "privateLinkResourceId": "x"}},
        {"properties": {"groupId": "account", "privateLinkResourceId": "not an id"}},
        {"properties": {"groupId": "", "privateLinkResourceId": "/subscriptions/1"}},
    ],
)
def test_an_endpoint_without_target_or_group_is_refused(arm, sent):
    """The 400 has Data Factory's message."""
    answer = arm.put(arm.endpoint("x"), sent)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "InvalidResourceRequest"


@pytest.mark.parametrize("name", ["-x", "x-", "a b", "ü", "x" * 128])
def test_an_invalid_endpoint_name_is_refused(arm, emulator, name):
    """Names follow the spec's pattern, and a percent-encoded name is checked, too."""
    from urllib.parse import quote

    answer = arm.put(arm.endpoint(quote(name)), body(emulator.account))
    assert answer.status_code == 400


def test_reserved_endpoints_cannot_be_changed_or_deleted(arm, emulator):
    """They show `isReserved`."""
    emulator.add_endpoint(emulator.factory, "theirs", emulator.account, "portal", reserved=True)
    assert arm.get(arm.endpoint("theirs")).json()["properties"]["isReserved"] is True
    assert arm.send("DELETE", arm.endpoint("theirs")).status_code == 400
    assert arm.put(arm.endpoint("theirs"), body(emulator.account, "portal")).status_code == 400


def test_the_private_endpoint_id_can_stay_hidden(make_arm):
    """`resourceId` is not documented: it is shown at once, when provisioned, or never."""
    seen = {}
    for reveal in ("at-once", "when-provisioned", "never"):
        emulator = Emulator(reveal_private_endpoint_ids=reveal)
        arm = make_arm(emulator)
        arm.request_endpoint("p", emulator.account, "account")
        shown = []
        for seconds in (0, 20, 80):
            emulator.clock.sleep(seconds)
            shown.append("resourceId" in arm.get(arm.endpoint("p")).json()["properties"])
        seen[reveal] = shown
    assert seen == {
        "at-once": [True, True, True],
        "when-provisioned": [False, False, True],
        "never": [False, False, False],
    }


def test_a_managed_network_needs_a_body(arm, emulator):
    """An empty body is refused, as by the real service; `{"properties": {}}` creates the network, once."""
    bare = emulator.add_factory("bare", managed_vnet=False)
    network = f"{bare}/managedVirtualNetworks/default"
    assert arm.get(f"{bare}/managedVirtualNetworks").json() == {"value": []}
    assert arm.get(network).status_code == 404
    refused = arm.put(network)
    assert refused.status_code == 400
    assert "Error: Invalid payload" in refused.json()["error"]["message"]
    made = arm.put(network, {"properties": {}}).json()
    assert made["properties"]["alias"] == "bare"
    assert made["properties"]["preventDataExfiltration"] is False
    assert arm.put(network, {"properties": {}}).json() == made
    assert arm.get(network).json() == made


def test_an_endpoint_in_a_missing_network_is_not_found(arm, emulator):
    """The 404 is about the parent."""
    bare = emulator.add_factory("bare", managed_vnet=False)
    answer = arm.put(arm.endpoint("x", bare), body(emulator.account))
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "ParentResourceNotFound"


def test_purview_configuration_is_set_by_put_only(datafactory, arm, emulator):
    """PATCH ignores purviewConfiguration; PUT sets it, keeps unknown fields, and respects If-Match."""
    bare = emulator.add_factory("bare")
    wanted = {"purviewResourceId": str(emulator.account)}
    arm.send("PATCH", bare, body={"properties": {"purviewConfiguration": wanted}, "tags": {"a": "b"}})
    shown = arm.get(bare).json()
    assert "purviewConfiguration" not in shown["properties"]
    assert shown["tags"] == {"a": "b"}
    shown["properties"]["purviewConfiguration"] = wanted
    shown["properties"]["somethingNew"] = {"kept": True}
    answer = arm.put(bare, shown, If_Match=shown["eTag"])
    assert answer.status_code == 200
    after = arm.get(bare).json()
    assert after["properties"]["purviewConfiguration"] == wanted
    assert after["properties"]["somethingNew"] == {"kept": True}
    assert after["identity"] == shown["identity"]
    assert after["eTag"] != shown["eTag"]
    with pytest.raises(ResourceModifiedError):
        datafactory.factories.create_or_update(
            "rg1", "bare", {"location": "westeurope"}, etag=shown["eTag"], match_condition=_if_not_modified()
        )


def _if_not_modified():
    from azure.core import MatchConditions

    return MatchConditions.IfNotModified


def test_a_factory_can_be_given_as_json(emulator, arm):
    """It has the body's id, or one made from its name if that id is invalid; the given body is not changed."""
    real = {"id": str(emulator.factory).replace("df1", "given"), "location": "x", "properties": {"odd": [1]}}
    sample = {
        "id": "/subscriptions/12345678-1234-1234-1234-12345678abc/resourceGroups/g/providers/Microsoft.DataFactory/factories/exampleFactoryName",
        "name": "exampleFactoryName",
        "properties": {"purviewConfiguration": {"purviewResourceId": "/x"}},
    }
    assert str(emulator.add_factory(body=real, purview_account=emulator.account)) == real["id"]
    assert real["properties"] == {"odd": [1]}
    assert arm.get(real["id"]).json()["properties"]["odd"] == [1]
    assert emulator.add_factory(body=sample).name == "exampleFactoryName"


def test_lists_are_paged(make_arm):
    """A list longer than one page is continued through nextLink, on the same host, to its end."""
    from azure.mgmt.datafactory import DataFactoryManagementClient

    emulator = Emulator(page_size=2)
    for number in range(5):
        emulator.add_factory(f"df-{number}", resource_group="rg2")
    client = DataFactoryManagementClient(
        emulator.credential, emulator.factory.subscription, transport=emulator.transport()
    )
    assert [factory.name for factory in client.factories.list()] == [
        "df1",
        "df-0",
        "df-1",
        "df-2",
        "df-3",
        "df-4",
    ]
    assert [factory.name for factory in client.factories.list_by_resource_group("RG2")] == [
        f"df-{number}" for number in range(5)
    ]
    assert len(emulator.requests) == 3 + 3
    answer = make_arm(emulator).get(f"{emulator.factory}/managedVirtualNetworks?$skipToken=nonsense")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("kind", "type_", "vnet", "ssis"),
    [
        ("azure", "Managed", False, False),
        ("azure-managed-vnet", "Managed", True, False),
        ("self-hosted", "SelfHosted", False, False),
        ("ssis", "Managed", False, True),
    ],
)
def test_kinds_of_runtimes(  # noqa: PLR0917  fixtures and the columns of a table
    datafactory, emulator, kind, type_, vnet, ssis
):
    """A runtime's kind is in its type, its managedVirtualNetwork and its ssisProperties."""
    emulator.add_runtime(emulator.factory, "ir", kind)
    runtime = datafactory.integration_runtimes.get("rg1", "df1", "ir").as_dict()["properties"]
    assert runtime["type"] == type_
    assert ("managedVirtualNetwork" in runtime) is vnet
    assert ("ssisProperties" in runtime.get("typeProperties", {})) is ssis
    status = datafactory.integration_runtimes.get_status("rg1", "df1", "ir").as_dict()
    assert status["name"] == "ir"
    assert status["properties"]["type"] == type_
    assert status["properties"]["state"] == {"self-hosted": "NeedRegistration", "ssis": "Stopped"}.get(kind, "Online")
    if kind == "self-hosted":
        assert datafactory.integration_runtimes.list_auth_keys("rg1", "df1", "ir").auth_key1.startswith("IR@")
    else:
        with pytest.raises(HttpResponseError, match="Only a self-hosted integration runtime has keys"):
            datafactory.integration_runtimes.list_auth_keys("rg1", "df1", "ir")
    names = [found.name for found in datafactory.integration_runtimes.list_by_factory("rg1", "df1")]
    assert names == ["AutoResolveIntegrationRuntime", "ir"]


def test_a_deleted_factory_is_not_found(datafactory, emulator):
    """DELETE also removes its endpoints; a second one answers 204."""
    create(datafactory, "Purview", emulator.account)
    datafactory.factories.delete("rg1", "df1")
    datafactory.factories.delete("rg1", "df1")
    assert emulator.endpoints() == []
    assert [request.status for request in emulator.writes] == [200, 200, 204]


def test_the_entity_limit_is_enforced(make_arm):
    """A full factory refuses the next endpoint."""
    emulator = Emulator(entity_limit=3)
    arm = make_arm(emulator)
    assert arm.request_endpoint("a", emulator.account, "account").status_code == 200
    assert arm.request_endpoint("b", emulator.account, "portal").status_code == 400


def test_async_clients_get_the_same_answers(emulator):
    """Through the async transport."""
    assert asyncio.run(_create_and_list(emulator)) == ["p"]


async def _create_and_list(emulator):
    async with AioDataFactoryManagementClient(
        emulator.async_credential, emulator.factory.subscription, transport=emulator.async_transport()
    ) as client:
        await client.managed_private_endpoints.create_or_update("rg1", "df1", "default", "p", body(emulator.account))
        return [e.name async for e in client.managed_private_endpoints.list_by_factory("rg1", "df1", "default")]
