"""Endpoints that are replaced: deleted, waited for and created again, and the failures in between."""

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
def test_an_inconclusive_answer_to_a_delete_is_read_back(colour, emulator, fault):
    """The answer is lost, or another caller was faster: the endpoint is waited for and created again."""
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
def test_a_failed_deletion_is_reported(colour, emulator, fault, code):
    """The endpoint stays, with Azure's reason; the others are created."""
    broken(emulator)
    emulator.inject(fault)
    report = replace(colour, emulator)
    assert results(report) == REPLACED | {"old": "failed"}
    assert report.failures[0].error.code == code
    assert states(emulator)["old"] == "Succeeded"


def test_a_locked_endpoint_is_reported_as_soon_as_it_shows(colour, emulator):
    """DELETE is answered with 200 although a lock keeps the endpoint."""
    broken(emulator)
    emulator.add_lock(emulator.targets(emulator.account)["blob"])
    report = replace(colour, emulator)
    assert results(report) == REPLACED | {"old": "failed"}
    assert report.failures[0].error.message == (
        "Azure accepted the deletion of the endpoint 'old' but did not carry it out."
    )
    assert "resource lock" in report.failures[0].error.remedy
    assert emulator.clock.elapsed < 200


def test_a_slow_deletion_times_out(colour):
    """The endpoint is still listed, so no new one is created in its place."""
    emulator = Emulator(deletion=4000)
    broken(emulator)
    report = replace(colour, emulator, timeout=300)
    assert results(report) == REPLACED | {"old": "timed-out"}
    assert report.failures[0].error.message == (
        "Azure accepted the deletion of the endpoint 'old', but still listed it when the time ran out."
    )
    assert requests(emulator, "PUT", "/old") == []


def test_wait_false_still_creates_the_replacement(colour, emulator):
    """The call waits for the deletion, because it would otherwise leave fewer endpoints than before."""
    broken(emulator)
    report = replace(colour, emulator, wait=False)
    assert results(report) == REPLACED
    assert states(emulator)["old"] == "Provisioning"


def test_a_replacement_is_approved(colour, emulator):
    """With `approve` the new connection is approved."""
    broken(emulator)
    report = replace(colour, emulator, approve=True)
    assert report.complete
    assert {c.status for c in emulator.connections() if c.factory is not None} == {"Approved"}


class Beside:
    """An Io that reads the state of the run during every request, as a concurrent approval does."""

    deadline = None
    elapsed = 0.0

    def __init__(self) -> None:
        self.provisioning = None
        self.seen = []

    def now(self) -> float:
        """Always the same time."""
        return 0.0

    def tell(self, event) -> None:
        """Events are ignored."""

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
        """A list without the deleted endpoint."""
        return await self._look([])

    async def sleep(self, _seconds):
        """Returns at once."""

    async def gather(self, flows):
        """Flows run one after the other."""
        return [await flow for flow in flows]


def test_the_run_is_not_over_until_the_replacement_is_created():
    """A concurrent reader sees during every request that an endpoint is still to come."""
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
