"""Requests per second of the emulator, beside a transport or server with a constant answer; prints JSON."""

from __future__ import annotations

import json
import ssl
import sys
import threading
import time
from http.client import HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azure.core.rest import HttpRequest

from purview_mpe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable

_VERSION = "?api-version=2018-06-01"
_HOST = "https://management.azure.com"


def main(*, kind: str, requests: int) -> dict[str, float]:
    """One of the three kinds of measurement."""
    return {"in-process": _in_process, "https": _https, "memory": _memory}[kind](requests)


def _url(emulator: Emulator) -> str:
    return f"{emulator.factory}/managedVirtualNetworks/default/managedPrivateEndpoints{_VERSION}"


def _headers(emulator: Emulator) -> dict[str, str]:
    token = emulator.credential.get_token_info("https://management.azure.com/.default").token
    return {"Authorization": f"Bearer {token}"}


def _in_process(requests: int) -> dict[str, float]:
    """Reads through the transport, against parsing the same answer as often."""
    emulator = Emulator()
    transport, url, headers = emulator.transport(), _HOST + _url(emulator), _headers(emulator)

    def ask() -> Any:
        return transport.send(HttpRequest("GET", url, headers=headers)).json()

    answer = json.dumps(ask())

    def read() -> Any:
        HttpRequest("GET", url, headers=headers)
        return json.loads(answer)

    return {"rate": _rate(ask, requests), "baseline": _rate(read, requests)}


def _rate(action: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        action()
    return times / (time.perf_counter() - began)


def _https(requests: int) -> dict[str, float]:
    """Two clients with one connection each, against a path of the same server that does almost nothing."""
    emulator = Emulator()
    with emulator.serve() as server:
        trusted = ssl.create_default_context(cafile=server.ca_file)
        headers = _headers(emulator)
        return {
            name: _https_rate(server.port, trusted, path, headers, requests)
            for name, path in (("rate", _url(emulator)), ("baseline", "/_emulator"))
        }


def _https_rate(port: int, trusted: ssl.SSLContext, path: str, headers: dict[str, str], requests: int) -> float:
    def client() -> None:
        connection = HTTPSConnection("127.0.0.1", port, context=trusted)
        for _ in range(requests // 2):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(2)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return requests / (time.perf_counter() - began)


def _memory(requests: int) -> dict[str, float]:
    """Megabytes after all requests, against those after the first fifth, when the log of requests is full."""
    emulator = Emulator(request_log=min(10_000, requests // 10))
    transport, url, headers = emulator.transport(), _HOST + _url(emulator), _headers(emulator)

    def ask() -> None:
        transport.send(HttpRequest("GET", url, headers=headers))

    _rate(ask, requests // 5)
    early = _megabytes()
    _rate(ask, requests - requests // 5)
    return {"rate": _megabytes(), "baseline": early}


def _megabytes() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
