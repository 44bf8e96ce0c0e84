"""Where requests go: to one host, and along lists that end."""

from __future__ import annotations

from typing import Any

import pytest

from purview_mpe._wire.errors import Attempt
from purview_mpe.errors import AzureUnavailable, InvalidSpec
from tests.support.scripted import FACTORY, MARK, Runner, Script, answer, both, list_endpoints, ok, read_account

HOST = "https://management.azure.com"


def page(link: Any, *items: Any) -> Any:
    return ok({"value": list(items), "nextLink": link})


@both
@pytest.mark.parametrize(
    "link",
    [
        f"{HOST}/next?page=2",
        "https://MANAGEMENT.azure.com/next?page=2",
        "https://management.azure.com:443/next?page=2",
        "/next?page=2",
    ],
)
def test_a_list_is_followed_on_its_own_host(runner: Runner, link: str) -> None:
    """Every page comes, and every request has a token of its own."""
    script = Script([page(link, {"name": "a"}), page(None, {"name": "b"})])
    assert runner.flow(runner.azure(script), list_endpoints) == [{"name": "a"}, {"name": "b"}]
    assert [sent.headers["Authorization"] for sent in script.sent] == [f"Bearer {MARK}"] * 2
    assert "page=2" in script.sent[1].url


@both
@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/next",
        "http://management.azure.com/next",
        "https://management.azure.com:8443/next",
        "https://management.azure.com@evil.example/next",
        "https://user:secret@management.azure.com/next",
        "https://management.azure.com\\@evil.example/next",
        "https://management.azure.com\\.evil.example/next",
        "https://management.azure.com.evil.example/next",
        "https://management.azure.com%2eevil.example/next",
        "https://evil.example#management.azure.com/next",
        "https://evil.example?management.azure.com/next",
        "https://manag\u0435ment.azure.com/next",
        "https://[evil/next",
        "https://management.azure.com:bad/next",
        "ftp://management.azure.com/next",
    ],
)
def test_no_link_leads_to_another_host(runner: Runner, link: str) -> None:
    """A link that leaves the configured origin ends in a typed error, and nothing is sent there."""
    script = Script([page(link, {"name": "a"}), page(None)])
    with pytest.raises(AzureUnavailable) as caught:
        runner.flow(runner.azure(script), list_endpoints)
    assert len(script.sent) == 1
    assert "secret" not in str(caught.value)


@both
@pytest.mark.parametrize("link", ["/a/%2e%2e/next", "/a/.%2E/next?x=1", "/a\\..\\next", "/%2e"])
def test_no_link_leads_to_another_resource(runner: Runner, link: str) -> None:
    """A transport or proxy would take `..` for the parent: such a path is not sent."""
    script = Script([page(f"{HOST}{link}", {"name": "a"}), page(None)])
    with pytest.raises(AzureUnavailable, match="would address another one"):
        runner.flow(runner.azure(script), list_endpoints)
    assert len(script.sent) == 1


@both
@pytest.mark.parametrize("name", ["..", "."])
def test_no_name_leads_to_another_resource(runner: Runner, name: str) -> None:
    """The SDKs put a name into a path as it is, and the transports below them tidy the path up."""
    script = Script([ok({})])

    async def delete(io: Any) -> Any:
        return await io.call(
            Attempt("delete an endpoint", str(FACTORY), "Data Factory Contributor"),
            lambda az: az.datafactory(FACTORY).managed_private_endpoints.delete("rg1", "df1", "default", name),
        )

    with pytest.raises(AzureUnavailable, match="would address another one"):
        runner.flow(runner.azure(script), delete)
    assert script.sent == []


@both
@pytest.mark.parametrize("link", ["/a..b/next", "/a/...", "/a/next?x=/../"])
def test_other_dots_in_a_path_are_sent(runner: Runner, link: str) -> None:
    """Only whole segments of one or two dots mean another path."""
    script = Script([page(f"{HOST}{link}"), page(None)])
    runner.flow(runner.azure(script), list_endpoints)
    assert len(script.sent) == 2


@both
@pytest.mark.parametrize("link", ["//evil.example/next", "https://management.azure.com\t/next", "evil.example"])
def test_a_link_that_only_looks_foreign_stays_here(runner: Runner, link: str) -> None:
    """What the SDK reads as a path goes to the configured host, as a path."""
    script = Script([page(link), page(None)])
    runner.flow(runner.azure(script), list_endpoints)
    assert [sent.url.split("/")[2] for sent in script.sent] == ["management.azure.com"] * 2


@both
@pytest.mark.parametrize("link", [5, {"href": "x"}, True])
def test_a_link_of_the_wrong_kind_is_a_typed_error(runner: Runner, link: Any) -> None:
    """JSON that is no link ends the list in a typed error, not in one of the SDK's."""
    with pytest.raises(AzureUnavailable):
        runner.flow(runner.azure(Script([page(link, {"name": "a"})])), list_endpoints)


@both
def test_a_list_that_leads_back_ends(runner: Runner) -> None:
    """A link that was followed already ends the list."""
    script = Script(lambda sent: page(f"{HOST}/{'b' if '/a?' in sent.url + '?' else 'a'}"))
    with pytest.raises(AzureUnavailable, match="does not end"):
        runner.flow(runner.azure(script), list_endpoints)
    assert len(script.sent) == 3


@both
def test_a_list_without_end_ends(runner: Runner) -> None:
    """Ever new links are followed a thousand times at most."""
    script = Script(lambda sent: page(f"{HOST}/{sent.url.count('x') * 'x'}x{sent.at}", {"name": "a"}), takes=1)
    with pytest.raises(AzureUnavailable, match="does not end"):
        runner.flow(runner.azure(script), list_endpoints)
    assert len(script.sent) == 1001


@both
def test_a_list_of_any_size_ends(runner: Runner) -> None:
    """Pages that each are small enough do not add up to all memory of the machine."""
    name = "x" * (31 * 2**20)
    script = Script(lambda sent: page(f"{HOST}/x{sent.at}", {"name": name}), takes=1)
    with pytest.raises(AzureUnavailable, match="does not end"):
        runner.flow(runner.azure(script), list_endpoints)
    assert len(script.sent) == 5


@both
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(runner: Runner, status: int) -> None:
    """A redirect is an error that says so."""
    script = Script([answer(status, b"", Location="https://evil.example/")])
    with pytest.raises(AzureUnavailable, match="redirect"):
        runner.get(script)
    assert len(script.sent) == 1


@both
@pytest.mark.parametrize(
    ("cloud", "host", "scope"),
    [
        ("public", "management.azure.com", "https://management.azure.com/.default"),
        ("us-government", "management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net/.default"),
        ("china", "management.chinacloudapi.cn", "https://management.chinacloudapi.cn/.default"),
    ],
)
def test_the_cloud_decides_host_and_audience(runner: Runner, cloud: str, host: str, scope: str) -> None:
    """Each cloud has a host and an audience of its own."""
    credential = runner.credential()
    script = runner.get([ok()], cloud=cloud, credential=credential)
    assert script.sent[0].url.startswith(f"https://{host}/subscriptions/")
    assert credential.asked[0]["scopes"] == (scope,)


@both
@pytest.mark.parametrize("endpoint", ["https://127.0.0.1:8443", "https://127.0.0.1:8443/", "https://LOCALHOST/arm/"])
def test_an_endpoint_changes_the_host_only(runner: Runner, endpoint: str) -> None:
    """Requests go to the endpoint, tokens are asked for the cloud."""
    credential = runner.credential()
    script = runner.get([ok()], endpoint=endpoint, credential=credential, cloud="us-government")
    assert script.sent[0].url.startswith(f"{endpoint.rstrip('/')}/subscriptions/")
    assert credential.asked[0]["scopes"] == ("https://management.core.usgovcloudapi.net/.default",)


@both
@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1",
        "127.0.0.1",
        "https://",
        "https://user@host",
        "https://[half",
        "https://host:port",
        "https://host?x=1",
        "https://host#x",
        "https://ho st",
        "https://h\u00f6st",
        5,
        "",
    ],
)
def test_an_endpoint_that_is_none_is_refused(runner: Runner, endpoint: Any) -> None:
    """Anything but an https origin is refused before a token is asked for."""
    with pytest.raises(InvalidSpec, match="https"):
        runner.azure(Script([ok()]), endpoint=endpoint)


@both
def test_an_ipv6_endpoint_works(runner: Runner) -> None:
    """Brackets belong to the host."""
    script = runner.get([ok()], endpoint="https://[::1]:8443")
    assert script.sent[0].url.startswith("https://[::1]:8443/subscriptions/")


@both
def test_a_closed_client_says_so(runner: Runner) -> None:
    """A verb on a closed client is refused with a remedy, and nothing is sent; closing twice is nothing."""
    script = Script([ok()])
    azure = runner.azure(script)
    runner.flow(azure, read_account)
    if runner.is_sync:
        azure.close()
        azure.close()
    with pytest.raises(InvalidSpec, match="was closed"):
        runner.flow(azure, read_account)
    assert len(script.sent) == 1


@both
def test_a_client_closed_while_a_verb_runs_says_so(runner: Runner) -> None:
    """The next request of a running verb is refused, too."""
    script = Script([ok()])
    azure = runner.azure(script)

    async def flow(io: Any) -> None:
        await read_account(io)
        if runner.is_sync:
            azure.close()
        else:
            await azure.aclose()
        await read_account(io)

    with pytest.raises(InvalidSpec, match="was closed"):
        runner.flow(azure, flow)
    assert len(script.sent) == 1
