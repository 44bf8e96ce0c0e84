"""Purview's data plane: the policy store, collections, and the catalog's entities and lineage.

It answers on a host of the account's own. In this process the transport sends each request to the account whose host
it names; served on one port, the account stands in the path: `/purview-data/{account}/…`.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.purview.accounts import find_account
from purview_mpe.emulator._services.purview.roles import ROLES, add_to_role, holds, policy_of
from purview_mpe.emulator._state.access import audience_of
from purview_mpe.emulator._values.exchange import ArmError, Response
from purview_mpe.emulator._values.json_values import object_of

if TYPE_CHECKING:
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.nouns import Account, Catalogued

PREFIX = "purview-data"
_VERSIONS = ("2021-07-01", "2021-07-01-preview")
_AUDIENCES = ("https://purview.azure.net", "https://purview.azure.us", "https://purview.azure.cn")


def _find(call: Call) -> Account:
    name = call["account"].casefold()
    for account in call.world.accounts.values():
        if account.id.name.casefold() == name:
            return account
    raise ArmError(404, "NotFound", f"There is no account '{call['account']}'.")


def _enter(call: Call, role: str) -> Account:
    """The account, if the caller may come in: with a token for Purview, from where it answers, with a role."""
    account = _find(call)
    audience = audience_of(call.request.headers.get("authorization", ""))
    if audience and audience.rstrip("/") not in _AUDIENCES:
        raise ArmError(401, "Unauthorized", "The token is for another audience.")
    is_closed = account.properties.get("publicNetworkAccess") == "Disabled"
    if is_closed and not call.world.settings.inside_network:
        raise ArmError(
            403,
            "Unauthorized",
            "Not authorized to access this Microsoft Purview account. This account is behind a private endpoint. "
            "Please access the account from a client in the same virtual network that has been configured for it.",
        )
    if not holds(call.world, call.access, account, call.caller.object_id, role):
        raise ArmError(403, "Unauthorized", "Not authorized to access account")
    return account


def _list_policies(call: Call) -> Response:
    account = _enter(call, "collection-administrator")
    policy = policy_of(call.world, call.access, account)
    asked = call.query.get("collectionName")
    is_wanted = asked is None or asked == policy["properties"]["collection"]["referenceName"]
    return Response(200, {"values": [copy.deepcopy(policy)] if is_wanted else []}, _HEADERS)


def _get_policy(call: Call) -> Response:
    return Response(200, copy.deepcopy(_policy_in_path(call)), _HEADERS)


def _policy_in_path(call: Call) -> dict[str, Any]:
    policy = policy_of(call.world, call.access, _enter(call, "collection-administrator"))
    if call["policy"] != policy["id"]:
        raise ArmError(404, "NotFound", f"The policy '{call['policy']}' does not exist.")
    return policy


def _get_collection_policy(call: Call) -> Response:
    policy = policy_of(call.world, call.access, _enter(call, "collection-administrator"))
    if call["collection"] != policy["properties"]["collection"]["referenceName"]:
        raise ArmError(404, "NotFound", f"The collection '{call['collection']}' does not exist.")
    return Response(200, copy.deepcopy(policy), _HEADERS)


def _put_policy(call: Call) -> Response:
    policy, body = _policy_in_path(call), call.json
    given = object_of(body.get("properties"))
    if given is None or body.get("id") != policy["id"] or not isinstance(given.get("attributeRules"), list):
        raise ArmError(400, "1000", "The policy is not valid.")
    if call.world.settings.answers.stale_policy == "refused" and body.get("version") != policy["version"]:
        raise ArmError(400, "1002", "The entity Etag did not match in artifact store.")
    policy["properties"] = copy.deepcopy(given)
    policy["version"] += 1
    return Response(200, copy.deepcopy(policy), _HEADERS)


def _list_roles(call: Call) -> Response:
    _enter(call, "collection-administrator")
    values = [
        {
            "id": f"purviewmetadatarole_builtin_{role}",
            "name": f"purviewmetadatarole_builtin_{role}",
            "type": "BuiltIn",
            "properties": {"dnfCondition": [], "provisioningState": "Provisioned", "actions": list(actions)},
        }
        for role, actions in ROLES.items()
    ]
    return Response(200, {"values": values}, _HEADERS)


def _list_collections(call: Call) -> Response:
    account = _enter(call, "purview-reader")
    root = {
        "name": account.id.name.casefold(),
        "friendlyName": account.id.name,
        "description": "The root collection.",
        "collectionProvisioningState": "Succeeded",
    }
    return Response(200, {"value": [root], "count": 1}, _HEADERS)


def _add_root_admin(call: Call) -> Response:
    account, principal = find_account(call), call.json.get("objectId")
    if not isinstance(principal, str) or not principal:
        raise ArmError(400, "InvalidRequestContent", "The property 'objectId' is required.")
    add_to_role(call.world, call.access, account, principal, "collection-administrator")
    return Response(200)


def _get_entity(call: Call) -> Response:
    account, name = _enter(call, "purview-reader"), call.query.get("attr:qualifiedName", "")
    for one in account.catalog.values():
        if one.kind == call["type"] and one.qualified_name == name:
            return Response(200, {"entity": _shown_entity(one), "referredEntities": {}}, _HEADERS)
    raise _no_entity(name)


def _get_entity_by_guid(call: Call) -> Response:
    one = _enter(call, "purview-reader").catalog.get(call["guid"])
    if one is None:
        raise _no_entity(call["guid"])
    return Response(200, {"entity": _shown_entity(one), "referredEntities": {}}, _HEADERS)


def _no_entity(what: str) -> ArmError:
    return ArmError(404, "ATLAS-404-00-009", f"Instance with unique attribute {what} does not exist")


def _shown_entity(one: Catalogued) -> dict[str, Any]:
    name = one.qualified_name.rpartition("/")[2]
    return {
        "guid": one.guid,
        "typeName": one.kind,
        "status": "ACTIVE",
        "attributes": {
            "qualifiedName": one.qualified_name,
            "name": name,
            "status": "Completed",
            "lastRunTime": one.last_run_ms,
        },
    }


def _get_lineage(call: Call) -> Response:
    account = _enter(call, "purview-reader")
    base = account.catalog.get(call["guid"])
    if base is None:
        raise _no_entity(call["guid"])
    together = [one for one in account.catalog.values() if one.group == base.group]
    relations = [
        {"fromEntityId": start, "toEntityId": end, "relationshipId": f"{start}-{end}"}
        for one in together
        for start, end in one.ties
    ]
    parents = [
        {"parentEntityId": one.parent, "childEntityId": one.guid, "relationshipId": f"{one.parent}-{one.guid}"}
        for one in together
        if one.parent
    ]
    answer = {
        "baseEntityGuid": base.guid,
        "lineageDirection": call.query.get("direction", "BOTH"),
        "lineageDepth": 3,
        "guidEntityMap": {one.guid: _shown_entity(one) for one in together},
        "relations": relations,
        "parentRelations": parents,
    }
    return Response(200, answer, _HEADERS)


def _search(call: Call) -> Response:
    account, body = _enter(call, "purview-reader"), call.json
    words = str(body.get("keywords", "")).casefold()
    kinds = {one.get("entityType") for one in (object_of(body.get("filter")) or {}).get("and", [])} - {None}
    hits = [
        {"id": one.guid, "qualifiedName": one.qualified_name, "entityType": one.kind}
        for one in account.catalog.values()
        if words in one.qualified_name.casefold() and (not kinds or one.kind in kinds)
    ]
    return Response(200, {"@search.count": len(hits), "value": hits}, _HEADERS)


#: Both versions answer (recorded).
_HEADERS = {"api-supported-versions": "2021-07-01-preview, 2021-07-01"}
_DATA = f"/{PREFIX}/{{account}}"
_POLICIES = f"{_DATA}/policystore/metadataPolicies"
_ATLAS = f"{_DATA}/datamap/api/atlas/v2"
_ACCOUNT = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Purview/accounts/{account}"
_ARM_VERSIONS = ("2021-07-01", "2021-12-01", "2023-05-01-preview", "2024-04-01-preview")

ROUTES = (
    Route("GET", _POLICIES, _VERSIONS, _list_policies),
    Route("GET", f"{_POLICIES}/{{policy}}", _VERSIONS, _get_policy),
    Route("PUT", f"{_POLICIES}/{{policy}}", _VERSIONS, _put_policy),
    Route("GET", f"{_DATA}/policystore/collections/{{collection}}/metadataPolicy", _VERSIONS, _get_collection_policy),
    Route("GET", f"{_DATA}/policystore/metadataRoles", _VERSIONS, _list_roles),
    Route("GET", f"{_DATA}/account/collections", None, _list_collections),
    Route("GET", f"{_ATLAS}/entity/uniqueAttribute/type/{{type}}", None, _get_entity),
    Route("GET", f"{_ATLAS}/entity/guid/{{guid}}", None, _get_entity_by_guid),
    Route("GET", f"{_ATLAS}/lineage/{{guid}}", None, _get_lineage),
    Route("POST", f"{_DATA}/datamap/api/search/query", ("2023-09-01",), _search),
    Route(
        "POST",
        f"{_ACCOUNT}/addRootCollectionAdmin",
        _ARM_VERSIONS,
        _add_root_admin,
        "Microsoft.Purview/accounts/addrootcollectionadmin/action",
    ),
)
