"""A marked token shows nowhere: in no exception, log record, event or result."""

from __future__ import annotations

import asyncio
import io
import logging
import pickle
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

from purview_mpe import Retry, Spec
from purview_mpe.errors import PurviewMpeError
from tests.scripted import (
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

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """All loggers of the process at DEBUG, with all that their records carry."""
    written = io.StringIO()

    class Everything(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.write(f"{record.getMessage()} {vars(record)!r}\n")
            if record.exc_info and record.exc_info[1]:
                written.write(shown(record.exc_info[1]))

    handler, root = Everything(level=0), logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("azure", "urllib3", "aiohttp", "asyncio", "purview_mpe")}
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def shown(error: BaseException) -> str:
    """All that a crash reporter could get out of an exception, and out of those that it comes from."""
    texts = [repr(error), str(error), repr(vars(error)), *traceback.format_exception(error)]
    texts += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        cause = todo.pop()
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        trace = cause.__traceback__
        while trace is not None:
            for name, value in trace.tb_frame.f_locals.items():
                # The frames of the tests themselves hold what the test has made.
                if "/tests/" not in trace.tb_frame.f_code.co_filename:
                    texts.append(f"{name}={value!r}")
            trace = trace.tb_next
        todo += [cause.__cause__, cause.__context__]
    if isinstance(error, PurviewMpeError):
        dumped = pickle.dumps(error)
        texts.append(dumped.decode("latin-1"))
        texts.append(repr(vars(pickle.loads(dumped))))  # noqa: S301 - our own bytes
    return "\n".join(texts)


ECHO = {"error": {"code": "Oops", "message": f"You sent Authorization: Bearer {MARK}, or {MARK} for short."}}
FAULTS: dict[str, Any] = {
    "400": refusal(400),
    "401": refusal(401, "InvalidAuthenticationToken"),
    "403": refusal(403, "AuthorizationFailed"),
    "404": refusal(404),
    "409": refusal(409),
    "429": refusal(429),
    "500": refusal(500),
    "echo": answer(400, ECHO),
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
    """However a request fails, the error is ours, pickles, and has no token in text, frames, causes or bytes."""
    with everything_logged() as log:
        with pytest.raises(PurviewMpeError) as caught:
            runner.flow(runner.azure(Script([FAULTS[fault]]), retry=Retry(attempts=2)), operation)
        text = shown(caught.value) + log.getvalue()
    assert MARK not in text
    assert "eyJ0" not in text
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert (type(copy), str(copy), vars(copy)) == (type(caught.value), str(caught.value), vars(caught.value))


@both
def test_no_id_of_a_request_holds_a_token(runner: Runner) -> None:
    """A server that puts the token where its own ids belong does not get it into our errors."""
    with pytest.raises(PurviewMpeError) as caught:
        runner.get(Script([answer(400, ECHO, x_ms_request_id=MARK, x_ms_correlation_request_id=f"x {MARK}")]))
    assert MARK not in shown(caught.value)
    assert caught.value.correlation_id == "x ***"


@both
def test_no_interruption_holds_a_token(runner: Runner) -> None:
    """Not even Ctrl-C within a request: the frames that it came through are cut off."""
    raised: BaseException = KeyboardInterrupt() if runner.is_sync else asyncio.CancelledError()
    with everything_logged() as log, pytest.raises(type(raised)) as caught:
        runner.flow(runner.azure(Script([raised])), read_account)
    assert MARK not in shown(caught.value) + log.getvalue()


@both
@pytest.mark.parametrize("fault", ["403", "echo", "500", "reset", "html", "202", "bug"])
def test_no_report_or_event_holds_a_token(runner: Runner, fault: str) -> None:
    """A whole run, every PUT of which fails: no log record, event, report or error shows the token."""
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
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301 - our own bytes
    assert len(log.getvalue()) > 1000


@both
def test_no_repr_of_a_client_holds_a_token(runner: Runner) -> None:
    """Whoever prints a client, or what is in it, sees no token."""
    azure = runner.azure(Script([ok()]))
    runner.flow(azure, read_account)
    kept = list(azure._credential._kept.values())
    assert MARK not in repr([azure, vars(azure), vars(azure._credential), kept])
