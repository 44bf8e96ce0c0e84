"""The host: HTTP in front of an app's functions, its worker processes, and the Durable extension."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.functions_host.durable import Extension
from tests.functions_host.workers import KINDS, Workers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self


class Host:
    """One host of one app, with a folder for its state."""

    def __init__(self, app: Path, settings: Mapping[str, str], folder: Path, count: int = 1) -> None:
        self.workers = Workers(app, settings, folder / "workers.log")
        for number in range(count):
            self.workers.start(f"worker-{number + 1}")
        self.durable = Extension(self.workers, folder / "hub.json")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End the host and kill its workers, whatever they do."""
        self.workers.close()
        self.durable.close()
        self._server.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None: ...  # pyright: ignore[reportIncompatibleMethodOverride]

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                if self.path.startswith("/durable/"):
                    status, headers, content = host._extension(self.command, self.path, body)
                else:
                    status, headers, content = host._trigger(self.command, self.path, dict(self.headers), body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = _any  # noqa: N815 - names required by http.server

        return Handler

    # --- functions with an HTTP trigger

    def _trigger(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(path)
        for name, function in self.workers.functions().items():
            trigger = function.binding("httpTrigger")
            if trigger is None or method not in [each.upper() for each in trigger["methods"]]:
                continue
            route = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", f"/api/{trigger.get('route') or name}")
            if (match := re.fullmatch(route, parts.path)) is None:
                continue
            query = dict(parse_qsl(parts.query))
            if str(trigger["authLevel"]).upper() == "FUNCTION" and "code" not in query:
                return 401, {}, b""
            data = KINDS.TypedData(bytes=body)
            request = KINDS.RpcHttp(
                method=method,
                url=self.url + path,
                headers=headers,
                query=query,
                params=match.groupdict(),
                body=data,
                rawBody=data,
            )
            return self._called(name, request)
        return 404, {}, b""

    def _called(self, name: str, request: Any) -> tuple[int, dict[str, str], bytes]:
        inputs = {}
        for binding in self.workers.functions()[name].bindings:
            if binding["type"] == "httpTrigger":
                inputs[binding["name"]] = KINDS.TypedData(http=request)
            if binding["type"] == "durableClient":
                inputs[binding["name"]] = KINDS.TypedData(string=json.dumps(self._client_binding()))
        answer = self.workers.call(name, inputs)
        if answer.result.status != KINDS.StatusResult.Success:
            return 500, {}, answer.result.exception.message.encode()
        response = answer.return_value.http
        kind = response.body.WhichOneof("data")
        content = getattr(response.body, kind) if kind else b""
        encoded = content if isinstance(content, bytes) else content.encode()
        return int(response.status_code), dict(response.headers), encoded

    def fire(self, name: str) -> None:
        """Run a function with a timer trigger."""
        trigger = self.workers.functions()[name].binding("timerTrigger")
        assert trigger is not None
        timer = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}
        answer = self.workers.call(name, {trigger["name"]: KINDS.TypedData(json=json.dumps(timer))})
        assert answer.result.status == KINDS.StatusResult.Success, answer.result.exception.message

    # --- the extension's own addresses, which the app's client uses

    def _client_binding(self) -> dict[str, Any]:
        base = f"{self.url}/durable/"
        urls = dict.fromkeys(("statusQueryGetUri", "sendEventPostUri", "terminatePostUri"), f"{base}instances/INSTANCE")
        return {
            "taskHubName": "hub",
            "rpcBaseUrl": base,
            "baseUrl": base,
            "requiredQueryStringParameters": "",
            "creationUrls": {"createNewInstancePostUri": f"{base}orchestrators"},
            "managementUrls": {"id": "INSTANCE", **urls},
        }

    def _extension(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        match method, urlsplit(path).path.removeprefix("/durable/").split("/"):
            case "POST", ["orchestrators", name, *rest]:
                # The client encodes the input twice; the extension decodes the body once and passes on a text.
                given = json.loads(body) if body else None
                started = self.durable.start(name, given, rest[0] if rest else None)
                return _json(202, {"id": started}) if started else _json(409, {})
            case "POST", ["instances", instance, "raiseEvent", name]:
                is_raised = self.durable.raise_event(instance, name, json.dumps(json.loads(body)))
                return _json(202 if is_raised else 410, {})
            case "GET", ["instances", instance] if instance in self.durable.instances:
                each = self.durable.instances[instance]
                shown = {"name": each["name"], "instanceId": instance, "createdTime": None, "lastUpdatedTime": None}
                shown |= {"input": None, "output": each["output"], "runtimeStatus": each["state"]}
                is_over = each["state"] not in {"Pending", "Running"}
                return _json(200 if is_over else 202, {**shown, "customStatus": each["status"]})
            case _:
                return _json(404, {})


def _json(status: int, content: Any) -> tuple[int, dict[str, str], bytes]:
    return status, {"content-type": "application/json"}, json.dumps(content).encode()
