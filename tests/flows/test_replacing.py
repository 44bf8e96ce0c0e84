"""Endpoints that are made anew: deleted, waited for, created again, and whatever can go wrong in between."""

from __future__ import annotations

import pytest

from purview_mpe._azure.io import run
from purview_mpe._flows.steps.provisioning import Provisioning
from purview_mpe._rules.planning import make_plan
from purview_mpe.emulator import Emulator, Fault
from tests.support.colours import spec_for
from tests.support.nouns import ALL_NAMES, STORAGE, a_factory, a_spec, an_account, an_endpoint
from tests.support.reports import requests, results, states


def replace(colour, emulator, *, wait=True, timeout=1800, approve=False):
    spec = spec_for(emulator, replace_broken=True)
    return colour.run(emulator, lambda client: client.create_all(spec, wait=wait, timeout=timeout, approve=approve))


def broken(emulator) -> None:
    emulator.add_endpoint(
        emulator.factory, "old", emulator.targets(emulator.account)["blob"], "blob", status="Rejected"
    )


REPLACED = {"purview": "created", "old": "replaced"} | dict.fromkeys(ALL_NAMES[2:], "created")
OLD = "*/managedPrivateEndpoints/old"


@pytest.mark.parametrize(
    "fault",
    [
        Fault.reset("DELETE", path=OLD, before=False, times=4),
        Fault.status("DELETE", 500, path=OLD, after=True, times=4),
        Fault.status("DELETE", 404, path=OLD, after=True),
        Fault.status("DELETE", 409, path=OLD, times=3, code="StorageAccountOperationInProgress"),
    ],
    ids=["reset", "500", "404", "busy"],
)
def test_whether_it_was_deleted_is_answered_by_looking(colour, emulator, fault):
    """A lost answer, or somebody who was faster: what is on its way out is waited for and made again."""
    broken(emulator)
    emulator.inject(fault)
    report = replace(colour, emulator)
    assert results(report) == REPLACED
    assert set(states(emulator).values()) == {"Succeeded"}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.status("DELETE", 403, path=OLD), "access-denied"),
        (Fault.status("DELETE", 500, path=OLD, times=4), "azure-unavailable"),
        (Fault.reset("DELETE", path=OLD, times=4), "no-answer"),
    ],
    ids=["403", "500", "reset"],
)
def test_a_deletion_that_did_not_happen_is_told(colour, emulator, fault, code):
    """What cannot be deleted stays as it is, with Azure's reason; the others are made."""
    broken(emulator)
    emulator.inject(fault)
    report = replace(colour, emulator)
    assert results(report) == REPLACED | {"old": "failed"}
    assert report.failures[0].error.code == code
    assert states(emulator)["old"] == "Succeeded"


def test_a_lock_is_told_when_it_shows(colour, emulator):
    """DELETE is answered with 200 although a lock keeps the endpoint; that is told as soon as it can be seen."""
    broken(emulator)
    emulator.add_lock(emulator.targets(emulator.account)["blob"])
    report = replace(colour, emulator)
    assert results(report) == REPLACED | {"old": "failed"}
    assert report.failures[0].error.message == (
        "Azure accepted the deletion of the endpoint 'old' but did not carry it out."
    )
    assert "resource lock" in report.failures[0].error.remedy
    assert emulator.clock.elapsed < 200


def test_a_deletion_that_takes_too_long_is_timed_out(colour):
    """What is still listed when the time is over is told, and nothing is made in its place."""
    emulator = Emulator(deletion=4000)
    broken(emulator)
    report = replace(colour, emulator, timeout=300)
    assert results(report) == REPLACED | {"old": "timed-out"}
    assert report.failures[0].error.message == (
        "Azure accepted the deletion of the endpoint 'old', but still listed it when the time ran out."
    )
    assert requests(emulator, "PUT", "/old") == []


def test_without_waiting_what_is_deleted_is_still_made_again(colour, emulator):
    """wait=False waits for the deletion all the same: to end there would leave less than there was."""
    broken(emulator)
    report = replace(colour, emulator, wait=False)
    assert results(report) == REPLACED
    assert states(emulator)["old"] == "Provisioning"


def test_an_approved_replacement_is_approved(colour, emulator):
    """What is replaced on request gets its approval as well."""
    broken(emulator)
    report = replace(colour, emulator, approve=True)
    assert report.complete
    assert {c.status for c in emulator.connections() if c.factory is not None} == {"Approved"}


class Beside:
    """An Io that looks at the run from the side during every request, as an approval does that goes on beside it."""

    deadline = None
    elapsed = 0.0

    def __init__(self) -> None:
        self.provisioning = None
        self.seen = []

    def now(self) -> float:
        """Time stands still."""
        return 0.0

    def tell(self, event) -> None:
        """Nobody listens."""

    async def _look(self, answer):
        self.seen.append(self.provisioning.is_over)
        return answer

    async def call(self, _attempt, _operation):
        """A deletion."""
        return await self._look(None)

    async def read(self, _attempt, _operation):
        """A creation."""
        made = {"privateLinkResourceId": STORAGE, "groupId": "blob", "provisioningState": "Succeeded"}
        return await self._look({"name": "old", "properties": made})

    async def collect(self, _attempt, _operation):
        """A list, on which the endpoint that was deleted is not to be found any more."""
        return await self._look([])

    async def sleep(self, _seconds):
        """Nobody waits."""

    async def gather(self, flows):
        """One after the other."""
        return [await flow for flow in flows]


def test_nothing_is_over_until_the_last_endpoint_is_made_again():
    """While requests are under way, whoever looks from the side sees that something is still to come."""
    io, spec = Beside(), a_spec(groups=("blob",), replace_broken=True)
    factory = a_factory(an_endpoint("old", "blob", connection_status="Rejected"))
    io.provisioning = Provisioning(io, make_plan(spec, an_account(), factory), factory, "create_all")

    async def replacing():
        await io.provisioning.write()
        assert not io.provisioning.is_over
        await io.provisioning.look()

    run(replacing())
    assert len(io.seen) == 3
    assert not any(io.seen[1:])
    assert io.provisioning.is_over
    assert [outcome.result for outcome in io.provisioning.outcomes()] == ["replaced"]
