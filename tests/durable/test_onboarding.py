"""Onboarding of fleets on many machines: on a host of Azure Functions, and on an engine whose workers die."""

from __future__ import annotations

import logging

import azure.durable_functions as df
import pytest

from purview_mpe import Client, FleetReport, durable
from purview_mpe.durable._limits import cost_of_making, waves
from purview_mpe.durable._logic import logic_of
from purview_mpe.durable._messages import opened
from purview_mpe.emulator import Answers, Emulator, Fault
from tests.support.durable_fleet import bare_factories as bare
from tests.support.durable_host import Host
from tests.support.engine import Engine

# The SDK's own activity converter makes this call on every host.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads")

ACTIVITY = "purview_mpe_onboard"
SUBJECTS = ["identity", "connection", "managed-network", "runtime", "endpoint", "data-curator"]


@pytest.fixture(autouse=True)
def _quiet():
    """Silence the engine's workers, which log their work."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


class Ended:
    """The result of a fleet that was onboarded on a host."""

    def __init__(self, azure, specs, *, roles=(), says=(), host=None, **fields):
        credential = azure.credential_for(*roles) if roles else azure.credential
        app = df.DFApp()
        durable.register_functions(app, lambda: Client(credential, transport=azure.transport()))
        request = durable.FleetRequest(specs=specs, verb="onboard", **fields)
        self.host = Host(app, azure, **(host or {}))
        self.answers = []
        self.host.functions[ACTIVITY] = self._heard(self.host.functions[ACTIVITY])
        self.host.events = [(at, durable.APPROVAL, decision) for at, decision in says]
        self.instance = self.host.run(durable.FLEET, request.model_dump(mode="json"))
        assert self.instance.error is None
        self.report = self.host.report(self.instance)

    def _heard(self, work):
        def heard(order):
            answer = work(order)
            self.answers.append(opened(answer))
            return answer

        return heard

    def orders(self):
        return [order for name, order in self.host.calls if name == ACTIVITY]

    def results(self, subject):
        return [outcome.result for outcome in self.report.outcomes if outcome.subject == subject]


def policy_requests(azure, method):
    return [one for one in azure.requests if one.method == method and "/metadataPolicies" in one.path]


def puts(azure):
    """The writes except those of policies, which are written once for several factories."""
    return [one.path for one in azure.writes if one.method == "PUT" and "/metadataPolicies" not in one.path]


# --- without problems


def test_bare_factories_are_onboarded_across_subscriptions():
    """Each report equals that of `onboard`, each write is sent once, and each identity gets the role."""
    azure = Emulator()
    specs = bare(azure, 9, 3)
    ended = Ended(azure, specs, approval="at-once", batch=3)
    assert ended.report.complete
    assert [one.spec for one in ended.report.reports] == specs
    for one in ended.report.reports:
        assert one.verb == "onboard"
        assert list(dict.fromkeys(outcome.subject for outcome in one.outcomes)) == SUBJECTS
        assert one.counts == {"created": 6, "approved": 4, "connected": 1, "enabled": 1, "granted": 1}
        assert azure.identity_of(one.spec.factory) in azure.catalog.members("data-curator", azure.account)
    assert len(puts(azure)) == len(set(puts(azure)))
    assert ended.instance.statuses[0]["phase"] == "onboarding"


def test_identities_of_one_activity_are_written_together():
    """The policy is written once per activity; looks neither read nor write it."""
    azure = Emulator(provisioning=900)
    ended = Ended(azure, bare(azure, 6), batch=3)
    assert ended.results("data-curator") == ["granted"] * 6
    assert len([one for one in policy_requests(azure, "PUT") if one.status == 200]) == 2
    assert [order["grant"] for order in ended.orders()] == [True] * 2 + [False] * (len(ended.orders()) - 2)
    assert len(ended.orders()) > 6


def test_looks_without_changes_return_no_reports():
    """Each factory gives two reports, however many looks there are: after the submission, and at the end."""
    azure = Emulator(provisioning=900)
    ended = Ended(azure, bare(azure, 3))
    assert len(ended.answers) > 6
    assert len([report for answer in ended.answers for report in answer["reports"] if report]) == 6


def test_second_onboarding_writes_nothing():
    """Starting the fleet again is safe, because it finds everything in place."""
    azure = Emulator()
    specs = bare(azure, 3)
    Ended(azure, specs, approval="at-once")
    before = len(azure.writes)
    ended = Ended(azure, specs, approval="at-once")
    assert ended.report.complete
    assert len(azure.writes) == before


def test_request_without_a_verb_creates():
    """A request of an earlier version still creates."""
    azure = Emulator()
    request = durable.FleetRequest(specs=bare(azure, 1)).model_dump(mode="json")
    del request["verb"], request["grant"]
    app = df.DFApp()
    durable.register_functions(app, lambda: Client(azure.credential, transport=azure.transport()))
    host = Host(app, azure)
    report = FleetReport.model_validate(host.run(durable.FLEET, request).output)
    assert {one.verb for one in report.reports} == {"create_all"}
    assert {name for name, _ in host.calls} == {"purview_mpe_create"}


def test_without_grant_the_policy_is_not_read():
    """With `grant=False`, everything else is done, and each report says that the role was left out."""
    azure = Emulator()
    ended = Ended(azure, bare(azure, 2), approval="at-once", grant=False)
    ended.report.raise_for_failures()
    assert not ended.report.complete
    for report in ended.report.reports:
        assert [one.code for one in report.warnings if one.code.startswith("data-curator")] == ["data-curator-left-out"]
    assert not ended.results("data-curator")
    assert not [one for one in azure.requests if "/policystore/" in one.path]


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_cost_of_onboarding_covers_its_requests(method):
    """The orchestration counts at least as many requests to a factory as onboarding sends."""
    azure = Emulator()
    [spec] = bare(azure, 1)
    Ended(azure, [spec], wait=False)
    sent = [one for one in azure.requests if one.method == method and one.path.startswith(spec.factory)]
    kind = "reads" if method == "GET" else "writes"
    cost = cost_of_making([spec], "onboard", logic_of(1), approve=False)
    counted = [one for one in cost if one == (spec.factory_id.subscription, kind, "microsoft.datafactory")]
    assert 0 < len(sent) <= len(counted)


def test_waves_of_an_onboarding_are_smaller():
    """Half of what Azure accepts at once: 200 writes, seven for each factory."""
    azure = Emulator()
    specs = bare(azure, 20)
    assert [len(wave) for wave in waves(specs, 1.0, logic_of(1), "onboard")] == [14, 6]
    assert [len(wave) for wave in waves(specs, 1.0, logic_of(1))] == [20]


# --- approvals


def test_onboarding_waits_for_the_decision():
    """Nothing is approved before the decision; the report has the order of `onboard`."""
    azure = Emulator()
    ended = Ended(azure, bare(azure, 2), approval="when-told", says=[(7000, True)])
    assert ended.report.complete
    assert azure.clock.elapsed >= 7000
    for one in ended.report.reports:
        assert one.hand_off is None
        assert one.outcomes[-1].subject == "data-curator"
        assert one.counts["approved"] == 4


@pytest.mark.parametrize(("hand_off", "text"), [(True, "Please approve 4"), (False, "Something is left for others")])
def test_unapproved_connections_keep_an_onboarding_incomplete(hand_off, text):
    """As with `onboard`, everything has succeeded, but something is left for the owners."""
    azure = Emulator()
    ended = Ended(azure, bare(azure, 2), hand_off=hand_off)
    for one in ended.report.reports:
        assert one.succeeded
        assert not one.complete
        assert one.hand_off.startswith(text)


def test_declined_approval_is_handed_off():
    """The text is for the targets' owners; the role was granted."""
    azure = Emulator()
    ended = Ended(azure, bare(azure, 2), approval="when-told", says=[(3000, False)], hand_off=True)
    assert ended.report.counts["handed-off"] == 8
    assert ended.results("data-curator") == ["granted"] * 2
    assert all(one.hand_off.startswith("Please approve 4") for one in ended.report.reports)


def test_declined_approval_of_approved_connections_leaves_nothing():
    """The owners approved the connections meanwhile, so no text is left."""
    azure = Emulator()

    def approving(name, _number):
        if name == "purview_mpe_approve":
            for one in azure.connections():
                if one.endpoint and one.status == "Pending":
                    azure.approve(one.endpoint, factory=one.factory)
        return False

    host = {"lost": approving}
    ended = Ended(azure, bare(azure, 2), approval="when-told", says=[(3000, False)], host=host, hand_off=True)
    assert ended.report.complete
    assert [one.hand_off for one in ended.report.reports] == [None, None]


# --- the role


@pytest.mark.parametrize("closed_account", ["403", "reset"])
def test_role_out_of_reach_is_handed_off_once(closed_account):
    """Outside the network, only submissions try the policy, and the text survives looks and approvals."""
    azure = Emulator(inside_network=False, provisioning=300, answers=Answers(closed_account=closed_account))
    ended = Ended(azure, bare(azure, 2), approval="when-told", says=[(7000, True)], hand_off=True)
    assert ended.results("data-curator") == ["handed-off"] * 2
    assert [order["grant"] for order in ended.orders()] == [True] + [False] * (len(ended.orders()) - 1)
    for one in ended.report.reports:
        assert one.counts["approved"] == 4
        assert not one.complete
        assert one.succeeded
        assert one.hand_off.startswith("Please give the role Data Curator")
        assert azure.identity_of(one.spec.factory) in one.hand_off


def test_both_hand_off_texts_survive_looks():
    """Each look gives a new text for the owners, and the text about the role stays behind it."""
    azure = Emulator(inside_network=False, provisioning=300)
    [one] = Ended(azure, bare(azure, 1), hand_off=True).report.reports
    assert one.hand_off.startswith("Please approve 4")
    assert one.hand_off.count("Please approve 4") == one.hand_off.count("Please give the role Data Curator") == 1


def test_policy_that_fails_at_first_is_written_later():
    """The role is requested again, and nothing else is written twice."""
    azure = Emulator()
    azure.inject(Fault.status("GET", 503, path="/metadataPolicies", times=30))
    ended = Ended(azure, bare(azure, 2), approval="at-once")
    assert ended.report.complete
    assert ended.results("data-curator") == ["granted"] * 2
    assert len(puts(azure)) == len(set(puts(azure)))


def test_slow_role_is_granted_by_the_next_activity():
    """Purview is slow and does not know the identity yet, so the factory is submitted again."""
    azure = Emulator(latency=5)
    azure.inject(
        Fault.status("PUT", 400, path="/metadataPolicies/", times=40, code="1004", message="principal not found")
    )
    ended = Ended(azure, bare(azure, 1))
    assert [order["grant"] for order in ended.orders()][:2] == [True, True]
    assert ended.results("data-curator") == ["granted"]
    assert ended.report.succeeded


def test_policy_that_keeps_failing_does_not_hide_the_endpoints():
    """At the timeout, the role is failed, and each endpoint has the state of the last look."""
    azure = Emulator(provisioning=100)
    azure.inject(Fault.status("GET", 503, path="/metadataPolicies", times=None))
    ended = Ended(azure, bare(azure, 1), approval="at-once", timeout=600)
    assert not ended.report.succeeded
    assert ended.results("data-curator") == ["failed"]
    assert set(ended.results("endpoint")) == {"created", "approved"}
    slow = Emulator(provisioning=3600)
    slow.inject(Fault.status("GET", 503, path="/metadataPolicies", times=None))
    ended = Ended(slow, bare(slow, 1), timeout=600)
    assert set(ended.results("endpoint")) == {"timed-out"}


def test_refused_role_stays_in_the_report():
    """Later looks at the endpoints do not remove it."""
    azure = Emulator(provisioning=300)
    azure.inject(Fault.status("PUT", 400, path="/metadataPolicies/", times=None, code="1001", message="refused"))
    ended = Ended(azure, bare(azure, 1), approval="at-once")
    assert ended.results("data-curator") == ["failed"]
    assert set(ended.results("endpoint")) == {"created", "approved"}


def test_locked_factory_fails_alone():
    """Without an identity, the role cannot be granted; the other factory is onboarded."""
    azure = Emulator(provisioning=300)
    specs = bare(azure, 2)
    azure.add_lock(specs[0].factory, "ReadOnly")
    ended = Ended(azure, specs, approval="at-once")
    assert [one.complete for one in ended.report.reports] == [False, True]
    assert ended.results("data-curator") == ["failed", "granted"]
    assert ended.results("identity") == ["failed", "enabled"]


def test_connection_to_another_account_is_a_conflict():
    """The connection is not changed, and does not count as a broken endpoint."""
    azure = Emulator()
    [spec] = bare(azure, 1)
    other = str(azure.add_account("other"))
    with Client(azure.credential, transport=azure.transport()) as client:
        client.connect(spec.model_copy(update={"account": other}))
    ended = Ended(azure, [spec], approval="at-once")
    assert ended.results("connection") == ["conflict"]
    assert ended.results("data-curator") == ["granted"]


# --- expected failures


def test_endpoint_that_azure_failed_to_create_is_created_again():
    """An endpoint of this fleet that ends as Failed is replaced, as in a fleet that only creates."""
    azure = Emulator()
    azure.inject(
        Fault.failed_provisioning(path="adf-0000/managedVirtualNetworks/default/managedPrivateEndpoints/purview_blob")
    )
    ended = Ended(azure, bare(azure, 2), approval="at-once")
    assert ended.report.complete
    assert {one.provisioning_state for one in azure.endpoints()} == {"Succeeded"}


def test_missing_factory_is_reported():
    """Its report is about the factory as a whole, and the other factory is onboarded."""
    azure = Emulator()
    [good] = bare(azure, 1)
    missing = good.model_copy(update={"factory": good.factory.replace("adf-0000", "adf-none")})
    ended = Ended(azure, [good, missing], approval="at-once")
    assert [one.complete for one in ended.report.reports] == [True, False]
    [outcome] = ended.report.reports[1].outcomes
    assert (outcome.result, outcome.error.code) == ("failed", "not-found")


def test_onboarding_without_answers_is_reported():
    """The reports have the verb `onboard`."""
    azure = Emulator()
    ended = Ended(azure, bare(azure, 2), host={"lost": lambda *_: True}, silence_seconds=60, timeout=200)
    assert ended.report.counts == {"failed": 2}
    assert {one.verb for one in ended.report.reports} == {"onboard"}


# --- workers that die


def onboarded_with(fate):
    """The result of a fleet in two subscriptions on an engine: its report, writes, roles and calls."""
    azure = Emulator()
    client = Client(azure.credential, transport=azure.transport())
    engine = Engine(
        azure,
        lambda worker: durable.register_worker(worker, lambda: client),
        fate=fate,
        says=[(5_000, durable.APPROVAL, True)],
    )
    specs = [spec.model_copy(update={"groups": ("account",)}) for spec in bare(azure, 2, 2)]
    request = durable.FleetRequest(specs=specs, verb="onboard", approval="when-told", batch=1, poll_seconds=100)
    instance = engine.run(durable.FLEET, request.model_dump(mode="json"))
    assert instance.failure is None, instance.failure.errorMessage
    report = FleetReport.model_validate_json(instance.output)
    members = azure.catalog.members("data-curator", azure.account)
    has_roles = [members.count(azure.identity_of(spec.factory)) for spec in specs]
    return report, puts(azure), len(policy_requests(azure, "PUT")), has_roles, engine.calls


@pytest.mark.parametrize("fate", ["dies before", "dies after"])
def test_worker_dies_at_any_place_of_an_onboarding(fate):
    """In a turn or an activity, before or after the work: the fleet ends the same way, and nothing is written twice."""
    undisturbed, written, policies, has_roles, calls = onboarded_with(lambda _call: "answered")
    assert undisturbed.complete
    assert has_roles == [1, 1]
    assert {call.name for call in calls} == {
        durable.FLEET,
        "purview_mpe_turn",
        "purview_mpe_lane",
        ACTIVITY,
        "purview_mpe_approve",
    }
    for number in range(1, len(calls) + 1):
        report, written_here, policies_here, has_roles, _ = onboarded_with(
            lambda call, number=number: fate if call.number == number else "answered"
        )
        assert report.complete, number
        assert len(written_here) == len(set(written_here)) == len(written), number
        assert policies_here == policies, number
        assert has_roles == [1, 1], number


def test_activity_that_runs_twice_writes_once():
    """An engine that misses an answer repeats the work, and the second run finds everything done."""
    _, written, policies, _, _ = onboarded_with(lambda _call: "answered")
    seen = set()

    def fate(call):
        key = str(call.order)
        is_first = call.name == ACTIVITY and key not in seen
        seen.add(key)
        return "dies after" if is_first else "answered"

    report, written_here, policies_here, has_roles, _ = onboarded_with(fate)
    assert report.complete
    assert len(written_here) == len(set(written_here)) == len(written)
    assert policies_here == policies
    assert has_roles == [1, 1]
