"""Roles on an account's root collection, as the metadata policy says who holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from purview_mpe.emulator._state.access import Access
    from purview_mpe.emulator._state.nouns import Account
    from purview_mpe.emulator._state.world import World

#: Roles of a collection, and what the recorded accounts show for them.
ROLES = {
    "data-curator": ("data/read", "data/write", "collection/read"),
    "data-source-administrator": ("scan/read", "scan/write", "collection/read"),
    "collection-administrator": ("collection/read", "collection/write"),
    "purview-reader": ("data/read", "collection/read"),
}


def policy_of(world: World, access: Access, account: Account) -> dict[str, Any]:
    """The metadata policy of the root collection; the account's creator holds every role (recorded)."""
    if account.policy is None:
        root = account.id.name.casefold()
        held = [f"purviewmetadatarole_builtin_{role}" for role in ROLES]
        account.policy = {
            "name": f"policy_{account.id.name}",
            "id": world.guid(),
            "version": 1,
            "properties": {
                "description": "",
                "decisionRules": [_decision(root)],
                "attributeRules": [
                    *(_rule(role, root, access.default.object_id) for role in held),
                    _permission([f"{role}:{root}" for role in held], root),
                ],
                "collection": {"type": "CollectionReference", "referenceName": root},
            },
        }
    return account.policy


def _decision(root: str) -> dict[str, Any]:
    return {
        "kind": "decisionrule",
        "effect": "Permit",
        "dnfCondition": [
            [
                {"attributeName": "resource.purview.collection", "attributeValueIncludes": root},
                {
                    "fromRule": f"permission:{root}",
                    "attributeName": "derived.purview.permission",
                    "attributeValueIncludes": f"permission:{root}",
                },
            ]
        ],
    }


def _rule(role: str, root: str, principal: str) -> dict[str, Any]:
    return {
        "kind": "attributerule",
        "id": f"{role}:{root}",
        "name": f"{role}:{root}",
        "dnfCondition": [
            [
                {"attributeName": "principal.microsoft.id", "attributeValueIncludedIn": [principal]},
                {"fromRule": role, "attributeName": "derived.purview.role", "attributeValueIncludes": role},
            ]
        ],
    }


def _permission(rules: list[str], root: str) -> dict[str, Any]:
    return {
        "kind": "attributerule",
        "id": f"permission:{root}",
        "name": f"permission:{root}",
        "dnfCondition": [
            [{"fromRule": rule, "attributeName": "derived.purview.permission", "attributeValueIncludes": rule}]
            for rule in rules
        ],
    }


def holds(world: World, access: Access, account: Account, principal: str, role: str) -> bool:
    """Whether a principal has a role on the root collection: by a rule that the permission refers to."""
    properties = policy_of(world, access, account)["properties"]
    rules: dict[str, Any] = {rule["id"]: rule for rule in properties["attributeRules"]}
    root = properties["collection"]["referenceName"]
    rule_id = f"purviewmetadatarole_builtin_{role}:{root}"
    referred = [one for part in rules.get(f"permission:{root}", {}).get("dnfCondition", []) for one in part]
    if rule_id not in rules or not any(one.get("attributeValueIncludes") == rule_id for one in referred):
        return False
    return any(
        principal.casefold() in {value.casefold() for value in one.get("attributeValueIncludedIn", [])}
        for part in rules[rule_id]["dnfCondition"]
        for one in part
        if one.get("attributeName") == "principal.microsoft.id"
    )


def add_to_role(world: World, access: Access, account: Account, principal: str, role: str) -> None:
    """Give a principal a role on the root collection."""
    if role not in ROLES:
        raise ValueError(f"role: must be one of {', '.join(ROLES)}, not {role!r}")
    if holds(world, access, account, principal, role):
        return
    policy = policy_of(world, access, account)
    root = policy["properties"]["collection"]["referenceName"]
    rule_id = f"purviewmetadatarole_builtin_{role}:{root}"
    for rule in policy["properties"]["attributeRules"]:
        if rule["id"] == rule_id:
            rule["dnfCondition"][0][0]["attributeValueIncludedIn"].append(principal)
    policy["version"] += 1
