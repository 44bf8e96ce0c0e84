"""One client for all activities of a process, so that connections and tokens are reused."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._client.client import Client


class Once:
    """Makes a client on the first call, and only one, however many threads call."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._client: Client | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client
