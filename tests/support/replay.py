"""A transport that answers from a transcript that the command line's `--record` wrote."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, Self

from azure.core.pipeline.transport import HttpTransport

from purview_mpe.emulator._http.transport import EmulatorResponse
from purview_mpe.emulator._values.exchange import Response

if TYPE_CHECKING:
    from pathlib import Path


class Replay(HttpTransport):
    """Answers each request from the transcript in order; a read that is repeated more often gets the last answer."""

    def __init__(self, transcript: Path) -> None:
        self._answers: dict[tuple[str, str, str], deque[dict[str, Any]]] = defaultdict(deque)
        for line in transcript.read_text(encoding="utf-8").splitlines():
            exchange = json.loads(line)
            asked = exchange["request"]
            self._answers[_key(asked["method"], asked["url"], asked["body"])].append(exchange["answer"])
        self._now = 0.0

    def send(self, request: Any, **_options: Any) -> EmulatorResponse:
        body = json.loads(request.content) if request.content else None
        answers = self._answers[_key(request.method, request.url, body)]
        assert answers, f"not in the transcript: {request.method} {request.url}"
        answer = answers[0] if request.method == "GET" and len(answers) == 1 else answers.popleft()
        return EmulatorResponse(request, Response(answer["status"], answer["body"], dict(answer["headers"])))

    def sleep(self, duration: float) -> None:
        self._now += duration

    def monotonic(self) -> float:
        return self._now

    def open(self) -> None: ...

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_args: object) -> None: ...


def _key(method: str, url: str, body: Any) -> tuple[str, str, str]:
    return method, url.partition("/subscriptions/")[2].casefold(), json.dumps(body, sort_keys=True)
