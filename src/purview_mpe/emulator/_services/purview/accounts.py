"""Microsoft.Purview: accounts, in the shape that each api-version gives them."""

from __future__ import annotations

import re
from copy import copy, deepcopy
from typing import TYPE_CHECKING, Any

from purview_mpe._model.arm_id import ArmId
from purview_mpe.emulator._http.call import bad_request, not_found
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_factory.rules import want, want_identity, want_tags
from purview_mpe.emulator._services.purview.shapes import account_body, new_namespace_id
from purview_mpe.emulator._services.targets import connections
from purview_mpe.emulator._services.versions import PURVIEW, hidden_account_properties, shows_guardian
from purview_mpe.emulator._state import life
from purview_mpe.emulator._state.nouns import Account, Resource
from purview_mpe.emulator._state.world import NAMESPACE_TYPE, STORAGE_TYPE
from purview_mpe.emulator._values.exchange import Response
from purview_mpe.emulator._values.json_values import id_of, list_of, object_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.world import World

PROVIDER = "Microsoft.Purview"

_NAME = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
_ACCESS = ("NotSpecified", "Enabled", "Disabled")
# What a PUT or PATCH can change, and to what (spec).
_CHOICES: dict[str, tuple[str, ...]] = {
    "publicNetworkAccess": _ACCESS,
    "managedResourcesPublicNetworkAccess": _ACCESS,
    "managedEventHubState": _ACCESS,
}


def new_account(world: World, account_id: ArmId, body: Mapping[str, Any]) -> Account:
    """Make an account exist, with the storage accounts and namespaces that its JSON names."""
    body = deepcopy(dict(body))
    properties: dict[str, Any] = object_of(body.get("properties")) or {}
    listed = properties.pop("privateEndpointConnections", None)
    account = Account(account_id, {**body, "properties": properties}, world.serial())
    world.ensure_group(account_id, str(body.get("location", "")))
    world.accounts[account_id.key] = account
    for target in managed_targets(account):
        ensure_target(world, str(target), str(body.get("location", "")), managed_by=str(account_id))
    for item in list_of(listed) or ():
        _seed_connection(world, account_id, object_of(item) or {})
    return account


def remove_account(world: World, key: str) -> bool:
    """Take an account away, and what it manages with it. Gives whether there was one."""
    account = world.accounts.pop(key, None)
    if account is None:
        return False
    for target in (account.id, *managed_targets(account)):
        world.resources.pop(target.key, None)
        for connection in world.connections.pop(target.key, {}).values():
            life.drop_connection(world, connection)
    return True


def ensure_target(world: World, target: Any, location: str, managed_by: str | None = None) -> Resource | None:
    """Make a storage account or namespace exist, if this is the id of one."""
    target_id = id_of(target)
    if target_id is None:
        return None
    if not target_id.is_a(STORAGE_TYPE) and not target_id.is_a(NAMESPACE_TYPE):
        return None
    known = world.resources.get(target_id.key)
    if known is None:
        world.ensure_group(target_id, location, managed_by)
        known = Resource(target_id, {"location": location, "createdAt": world.stamp()}, world.serial())
        world.resources[target_id.key] = known
    return known


def _seed_connection(world: World, account_id: ArmId, item: Mapping[str, Any]) -> None:
    properties = object_of(item.get("properties")) or {}
    state = object_of(properties.get("privateLinkServiceConnectionState")) or {}
    endpoint = object_of(properties.get("privateEndpoint")) or {}
    name = item.get("name")
    life.add_connection(
        world,
        account_id,
        private_endpoint_id=str(endpoint.get("id", "")),
        group_id="account",
        description=state.get("description"),
        status=str(state.get("status", "Pending")),
        name=name if isinstance(name, str) else None,
    )


def shown_account(world: World, account: Account, api_version: str) -> dict[str, Any]:
    """The JSON of an account in one api-version."""
    hidden = hidden_account_properties(api_version)
    properties = {key: value for key, value in account.properties.items() if key not in hidden}
    endpoints = object_of(properties.get("endpoints"))
    if endpoints is not None and not shows_guardian(api_version):
        properties["endpoints"] = {key: value for key, value in endpoints.items() if key != "guardian"}
    properties["privateEndpointConnections"] = [
        connections.shown_connection(connection) for connection in world.connections_of(account.id).values()
    ]
    shown = copy(account.body)
    shown["properties"] = properties
    return shown


def find_account(call: Call) -> Account:
    """The account in the path."""
    account_id = call.id(PROVIDER, "accounts", call["account"])
    account = call.world.accounts.get(account_id.key)
    if account is None:
        raise not_found(account_id)
    return account


def _list_accounts(call: Call) -> Response:
    return call.page(
        call.located(call.world.accounts.values()),
        lambda account: account.serial,
        lambda account: shown_account(call.world, account, call.api_version),
    )


def _get_account(call: Call) -> Response:
    return Response(200, shown_account(call.world, find_account(call), call.api_version))


def _put_account(call: Call) -> Response:
    account_id, body = call.id(PROVIDER, "accounts", call["account"]), call.json
    _check_account(body)
    known = call.world.accounts.get(account_id.key)
    if known is not None:
        _update(call.world, known, body)
        return Response(200, shown_account(call.world, known, call.api_version))
    if not 3 <= len(account_id.name) <= 63 or not _NAME.fullmatch(account_id.name):
        raise bad_request(f"The account name '{account_id.name}' is invalid.", "InvalidAccountName")
    if not isinstance(body.get("location"), str) or not body["location"]:
        raise bad_request("The required property 'location' is missing.", "LocationRequired")
    properties = object_of(body.get("properties")) or {}
    # Accounts of today have ingestion storage, and managed Event Hubs only if asked for (documentation).
    made = account_body(
        call.world,
        account_id,
        shape="D" if properties.get("managedEventHubState") == "Enabled" else "C",
        firewall="enabled-from-all-networks",
        location=body["location"],
    )
    made["properties"]["provisioningState"] = "Creating"
    if group := properties.get("managedResourceGroupName"):
        # Can be chosen when an account is made, and never again (spec: read by Terraform, which would make it anew).
        made["properties"]["managedResourceGroupName"] = group
    account = new_account(call.world, account_id, made)
    _update(call.world, account, body)

    def created() -> None:
        account.properties["provisioningState"] = "Succeeded"

    answer = Response(201, shown_account(call.world, account, call.api_version))
    call.world.later(call.world.settings.span("provisioning", "account", real=call.world.is_real), created, [])
    return answer


def _patch_account(call: Call) -> Response:
    account, body = find_account(call), call.json
    _check_account(body)
    _update(call.world, account, body)
    return Response(200, shown_account(call.world, account, call.api_version))


def _delete_account(call: Call) -> Response:
    account_id = call.id(PROVIDER, "accounts", call["account"])
    return Response(200 if remove_account(call.world, account_id.key) else 204)


def _list_keys(call: Call) -> Response:
    # Kafka keys of the managed namespace: Terraform asks for them whenever it reads an account.
    managed = object_of(find_account(call).properties.get("managedResources")) or {}
    namespace = str(managed.get("eventHubNamespace") or "").rpartition("/")[2]
    keys = {
        f"atlasKafka{which}Endpoint": f"Endpoint=sb://{namespace}.servicebus.windows.net/;"
        f"SharedAccessKeyName={name};SharedAccessKey=emulated"
        for which, name in (
            ("Primary", "AlternateSharedAccessKey"),
            ("Secondary", "AlternateSharedAccessKey2"),
        )
    }
    return Response(200, keys if namespace else {})


def _check_account(body: Mapping[str, Any]) -> None:
    for key in ("properties", "sku"):
        want(body, key, dict)
    want_tags(body)
    want_identity(body)
    properties = object_of(body.get("properties")) or {}
    want(properties, "managedResourceGroupName", str)
    want(properties, "ingestionStorage", dict)
    access = (object_of(properties.get("ingestionStorage")) or {}).get("publicNetworkAccess")
    if access is not None and access not in _ACCESS:
        raise bad_request("The property 'publicNetworkAccess' has an invalid value.", "InvalidPropertyValue")
    for key, values in _CHOICES.items():
        given = properties.get(key)
        if given is not None and given not in values:
            raise bad_request(f"The property '{key}' must be one of {', '.join(values)}.", "InvalidPropertyValue")


def _update(world: World, account: Account, body: Mapping[str, Any]) -> None:
    """Take over what can be changed; read-only properties in a body are accepted and ignored."""
    for key in ("tags", "identity"):
        if body.get(key) is not None:
            account.body[key] = body[key]
    properties = object_of(body.get("properties")) or {}
    for key in _CHOICES:
        if properties.get(key) is not None:
            account.properties[key] = properties[key]
    ingestion, given = (
        account.properties.get("ingestionStorage"),
        object_of(properties.get("ingestionStorage")),
    )
    if ingestion is not None and given is not None and given.get("publicNetworkAccess") in _ACCESS:
        ingestion["publicNetworkAccess"] = given["publicNetworkAccess"]
    match account.properties.get("managedEventHubState"):
        case "Enabled":
            enable_event_hubs(world, account)
        case "Disabled":
            managed = object_of(account.properties.get("managedResources")) or {}
            managed.pop("eventHubNamespace", None)
        case _:
            pass


def enable_event_hubs(world: World, account: Account) -> None:
    """Give an account a managed namespace if it has none; what it needs changes by that."""
    account.properties["managedEventHubState"] = "Enabled"
    managed: dict[str, Any] = account.properties.setdefault("managedResources", {})
    if not managed.get("eventHubNamespace"):
        group = ArmId(account.id.subscription, f"managed-rg-{account.id.name.lower()}")
        managed["resourceGroup"] = str(group)
        managed["eventHubNamespace"] = str(new_namespace_id(world, group))
        location = str(account.body.get("location", ""))
        ensure_target(world, managed["eventHubNamespace"], location, managed_by=str(account.id))


def managed_targets(account: Account) -> list[ArmId]:
    """The storage accounts and the namespace that an account's JSON names, as far as they are ids of such."""
    managed = object_of(account.properties.get("managedResources")) or {}
    ingestion = object_of(account.properties.get("ingestionStorage")) or {}
    found: list[ArmId] = []
    for given in (managed.get("storageAccount"), managed.get("eventHubNamespace"), ingestion.get("id")):
        target = id_of(given)
        if target is not None and (target.is_a(STORAGE_TYPE) or target.is_a(NAMESPACE_TYPE)):
            found.append(target)
    return found


def _target(call: Call) -> ArmId:
    return find_account(call).id


# The groups and their zones (documentation).
_ZONES = {
    "account": "privatelink.purview.azure.com",
    "portal": "privatelink.purviewstudio.azure.com",
    "platform": "privatelink.purview-service.microsoft.com",
}

_ALL = "/subscriptions/{subscription}/providers/Microsoft.Purview/accounts"
_ACCOUNTS = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Purview/accounts"
_ACCOUNT = f"{_ACCOUNTS}/{{account}}"
_ACTION = "Microsoft.Purview/accounts"

ROUTES = (
    Route("GET", _ALL, PURVIEW, _list_accounts, f"{_ACTION}/read"),
    Route("GET", _ACCOUNTS, PURVIEW, _list_accounts, f"{_ACTION}/read"),
    Route("GET", _ACCOUNT, PURVIEW, _get_account, f"{_ACTION}/read"),
    Route("PUT", _ACCOUNT, PURVIEW, _put_account, f"{_ACTION}/write"),
    Route("PATCH", _ACCOUNT, PURVIEW, _patch_account, f"{_ACTION}/write"),
    Route("DELETE", _ACCOUNT, PURVIEW, _delete_account, f"{_ACTION}/delete"),
    Route("POST", f"{_ACCOUNT}/listkeys", PURVIEW, _list_keys, f"{_ACTION}/listkeys/action"),
    *connections.routes(
        _ACCOUNT, PURVIEW, _target, action=_ACTION, approval="PrivateEndpointConnectionsApproval", zones=_ZONES
    ),
)
