"""create_all, from nothing and onto existing endpoints, in both colours: what is written, and what is left alone."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from purview_mpe import Client, aio
from purview_mpe.emulator import Emulator
from purview_mpe.errors import AccessDenied, NotFound, PlanConflict, UnsupportedSetup
from tests.support.colours import spec_for
from tests.support.moments import Before, Died, DiesAfter
from tests.support.nouns import ALL_NAMES
from tests.support.reports import create, results

ENDPOINTS = "/managedPrivateEndpoints"


def puts(emulator) -> list[str]:
    """The names of the endpoints that were created, sorted."""
    return sorted(r.path.rpartition("/")[2] for r in emulator.requests if r.method == "PUT" and ENDPOINTS in r.path)


def made(emulator) -> set[tuple[str, str]]:
    return {(endpoint.group_id, endpoint.target.casefold()) for endpoint in emulator.endpoints()}


# --- how much is written


def test_four_requests_make_four_endpoints(colour, emulator):
    """From nothing exactly four PUTs are sent, one per endpoint, each with its own body."""
    report = create(colour, emulator)
    assert puts(emulator) == sorted(ALL_NAMES)
    assert results(report) == dict.fromkeys(ALL_NAMES, "created")
    assert (report.succeeded, report.complete, report.verb) == (True, True, "create_all")
    targets = emulator.targets(emulator.account)
    assert {r.path.rpartition("/")[2]: r.body for r in emulator.writes} == {
        name: {"properties": {"privateLinkResourceId": str(targets[group]), "groupId": group, "fqdns": []}}
        for name, group in zip(ALL_NAMES, ("account", "blob", "queue", "namespace"), strict=True)
    }


def test_outcomes_show_the_exact_private_endpoint(colour, emulator):
    """The report has what an approver needs: target, group and the private endpoint's exact id."""
    report = create(colour, emulator)
    there = {endpoint.name: endpoint for endpoint in emulator.endpoints()}
    for outcome in report.outcomes:
        endpoint = there[outcome.name]
        assert outcome.private_endpoint_id == endpoint.private_endpoint_id
        assert (outcome.group_id, outcome.resource_id) == (endpoint.group_id, endpoint.target)
        assert outcome.error is None
        assert outcome.seconds >= 90


def test_a_second_run_writes_nothing(colour, emulator):
    """A second call keeps everything, with no write and at most five requests."""
    create(colour, emulator)
    before = len(emulator.requests)
    report = create(colour, emulator)
    asked = emulator.requests[before:]
    assert results(report) == dict.fromkeys(ALL_NAMES, "kept")
    assert {request.method for request in asked} == {"GET"}
    assert len(asked) <= 5


@pytest.mark.parametrize(("seconds", "most"), [(30, 16), (90, 32), (600, 69)])
def test_a_round_of_waiting_is_one_list(colour, seconds, most):
    """Each round reads one list, however many endpoints are waited for; the pauses grow with the time."""
    emulator = Emulator(provisioning=seconds)
    rounds = []
    create(
        colour,
        emulator,
        client_options={"on_event": lambda event: rounds.append(event) if event.kind == "waiting" else None},
    )
    after = emulator.requests[1 + max(i for i, r in enumerate(emulator.requests) if r.method == "PUT") :]
    assert {(r.method, r.path.rpartition("/")[2]) for r in after} == {("GET", "managedPrivateEndpoints")}
    assert len(after) == len(rounds) <= most


def test_waiting_ends_soon_after_the_work(colour):
    """A wait takes at most a tenth longer than the work it waits for."""
    emulator = Emulator(provisioning=300)
    create(colour, emulator)
    assert 300 <= emulator.clock.elapsed <= 330


def test_pages_are_followed(colour):
    """Lists of one item per page are read to their end."""
    emulator = Emulator(page_size=1)
    create(colour, emulator)
    assert results(create(colour, emulator)) == dict.fromkeys(ALL_NAMES, "kept")


# --- runs that are interrupted


@pytest.mark.parametrize("done", range(5))
def test_an_interrupted_run_is_finished_by_the_next(colour, emulator, done):
    """After a run that ended after k of its four requests, a second run sends the other 4 - k."""

    def die(_number):
        if len(emulator.endpoints()) == 4:
            raise Died

    moment = DiesAfter("PUT", ENDPOINTS, done) if done < 4 else Before("GET", ENDPOINTS, die)
    with pytest.raises(Died):
        create(colour, emulator, client_options={"per_retry_policies": [moment]})
    assert len(puts(emulator)) == done
    report = create(colour, emulator)
    assert sorted(results(report).values()) == ["created"] * (4 - done) + ["kept"] * done
    assert puts(emulator) == sorted(ALL_NAMES)
    assert len(made(emulator)) == 4


@pytest.mark.parametrize(("method", "result"), [("PUT", "failed"), ("GET", "created")])
def test_an_interruption_carries_the_report(colour, method, result):
    """Interrupted before the first write, nothing is created; interrupted while waiting, all four endpoints are."""
    emulator = Emulator(provisioning=900)
    shown = itertools.count()

    def die(_number):
        # The first list after all writes reaches the verb; the next one is interrupted.
        if method == "PUT" or (len(emulator.endpoints()) == 4 and next(shown)):
            raise Died

    with pytest.raises(Died) as caught:
        create(colour, emulator, client_options={"per_retry_policies": [Before(method, ENDPOINTS, die)]})
    outcomes = caught.value.report.outcomes
    assert {outcome.result for outcome in outcomes} == {result}
    assert len(puts(emulator)) == (4 if result == "created" else 0)
    assert {o.error and o.error.code for o in outcomes} == {"interrupted" if result == "failed" else None}
    assert "create_all did not finish" in caught.value.__notes__[0]


# --- existing endpoints


@pytest.mark.parametrize("spelled", [str, str.upper, str.lower])
def test_an_endpoint_under_another_name_is_kept(colour, emulator, spelled):
    """An endpoint to the same target and group is not created again, whatever its name and letter case."""
    storage = str(emulator.targets(emulator.account)["blob"])
    emulator.add_endpoint(emulator.factory, "Lake", spelled(storage), spelled("blob"))
    report = create(colour, emulator)
    assert puts(emulator) == ["purview", "purview_namespace", "purview_queue"]
    assert results(report)["Lake"] == "kept"
    assert len(emulator.endpoints()) == 4


def test_a_taken_name_is_refused_before_the_first_write(colour, emulator):
    """The conflict names the existing endpoint and a remedy; nothing is written."""
    storage = str(emulator.targets(emulator.account)["blob"])
    emulator.add_endpoint(emulator.factory, "purview_blob", storage, "dfs")
    with pytest.raises(PlanConflict) as caught:
        create(colour, emulator)
    assert emulator.writes == []
    assert str(caught.value) == (
        "The plan has 1 conflict, so nothing was written:\n"
        f"  ! purview_blob: The name 'purview_blob' is taken by an endpoint to {storage} (dfs).\n"
        "    Choose another base name, or set Spec.names['blob']; the existing endpoint is not touched.\n"
        "  What to do: Follow the remedy beside each conflict, then plan again."
    )


def test_a_name_per_group_avoids_a_taken_name(colour, emulator):
    """The remedy of the conflict works: another name for this group."""
    emulator.add_endpoint(emulator.factory, "purview_blob", emulator.targets(emulator.account)["blob"], "dfs")
    report = create(colour, emulator, spec_for(emulator, names={"blob": "purview-blob"}))
    assert results(report)["purview-blob"] == "created"
    assert report.succeeded


def test_a_reserved_endpoint_is_never_touched(colour, emulator):
    """The service's own endpoint to one of the targets is a conflict, whatever the spec allows."""
    storage = emulator.targets(emulator.account)["blob"]
    emulator.add_endpoint(emulator.factory, "svc", storage, "blob", reserved=True, provisioning_state="Failed")
    with pytest.raises(PlanConflict, match="'svc' to this target belongs to the service itself"):
        create(colour, emulator, spec_for(emulator, replace_broken=True))
    assert emulator.writes == []


BROKEN = [
    {"provisioning_state": "Failed", "status": ""},
    {"status": "Rejected"},
    {"status": "Disconnected"},
]


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_endpoints_are_conflicts_without_replace_broken(colour, emulator, broken):
    """A broken endpoint stops the run before its first write."""
    emulator.add_endpoint(emulator.factory, "old", emulator.targets(emulator.account)["blob"], "blob", **broken)
    with pytest.raises(PlanConflict, match=r"Set Spec\.replace_broken to True"):
        create(colour, emulator)
    assert emulator.writes == []


@pytest.mark.parametrize("broken", BROKEN)
def test_replace_broken_replaces_broken_endpoints(colour, emulator, broken):
    """The endpoint is deleted, waited for and created again under its name; the others are created meanwhile."""
    storage = emulator.targets(emulator.account)["blob"]
    emulator.add_endpoint(emulator.factory, "old", storage, "blob", **broken)
    report = create(colour, emulator, spec_for(emulator, replace_broken=True))
    assert results(report) == {
        "purview": "created",
        "old": "replaced",
        "purview_queue": "created",
        "purview_namespace": "created",
    }
    assert [(r.method, r.path.rpartition("/")[2]) for r in emulator.writes if r.path.endswith("/old")] == [
        ("DELETE", "old"),
        ("PUT", "old"),
    ]
    assert {e.provisioning_state for e in emulator.endpoints()} == {"Succeeded"}


def test_replace_broken_leaves_healthy_endpoints_alone(colour, emulator):
    """replace_broken does nothing to endpoints that are pending or approved."""
    create(colour, emulator)
    emulator.approve("purview_blob")
    before = len(emulator.writes)
    report = create(colour, emulator, spec_for(emulator, replace_broken=True))
    assert set(results(report).values()) == {"kept"}
    assert len(emulator.writes) == before


def test_an_endpoint_that_is_being_deleted_is_waited_for(colour, emulator):
    """The name of an endpoint that is being deleted is requested again until it is free."""
    create(colour, emulator)
    colour.run(emulator, lambda client: client.delete_all(spec_for(emulator), timeout=1))
    assert {e.provisioning_state for e in emulator.endpoints()} == {"Deleting"}
    report = create(colour, emulator)
    assert results(report) == dict.fromkeys(ALL_NAMES, "created")
    assert len(made(emulator)) == len(emulator.endpoints()) == 4


def being_deleted_as(base, emulator):
    """Four endpoints under another base name, two of which are being deleted."""
    targets = emulator.targets(emulator.account)
    for group_id in ("account", "namespace"):
        emulator.add_endpoint(emulator.factory, f"{base}-{group_id}", targets[group_id], group_id)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        own = spec_for(emulator, name=base, groups=("blob", "queue"))
        client.create_all(own)
        client.delete_all(own, timeout=1)


def test_a_deletion_under_another_name_is_waited_for(colour, emulator):
    """Azure allows one endpoint per target and group, so the new one waits for the deletion, whatever its name."""
    being_deleted_as("legacy", emulator)
    before = len(emulator.requests)
    report = create(colour, emulator)
    assert results(report) == {
        "legacy-account": "kept",
        "purview_blob": "created",
        "purview_queue": "created",
        "legacy-namespace": "kept",
    }
    assert report.succeeded
    puts = [request.path.rpartition("/")[2] for request in emulator.requests[before:] if request.method == "PUT"]
    assert sorted(puts) == ["purview_blob", "purview_queue"]
    assert {e.provisioning_state for e in emulator.endpoints()} == {"Succeeded"}


def test_a_deletion_that_does_not_end_is_named(colour):
    """The error names the endpoint whose deletion was waited for; no endpoint was created in its place."""
    emulator = Emulator(deletion=4000)
    being_deleted_as("legacy", emulator)
    before = len(emulator.writes)
    report = colour.run(emulator, lambda client: client.create_all(spec_for(emulator), timeout=300))
    assert results(report)["purview_blob"] == results(report)["purview_queue"] == "timed-out"
    assert report.failures[0].error.message == (
        "Azure accepted the deletion of the endpoint 'legacy_blob', but still listed it when the time ran out."
    )
    assert len(emulator.writes) == before


def test_other_endpoints_of_the_factory_are_left_alone(colour, emulator):
    """Endpoints to other resources are neither written nor part of the outcomes."""
    other = emulator.add_account("other")
    emulator.add_endpoint(emulator.factory, "other", other, "account", status="Rejected")
    report = create(colour, emulator, spec_for(emulator, replace_broken=True))
    assert set(results(report)) == set(ALL_NAMES)
    assert not [r for r in emulator.writes if r.path.endswith("/other")]


# --- shapes


@pytest.mark.parametrize(
    ("shape", "groups"),
    [
        ("A", {"account", "blob", "queue", "namespace"}),
        ("B", {"account", "blob", "queue"}),
        ("C", {"account", "blob", "queue"}),
        ("D", {"account", "blob", "queue", "namespace"}),
        ("E", {"account", "blob", "queue"}),
    ],
)
def test_every_shape_gets_what_it_needs(colour, shape, groups):
    """The account's properties decide which endpoints are created; B and C get three."""
    emulator = Emulator(shape=shape)
    report = create(colour, emulator)
    assert {outcome.group_id for outcome in report.outcomes} == groups
    assert made(emulator) == {
        (g, str(t).casefold()) for g, t in emulator.targets(emulator.account).items() if g in groups
    }
    assert [finding.code for finding in report.warnings] == (["two-storages"] if shape == "E" else [])
    assert report.complete


@pytest.mark.parametrize("absence", ["absent", "null", "empty", "disabled"])
def test_an_account_without_event_hubs_gets_three_endpoints(colour, emulator, absence):
    """Absent, null, empty and disabled all mean the same."""
    account = emulator.add_account("contoso", shape="B", without_namespace=absence)
    report = create(colour, emulator, spec_for(emulator, account))
    assert [outcome.group_id for outcome in report.outcomes] == ["account", "blob", "queue"]


def test_an_account_that_hides_its_targets_is_refused(colour):
    """For shape F the error gives the reason and a remedy; nothing is written."""
    emulator = Emulator(shape="F")
    with pytest.raises(UnsupportedSetup) as caught:
        create(colour, emulator)
    assert str(caught.value) == (
        "It is not known which ingestion endpoints the account needs. The account is still being created. "
        "('pv1', provisioningState: Creating)\n"
        "  What to do: Wait until the account is created, then try again."
    )
    assert emulator.writes == []


# --- factories and accounts


def test_a_missing_network_is_created_first(colour, emulator):
    """A factory without managed virtual network gets one, and then its endpoints; a second run keeps all."""
    factory = emulator.add_factory("df2", managed_vnet=False)
    spec = spec_for(emulator, factory=str(factory))
    report = create(colour, emulator, spec)
    first, *rest = emulator.writes
    assert (first.path, first.body) == (f"{factory}/managedVirtualNetworks/default", {"properties": {}})
    assert len(rest) == 4
    network = report.outcomes[0]
    assert (network.name, network.group_id, network.result) == ("default", None, "created")
    assert report.complete
    before = len(emulator.writes)
    assert set(results(create(colour, emulator, spec)).values()) == {"kept"}
    assert len(emulator.writes) == before


def test_a_network_of_another_name_is_a_conflict(colour, emulator):
    """A second managed virtual network is not created."""
    with pytest.raises(PlanConflict, match="managed virtual network is called 'default', not 'corp'"):
        create(colour, emulator, spec_for(emulator, managed_virtual_network="corp"))
    assert emulator.writes == []


def test_without_account_the_connected_one_is_used(colour, emulator):
    """Spec.account None means the account that the factory is connected to."""
    report = create(colour, emulator, spec_for(emulator).model_copy(update={"account": None}))
    assert results(report) == dict.fromkeys(ALL_NAMES, "created")
    assert report.account.id == str(emulator.account)


def test_without_account_and_connection_the_error_names_both_remedies(colour, emulator):
    """Neither the spec nor the factory names an account."""
    factory = str(emulator.add_factory("df2"))
    with pytest.raises(UnsupportedSetup) as caught:
        create(colour, emulator, spec_for(emulator, factory=factory).model_copy(update={"account": None}))
    assert str(caught.value) == (
        "The factory 'df2' is not connected to a Purview account, and Spec.account is None.\n"
        "  What to do: Set Spec.account, or connect the factory first with connect(spec) or in Data Factory Studio "
        "under Manage, Microsoft Purview."
    )


def test_a_connection_to_something_other_than_an_account_is_refused(colour, emulator):
    """An id in the factory that is not an account's is reported, not followed."""
    factory = str(emulator.add_factory("df2", purview_account=str(emulator.factory)))
    with pytest.raises(
        UnsupportedSetup, match="The factory 'df2' is connected to something that is not a Purview account"
    ):
        create(colour, emulator, spec_for(emulator, factory=factory).model_copy(update={"account": None}))
    assert emulator.writes == []


def test_an_account_in_another_subscription(colour, emulator):
    """Account and factory may live in different subscriptions."""
    account = emulator.add_account("far", subscription="00000000-0000-0000-0000-0000000000ff")
    report = create(colour, emulator, spec_for(emulator, account))
    assert report.complete
    assert {outcome.resource_id.split("/")[2] for outcome in report.outcomes} == {
        "00000000-0000-0000-0000-0000000000ff"
    }


@pytest.mark.parametrize("odd", [str.upper, lambda text: text + "/"])
def test_ids_in_odd_letter_case_are_accepted(colour, emulator, odd):
    """Odd letter case and a trailing slash mean the same factory and account."""
    create(colour, emulator)
    spec = spec_for(emulator, factory=odd(str(emulator.factory)), account=odd(str(emulator.account)))
    assert set(results(create(colour, emulator, spec)).values()) == {"kept"}


def test_without_reader_on_the_account_only_its_own_endpoint_is_created(colour, emulator):
    """A caller who cannot read the account gets what the portal offers: the account endpoint, and a warning."""
    report = create(colour, emulator, client_options={"roles": ("Data Factory Contributor",)})
    assert results(report) == {"purview": "created"}
    [finding] = report.warnings
    assert finding.code == "account-unreadable"
    assert "az role assignment create --role Reader" in finding.remedy


@pytest.mark.parametrize("verb", ["plan", "create_all", "status", "delete_all", "approve"])
def test_without_reader_on_the_account_a_spec_for_ingestion_is_refused(colour, emulator, verb):
    """The error has a remedy; the call does not report a success that did nothing."""
    spec = spec_for(emulator, groups=("blob", "queue"))
    with pytest.raises(UnsupportedSetup, match=r"Spec\.groups asks only for blob and queue") as caught:
        colour.run(emulator, lambda client: getattr(client, verb)(spec), roles=("Data Factory Contributor",))
    assert "az role assignment create --role Reader" in caught.value.remedy
    assert not emulator.writes


@pytest.mark.parametrize(("what", "kind"), [("factory", "factories"), ("account", "accounts")])
def test_a_missing_factory_or_account_is_not_found(colour, emulator, what, kind):
    """The error names it; nothing is written."""
    spec = spec_for(emulator, **{what: str(getattr(emulator, what)) + "x"})
    with pytest.raises(NotFound, match=kind[:6]) as caught:
        create(colour, emulator, spec)
    assert caught.value.status == 404
    assert emulator.writes == []


def test_without_reader_on_the_factory_the_error_names_the_role(colour, emulator):
    """Nothing can be planned."""
    with pytest.raises(AccessDenied) as caught:
        create(colour, emulator, client_options={"roles": (("Reader", emulator.account),)})
    assert "--role 'Reader'" in caught.value.remedy
    assert emulator.writes == []


# --- what is reported


def test_events_of_a_run(colour, emulator):
    """started, a step for each endpoint as it is created and as it settles, waiting in between, finished."""
    events = []
    create(colour, emulator, client_options={"on_event": events.append})
    kinds = [event.kind for event in events]
    assert (kinds[0], kinds[-1]) == ("started", "finished")
    assert kinds.count("step") == 8
    assert kinds[1:5] == ["step"] * 4
    assert "waiting" in kinds
    waiting = next(event for event in events if event.kind == "waiting")
    assert set(waiting.pending) == set(ALL_NAMES)
    assert {event.verb for event in events} == {"create_all"}
    assert [event.seconds for event in events] == sorted(event.seconds for event in events)


def test_pending_approvals_are_in_the_hand_off(colour, emulator):
    """The report names what has to be approved; once everything is approved, it has no hand-off."""
    report = create(colour, emulator)
    assert report.hand_off.startswith("Please approve 4 private endpoint connections of the data factory 'df1'")
    for name in ALL_NAMES:
        emulator.approve(name)
    assert create(colour, emulator).hand_off is None


def test_wait_false_returns_at_once(colour, emulator):
    """With wait=False the endpoints are created, and the call does not wait for them."""
    report = colour.run(emulator, lambda client: client.create_all(spec_for(emulator), wait=False))
    assert results(report) == dict.fromkeys(ALL_NAMES, "created")
    assert emulator.clock.elapsed < 1
    assert {e.provisioning_state for e in emulator.endpoints()} == {"Provisioning"}


def test_both_clients_work_inside_a_running_loop(emulator):
    """A notebook has a running event loop; both clients work in it."""

    async def cell():
        with Client(emulator.credential, transport=emulator.transport()) as client:
            first = client.create_all(spec_for(emulator))
        async with aio.Client(emulator.async_credential, transport=emulator.async_transport()) as client:
            return first, await client.create_all(spec_for(emulator))

    first, second = asyncio.run(cell())
    assert set(results(first).values()) == {"created"}
    assert set(results(second).values()) == {"kept"}
