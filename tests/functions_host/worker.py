"""A worker process: `azure-functions-runtime`, which runs functions in Microsoft's worker, and the loop that passes messages to it.

No package contains Azure's own loop. This one only passes messages on, so that indexing an app, decoding bindings and
calling functions run as in Azure for Python 3.13 and later.

`python -m tests.functions_host.worker HOST:PORT NAME FOLDER`, with the app in FOLDER.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import queue
import sys
import threading
from types import SimpleNamespace
from typing import Any

import grpc

from tests.functions_host.protocol import METHOD, messages

_ANSWERS = {
    "worker_init_request": "worker_init_response",
    "functions_metadata_request": "function_metadata_response",
    "function_load_request": "function_load_response",
    "invocation_request": "invocation_response",
}


def main(address: str, name: str, folder: str) -> None:
    """Work until the host closes the connection."""
    sys.path.insert(0, folder)
    os.chdir(folder)
    runtime: Any = importlib.import_module("azure_functions_runtime")
    runtime.start_threadpool_executor()
    kinds = messages()
    outgoing: queue.Queue[Any] = queue.Queue()
    outgoing.put(kinds.StreamingMessage(start_stream=kinds.StartStream(worker_id=name)))
    limits = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    channel = grpc.insecure_channel(address, options=limits)
    stream = channel.stream_stream(
        METHOD,
        request_serializer=kinds.StreamingMessage.SerializeToString,
        response_deserializer=kinds.StreamingMessage.FromString,
    )(iter(outgoing.get, None))
    loop = asyncio.new_event_loop()
    properties = {"host": address.partition(":")[0], "protos": kinds}

    async def answer(message: Any) -> None:
        kind = message.WhichOneof("content")
        made = await getattr(runtime, kind)(SimpleNamespace(name=kind, request=message, properties=properties))
        outgoing.put(kinds.StreamingMessage(request_id=message.request_id, **{_ANSWERS[kind]: made}))

    def read() -> None:
        try:
            for message in stream:
                asyncio.run_coroutine_threadsafe(answer(message), loop)
        finally:
            os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    loop.run_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
