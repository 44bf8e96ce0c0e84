"""The rules that decide whether a connection belongs to an endpoint: one test per rule and per reason to refuse."""

from __future__ import annotations

import pytest

from purview_mpe._model.results import Outcome
from purview_mpe._rules.ownership import Claim, Listing, claim_for, claim_from_report, match_blind, match_known
from purview_mpe.errors import AccessDenied
from tests.support.nouns import HIDDEN, OTHER_SUBSCRIPTION, TARGETS, a_connection, an_endpoint

ACCOUNT, BLOB, QUEUE, NAMESPACE = TARGETS
ELSEWHERE = f"/subscriptions/{OTHER_SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints"
UNREADABLE = Listing(error=AccessDenied("no", remedy="Ask.", status=403))


def claim(target=BLOB, name="purview_blob", **fields) -> Claim:
    return Claim(target, name, **({"factory_says": "pending"} | fields))


def listing(*private_endpoint_ids, status="Pending") -> Listing:
    return Listing(tuple(a_connection(given, status) for given in private_endpoint_ids))


def an_outcome(private_endpoint_id, name="purview_blob") -> Outcome:
    return Outcome(
        name=name,
        group_id="blob",
        resource_id=BLOB.resource_id,
        private_endpoint_id=private_endpoint_id,
        result="created",
    )


def known(found, *claims, anchors=(), **more):
    claims = claims or (claim(),)
    listings = {each.identity: found for each in claims} | {one.identity: shown for one, shown in more.get("also", ())}
    return match_known("df1", claims, listings, anchors=anchors)


def only(matches):
    [match] = matches
    return match


# --- rule 1: the exact id


def test_exact_id_is_recognised():
    """A connection whose private endpoint has the id that the factory shows is recognised, in any letter case."""
    match = only(
        known(
            listing(f"{HIDDEN}/df1.purview_blob".upper() + "/"), claim(private_endpoint_id=f"{HIDDEN}/df1.purview_blob")
        )
    )
    assert (match.kind, match.matched_by) == ("recognised", "private-endpoint-id")


@pytest.mark.parametrize("says", ["", "pending", "approved", "rejected"])
def test_exact_id_is_enough_in_any_state(says):
    """With the exact id, the endpoint need not be provisioned."""
    exact = claim(private_endpoint_id=f"{HIDDEN}/x", factory_says=says)
    assert only(known(listing(f"{HIDDEN}/x"), exact)).kind == "recognised"


def test_exact_id_beats_name():
    """A foreign connection with the expected name does not match while the factory shows another id."""
    match = only(
        known(listing(f"{ELSEWHERE}/df1.purview_blob"), claim(private_endpoint_id=f"{HIDDEN}/df1.purview_blob"))
    )
    assert (match.kind, match.reason) == ("not-yet", "the target does not show the endpoint's connection yet")


def test_two_connections_of_one_private_endpoint_are_ambiguous():
    """Nothing distinguishes two connections of the same private endpoint."""
    ours = f"{HIDDEN}/df1.purview_blob"
    match = only(known(listing(ours, ours), claim(private_endpoint_id=ours)))
    assert (match.kind, match.reason) == ("ambiguous", "the target shows several connections of one private endpoint")


def test_report_without_id_is_ambiguous():
    """If only exact ids are accepted, the name does not replace a missing id."""
    match = only(known(listing(f"{HIDDEN}/df1.purview_blob"), claim(only_exact=True)))
    assert (match.kind, match.reason) == ("ambiguous", "the report shows no private endpoint called 'df1.purview_blob'")


@pytest.mark.parametrize("called", ["evil", "df1.purview", "df1.purview_blob2", "df2.purview_blob"])
def test_report_id_with_another_name_is_dropped(called):
    """A report may have been edited: its id counts only if it ends in `<factory>.<endpoint>`."""
    claimed = claim_from_report("df1", BLOB, an_outcome(f"{ELSEWHERE}/{called}"))
    assert claimed.private_endpoint_id is None
    match = only(known(listing(f"{ELSEWHERE}/{called}"), claimed))
    assert (match.kind, match.reason) == (
        "ambiguous",
        "the report shows no private endpoint called 'df1.purview_blob'",
    )


@pytest.mark.parametrize(
    ("called", "is_taken"),
    [
        (f"df1.{'p' * 70}", True),
        (f"df1.{'p' * 60}", True),
        (f"DF1.{'P' * 65}", True),
        (f"df1.{'p' * 59}", False),
        (f"df1.{'p' * 60}x", False),
        (f"df2.{'p' * 70}", False),
        (f"df1.{'p' * 71}", False),
        ("foreign-exfiltration", False),
    ],
)
def test_name_beyond_64_characters_may_be_cut(called, is_taken):
    """Azure may cut a name longer than the documented limit; an id with another beginning is still dropped."""
    claimed = claim_from_report("df1", BLOB, an_outcome(f"{HIDDEN}/{called}", "p" * 70))
    assert only(known(listing(f"{HIDDEN}/{called}"), claimed)).kind == ("recognised" if is_taken else "ambiguous")


@pytest.mark.parametrize("name", ["a.b", "-x", "x" * 128])
def test_report_with_an_invalid_endpoint_name_is_not_used(name):
    """Such an endpoint cannot exist, so the private endpoint is not the factory's."""
    called = f"{HIDDEN}/df1.{name}"
    assert claim_from_report("df1", BLOB, an_outcome(called, name)).private_endpoint_id is None


# --- rule 2: the name, where the factory vouches


def test_name_is_enough_if_the_factory_confirms():
    """Provisioned and pending: the target must list the connection, so the only one with its name matches."""
    match = only(known(listing(f"{HIDDEN}/DF1.Purview_Blob", f"{ELSEWHERE}/other.x")))
    assert (match.kind, match.matched_by, match.connection.private_endpoint_id) == (
        "recognised",
        "name",
        f"{HIDDEN}/DF1.Purview_Blob",
    )


@pytest.mark.parametrize("says", ["", "rejected", "disconnected", "timeout"])
def test_name_is_not_enough_without_confirmation(says):
    """Before provisioning, or after a rejection, a connection with the expected name may be foreign."""
    match = only(known(listing(f"{ELSEWHERE}/df1.purview_blob"), claim(factory_says=says)))
    assert (match.kind, match.reason) == ("not-yet", "the factory does not confirm the endpoint's connection yet")


def test_pending_connection_of_an_approved_endpoint_does_not_match():
    """The factory keeps Approved forever, and an approved connection never becomes pending again."""
    match = only(known(listing(f"{ELSEWHERE}/df1.purview_blob"), claim(factory_says="approved")))
    assert match.kind == "not-yet"
    assert match.reason == "the endpoint's connection was already approved, so the pending one is not the endpoint's"


def test_approved_connection_of_an_approved_endpoint_matches():
    """Factory and target agree about the only connection with the expected name."""
    assert (
        only(known(listing(f"{HIDDEN}/df1.purview_blob", status="Approved"), claim(factory_says="approved"))).kind
        == "recognised"
    )


def test_two_connections_with_the_same_name_are_ambiguous():
    """One of them is foreign, and nothing shows which one."""
    match = only(known(listing(f"{HIDDEN}/df1.purview_blob", f"{ELSEWHERE}/df1.PURVIEW_blob")))
    assert (match.kind, match.connection) == ("ambiguous", None)
    assert match.reason == "2 connections have the name 'df1.purview_blob'"


def test_missing_connection_is_not_yet():
    """A connection appears at its target some seconds after the endpoint was created."""
    match = only(known(listing(f"{HIDDEN}/df1.other")))
    assert (match.kind, match.reason) == ("not-yet", "the target does not show the endpoint's connection yet")


@pytest.mark.parametrize(
    "imitation",
    [
        "df1.purview_blob_2",
        "xdf1.purview_blob",
        "df1.purview",
        "df12.purview_blob",
        "df1-purview_blob",
        "df1.purview_blo",
        "df1.purview_blob.x",
        "purview_blob",
        "df1.purview_blob-1",
    ],
)
def test_part_of_a_name_does_not_match(imitation):
    """Prefixes, suffixes, the name of another factory and longer ids do not match."""
    assert only(known(listing(f"{HIDDEN}/{imitation}"))).kind == "not-yet"


def test_connection_name_and_description_do_not_match():
    """Any requester can choose the connection's name and copy Data Factory's description."""
    imitating = a_connection(
        f"{ELSEWHERE}/mine", name="df1.purview_blob", description="Requested by DataFactory:df1, Name:purview_blob"
    )
    assert only(known(Listing((imitating,)))).kind == "not-yet"


def test_name_matches_in_two_resource_groups_are_ambiguous():
    """Data Factory keeps the endpoints of one network in one group; one in another group makes all ambiguous."""
    blob, queue = claim(), claim(QUEUE, "purview_queue")
    matches = match_known(
        "df1",
        [blob, queue],
        {
            blob.identity: listing(f"{HIDDEN}/df1.purview_blob"),
            queue.identity: listing(f"{ELSEWHERE}/df1.purview_queue"),
        },
    )
    assert [match.kind for match in matches] == ["ambiguous", "ambiguous"]
    assert {match.reason for match in matches} == {"the connections found by name are in different resource groups"}


def test_exact_id_decides_the_resource_group_for_names():
    """The exact match stays recognised; a match by name in another resource group is ambiguous."""
    blob, queue = claim(private_endpoint_id=f"{HIDDEN}/df1.purview_blob"), claim(QUEUE, "purview_queue")
    shown = {
        blob.identity: listing(f"{HIDDEN}/df1.purview_blob"),
        queue.identity: listing(f"{ELSEWHERE}/df1.purview_queue"),
    }
    assert [match.kind for match in match_known("df1", [blob, queue], shown)] == ["recognised", "ambiguous"]


@pytest.mark.parametrize(
    ("anchor", "kind"), [(f"{HIDDEN}/df1.purview", "recognised"), (f"{ELSEWHERE}/df1.x", "ambiguous")]
)
def test_earlier_match_decides_the_resource_group_for_names(anchor, kind):
    """Private endpoints that were recognised in an earlier round show the expected resource group."""
    assert only(known(listing(f"{HIDDEN}/df1.purview_blob"), anchors=[anchor])).kind == kind


def test_unreadable_target_has_no_match():
    """Its error is reported elsewhere; the other targets are matched."""
    blob, queue = claim(), claim(QUEUE, "purview_queue")
    matches = match_known(
        "df1", [blob, queue], {blob.identity: UNREADABLE, queue.identity: listing(f"{HIDDEN}/df1.purview_queue")}
    )
    assert [(match.claim, match.kind) for match in matches] == [(queue, "recognised")]


# --- from an endpoint to a claim


@pytest.mark.parametrize(
    ("state", "status", "says"),
    [
        ("Succeeded", "Pending", "pending"),
        ("Succeeded", "Approved", "approved"),
        ("Succeeded", "", ""),
        ("Provisioning", "Pending", ""),
        ("Failed", "Pending", ""),
        ("Deleting", "Approved", ""),
        ("", "Pending", ""),
    ],
)
def test_only_provisioned_endpoint_confirms_its_connection(state, status, says):
    """An endpoint that is in creation or failed need not have a connection at its target."""
    endpoint = an_endpoint("lake", "blob", provisioning_state=state, connection_status=status)
    made = claim_for(BLOB, endpoint)
    assert (made.name, made.factory_says, made.only_exact) == ("lake", says, False)


def test_claim_carries_the_exact_id():
    """If the factory shows the private endpoint's id, the claim uses it."""
    assert (
        claim_for(BLOB, an_endpoint("b", "blob", private_endpoint_id=f"{HIDDEN}/x")).private_endpoint_id
        == f"{HIDDEN}/x"
    )


@pytest.mark.parametrize(
    ("fields", "vouched"),
    [
        ({}, False),
        ({"factory_says": "pending"}, True),
        ({"factory_says": "approved"}, True),
        ({"factory_says": "rejected"}, False),
        ({"private_endpoint_id": f"{HIDDEN}/x"}, True),
        ({"only_exact": True}, True),
    ],
)
def test_target_is_read_only_for_a_confirmed_claim(fields, vouched):
    """Until the factory or a report confirms the claim, the target's list decides nothing."""
    assert Claim(BLOB, "purview_blob", **fields).is_vouched_for is vouched


# --- rule 3: the factory cannot be read

NAMES = dict(zip(TARGETS, ("purview", "purview_blob", "purview_queue", "purview_namespace"), strict=True))
CLAIMS = [Claim(target, name) for target, name in NAMES.items()]


def blind(**found):
    listings = {each.identity: listing(f"{HIDDEN}/df1.{each.name}") for each in CLAIMS}
    listings |= {each.identity: found[each.target.group_id] for each in CLAIMS if each.target.group_id in found}
    return match_blind("df1", CLAIMS, listings)


def kinds(matches):
    return [match.kind for match in matches]


def test_one_match_on_every_target_in_one_group_is_recognised():
    """Each of the four targets shows exactly one connection with the expected name, all in one resource group."""
    matches = blind()
    assert kinds(matches) == ["recognised"] * 4
    assert {match.matched_by for match in matches} == {"name"}


@pytest.mark.parametrize(
    ("found", "kind", "reason"),
    [
        (
            listing(f"{HIDDEN}/df1.purview_blob", f"{ELSEWHERE}/df1.purview_blob"),
            "ambiguous",
            "the factory cannot be read, and a target shows several connections of that name",
        ),
        (listing(), "not-yet", "not every target shows a connection of that name yet"),
        (
            listing(f"{ELSEWHERE}/df1.purview_blob"),
            "ambiguous",
            "the factory cannot be read, and the connections are in different resource groups",
        ),
        (UNREADABLE, "ambiguous", "neither the factory nor every target can be read, so the name proves nothing"),
    ],
)
def test_one_mismatch_makes_all_targets_fail(found, kind, reason):
    """Without the factory, a problem with one target counts for every target."""
    matches = blind(blob=found)
    assert kinds(matches) == [kind] * 4
    assert {match.reason for match in matches} == {reason}


def test_earlier_match_decides_the_group_without_the_factory():
    """The remaining connections must be in the resource group of those decided in an earlier round."""
    rest = CLAIMS[1]
    listings = {rest.identity: listing(f"{ELSEWHERE}/df1.purview_blob")}
    assert kinds(match_blind("df1", [rest], listings)) == ["recognised"]
    assert kinds(match_blind("df1", [rest], listings, anchors=(f"{HIDDEN}/df1.purview",))) == ["ambiguous"]


def test_no_claims_give_no_matches():
    """Without claims, the result is empty."""
    assert (match_blind("df1", [], {}), match_known("df1", [], {})) == ([], [])
