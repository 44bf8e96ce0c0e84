"""Room at the targets: what is counted, from when on there is a warning, and what is refused."""

from __future__ import annotations

import pytest

from purview_mpe._model.results import Connection, Target, identity
from purview_mpe._rules.capacity import LIMITS, capacity_findings, fitted, loads, wanted_by
from purview_mpe._rules.ownership import Listing
from purview_mpe._rules.planning import make_plan
from purview_mpe.errors import AzureUnavailable
from tests.support.nouns import ACCOUNT, HIDDEN, NAMESPACE, STORAGE, TARGETS, a_factory, a_spec, an_account, an_endpoint

BLOB, NAMESPACE_TARGET = TARGETS[1], TARGETS[3]


def listing(count: int) -> Listing:
    return Listing(
        tuple(
            Connection(
                id=f"{STORAGE}/privateEndpointConnections/c{n}",
                name=f"c{n}",
                private_endpoint_id=f"{HIDDEN}/p{n}",
                status="Pending",
            )
            for n in range(count)
        )
    )


def listings(storage: int, namespace: int = 0):
    counts = {ACCOUNT: 500, STORAGE: storage, NAMESPACE: namespace}
    return {t.identity: listing(counts[t.resource_id]) for t in TARGETS}


def plan(*endpoints):
    return make_plan(a_spec(), an_account(), a_factory(*endpoints))


@pytest.mark.parametrize(
    ("used", "codes"),
    [(0, []), (157, []), (158, ["target-nearly-full"]), (198, ["target-nearly-full"]), (199, ["target-full"])],
)
def test_storage_takes_two_hundred_and_warns_from_eighty_percent(used, codes):
    """Two endpoints are created on one storage account: 160 of 200 is a warning, more than 200 is refused."""
    found = loads(TARGETS, listings(used), wanted=wanted_by(plan()))
    assert [finding.code for finding in capacity_findings(found)] == codes


@pytest.mark.parametrize(("used", "codes"), [(94, []), (95, ["target-nearly-full"]), (120, ["target-full"])])
def test_a_namespace_takes_a_hundred_and_twenty(used, codes):
    """The namespace's limit is its own; the Purview account has none."""
    found = loads(TARGETS, listings(0, used), wanted=wanted_by(plan()))
    assert [finding.code for finding in capacity_findings(found)] == codes
    assert LIMITS["namespace"] == 120


def test_a_full_target_that_gets_nothing_more_is_a_warning():
    """Without a creation nothing has to fit: a full target is nearly full, and no error."""
    [finding] = capacity_findings(loads(TARGETS, listings(200)))
    assert (finding.code, finding.severity) == ("target-nearly-full", "warning")
    assert finding.message == "'scanwesteurope' is nearly full: it has 200 of 200 private endpoints."


def test_creations_without_room_are_conflicts():
    """What cannot fit is a conflict of the plan; steps to other targets stay, and so do endpoints that exist."""
    made = plan(an_endpoint("purview_blob", "blob"))
    assert wanted_by(made) == (TARGETS[0], TARGETS[2], TARGETS[3])
    refused = fitted(made, loads(TARGETS, listings(200), wanted=wanted_by(made)))
    assert [step.action for step in refused.steps] == ["create", "keep", "conflict", "create"]
    assert refused.steps[2].reason == ("'scanwesteurope' has no room for 1 more private endpoint: it has 200 of 200.")
    assert "orphans(account)" in str(refused.steps[2].remedy)
    assert fitted(made, loads(TARGETS, listings(3), wanted=wanted_by(made))) is made


def test_the_creations_of_a_fleet_are_counted_together():
    """A target is wanted as often as it is given: a hundred factories take both halves of a storage account."""
    wanted = [target for _ in range(100) for target in TARGETS]
    found = {load.resource_id: load for load in loads(TARGETS, listings(0), wanted=wanted)}
    assert (found[STORAGE].wanted, found[STORAGE].fits) == (200, True)
    assert (found[NAMESPACE].wanted, found[NAMESPACE].fits) == (100, True)
    more = {load.resource_id: load for load in loads(TARGETS, listings(1), wanted=wanted)}
    assert (more[STORAGE].fits, more[STORAGE].room) == (False, 199)


def test_a_list_that_cannot_be_read_counts_nothing():
    """A target whose connections cannot be listed has no load: it is neither full nor free."""
    unreadable = Listing(error=AzureUnavailable("no", remedy="Repeat."))
    assert loads((BLOB,), {identity(BLOB.resource_id, "blob"): unreadable}, wanted=[BLOB]) == ()
    assert loads((NAMESPACE_TARGET,), {}) == ()


def test_ingestion_storage_has_the_limit_of_a_storage_account():
    """The account's ingestion list shows the connections of a storage account."""
    target = Target(group_id="blob", resource_id=STORAGE, connections="ingestion")
    [load] = loads([target], {identity(STORAGE, "blob"): listing(200)}, wanted=[target])
    assert not load.fits
