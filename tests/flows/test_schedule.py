"""The schedule of a fleet: what runs in the flow of the fleet, and what runs concurrently."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from purview_mpe._flows.steps.schedule import Job, Schedule
from purview_mpe.emulator import Emulator
from tests.support.presence import on
from tests.support.scripted import Runner, both

if TYPE_CHECKING:
    from purview_mpe.errors import PurviewMpeError


@both
def test_begun_and_then_run_in_the_flow_of_the_fleet(runner: Runner) -> None:
    """Both are called by the flow that runs the fleet, so that they see the same state of a factory."""
    calls: list[tuple[str, bool]] = []

    async def run(io: Any) -> None:
        home = threading.current_thread()

        def note(what: str) -> None:
            calls.append((what, threading.current_thread() is home))

        async def flow() -> None:
            note("flow")

        def then(failure: PurviewMpeError | None) -> None:
            assert failure is None
            note("then")

        schedule = Schedule(io, "test", {"queue": 1.0})
        try:
            schedule.put("queue", "lane", Job(flow, then, begun=lambda: note("begun")))
            while len(calls) < 3:
                await schedule.step()
        finally:
            await schedule.close()

    on(Emulator(), runner, run)
    assert calls == [("begun", True), ("flow", not runner.is_sync), ("then", True)]


@both
def test_a_dropped_job_does_not_begin(runner: Runner) -> None:
    """Only its `dropped` is called."""
    calls: list[str] = []

    async def run(io: Any) -> None:
        async def flow() -> None:
            calls.append("flow")

        schedule = Schedule(io, "test", {"queue": 1.0})
        job = Job(
            flow, lambda _: calls.append("then"), (), lambda: calls.append("dropped"), lambda: calls.append("begun")
        )
        schedule.put("queue", "lane", job)
        schedule.drop_all()
        await schedule.step(until=io.now())
        await schedule.close()

    on(Emulator(), runner, run)
    assert calls == ["dropped"]
