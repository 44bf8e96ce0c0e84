"""How the app reaches Azure: as one managed identity that creates, and perhaps another one that approves.

At an emulator on this machine it needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from fleets.settings import Settings
    from purview_mpe import Client


def make_client(settings: Settings, identity: str | None = None) -> Client:
    """A client that signs in with the app's managed identity, or with the user-assigned one of this client id."""
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - cold starts pay for what is imported

    from purview_mpe import Budget, Client  # noqa: PLC0415 - as above

    options: dict[str, Any] = {
        "cloud": settings.cloud,
        "budget": Budget(settings.share),
        "user_agent": "fleets-function-app",
    }
    if identity is not None:
        options["credential"] = DefaultAzureCredential(managed_identity_client_id=identity)
    if settings.ca_file is not None:
        options["connection_verify"] = settings.ca_file
    if settings.endpoint is not None:
        options["endpoint"] = settings.endpoint
        if urlsplit(settings.endpoint).hostname in {"127.0.0.1", "localhost"}:
            from purview_mpe.emulator import Emulator  # noqa: PLC0415 - never loaded in Azure

            # An emulator takes any bearer token; a real one has no business on a development server.
            options["credential"] = Emulator(empty=True).credential
    return Client(**options)
