"""The `connect` function for the tasks of `dask_fleet`, in a module that Dask's workers can import."""

from __future__ import annotations

import os
from typing import Any

from purview_mpe import Budget, Client
from purview_mpe.emulator import Emulator


def connect(*, share: float, **settings: Any) -> Client:
    """A client of the served emulator; its requests name the process that sends them."""
    credential = Emulator(empty=True).credential
    return Client(credential, budget=Budget(share), user_agent=f"pid-{os.getpid()}", **settings)
