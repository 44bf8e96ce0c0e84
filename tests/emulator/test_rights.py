"""Permissions: roles, locks, policies, deny assignments, unregistered providers."""

import asyncio

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.datafactory import DataFactoryManagementClient

from purview_mpe.emulator import Emulator, Role

APPROVED = {"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}


@pytest.fixture
def story(emulator, arm):
    """The operations of each person involved, as one request each."""
    targets = emulator.targets(emulator.account)
    for group in ("account", "blob", "namespace"):
        arm.request_endpoint(f"p_{group}", targets[group], group)
    emulator.clock.sleep(20)
    ids = {c.endpoint: c.id for c in emulator.connections() if c.endpoint}
    queue = {"properties": {"privateLinkResourceId": str(targets["queue"]), "groupId": "queue"}}
    connected = {"identity": {"type": "SystemAssigned"}, "location": "westeurope", "properties": {}}
    return {
        "read account": ("GET", emulator.account, "2024-04-01-preview", None),
        "read its connections": (
            "GET",
            f"{emulator.account}/privateEndpointConnections",
            "2024-04-01-preview",
            None,
        ),
        "read factory": ("GET", emulator.factory, "2018-06-01", None),
        "read endpoints": ("GET", arm.endpoint("")[:-1], "2018-06-01", None),
        "read runtimes": ("GET", f"{emulator.factory}/integrationRuntimes", "2018-06-01", None),
        "read storage connections": (
            "GET",
            f"{targets['blob']}/privateEndpointConnections",
            "2025-08-01",
            None,
        ),
        "request": ("PUT", arm.endpoint("p_queue"), "2018-06-01", queue),
        "delete": ("DELETE", arm.endpoint("nobody"), "2018-06-01", None),
        "write factory": ("PUT", emulator.factory, "2018-06-01", connected),
        "approve account": ("PUT", ids["p_account"], "2024-04-01-preview", APPROVED),
        "approve storage": ("PUT", ids["p_blob"], "2025-08-01", APPROVED),
        "approve namespace": ("PUT", ids["p_namespace"], "2026-01-01", APPROVED),
        "permissions": (
            "GET",
            f"{emulator.factory}/providers/Microsoft.Authorization/permissions",
            "2022-04-01",
            None,
        ),
    }


READS = {
    "read account",
    "read its connections",
    "read factory",
    "read endpoints",
    "read runtimes",
    "read storage connections",
}
REQUESTS = {
    "read account",
    "read its connections",
    "read factory",
    "read endpoints",
    "read runtimes",
    "request",
    "delete",
    "write factory",
}
APPROVALS = {
    "read account",
    "read its connections",
    "read storage connections",
    "approve account",
    "approve storage",
    "approve namespace",
}


@pytest.mark.parametrize(
    ("roles", "may"),
    [
        ((), set()),
        (("none",), set()),
        (("reader",), READS | {"permissions"}),
        (("Reader",), READS | {"permissions"}),
        (("requester",), REQUESTS | {"permissions"}),
        (("approver",), APPROVALS | {"permissions"}),
        (("Contributor",), READS | REQUESTS | APPROVALS | {"permissions"}),
        (("Owner",), READS | REQUESTS | APPROVALS | {"permissions"}),
        (("Storage Account Contributor",), {"read storage connections", "approve storage", "permissions"}),
        ((Role("mine", ("Microsoft.DataFactory/factories/read",)),), {"read factory", "permissions"}),
    ],
)
def test_what_each_role_allows(emulator, make_arm, story, roles, may):
    """Every operation is allowed, or is a 403 AuthorizationFailed that names action, scope and client."""
    arm = make_arm(emulator, emulator.credential_for(*roles))
    allowed = set()
    for step, (method, path, version, body) in story.items():
        answer = arm.send(method, path, version=version, body=body)
        if answer.status_code == 403:
            error = answer.json()["error"]
            assert error["code"] == "AuthorizationFailed"
            assert "does not have authorization to perform action 'Microsoft." in error["message"]
            assert arm.credential.caller.object_id in error["message"]
        else:
            assert answer.status_code < 300
            allowed.add(step)
    assert allowed == may


def test_roles_apply_at_their_scope(emulator, make_arm):
    """A role assigned at one factory does not apply to another; a pair has its own scope."""
    other = emulator.add_factory("other")
    near = f"{emulator.factory}x"
    emulator.add_factory("df1x")
    arm = make_arm(emulator, emulator.credential_for("Reader", ("Owner", other), scope=emulator.factory))
    assert [arm.get(path).status_code for path in (emulator.factory, near, other)] == [200, 403, 200]
    assert arm.send("PATCH", other, body={"tags": {}}).status_code == 200
    assert arm.send("PATCH", emulator.factory, body={"tags": {}}).status_code == 403


def test_an_unknown_role_is_refused(emulator):
    """The error lists the known roles."""
    with pytest.raises(ValueError, match="Data Factory Contributor"):
        emulator.credential_for("Data Factory Contributer")


def test_permissions_are_the_callers(emulator, make_arm):
    """The list has one entry per role that applies at the scope, with its exceptions."""
    arm = make_arm(emulator, emulator.credential_for("Contributor", ("Reader", emulator.factory)))
    path = "/providers/Microsoft.Authorization/permissions"
    at_factory = arm.get(f"{emulator.factory}{path}", version="2022-04-01").json()["value"]
    at_account = arm.get(f"{emulator.account}{path}", version="2022-04-01").json()["value"]
    assert [sorted(entry) for entry in at_factory] == [["actions", "dataActions", "notActions", "notDataActions"]] * 2
    assert {tuple(entry["actions"]) for entry in at_factory} == {("*",), ("*/read",)}
    assert "Microsoft.Authorization/*/Write" in at_account[0]["notActions"]


def test_async_credentials_have_the_same_rights(emulator):
    """As sync ones."""
    from azure.mgmt.datafactory.aio import DataFactoryManagementClient as AioClient

    async def get():
        credential = emulator.async_credential_for("approver")
        async with (
            credential,
            AioClient(credential, emulator.factory.subscription, transport=emulator.async_transport()) as client,
        ):
            await client.factories.get("rg1", "df1")

    with pytest.raises(HttpResponseError) as refused:
        asyncio.run(get())
    assert refused.value.status_code == 403


def test_a_lock_prevents_the_deletion_of_an_endpoint(emulator, arm):
    """DELETE answers 200, and the endpoint ends as Failed and stays."""
    for number, locked in enumerate((emulator.factory, emulator.account)):
        emulator.add_lock(locked, deletion_ends="Failed" if number else "Succeeded")
        name = f"p{number}"
        arm.request_endpoint(name, emulator.account, ("account", "portal")[number])
        emulator.clock.sleep(100)
        assert arm.send("DELETE", arm.endpoint(name)).status_code == 200
        emulator.clock.sleep(30)
        [endpoint] = [e for e in emulator.endpoints() if e.name == name]
        assert endpoint.provisioning_state == ("Failed" if number else "Succeeded")
        locks = arm.get(f"{locked}/providers/Microsoft.Authorization/locks", version="2020-05-01").json()["value"]
        assert [lock["properties"]["level"] for lock in locks] == ["CanNotDelete"]
        emulator.remove_locks()
    assert arm.send("DELETE", arm.endpoint("p0")).status_code == 200
    emulator.clock.sleep(30)
    assert [e.name for e in emulator.endpoints()] == ["p1"]


def test_a_read_only_lock_refuses_writes(emulator, arm, story):
    """Approvals on a read-only target are 409 ScopeLocked; a delete lock allows them, but no deletion."""
    emulator.add_lock(emulator.account, "ReadOnly", name="freeze")
    method, path, version, body = story["approve account"]
    refused = arm.send(method, path, version=version, body=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "ScopeLocked")
    emulator.remove_locks()
    emulator.add_lock(f"/subscriptions/{emulator.account.subscription}")
    assert arm.send(method, path, version=version, body=body).status_code == 201
    refused = arm.send("DELETE", path, version=version)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "ScopeLocked")
    assert arm.get(path, version=version).status_code == 200


@pytest.mark.parametrize(
    ("deny", "code"),
    [
        ("deny_by_policy", "RequestDisallowedByPolicy"),
        ("add_deny_assignment", "DenyAssignmentAuthorizationFailed"),
    ],
)
def test_policies_and_deny_assignments(emulator, arm, story, deny, code):
    """They refuse writes at their scope with 403 and their own code, but no reads."""
    blob = emulator.targets(emulator.account)["blob"]
    group = f"/subscriptions/{blob.subscription}/resourceGroups/{blob.resource_group}"
    getattr(emulator, deny)(group, "*/privateEndpointConnections*/*")
    method, path, version, body = story["approve storage"]
    refused = arm.send(method, path, version=version, body=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, code)
    assert arm.get(path, version=version).status_code == 200
    method, path, version, body = story["approve account"]
    assert arm.send(method, path, version=version, body=body).status_code == 201
    emulator.remove_denials()
    method, path, version, body = story["approve storage"]
    assert arm.send(method, path, version=version, body=body).status_code == 200


def test_an_unregistered_provider(emulator, arm):
    """Even a GET is 409 MissingSubscriptionRegistration until the provider is registered."""
    emulator.unregister("Microsoft.Purview")
    refused = arm.get(emulator.account, version="2024-04-01-preview")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "MissingSubscriptionRegistration")
    assert refused.json()["error"]["details"][0]["target"] == "Microsoft.Purview"
    assert arm.get(emulator.factory).status_code == 200
    provider = f"/subscriptions/{emulator.account.subscription}/providers/Microsoft.Purview"
    assert arm.get(provider).json()["registrationState"] == "NotRegistered"
    assert arm.send("POST", f"{provider}/register").json()["registrationState"] == "Registered"
    assert arm.get(emulator.account, version="2024-04-01-preview").status_code == 200
    assert arm.get(f"/subscriptions/{emulator.account.subscription}/providers/Microsoft.Nothing").status_code == 404


def test_the_sdk_registers_a_provider_on_a_plain_read(monkeypatch):
    """The library has to prevent this: the unmodified client writes during a GET."""
    import time

    monkeypatch.setattr(time, "sleep", lambda _seconds: None)  # the SDK's own wait, not the emulator's
    emulator = Emulator()
    emulator.unregister("Microsoft.DataFactory")
    client = DataFactoryManagementClient(
        emulator.credential, emulator.factory.subscription, transport=emulator.transport()
    )
    client.factories.get("rg1", "df1")
    assert [request.path.rpartition("/")[2] for request in emulator.writes] == ["register"]


def test_subscriptions_of_microsoft_are_hidden(emulator, make_arm):
    """Even the owner cannot see the resources of a service."""
    account = emulator.add_account("new", shape="C")
    storage = emulator.targets(account)["blob"]
    arm = make_arm(emulator)
    assert arm.get(storage, version="2025-08-01").status_code == 403
    path = f"{storage}/providers/Microsoft.Authorization/permissions"
    assert arm.get(path, version="2022-04-01").status_code == 403
    listed = arm.get("/subscriptions", version="2022-12-01").json()["value"]
    assert [item["subscriptionId"] for item in listed] == [emulator.factory.subscription]
