"""The plan: one test per kind of step, with the texts that the user reads."""

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


def test_empty_factory_creates_every_endpoint():
    """One endpoint per target, in the account's order, with the derived names."""
    made = plan()
    assert actions(made) == ["create"] * 4
    assert tuple(step.name for step in made.steps) == ALL_NAMES
    assert [(s.resource_id, s.group_id) for s in made.steps] == [(t.resource_id, t.group_id) for t in TARGETS]
    assert {step.reason for step in made.steps} == {"No endpoint of the factory points to this target and group id."}


def test_existing_endpoints_are_kept():
    """A factory with all four endpoints needs no change."""
    made = plan(*(an_endpoint(name, target.group_id) for name, target in zip(ALL_NAMES, TARGETS, strict=True)))
    assert actions(made) == ["keep"] * 4
    assert (made.changes, made.conflicts) == ((), ())
    assert {step.reason for step in made.steps} == {"The endpoint exists."}


def test_endpoint_with_another_name_is_kept():
    """Azure refuses a second endpoint to the same target, so the existing one serves."""
    step = step_for("blob", an_endpoint("lake-blob", "blob"))
    assert (step.action, step.name) == ("keep", "lake-blob")
    assert step.reason == "An endpoint to this target exists under the name 'lake-blob'."


@pytest.mark.parametrize("name", ["PURVIEW_blob", "lake"])
def test_letter_case_does_not_matter(name):
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
def test_endpoint_in_creation_or_unknown_state_is_kept(state, reason):
    """Azure may add states: an endpoint in an unknown state is waited for, not replaced."""
    step = step_for("blob", an_endpoint("purview_blob", "blob", provisioning_state=state, connection_status=""))
    assert (step.action, step.reason) == ("keep", reason)


def test_endpoint_to_another_target_or_group_does_not_count():
    """Another group id on the same target, or the same group id on another target, is another endpoint."""
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
def test_broken_endpoint_is_replaced_only_with_replace_broken(fields, what):
    """Without replace_broken, it is a conflict whose remedy names the option; with it, a replace step."""
    broken = an_endpoint("purview_blob", "blob", **fields)
    reason = f"The endpoint 'purview_blob' is {what}; Azure cannot repair it, only delete it and create it again."
    conflict, replace = step_for("blob", broken), step_for("blob", broken, replace_broken=True)
    assert (conflict.action, conflict.reason) == ("conflict", reason)
    assert conflict.remedy == (
        "Set Spec.replace_broken to True to have it replaced; the new connection needs a new approval."
    )
    assert (replace.action, replace.reason, replace.remedy) == ("replace", reason, None)


def test_replaced_endpoint_keeps_its_name():
    """The new endpoint has the name of the broken one, not the derived name."""
    broken = an_endpoint("lake-blob", "blob", connection_status="Rejected")
    assert step_for("blob", broken, replace_broken=True).name == "lake-blob"


def test_healthy_endpoints_are_not_replaced():
    """replace_broken does not touch endpoints that are Pending, Approved or in creation."""
    healthy = [
        an_endpoint("purview", connection_status="Pending"),
        an_endpoint("purview_blob", "blob"),
        an_endpoint("purview_queue", "queue", provisioning_state="Provisioning", connection_status=""),
        an_endpoint("purview_namespace", "namespace", connection_status=""),
    ]
    assert actions(plan(*healthy, replace_broken=True)) == ["keep"] * 4


# --- conflicts


def test_taken_name_is_a_conflict():
    """The reason names the other endpoint's target; the other endpoint is not touched."""
    other = an_endpoint("Purview_Blob", "dfs", resource_id=OTHER_STORAGE)
    step = step_for("blob", other)
    assert (step.action, step.name) == ("conflict", "purview_blob")
    assert step.reason == f"The name 'Purview_Blob' is taken by an endpoint to {OTHER_STORAGE} (dfs)."
    assert step.remedy == ("Choose another base name, or set Spec.names['blob']; the existing endpoint is not touched.")


def test_taken_name_with_unknown_target_is_a_conflict():
    """If Azure shows neither target nor group id, the reason says so."""
    other = an_endpoint("purview_blob", "", resource_id="")
    assert step_for("blob", other).reason == (
        "The name 'purview_blob' is taken by an endpoint to another target (no group id)."
    )


def test_taken_name_does_not_matter_if_the_target_has_an_endpoint():
    """The existing endpoint is kept, so the plan does not need the name."""
    made = plan(an_endpoint("lake", "blob"), an_endpoint("purview_blob", "dfs", resource_id=OTHER_STORAGE))
    assert actions(made) == ["create", "keep", "create", "create"]


def test_reserved_endpoint_is_a_conflict():
    """An endpoint that belongs to the service is neither used nor replaced."""
    step = step_for("blob", an_endpoint("svc", "blob", reserved=True, provisioning_state="Failed"), replace_broken=True)
    assert (step.action, step.name) == ("conflict", "svc")
    assert step.reason == "The endpoint 'svc' to this target belongs to the service itself and is never touched."
    assert step.remedy == "Ask Microsoft, or leave this group id out with Spec.groups."


@pytest.mark.parametrize("state", ["Deleting", "deleting", "Deleted"])
def test_endpoint_in_deletion_is_created_again(state):
    """The plan waits for the deletion; the new endpoint has the name from the spec."""
    step = step_for("blob", an_endpoint("lake-blob", "blob", provisioning_state=state))
    assert (step.action, step.name) == ("create", "purview_blob")
    assert step.reason == "The endpoint 'lake-blob' to this target is being deleted; creation waits for that."


def test_name_of_an_endpoint_in_deletion_is_free():
    """The deletion of the other endpoint frees its name."""
    other = an_endpoint("purview_blob", "dfs", resource_id=OTHER_STORAGE, provisioning_state="Deleting")
    assert step_for("blob", other).action == "create"


def test_name_stays_taken_if_another_endpoint_is_in_deletion():
    """The deletion of the old endpoint to the target does not free a name that a third endpoint holds."""
    step = step_for(
        "blob",
        an_endpoint("lake", "blob", provisioning_state="Deleting"),
        an_endpoint("purview_blob", "dfs", resource_id=OTHER_STORAGE),
    )
    assert (step.action, step.name) == ("conflict", "purview_blob")


# --- the managed virtual network


def test_missing_network_is_created_first():
    """The network step has no group id, and the endpoint steps follow."""
    first, *rest = plan(networks=()).steps
    assert (first.action, first.name, first.group_id, first.resource_id) == ("create", "default", None, NETWORK)
    assert first.reason == "The factory has no managed virtual network."
    assert [step.action for step in rest] == ["create"] * 4


def test_network_is_found_in_any_letter_case():
    """Azure may return names in another letter case."""
    assert [step.group_id for step in plan(networks=("DEFAULT",)).steps] == [t.group_id for t in TARGETS]


def test_network_with_another_name_is_a_conflict():
    """A factory can have only one managed virtual network, so the plan does not create a second one."""
    first, *_ = plan(networks=("corp-vnet",)).steps
    assert (first.action, first.resource_id) == ("conflict", NETWORK)
    assert first.reason == "The factory's managed virtual network is called 'corp-vnet', not 'default'."
    assert first.remedy == "Set Spec.managed_virtual_network to 'corp-vnet'."


# --- groups


def test_groups_select_and_order_the_targets():
    """Only the chosen group ids are planned, in the given order."""
    assert [step.group_id for step in plan(groups=("queue", "account")).steps] == ["queue", "account"]


def test_optional_groups_point_to_the_account():
    """`platform` and `portal` are not needed for lineage; if requested, they point to the account."""
    made = plan(groups=("account", "platform"))
    assert [(step.name, step.resource_id) for step in made.steps] == [
        ("purview", ACCOUNT),
        ("purview_platform", ACCOUNT),
    ]
    [target] = needed_targets(a_spec(groups=("platform",)), an_account())
    assert target == Target(group_id="platform", resource_id=ACCOUNT, connections="account")


def test_portal_endpoint_gives_a_warning():
    """A managed endpoint for `portal` does not serve people who search from the browser."""
    [finding] = plan(groups=("portal",)).warnings
    assert (finding.code, finding.severity) == ("portal-needs-the-browser", "warning")
    assert finding.message == (
        "A managed private endpoint for 'portal' does not help people who search from the browser."
    )


def test_group_that_the_account_does_not_offer_is_refused():
    """An account without Event Hubs cannot have a namespace endpoint; the message lists the group ids it offers."""
    account = an_account(shape="B", targets=TARGETS[:3])
    with pytest.raises(UnsupportedSetup) as caught:
        plan(account=account, groups=("account", "namespace"))
    assert str(caught.value) == (
        "Spec.groups asks for namespace, and the account 'pv1' (shape B) offers only account, blob, queue.\n"
        "  What to do: Remove namespace from Spec.groups, or leave it at None to follow the account."
    )


@pytest.mark.parametrize(("shape", "count"), [("B", 3), ("C", 3), ("A", 4)])
def test_without_groups_the_account_decides(shape, count):
    """An account without Event Hubs gets three endpoints and no warning."""
    made = plan(account=an_account(shape=shape, targets=TARGETS[:count]))
    assert actions(made) == ["create"] * count
    assert made.warnings == ()


# --- accounts of unknown shape

UNKNOWN = Finding(
    code="shape-unknown",
    severity="error",
    message="It is not known which ingestion endpoints the account needs.",
    cause="The account is still being created.",
    evidence=("provisioningState: Creating",),
    remedy="Wait until the account is created, then try again.",
)


@pytest.mark.parametrize("groups", [None, ("account", "blob")])
def test_unknown_shape_is_refused(groups):
    """The error explains why shape F has no known targets, and what to do."""
    odd = Finding(code="unexpected-id", severity="warning", message="m")
    account = an_account(shape="F", targets=TARGETS[:1], warnings=(odd, UNKNOWN))
    with pytest.raises(UnsupportedSetup) as caught:
        plan(account=account, groups=groups)
    assert str(caught.value) == (
        "It is not known which ingestion endpoints the account needs. The account is still being created. "
        "('pv1', provisioningState: Creating)\n"
        "  What to do: Wait until the account is created, then try again."
    )


def test_unknown_shape_allows_the_account_endpoint():
    """The target `account` is known even in shape F."""
    account = an_account(shape="F", targets=TARGETS[:1], warnings=(UNKNOWN,))
    made = plan(account=account, groups=("account",))
    assert (actions(made), codes(made)) == (["create"], ["shape-unknown"])


def test_unknown_shape_without_its_warning_is_refused():
    """An account of shape F whose finding is missing, for example from an edited report, is refused too."""
    with pytest.raises(UnsupportedSetup, match=r"It is not known which ingestion endpoints the account 'pv1' needs"):
        plan(account=an_account(shape="F", targets=TARGETS[:1]))


@pytest.mark.parametrize("groups", [None, ("account", "blob", "namespace")])
def test_unreadable_account_plans_only_the_account_endpoint(groups):
    """Without Reader on the account, the plan has one endpoint and the warning that says why."""
    unread = Finding(code="account-unreadable", severity="warning", message="m")
    account = an_account(shape=None, firewall=None, targets=TARGETS[:1], warnings=(unread,))
    made = plan(account=account, groups=groups)
    assert [step.group_id for step in made.steps] == ["account"]
    assert codes(made) == ["account-unreadable"]


@pytest.mark.parametrize(
    ("remedy", "expected"),
    [("Ask for Reader.", "Ask for Reader."), ("", "Look at the account's warnings with discover(account).")],
)
def test_unreadable_account_without_the_account_group_is_refused(remedy, expected):
    """A plan without steps would look as if everything were done."""
    unread = Finding(code="account-unreadable", severity="warning", message="It is hidden.", remedy=remedy)
    account = an_account(shape=None, firewall=None, targets=TARGETS[:1], warnings=(unread,))
    with pytest.raises(UnsupportedSetup) as caught:
        plan(account=account, groups=("blob", "queue"))
    assert caught.value.message == (
        "Spec.groups asks only for blob and queue, but only the account endpoint of the account 'pv1' is known."
        + (" It is hidden." if remedy else "")
    )
    assert caught.value.remedy == expected


# --- warnings


def test_warnings_are_sorted_by_severity():
    """Errors come first, then warnings, then information."""
    warnings = tuple(Finding(code=s, severity=s, message="m") for s in ("info", "warning", "error"))
    assert codes(plan(account=an_account(warnings=warnings))) == ["error", "warning", "info"]


def test_open_firewall_is_reported():
    """An open firewall needs no endpoints; the plan is made all the same."""
    made = plan(account=an_account(firewall="enabled-from-all-networks"))
    [finding] = made.warnings
    assert (finding.code, finding.severity) == ("firewall-open", "info")
    assert finding.message == "The account 'pv1' accepts all networks, so lineage needs no private endpoint."
    assert actions(made) == ["create"] * 4


def test_long_name_gives_a_warning():
    """Only names that would be written get the warning, because Azure already accepted existing names."""
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


def test_endpoint_to_a_retired_resource_is_obsolete():
    """The endpoint points to a storage account that Purview no longer uses for ingestion."""
    targets = (TARGETS[0], *(t.model_copy(update={"resource_id": OTHER_STORAGE}) for t in TARGETS[1:3]))
    account = an_account(shape="E", targets=targets, retired=(STORAGE,))
    old = an_endpoint("anything", "blob", resource_id=STORAGE.lower() + "/")
    assert obsolete(old, an_endpoint("b", "blob", resource_id=OTHER_STORAGE), account=account) == ["anything"]


@pytest.mark.parametrize("name", ["anything", "other_blob"])
def test_endpoint_to_a_former_managed_resource_is_obsolete(name):
    """The target is in the account's managed resource group and no longer in use; the name does not matter."""
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
def test_other_resources_are_not_obsolete(group, endpoint):
    """Targets in another group, targets in use and unknown targets are not former managed resources."""
    assert obsolete(endpoint, account=an_account(shape="B", targets=TARGETS[:3], managed_group=group)) == []


def test_endpoint_to_removed_event_hubs_is_obsolete():
    """The namespace endpoint of an account without Event Hubs is recognised by derived name and group id."""
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
def test_similar_name_is_not_obsolete(endpoint):
    """A longer name, another group id, a reserved endpoint or one in use is not obsolete."""
    assert obsolete(endpoint, account=an_account(shape="B", targets=TARGETS[:3])) == []


def test_unselected_group_is_not_obsolete():
    """Omitting a group id from Spec.groups says nothing about endpoints that other people may use."""
    account = an_account(shape="B", targets=TARGETS[:3])
    ours = an_endpoint("purview_namespace", "namespace", resource_id=NAMESPACE)
    assert obsolete(ours, account=account, groups=("account",)) == []


def test_nothing_is_obsolete_if_the_account_is_unknown():
    """If the account is unreadable or of shape F, no endpoint is called obsolete."""
    ours = an_endpoint("purview_namespace", "namespace", resource_id=NAMESPACE)
    assert obsolete(ours, account=an_account(shape=None, targets=TARGETS[:1])) == []
    account = an_account(shape="F", targets=TARGETS[:1], warnings=(UNKNOWN,))
    assert obsolete(ours, account=account, groups=("account",)) == []


def test_plan_is_a_pure_function():
    """The same input gives the same plan, and the input is not changed."""
    spec, account, factory = a_spec(), an_account(), a_factory(an_endpoint("x", "blob"))
    before = (spec.model_dump(), account.model_dump(), factory.model_dump())
    assert make_plan(spec, account, factory) == make_plan(Spec(**spec.model_dump()), account, factory)
    assert (spec.model_dump(), account.model_dump(), factory.model_dump()) == before
