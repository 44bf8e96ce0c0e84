"""What approve_many promises beyond approve."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from purview_mpe import Event, Spec
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from tests.support.colours import Colour


def made(colour: Colour, emulator: Emulator, count: int = 2, **options: object) -> list[Spec]:
    """Factories whose endpoints exist."""
    specs = [
        Spec(factory=str(emulator.add_factory(f"adf-{number}")), account=str(emulator.account), name="purview")
        for number in range(count)
    ]
    colour.run(emulator, lambda client: client.create_many(specs, **options))
    return specs


def test_approvals_this_caller_cannot_make_are_handed_off(colour: Colour, emulator: Emulator):
    """A target that refuses the caller ends in a hand-off for each factory; the other targets are decided."""
    specs = made(colour, emulator)
    emulator.inject(Fault.status("PUT", 403, times=100, path="*Microsoft.Storage*"))
    report = colour.run(emulator, lambda client: client.approve_many(specs))
    assert report.counts == {"approved": 4, "handed-off": 4}
    assert report.succeeded
    assert not report.complete
    assert all(each.hand_off for each in report.reports)


def test_a_target_that_cannot_be_read_is_handed_off(colour: Colour, emulator: Emulator):
    """If a list is refused, no connection on that target is guessed."""
    specs = made(colour, emulator)
    emulator.inject(Fault.status("GET", 403, times=100, path="*Microsoft.EventHub*"))
    report = colour.run(emulator, lambda client: client.approve_many(specs))
    assert report.counts == {"approved": 6, "handed-off": 2}


def test_an_invalid_answer_to_an_approval_is_read_back(colour: Colour, emulator: Emulator):
    """An approval counts as done because the target shows it, whatever the answer was."""
    specs = made(colour, emulator)
    emulator.inject(Fault.body("PUT", "html", times=8, path="*/privateEndpointConnections/*"))
    report = colour.run(emulator, lambda client: client.approve_many(specs))
    assert report.counts == {"approved": 8}


def test_a_busy_storage_account_is_waited_for(colour: Colour):
    """Storage takes one decision at a time: the other ones wait and are then carried out."""
    emulator = Emulator()
    specs = made(colour, emulator, 3)
    emulator.inject(
        Fault.status("PUT", 409, times=4, code="StorageAccountOperationInProgress", path="*Microsoft.Storage*")
    )
    report = colour.run(emulator, lambda client: client.approve_many(specs, timeout=900))
    assert report.counts == {"approved": 12}


def test_connections_that_appear_later_are_waited_for(colour: Colour):
    """A connection appears some seconds after its endpoint: the flow reads again until then."""
    emulator = Emulator(connection_delay={"blob": 40, "*": 5})
    specs = made(colour, emulator, wait=False)
    reports = colour.run(emulator, lambda client: client.iter_approve_many(specs))
    assert [outcome.result for report in reports for outcome in report.outcomes] == ["approved"] * 8
    assert 40 <= emulator.clock.elapsed < 60


def test_connections_that_never_appear_time_out(colour: Colour):
    """When the time runs out, the missing connections are timed out; the others are approved."""
    emulator = Emulator(connection_delay={"blob": 4000, "*": 5})
    specs = made(colour, emulator, wait=False)
    report = colour.run(emulator, lambda client: client.approve_many(specs, timeout=60))
    assert report.counts == {"approved": 6, "timed-out": 2}
    assert 55 <= emulator.clock.elapsed <= 61


def test_wait_false_reports_missing_connections_as_absent(colour: Colour):
    """Each target is read once."""
    emulator = Emulator(connection_delay=50)
    specs = made(colour, emulator, wait=False)
    report = colour.run(emulator, lambda client: client.approve_many(specs, wait=False))
    assert report.counts == {"absent": 8}
    assert emulator.clock.elapsed == 0


def test_specs_are_read_from_a_file(colour: Colour, emulator: Emulator, tmp_path):
    """approve_many takes the same files as create_many."""
    specs = made(colour, emulator)
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps([spec.model_dump(mode="json") for spec in specs]))
    assert colour.run(emulator, lambda client: client.approve_many(path)).counts == {"approved": 8}


def test_specs_without_account_use_the_connected_account(colour: Colour, emulator: Emulator):
    """The account is read from the factory's connection."""
    spec = Spec(factory=str(emulator.factory), name="purview")
    report = colour.run(emulator, lambda client: client.create_many([spec], approve=True))
    assert report.counts == {"created": 4, "approved": 4}
    again = colour.run(emulator, lambda client: client.approve_many([spec]))
    assert again.counts == {"already-approved": 4}


def test_create_many_with_approval_and_wait_false_reads_once(colour: Colour, emulator: Emulator):
    """Existing connections are approved in one round."""
    specs = made(colour, emulator)
    report = colour.run(emulator, lambda client: client.create_many(specs, approve=True, wait=False))
    assert report.counts == {"kept": 8, "approved": 8}


def test_approve_many_without_sign_in_fails_after_few_requests(colour: Colour, emulator: Emulator):
    """One 401 ends every factory's approval."""
    specs = made(colour, emulator, 12)
    before = emulator.request_count
    emulator.inject(Fault.status("GET", 401, times=100))
    report = colour.run(emulator, lambda client: client.approve_many(specs))
    assert report.counts == {"failed": 12}
    assert emulator.request_count - before < 40


@pytest.mark.parametrize("wrong", [7, "x"])
def test_invalid_specs_are_refused(colour: Colour, emulator: Emulator, wrong):
    """The error is raised before the first request."""
    with pytest.raises(InvalidSpec):
        colour.run(emulator, lambda client: client.approve_many([wrong]))
    assert emulator.requests == []


@pytest.mark.parametrize("reports", [False, True], ids=["specs", "reports"])
def test_a_slow_list_delays_only_its_own_target(colour: Colour, reports):
    """The storage's list takes 20 s: the connections on the account and the namespace are approved long before."""
    emulator = Emulator(foreign_connections=0)
    specs = made(colour, emulator, 4)
    given = colour.run(emulator, lambda client: client.create_many(specs)) if reports else specs
    began, approved = emulator.clock.elapsed, {}

    def note(event: Event) -> None:
        if event.outcome is not None and event.outcome.result == "approved":
            approved.setdefault(event.outcome.group_id, []).append(emulator.clock.elapsed - began)

    emulator.inject(Fault.delay("GET", 20, path="*Microsoft.Storage*/privateEndpointConnections", times=1))
    report = colour.run(emulator, lambda client: client.approve_many(given), on_event=note)
    assert report.counts == {"approved": 16}
    assert max(approved["account"] + approved["namespace"]) <= 5
    assert min(approved["blob"] + approved["queue"]) >= 20


def test_a_slow_factory_delays_no_other_factory(colour: Colour):
    """One factory answers after 20 s; the connections of the others are approved by then."""
    emulator = Emulator(foreign_connections=0)
    specs = made(colour, emulator, 6)
    began, done = emulator.clock.elapsed, {}

    def note(event: Event) -> None:
        if event.kind == "finished" and event.factory:
            done[event.factory] = emulator.clock.elapsed - began

    emulator.inject(Fault.delay("GET", 20, path="*/adf-3/*", times=1))
    colour.run(emulator, lambda client: client.approve_many(specs), on_event=note)
    assert done.pop(specs[3].factory) >= 20
    assert max(done.values()) <= 8


def test_name_matches_wait_for_the_lists_of_all_targets(colour: Colour):
    """Without exact ids a connection is compared with those on the other targets, however late one of them answers."""
    emulator = Emulator(foreign_connections=0, reveal_private_endpoint_ids="never")
    specs = made(colour, emulator, 2)

    def moved(body: dict) -> dict:
        """The connection with the name of the first factory's endpoint comes from another resource group."""
        text = json.dumps(body)
        own = re.search(r"(vnet-[^/]+)(?=/providers/Microsoft.Network/privateEndpoints/adf-0.purview_blob)", text)
        return json.loads(
            text.replace(
                f"{own[0]}/providers/Microsoft.Network/privateEndpoints/adf-0.purview_blob",
                "vnet-00000000-westeurope-999-rg/providers/Microsoft.Network/privateEndpoints/adf-0.purview_blob",
            )
        )

    emulator.inject(Fault.rewrite("GET", moved, path="*Microsoft.Storage*/privateEndpointConnections", times=None))
    emulator.inject(Fault.delay("GET", 20, path="*Microsoft.EventHub*/privateEndpointConnections", times=1))
    report = colour.run(emulator, lambda client: client.approve_many(specs))
    results = {outcome.result for outcome in report.reports[0].outcomes}
    assert results == {"ambiguous"}
    assert report.reports[1].complete


def test_a_401_for_one_tenant_fails_only_its_factory(colour: Colour, emulator: Emulator):
    """The other factories are approved."""
    specs = made(colour, emulator, 4)
    emulator.inject(Fault.status("GET", 401, code="InvalidAuthenticationTokenTenant", path="*/adf-0/*", times=None))
    report = colour.run(emulator, lambda client: client.approve_many(specs))
    assert report.counts == {"approved": 12, "failed": 4}
    assert {outcome.error.status for outcome in report.reports[0].outcomes} == {401}
