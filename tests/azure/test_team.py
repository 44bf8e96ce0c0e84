"""Flows that run beside the one that started them: it goes on when any of them ends."""

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
def test_the_first_end_is_news(runner: Runner) -> None:
    """Waiting is over when the quickest flow ends, at its own moment; the others go on."""
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
def test_waiting_ends_with_the_time(runner: Runner) -> None:
    """A flow that hangs does not keep the one that waits, and a flow started later may end first."""
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
def test_waiting_without_work_is_a_sleep(runner: Runner) -> None:
    """Where nothing runs the time passes all the same."""
    emulator = Emulator()

    async def flow(_: Any, team: Any) -> float:
        await team.wait(4)
        return emulator.clock.elapsed

    assert beside(emulator, runner, flow) == 4


@both
def test_waiting_never_passes_the_deadline(runner: Runner) -> None:
    """The verb's own time bounds it."""
    emulator = Emulator()

    async def flow(_: Any, team: Any) -> float:
        await team.wait(float("inf"))
        return emulator.clock.elapsed

    assert beside(emulator, runner, flow, timeout=6) == 6


@both
def test_a_thousand_flows_lose_nothing(runner: Runner) -> None:
    """However they end, each end is seen, and at its own time."""
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
def test_what_a_flow_raises_ends_the_team(runner: Runner, error: BaseException) -> None:
    """It is raised where the team is waited for, and the other flows do not go on."""
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
def test_nothing_begins_after_closing(runner: Runner) -> None:
    """A flow that sleeps when the team is closed sends nothing more, however much time passes afterwards."""
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


def test_no_thread_stays() -> None:
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
    """Lets a flow end where its team has looked for news and has not begun to wait for them."""

    def __init__(self) -> None:
        self.may_end = threading.Event()

    def __call__(self, frame: FrameType, event: str, _called: Any) -> None:
        if event == "call" and frame.f_code.co_name == "_pause":
            self.may_end.set()
            assert frame.f_locals["self"]._news.wait(60)


def test_flow_that_ends_before_the_wait_begins_ends_the_wait() -> None:
    """No time passes then, although the wait has no limit of its own."""
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
    """Raises KeyboardInterrupt once: where a thread has been started, and is not known to run."""

    def __init__(self) -> None:
        self.was_raised = False

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        if event == "c_return" and getattr(called, "__name__", "") == "start_new_thread" and not self.was_raised:
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
