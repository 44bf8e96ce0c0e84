"""Applying a plan: at once, later, twice, from a file, and after Azure has changed."""

from __future__ import annotations

import json

import pytest

from purview_mpe import Plan
from purview_mpe.emulator import Emulator
from purview_mpe.errors import InvalidSpec, PlanConflict, UnsupportedSetup
from tests.support.colours import spec_for
from tests.support.moments import Before
from tests.support.nouns import ALL_NAMES
from tests.support.reports import results


def plan(colour, emulator, spec=None, **options):
    return colour.run(emulator, lambda client: client.plan(spec or spec_for(emulator)), **options)


def apply(colour, emulator, plan_or_spec, *, wait=True, **options):
    return colour.run(emulator, lambda client: client.apply(plan_or_spec, wait=wait), **options)


def blob(emulator):
    return emulator.targets(emulator.account)["blob"]


CREATED = dict.fromkeys(ALL_NAMES, "created")
KEPT = dict.fromkeys(ALL_NAMES, "kept")


def test_planning_writes_nothing(colour, emulator):
    """A plan reads the account, networks, endpoints and the room left on each target, once each, and writes nothing."""
    made = plan(colour, emulator)
    assert [step.action for step in made.steps] == ["create"] * 4
    assert [request.method for request in emulator.requests] == ["GET"] * 5


def test_apply_does_what_the_plan_says(colour, emulator):
    """Every step of the plan is carried out."""
    made = plan(colour, emulator)
    report = apply(colour, emulator, made)
    assert (results(report), report.verb) == (CREATED, "apply")
    assert [outcome.resource_id for outcome in report.outcomes] == [step.resource_id for step in made.steps]


def test_a_plan_survives_a_file(colour, emulator):
    """A plan that was written to JSON and read back does the same."""
    made = Plan.model_validate_json(plan(colour, emulator).model_dump_json())
    assert results(apply(colour, emulator, made)) == CREATED


def test_apply_of_a_spec_plans_first(colour, emulator):
    """Given a spec instead of a plan, apply plans first."""
    report = apply(colour, emulator, spec_for(emulator))
    assert (results(report), report.verb) == (CREATED, "apply")


def test_a_plan_applied_twice_writes_once(colour, emulator):
    """The second call keeps every endpoint."""
    made = plan(colour, emulator)
    apply(colour, emulator, made)
    before = len(emulator.writes)
    assert results(apply(colour, emulator, made)) == KEPT
    assert len(emulator.writes) == before


def test_a_plan_with_a_conflict_is_refused_before_any_request(colour, emulator):
    """PlanConflict is raised before the first request, and carries the plan."""
    emulator.add_endpoint(emulator.factory, "purview_blob", blob(emulator), "dfs")
    made = plan(colour, emulator)
    assert [step.action for step in made.steps] == ["create", "conflict", "create", "create"]
    before = len(emulator.requests)
    with pytest.raises(PlanConflict) as caught:
        apply(colour, emulator, made)
    assert caught.value.plan == made
    assert len(emulator.requests) == before


def test_wait_false_returns_at_once(colour, emulator):
    """With wait=False the call does not wait until Azure has provisioned the endpoints."""
    assert results(apply(colour, emulator, plan(colour, emulator), wait=False)) == CREATED
    assert emulator.clock.elapsed < 1


# --- old plans


def test_an_endpoint_created_after_the_plan_is_kept(colour, emulator):
    """A step that would create an existing endpoint keeps it, whatever its name."""
    made = plan(colour, emulator)
    emulator.add_endpoint(emulator.factory, "lake", blob(emulator), "blob")
    report = apply(colour, emulator, made)
    assert results(report) == {"purview": "created", "lake": "kept"} | dict.fromkeys(ALL_NAMES[2:], "created")
    assert report.succeeded


def test_a_name_taken_after_the_plan_is_a_conflict_of_that_step_only(colour, emulator):
    """One step is refused with a reason and a remedy; the other three are carried out."""
    made = plan(colour, emulator)
    storage = blob(emulator)
    emulator.add_endpoint(emulator.factory, "purview_blob", storage, "dfs")
    report = apply(colour, emulator, made)
    assert results(report) == CREATED | {"purview_blob": "conflict"}
    assert not report.succeeded
    [failure] = report.failures
    assert failure.error.code == "conflict"
    assert failure.error.message == f"The name 'purview_blob' is taken by an endpoint to {storage} (dfs)."
    assert failure.error.remedy == (
        "Choose another base name, or set Spec.names['blob']; the existing endpoint is not touched."
    )


def test_an_endpoint_deleted_after_the_plan_is_a_conflict(colour, emulator):
    """A step that keeps an endpoint never creates it, because the reader of the plan did not agree to that."""
    emulator.add_endpoint(emulator.factory, "lake", blob(emulator), "blob")
    made = plan(colour, emulator)
    colour.run(emulator, lambda client: client.delete_all(spec_for(emulator, groups=("blob",))))
    report = apply(colour, emulator, made)
    assert results(report) == {
        "purview": "created",
        "lake": "conflict",
        "purview_queue": "created",
        "purview_namespace": "created",
    }
    [failure] = report.failures
    assert failure.error.message == (
        "Azure has changed since the plan was made: the plan was to keep 'lake', "
        "but a new plan would create 'purview_blob'."
    )


def test_an_endpoint_rejected_after_the_plan_is_a_conflict(colour, emulator):
    """The outcome names the remedy."""
    apply(colour, emulator, spec_for(emulator))
    made = plan(colour, emulator)
    emulator.reject("purview_blob")
    report = apply(colour, emulator, made)
    assert results(report) == KEPT | {"purview_blob": "conflict"}
    assert "Set Spec.replace_broken to True" in report.failures[0].error.remedy


def test_a_target_that_changed_after_the_plan_is_a_conflict(colour, emulator):
    """If the account's shape has changed, no endpoint is created to the old target."""
    made = plan(colour, emulator)
    gone = emulator.targets(emulator.account)["namespace"]
    emulator.remove(emulator.account)
    emulator.add_account("pv1", shape="C")
    report = apply(colour, emulator, made)
    assert results(report) == {"purview": "created"} | dict.fromkeys(ALL_NAMES[1:], "conflict")
    assert not [e for e in emulator.endpoints() if e.target in {str(gone), str(report.outcomes[1].resource_id)}]


def test_a_network_created_after_the_plan_is_kept(colour, emulator):
    """Another run has created the managed virtual network: the endpoints are created in it."""
    spec = spec_for(emulator, factory=str(emulator.add_factory("df2", managed_vnet=False)))
    made = plan(colour, emulator, spec)
    assert [step.group_id for step in made.steps] == [None, "account", "blob", "queue", "namespace"]
    apply(colour, emulator, spec.model_copy(update={"groups": ("account",)}))
    report = apply(colour, emulator, made)
    assert results(report) == {"default": "kept", "purview": "kept"} | dict.fromkeys(ALL_NAMES[1:], "created")


def test_a_factory_recreated_without_network_stops_every_step(colour, emulator):
    """A plan for a factory that had a network does not create one."""
    made = plan(colour, emulator)
    emulator.remove(emulator.factory)
    emulator.add_factory("df1", managed_vnet=False)
    report = apply(colour, emulator, made)
    assert results(report) == dict.fromkeys(ALL_NAMES, "conflict")
    assert emulator.writes == []


def test_an_account_that_no_longer_shows_its_targets_stops_apply(colour):
    """A plan that cannot be made again is not applied."""
    emulator = Emulator()
    made = plan(colour, emulator)
    emulator.remove(emulator.account)
    emulator.add_account("pv1", shape="F")
    with pytest.raises(UnsupportedSetup):
        apply(colour, emulator, made)
    assert emulator.writes == []


# --- edited plans


def edited(made, **steps) -> Plan:
    """The plan read back from a file in which steps were changed, by group id."""
    data = made.model_dump(mode="json")
    data["steps"] = [step | steps.get(step["group_id"], {}) for step in data["steps"]]
    return Plan.model_validate_json(json.dumps(data))


def test_a_plan_file_cannot_ask_for_another_target(colour, emulator):
    """A step whose target was edited is a conflict; nothing is sent there."""
    foreign = str(emulator.targets(emulator.add_account("other"))["blob"])
    report = apply(colour, emulator, edited(plan(colour, emulator), blob={"resource_id": foreign}))
    assert results(report) == CREATED | {"purview_blob": "conflict"}
    assert foreign not in {e.target for e in emulator.endpoints()}


def test_a_plan_file_cannot_replace_a_healthy_endpoint(colour, emulator):
    """A step edited to replace an approved endpoint keeps it."""
    apply(colour, emulator, spec_for(emulator))
    emulator.approve("purview_blob")
    before = len(emulator.writes)
    report = apply(colour, emulator, edited(plan(colour, emulator), blob={"action": "replace"}))
    assert results(report) == KEPT
    assert len(emulator.writes) == before


def test_a_duplicated_step_is_carried_out_once(colour, emulator):
    """A plan file that holds each step twice leads to one request per endpoint."""
    made = plan(colour, emulator)
    doubled = made.model_copy(update={"steps": made.steps + made.steps})
    assert results(apply(colour, emulator, doubled)) == CREATED
    assert len(emulator.writes) == 4


def test_a_plan_file_with_wrong_fields_is_refused():
    """Wrong fields in the plan, its spec and its account are reported together, each with its place."""
    with pytest.raises(InvalidSpec) as caught:
        Plan.model_validate_json(
            '{"spec": {"factory": "df1", "name": "p"}, "account": {"id": "x", "name": "y"}, "steps": []}'
        )
    assert [field for field, _ in caught.value.problems] == ["spec.factory", "spec.name", "account.id"]


# --- at the same time


def test_an_endpoint_created_just_before_the_put_is_kept(colour, emulator):
    """Between the read and the PUT another run creates the endpoint under another name: it is kept."""
    storage = blob(emulator)
    overtaken = Before(
        "PUT", "/purview_blob", lambda _: emulator.add_endpoint(emulator.factory, "lake", storage, "blob")
    )
    report = apply(colour, emulator, spec_for(emulator), per_retry_policies=[overtaken])
    assert results(report) == {"purview": "created", "lake": "kept"} | dict.fromkeys(ALL_NAMES[2:], "created")
    assert report.succeeded
    assert [r.status for r in emulator.writes if r.path.endswith("/purview_blob")] == [400]


def test_a_name_taken_just_before_the_put_fails_the_step(colour, emulator):
    """Between the read and the PUT another run takes the name: the step fails with Azure's message."""
    storage = blob(emulator)
    overtaken = Before(
        "PUT", "/purview_blob", lambda _: emulator.add_endpoint(emulator.factory, "purview_blob", storage, "dfs")
    )
    report = apply(colour, emulator, spec_for(emulator), per_retry_policies=[overtaken])
    assert results(report) == CREATED | {"purview_blob": "failed"}
    [failure] = report.failures
    assert (failure.error.code, failure.error.status) == ("azure-error", 400)
    assert "Invalid payload" in failure.error.message
