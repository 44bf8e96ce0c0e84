"""Lineage from an activity to Purview: whether it arrives, and what the catalog then shows.

It arrives if the factory is connected to an account, its managed identity has the right to write there, and the
runtime reaches the account's ingestion resources. Types and nesting of entities are those seen in public code.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from purview_mpe.emulator._services.data_factory.runtimes import find_by_name, is_managed_by_azure, network_of
from purview_mpe.emulator._services.data_plane.catalogs import catalog_of
from purview_mpe.emulator._services.data_plane.lineage import new_entity, new_relation
from purview_mpe.emulator._values.json_values import id_of, object_of

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.access import Access
    from purview_mpe.emulator._state.nouns import Account, Factory
    from purview_mpe.emulator._state.world import World

_PLACE = "https://emulated.blob.core.windows.net"


@dataclass(frozen=True, slots=True)
class Report:
    """The lineage of one run of an activity."""

    factory: Factory
    pipeline: str
    activity: str
    ran: int
    """When the activity ended, in milliseconds since 1970."""
    has_relations: bool


def can_report(world: World, access: Access, factory: Factory, runtime: str) -> bool:
    """Whether lineage arrives from a runtime of a factory at the account that the factory is connected to."""
    account = _account_of(world, factory)
    if account is None:
        return False
    identity = object_of(factory.body.get("identity")) or {}
    catalog = catalog_of(world, access, account)
    if not catalog.allows(str(identity.get("principalId", "")), "data/write", catalog.root):
        return False
    return all(_reaches(world, factory, runtime, *target) for target in _closed(account))


def _account_of(world: World, factory: Factory) -> Account | None:
    properties = object_of(factory.body.get("properties")) or {}
    connection = object_of(properties.get("purviewConfiguration")) or {}
    account_id = id_of(connection.get("purviewResourceId"))
    return None if account_id is None else world.accounts.get(account_id.key)


def _closed(account: Account) -> list[tuple[ArmId, str]]:
    """The account's ingestion resources that are closed to public networks, with their group ids."""
    properties = account.properties
    closed: list[tuple[ArmId, str]] = []
    if properties.get("publicNetworkAccess") == "Disabled":
        closed.append((account.id, "account"))
    managed = object_of(properties.get("managedResources")) or {}
    ingestion = object_of(properties.get("ingestionStorage")) or {}
    managed_closed = properties.get("managedResourcesPublicNetworkAccess") == "Disabled"
    if ingestion.get("id"):
        storage = ingestion["id"] if ingestion.get("publicNetworkAccess") == "Disabled" else None
    else:
        storage = managed.get("storageAccount") if managed_closed else None
    namespace = managed.get("eventHubNamespace") if managed_closed else None
    for target, groups in ((storage, ("blob", "queue")), (namespace, ("namespace",))):
        if (target_id := id_of(target)) is not None:
            closed += [(target_id, group) for group in groups]
    return closed


def _reaches(world: World, factory: Factory, name: str, target: ArmId, group_id: str) -> bool:
    runtime = find_by_name(world, factory, name)
    if runtime is None:
        return False
    if not is_managed_by_azure(runtime):
        return True  # it is in the customer's own network, which the emulator does not model
    network = factory.networks.get((network_of(runtime) or "").casefold())
    return network is not None and any(
        endpoint.status == "Approved"
        and endpoint.provisioning_state == "Succeeded"
        and endpoint.group_id.casefold() == group_id
        and id_of(endpoint.target) == target
        for endpoint in network.endpoints.values()
    )


def arrive(world: World, access: Access, report: Report) -> None:
    """Add the lineage of a run to the catalog of the account that its factory is connected to."""
    account = _account_of(world, report.factory)
    if account is None:
        return
    catalog = catalog_of(world, access, account)

    def entity(kind: str, name: str, **attributes: object) -> str:
        return new_entity(world, catalog, kind, name, attributes).guid

    factory = str(report.factory.id)
    pipeline = f"{factory}/pipelines/{report.pipeline}"
    activity = f"{pipeline}/activities/{report.activity}"
    source, sink = f"{_PLACE}/{report.pipeline}/in", f"{_PLACE}/{report.pipeline}/out"
    ran = {"status": "Completed", "lastRunTime": report.ran}
    nested = [
        entity("azure_data_factory", factory),
        entity("adf_pipeline", pipeline),
        entity("adf_copy_activity", activity, **ran, rowCount=3, dataSize=128, errorMessage=""),
        entity("adf_copy_operation", f"{activity}#{sink}#azure_blob_path", **ran),
    ]
    for outer, inner in pairwise(nested):
        new_relation(world, catalog, outer, inner, contains=True)
    if report.has_relations:
        new_relation(world, catalog, entity("azure_blob_path", source), nested[-1])
        new_relation(world, catalog, nested[-1], entity("azure_blob_path", sink))
