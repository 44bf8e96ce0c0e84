"""Scenarios: the present state of an emulator as a document, to continue from later."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.fault_words import words_of
from purview_mpe.emulator._scenario.data_planes import dump_data_plane
from purview_mpe.emulator._scenario.networks import dump_networks
from purview_mpe.emulator._services.purview.lifecycle import life_of
from purview_mpe.emulator._state.settings import Reads

if TYPE_CHECKING:
    from purview_mpe.emulator._http.faults import Faults
    from purview_mpe.emulator._state.access import Access, Role
    from purview_mpe.emulator._state.guards import Denial, Guards, Lock
    from purview_mpe.emulator._state.nouns import Account, Connection, Endpoint, Factory, Pipeline, PipelineRun
    from purview_mpe.emulator._state.settings import Settings
    from purview_mpe.emulator._state.world import World


def dump(world: World, access: Access, guards: Guards, faults: Faults, options: dict[str, Any]) -> dict[str, Any]:
    """The document; `options` are the emulator's options that are not in its settings."""
    owned = {id(endpoint.connection) for endpoint in world.endpoints() if endpoint.connection}
    owned |= {id(endpoint.connection) for endpoint in world.networking.endpoints.values()}
    document: dict[str, Any] = {
        "emulator": {**_options(world.settings), "tenant": world.tenant, **options},
        "subscriptions": [
            {
                "id": one.id,
                "name": one.name,
                "of_microsoft": one.of_microsoft,
                "unregistered": sorted(one.unregistered),
            }
            for one in world.subscriptions.values()
        ],
        "resource_groups": [
            {
                "subscription": one.id,
                "name": group.name,
                "location": group.location,
                "managed_by": group.managed_by,
                "tags": group.tags,
            }
            for one in world.subscriptions.values()
            for group in one.groups.values()
        ],
        "accounts": [_dump_account(world, account) for account in world.accounts.values()],
        "factories": [_dump_factory(world, factory) for factory in world.factories.values()],
        "connections": [
            _dump_connection(connection)
            for connections in world.connections.values()
            for connection in connections.values()
            if id(connection) not in owned
        ],
        "networks": dump_networks(world),
        "callers": [
            {
                "name": caller.name,
                "client_id": caller.client_id,
                "object_id": caller.object_id,
                "inside_network": caller.is_inside,
                "roles": [
                    *(_dump_role(scope, role) for scope, role in caller.assignments if caller is not access.default),
                    *({"role": role, **_at(scope)} for scope, role in caller.collection_roles),
                ],
            }
            for caller in access.callers.values()
            # The policies of accounts name the default caller by its id.
            if caller is not access.default or world.catalogs
        ],
        "locks": [_dump_lock(lock) for lock in guards.locks],
        "denials": [_dump_denial(denial) for denial in guards.denials],
        "faults": [words_of(fault, left) for fault, left in faults.armed if fault.kind != "rewrite"],
    }
    # A copy, so that the document does not change with the emulator.
    copied: dict[str, Any] = json.loads(json.dumps(document))
    return copied


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "provisioning": _span_words(settings.provisioning),
        "connection_delay": _span_words(settings.connection_delay),
        "deletion": _span_words(settings.deletion),
        "refresh_delay": _span_words(settings.refresh_delay),
        "latency": _span_words(settings.latency),
        "page_size": settings.page_size,
        "absent_status": settings.absent_status,
        # The document holds the existing ones; loading it must not add more.
        "foreign_connections": 0,
        "reveal_private_endpoint_ids": settings.reveal_private_endpoint_ids,
        "ingestion_accepts": settings.ingestion_accepts,
        "namespace_approval": settings.namespace_approval,
        "storage_busy": settings.storage_busy,
        "deletion_lingers": settings.deletion_lingers,
        "entity_limit": settings.entity_limit,
        "cloud": settings.cloud,
        "storage_connection_limit": settings.storage_connection_limit,
        "namespace_connection_limit": settings.namespace_connection_limit,
        "answers": asdict(settings.answers),
        "times": asdict(settings.times),
    }


def _span_words(span: Any) -> Any:
    match span:
        case Reads(count):
            return {"reads": count}
        case dict():
            return {group: _span_words(one) for group, one in span.items()}  # pyright: ignore[reportUnknownVariableType]  JSON
        case (low, high):
            return [low, high]
        case _:
            return span


def _dump_account(world: World, account: Account) -> dict[str, Any]:
    body, life = account.becoming or account.body, life_of(account)
    if life == "changing":
        body = {**body, "properties": {**body["properties"], "provisioningState": "Succeeded"}}
    dumped: dict[str, Any] = {"body": body, **({"life": life} if life else {})}
    if account.creator:
        dumped["creator"] = account.creator
    if (catalog := world.catalogs.get(account.id.key)) is not None:
        dumped["data_plane"] = dump_data_plane(catalog)
    return dumped


def _dump_factory(world: World, factory: Factory) -> dict[str, Any]:
    return {
        "body": {"id": str(factory.id), **factory.body},
        "managed_vnet": bool(factory.networks),
        "network": next((network.name for network in factory.networks.values()), "default"),
        "runtimes": [{"name": one.name, "properties": one.properties} for one in factory.runtimes.values()],
        "endpoints": [_dump_endpoint(endpoint) for endpoint in world.endpoints(factory)],
        "pipelines": [_dump_pipeline(one) for one in factory.pipelines.values()],
        "runs": [_dump_run(world, run) for run in factory.runs.values()],
    }


def _dump_pipeline(pipeline: Pipeline) -> dict[str, Any]:
    return {name: value for name, value in asdict(pipeline).items() if name != "serial"}


def _dump_run(world: World, run: PipelineRun) -> dict[str, Any]:
    return {
        "pipeline": run.body["pipelineName"],
        "status": run.body["status"],
        "ago": max(world.now() - run.last_updated, 0),
        "activities": [
            {
                "name": activity["activityName"],
                "activity_type": activity["activityType"],
                "status": activity["status"],
                # Its lineage status is part of the output.
                "lineage_status": None,
                "output": activity["output"],
            }
            for activity in run.activities
        ],
    }


def _dump_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    connection = endpoint.connection
    return {
        "name": endpoint.name,
        "target": endpoint.target,
        "group_id": endpoint.group_id,
        "provisioning_state": endpoint.provisioning_state,
        "status": endpoint.status,
        "reserved": endpoint.reserved,
        "private_endpoint_id": endpoint.private_endpoint_id,
        "connection": connection
        and {"name": connection.name, "status": connection.status, "description": connection.description},
    }


def _dump_connection(connection: Connection) -> dict[str, Any]:
    return {
        "target": str(connection.target),
        "private_endpoint_id": connection.private_endpoint_id,
        "name": connection.name,
        "description": connection.description,
        "status": connection.status,
        "group_id": connection.group_id,
    }


def _dump_role(scope: str, role: Role) -> dict[str, Any]:
    return {
        "role": role.name,
        "actions": list(role.actions),
        "not_actions": list(role.not_actions),
        **_at(scope),
    }


def _at(scope: str) -> dict[str, str]:
    return {"scope": scope} if scope else {}


def _dump_lock(lock: Lock) -> dict[str, Any]:
    return {"scope": lock.scope, "level": lock.level, "name": lock.name, "deletion_ends": lock.deletion_ends}


def _dump_denial(denial: Denial) -> dict[str, Any]:
    return {"kind": denial.kind, "scope": denial.scope, "actions": denial.actions, "name": denial.name}
