"""Certificates and proxies from environment variables: both clients use the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from purview_mpe import Retry
from purview_mpe.errors import InvalidSpec, NoAnswer
from tests.support.loopback import OK, Peer, serving
from tests.support.scripted import Runner, both, read_account

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.loopback import Loopback

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
PROXIES = ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*BUNDLES, *PROXIES, *(name.lower() for name in PROXIES)):
        monkeypatch.delenv(name, raising=False)


def talk(runner: Runner, server: Loopback, **given: object) -> object:
    azure = runner.azure(None, endpoint=server.url, retry=Retry(1), **given)
    try:
        return runner.flow(azure, read_account)
    finally:
        if runner.is_sync:
            azure.close()


@both
@pytest.mark.parametrize("variable", BUNDLES)
def test_certificate_authorities_of_the_environment_are_trusted(
    runner: Runner, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both clients read each of the three variables; without one, the server is not trusted."""
    with serving(lambda peer: peer.send(OK), tmp_path) as server:
        with pytest.raises(NoAnswer, match=r"(?i)certificate"):
            talk(runner, server)
        monkeypatch.setenv(variable, server.ca_file)
        assert talk(runner, server) == {"name": "pv1"}


@both
def test_first_variable_that_is_set_counts(runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`requests` reads them in this order; the client's own option comes before all of them."""
    empty = tmp_path / "other.pem"
    empty.touch()
    with serving(lambda peer: peer.send(OK), tmp_path) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", server.ca_file)
        monkeypatch.setenv("SSL_CERT_FILE", str(empty))
        assert talk(runner, server) == {"name": "pv1"}
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(empty))
        assert talk(runner, server, connection_verify=server.ca_file) == {"name": "pv1"}


@both
@pytest.mark.parametrize("variable", BUNDLES)
def test_missing_bundle_file_is_refused(runner: Runner, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the variable, before anything is sent."""
    monkeypatch.setenv(variable, "/nonexistent/ca.pem")
    with pytest.raises(InvalidSpec, match=f"{variable}: '/nonexistent/ca.pem' is not a file or folder"):
        runner.flow(runner.azure(None), read_account)


@both
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_proxy_of_the_environment_is_used(
    runner: Runner, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both clients use the same proxy, except for hosts in NO_PROXY."""
    asked: list[bytes] = []

    def proxy(peer: Peer) -> bool:
        peer.socket.settimeout(5)
        asked.append(peer.socket.recv(1000))
        peer.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        return False

    with serving(proxy, tmp_path, tls=False) as tunnel, serving(lambda peer: peer.send(OK), tmp_path) as server:
        monkeypatch.setenv("SSL_CERT_FILE", server.ca_file)
        monkeypatch.setenv(variable, tunnel.url.replace("https", "http"))
        with pytest.raises(NoAnswer, match=r"through the proxy http://127\.0\.0\.1:"):
            talk(runner, server)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert talk(runner, server) == {"name": "pv1"}
    assert [one.startswith(b"CONNECT 127.0.0.1:") for one in asked] == [True]
