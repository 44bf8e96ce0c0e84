"""Azure Resource Manager in front of any provider: sign-in, addresses, versions, errors, headers, limits."""

import asyncio
import base64
import gc
import json
import pickle
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline import Pipeline
from azure.core.pipeline.transport import AsyncHttpTransport, HttpTransport
from azure.core.rest import HttpRequest

from purview_mpe.emulator import Emulator

ARM = "https://management.azure.com"


def code_of(answer):
    error = answer.json()["error"]
    assert set(error) >= {"code", "message"}
    return answer.status_code, error["code"]


def test_without_a_token_a_request_is_401(emulator):
    """The error has ARM's shape, and the challenge names the tenant."""
    transport = emulator.transport()
    for headers in ({}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer "}):
        answer = transport.send(HttpRequest("GET", f"{ARM}{emulator.factory}?api-version=2018-06-01", headers=headers))
        assert code_of(answer) == (401, "AuthenticationFailed")
        assert "11111111-1111-1111-1111-111111111111" in answer.headers["www-authenticate"]


@pytest.mark.parametrize("token", ["anything", "a.b.c", "e30.W10.emulator-token-never-to-be-kept", "e30.!!.emulator-token-never-to-be-kept"])  # fmt: skip
def test_an_unknown_token_belongs_to_the_default_caller(emulator, token):
    """Tests may bring their own tokens, which have every right."""
    request = HttpRequest(
        "GET", f"{ARM}{emulator.factory}?api-version=2018-06-01", headers={"Authorization": f"Bearer {token}"}
    )
    assert emulator.transport().send(request).status_code == 200


def test_tokens_are_counted_marked_and_not_logged(emulator, arm):
    """Every token carries the mark and is counted, and the log contains none."""
    token = emulator.credential.get_token("https://management.azure.com/.default")
    info = emulator.credential.get_token_info("https://management.azure.com/.default")
    assert emulator.token_mark in token.token
    assert info.token_type == "Bearer"
    assert emulator.token_requests == 2
    claims = json.loads(base64.urlsafe_b64decode(token.token.split(".")[1] + "=="))
    assert claims["tid"] == "11111111-1111-1111-1111-111111111111"
    arm.get(emulator.factory)
    assert emulator.token_mark not in repr(emulator.requests)
    assert emulator.requests[0].caller == "default"


@pytest.mark.parametrize(
    ("path", "version", "expected"),
    [
        ("{factory}", None, (400, "MissingApiVersionParameter")),
        ("{factory}", "", (400, "MissingApiVersionParameter")),
        ("{factory}", "2099-01-01", (400, "NoRegisteredProviderFound")),
        ("{factory}", "latest", (400, "InvalidApiVersionParameter")),
        ("/subscriptions", "latest", (400, "InvalidApiVersionParameter")),
        ("{factory}x", "2018-06-01", (404, "ResourceNotFound")),
        ("/subscriptions/x/resourceGroups/rg1/providers/Microsoft.DataFactory/factories/df1", "2018-06-01", (400, "InvalidSubscriptionId")),
        ("/subscriptions/99999999-0000-0000-0000-000000000000/providers/Microsoft.DataFactory/factories", "2018-06-01", (404, "SubscriptionNotFound")),
        ("{subscription}/resourceGroups/none/providers/Microsoft.DataFactory/factories", "2018-06-01", (404, "ResourceGroupNotFound")),
        ("{subscription}/resourceGroups/rg1/providers/Microsoft.DataFactory/factories/a%20b", "2018-06-01", (400, "InvalidResourceName")),
        ("{factory}/pipelines", "2018-06-01", (501, "NotEmulated")),
        ("{factory}/linkedservices/x", "2018-06-01", (501, "NotEmulated")),
        ("/", "2018-06-01", (501, "NotEmulated")),
        ("{subscription}/providers/Microsoft.Other/things/x", "2018-06-01", (501, "NotEmulated")),
        ("{factory}", "2018-06-01-PREVIEW", (400, "NoRegisteredProviderFound")),
        ("{factory}/integrationRuntimes/none", "2018-06-01", (404, "NotFound")),
        ("{factory}/managedVirtualNetworks/none/managedPrivateEndpoints", "2018-06-01", (404, "NotFound")),
    ],
)  # fmt: skip
def test_wrong_addresses_have_azures_codes(arm, emulator, path, version, expected):
    """An operation that is not emulated is named with 501."""
    path = path.format(factory=emulator.factory, subscription=f"/subscriptions/{emulator.factory.subscription}")
    answer = arm.get(path, version=version)
    assert code_of(answer) == expected
    if expected[1] == "NotEmulated":
        assert f"no route for GET {path}" in answer.json()["error"]["message"]


def test_api_version_is_found_in_any_letter_case(arm, emulator):
    """Azure compares names of query parameters without letter case."""
    assert arm.get(f"{emulator.factory}?API-Version=2018-06-01", version=None).status_code == 200


def test_a_body_that_is_too_large_is_refused(arm, emulator):
    """Azure Resource Manager accepts 4 MB; a longer body is neither processed nor kept in the log."""
    answer = arm.put(arm.endpoint("p"), b'{"a": "' + b"x" * 5_000_000 + b'"}')
    assert code_of(answer) == (413, "RequestContentTooLarge")
    assert len(emulator.requests[-1].body) == 10_000


@pytest.mark.parametrize("mine", [True, False])
def test_an_expired_token_is_refused(arm, emulator, mine):
    """A token with an expiry in the past is refused, also one of another issuer; the challenge says why."""
    payload = base64.urlsafe_b64encode(b'{"exp": 1700000000}').decode().rstrip("=")
    token = f"e30.{payload}.{emulator.token_mark if mine else 'signature'}"
    answer = arm.get(emulator.factory, Authorization=f"Bearer {token}")
    assert code_of(answer) == (401, "ExpiredAuthenticationToken")
    assert "expired" in answer.headers["WWW-Authenticate"]


def test_a_token_contains_its_expiry(emulator):
    """Clients that read its claims know when to request another one."""
    before = int(time.time())
    token = emulator.credential.get_token("https://management.azure.com/.default")
    claims = json.loads(base64.urlsafe_b64decode(token.token.split(".")[1] + "=="))
    assert before + 3600 <= claims["exp"] <= int(time.time()) + 3600
    assert claims["nbf"] <= claims["iat"] < claims["exp"]


def test_unknown_subscriptions_use_no_memory(arm, emulator):
    """The emulator does not grow with requests for more and more subscriptions."""
    arm.get(emulator.factory)
    before = len(emulator._limits._buckets)
    for number in range(20):
        arm.get(f"/subscriptions/{number:08d}-0000-0000-0000-000000000000/providers/Microsoft.Purview/accounts")
    assert len(emulator._limits._buckets) == before


@pytest.mark.parametrize("options", [{"page_size": 0}, {"subscription": "mine"}, {"tenant": "contoso.com"}])
def test_invalid_options_are_refused(options):
    """The error names the option."""
    with pytest.raises(ValueError, match=f"^{next(iter(options))}: must be"):
        Emulator(**options)


def test_providers_of_the_tenant(arm):
    """Providers are listed without a subscription; an unknown one has Azure's code."""
    names = [one["namespace"] for one in arm.get("/providers", version="2022-09-01").json()["value"]]
    assert "Microsoft.Purview" in names
    one = arm.get("/providers/microsoft.purview", version="2022-09-01").json()
    assert one["resourceTypes"][0]["resourceType"] == "accounts"
    assert "registrationState" not in one
    assert code_of(arm.get("/providers/Microsoft.Other", version="2022-09-01")) == (404, "InvalidResourceNamespace")


def test_a_wrong_method_is_405(arm, emulator):
    """The answer lists the methods of the path."""
    answer = arm.send("DELETE", f"{emulator.factory}/managedVirtualNetworks/default")
    assert code_of(answer) == (405, "HttpMethodNotAllowed")
    assert answer.headers["Allow"] == "GET, PUT"


@pytest.mark.parametrize(
    "body",
    ["{", "[]", '"text"', "5", "", b"\xff", '{"a": NaN}', '{"a": -Infinity}', '{"a": 1e999}',
     "[" * 100_000 + "]" * 100_000, '{"a": ' * 65 + "1" + "}" * 65],
    ids=lambda body: f"{body[:12]!r}",
)  # fmt: skip
def test_a_body_that_is_not_a_json_object_is_400(arm, emulator, body):
    """Nothing is created."""
    answer = arm.put(arm.endpoint("p"), body)
    assert code_of(answer) == (400, "InvalidRequestContent")
    assert emulator.endpoints() == []


@pytest.mark.parametrize(
    "body",
    [{"location": 5}, {"location": "x", "properties": []}, {"location": "x", "tags": 5}, {"location": "x", "identity": "me"},
     {}, {"location": "x", "tags": {"a": 5}}, {"location": "x", "identity": {"type": 5}}, {"location": "x", "properties": {"publicNetworkAccess": 5}},
     {"location": "x", "properties": {"globalParameters": []}}, {"location": "x", "properties": {"purviewConfiguration": 5}}, {"location": "x", "properties": {"purviewConfiguration": {"purviewResourceId": 5}}}],
)  # fmt: skip
def test_wrong_types_in_a_factory_are_400(arm, emulator, body):
    """For a new factory and for an existing one."""
    assert arm.put(f"{emulator.factory}new", body).status_code == 400
    if body:
        before = arm.get(emulator.factory).json()
        assert arm.put(emulator.factory, body).status_code == 400
        assert arm.get(emulator.factory).json() == before


@pytest.mark.parametrize(
    "body",
    [{"tags": {"a": 5}}, {"identity": {"type": []}}, {"sku": 5}, {"properties": {"ingestionStorage": 5}},
     {"properties": {"ingestionStorage": {"publicNetworkAccess": "Open"}}}, {"properties": {"managedResourceGroupName": 5}}],
)  # fmt: skip
def test_wrong_types_in_an_account_are_400(arm, emulator, body):
    """They change nothing, for a new account and for an existing one."""
    version = "2023-05-01-preview"
    assert arm.put(f"{emulator.account}new", {"location": "x", **body}, version=version).status_code == 400
    before = arm.get(emulator.account, version=version).json()
    assert arm.send("PATCH", emulator.account, body=body, version=version).status_code == 400
    assert arm.get(emulator.account, version=version).json() == before


@pytest.mark.parametrize("wrong", [{"typeProperties": 5}, {"managedVirtualNetwork": "default"}, {"description": {}}])
def test_wrong_types_in_a_runtime_are_400(arm, emulator, wrong):
    """No runtime is created."""
    body = {"properties": {"type": "Managed", **wrong}}
    assert arm.put(f"{emulator.factory}/integrationRuntimes/new", body).status_code == 400


def test_an_account_keeps_the_name_of_its_managed_group(arm, emulator):
    """The name chosen at creation is read back; otherwise Terraform would recreate the account."""
    body = {"location": "westeurope", "properties": {"managedResourceGroupName": "mine"}}
    assert arm.put(f"{emulator.account}2", body, version="2021-12-01").status_code == 201
    shown = arm.get(f"{emulator.account}2", version="2021-12-01").json()
    assert shown["properties"]["managedResourceGroupName"] == "mine"


def test_a_bad_factory_name_is_refused(arm, emulator):
    """A factory's name follows Azure's rule."""
    bad = str(emulator.factory).replace("df1", "a_b")
    assert code_of(arm.put(bad, {"location": "x"})) == (400, "InvalidFactoryName")


def test_doubled_slashes_and_letter_case_do_not_matter(arm, emulator):
    """Some clients double the first slash, and clients spell ids differently."""
    assert arm.get("/" + str(emulator.factory)).status_code == 200
    assert arm.get(str(emulator.factory).upper()).status_code == 200


def test_every_answer_carries_azures_headers(arm, emulator):
    """Request id, correlation id (the caller's own, if given) and the rest of the limits."""
    answer = arm.get(emulator.factory)
    assert uuid.UUID(answer.headers["x-ms-request-id"])
    assert answer.headers["x-ms-correlation-request-id"] == answer.headers["x-ms-request-id"]
    assert answer.headers["X-MS-RateLimit-Remaining-Subscription-Reads"] == "249"
    assert "x-ms-ratelimit-remaining-subscription-writes" in arm.put(arm.endpoint("x"), {}).headers
    assert "x-ms-ratelimit-remaining-subscription-deletes" in arm.send("DELETE", arm.endpoint("x")).headers
    given = str(uuid.uuid4())
    answer = arm.get(emulator.factory, x_ms_correlation_request_id=given, x_ms_client_request_id="mine")
    assert answer.headers["x-ms-correlation-request-id"] == given
    assert answer.headers["x-ms-client-request-id"] == "mine"


def test_enforced_limits_answer_429(make_arm):
    """Documented buckets: 250 reads at once, 25 more each second; Retry-After says when to repeat."""
    emulator = Emulator(enforce_limits=True)
    arm = make_arm(emulator)
    statuses = [arm.get(emulator.factory).status_code for _ in range(260)]
    assert statuses == [200] * 250 + [429] * 10
    answer = arm.get(emulator.factory)
    assert code_of(answer) == (429, "SubscriptionRequestsThrottled")
    assert answer.headers["Retry-After"] == "1"
    emulator.clock.sleep(1)
    assert [arm.get(emulator.factory).status_code for _ in range(26)] == [200] * 25 + [429]
    assert arm.put(arm.endpoint("x"), {}).status_code == 400
    stranger = make_arm(emulator, emulator.credential_for("Reader"))
    assert stranger.get(emulator.factory).status_code == 200


def test_a_subscription_has_its_own_limit(make_arm):
    """Many callers together empty the subscription's bucket, which is 15 times as large."""
    emulator = Emulator(enforce_limits=True)
    refused = 0
    for _ in range(16):
        arm = make_arm(emulator, emulator.credential_for("Reader"))
        refused += sum(arm.get(emulator.factory).status_code == 429 for _ in range(250))
    assert refused == 250


def test_the_log_is_bounded_but_the_count_is_not(make_arm):
    """The newest requests are kept, and all are counted."""
    emulator = Emulator(request_log=3)
    arm = make_arm(emulator)
    for _ in range(5):
        arm.get(emulator.factory)
    arm.put(arm.endpoint("x"), {})
    assert [request.method for request in emulator.requests] == ["GET", "GET", "PUT"]
    assert [request.method for request in emulator.writes] == ["PUT"]
    assert emulator.request_count == 6


def test_two_emulators_share_nothing(make_arm):
    """A request to one does not change the other."""
    one, other = Emulator(), Emulator()
    make_arm(one).request_endpoint("p", one.account, "account")
    one.clock.sleep(100)
    assert (len(one.endpoints()), len(other.endpoints())) == (1, 0)
    assert (len(one.requests), len(other.requests)) == (1, 0)
    assert other.clock.elapsed == 0


def test_emulators_with_the_same_seed_answer_alike(make_arm):
    """With the same seed and epoch the answers are equal, byte for byte."""
    from datetime import UTC, datetime

    def story(seed):
        emulator = Emulator(seed=seed, epoch=datetime(2026, 1, 1, tzinfo=UTC))
        arm = make_arm(emulator)
        arm.request_endpoint("p", emulator.account, "account")
        emulator.clock.sleep(100)
        answers = [
            arm.get(emulator.factory),
            arm.get(arm.endpoint("p")),
            arm.get(emulator.account, version="2021-12-01"),
        ]
        return [(answer.content, dict(answer.headers)) for answer in answers]

    assert story(7) == story(7)
    assert story(7) != story(8)


def test_threads_share_an_emulator(make_arm):
    """Requests of many threads are all answered and counted."""
    emulator = Emulator()
    arm = make_arm(emulator)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda number: arm.request_endpoint(f"p{number}", emulator.account, "account"), range(64))
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 63
    assert emulator.request_count == 64
    assert len(emulator.endpoints()) == 1


def test_transports_are_azure_core_transports(emulator):
    """Both implement azure-core's public interface, and so do their answers."""
    assert isinstance(emulator.transport(), HttpTransport)
    assert isinstance(emulator.async_transport(), AsyncHttpTransport)
    with Pipeline(emulator.transport()) as pipeline:
        request = HttpRequest(
            "GET", f"{ARM}{emulator.factory}?api-version=2018-06-01", headers={"Authorization": "Bearer x"}
        )
        answer = pipeline.run(request).http_response
    assert answer.request is request
    assert answer.url == request.url
    assert answer.reason == "OK"
    assert answer.is_closed
    assert answer.is_stream_consumed
    assert answer.read() == answer.content == b"".join(answer.iter_raw()) == b"".join(answer.iter_bytes())
    assert int(answer.headers["content-length"]) == len(answer.content)
    answer.raise_for_status()
    answer.encoding = "ascii"
    assert (answer.encoding, answer.text()) == ("ascii", answer.content.decode("ascii"))
    with answer:
        pass


def test_async_responses_are_complete(emulator):
    """An async response has the same content however it is read, and raises for an error."""

    async def read():
        async with emulator.async_transport() as transport:
            await transport.open()
            request = HttpRequest(
                "GET",
                f"{ARM}{emulator.factory}x?api-version=2018-06-01",
                headers={"Authorization": "Bearer x"},
            )
            answer = await transport.send(request)
        async with answer:
            raw = b"".join([piece async for piece in answer.iter_raw()])
            pieces = b"".join([piece async for piece in answer.iter_bytes()])
            assert raw == pieces == await answer.read() == answer.content
            with pytest.raises(HttpResponseError):
                answer.raise_for_status()

    asyncio.run(read())


def test_credentials_can_be_closed(emulator):
    """Both are context managers, as the SDKs' own credentials are."""
    with emulator.credential as credential:
        assert credential.get_token_info("any").refresh_on is None

    async def use():
        async with emulator.async_credential as credential:
            return await credential.get_token_info("any")

    assert emulator.token_mark in asyncio.run(use()).token


def test_an_empty_emulator_has_nothing_by_default(make_arm):
    """With `empty=True` the test adds resources; accessing the default ones is an error that says so."""
    emulator = Emulator(empty=True)
    for name in ("factory", "account"):
        with pytest.raises(LookupError, match="empty"):
            getattr(emulator, name)
    listed = make_arm(emulator).get(
        "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups", version="2022-09-01"
    )
    assert listed.json() == {"value": []}
    assert emulator.add_account("first")


def test_remove_removes_any_resource(emulator, arm):
    """An id that does not exist is refused."""
    emulator.add_endpoint(emulator.factory, "p", emulator.account, "account")
    emulator.add_endpoint(emulator.factory, "q", emulator.account, "portal")
    emulator.remove(arm.endpoint("p"))
    assert [endpoint.name for endpoint in emulator.endpoints(emulator.factory)] == ["q"]
    [connection] = [c for c in emulator.connections() if c.endpoint]
    emulator.remove(connection.id)
    assert [c for c in emulator.connections() if c.endpoint] == []
    runtime = f"{emulator.factory}/integrationRuntimes/AutoResolveIntegrationRuntime"
    emulator.remove(runtime)
    assert arm.get(runtime).status_code == 404
    storage = emulator.targets(emulator.account)["blob"]
    emulator.remove(storage)
    assert arm.get(storage, version="2023-05-01").status_code == 404
    emulator.remove(emulator.factory)
    with pytest.raises(LookupError):
        emulator.remove(emulator.factory)
    with pytest.raises(LookupError):
        emulator.endpoints(emulator.factory)


def test_add_endpoint_adds_an_endpoint_in_any_state(emulator, arm):
    """Its connection is on the target."""
    bare = emulator.add_factory("bare", managed_vnet=False)
    storage = f"/subscriptions/{bare.subscription}/resourceGroups/rg9/providers/Microsoft.Storage/storageAccounts/st9"
    emulator.add_endpoint(bare, "ready", storage, "blob")
    emulator.add_endpoint(bare, "broken", storage, "queue", provisioning_state="Failed", status="Rejected")
    emulator.add_endpoint(bare, "young", storage, "dfs", provisioning_state="Provisioning", status="Pending")
    states = {e.name: (e.provisioning_state, e.status) for e in emulator.endpoints(bare)}
    assert states == {
        "ready": ("Succeeded", "Approved"),
        "broken": ("Failed", "Rejected"),
        "young": ("Provisioning", ""),
    }
    assert [c.status for c in emulator.connections(storage)] == ["Approved", "Rejected", "Pending"]
    assert arm.get(arm.endpoint("ready", bare)).json()["name"] == "ready"
    with pytest.raises(ValueError, match="self-hosted"):
        emulator.add_runtime(bare, "odd", "quantum")


def test_views_and_log_can_be_pickled(emulator, arm):
    """They are plain values without a reference to the emulator."""
    arm.request_endpoint("p", emulator.account, "account")
    pickle.loads(pickle.dumps((emulator.endpoints(), emulator.connections(), emulator.requests)))  # noqa: S301  our own
    gc.collect()


def test_subscriptions_groups_and_providers(emulator, arm):
    """Clients can read tenants, subscriptions, locations, groups, their resources, and providers."""
    subscription = f"/subscriptions/{emulator.factory.subscription}"
    assert (
        arm.get("/tenants", version="2022-12-01").json()["value"][0]["tenantId"]
        == "11111111-1111-1111-1111-111111111111"
    )
    assert arm.get(subscription, version="2022-12-01").json()["state"] == "Enabled"
    assert "westeurope" in [
        item["name"] for item in arm.get(f"{subscription}/locations", version="2022-12-01").json()["value"]
    ]
    groups = arm.get(f"{subscription}/resourceGroups", version="2022-09-01").json()["value"]
    assert [group["name"] for group in groups] == ["rg1", "managed-rg-pv1"]
    assert groups[1]["managedBy"] == str(emulator.account)
    assert arm.get(f"{subscription}/resourcegroups/RG1", version="2022-09-01").json() == groups[0]
    assert [arm.send("HEAD", f"{subscription}/resourceGroups/{name}").status_code for name in ("rg1", "no")] == [
        204,
        404,
    ]
    inside = arm.get(f"{subscription}/resourceGroups/rg1/resources", version="2022-09-01").json()["value"]
    assert [item["type"] for item in inside] == [
        "Microsoft.Purview/accounts",
        "Microsoft.DataFactory/factories",
    ]
    providers = arm.get(f"{subscription}/providers", version="2022-09-01").json()["value"]
    assert (
        "2018-06-01"
        in next(p for p in providers if p["namespace"] == "Microsoft.DataFactory")["resourceTypes"][0]["apiVersions"]
    )


def test_conditional_requests(arm, emulator):
    """If-None-Match answers 304 if nothing has changed; If-Match refuses a stale write."""
    network = f"{emulator.factory}/managedVirtualNetworks/default"
    runtime = f"{emulator.factory}/integrationRuntimes/AutoResolveIntegrationRuntime"
    for path, tag in ((emulator.factory, "eTag"), (network, "etag"), (runtime, "etag")):
        current = arm.get(path).json()[tag]
        unchanged = arm.get(path, If_None_Match=current)
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert arm.get(path, If_None_Match='"other"').status_code == 200
    assert arm.put(network, {"properties": {}}, If_Match="other").status_code == 412
    assert (
        arm.put(emulator.factory, {"location": "x", "identity": {"type": "SystemAssigned"}}, If_Match="*").status_code
        == 200
    )
    emulator.add_endpoint(emulator.factory, "p", emulator.account, "account")
    body = {"properties": {"privateLinkResourceId": str(emulator.account), "groupId": "account"}}
    assert arm.put(arm.endpoint("p"), body, If_Match="other").status_code == 412
