"""Room on the targets: conflicts before the first write if it is too small, and warnings if it is nearly used up."""

from __future__ import annotations

import pytest

from purview_mpe.emulator import Emulator
from purview_mpe.errors import PlanConflict
from tests.support.colours import spec_for
from tests.support.crowded import filled


def codes(findings) -> set[str]:
    return {finding.code for finding in findings}


@pytest.mark.parametrize(
    ("storage", "namespace", "full"),
    [(199, 0, {"purview_blob", "purview_queue"}), (0, 120, {"purview_namespace"})],
)
def test_endpoints_beyond_the_limit_are_conflicts(colour, storage, namespace, full):
    """A storage account takes 200 private endpoints and a namespace 120: the plan says so, and nothing is written."""
    emulator = filled(storage, namespace)
    spec = spec_for(emulator)
    plan = colour.run(emulator, lambda client: client.plan(spec))
    assert {step.name for step in plan.conflicts} == full
    assert "target-full" in codes(plan.warnings)
    with pytest.raises(PlanConflict, match="has no room for"):
        colour.run(emulator, lambda client: client.create_all(spec))
    assert emulator.writes == []
    check = colour.run(emulator, lambda client: client.check(spec))
    assert "target-full" in codes(check.findings)
    assert not check.ok


def test_a_nearly_full_target_is_a_warning(colour):
    """From 80 % on plan, check and status warn, and the endpoints are created."""
    emulator = filled(storage=158)
    spec = spec_for(emulator)
    for verb in ("plan", "check"):
        seen = colour.run(emulator, lambda client, verb=verb: getattr(client, verb)(spec))
        assert "target-nearly-full" in codes(seen.warnings if verb == "plan" else seen.findings)
    report = colour.run(emulator, lambda client: client.create_all(spec))
    assert report.complete
    assert "target-nearly-full" in codes(report.warnings)
    status = colour.run(emulator, lambda client: client.status(spec))
    assert "target-nearly-full" in codes(status.findings)
    fleet = colour.run(emulator, lambda client: client.status_many([spec]))
    assert fleet.factories[0].status == status


def test_a_half_full_target_has_no_finding(colour):
    """Warnings start at 80 %."""
    emulator = filled(storage=100, namespace=60)
    plan = colour.run(emulator, lambda client: client.plan(spec_for(emulator)))
    assert not codes(plan.warnings) & {"target-full", "target-nearly-full"}


def test_an_unreadable_target_is_not_counted(colour):
    """Creating endpoints needs no right on the targets: without it Azure decides."""
    emulator = filled(storage=200)
    report = colour.run(
        emulator,
        lambda client: client.plan(spec_for(emulator)),
        roles=("Data Factory Contributor", ("Reader", emulator.account)),
    )
    assert report.conflicts == ()
    assert not codes(report.warnings) & {"target-full", "target-nearly-full"}


def test_targets_are_listed_only_if_endpoints_are_missing(colour):
    """A second call reads only account and factory."""
    emulator = filled(storage=3)
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec))
    before = emulator.request_count
    colour.run(emulator, lambda client: client.create_all(spec))
    assert emulator.request_count - before == 3


def test_a_full_target_does_not_affect_existing_endpoints(colour):
    """They are kept."""
    emulator = Emulator(foreign_connections=0)
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec))
    storage = emulator.targets(emulator.account)["blob"]
    for number in range(198):
        emulator.add_connection(
            storage,
            private_endpoint_id=f"/subscriptions/00000000-0000-0000-0000-000000000009/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints/pe-{number}",
            status="Approved",
        )
    report = colour.run(emulator, lambda client: client.create_all(spec))
    assert {outcome.result for outcome in report.outcomes} == {"kept"}


@pytest.mark.parametrize("many", [False, True])
def test_an_endpoint_refused_by_a_full_target_is_not_repeated(colour, many):
    """The caller cannot count the connections; the failure has Azure's reason, and the remedy for a full target."""
    emulator = filled(storage=200)
    spec = spec_for(emulator)

    def create(client):
        return client.create_many([spec]) if many else client.create_all(spec)

    report = colour.run(emulator, create, roles=("Data Factory Contributor", ("Reader", emulator.account)))
    failures = [one for one in report.outcomes if one.result == "failed"]
    assert [one.group_id for one in failures] == ["blob", "queue"]
    assert all("reached its limit of 200" in one.error.message for one in failures)
    assert all("orphans" in one.error.remedy for one in failures)
    assert [request.method for request in emulator.writes] == ["PUT"] * 4
    # A later call finds the failed endpoints and reports the same.
    plan = colour.run(
        emulator, lambda client: client.plan(spec), roles=("Data Factory Contributor", ("Reader", emulator.account))
    )
    assert [step.group_id for step in plan.conflicts] == ["blob", "queue"]
    assert all("reached its limit of 200" in step.reason and "orphans" in step.remedy for step in plan.conflicts)
