"""Records requests to Azure and its answers, without anything that identifies the tenant.

Tokens never get here. `_wire.transcript` decides what is kept of an exchange, and in which words.
"""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from purview_mpe._azure import loading
from purview_mpe._wire.transcript import sanitised
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

_KEPT_HEADERS = frozenset({"content-type", "retry-after", "azure-asyncoperation", "location", "etag"})


@contextmanager
def recording_to(path: Path, security: dict[str, Any]) -> Generator[Any]:
    """A transport for a synchronous client that writes its exchanges to the file at the end, even if the verb fails.

    Raises:
        InvalidSpec: the file cannot be written; checked before the first request to Azure.
    """
    try:
        _write(path, "")
    except OSError as error:
        reason = f"{str(path)!r} cannot be written: {error.strerror}"
        raise InvalidSpec("The command", [("--record", reason)]) from None
    except ValueError:  # a null byte or a lone surrogate
        raise InvalidSpec("The command", [("--record", f"{str(path)!r} is not a path")]) from None
    transport = loading.load("purview_mpe._azure.clients").make_transport("sync", security)
    recording = Recording(transport.send)
    # Replace only `send`, on the object itself, so that the transport keeps its other abilities, for example that a
    # stopped verb can cut its requests.
    transport.send = recording.send
    try:
        yield transport
    finally:
        transport.close()
        recording.write(path)


class Recording:
    """Keeps the requests and answers of a transport."""

    def __init__(self, send: Callable[..., Any]) -> None:
        self._send = send
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._exchanges: list[dict[str, Any]] = []

    def send(self, request: Any, **options: Any) -> Any:
        """Pass a request on, and keep the answer."""
        asked = {"method": request.method, "url": request.url, "body": _json(_content_of(request))}
        if match := request.headers.get("If-Match"):
            asked["if_match"] = match
        answer = self._send(request, **options)
        answered = {
            "status": answer.status_code,
            "headers": {name: value for name, value in answer.headers.items() if name.lower() in _KEPT_HEADERS},
            "body": _json(_content_of(answer)),
        }
        # A server may repeat the token in its answer, and the token is known only here.
        answered = _without(answered, str(request.headers.get("Authorization", "")).removeprefix("Bearer "))
        with self._lock:
            at = round(time.monotonic() - self._began, 3)
            self._exchanges.append({"at": at, "request": asked, "answer": answered})
        return answer

    def write(self, path: Path) -> None:
        """Write the transcript: one exchange per line, as JSON."""
        with self._lock:
            lines = sanitised(self._exchanges)
        _write(path, "".join(json.dumps(line) + "\n" for line in lines))


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner can read, even if it existed and was readable by others."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            path.chmod(0o600)
        file.write(text)


def _without(node: Any, token: str) -> Any:
    if isinstance(node, dict):
        return {_without(key, token): _without(value, token) for key, value in cast("dict[str, Any]", node).items()}
    if _is_list(node):
        return [_without(value, token) for value in node]
    return node.replace(token, "(removed)") if isinstance(node, str) and token else node


def _is_list(node: Any) -> TypeGuard[list[Any]]:
    return isinstance(node, list)


def _content_of(message: Any) -> Any:
    """The body of a request or an answer, in azure-core's older and newer classes."""
    for name in ("content", "body", "data"):
        found: Any = getattr(message, name, None)
        if callable(found):
            found = found()
        if found is not None:
            return found
    return None


def _json(content: Any) -> Any:
    if not isinstance(content, (str, bytes)) or not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        # Azure Resource Manager answers JSON. This may hold anything, so the transcript only says that it exists.
        return f"({len(content)} bytes that are not JSON)"
