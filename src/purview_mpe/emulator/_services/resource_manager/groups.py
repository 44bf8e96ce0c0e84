"""Microsoft.Resources: resource groups, and the resources in them and in a whole subscription."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import bad_request
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_factory.factories import remove_factory
from purview_mpe.emulator._services.data_factory.rules import want_tags
from purview_mpe.emulator._services.network.lives import remove_endpoint
from purview_mpe.emulator._services.purview.lifecycle import remove_account
from purview_mpe.emulator._services.versions import ANY
from purview_mpe.emulator._state import life, operations
from purview_mpe.emulator._state.access import within
from purview_mpe.emulator._state.nouns import ResourceGroup
from purview_mpe.emulator._values.exchange import ArmError, Response
from purview_mpe.emulator._values.json_values import region_of

if TYPE_CHECKING:
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.networking import NetworkResource
    from purview_mpe.emulator._state.nouns import Account, Factory, Resource, Subscription

_NAME = re.compile(r"[-\w.()]{0,89}[-\w()]")
_TYPE_FILTER = re.compile(r"resourceType eq '([^']+)'", re.IGNORECASE)


def _shown_group(subscription: Subscription, group: ResourceGroup) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": f"/subscriptions/{subscription.id}/resourceGroups/{group.name}",
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
        "tags": group.tags,
        "properties": {"provisioningState": "Succeeded"},
    }
    if group.managed_by is not None:
        shown["managedBy"] = group.managed_by
    return shown


def _list_groups(call: Call) -> Response:
    subscription = call.subscription()
    return Response(200, {"value": [_shown_group(subscription, group) for group in subscription.groups.values()]})


def _get_group(call: Call) -> Response:
    subscription = call.subscription()
    return Response(200, _shown_group(subscription, subscription.groups[call.group()]))


def _head_group(call: Call) -> Response:
    return Response(204 if call["group"].casefold() in call.subscription().groups else 404)


def _put_group(call: Call) -> Response:
    subscription, body, name = call.subscription(), call.json, call["group"]
    if not _NAME.fullmatch(name):
        raise bad_request(
            f"The provided resource group name '{name}' is invalid. It has 1 to 90 letters, digits, '-', '.', '(', "
            "')' or '_', and does not end with '.'.",
            "InvalidResourceGroup",
        )
    want_tags(body)
    location = body.get("location")
    if not isinstance(location, str) or not location:
        raise bad_request("The location property is required for this definition.", "LocationRequired")
    known = subscription.groups.get(name.casefold())
    if known is None:
        made = ResourceGroup(name, region_of(location), tags=body.get("tags") or {})
        subscription.groups[name.casefold()] = made
        return Response(201, _shown_group(subscription, made))
    if region_of(known.location) != region_of(location):
        raise ArmError(
            409,
            "InvalidResourceGroupLocation",
            f"Invalid resource group location '{location}'. The resource group already exists in location "
            f"'{known.location}'.",
        )
    known.tags = body.get("tags") or {}
    return Response(200, _shown_group(subscription, known))


def _patch_group(call: Call) -> Response:
    subscription, body = call.subscription(), call.json
    want_tags(body)
    known = subscription.groups[call.group()]
    if body.get("tags") is not None:
        known.tags = body["tags"]
    return Response(200, _shown_group(subscription, known))


def _delete_group(call: Call) -> Response:
    world, subscription, group = call.world, call.subscription(), call.group()
    lock = next((lock for lock in call.guards.locks if within(lock.scope, call.scope)), None)
    if lock is not None:
        raise ArmError(
            409,
            "ScopeLocked",
            f"The scope '{call.scope}' cannot perform delete operation because following scope(s) are locked: "
            f"'{lock.scope}'. Please remove the lock and try again.",
        )
    for factory in call.located(list(world.factories.values())):
        remove_factory(world, factory.id.key)
    for account in call.located(list(world.accounts.values())):
        remove_account(world, account.id.key)
    for resource in call.located(list(world.resources.values())):
        del world.resources[resource.id.key]
        for connection in world.connections.pop(resource.id.key, {}).values():
            life.drop_connection(world, connection)
    for endpoint in call.located(list(world.networking.endpoints.values())):
        remove_endpoint(world, endpoint)
    for found in call.located(world.networking.resources()):
        world.networking.remove(found.id.key)
    del subscription.groups[group]
    # The group is gone at once, but clients still poll for the result, as they do with Azure.
    operation = operations.begin(world, 0, lambda: None)
    result = f"{call.origin}/subscriptions/{subscription.id}/operationresults/{operation.id}"
    result += f"?api-version={call.api_version}"
    return Response(202, headers={"Location": result, "Retry-After": "0"})


def _list_resources(call: Call) -> Response:
    world = call.world
    everything: list[Factory | Account | Resource | NetworkResource] = list(world.networking.resources())
    for resources in (world.factories, world.accounts, world.resources):
        everything.extend(resources.values())
    wanted = _TYPE_FILTER.search(call.query.get("$filter", ""))
    found = [resource for resource in call.located(everything) if wanted is None or resource.id.is_a(wanted.group(1))]
    return call.page(
        sorted(found, key=lambda resource: resource.serial),
        lambda resource: resource.serial,
        lambda resource: {
            "id": str(resource.id),
            "name": resource.id.name,
            "type": resource.id.type,
            "location": resource.body.get("location"),
            "tags": resource.body.get("tags") or {},
        },
    )


_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUPS = f"{_SUBSCRIPTION}/resourceGroups"
_GROUP = f"{_GROUPS}/{{group}}"
_ACTION = "Microsoft.Resources/subscriptions/resourceGroups"
_RESOURCES_READ = "Microsoft.Resources/subscriptions/resources/read"

ROUTES = (
    Route("GET", _GROUPS, ANY, _list_groups, f"{_ACTION}/read"),
    Route("GET", _GROUP, ANY, _get_group, f"{_ACTION}/read"),
    Route("HEAD", _GROUP, ANY, _head_group, f"{_ACTION}/read"),
    Route("PUT", _GROUP, ANY, _put_group, f"{_ACTION}/write"),
    Route("PATCH", _GROUP, ANY, _patch_group, f"{_ACTION}/write"),
    Route("DELETE", _GROUP, ANY, _delete_group, f"{_ACTION}/delete"),
    Route("GET", f"{_GROUP}/resources", ANY, _list_resources, f"{_ACTION}/read"),
    Route("GET", f"{_SUBSCRIPTION}/resources", ANY, _list_resources, _RESOURCES_READ),
)
