"""How the app reaches Azure: as one managed identity that creates, and perhaps another one that approves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleets.settings import Settings
    from purview_mpe import Client


def make_client(settings: Settings, identity: str | None = None) -> Client:
    """A client that signs in with the app's managed identity, or with the user-assigned one of this client id."""
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - cold starts pay for what is imported

    from purview_mpe import Budget, Client  # noqa: PLC0415 - as above

    credential = DefaultAzureCredential(managed_identity_client_id=identity) if identity else None
    return Client(credential, cloud=settings.cloud, budget=Budget(settings.share), user_agent="fleets-function-app")
