"""Microsoft.Resources: subscriptions, tenants and resource providers; `_groups` has resource groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.resource_manager.sign_in import DOMAIN
from purview_mpe.emulator._services.versions import ANY, PROVIDERS
from purview_mpe.emulator._values.exchange import ArmError, Response

if TYPE_CHECKING:
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.nouns import Subscription

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
        "defaultDomain": DOMAIN,
        "domains": [DOMAIN],
        "tenantCategory": "Home",
    }
    return Response(200, {"value": [shown]})


# --- resource providers


def _shown_provider(namespace: str, subscription: Subscription | None = None) -> dict[str, Any]:
    types = PROVIDERS[namespace]
    shown: dict[str, Any] = {
        "namespace": namespace,
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
    if subscription is not None:
        is_registered = namespace.casefold() not in subscription.unregistered
        shown |= {
            "id": f"/subscriptions/{subscription.id}/providers/{namespace}",
            "registrationPolicy": "RegistrationRequired",
            "registrationState": "Registered" if is_registered else "NotRegistered",
        }
    return shown


def _find_provider(call: Call) -> str:
    for namespace in PROVIDERS:
        if namespace.casefold() == call["namespace"].casefold():
            return namespace
    raise ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{call['namespace']}' is invalid.")


def _list_providers(call: Call) -> Response:
    subscription = call.subscription()
    return Response(200, {"value": [_shown_provider(namespace, subscription) for namespace in PROVIDERS]})


def _get_provider(call: Call) -> Response:
    return Response(200, _shown_provider(_find_provider(call), call.subscription()))


def _list_providers_of_tenant(_call: Call) -> Response:
    # Any signed-in caller can list the providers; only a subscription shows whether they are registered.
    return Response(200, {"value": [_shown_provider(namespace) for namespace in PROVIDERS]})


def _get_provider_of_tenant(call: Call) -> Response:
    return Response(200, _shown_provider(_find_provider(call)))


def _register_provider(call: Call) -> Response:
    subscription, namespace = call.subscription(), _find_provider(call)
    subscription.unregistered.discard(namespace.casefold())
    return Response(200, _shown_provider(namespace, subscription))


_SUBSCRIPTION = "/subscriptions/{subscription}"
_PROVIDER = f"{_SUBSCRIPTION}/providers/{{namespace}}"
_READ = "Microsoft.Resources/subscriptions/read"
_REGISTER = "Microsoft.Resources/subscriptions/providers/register/action"
_PROVIDER_READ = "Microsoft.Resources/subscriptions/providers/read"

ROUTES = (
    Route("GET", "/subscriptions", ANY, _list_subscriptions),
    Route("GET", "/tenants", ANY, _list_tenants),
    Route("GET", _SUBSCRIPTION, ANY, _get_subscription, _READ),
    Route("GET", f"{_SUBSCRIPTION}/locations", ANY, _list_locations, _READ),
    Route("GET", "/providers", ANY, _list_providers_of_tenant),
    Route("GET", "/providers/{namespace}", ANY, _get_provider_of_tenant),
    Route("GET", f"{_SUBSCRIPTION}/providers", ANY, _list_providers, _PROVIDER_READ),
    Route("GET", _PROVIDER, ANY, _get_provider, _PROVIDER_READ),
    Route("POST", f"{_PROVIDER}/register", ANY, _register_provider, _REGISTER),
)
