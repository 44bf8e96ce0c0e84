"""The hand-off: the exact text for the owner of a target, safe against hostile names."""

from __future__ import annotations

import json
import re
import shlex

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe import Target
from purview_mpe._model.arm_id import last_segment
from purview_mpe._wire.hand_off import Pending, hand_off
from tests.support.nouns import ACCOUNT, HIDDEN, NAMESPACE, OTHER_STORAGE, STORAGE, TARGETS

OWN, BLOB, QUEUE, EVENTS = TARGETS
NEW_BLOB = Target(group_id="blob", resource_id=OTHER_STORAGE, connections="ingestion")
NEW_QUEUE = Target(group_id="queue", resource_id=OTHER_STORAGE, connections="ingestion")

SHAPE_A = f"""\
Please approve 4 private endpoint connections of the data factory 'df1' for the Purview account
{ACCOUNT}

Approve only what matches, in any letter case: other connections on the same resources may be a stranger's.

1. purview (account)
   target:            {ACCOUNT}
   private endpoint:  {HIDDEN}/df1.purview
   portal:            the Purview account, Networking, Private endpoint connections: select it, Approve
   link:              https://portal.azure.com/#resource{ACCOUNT}/privateEndpointConnections
   find it:           az resource show --ids {ACCOUNT} --api-version 2021-12-01 --query "properties.privateEndpointConnections[?ends_with(to_string(properties.privateEndpoint.id), '/df1.purview')].{{connection: id, privateEndpoint: properties.privateEndpoint.id}}" -o yaml
   then:              az network private-endpoint-connection approve --id CONNECTION-FOUND

2. purview_blob (blob)
   target:            {STORAGE}
   private endpoint:  {HIDDEN}/df1.purview_blob
   connection:        {STORAGE}/privateEndpointConnections/scan.0f
   not done because:  Could not approve: 403
   portal:            the Purview account, Managed resources, the storage account, Networking, Private endpoint connections: select it, Approve
   link:              https://portal.azure.com/#resource{STORAGE}/networking
   command:           az network private-endpoint-connection approve --id {STORAGE}/privateEndpointConnections/scan.0f

3. purview_queue (queue)
   target:            {STORAGE}
   private endpoint:  (any id that ends in /df1.purview_queue, and only one such)
   portal:            the Purview account, Managed resources, the storage account, Networking, Private endpoint connections: select it, Approve
   link:              https://portal.azure.com/#resource{STORAGE}/networking
   find it:           az resource show --ids {STORAGE} --api-version 2023-05-01 --query "properties.privateEndpointConnections[?ends_with(to_string(properties.privateEndpoint.id), '/df1.purview_queue')].{{connection: id, privateEndpoint: properties.privateEndpoint.id}}" -o yaml
   then:              az network private-endpoint-connection approve --id CONNECTION-FOUND

4. purview_namespace (namespace)
   target:            {NAMESPACE}
   private endpoint:  (any id that ends in /df1.purview_namespace, and only one such)
   portal:            the Purview account, Managed resources, the Event Hubs namespace, Networking, Private endpoint connections: select it, Approve
   link:              https://portal.azure.com/#resource{NAMESPACE}/networking
   find it:           az resource show --ids {NAMESPACE} --api-version 2024-01-01 --query "properties.privateEndpointConnections[?ends_with(to_string(properties.privateEndpoint.id), '/df1.purview_namespace')].{{connection: id, privateEndpoint: properties.privateEndpoint.id}}" -o yaml
   then:              az network private-endpoint-connection approve --id CONNECTION-FOUND
"""

SHAPE_C = f"""\
Please approve 2 private endpoint connections of the data factory 'df1' for the Purview account
{ACCOUNT}

Approve only what matches, in any letter case: other connections on the same resources may be a stranger's.

1. purview_blob (blob)
   target:            {OTHER_STORAGE}
   private endpoint:  {HIDDEN}/df1.purview_blob
   portal:            the Purview account, Networking, Ingestion private endpoint connections: select it, Approve
   link:              https://portal.azure.us/#resource{ACCOUNT}/privateEndpointConnections
   command:           az rest --method post --url "{ACCOUNT}/ingestionPrivateEndpointConnectionStatus?api-version=2024-04-01-preview" --body "{{\\"privateEndpointId\\": \\"{HIDDEN}/df1.purview_blob\\", \\"status\\": \\"Approved\\"}}"
     in PowerShell:   az rest --method post --url "{ACCOUNT}/ingestionPrivateEndpointConnectionStatus?api-version=2024-04-01-preview" --body '{{\\"privateEndpointId\\": \\"{HIDDEN}/df1.purview_blob\\", \\"status\\": \\"Approved\\"}}'

2. purview_queue (queue)
   target:            {OTHER_STORAGE}
   private endpoint:  (any id that ends in /df1.purview_queue, and only one such)
   portal:            the Purview account, Networking, Ingestion private endpoint connections: select it, Approve
   link:              https://portal.azure.us/#resource{ACCOUNT}/privateEndpointConnections
   find it:           az rest --method get --url "{ACCOUNT}/ingestionPrivateEndpointConnections?api-version=2024-04-01-preview" --query "{{found: value[?ends_with(to_string(properties.privateEndpoint.id), '/df1.purview_queue')].properties.privateEndpoint.id, nextLink: nextLink}}" -o yaml
                      (while nextLink is not null, run it again with that as --url)
   then:              az rest --method post --url "{ACCOUNT}/ingestionPrivateEndpointConnectionStatus?api-version=2024-04-01-preview" --body "{{\\"privateEndpointId\\": \\"ID-FOUND\\", \\"status\\": \\"Approved\\"}}"
     in PowerShell:   az rest --method post --url "{ACCOUNT}/ingestionPrivateEndpointConnectionStatus?api-version=2024-04-01-preview" --body '{{\\"privateEndpointId\\": \\"ID-FOUND\\", \\"status\\": \\"Approved\\"}}'
"""


def text(*pending, portal="portal.azure.com"):
    return hand_off("df1", ACCOUNT, pending, portal=portal)


def command(made: str, label: str = "command:") -> list[str]:
    [line] = [line for line in made.splitlines() if line.strip().startswith(label)]
    return shlex.split(line.partition(label)[2])


def test_account_with_managed_resources():
    """The whole text for shape A, from an exact connection to a name alone."""
    assert (
        text(
            Pending(OWN, "purview", f"{HIDDEN}/df1.purview"),
            Pending(
                BLOB,
                "purview_blob",
                f"{HIDDEN}/df1.purview_blob",
                f"{STORAGE}/privateEndpointConnections/scan.0f",
                "Could not approve: 403",
            ),
            Pending(QUEUE, "purview_queue"),
            Pending(EVENTS, "purview_namespace"),
        )
        == SHAPE_A
    )


def test_account_with_ingestion_storage():
    """The whole text for shape C in another cloud, with the account's ingestion list and call."""
    assert (
        text(
            Pending(NEW_BLOB, "purview_blob", f"{HIDDEN}/df1.purview_blob"),
            Pending(NEW_QUEUE, "purview_queue"),
            portal="portal.azure.us",
        )
        == SHAPE_C
    )


def test_nothing_pending_gives_no_text():
    """Without pending connections, the hand-off is None."""
    assert text() is None


def test_single_connection_has_no_number():
    """The text says "a private endpoint connection" instead of a count."""
    assert text(Pending(OWN, "purview")).startswith(
        "Please approve a private endpoint connection of the data factory 'df1' for the Purview account\n"
    )


HOSTILE = [
    "x'; rm -rf ~; '",
    '"$(reboot)"',
    "`reboot`",
    "a\nApprove everything",
    "a\r\x1b[2Kb",
    "\u202egnp.exe",
    "back\\slash'",
    "\ud800",
    "$IFS&|;<>*?!~#",
]
hostile = st.sampled_from(HOSTILE) | st.text(max_size=30)


def seen(given: str) -> str:
    """What a terminal shows of a text."""
    return "".join(c for c in given if c.isprintable())


@pytest.mark.parametrize("target", [BLOB, NEW_BLOB])
@given(hostile, hostile, hostile, hostile)
def test_hostile_texts_add_no_lines(target, name, private_endpoint_id, connection_id, reason):
    """Whatever names Azure returns, no line is added and no control character passes."""
    harmless = text(Pending(target, "n", "p", "c", "r"))
    made = text(Pending(target, name, private_endpoint_id or "p", connection_id or "c", reason or "r"))
    assert len(made.splitlines()) == len(harmless.splitlines())
    assert made.replace("\n", "").isprintable()


@given(hostile.filter(seen))
def test_hostile_connection_is_one_argument(connection_id):
    """Pasted into a shell, the id is exactly one argument."""
    made = text(Pending(BLOB, "purview_blob", None, connection_id))
    assert command(made) == ["az", "network", "private-endpoint-connection", "approve", "--id", seen(connection_id)]


@given(hostile.filter(seen))
def test_hostile_private_endpoint_is_one_literal_of_the_query(private_endpoint_id):
    """In the query, the id stays a literal, whatever quotes it contains."""
    made = text(Pending(BLOB, "purview_blob", private_endpoint_id))
    words = command(made, "find it:")
    assert words[:7] == ["az", "resource", "show", "--ids", STORAGE, "--api-version", "2023-05-01"]
    assert (words[7], words[9:]) == ("--query", ["-o", "yaml"])
    name = f"/{last_segment(seen(private_endpoint_id))}"
    assert literals(words[8]) == list(dict.fromkeys((name, name.lower())))


@given(hostile.filter(seen))
def test_hostile_name_is_one_literal_of_the_query(name):
    """The endpoint's name is a literal in the queries for both kinds of list."""
    for target in (BLOB, NEW_BLOB):
        words = command(text(Pending(target, name)), "find it:")
        called = f"/df1.{seen(name)}"
        assert literals(words[words.index("--query") + 1]) == list(dict.fromkeys((called, called.lower())))


@given(hostile.filter(seen))
def test_hostile_private_endpoint_stays_inside_the_json(private_endpoint_id):
    """The body of the ingestion call is JSON with the id as a value."""
    made = text(Pending(NEW_BLOB, "purview_blob", private_endpoint_id))
    in_powershell = command(made, "in PowerShell:")[-1].replace('\\"', '"')  # as az.cmd does
    for body in (command(made)[-1], in_powershell):
        assert json.loads(body) == {"privateEndpointId": seen(private_endpoint_id), "status": "Approved"}


@given(hostile.filter(seen))
def test_json_body_has_no_special_characters_for_a_shell(private_endpoint_id):
    """Both forms are safe in any shell: outside of quotes, they contain only plain words."""
    made = text(Pending(NEW_BLOB, "purview_blob", private_endpoint_id))
    for label in ("command:", "in PowerShell:"):
        [line] = [line for line in made.splitlines() if line.strip().startswith(label)]
        body = line.partition("--body ")[2]
        inside = body[2:-2].replace('\\"', "").replace(" ", "")
        assert re.fullmatch(r"(?:[-\w./:,]|\\u[0-9a-f]{4})*", inside, re.ASCII), inside


def test_parentheses_in_a_resource_group_are_escaped():
    """Azure allows parentheses in the name of a resource group, and PowerShell would run their content."""
    made = text(Pending(NEW_BLOB, "purview_blob", HIDDEN.replace("vnet-", "(calc)-") + "/df1.purview_blob"))
    assert "/\\u0028calc\\u0029-" in made.partition("command:")[2]
    assert "(calc)" not in made.partition("command:")[2]


def test_placeholder_is_a_plain_word():
    """A placeholder in angle brackets would be a redirection if it were pasted unchanged."""
    made = text(Pending(BLOB, "purview_blob"), Pending(NEW_QUEUE, "purview_queue"))
    assert not set("<>") & set(made)
    assert "--id CONNECTION-FOUND" in made
    assert "ID-FOUND" in made


@pytest.mark.parametrize("special", list('"$`\\!%^\u201d'))
def test_query_with_special_characters_is_in_single_quotes(special):
    """In double quotes, bash, PowerShell or cmd would expand the character."""
    made = text(Pending(BLOB, "purview_blob", f"/x{special}y"))
    assert "--query 'properties.privateEndpointConnections[?" in made
    assert literals(command(made, "find it:")[8]) == [f"/x{special}y"]


@pytest.mark.parametrize("target", [BLOB, NEW_BLOB])
@pytest.mark.parametrize("known", [True, False])
def test_query_finds_the_connection_in_any_letter_case(target, known):
    """JMESPath, as az evaluates it, finds every spelling that Azure writes, and no foreign connection."""
    ours = f"{HIDDEN}/df1.Purview_blob"
    made = text(Pending(target, "Purview_blob", ours if known else None, None))
    if known and target is NEW_BLOB:
        assert f'\\"privateEndpointId\\": \\"{ours}\\"' in made  # the exact id is known, so the text needs no query
        return
    words = command(made, "find it:")
    query = words[words.index("--query") + 1]
    written = [ours, ours.lower(), ours.replace("resourceGroups", "RESOURCEGROUPS")]
    listed = [
        {"id": f"c{number}", "properties": {"privateEndpoint": {"id": private_endpoint_id}}}
        for number, private_endpoint_id in enumerate([*written, f"{ours}2", f"{HIDDEN}/xdf1.Purview_blob"])
    ]
    listed += [{"id": "c8", "properties": {"privateEndpoint": None}}, {"id": "c9", "properties": {}}]
    if target is NEW_BLOB:
        assert jmespath.search(query, {"value": listed}) == {"found": written, "nextLink": None}
        assert jmespath.search(query, {"value": [], "nextLink": "x"}) == {"found": [], "nextLink": "x"}
    else:
        assert jmespath.search(query, {"properties": {"privateEndpointConnections": listed}}) == [
            {"connection": f"c{number}", "privateEndpoint": one} for number, one in enumerate(written)
        ]


def literals(query: str) -> list[str]:
    """The raw strings in a JMESPath query, by its rules: each ends at the first quote that is not escaped."""
    bearer = "properties.privateEndpoint.id"
    found: list[str] = []
    rest = query.partition("[?")[2]
    while rest.startswith(before := f"ends_with(to_string({bearer}), '"):
        read, at = "", len(before)
        while rest[at] != "'":
            at += rest[at] == "\\"
            read += rest[at]
            at += 1
        found.append(read)
        rest = rest[at + 1 :].removeprefix(")").removeprefix(" || ")
    assert rest in {f"].{{connection: id, privateEndpoint: {bearer}}}", f"].{bearer}, nextLink: nextLink}}"}, rest
    return found
