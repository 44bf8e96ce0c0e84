"""Virtual networks and private endpoints: their operations, and who is allowed to write them."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceModifiedError
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.network.aio import NetworkManagementClient as AsyncNetworkClient
from azure.mgmt.privatedns import PrivateDnsManagementClient
from azure.mgmt.privatedns.aio import PrivateDnsManagementClient as AsyncDnsClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from purview_mpe.emulator import Answers, Fault, Role, Times
from tests.support.network_lab import ACCOUNT_ZONE, DNS, NETWORK, NEWER, PURVIEW, Lab, code_of, error_of

# --- private endpoints


def test_put_answers_as_recorded(lab):
    """201 with the state Updating, a signed address of more than 3,000 characters, and no Retry-After."""
    answer = lab.put("contoso-account", lab.emulator.account, "account")
    shown, address = answer.json(), answer.headers["Azure-AsyncOperation"]
    assert answer.status_code == 201
    assert not {"retry-after", "location"} & {name.lower() for name in answer.headers}
    assert 3185 <= len(address) <= 3232
    assert "/providers/Microsoft.Network/locations/westeurope/operations/" in address
    assert {"api-version", "t", "c", "s", "h"} == {
        part.partition("=")[0] for part in address.partition("?")[2].split("&")
    }
    assert shown["etag"].startswith('W/"')
    assert shown["properties"]["provisioningState"] == "Updating"
    assert shown["properties"]["networkInterfaces"] == shown["properties"]["customDnsConfigs"] == []
    assert lab.status(answer) == {"status": "InProgress"}
    assert lab.end(answer) == {"status": "Succeeded"}


def test_automatic_connection_is_approved(lab):
    """If the caller has the right to approve, endpoint and target show Approved, with the endpoint's exact id."""
    shown = lab.made("contoso-account", lab.emulator.account, "account")["properties"]
    [connection] = shown["privateLinkServiceConnections"]
    assert shown["manualPrivateLinkServiceConnections"] == []
    state = {"status": "Approved", "description": "Auto-Approved", "actionsRequired": "None"}
    assert connection["properties"]["privateLinkServiceConnectionState"] == state
    assert shown["customDnsConfigs"] == [{"fqdn": "pv1.purview.azure.com", "ipAddresses": ["10.0.0.4"]}]
    assert len(shown["networkInterfaces"]) == 1
    [seen] = [c for c in lab.emulator.connections(lab.emulator.account) if "contoso-account" in c.private_endpoint_id]
    assert (seen.status, seen.group_id, seen.private_endpoint_id) == (
        "Approved",
        "account",
        lab.endpoint("contoso-account"),
    )


@pytest.mark.parametrize(("given", "name"), [("", r"pe-1\.nic\.[0-9a-f-]{36}"), ("nic-own", "nic-own")])
def test_interface_of_an_endpoint(lab, given, name):
    """It has the endpoint's address and host; its name is a custom one, or derived from the endpoint's."""
    body = lab.body(lab.emulator.account, "account")
    body["properties"]["customNetworkInterfaceName"] = given
    lab.arm.put(lab.endpoint("pe-1"), body, version=NETWORK)
    lab.emulator.clock.sleep(50)
    [interface] = lab.get(lab.endpoint("pe-1")).json()["properties"]["networkInterfaces"]
    shown = lab.get(interface["id"]).json()
    assert re.fullmatch(name, shown["name"])
    [configuration] = shown["properties"]["ipConfigurations"]
    assert configuration["properties"]["privateIPAddress"] == "10.0.0.4"
    assert configuration["properties"]["privateLinkConnectionProperties"]["fqdns"] == ["pv1.purview.azure.com"]
    assert lab.get(interface["id"] + "x").status_code == 404


def test_manual_connection_waits_for_the_owner(lab):
    """It is Pending with the request message, and stays in its list after the owner has approved it."""
    blob = lab.emulator.targets(lab.emulator.account)["blob"]
    lab.made("contoso-blob", blob, "blob", manual=True, requestMessage="for lineage")
    [view] = lab.emulator.networks.private_endpoints()
    assert (view.status, view.is_manual, view.target) == ("Pending", True, str(blob))
    [seen] = [c for c in lab.emulator.connections(blob) if c.private_endpoint_id == lab.endpoint("contoso-blob")]
    assert (seen.status, seen.description) == ("Pending", "for lineage")
    lab.emulator.approve(lab.endpoint("contoso-blob"))
    shown = lab.get(lab.endpoint("contoso-blob")).json()["properties"]
    [connection] = shown["manualPrivateLinkServiceConnections"]
    assert connection["properties"]["privateLinkServiceConnectionState"]["status"] == "Approved"
    assert connection["properties"]["requestMessage"] == "for lineage"
    assert shown["privateLinkServiceConnections"] == []


def test_repeated_put_changes_only_tags(lab):
    """A second PUT answers 200 without an operation; another subnet, target or list is refused."""
    account, blob = lab.emulator.account, lab.emulator.targets(lab.emulator.account)["blob"]
    before = lab.made("pe-account", account, "account")
    body = {**lab.body(account, "account"), "tags": {"team": "data"}}
    answer = lab.arm.put(lab.endpoint("pe-account"), body, version=NETWORK)
    assert answer.status_code == 200
    assert "Azure-AsyncOperation" not in answer.headers
    assert answer.json() == {**before, "tags": {"team": "data"}}
    other = lab.network.child("subnets", "snet-two")
    for refused in (
        lab.put("pe-account", account, "account", subnet=other),
        lab.put("pe-account", account, "portal"),
        lab.put("pe-account", account, "account", manual=True),
        lab.put("pe-account", blob, "blob"),
    ):
        assert (refused.status_code, code_of(refused)) == (400, "PrivateEndpointCannotBeUpdated")


@pytest.mark.parametrize(
    ("target", "group", "code"),
    [
        ("absent", "account", "InvalidResourceReference"),
        ("account", "blob", "InvalidRequestFormat"),
    ],
)
def test_unknown_target_or_group_fails_inside_the_operation(lab, target, group, code):
    """The PUT is accepted and the operation fails; the same PUT tries again."""
    wanted = str(lab.emulator.account) + ("x" if target == "absent" else "")
    answer = lab.put("pe-1", wanted, group)
    assert answer.status_code == 201
    assert error_of(lab.end(answer)) == code
    assert lab.get(lab.endpoint("pe-1")).json()["properties"]["provisioningState"] == "Failed"
    again = lab.put("pe-1", wanted, group)
    assert again.status_code == 200
    assert error_of(lab.end(again)) == code
    assert [c for c in lab.emulator.connections() if c.private_endpoint_id == lab.endpoint("pe-1")] == []


def test_put_succeeds_once_the_target_exists(lab):
    """A PUT before the account exists fails inside the operation; the same PUT afterwards succeeds."""
    absent = str(lab.emulator.account).replace("pv1", "pv-later")
    assert error_of(lab.end(lab.put("pe-1", absent, "account"))) == "InvalidResourceReference"
    lab.emulator.add_account("pv-later")
    assert lab.end(lab.put("pe-1", absent, "account")) == {"status": "Succeeded"}
    [view] = lab.emulator.networks.private_endpoints()
    assert (view.provisioning_state, view.status) == ("Succeeded", "Approved")


def test_subnet_with_network_policies_fails_the_operation(lab):
    """A subnet whose policies are Enabled accepts no private endpoint."""
    subnet = lab.emulator.networks.add_subnet(lab.network, "old", network_policies="Enabled")
    ended = lab.end(lab.put("pe-1", lab.emulator.account, "account", subnet=subnet))
    assert error_of(ended) == "PrivateEndpointCannotBeCreatedInSubnetThatHasNetworkPoliciesEnabled"


def test_provider_of_the_target_must_be_registered(lab):
    """The endpoint's subscription needs the target's provider; the error is inside the operation."""
    blob = lab.emulator.targets(lab.emulator.account)["blob"]
    lab.emulator.unregister("Microsoft.Storage")
    ended = lab.end(lab.put("pe-1", blob, "blob"))
    assert error_of(ended) == "RemotePrivateLinkServiceSubscriptionNotRegistered"
    lab.emulator.unregister("Microsoft.Network")
    assert code_of(lab.put("pe-2", lab.emulator.account, "account")) == "MissingSubscriptionRegistration"


def test_busy_and_full_storage_fail_inside_the_operation(make_lab):
    """Storage runs one private endpoint operation at a time, and has a limit of connections."""
    lab = make_lab(storage_busy=100)
    blob, two = lab.emulator.targets(lab.emulator.account)["blob"], lab.network.child("subnets", "snet-two")
    first, second = lab.put("pe-1", blob, "blob"), lab.put("pe-2", blob, "queue", subnet=two)
    assert lab.end(first) == {"status": "Succeeded"}
    assert error_of(lab.status(second)) == "StorageAccountOperationInProgress"
    lab.emulator.clock.sleep(100)
    assert lab.end(lab.put("pe-2", blob, "queue", subnet=two)) == {"status": "Succeeded"}
    full = make_lab(storage_connection_limit=2)
    answer = full.put("pe-1", full.emulator.targets(full.emulator.account)["blob"], "blob")
    assert error_of(full.end(answer)) == "PrivateEndpointConnectionLimitExceeded"


def test_faults_fail_the_operation_or_reject_the_connection(lab):
    """`failed_provisioning` sets the code inside the operation; `rejected_connection` rejects at once."""
    lab.emulator.inject(Fault.failed_provisioning(code="RetryableError"))
    assert error_of(lab.end(lab.put("pe-1", lab.emulator.account, "account"))) == "RetryableError"
    lab.emulator.inject(Fault.failed_provisioning())
    assert error_of(lab.end(lab.put("pe-1", lab.emulator.account, "account"))) == "InternalServerError"
    lab.emulator.inject(Fault.rejected_connection())
    assert lab.end(lab.put("pe-1", lab.emulator.account, "account")) == {"status": "Succeeded"}
    assert [view.status for view in lab.emulator.networks.private_endpoints()] == ["Rejected"]


@pytest.mark.parametrize(("choice", "status"), [("429", 429), ("409", 409)])
def test_subnet_runs_one_operation_at_a_time(make_lab, choice, status):
    """The second one in a subnet is refused until the first has ended; other subnets are free."""
    lab = make_lab(answers=Answers(busy_subnet=choice))
    account, two = lab.emulator.account, lab.network.child("subnets", "snet-two")
    assert lab.put("pe-1", account, "account").status_code == 201
    refused = lab.put("pe-2", account, "portal")
    assert (refused.status_code, code_of(refused)) == (status, "AnotherOperationInProgress")
    assert lab.put("pe-3", account, "portal", subnet=two).status_code == 201
    assert lab.put("pe-1", account, "account").status_code == status
    assert lab.arm.send("DELETE", lab.endpoint("pe-1"), version=NETWORK).status_code == status
    lab.emulator.clock.sleep(50)
    assert lab.put("pe-2", account, "portal").status_code == 201
    failed = lab.emulator.networks
    assert [view.id.name for view in failed.private_endpoints()] == ["pe-1", "pe-3", "pe-2"]


def test_failed_endpoint_waits_for_its_subnet_too(lab):
    """Repeating its PUT is an operation in the subnet."""
    lab.emulator.inject(Fault.failed_provisioning())
    lab.end(lab.put("pe-1", lab.emulator.account, "account"))
    lab.emulator.networks.occupy(lab.subnet, 30)
    assert lab.put("pe-1", lab.emulator.account, "account").status_code == 429
    lab.emulator.clock.sleep(30)
    assert lab.put("pe-1", lab.emulator.account, "account").status_code == 200


def test_operation_of_another_caller_blocks_the_subnet(lab):
    """`occupy` blocks it for the given number of seconds."""
    lab.emulator.networks.occupy(lab.subnet, 30)
    assert lab.put("pe-1", lab.emulator.account, "account").status_code == 429
    lab.emulator.clock.sleep(30)
    assert lab.put("pe-1", lab.emulator.account, "account").status_code == 201
    with pytest.raises(LookupError, match="no subnet"):
        lab.emulator.networks.occupy(lab.network.child("subnets", "absent"), 1)


@pytest.mark.parametrize(
    ("choice", "headers"),
    [
        ("both", {"location", "azure-asyncoperation"}),
        ("location", {"location"}),
        ("operation", {"azure-asyncoperation"}),
    ],
)
def test_deletion_removes_endpoint_and_connection(make_lab, choice, headers):
    """202 with the configured addresses; after the operation endpoint and connection are gone."""
    lab = make_lab(answers=Answers(network_deletion=choice))
    lab.made("pe-1", lab.emulator.account, "account")
    before = len(lab.emulator.connections(lab.emulator.account))
    answer = lab.arm.send("DELETE", lab.endpoint("pe-1"), version=NETWORK)
    assert answer.status_code == 202
    sent = {name.lower(): value for name, value in answer.headers.items()}
    assert {"location", "azure-asyncoperation"} & sent.keys() == headers
    assert lab.get(lab.endpoint("pe-1")).json()["properties"]["provisioningState"] == "Deleting"
    statuses = []
    for _ in range(2):
        statuses.append({name: lab.arm.send("GET", sent[name], version=None) for name in headers})
        lab.emulator.clock.sleep(20)
    if "location" in headers:
        assert [seen["location"].status_code for seen in statuses] == [202, 204]
    if "azure-asyncoperation" in headers:
        assert [seen["azure-asyncoperation"].json()["status"] for seen in statuses] == ["InProgress", "Succeeded"]
    assert lab.get(lab.endpoint("pe-1")).status_code == 404
    assert len(lab.emulator.connections(lab.emulator.account)) == before - 1
    assert lab.arm.send("DELETE", lab.endpoint("pe-1"), version=NETWORK).status_code == 204


def test_connection_removed_by_its_owner_is_disconnected(lab):
    """The endpoint shows it, stays, and can be deleted."""
    lab.made("pe-1", lab.emulator.account, "account")
    [connection] = [c for c in lab.emulator.connections() if c.private_endpoint_id == lab.endpoint("pe-1")]
    assert lab.arm.send("DELETE", connection.id, version=PURVIEW).status_code == 200
    [view] = lab.emulator.networks.private_endpoints()
    assert (view.status, view.provisioning_state) == ("Disconnected", "Succeeded")
    lab.arm.send("DELETE", lab.endpoint("pe-1"), version=NETWORK)
    lab.emulator.clock.sleep(20)
    assert lab.emulator.networks.private_endpoints() == []


def test_rejected_connection_is_shown_by_the_endpoint(lab):
    """With the text of the target's owner."""
    lab.made("pe-1", lab.emulator.account, "account", manual=True)
    lab.emulator.reject(lab.endpoint("pe-1"), description="not yours")
    [connection] = lab.get(lab.endpoint("pe-1")).json()["properties"]["manualPrivateLinkServiceConnections"]
    state = connection["properties"]["privateLinkServiceConnectionState"]
    assert (state["status"], state["description"]) == ("Rejected", "not yours")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda body: body.update(location="northeurope"), "InvalidPrivateEndpointLocation"),
        (lambda body: body.pop("location"), "InvalidPrivateEndpointLocation"),
        (lambda body: body["properties"].pop("subnet"), "InvalidRequestFormat"),
        (lambda body: body["properties"]["subnet"].update(id="/subscriptions"), "InvalidRequestFormat"),
        (lambda body: body["properties"].pop("privateLinkServiceConnections"), "InvalidRequestFormat"),
        (
            lambda body: body["properties"].update(
                manualPrivateLinkServiceConnections=body["properties"]["privateLinkServiceConnections"]
            ),
            "InvalidRequestFormat",
        ),
        (lambda body: of(body).update(groupIds=["account", "portal"]), "InvalidRequestFormat"),
        (lambda body: of(body).update(groupIds="account"), "InvalidRequestFormat"),
        (lambda body: of(body).update(privateLinkServiceId=7), "InvalidRequestFormat"),
        (lambda body: of(body).update(requestMessage="x" * 141), "InvalidRequestFormat"),
        (lambda body: body.update(tags={"a": 1}), "InvalidPropertyValue"),
    ],
)
def test_invalid_endpoints_are_refused(lab, change, code):
    """The answer is 400, and nothing is created."""
    body = lab.body(lab.emulator.account, "account")
    change(body)
    answer = lab.arm.put(lab.endpoint("pe-1"), body, version=NETWORK)
    assert (answer.status_code, code_of(answer)) == (400, code)
    assert lab.emulator.networks.private_endpoints() == []


def of(body: dict[str, Any]) -> dict[str, Any]:
    return body["properties"]["privateLinkServiceConnections"][0]["properties"]


@pytest.mark.parametrize("name", ["-pe", "pe.", "p" * 81])
def test_invalid_names_are_refused(lab, name):
    """A name has 1 to 80 characters, begins with a letter or digit and ends with one or an underscore."""
    assert code_of(lab.put(name, lab.emulator.account, "account")) == "InvalidResourceName"


@pytest.mark.parametrize("name", ["p", "p" * 80, "contoso.account-1_"])
def test_valid_names_are_accepted(lab, name):
    """The shortest, the longest, and every kind of character."""
    assert lab.put(name, lab.emulator.account, "account").status_code == 201


def test_missing_subnet_and_resource_group(lab):
    """A missing subnet is an invalid reference; a missing resource group is 404."""
    absent = lab.network.child("subnets", "absent")
    assert code_of(lab.put("pe-1", lab.emulator.account, "account", subnet=absent)) == "InvalidResourceReference"
    path = lab.endpoint("pe-1").replace("rg-net", "rg-absent")
    answer = lab.arm.put(path, lab.body(lab.emulator.account, "account"), version=NETWORK)
    assert code_of(answer) == "ResourceGroupNotFound"


def test_full_subnet_refuses_an_endpoint(lab):
    """A subnet of 8 addresses has three for endpoints; an address is free again after its endpoint is gone."""
    small = {"properties": {"addressPrefix": "10.9.0.0/29"}}
    path = lab.path("virtualNetworks/vnet-hub/subnets/small")
    assert lab.arm.put(path, small, version=NETWORK).status_code == 201
    for number in range(3):
        shown = lab.made(f"pe-{number}", lab.emulator.account, "account", subnet=path)
        [config] = shown["properties"]["customDnsConfigs"]
        assert config["ipAddresses"] == [f"10.9.0.{4 + number}"]
    assert code_of(lab.put("pe-3", lab.emulator.account, "account", subnet=path)) == "SubnetIsFull"
    with pytest.raises(LookupError, match="no free address"):
        lab.emulator.networks.add_private_endpoint("pe-3", path, lab.emulator.account, "account")
    lab.arm.send("DELETE", lab.endpoint("pe-1"), version=NETWORK)
    lab.emulator.clock.sleep(20)
    shown = lab.made("pe-3", lab.emulator.account, "account", subnet=path)
    assert shown["properties"]["customDnsConfigs"][0]["ipAddresses"] == ["10.9.0.5"]


def test_removed_resources_lose_their_connections(lab):
    """`remove` deletes endpoints, networks, zones and links at once; a second call raises LookupError."""
    networks = lab.emulator.networks
    zone = networks.add_private_dns_zone(ACCOUNT_ZONE, linked_to=[lab.network])
    endpoint = networks.add_private_endpoint("pe-1", lab.subnet, lab.emulator.account, "account")
    networks.add_zone_group(endpoint, zone)
    [view] = networks.private_dns_zones()
    assert (view.records, view.linked_to) == ({"pv1": "10.0.0.4"}, (lab.network,))
    lab.emulator.remove(endpoint)
    assert [c for c in lab.emulator.connections() if c.private_endpoint_id == str(endpoint)] == []
    assert networks.private_dns_zones()[0].records == {}
    lab.emulator.remove(zone.child("virtualNetworkLinks", "vnet-hub"))
    assert networks.private_dns_zones()[0].linked_to == ()
    networks.link_private_dns_zone(zone, lab.network)
    for resource in (zone, lab.network):
        lab.emulator.remove(resource)
        with pytest.raises(LookupError):
            lab.emulator.remove(resource)


def test_deletion_of_the_resource_group_deletes_everything(lab):
    """Endpoints with their connections, networks and zones are gone, and were listed as resources before."""
    lab.emulator.networks.add_private_dns_zone(ACCOUNT_ZONE)
    lab.emulator.networks.add_private_endpoint("pe-1", lab.subnet, lab.emulator.account, "account")
    group = f"/subscriptions/{lab.emulator.subscription}/resourceGroups/rg-net"
    listed = lab.get(f"{group}/resources", "2021-04-01").json()["value"]
    kinds = ["virtualNetworks", "privateDnsZones", "privateEndpoints"]
    assert [one["type"] for one in listed] == [f"Microsoft.Network/{kind}" for kind in kinds]
    assert lab.arm.send("DELETE", group, version="2021-04-01").status_code == 202
    assert lab.emulator.networks.private_endpoints() == []
    assert lab.emulator.networks.private_dns_zones() == []
    assert [c for c in lab.emulator.connections() if c.private_endpoint_id == lab.endpoint("pe-1")] == []


def test_operation_of_a_removed_endpoint_ends(lab):
    """An endpoint removed during its creation, deletion or DNS update does not come back."""
    zone = lab.emulator.networks.add_private_dns_zone(ACCOUNT_ZONE)
    answers = [lab.put("pe-1", lab.emulator.account, "account")]
    lab.emulator.remove(lab.endpoint("pe-1"))
    lab.emulator.clock.sleep(50)
    lab.made("pe-2", lab.emulator.account, "account")
    answers.append(lab.put_group("pe-2", zone))
    lab.emulator.remove(lab.endpoint("pe-2"))
    lab.made("pe-3", lab.emulator.account, "account")
    answers.append(lab.arm.send("DELETE", lab.endpoint("pe-3"), version=NETWORK))
    lab.emulator.remove(lab.endpoint("pe-3"))
    for answer in answers:
        assert lab.end(answer) == {"status": "Succeeded"}
    assert lab.emulator.networks.private_endpoints() == []
    assert lab.emulator.networks.private_dns_zones()[0].records == {}


# --- callers


def network_roles(*more: str) -> list[Role | str]:
    return ["Network Contributor", Role("more", more)]


def arm_of(lab: Lab, make_arm: Any, *roles: Role | str) -> Any:
    return make_arm(lab.emulator, lab.emulator.credential_for(*roles))


def test_automatic_needs_the_right_to_approve(lab, make_arm):
    """A Network Contributor can create manual connections only, until the target's approval action is added."""
    arm = arm_of(lab, make_arm, "Network Contributor")
    refused = lab.put("pe-1", lab.emulator.account, "account", arm=arm)
    assert (refused.status_code, code_of(refused)) == (403, "LinkedAuthorizationFailed")
    assert "PrivateEndpointConnectionsApproval/action" in refused.json()["error"]["message"]
    assert lab.put("pe-1", lab.emulator.account, "account", arm=arm, manual=True).status_code == 201
    lab.emulator.clock.sleep(50)
    approver = arm_of(
        lab, make_arm, *network_roles("Microsoft.Purview/accounts/PrivateEndpointConnectionsApproval/action")
    )
    assert lab.put("pe-2", lab.emulator.account, "account", arm=approver).status_code == 201


@pytest.mark.parametrize("group", ["blob", "namespace"])
def test_automatic_needs_the_right_on_storage_and_event_hubs(lab, make_arm, group):
    """Each kind of target has its own approval action."""
    target = lab.emulator.targets(lab.emulator.account)[group]
    arm = arm_of(lab, make_arm, "Network Contributor")
    assert lab.put("pe-1", target, group, arm=arm).status_code == 403
    approver = arm_of(lab, make_arm, "Network Contributor", "approver")
    assert lab.put("pe-1", target, group, arm=approver).status_code == 201


def test_ingestion_storage_is_manual(make_lab):
    """Microsoft owns the storage of newer accounts: automatic is 403, manual waits for the account's approval."""
    lab = make_lab(shape="C")
    blob = lab.emulator.targets(lab.emulator.account)["blob"]
    refused = lab.put("pe-1", blob, "blob")
    assert (refused.status_code, code_of(refused)) == (403, "LinkedAuthorizationFailed")
    lab.made("pe-1", blob, "blob", manual=True, requestMessage="lineage")
    listed = lab.get(f"{lab.emulator.account}/ingestionPrivateEndpointConnections", NEWER).json()["value"]
    [item] = [one for one in listed if one["properties"]["privateEndpoint"]["id"] == lab.endpoint("pe-1")]
    assert item["properties"]["privateLinkServiceConnectionState"]["status"] == "Pending"
    body = {"privateEndpointId": lab.endpoint("pe-1"), "status": "Approved"}
    path = f"{lab.emulator.account}/ingestionPrivateEndpointConnectionStatus"
    assert lab.arm.send("POST", path, version=NEWER, body=body).status_code == 200
    assert [view.status for view in lab.emulator.networks.private_endpoints()] == ["Approved"]


def test_ingestion_storage_can_be_approved_automatically(make_lab, make_arm):
    """With `ingestion_endpoint="automatic"` callers who can approve on the account get an approved connection."""
    lab = make_lab(shape="C", answers=Answers(ingestion_endpoint="automatic"))
    blob = lab.emulator.targets(lab.emulator.account)["blob"]
    arm = arm_of(lab, make_arm, "Network Contributor")
    assert lab.put("pe-1", blob, "blob", arm=arm).status_code == 403
    assert lab.made("pe-1", blob, "blob")["properties"]["provisioningState"] == "Succeeded"
    assert [view.status for view in lab.emulator.networks.private_endpoints()] == ["Approved"]
    older = make_lab(answers=Answers(ingestion_endpoint="automatic"))
    target = older.emulator.targets(older.emulator.account)["blob"]
    assert older.put("pe-1", target, "blob", arm=arm_of(older, make_arm, "Network Contributor")).status_code == 403


def test_subnet_zone_and_network_need_join(lab, make_arm):
    """An endpoint joins the subnet, a zone group the zone, and a link the virtual network."""
    networks = lab.emulator.networks
    zone = networks.add_private_dns_zone(ACCOUNT_ZONE)
    networks.add_private_endpoint("pe-old", lab.subnet, lab.emulator.account, "account")
    joins = {
        "subnet": "Microsoft.Network/virtualNetworks/subnets/join/action",
        "zone": "Microsoft.Network/privateDnsZones/join/action",
        "network": "Microsoft.Network/virtualNetworks/join/action",
    }
    writer = ("Microsoft.Network/privateEndpoints/*", "Microsoft.Network/privateDnsZones/*/write")
    for allowed in (*joins, None):
        arm = arm_of(lab, make_arm, Role("writer", (*writer, *([joins[allowed]] if allowed else []))))
        statuses = {
            "subnet": lab.put("pe-1", lab.emulator.account, "account", arm=arm, manual=True).status_code,
            "zone": lab.put_group("pe-old", zone, arm=arm).status_code,
            "network": lab.link(str(zone), arm=arm).status_code,
        }
        accepted = {"subnet": 201, "zone": 201, "network": 202}
        assert statuses == {what: accepted[what] if what == allowed else 403 for what in joins}


@pytest.mark.parametrize(
    ("role", "allowed"),
    [("Reader", set()), ("Private DNS Zone Contributor", {"zone"}), ("Network Contributor", {"endpoint", "zone"})],
)
def test_built_in_roles(lab, make_arm, role, allowed):
    """Readers read; zone contributors write zones; network contributors write everything."""
    arm = arm_of(lab, make_arm, role)
    made = {
        "endpoint": lab.put("pe-1", lab.emulator.account, "account", arm=arm, manual=True).status_code < 300,
        "zone": arm.put(lab.zone(), {"location": "global"}, version=DNS).status_code < 300,
    }
    assert {what for what, done in made.items() if done} == allowed
    listed = arm.get(lab.path("privateEndpoints"), version=NETWORK)
    assert listed.status_code == (403 if role == "Private DNS Zone Contributor" else 200)


def test_locks_and_policies_refuse_writes(lab):
    """A policy denies the target's approval; a lock prevents changes to the network."""
    lab.emulator.deny_by_policy(lab.emulator.account, "*/PrivateEndpointConnectionsApproval/action")
    assert code_of(lab.put("pe-1", lab.emulator.account, "account")) == "RequestDisallowedByPolicy"
    lab.emulator.remove_denials()
    lab.emulator.add_lock(lab.network, "ReadOnly")
    assert code_of(lab.put("pe-1", lab.emulator.account, "account")) == "ScopeLocked"


# --- virtual networks


def test_network_is_created_changed_and_deleted(lab):
    """PUT with `subnets` replaces them, PUT without keeps them; a network or subnet in use cannot be deleted."""
    path = lab.path("virtualNetworks/vnet-new")
    space = {"addressSpace": {"addressPrefixes": ["10.7.0.0/16"]}}
    subnets = [
        {"name": "one", "properties": {"addressPrefix": "10.7.1.0/24"}},
        {
            "name": "two",
            "properties": {"addressPrefixes": ["10.7.2.0/24"], "privateEndpointNetworkPolicies": "Enabled"},
        },
    ]
    body = {"location": "westeurope", "properties": {**space, "subnets": subnets}}
    made = lab.arm.put(path, body, version=NETWORK)
    assert made.status_code == 201
    policies = [one["properties"]["privateEndpointNetworkPolicies"] for one in made.json()["properties"]["subnets"]]
    assert policies == ["Disabled", "Enabled"]
    kept = lab.arm.put(path, {"location": "westeurope", "properties": space}, version=NETWORK)
    assert kept.status_code == 200
    assert len(lab.get(f"{path}/subnets").json()["value"]) == 2
    lab.made("pe-1", lab.emulator.account, "account", subnet=f"{path}/subnets/one")
    body["properties"]["subnets"] = [subnets[1]]
    assert code_of(lab.arm.put(path, body, version=NETWORK)) == "InUseSubnetCannotBeDeleted"
    assert code_of(lab.arm.send("DELETE", f"{path}/subnets/one", version=NETWORK)) == "InUseSubnetCannotBeDeleted"
    assert code_of(lab.arm.send("DELETE", path, version=NETWORK)) == "InUseSubnetCannotBeDeleted"
    [inside] = lab.get(f"{path}/subnets/one").json()["properties"]["privateEndpoints"]
    assert inside == {"id": lab.endpoint("pe-1")}
    lab.emulator.remove(lab.endpoint("pe-1"))
    assert [one["name"] for one in lab.arm.put(path, body, version=NETWORK).json()["properties"]["subnets"]] == ["two"]
    for gone in (f"{path}/subnets/two", path):
        assert lab.arm.send("DELETE", gone, version=NETWORK).status_code == 200
        assert lab.get(gone).status_code == 404
    assert lab.arm.send("DELETE", path, version=NETWORK).status_code == 204


def test_busy_subnet_refuses_other_writes(lab):
    """While an endpoint is created in it, subnet and network can be neither changed nor deleted."""
    network = lab.path("virtualNetworks/vnet-hub")
    path = f"{network}/subnets/snet-pe"
    lab.put("pe-1", lab.emulator.account, "account")
    body = {"properties": {"addressPrefix": "10.0.0.0/24"}}
    space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [{"name": "snet-pe", **body}]}
    for refused in (
        lab.arm.put(path, body, version=NETWORK),
        lab.arm.send("DELETE", path, version=NETWORK),
        lab.arm.put(network, {"location": "westeurope", "properties": space}, version=NETWORK),
        lab.arm.send("DELETE", network, version=NETWORK),
    ):
        assert (refused.status_code, code_of(refused)) == (429, "AnotherOperationInProgress")
    lab.emulator.clock.sleep(50)
    assert lab.arm.put(path, body, version=NETWORK).status_code == 200
    assert lab.arm.send("DELETE", path + "x", version=NETWORK).status_code == 204


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"addressPrefix": "10.0.0.300/24"},
        {"addressPrefix": "fd00::/64"},
        {"addressPrefix": "10.0.0.0/24", "privateEndpointNetworkPolicies": "Perhaps"},
    ],
)
def test_invalid_subnets_are_refused(lab, properties):
    """A subnet needs an IPv4 prefix, and known policies."""
    path = lab.path("virtualNetworks/vnet-hub/subnets/snet-new")
    assert lab.arm.put(path, {"properties": properties}, version=NETWORK).status_code == 400


def test_networks_are_listed(lab):
    """In their resource group and in their subscription; a network needs a location and an address space."""
    for path in (lab.path("virtualNetworks"), lab.path("virtualNetworks").replace("/resourceGroups/rg-net", "")):
        assert [one["id"] for one in lab.get(path).json()["value"]] == [str(lab.network)]
    assert lab.get(lab.path("virtualNetworks/absent")).status_code == 404
    answer = lab.arm.put(lab.path("virtualNetworks/new"), {"location": "westeurope"}, version=NETWORK)
    assert answer.status_code == 400
    types = lab.get(
        f"/subscriptions/{lab.emulator.subscription}/providers/Microsoft.Network/locations/westeurope/availablePrivateEndpointTypes"
    )
    assert "Microsoft.Purview/accounts" in [one["resourceName"] for one in types.json()["value"]]


def test_test_methods_name_missing_resources(lab):
    """The LookupError of each method says which resource does not exist."""
    networks = lab.emulator.networks
    with pytest.raises(LookupError, match="no virtual network"):
        networks.add_subnet(f"{lab.network}x", "snet")
    with pytest.raises(LookupError, match="no private DNS zone"):
        networks.link_private_dns_zone(lab.zone(), lab.network)
    with pytest.raises(LookupError, match="no private endpoint"):
        networks.add_zone_group(lab.endpoint("absent"), lab.zone())
    with pytest.raises(LookupError, match="no subnet"):
        networks.add_private_endpoint("pe", f"{lab.subnet}x", lab.emulator.account, "account")


def test_link_made_by_a_test_counts(lab):
    """It counts like a link made by a client."""
    networks = lab.emulator.networks
    zone = networks.add_private_dns_zone(ACCOUNT_ZONE)
    link = networks.link_private_dns_zone(zone, lab.network, resolution_policy="NxDomainRedirect")
    assert lab.get(str(link), DNS).json()["properties"]["resolutionPolicy"] == "NxDomainRedirect"
    other = str(networks.add_private_dns_zone(ACCOUNT_ZONE, resource_group="rg-other"))
    assert lab.link(other).status_code == 400


# --- the official clients


@pytest.fixture
def clients(lab):
    options = {"transport": lab.emulator.transport()}
    with (
        NetworkManagementClient(lab.emulator.credential, lab.emulator.subscription, **options) as network,
        PrivateDnsManagementClient(lab.emulator.credential, lab.emulator.subscription, **options) as dns,
    ):
        yield network, dns


def test_management_clients_create_read_and_delete(lab, clients):
    """Zone, link, endpoint and zone group, with the pollers of the SDKs."""
    network, dns = clients
    group = "rg-net"
    zone = dns.private_zones.begin_create_or_update(group, ACCOUNT_ZONE, {"location": "global"}).result()
    link = {
        "location": "global",
        "properties": {"virtualNetwork": {"id": str(lab.network)}, "registrationEnabled": False},
    }
    linked = dns.virtual_network_links.begin_create_or_update(group, ACCOUNT_ZONE, "hub", link).result()
    assert linked.virtual_network.id == str(lab.network)
    body = lab.body(lab.emulator.account, "account")
    made = network.private_endpoints.begin_create_or_update(group, "pe-account", body).result()
    assert made.private_link_service_connections[0].private_link_service_connection_state.status == "Approved"
    config = {"properties": {"privateDnsZoneConfigs": [{"name": "zone", "properties": {"privateDnsZoneId": zone.id}}]}}
    zone_group = network.private_dns_zone_groups.begin_create_or_update(group, "pe-account", "default", config).result()
    assert zone_group.private_dns_zone_configs[0].record_sets[0]["fqdn"] == f"pv1.{ACCOUNT_ZONE}"
    assert lab.emulator.networks.resolve(lab.network, "pv1.purview.azure.com") == "10.0.0.4"
    assert [one.name for one in network.private_endpoints.list(group)] == ["pe-account"]
    assert [one.name for one in dns.record_sets.list(group, ACCOUNT_ZONE)] == ["@", "pv1"]
    network.private_endpoints.begin_delete(group, "pe-account").result()
    dns.virtual_network_links.begin_delete(group, ACCOUNT_ZONE, "hub").result()
    dns.private_zones.begin_delete(group, ACCOUNT_ZONE).result()
    assert list(network.private_endpoints.list_by_subscription()) == []
    assert list(dns.private_zones.list()) == []
    assert next(iter(network.subnets.list(group, "vnet-hub"))).private_endpoints == []


def test_async_management_clients_create_read_and_delete(lab):
    """The same endpoint and zone, with the async clients."""

    async def work() -> list[str]:
        options = {"transport": lab.emulator.async_transport()}
        credential, subscription = lab.emulator.async_credential, lab.emulator.subscription
        async with (
            AsyncNetworkClient(credential, subscription, **options) as network,
            AsyncDnsClient(credential, subscription, **options) as dns,
        ):
            zones, endpoints = dns.private_zones, network.private_endpoints
            await (await zones.begin_create_or_update("rg-net", ACCOUNT_ZONE, {"location": "global"})).result()
            body = lab.body(lab.emulator.account, "account")
            made = await (await endpoints.begin_create_or_update("rg-net", "pe-1", body)).result()
            seen = [str(made.provisioning_state.value), *[one.name async for one in zones.list()]]
            await (await endpoints.begin_delete("rg-net", "pe-1")).result()
            return seen

    assert asyncio.run(work()) == ["Succeeded", ACCOUNT_ZONE]
    assert lab.emulator.networks.private_endpoints() == []


def test_management_client_raises_errors_of_operations(lab, clients):
    """A failed operation raises with the code inside it."""
    network, _ = clients
    lab.emulator.inject(Fault.failed_provisioning(code="RetryableError"))
    body = lab.body(lab.emulator.account, "account")
    poller = network.private_endpoints.begin_create_or_update("rg-net", "pe-account", body)
    with pytest.raises(HttpResponseError) as failed:
        poller.result()
    assert failed.value.error.code == "RetryableError"


def test_management_client_creates_a_zone_only_once(lab, clients):
    """`IfMissing` is `If-None-Match: *`."""
    _, dns = clients
    body, only = {"location": "global"}, {"etag": "*", "match_condition": MatchConditions.IfMissing}
    dns.private_zones.begin_create_or_update("rg-net", ACCOUNT_ZONE, body, **only).result()
    with pytest.raises((ResourceModifiedError, HttpResponseError)) as refused:
        dns.private_zones.begin_create_or_update("rg-net", ACCOUNT_ZONE, body, **only)
    assert refused.value.status_code == 412


def test_lists_have_pages(make_lab):
    """Endpoints and zones beyond one page are found through the links."""
    lab = make_lab(page_size=2)
    for number in range(5):
        lab.emulator.networks.add_private_endpoint(f"pe-{number}", lab.subnet, lab.emulator.account, "account")
        lab.emulator.networks.add_private_dns_zone(f"zone{number}.example", linked_to=[lab.network])
    transport = lab.emulator.transport()
    network = NetworkManagementClient(lab.emulator.credential, lab.emulator.subscription, transport=transport)
    dns = PrivateDnsManagementClient(lab.emulator.credential, lab.emulator.subscription, transport=transport)
    assert [one.name for one in network.private_endpoints.list("rg-net")] == [f"pe-{number}" for number in range(5)]
    assert [one.name for one in dns.private_zones.list_by_resource_group("rg-net")] == [
        f"zone{number}.example" for number in range(5)
    ]


def test_times_can_be_set(make_lab):
    """`Times` sets how long each operation takes."""
    lab = make_lab(times=Times(private_endpoint=3, private_dns=2, private_endpoint_deletion=1))
    answer = lab.put("pe-1", lab.emulator.account, "account")
    lab.emulator.clock.sleep(3)
    assert lab.status(answer) == {"status": "Succeeded"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["put-1", "put-2", "delete-1", "delete-2", "wait", "group-1"]), max_size=12))
def test_connections_and_records_match_the_endpoints(make_lab, steps):
    """After any requests, each endpoint has one connection, and no record of a deleted endpoint remains."""
    lab = make_lab(foreign_connections=0)
    emulator = lab.emulator
    zone = emulator.networks.add_private_dns_zone(ACCOUNT_ZONE, linked_to=[lab.network])
    for step in steps:
        verb, _, number = step.partition("-")
        if verb == "put":
            lab.put(f"pe-{number}", emulator.account, "account")
        elif verb == "delete":
            lab.arm.send("DELETE", lab.endpoint(f"pe-{number}"), version=NETWORK)
        elif verb == "group":
            lab.put_group("pe-1", zone)
        else:
            emulator.clock.sleep(100)
    emulator.clock.sleep(100)
    endpoints = emulator.networks.private_endpoints()
    assert {view.provisioning_state for view in endpoints} <= {"Succeeded"}
    assert sorted(c.private_endpoint_id for c in emulator.connections()) == sorted(str(view.id) for view in endpoints)
    addresses = {view.address for view in endpoints if view.zone_groups}
    assert set(emulator.networks.private_dns_zones()[0].records.values()) == addresses
    assert len(set(itertools.chain(view.address for view in endpoints))) == len(endpoints)
