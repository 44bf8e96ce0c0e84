"""Puts the app together.

Nothing here, nor in what it imports, loads pydantic or an Azure SDK: the host imports this at every cold start.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import azure.functions as func

from provisioning import approver, requester
from provisioning.clients import make_client
from provisioning.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from purview_mpe import Client


def build(environment: Mapping[str, str], connect: Callable[[Settings], Client] = make_client) -> func.FunctionApp:
    """The app for these settings. `connect` makes its client, once, when it is first needed.

    Raises:
        WrongSettings: a setting is missing or wrong.
    """
    settings = Settings.of(environment)
    # Two first invocations at once may each make one; the later one is kept, and no harm is done.
    client = functools.cache(lambda: connect(settings))
    door = approver if settings.person == "approver" else requester
    app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
    app.register_functions(door.blueprint(settings, client))
    return app
