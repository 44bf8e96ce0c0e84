"""Rules that the OpenAPI files do not state and every client relies on: ids, names, types and states."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Recorded, or in the files; "" is Data Factory's state before it has asked the target.
PROVISIONING = frozenset(
    [
        *("Unknown", "Creating", "Moving", "Deleting", "SoftDeleting", "SoftDeleted", "Failed", "Succeeded"),
        *("Canceled", "Provisioning", "Updating", "Pending", "Dissociating", "Accepted", "Active", "Created"),
        "ResolvingDNS",
    ]
)
CONNECTION = frozenset(["", "Unknown", "Pending", "Approved", "Rejected", "Disconnected"])

#: Items of this list have no name, and their type is that of their storage account (SDK source).
_NAMELESS = "ingestionprivateendpointconnections"
_CONNECTIONS = frozenset({"managedprivateendpoints", "privateendpointconnections", _NAMELESS})
#: The file gives these no type.
_UNTYPED = "privatednszonegroups"
#: Collections whose answers are resources; anything else under a provider is an action.
_COLLECTIONS = _CONNECTIONS | {
    "factories", "managedvirtualnetworks", "integrationruntimes", "accounts", "storageaccounts", "namespaces",
    "virtualnetworks", "subnets", "privateendpoints", "networkinterfaces", "privatednszonegroups", "privatednszones", "virtualnetworklinks",
}  # fmt: skip


def broken_rules(request: dict[str, Any], response: dict[str, Any]) -> Iterator[str]:
    """The rules that an exchange in oav's form breaks."""
    body = response.get("body")
    if int(response["statusCode"]) >= 400:
        error = body.get("error") if isinstance(body, dict) else None
        if not (isinstance(error, dict) and error.get("code") and error.get("message")):
            yield "an error has no code or no message"
        return
    path = unquote(urlsplit(request["url"]).path).rstrip("/")
    head, _, tail = path.rpartition("/providers/")
    provider, *rest = tail.split("/")
    collections = rest[::2]
    if not collections or collections[-1].casefold() not in _COLLECTIONS or not isinstance(body, dict):
        return
    if response["statusCode"] == "202" and not body:
        return  # private DNS accepts with an empty object (recorded)
    if len(rest) % 2 == 0:
        yield from _broken_resource(body, f"{head}/providers/{tail}", provider, collections)
    else:
        for item in body["value"]:
            yield from _broken_resource(item, None, provider, collections)
            if head and not str(item.get("id", "")).casefold().startswith(head.casefold()):
                yield "an item of a list is elsewhere than the list"


def _broken_resource(body: dict[str, Any], path: str | None, provider: str, collections: list[str]) -> Iterator[str]:
    identity = str(body.get("id", ""))
    last = collections[-1].casefold()
    if path is not None and identity.casefold() != path.casefold():
        yield "the id is not the path"
    if last != _NAMELESS:
        if not body.get("name") or str(body["name"]).casefold() != identity.rpartition("/")[2].casefold():
            yield "the name is not the last part of the id"
        kind = "/".join([provider, *collections]).casefold()
        if last != _UNTYPED and str(body.get("type", "")).casefold() != kind:
            yield "the type is not that of the path"
    properties = body.get("properties")
    if not isinstance(properties, dict):
        yield "there are no properties"
        return
    if (state := properties.get("provisioningState")) is not None and state not in PROVISIONING:
        yield f"an unknown provisioning state: {state}"
    if last in _CONNECTIONS:
        connection = properties.get("connectionState", properties.get("privateLinkServiceConnectionState"))
        if not isinstance(connection, dict) or "status" not in connection:
            yield "there is no connection state"
        elif connection["status"] not in CONNECTION:
            yield f"an unknown connection state: {connection['status']}"
    if path is None and re.search(r"//|\s", identity):
        yield "an id is malformed"
