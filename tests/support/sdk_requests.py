"""The requests that the SDK operations used by the library would send, and their type hints, as JSON on stdout.

`python -m tests.support.sdk_requests usual|quick` runs in a new interpreter, because the way of importing matters.
"""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import json
import sys
import typing
from pathlib import Path
from typing import Any

import purview_mpe

#: The methods of `Clients`, each with the package and the class of its client.
CLIENTS = {
    "datafactory": ("azure.mgmt.datafactory", "DataFactoryManagementClient"),
    "purview": ("azure.mgmt.purview", "PurviewManagementClient"),
    "storage": ("azure.mgmt.storage", "StorageManagementClient"),
    "eventhub": ("azure.mgmt.eventhub", "EventHubManagementClient"),
    "network": ("azure.mgmt.network", "NetworkManagementClient"),
    "private_dns": ("azure.mgmt.privatedns", "PrivateDnsManagementClient"),
}


def used() -> list[tuple[str, str]]:
    """Client and group of each `az.CLIENT(…).GROUP` in the flows."""
    found: set[tuple[str, str]] = set()
    for path in (Path(purview_mpe.__file__).parent / "_flows").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(attr=group, value=ast.Call(func=ast.Attribute(attr=client))) if client in CLIENTS:
                    found.add((client, group))
    return sorted(found)


class Recorded(Exception):
    """Carries a request out of the pipeline before it is sent."""

    def __init__(self, request: Any) -> None:
        super().__init__()
        self.sent = [request.method, request.url, sorted(request.headers.items()), str(request.content)]


def client_of(package: str, name: str, policy: Any) -> Any:
    made = getattr(importlib.import_module(package), name)
    return made(object(), "00000000-0000-0000-0000-000000000001", "https://management.azure.com", policies=[policy])


def operations_of(group: Any) -> dict[str, Any]:
    """All operations of a group, including those that the flows call."""
    return {name: operation for name, operation in inspect.getmembers(group, callable) if not name.startswith("_")}


def arguments_of(operation: Any) -> dict[str, Any]:
    """A value for each required argument."""
    return {
        name: "some" if parameter.annotation is str else {"some": "body"}
        for name, parameter in inspect.signature(operation).parameters.items()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    }


def types_of(operation: Any) -> dict[str, str]:
    """The type hints of an operation, as tools see them."""
    return {name: repr(hint) for name, hint in typing.get_type_hints(operation).items()}


def sent_sync() -> dict[str, Any]:
    from azure.core.pipeline.policies import HTTPPolicy

    class Recorder(HTTPPolicy[Any, Any]):
        def send(self, request: Any) -> Any:
            raise Recorded(request.http_request)

    seen: dict[str, Any] = {}
    for client, group in used():
        for name, operation in operations_of(getattr(client_of(*CLIENTS[client], Recorder()), group)).items():
            try:
                next(iter(operation(**arguments_of(operation))))
            except Recorded as recorded:
                seen[f"{client}.{group}.{name}"] = [recorded.sent, types_of(operation)]
    return seen


async def sent_async() -> dict[str, Any]:
    from azure.core.pipeline.policies import AsyncHTTPPolicy

    class Recorder(AsyncHTTPPolicy[Any, Any]):
        async def send(self, request: Any) -> Any:
            raise Recorded(request.http_request)

    seen: dict[str, Any] = {}
    for client, group in used():
        package, made = CLIENTS[client]
        for name, operation in operations_of(getattr(client_of(f"{package}.aio", made, Recorder()), group)).items():
            try:
                pending = operation(**arguments_of(operation))
                await (pending if inspect.isawaitable(pending) else anext(aiter(pending)))
            except Recorded as recorded:
                seen[f"{client}.{group}.{name}"] = [recorded.sent, types_of(operation)]
    return seen


if __name__ == "__main__":
    if sys.argv[1] == "quick":
        purview_mpe.quick_start()
    sys.stdout.write(json.dumps({"sync": sent_sync(), "async": asyncio.run(sent_async())}))
