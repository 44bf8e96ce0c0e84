"""What holds for every plan, whatever the factory looks like, and for every plan that is looked at again."""

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
#: Azure lets no two endpoints share a name.
some_factories = st.builds(
    lambda endpoints, networks: a_factory(*endpoints, networks=networks),
    st.lists(some_endpoints, max_size=8, unique_by=lambda endpoint: endpoint.name.casefold()),
    st.sampled_from((("default",), ("Default",), (), ("corp",))),
)
some_specs = st.builds(
    a_spec,
    # With the account, without which a spec is refused where the account cannot be read.
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
    """The factory after everything in the plan was done, and everything that was on its way has arrived."""
    written = {key(step): step for step in plan.changes if step.group_id is not None}
    left = [e for e in factory.endpoints if key(e) not in written and not is_deleting(e.provisioning_state)]
    made = [
        an_endpoint(step.name, step.group_id or "", resource_id=step.resource_id, connection_status="Pending")
        for step in written.values()
    ]
    return a_factory(*left, *made, networks=factory.networks or ("default",))


@given(some_specs, some_accounts, some_factories)
def test_each_target_has_exactly_one_step(spec, account, factory):
    """There are never two steps for one identity, none for anything that is not wanted, and none is forgotten."""
    steps_made = endpoint_steps(make_plan(spec, account, factory))
    wanted = [target.identity for target in needed_targets(spec, account)]
    assert [key(step) for step in steps_made] == wanted
    assert len(set(wanted)) == len(wanted)


@given(some_specs, some_accounts, some_factories)
def test_no_step_touches_a_foreign_endpoint(spec, account, factory):
    """What is kept or replaced points to our target; what is created has a name that nobody bears."""
    for step in endpoint_steps(make_plan(spec, account, factory)):
        bearer = next((e for e in factory.endpoints if e.name.casefold() == step.name.casefold()), None)
        if step.action in {"keep", "replace"}:
            assert bearer is not None
            assert (key(bearer), bearer.reserved) == (key(step), False)
        elif step.action == "create":
            assert bearer is None or is_deleting(bearer.provisioning_state)


@given(some_specs, some_accounts, some_factories)
def test_nothing_healthy_is_replaced(spec, account, factory):
    """Only what is broken is replaced, and only where the spec says so."""
    for step in make_plan(spec, account, factory).steps:
        if step.action == "replace":
            assert spec.replace_broken
            assert any(
                key(e) == key(step) and is_broken(e.provisioning_state, e.connection_status) for e in factory.endpoints
            )


@given(some_specs, some_accounts, some_factories)
def test_nothing_is_created_that_exists(spec, account, factory):
    """No endpoint is created where one to the same target and group is there and stays."""
    there = {key(e) for e in factory.endpoints if not is_deleting(e.provisioning_state)}
    plan = make_plan(spec, account, factory)
    assert not {key(step) for step in endpoint_steps(plan) if step.action == "create"} & there
    created = [step.name.casefold() for step in plan.changes if step.group_id is not None]
    assert len(set(created)) == len(created)


@given(some_specs, some_accounts, some_factories)
def test_conflicts_say_what_to_do(spec, account, factory):
    """A conflict has a remedy, every other step has none; each has a reason."""
    for step in make_plan(spec, account, factory).steps:
        assert (step.remedy is not None) == (step.action == "conflict")
        assert step.reason.endswith(".")


@given(some_specs, some_accounts, some_factories)
def test_what_was_applied_is_kept(spec, account, factory):
    """Planning again after a plan was carried out finds nothing to do but what was in conflict, and is no more."""
    plan = make_plan(spec, account, factory)
    again = make_plan(spec, account, applied(plan, factory))
    conflicts = {key(step) for step in plan.conflicts}
    assert {key(step) for step in again.changes} <= conflicts
    assert {key(step) for step in again.conflicts} <= conflicts


@given(some_specs, some_accounts, some_factories)
def test_obsolete_endpoints_are_not_in_the_plan(spec, account, factory):
    """What is called obsolete is one of the factory's endpoints, and no step is about it."""
    plan = make_plan(spec, account, factory)
    wanted = {key(step) for step in endpoint_steps(plan)}
    assert all(endpoint in factory.endpoints and not endpoint.reserved for endpoint in plan.obsolete)
    assert all(key(endpoint) not in wanted for endpoint in plan.obsolete)


# --- plans that are looked at again


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
def test_a_plan_that_nothing_moved_against_stands(spec, account, factory):
    """Looking again at once changes no step."""
    plan = make_plan(spec, account, factory)
    assert reconciled(plan, plan) == plan


@given(some_specs, some_accounts, some_factories, tampered_steps)
def test_a_tampered_plan_does_nothing_of_its_own(spec, account, factory, tampered):
    """Whatever a plan file says, nothing is written that its spec would not cause by itself, and nothing twice."""
    fresh = make_plan(spec, account, factory)
    result = reconciled(fresh.model_copy(update={"steps": tampered}), fresh)
    assert writes(result) <= writes(fresh)
    keys = ["network" if step.subject == "managed-network" else (step.subject, key(step)) for step in result.steps]
    assert len(set(keys)) == len(keys)


@given(some_specs, some_accounts, some_factories, some_factories)
def test_an_old_plan_writes_only_what_both_plans_say(spec, account, then, now):
    """What is written from an old plan was planned then and is planned now; all else is kept or a conflict."""
    planned, fresh = make_plan(spec, account, then), make_plan(spec, account, now)
    result = reconciled(planned, fresh)
    assert writes(result) <= writes(planned) & writes(fresh)
    assert [step.group_id for step in result.steps] == [step.group_id for step in planned.steps]
    assert all(step.remedy for step in result.conflicts)
    assert (result.spec, result.obsolete, result.warnings) == (fresh.spec, fresh.obsolete, fresh.warnings)


def looked_at_again(then: Factory, now: Factory) -> dict[str | None, Step]:
    plans = [make_plan(a_spec(), an_account(), factory) for factory in (then, now)]
    return {step.group_id: step for step in reconciled(*plans).steps}


def test_what_somebody_else_has_made_is_kept():
    """An endpoint that was made in the meantime, under any name, is kept."""
    step = looked_at_again(a_factory(), a_factory(an_endpoint("lake", "blob")))["blob"]
    assert (step.action, step.name) == ("keep", "lake")


def test_a_name_that_was_taken_in_the_meantime_is_a_conflict():
    """What stands in the way now is told as the fresh plan tells it."""
    step = looked_at_again(a_factory(), a_factory(an_endpoint("purview_blob", "dfs")))["blob"]
    assert (step.action, step.reason) == (
        "conflict",
        f"The name 'purview_blob' is taken by an endpoint to {ACCOUNT} (dfs).",
    )


def test_what_was_to_be_kept_and_is_gone_is_a_conflict():
    """A plan that keeps an endpoint does not create it anew behind the reader's back."""
    step = looked_at_again(a_factory(an_endpoint("lake", "blob")), a_factory())["blob"]
    assert step.action == "conflict"
    assert step.reason == (
        "Azure has changed since the plan was made: the plan was to keep 'lake', "
        "but a new plan would create 'purview_blob'."
    )
    assert step.remedy == "Plan again, look at the new plan, and apply that."


def test_a_target_that_the_account_no_longer_has_is_a_conflict():
    """Purview moved to another storage account: the old target gets nothing."""
    moved = an_account(
        targets=(TARGETS[0], *(t.model_copy(update={"resource_id": OTHER_STORAGE}) for t in TARGETS[1:3]))
    )
    planned, fresh = (make_plan(a_spec(), account, a_factory()) for account in (an_account(), moved))
    step = {step.group_id: step for step in reconciled(planned, fresh).steps}["blob"]
    assert (step.action, step.resource_id) == ("conflict", STORAGE)
    assert step.reason == ("Azure has changed since the plan was made: the account no longer needs its target.")


def test_a_network_that_was_made_in_the_meantime_is_kept():
    """The other steps go on in it."""
    found = looked_at_again(a_factory(networks=()), a_factory())
    assert (found[None].action, found[None].reason) == ("keep", "The managed virtual network exists by now.")
    assert found["blob"].action == "create"


def test_a_network_that_is_gone_stops_every_step():
    """A plan for an existing network does not make one."""
    found = looked_at_again(a_factory(an_endpoint("lake", "blob")), a_factory(networks=()))
    assert {step.action for step in found.values()} == {"conflict"}
    assert found["account"].reason == (
        "Azure has changed since the plan was made: the managed virtual network is gone."
    )


def test_a_network_of_another_name_stops_every_step_too():
    """What stands in the way already is told once, as it is."""
    found = looked_at_again(a_factory(), a_factory(an_endpoint("purview_blob", "dfs"), networks=("corp",)))
    assert found["blob"].reason.startswith("The name 'purview_blob' is taken")
    assert found["queue"].reason.endswith("the managed virtual network is gone.")


def test_a_network_step_is_known_by_having_no_group():
    """An edited id in the network's step does not hide that the network is missing."""
    fresh = make_plan(a_spec(), an_account(), a_factory(networks=()))
    edited = tuple(step if step.group_id else step.model_copy(update={"resource_id": "/x"}) for step in fresh.steps)
    assert reconciled(fresh.model_copy(update={"steps": edited}), fresh) == fresh
