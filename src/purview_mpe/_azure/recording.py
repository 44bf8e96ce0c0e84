"""What was asked of Azure and what it answered, written down without anything that tells whose Azure it was.

Tokens never come by here. GUIDs, names, e-mail addresses and tags are replaced, each by the same word everywhere, so
that a transcript still hangs together: what was an id of something stays an id of it.
"""

from __future__ import annotations

import json
import re
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeGuard, cast
from urllib.parse import unquote, urlsplit, urlunsplit

from purview_mpe._azure import loading
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SKIP_TOKEN = re.compile(r"(?<=skiptoken=)[^&\"]+", re.IGNORECASE)
#: In an id, what stands behind these words is a name that somebody chose; the names of types stand there as well, so
#: only whole ids are looked at. The names of managed private endpoints stay: those of one set are made of each other,
#: and nothing would fit together without that.
_NAMED = tuple(
    (kind, re.compile(pattern + r"([^/?\"\\]+)", re.IGNORECASE))
    for kind, pattern in (
        ("group", "/subscriptions/[^/]+/resourceGroups/"),
        ("factory", "/providers/Microsoft.DataFactory/factories/"),
        ("account", "/providers/Microsoft.Purview/accounts/"),
        ("storage", "/providers/Microsoft.Storage/storageAccounts/"),
        ("namespace", "/providers/Microsoft.EventHub/namespaces/"),
        ("runtime", "/providers/Microsoft.DataFactory/factories/[^/]+/integrationRuntimes/"),
        ("workspace", "/providers/Microsoft.Synapse/workspaces/"),
    )
)
#: Names that are words of Azure's as well: to replace them would change what is said, and they tell nothing.
_COMMON = frozenset(["default", "account", "blob", "queue", "namespace", "platform", "portal", "purview"])
#: Those of managed endpoints are called `<factory>.<endpoint>`.
_PRIVATE_ENDPOINT = re.compile(r"/privateEndpoints/([^/?\"\\.]+)", re.IGNORECASE)
_SECRET_KEY = re.compile(r"secret|password|token|connectionstring|accountkey|accesskey|authkey|sas", re.IGNORECASE)
_TOLD_HEADERS = frozenset({"content-type", "retry-after", "azure-asyncoperation", "location", "etag"})
_ORIGIN = ("https", "management.azure.com")


@contextmanager
def recording_to(path: Path, security: dict[str, Any]) -> Generator[Any]:
    """A transport for a synchronous client; what goes through it is in the file afterwards, even if the verb fails.

    Raises:
        InvalidSpec: the file cannot be written; found out before anything is asked of Azure.
    """
    try:
        path.write_text("", encoding="utf-8")
    except OSError as error:
        reason = f"{str(path)!r} cannot be written: {error.strerror}"
        raise InvalidSpec("The command", [("--record", reason)]) from None
    except ValueError:  # a zero byte, or half a character
        raise InvalidSpec("The command", [("--record", f"{str(path)!r} is no path")]) from None
    transport = loading.load("purview_mpe._azure.clients").make_transport("sync", security)
    recording = Recording(transport.send)
    # On the object itself, which in all else stays what it is: a transport that a verb can break off, for one.
    transport.send = recording.send
    try:
        yield transport
    finally:
        transport.close()
        recording.write(path)


class Recording:
    """Remembers what a transport is asked, and what it answers."""

    def __init__(self, send: Callable[..., Any]) -> None:
        self._send = send
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._exchanges: list[dict[str, Any]] = []

    def send(self, request: Any, **options: Any) -> Any:
        """Pass a request on, and remember what was answered."""
        asked = {"method": request.method, "url": request.url, "body": _json(_content_of(request))}
        if match := request.headers.get("If-Match"):
            asked["if_match"] = match
        answer = self._send(request, **options)
        told = {
            "status": answer.status_code,
            "headers": {name: value for name, value in answer.headers.items() if name.lower() in _TOLD_HEADERS},
            "body": _json(_content_of(answer)),
        }
        # In case somebody answers with what was sent: only here the token is known.
        told = _without(told, str(request.headers.get("Authorization", "")).removeprefix("Bearer "))
        with self._lock:
            at = round(time.monotonic() - self._began, 3)
            self._exchanges.append({"at": at, "request": asked, "answer": told})
        return answer

    def write(self, path: Path) -> None:
        """Write the transcript: one exchange per line, as JSON."""
        with self._lock:
            lines = sanitised(self._exchanges)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def sanitised(exchanges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The exchanges without secrets, and with other ids and names."""
    clean = [_without_secrets(exchange) for exchange in exchanges]
    words = _Words(json.dumps(clean))
    return [words.replaced(exchange) for exchange in clean]


class _Words:
    """What is replaced by what; found in the whole transcript before anything is replaced."""

    def __init__(self, text: str) -> None:
        self._numbers: dict[str, dict[str, int]] = {}
        self._names: dict[str, str] = {}
        for kind, pattern in _NAMED:
            for name in pattern.findall(text):
                self._learn(kind, unquote(name))
        for name in _PRIVATE_ENDPOINT.findall(text):
            self._learn("factory", unquote(name))
        # The longest first: one name may begin with another.
        alternatives = "|".join(re.escape(name) for name in sorted(self._names, key=len, reverse=True))
        self._pattern = re.compile(rf"(?<![A-Za-z0-9])(?:{alternatives})(?![A-Za-z0-9])", re.IGNORECASE)

    def _learn(self, kind: str, name: str) -> None:
        key = name.casefold()
        if key not in _COMMON and not _GUID.fullmatch(name):
            self._names.setdefault(key, self._word(kind, key))

    def _word(self, kind: str, value: str) -> str:
        return f"{kind}{self._number(kind, value)}"

    def _number(self, kind: str, value: str) -> int:
        numbers = self._numbers.setdefault(kind, {})
        return numbers.setdefault(value, len(numbers) + 1)

    def replaced(self, node: Any) -> Any:
        """The same with everything replaced that tells whose it is; keys are Azure's and stay."""
        if isinstance(node, dict):
            return {key: self.replaced(value) for key, value in cast("dict[str, Any]", node).items()}
        if _is_list(node):
            return [self.replaced(value) for value in node]
        if not isinstance(node, str):
            return node
        text = _MAIL.sub(lambda found: f"{self._word('person', found[0].casefold())}@example.com", node)
        text = _SKIP_TOKEN.sub(lambda found: self._word("page", found[0]), text)
        if self._names:
            text = self._pattern.sub(lambda found: self._names[found[0].casefold()], text)
        return _GUID.sub(lambda found: f"00000000-0000-0000-0000-{self._number('', found[0].casefold()):012}", text)


def _without_secrets(node: Any, key: str = "") -> Any:
    if isinstance(node, dict):
        items = cast("dict[str, Any]", node)
        if key.casefold() == "tags":
            return {f"tag{number}": "value" for number, _ in enumerate(items, 1)}
        return {name: _without_secrets(value, name) for name, value in items.items()}
    if _is_list(node):
        return [_without_secrets(value, key) for value in node]
    if isinstance(node, str):
        if _SECRET_KEY.search(key):
            return "(removed)"
        return _at_one_origin(node)
    return node


def _without(node: Any, token: str) -> Any:
    if isinstance(node, dict):
        return {_without(key, token): _without(value, token) for key, value in cast("dict[str, Any]", node).items()}
    if _is_list(node):
        return [_without(value, token) for value in node]
    return node.replace(token, "(removed)") if isinstance(node, str) and token else node


def _is_list(node: Any) -> TypeGuard[list[Any]]:
    return isinstance(node, list)


def _at_one_origin(text: str) -> str:
    """Links into Azure Resource Manager lead to its public address, wherever the requests went."""
    parts = urlsplit(text)
    if parts.scheme == "https" and parts.path.startswith("/subscriptions/"):
        return urlunsplit((*_ORIGIN, parts.path, parts.query, ""))
    return text


def _content_of(message: Any) -> Any:
    """The body of a request or an answer, of azure-core's older and newer kinds."""
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
        # Not what Azure Resource Manager says; it may hold anything, so that it is there is all that is told.
        return f"({len(content)} bytes that are not JSON)"
