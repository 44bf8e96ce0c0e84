"""Microsoft.Purview: accounts, in the shape of each api-version."""

from __future__ import annotations

import re
from copy import copy, deepcopy
from typing import TYPE_CHECKING, Any

from purview_mpe._model.arm_id import ArmId
from purview_mpe.emulator._http.call import GUID, bad_request, not_found
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_factory.rules import want, want_identity, want_tags
from purview_mpe.emulator._services.data_plane import policies
from purview_mpe.emulator._services.data_plane.catalogs import catalog_of
from purview_mpe.emulator._services.purview.lifecycle import (
    begin_account,
    change_account,
    delete_account,
    ensure_target,
)
from purview_mpe.emulator._services.purview.shapes import account_body, new_namespace_id
from purview_mpe.emulator._services.targets import connections
from purview_mpe.emulator._services.versions import ADD_ROOT_ADMIN, PURVIEW, hidden_account_properties, shows_guardian
from purview_mpe.emulator._state.policies import grant, raised
from purview_mpe.emulator._values.exchange import ArmError, Response
from purview_mpe.emulator._values.json_values import object_of, region_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.nouns import Account
    from purview_mpe.emulator._state.world import World

PROVIDER = "Microsoft.Purview"

_NAME = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
_ACCESS = ("NotSpecified", "Enabled", "Disabled")
# The properties that a PUT or PATCH can change, with their values (spec).
_CHOICES: dict[str, tuple[str, ...]] = {
    "publicNetworkAccess": _ACCESS,
    "managedResourcesPublicNetworkAccess": _ACCESS,
    "managedEventHubState": _ACCESS,
    "tenantEndpointState": _ACCESS,
}


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


def _answer(call: Call, account: Account, status: int = 200) -> Response:
    """An account's answer with its headers (their names are recorded, the values inferred)."""
    headers = {
        "x-ms-account-status": str(account.properties.get("provisioningState", "")),
        "api-supported-versions": ", ".join(PURVIEW),
    }
    return Response(status, shown_account(call.world, account, call.api_version), headers)


def _get_account(call: Call) -> Response:
    return _answer(call, find_account(call))


def _put_account(call: Call) -> Response:
    account_id, body = call.id(PROVIDER, "accounts", call["account"]), call.json
    _check_account(body)
    known = call.world.accounts.get(account_id.key)
    if known is not None:
        _update(call.world, known, body)
        change_account(call.world, known)
        return _answer(call, known)
    if not 3 <= len(account_id.name) <= 63 or not _NAME.fullmatch(account_id.name):
        raise bad_request(f"The account name '{account_id.name}' is invalid.", "InvalidAccountName")
    if not isinstance(body.get("location"), str) or not body["location"]:
        raise bad_request("The required property 'location' is missing.", "LocationRequired")
    properties = object_of(body.get("properties")) or {}
    # New accounts have ingestion storage, and managed Event Hubs only on request (documentation).
    made = account_body(
        call.world,
        account_id,
        shape="D" if properties.get("managedEventHubState") == "Enabled" else "C",
        firewall="enabled-from-all-networks",
        location=body["location"],
    )
    if group := properties.get("managedResourceGroupName"):
        # Fixed when an account is created (spec). Terraform reads it, and would replace the account if it changed.
        made["properties"]["managedResourceGroupName"] = group
    _apply(made, body)
    _check_tenant_account(call, made)
    account = begin_account(call.world, account_id, made)
    account.creator = call.caller.object_id
    return _answer(call, account, 201)


def _check_tenant_account(call: Call, made: dict[str, Any]) -> None:
    """Refuse a second tenant-level account (seen in public reports).

    Raises:
        ArmError: 409 `35001`.
    """
    wanted = made["properties"].get("tenantEndpointState") == "Enabled"
    if wanted and any(account.is_tenant_level for account in call.world.accounts.values()):
        raise ArmError(409, "35001", "A tenant level Microsoft Purview account already exists in this tenant.")


def _patch_account(call: Call) -> Response:
    account, body = find_account(call), call.json
    _check_account(body)
    _update(call.world, account, body)
    change_account(call.world, account)
    return _answer(call, account)


def _delete_account(call: Call) -> Response:
    account_id = call.id(PROVIDER, "accounts", call["account"])
    account = call.world.accounts.get(account_id.key)
    if account is None:
        return Response(204)
    operation = delete_account(call.world, account)
    region = region_of(account.body.get("location"))
    place = f"{call.origin}/subscriptions/{account_id.subscription}/providers/{PROVIDER}/locations/{region}"
    return Response(
        202, headers={"Location": f"{place}/operationResults/{operation.id}?api-version={call.api_version}"}
    )


def _add_root_collection_admin(call: Call) -> Response:
    """Make a principal an admin of the root collection, also from outside the account's network (inferred).

    It reads and writes the policy in the policy store, so of two overlapping writers one fails (seen in public
    reports).
    """
    account, principal = find_account(call), call.json.get("objectId")
    if not isinstance(principal, str) or not GUID.fullmatch(principal):
        raise bad_request("The property 'objectId' must be the object id of a principal.", "InvalidRequestContent")
    if call.world.settings.answers.root_admin_by == "owner":
        call.access.check(call.caller, "Microsoft.Authorization/roleAssignments/write", call.scope)
    catalog = catalog_of(call.world, call.access, account)
    policy = catalog.policy_of(catalog.root)
    if policy is None or policies.was_written_meanwhile(call, catalog, policy):
        raise policies.etag_mismatch()
    policy = deepcopy(policy)
    if grant(policy, "collection-admin", principal):
        catalog.store({**policy, "version": raised(policy)}, call.world.arrivals)
    return Response(200)


def _list_keys(call: Call) -> Response:
    # Kafka keys of the managed namespace: Terraform requests them whenever it reads an account.
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


def _apply(shown: dict[str, Any], body: Mapping[str, Any]) -> None:
    """Copy the writable properties of a body into an account's JSON; read-only ones are accepted and ignored."""
    for key in ("tags", "identity"):
        if body.get(key) is not None:
            shown[key] = body[key]
    known: dict[str, Any] = shown["properties"]
    properties = object_of(body.get("properties")) or {}
    for key in _CHOICES:
        if properties.get(key) is not None:
            known[key] = properties[key]
    ingestion, given = known.get("ingestionStorage"), object_of(properties.get("ingestionStorage"))
    if ingestion is not None and given is not None and given.get("publicNetworkAccess") in _ACCESS:
        ingestion["publicNetworkAccess"] = given["publicNetworkAccess"]


def _update(world: World, account: Account, body: Mapping[str, Any]) -> None:
    """Change an account; this may add or remove its managed namespace."""
    _apply(account.body, body)
    match account.properties.get("managedEventHubState"):
        case "Enabled":
            enable_event_hubs(world, account)
        case "Disabled":
            managed = object_of(account.properties.get("managedResources")) or {}
            managed.pop("eventHubNamespace", None)
        case _:
            pass


def enable_event_hubs(world: World, account: Account) -> None:
    """Give an account a managed namespace if it has none; the account then needs another endpoint."""
    account.properties["managedEventHubState"] = "Enabled"
    managed: dict[str, Any] = account.properties.setdefault("managedResources", {})
    if not managed.get("eventHubNamespace"):
        group = ArmId(account.id.subscription, f"managed-rg-{account.id.name.lower()}")
        managed["resourceGroup"] = str(group)
        managed["eventHubNamespace"] = str(new_namespace_id(world, group))
        location = str(account.body.get("location", ""))
        ensure_target(world, managed["eventHubNamespace"], location, managed_by=str(account.id))


def _target(call: Call) -> ArmId:
    return find_account(call).id


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
    Route(
        "POST",
        f"{_ACCOUNT}/addRootCollectionAdmin",
        ADD_ROOT_ADMIN,
        _add_root_collection_admin,
        f"{_ACTION}/addrootcollectionadmin/action",
    ),
    Route("POST", f"{_ACCOUNT}/listkeys", PURVIEW, _list_keys, f"{_ACTION}/listkeys/action"),
    *connections.routes(_ACCOUNT, PURVIEW, _target, action=_ACTION, approval="PrivateEndpointConnectionsApproval"),
)
