"""Interruptions reach the caller unchanged, with a report of what was done."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from purview_mpe import Client, Finding, Outcome, aio
from purview_mpe._flows.steps.narration import narrated
from purview_mpe._model.authorship import values_by_the_library
from purview_mpe.emulator import Emulator
from purview_mpe.errors import InternalError, InvalidSpec, NotFound
from tests.support.colours import spec_for
from tests.support.moments import Before, BeforeWrite, Died
from tests.support.nouns import ALL_NAMES
from tests.support.scripted import Runner, Script, both, ok, refusal

VERBS = ("create_all", "approve", "reject", "delete_all", "connect")


def prepared(verb: str) -> tuple[Emulator, Any]:
    """An emulator in which the verb has something to write."""
    emulator = Emulator(foreign_connections=0)
    spec = spec_for(emulator)
    if verb == "connect":
        spec = spec_for(emulator, factory=str(emulator.add_factory("bare")))
    elif verb != "create_all":
        with Client(emulator.credential, transport=emulator.transport()) as client:
            client.create_all(spec)
    return emulator, spec


@pytest.mark.parametrize("verb", VERBS)
def test_ctrl_c_is_raised_unchanged(verb):
    """KeyboardInterrupt leaves every verb, and the report says of each step what is known."""
    emulator, spec = prepared(verb)
    before = len(emulator.writes)

    def interrupt(number: int) -> None:
        if number == 2 or verb == "connect":
            raise KeyboardInterrupt

    moment = [BeforeWrite(interrupt)]
    with (
        Client(emulator.credential, transport=emulator.transport(), per_retry_policies=moment) as client,
        pytest.raises(KeyboardInterrupt) as caught,
    ):
        getattr(client, verb)(spec)
    report = caught.value.report
    assert report.verb == verb
    assert all(outcome.seconds >= 0 for outcome in report.outcomes)
    unknown = [o for o in report.outcomes if o.error is not None and o.error.code == "interrupted"]
    assert unknown
    assert len(emulator.writes) - before <= len(report.outcomes)
    assert f"purview_mpe: {verb} did not finish" in caught.value.__notes__[0]


@pytest.mark.parametrize("verb", VERBS)
def test_a_cancelled_task_is_cancelled(verb):
    """Cancellation works as for any coroutine, and the task is cancelled once."""
    emulator, spec = prepared(verb)

    async def main() -> tuple[Any, int]:
        task: Any = None

        def cancel(_number: int) -> None:
            task.cancel()

        async with aio.Client(
            emulator.async_credential, transport=emulator.async_transport(), per_retry_policies=[BeforeWrite(cancel)]
        ) as client:
            task = asyncio.ensure_future(getattr(client, verb)(spec))
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
        return caught.value, task.cancelling()

    error, cancelling = asyncio.run(main())
    assert cancelling == 1
    assert error.report.verb == verb


def test_steps_not_started_and_steps_not_known_differ():
    """If the run ends while it creates the network, that step is not known; for the endpoints no request was sent."""
    emulator = Emulator()
    spec = spec_for(emulator, factory=str(emulator.add_factory("bare", managed_vnet=False)))

    def kill(_number: int) -> None:
        raise Died

    with (
        Client(emulator.credential, transport=emulator.transport(), per_retry_policies=[BeforeWrite(kill)]) as client,
        pytest.raises(Died) as caught,
    ):
        client.create_all(spec)
    assert {outcome.name: "nothing was sent" in outcome.error.message for outcome in caught.value.report.outcomes} == {
        "default": False,
        **dict.fromkeys(ALL_NAMES, True),
    }
    assert "purview: not started" in caught.value.__notes__[0]


def test_an_interruption_before_the_first_write_has_no_report():
    """A run that was interrupted while reading has written nothing."""
    emulator, spec = prepared("delete_all")

    def kill(_number: int) -> None:
        raise Died

    moment = [Before("GET", "/managedprivateendpoints", kill)]
    with (
        Client(emulator.credential, transport=emulator.transport(), per_retry_policies=moment) as client,
        pytest.raises(Died) as caught,
    ):
        client.delete_all(spec)
    assert not hasattr(caught.value, "report")


def test_an_interruption_reports_accepted_deletions():
    """After an interruption while waiting, the report says that each deletion was accepted."""
    emulator, spec = prepared("delete_all")

    def interrupt(event: Any) -> None:
        if event.kind == "waiting":
            raise KeyboardInterrupt

    with (
        Client(emulator.credential, transport=emulator.transport(), on_event=interrupt) as client,
        pytest.raises(KeyboardInterrupt) as caught,
    ):
        client.delete_all(spec)
    assert {o.error.message.partition(";")[0] for o in caught.value.report.outcomes} == {
        f"Azure accepted the deletion of the endpoint {name!r}" for name in ALL_NAMES
    }


@both
@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_an_interrupted_search_reports_that_nothing_was_sent(runner: Runner, verb: str) -> None:
    """A verb that is interrupted while it lists connections has decided nothing."""
    emulator, spec = prepared(verb)

    def kill(_number: int) -> None:
        raise Died

    moment = [Before("GET", "/privateendpointconnections", kill)]
    with pytest.raises(Died) as caught:
        runner.client_on(emulator, lambda client: getattr(client, verb)(spec), per_retry_policies=moment)
    assert {outcome.name: "nothing was sent" in outcome.error.message for outcome in caught.value.report.outcomes} == (
        dict.fromkeys(ALL_NAMES, True)
    )
    assert "purview: not started" in caught.value.__notes__[0]


@both
@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_an_interrupted_decision_is_reported_as_unknown(runner: Runner, verb: str) -> None:
    """The first decision on a storage account may have happened; for the second no request was sent."""
    emulator = Emulator(foreign_connections=0)
    spec = spec_for(emulator, groups=("blob", "queue"))
    with Client(emulator.credential, transport=emulator.transport()) as client:
        client.create_all(spec)

    def kill(_number: int) -> None:
        raise Died

    with pytest.raises(Died) as caught:
        runner.client_on(emulator, lambda client: getattr(client, verb)(spec), per_retry_policies=[BeforeWrite(kill)])
    assert {outcome.name: "nothing was sent" in outcome.error.message for outcome in caught.value.report.outcomes} == {
        "purview_blob": False,
        "purview_queue": True,
    }
    assert "purview_blob: not known; purview_queue: not started" in caught.value.__notes__[0]


@both
@pytest.mark.parametrize("fault", [ZeroDivisionError("so far"), KeyboardInterrupt()], ids=["a bug", "Ctrl-C again"])
def test_the_first_interruption_is_raised(runner: Runner, fault: BaseException) -> None:
    """An error while the report is made, or a second Ctrl-C, does not replace it."""

    class First(KeyboardInterrupt):
        pass

    def so_far() -> Any:
        raise fault

    async def flow(io: Any) -> None:
        io.so_far = so_far
        raise First

    with pytest.raises(First) as caught:
        runner.flow(runner.azure(Script([ok()])), lambda io: narrated(io, "create_all", flow))
    if isinstance(fault, ZeroDivisionError):
        assert caught.value.__notes__ == [
            "purview_mpe: what was done so far could not be collected (ZeroDivisionError: so far)."
        ]


@both
def test_an_interruption_at_the_finished_event_carries_the_report(runner: Runner) -> None:
    """A listener raises KeyboardInterrupt when the verb has finished."""
    emulator, spec = prepared("create_all")

    def interrupt(event: Any) -> None:
        if event.kind == "finished":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        runner.client_on(emulator, lambda client: client.create_all(spec), on_event=interrupt)
    assert caught.value.report.complete


def test_invalid_values_made_by_the_library_are_internal_errors():
    """The same values made by the caller are InvalidSpec."""
    wrong = {"name": "x", "resource_id": "/subscriptions/1", "result": "created", "seconds": -1}
    with pytest.raises(InvalidSpec, match="nothing was sent"):
        Outcome(**wrong)
    with values_by_the_library(), pytest.raises(InternalError) as caught:
        Outcome(**wrong)
    assert "seconds" in caught.value.message
    assert "nothing was sent" not in str(caught.value)
    assert not isinstance(caught.value, InvalidSpec)


@both
def test_invalid_values_made_by_a_listener_are_invalid_spec(runner: Runner) -> None:
    """A listener is the caller's code, even in the middle of a verb."""
    emulator, spec = prepared("create_all")
    raised: list[type[Exception]] = []

    def listener(_event: Any) -> None:
        try:
            Finding(code="x", severity="none", message="")
        except Exception as error:  # noqa: BLE001 - the test asserts its type
            raised.append(type(error))

    runner.client_on(emulator, lambda client: client.create_all(spec), on_event=listener)
    assert set(raised) == {InvalidSpec}


@both
def test_a_flow_that_makes_an_invalid_value_raises_internal_error(runner: Runner) -> None:
    """The error is the same in both clients."""

    async def flow(_io: Any) -> None:
        Finding(code="x", severity="none", message="")

    with pytest.raises(InternalError):
        runner.flow(runner.azure(Script([ok()])), lambda io: narrated(io, "plan", flow))


@both
def test_an_error_raised_during_an_interruption_does_not_hide_it(runner: Runner) -> None:
    """A lock fails while KeyboardInterrupt passes through it: KeyboardInterrupt is raised, with the report."""
    report = None

    async def flow(io: Any) -> None:
        nonlocal report
        emulator, spec = prepared("connect")
        with Client(emulator.credential, transport=emulator.transport()) as client:
            report = client.connect(spec)
        io.so_far = lambda: report
        try:
            raise KeyboardInterrupt
        finally:
            raise RuntimeError("release unlocked lock")

    with pytest.raises(KeyboardInterrupt) as caught:
        runner.flow(runner.azure(Script([ok()])), lambda io: narrated(io, "connect", flow))
    assert caught.value.report is report


@both
def test_an_interruption_handled_by_the_caller_does_not_count(runner: Runner) -> None:
    """A verb that is called in an `except KeyboardInterrupt` block raises its own error."""
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        with pytest.raises(NotFound):
            runner.get(Script([refusal(404, "ResourceNotFound")]))
