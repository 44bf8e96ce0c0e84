"""Properties that hold for every plan and every reconciled plan, whatever the factory looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from purview_mpe import Endpoint, Plan, Step
from purview_mpe._model.states import is_broken, is_deleting
from purview_mpe._rules.planning import make_plan, needed_targets, reconciled
from tests.support.nouns import (
    ACCOUNT,
    ALL_NAMES,
    NAMESPACE,
    OTHER_STORAGE,
    STORAGE,
    TARGETS,
    a_factory,
    a_spec,
    an_account,
    an_endpoint,
    recased,
    steps,
)

if TYPE_CHECKING:
    from purview_mpe._model.results import Factory

NAMES = (*ALL_NAMES, "purview_blob_2", "lake", "df1.purview")
PLACES = (ACCOUNT, STORAGE, NAMESPACE, OTHER_STORAGE)
STATES = ("Succeeded", "Provisioning", "Failed", "Deleting", "", "Hibernating")
STATUSES = ("", "Pending", "Approved", "Rejected", "Disconnected")

some_endpoints = st.builds(
    an_endpoint,
    name=st.sampled_from(NAMES).flatmap(recased),
    group_id=st.sampled_from(("account", "blob", "queue", "namespace", "dfs", "Blob")),
    resource_id=st.sampled_from(PLACES).flatmap(lambda place: st.sampled_from((place, place.upper(), place + "/"))),
    provisioning_state=st.sampled_from(STATES),
    connection_status=st.sampled_from(STATUSES),
    reserved=st.sampled_from((False, False, False, True)),
)
#: In Azure, two endpoints never share a name.
some_factories = st.builds(
    lambda endpoints, networks: a_factory(*endpoints, networks=networks),
    st.lists(some_endpoints, max_size=8, unique_by=lambda endpoint: endpoint.name.casefold()),
    st.sampled_from((("default",), ("Default",), (), ("corp",))),
)
some_specs = st.builds(
    a_spec,
    # Each choice includes `account`, because a spec without it is refused if the account cannot be read.
    groups=st.sampled_from((None, ("account",), ("queue", "account", "blob"), ("platform", "account"))),
    names=st.sampled_from(({}, {"blob": "lake"})),
    replace_broken=st.booleans(),
)
some_accounts = st.sampled_from(
    (
        an_account(),
        an_account(shape="B", targets=TARGETS[:3], retired=(NAMESPACE,)),
        an_account(shape=None, targets=TARGETS[:1]),
    )
)


def key(step: Step | Endpoint) -> tuple[str, str]:
    return step.identity


def endpoint_steps(plan: Plan) -> list[Step]:
    return [step for step in plan.steps if step.group_id is not None]


def applied(plan: Plan, factory: Factory) -> Factory:
    """The factory after all changes of the plan are made and all deletions in progress have ended."""
    written = {key(step): step for step in plan.changes if step.group_id is not None}
    left = [e for e in factory.endpoints if key(e) not in written and not is_deleting(e.provisioning_state)]
    made = [
        an_endpoint(step.name, step.group_id or "", resource_id=step.resource_id, connection_status="Pending")
        for step in written.values()
    ]
    return a_factory(*left, *made, networks=factory.networks or ("default",))


@given(some_specs, some_accounts, some_factories)
def test_each_target_has_exactly_one_step(spec, account, factory):
    """The steps cover exactly the wanted targets, each identity once."""
    steps_made = endpoint_steps(make_plan(spec, account, factory))
    wanted = [target.identity for target in needed_targets(spec, account)]
    assert [key(step) for step in steps_made] == wanted
    assert len(set(wanted)) == len(wanted)


@given(some_specs, some_accounts, some_factories)
def test_steps_do_not_touch_foreign_endpoints(spec, account, factory):
    """A kept or replaced endpoint points to the wanted target; a created one has a name that is free."""
    for step in endpoint_steps(make_plan(spec, account, factory)):
        bearer = next((e for e in factory.endpoints if e.name.casefold() == step.name.casefold()), None)
        if step.action in {"keep", "replace"}:
            assert bearer is not None
            assert (key(bearer), bearer.reserved) == (key(step), False)
        elif step.action == "create":
            assert bearer is None or is_deleting(bearer.provisioning_state)


@given(some_specs, some_accounts, some_factories)
def test_only_broken_endpoints_are_replaced(spec, account, factory):
    """A replace step needs a broken endpoint and replace_broken."""
    for step in make_plan(spec, account, factory).steps:
        if step.action == "replace":
            assert spec.replace_broken
            assert any(
                key(e) == key(step) and is_broken(e.provisioning_state, e.connection_status) for e in factory.endpoints
            )


@given(some_specs, some_accounts, some_factories)
def test_existing_endpoint_is_not_created_again(spec, account, factory):
    """No endpoint is created for a target and group id that has an endpoint which stays."""
    there = {key(e) for e in factory.endpoints if not is_deleting(e.provisioning_state)}
    plan = make_plan(spec, account, factory)
    assert not {key(step) for step in endpoint_steps(plan) if step.action == "create"} & there
    created = [step.name.casefold() for step in plan.changes if step.group_id is not None]
    assert len(set(created)) == len(created)


@given(some_specs, some_accounts, some_factories)
def test_only_conflicts_have_a_remedy(spec, account, factory):
    """Every step has a reason."""
    for step in make_plan(spec, account, factory).steps:
        assert (step.remedy is not None) == (step.action == "conflict")
        assert step.reason.endswith(".")


@given(some_specs, some_accounts, some_factories)
def test_second_plan_changes_nothing(spec, account, factory):
    """After a plan is applied, a new plan keeps everything except the old conflicts."""
    plan = make_plan(spec, account, factory)
    again = make_plan(spec, account, applied(plan, factory))
    conflicts = {key(step) for step in plan.conflicts}
    assert {key(step) for step in again.changes} <= conflicts
    assert {key(step) for step in again.conflicts} <= conflicts


@given(some_specs, some_accounts, some_factories)
def test_obsolete_endpoints_have_no_step(spec, account, factory):
    """An obsolete endpoint exists in the factory, and no step of the plan is about it."""
    plan = make_plan(spec, account, factory)
    wanted = {key(step) for step in endpoint_steps(plan)}
    assert all(endpoint in factory.endpoints and not endpoint.reserved for endpoint in plan.obsolete)
    assert all(key(endpoint) not in wanted for endpoint in plan.obsolete)


# --- reconciled plans


def writes(plan: Plan) -> set[tuple[Any, ...]]:
    return {(step.action, step.name.casefold(), step.group_id, step.resource_id) for step in plan.changes}


tampered_steps = st.lists(
    steps
    | st.builds(
        Step,
        action=st.sampled_from(("create", "keep", "replace")),
        name=st.sampled_from(NAMES).flatmap(recased),
        group_id=st.sampled_from((None, "account", "blob", "queue", "namespace", "dfs")),
        resource_id=st.sampled_from(PLACES),
        reason=st.just("because"),
    ),
    max_size=6,
).map(tuple)


@given(some_specs, some_accounts, some_factories)
def test_plan_is_unchanged_if_azure_is_unchanged(spec, account, factory):
    """Reconciling a plan with itself changes no step."""
    plan = make_plan(spec, account, factory)
    assert reconciled(plan, plan) == plan


@given(some_specs, some_accounts, some_factories, tampered_steps)
def test_edited_plan_writes_only_what_its_spec_would_write(spec, account, factory, tampered):
    """Whatever steps the plan file holds, each write is also in the fresh plan, and only once."""
    fresh = make_plan(spec, account, factory)
    result = reconciled(fresh.model_copy(update={"steps": tampered}), fresh)
    assert writes(result) <= writes(fresh)
    keys = ["network" if step.subject == "managed-network" else (step.subject, key(step)) for step in result.steps]
    assert len(set(keys)) == len(keys)


@given(some_specs, some_accounts, some_factories, some_factories)
def test_old_plan_writes_only_what_both_plans_contain(spec, account, then, now):
    """A write must be in the old plan and in the fresh plan; every other step is kept or a conflict."""
    planned, fresh = make_plan(spec, account, then), make_plan(spec, account, now)
    result = reconciled(planned, fresh)
    assert writes(result) <= writes(planned) & writes(fresh)
    assert [step.group_id for step in result.steps] == [step.group_id for step in planned.steps]
    assert all(step.remedy for step in result.conflicts)
    assert (result.spec, result.obsolete, result.warnings) == (fresh.spec, fresh.obsolete, fresh.warnings)


def looked_at_again(then: Factory, now: Factory) -> dict[str | None, Step]:
    plans = [make_plan(a_spec(), an_account(), factory) for factory in (then, now)]
    return {step.group_id: step for step in reconciled(*plans).steps}


def test_endpoint_created_meanwhile_is_kept():
    """An endpoint that another caller created after the plan was made is kept, under any name."""
    step = looked_at_again(a_factory(), a_factory(an_endpoint("lake", "blob")))["blob"]
    assert (step.action, step.name) == ("keep", "lake")


def test_name_taken_meanwhile_is_a_conflict():
    """The step has the reason of the fresh plan."""
    step = looked_at_again(a_factory(), a_factory(an_endpoint("purview_blob", "dfs")))["blob"]
    assert (step.action, step.reason) == (
        "conflict",
        f"The name 'purview_blob' is taken by an endpoint to {ACCOUNT} (dfs).",
    )


def test_kept_endpoint_that_is_gone_is_a_conflict():
    """A plan that keeps an endpoint does not create it again without a new review."""
    step = looked_at_again(a_factory(an_endpoint("lake", "blob")), a_factory())["blob"]
    assert step.action == "conflict"
    assert step.reason == (
        "Azure has changed since the plan was made: the plan was to keep 'lake', "
        "but a new plan would create 'purview_blob'."
    )
    assert step.remedy == "Plan again, look at the new plan, and apply that."


def test_target_that_the_account_no_longer_has_is_a_conflict():
    """Purview moved to another storage account, so the old target gets no endpoint."""
    moved = an_account(
        targets=(TARGETS[0], *(t.model_copy(update={"resource_id": OTHER_STORAGE}) for t in TARGETS[1:3]))
    )
    planned, fresh = (make_plan(a_spec(), account, a_factory()) for account in (an_account(), moved))
    step = {step.group_id: step for step in reconciled(planned, fresh).steps}["blob"]
    assert (step.action, step.resource_id) == ("conflict", STORAGE)
    assert step.reason == ("Azure has changed since the plan was made: the account no longer needs its target.")


def test_network_created_meanwhile_is_kept():
    """The other steps continue in it."""
    found = looked_at_again(a_factory(networks=()), a_factory())
    assert (found[None].action, found[None].reason) == ("keep", "The managed virtual network exists by now.")
    assert found["blob"].action == "create"


def test_missing_network_makes_every_step_a_conflict():
    """A plan for an existing network does not create one."""
    found = looked_at_again(a_factory(an_endpoint("lake", "blob")), a_factory(networks=()))
    assert {step.action for step in found.values()} == {"conflict"}
    assert found["account"].reason == (
        "Azure has changed since the plan was made: the managed virtual network is gone."
    )


def test_network_with_another_name_makes_every_step_a_conflict():
    """A step that is already a conflict keeps its own reason."""
    found = looked_at_again(a_factory(), a_factory(an_endpoint("purview_blob", "dfs"), networks=("corp",)))
    assert found["blob"].reason.startswith("The name 'purview_blob' is taken")
    assert found["queue"].reason.endswith("the managed virtual network is gone.")


def test_network_step_is_recognised_by_its_missing_group_id():
    """An edited id in the network step does not hide that the network is missing."""
    fresh = make_plan(a_spec(), an_account(), a_factory(networks=()))
    edited = tuple(step if step.group_id else step.model_copy(update={"resource_id": "/x"}) for step in fresh.steps)
    assert reconciled(fresh.model_copy(update={"steps": edited}), fresh) == fresh
