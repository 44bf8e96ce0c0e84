"""Azure Resource Manager around Purview and Data Factory, emulated: in this process, or served over HTTPS.

    from purview_mpe.emulator import Emulator, Fault

    emulator = Emulator()
    client = DataFactoryManagementClient(emulator.credential, subscription, transport=emulator.transport())
    emulator.inject(Fault.status("PUT", 429, times=2, retry_after=1))

It shares no code with the library but the parser of resource ids: a fake that shares code with what it
checks proves nothing. What it does not cover it answers with 501 and the name of the route.
"""

from __future__ import annotations

import inspect as _inspect
from contextlib import suppress as _suppress

from purview_mpe.emulator._emulator import Emulator
from purview_mpe.emulator._http.exchange import Exchange, RecordedRequest, Response
from purview_mpe.emulator._http.faults import Fault
from purview_mpe.emulator._http.server import MissingExtra, Server
from purview_mpe.emulator._scenario.schema import InvalidScenario
from purview_mpe.emulator._state.access import Role
from purview_mpe.emulator._state.clock import Clock, RealClock, VirtualClock
from purview_mpe.emulator._state.settings import Reads
from purview_mpe.emulator._views import ConnectionView, EndpointView

__all__ = [
    "Clock",
    "ConnectionView",
    "Emulator",
    "EndpointView",
    "Exchange",
    "Fault",
    "InvalidScenario",
    "MissingExtra",
    "Reads",
    "RealClock",
    "RecordedRequest",
    "Role",
    "Server",
    "VirtualClock",
]

for _thing in (*[globals()[_name] for _name in __all__], Response):  # a pickled fault holds its response
    # Reprs and pickles name this module, which outlives the files below it. Type hints are looked up in the module that
    # a class names, so they are resolved before; some of them name what is imported for type checkers alone.
    with _suppress(NameError):
        _thing.__annotations__ = _inspect.get_annotations(_thing, eval_str=True)
    _thing.__module__ = __name__
