"""The policy store: metadata roles, and the metadata policies of collections.

A policy has its version in its body, and a PUT raises it by one; it has no entity tag (recorded, spec). Both
`2021-07-01` and `2021-07-01-preview` are accepted (recorded in `api-supported-versions`).
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import read_token, write_token
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_plane.catalogs import check, enter, not_authorized
from purview_mpe.emulator._services.versions import POLICY_STORE
from purview_mpe.emulator._state.policies import ROLE_ACTIONS, ROLE_IDS, collection_of, parent_of, raised, rule_called
from purview_mpe.emulator._values.exchange import ArmError, Response
from purview_mpe.emulator._values.json_values import list_of, object_of, strings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.catalog import Catalog

_SUPPORTED = {"api-supported-versions": ", ".join(POLICY_STORE), "Server": "Kestrel"}
_FRIENDLY = {
    "collection-admin": "Collection Administrator",
    "data-curator": "Data Curator",
    "data-reader": "Purview Reader",
    "data-source-admin": "Data Source Administrator",
}


# --- roles


def _shown_roles() -> list[dict[str, Any]]:
    return [
        {
            "id": name,
            "name": name.removeprefix("purviewmetadatarole_builtin_"),
            "type": "Microsoft.Purview/role",
            "properties": {
                "provisioningState": "Provisioned",
                "roleType": "BuiltIn",
                "friendlyName": _FRIENDLY[role],
                "cnfCondition": [
                    [
                        {
                            "attributeName": "request.azure.dataAction",
                            "attributeValueIncludedIn": [
                                f"Microsoft.Purview/accounts/{action}" for action in ROLE_ACTIONS[role]
                            ],
                        }
                    ]
                ],
                "version": 1,
            },
        }
        for role, name in ROLE_IDS.items()
    ]


def _list_roles(call: Call) -> Response:
    check(call, enter(call), "collection/read")
    token = call.query.get("skipToken")
    start = read_token(token) if token else 0
    roles = _shown_roles()
    body: dict[str, Any] = {"values": roles[start : start + call.world.settings.page_size]}
    if start < len(roles):
        # The last page of roles has a link, too; it leads to an empty page (recorded 2021-10).
        following = min(start + call.world.settings.page_size, len(roles))
        body["nextLink"] = f"{call.origin}{call.path}?api-version={call.api_version}&skipToken={write_token(following)}"
    return Response(200, body, dict(_SUPPORTED))


# --- policies


def _is_admin(call: Call, catalog: Catalog, policy: Mapping[str, Any]) -> bool:
    return catalog.holds(call.caller.object_id, "collection-admin", collection_of(policy))


def _list_policies(call: Call) -> Response:
    catalog, wanted = enter(call), call.query.get("collectionName")
    found = [
        policy
        for policy in catalog.policies.values()
        if wanted is None or collection_of(policy).casefold() == wanted.casefold()
    ]
    mine = [policy for policy in found if _is_admin(call, catalog, policy)]
    if found and not mine:
        answer = call.world.settings.answers.forbidden_policy
        if answer != "empty":
            raise not_authorized(int(answer))
    token = call.query.get("skipToken")
    start, size = read_token(token) if token else 0, call.world.settings.page_size
    body: dict[str, Any] = {"values": deepcopy(mine[start : start + size])}
    if len(mine) > start + size:
        filtered = f"&collectionName={wanted}" if wanted is not None else ""
        following = f"&skipToken={write_token(start + size)}"
        body["nextLink"] = f"{call.origin}{call.path}?api-version={call.api_version}{filtered}{following}"
    return Response(200, body, dict(_SUPPORTED))


def _shown(call: Call, catalog: Catalog, policy: dict[str, Any] | None) -> Response:
    if policy is None:
        raise ArmError(404, "1006", "The policy could not be found.")
    if not _is_admin(call, catalog, policy):
        answer = call.world.settings.answers.forbidden_policy
        raise not_authorized(403 if answer == "empty" else int(answer))
    return Response(200, deepcopy(policy), dict(_SUPPORTED))


def _get_policy(call: Call) -> Response:
    catalog = enter(call)
    return _shown(call, catalog, catalog.policies.get(call["policy"].casefold()))


def _get_policy_of_collection(call: Call) -> Response:
    catalog = enter(call)
    return _shown(call, catalog, catalog.policy_of(call["collection"]))


def _put_policy(call: Call) -> Response:
    catalog, body = enter(call), call.json
    policy = catalog.policies.get(call["policy"].casefold())
    _shown(call, catalog, policy)
    assert policy is not None  # noqa: S101  `_shown` raises for None
    _check_body(policy, body)
    _check_version(call, policy, body)
    if call.world.settings.answers.unknown_principal == "refused":
        _check_principals(call, policy, body)
    written = {**deepcopy(body), "version": raised(policy)}
    catalog.store(written, call.world.arrivals)
    return Response(200, deepcopy(written), dict(_SUPPORTED))


def was_written_meanwhile(call: Call, catalog: Catalog, policy: Mapping[str, Any]) -> bool:
    """Whether a policy was written between the arrival of this request and now."""
    return catalog.written.get(str(policy["id"]).casefold(), 0) >= call.arrived


def etag_mismatch() -> ArmError:
    """The error for a policy that another writer has changed (seen in public reports)."""
    return ArmError(400, "1002", "Failed to update the policy. The entity Etag did not match in artifact store.")


def _check_version(call: Call, policy: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    answer = call.world.settings.answers.stale_policy
    if answer == "accepted" or body.get("version") == policy.get("version"):
        return
    if answer == "1002":
        raise etag_mismatch()
    raise ArmError(int(answer), "1002", "The entity Etag did not match in artifact store.")


def _check_body(policy: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    """Refuse changes of a policy other than to its rules. Codes and messages are inferred."""
    properties = object_of(body.get("properties")) or {}
    if str(body.get("id", "")).casefold() != str(policy["id"]).casefold() or collection_of(body) != collection_of(
        policy
    ):
        raise _invalid("The id and the collection of a policy cannot be changed")
    if parent_of(body) != parent_of(policy):
        raise _invalid("The parent collection of a policy cannot be changed")
    for key in ("decisionRules", "attributeRules"):
        if list_of(properties.get(key)) is None:
            raise _invalid(f"The property '{key}' is required")
    for rule in properties["attributeRules"]:
        alternatives = list_of((object_of(rule) or {}).get("dnfCondition"))
        if alternatives is None or not all(_is_alternative(one) for one in alternatives):
            raise _invalid("An attribute rule needs an id and conditions")
    if rule_called(body, f"permission:{collection_of(policy)}") is None:
        raise _invalid("The rule of the collection's permission is required")


def _is_alternative(value: Any) -> bool:
    conditions = list_of(value)
    return conditions is not None and all(
        isinstance((object_of(one) or {}).get("attributeName"), str) for one in conditions
    )


def _invalid(why: str) -> ArmError:
    return ArmError(400, "1001", f"The policy is invalid. {why}.")


def _check_principals(call: Call, policy: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    known = set(_principals(policy)) | {caller.casefold() for caller in call.access.callers}
    bodies = [factory.body for factory in call.world.factories.values()]
    bodies += [account.body for account in call.world.accounts.values()]
    for resource in bodies:
        identity = object_of(resource.get("identity")) or {}
        known.add(str(identity.get("principalId", "")).casefold())
    unknown = sorted(set(_principals(body)) - known)
    if unknown:
        raise ArmError(400, "1004", f"The principal '{unknown[0]}' could not be found in the directory.")


def _principals(policy: Mapping[str, Any]) -> Iterator[str]:
    properties = object_of(policy.get("properties")) or {}
    for rule in list_of(properties.get("attributeRules")) or ():
        for alternative in list_of((object_of(rule) or {}).get("dnfCondition")) or ():
            for condition in list_of(alternative) or ():
                found = object_of(condition) or {}
                if found.get("attributeName") == "principal.microsoft.id":
                    yield from (one.casefold() for one in strings_of(found.get("attributeValueIncludedIn")) or ())


_STORE = "/purview/{account}/policystore"

ROUTES = tuple(
    Route(method, f"{_STORE}{path}", POLICY_STORE, handler, is_data_plane=True)
    for method, path, handler in (
        ("GET", "/metadataRoles", _list_roles),
        ("GET", "/metadataPolicies", _list_policies),
        ("GET", "/metadataPolicies/{policy}", _get_policy),
        ("PUT", "/metadataPolicies/{policy}", _put_policy),
        ("GET", "/collections/{collection}/metadataPolicy", _get_policy_of_collection),
    )
)
