"""Azure's JSON to the library's nouns and back.

A source stands beside each oddity: *recorded* (from the real service), *spec* (Azure's OpenAPI files), *docs*
(Microsoft's pages), *public code* (read in code that runs against Azure) or *inferred*. Code that relies on an
inference also handles the opposite answer.

Every reader accepts any answer: a field of the wrong type counts as absent, because answers pass through proxies and
api-versions that this library does not control.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from purview_mpe._model.arm_id import ArmId, InvalidArmId, is_segment, last_segment
from purview_mpe._model.fields import is_group, is_private_endpoint
from purview_mpe._model.naming import bears_hidden_name
from purview_mpe._model.results import Account, ConnectionList, Endpoint, Finding, Firewall, Shape, Target
from purview_mpe._model.spec import NAMESPACE_TYPE, STORAGE_TYPE
from purview_mpe._rules.findings.account import (
    ACCOUNT_CHANGING,
    ACCOUNT_FAILED,
    ACCOUNT_HIDDEN,
    ACCOUNT_LEAVING,
    ACCOUNT_UNREADABLE,
    FLAGS_DISAGREE,
    SHAPE_UNKNOWN,
    SHAPE_UNKNOWN_WHILE_CREATING,
    TWO_STORAGES,
    UNEXPECTED_ID,
)
from purview_mpe._wire.reading import id_text, line, mapping, text, whole
from purview_mpe._wire.text import LONGEST, blotted, safe_text
from purview_mpe.errors import AccessDenied

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from purview_mpe.errors import AzureError

#: A request's body. The SDKs accept plain JSON but declare their models, so the type is not a dict.
Json: TypeAlias = Any

#: Spec: 2023-05-01-preview is the first version whose accounts have `ingestionStorage`; azure-mgmt-purview below
#: 1.1.0b2 requests 2021-07-01, so a field that is missing in its answers proves nothing.
_INGESTION_GROUPS = ("blob", "queue")
#: Hosts of Purview's data plane: of an account (docs: "Use REST APIs for Microsoft Purview data planes"), and of a
#: tenant-level account (public clients that run against Azure).
PURVIEW_HOSTS = (
    re.compile(r"https://[a-z0-9-]{1,63}\.purview\.azure\.(?:com|us|cn)", re.ASCII),
    re.compile(r"https://(?:[0-9a-f-]{36}-)?api\.purview-service\.microsoft\.com", re.ASCII),
)


def read_account(answer: Mapping[str, Any], account_id: ArmId) -> Account:
    """What the account needs, decided from its properties and never from its age.

    Microsoft's pages name two dates that divide old accounts from new ones, and both add an exception by api-version
    (docs), so only the properties are reliable.
    """
    properties = mapping(answer, "properties")
    found = _Resources(properties)
    shape = found.shape()
    firewall, warnings = _read_firewall(properties)
    return Account(
        # The requested id: Azure may return it in another letter case (recorded).
        id=str(account_id),
        name=account_id.name,
        location=text(answer, "location") or None,
        provisioning_state=text(properties, "provisioningState") or None,
        shape=shape,
        firewall=firewall,
        targets=tuple(found.targets(account_id)),
        managed_group=found.managed_group,
        retired=tuple(found.retired()),
        endpoints={
            whole(key): whole(url) for key, url in mapping(properties, "endpoints").items() if isinstance(url, str)
        },
        default_domain=_domain_name(text(properties, "defaultDomain")),
        warnings=(
            *_state_findings(account_id, shape, properties),
            *found.warnings,
            *warnings,
            *_shape_findings(shape, properties),
        ),
    )


def _domain_name(name: str) -> str | None:
    """The name, if a query and a command can hold it without escaping."""
    return name if name.isascii() and name.replace("-", "").replace("_", "").isalnum() else None


def data_plane_address(account: Account) -> str | None:
    """The address of the account's data plane; None if the account does not show a Purview address.

    This is the account's own host or, for a tenant-level account, the tenant's. Both are the catalog's address without
    its path (recorded: `https://<account>.purview.azure.com/catalog`). The host is checked because an answer can be
    forged and a token is sent there.
    """
    address = account.endpoints.get("catalog", "").rstrip("/").removesuffix("/catalog").casefold()
    return address if any(host.fullmatch(address) for host in PURVIEW_HOSTS) else None


def unreadable_account(account_id: ArmId, error: AzureError) -> Account:
    """The account as the portal shows it to a person without Reader: the `account` endpoint alone (docs).

    A 404 that is an `AccessDenied` means that the caller cannot see the subscription: the role would not help.
    """
    kind = ACCOUNT_HIDDEN if error.status == 404 and isinstance(error, AccessDenied) else ACCOUNT_UNREADABLE
    finding = kind.found(name=account_id.name, account=account_id, remedy=error.remedy, evidence=(error.message,))
    return Account(
        id=str(account_id),
        name=account_id.name,
        targets=(_target("account", account_id, "account"),),
        warnings=(finding,),
    )


class _Resources:
    """The resources of an account that endpoints can point to."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self.warnings: list[Finding] = []
        managed = mapping(properties, "managedResources")
        group = id_text(managed, "resourceGroup")
        self._group = ArmId.parse(group) if group else None
        self.storage = self._resource(managed, "storageAccount", STORAGE_TYPE, "managedResources.storageAccount")
        # Null, "" and absence all mean "no namespace" (docs: not created by default since
        # 15 December 2022, but accounts created with API version 2021-07-01 have had one since).
        namespace = self._resource(managed, "eventHubNamespace", NAMESPACE_TYPE, "managedResources.eventHubNamespace")
        disabled = text(properties, "managedEventHubState").casefold() == "disabled"
        self.namespace = None if disabled else namespace
        self.disabled_namespace = namespace if disabled else None
        # The spec's own sample gives a resource group here; public Terraform code uses it as a storage account's id.
        self.ingestion = self._resource(
            mapping(properties, "ingestionStorage"), "id", STORAGE_TYPE, "ingestionStorage.id"
        )
        if self.storage and self.ingestion and self.storage != self.ingestion:
            self.warnings.append(
                TWO_STORAGES.found(
                    evidence=(
                        f"managedResources.storageAccount: {self.storage}",
                        f"ingestionStorage.id: {self.ingestion}",
                    )
                )
            )

    @property
    def managed_group(self) -> str | None:
        """The resource group of all managed resources (docs), even if the account does not name it itself."""
        for resource in (self._group, self.storage, self.namespace or self.disabled_namespace):
            if resource is not None:
                return str(ArmId(resource.subscription, resource.resource_group))
        return None

    def shape(self) -> Shape:
        match (self.storage is not None, self.ingestion is not None, self.namespace is not None):
            case (True, True, _):
                return "E"
            case (False, True, True):
                return "D"
            case (False, True, False):
                return "C"
            case (True, False, True):
                return "A"
            case (True, False, False):
                return "B"
            case _:
                return "F"

    def targets(self, account_id: ArmId) -> Iterator[Target]:
        yield _target("account", account_id, "account")
        if storage := self.ingestion or self.storage:
            # Inferred: the storage behind `ingestionStorage` is probably in a subscription of Microsoft's, so its own
            # connections might not be readable; the account's ingestion list shows them (spec).
            where: ConnectionList = "ingestion" if self.ingestion else "storage"
            for group_id in _INGESTION_GROUPS:
                yield _target(group_id, storage, where)
            if self.namespace:
                yield _target("namespace", self.namespace, "namespace")

    def retired(self) -> Iterator[str]:
        if self.storage and self.ingestion and self.storage != self.ingestion:
            yield str(self.storage)
        if self.disabled_namespace:
            yield str(self.disabled_namespace)

    def _resource(self, holder: Mapping[str, Any], key: str, resource_type: str, field: str) -> ArmId | None:
        value = holder.get(key)
        if value is None or value == "":
            return None
        try:
            arm_id = ArmId.parse(value)
        except InvalidArmId:
            arm_id = None
        if arm_id is not None and arm_id.is_a(resource_type):
            return arm_id
        self.warnings.append(
            UNEXPECTED_ID.found(field=field, wanted=resource_type, evidence=(f"{field}: {_shown(value)}",))
        )
        return None


def _target(group_id: str, resource_id: ArmId, connections: ConnectionList) -> Target:
    return Target(group_id=group_id, resource_id=str(resource_id), connections=connections)


def _read_firewall(properties: Mapping[str, Any]) -> tuple[Firewall, tuple[Finding, ...]]:
    """The portal's setting from the account's flags.

    Inferred: no page states the mapping; public templates support it. `NotSpecified` counts as enabled.
    """
    if _is_disabled(properties, "publicNetworkAccess"):
        return "disabled-from-all-networks", ()
    flags = {"managedResourcesPublicNetworkAccess": text(properties, "managedResourcesPublicNetworkAccess")}
    ingestion = mapping(properties, "ingestionStorage")
    if text(ingestion, "id"):  # even if it is not a valid id: the flag concerns the storage
        flags["ingestionStorage.publicNetworkAccess"] = text(ingestion, "publicNetworkAccess")
    said = {name: flag.casefold() == "disabled" for name, flag in flags.items() if flag}
    warnings: tuple[Finding, ...] = ()
    if len(set(said.values())) > 1:
        warnings = (FLAGS_DISAGREE.found(evidence=(f"{name}: {flag}" for name, flag in flags.items())),)
    return "disabled-for-ingestion-only" if any(said.values()) else "enabled-from-all-networks", warnings


def _shape_findings(shape: Shape, properties: Mapping[str, Any]) -> tuple[Finding, ...]:
    if shape != "F":
        return ()
    state = text(properties, "provisioningState")
    is_final = state.casefold() in {"", "succeeded", *_LEAVING, *_GIVEN_UP}
    kind = SHAPE_UNKNOWN if is_final else SHAPE_UNKNOWN_WHILE_CREATING
    return (kind.found(evidence=(f"provisioningState: {state or '(absent)'}",)),)


#: Spec: `provisioningState` is an open string, so a state in neither set counts as a change under way.
_LEAVING = frozenset({"deleting", "softdeleting", "softdeleted", "deleted"})
_GIVEN_UP = frozenset({"failed", "canceled", "cancelled"})


def _state_findings(account_id: ArmId, shape: Shape, properties: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Findings about the account's state, which affects everything else that it shows.

    Creating is not a reason to refuse: a change of tags shows the same state for up to a minute, with all resources in
    place (recorded 2023-03).
    """
    state = line(properties, "provisioningState")
    match state.casefold():
        case "" | "succeeded":
            return ()
        case leaving if leaving in _LEAVING:
            kind = ACCOUNT_LEAVING
        case given_up if given_up in _GIVEN_UP:
            kind = ACCOUNT_FAILED
        case _ if shape == "F":
            return ()  # its own finding says to wait
        case _:
            kind = ACCOUNT_CHANGING
    reason = text(mapping(mapping(properties, "accountStatus"), "errorDetails"), "message")
    evidence = [f"provisioningState: {state}", *([f"accountStatus: {safe_text(reason)}"] if reason else ())]
    return (kind.found(name=account_id.name, account=account_id, state=safe_text(state, 80), evidence=evidence),)


def read_factory_connection(answer: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The factory's location, and the id of the Purview account that it is connected to."""
    connection = mapping(mapping(answer, "properties"), "purviewConfiguration")
    return text(answer, "location") or None, text(connection, "purviewResourceId") or None


def read_listed_factory(answer: Mapping[str, Any]) -> tuple[str, str | None]:
    """A listed factory's id, and the id of the Purview account that it is connected to."""
    return text(answer, "id"), read_factory_connection(answer)[1]


def read_name(answer: Mapping[str, Any]) -> str:
    """The name of a listed resource; from its id if Azure omitted the name; empty if neither has one.

    A name becomes part of the path of later requests, so a text that cannot stand in an id (`..`, say) is not one.
    """
    for name in (text(answer, "name"), last_segment(text(answer, "id"))):
        if is_segment(name):
            return name
    return ""


def endpoint_body(resource_id: str, group_id: str) -> Json:
    """The body that creates an endpoint. Never a body read from Azure: that holds fields that Azure refuses.

    `fqdns` is sent empty as the portal does (recorded); Azure fills it in later.
    """
    return {"properties": {"privateLinkResourceId": resource_id, "groupId": group_id, "fqdns": []}}


def network_body() -> Json:
    """The body that creates a managed virtual network; Azure refuses an empty one (public code)."""
    return {"properties": {}}


def read_endpoint(answer: Mapping[str, Any], factory: str) -> Endpoint | None:
    """One managed private endpoint, from a list or from the answer to its creation; `factory` is the factory's name.

    None for an item without a name, because an endpoint can only be addressed by its name.

    Until Azure knows the state, `connectionState` holds three empty strings (recorded) or is missing (spec).
    `resourceId` is in no OpenAPI file; if present, it is the exact id of the private endpoint (public code), which is
    called `<factory>.<endpoint>` (recorded). An id of anything else is dropped, because connections are approved by
    this id. `error` is null in every recording; that it holds an object or a text after a failure is inferred.
    """
    properties, name = mapping(answer, "properties"), read_name(answer)
    if not name:
        return None
    private_endpoint_id, group_id = text(properties, "resourceId"), text(properties, "groupId")
    is_shown = is_private_endpoint(private_endpoint_id) and bears_hidden_name(private_endpoint_id, factory, name)
    return Endpoint(
        id=id_text(answer, "id"),
        name=name,
        group_id=group_id if is_group(group_id) else "",
        resource_id=id_text(properties, "privateLinkResourceId"),
        provisioning_state=text(properties, "provisioningState"),
        connection_status=text(mapping(properties, "connectionState"), "status"),
        private_endpoint_id=private_endpoint_id if is_shown else None,
        reserved=properties.get("isReserved") is True,
        error=_error_in(properties),
    )


def _error_in(properties: Mapping[str, Any]) -> str:
    said = mapping(properties, "error")
    said = mapping(said, "error") or said
    parts = [text(said, "code"), text(said, "message")] if said else [text(properties, "error")]
    return safe_text(blotted(": ".join(filter(None, parts))[:LONGEST]))


def read_runtime_kind(
    answer: Mapping[str, Any],
) -> Literal["azure", "azure-managed-vnet", "self-hosted", "ssis"] | None:
    """What kind of integration runtime this is (spec: `type`, `managedVirtualNetwork`, `ssisProperties`).

    None for list items that run no activities that report lineage, such as `type: Airflow` (docs).
    """
    properties = mapping(answer, "properties")
    if (kind := text(properties, "type").casefold()) == "selfhosted":
        return "self-hosted"
    if kind not in {"managed", ""}:
        return None
    if mapping(mapping(properties, "typeProperties"), "ssisProperties"):
        return "ssis"
    return "azure-managed-vnet" if mapping(properties, "managedVirtualNetwork") else "azure"


def _is_disabled(holder: Mapping[str, Any], key: str) -> bool:
    return text(holder, key).casefold() == "disabled"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "…"
