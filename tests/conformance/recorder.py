"""A pytest plugin that records the requests and answers of the emulators in a test run.

    pytest -p tests.conformance.recorder --record-exchanges FILE

One JSON object per line: the live request and the live response in the form that Microsoft's `oav` takes, the test,
and whether a fault of the emulator changed it. The same exchange is written once.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import TextIOWrapper

    import pytest

    from purview_mpe.emulator import Exchange


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--record-exchanges", metavar="FILE", help="where to write the emulators' requests and answers")


def pytest_configure(config: pytest.Config) -> None:
    """Start recording if the option is given."""
    if path := config.getoption("--record-exchanges"):
        config.pluginmanager.register(Recorder(path), "exchange-recorder")


class Recorder:
    """Observes every emulator that is made during the test run."""

    def __init__(self, path: str) -> None:
        self._file: TextIOWrapper = Path(path).open("w", encoding="utf-8")  # noqa: SIM115  open as long as the tests run
        self._seen: set[str] = set()
        self._test = ""
        self._init: Callable[..., None] = Emulator.__init__
        recorder = self

        def init(emulator: Emulator, *args: Any, **options: Any) -> None:
            recorder._init(emulator, *args, **options)
            emulator.observe(recorder)

        # Tests make their own emulators, so only the constructor sees all of them.
        Emulator.__init__ = init  # type: ignore[method-assign]

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Note the name of the running test."""
        self._test = item.nodeid

    def pytest_unconfigure(self) -> None:
        """Close the file."""
        Emulator.__init__ = self._init  # type: ignore[method-assign]
        self._file.close()

    def __call__(self, exchange: Exchange) -> None:
        """Write an exchange if it is new."""
        pair = live_pair(exchange)
        comparable = {**pair, "liveResponse": {**pair["liveResponse"], "headers": {}}, "faulty": exchange.is_faulty}
        comparable["liveRequest"] = {**pair["liveRequest"], "headers": {}}
        key = hashlib.sha256(json.dumps(comparable, sort_keys=True).encode()).hexdigest()
        if key in self._seen:
            return
        self._seen.add(key)
        self._file.write(json.dumps({"test": self._test, "faulty": exchange.is_faulty, **pair}) + "\n")
        self._file.flush()


def live_pair(exchange: Exchange) -> dict[str, Any]:
    """The exchange in oav's form."""
    request: dict[str, Any] = {
        "method": exchange.method,
        "url": exchange.url,
        "headers": {name: value for name, value in exchange.headers.items() if name != "content-length"},
    }
    response: dict[str, Any] = {"statusCode": str(exchange.status), "headers": exchange.answer_headers}
    for part, content in ((request, exchange.content), (response, exchange.answer_content)):
        if content:
            part["body"] = _json(content)
    return {"liveRequest": request, "liveResponse": response}


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
