"""The verdict on an endpoint, from what the factory and the target report."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe._rules.ownership import Listing
from purview_mpe._rules.verdicts import judge, target_statuses, verdict_of
from purview_mpe.errors import AccessDenied, NotFound
from tests.support.nouns import (
    ACCOUNT,
    ALL_NAMES,
    FACTORY,
    HIDDEN,
    OTHER_STORAGE,
    OTHER_SUBSCRIPTION,
    STORAGE,
    TARGETS,
    a_connection,
    a_spec,
    an_account,
    an_endpoint,
)

BLOB = TARGETS[1]


def endpoint(state="Succeeded", status="Pending", **fields):
    return an_endpoint("purview_blob", "blob", provisioning_state=state, connection_status=status, **fields)


@pytest.mark.parametrize(
    ("state", "factory", "target", "verdict", "reason"),
    [
        ("Succeeded", "Approved", "Approved", "ready", "Approved."),
        ("Succeeded", "approved", "approved", "ready", "Approved."),
        ("Succeeded", "Approved", None, "ready", "Approved."),
        ("Succeeded", "Pending", "Approved", "ready", "Approved."),
        ("Succeeded", "", "Approved", "ready", "Approved."),
        ("Succeeded", "Pending", "Pending", "pending", "The owner of the target has not approved the connection yet."),
        ("Succeeded", "Pending", None, "pending", "The owner of the target has not approved the connection yet."),
        ("Succeeded", "", None, "pending", "The owner of the target has not approved the connection yet."),
        ("Succeeded", "Pending", "", "pending", "The target does not show the endpoint's connection yet."),
        ("Provisioning", "", None, "provisioning", "Azure is still creating the endpoint (Provisioning)."),
        ("Provisioning", "", "Approved", "provisioning", "Azure is still creating the endpoint (Provisioning)."),
        ("", "", None, "provisioning", "Azure is still creating the endpoint (state unknown)."),
        ("Hibernating", "Pending", "", "provisioning", "Azure is still creating the endpoint (Hibernating)."),
        ("Failed", "", None, "failed", "Azure could not create the endpoint."),
        ("Failed", "Approved", "Approved", "failed", "Azure could not create the endpoint."),
        (
            "Succeeded",
            "Rejected",
            "Rejected",
            "rejected",
            "The connection is Rejected; the endpoint must be replaced.",
        ),
        (
            "Succeeded",
            "Disconnected",
            "",
            "rejected",
            "The connection is Disconnected; the endpoint must be replaced.",
        ),
        ("Succeeded", "Pending", "Rejected", "rejected", "The target says Rejected; the endpoint must be replaced."),
        ("Succeeded", "Approved", "Rejected", "stale", "The factory says Approved, but the target says Rejected."),
        (
            "Succeeded",
            "Approved",
            "Disconnected",
            "stale",
            "The factory says Approved, but the target says Disconnected.",
        ),
        ("Succeeded", "Approved", "Pending", "stale", "The factory says Approved, but the target says Pending."),
        ("Succeeded", "Approved", "", "stale", "The factory says Approved, but the target has no such connection."),
    ],
)
def test_verdict(state, factory, target, verdict, reason):
    """The factory stops polling after Approved, so the target decides if it can be read."""
    assert verdict_of(endpoint(state, factory), target) == (verdict, reason)


@given(
    st.sampled_from(("Succeeded", "Provisioning", "Failed", "Deleting", "")),
    st.sampled_from(("", "Pending", "Approved", "Rejected", "Disconnected")),
    st.sampled_from((None, "", "Pending", "Approved", "Rejected", "Disconnected")),
)
def test_ready_needs_approval_by_the_target(state, factory, target):
    """Ready needs a provisioned endpoint and the target's Approved, or the factory's if the target is unreadable."""
    verdict, _ = verdict_of(endpoint(state, factory), target)
    approved = target == "Approved" if target is not None else factory == "Approved"
    turned_down = factory in {"Rejected", "Disconnected"}
    assert (verdict == "ready") == (state == "Succeeded" and approved and not turned_down)


# --- all endpoints together


def status(*endpoints, target_status=None, **fields):
    return judge(a_spec(**fields), an_account(), TARGETS, endpoints, target_status=target_status or {}, findings=())


def ours(**fields):
    return [an_endpoint(name, target.group_id, **fields) for name, target in zip(ALL_NAMES, TARGETS, strict=True)]


@pytest.mark.parametrize(
    ("state", "error", "reason"),
    [
        ("Failed", "PrivateLinkServiceNotFound: It is gone.", "could not create the endpoint: PrivateLinkServiceNotFound: It is gone."),
        ("Failed", "", "could not create the endpoint."),
        ("Provisioning", "Quota", "is still creating the endpoint (Provisioning): Quota."),
    ],
)  # fmt: skip
def test_reason_contains_azures_error(state, error, reason):
    """The endpoint's own error is the only place where Azure says why the creation failed."""
    found = an_endpoint("purview_blob", "blob", provisioning_state=state, connection_status="", error=error)
    assert verdict_of(found, None)[1] == f"Azure {reason}"


def test_status_is_ready_only_if_every_endpoint_is():
    """One endpoint that is missing or rejected makes the whole status not ready."""
    assert status(*ours()).ready
    assert not status(*ours()[:3]).ready
    assert not status(*ours(), target_status={"blob": "Rejected"}).ready


def test_status_without_targets_is_not_ready():
    """Without targets, nothing is called ready."""
    assert not judge(a_spec(), an_account(), [], [], target_status={}).ready


def test_endpoint_shows_both_sides():
    """Each endpoint has the states from both sides, under its existing name."""
    found = status(*ours()[:1], endpoint(private_endpoint_id=f"{HIDDEN}/x"), target_status={"blob": "Approved"})
    shown = found.endpoints[1]
    assert (shown.name, shown.group_id, shown.resource_id) == ("purview_blob", "blob", STORAGE)
    assert (shown.provisioning_state, shown.connection_status, shown.target_status) == (
        "Succeeded",
        "Pending",
        "Approved",
    )
    assert (shown.private_endpoint_id, shown.verdict) == (f"{HIDDEN}/x", "ready")
    assert (found.factory, found.account) == (FACTORY, ACCOUNT)


def test_missing_endpoint():
    """A missing endpoint has the name that it would get."""
    shown = status().endpoints[1]
    assert (shown.name, shown.verdict, shown.provisioning_state) == ("purview_blob", "missing", None)
    assert shown.reason == "No endpoint of the factory points to this target and group id."


def test_endpoint_with_the_derived_name_to_another_target():
    """The verdict is wrong-target, and the reason names the actual target."""
    wrong = endpoint(resource_id=OTHER_STORAGE)
    found = status(wrong)
    assert found.endpoints[1].verdict == "wrong-target"
    assert found.endpoints[1].reason == f"The endpoint of this name points to {OTHER_STORAGE} (blob)."
    assert found.others == (wrong,)


def test_endpoint_with_another_name_counts():
    """The identity is target and group id, whatever the name."""
    shown = status(an_endpoint("lake", "blob")).endpoints[1]
    assert (shown.name, shown.verdict) == ("lake", "ready")


def test_other_endpoints_are_listed_separately():
    """Endpoints to other targets are listed; reserved endpoints are not."""
    others = [an_endpoint("sql", "sqlServer", resource_id=OTHER_STORAGE), an_endpoint("svc", "dfs", reserved=True)]
    assert status(*ours(), *others).others == (others[0],)


def test_reserved_endpoint_does_not_count():
    """A reserved endpoint is neither the wanted endpoint nor one of the others."""
    found = status(an_endpoint("svc", "blob", reserved=True))
    assert (found.endpoints[1].verdict, found.others) == ("missing", ())


@pytest.mark.parametrize(
    ("endpoints", "settled"),
    [
        (ours(), True),
        (ours(connection_status="Rejected"), True),
        ([], True),
        (ours(connection_status="Pending"), False),
        (ours(provisioning_state="Provisioning", connection_status=""), False),
    ],
)
def test_settled_means_that_waiting_changes_nothing(endpoints, settled):
    """Pending and provisioning may change by themselves; other verdicts need a person's action, or none."""
    assert status(*endpoints).settled is settled


# --- what the targets say


def read(endpoints, found):
    listings = {t.identity: found.get(t.group_id, Listing()) for t in TARGETS}
    return target_statuses(a_spec(), TARGETS, endpoints, listings)


def listing(*private_endpoint_ids, status="Pending"):
    return Listing(tuple(a_connection(given, status) for given in private_endpoint_ids))


def test_target_that_shows_the_connection():
    """The connection's state at the target is used."""
    said, findings = read([endpoint()], {"blob": listing(f"{HIDDEN}/df1.purview_blob", status="Rejected")})
    assert (said, findings) == ({"blob": "Rejected"}, ())


def test_target_without_the_connection():
    """Foreign connections do not count, so the state is empty."""
    said, _ = read([endpoint()], {"blob": listing(f"{HIDDEN}/df1.purview_blob_2")})
    assert said == {"blob": ""}


def test_foreign_connection_in_place_of_an_approved_one_is_stale():
    """The approved connection is gone; a pending one with the same name is foreign."""
    approved = endpoint(status="Approved")
    said, _ = read([approved], {"blob": listing(f"{HIDDEN}/df1.purview_blob")})
    assert (said, verdict_of(approved, said["blob"])[0]) == ({"blob": ""}, "stale")


@pytest.mark.parametrize(("statuses", "known"), [(("Pending", "Approved"), None), (("Pending", "Pending"), "Pending")])
def test_two_connections_with_the_same_name_are_ambiguous(statuses, known):
    """The target's state is unknown unless both agree, and a finding reports it."""
    elsewhere = HIDDEN.replace("99999999-0000-0000-0000-000000000001", OTHER_SUBSCRIPTION)
    homes = zip((HIDDEN, elsewhere), statuses, strict=True)
    both = Listing(tuple(a_connection(f"{home}/df1.purview_blob", status) for home, status in homes))
    said, [finding] = read([endpoint()], {"blob": both})
    assert said == {"blob": known}
    assert (finding.code, finding.severity) == ("connection-ambiguous", "warning")
    assert finding.message == (
        "It is not clear which connection on the target belongs to 'purview_blob': "
        "2 connections have the name 'df1.purview_blob'."
    )


def test_unreadable_target():
    """Only the factory's side is used, and one finding per target reports it."""
    denied = Listing(error=AccessDenied("Could not list.", remedy="Ask an owner.", status=403))
    queue = an_endpoint("purview_queue", "queue", connection_status="Pending")
    said, [finding] = read([endpoint(), queue], {"blob": denied, "queue": denied})
    assert said == {"blob": None, "queue": None}
    assert (finding.code, finding.severity) == ("target-unreadable", "info")
    assert finding.message == f"The target {STORAGE} could not be read, so only the factory's side is shown."
    assert (finding.evidence, finding.remedy) == (("Could not list.",), "Ask an owner.")


def test_missing_target():
    """A target that does not exist shows no connection, which is an error."""
    gone = Listing(error=NotFound("Not there.", remedy="Check.", status=404))
    said, [finding] = read([endpoint()], {"blob": gone})
    assert said == {"blob": ""}
    assert (finding.code, finding.severity) == ("target-gone", "error")
    assert finding.message == f"The target {STORAGE} does not exist."
    assert finding.remedy == "Plan again: the account may use another resource by now."


def test_reserved_and_foreign_endpoints_make_no_claim():
    """Only the endpoints that the spec wants are looked for at the targets."""
    assert read([an_endpoint("svc", "blob", reserved=True), endpoint(resource_id=OTHER_STORAGE)], {}) == ({}, ())
