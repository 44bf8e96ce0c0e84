"""Purview's metadata policy: only the requested identity changes, whatever the policy looks like."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe._wire.policy import (
    Policy,
    admins,
    curators,
    is_stale_write,
    read_policies,
    read_policy,
    root_of,
    with_curators,
    without_curators,
)
from purview_mpe.errors import UnsupportedSetup
from tests.support.policies import (
    ADMIN_ROLE,
    ADMIN_RULE,
    COLLECTION,
    FACTORY,
    OTHER,
    OWNER,
    ROLE,
    RULE,
    groups,
    people,
    permission,
    policy,
    reference,
    rule,
)


def changed(one: Policy | None) -> dict[str, Any]:
    assert one is not None
    return one.body


# --- giving the role


def test_identity_is_added_to_the_holders():
    """The identity is appended to the list of identities; everything else stays."""
    before = policy(rule(RULE, [people(OWNER), ROLE], name=RULE), permission(RULE))
    after = changed(with_curators(before, [FACTORY]))
    expected = copy.deepcopy(before.body)
    expected["properties"]["attributeRules"][0]["dnfCondition"][0][0]["attributeValueIncludedIn"].append(FACTORY)
    assert after == expected


def test_identity_that_holds_the_role_changes_nothing():
    """Ids are compared without regard to letter case, so nothing is written."""
    before = policy(rule(RULE, [ROLE, people(FACTORY.upper())]), permission(RULE))
    assert with_curators(before, [FACTORY]) is None


def test_several_identities_are_added_in_one_write():
    """Identities that hold the role already, and duplicates, are skipped."""
    before = policy(rule(RULE, [people(OWNER), ROLE]), permission(RULE))
    after = with_curators(before, [FACTORY, OWNER, OTHER, FACTORY.upper()])
    assert after is not None
    assert curators(after) == {OWNER, FACTORY, OTHER}
    [alternative] = after.body["properties"]["attributeRules"][0]["dnfCondition"]
    assert len(alternative[0]["attributeValueIncludedIn"]) == 3


def test_identity_beside_groups_gets_its_own_alternative():
    """If only groups hold the role, the identity gets an alternative of its own."""
    before = policy(rule(RULE, [groups(OTHER), ROLE]), permission(RULE))
    after = changed(with_curators(before, [FACTORY]))
    assert after["properties"]["attributeRules"][0]["dnfCondition"] == [[groups(OTHER), ROLE], [people(FACTORY), ROLE]]


def test_missing_rule_is_added_with_its_reference():
    """Without the reference from `permission:<collection>`, the rule grants nothing."""
    before = policy(rule(ADMIN_RULE, [people(OWNER), ADMIN_ROLE]), permission(ADMIN_RULE))
    after = with_curators(before, [FACTORY])
    assert after is not None
    assert curators(before) == set()
    assert curators(after) == {FACTORY}
    assert reference(RULE) in changed(after)["properties"]["attributeRules"][1]["dnfCondition"]


def test_missing_reference_is_added():
    """An identity in a rule without a reference does not hold the role."""
    before = policy(rule(RULE, [people(FACTORY), ROLE]), permission(ADMIN_RULE))
    after = with_curators(before, [FACTORY])
    assert curators(before) == set()
    assert after is not None
    assert curators(after) == {FACTORY}
    assert changed(after)["properties"]["attributeRules"][0] == before.body["properties"]["attributeRules"][0]


def test_narrower_alternative_does_not_count():
    """An alternative with a further condition grants the role only under that condition."""
    narrowed = [people(FACTORY), ROLE, {"attributeName": "request.time", "attributeValueIncludes": "night"}]
    after = with_curators(policy(rule(RULE, narrowed), permission(RULE)), [FACTORY])
    assert changed(after)["properties"]["attributeRules"][0]["dnfCondition"] == [narrowed, [people(FACTORY), ROLE]]


@pytest.mark.parametrize("role", ["purview-reader", "data-source-administrator"])
def test_other_roles_do_not_count(role):
    """A rule of another role or of another collection is ignored."""
    other = rule(f"purviewmetadatarole_builtin_{role}:{COLLECTION}", [people(FACTORY), ROLE])
    child = rule(f"{RULE}-child", [people(FACTORY), ROLE])
    assert curators(policy(other, child, permission(RULE))) == set()


@pytest.mark.parametrize(
    "rules",
    [[], ["text"], [rule(RULE, [people(OWNER), ROLE])], [{"id": f"permission:{COLLECTION}", "dnfCondition": 1}]],
)
def test_policy_of_unknown_form_is_refused(rules):
    """The library does not write a policy that it does not understand."""
    with pytest.raises(UnsupportedSetup, match="does not have the expected form"):
        with_curators(policy(*rules), [FACTORY])


# --- taking it away


def test_removal_leaves_the_other_holders():
    """The identity is removed in every letter case and as often as it is listed."""
    before = policy(rule(RULE, [people(OWNER, FACTORY, FACTORY.upper()), ROLE]), permission(RULE))
    after = without_curators(before, [FACTORY])
    assert after is not None
    assert curators(after) == {OWNER}


def test_removal_without_the_role_changes_nothing():
    """Nothing is written."""
    assert without_curators(policy(rule(RULE, [people(OWNER), ROLE]), permission(RULE)), [FACTORY]) is None
    assert without_curators(policy(permission()), [FACTORY]) is None


def test_alternative_with_unknown_fields_is_kept():
    """Unknown conditions are kept, with an empty list of identities instead of no value."""
    single = {"attributeName": "principal.microsoft.id", "attributeValueIncludes": FACTORY, "since": 2027}
    after = changed(without_curators(policy(rule(RULE, [single, ROLE]), permission(RULE)), [FACTORY]))
    [kept] = after["properties"]["attributeRules"][0]["dnfCondition"]
    assert kept == [{"attributeName": single["attributeName"], "attributeValueIncludedIn": [], "since": 2027}, ROLE]


# --- any policy


ids = st.uuids(version=4).map(str)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
unknown_fields = st.dictionaries(st.sampled_from(["x-new", "version", "friendlyName"]), json_values, max_size=2)


@st.composite
def alternatives(draw: st.DrawFn) -> list[dict[str, Any]]:
    held = draw(st.lists(ids, max_size=4))
    who = draw(st.sampled_from([people(*held), groups(*held), people(*held, more=draw(json_values))]))
    extra = draw(st.lists(st.just({"attributeName": "x", "attributeValueIncludes": "y"}), max_size=1))
    return draw(st.permutations([who, dict(ROLE), *extra]))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    held = [ADMIN_RULE, *draw(st.lists(st.just(RULE), max_size=1))]
    rules = [rule(ADMIN_RULE, [people(OWNER), ADMIN_ROLE]), permission(*draw(st.permutations(held)))]
    if RULE in held or draw(st.booleans()):
        names = draw(st.sampled_from([{}, {"name": RULE}])) | draw(unknown_fields)
        rules.append(rule(RULE, *draw(st.lists(alternatives(), max_size=3)), **names))
    return policy(*draw(st.permutations(rules)), **draw(unknown_fields))


def members(body: dict[str, Any]) -> list[tuple[str, Any]]:
    """The content of a policy except the rule of the role and the reference to it."""
    rules = body["properties"]["attributeRules"]
    return [
        *((key, value) for key, value in body.items() if key != "properties"),
        *((key, value) for key, value in body["properties"].items() if key != "attributeRules"),
        *((one["id"], one) for one in rules if one["id"] not in {RULE, f"permission:{COLLECTION}"}),
    ]


@given(policies())
def test_only_the_requested_identity_is_added(before):
    """The rest of the policy is identical to the byte, and the input is not changed."""
    text = json.dumps(before.body)
    after = with_curators(before, [FACTORY])
    assert json.dumps(before.body) == text
    assert after is not None
    assert json.dumps(members(after.body)) == json.dumps(members(before.body))
    assert with_curators(after, [FACTORY]) is None
    assert FACTORY in curators(after)
    assert admins(after) == admins(before) == {OWNER}


@given(policies())
def test_removal_after_adding_restores_the_policy(before):
    """To the byte, for every policy in which the rule was in force or missing."""
    rules = {one["id"]: one for one in before.body["properties"]["attributeRules"]}
    in_force = RULE not in rules or reference(RULE) in rules[f"permission:{COLLECTION}"]["dnfCondition"]
    after = with_curators(before, [FACTORY])
    assert after is not None
    back = without_curators(after, [FACTORY])
    assert back is not None
    assert FACTORY not in curators(back)
    if in_force:
        assert json.dumps(back.body) == json.dumps(before.body)


def test_two_thousand_identities_keep_their_order():
    """One more identity is appended."""
    many = [f"{n:08x}-0000-4000-8000-000000000000" for n in range(10, 2010)]
    before = policy(rule(RULE, [people(*many), ROLE]), permission(RULE))
    after = changed(with_curators(before, [FACTORY]))
    held = after["properties"]["attributeRules"][0]["dnfCondition"][0][0]["attributeValueIncludedIn"]
    assert held == [*many, FACTORY]


# --- the policy of the root collection


def root(name: str, **properties: Any) -> Policy:
    return policy(permission(), collection={"referenceName": name}, **properties)


def test_root_policy_has_no_parent():
    """Of all policies of an account, the root's is the one without a parent."""
    child = root("sales", parentCollectionName="contoso")
    assert root_of([child, root("contoso")], "Contoso", None).collection == "contoso"  # type: ignore[union-attr]


@pytest.mark.parametrize(("domain", "found"), [("domain1", "domain1"), (None, "contoso"), ("elsewhere", "contoso")])
def test_default_domain_beats_account_name(domain, found):
    """A merged account shows several roots."""
    chosen = root_of([root("old"), root("contoso"), root("domain1")], "Contoso", domain)
    assert chosen is not None
    assert chosen.collection == found


def test_unclear_root_is_none():
    """An empty list means that the caller cannot see the policy; several other roots, that it is not among them."""
    assert root_of([], "contoso", None) is None
    assert root_of([root("a"), root("b")], "contoso", None) is None


@pytest.mark.parametrize("policy_id", ["", "..", "a/b", "x?y", "é", 7, None, "a" * 101])
def test_policy_with_an_unsafe_id_is_dropped(policy_id):
    """The id becomes part of the next request's path."""
    body = policy(permission()).body | {"id": policy_id}
    assert read_policies({"values": [body, "text", policy(permission()).body]}) == (policy(permission()),)


@pytest.mark.parametrize(("version", "read"), [(4, 4), (0, 0), (True, None), ("4", None), (None, None)])
def test_version_must_be_an_integer(version, read):
    """Any other value counts as missing."""
    one = read_policy(policy(permission()).body | {"version": version})
    assert one is not None
    assert one.version == read


@pytest.mark.parametrize(
    ("status", "code", "message", "stale"),
    [
        (400, "1002", "", True),
        (400, "", "The entity Etag did not match in artifact store.", True),
        (400, "1001", "The payload is wrong.", False),
        (409, None, "", True),
        (412, None, "", True),
        (409, "ScopeLocked", "", False),
        (403, "1002", "", False),
        (None, None, "", False),
    ],
)
def test_stale_write_is_recognised(status, code, message, stale):
    """The recorded conflict is a 400; the usual statuses count too."""
    assert is_stale_write(status, code, message) is stale
