"""A Functions worker from its start to its first answer: `worker.py APP [quick] FACTORY ACCOUNT NAME`.

The sample app in the folder APP is loaded, and its function `plan` is called.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import azure.functions as func

from purview_mpe import quick_start


def connect(_settings: Any) -> Any:
    """A client that signs in as in Azure; the app itself signs in to an emulator in another way."""
    from purview_mpe import Client

    return Client(endpoint=os.environ["AZURE_ENDPOINT"])


def main(app: str, *arguments: str) -> None:
    """Answer one request."""
    *quick, factory, account, name = arguments
    sys.path.insert(0, app)
    if quick:
        quick_start()  # as the app's function_app.py does
    build = importlib.import_module("provisioning.doors").build
    made = build({"PURVIEW_MPE_FACTORY": factory, "PURVIEW_MPE_ACCOUNT": account, "PURVIEW_MPE_NAME": name}, connect)
    functions = {each.get_function_name(): each.get_user_function() for each in made.get_functions()}
    answer = functions["plan"](func.HttpRequest(method="GET", url="/api/plan", body=b""))
    assert answer.status_code == 200


if __name__ == "__main__":
    main(*sys.argv[1:])
