"""Azure Resource Manager around Purview and Data Factory, emulated: in this process, or served over HTTPS.

    from purview_mpe.emulator import Emulator, Fault

    emulator = Emulator()
    client = DataFactoryManagementClient(emulator.credential, subscription, transport=emulator.transport())
    emulator.inject(Fault.status("PUT", 429, times=2, retry_after=1))

It shares only the parser of resource ids with the library, because a fake that shares code with the library cannot
check it. To requests that it does not cover it answers 501 with the name of the route.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from purview_mpe.emulator._control.catalogs import Catalogs, EntityView
    from purview_mpe.emulator._control.networks import Networks, PrivateDnsZoneView, PrivateEndpointView
    from purview_mpe.emulator._control.views import ConnectionView, EndpointView
    from purview_mpe.emulator._emulator import Emulator
    from purview_mpe.emulator._http.faults import Fault
    from purview_mpe.emulator._http.server import Server
    from purview_mpe.emulator._state.access import Role
    from purview_mpe.emulator._state.answers import Answers
    from purview_mpe.emulator._state.clock import Clock, RealClock, VirtualClock
    from purview_mpe.emulator._state.settings import Reads
    from purview_mpe.emulator._state.times import Times
    from purview_mpe.emulator._values.exchange import Exchange, RecordedRequest
    from purview_mpe.emulator._values.problems import InvalidScenario, MissingExtra

# Loaded on first use: the pytest plugin is in this package, and every pytest run loads the plugin.
_HOMES = {
    **dict.fromkeys(("Catalogs", "EntityView"), "_control.catalogs"),
    **dict.fromkeys(("Networks", "PrivateDnsZoneView", "PrivateEndpointView"), "_control.networks"),
    **dict.fromkeys(("ConnectionView", "EndpointView"), "_control.views"),
    "Emulator": "_emulator",
    "Fault": "_http.faults",
    "Server": "_http.server",
    "Role": "_state.access",
    "Answers": "_state.answers",
    "Times": "_state.times",
    **dict.fromkeys(("Clock", "RealClock", "VirtualClock"), "_state.clock"),
    "Reads": "_state.settings",
    **dict.fromkeys(("Exchange", "RecordedRequest", "Response"), "_values.exchange"),
    **dict.fromkeys(("InvalidScenario", "MissingExtra"), "_values.problems"),
}

__all__ = [
    "Answers",
    "Catalogs",
    "Clock",
    "ConnectionView",
    "Emulator",
    "EndpointView",
    "EntityView",
    "Exchange",
    "Fault",
    "InvalidScenario",
    "MissingExtra",
    "Networks",
    "PrivateDnsZoneView",
    "PrivateEndpointView",
    "Reads",
    "RealClock",
    "RecordedRequest",
    "Role",
    "Server",
    "Times",
    "VirtualClock",
]


def __getattr__(name: str) -> object:
    if (home := _HOMES.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
