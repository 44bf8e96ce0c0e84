"""Capacity of the targets: what counts, when a warning appears, and what is refused."""

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
def test_storage_warns_at_80_percent_and_refuses_above_200(used, codes):
    """A plan creates two endpoints on one storage account: 160 of 200 is a warning, more than 200 is refused."""
    found = loads(TARGETS, listings(used), wanted=wanted_by(plan()))
    assert [finding.code for finding in capacity_findings(found)] == codes


@pytest.mark.parametrize(("used", "codes"), [(94, []), (95, ["target-nearly-full"]), (120, ["target-full"])])
def test_namespace_limit_is_120(used, codes):
    """The namespace has its own limit; the Purview account has none."""
    found = loads(TARGETS, listings(0, used), wanted=wanted_by(plan()))
    assert [finding.code for finding in capacity_findings(found)] == codes
    assert LIMITS["namespace"] == 120


def test_full_target_without_creations_is_a_warning():
    """If nothing is created there, a full target is reported as nearly full, not as an error."""
    [finding] = capacity_findings(loads(TARGETS, listings(200)))
    assert (finding.code, finding.severity) == ("target-nearly-full", "warning")
    assert finding.message == "'scanwesteurope' is nearly full: it has 200 of 200 private endpoints."


def test_creations_without_room_become_conflicts():
    """Steps to other targets and steps that keep existing endpoints do not change."""
    made = plan(an_endpoint("purview_blob", "blob"))
    assert wanted_by(made) == (TARGETS[0], TARGETS[2], TARGETS[3])
    refused = fitted(made, loads(TARGETS, listings(200), wanted=wanted_by(made)))
    assert [step.action for step in refused.steps] == ["create", "keep", "conflict", "create"]
    assert refused.steps[2].reason == ("'scanwesteurope' has no room for 1 more private endpoint: it has 200 of 200.")
    assert "orphans(account)" in str(refused.steps[2].remedy)
    assert fitted(made, loads(TARGETS, listings(3), wanted=wanted_by(made))) is made


def test_creations_of_a_fleet_are_added_up():
    """A target counts once per creation: 100 factories need 200 places on a storage account with blob and queue."""
    wanted = [target for _ in range(100) for target in TARGETS]
    found = {load.resource_id: load for load in loads(TARGETS, listings(0), wanted=wanted)}
    assert (found[STORAGE].wanted, found[STORAGE].fits) == (200, True)
    assert (found[NAMESPACE].wanted, found[NAMESPACE].fits) == (100, True)
    more = {load.resource_id: load for load in loads(TARGETS, listings(1), wanted=wanted)}
    assert (more[STORAGE].fits, more[STORAGE].room) == (False, 199)


def test_unreadable_target_has_no_load():
    """A target whose connections cannot be listed is neither full nor free."""
    unreadable = Listing(error=AzureUnavailable("no", remedy="Repeat."))
    assert loads((BLOB,), {identity(BLOB.resource_id, "blob"): unreadable}, wanted=[BLOB]) == ()
    assert loads((NAMESPACE_TARGET,), {}) == ()


def test_ingestion_storage_has_the_limit_of_a_storage_account():
    """The account's ingestion list shows the connections of a storage account."""
    target = Target(group_id="blob", resource_id=STORAGE, connections="ingestion")
    [load] = loads([target], {identity(STORAGE, "blob"): listing(200)}, wanted=[target])
    assert not load.fits
