"""What `-v` adds on stderr: each request with Azure's id for it, and the library's log; twice, the SDKs' log too."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from purview_mpe._display.text.page import clean, duration

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from purview_mpe._cli.terminal import Terminal

_requests = logging.getLogger("purview_mpe.requests")


class _OnTerminal(logging.Handler):
    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        # A record may hold several lines (Azure's log has one for each header), and text from a server.
        seconds: float | None = getattr(record, "seconds", None)  # the library's own records have it
        elapsed = "" if seconds is None else f"[{duration(seconds)}] "
        for line in record.getMessage().splitlines():
            print(clean(elapsed + line), file=self._terminal.stderr, flush=True)


@contextmanager
def logging_to(terminal: Terminal, verbose: int) -> Generator[Callable[[Any], None] | None]:
    """Log to the terminal inside the block; gives the hook that sees each response, if any."""
    if verbose > 1:
        with _logging(terminal, "purview_mpe", "azure"):
            yield _log_response
        return
    # The SDKs warn of unreadable bodies with a traceback; our error reports them without one.
    silence = logging.NullHandler()
    logging.getLogger("azure").addHandler(silence)
    try:
        if verbose:
            with _logging(terminal, "purview_mpe"):
                yield _log_response
        else:
            yield None
    finally:
        logging.getLogger("azure").removeHandler(silence)


@contextmanager
def _logging(terminal: Terminal, *names: str) -> Generator[None]:
    handler = _OnTerminal(terminal)
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).removeHandler(handler)
            logging.getLogger(name).setLevel(level)


def _log_response(response: Any) -> None:
    request, answer = response.http_request, response.http_response
    _requests.info(
        "%s %s: %s, request id %s",
        request.method,
        urlsplit(str(request.url)).path,
        answer.status_code,
        answer.headers.get("x-ms-request-id", "(none)"),
    )
