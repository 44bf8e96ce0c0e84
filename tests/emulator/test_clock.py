"""The emulator's clock: exact times for concurrent flows, without waiting in real time."""

import asyncio
import gc
import threading
import time
import weakref

import pytest
from azure.mgmt.datafactory.aio import DataFactoryManagementClient

from purview_mpe.emulator import Clock, Emulator, RealClock, VirtualClock


def test_a_sleep_moves_the_clock_without_waiting():
    """An hour passes at once."""
    clock = VirtualClock()
    started = time.monotonic()
    clock.sleep(3600)
    clock.sleep(-5)
    clock.sleep(float("nan"))
    assert clock.elapsed == 3600
    assert time.monotonic() - started < 600


def test_the_clock_does_not_start_at_zero():
    """A time that was never set cannot be confused with the start, unless zero is requested."""
    assert VirtualClock().now() == 1_000_000
    assert VirtualClock(0).now() == 0


def test_an_endless_sleep_does_not_move_the_clock():
    """The clock moves to the end of the other sleep; the endless one ends with a `wake`."""
    clock, is_woken = VirtualClock(), threading.Event()
    sleeper = threading.Thread(target=clock.sleep, args=(float("inf"), is_woken))
    sleeper.start()
    clock.sleep(5)
    assert clock.elapsed == 5
    is_woken.set()
    clock.wake(sleeper)
    sleeper.join(60)
    assert not sleeper.is_alive()
    assert clock.elapsed == 5


def test_sleeps_of_one_thread_add_up():
    """Two sleeps in a row take their sum, even if the thread never reads the clock."""
    clock = VirtualClock()
    clock.sleep(2)
    clock.sleep(3)
    assert clock.elapsed == 5


def test_sleeps_of_working_threads_overlap():
    """Each thread wakes at its own time, however late it starts."""
    clock = VirtualClock()
    ends = {}

    def flow(number):
        for _ in range(3):
            clock.sleep(number)
        ends[number] = clock.elapsed
        clock.end_work()

    threads = [threading.Thread(target=flow, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        clock.begin_work(thread)
    for thread in threads:
        thread.start()
        # Started threads sleep or are about to sleep; threads that are not started yet stop the clock.
        assert clock.elapsed == 0 or thread is threads[-1]
    for thread in threads:
        thread.join()
    assert ends == {number: 3 * number for number in range(1, 9)}


def test_a_working_thread_stops_the_clock():
    """The clock moves when the thread sleeps, ends, or waits for another thread."""
    clock = VirtualClock()
    clock.begin_work()

    def flow():
        clock.sleep(5)
        clock.end_work()

    sleeper = threading.Thread(target=flow)
    clock.begin_work(sleeper)  # otherwise its sleep could begin at 3
    sleeper.start()
    assert clock.elapsed == 0
    clock.sleep(3)
    assert clock.elapsed == 3
    clock.begin_wait()
    sleeper.join()
    assert clock.elapsed == 5
    clock.end_wait()
    clock.end_work()


def test_nested_work_ends_with_the_outer_one():
    """A verb called within another verb does not start the clock."""
    clock = VirtualClock()
    clock.begin_work()
    clock.begin_work()
    clock.end_work()
    sleeper = threading.Thread(target=clock.sleep, args=(5,))
    sleeper.start()
    assert clock.elapsed == 0
    clock.end_work()
    sleeper.join()
    clock.end_work()  # one call too many has no effect
    clock.begin_wait()  # nor has waiting without work
    assert clock.elapsed == 5


def test_a_blocked_working_thread_is_reported():
    """The sleeper's error names the thread, and where it waits."""
    clock = VirtualClock(patience=0.2)
    over = threading.Event()
    blocked = threading.Thread(target=over.wait, name="blocked")
    clock.begin_work(blocked)
    blocked.start()
    with pytest.raises(RuntimeError, match=r"stands still: .* blocked \(.*threading.py:\d+\)"):
        clock.sleep(5)
    over.set()
    blocked.join()
    clock.end_work(blocked)
    clock.sleep(5)
    assert clock.elapsed == 5


def test_threads_and_tasks_share_one_clock():
    """A thread and the tasks of a loop in another thread wake in the order of their times."""
    clock = VirtualClock()
    woken = []

    async def task(name, seconds):
        for _ in range(3):
            await clock.sleep_async(seconds)
            woken.append((clock.elapsed, name))

    async def main():
        await asyncio.gather(task("a", 2), task("b", 5))

    def loop():
        asyncio.run(main())
        clock.end_work()

    thread = threading.Thread(target=loop)
    clock.begin_work()
    clock.begin_work(thread)
    thread.start()
    for _ in range(4):
        clock.sleep(3)
        woken.append((clock.elapsed, "thread"))
    clock.end_work()
    thread.join()
    assert [at for at, _ in woken] == sorted(at for at, _ in woken)
    assert [name for _, name in woken if name == "thread"] == ["thread"] * 4
    assert [at for at, name in woken if name == "b"] == [5, 10, 15]


def test_a_blocking_sleep_inside_a_loop():
    """A task that blocks its loop lets time pass, too, and delayed tasks continue afterwards."""
    clock = VirtualClock()

    async def main():
        sleeper = asyncio.create_task(clock.sleep_async(2))
        await asyncio.sleep(0)
        clock.sleep(10)
        await sleeper
        return clock.elapsed

    assert asyncio.run(main()) == 10


def test_a_thousand_tasks_wake_at_exact_times():
    """Each task wakes at its own time, however many others exist."""
    clock = VirtualClock()

    async def flow(number):
        for _ in range(3):
            await clock.sleep_async(1 + number / 1000)
            await asyncio.sleep(0)
        return clock.elapsed

    async def main():
        return await asyncio.gather(*(flow(number) for number in range(1000)))

    ends = asyncio.run(main())
    assert all(abs(end - 3 * (1 + number / 1000)) < 1e-9 for number, end in enumerate(ends))
    assert clock.elapsed == max(ends)


def test_a_cancelled_sleep_does_not_move_the_clock():
    """The clock does not jump to the end of a sleep that was cancelled."""
    clock = VirtualClock()

    async def main():
        patient = asyncio.create_task(clock.sleep_async(1000))
        await asyncio.sleep(0)
        patient.cancel()
        await clock.sleep_async(5)
        await clock.sleep_async(0)

    asyncio.run(main())
    assert clock.elapsed == 5


def test_advance_wakes_tasks():
    """A task wakes when its time is in the past."""
    clock = VirtualClock()

    async def main():
        sleeper = asyncio.create_task(clock.sleep_async(10))
        await asyncio.sleep(0)
        clock.advance(50)
        await sleeper

    asyncio.run(main())
    assert clock.elapsed == 50


def test_a_closed_loop_is_released():
    """The clock keeps no reference to an event loop, and can be moved after a loop was closed."""
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


def test_a_running_clock_follows_real_time():
    """Inside `running`, time passes by itself, and sleeping really waits."""
    clock = VirtualClock()
    clock.advance(100)
    with clock.running(), clock.running():
        assert clock.is_running
        before = time.monotonic()
        clock.sleep(0.01)
        asyncio.run(clock.sleep_async(0.01))
        clock.advance(10)
        assert time.monotonic() - before >= 0.02
        assert clock.elapsed >= 110.02
    assert not clock.is_running
    stopped = clock.now()
    assert clock.now() == stopped


def test_sleepers_wake_in_real_time_once_the_clock_runs():
    """A thread and a task that sleep on the virtual clock continue when their time has really passed."""
    clock = VirtualClock()
    parked = threading.Event()

    async def main():
        task = asyncio.create_task(clock.sleep_async(0.02))
        await asyncio.sleep(0)
        parked.set()
        await task

    threads = [
        threading.Thread(target=work, args=arguments)
        for work, *arguments in ((clock.sleep, 0.01), (asyncio.run, main()))
    ]
    clock.begin_work()
    for thread in threads:
        thread.start()
    parked.wait()
    with clock.running():
        for thread in threads:
            thread.join()
        assert clock.elapsed >= 0.02
    clock.end_work()


def test_the_clock_moves_on_other_event_loops():
    """On loops other than asyncio's own it moves after some idle rounds."""
    uvloop = pytest.importorskip("uvloop")
    clock = VirtualClock()

    async def flow(number):
        for _ in range(3):
            await clock.sleep_async(number)
        return clock.elapsed

    async def main():
        return await asyncio.gather(*(flow(number) for number in range(1, 9)))

    loop = uvloop.new_event_loop()
    assert loop.run_until_complete(main()) == [3 * number for number in range(1, 9)]
    loop.close()


def test_the_real_clock_implements_clock():
    """It counts seconds and waits, for threads and for tasks."""
    clock = RealClock()
    assert isinstance(clock, Clock)
    emulator = Emulator(clock=clock)
    before = clock.now()
    emulator.transport().sleep(0.01)
    asyncio.run(emulator.async_transport().sleep(0.01))
    assert clock.now() - before >= 0.02


def test_a_custom_clock_is_accepted():
    """Any object with now() and sleep() can be the emulator's clock."""

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


def test_concurrent_flows_poll_at_exact_times():
    """A hundred async flows that create, poll and wait all end when their own endpoint is ready."""
    emulator = Emulator(provisioning=60)
    factories = [emulator.add_factory(f"df-{number}") for number in range(100)]
    transport = emulator.async_transport()

    async def flow(client, factory):
        body = {"properties": {"privateLinkResourceId": str(emulator.account), "groupId": "account", "fqdns": []}}
        await client.managed_private_endpoints.create_or_update("rg1", factory.name, "default", "p", body)
        while True:
            endpoint = await client.managed_private_endpoints.get("rg1", factory.name, "default", "p")
            if endpoint.properties.provisioning_state == "Succeeded":
                return emulator.clock.elapsed
            await transport.sleep(7)

    async def main():
        async with DataFactoryManagementClient(
            emulator.async_credential, emulator.factory.subscription, transport=transport
        ) as client:
            return await asyncio.gather(*(flow(client, factory) for factory in factories))

    assert asyncio.run(main()) == [63.0] * 100
