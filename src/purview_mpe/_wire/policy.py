"""Purview's metadata policy, which lists the Data Curators of a root collection: JSON that is sent back unchanged.

Sources as in `account`: *recorded*, *spec*, *docs*, *public code*, *inferred*. A policy is read and changed as plain
JSON, because typed models drop fields that the service needs: `fromRule` is in no specification (recorded).

A `dnfCondition` is a list of alternatives, and each alternative is a list of conditions that all have to hold
(recorded). Their order varies (recorded), so nothing is found by its position.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from purview_mpe._wire.reading import Object, as_list, as_mapping, mapping, objects, text, texts
from purview_mpe.errors import UnsupportedSetup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Json = dict[str, Any]

#: Both api-versions answer with the same policies (recorded: `api-supported-versions`); the docs use this one.
API_VERSION = "2021-07-01"
#: The role that may write lineage: `data/read`, `data/write`, `collection/read` (recorded). The role of the same name
#: in Azure Resource Manager grants nothing in an account with collections (public code).
DATA_CURATOR = "purviewmetadatarole_builtin_data-curator"
COLLECTION_ADMIN = "purviewmetadatarole_builtin_collection-administrator"
_ROLE = "derived.purview.role"
_PERMISSION = "derived.purview.permission"
#: Users and service principals; groups are in a separate alternative, under another attribute (docs).
_PRINCIPAL = "principal.microsoft.id"
#: The answers to stale writes (public code: 400 with code 1002 and "Etag did not match"); 409 and 412 are inferred.
_STALE_CODE = "1002"


@dataclass(frozen=True, slots=True)
class Policy:
    """The metadata policy of one collection."""

    id: str
    collection: str
    """The collection's reference name: of a root, the account's name in lower case (recorded)."""
    version: int | None
    """Increased by one with each write (spec); None if the policy shows none."""
    body: Json
    """The whole policy, as Purview wrote it."""


def policies_path(collection: str | None = None) -> tuple[str, dict[str, str]]:
    """Path and query of the list of policies: of one collection, or of all that the caller can see."""
    query = {"api-version": API_VERSION}
    return "/policystore/metadataPolicies", {"collectionName": collection, **query} if collection else query


def policy_path(policy: Policy) -> tuple[str, dict[str, str]]:
    """Path and query of one policy, for reading it again and for writing it."""
    return f"/policystore/metadataPolicies/{policy.id}", {"api-version": API_VERSION}


def read_policies(answer: Object) -> tuple[Policy, ...]:
    """The policies in a list; items without a collection, or without an id that fits into a path, are skipped."""
    found = (read_policy(item) for item in objects(answer, "values"))
    return tuple(policy for policy in found if policy is not None)


def read_policy(answer: Object) -> Policy | None:
    """One policy; None if it has no id or collection."""
    policy_id = text(answer, "id")
    collection = text(mapping(mapping(answer, "properties"), "collection"), "referenceName")
    if not collection or not _is_plain(policy_id):
        return None
    version = answer.get("version")
    is_number = isinstance(version, int) and not isinstance(version, bool)
    return Policy(policy_id, collection, cast("int", version) if is_number else None, dict(answer))


def root_of(policies: Iterable[Policy], account_name: str, default_domain: str | None) -> Policy | None:
    """The policy of the root collection; None if the list does not hold it.

    The root has no parent. Merged accounts and domains can show several such policies. Then it is the default domain's
    (spec: `defaultDomain` of the account), or the one with the account's name in lower case (recorded).
    """
    roots = [policy for policy in policies if not text(mapping(policy.body, "properties"), "parentCollectionName")]
    if len(roots) <= 1:
        return roots[0] if roots else None
    for name in (default_domain, account_name):
        for policy in roots:
            if name and policy.collection.casefold() == name.casefold():
                return policy
    return None


def curators(policy: Policy) -> frozenset[str]:
    """The object ids that are Data Curator on the policy's collection, in lower case, without members of groups.

    Empty if `permission:<collection>` does not refer to the role's rule: the rule alone grants nothing (public code).
    """
    return _holders(policy, DATA_CURATOR)


def admins(policy: Policy) -> frozenset[str]:
    """The object ids that are Collection Administrator on the policy's collection, in lower case."""
    return _holders(policy, COLLECTION_ADMIN)


def with_curators(policy: Policy, principals: Sequence[str]) -> Policy | None:
    """The policy with these identities as Data Curators; None if all of them are.

    Only missing identities are added: everything else, including unknown fields, stays unchanged.

    Raises:
        UnsupportedSetup: the policy does not have the form of a collection's policy.
    """
    held = curators(policy)
    missing = [one for folded, one in {one.casefold(): one for one in principals}.items() if folded not in held]
    if not missing:
        return None
    body = copy.deepcopy(policy.body)
    rules, permission = _rules_of(policy, body)
    rule_id = _rule_id(policy, DATA_CURATOR)
    rule = _rule(rules, rule_id)
    alternatives = _alternatives(policy, rule or _new_rule(rules, rule_id))
    named = {one for alternative in alternatives for one in _principals(alternative, DATA_CURATOR)}
    is_first_in_old_rule = rule is not None and not alternatives
    _add(alternatives, [one for one in missing if one.casefold() not in named], role_first=is_first_in_old_rule)
    if not _refers_to(permission, rule_id):
        _alternatives(policy, permission).append([_reference(rule_id)])
    return replace(policy, body=body)


def without_curators(policy: Policy, principals: Sequence[str]) -> Policy | None:
    """The policy without these identities as Data Curators; None if none of them is one.

    An alternative without identities is removed if it holds only what `with_curators` writes, and so is the rule:
    an account in which the role was never given has a policy without the rule (recorded). A rule that was empty before
    the role was given stays; `_add` marks its alternative.

    Raises:
        UnsupportedSetup: as `with_curators`.
    """
    body = copy.deepcopy(policy.body)
    rules, permission = _rules_of(policy, body)
    rule_id = _rule_id(policy, DATA_CURATOR)
    if (rule := _rule(rules, rule_id)) is None:
        return None
    alternatives, unwanted = _alternatives(policy, rule), {principal.casefold() for principal in principals}
    holding = [one for one in alternatives if unwanted & _principals(one, DATA_CURATOR)]
    if not holding:
        return None
    for condition in filter(None, [_condition_of_identities(one, DATA_CURATOR) for one in holding]):
        _take_out(condition, unwanted)
    emptied = [one for one in holding if not _is_needed(one)]
    alternatives[:] = [one for one in alternatives if not any(one is other for other in emptied)]
    was_empty = any(map(_is_role_first, emptied))
    if not alternatives and not was_empty and rule.keys() <= {"kind", "id", "name", "dnfCondition"}:
        rules.remove(rule)
        references = _alternatives(policy, permission)
        references[:] = [one for one in references if one != [_reference(rule_id)]]
    return replace(policy, body=body)


def admin_body(principal: str) -> Any:
    """The body that makes an identity collection administrator of the root (recorded: 200, empty answer)."""
    return {"objectId": principal}


def is_stale_write(status: int | None, azure_code: str | None, message: str) -> bool:
    """True if a write was refused because the policy has changed since it was read: read and write it again.

    A resource lock answers 409, too (docs of Azure Resource Manager), and does not go away by itself.
    """
    if status in {409, 412}:
        return (azure_code or "").casefold() != "scopelocked"
    return status == 400 and ((azure_code or "") == _STALE_CODE or "etag did not match" in message.casefold())


def is_unknown_principal(status: int | None, message: str) -> bool:
    """True if a write was refused because Purview does not know the identity yet (inferred).

    It takes a while until a new identity is known everywhere.
    """
    return status in {400, 404} and "principal" in message.casefold()


def _holders(policy: Policy, role: str) -> frozenset[str]:
    properties = mapping(policy.body, "properties")
    rules = objects(properties, "attributeRules")
    rule_id = _rule_id(policy, role)
    permission = next((rule for rule in rules if text(rule, "id") == _permission_id(policy)), None)
    rule = next((rule for rule in rules if text(rule, "id") == rule_id), None)
    if rule is None or permission is None or not _refers_to(permission, rule_id):
        return frozenset()
    return frozenset(one for alternative in _lists(rule) for one in _principals(alternative, role))


def _rule_id(policy: Policy, role: str) -> str:
    # Compare the whole id: in every collection, the id starts with the role's name (public code).
    return f"{role}:{policy.collection}"


def _permission_id(policy: Policy) -> str:
    return f"permission:{policy.collection}"


def _rules_of(policy: Policy, body: Json) -> tuple[list[object], Json]:
    """The list of rules in the body to change, and the rule that refers to the roles."""
    rules = as_list(mapping(body, "properties").get("attributeRules"))
    if rules is not None and (permission := _rule(rules, _permission_id(policy))) is not None:
        return rules, permission
    raise _unknown(policy, f"it has no rule {_permission_id(policy)!r}")


def _rule(rules: list[object], rule_id: str) -> Json | None:
    return next((cast("Json", rule) for rule in rules if as_mapping(rule).get("id") == rule_id), None)


def _new_rule(rules: list[object], rule_id: str) -> Json:
    rule: Json = {"kind": "attributerule", "id": rule_id, "name": rule_id, "dnfCondition": []}
    rules.append(rule)
    return rule


def _alternatives(policy: Policy, rule: Json) -> list[object]:
    if (alternatives := as_list(rule.get("dnfCondition"))) is None:
        raise _unknown(policy, f"its rule {text(rule, 'id')[:200]!r} holds no conditions")
    return alternatives


def _unknown(policy: Policy, why: str) -> UnsupportedSetup:
    return UnsupportedSetup(
        f"The policy of the root collection {policy.collection!r} does not have the expected form: {why}. "
        "Nothing was written.",
        remedy="Give the role in the Purview portal: Data Map, Collections, the root collection, Role assignments, "
        "Data curators.",
    )


def _lists(rule: Object) -> Iterator[list[object]]:
    alternatives = map(as_list, as_list(rule.get("dnfCondition")) or ())
    return (conditions for conditions in alternatives if conditions is not None)


def _principals(alternative: object, role: str) -> frozenset[str]:
    """The identities to which an alternative gives a role without any further condition, in lower case."""
    if (condition := _condition_of_identities(alternative, role)) is None:
        return frozenset()
    return frozenset(value.casefold() for value in _values(condition))


def _condition_of_identities(alternative: object, role: str) -> Json | None:
    """The condition that lists identities, in an alternative that gives the role without further conditions."""
    conditions = [cast("Json", as_mapping(one)) for one in as_list(alternative) or ()]
    by_attribute = {one.get("attributeName"): one for one in conditions}
    if len(conditions) != 2 or by_attribute.keys() != {_ROLE, _PRINCIPAL} or role not in _values(by_attribute[_ROLE]):
        return None
    return by_attribute[_PRINCIPAL]


def _values(condition: Object) -> tuple[str, ...]:
    """The values of a condition, which names a single value (`…Includes`) or a list of them (`…IncludedIn`)."""
    single = text(condition, "attributeValueIncludes")
    return (*((single,) if single else ()), *texts(condition, "attributeValueIncludedIn"))


def _add(alternatives: list[object], principals: Sequence[str], *, role_first: bool) -> None:
    """Add identities to an alternative, or in a new one; `role_first` marks it as the first of an existing rule.

    The order of conditions means nothing to Purview (recorded: it varies), so it can say what to restore later.
    """
    if not principals:
        return
    for alternative in alternatives:
        condition = _condition_of_identities(alternative, DATA_CURATOR)
        # An empty list may be intentional, and would look the same once the role is removed again.
        if condition is not None and (held := as_list(condition.get("attributeValueIncludedIn"))):
            held.extend(principals)
            return
    conditions: list[Json] = [
        {"attributeName": _PRINCIPAL, "attributeValueIncludedIn": list(principals)},
        {"fromRule": DATA_CURATOR, "attributeName": _ROLE, "attributeValueIncludes": DATA_CURATOR},
    ]
    alternatives.append(conditions[::-1] if role_first else conditions)


def _is_role_first(alternative: object) -> bool:
    conditions = as_list(alternative) or [None]
    return as_mapping(conditions[0]).get("attributeName") == _ROLE


def _take_out(condition: Json, principals: set[str]) -> None:
    held = as_list(condition.get("attributeValueIncludedIn")) or []
    if text(condition, "attributeValueIncludes").casefold() in principals:
        del condition["attributeValueIncludes"]
    # The list is never dropped: a condition without a value might count as one that always holds.
    condition["attributeValueIncludedIn"] = [one for one in held if str(one).casefold() not in principals]


def _is_needed(alternative: object) -> bool:
    """True if an alternative still names an identity, or holds something unknown."""
    known = {"attributeName", "attributeValueIncludes", "attributeValueIncludedIn", "fromRule"}
    is_known = all(as_mapping(one).keys() <= known for one in as_list(alternative) or ())
    return bool(_principals(alternative, DATA_CURATOR)) or not is_known


def _refers_to(permission: Object, rule_id: str) -> bool:
    """True if one alternative of the permission is the role's rule and nothing else."""
    return any(
        len(alternative) == 1
        and as_mapping(alternative[0]).get("attributeName") == _PERMISSION
        and rule_id in _values(as_mapping(alternative[0]))
        for alternative in _lists(permission)
    )


def _reference(rule_id: str) -> Json:
    return {"fromRule": rule_id, "attributeName": _PERMISSION, "attributeValueIncludes": rule_id}


def _is_plain(policy_id: str) -> bool:
    """True if an id from an answer can be part of a path: Purview's ids are GUIDs (recorded)."""
    return 0 < len(policy_id) <= 100 and all(one.isascii() and (one.isalnum() or one == "-") for one in policy_id)
