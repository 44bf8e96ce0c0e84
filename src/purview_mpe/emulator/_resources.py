"""Microsoft.Resources: subscriptions, tenants, resource groups and resource providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._exchange import ArmError, Response
from purview_mpe.emulator._router import Route
from purview_mpe.emulator._versions import ANY, PROVIDERS

if TYPE_CHECKING:
    from purview_mpe.emulator._call import Call
    from purview_mpe.emulator._nouns import Account, Factory, Resource, ResourceGroup, Subscription

_REGIONS = ("West Europe", "North Europe", "East US", "East US 2", "West US 2", "Southeast Asia")


def _shown_subscription(call: Call, subscription: Subscription) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{subscription.id}",
        "subscriptionId": subscription.id,
        "tenantId": call.world.tenant,
        "displayName": subscription.name,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
    }


def _list_subscriptions(call: Call) -> Response:
    mine = [
        _shown_subscription(call, subscription)
        for subscription in call.world.subscriptions.values()
        if not subscription.of_microsoft and call.access.sees(call.caller, f"/subscriptions/{subscription.id}")
    ]
    return Response(200, {"value": mine, "count": {"type": "Total", "value": len(mine)}})


def _get_subscription(call: Call) -> Response:
    return Response(200, _shown_subscription(call, call.subscription()))


def _list_locations(call: Call) -> Response:
    found = call.subscription()
    value: list[dict[str, Any]] = [
        {
            "id": f"/subscriptions/{found.id}/locations/{region.replace(' ', '').lower()}",
            "name": region.replace(" ", "").lower(),
            "displayName": region,
            "regionalDisplayName": region,
            "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
        }
        for region in _REGIONS
    ]
    return Response(200, {"value": value})


def _list_tenants(call: Call) -> Response:
    tenant = call.world.tenant
    shown: dict[str, Any] = {
        "id": f"/tenants/{tenant}",
        "tenantId": tenant,
        "displayName": "Emulated directory",
        "defaultDomain": "emulator.onmicrosoft.com",
        "domains": ["emulator.onmicrosoft.com"],
        "tenantCategory": "Home",
    }
    return Response(200, {"value": [shown]})


# --- resource groups


def _shown_group(subscription: Subscription, group: ResourceGroup) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": f"/subscriptions/{subscription.id}/resourceGroups/{group.name}",
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
        "tags": {},
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


def _list_of_group(call: Call) -> Response:
    call.group()
    world = call.world
    everything: list[Factory | Account | Resource] = []
    for resources in (world.factories, world.accounts, world.resources):
        everything.extend(resources.values())
    found = call.located(everything)
    return call.page(
        sorted(found, key=lambda resource: resource.serial),
        lambda resource: resource.serial,
        lambda resource: {
            "id": str(resource.id),
            "name": resource.id.name,
            "type": resource.id.type,
            "location": resource.body.get("location"),
        },
    )


# --- resource providers


def _shown_provider(subscription: Subscription, namespace: str) -> dict[str, Any]:
    types = PROVIDERS[namespace]
    is_registered = namespace.casefold() not in subscription.unregistered
    return {
        "id": f"/subscriptions/{subscription.id}/providers/{namespace}",
        "namespace": namespace,
        "registrationPolicy": "RegistrationRequired",
        "registrationState": "Registered" if is_registered else "NotRegistered",
        "resourceTypes": [
            {
                "resourceType": kind,
                "locations": list(_REGIONS),
                "apiVersions": sorted(versions, reverse=True),
                "capabilities": "None",
            }
            for kind, versions in types.items()
        ],
    }


def _find_provider(call: Call) -> str:
    for namespace in PROVIDERS:
        if namespace.casefold() == call["namespace"].casefold():
            return namespace
    raise ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{call['namespace']}' is invalid.")


def _list_providers(call: Call) -> Response:
    subscription = call.subscription()
    return Response(200, {"value": [_shown_provider(subscription, namespace) for namespace in PROVIDERS]})


def _get_provider(call: Call) -> Response:
    return Response(200, _shown_provider(call.subscription(), _find_provider(call)))


def _register_provider(call: Call) -> Response:
    subscription, namespace = call.subscription(), _find_provider(call)
    subscription.unregistered.discard(namespace.casefold())
    return Response(200, _shown_provider(subscription, namespace))


_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{group}}"
_PROVIDER = f"{_SUBSCRIPTION}/providers/{{namespace}}"
_READ = "Microsoft.Resources/subscriptions/read"
_GROUP_READ = "Microsoft.Resources/subscriptions/resourceGroups/read"
_REGISTER = "Microsoft.Resources/subscriptions/providers/register/action"
_PROVIDER_READ = "Microsoft.Resources/subscriptions/providers/read"

ROUTES = (
    Route("GET", "/subscriptions", ANY, _list_subscriptions),
    Route("GET", "/tenants", ANY, _list_tenants),
    Route("GET", _SUBSCRIPTION, ANY, _get_subscription, _READ),
    Route("GET", f"{_SUBSCRIPTION}/locations", ANY, _list_locations, _READ),
    Route("GET", f"{_SUBSCRIPTION}/resourceGroups", ANY, _list_groups, _GROUP_READ),
    Route("GET", _GROUP, ANY, _get_group, _GROUP_READ),
    Route("HEAD", _GROUP, ANY, _head_group, _GROUP_READ),
    Route("GET", f"{_GROUP}/resources", ANY, _list_of_group, _GROUP_READ),
    Route("GET", f"{_SUBSCRIPTION}/providers", ANY, _list_providers, _PROVIDER_READ),
    Route("GET", _PROVIDER, ANY, _get_provider, _PROVIDER_READ),
    Route("POST", f"{_PROVIDER}/register", ANY, _register_provider, _REGISTER),
)
