"""The plan: one story per kind of step, in the words that the user reads."""

from __future__ import annotations

import pytest

from purview_mpe import Finding, Spec, Step, Target
from purview_mpe._rules.planning import make_plan, needed_targets
from purview_mpe.errors import UnsupportedSetup
from tests.support.nouns import (
    ACCOUNT,
    ALL_NAMES,
    FACTORY,
    GROUP,
    NAMESPACE,
    OTHER_STORAGE,
    STORAGE,
    TARGETS,
    a_factory,
    a_spec,
    an_account,
    an_endpoint,
)

NETWORK = f"{FACTORY}/managedVirtualNetworks/default"


def plan(*endpoints, account=None, networks=("default",), **fields):
    return make_plan(a_spec(**fields), account or an_account(), a_factory(*endpoints, networks=networks))


def step_for(group_id, *endpoints, **fields) -> Step:
    [step] = [step for step in plan(*endpoints, **fields).steps if step.group_id == group_id]
    return step


def actions(made) -> list[str]:
    return [step.action for step in made.steps]


def codes(made) -> list[str]:
    return [finding.code for finding in made.warnings]


# --- create and keep


def test_everything_is_created_from_nothing():
    """An empty factory needs one endpoint per target, in the account's order, with the derived names."""
    made = plan()
    assert actions(made) == ["create"] * 4
    assert tuple(step.name for step in made.steps) == ALL_NAMES
    assert [(s.resource_id, s.group_id) for s in made.steps] == [(t.resource_id, t.group_id) for t in TARGETS]
    assert {step.reason for step in made.steps} == {"No endpoint of the factory points to this target and group id."}


def test_what_exists_is_kept():
    """A factory with all four endpoints needs nothing."""
    made = plan(*(an_endpoint(name, target.group_id) for name, target in zip(ALL_NAMES, TARGETS, strict=True)))
    assert actions(made) == ["keep"] * 4
    assert (made.changes, made.conflicts) == ((), ())
    assert {step.reason for step in made.steps} == {"The endpoint exists."}


def test_an_endpoint_under_another_name_is_kept():
    """Azure refuses a second endpoint to the same target, so the one that is there does."""
    step = step_for("blob", an_endpoint("lake-blob", "blob"))
    assert (step.action, step.name) == ("keep", "lake-blob")
    assert step.reason == "An endpoint to this target exists under the name 'lake-blob'."


@pytest.mark.parametrize("name", ["PURVIEW_blob", "lake"])
def test_letter_case_makes_no_other_endpoint(name):
    """Target, group id and name are compared without regard to letter case."""
    existing = an_endpoint(name, "BLOB", resource_id=STORAGE.upper() + "/")
    assert step_for("blob", existing).action == "keep"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("Provisioning", "The endpoint exists and is Provisioning."),
        ("", "The endpoint exists and is in an unknown state."),
        ("Hibernating", "The endpoint exists and is Hibernating."),
        ("Succeeded", "The endpoint exists."),
    ],
)
def test_an_endpoint_in_the_making_is_kept(state, reason):
    """States are open: one that nobody knows is waited for, not replaced."""
    step = step_for("blob", an_endpoint("purview_blob", "blob", provisioning_state=state, connection_status=""))
    assert (step.action, step.reason) == ("keep", reason)


def test_a_neighbours_endpoint_does_not_count():
    """Another group on the same target, or the same group on another target, is another endpoint."""
    made = plan(an_endpoint("a1", "queue"), an_endpoint("a2", "blob", resource_id=OTHER_STORAGE))
    assert actions(made) == ["create", "create", "keep", "create"]


# --- replace, or say how


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"provisioning_state": "Failed", "connection_status": ""}, "Failed"),
        ({"provisioning_state": "Canceled", "connection_status": ""}, "Canceled"),
        ({"connection_status": "Rejected"}, "Rejected"),
        ({"connection_status": "Disconnected"}, "Disconnected"),
        ({"provisioning_state": "Failed", "connection_status": "Rejected"}, "Rejected"),
    ],
)
def test_broken_endpoints_are_replaced_only_on_request(fields, what):
    """Without replace_broken a broken endpoint is a conflict whose remedy says so; with it, a replace step."""
    broken = an_endpoint("purview_blob", "blob", **fields)
    reason = f"The endpoint 'purview_blob' is {what}; Azure cannot repair it, only delete it and create it again."
    conflict, replace = step_for("blob", broken), step_for("blob", broken, replace_broken=True)
    assert (conflict.action, conflict.reason) == ("conflict", reason)
    assert conflict.remedy == (
        "Set Spec.replace_broken to True to have it replaced; the new connection needs a new approval."
    )
    assert (replace.action, replace.reason, replace.remedy) == ("replace", reason, None)


def test_a_replaced_endpoint_keeps_its_name():
    """Identity counts, not the name: what is replaced is made again under the name that it has."""
    broken = an_endpoint("lake-blob", "blob", connection_status="Rejected")
    assert step_for("blob", broken, replace_broken=True).name == "lake-blob"


def test_nothing_healthy_is_replaced():
    """replace_broken touches no endpoint that is Pending, Approved or in the making."""
    healthy = [
        an_endpoint("purview", connection_status="Pending"),
        an_endpoint("purview_blob", "blob"),
        an_endpoint("purview_queue", "queue", provisioning_state="Provisioning", connection_status=""),
        an_endpoint("purview_namespace", "namespace", connection_status=""),
    ]
    assert actions(plan(*healthy, replace_broken=True)) == ["keep"] * 4


# --- conflicts


def test_a_name_that_is_taken_is_a_conflict():
    """The other endpoint is named with what it points to, and is not touched."""
    other = an_endpoint("Purview_Blob", "dfs", resource_id=OTHER_STORAGE)
    step = step_for("blob", other)
    assert (step.action, step.name) == ("conflict", "purview_blob")
    assert step.reason == f"The name 'Purview_Blob' is taken by an endpoint to {OTHER_STORAGE} (dfs)."
    assert step.remedy == ("Choose another base name, or set Spec.names['blob']; the existing endpoint is not touched.")


def test_a_taken_name_of_which_azure_tells_nothing_more():
    """An endpoint whose target and group Azure does not show is told as such."""
    other = an_endpoint("purview_blob", "", resource_id="")
    assert step_for("blob", other).reason == (
        "The name 'purview_blob' is taken by an endpoint to another target (no group id)."
    )


def test_a_taken_name_does_not_matter_where_the_target_is_reached():
    """Where the target has an endpoint already, nobody needs the name."""
    made = plan(an_endpoint("lake", "blob"), an_endpoint("purview_blob", "dfs", resource_id=OTHER_STORAGE))
    assert actions(made) == ["create", "keep", "create", "create"]


def test_a_reserved_endpoint_is_a_conflict():
    """What belongs to the service itself is neither used nor replaced."""
    step = step_for("blob", an_endpoint("svc", "blob", reserved=True, provisioning_state="Failed"), replace_broken=True)
    assert (step.action, step.name) == ("conflict", "svc")
    assert step.reason == "The endpoint 'svc' to this target belongs to the service itself and is never touched."
    assert step.remedy == "Ask Microsoft, or leave this group id out with Spec.groups."


@pytest.mark.parametrize("state", ["Deleting", "deleting", "Deleted"])
def test_an_endpoint_on_its_way_out_is_made_again(state):
    """A deletion that is under way is waited for; the new endpoint has the name that the spec says."""
    step = step_for("blob", an_endpoint("lake-blob", "blob", provisioning_state=state))
    assert (step.action, step.name) == ("create", "purview_blob")
    assert step.reason == "The endpoint 'lake-blob' to this target is being deleted; creation waits for that."


def test_a_name_that_becomes_free_is_no_conflict():
    """An endpoint that is being deleted gives its name back."""
    other = an_endpoint("purview_blob", "dfs", resource_id=OTHER_STORAGE, provisioning_state="Deleting")
    assert step_for("blob", other).action == "create"


def test_a_name_that_is_taken_stays_taken_while_another_endpoint_goes():
    """That the old endpoint to the target is on its way out does not free the name that the spec wants."""
    step = step_for(
        "blob",
        an_endpoint("lake", "blob", provisioning_state="Deleting"),
        an_endpoint("purview_blob", "dfs", resource_id=OTHER_STORAGE),
    )
    assert (step.action, step.name) == ("conflict", "purview_blob")


# --- the managed virtual network


def test_a_missing_network_is_a_step():
    """The network comes first, without group id, and the endpoints follow."""
    first, *rest = plan(networks=()).steps
    assert (first.action, first.name, first.group_id, first.resource_id) == ("create", "default", None, NETWORK)
    assert first.reason == "The factory has no managed virtual network."
    assert [step.action for step in rest] == ["create"] * 4


def test_a_network_is_found_in_any_letter_case():
    """Azure echoes names in another letter case."""
    assert [step.group_id for step in plan(networks=("DEFAULT",)).steps] == [t.group_id for t in TARGETS]


def test_a_network_of_another_name_is_a_conflict():
    """A factory has one managed virtual network; a second one is not asked for."""
    first, *_ = plan(networks=("corp-vnet",)).steps
    assert (first.action, first.resource_id) == ("conflict", NETWORK)
    assert first.reason == "The factory's managed virtual network is called 'corp-vnet', not 'default'."
    assert first.remedy == "Set Spec.managed_virtual_network to 'corp-vnet'."


# --- groups


def test_groups_choose_and_order_the_targets():
    """Only the chosen group ids are planned, in the order chosen."""
    assert [step.group_id for step in plan(groups=("queue", "account")).steps] == ["queue", "account"]


def test_optional_groups_go_to_the_account():
    """`platform` and `portal` are no part of lineage; on request they point to the account itself."""
    made = plan(groups=("account", "platform"))
    assert [(step.name, step.resource_id) for step in made.steps] == [
        ("purview", ACCOUNT),
        ("purview_platform", ACCOUNT),
    ]
    [target] = needed_targets(a_spec(groups=("platform",)), an_account())
    assert target == Target(group_id="platform", resource_id=ACCOUNT, connections="account")


def test_portal_endpoints_are_warned_of():
    """A managed endpoint for `portal` helps nobody who searches from the browser."""
    [finding] = plan(groups=("portal",)).warnings
    assert (finding.code, finding.severity) == ("portal-needs-the-browser", "warning")
    assert finding.message == (
        "A managed private endpoint for 'portal' does not help people who search from the browser."
    )


def test_a_group_that_the_account_does_not_offer_is_refused():
    """An account without Event Hubs cannot have an endpoint for them; the message says what it offers."""
    account = an_account(shape="B", targets=TARGETS[:3])
    with pytest.raises(UnsupportedSetup) as caught:
        plan(account=account, groups=("account", "namespace"))
    assert str(caught.value) == (
        "Spec.groups asks for namespace, and the account 'pv1' (shape B) offers only account, blob, queue.\n"
        "  What to do: Remove namespace from Spec.groups, or leave it at None to follow the account."
    )


@pytest.mark.parametrize(("shape", "count"), [("B", 3), ("C", 3), ("A", 4)])
def test_without_groups_the_account_decides(shape, count):
    """An account without Event Hubs gets three endpoints without complaint."""
    made = plan(account=an_account(shape=shape, targets=TARGETS[:count]))
    assert actions(made) == ["create"] * count
    assert made.warnings == ()


# --- accounts that do not tell

UNKNOWN = Finding(
    code="shape-unknown",
    severity="error",
    message="It is not known which ingestion endpoints the account needs.",
    cause="The account is still being created.",
    evidence=("provisioningState: Creating",),
    remedy="Wait until the account is created, then try again.",
)


@pytest.mark.parametrize("groups", [None, ("account", "blob")])
def test_an_account_that_does_not_tell_is_refused(groups):
    """Shape F explains why it cannot be told, and what to do."""
    odd = Finding(code="unexpected-id", severity="warning", message="m")
    account = an_account(shape="F", targets=TARGETS[:1], warnings=(odd, UNKNOWN))
    with pytest.raises(UnsupportedSetup) as caught:
        plan(account=account, groups=groups)
    assert str(caught.value) == (
        "It is not known which ingestion endpoints the account needs. The account is still being created. "
        "('pv1', provisioningState: Creating)\n"
        "  What to do: Wait until the account is created, then try again."
    )


def test_the_account_endpoint_alone_is_possible_all_the_same():
    """Shape F does not stand in the way of what can be told."""
    account = an_account(shape="F", targets=TARGETS[:1], warnings=(UNKNOWN,))
    made = plan(account=account, groups=("account",))
    assert (actions(made), codes(made)) == (["create"], ["shape-unknown"])


def test_an_account_from_a_file_may_have_lost_its_warnings():
    """An account of shape F without its finding, from an edited report say, is refused all the same."""
    with pytest.raises(UnsupportedSetup, match=r"It is not known which ingestion endpoints the account 'pv1' needs"):
        plan(account=an_account(shape="F", targets=TARGETS[:1]))


@pytest.mark.parametrize("groups", [None, ("account", "blob", "namespace")])
def test_an_unreadable_account_gets_what_can_be_told(groups):
    """Without Reader on the account only its own endpoint is planned, with the warning that says why."""
    unread = Finding(code="account-unreadable", severity="warning", message="m")
    account = an_account(shape=None, firewall=None, targets=TARGETS[:1], warnings=(unread,))
    made = plan(account=account, groups=groups)
    assert [step.group_id for step in made.steps] == ["account"]
    assert codes(made) == ["account-unreadable"]


@pytest.mark.parametrize(
    ("remedy", "told"),
    [("Ask for Reader.", "Ask for Reader."), ("", "Look at the account's warnings with discover(account).")],
)
def test_of_an_unreadable_account_nothing_else_is_promised(remedy, told):
    """A spec without the account endpoint is refused: a plan without steps would look as if all were done."""
    unread = Finding(code="account-unreadable", severity="warning", message="It is hidden.", remedy=remedy)
    account = an_account(shape=None, firewall=None, targets=TARGETS[:1], warnings=(unread,))
    with pytest.raises(UnsupportedSetup) as caught:
        plan(account=account, groups=("blob", "queue"))
    assert caught.value.message == (
        "Spec.groups asks only for blob and queue, but only the account endpoint of the account 'pv1' is known."
        + (" It is hidden." if remedy else "")
    )
    assert caught.value.remedy == told


# --- warnings


def test_errors_come_first():
    """Warnings are sorted: errors, then warnings, then information."""
    warnings = tuple(Finding(code=s, severity=s, message="m") for s in ("info", "warning", "error"))
    assert codes(plan(account=an_account(warnings=warnings))) == ["error", "warning", "info"]


def test_an_open_firewall_is_told():
    """Behind an open firewall nothing is needed; the plan is made all the same."""
    made = plan(account=an_account(firewall="enabled-from-all-networks"))
    [finding] = made.warnings
    assert (finding.code, finding.severity) == ("firewall-open", "info")
    assert finding.message == "The account 'pv1' accepts all networks, so lineage needs no private endpoint."
    assert actions(made) == ["create"] * 4


def test_names_that_may_be_too_long_are_warned_of():
    """Only what would be written is warned of: the name of an endpoint that exists was taken."""
    base = "p" * 61
    [finding] = plan(an_endpoint("lake", "blob"), name=base, groups=("account", "blob")).warnings
    assert (finding.code, finding.severity) == ("name-may-be-too-long", "warning")
    assert finding.message == (
        f"The private endpoint behind '{base}' will be called 'df1.{base}', which has 65 characters; "
        "Azure documents at most 64 for such names."
    )


# --- obsolete endpoints


def obsolete(*endpoints, account, **fields) -> list[str]:
    return [endpoint.name for endpoint in plan(*endpoints, account=account, **fields).obsolete]


def test_endpoints_to_retired_resources_are_obsolete():
    """What points to a storage account that Purview no longer ingests through serves nothing any more."""
    targets = (TARGETS[0], *(t.model_copy(update={"resource_id": OTHER_STORAGE}) for t in TARGETS[1:3]))
    account = an_account(shape="E", targets=targets, retired=(STORAGE,))
    old = an_endpoint("anything", "blob", resource_id=STORAGE.lower() + "/")
    assert obsolete(old, an_endpoint("b", "blob", resource_id=OTHER_STORAGE), account=account) == ["anything"]


@pytest.mark.parametrize("name", ["anything", "other_blob"])
def test_endpoints_to_former_managed_resources_are_obsolete(name):
    """What was in the account's managed resource group and is not used any more served it once, whatever its name."""
    account = an_account(shape="B", targets=TARGETS[:3], managed_group=GROUP.upper().replace("/SUB", "/sub"))
    former = f"{GROUP}/providers/Microsoft.EventHub/namespaces/atlas-former"
    assert obsolete(an_endpoint(name, "namespace", resource_id=former), account=account) == [name]


@pytest.mark.parametrize(
    ("group", "endpoint"),
    [
        (None, an_endpoint("anything", "namespace", resource_id=NAMESPACE)),
        (f"{GROUP}-2", an_endpoint("anything", "namespace", resource_id=NAMESPACE)),
        (GROUP, an_endpoint("anything", "file", resource_id=STORAGE)),
        (GROUP, an_endpoint("anything", "blob", resource_id="")),
    ],
)
def test_other_resources_are_not_called_former_ones(group, endpoint):
    """Neither what is in another group, nor what the account uses, nor what shows no target."""
    assert obsolete(endpoint, account=an_account(shape="B", targets=TARGETS[:3], managed_group=group)) == []


def test_an_endpoint_for_event_hubs_that_are_gone_is_obsolete():
    """Our own namespace endpoint of an account whose Event Hubs were removed is recognised by name and group id."""
    account = an_account(shape="B", targets=TARGETS[:3])
    ours = an_endpoint("PURVIEW_namespace", "Namespace", resource_id=NAMESPACE)
    assert obsolete(ours, account=account) == ["PURVIEW_namespace"]


@pytest.mark.parametrize(
    "endpoint",
    [
        an_endpoint("purview_namespace_2", "namespace", resource_id=NAMESPACE),
        an_endpoint("purview_namespace", "dfs", resource_id=NAMESPACE),
        an_endpoint("purview_namespace", "namespace", resource_id=NAMESPACE, reserved=True),
        an_endpoint("purview", "account"),
    ],
)
def test_a_resemblance_is_not_enough(endpoint):
    """A prefix, another group id, a reserved endpoint or one in use is not called obsolete."""
    assert obsolete(endpoint, account=an_account(shape="B", targets=TARGETS[:3])) == []


def test_what_is_merely_not_chosen_is_not_obsolete():
    """Leaving a group out with Spec.groups says nothing about the endpoints that others may use."""
    account = an_account(shape="B", targets=TARGETS[:3])
    ours = an_endpoint("purview_namespace", "namespace", resource_id=NAMESPACE)
    assert obsolete(ours, account=account, groups=("account",)) == []


def test_nothing_is_obsolete_on_a_guess():
    """Where the account cannot be read, or does not tell, nothing is called obsolete."""
    ours = an_endpoint("purview_namespace", "namespace", resource_id=NAMESPACE)
    assert obsolete(ours, account=an_account(shape=None, targets=TARGETS[:1])) == []
    account = an_account(shape="F", targets=TARGETS[:1], warnings=(UNKNOWN,))
    assert obsolete(ours, account=account, groups=("account",)) == []


def test_a_plan_is_a_pure_function():
    """The same input gives the same plan, and is not changed."""
    spec, account, factory = a_spec(), an_account(), a_factory(an_endpoint("x", "blob"))
    before = (spec.model_dump(), account.model_dump(), factory.model_dump())
    assert make_plan(spec, account, factory) == make_plan(Spec(**spec.model_dump()), account, factory)
    assert (spec.model_dump(), account.model_dump(), factory.model_dump()) == before
