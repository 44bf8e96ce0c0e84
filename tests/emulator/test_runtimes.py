"""Integration runtimes: created, changed, started and used for authoring, with every possible answer."""

import pytest
from azure.core.exceptions import HttpResponseError

from purview_mpe.emulator import Answers, Emulator

NAME = "managed-vnet"
IMPLICIT = "AutoResolveIntegrationRuntime"


def in_network(name="default", **properties):
    return {
        "properties": {
            "type": "Managed",
            "managedVirtualNetwork": {"type": "ManagedVirtualNetworkReference", "referenceName": name},
            "typeProperties": {"computeProperties": {"location": "AutoResolve"}},
            **properties,
        }
    }


PUBLIC = {"properties": {"type": "Managed", "typeProperties": {"computeProperties": {"location": "AutoResolve"}}}}


def path(emulator, name=NAME, factory=None):
    return f"{factory or emulator.factory}/integrationRuntimes/{name}"


def test_new_runtime_as_recorded(emulator, arm):
    """PUT answers 200 with the whole resource, lower-cased segments, an unquoted etag, and no operation to follow."""
    answer = arm.put(path(emulator), in_network())
    shown = answer.json()
    assert answer.status_code == 200
    assert not {"location", "azure-asyncoperation", "retry-after"} & {name.lower() for name in answer.headers}
    assert shown["id"] == f"{emulator.factory}/integrationruntimes/{NAME}"
    assert shown["type"] == "Microsoft.DataFactory/factories/integrationruntimes"
    assert shown["properties"] == in_network()["properties"]
    assert not shown["etag"].startswith('"')
    assert arm.get(path(emulator)).json() == shown
    assert arm.put(path(emulator), in_network()).status_code == 200


def test_sdk_makes_and_reads_a_runtime(emulator, datafactory):
    """The management client creates a runtime, and finds it in the list and Online after a while."""
    datafactory.integration_runtimes.create_or_update("rg1", "df1", NAME, in_network())
    assert NAME in [one.name for one in datafactory.integration_runtimes.list_by_factory("rg1", "df1")]
    states = []
    for _ in range(2):
        states.append(datafactory.integration_runtimes.get_status("rg1", "df1", NAME).properties.state)
        emulator.clock.sleep(30)
    assert states == ["Initial", "Online"]
    datafactory.integration_runtimes.delete("rg1", "df1", NAME)
    with pytest.raises(HttpResponseError) as gone:
        datafactory.integration_runtimes.get("rg1", "df1", NAME)
    assert gone.value.status_code == 404


@pytest.mark.parametrize(("choice", "states"), [("absent", [None, None]), ("shown", ["Initial", "Online"])])
def test_state_of_a_runtime_itself(make_arm, choice, states):
    """`properties.state` of an Azure runtime is absent, or says Initial and then Online; a self-hosted one has none."""
    emulator = Emulator(answers=Answers(runtime_state=choice))
    arm = make_arm(emulator)
    seen = [arm.put(path(emulator), in_network()).json()["properties"].get("state")]
    emulator.clock.sleep(30)
    seen.append(arm.get(path(emulator)).json()["properties"].get("state"))
    assert seen == states
    assert "state" not in arm.put(path(emulator, "shir"), {"properties": {"type": "SelfHosted"}}).json()["properties"]


def test_status_as_recorded(emulator, arm):
    """GetStatus has empty lists, and `managedVirtualNetwork` even if it is null."""
    arm.put(path(emulator, "plain"), PUBLIC)
    shown = arm.send("POST", f"{path(emulator, 'plain')}/getStatus").json()["properties"]
    assert shown["managedVirtualNetwork"] is None
    assert shown["dataFactoryName"] == "df1"
    assert (shown["typeProperties"]["nodes"], shown["typeProperties"]["otherErrors"]) == ([], [])
    assert "interactiveQuery" not in shown["typeProperties"]
    inside = arm.send("POST", f"{path(emulator, IMPLICIT)}/getStatus").json()["properties"]
    assert inside["managedVirtualNetwork"]["referenceName"] == "default"


@pytest.mark.parametrize("name", ["a_b", "ab", "-ab", "ab-", "a--b", "x" * 64, "ümlaut"])
def test_an_invalid_name_is_refused(emulator, arm, name):
    """3 to 63 letters, digits and single hyphens; no underscore, unlike other children of a factory."""
    from urllib.parse import quote

    assert arm.put(path(emulator, quote(name)), PUBLIC).status_code == 400


@pytest.mark.parametrize(
    "properties",
    [
        None,
        {},
        {"type": {"Managed": 1}},
        {"type": ["Managed"]},
        {"type": 5},
        {"type": "Managed"},
        {"type": "Managed", "typeProperties": []},
        {"type": "Managed", "typeProperties": {}, "managedVirtualNetwork": {"referenceName": "default"}},
        {"type": "Managed", "typeProperties": {}, "managedVirtualNetwork": {"type": "ManagedVirtualNetworkReference"}},
        {"type": "Managed", "typeProperties": {}, "managedVirtualNetwork": {"type": "ManagedVirtualNetworkReference", "referenceName": {}}},
        {"type": "SelfHosted", "description": 5},
    ],
)  # fmt: skip
def test_malformed_runtime_is_refused(emulator, arm, properties):
    """Required fields of the specification are required, and a wrong type does not make the emulator fail."""
    answer = arm.put(path(emulator), {"properties": properties})
    assert (answer.status_code, arm.get(path(emulator)).status_code) == (400, 404)


@pytest.mark.parametrize(
    ("choice", "status", "network", "networks"),
    [("refused", 400, None, []), ("created", 200, "corp", ["corp"]), ("public", 200, None, [])],
)
def test_runtime_in_a_missing_network(make_arm, choice, status, network, networks):
    """It is refused, the network is created, or it is accepted as public."""
    emulator = Emulator(answers=Answers(missing_network=choice))
    bare = emulator.add_factory("bare", managed_vnet=False)
    arm = make_arm(emulator)
    answer = arm.put(path(emulator, factory=bare), in_network("corp"))
    assert answer.status_code == status
    found = arm.get(f"{bare}/managedVirtualNetworks").json()["value"]
    assert [one["name"] for one in found] == networks
    if status == 200:
        reference = arm.get(path(emulator, factory=bare)).json()["properties"].get("managedVirtualNetwork")
        assert (reference and reference["referenceName"]) == network
    other = arm.put(path(emulator), in_network("corp"))
    assert other.status_code == (200 if choice == "public" else 400)


@pytest.mark.parametrize(
    ("choice", "status", "moved"), [("refused", 400, False), ("ignored", 200, False), ("accepted", 200, True)]
)
def test_moving_a_runtime(make_arm, choice, status, moved):
    """Into the managed network and out of it: refused, ignored or done; the type can never be changed."""
    emulator = Emulator(answers=Answers(runtime_move=choice))
    arm = make_arm(emulator)
    for before, after in ((PUBLIC, in_network()), (in_network(), PUBLIC)):
        name = "out" if before is PUBLIC else "in"
        arm.put(path(emulator, name * 2), before)
        assert arm.put(path(emulator, name * 2), after).status_code == status
        shown = arm.get(path(emulator, name * 2)).json()["properties"]
        assert ("managedVirtualNetwork" in shown) is (
            "managedVirtualNetwork" in (after if moved else before)["properties"]
        )
    assert arm.put(path(emulator, "inin"), {"properties": {"type": "SelfHosted"}}).status_code == 400


@pytest.mark.parametrize(("choice", "listed", "status"), [("hidden", [], 404), ("listed", [IMPLICIT], 200)])
def test_implicit_runtime(make_arm, choice, listed, status):
    """`AutoResolveIntegrationRuntime` of a new factory is hidden or listed; after a PUT it is always listed."""
    emulator = Emulator(answers=Answers(implicit_runtime=choice))
    bare = emulator.add_factory("bare", managed_vnet=False)
    arm = make_arm(emulator)
    runtimes = f"{bare}/integrationRuntimes"
    assert [one["name"] for one in arm.get(runtimes).json()["value"]] == listed
    assert arm.get(f"{runtimes}/{IMPLICIT}").status_code == status
    arm.put(f"{bare}/managedVirtualNetworks/default", {"properties": {}})
    assert arm.put(f"{runtimes}/{IMPLICIT}", in_network()).status_code == 200
    [shown] = arm.get(runtimes).json()["value"]
    assert shown["properties"]["managedVirtualNetwork"]["referenceName"] == "default"


def test_factory_with_a_network_lists_its_runtime(emulator, arm):
    """As in the portal, AutoResolveIntegrationRuntime is in the managed network, whatever the network's name."""
    factory = emulator.add_factory("df2", network="corp")
    [shown] = arm.get(f"{factory}/integrationRuntimes").json()["value"]
    assert (shown["name"], shown["properties"]["managedVirtualNetwork"]["referenceName"]) == (IMPLICIT, "corp")
    emulator.add_runtime(factory, "other", "azure-managed-vnet")
    emulator.add_endpoint(factory, "p", emulator.account, "account")
    again = Emulator.from_scenario(emulator.dump())
    assert again.dump() == emulator.dump()
    assert {endpoint.name for endpoint in again.endpoints(factory)} == {"p"}


def test_airflow_is_in_the_same_list(emulator, arm):
    """A runtime of type Airflow is listed with the others, and its state can be read."""
    emulator.add_runtime(emulator.factory, "flow", "airflow")
    kinds = [one["properties"]["type"] for one in arm.get(f"{emulator.factory}/integrationRuntimes").json()["value"]]
    assert kinds == ["Managed", "Airflow"]
    assert arm.send("POST", f"{path(emulator, 'flow')}/getStatus").json()["properties"]["state"] == "Online"


# --- interactive authoring


def authoring(arm, emulator, name=NAME):
    return arm.send("POST", f"{path(emulator, name)}/getStatus").json()["properties"]["typeProperties"][
        "interactiveQuery"
    ]


def test_sdk_enables_and_disables_interactive_authoring(emulator, datafactory, arm):
    """The SDK's pollers end with the requested state, and the minutes stay."""
    arm.put(path(emulator), in_network())
    emulator.clock.sleep(30)
    assert authoring(arm, emulator) == {"status": "Disabled"}
    poller = datafactory.integration_runtime.begin_enable_interactive_query(
        "rg1", "df1", NAME, {"autoTerminationMinutes": 10}
    )
    poller.result()
    assert authoring(arm, emulator)["status"] == "Enabled"
    poller = datafactory.integration_runtime.begin_disable_interactive_query("rg1", "df1", NAME)
    poller.result()
    assert authoring(arm, emulator) == {"status": "Disabled", "autoTerminationMinutes": 10}
    assert "interactiveQuery" not in str(arm.get(path(emulator)).json())


def test_interactive_authoring_ends_by_itself(emulator, arm):
    """After the chosen number of minutes it is disabled again."""
    emulator.add_runtime(emulator.factory, NAME, "azure-managed-vnet")
    body = {"autoTerminationMinutes": 30}
    answer = arm.send("POST", f"{path(emulator)}/enableInteractiveQuery", body=body)
    assert answer.status_code == 202
    assert answer.headers["Location"] == answer.headers["Azure-AsyncOperation"]
    assert "/enableInteractiveQuery/operationresults/" in answer.headers["Location"]
    operation = arm.get(answer.headers["Location"]).json()
    assert (operation["status"], operation["properties"], operation["error"]) == ("InProgress", None, None)
    assert authoring(arm, emulator) == {"status": "Enabling", "autoTerminationMinutes": 30}
    emulator.clock.sleep(60)
    assert arm.get(answer.headers["Location"]).json()["status"] == "Succeeded"
    emulator.clock.sleep(30 * 60 - 1)
    assert authoring(arm, emulator)["status"] == "Enabled"
    emulator.clock.sleep(1)
    assert authoring(arm, emulator)["status"] == "Disabled"


@pytest.mark.parametrize(
    ("kind", "body"),
    [("self-hosted", None), ("azure", None), ("ssis", None), ("azure-managed-vnet", {"autoTerminationMinutes": 11}), ("azure-managed-vnet", {"autoTerminationMinutes": True})],
)  # fmt: skip
def test_invalid_interactive_authoring_is_refused(emulator, arm, kind, body):
    """It needs a runtime in a managed network, and one of four numbers of minutes."""
    emulator.add_runtime(emulator.factory, NAME, kind)
    assert arm.send("POST", f"{path(emulator)}/enableInteractiveQuery", body=body).status_code == 400


def test_interactive_authoring_needs_an_online_runtime(emulator, arm):
    """Before its runtime is Online it is refused; for a missing runtime it is 404."""
    arm.put(path(emulator), in_network())
    assert arm.send("POST", f"{path(emulator)}/enableInteractiveQuery").status_code == 400
    assert arm.send("POST", f"{path(emulator, 'none')}/enableInteractiveQuery").status_code == 404
    emulator.clock.sleep(30)
    assert arm.send("POST", f"{path(emulator)}/enableInteractiveQuery").status_code == 202
