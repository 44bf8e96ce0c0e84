"""How the app reaches Azure: as its managed identity, or without one at an emulator on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from provisioning.settings import Settings
    from purview_mpe import Client


def make_client(settings: Settings) -> Client:
    """A client for these settings; it may be used by several invocations at once, so one per process will do.

    Signs in with `DefaultAzureCredential`, which finds the app's managed identity: the system-assigned one, or the
    user-assigned one that AZURE_CLIENT_ID names.
    """
    from purview_mpe import Client  # noqa: PLC0415 - cold starts pay for what is imported

    options: dict[str, Any] = {"cloud": settings.cloud, "user_agent": "provisioning-function-app"}
    if settings.ca_file is not None:
        options["connection_verify"] = settings.ca_file
    if settings.endpoint is not None:
        options["endpoint"] = settings.endpoint
        if urlsplit(settings.endpoint).hostname in {"127.0.0.1", "localhost"}:
            from purview_mpe.emulator import Emulator  # noqa: PLC0415 - never loaded in Azure

            # An emulator takes any bearer token; a real one has no business on a development server.
            options["credential"] = Emulator(empty=True).credential
    return Client(**options)
