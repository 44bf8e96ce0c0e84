"""A fleet on an executor: chunks, shares, lost tasks, and what a later run skips."""

from __future__ import annotations

import concurrent.futures
from concurrent.futures import Future

import pytest

from purview_mpe import Client, FleetReport, durable
from purview_mpe.emulator import Emulator
from purview_mpe.errors import InvalidCredential, InvalidSpec, PurviewMpeError
from tests.support.colours import spec_for
from tests.support.durable_fleet import factories


class Executor:
    """Runs each task at once; `fate` returns the exception for the task with this number, or None."""

    def __init__(self, fate=lambda _number: None):
        self.chunks, self._fate = [], fate

    def submit(self, function, specs):
        self.chunks.append([spec["factory"].rpartition("/")[2] for spec in specs])
        future = Future()
        error = self._fate(len(self.chunks))
        if isinstance(error, concurrent.futures.CancelledError):
            future.cancel()
            future.set_running_or_notify_cancel()
        elif error is not None:
            future.set_exception(error)
        else:
            try:
                future.set_result(function(specs))
            except PurviewMpeError as raised:
                future.set_exception(raised)
        return future


def connecting(azure, seen=None):
    def connect(**settings):
        if seen is not None:
            seen.append(settings)
        return Client(azure.credential, transport=azure.transport())

    return connect


def puts(azure):
    return [request.path for request in azure.writes if request.method == "PUT"]


def test_fleet_is_spread_over_the_slots_in_chunks():
    """Every slot has one chunk, the reports have the specs' order, and each endpoint is written once."""
    azure, executor = Emulator(), Executor()
    specs = factories(azure, 7, 2)
    report = durable.spread(specs, executor, connecting(azure), slots=3, approve=True)
    assert [len(chunk) for chunk in executor.chunks] == [3, 3, 1]
    assert [one.spec for one in report.reports] == specs
    assert report.counts == {"created": 28, "approved": 28}
    assert report.complete
    assert len(puts(azure)) == len(set(puts(azure))) == 56


def test_thread_pool_is_an_executor():
    """The executors of the standard library work unchanged."""
    azure = Emulator()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        report = durable.spread(factories(azure, 4, 2), pool, connecting(azure), slots=2, processes=1)
    assert report.counts == {"created": 16}


@pytest.mark.parametrize(("slots", "count", "sizes"), [(8, 3, [1, 1, 1]), (1, 45, [40, 5]), (2, 0, [])])
def test_chunks_fill_the_slots_and_stay_small(slots, count, sizes):
    """As many factories as the slots need, and at most forty in one task."""
    azure, executor = Emulator(), Executor()
    specs = [spec.model_copy(update={"groups": ("account",)}) for spec in factories(azure, count, 2)]
    if specs:
        durable.spread(specs, executor, connecting(azure), slots=slots)
    assert [len(chunk) for chunk in executor.chunks] == sizes


@pytest.mark.parametrize(("processes", "share"), [(None, 0.125), (2, 0.25)])
def test_processes_divide_the_share(processes, share):
    """Each process gets its part of the share; the slots of one process use one client."""
    azure, seen = Emulator(), []
    connect = connecting(azure, seen)
    durable.spread(
        factories(azure, 2, 1), Executor(), connect, {"user_agent": "x"}, slots=4, processes=processes, share=0.5
    )
    assert seen == [{"user_agent": "x", "share": share}]


@pytest.mark.parametrize(
    "error", [OSError("the worker died"), concurrent.futures.CancelledError()], ids=lambda one: type(one).__name__
)
def test_failed_task_is_submitted_again(error):
    """If a worker died or the scheduler dropped a task, another worker gets the chunk."""
    azure = Emulator()
    executor = Executor(lambda number: error if number == 2 else None)
    report = durable.spread(factories(azure, 6, 1), executor, connecting(azure), slots=3)
    assert report.counts == {"created": 24}
    assert executor.chunks[-1] == executor.chunks[1]
    assert len(executor.chunks) == 4


def test_lost_chunk_is_reported_and_the_next_run_does_it(tmp_path):
    """The journal has the finished factories, and the next run with it does only the rest."""
    azure, journal = Emulator(), tmp_path / "fleet.jsonl"
    specs = factories(azure, 6, 1)
    executor = Executor(lambda number: OSError("no scheduler") if number > 1 else None)
    connect = connecting(azure)
    report = durable.spread(specs, executor, connect, slots=3, journal=journal, resume=journal)
    assert report.counts == {"created": 8, "failed": 4}
    assert {one.error.code for one in report.outcomes if one.error} == {"no-answer"}
    assert len(FleetReport.load(journal).reports) == 2
    again = Executor()
    report = durable.spread(specs, again, connect, slots=3, journal=journal, resume=journal)
    assert report.counts == {"created": 24}
    assert [name for chunk in again.chunks for name in chunk] == [spec.factory_id.name for spec in specs[2:]]
    assert len(puts(azure)) == len(set(puts(azure))) == 24


def test_closed_executor_is_reported():
    """A closed pool, or a client without a scheduler: each report says so, and nothing is raised."""
    azure = Emulator()
    pool = concurrent.futures.ThreadPoolExecutor(1)
    pool.shutdown()
    report = durable.spread(factories(azure, 2, 1), pool, connecting(azure), slots=1)
    assert report.counts == {"failed": 2}
    assert "cannot schedule new futures after shutdown" in report.outcomes[0].error.message
    assert azure.requests == []


def test_client_error_is_reported_for_every_factory():
    """A worker that cannot sign in reports it for each factory of its chunk."""
    azure = Emulator()

    def connect(**_settings):
        raise InvalidCredential("it has expired", remedy="Sign in again.")

    report = durable.spread(factories(azure, 3, 1), Executor(), connect, slots=2)
    assert [one.error.code for one in report.outcomes] == ["invalid-credential"] * 3


def test_wrong_settings_raise_at_the_first_task():
    """Settings that no worker can use are an error of the caller."""
    azure = Emulator()
    with pytest.raises(InvalidSpec, match="is not an option of the client"):
        durable.spread(factories(azure, 2, 1), Executor(), settings={"clowd": "public"}, slots=1)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"slots": 0}, "slots"),
        ({"slots": True}, "slots"),
        ({"slots": 1, "processes": 1.5}, "processes"),
        ({"slots": 1, "chunk": -1}, "chunk"),
        ({"slots": 1, "share": 0}, "share"),
        ({"slots": 1, "share": True}, "share"),
        ({"slots": 1, "settings": {"share": 1}}, "settings"),
        ({"slots": 1, "settings": ["x"]}, "settings"),
    ],
)
def test_wrong_arguments_are_refused_before_any_task(arguments, field):
    """The error names the wrong argument."""
    executor = Executor()
    with pytest.raises(InvalidSpec) as refused:
        durable.spread([spec_for(Emulator())], executor, **arguments)
    assert [place for place, _ in refused.value.problems] == [field]
    assert executor.chunks == []


def test_create_some_creates_factories_together():
    """`create_some` takes the JSON of specs and returns the JSON of a fleet report."""
    azure = Emulator(provisioning=100)
    specs = [spec.model_dump(mode="json") for spec in factories(azure, 5, 2)]
    report = FleetReport.model_validate(durable.create_some(specs, connecting(azure)))
    assert report.counts == {"created": 20}
    assert azure.clock.elapsed < 150
