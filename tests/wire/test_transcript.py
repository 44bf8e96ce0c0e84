"""A transcript of requests and answers: known fields stay, with replaced ids and names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe._wire.transcript import REMOVED, sanitised
from tests.support.nouns import json_values, texts

GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-payroll"
FACTORY = f"{GROUP}/providers/Microsoft.DataFactory/factories/adf-hr"
ACCOUNT = f"{GROUP}/providers/Microsoft.Purview/accounts/contoso-x"


def asked(url: str = "https://management.azure.com/x", body: Any = None) -> dict[str, Any]:
    return {"at": 0.1, "request": {"method": "GET", "url": url, "body": body}, "answer": {"status": 200, "body": None}}


def answered(*bodies: Any) -> list[Any]:
    """The bodies of these answers in one transcript."""
    clean = sanitised([{**asked(), "answer": {"status": 200, "headers": {}, "body": body}} for body in bodies])
    return [exchange["answer"]["body"] for exchange in clean]


def address(url: str) -> str:
    """The URL in a transcript."""
    [clean] = sanitised([asked(url)])
    return clean["request"]["url"]


@pytest.mark.parametrize(
    "body",
    [
        {"tags": {"owner": "secret"}},
        {"createdBy": "secret"},
        {"properties": {"globalParameters": {"password": {"value": "secret"}}}},
        {"properties": {"repoConfiguration": {"name": "secret"}}},
        {"properties": {"encryption": {"vaultBaseUrl": "https://secret.vault.azure.net"}}},
        {"properties": {"typeProperties": {"ssisProperties": {"catalogInfo": {"value": "secret"}}, "value": "secret"}}},
        {"value": [{"output": {"value": [{"name": "secret", "id": "secret"}]}}]},
        {"value": [{"input": {"source": "secret"}, "error": {"message": None}}]},
        {"entity": {"attributes": {"description": "secret", "name": "secret"}}},
        {"number": 31337, "text": "secret", "flag": True},
    ],
)
def test_unknown_fields_are_removed(body):
    """Values from users in resources, tags or pipeline outputs are removed, whatever their type."""
    [clean] = answered(body)
    said = json.dumps(clean)
    assert "secret" not in said
    assert "31337" not in said
    assert REMOVED in said


def test_known_fields_stay():
    """States, flags, groups, codes and numbers are the purpose of a transcript."""
    body = {
        "properties": {"provisioningState": "Succeeded", "publicNetworkAccess": None, "isReserved": False},
        "error": {"code": "Conflict", "message": "Busy.", "details": []},
        "version": 3,
        "value": [{"groupIds": ["blob"]}],
    }
    assert answered(body) == [body]


def test_lineage_status_of_an_activity_stays():
    """The rest of the activity's output is removed."""
    output = {"reportLineageToPurview": {"status": "Succeeded", "x": 1}, "effectiveIntegrationRuntime": "r (West)"}
    [clean] = answered({"output": output})
    assert clean["output"]["reportLineageToPurview"] == {"status": "Succeeded", "x": REMOVED}
    assert clean["output"]["effectiveIntegrationRuntime"] == "r (West)"


def test_name_is_replaced_by_the_same_word_everywhere():
    """A name from an id is replaced in other texts too, in any letter case, and only as a whole word."""
    ids, message = answered(
        {"id": f"{FACTORY}/integrationRuntimes/ir-jane"},
        {"error": {"message": "ADF-HR in Rg-Payroll runs on ir-jane, not adf-hr2 nor xadf-hr; adf-hr-x is another."}},
    )
    group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/group1"
    assert ids["id"] == f"{group}/providers/Microsoft.DataFactory/factories/factory1/integrationRuntimes/runtime1"
    assert message["error"]["message"] == (
        "factory1 in group1 runs on runtime1, not adf-hr2 nor xadf-hr; factory1-x is another."
    )


def test_longest_name_is_replaced():
    """A name that begins with another name is replaced as a whole."""
    [_, clean] = answered(
        {"value": [{"id": ACCOUNT}, {"id": f"{ACCOUNT}-y"}, {"id": f"{ACCOUNT}-yy"}, {"id": f"{ACCOUNT}-z"}]},
        {"message": "contoso-x-y contoso-x contoso-x-yy contoso-x-y contoso-x-z"},
    )
    assert clean == {"message": "account2 account1 account3 account2 account4"}


def test_words_of_azure_stay():
    """A resource whose name is one of Azure's words does not change the texts."""
    [clean] = answered({"id": "/subscriptions/1/resourceGroups/Default/providers/Microsoft.Purview/accounts/purview"})
    assert clean["id"].endswith("/resourceGroups/Default/providers/Microsoft.Purview/accounts/purview")


def test_names_of_managed_endpoints_stay():
    """Names of other private endpoints are replaced."""
    hidden = "/subscriptions/1/resourceGroups/vnet/providers/Microsoft.Network/privateEndpoints"
    [clean] = answered(
        {
            "value": [
                {"id": f"{FACTORY}/managedVirtualNetworks/default/managedPrivateEndpoints/purview_blob"},
                {"properties": {"privateEndpoint": {"id": f"{hidden}/adf-hr.purview_blob"}}},
                {"properties": {"privateEndpoint": {"id": f"{hidden}/fabrikam.merger"}}},
                {"properties": {"privateEndpoint": {"id": f"{hidden}/pe-hr"}}},
            ]
        }
    )
    shown = [item["properties"]["privateEndpoint"]["id"].rpartition("/")[2] for item in clean["value"][1:]]
    assert shown == ["factory1.purview_blob", "factory2.endpoint1", "factory3"]
    assert clean["value"][0]["id"].endswith(
        "/factory1/managedVirtualNetworks/default/managedPrivateEndpoints/purview_blob"
    )


def test_names_in_any_script_are_replaced():
    """Resource groups can have letters of any script, which are percent-encoded in a URL."""
    begin = "https://management.azure.com/subscriptions/1/resourceGroups/"
    for spelled in ("rg-donn%C3%A9es", "_rg-donn\u00e9es", "Stra\u00dfe"):
        assert (
            address(f"{begin}{spelled}/providers/Microsoft.Purview/accounts/pv-1")
            .rstrip("1")
            .endswith("group1/providers/Microsoft.Purview/accounts/account")
        )
    [clean] = answered({"id": "/subscriptions/1/resourceGroups/Stra\u00dfe", "message": "in \u0130 STRA\u00dfE"})
    assert clean["message"] == "in \u0130 group1"


def test_email_addresses_and_guids_are_replaced():
    """Each gets the same replacement every time."""
    guid = "AAAAAAAA-1111-2222-3333-444444444444"
    [clean] = answered({"message": f"Jane@contoso.com jane@contoso.com {guid}", "principalId": guid.lower()})
    number = "00000000-0000-0000-0000-000000000001"
    assert clean == {"message": f"person1@example.com person1@example.com {number}", "principalId": number}


def test_guids_as_keys_are_replaced():
    """A map from GUIDs to entities stays a map."""
    guid = "aaaaaaaa-1111-2222-3333-444444444444"
    [clean] = answered({"guidEntityMap": {guid: {"guid": guid, "secret": 1}}})
    number = "00000000-0000-0000-0000-000000000001"
    assert clean == {"guidEntityMap": {number: {"guid": number, "secret": REMOVED}}}


def test_names_without_an_id_are_replaced():
    """Pipelines and activities are named in their own fields."""
    [clean] = answered({"value": [{"pipelineName": "pay-salaries", "activityName": "copy-staff", "status": "Failed"}]})
    assert clean == {"value": [{"pipelineName": "pipeline1", "activityName": "activity1", "status": "Failed"}]}


def test_urls_keep_path_and_api_version():
    """Operation signatures and page tokens are removed."""
    query = "api-version=2020-01-01&t=1&c=SIGNED&$skiptoken=abc"
    assert address(f"https://127.0.0.1:1{FACTORY}?{query}") == (
        "https://management.azure.com/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/group1"
        "/providers/Microsoft.DataFactory/factories/factory1"
        "?api-version=2020-01-01&t=(removed)&c=(removed)&$skiptoken=page1"
    )


@pytest.mark.parametrize(
    ("url", "stays"),
    [
        ("https://user:secret@contoso.purview.azure.com/catalog", "https://contoso.purview.azure.com/catalog"),
        ("https://[secret", REMOVED),
        ("https://x/" + "a" * 70_000, REMOVED),
        ("https://management.azure.com/subscriptions/1/resourceGroups/" + "a" * 300, REMOVED),
        ("https://x/y?skiptoken=secret", "https://x/y?skiptoken=page1"),
    ],
)
def test_invalid_urls_are_removed(url, stays):
    """A URL that cannot be parsed, or is too long for Azure, is removed."""
    assert address(url) == stays


def test_continuation_token_is_replaced():
    """The token for the next page of runs can contain anything."""
    assert answered({"continuationToken": "secret"}) == [{"continuationToken": "page1"}]


def test_pipeline_arguments_are_removed():
    """Their names are free, so they may look like known fields."""
    [clean] = sanitised([asked(f"https://x{FACTORY}/pipelines/p1/createRun?api-version=1", {"name": "secret"})])
    assert clean["request"]["body"] == REMOVED


def test_token_in_a_message_is_removed():
    """A text that looks like a token is removed even from a known field."""
    [clean] = answered({"message": "Bearer abcdefghijklmnopqrstuvwxyz0123"})
    assert clean == {"message": "Bearer ***"}


@given(body=json_values, url=texts)
def test_any_exchange_can_be_recorded(body, url):
    """Any request and answer give a transcript that is valid JSON."""
    exchange = {**asked(url, body), "answer": {"status": 200, "headers": {}, "body": body}}
    assert len(json.loads(json.dumps(sanitised([exchange])))) == 1


@given(name=st.from_regex(r"[a-z]{5,20}-[a-z0-9]{1,9}", fullmatch=True))
def test_resource_name_is_removed_from_every_text(name):
    """A name from an id appears nowhere in the transcript."""
    [clean] = answered(
        {"id": f"{GROUP}/providers/Microsoft.Any/things/{name}", "message": f"{name}: '{name}', {name}."}
    )
    assert name not in json.dumps(clean)
