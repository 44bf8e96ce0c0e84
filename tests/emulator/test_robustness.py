"""Every request gets one of Azure's answers: no exception, no 5xx, every error in its shape."""

import json
import re
from urllib.parse import quote

from azure.core.rest import HttpRequest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from purview_mpe.emulator import Emulator

ROUTES = [route for route in Emulator(empty=True).routes if not route.anonymous]

texts = st.text(max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
# Names that the operations know, with values that they do not allow.
known_keys = st.sampled_from(
    [
        "properties", "location", "tags", "identity", "type", "groupId", "privateLinkResourceId", "fqdns", "status",
        "privateLinkServiceConnectionState", "description", "privateEndpointId", "purviewConfiguration", "filters",
        "purviewResourceId", "lastUpdatedAfter", "lastUpdatedBefore", "orderBy", "continuationToken", "operand",
        "managedEventHubState", "publicNetworkAccess", "ingestionStorage", "managedVirtualNetwork", "sku",
    ]
)  # fmt: skip
likely_values = st.sampled_from(
    ["Managed", "SelfHosted", "Approved", "Enabled", "2026-01-01", "account", "x", {}, [], 0]
)
bodies = st.recursive(
    json_values | likely_values,
    lambda inner: st.dictionaries(known_keys, inner, max_size=5) | st.lists(inner, max_size=2),
    max_leaves=12,
)


@st.composite
def requests(draw):
    route = draw(st.sampled_from(ROUTES))
    known = {
        "subscription": "00000000-0000-0000-0000-000000000001",
        "group": "rg1",
        "factory": "df1",
        "account": "pv1",
        "network": "default",
        "endpoint": "p",
        "runtime": "AutoResolveIntegrationRuntime",
        "scope": "/subscriptions/00000000-0000-0000-0000-000000000001",
    }

    def value(match):
        name = match.group(1)
        if name in known and draw(st.integers(0, 9)) < 8:
            return known[name]
        return quote(draw(st.text(min_size=1, max_size=20)), safe="")

    path = re.sub(r"{(\w+)}", value, route.template)
    version = draw(st.sampled_from([*(route.versions or ("2022-09-01",)), "2099-01-01", "latest"]))
    query = f"?api-version={version}"
    if draw(st.booleans()):
        query += "&" + quote(draw(st.sampled_from(["$skipToken", "x"]))) + "=" + quote(draw(texts))
    content = draw(st.one_of(st.none(), bodies.map(json.dumps), st.binary(max_size=20)))
    headers = {"Authorization": "Bearer x"}
    if draw(st.booleans()):
        headers[draw(st.sampled_from(["If-Match", "If-None-Match"]))] = draw(st.sampled_from(["*", '"x"', "", "ü"]))
    return route.method, f"https://management.azure.com{path}{query}", headers, content


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(requests(), min_size=1, max_size=12))
def test_generated_requests_get_azures_answers(story):
    """They are sent one after the other to one emulator."""
    emulator = Emulator(foreign_connections=1)
    emulator.add_endpoint(emulator.factory, "p", emulator.account, "account")
    transport = emulator.transport()
    for method, url, headers, content in story:
        answer = transport.send(HttpRequest(method, url, headers=headers, content=content))
        assert answer.status_code < 500 or answer.json()["error"]["code"] == "NotEmulated"
        if method == "HEAD":
            assert answer.content == b""
        elif answer.status_code >= 400:
            body = answer.json()
            # The catalog answers in the shape of Atlas.
            assert "errorCode" in body or set(body["error"]) >= {"code", "message"}
        elif answer.content:
            json.loads(answer.content)
    emulator.clock.sleep(1000)
    emulator.endpoints()
    Emulator.from_scenario(emulator.dump())
