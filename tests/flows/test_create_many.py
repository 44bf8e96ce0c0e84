"""What create_many promises, in both colours: isolation, few requests, Azure's limits, stopping and resuming."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from purview_mpe import Budget, Event, FleetReport, Spec
from purview_mpe._rules.budget import Rate
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import AccessDenied, InvalidSpec, ReportFailed
from tests.support.colours import fleet_of
from tests.support.moments import Before
from tests.support.nouns import FACTORY, HIDDEN

if TYPE_CHECKING:
    from tests.support.colours import Colour

OTHER = "00000000-0000-0000-0000-000000000002"


def paths(emulator: Emulator, method: str, ending: str) -> list[str]:
    """The paths of the requests whose path ends so."""
    return [r.path for r in emulator.requests if r.method == method and r.path.endswith(ending)]


def test_every_factory_gets_its_endpoints(colour: Colour, emulator: Emulator):
    """Each factory ends with the four endpoints of the account, each report in the order of the specs."""
    specs = fleet_of(emulator, 5)
    report = colour.run(emulator, lambda client: client.create_many(specs))
    assert report.counts == {"created": 20}
    assert [r.spec for r in report.reports] == specs
    assert report.succeeded
    assert report.complete
    for spec in specs:
        assert {view.provisioning_state for view in emulator.endpoints(spec.factory)} == {"Succeeded"}


def test_the_account_is_read_once(colour: Colour, emulator: Emulator):
    """The account that all factories share is discovered once, however many there are."""
    specs = fleet_of(emulator, 8)
    colour.run(emulator, lambda client: client.create_many(specs))
    assert len(paths(emulator, "GET", "/accounts/pv1")) == 1


def test_the_runtime_of_a_spec_is_created(colour: Colour, emulator: Emulator):
    """As in `create_all`; a runtime of that name outside the network is a conflict of that factory alone."""
    specs = [spec.model_copy(update={"runtime": "ir-lineage"}) for spec in fleet_of(emulator, 3)]
    emulator.add_runtime(specs[1].factory, "ir-lineage", "self-hosted")
    report = colour.run(emulator, lambda client: client.create_many(specs))
    made = [[one.result for one in each.outcomes if one.subject == "runtime"] for each in report.reports]
    assert made == [["created"], ["conflict"], ["created"]]
    assert len([path for path in paths(emulator, "PUT", "/ir-lineage") if "/integrationRuntimes/" in path]) == 2


def test_connected_accounts_are_read_once(colour: Colour, emulator: Emulator):
    """Specs without an account use their factory's connection, and still share one discovery."""
    specs = [
        spec.model_copy(update={"account": None}) for spec in fleet_of(emulator, 6, purview_account=emulator.account)
    ]
    report = colour.run(emulator, lambda client: client.create_many(specs))
    assert report.counts == {"created": 24}
    assert len(paths(emulator, "GET", "/accounts/pv1")) == 1


def test_nothing_is_written_twice(colour: Colour, emulator: Emulator):
    """A second call for the same fleet writes nothing."""
    specs = fleet_of(emulator, 3)
    colour.run(emulator, lambda client: client.create_many(specs))
    writes = len(emulator.writes)
    report = colour.run(emulator, lambda client: client.create_many(specs))
    assert report.counts == {"kept": 12}
    assert len(emulator.writes) == writes


def test_one_failure_stops_no_other_factory(colour: Colour, emulator: Emulator):
    """A missing factory, a conflict and an account of shape F each fail their own factory, with the reason."""
    good = fleet_of(emulator, 2)
    gone = good[0].model_copy(update={"factory": good[0].factory + "-gone"})
    taken = fleet_of_one(emulator, "adf-taken")
    emulator.add_endpoint(taken.factory, "purview_blob", f"{emulator.account}", "portal")
    unknown = fleet_of_one(emulator, "adf-unknown", account=emulator.add_account("pv-f", shape="F"))
    report = colour.run(emulator, lambda client: client.create_many([gone, good[0], taken, good[1], unknown]))
    results = [Counter(outcome.result for outcome in each.outcomes) for each in report.reports]
    assert results == [{"failed": 1}, {"created": 4}, {"conflict": 1, "failed": 3}, {"created": 4}, {"failed": 1}]
    codes = [each.failures[0].error.code if each.failures else None for each in report.reports]
    assert codes == ["not-found", None, "plan-conflict", None, "unsupported-setup"]
    with pytest.raises(ReportFailed, match=r"adf-taken: purview_blob: conflict"):
        report.raise_for_failures()


def fleet_of_one(emulator: Emulator, name: str, account: object = None) -> Spec:
    """A spec for one more factory."""
    return Spec(factory=str(emulator.add_factory(name)), account=str(account or emulator.account), name="purview")


def test_a_missing_account_is_requested_once(colour: Colour, emulator: Emulator):
    """The one 404 fails every factory that needs the account."""
    specs = fleet_of(emulator, 4, account=str(emulator.account) + "x")
    report = colour.run(emulator, lambda client: client.create_many(specs))
    assert report.counts == {"failed": 4}
    assert len(paths(emulator, "GET", "/accounts/pv1x")) == 1
    assert emulator.writes == []


def test_create_many_without_sign_in_fails_after_few_requests(colour: Colour, emulator: Emulator):
    """One 401 ends every factory's creation."""
    emulator.inject(Fault.status("GET", 401, times=100))
    specs = fleet_of(emulator, 40)
    report = colour.run(emulator, lambda client: client.create_many(specs))
    assert report.counts == {"failed": 40}
    assert {outcome.error.status for outcome in report.outcomes} == {401}
    assert emulator.request_count < 100


def test_rounds_are_shared(colour: Colour, emulator: Emulator):
    """Ten factories that wait for 90 seconds are read a few dozen times each, in either client."""
    specs = fleet_of(emulator, 10)
    colour.run(emulator, lambda client: client.create_many(specs))
    looks = Counter(paths(emulator, "GET", "/managedPrivateEndpoints"))
    assert max(looks.values()) <= 32
    assert emulator.clock.elapsed < 90 * 1.2


def test_approval_during_creation(colour: Colour, emulator: Emulator):
    """With `approve` each connection is approved as it appears; foreign connections are not touched."""
    specs = fleet_of(emulator, 4)
    report = colour.run(emulator, lambda client: client.create_many(specs, approve=True))
    assert report.counts == {"created": 16, "approved": 16}
    assert report.complete
    status = colour.run(emulator, lambda client: client.status_many(specs))
    assert status.counts == {"ready": 16}
    assert status.ready


def test_targets_are_listed_once_a_round_for_the_fleet(colour: Colour, emulator: Emulator):
    """Approving for twelve factories lists each target as often as for one."""
    specs = fleet_of(emulator, 12)
    colour.run(emulator, lambda client: client.create_many(specs))
    before = len(emulator.requests)
    report = colour.run(emulator, lambda client: client.approve_many(specs))
    assert report.counts == {"approved": 48}
    lists = [r for r in emulator.requests[before:] if r.path.endswith("/privateEndpointConnections")]
    assert len(lists) == 6  # three targets: once to find, once to read back


def test_approving_from_requesters_reports(colour: Colour, emulator: Emulator):
    """An approver who cannot read the factories approves exactly what the requester's report names."""
    specs = fleet_of(emulator, 3)
    made = colour.run(emulator, lambda client: client.create_many(specs))
    report = colour.run(emulator, lambda client: client.approve_many(made))
    assert report.counts == {"approved": 12}
    assert {outcome.matched_by for outcome in report.outcomes} == {"private-endpoint-id"}


def test_a_dry_run_approves_nothing(colour: Colour, emulator: Emulator):
    """A dry run reports what would be approved, and writes nothing."""
    specs = fleet_of(emulator, 2)
    colour.run(emulator, lambda client: client.create_many(specs))
    writes = len(emulator.writes)
    report = colour.run(emulator, lambda client: client.approve_many(specs, dry_run=True))
    assert report.counts == {"would-approve": 8}
    assert len(emulator.writes) == writes


def test_approve_many_isolates_failures(colour: Colour, emulator: Emulator):
    """A spec whose account is missing fails alone."""
    specs = fleet_of(emulator, 2)
    colour.run(emulator, lambda client: client.create_many(specs))
    lost = specs[1].model_copy(update={"account": str(emulator.account) + "x"})
    report = colour.run(emulator, lambda client: client.approve_many([specs[0], lost]))
    assert [each.succeeded for each in report.reports] == [True, False]


def test_reports_are_given_one_by_one(colour: Colour, emulator: Emulator):
    """The iterator gives one report per factory; a factory that fails does not end it."""
    specs = fleet_of(emulator, 3)
    bad = specs[0].model_copy(update={"factory": specs[0].factory + "-gone"})
    reports = colour.run(emulator, lambda client: client.iter_create_many([*specs, bad]))
    assert sorted(report.succeeded for report in reports) == [False, True, True, True]
    assert reports[0].spec == bad, "what fails at once comes first"


def test_a_stopped_fleet_is_resumed_from_its_journal(colour: Colour, emulator: Emulator, tmp_path):
    """No request is sent for a factory whose report in the journal is complete."""
    first, second = fleet_of(emulator, 3), fleet_of_one(emulator, "adf-late")
    journal = tmp_path / "fleet.jsonl"
    colour.run(emulator, lambda client: client.create_many(first, journal=journal))
    with journal.open("a") as file:
        file.write('{"verb":"create_all","spec":{"fac')  # the process died while it wrote
    before = len(emulator.requests)
    report = colour.run(emulator, lambda client: client.create_many([*first, second], resume=journal, journal=journal))
    assert report.counts == {"created": 16}
    assert [each.spec for each in report.reports] == [*first, second]
    assert {
        r.path.split("/factories/")[1].split("/")[0] for r in emulator.requests[before:] if "/factories/" in r.path
    } == {"adf-late"}
    assert len(FleetReport.load(journal).reports) == 4, "the half line is gone, and the new one is whole"


def test_resume_repeats_incomplete_factories(colour: Colour, emulator: Emulator):
    """A report that failed, or that lacks the approval requested now, does not complete its spec."""
    specs = fleet_of(emulator, 2)
    emulator.inject(Fault.status("PUT", 403, times=1, path="*adf-0*"))
    first = colour.run(emulator, lambda client: client.create_many(specs))
    assert not first.succeeded
    again = colour.run(emulator, lambda client: client.create_many(specs, resume=first))
    assert again.counts == {"created": 5, "kept": 3}
    approved = colour.run(emulator, lambda client: client.create_many(specs, resume=again, approve=True))
    assert approved.counts == {"kept": 8, "approved": 8}


def test_stop_after_ends_the_whole_fleet(colour: Colour, emulator: Emulator):
    """When the time runs out, factories in progress and factories not started are timed out, and requests end."""
    specs = fleet_of(emulator, 3)
    budget = Budget(writes=Rate(9, 0.01))
    report = colour.run(emulator, lambda client: client.create_many(specs, stop_after=30), budget=budget)
    assert set(report.counts) == {"timed-out"}
    assert 29 <= emulator.clock.elapsed <= 40


def test_timeout_ends_each_factory(colour: Colour):
    """Factories that are not ready in time are timed out, with a remedy."""
    emulator = Emulator(provisioning=90)
    specs = fleet_of(emulator, 2)
    report = colour.run(emulator, lambda client: client.create_many(specs, timeout=20))
    assert report.counts == {"timed-out": 8}
    assert "longer timeout" in report.outcomes[0].error.remedy


def test_wait_false_only_submits(colour: Colour, emulator: Emulator):
    """With wait=False the endpoints are created, and the call does not wait for them."""
    specs = fleet_of(emulator, 3)
    report = colour.run(emulator, lambda client: client.create_many(specs, wait=False))
    assert report.counts == {"created": 12}
    assert emulator.clock.elapsed == 0


def test_broken_endpoints_are_replaced(colour: Colour, emulator: Emulator):
    """Replacing waits for the deletion in rounds, and the other endpoints are created."""
    specs = [spec.model_copy(update={"replace_broken": True}) for spec in fleet_of(emulator, 2)]
    storage = next(
        target.resource_id
        for target in colour.run(emulator, lambda client: client.discover(str(emulator.account))).targets
        if target.group_id == "blob"
    )
    emulator.add_endpoint(specs[0].factory, "purview_blob", storage, "blob", status="Rejected")
    report = colour.run(emulator, lambda client: client.create_many(specs))
    assert report.counts == {"created": 7, "replaced": 1}


def test_a_factory_is_first_read_when_it_can_be_ready(colour: Colour):
    """Once the run knows how long Azure takes, it saves earlier reads."""
    emulator = Emulator(provisioning=60)
    specs = fleet_of(emulator, 10)
    # Four writes at once, and then one every twenty seconds: most are submitted when the first endpoint is ready.
    colour.run(emulator, lambda client: client.create_many(specs), budget=Budget(writes=Rate(5, 0.05)))
    looks = Counter(paths(emulator, "GET", "/managedPrivateEndpoints"))
    # Threads share the virtual clock, so that some of them read a few times more than tasks do.
    assert looks[f"{specs[-1].factory}/managedVirtualNetworks/default/managedPrivateEndpoints"] <= 15


@pytest.mark.untraced
def test_a_throttled_subscription_delays_no_other(colour: Colour, emulator: Emulator):
    """A used-up limit of one subscription holds up no factory in another one."""
    here, there = fleet_of(emulator, 40), fleet_of(emulator, 2, subscription=OTHER)
    colour.run(emulator, lambda client: client.create_many([*here, *there]), budget=Budget(writes=Rate(20, 0.5)))
    puts = [r.path for r in emulator.writes]
    assert max(index for index, path in enumerate(puts) if OTHER in path) < len(puts) / 2


@pytest.mark.untraced
def test_a_fleet_stays_within_azures_limits(colour: Colour):
    """A fleet that needs twice the burst of writes paces itself, so that Azure refuses no request."""
    emulator = Emulator(enforce_limits=True, provisioning=20, foreign_connections=0)
    specs = fleet_of(emulator, 100)
    report = colour.run(emulator, lambda client: client.create_many(specs))
    assert report.counts == {"created": 400}
    assert [r for r in emulator.requests if r.status == 429] == []


def test_each_factory_has_a_finished_event(colour: Colour, emulator: Emulator):
    """The events of the factories come between `started` and `finished` of the fleet."""
    specs = fleet_of(emulator, 2)
    events = []
    colour.run(emulator, lambda client: client.create_many(specs), on_event=events.append)
    assert (events[0].kind, events[0].verb) == ("started", "create_many")
    assert (events[-1].kind, events[-1].verb) == ("finished", "create_many")
    finished = [event for event in events if event.kind == "finished" and event.factory]
    assert sorted(event.factory for event in finished) == sorted(spec.factory for spec in specs)
    assert finished[0].message.endswith("4 created")


def test_status_many_reports_status_or_error(colour: Colour, emulator: Emulator):
    """Each factory has its status or its error; account and targets are read once for the fleet."""
    specs = fleet_of(emulator, 3)
    colour.run(emulator, lambda client: client.create_many(specs[:2]))
    gone = specs[0].model_copy(update={"factory": specs[0].factory + "-gone"})
    lost = specs[1].model_copy(
        update={"account": str(emulator.account) + "x", "name": "other", "managed_virtual_network": "v2"}
    )
    before = len(emulator.requests)
    status = colour.run(emulator, lambda client: client.status_many([*specs, gone, lost]))
    assert status.counts == {"pending": 8, "missing": 4, "unreadable": 2}
    assert not status.ready
    assert [each.error.code if each.error else None for each in status.factories][3:] == ["not-found", "not-found"]
    asked = [r.path for r in emulator.requests[before:]]
    assert len([path for path in asked if path.endswith("/accounts/pv1")]) == 1
    assert len([path for path in asked if path.endswith("/privateEndpointConnections")]) == 3


@pytest.mark.parametrize("wrong", [{"timeout": 0}, {"stop_after": -1}, {"resume": 7}])
def test_wrong_arguments_are_refused(colour: Colour, emulator: Emulator, wrong):
    """The error is raised before the first request."""
    specs = fleet_of(emulator, 1)
    with pytest.raises(InvalidSpec, match=next(iter(wrong))):
        colour.run(emulator, lambda client: client.create_many(specs, **wrong))
    assert emulator.requests == []


@pytest.mark.parametrize("wrong", [5, {"factory": "x"}, Spec(factory=FACTORY, name="pv")])
def test_something_other_than_a_list_of_specs_is_refused(colour: Colour, emulator: Emulator, wrong):
    """The error is raised before the first request."""
    for verb in ("create_many", "approve_many", "status_many"):
        with pytest.raises(InvalidSpec, match=f"is a {type(wrong).__name__}; pass a list of specs"):
            colour.run(emulator, lambda client, verb=verb: getattr(client, verb)(wrong))
    assert emulator.requests == []


def test_an_empty_fleet_is_complete(colour: Colour, emulator: Emulator):
    """No request is sent."""
    report = colour.run(emulator, lambda client: client.create_many([]))
    assert report == FleetReport()
    assert colour.run(emulator, lambda client: client.approve_many([])) == FleetReport()
    assert colour.run(emulator, lambda client: client.status_many([])).ready
    assert emulator.requests == []


def test_an_interruption_carries_the_finished_reports(colour: Colour, emulator: Emulator):
    """The reports on the exception can be resumed from."""
    specs = fleet_of(emulator, 3)
    gone = specs[0].model_copy(update={"factory": specs[0].factory + "-gone"})

    def interrupt(event: Event) -> None:
        if event.kind == "waiting":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as interrupted:
        colour.run(emulator, lambda client: client.create_many([*specs, gone]), on_event=interrupt)
    assert [report.spec for report in interrupted.value.report.reports] == [gone]
    assert "resume" in interrupted.value.__notes__[0]


def moments(colour: Colour, emulator: Emulator, specs: list[Spec], **options: object) -> dict[str, float]:
    """When each factory had its report, in seconds from the start."""
    seen: dict[str, float] = {}

    def note(event: Event) -> None:
        if event.kind == "finished" and event.factory:
            seen[event.factory.rpartition("/")[2]] = emulator.clock.elapsed

    report = colour.run(emulator, lambda client: client.create_many(specs, **options), on_event=note)
    assert report.succeeded
    return seen


HANGING = [
    pytest.param("GET", "*/factories/adf-7/managedVirtualNetworks", id="reading the networks"),
    pytest.param("PUT", "*/adf-7/managedVirtualNetworks/*/purview_blob", id="writing an endpoint"),
    pytest.param("GET", "*/adf-7/managedVirtualNetworks/*/managedPrivateEndpoints", id="listing the endpoints"),
]


@pytest.mark.untraced
@pytest.mark.parametrize(("method", "path"), HANGING)
@pytest.mark.parametrize("approve", [False, True], ids=["create", "approve"])
def test_a_slow_request_delays_only_its_own_factory(colour: Colour, method, path, approve):
    """One request of thirty factories takes 20 s: all other reports come as early as without it."""
    emulator = Emulator(provisioning=4, connection_delay=2, foreign_connections=0)
    specs = fleet_of(emulator, 30)
    emulator.inject(Fault.delay(method, 20, path=path, times=1))
    seen = moments(colour, emulator, specs, approve=approve)
    hanging = seen.pop("adf-7")
    assert hanging >= 20
    assert max(seen.values()) <= 12


def test_a_slow_factory_does_not_delay_journal_lines(colour: Colour, tmp_path):
    """The reports of the other factories are already in the file."""
    emulator, path = Emulator(provisioning=4), tmp_path / "fleet.jsonl"
    specs = fleet_of(emulator, 5)
    emulator.inject(Fault.delay("GET", 20, path="*/factories/adf-0/managedVirtualNetworks", times=1))
    lines: list[int] = []

    def note(event: Event) -> None:
        if event.kind == "step" and event.factory == specs[0].factory:
            lines.append(len(FleetReport.load(path).reports))

    colour.run(emulator, lambda client: client.create_many(specs, journal=path), on_event=note)
    assert lines[0] == 4


def test_a_slow_factory_does_not_delay_other_reports(colour: Colour):
    """The iterator gives the reports as factories finish, and the slow factory's report last."""
    emulator = Emulator(provisioning=4)
    specs = fleet_of(emulator, 3)
    emulator.inject(Fault.delay("GET", 20, path="*/factories/adf-0/managedVirtualNetworks", times=1))
    reports = colour.run(emulator, lambda client: client.iter_create_many(specs))
    assert [report.spec for report in reports][-1] == specs[0]


def test_a_slow_subscription_does_not_delay_others(colour: Colour):
    """Every request to one subscription takes 30 s; the other factories finish before the first of them does."""
    emulator = Emulator(provisioning=4, foreign_connections=0)
    slow = fleet_of(emulator, 20, subscription=OTHER)
    quick = [fleet_of_one(emulator, f"quick-{number}") for number in range(20)]
    emulator.inject(Fault.delay("GET", 30, path=f"*{OTHER}*", times=None))
    seen = moments(colour, emulator, [*slow, *quick])
    assert (
        max(seen[f"quick-{number}"] for number in range(20)) <= 15 < min(seen[f"adf-{number}"] for number in range(20))
    )


@pytest.mark.parametrize("code", ["InvalidAuthenticationTokenTenant", "AuthenticationFailed"])
def test_a_401_for_one_factory_fails_only_that_factory(colour: Colour, emulator: Emulator, code):
    """The factory belongs to another tenant's subscription; the others are created."""
    specs = fleet_of(emulator, 20)
    emulator.inject(Fault.status("*", 401, path="*/factories/adf-0*", times=None, code=code, message="Wrong issuer."))
    report = colour.run(emulator, lambda client: client.create_many(specs[:1] + specs[10:]))
    assert report.counts == {"created": 40, "failed": 1}
    [failure] = report.reports[0].failures
    assert (failure.error.status, failure.error.azure_code) == (401, code)
    assert "adf-0" in failure.error.message


class Signed:
    """A credential that gives no token."""

    asked = 0

    def get_token(self, *_scopes: str, **_options: object):
        """No token."""
        self.asked += 1
        raise ValueError("nobody is signed in")


def test_without_a_token_no_request_is_sent(emulator: Emulator):
    """Every factory fails, and the credential is asked a few times only."""
    from purview_mpe import Client

    specs = [spec.model_copy(update={"account": None}) for spec in fleet_of(emulator, 60)]
    credential = Signed()
    report = Client(credential, transport=emulator.transport()).create_many(specs)
    assert report.counts == {"failed": 60}
    assert {outcome.error.code for outcome in report.outcomes} == {"access-denied"}
    assert emulator.requests == []
    assert credential.asked <= 16


def test_a_lost_sign_in_ends_waiting(colour: Colour):
    """Endpoints that Azure is creating fail with the reason at once, not when the time runs out."""
    emulator = Emulator(provisioning=600)
    waiting, late = fleet_of(emulator, 2, purview_account=emulator.account)
    emulator.inject(Fault.delay("GET", 30, path="*/factories/adf-1"))

    def sign_out(_: int) -> None:
        raise AccessDenied("The credential gave no token.", remedy="Sign in.")

    signed_out = Before("GET", "/adf-1/managedVirtualNetworks/default/managedPrivateEndpoints", sign_out)
    began = emulator.clock.now()
    specs = [waiting, late.model_copy(update={"account": None})]
    report = colour.run(emulator, lambda client: client.create_many(specs), per_retry_policies=[signed_out])
    assert report.counts == {"failed": 5}
    assert {outcome.error.message for outcome in report.outcomes} == {"The credential gave no token."}
    assert emulator.clock.now() - began < 60


def full(emulator: Emulator, count: int) -> None:
    """Connections of other factories on the account's storage."""
    storage = emulator.targets(emulator.account)["blob"]
    for number in range(count):
        emulator.add_connection(storage, private_endpoint_id=f"{HIDDEN}/other-{number}.pv_blob", status="Approved")


def test_factories_that_do_not_fit_are_conflicts(colour: Colour):
    """Storage takes 200 private endpoints: no endpoint is created for factories beyond that; the others are created."""
    emulator = Emulator(foreign_connections=0)
    full(emulator, 195)
    specs = fleet_of(emulator, 4)
    report = colour.run(emulator, lambda client: client.create_many(specs))
    assert report.counts == {"created": 8, "conflict": 4, "failed": 4}
    written = {request.path.split("/factories/")[1].split("/")[0] for request in emulator.writes}
    assert len(written) == 2
    [refused, *_] = [outcome for outcome in report.outcomes if outcome.result == "conflict"]
    assert "has no room for 2 more private endpoints: it has 199 of 200" in refused.error.message
    assert [finding.code for finding in report.warnings] == ["target-nearly-full"]


def test_a_nearly_full_target_is_a_warning(colour: Colour):
    """The limit is 80 %, counted with the endpoints that the fleet itself creates."""
    emulator = Emulator(foreign_connections=0)
    full(emulator, 153)
    assert colour.run(emulator, lambda client: client.create_many(fleet_of(emulator, 3))).warnings == ()
    specs = [fleet_of_one(emulator, "adf-one-more")]
    [warning] = colour.run(emulator, lambda client: client.create_many(specs)).warnings
    assert (warning.code, warning.severity) == ("target-nearly-full", "warning")
    assert "161 of 200" in warning.message


def test_connections_that_cannot_be_counted_stop_no_factory(colour: Colour, emulator: Emulator):
    """Counting needs Reader on the targets, which a requester need not have: then Azure decides."""
    specs = fleet_of(emulator, 2)
    emulator.inject(Fault.status("GET", 403, path="*privateEndpointConnections", times=None))
    report = colour.run(emulator, lambda client: client.create_many(specs))
    assert (report.counts, report.warnings) == ({"created": 8}, ())


def test_waiting_for_azures_limits_is_an_event(colour: Colour):
    """The message names the subscription, and no write waits on a thread."""
    emulator = Emulator(provisioning=20, foreign_connections=0)
    specs, events = fleet_of(emulator, 20), []
    budget = Budget(writes=Rate(10, 1))
    colour.run(emulator, lambda client: client.create_many(specs), budget=budget, on_event=events.append)
    said = [event.message for event in events if event.kind == "waiting" and "Azure's limits" in event.message]
    assert said
    assert str(emulator.account.subscription) in said[0]
    assert not [event for event in events if event.kind == "retrying"]
    lists = Counter(paths(emulator, "GET", "/managedPrivateEndpoints"))
    assert max(lists.values()) <= 12, "no endpoint is looked for again before it is written"
