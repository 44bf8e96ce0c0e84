"""A running client that creates the endpoints of one more factory, against the unavoidable round trips."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from purview_mpe import Client, Spec

from .figures import Figure, figure
from .processes import served

if TYPE_CHECKING:
    from collections.abc import Iterator

_LATENCY = 0.1
#: One round trip to read, which must end before the first write, and one to write.
_ROUND_TRIPS = 2


class _Emulated:
    """A credential for the emulator that has its token already."""

    def get_token_info(self, *_scopes: str, options: object = None) -> object:  # noqa: ARG002 - azure-core's signature
        from azure.core.credentials import AccessTokenInfo

        return AccessTokenInfo("emulator", int(time.time()) + 3600)


def measure(rounds: int) -> Iterator[Figure]:
    """The median of several factories after a first one, over HTTPS."""
    with served(factories=rounds + 1, latency=_LATENCY, provisioning=0) as azure:
        seconds: list[float] = []
        with Client(_Emulated(), endpoint=azure.url, connection_verify=azure.ca_file) as client:
            for factory in azure.factories:
                spec = Spec(factory=factory, account=azure.account, name="pv")
                began = time.perf_counter()
                client.create_all(spec).raise_for_failures()
                seconds.append(time.perf_counter() - began)
    yield figure(
        "warm",
        "create all with a client at work, 100 ms per request",
        statistics.median(seconds[1:]),
        "s",
        baseline=_ROUND_TRIPS * _LATENCY,
        against="two round trips",
    )
