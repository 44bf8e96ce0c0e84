"""A web page in a browser on the same machine cannot control the served emulator."""

from __future__ import annotations

import http.client
import ssl

import pytest

from purview_mpe.emulator import Emulator

FAULT = b'{"kind": "status", "method": "GET", "status": 500}'
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server():
    emulator = Emulator()
    with emulator.serve() as served:
        yield served


def ask(server, method, path, headers=None, content=None):
    """The status of one request."""
    context = ssl.create_default_context(cafile=server.ca_file)
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=30)
    try:
        connection.request(method, path, body=content, headers=headers or {})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (JSON, 201),
        (JSON | {"Content-Type": "application/json; charset=utf-8"}, 201),
        (JSON | {"Origin": "https://127.0.0.1:8443"}, 201),
        ({"Content-Type": "text/plain"}, 415),
        ({}, 415),
        (JSON | {"Origin": "https://evil.example"}, 403),
        (JSON | {"Origin": "null"}, 403),
        (JSON | {"Origin": "https://[x"}, 403),
        (JSON | {"Host": "evil.example"}, 403),
    ],
)
def test_changes_are_accepted_from_this_machine_and_as_json(server, headers, status):
    """A page of another origin can send text without permission, and JSON only if the server allows it."""
    assert ask(server, "POST", "/_emulator/faults", headers, FAULT) == status
    assert ask(server, "DELETE", "/_emulator/faults") in {200, 204}


@pytest.mark.parametrize("path", ["/_emulator", "/_emulator/requests", "/metadata/endpoints?api-version=2022-09-01"])
def test_another_host_name_is_refused(server, path):
    """A page whose name resolves to 127.0.0.1 reads neither the log nor the cloud metadata."""
    assert ask(server, "GET", path) == 200
    assert ask(server, "GET", path, {"Host": "evil.example"}) == 403


def test_azures_hosts_are_accepted(server):
    """Other paths are answered under every name, because clients reach Azure's hosts through a proxy."""
    assert ask(server, "GET", "/subscriptions?api-version=2022-12-01", {"Host": "management.azure.com"}) == 401
