"""Azure's permission rules, and what each step takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe._model.survey import Permission
from purview_mpe._rules.rights import NEEDS, allows, rights, scopes_of
from tests.support.nouns import ACCOUNT, FACTORY, NAMESPACE, OTHER_STORAGE, STORAGE, TARGETS, an_account

ROLES = Path(__file__).resolve().parents[2] / "docs" / "roles"
READER = (Permission(("*/read",)),)
OWNER = (Permission(("*",)),)
actions = st.sampled_from([action for need in NEEDS for action in (*need.actions, *need.perhaps)])
patterns = st.sampled_from(("*", "*/read", "*/write", "Microsoft.Purview/*", "Microsoft.Storage/*/read", "x"))
permissions = st.builds(
    Permission,
    actions=st.lists(patterns | actions, max_size=3).map(tuple),
    not_actions=st.lists(patterns | actions, max_size=3).map(tuple),
)


def allowed(held, shape="A", **account):
    """Allowed or not, by step, for somebody who holds the same everywhere."""
    if shape == "C":
        where = {"connections": "ingestion", "resource_id": OTHER_STORAGE}
        account["targets"] = (TARGETS[0], *(target.model_copy(update=where) for target in TARGETS[1:3]))
    scopes = scopes_of(FACTORY, an_account(**account))
    found = rights(scopes, {scope.casefold(): held for scope in scopes.values()})
    return {right.step: right.allowed for right in found}


@given(action=actions, start=st.integers(0, 40), length=st.integers(0, 40))
def test_a_star_stands_for_any_text(action, start, length):
    """Also for none, and for slashes."""
    assert allows([Permission((action[:start] + "*" + action[start + length :],))], action)


@given(action=actions)
def test_letter_case_does_not_count(action):
    """Neither in what a role allows nor in what it excepts."""
    assert allows([Permission((action.upper(),))], action.lower())
    assert not allows([Permission(("*",), (action.upper(),))], action.lower())


@given(action=actions)
def test_everything_but_the_star_is_literal(action):
    """A dot is a dot, and a name that goes on is another name."""
    assert not allows([Permission((action.replace(".", "x"),))], action)
    assert not allows([Permission((action,))], action + "s")
    assert not allows([Permission((action.replace(".", "?"),))], action)


@given(held=st.lists(permissions, max_size=3), other=permissions, action=actions)
def test_another_role_never_takes_away(held, other, action):
    """What one role excepts another may allow; exceptions stay within their role."""
    assert allows([*held, other], action) == (allows(held, action) or allows([other], action))


@given(held=permissions, action=actions)
def test_an_exception_wins_within_its_role(held, action):
    """A role that excepts an action does not allow it, whatever else it says."""
    assert not allows([Permission(held.actions, (*held.not_actions, action))], action)


def test_a_reader_may_read_and_nothing_else():
    """Whether it covers runs is disputed between Microsoft's page and what people met, so that stays open."""
    assert allowed(READER) == {
        "read-account": True,
        "read-factory": True,
        "create": False,
        "delete": False,
        "connect": False,
        "approve-account": False,
        "approve-storage": False,
        "approve-namespace": False,
        "read-runs": None,
    }


def test_an_owner_may_do_everything():
    """In each shape."""
    assert set(allowed(OWNER).values()) == {True}
    assert set(allowed(OWNER, "C").values()) == {True}


def test_what_cannot_be_read_is_not_guessed():
    """Neither allowed nor forbidden, and nothing is said to be missing."""
    scopes = scopes_of(FACTORY, an_account())
    for held in ({}, dict.fromkeys((scope.casefold() for scope in scopes.values()), None)):
        found = rights(scopes, held)
        assert {(right.allowed, right.missing_actions) for right in found} == {(None, ())}


def test_no_role_at_all_misses_every_action():
    """An empty answer is an answer: the caller may do nothing."""
    scopes = scopes_of(FACTORY, an_account())
    found = rights(scopes, {scope.casefold(): () for scope in scopes.values()})
    assert {right.allowed for right in found} == {False}
    assert {right.step: right.missing_actions for right in found} == {
        need.step: need.actions for need in NEEDS if need.place in scopes
    }


def test_each_right_is_looked_for_where_it_is_used():
    """The approval of newer accounts' ingestion takes a right on the account."""
    found = {right.step: right.scope for right in rights(scopes_of(FACTORY, an_account()), {})}
    assert found["create"] == FACTORY
    assert found["approve-account"] == ACCOUNT
    assert found["approve-storage"] == STORAGE
    assert found["approve-namespace"] == NAMESPACE
    assert "approve-ingestion" not in found
    ingestion = an_account(targets=(TARGETS[1].model_copy(update={"connections": "ingestion"}),))
    assert scopes_of(FACTORY, ingestion) == {"factory": FACTORY, "account": ACCOUNT, "ingestion": ACCOUNT}
    assert scopes_of(FACTORY, None) == {"factory": FACTORY}


def test_unpublished_actions_leave_it_open():
    """Who has the published action for ingestion may still be refused; who lacks it is refused for certain."""
    published = Permission(("Microsoft.Purview/accounts/PrivateEndpointConnectionsApproval/action",))
    assert allowed((published,), "C")["approve-ingestion"] is None
    assert allowed(READER, "C")["approve-ingestion"] is False


@pytest.fixture(params=["requester", "approver"])
def role(request):
    """Each of the two roles that the documentation offers."""
    return json.loads((ROLES / f"{request.param}.json").read_text())


def test_the_documented_roles_suffice():
    """The requester may do all that is done on the factory's side, the approver all that is done on the targets'."""
    held = {
        name: (Permission(tuple(json.loads((ROLES / f"{name}.json").read_text())["Actions"])),)
        for name in ("requester", "approver")
    }
    for shape in ("A", "C"):
        requester, approver = allowed(held["requester"], shape), allowed(held["approver"], shape)
        assert {step for step, may in requester.items() if may} == {
            "read-account",
            "read-factory",
            "create",
            "delete",
            "read-runs",
        }
        approvals = {step for step in approver if step.startswith("approve-")}
        assert {step for step, may in approver.items() if may} == {"read-account", *approvals} - {"approve-ingestion"}
        assert approver.get("approve-ingestion") is None  # its actions are unpublished, and Azure refuses unknown ones


def test_the_documented_roles_hold_no_more_than_is_needed(role):
    """No wildcard, no action that no step takes, and none that is not published."""
    disputed = {action for need in NEEDS if need.step == "read-runs" for action in need.perhaps}
    needed = disputed | {action for need in NEEDS for action in need.actions}
    assert set(role["Actions"]) <= needed | {"Microsoft.Authorization/permissions/read"}
    assert role["NotActions"] == role["DataActions"] == role["NotDataActions"] == []
    assert role["IsCustom"] is True
    assert role["AssignableScopes"]
