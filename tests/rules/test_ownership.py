"""Whose connection is it? One story per rule, and per reason not to touch."""

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


def test_the_exact_id_is_ours():
    """A connection whose private endpoint has the id that the factory tells is ours, in any letter case."""
    match = only(
        known(
            listing(f"{HIDDEN}/df1.purview_blob".upper() + "/"), claim(private_endpoint_id=f"{HIDDEN}/df1.purview_blob")
        )
    )
    assert (match.kind, match.matched_by) == ("recognised", "private-endpoint-id")


@pytest.mark.parametrize("says", ["", "pending", "approved", "rejected"])
def test_the_exact_id_needs_no_other_word(says):
    """With the exact id nobody has to wait until the endpoint is provisioned."""
    exact = claim(private_endpoint_id=f"{HIDDEN}/x", factory_says=says)
    assert only(known(listing(f"{HIDDEN}/x"), exact)).kind == "recognised"


def test_where_the_id_is_told_the_name_counts_for_nothing():
    """A stranger of our very name is not ours while the id says another one."""
    match = only(
        known(listing(f"{ELSEWHERE}/df1.purview_blob"), claim(private_endpoint_id=f"{HIDDEN}/df1.purview_blob"))
    )
    assert (match.kind, match.reason) == ("not-yet", "the target does not show the endpoint's connection yet")


def test_one_private_endpoint_with_two_connections_is_ambiguous():
    """Two connections of one private endpoint cannot be told apart."""
    ours = f"{HIDDEN}/df1.purview_blob"
    match = only(known(listing(ours, ours), claim(private_endpoint_id=ours)))
    assert (match.kind, match.reason) == ("ambiguous", "the target shows several connections of one private endpoint")


def test_a_report_without_id_proves_nothing():
    """Where only exact ids are accepted, a missing one is not replaced by the name."""
    match = only(known(listing(f"{HIDDEN}/df1.purview_blob"), claim(only_exact=True)))
    assert (match.kind, match.reason) == ("ambiguous", "the report shows no private endpoint called 'df1.purview_blob'")


@pytest.mark.parametrize("called", ["evil", "df1.purview", "df1.purview_blob2", "df2.purview_blob"])
def test_a_reports_id_is_called_as_ours_is(called):
    """A report may have been edited: an id that is not called `<factory>.<endpoint>` is not taken from it."""
    told = claim_from_report("df1", BLOB, an_outcome(f"{ELSEWHERE}/{called}"))
    assert told.private_endpoint_id is None
    match = only(known(listing(f"{ELSEWHERE}/{called}"), told))
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
        ("somebody-elses-exfiltration", False),
    ],
)
def test_beyond_64_characters_only_the_beginning_of_the_name_is_taken(called, is_taken):
    """Azure may cut a name that is longer than it documents: an id that begins otherwise is not taken."""
    told = claim_from_report("df1", BLOB, an_outcome(f"{HIDDEN}/{called}", "p" * 70))
    assert only(known(listing(f"{HIDDEN}/{called}"), told)).kind == ("recognised" if is_taken else "ambiguous")


@pytest.mark.parametrize("name", ["a.b", "-x", "x" * 128])
def test_a_name_that_data_factory_does_not_take_vouches_for_nothing(name):
    """Such an endpoint cannot exist, so its private endpoint is not the factory's."""
    called = f"{HIDDEN}/df1.{name}"
    assert claim_from_report("df1", BLOB, an_outcome(called, name)).private_endpoint_id is None


# --- rule 2: the name, where the factory vouches


def test_the_name_is_ours_where_the_factory_vouches():
    """Provisioned and pending: ours must be among those listed, so the only one of our name is ours."""
    match = only(known(listing(f"{HIDDEN}/DF1.Purview_Blob", f"{ELSEWHERE}/other.x")))
    assert (match.kind, match.matched_by, match.connection.private_endpoint_id) == (
        "recognised",
        "name",
        f"{HIDDEN}/DF1.Purview_Blob",
    )


@pytest.mark.parametrize("says", ["", "rejected", "disconnected", "timeout"])
def test_without_the_factorys_word_a_name_proves_nothing(says):
    """Before the endpoint is provisioned, or after it was turned down, a connection of our name may be anyone's."""
    match = only(known(listing(f"{ELSEWHERE}/df1.purview_blob"), claim(factory_says=says)))
    assert (match.kind, match.reason) == ("not-yet", "the factory does not confirm the endpoint's connection yet")


def test_a_pending_connection_after_an_approval_is_not_ours():
    """The factory never takes Approved back, so ours may be gone; an approved one does not become pending again."""
    match = only(known(listing(f"{ELSEWHERE}/df1.purview_blob"), claim(factory_says="approved")))
    assert match.kind == "not-yet"
    assert match.reason == "the endpoint's connection was already approved, so the pending one is not the endpoint's"


def test_an_approved_connection_after_an_approval_is_ours():
    """For looking at: factory and target agree about the only connection of our name."""
    assert (
        only(known(listing(f"{HIDDEN}/df1.purview_blob", status="Approved"), claim(factory_says="approved"))).kind
        == "recognised"
    )


def test_two_of_our_name_are_ambiguous():
    """One of them is a stranger's, and nothing tells which."""
    match = only(known(listing(f"{HIDDEN}/df1.purview_blob", f"{ELSEWHERE}/df1.PURVIEW_blob")))
    assert (match.kind, match.connection) == ("ambiguous", None)
    assert match.reason == "2 connections have the name 'df1.purview_blob'"


def test_nobody_of_our_name_is_waited_for():
    """A connection appears some seconds after its endpoint was created."""
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
def test_no_part_of_a_name_is_enough(imitation):
    """Prefixes, suffixes, another factory's and longer ids are not our name."""
    assert only(known(listing(f"{HIDDEN}/{imitation}"))).kind == "not-yet"


def test_connection_names_and_descriptions_prove_nothing():
    """Anybody can give a connection our name and Data Factory's own words."""
    imitating = a_connection(
        f"{ELSEWHERE}/mine", name="df1.purview_blob", description="Requested by DataFactory:df1, Name:purview_blob"
    )
    assert only(known(Listing((imitating,)))).kind == "not-yet"


def test_connections_found_by_name_in_two_places_are_ambiguous():
    """Data Factory puts the endpoints of one network into one resource group; one elsewhere taints all."""
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


def test_an_exact_id_is_the_measure_for_names():
    """What is known exactly stays ours; a name in another place than that is not believed."""
    blob, queue = claim(private_endpoint_id=f"{HIDDEN}/df1.purview_blob"), claim(QUEUE, "purview_queue")
    shown = {
        blob.identity: listing(f"{HIDDEN}/df1.purview_blob"),
        queue.identity: listing(f"{ELSEWHERE}/df1.purview_queue"),
    }
    assert [match.kind for match in match_known("df1", [blob, queue], shown)] == ["recognised", "ambiguous"]


@pytest.mark.parametrize(
    ("anchor", "kind"), [(f"{HIDDEN}/df1.purview", "recognised"), (f"{ELSEWHERE}/df1.x", "ambiguous")]
)
def test_what_was_ours_before_is_the_measure_too(anchor, kind):
    """Private endpoints that were found to be ours in an earlier round say where ours live."""
    assert only(known(listing(f"{HIDDEN}/df1.purview_blob"), anchors=[anchor])).kind == kind


def test_a_target_that_cannot_be_read_has_no_match():
    """Its error is told elsewhere; the other targets are matched."""
    blob, queue = claim(), claim(QUEUE, "purview_queue")
    matches = match_known(
        "df1", [blob, queue], {blob.identity: UNREADABLE, queue.identity: listing(f"{HIDDEN}/df1.purview_queue")}
    )
    assert [(match.claim, match.kind) for match in matches] == [(queue, "recognised")]


# --- what an endpoint lets us claim


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
def test_only_a_provisioned_endpoint_vouches(state, status, says):
    """What is still being made, or could not be made, need not have a connection on its target."""
    endpoint = an_endpoint("lake", "blob", provisioning_state=state, connection_status=status)
    made = claim_for(BLOB, endpoint)
    assert (made.name, made.factory_says, made.only_exact) == ("lake", says, False)


def test_a_claim_takes_the_exact_id_along():
    """Where the factory tells the private endpoint's id, the claim rests on it."""
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
def test_a_target_is_looked_at_when_somebody_vouches(fields, vouched):
    """Before the factory or a report says something, whatever the target shows decides nothing."""
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


def test_one_on_every_target_and_all_in_one_place_are_ours():
    """Four targets that each show exactly one connection of our name, all in one resource group."""
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
def test_one_target_that_does_not_fit_spoils_all(found, kind, reason):
    """Nobody vouches for anything, so what is wrong with one target is wrong with all of them."""
    matches = blind(blob=found)
    assert kinds(matches) == [kind] * 4
    assert {match.reason for match in matches} == {reason}


def test_what_was_found_before_counts_as_well():
    """The rest of a set sits where the part sits that was decided in an earlier round."""
    rest = CLAIMS[1]
    listings = {rest.identity: listing(f"{ELSEWHERE}/df1.purview_blob")}
    assert kinds(match_blind("df1", [rest], listings)) == ["recognised"]
    assert kinds(match_blind("df1", [rest], listings, anchors=(f"{HIDDEN}/df1.purview",))) == ["ambiguous"]


def test_no_claims_have_no_matches():
    """Nothing to look for is nothing found."""
    assert (match_blind("df1", [], {}), match_known("df1", [], {})) == ([], [])
