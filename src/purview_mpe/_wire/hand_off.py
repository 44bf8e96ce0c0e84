"""What a target's owner still has to do, as a text that needs neither this library nor the requester's rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from purview_mpe._model.arm_id import last_segment
from purview_mpe._model.naming import hidden_name
from purview_mpe._wire.connections import INGESTION_API_VERSION, ingestion_body
from purview_mpe._wire.shell import json_words, printable, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._model.results import ConnectionList, Target
    from purview_mpe._model.states import Decision

#: Where the portal shows the connection (docs: "Access a secured Microsoft Purview account from Azure Data Factory").
_PORTAL_PATH: dict[ConnectionList, str] = {
    "account": "the Purview account, Networking, Private endpoint connections",
    "ingestion": "the Purview account, Networking, Ingestion private endpoint connections",
    "storage": "the Purview account, Managed resources, the storage account, Networking, Private endpoint connections",
    "namespace": "the Purview account, Managed resources, the Event Hubs namespace, Networking, "
    "Private endpoint connections",
}
_PORTAL_PAGE: dict[ConnectionList, str] = {
    "account": "privateEndpointConnections",
    "ingestion": "privateEndpointConnections",
    "storage": "networking",
    "namespace": "networking",
}
_BEARER = "properties.privateEndpoint.id"
#: Versions in which each target's own properties hold all its connections (spec). The command that lists them,
#: `az network private-endpoint-connection list`, shows only the first page (its source).
_SHOWING_API_VERSION: dict[ConnectionList, str] = {
    "account": "2021-12-01",
    "storage": "2023-05-01",
    "namespace": "2024-01-01",
}


@dataclass(frozen=True, slots=True)
class Pending:
    """One connection that another person has to approve."""

    target: Target
    name: str
    """The endpoint's name."""
    private_endpoint_id: str | None = None
    connection_id: str | None = None
    reason: str | None = None
    """Why the caller did not do it; None if the caller did not try."""


#: The portal's word for each decision; az uses the same word in lower case.
_VERB: dict[Decision, str] = {"Approved": "Approve", "Rejected": "Reject"}

_WARNING = "other connections on the same resources may be a stranger's."


def hand_off(
    factory: str | None, account_id: str, pending: Sequence[Pending], *, portal: str, decision: Decision = "Approved"
) -> str | None:
    """The text for the owners of the targets; None if nothing is left to them.

    `factory` is the factory's name; None for private endpoints that are not Data Factory's: their exact ids are known.
    """
    if not pending:
        return None
    count = "a private endpoint connection" if len(pending) == 1 else f"{len(pending)} private endpoint connections"
    whose = f" of the data factory {factory!r}" if factory is not None else ""
    lines = [
        f"Please {_VERB[decision].lower()} {count}{whose} for the Purview account",
        account_id,
        "",
        f"{_VERB[decision]} only what matches, in any letter case: {_WARNING}",
    ]
    for number, item in enumerate(pending, 1):
        lines += ["", *_item(number, factory or "", account_id, item, portal=portal, decision=decision)]
    return "\n".join(printable(line) for line in lines) + "\n"


def _item(number: int, factory: str, account_id: str, item: Pending, *, portal: str, decision: Decision) -> list[str]:
    target = item.target
    where = account_id if target.connections == "ingestion" else target.resource_id
    bearer = item.private_endpoint_id or f"(any id that ends in /{hidden_name(factory, item.name)}, and only one such)"
    lines = [
        f"{number}. {item.name} ({target.group_id})",
        f"   target:            {target.resource_id}",
        f"   private endpoint:  {bearer}",
    ]
    if item.connection_id:
        lines.append(f"   connection:        {item.connection_id}")
    if item.reason:
        lines.append(f"   not done because:  {item.reason}")
    lines += [
        f"   portal:            {_PORTAL_PATH[target.connections]}: select it, {_VERB[decision]}",
        f"   link:              https://{portal}/#resource{where}/{_PORTAL_PAGE[target.connections]}",
        *(f"   {label}{command}" for label, command in _commands(factory, account_id, item, decision)),
    ]
    return lines


def _commands(factory: str, account_id: str, item: Pending, decision: Decision) -> list[tuple[str, str]]:
    if item.target.connections == "ingestion":
        return _ingestion_commands(factory, account_id, item, decision)
    decide = f"az network private-endpoint-connection {_VERB[decision].lower()} --id"
    if item.connection_id:
        return [("command:           ", f"{decide} {quoted(item.connection_id)}")]
    listed = f"properties.privateEndpointConnections[?{_is_called(factory, item)}]"
    query = quoted(f"{listed}.{{connection: id, privateEndpoint: {_BEARER}}}")
    scope, version = quoted(item.target.resource_id), _SHOWING_API_VERSION[item.target.connections]
    return [
        ("find it:           ", f"az resource show --ids {scope} --api-version {version} --query {query} -o yaml"),
        ("then:              ", f"{decide} CONNECTION-FOUND"),
    ]


def _is_called(factory: str, item: Pending) -> str:
    """The condition of a query for connections whose private endpoint has the endpoint's name.

    JMESPath compares letter by letter and has no lower-case function, and Azure returns ids in other letter cases:
    types and resource groups in any, names as they were given or in lower case (recorded). So the query compares only
    the name, in both spellings, and shows the whole id to the person who runs the command.
    """
    given = item.private_endpoint_id
    name = last_segment(given) if given else hidden_name(factory, item.name)
    # The spaces make PowerShell quote the query for az.cmd, too; without quotes, cmd would read the bars as pipes.
    return " || ".join(
        f"ends_with(to_string({_BEARER}), '/{_jmespath(written)}')" for written in dict.fromkeys((name, name.lower()))
    )


def _ingestion_commands(factory: str, account_id: str, item: Pending, decision: Decision) -> list[tuple[str, str]]:
    # To a URL without a host, az adds the host of the cloud that it is signed in to.
    version = f"api-version={INGESTION_API_VERSION}"
    listing = quoted(f"{account_id}/ingestionPrivateEndpointConnections?{version}")
    status = quoted(f"{account_id}/ingestionPrivateEndpointConnectionStatus?{version}")

    def decide(label: str, private_endpoint_id: str) -> list[tuple[str, str]]:
        words = json_words(ingestion_body(decision, private_endpoint_id))
        return [
            (f"{each:<19}", f"az rest --method post --url {status} --body {word}")
            for each, word in zip((label, "  in PowerShell:"), words, strict=True)
        ]

    if item.private_endpoint_id:
        return decide("command:", item.private_endpoint_id)
    query = quoted(f"{{found: value[?{_is_called(factory, item)}].{_BEARER}, nextLink: nextLink}}")
    return [
        ("find it:           ", f"az rest --method get --url {listing} --query {query} -o yaml"),
        ("                   ", "(while nextLink is not null, run it again with that as --url)"),
        *decide("then:", "ID-FOUND"),
    ]


def _jmespath(text: str) -> str:
    """Text inside a raw string of a JMESPath query."""
    return text.replace("\\", "\\\\").replace("'", "\\'")
