"""Which hosts requests go to, and how paged lists are followed."""

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
    """Every page is read, and every request carries a token."""
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
def test_link_to_another_host_is_refused(runner: Runner, link: str) -> None:
    """A link that leaves the configured origin raises a typed error, and no request is sent to it."""
    script = Script([page(link, {"name": "a"}), page(None)])
    with pytest.raises(AzureUnavailable) as caught:
        runner.flow(runner.azure(script), list_endpoints)
    assert len(script.sent) == 1
    assert "secret" not in str(caught.value)


@both
@pytest.mark.parametrize("link", ["/a/%2e%2e/next", "/a/.%2E/next?x=1", "/a\\..\\next", "/%2e"])
def test_link_with_dot_segments_is_refused(runner: Runner, link: str) -> None:
    """A transport or proxy resolves `..` to the parent, so such a path is not sent."""
    script = Script([page(f"{HOST}{link}", {"name": "a"}), page(None)])
    with pytest.raises(AzureUnavailable, match="would address another one"):
        runner.flow(runner.azure(script), list_endpoints)
    assert len(script.sent) == 1


@both
@pytest.mark.parametrize("name", ["..", "."])
def test_resource_name_of_dots_is_refused(runner: Runner, name: str) -> None:
    """The SDKs put a name into a path unchanged, and the transports resolve the dots."""
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
def test_link_that_only_looks_foreign_goes_to_the_configured_host(runner: Runner, link: str) -> None:
    """A link that the SDK reads as a path goes to the configured host."""
    script = Script([page(link), page(None)])
    runner.flow(runner.azure(script), list_endpoints)
    assert [sent.url.split("/")[2] for sent in script.sent] == ["management.azure.com"] * 2


@both
@pytest.mark.parametrize("link", [5, {"href": "x"}, True])
def test_a_link_of_the_wrong_kind_is_a_typed_error(runner: Runner, link: Any) -> None:
    """A nextLink that is not a string raises a typed error, not one of the SDK's."""
    with pytest.raises(AzureUnavailable):
        runner.flow(runner.azure(Script([page(link, {"name": "a"})])), list_endpoints)


@both
def test_list_that_links_back_is_an_error(runner: Runner) -> None:
    """A link that was already followed ends the list with an error."""
    script = Script(lambda sent: page(f"{HOST}/{'b' if '/a?' in sent.url + '?' else 'a'}"))
    with pytest.raises(AzureUnavailable, match="does not end"):
        runner.flow(runner.azure(script), list_endpoints)
    assert len(script.sent) == 3


@both
def test_endless_list_is_an_error(runner: Runner) -> None:
    """New links are followed a thousand times at most."""
    script = Script(lambda sent: page(f"{HOST}/{sent.url.count('x') * 'x'}x{sent.at}", {"name": "a"}), takes=1)
    with pytest.raises(AzureUnavailable, match="does not end"):
        runner.flow(runner.azure(script), list_endpoints)
    assert len(script.sent) == 1001


@both
def test_list_that_exceeds_the_memory_limit_is_an_error(runner: Runner) -> None:
    """Pages that are each small enough cannot add up to fill the machine's memory."""
    name = "x" * (31 * 2**20)
    script = Script(lambda sent: page(f"{HOST}/x{sent.at}", {"name": name}), takes=1)
    with pytest.raises(AzureUnavailable, match="does not end"):
        runner.flow(runner.azure(script), list_endpoints)
    assert len(script.sent) == 5


@both
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(runner: Runner, status: int) -> None:
    """A redirect is reported as an error that names it."""
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
    """Each cloud has its own host and audience."""
    credential = runner.credential()
    script = runner.get([ok()], cloud=cloud, credential=credential)
    assert script.sent[0].url.startswith(f"https://{host}/subscriptions/")
    assert credential.asked[0]["scopes"] == (scope,)


@both
@pytest.mark.parametrize("endpoint", ["https://127.0.0.1:8443", "https://127.0.0.1:8443/", "https://LOCALHOST/arm/"])
def test_an_endpoint_changes_the_host_only(runner: Runner, endpoint: str) -> None:
    """Requests go to the endpoint; tokens are requested for the cloud."""
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
def test_invalid_endpoint_is_refused(runner: Runner, endpoint: Any) -> None:
    """Anything but an https origin is refused before a token is requested."""
    with pytest.raises(InvalidSpec, match="https"):
        runner.azure(Script([ok()]), endpoint=endpoint)


@both
def test_an_ipv6_endpoint_works(runner: Runner) -> None:
    """Brackets belong to the host."""
    script = runner.get([ok()], endpoint="https://[::1]:8443")
    assert script.sent[0].url.startswith("https://[::1]:8443/subscriptions/")


@both
def test_verb_on_a_closed_client_is_refused(runner: Runner) -> None:
    """A verb on a closed client is refused with a remedy and nothing is sent; closing twice is harmless."""
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
def test_closing_a_client_ends_its_running_verb(runner: Runner) -> None:
    """The next request of the running verb is refused."""
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
