"""The collections and domains of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_plane.catalogs import check, enter
from purview_mpe.emulator._services.versions import COLLECTIONS, DOMAINS
from purview_mpe.emulator._values.exchange import ArmError, Response

if TYPE_CHECKING:
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.catalog import Collection


def _shown(collection: Collection) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": collection.name,
        "friendlyName": collection.friendly_name,
        "description": collection.description,
        "systemData": {
            "createdAt": collection.created_at,
            "createdByType": "Application",
            "lastModifiedAt": collection.created_at,
            "lastModifiedByType": "Application",
        },
        "collectionProvisioningState": "Succeeded",
    }
    # The root collection has no such property (recorded 2022-02).
    if collection.parent is not None:
        shown["parentCollection"] = {"type": "CollectionReference", "referenceName": collection.parent}
    return shown


def _list(call: Call) -> Response:
    catalog = enter(call)
    check(call, catalog, "collection/read")
    value = [_shown(collection) for collection in catalog.collections.values()]
    return Response(200, {"value": value, "count": len(value)})


def _get(call: Call) -> Response:
    catalog = enter(call)
    check(call, catalog, "collection/read")
    for collection in catalog.collections.values():
        if collection.name.casefold() == call["collection"].casefold():
            return Response(200, _shown(collection))
    raise ArmError(404, "1003", f"The collection '{call['collection']}' could not be found.")


def _list_domains(call: Call) -> Response:
    catalog = enter(call)
    check(call, catalog, "collection/read")
    account = call.world.accounts[catalog.account.key]
    domain = account.properties.get("defaultDomain")
    value = [{"name": domain, "friendlyName": account.id.name, "containerType": "Domain"}] if domain else []
    return Response(200, {"value": value, "count": len(value)})


_ACCOUNT = "/purview/{account}/account"

ROUTES = (
    Route("GET", f"{_ACCOUNT}/collections", COLLECTIONS, _list, is_data_plane=True),
    Route("GET", f"{_ACCOUNT}/collections/{{collection}}", COLLECTIONS, _get, is_data_plane=True),
    Route("GET", f"{_ACCOUNT}/domains", DOMAINS, _list_domains, is_data_plane=True),
)
