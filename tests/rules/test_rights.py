"""Azure's permission rules, and the rights that each step needs."""

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
    """Allowed or not, by step, for a caller who holds the same permissions at every scope."""
    if shape == "C":
        where = {"connections": "ingestion", "resource_id": OTHER_STORAGE}
        account["targets"] = (TARGETS[0], *(target.model_copy(update=where) for target in TARGETS[1:3]))
    scopes = scopes_of(FACTORY, an_account(**account))
    found = rights(scopes, {scope.casefold(): held for scope in scopes.values()})
    return {right.step: right.allowed for right in found}


@given(action=actions, start=st.integers(0, 40), length=st.integers(0, 40))
def test_wildcard_stands_for_any_text(action, start, length):
    """The text may be empty or contain slashes."""
    assert allows([Permission((action[:start] + "*" + action[start + length :],))], action)


@given(action=actions)
def test_letter_case_does_not_matter(action):
    """It matters neither in actions nor in not-actions."""
    assert allows([Permission((action.upper(),))], action.lower())
    assert not allows([Permission(("*",), (action.upper(),))], action.lower())


@given(action=actions)
def test_everything_but_the_wildcard_is_literal(action):
    """A dot is a dot, and a longer action is another action."""
    assert not allows([Permission((action.replace(".", "x"),))], action)
    assert not allows([Permission((action,))], action + "s")
    assert not allows([Permission((action.replace(".", "?"),))], action)


@given(held=st.lists(permissions, max_size=3), other=permissions, action=actions)
def test_another_role_never_takes_rights_away(held, other, action):
    """What one role excludes another may allow; not-actions apply within their own role."""
    assert allows([*held, other], action) == (allows(held, action) or allows([other], action))


@given(held=permissions, action=actions)
def test_not_action_wins_within_its_role(held, action):
    """A role that excludes an action does not allow it, whatever its actions are."""
    assert not allows([Permission(held.actions, (*held.not_actions, action))], action)


def test_reader_can_only_read():
    """Whether Reader covers runs stays open, because Microsoft's page and reports from practice disagree."""
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


def test_owner_can_do_everything():
    """In both kinds of account."""
    assert set(allowed(OWNER).values()) == {True}
    assert set(allowed(OWNER, "C").values()) == {True}


def test_unreadable_permissions_are_not_guessed():
    """Rights are neither allowed nor denied, and no action is called missing."""
    scopes = scopes_of(FACTORY, an_account())
    for held in ({}, dict.fromkeys((scope.casefold() for scope in scopes.values()), None)):
        found = rights(scopes, held)
        assert {(right.allowed, right.missing_actions) for right in found} == {(None, ())}


def test_caller_without_a_role_misses_every_action():
    """An empty list is a definite answer: every right is denied."""
    scopes = scopes_of(FACTORY, an_account())
    found = rights(scopes, {scope.casefold(): () for scope in scopes.values()})
    assert {right.allowed for right in found} == {False}
    assert {right.step: right.missing_actions for right in found} == {
        need.step: need.actions for need in NEEDS if need.place in scopes
    }


def test_each_right_is_checked_at_its_scope():
    """Approving connections of ingestion storage needs a right on the account."""
    found = {right.step: right.scope for right in rights(scopes_of(FACTORY, an_account()), {})}
    assert found["create"] == FACTORY
    assert found["approve-account"] == ACCOUNT
    assert found["approve-storage"] == STORAGE
    assert found["approve-namespace"] == NAMESPACE
    assert "approve-ingestion" not in found
    ingestion = an_account(targets=(TARGETS[1].model_copy(update={"connections": "ingestion"}),))
    assert scopes_of(FACTORY, ingestion) == {"factory": FACTORY, "account": ACCOUNT, "ingestion": ACCOUNT}
    assert scopes_of(FACTORY, None) == {"factory": FACTORY}


def test_unpublished_actions_leave_the_right_open():
    """With the published action, the approval may still be refused; without it, it is refused for certain."""
    published = Permission(("Microsoft.Purview/accounts/PrivateEndpointConnectionsApproval/action",))
    assert allowed((published,), "C")["approve-ingestion"] is None
    assert allowed(READER, "C")["approve-ingestion"] is False


@pytest.fixture(params=["requester", "approver"])
def role(request):
    """Each of the two custom roles in the documentation."""
    return json.loads((ROLES / f"{request.param}.json").read_text())


def test_documented_roles_are_sufficient():
    """The requester can do all steps on the factory's side, the approver all steps on the targets' side."""
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
        assert (
            approver.get("approve-ingestion") is None
        )  # the other actions are unpublished, and Azure refuses unknown ones


def test_documented_roles_hold_only_needed_actions(role):
    """No wildcard, no unused action, and no unpublished action."""
    disputed = {action for need in NEEDS if need.step == "read-runs" for action in need.perhaps}
    needed = disputed | {action for need in NEEDS for action in need.actions}
    assert set(role["Actions"]) <= needed | {"Microsoft.Authorization/permissions/read"}
    assert role["NotActions"] == role["DataActions"] == role["NotDataActions"] == []
    assert role["IsCustom"] is True
    assert role["AssignableScopes"]
