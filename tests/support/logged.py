"""Everything that a process logs, and everything that a crash reporter could collect from an exception."""

from __future__ import annotations

import io
import logging
import pickle
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """All loggers of the process at DEBUG, with all data of their records."""
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
    """Everything that a crash reporter could collect from an exception and its causes."""
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
                # The frames of the tests themselves contain the test's own values.
                if "/tests/" not in trace.tb_frame.f_code.co_filename:
                    texts.append(f"{name}={value!r}")
            trace = trace.tb_next
        todo += [cause.__cause__, cause.__context__]
    if isinstance(error, PurviewMpeError):
        dumped = pickle.dumps(error)
        texts.append(dumped.decode("latin-1"))
        texts.append(repr(vars(pickle.loads(dumped))))  # noqa: S301 - our own bytes
    return "\n".join(texts)
