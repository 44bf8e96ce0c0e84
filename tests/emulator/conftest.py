"""Clients of the real SDKs on an emulator, in both colours."""

import json
from typing import Any

import azure.core  # first, because the SDKs import it in a circle
import pytest
from azure.core.rest import HttpRequest
from azure.mgmt.datafactory import DataFactoryManagementClient
from azure.mgmt.purview import PurviewManagementClient

from purview_mpe.emulator import Emulator
from tests.support.network_lab import Lab

assert azure.core

ARM = "https://management.azure.com"


class Arm:
    """Sends plain requests to an emulator, to see exactly what it answers."""

    def __init__(self, emulator: Emulator, credential: Any = None) -> None:
        self.emulator = emulator
        self.transport = emulator.transport()
        self.credential = credential or emulator.credential

    def send(self, method: str, path: Any, *, version: str | None = "2018-06-01", body: Any = None, **headers: str):
        url = str(path) if str(path).startswith("https://") else f"{ARM}{path}"
        if version is not None and "api-version" not in url:
            url += ("&" if "?" in url else "?") + f"api-version={version}"
        sent = {"Authorization": "Bearer " + self.credential.get_token("any").token}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        content = body if isinstance(body, (str, bytes)) or body is None else json.dumps(body)
        return self.transport.send(HttpRequest(method, url, headers=sent, content=content))

    def get(self, path: Any, **kwargs: Any):
        return self.send("GET", path, **kwargs)

    def put(self, path: Any, body: Any = None, **kwargs: Any):
        return self.send("PUT", path, body=body, **kwargs)

    def endpoint(self, name: str, factory: Any = None) -> str:
        return f"{factory or self.emulator.factory}/managedVirtualNetworks/default/managedPrivateEndpoints/{name}"

    def request_endpoint(self, name: str, target: Any, group_id: str, factory: Any = None):
        body = {"properties": {"privateLinkResourceId": str(target), "groupId": group_id, "fqdns": []}}
        return self.put(self.endpoint(name, factory), body)


@pytest.fixture
def emulator() -> Emulator:
    return Emulator()


@pytest.fixture
def arm(emulator: Emulator) -> Arm:
    return Arm(emulator)


@pytest.fixture
def make_arm():
    return Arm


@pytest.fixture
def datafactory(emulator: Emulator):
    with DataFactoryManagementClient(
        emulator.credential, emulator.factory.subscription, transport=emulator.transport()
    ) as client:
        yield client


@pytest.fixture
def purview(emulator: Emulator):
    with PurviewManagementClient(
        emulator.credential, emulator.factory.subscription, transport=emulator.transport()
    ) as client:
        yield client


@pytest.fixture
def lab(emulator, arm):
    return Lab(emulator, arm)


@pytest.fixture
def make_lab(make_arm):
    def make(**options: Any) -> Lab:
        emulator = Emulator(**options)
        return Lab(emulator, make_arm(emulator))

    return make
