"""What approving for many factories promises beyond what it promises for one."""

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
    """Factories whose endpoints are there."""
    specs = [
        Spec(factory=str(emulator.add_factory(f"adf-{number}")), account=str(emulator.account), name="purview")
        for number in range(count)
    ]
    colour.run(emulator, lambda client: client.create_many(specs, **options))
    return specs


def test_what_this_caller_may_not_decide_is_handed_off(colour: Colour, emulator: Emulator):
    """A target that refuses the caller ends in a hand-off for each factory; the other targets are decided."""
    specs = made(colour, emulator)
    emulator.inject(Fault.status("PUT", 403, times=100, path="*Microsoft.Storage*"))
    report = colour.run(emulator, lambda client: client.approve_many(specs))
    assert report.counts == {"approved": 4, "handed-off": 4}
    assert report.succeeded
    assert not report.complete
    assert all(each.hand_off for each in report.reports)


def test_a_target_that_cannot_be_read_is_handed_off(colour: Colour, emulator: Emulator):
    """Where a list is refused, nothing is guessed."""
    specs = made(colour, emulator)
    emulator.inject(Fault.status("GET", 403, times=100, path="*Microsoft.EventHub*"))
    report = colour.run(emulator, lambda client: client.approve_many(specs))
    assert report.counts == {"approved": 6, "handed-off": 2}


def test_what_a_call_answers_is_not_believed(colour: Colour, emulator: Emulator):
    """An approval that answers nonsense after it was done counts as done, because the target shows it."""
    specs = made(colour, emulator)
    emulator.inject(Fault.body("PUT", "html", times=8, path="*/privateEndpointConnections/*"))
    report = colour.run(emulator, lambda client: client.approve_many(specs))
    assert report.counts == {"approved": 8}


def test_a_busy_storage_account_is_waited_for(colour: Colour):
    """Storage takes one decision at a time: the others wait for it and are done."""
    emulator = Emulator()
    specs = made(colour, emulator, 3)
    emulator.inject(
        Fault.status("PUT", 409, times=4, code="StorageAccountOperationInProgress", path="*Microsoft.Storage*")
    )
    report = colour.run(emulator, lambda client: client.approve_many(specs, timeout=900))
    assert report.counts == {"approved": 12}


def test_connections_that_come_later_are_waited_for(colour: Colour):
    """A connection appears some seconds after its endpoint; rounds go on until then, and reports stream."""
    emulator = Emulator(connection_delay={"blob": 40, "*": 5})
    specs = made(colour, emulator, wait=False)
    reports = colour.run(emulator, lambda client: client.iter_approve_many(specs))
    assert [outcome.result for report in reports for outcome in report.outcomes] == ["approved"] * 8
    assert 40 <= emulator.clock.elapsed < 60


def test_connections_that_never_come(colour: Colour):
    """When the time is over the rest is told, and what was found is done."""
    emulator = Emulator(connection_delay={"blob": 4000, "*": 5})
    specs = made(colour, emulator, wait=False)
    report = colour.run(emulator, lambda client: client.approve_many(specs, timeout=60))
    assert report.counts == {"approved": 6, "timed-out": 2}
    assert 55 <= emulator.clock.elapsed <= 61


def test_not_waiting_for_connections(colour: Colour):
    """One look, and what is not there is told as absent."""
    emulator = Emulator(connection_delay=50)
    specs = made(colour, emulator, wait=False)
    report = colour.run(emulator, lambda client: client.approve_many(specs, wait=False))
    assert report.counts == {"absent": 8}
    assert emulator.clock.elapsed == 0


def test_specs_from_a_file(colour: Colour, emulator: Emulator, tmp_path):
    """Approving takes the same files as creating."""
    specs = made(colour, emulator)
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps([spec.model_dump(mode="json") for spec in specs]))
    assert colour.run(emulator, lambda client: client.approve_many(path)).counts == {"approved": 8}


def test_an_account_that_is_connected_is_found(colour: Colour, emulator: Emulator):
    """Specs without an account follow the factory's connection."""
    spec = Spec(factory=str(emulator.factory), name="purview")
    report = colour.run(emulator, lambda client: client.create_many([spec], approve=True))
    assert report.counts == {"created": 4, "approved": 4}
    again = colour.run(emulator, lambda client: client.approve_many([spec]))
    assert again.counts == {"already-approved": 4}


def test_approving_at_once_without_waiting(colour: Colour, emulator: Emulator):
    """Without waiting one look is all that approving on the way gets."""
    specs = made(colour, emulator)
    report = colour.run(emulator, lambda client: client.create_many(specs, approve=True, wait=False))
    assert report.counts == {"kept": 8, "approved": 8}


def test_who_is_not_signed_in_approves_nothing(colour: Colour, emulator: Emulator):
    """One refusal for all."""
    specs = made(colour, emulator, 12)
    before = emulator.request_count
    emulator.inject(Fault.status("GET", 401, times=100))
    report = colour.run(emulator, lambda client: client.approve_many(specs))
    assert report.counts == {"failed": 12}
    assert emulator.request_count - before < 40


@pytest.mark.parametrize("wrong", [7, "x"])
def test_what_is_no_spec_is_refused(colour: Colour, emulator: Emulator, wrong):
    """Told before anything is sent."""
    with pytest.raises(InvalidSpec):
        colour.run(emulator, lambda client: client.approve_many([wrong]))
    assert emulator.requests == []


@pytest.mark.parametrize("reports", [False, True], ids=["specs", "reports"])
def test_a_list_that_hangs_holds_back_its_own_target(colour: Colour, reports):
    """The storage's list takes twenty seconds: what the account and the namespace show is approved long before."""
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


def test_a_factory_that_hangs_holds_back_nothing_else(colour: Colour):
    """One factory answers after twenty seconds; the connections of the others are approved by then."""
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


def test_names_are_decided_by_all_lists_together(colour: Colour):
    """Without exact ids a connection counts only beside those of the other targets, however late one of them answers."""
    emulator = Emulator(foreign_connections=0, reveal_private_endpoint_ids="never")
    specs = made(colour, emulator, 2)

    def moved(body: dict) -> dict:
        """The connection that bears the name of the first factory's endpoint comes from elsewhere."""
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


def test_one_tenants_401_stays_its_own(colour: Colour, emulator: Emulator):
    """A factory that Azure refuses the token for is reported; the others are approved."""
    specs = made(colour, emulator, 4)
    emulator.inject(Fault.status("GET", 401, code="InvalidAuthenticationTokenTenant", path="*/adf-0/*", times=None))
    report = colour.run(emulator, lambda client: client.approve_many(specs))
    assert report.counts == {"approved": 12, "failed": 4}
    assert {outcome.error.status for outcome in report.reports[0].outcomes} == {401}
