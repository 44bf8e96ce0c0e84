"""The emulator over HTTPS, as clients in any language see it."""

import base64
import builtins
import json
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest
from azure.identity import ClientSecretCredential, ManagedIdentityCredential
from azure.mgmt.datafactory import DataFactoryManagementClient

from purview_mpe.emulator import Emulator, Fault, MissingExtra, RealClock
from tests.support.asking import Wire

pytest.importorskip("cheroot", reason="serving needs the extra `emulator`")

TENANT = "11111111-1111-1111-1111-111111111111"


@pytest.fixture(scope="module")
def served():
    emulator = Emulator()
    with emulator.serve() as server:
        yield emulator, server


@pytest.fixture
def wire(served):
    with closing(Wire(served[1])) as client:
        yield client


def test_one_connection_carries_many_requests(served, wire):
    """With HTTP/1.1 keep-alive the connection stays open, and answers equal those of the in-process transports."""
    emulator, server = served
    before = None
    for _ in range(3):
        status, headers, content = wire.send("GET", f"{emulator.factory}?api-version=2018-06-01")
        assert status == 200
        assert headers["x-ms-request-id"]
        assert headers["Content-Type"] == "application/json; charset=utf-8"
        assert int(headers["Content-Length"]) == len(content)
        assert before in {None, wire.connection.sock.getsockname()}
        before = wire.connection.sock.getsockname()
    assert server.url == f"https://127.0.0.1:{server.port}"


def test_signed_addresses_point_to_the_server(served, wire):
    """The address of a private endpoint's operation is the server's, and works over HTTPS as it was given."""
    emulator, server = served
    subnet = emulator.networks.add_virtual_network("vnet-served").child("subnets", "snet-pe")
    path = subnet.in_group("Microsoft.Network", "privateEndpoints", "pe-served")
    given = {"privateLinkServiceId": str(emulator.account), "groupIds": ["account"]}
    connections = [{"name": "c", "properties": given}]
    properties = {"subnet": {"id": str(subnet)}, "privateLinkServiceConnections": connections}
    body = {"location": "westeurope", "properties": properties}
    status, headers, _ = wire.send("PUT", f"{path}?api-version=2026-03-01", json.dumps(body))
    assert status == 201
    assert headers["Azure-AsyncOperation"].startswith(f"{server.url}/subscriptions/")
    status, _, content = wire.send("GET", headers["Azure-AsyncOperation"].removeprefix(server.url))
    assert (status, json.loads(content)["status"] in {"InProgress", "Succeeded"}) == (200, True)


def test_answers_without_a_body(served, wire):
    """HEAD, 204 and 304 have no body, and the connection can be used afterwards."""
    emulator, _ = served
    group = f"/subscriptions/{emulator.factory.subscription}/resourceGroups/rg1?api-version=2022-09-01"
    assert wire.send("HEAD", group)[0::2] == (204, b"")
    endpoint = f"{emulator.factory}/managedVirtualNetworks/default/managedPrivateEndpoints/none?api-version=2018-06-01"
    assert wire.send("DELETE", endpoint)[0::2] == (204, b"")
    _, factory = wire.json("GET", f"{emulator.factory}?api-version=2018-06-01")
    assert wire.send("GET", f"{emulator.factory}?api-version=2018-06-01", If_None_Match=factory["eTag"])[0] == 304
    assert wire.send("GET", f"{emulator.factory}?api-version=2018-06-01")[0] == 200


def test_chunked_bodies_are_read(served, wire):
    """A body without Content-Length arrives in full."""
    emulator, _ = served
    body = json.dumps({"location": "westeurope"}).encode()
    path = str(emulator.factory).replace("df1", "df-chunked") + "?api-version=2018-06-01"
    wire.connection.request(
        "PUT", path, iter([body[:10], body[10:]]), {"Authorization": "Bearer x"}, encode_chunked=True
    )
    answer = wire.connection.getresponse()
    assert (answer.status, json.loads(answer.read())["name"]) == (200, "df-chunked")


@pytest.mark.parametrize(
    ("version", "is_list"),
    [
        ("1.0", False),
        ("2015-01-01", False),
        ("2019-05-01", True),
        ("2020-06-01", True),
        ("2022-09-01", False),
        ("2023-11-01", False),
    ],
)
@pytest.mark.parametrize("slashes", ["/", "//"])
def test_cloud_metadata(served, wire, version, is_list, slashes):
    """Every version that clients request, with one slash or two, points to this origin."""
    _, server = served
    status, answer = wire.json("GET", f"{slashes}metadata/endpoints?api-version={version}")
    cloud = answer[0] if is_list else answer
    assert status == 200
    assert cloud["name"] == "AzureCloud"
    assert cloud["resourceManager"] == cloud["authentication"]["loginEndpoint"] == f"{server.url}/"
    assert cloud["suffixes"]["storage"] == "core.windows.net"


@pytest.mark.parametrize("tenant", ["common", "organizations", TENANT])
@pytest.mark.parametrize("version", ["", "/v2.0"])
def test_sign_in_is_described(served, wire, tenant, version):
    """OpenID configuration and instance discovery point to token endpoints on this origin."""
    _, server = served
    status, answer = wire.json("GET", f"/{tenant}{version}/.well-known/openid-configuration")
    assert status == 200
    assert answer["token_endpoint"].startswith(f"{server.url}/{TENANT}/oauth2{version}/token")
    assert wire.json("GET", answer["jwks_uri"].removeprefix(server.url)) == (200, {"keys": []})
    status, answer = wire.json("GET", "/common/discovery/instance?api-version=1.1&authorization_endpoint=x")
    assert answer["metadata"][0]["aliases"] == [f"127.0.0.1:{server.port}"]


@pytest.mark.parametrize(
    ("path", "form", "present"),
    [
        ("/oauth2/v2.0/token", {"grant_type": "client_credentials", "scope": "https://management.azure.com/.default"}, {"access_token"}),
        ("/oauth2/token", {"grant_type": "client_credentials", "resource": "https://management.azure.com/"}, {"access_token", "expires_on", "resource"}),
        ("/oauth2/v2.0/token", {"grant_type": "password", "username": "me", "password": "x"}, {"access_token", "refresh_token"}),
        ("/oauth2/v2.0/token", {"grant_type": "refresh_token", "refresh_token": "x"}, {"access_token", "refresh_token"}),
    ],
)  # fmt: skip
def test_tokens_are_granted(wire, path, form, present):
    """Both versions of the token endpoint give a bearer token that works."""
    status, answer = wire.json("POST", f"/{TENANT}{path}", urlencode({"client_id": "anything", **form}))
    assert status == 200
    assert present <= set(answer)
    assert (
        wire.send("GET", "/subscriptions?api-version=2022-12-01", Authorization=f"Bearer {answer['access_token']}")[0]
        == 200
    )


@pytest.mark.parametrize(
    ("tenant", "form", "error"),
    [
        (TENANT, {"grant_type": "authorization_code", "client_id": "x"}, "unsupported_grant_type"),
        (TENANT, {}, "unsupported_grant_type"),
        (TENANT, {"grant_type": "client_credentials"}, "invalid_request"),
        ("elsewhere", {"grant_type": "client_credentials", "client_id": "x"}, "invalid_request"),
    ],
)
def test_tokens_are_refused(wire, tenant, form, error):
    """A refusal has the shape of the sign-in service."""
    status, answer = wire.json("POST", f"/{tenant}/oauth2/v2.0/token", urlencode(form))
    assert (status, answer["error"]) == (400, error)
    assert answer["error_description"]


def test_an_unknown_tenant_is_refused(wire):
    """The error names the expected tenant; a domain of the tenant is as good as its id."""
    status, answer = wire.json("GET", "/elsewhere/v2.0/.well-known/openid-configuration")
    assert (status, answer["error_description"]) == (400, "AADSTS90002: Tenant 'elsewhere' not found.")
    assert wire.json("GET", "/emulator.onmicrosoft.com/v2.0/.well-known/openid-configuration")[0] == 200


def test_a_managed_identity_with_azure_identity(served, monkeypatch):
    """azure-identity finds the endpoint as it finds App Service's, and gets a valid token."""
    _, server = served
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "secret")
    with ManagedIdentityCredential(connection_verify=server.ca_file) as credential:
        token = credential.get_token("https://management.azure.com/.default")
    with closing(Wire(server)) as wire:
        path = "/subscriptions?api-version=2022-12-01"
        assert wire.send("GET", path, Authorization=f"Bearer {token.token}")[0] == 200


def test_a_client_id_selects_the_caller(served, wire):
    """A sign-in with the client id of a caller has that caller's rights."""
    emulator, _ = served
    caller = emulator.credential_for("approver").caller
    form = {"grant_type": "client_credentials", "client_id": caller.client_id}
    _, answer = wire.json("POST", f"/{TENANT}/oauth2/token", json.dumps(form))
    claims = json.loads(base64.urlsafe_b64decode(answer["access_token"].split(".")[1] + "=="))
    assert claims["oid"] == caller.object_id
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    assert wire.send("GET", f"{emulator.factory}?api-version=2018-06-01", **headers)[0] == 403
    assert wire.send("GET", f"{emulator.account}?api-version=2021-12-01", **headers)[0] == 200


def test_managed_identity(wire):
    """The identity endpoint requires its header and a resource, and gives a token with times as text."""
    path = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://management.azure.com/"
    status, answer = wire.json("GET", path, Metadata="true")
    assert status == 200
    assert answer["resource"] == "https://management.azure.com/"
    assert answer["expires_on"].isdigit()
    assert wire.json("GET", path, X_IDENTITY_HEADER="secret")[0] == 200
    old = "/MSI/token?api-version=2017-09-01&resource=https://management.azure.com/"
    assert wire.json("GET", old, Secret="secret")[1]["token_type"] == "Bearer"
    assert wire.json("GET", old)[0] == 400
    assert wire.json("GET", path)[0] == 400
    assert wire.json("GET", "/metadata/identity/oauth2/token", Metadata="true")[0] == 400


def test_the_python_sdk_signs_in_and_works(served):
    """azure-identity and the management client work over HTTPS, in real time."""
    emulator, server = served
    with (
        ClientSecretCredential(
            TENANT,
            "client",
            "secret",
            authority=server.url,
            disable_instance_discovery=True,
            connection_verify=server.ca_file,
        ) as credential,
        DataFactoryManagementClient(
            credential, emulator.factory.subscription, base_url=server.url, connection_verify=server.ca_file
        ) as client,
    ):
        body = {"properties": {"privateLinkResourceId": str(emulator.account), "groupId": "account", "fqdns": []}}
        made = client.managed_private_endpoints.create_or_update("rg1", "df1", "default", "wired", body)
        assert made.properties.provisioning_state == "Provisioning"
        while (
            client.managed_private_endpoints.get("rg1", "df1", "default", "wired").properties.provisioning_state
            != "Succeeded"
        ):
            emulator.clock.advance(0.1)
    assert [e.status for e in emulator.endpoints() if e.name == "wired"] == ["Pending"]


def test_faults_apply_over_https(served):
    """A reset breaks the connection before or after the work; a delay makes the client wait."""
    emulator, server = served
    for number, before in enumerate((True, False)):
        emulator.inject(Fault.reset("PUT", before=before, path=f"df-broken{number}"))
        path = str(emulator.factory).replace("df1", f"df-broken{number}") + "?api-version=2018-06-01"
        with closing(Wire(server)) as wire:
            with pytest.raises((OSError, HTTPException)):
                wire.send("PUT", path, b'{"location": "x"}')
            wire.connection.close()
            assert wire.send("GET", path)[0] == (404 if before else 200)
    emulator.inject(Fault.delay("GET", 0.05))
    emulator.inject(Fault.body("GET", "html"))
    with closing(Wire(server)) as wire:
        status, headers, content = wire.send("GET", f"{emulator.factory}?api-version=2018-06-01")
    assert (status, headers["Content-Type"], content[:6]) == (200, "text/html", b"<html>")


def test_many_clients_are_served_together(served):
    """Forty connections at once."""
    emulator, server = served

    def work(_number):
        with closing(Wire(server)) as wire:
            return [wire.send("GET", f"{emulator.factory}?api-version=2018-06-01")[0] for _ in range(5)]

    with ThreadPoolExecutor(40) as pool:
        assert all(statuses == [200] * 5 for statuses in pool.map(work, range(40)))


def test_a_stopped_server_leaves_nothing_behind():
    """Its certificates are deleted, the clock stops, and another emulator can be served."""
    emulator = Emulator()
    with emulator.serve() as server:
        assert Path(server.ca_file).exists()
        assert emulator.clock.is_running
    assert not Path(server.ca_file).exists()
    assert not emulator.clock.is_running
    with (
        closing(HTTPSConnection("127.0.0.1", server.port)) as connection,
        pytest.raises(OSError, match="refused"),
    ):
        connection.connect()
    with emulator.serve(), Emulator().serve():
        pass


def test_secrets_are_not_logged(served, wire):
    """A client's credentials are not in the request log."""
    emulator, _ = served
    form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "very-secret"}
    assert wire.json("POST", f"/{TENANT}/oauth2/v2.0/token", urlencode(form))[0] == 200
    assert emulator.requests[-1].path.endswith("/token")
    assert "very-secret" not in repr(emulator.requests)


def test_a_bug_in_the_emulator_is_answered():
    """The client gets an answer in Azure's shape."""

    class Broken(RealClock):
        is_broken = False

        def now(self):
            if self.is_broken:
                raise RuntimeError("out of time")
            return super().now()

    emulator = Emulator(clock=Broken())
    with emulator.serve() as server, closing(Wire(server)) as wire:
        emulator.inject(Fault.delay("GET", 0.001))
        wire.send("GET", "/subscriptions?api-version=2022-12-01")
        real = emulator._service.finish
        emulator._service.finish = lambda ticket: setattr(emulator.clock, "is_broken", True) or real(ticket)
        status, answer = wire.json("GET", "/subscriptions?api-version=2022-12-01")
    assert (status, answer["error"]["code"]) == (500, "EmulatorFailed")
    assert "out of time" in answer["error"]["message"]


def test_a_used_port_is_an_error(served):
    """Serving on it fails at once and leaves no files behind."""
    folder = Path(served[1].ca_file).parent.parent
    before = set(folder.glob("purview-mpe-emulator-*"))
    with pytest.raises(OSError, match="Address already in use"):
        Emulator().serve(served[1].port)
    assert set(folder.glob("purview-mpe-emulator-*")) == before


def test_serving_without_the_extra_names_it(monkeypatch):
    """The error has the packages to install."""
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("cheroot"):
            raise ModuleNotFoundError(name, name="cheroot")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r"pip install cheroot trustme"):
        Emulator().serve()


def test_a_request_queued_while_the_server_stops_is_closed(emulator):
    """No thread takes it from the queue any more; left open, it would cause a ResourceWarning in another test."""
    with emulator.serve() as server:
        pass
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server._server.requests.put(server._server.ConnectionClass(server._server, ours))
        server._server.close_opened()
        assert theirs.recv(1) == b""


@pytest.mark.parametrize("where", ["before it is taken back", "after nothing is left to take it"])
def test_a_connection_returned_while_the_server_stops_is_closed(emulator, where):
    """Whatever cheroot does at that moment, no connection stays open, and its thread does not fail."""
    server = emulator.serve().start()
    taken, inner = threading.Event(), server._server._connections

    class Hands:
        """The store of idle connections, at the moment when it is closed."""

        def __getattr__(self, name):
            return getattr(inner, name)

        def put(self, _conn):
            taken.set()
            if where == "after nothing is left to take it":
                raise ValueError("I/O operation on closed epoll object")

    server._server._connections = Hands()
    context = ssl.create_default_context(cafile=server.ca_file)
    with (
        socket.create_connection(("127.0.0.1", server.port)) as raw,
        context.wrap_socket(raw, server_hostname="127.0.0.1") as client,
    ):
        client.sendall(b"GET /_emulator HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(9) == b"HTTP/1.1 "
        assert taken.wait(10)
        server.stop()
        while client.recv(4096):
            pass
    assert server._server.opened == set()
