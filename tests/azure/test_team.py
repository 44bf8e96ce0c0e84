"""Flows that run beside the flow that started them, which continues when any of them ends."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe.emulator import Emulator
from tests.support.presence import Roll, on, read
from tests.support.scripted import Runner, Script, both, ok

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


def beside(emulator: Emulator, runner: Runner, flow: Callable[[Any, Any], Any], **options: Any) -> Any:
    """The result of a flow with a team, which is closed afterwards."""

    async def with_team(io: Any) -> Any:
        team = io.team()
        try:
            return await flow(io, team)
        finally:
            await team.close()

    return on(emulator, runner, with_team, **options)


@both
def test_wait_returns_when_the_first_flow_ends(runner: Runner) -> None:
    """Each wait ends when the next flow ends, and the other flows continue."""
    emulator, ended = Emulator(), list[float]()

    async def flow(io: Any, team: Any) -> list[float]:
        async def work(seconds: float) -> None:
            await io.sleep(seconds)
            ended.append(seconds)

        for seconds in (20, 3, 7):
            team.start(work(seconds))
        moments = []
        while len(ended) < 3:
            await team.wait(float("inf"))
            moments.append(emulator.clock.elapsed)
        return moments

    assert beside(emulator, runner, flow) == [3, 7, 20]
    assert ended == [3, 7, 20]


@both
def test_wait_ends_at_its_time_limit(runner: Runner) -> None:
    """A hanging flow does not prolong the wait, and a flow started later can end first."""
    emulator = Emulator()

    async def flow(io: Any, team: Any) -> list[float]:
        async def work(seconds: float) -> None:
            await io.sleep(seconds)

        team.start(work(20))
        await team.wait(4)
        moments = [emulator.clock.elapsed]
        team.start(work(1))
        await team.wait(4)
        moments.append(emulator.clock.elapsed)
        await team.wait(float("inf"))
        return [*moments, emulator.clock.elapsed]

    assert beside(emulator, runner, flow) == [4, 5, 20]


@both
def test_wait_without_flows_lasts_its_full_time(runner: Runner) -> None:
    """Without a running flow, the wait lasts its full time."""
    emulator = Emulator()

    async def flow(_: Any, team: Any) -> float:
        await team.wait(4)
        return emulator.clock.elapsed

    assert beside(emulator, runner, flow) == 4


@both
def test_wait_ends_at_the_deadline(runner: Runner) -> None:
    """The verb's deadline limits the wait."""
    emulator = Emulator()

    async def flow(_: Any, team: Any) -> float:
        await team.wait(float("inf"))
        return emulator.clock.elapsed

    assert beside(emulator, runner, flow, timeout=6) == 6


@both
def test_end_of_each_of_a_thousand_flows_is_seen(runner: Runner) -> None:
    """Every flow ends, and up to 16 of them run at once."""
    emulator, ended = Emulator(), list[int]()

    async def flow(io: Any, team: Any) -> float:
        async def work(number: int) -> None:
            await io.sleep(number % 7)
            ended.append(number)

        begun = 0
        while len(ended) < 1000:
            while begun < 1000 and begun - len(ended) < 16:
                team.start(work(begun))
                begun += 1
            await team.wait(float("inf"))
        return emulator.clock.elapsed

    assert beside(emulator, runner, flow) <= 1000 / 16 * 6
    assert sorted(ended) == list(range(1000))


@both
@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()], ids=["error", "interruption"])
def test_error_of_a_flow_ends_the_team(runner: Runner, error: BaseException) -> None:
    """`wait` raises the error, and the other flows do not continue."""
    emulator, ended = Emulator(), list[str]()

    async def flow(io: Any, team: Any) -> None:
        async def work() -> None:
            await io.sleep(1)
            raise error

        async def other() -> None:
            await io.sleep(1000)
            ended.append("other")

        team.start(other())
        team.start(work())
        while True:
            await team.wait(float("inf"))

    with pytest.raises(type(error)):
        beside(emulator, runner, flow)
    assert ended == []


@both
def test_closed_team_sends_no_more_requests(runner: Runner) -> None:
    """A flow that sleeps when the team is closed sends nothing more, however much time passes."""
    emulator = Emulator()

    async def flow(io: Any, team: Any) -> None:
        async def work() -> None:
            for _ in range(5):
                await read(io, emulator)
                await io.sleep(10)

        team.start(work())
        await team.wait(15)

    beside(emulator, runner, flow)
    assert len([r for r in emulator.requests if r.method == "GET"]) == 2


def test_closed_team_leaves_no_thread() -> None:
    """After closing no thread of the team is left, and none stays reported."""
    roll = Roll(Script([ok({"name": "x"})]))
    azure = Runner("sync").azure(None, transport=roll)
    before = set(threading.enumerate())

    async def verb(io: Any) -> None:
        with io.verb("test"):
            team = io.team()
            for _ in range(5):
                team.start(io.checkpoint())
            with contextlib.suppress(TimeoutError):
                await team.wait(0.01)
            await team.close()

    Runner("sync").flow(azure, verb)
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert set(threading.enumerate()) <= before
    assert not +roll.works
    assert not +roll.waits


class EndingAFlow:
    """Lets a flow end after its team has checked for news and before it begins to wait."""

    def __init__(self) -> None:
        self.may_end = threading.Event()

    def __call__(self, frame: FrameType, event: str, _called: Any) -> None:
        if event == "call" and frame.f_code.co_name == "_pause":
            self.may_end.set()
            assert frame.f_locals["self"]._news.wait(60)


def test_flow_that_ends_before_the_wait_begins_ends_the_wait() -> None:
    """No time passes, although the wait has no limit."""
    emulator = Emulator()

    async def flow(_io: Any, team: Any) -> float:
        ending = EndingAFlow()

        async def work() -> None:
            assert ending.may_end.wait(60)

        team.start(work())
        hook = sys.getprofile()
        sys.setprofile(ending)
        try:
            await team.wait(float("inf"))
        finally:
            sys.setprofile(hook)
        return emulator.clock.elapsed

    assert beside(emulator, Runner("sync"), flow) == 0


class InterruptingAStart:
    """Raises KeyboardInterrupt once: when a thread has been started but is not known to run."""

    def __init__(self) -> None:
        self.was_raised = False

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        # Python 3.13 uses the second name.
        is_start = getattr(called, "__name__", "") in {"start_new_thread", "start_joinable_thread"}
        if event == "c_return" and is_start and not self.was_raised:
            self.was_raised = frame.f_code.co_filename == threading.__file__
            if self.was_raised:
                raise KeyboardInterrupt


def test_closed_team_has_no_thread_that_was_interrupted_while_it_started() -> None:
    """A thread whose start was interrupted ends with the team, as the others do."""
    emulator = Emulator()
    before = set(threading.enumerate())

    async def flow(_io: Any, team: Any) -> None:
        async def work() -> None:
            raise AssertionError("nothing was given to the thread")

        unused = work()
        hook, interrupting = sys.getprofile(), InterruptingAStart()
        sys.setprofile(interrupting)
        try:
            with pytest.raises(KeyboardInterrupt):
                team.start(unused)
        finally:
            sys.setprofile(hook)
            unused.close()
        assert interrupting.was_raised

    beside(emulator, Runner("sync"), flow)
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
        assert not thread.is_alive()
