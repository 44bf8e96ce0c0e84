"""All operations of Azure that the emulator covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe.emulator._services.data_factory import (
    authoring,
    factories,
    managed_network,
    pipelines,
    runs,
    runtimes,
)
from purview_mpe.emulator._services.data_plane import collections, entities, policies
from purview_mpe.emulator._services.network import (
    common,
    links,
    private_endpoints,
    virtual_networks,
    zone_groups,
    zones,
)
from purview_mpe.emulator._services.purview import accounts, ingestion
from purview_mpe.emulator._services.resource_manager import authorization, groups, operations, sign_in, subscriptions
from purview_mpe.emulator._services.targets import event_hubs, storage

if TYPE_CHECKING:
    from purview_mpe.emulator._http.router import Route

ALL_ROUTES: tuple[Route, ...] = (
    *factories.ROUTES,
    *managed_network.ROUTES,
    *pipelines.ROUTES,
    *runs.ROUTES,
    *runtimes.ROUTES,
    *authoring.ROUTES,
    *accounts.ROUTES,
    *ingestion.ROUTES,
    *policies.ROUTES,
    *collections.ROUTES,
    *entities.ROUTES,
    *storage.ROUTES,
    *event_hubs.ROUTES,
    *virtual_networks.ROUTES,
    *private_endpoints.ROUTES,
    *zone_groups.ROUTES,
    *zones.ROUTES,
    *links.ROUTES,
    *common.ROUTES,
    *authorization.ROUTES,
    *subscriptions.ROUTES,
    *groups.ROUTES,
    *operations.ROUTES,
    *sign_in.ROUTES,
)
