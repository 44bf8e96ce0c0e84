"""The managed identities of a factory: how they are created and lost, and who may assign them."""

import pytest

from purview_mpe.emulator import Answers, Emulator, Role

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1"
USERS = [f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}" for name in ("one", "two")]
SYSTEM = {"type": "SystemAssigned"}
BOTH = "SystemAssigned,UserAssigned"


def users(*ids):
    return {one: {} for one in ids}


@pytest.fixture
def bare(emulator):
    return emulator.add_factory("bare", identity=False)


def patch(arm, factory, identity):
    return arm.send("PATCH", factory, body={"identity": identity})


def shown(arm, factory):
    return arm.get(factory).json().get("identity")


def test_identity_appears_in_the_answer_of_the_patch(emulator, arm, bare):
    """PATCH with only the identity answers with the factory, including principal and tenant."""
    assert shown(arm, bare) is None
    answer = patch(arm, bare, SYSTEM)
    assert answer.status_code == 200
    identity = answer.json()["identity"]
    assert (identity["type"], identity["tenantId"]) == ("SystemAssigned", emulator.tenant)
    assert len(identity["principalId"]) == 36
    assert answer.json()["properties"]["provisioningState"] == "Succeeded"
    assert patch(arm, bare, SYSTEM).json()["identity"] == identity


def test_patch_of_tags_leaves_the_identity_alone(emulator, arm):
    """A PATCH without identity changes none."""
    before = shown(arm, emulator.factory)
    arm.send("PATCH", emulator.factory, body={"tags": {"a": "b"}})
    assert shown(arm, emulator.factory) == before


def test_put_without_an_existing_identity_is_an_error(emulator, arm, bare):
    """A PUT that leaves out an existing identity is 400; one that repeats it keeps the principal."""
    body = arm.get(emulator.factory).json()
    identity = body.pop("identity")
    refused = arm.put(emulator.factory, body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "IdentityRequired")
    assert shown(arm, emulator.factory) == identity
    for sent in (identity, SYSTEM, {**SYSTEM, "principalId": "00000000-0000-0000-0000-00000000000f"}):
        assert arm.put(emulator.factory, {**body, "identity": sent}).json()["identity"] == identity
    without = arm.get(bare).json()
    assert arm.put(bare, without).status_code == 200
    assert shown(arm, bare) is None


def test_identity_of_a_new_factory(emulator, arm):
    """A PUT that creates a factory with an identity creates its principal, whatever the body says."""
    path = str(emulator.factory).replace("df1", "df-new")
    sent = {**SYSTEM, "principalId": "00000000-0000-0000-0000-00000000000f"}
    identity = arm.put(path, {"location": "westeurope", "identity": sent}).json()["identity"]
    assert identity["principalId"] not in {sent["principalId"], shown(arm, emulator.factory)["principalId"]}


@pytest.mark.parametrize("spelling", [BOTH, "SystemAssigned, UserAssigned", "UserAssigned,SystemAssigned"])
def test_combined_type(arm, bare, spelling):
    """Both kinds at once: the type has no space, and each identity has its principal and client."""
    answer = patch(arm, bare, {"type": spelling, "userAssignedIdentities": users(*USERS)})
    identity = answer.json()["identity"]
    assert identity["type"] == BOTH
    assert list(identity["userAssignedIdentities"]) == USERS
    assert {key for one in identity["userAssignedIdentities"].values() for key in one} == {"principalId", "clientId"}
    again = patch(arm, bare, {"type": BOTH, "userAssignedIdentities": users(*map(str.upper, USERS))}).json()["identity"]
    assert list(again["userAssignedIdentities"].values()) == list(identity["userAssignedIdentities"].values())
    assert again["principalId"] == identity["principalId"]


@pytest.mark.parametrize(("choice", "left"), [("replaces", None), ("merges", USERS)])
def test_identities_missing_from_a_patch_are_lost_or_merged(make_arm, choice, left):
    """An option of the emulator decides."""
    emulator = Emulator(answers=Answers(identity_patch=choice))
    bare = emulator.add_factory("bare", identity=False)
    arm = make_arm(emulator)
    patch(arm, bare, {"type": "UserAssigned", "userAssignedIdentities": users(*USERS)})
    identity = patch(arm, bare, SYSTEM).json()["identity"]
    assert identity["type"] == ("SystemAssigned" if left is None else BOTH)
    assert (
        identity.get("userAssignedIdentities") is None
        if left is None
        else list(identity["userAssignedIdentities"]) == left
    )
    # A PUT always replaces.
    body = arm.get(bare).json() | {"identity": {"type": BOTH, "userAssignedIdentities": users(USERS[0])}}
    assert list(arm.put(bare, body).json()["identity"]["userAssignedIdentities"]) == USERS[:1]


def test_off_and_on_creates_another_principal(emulator, arm):
    """A system-assigned identity that is turned off and on again is a new identity."""
    before = shown(arm, emulator.factory)["principalId"]
    patch(arm, emulator.factory, {"type": "UserAssigned", "userAssignedIdentities": users(USERS[0])})
    assert "principalId" not in shown(arm, emulator.factory)
    patch(arm, emulator.factory, SYSTEM)
    assert shown(arm, emulator.factory)["principalId"] != before


@pytest.mark.parametrize(
    ("identity", "code"),
    [
        ({"type": "Quantum"}, "InvalidIdentityType"),
        ({"type": ""}, "InvalidIdentityType"),
        ({}, "InvalidIdentityType"),
        ({"type": {"SystemAssigned": 1}}, "InvalidPropertyValue"),
        ({"type": "UserAssigned"}, "InvalidIdentityValues"),
        ({"type": "SystemAssigned", "userAssignedIdentities": users(USERS[0])}, "InvalidIdentityValues"),
        ({"type": "UserAssigned", "userAssignedIdentities": {"nonsense": {}}}, "InvalidIdentityValues"),
        ({"type": "UserAssigned", "userAssignedIdentities": USERS}, "InvalidPropertyValue"),
    ],
)
def test_an_invalid_identity_is_refused(emulator, arm, identity, code):
    """An unknown type, or identities that do not fit it, are 400, and nothing changes."""
    before = shown(arm, emulator.factory)
    refused = patch(arm, emulator.factory, identity)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)
    assert shown(arm, emulator.factory) == before


def test_repeating_identities_needs_the_right_to_assign_them(emulator, make_arm, arm):
    """Without `assign/action` on each of them, a write that names them is 403, and names the linked scope."""
    patch(arm, emulator.factory, {"type": BOTH, "userAssignedIdentities": users(*USERS)})
    contributor = make_arm(emulator, emulator.credential_for("Data Factory Contributor"))
    body = contributor.get(emulator.factory).json()
    refused = contributor.put(emulator.factory, body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "LinkedAuthorizationFailed")
    assert USERS[0] in refused.json()["error"]["message"]
    assign = Role("assigner", ("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",))
    allowed = make_arm(emulator, emulator.credential_for("Data Factory Contributor", assign))
    assert allowed.put(emulator.factory, body).status_code == 200


def test_identities_survive_a_dump(emulator, arm):
    """Principals and clients are the same in an emulator loaded from a dump."""
    patch(arm, emulator.factory, {"type": BOTH, "userAssignedIdentities": users(*USERS)})
    again = type(arm)(Emulator.from_scenario(emulator.dump()))
    assert shown(again, emulator.factory) == shown(arm, emulator.factory)
