"""How clients keep to their budget: which requests wait, which do not, and which clients share it."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from purview_mpe import Budget, Client, aio
from purview_mpe._azure.pacing import shared_budget
from purview_mpe._rules.budget import Rate
from purview_mpe.emulator import Emulator, Fault
from tests.support.colours import spec_for

if TYPE_CHECKING:
    from tests.support.colours import Colour

ONE_AT_ONCE = {"reads": Rate(2, 0.5), "writes": Rate(2, 0.5)}


def test_requests_wait_for_their_tokens(colour: Colour, emulator: Emulator):
    """With one read at once and one every two seconds, further reads wait."""
    budget = Budget(**ONE_AT_ONCE)
    colour.run(emulator, lambda client: client.plan(spec_for(emulator, groups=("account",))), budget=budget)
    assert emulator.clock.elapsed == pytest.approx(2.4, abs=2)
    assert emulator.clock.elapsed > 2


def test_a_single_create_all_waits_for_no_token(colour: Colour):
    """The documented burst is several times larger than one factory's requests."""
    emulator = Emulator(provisioning=0, enforce_limits=True)
    colour.run(emulator, lambda client: client.create_all(spec_for(emulator), wait=False))
    assert emulator.clock.elapsed == 0


def test_a_wait_that_exceeds_the_verbs_time_ends_at_once(colour: Colour, emulator: Emulator):
    """A request does not wait if it would miss the deadline."""
    budget = Budget(writes=Rate(1, 0.001))
    report = colour.run(emulator, lambda client: client.create_all(spec_for(emulator), timeout=60), budget=budget)
    assert {outcome.result for outcome in report.outcomes if outcome.error} == {"timed-out"}
    assert any("Azure's limits allow" in outcome.error.message for outcome in report.outcomes if outcome.error)
    assert len(emulator.writes) == 1


def test_clients_that_share_a_budget_share_its_tokens(emulator: Emulator):
    """Two clients with one budget have one burst between them."""
    budget = Budget(writes=Rate(9, 0.01))
    results = []
    for number in range(3):
        spec = spec_for(emulator, factory=str(emulator.add_factory(f"adf-{number}")))
        with Client(emulator.credential, transport=emulator.transport(), budget=budget) as client:
            results.append({outcome.result for outcome in client.create_all(spec, wait=False, timeout=50).outcomes})
    # A tenth of the 9 writes is kept in reserve, so 8 are left: enough for two factories.
    assert results == [{"created"}, {"created"}, {"timed-out"}]


def test_a_throttled_write_holds_up_the_next_one(colour: Colour, emulator: Emulator):
    """After a 429, other writes of the subscription wait as well."""
    emulator.inject(Fault.status("PUT", 429, times=1, retry_after=7))
    colour.run(emulator, lambda client: client.create_all(spec_for(emulator), wait=False))
    assert [request.status for request in emulator.writes].count(429) == 1
    assert emulator.clock.elapsed >= 7


def test_a_broken_request_leaves_the_bucket_as_it_is(colour: Colour, emulator: Emulator):
    """A broken connection has used its token and holds up no other request."""
    emulator.inject(Fault.reset("GET", times=1))
    budget = Budget()
    colour.run(emulator, lambda client: client.plan(spec_for(emulator)), budget=budget)
    assert all(bucket.on_the_way == 0 for bucket in budget._buckets.values())


def test_a_cancelled_wait_gives_its_token_back(emulator: Emulator):
    """A task that is cancelled while it waits gives its place to the others."""
    budget = Budget(reads=Rate(1, 0.01))

    class Patient:
        """The emulator's transport, whose waits end only when they are cancelled."""

        def __init__(self) -> None:
            self.inner = emulator.async_transport()
            self.waiting = asyncio.Event()

        def __getattr__(self, name: str):
            return getattr(self.inner, name)

        async def sleep(self, _seconds: float) -> None:
            self.waiting.set()
            await asyncio.Event().wait()

    async def main() -> None:
        transport = Patient()
        async with aio.Client(emulator.async_credential, transport=transport, budget=budget) as client:
            task = asyncio.create_task(client.plan(spec_for(emulator)))
            await transport.waiting.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert all(bucket.on_the_way == 0 for bucket in budget._buckets.values())
    assert [round(b.level, 6) for k, b in budget._buckets.items() if "principal" in k] == [0.0]


def test_one_budget_per_process_and_one_per_emulator_clock():
    """Clients in real time share one budget; each emulator's clock has its own."""
    emulated = Emulator().transport()
    assert shared_budget(None) is shared_budget(object())
    assert shared_budget(emulated) is shared_budget(emulated)
    assert shared_budget(emulated) is not shared_budget(None)


def test_threads_take_one_token_each():
    """When many threads draw on a bucket at once, no token is used twice or lost."""
    budget = Budget(writes=Rate(1000, 0.001))
    url = "https://management.azure.com/subscriptions/00000000-0000-0000-0000-000000000001/x"
    free: list[bool] = []

    def draw() -> None:
        free.extend(budget.wait(budget.take("PUT", url, 0.0), 0.0) == 0.0 for _ in range(200))

    threads = [threading.Thread(target=draw) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(free) == 900
    assert len(free) == 1600


def test_a_wait_in_real_time_is_a_real_wait():
    """Without an emulator's clock, the wait takes real time."""
    emulator = Emulator()
    transport = emulator.transport()

    class RealTime:
        """The emulator's transport without its clock."""

        def __getattr__(self, name: str):
            if name == "monotonic":
                raise AttributeError(name)
            return getattr(transport, name)

        def sleep(self, seconds: float) -> None:
            time.sleep(seconds)

    began = time.monotonic()
    with Client(emulator.credential, transport=RealTime(), budget=Budget(reads=Rate(1, 20))) as client:
        client.plan(spec_for(emulator))
    assert time.monotonic() - began >= 0.1


def test_the_error_of_a_wait_says_what_to_do(colour: Colour, emulator: Emulator):
    """The error names Azure's limits and advises a longer timeout."""
    budget = Budget(reads=Rate(1, 0.001))
    report = colour.run(emulator, lambda client: client.approve(spec_for(emulator), timeout=5), budget=budget)
    error = report.outcomes[0].error
    assert (error.code, "Azure's limits" in error.message) == ("wait-timed-out", True)
    assert "longer timeout" in error.remedy
