"""The synchronous transport: azure-core's own, with a connection pool as large as our concurrency."""

from __future__ import annotations

from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter


class PooledTransport(RequestsTransport):  # type: ignore[misc]  # azure-core exports it lazily, and so untyped
    """azure-core over one session; its default pool keeps 10 connections and drops the others after each request."""

    def __init__(self, pool_size: int, **options: Any) -> None:
        session = requests.Session()
        # No retries here: the pipeline's retry policy does that, and counts.
        session.mount("https://", HTTPAdapter(pool_connections=4, pool_maxsize=pool_size, max_retries=0))
        base: Any = super()
        base.__init__(session=session, session_owner=True, **options)
