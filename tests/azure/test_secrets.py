"""A marked token never appears in an exception, log record, event or result."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from purview_mpe import Retry, Spec
from purview_mpe.errors import AccessDenied, AzureError, AzureUnavailable, PurviewMpeError
from tests.support.logged import everything_logged, shown
from tests.support.scripted import (
    ACCOUNT,
    FACTORY,
    MARK,
    STORAGE,
    Runner,
    Script,
    answer,
    both,
    list_endpoints,
    ok,
    put_endpoint,
    read_account,
    refusal,
)

ECHO = {"error": {"code": "Oops", "message": f"You sent Authorization: Bearer {MARK}, or {MARK} for short."}}
OTHERS = "Bearer abcdefghijklmnopqrstuvwxyz and eyJ0eXAiOiJKV1Qi.eyJhdWQiOiJ4In0.c2ln"
FAULTS: dict[str, Any] = {
    "400": refusal(400),
    "401": refusal(401, "InvalidAuthenticationToken"),
    "403": refusal(403, "AuthorizationFailed"),
    "404": refusal(404),
    "409": refusal(409),
    "429": refusal(429),
    "500": refusal(500),
    "echo": answer(400, ECHO),
    "echo spelt out": answer(
        400, json.dumps(ECHO).replace("s3cr3t", "".join(f"\\u{ord(c):04x}" for c in "s3cr3t")).encode()
    ),
    "echo in a success": ok({"name": MARK, "value": [{"name": MARK}]}),
    "echo in a header": answer(200, {}, Retry_After=MARK, Location=f"https://evil.example/{MARK}"),
    "echo of another": answer(
        400, {"error": {"code": "x", "message": "Bearer eyJ0eXAiOiJKV1QiLCJhbGciOi.J9 was sent"}}
    ),
    "html": answer(200, b"<html>", Content_Type="text/html"),
    "truncated": answer(200, b'{"id": '),
    "list": ok([1]),
    "202": answer(202, {}),
    "reset": ServiceRequestError(f"header 'Authorization: Bearer {MARK}' and {MARK}"),
    "late": ServiceResponseError("late"),
    "broken": HttpResponseError("chunk"),
    "bug": ValueError(f"a policy says {MARK}"),
}


@both
@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("operation", [read_account, put_endpoint, list_endpoints])
def test_no_error_holds_a_token(runner: Runner, operation: Any, fault: str) -> None:
    """However a request fails, the library's error pickles and has no token in text, frames, causes or bytes."""
    with everything_logged() as log:
        with pytest.raises(PurviewMpeError) as caught:
            runner.flow(runner.azure(Script([FAULTS[fault]]), retry=Retry(attempts=2)), operation)
        text = shown(caught.value) + log.getvalue()
    assert MARK not in text
    assert "eyJ0" not in text
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - the test's own bytes
    assert (type(copy), str(copy), vars(copy)) == (type(caught.value), str(caught.value), vars(caught.value))


@both
def test_no_id_of_a_request_holds_a_token(runner: Runner) -> None:
    """A token in a server's request ids does not reach the error."""
    with pytest.raises(PurviewMpeError) as caught:
        runner.get(Script([answer(400, ECHO, x_ms_request_id=MARK, x_ms_correlation_request_id=f"x {MARK}")]))
    assert MARK not in shown(caught.value)
    assert caught.value.correlation_id == "x ***"


@both
@pytest.mark.parametrize("fault", ["echo", "echo spelt out", "echo in a success", "echo in a header"])
@pytest.mark.parametrize("operation", [put_endpoint, list_endpoints])
def test_an_answer_that_repeats_the_token_is_refused(runner: Runner, operation: Any, fault: str) -> None:
    """Azure never repeats the token, so the answer is not used; the status is still reported."""
    script = Script([FAULTS[fault]])
    with pytest.raises(AzureUnavailable, match="repeats the token that was sent") as caught:
        runner.flow(runner.azure(script), operation)
    assert caught.value.remedy == (
        "Find out who answers in Azure's place (a proxy, a debugging tool), then repeat the call."
    )
    assert caught.value.status == FAULTS[fault].status
    assert len(script.sent) == 1


@both
@pytest.mark.parametrize("body", [rb'{"name": "\\", "at": "not JSON', rb'"C:\\path"'])
def test_answer_with_escapes_is_not_taken_for_the_token(runner: Runner, body: bytes) -> None:
    """The search for the token neither fails on invalid escapes nor takes them for the token."""
    with pytest.raises(AzureError) as caught:
        runner.get(Script([answer(400, body)]))
    assert "repeats" not in str(caught.value)


@both
def test_answer_can_contain_a_token_that_is_a_short_word(runner: Runner) -> None:
    """A test's or emulator's token can be a word; an answer with that word is not an echo."""
    script = runner.get([ok({"name": "emulator"})], credential=runner.credential("emulator"))
    assert script.result == {"name": "emulator"}  # type: ignore[attr-defined]


@both
@pytest.mark.parametrize("kind", [ValueError, ClientAuthenticationError])
def test_no_failure_of_a_credential_shows_a_token(runner: Runner, kind: type[Exception]) -> None:
    """This covers the earlier token, a token after `Bearer`, and any text in the form of an Azure token."""
    credential = runner.credential(seconds=20)
    azure = runner.azure(Script([ok()]), credential)

    async def flow(io: Any) -> None:
        await read_account(io)
        for kept in azure._credential._kept.values():
            kept._fresh_until = 0.0
        credential.raises = kind(f"cannot renew {MARK}: {OTHERS}")
        await read_account(io)

    with everything_logged() as log, pytest.raises(AccessDenied) as caught:
        runner.flow(azure, flow)
    text = shown(caught.value) + log.getvalue()
    assert "cannot renew ***: Bearer *** and ***" in caught.value.message
    assert not [mark for mark in (MARK, "abcdefgh", "eyJ0") if mark in text]


@both
def test_log_of_a_failing_listener_holds_no_token(runner: Runner) -> None:
    """The logged failure has no SDK exception as its context, whose frames would hold the request."""

    class Everything(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            assert record.exc_info is not None
            crashes.append(record.exc_info[1])

    def crash(event: Any) -> None:
        raise ZeroDivisionError(event.kind)

    crashes: list[Any] = []
    handler, logger = Everything(level=logging.ERROR), logging.getLogger("purview_mpe.verbs")
    logger.addHandler(handler)
    try:
        runner.flow(
            runner.azure(Script([ServiceRequestError("reset"), refusal(503), ok()])), read_account, listener=crash
        )
    finally:
        logger.removeHandler(handler)
    assert [(str(one), one.__context__) for one in crashes] == [("retrying", None), ("retrying", None)]
    assert MARK not in "".join(map(shown, crashes))


@both
def test_no_exchange_keeps_its_token(runner: Runner) -> None:
    """Error reporters read an error's frames, which hold the failed exchange."""
    with pytest.raises(PurviewMpeError) as caught:
        runner.get(Script([refusal(403)]))
    trace, exchanges = caught.value.__traceback__, []
    while trace is not None:
        exchanges += [value for value in trace.tb_frame.f_locals.values() if type(value).__name__ == "Exchange"]
        trace = trace.tb_next
    assert exchanges
    assert {exchange.secret for exchange in exchanges} == {""}


@both
def test_no_interruption_holds_a_token(runner: Runner) -> None:
    """Ctrl-C within a request drops the frames that hold the token."""
    raised: BaseException = KeyboardInterrupt() if runner.is_sync else asyncio.CancelledError()
    with everything_logged() as log, pytest.raises(type(raised)) as caught:
        runner.flow(runner.azure(Script([raised])), read_account)
    assert MARK not in shown(caught.value) + log.getvalue()


@both
@pytest.mark.parametrize("fault", ["403", "echo", "500", "reset", "html", "202", "bug"])
def test_no_report_or_event_holds_a_token(runner: Runner, fault: str) -> None:
    """In a run whose PUTs all fail, no log record, event, report or error shows the token."""
    account = ok({"properties": {"managedResources": {"storageAccount": str(STORAGE)}}})

    def azure(sent: Any) -> Any:
        if sent.method == "PUT":
            return FAULTS[fault]
        return account if "/accounts/" in sent.url.split("?")[0] else ok({"value": []})

    events: list[Any] = []
    spec = Spec(factory=str(FACTORY), account=str(ACCOUNT), name="purview")
    with everything_logged() as log:
        report = runner.client(
            Script(azure), lambda client: client.create_all(spec, timeout=5), on_event=events.append, retry=Retry(2)
        )
        with pytest.raises(PurviewMpeError) as caught:
            report.raise_for_failures()
    texts = [log.getvalue(), repr(report), report.model_dump_json(), str(report), shown(caught.value)]
    texts += [event.model_dump_json() for event in events]
    texts.append(pickle.dumps((report, events)).decode("latin-1"))
    assert MARK not in "\n".join(texts)
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301 - the test's own bytes
    assert len(log.getvalue()) > 1000


@both
def test_no_repr_of_a_client_holds_a_token(runner: Runner) -> None:
    """Printing a client or its attributes shows no token."""
    azure = runner.azure(Script([ok()]))
    runner.flow(azure, read_account)
    kept = list(azure._credential._kept.values())
    assert MARK not in repr([azure, vars(azure), vars(azure._credential), kept])
