"""A host's worker processes, and the requests to them."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from tests.functions_host.protocol import METHOD, PACKAGE, messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
KINDS = messages()


class Dead(Exception):
    """The worker is dead, so it does not answer."""


@dataclass
class Function:
    """A function of the app, as the worker indexed it."""

    name: str
    id: str
    bindings: list[dict[str, Any]]

    def binding(self, kind: str) -> dict[str, Any] | None:
        """The function's binding of this type, if any."""
        return next((each for each in self.bindings if each["type"] == kind), None)


@dataclass(eq=False)
class Worker:
    """One worker process."""

    name: str
    process: subprocess.Popen[bytes]
    functions: dict[str, Function] = field(default_factory=dict[str, Function])
    busy: int = 0
    is_ready: bool = False
    outgoing: queue.Queue[Any] = field(default_factory=queue.Queue)
    _asked: dict[str, futures.Future[Any]] = field(default_factory=dict[str, "futures.Future[Any]"])

    def ask(self, **content: Any) -> Any:
        """Send a request and wait for its answer.

        Raises:
            Dead: the process died.
        """
        number, answer = uuid.uuid4().hex, futures.Future[Any]()
        self._asked[number] = answer
        if self.process.poll() is not None:
            raise Dead(self.name)
        self.outgoing.put(KINDS.StreamingMessage(request_id=number, **content))
        # If the worker dies between these lines, the process shows it; later the connection does.
        while True:
            try:
                message = answer.result(1)
            except futures.TimeoutError:
                if self.process.poll() is not None:
                    raise Dead(self.name) from None
            else:
                return getattr(message, message.WhichOneof("content"))

    def begin(self, folder: Path) -> None:
        """Have the worker index the app, and load all its functions."""
        where = str(folder)
        started = self.ask(
            worker_init_request=KINDS.WorkerInitRequest(host_version="4.1000.0", function_app_directory=where)
        )
        _checked(started.result)
        indexed = self.ask(functions_metadata_request=KINDS.FunctionsMetadataRequest(function_app_directory=where))
        _checked(indexed.result)
        for each in indexed.function_metadata_results:
            request = KINDS.FunctionLoadRequest(function_id=each.function_id, metadata=each)
            _checked(self.ask(function_load_request=request).result)
            bindings = [json.loads(binding) for binding in each.raw_bindings]
            self.functions[each.name] = Function(each.name, each.function_id, bindings)
        self.is_ready = True

    def call(self, function: str, inputs: Mapping[str, Any]) -> Any:
        """Invoke a function; return the worker's whole answer.

        Raises:
            Dead: the process died.
        """
        request = KINDS.InvocationRequest(
            invocation_id=uuid.uuid4().hex,
            function_id=self.functions[function].id,
            input_data=[KINDS.ParameterBinding(name=name, data=data) for name, data in inputs.items()],
        )
        self.busy += 1
        try:
            return self.ask(invocation_request=request)
        finally:
            self.busy -= 1

    def take(self, incoming: Iterator[Any]) -> Iterator[Any]:
        """The connection: answers of the worker come in, requests to it go out."""

        def read() -> None:
            try:
                for message in incoming:
                    if (asked := self._asked.pop(message.request_id, None)) is not None:
                        asked.set_result(message)
            except grpc.RpcError:
                pass
            self.bury()

        threading.Thread(target=read, daemon=True).start()
        yield from iter(self.outgoing.get, None)

    def bury(self) -> None:
        """The process is dead: every pending request to it ends."""
        self.is_ready = False
        while self._asked:
            _, asked = self._asked.popitem()
            if not asked.done():
                asked.set_exception(Dead(self.name))
        self.outgoing.put(None)

    def kill(self) -> None:
        """Kill the process at once, whatever it does."""
        self.process.kill()
        self.process.wait()


class Workers:
    """All worker processes of a host."""

    def __init__(self, app: Path, settings: Mapping[str, str], log: Path) -> None:
        self._app, self._settings, self._log = app, settings, log
        self._all: dict[str, Worker] = {}
        self._is_open = True
        service = grpc.method_handlers_generic_handler(
            f"{PACKAGE}.FunctionRpc",
            {
                METHOD.rpartition("/")[2]: grpc.stream_stream_rpc_method_handler(
                    self._connected,
                    request_deserializer=KINDS.StreamingMessage.FromString,
                    response_serializer=KINDS.StreamingMessage.SerializeToString,
                )
            },
        )
        limits = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self._server = grpc.server(futures.ThreadPoolExecutor(16), options=limits)
        self._server.add_generic_rpc_handlers((service,))
        self._port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def start(self, name: str) -> Worker:
        """Start one more process; return when it is ready."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._log.parent),
            "PYTHONPATH": str(ROOT),
            "AzureWebJobsScriptRoot": str(self._app),
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "WEBSITE_INSTANCE_ID": name,
            **self._settings,
        }
        command = [sys.executable, "-m", "tests.functions_host.worker", f"127.0.0.1:{self._port}", name, str(self._app)]
        with self._log.open("ab") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        worker = self._all[name] = Worker(name, process)
        worker.begin(self._app)
        return worker

    def kill(self, name: str) -> None:
        """Kill a process by its name."""
        self._all[name].kill()

    def call(self, function: str, inputs: Mapping[str, Any]) -> Any:
        """Invoke a function on the least busy worker; the work of a dead worker is given to another.

        Raises:
            Dead: the host is closed.
        """
        while self._is_open:
            ready = [each for each in self._all.values() if each.is_ready]
            if not ready:
                time.sleep(0.05)
                continue
            try:
                return min(ready, key=lambda each: each.busy).call(function, inputs)
            except Dead:
                continue
        raise Dead("the host")

    def functions(self) -> Mapping[str, Function]:
        """The app's functions."""
        return next(each.functions for each in self._all.values() if each.is_ready)

    def close(self) -> None:
        """Kill all worker processes."""
        self._is_open = False
        for each in self._all.values():
            each.kill()
        self._server.stop(0)

    def _connected(self, incoming: Iterator[Any], _context: Any) -> Iterator[Any]:
        name = next(incoming).start_stream.worker_id
        return self._all[name].take(incoming)


def _checked(result: Any) -> None:
    if result.status != KINDS.StatusResult.Success:
        raise RuntimeError(f"{result.exception.message}\n{result.exception.stack_trace}")
