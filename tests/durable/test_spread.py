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
    """Runs each task at once; `fate` gives the exception of the task with this number, or None."""

    def __init__(self, fate=lambda _number: None):
        self.chunks, self._fate = [], fate

    def submit(self, function, specs):
        self.chunks.append([spec["factory"].rpartition("/")[2] for spec in specs])
        told = Future()
        error = self._fate(len(self.chunks))
        if isinstance(error, concurrent.futures.CancelledError):
            told.cancel()
            told.set_running_or_notify_cancel()
        elif error is not None:
            told.set_exception(error)
        else:
            try:
                told.set_result(function(specs))
            except PurviewMpeError as raised:
                told.set_exception(raised)
        return told


def connecting(azure, seen=None):
    def connect(**settings):
        if seen is not None:
            seen.append(settings)
        return Client(azure.credential, transport=azure.transport())

    return connect


def puts(azure):
    return [request.path for request in azure.writes if request.method == "PUT"]


def test_a_fleet_is_spread_over_the_slots_in_chunks():
    """Every slot has one chunk, the reports come in the specs' order, and each endpoint is written once."""
    azure, executor = Emulator(), Executor()
    specs = factories(azure, 7, 2)
    report = durable.spread(specs, executor, connecting(azure), slots=3, approve=True)
    assert [len(chunk) for chunk in executor.chunks] == [3, 3, 1]
    assert [one.spec for one in report.reports] == specs
    assert report.counts == {"created": 28, "approved": 28}
    assert report.complete
    assert len(puts(azure)) == len(set(puts(azure))) == 56


def test_a_pool_of_threads_is_an_executor():
    """The executors of the standard library are taken as they are."""
    azure = Emulator()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        report = durable.spread(factories(azure, 4, 2), pool, connecting(azure), slots=2, processes=1)
    assert report.counts == {"created": 16}


@pytest.mark.parametrize(("slots", "count", "sizes"), [(8, 3, [1, 1, 1]), (1, 45, [40, 5]), (2, 0, [])])
def test_chunks_keep_slots_busy_and_stay_small(slots, count, sizes):
    """As many factories as fill the slots, and at most forty in one task."""
    azure, executor = Emulator(), Executor()
    specs = [spec.model_copy(update={"groups": ("account",)}) for spec in factories(azure, count, 2)]
    if specs:
        durable.spread(specs, executor, connecting(azure), slots=slots)
    assert [len(chunk) for chunk in executor.chunks] == sizes


@pytest.mark.parametrize(("processes", "share"), [(None, 0.125), (2, 0.25)])
def test_processes_share_the_budget(processes, share):
    """Each process gets its part of the share; slots in one process have one client."""
    azure, seen = Emulator(), []
    connect = connecting(azure, seen)
    durable.spread(
        factories(azure, 2, 1), Executor(), connect, {"user_agent": "x"}, slots=4, processes=processes, share=0.5
    )
    assert seen == [{"user_agent": "x", "share": share}]


@pytest.mark.parametrize(
    "error", [OSError("the worker died"), concurrent.futures.CancelledError()], ids=lambda one: type(one).__name__
)
def test_a_task_that_fails_is_submitted_once_more(error):
    """A worker that died, or a task that its scheduler dropped: the chunk is worked on by another one."""
    azure = Emulator()
    executor = Executor(lambda number: error if number == 2 else None)
    report = durable.spread(factories(azure, 6, 1), executor, connecting(azure), slots=3)
    assert report.counts == {"created": 24}
    assert executor.chunks[-1] == executor.chunks[1]
    assert len(executor.chunks) == 4


def test_a_chunk_that_is_lost_is_reported_and_the_next_run_does_it(tmp_path):
    """The journal has what was done; the next run with it does only what is missing."""
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


def test_an_executor_that_takes_no_more_tasks_is_reported():
    """A pool that is shut down, or a client without a scheduler: each report says so, and nothing is raised."""
    azure = Emulator()
    pool = concurrent.futures.ThreadPoolExecutor(1)
    pool.shutdown()
    report = durable.spread(factories(azure, 2, 1), pool, connecting(azure), slots=1)
    assert report.counts == {"failed": 2}
    assert "cannot schedule new futures after shutdown" in report.outcomes[0].error.message
    assert azure.requests == []


def test_an_error_of_the_client_is_every_factorys():
    """A worker that cannot sign in reports it for each factory of its chunk."""
    azure = Emulator()

    def connect(**_settings):
        raise InvalidCredential("it has expired", remedy="Sign in again.")

    report = durable.spread(factories(azure, 3, 1), Executor(), connect, slots=2)
    assert [one.error.code for one in report.outcomes] == ["invalid-credential"] * 3


def test_wrong_settings_are_raised_by_the_first_task():
    """What no worker can connect with is an error of the caller."""
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
def test_wrong_arguments_are_refused_before_anything_is_submitted(arguments, field):
    """Each wrong argument is named."""
    executor = Executor()
    with pytest.raises(InvalidSpec) as refused:
        durable.spread([spec_for(Emulator())], executor, **arguments)
    assert [place for place, _ in refused.value.problems] == [field]
    assert executor.chunks == []


def test_some_factories_are_created_together():
    """`create_some` takes the JSON of specs and returns the JSON of a fleet report."""
    azure = Emulator(provisioning=100)
    specs = [spec.model_dump(mode="json") for spec in factories(azure, 5, 2)]
    report = FleetReport.model_validate(durable.create_some(specs, connecting(azure)))
    assert report.counts == {"created": 20}
    assert azure.clock.elapsed < 150
