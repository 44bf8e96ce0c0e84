"""Small metadata policies of Purview in the recorded form."""

from __future__ import annotations

from typing import Any

from purview_mpe._wire.policy import DATA_CURATOR, Policy, read_policy

COLLECTION = "contoso"
RULE = f"{DATA_CURATOR}:{COLLECTION}"
ADMIN_RULE = f"purviewmetadatarole_builtin_collection-administrator:{COLLECTION}"
OWNER, FACTORY, OTHER = (f"{n:08x}-0000-4000-8000-000000000000" for n in (1, 0xFACADE, 3))
ROLE = {"fromRule": DATA_CURATOR, "attributeName": "derived.purview.role", "attributeValueIncludes": DATA_CURATOR}


ADMIN_ROLE = {name: value.replace("data-curator", "collection-administrator") for name, value in ROLE.items()}


def people(*ids: str, **unknown: Any) -> dict[str, Any]:
    return {"attributeName": "principal.microsoft.id", "attributeValueIncludedIn": list(ids), **unknown}


def groups(*ids: str) -> dict[str, Any]:
    return {"attributeName": "principal.microsoft.groups", "attributeValueIncludedIn": list(ids)}


def reference(rule: str) -> list[dict[str, Any]]:
    return [{"fromRule": rule, "attributeName": "derived.purview.permission", "attributeValueIncludes": rule}]


def rule(rule_id: str, *alternatives: list[dict[str, Any]], **unknown: Any) -> dict[str, Any]:
    return {"kind": "attributerule", "id": rule_id, "dnfCondition": list(alternatives), **unknown}


def permission(*rules: str) -> dict[str, Any]:
    return rule(f"permission:{COLLECTION}", *(reference(one) for one in rules))


def policy(*rules: dict[str, Any], **properties: Any) -> Policy:
    body = {
        "name": "policy_Contoso",
        "id": "d04a7fad-0000-4000-8000-000000000000",
        "version": 4,
        "properties": {
            "description": "",
            "decisionRules": [{"kind": "decisionrule", "effect": "Permit", "dnfCondition": [[]]}],
            "attributeRules": list(rules),
            "collection": {"type": "CollectionReference", "referenceName": COLLECTION},
            **properties,
        },
    }
    read = read_policy(body)
    assert read is not None
    return read
