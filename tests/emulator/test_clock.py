"""Time in the emulator: exact for concurrent flows, free of charge for those who wait."""

import asyncio
import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

from azure.mgmt.datafactory.aio import DataFactoryManagementClient

from purview_mpe.emulator import Clock, Emulator, RealClock, VirtualClock


def test_a_sleep_moves_the_clock_and_takes_no_time():
    """An hour passes at once."""
    clock = VirtualClock()
    started = time.monotonic()
    clock.sleep(3600)
    clock.sleep(-5)
    assert clock.now() == 3600
    assert time.monotonic() - started < 1


def test_overlapping_sleeps_of_threads_are_not_added_up():
    """Threads that looked at the clock together and sleep together wake together."""
    clock = VirtualClock()
    together = threading.Barrier(8)

    def flow(seconds):
        clock.now()
        together.wait()
        clock.sleep(seconds)
        return clock.now()

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(flow, [1, 2, 3, 4, 5, 6, 7, 8]))
    assert max(ends) == 8


def test_sleeps_of_one_thread_are_added_up():
    """Sleeping twice in a row takes twice as long, even if the thread never looks at the clock."""
    clock = VirtualClock()
    clock.sleep(2)
    clock.sleep(3)
    assert clock.now() == 5


def test_a_thousand_tasks_see_exact_time():
    """Each task wakes at its own moment, however many others there are."""
    clock = VirtualClock()

    async def flow(number):
        for _ in range(3):
            await clock.sleep_async(1 + number / 1000)
            await asyncio.sleep(0)
        return clock.now()

    async def main():
        return await asyncio.gather(*(flow(number) for number in range(1000)))

    ends = asyncio.run(main())
    assert all(abs(end - 3 * (1 + number / 1000)) < 1e-9 for number, end in enumerate(ends))
    assert clock.now() == max(ends)


def test_a_cancelled_sleeper_does_not_pull_the_clock():
    """The clock never jumps to a moment that nobody waits for any more."""
    clock = VirtualClock()

    async def main():
        patient = asyncio.create_task(clock.sleep_async(1000))
        await asyncio.sleep(0)
        patient.cancel()
        await clock.sleep_async(5)
        await clock.sleep_async(0)

    asyncio.run(main())
    assert clock.now() == 5


def test_moving_the_clock_wakes_tasks():
    """A task wakes when somebody else moves the clock past its moment."""
    clock = VirtualClock()

    async def main():
        sleeper = asyncio.create_task(clock.sleep_async(10))
        await asyncio.sleep(0)
        clock.advance(50)
        await sleeper

    asyncio.run(main())
    assert clock.now() == 50


def test_a_finished_loop_is_forgotten():
    """The clock keeps no event loop alive, and can be moved after one was closed."""
    clock = VirtualClock()
    loop = asyncio.new_event_loop()
    task = loop.create_task(clock.sleep_async(10))
    loop.run_until_complete(asyncio.sleep(0))
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    clock.advance(100)
    gone = weakref.ref(loop)
    del loop, task
    gc.collect()
    assert gone() is None


def test_the_clock_can_run_with_real_time():
    """Inside `running` time passes by itself, and sleeping really waits."""
    clock = VirtualClock()
    clock.advance(100)
    with clock.running(), clock.running():
        assert clock.is_running
        before = time.monotonic()
        clock.sleep(0.01)
        asyncio.run(clock.sleep_async(0.01))
        clock.advance(10)
        assert time.monotonic() - before >= 0.02
        assert clock.now() >= 110.02
    assert not clock.is_running
    stopped = clock.now()
    assert clock.now() == stopped


def test_a_real_clock_is_a_clock():
    """The real clock counts seconds and waits, for threads and for tasks."""
    clock = RealClock()
    assert isinstance(clock, Clock)
    emulator = Emulator(clock=clock)
    before = clock.now()
    emulator.transport().sleep(0.01)
    asyncio.run(emulator.async_transport().sleep(0.01))
    assert clock.now() - before >= 0.02


def test_a_clock_of_ones_own():
    """Anything with now() and sleep() can be the emulator's time; its sleep may block a task's thread only."""

    class Mine:
        time = 1000.0

        def now(self):
            return self.time

        def sleep(self, seconds):
            self.time += seconds

    emulator = Emulator(clock=Mine())
    emulator.transport().sleep(5)
    asyncio.run(emulator.async_transport().sleep(7))
    assert emulator.async_transport().monotonic() == emulator.transport().monotonic() == 1012


def test_concurrent_flows_poll_in_exact_time():
    """A hundred async flows that request, poll and wait all end when their own endpoint is ready."""
    emulator = Emulator(provisioning=60)
    factories = [emulator.add_factory(f"df-{number}") for number in range(100)]
    transport = emulator.async_transport()

    async def flow(client, factory):
        body = {"properties": {"privateLinkResourceId": str(emulator.account), "groupId": "account", "fqdns": []}}
        await client.managed_private_endpoints.create_or_update("rg1", factory.name, "default", "p", body)
        while True:
            endpoint = await client.managed_private_endpoints.get("rg1", factory.name, "default", "p")
            if endpoint.properties.provisioning_state == "Succeeded":
                return transport.monotonic()
            await transport.sleep(7)

    async def main():
        async with DataFactoryManagementClient(
            emulator.async_credential, emulator.factory.subscription, transport=transport
        ) as client:
            return await asyncio.gather(*(flow(client, factory) for factory in factories))

    assert asyncio.run(main()) == [63.0] * 100
