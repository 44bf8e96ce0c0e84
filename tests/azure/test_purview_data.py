"""Purview's data plane: which hosts get its token, and how its answers are mapped."""

from __future__ import annotations

from typing import Any

import pytest

from purview_mpe import Client, Retry, aio
from purview_mpe.emulator import Emulator
from purview_mpe.errors import (
    AccessDenied,
    AzureError,
    AzureUnavailable,
    InvalidSpec,
    NotFound,
    UnsupportedSetup,
)
from tests.support.scripted import ACCOUNT, MARK, READING, Runner, Script, answer, both, ok, refusal

OWN = "https://pv1.purview.azure.com"
TENANT = "https://11111111-2222-3333-4444-555555555555-api.purview-service.microsoft.com"
PATH = "/policystore/metadataPolicies"


def read(runner: Runner, script: Script, endpoint: str = OWN, *, path: str = PATH, **given: Any) -> Any:
    """One GET on the data plane."""
    azure = runner.azure(script, given.pop("credential", None), **given)
    return runner.flow(
        azure,
        lambda io: io.read(
            READING, lambda az: az.purview_data(ACCOUNT, endpoint).send("GET", path, params={"api-version": "1"})
        ),
    )


@both
@pytest.mark.parametrize("endpoint", [OWN, f"{OWN}/", TENANT, "https://api.purview-service.microsoft.com"])
def test_a_request_goes_to_the_accounts_host_with_a_token_for_purview(runner: Runner, endpoint: str) -> None:
    """The request uses the account's own address and Purview's audience, and returns JSON."""
    script, credential = Script([ok({"values": []})]), runner.credential()
    assert read(runner, script, endpoint, credential=credential) == {"values": []}
    [sent] = script.sent
    assert sent.url == f"{endpoint.rstrip('/')}{PATH}?api-version=1"
    assert sent.headers["Authorization"] == f"Bearer {MARK}"
    assert credential.asked == [{"scopes": ("https://purview.azure.net/.default",)}]


@both
def test_a_body_is_sent_as_json_and_unknown_fields_come_back(runner: Runner) -> None:
    """A PUT sends the given body, and the answer is not forced into a model."""
    script = Script([ok({"version": 5, "fromRule": "x"})])
    azure = runner.azure(script)

    async def put(io: Any) -> Any:
        return await io.read(
            READING, lambda az: az.purview_data(ACCOUNT, OWN).send("PUT", f"{PATH}/1", body={"version": 4})
        )

    assert runner.flow(azure, put) == {"version": 5, "fromRule": "x"}
    assert (script.sent[0].method, script.sent[0].headers["Content-Type"]) == ("PUT", "application/json")


@both
@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "https://pv1.purview.azure.com.evil.example",
        "https://evil.example/pv1.purview.azure.com",
        "https://evil.example?pv1.purview.azure.com",
        "https://user@pv1.purview.azure.com",
        "https://pv1.purview.azure.com:8443",
        "https://a.b.purview.azure.com",
        "https://pv1.purview.azure.de",
        "http://pv1.purview.azure.com",
        "https://xapi.purview-service.microsoft.com",
        "https://pv1.purview.azure.com\n",
        "https://pv\u0131.purview.azure.com",
        "https://127.0.0.1",
    ],
)
def test_a_host_that_is_not_purviews_gets_no_token(runner: Runner, endpoint: str) -> None:
    """Whatever the account's properties say, nothing is sent there, and the credential is not asked."""
    script, credential = Script([ok()]), runner.credential()
    with pytest.raises(UnsupportedSetup, match="not an address of Microsoft Purview") as caught:
        read(runner, script, endpoint, credential=credential)
    assert (script.sent, credential.asked) == ([], [])
    assert caught.value.message.isprintable()


@both
@pytest.mark.parametrize("page", ["https://evil.example/policystore", "https://other.purview.azure.com/policystore"])
def test_a_next_page_on_another_host_is_not_followed(runner: Runner, page: str) -> None:
    """The token is for this account's host, so another Purview host is refused too."""
    script = Script([ok()])
    with pytest.raises(AzureUnavailable, match="nothing was sent there"):
        read(runner, script, path=page)
    assert script.sent == []


@both
def test_purview_endpoint_replaces_the_accounts_address(runner: Runner) -> None:
    """`{account}` becomes the account's name, and the account's own address is ignored."""
    script = Script([ok({"values": []})])
    read(runner, script, "https://evil.example", purview_endpoint="https://127.0.0.1:8443/purview/{account}/")
    assert script.sent[0].url == f"https://127.0.0.1:8443/purview/pv1{PATH}?api-version=1"


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1", "https://example.org/{account}", "https://127.0.0.1.example.org", "x", 5, ""]
)
def test_an_emulator_on_another_machine_is_refused(address: Any) -> None:
    """Both clients refuse it with an example before anything is sent."""
    emulator = Emulator()
    with pytest.raises(
        InvalidSpec, match=r"purview_endpoint: .*for example 'https://127.0.0.1:8443/purview/"
    ) as caught:
        Client(emulator.credential, purview_endpoint=address)
    with pytest.raises(InvalidSpec) as same:
        aio.Client(emulator.async_credential, purview_endpoint=address)
    assert same.value.message == caught.value.message


@both
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refusal(401, "Unauthorized"), AccessDenied),
        (refusal(403, "Unauthorized", "Not authorized to access account"), AccessDenied),
        (refusal(404, "NotFound"), NotFound),
        (refusal(400, "1002", "The entity Etag did not match in artifact store."), AzureError),
        (refusal(500), AzureUnavailable),
        (answer(302, {}, Location="https://evil.example"), AzureUnavailable),
        (answer(202, {}), AzureError),
        (answer(200, b"<html>"), AzureUnavailable),
        (ok([1]), AzureUnavailable),
        (answer(200, b""), AzureUnavailable),
    ],
    ids=lambda value: getattr(value, "status", ""),
)
def test_unsuccessful_answer_becomes_a_library_error(runner: Runner, reply: Any, kind: Any) -> None:
    """Status and code decide the error class, as with Azure Resource Manager."""
    with pytest.raises(kind) as caught:
        read(runner, Script([reply]), retry=Retry(1))
    assert caught.value.status == reply.status


@both
def test_deletion_answer_without_a_body_is_empty(runner: Runner) -> None:
    """204 has no body."""
    assert read(runner, Script([answer(204)])) == {}


@both
@pytest.mark.parametrize(("cloud", "second"), [("us-government", "us"), ("china", "cn")])
def test_refused_audience_falls_back_to_the_clouds_own(runner: Runner, cloud: str, second: str) -> None:
    """A 401 for the shared audience is followed by a token for this cloud's audience, which later requests keep."""

    def purview(sent: Any) -> Any:
        return ok({"values": []}) if second in sent.headers["Authorization"] else refusal(401, "Unauthorized")

    credential = runner.credential()
    give = credential.give

    def named(scopes: Any, options: Any) -> Any:
        token = give(scopes, options)
        token.token = f"token-for-{scopes[0].split('/')[2].rpartition('.')[2]}"
        return token

    credential.give = named
    script = Script(purview)

    async def twice(io: Any) -> Any:
        for _ in range(2):
            await io.read(READING, lambda az: az.purview_data(ACCOUNT, OWN).send("GET", PATH))

    runner.flow(runner.azure(script, credential, cloud=cloud), twice)
    assert [sent.headers["Authorization"][-3:] for sent in script.sent] == ["net", f"-{second}", f"-{second}"]


@both
def test_audience_unknown_to_the_tenant_falls_back_to_the_clouds_own(runner: Runner) -> None:
    """A sign-in refusal with AADSTS500011 also triggers the fallback; the public cloud has none and reports it."""
    from azure.core.exceptions import ClientAuthenticationError

    credential = runner.credential()
    give = credential.give

    def picky(scopes: Any, options: Any) -> Any:
        token = give(scopes, options)
        if scopes[0].endswith(".net/.default"):
            raise ClientAuthenticationError("AADSTS500011: The resource principal was not found in the tenant.")
        return token

    credential.give = picky
    script = Script([ok({"values": []})])
    assert read(runner, script, credential=credential, cloud="china") == {"values": []}
    with pytest.raises(AccessDenied, match="AADSTS500011"):
        read(runner, script, credential=credential, cloud="public")
    assert len(script.sent) == 1
