"""What clients use before they reach Azure Resource Manager: cloud metadata, sign-in, managed identity.

All of it has one origin, the one in the client's request. Secrets are not checked: every request gets a token of the
caller with the given client id, or of the default caller.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._state.access import LIFETIME
from purview_mpe.emulator._values.exchange import ArmError, Response
from purview_mpe.emulator._values.json_values import object_of, read_json

if TYPE_CHECKING:
    from purview_mpe.emulator._http.call import Call

DOMAIN = "emulator.onmicrosoft.com"
_AUDIENCE = "https://management.core.windows.net/"

# Grants without a browser.
_GRANTS = frozenset({"client_credentials", "password", "refresh_token"})


def _metadata(call: Call) -> Response:
    cloud = _cloud(call)
    version = call.query.get("api-version", "")
    # One object in the oldest and the newest versions, a list of clouds in those between (seen in public
    # code).
    is_list = "2018-05-01" < version < "2022-09-01"
    return Response(200, [cloud] if is_list else cloud)


def _cloud(call: Call) -> dict[str, Any]:
    origin = call.origin
    return {
        "name": "AzureCloud",
        "portal": "https://portal.azure.com",
        "authentication": {
            "loginEndpoint": f"{origin}/",
            "audiences": [_AUDIENCE, "https://management.azure.com/", f"{origin}/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": f"{origin}/",
        "gallery": f"{origin}/",
        "media": "https://rest.media.azure.net",
        "graph": f"{origin}/",
        "graphAudience": "https://graph.windows.net/",
        "microsoftGraphResourceId": "https://graph.microsoft.com/",
        "batch": "https://batch.core.windows.net/",
        "sqlManagement": "https://management.core.windows.net:8443/",
        "vmImageAliasDoc": f"{origin}/aliases.json",
        "activeDirectoryDataLake": "https://datalake.azure.net/",
        "logAnalyticsResourceId": "https://api.loganalytics.io",
        "appInsightsResourceId": "https://api.applicationinsights.io",
        "appInsightsTelemetryChannelResourceId": "https://dc.applicationinsights.azure.com/v2/track",
        "ossrDbmsResourceId": "https://ossrdbms-aad.database.windows.net",
        "attestationResourceId": "https://attest.azure.net",
        "synapseAnalyticsResourceId": "https://dev.azuresynapse.net",
        "suffixes": {
            "storage": "core.windows.net",
            "keyVaultDns": "vault.azure.net",
            "sqlServerHostname": "database.windows.net",
            "acrLoginServer": "azurecr.io",
            "azureDataLakeStoreFileSystem": "azuredatalakestore.net",
            "azureDataLakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
            "azureFrontDoorEndpointSuffix": "azurefd.net",
            "storageSyncEndpointSuffix": "afs.azure.net",
            "mhsmDns": "managedhsm.azure.net",
            "mysqlServerEndpoint": "mysql.database.azure.com",
            "postgresqlServerEndpoint": "postgres.database.azure.com",
            "mariadbServerEndpoint": "mariadb.database.azure.com",
            "synapseAnalytics": "dev.azuresynapse.net",
            "attestationEndpoint": "attest.azure.net",
        },
        # In the spelling of the oldest versions.
        "galleryEndpoint": f"{origin}/",
        "graphEndpoint": "https://graph.windows.net/",
        "portalEndpoint": "https://portal.azure.com/",
    }


def _instance_discovery(call: Call) -> Response:
    host = urlsplit(call.origin).netloc
    tenant = call.world.tenant
    return Response(
        200,
        {
            "tenant_discovery_endpoint": f"{call.origin}/{tenant}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        },
    )


def _openid_configuration(call: Call) -> Response:
    tenant, origin = _tenant(call), call.origin
    version = "/v2.0" if "v2.0" in call.segments else ""
    return Response(
        200,
        {
            "issuer": f"{origin}/{tenant}{version}",
            "authorization_endpoint": f"{origin}/{tenant}/oauth2{version}/authorize",
            "token_endpoint": f"{origin}/{tenant}/oauth2{version}/token",
            "device_authorization_endpoint": f"{origin}/{tenant}/oauth2{version}/devicecode",
            "end_session_endpoint": f"{origin}/{tenant}/oauth2{version}/logout",
            "jwks_uri": f"{origin}/{tenant}/discovery{version}/keys",
            "token_endpoint_auth_methods_supported": [
                "client_secret_post",
                "private_key_jwt",
                "client_secret_basic",
            ],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "response_types_supported": ["code", "id_token", "code id_token", "token id_token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "tenant_region_scope": "EU",
            "cloud_instance_name": urlsplit(origin).netloc,
        },
    )


def _keys(_call: Call) -> Response:
    # The tokens are not signed, so they cannot be verified with a key.
    return Response(200, {"keys": []})


def _token(call: Call) -> Response:
    form = dict(parse_qsl(call.request.content.decode(errors="replace")))
    if not form:
        form = {key: str(value) for key, value in (object_of(read_json(call.request)) or {}).items()}
    grant = form.get("grant_type", "")
    if grant not in _GRANTS:
        raise _refused(call, "unsupported_grant_type", f"AADSTS70003: The emulator does not grant '{grant}'.")
    if "client_id" not in form:
        raise _refused(call, "invalid_request", "AADSTS900144: The request body must contain 'client_id'.")
    _tenant(call)
    caller = call.access.with_client_id(form["client_id"])
    is_v2 = "v2.0" in call.segments
    audience = form.get("resource") or form.get("scope", _AUDIENCE).split(" ")[0].removesuffix("/.default")
    answer: dict[str, Any] = {
        "token_type": "Bearer",
        "expires_in": LIFETIME,
        "ext_expires_in": LIFETIME,
        "access_token": call.access.token(caller, audience),
    }
    if not is_v2:
        answer |= _as_text(answer, audience)
    if grant != "client_credentials":
        answer |= {"scope": f"{audience}/user_impersonation", "refresh_token": call.access.token(caller)}
    return Response(200, answer)


def _managed_identity(call: Call) -> Response:
    headers = call.request.headers
    # The endpoint of virtual machines requires the first, App Service's the second, its oldest version the third.
    is_meant = headers.get("metadata", "").casefold() == "true" or "x-identity-header" in headers or "secret" in headers
    if not is_meant:
        raise _refused(call, "invalid_request", "Required metadata header not specified")
    resource = call.query.get("resource")
    if not resource:
        raise _refused(call, "invalid_request", "Required query variable 'resource' is missing")
    caller = call.access.with_client_id(call.query.get("client_id", ""))
    answer: dict[str, Any] = {
        "access_token": call.access.token(caller, resource),
        "client_id": caller.client_id,
        "expires_in": LIFETIME,
        "token_type": "Bearer",
    }
    return Response(200, answer | _as_text(answer, resource))


def _as_text(answer: dict[str, Any], resource: str) -> dict[str, Any]:
    """Further fields of the older endpoints, which send numbers as text."""
    now = int(time.time())
    return {
        "expires_in": str(answer["expires_in"]),
        "expires_on": str(now + LIFETIME),
        "not_before": str(now - 300),
        "resource": resource,
    }


def _tenant(call: Call) -> str:
    given, tenant = call["tenant"], call.world.tenant
    if given.casefold() not in {"common", "organizations", "consumers", DOMAIN, tenant.casefold()}:
        raise _refused(call, "invalid_request", f"AADSTS90002: Tenant '{given}' not found.")
    return tenant


def _refused(call: Call, error: str, description: str) -> ArmError:
    """A refusal in the shape of the sign-in service, which is not Azure Resource Manager's."""
    refusal = ArmError(400, error, description)
    refusal.response.body = {
        "error": error,
        "error_description": description,
        "error_codes": [],
        "timestamp": call.world.stamp(),
        "trace_id": call.world.guid(),
        "correlation_id": call.world.guid(),
    }
    return refusal


ROUTES = (
    Route("GET", "/metadata/endpoints", None, _metadata, anonymous=True),
    Route("GET", "/metadata/identity/oauth2/token", None, _managed_identity, anonymous=True),
    Route("GET", "/msi/token", None, _managed_identity, anonymous=True),
    Route("GET", "/{tenant}/discovery/instance", None, _instance_discovery, anonymous=True),
    Route("GET", "/{tenant}/.well-known/openid-configuration", None, _openid_configuration, anonymous=True),
    Route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", None, _openid_configuration, anonymous=True),
    Route("GET", "/{tenant}/discovery/keys", None, _keys, anonymous=True),
    Route("GET", "/{tenant}/discovery/v2.0/keys", None, _keys, anonymous=True),
    Route("POST", "/{tenant}/oauth2/token", None, _token, anonymous=True),
    Route("POST", "/{tenant}/oauth2/v2.0/token", None, _token, anonymous=True),
)
