"""Each option of the client has an effect, and anything else is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import azure.identity.aio
import pytest
from azure.core.pipeline.policies import AsyncHTTPPolicy, HTTPPolicy, SansIOHTTPPolicy

from purview_mpe import __version__
from purview_mpe._azure import credentials
from purview_mpe._azure.options import OPTIONS
from purview_mpe.errors import InvalidSpec, UnsupportedSetup
from tests.support.scripted import (
    AsyncTransport,
    Runner,
    Script,
    Transport,
    answer,
    both,
    ok,
    read_account,
    read_everything,
    refusal,
)


class Noting(SansIOHTTPPolicy):
    """Records each request that passes."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self.name, self.seen = name, seen

    def on_request(self, request: Any) -> None:
        self.seen.append(self.name)
        assert "Authorization" not in request.http_request.headers


class NotingSync(HTTPPolicy):
    def __init__(self, name: str, seen: list[str]) -> None:
        super().__init__()
        self.name, self.seen = name, seen

    def send(self, request: Any) -> Any:
        self.seen.append(self.name)
        return self.next.send(request)


class NotingAsync(AsyncHTTPPolicy):
    def __init__(self, name: str, seen: list[str]) -> None:
        self.name, self.seen = name, seen

    async def send(self, request: Any) -> Any:
        self.seen.append(self.name)
        return await self.next.send(request)


@both
def test_per_call_policies_run_once_and_per_retry_policies_each_attempt(runner: Runner) -> None:
    """Per-call policies see an exchange once, per-retry policies see each attempt; neither sees the token."""
    seen: list[str] = []
    own = NotingSync if runner.is_sync else NotingAsync
    runner.get(
        Script([refusal(503), ok()]),
        per_call_policies=[Noting("call", seen), own("own call", seen)],
        per_retry_policies=Noting("retry", seen),
    )
    assert seen == ["call", "own call", "retry", "retry"]


@both
def test_one_policy_serves_all_management_clients(runner: Runner) -> None:
    """The caller's policy is in the pipeline of every management client, and requests do not mix."""
    seen: list[str] = []
    own = NotingSync if runner.is_sync else NotingAsync
    script = Script([ok()])
    runner.flow(runner.azure(script, per_retry_policies=[own("x", seen)]), read_everything)
    assert (len(seen), len({sent.url for sent in script.sent})) == (4, 4)


@both
def test_policy_shared_by_two_clients_keeps_their_credentials_apart(runner: Runner) -> None:
    """A request of the first client is not sent with the token of the second."""
    shared = (NotingSync if runner.is_sync else NotingAsync)("x", [])
    first, second = Script([ok()]), Script([ok()])
    azure = runner.azure(first, per_call_policies=[shared])
    runner.azure(second, per_call_policies=[shared])
    runner.flow(azure, read_everything)
    assert (len(first.sent), len(second.sent)) == (4, 0)


@both
def test_further_management_client_does_not_relink_policies(runner: Runner) -> None:
    """Linking the policies again would break requests in other threads."""
    linked: list[Any] = []

    class Watched(NotingSync if runner.is_sync else NotingAsync):  # type: ignore[misc]
        def __setattr__(self, name: str, value: Any) -> None:
            if name == "next":
                linked.append(value)
            super().__setattr__(name, value)

    azure = runner.azure(Script([ok()]), per_call_policies=[Watched("x", [])])
    before = len(linked)
    runner.flow(azure, read_everything)
    assert linked[before:] == []


@both
def test_a_policy_of_the_other_colour_is_refused(runner: Runner) -> None:
    """A policy that cannot work is refused when the client is made."""
    wrong = (NotingAsync if runner.is_sync else NotingSync)("x", [])
    with pytest.raises(InvalidSpec, match="HTTPPolicy of azure-core"):
        runner.azure(Script([ok()]), per_call_policies=[wrong])


@both
def test_user_agent_starts_with_the_callers(runner: Runner) -> None:
    """Azure sees the caller's user agent, then purview-mpe and its version."""
    sent = runner.get([ok()]).sent[0]
    assert f"purview-mpe/{__version__}" in sent.headers["User-Agent"]
    sent = runner.get([ok()], user_agent="contoso/1").sent[0]
    assert sent.headers["User-Agent"].startswith("contoso/1 ")
    assert f"purview-mpe/{__version__}" in sent.headers["User-Agent"]


@both
def test_headers_are_added(runner: Runner) -> None:
    """A given header is sent with every request."""
    assert runner.get([ok()], headers={"x-team": "data"}).sent[0].headers["x-team"] == "data"


@both
def test_timeouts_reach_the_transport(runner: Runner) -> None:
    """10 and 60 seconds by default."""
    options = runner.get([ok()]).sent[0].options
    assert (options["connection_timeout"], options["read_timeout"]) == (10, 60)
    options = runner.get([ok()], connection_timeout=2, read_timeout=7.5).sent[0].options
    assert (options["connection_timeout"], options["read_timeout"]) == (2, 7.5)


@both
def test_proxies_reach_the_transport(runner: Runner) -> None:
    """The `proxies` option is passed on."""
    proxies = {"https": "http://127.0.0.1:3128"}
    assert runner.get([ok()], proxies=proxies).sent[0].options["proxies"] == proxies


@both
def test_certificates_reach_the_callers_transport(runner: Runner) -> None:
    """The caller's transport gets the certificate options with each request."""
    options = runner.get([ok()], connection_verify="ca.pem", connection_cert=("c.pem", "k.pem")).sent[0].options
    assert (options["connection_verify"], options["connection_cert"]) == ("ca.pem", ("c.pem", "k.pem"))
    assert "connection_verify" not in runner.get([ok()]).sent[0].options
    paths = {"connection_verify": Path("ca.pem"), "connection_cert": (Path("c.pem"), "k.pem")}
    options = runner.get([ok()], **paths).sent[0].options
    assert (options["connection_verify"], options["connection_cert"]) == ("ca.pem", ("c.pem", "k.pem"))


@both
def test_hooks_see_requests_and_responses(runner: Runner) -> None:
    """The raw hooks are called; the response hook no longer sees the token."""
    seen: list[Any] = []
    runner.get(
        [ok()],
        raw_request_hook=lambda request: seen.append(request.http_request.method),
        raw_response_hook=lambda response: seen.append("Authorization" in response.http_request.headers),
    )
    assert seen == ["GET", False]


@both
def test_enable_cae_reaches_the_credential(runner: Runner) -> None:
    """Continuous access evaluation is requested only if the option is on."""
    for given in (True, False):
        credential = runner.credential()
        runner.get([ok()], enable_cae=given, credential=credential)
        assert credential.asked[0].get("enable_cae", False) is given


def test_every_option_is_covered_here_or_in_telemetry() -> None:
    """No option is accepted without a test that shows its effect."""
    here = __import__("pathlib").Path(__file__).read_text() + (
        __import__("pathlib").Path(__file__).with_name("test_telemetry.py").read_text()
    )
    assert [name for name in OPTIONS if f"{name}=" not in here and name != "transport"] == []


@both
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retry_total", 5),
        ("logging_enable", "yes"),
        ("logging_body", True),
        ("policies", []),
        ("credential_scopes", ["x"]),
        ("api_version", "2021-07-01"),
        ("connection_timeout", 0),
        ("connection_timeout", "10"),
        ("read_timeout", float("inf")),
        ("read_timeout", True),
        ("connection_verify", 5),
        ("connection_verify", ""),
        ("connection_cert", ()),
        ("connection_cert", ("a", "b", "c")),
        ("headers", ["x"]),
        ("headers", {"x": 5}),
        ("proxies", "http://proxy"),
        ("raw_request_hook", 5),
        ("raw_response_hook", "x"),
        ("tracing_attributes", 5),
        ("user_agent", "two\nlines"),
        ("user_agent", 5),
        ("enable_cae", "yes"),
        ("per_call_policies", 5),
        ("per_retry_policies", ["x"]),
    ],
)
def test_a_wrong_option_is_refused(runner: Runner, name: str, value: Any) -> None:
    """The error names the option."""
    with pytest.raises(InvalidSpec) as caught:
        runner.azure(Script([ok()]), **{name: value})
    assert [problem[0] for problem in caught.value.problems] == [name]


@both
def test_all_wrong_options_are_listed_at_once(runner: Runner) -> None:
    """One error names cloud, endpoint, retry and options."""
    with pytest.raises(InvalidSpec) as caught:
        runner.azure(Script([ok()]), cloud="mars", endpoint="x", retry=4, user_agent=5, nonsense=1)
    assert [problem[0] for problem in caught.value.problems] == ["cloud", "endpoint", "retry", "user_agent", "nonsense"]


@pytest.mark.parametrize(
    ("colour", "transport", "said"),
    [
        ("sync", AsyncTransport(Script([ok()])), "not synchronous"),
        ("async", Transport(Script([ok()])), "not asynchronous"),
        ("sync", object(), "no send and sleep"),
    ],
)
def test_a_transport_of_the_wrong_kind_is_refused(colour: str, transport: Any, said: str) -> None:
    """The error names the mismatch before anything is sent."""
    with pytest.raises(InvalidSpec, match=said):
        Runner(colour).azure(None, transport=transport)


@both
def test_closing_a_client_leaves_the_callers_objects_open(runner: Runner) -> None:
    """Closing a client closes neither the transport nor the credential that it was given."""
    script, credential = Script([ok()]), runner.credential()
    azure = runner.azure(script, credential)
    runner.flow(azure, read_account)
    if runner.is_sync:
        azure.close()
    assert (azure.transport.closed, credential.closed) == (0, 0)


def test_two_clients_share_nothing() -> None:
    """Each client has its own token, transport, management clients and policies."""
    runner = Runner("sync")
    credentials = [runner.credential("one"), runner.credential("two")]
    scripts = [runner.get([ok()], credential=credential) for credential in credentials]
    assert [script.sent[0].headers["Authorization"] for script in scripts] == ["Bearer one", "Bearer two"]
    assert [len(credential.asked) for credential in credentials] == [1, 1]


def test_without_aiohttp_the_package_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An asynchronous client without its dependency says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "aiohttp", None)
    monkeypatch.delitem(__import__("sys").modules, "purview_mpe._azure.transport_aio", raising=False)
    with pytest.raises(UnsupportedSetup, match="pip install aiohttp"):
        Runner("async").azure(None)


def test_without_aiohttp_the_default_credential_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """`aio.Client()` without aiohttp names the package, and raises no ImportError from inside azure-core."""
    assert azure.identity.aio.DefaultAzureCredential, "imported while its dependency is there"
    monkeypatch.setitem(sys.modules, "azure.core.pipeline.transport._aiohttp", None)
    with pytest.raises(UnsupportedSetup) as refused:
        credentials.default("async", "public")
    assert refused.value.message == (
        "DefaultAzureCredential of azure.identity.aio needs aiohttp, which is not installed."
    )
    assert refused.value.remedy.endswith("pip install aiohttp.")
    assert refused.value.__context__ is None


@both
def test_json_answer_is_read(runner: Runner) -> None:
    """A JSON body is parsed into the result."""
    script = Script([answer(200, json.dumps({"name": "pv1"}).encode())])
    assert runner.get(script).result == {"name": "pv1"}
