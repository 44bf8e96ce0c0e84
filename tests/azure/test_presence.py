"""Threads reported to a transport with its own clock: its time stays exact, whatever they wait for."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Client, Spec
from purview_mpe._azure import loading, presence
from purview_mpe._azure.presence import UNASKED, Crew, Turns, presence_of
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import PurviewMpeError
from tests.support.moments import Before
from tests.support.presence import Roll, on, read
from tests.support.scripted import Runner, Script, Transport, both, ok, refusal

if TYPE_CHECKING:
    from types import FrameType

colours = loading.load("purview_mpe._azure.io")


@both
def test_flows_that_sleep_together_wake_at_their_own_moments(runner: Runner) -> None:
    """Time passes only once all flows sleep, however late a thread is scheduled."""
    emulator = Emulator()

    async def sleeper(io: Any, seconds: float) -> float:
        for _ in range(3):
            await io.sleep(seconds)
        return emulator.clock.elapsed

    async def flow(io: Any) -> Any:
        return await io.gather([sleeper(io, seconds) for seconds in range(1, 17)])

    assert on(emulator, runner, flow) == [3 * seconds for seconds in range(1, 17)]


@both
@pytest.mark.parametrize("requests", [2, 16])
def test_requests_that_take_time_overlap(runner: Runner, requests: int) -> None:
    """Requests sent at the same time from new threads take as long as one."""
    emulator = Emulator(latency=10)

    async def flow(io: Any) -> Any:
        await io.gather([read(io, emulator) for _ in range(requests)])

    on(emulator, runner, flow)
    assert emulator.clock.elapsed == 10


@both
def test_more_flows_than_threads_run_in_turns(runner: Runner) -> None:
    """A thread takes the next flow when its last one ends; async tasks all run at once."""
    emulator = Emulator()

    async def sleeper(io: Any) -> None:
        await io.sleep(5)

    async def flow(io: Any) -> Any:
        await io.gather([sleeper(io) for _ in range(40)])

    on(emulator, runner, flow)
    assert emulator.clock.elapsed == (15 if runner.is_sync else 5)


@both
def test_gather_can_contain_gather(runner: Runner) -> None:
    """A thread that waits for its own threads does not hold the clock and continues when the last one ends."""
    emulator = Emulator()

    async def inner(io: Any, seconds: float) -> None:
        await io.sleep(seconds)

    async def outer(io: Any, seconds: float) -> float:
        await io.gather([inner(io, seconds), inner(io, 2 * seconds)])
        await io.sleep(1)
        return emulator.clock.elapsed

    async def flow(io: Any) -> Any:
        return await io.gather([outer(io, seconds) for seconds in (3, 5, 7)])

    assert on(emulator, runner, flow) == [7, 11, 15]


@both
def test_waiting_for_another_requests_token_does_not_hold_the_clock(runner: Runner) -> None:
    """A sign-in of one emulator minute delays all requests that need its token by one minute."""
    emulator = Emulator()

    class Slow:
        def get_token_info(self, *scopes: str, options: Any = None) -> Any:
            emulator.clock.sleep(60)
            return emulator.credential.get_token_info(*scopes, options=options)

    class AsyncSlow:
        async def get_token_info(self, *scopes: str, options: Any = None) -> Any:
            await emulator.async_transport().sleep(60)
            return await emulator.async_credential.get_token_info(*scopes, options=options)

    async def flow(io: Any) -> Any:
        await io.gather([read(io, emulator) for _ in range(8)])

    on(emulator, runner, flow, Slow() if runner.is_sync else AsyncSlow())
    assert emulator.clock.elapsed == 60


def test_listener_can_use_another_client() -> None:
    """Other events wait for their turn meanwhile, and time goes on."""
    emulator = Emulator(latency=10)
    spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
    counted: Counter[str] = Counter()

    def listener(event: Any) -> None:
        counted[event.kind] += 1
        if counted[event.kind] == 1:
            with Client(emulator.credential, transport=emulator.transport()) as other:
                other.discover(str(emulator.account))

    emulator.inject(Fault.status("PUT", 503, times=4))
    with Client(emulator.credential, transport=emulator.transport(), on_event=listener) as client:
        assert client.create_all(spec).complete
    assert counted["retrying"] == 4


def test_two_clients_in_two_threads_share_one_time() -> None:
    """Time does not move while one of them works and the other waits."""
    emulator = Emulator(provisioning=60)
    specs = [
        Spec(factory=str(emulator.add_factory(f"adf-{number}")), account=str(emulator.account), name="purview")
        for number in range(2)
    ]
    both_wait = threading.Barrier(2)
    first = Before("GET", "/accounts/pv1", lambda _number: both_wait.wait(10))
    seconds: list[float] = []

    def run(spec: Spec) -> None:
        with Client(emulator.credential, transport=emulator.transport(), per_retry_policies=[first]) as client:
            seconds.extend(outcome.seconds for outcome in client.create_all(spec).outcomes)

    threads = [threading.Thread(target=run, args=(spec,)) for spec in specs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seconds) == 8
    assert all(60 <= each <= 66 for each in seconds)


# --- reported threads


@pytest.mark.parametrize("replies", [[ok({"name": "x"})], [refusal(403)], [KeyboardInterrupt()]], ids=str)
def test_no_thread_stays_reported_after_a_verb(replies: Any) -> None:
    """A verb that succeeds, fails or is interrupted leaves no thread reported."""
    roll = Roll(Script(replies))
    azure = Runner("sync").azure(None, transport=roll)

    async def verb(io: Any) -> None:
        with io.verb("test"):
            await io.gather([read(io, Emulator()) for _ in range(3)])

    with contextlib.suppress(PurviewMpeError, KeyboardInterrupt):
        Runner("sync").flow(azure, verb)
    assert roll.most == 4
    assert not +roll.works
    assert not +roll.waits


def test_a_thread_that_cannot_be_started_is_not_waited_for() -> None:
    """Its report is withdrawn, and the waiting thread continues when the last thread ends."""
    roll = Roll(Script([ok()]))
    threads = [threading.Thread(target=int) for _ in range(2)]
    crew = Crew(roll, threads)
    crew.begin()
    me = threading.current_thread()
    assert (len(+roll.works), roll.waits[me]) == (2, 1)
    for thread in (threads[0], threads[0], threads[1]):
        crew.end(thread)
    crew.dismiss()
    assert (len(+roll.works), roll.waits[me]) == (0, 0)


def test_transports_without_presence_methods_get_no_reports() -> None:
    """Threads are reported only to a transport that has the methods for it."""
    assert presence_of(Transport(Script([ok()]))) is UNASKED
    assert presence_of(Roll(roll := Script([ok()]))) is not UNASKED, roll


def test_turns_are_taken_one_at_a_time() -> None:
    """One thread at a time has the turn; a nested turn does not block, and a thread that gives up is not waited for."""
    turns, roll, inside = Turns(), Roll(Script([ok()])), []

    def alone() -> None:
        inside.append(1)
        assert len(inside) == 1
        inside.pop()

    def work() -> None:
        turns.take(roll, lambda: turns.take(roll, alone))

    def give_up() -> None:
        raise TimeoutError

    threads = [threading.Thread(target=work) for _ in range(8)]
    failures: list[BaseException] = []

    def impatient() -> None:
        try:
            turns.take(roll, lambda: None, give_up)
        except TimeoutError as error:
            failures.append(error)

    def meanwhile() -> None:
        for thread in threads:
            thread.start()
        while len(+roll.waits) < 8:
            pass
        late = threading.Thread(target=impatient)
        late.start()
        late.join()
        assert len(failures) == 1

    turns.take(roll, meanwhile)
    for thread in threads:
        thread.join()
    assert not +roll.waits


class Interrupting:
    """Raises KeyboardInterrupt at one step of a turn: CPython checks for signals at these events."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.was_raised = False

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event not in {"call", "c_return"} or self.was_raised or frame.f_code.co_filename != presence.__file__:
            return
        self.left -= 1
        if self.left < 0:
            self.was_raised = True
            raise KeyboardInterrupt


def test_an_interruption_at_any_step_leaves_the_turn_to_others() -> None:
    """After Ctrl-C at any step of a turn, the next thread gets its turn."""
    for at in count():
        turns, interrupting = Turns(), Interrupting(at)
        before = sys.getprofile()
        sys.setprofile(interrupting)
        try:
            turns.take(UNASKED, lambda: None)
        except KeyboardInterrupt:
            pass
        finally:
            sys.setprofile(before)
        with ThreadPoolExecutor(1) as other:
            assert other.submit(turns.take, UNASKED, lambda: "taken", pytest.fail).result() == "taken", at
        if not interrupting.was_raised:
            break
    assert at > 5


@both
def test_gathering_nothing_takes_no_time(runner: Runner) -> None:
    """A flow with nothing to gather does not wait, so another flow's sleep does not end early."""
    emulator = Emulator()

    async def busy(io: Any) -> float:
        for _ in range(50):
            await io.gather([])
        return emulator.clock.elapsed

    async def sleeper(io: Any) -> float:
        await io.sleep(20)
        return emulator.clock.elapsed

    async def flow(io: Any) -> Any:
        return await io.gather([busy(io), sleeper(io)])

    assert on(emulator, runner, flow) == [0.0, 20.0]
