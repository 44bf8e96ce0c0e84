"""Logs, events and spans: what a run reports about itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Retry, Spec
from purview_mpe._flows.steps.narration import narrated
from purview_mpe._flows.steps.waiting import PATIENCE, carried_out, poll_interval
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import AccessDenied, AzureError, PurviewMpeError
from tests.support.networks import SHIR, a_place, signatures
from tests.support.scripted import (
    ACCOUNT,
    MARK,
    READING,
    Runner,
    Script,
    both,
    ok,
    put_endpoint,
    read_account,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


async def nothing_new(_: bool) -> None:
    """A check that finds no change."""


def spec_of(emulator: Emulator) -> Spec:
    return Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")


def test_library_logs_nothing_without_logging_setup() -> None:
    """A NullHandler stops Python from printing the library's warnings when logging is not set up."""
    handlers = logging.getLogger("purview_mpe").handlers
    assert any(isinstance(handler, logging.NullHandler) for handler in handlers)


@both
def test_each_exchange_is_logged_with_its_ids(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG: method, path, status, time, attempt, resource and all three ids, as fields of the record."""
    caplog.set_level(logging.DEBUG, "purview_mpe.http")
    script = Script([refusal(503, x_ms_request_id="r-1"), ok(None, x_ms_correlation_request_id="c-2")], takes=0.5)
    runner.flow(runner.azure(script), lambda io: narrated(io, "plan", read_account))
    first, second = (vars(record) for record in caplog.records if record.name == "purview_mpe.http")
    assert first["message"] == f"GET {ACCOUNT}: 503 after 0.500 s"
    expected = {"verb": "plan", "method": "GET", "path": str(ACCOUNT), "resource_id": str(ACCOUNT), "seconds": 0.5}
    assert expected.items() <= first.items()
    assert expected.items() <= second.items()
    assert (first["status"], first["attempt"], first["request_id"], first["correlation_id"]) == (503, 1, "r-1", None)
    assert (second["status"], second["attempt"], second["request_id"], second["correlation_id"]) == (
        200,
        2,
        None,
        "c-2",
    )
    assert first["client_request_id"] == script.sent[0].headers["x-ms-client-request-id"]


@both
def test_wire_log_has_bodies_and_no_token(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    """`logging_enable=True` shows requests and answers with headers and bodies, one line each, tokens masked."""
    caplog.set_level(logging.DEBUG)
    body = {"properties": {"provisioningState": "Odd\nword"}, "note": "Bearer abcdefghijklmnopqrstuvwxyz"}
    given = {"headers": {"x-api-key": "hunter2", "x-team": "data"}}
    script = runner.get([ok(body, Set_Cookie="session=hunter3")], logging_enable=True, **given)
    sent, came = (record.getMessage() for record in caplog.records if record.name == "purview_mpe.wire")
    assert sent.startswith(f"> GET https://management.azure.com{ACCOUNT}?")
    assert "Authorization: ***" in sent
    assert "x-api-key: ***" in sent
    assert "x-team: data" in sent
    assert came.startswith("< 200 GET https://management.azure.com")
    assert "provisioningState" in came
    written = "".join(f"{record.getMessage()} {vars(record)!r}" for record in caplog.records)
    assert not [secret for secret in (MARK, "hunter", "abcdefghijkl") if secret in written]
    assert script.sent


@both
def test_wire_log_shows_the_body_of_a_write(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    """The body of a write is in the log, as the request is sent."""
    caplog.set_level(logging.DEBUG, "purview_mpe.wire")
    runner.flow(runner.azure(Script([ok({})]), logging_enable=True), put_endpoint)
    sent = next(record.getMessage() for record in caplog.records)
    assert "PUT" in sent
    assert "privateLinkResourceId" in sent


@both
@pytest.mark.parametrize(("options", "level"), [({}, logging.DEBUG), ({"logging_enable": True}, logging.INFO)])
def test_wire_log_is_off_by_default(
    runner: Runner, caplog: pytest.LogCaptureFixture, options: dict[str, Any], level: int
) -> None:
    """Without the option, or above DEBUG, no body is logged."""
    caplog.set_level(level, "purview_mpe")
    runner.get([ok()], **options)
    assert not [record for record in caplog.records if record.name == "purview_mpe.wire"]


@both
def test_an_exchange_without_answer_is_logged_too(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    """A broken connection leaves a record without status."""
    caplog.set_level(logging.DEBUG, "purview_mpe.http")
    from azure.core.exceptions import ServiceResponseError

    with pytest.raises(PurviewMpeError):
        runner.get(Script([ServiceResponseError("x")]), retry=Retry(1))
    (record,) = [vars(record) for record in caplog.records if record.name == "purview_mpe.http"]
    assert (record["status"], record["message"]) == (None, f"GET {ACCOUNT}: no answer after 0.000 s")


@both
def test_run_reports_in_events_and_log_records(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    """Each event is also a log record, whose fields name verb, factory, endpoint, result and ids."""
    caplog.set_level(logging.DEBUG, "purview_mpe")
    emulator = Emulator()
    emulator.inject(Fault.status("PUT", 403, path="purview_queue"))
    events: list[Any] = []
    spec = spec_of(emulator)
    report = runner.client_on(emulator, lambda client: client.create_all(spec), on_event=events.append)
    kinds = [event.kind for event in events]
    assert (kinds[0], kinds[-1]) == ("started", "finished")
    assert {"step", "waiting"} <= set(kinds)
    assert {event.verb for event in events} == {"create_all"}
    records = [vars(record) for record in caplog.records if record.name == "purview_mpe.verbs"]
    assert [record["event"] for record in records] == kinds
    assert [record["message"] for record in records] == [event.message for event in events]
    (failed,) = [record for record in records if record["result"] == "failed"]
    (outcome,) = report.failures
    assert failed["endpoint"] == outcome.name == "purview_queue"
    assert (failed["verb"], failed["factory"]) == ("create_all", spec.factory)
    assert failed["request_id"] == outcome.error.request_id
    assert failed["correlation_id"] == outcome.error.correlation_id
    assert failed["request_id"]
    assert failed["correlation_id"]


@both
def test_busy_answer_is_retried_and_reported(runner: Runner) -> None:
    """The flow retries a refusal that means "busy", once for each wait, and reports it to listeners."""
    events: list[Any] = []
    script = Script([refusal(409, "AnotherOperationInProgress"), refusal(409, "AnotherOperationInProgress"), ok()])

    async def flow(io: Any) -> Any:
        return await carried_out(io, lambda: read_account(io), look=nothing_new)

    assert runner.flow(runner.azure(script), flow, listener=events.append) == {}
    assert (len(script.sent), script.sleeps) == (3, [2, 2])
    assert [event.kind for event in events] == ["retrying", "retrying"]
    assert "Trying again in 2.0 s: Could not read the Purview account 'pv1': Azure answered 409" in events[0].message


@both
@pytest.mark.parametrize(("timeout", "longest"), [(None, PATIENCE), (20.0, 20.0)])
def test_retries_of_a_busy_resource_end(runner: Runner, timeout: float | None, longest: float) -> None:
    """After five minutes, or at the verb's deadline, the refusal itself is raised."""
    script = Script([refusal(409, "StorageAccountOperationInProgress")])

    async def flow(io: Any) -> Any:
        return await carried_out(io, lambda: read_account(io), look=nothing_new)

    with pytest.raises(AzureError) as caught:
        runner.flow(runner.azure(script), flow, timeout=timeout)
    assert caught.value.azure_code == "StorageAccountOperationInProgress"
    assert longest - 20 < sum(script.sleeps) <= longest


@both
def test_retries_end_even_if_time_stands_still(runner: Runner) -> None:
    """A transport whose sleep does not move its clock cannot keep a verb running for ever."""
    script = Script([refusal(409, "StorageAccountOperationInProgress")])
    script.sleep = script.sleeps.append  # type: ignore[method-assign]

    async def flow(io: Any) -> Any:
        return await carried_out(io, lambda: read_account(io), look=nothing_new)

    with pytest.raises(AzureError):
        runner.flow(runner.azure(script), flow)
    assert len(script.sent) == 60


@both
def test_other_errors_are_raised_at_once(runner: Runner) -> None:
    """Neither another refusal by Azure nor a bug in the library is retried."""
    script = Script([refusal(403)])

    async def flow(io: Any) -> Any:
        return await carried_out(io, lambda: read_account(io), look=nothing_new)

    async def bug(io: Any) -> Any:
        return await carried_out(io, boom, look=nothing_new)

    async def boom() -> None:
        raise ZeroDivisionError

    with pytest.raises(AccessDenied):
        runner.flow(runner.azure(script), flow)
    with pytest.raises(ZeroDivisionError):
        runner.flow(runner.azure(script), bug)
    assert len(script.sent) == 1


def test_poll_interval_grows_with_the_elapsed_time() -> None:
    """2 s at first, later 8 % of the elapsed time, 15 s at most."""
    assert [poll_interval(elapsed) for elapsed in (0, 25, 50, 100, 187.5, 3600)] == [2, 2, 4, 8, 15, 15]


class Spans:
    """Collects spans while azure-core's tracing is on."""

    def __init__(self) -> None:
        sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="needs opentelemetry-sdk")
        from opentelemetry import trace
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        self.exporter = InMemorySpanExporter()
        self.processor = SimpleSpanProcessor(self.exporter)
        if not isinstance(trace.get_tracer_provider(), sdk.TracerProvider):
            trace.set_tracer_provider(sdk.TracerProvider())  # can be set once in a process
        trace.get_tracer_provider().add_span_processor(self.processor)  # type: ignore[attr-defined]

    def forget(self) -> None:
        from opentelemetry import trace

        # Shutting the processor down, the public way, makes it warn about every later span.
        active = trace.get_tracer_provider()._active_span_processor  # type: ignore[attr-defined]
        active._span_processors = tuple(one for one in active._span_processors if one is not self.processor)

    @property
    def finished(self) -> list[Any]:
        return list(self.exporter.get_finished_spans())

    def named(self, name: str) -> list[Any]:
        return [span for span in self.finished if span.name == name]

    def below(self, parent: Any) -> list[Any]:
        return [span for span in self.finished if span.parent and span.parent.span_id == parent.context.span_id]


@pytest.fixture
def spans() -> Iterator[Spans]:
    from azure.core.settings import settings

    collected = Spans()
    settings.tracing_enabled = True
    yield collected
    settings.tracing_enabled.unset_value()
    collected.forget()


@both
def test_one_span_per_verb_with_the_sdks_spans_below(runner: Runner, spans: Spans) -> None:
    """The SDKs' spans, also from threads and tasks, are below the verb, and each request is below its operation."""
    emulator = Emulator()
    spec = spec_of(emulator)
    runner.client_on(emulator, lambda client: client.create_all(spec))
    (parent,) = spans.named("purview_mpe.create_all")
    assert parent.parent is None
    requests = [span for span in spans.finished if "http.request.method" in span.attributes]
    assert len(requests) == len(emulator.requests)
    # A pager's operation ends before it requests its first page, so those requests are below the verb itself.
    operations = {span.context.span_id: span for span in spans.below(parent)}
    assert {span.parent.span_id for span in requests} <= {*operations, parent.context.span_id}
    puts = [span for span in requests if span.name == "PUT"]
    assert {operations[span.parent.span_id].name for span in puts} == {
        "ManagedPrivateEndpointsOperations.create_or_update"
    }
    assert len(puts) == 4


@both
def test_a_failed_verb_has_a_failed_span(runner: Runner, spans: Spans) -> None:
    """The span has the error's code and message."""
    with pytest.raises(AccessDenied):
        runner.flow(runner.azure(Script([refusal(403)])), lambda io: narrated(io, "plan", read_account))
    (span,) = spans.named("purview_mpe.plan")
    assert span.attributes["error.type"] == "access-denied"
    assert (span.status.is_ok, span.events) == (False, ())
    assert span.status.description.startswith("AccessDenied: Could not read the Purview account 'pv1'")


@both
def test_span_of_an_unexpected_error_names_its_type(runner: Runner, spans: Spans) -> None:
    """An error without a code is named by its type."""

    async def bug(_: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        runner.flow(runner.azure(Script([ok()])), lambda io: narrated(io, "plan", bug))
    (span,) = spans.named("purview_mpe.plan")
    assert span.attributes["error.type"] == "ZeroDivisionError"


@both
def test_callers_attributes_are_on_each_request_span(runner: Runner, spans: Spans) -> None:
    """`tracing_attributes` reaches the spans of the requests."""
    runner.get([ok()], tracing_attributes={"team": "data"})
    assert [span.attributes.get("team") for span in spans.finished if span.name == "GET"] == ["data"]


@both
def test_spans_count_the_attempts(runner: Runner, spans: Spans) -> None:
    """The second attempt carries a resend count."""
    runner.get(Script([refusal(503), ok()]))
    requests = [span for span in spans.finished if span.name == "GET"]
    assert [span.attributes.get("http.request.resend_count") for span in requests] == [None, 1]


@both
def test_without_tracing_no_span_is_made(runner: Runner, spans: Spans) -> None:
    """azure-core's switch turns tracing on; it is off by default."""
    from azure.core.settings import settings

    settings.tracing_enabled = False
    runner.flow(runner.azure(Script([ok()])), lambda io: narrated(io, "plan", read_account))
    assert spans.finished == []


@both
def test_tracing_without_opentelemetry_does_nothing(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """With tracing on and opentelemetry not installed, a verb still runs."""
    from azure.core import instrumentation
    from azure.core.settings import settings

    monkeypatch.setattr(instrumentation, "_get_tracer_impl", lambda: None)
    instrumentation._get_tracer_cached.cache_clear()
    settings.tracing_enabled = True
    try:
        result = runner.flow(runner.azure(Script([ok()])), lambda io: narrated(io, "plan", read_account))
    finally:
        settings.tracing_enabled.unset_value()
        instrumentation._get_tracer_cached.cache_clear()
    assert result == {}
    assert READING.what


@both
def test_no_span_holds_the_signed_address_of_an_operation(runner: Runner, spans: Spans) -> None:
    """Spans of a followed operation show its address without the signature."""
    place = a_place("C", "none")
    runner.client_on(
        place.azure, lambda client: client.create_private_endpoints(place.spec, place.network, purpose=SHIR)
    )
    written = "".join(span.to_json() for span in spans.finished)
    assert "/operations/" in written
    assert [secret for secret in signatures(place.azure) if secret in written] == []
