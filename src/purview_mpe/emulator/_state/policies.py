"""Metadata policies of Purview collections: who holds which role, as rules in JSON.

A policy is a JSON object in the form of the policy store (recorded 2021-10 and 2021-11):

- `attributeRules` hold one rule for each role that has holders, called `<role>:<collection>`, and one called
  `permission:<collection>` and refers to the others. A role that `permission:` does not refer to grants nothing.
- `dnfCondition` is a list of alternatives; each is a list of conditions that must all hold, in any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from purview_mpe.emulator._values.json_values import list_of, object_of, strings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CollectionRole: TypeAlias = Literal["collection-admin", "data-curator", "data-reader", "data-source-admin"]

_PREFIX = "purviewmetadatarole_builtin_"
#: The name of each role in a policy.
ROLE_IDS: dict[CollectionRole, str] = {
    "collection-admin": f"{_PREFIX}collection-administrator",
    "data-curator": f"{_PREFIX}data-curator",
    "data-reader": f"{_PREFIX}purview-reader",
    "data-source-admin": f"{_PREFIX}data-source-administrator",
}
#: The actions that each role allows (recorded 2021-10), without the prefix `Microsoft.Purview/accounts/`.
ROLE_ACTIONS: dict[CollectionRole, tuple[str, ...]] = {
    "collection-admin": ("collection/read", "collection/write"),
    "data-curator": ("data/read", "data/write", "collection/read"),
    "data-reader": ("data/read", "collection/read"),
    "data-source-admin": ("scan/read", "scan/write", "collection/read"),
}


def new_policy(
    *, policy_id: str, name: str, collection: str, holders: Mapping[CollectionRole, Iterable[str]], parent: str | None
) -> dict[str, Any]:
    """The policy of a new collection; a role without holders has no rule."""
    held: dict[CollectionRole, list[str]] = {role: list(principals) for role, principals in holders.items()}
    rules = [_role_rule(role, collection, principals) for role, principals in held.items() if principals]
    references = [_reference(f"{ROLE_IDS[role]}:{collection}") for role, principals in held.items() if principals]
    if parent is not None:
        references.append(_reference(f"permission:{parent}"))
    permission = f"permission:{collection}"
    properties: dict[str, Any] = {
        "description": "",
        "decisionRules": [
            {
                "kind": "decisionrule",
                "effect": "Permit",
                "dnfCondition": [
                    [
                        {"attributeName": "resource.purview.collection", "attributeValueIncludes": collection},
                        _derived("derived.purview.permission", permission),
                    ]
                ],
            }
        ],
        "attributeRules": [
            *rules,
            {
                "kind": "attributerule",
                "id": permission,
                "name": permission,
                "dnfCondition": [[reference] for reference in references],
            },
        ],
        "collection": {"type": "CollectionReference", "referenceName": collection},
    }
    if parent is not None:
        properties["parentCollectionName"] = parent
    return {"name": name, "id": policy_id, "version": 1, "properties": properties}


def _role_rule(role: CollectionRole, collection: str, principals: list[str]) -> dict[str, Any]:
    name = f"{ROLE_IDS[role]}:{collection}"
    return {
        "kind": "attributerule",
        "id": name,
        "name": name,
        "dnfCondition": [_members(role, principals)],
    }


def _members(role: CollectionRole, principals: list[str]) -> list[dict[str, Any]]:
    principal = {"attributeName": "principal.microsoft.id", "attributeValueIncludedIn": principals}
    return [principal, _derived("derived.purview.role", ROLE_IDS[role])]


def _reference(rule: str) -> dict[str, Any]:
    return _derived("derived.purview.permission", rule)


def _derived(attribute: str, rule: str) -> dict[str, Any]:
    # `fromRule` is in every recording, but missing from the published schemas.
    return {"fromRule": rule, "attributeName": attribute, "attributeValueIncludes": rule}


# --- reading


def collection_of(policy: Mapping[str, Any]) -> str:
    """The name of the collection that a policy is for; empty if it names none."""
    reference = object_of((object_of(policy.get("properties")) or {}).get("collection")) or {}
    return str(reference.get("referenceName", ""))


def raised(policy: Mapping[str, Any]) -> int:
    """The version of a policy after the next write; one without a version counts as version 0."""
    version = policy.get("version")
    return version + 1 if isinstance(version, int) else 1


def parent_of(policy: Mapping[str, Any]) -> str | None:
    """The name of the parent collection; None for a root."""
    parent = (object_of(policy.get("properties")) or {}).get("parentCollectionName")
    return parent if isinstance(parent, str) and parent else None


def rule_called(policy: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """The attribute rule with this id."""
    for rule in list_of((object_of(policy.get("properties")) or {}).get("attributeRules")) or ():
        found = object_of(rule) or {}
        if found.get("id") == name:
            return found
    return None


def members_of(policy: Mapping[str, Any], role: CollectionRole) -> list[str]:
    """The principals that a policy grants a role directly; none if `permission:` does not refer to the role."""
    collection = collection_of(policy)
    name = f"{ROLE_IDS[role]}:{collection}"
    if not _refers(policy, f"permission:{collection}", name):
        return []
    members: list[str] = []
    for conditions in _alternatives(rule_called(policy, name)):
        is_of_role = any(_is_derived(one, "derived.purview.role", ROLE_IDS[role]) for one in conditions)
        principals = [one for one in conditions if one.get("attributeName") == "principal.microsoft.id"]
        if is_of_role and len(principals) == 1 and len(conditions) == 2:
            members += strings_of(principals[0].get("attributeValueIncludedIn")) or []
    return members


def inherits(policy: Mapping[str, Any]) -> bool:
    """Whether holders of a role on the parent collection also hold it here."""
    parent = parent_of(policy)
    return parent is not None and _refers(policy, f"permission:{collection_of(policy)}", f"permission:{parent}")


def _refers(policy: Mapping[str, Any], rule: str, other: str) -> bool:
    return any(
        len(conditions) == 1 and _is_derived(conditions[0], "derived.purview.permission", other)
        for conditions in _alternatives(rule_called(policy, rule))
    )


def _is_derived(condition: Mapping[str, Any], attribute: str, rule: str) -> bool:
    return (
        condition.get("attributeName") == attribute
        and condition.get("attributeValueIncludes") == rule
        and condition.get("fromRule") == rule
    )


def _alternatives(rule: Mapping[str, Any] | None) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = []
    for alternative in list_of((rule or {}).get("dnfCondition")) or ():
        conditions = [object_of(one) for one in list_of(alternative) or ()]
        found.append([one for one in conditions if one is not None])
    return found


# --- writing


def grant(policy: dict[str, Any], role: CollectionRole, principal: str) -> bool:
    """Give a principal a role on the policy's own collection; gives whether anything changed."""
    if any(principal.casefold() == one.casefold() for one in members_of(policy, role)):
        return False
    collection = collection_of(policy)
    name = f"{ROLE_IDS[role]}:{collection}"
    rules: list[dict[str, Any]] = policy["properties"]["attributeRules"]
    rule = rule_called(policy, name)
    if rule is None:
        rules.insert(0, _role_rule(role, collection, [principal]))
    else:
        rule["dnfCondition"].append(_members(role, [principal]))
        _merge_members(rule)
    if not _refers(policy, f"permission:{collection}", name):
        permission = rule_called(policy, f"permission:{collection}")
        if permission is not None:
            permission["dnfCondition"].insert(0, [_reference(name)])
    return True


def revoke(policy: dict[str, Any], role: CollectionRole, principal: str) -> bool:
    """Take a role from a principal; rules and references stay. Gives whether anything changed."""
    changed = False
    for conditions in _alternatives(rule_called(policy, f"{ROLE_IDS[role]}:{collection_of(policy)}")):
        for condition in conditions:
            members = strings_of(condition.get("attributeValueIncludedIn"))
            if condition.get("attributeName") == "principal.microsoft.id" and members is not None:
                left = [one for one in members if one.casefold() != principal.casefold()]
                changed = changed or len(left) != len(members)
                condition["attributeValueIncludedIn"] = left
    return changed


def _merge_members(rule: dict[str, Any]) -> None:
    """Move the last alternative's principal into the first alternative of principals, if there is one."""
    *before, last = rule["dnfCondition"]
    for conditions in before:
        for condition in conditions:
            if condition.get("attributeName") == "principal.microsoft.id":
                condition["attributeValueIncludedIn"] += last[0]["attributeValueIncludedIn"]
                rule["dnfCondition"] = before
                return
