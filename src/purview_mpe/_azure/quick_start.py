"""`quick_start`: a shorter cold start for a process that belongs to its caller. The library never calls it.

It changes the process in ways that a library must not use without being asked:

- The SDKs' operations are imported without their modules `types` and `models` (`empty_modules`). An answer that an
  operation reads imports its models, or defines its own alone where an SDK has a thousand (`single_classes`). Nothing
  that the library does imports the types.
- The package cryptography, which `azure.identity` needs for certificates, and asyncio are imported when they are used
  (`deferred_imports`).
- The garbage collector rarely runs until the SDKs are imported, and never looks at them afterwards.
- A client asks for its token when it is made. Meanwhile the code of the first verb is imported, and a thread imports
  the SDKs that almost all verbs need.

Imports neither an SDK nor pydantic.
"""

from __future__ import annotations

import atexit
import gc
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from purview_mpe._azure import deferred_imports, empty_modules, loading
from purview_mpe._model.public import public

if TYPE_CHECKING:
    from purview_mpe._azure.clients import Azure
    from purview_mpe._azure.options import Colour

#: The SDKs in the order in which verbs need them: almost all read the account and the factory.
_AHEAD = ("azure.mgmt.purview", "azure.mgmt.datafactory")
#: Importing the SDKs makes about 130,000 objects that live until the process ends. CPython's default threshold would
#: scan the youngest objects some 250 times during these imports. A process in which nothing is ever imported still
#: collects its garbage with this one.
_YOUNG_OBJECTS = 100_000


@public("purview_mpe")
def quick_start(on: bool = True) -> None:
    """Start faster, in a process that is yours: a script, a Functions worker, a command. Call it first.

    Changes the process: the garbage collector rarely runs until the SDKs are imported and then ignores the objects that
    exist, the operations of Azure's management SDKs have forward references as annotations, clients sign in when they
    are made, and a thread imports SDKs ahead. Reads and writes nothing in Azure, needs no role, raises nothing. Safe to
    repeat, and safe from several threads. An SDK that cannot be imported in this way is imported as usual, with a
    `RuntimeWarning`.

    Args:
        on: False undoes it: the collector is as before, and later imports are unchanged. Modules that are already
            imported stay as they are.
    """
    with _lock:
        if on and not _start.is_on:
            _start.begin()
        elif not on and _start.is_on:
            _start.end()


@dataclass
class _QuickStart:
    """What was changed in this process, so that it can be undone."""

    is_on: bool = False
    finders: tuple[empty_modules.Finder, deferred_imports.Finder] = field(
        default_factory=lambda: (empty_modules.Finder(), deferred_imports.Finder())
    )
    thresholds: tuple[int, int, int] | None = None
    """The collector's thresholds before, as long as they are raised."""
    has_frozen: bool = False
    has_looked_ahead: bool = False

    def begin(self) -> None:
        self.is_on = True
        for finder in self.finders:
            finder.install()
        loading.on_sign_in = self.look_ahead
        loading.on_client = self.sign_in
        before = gc.get_threshold()
        # A threshold of 0 means that the host has switched the collector off.
        if 0 < before[0] < _YOUNG_OBJECTS:
            self.thresholds = before
            gc.set_threshold(_YOUNG_OBJECTS, *before[1:])
        # Objects that live until the process ends need no search for garbage at its end.
        atexit.register(gc.freeze)

    def end(self) -> None:
        self.is_on = self.has_looked_ahead = False
        for finder in self.finders:
            finder.remove()
        loading.on_sign_in = loading.on_client = None
        self.lower_thresholds()
        atexit.unregister(gc.freeze)
        if self.has_frozen:
            self.has_frozen = False
            gc.unfreeze()

    def sign_in(self, azure: Azure) -> None:
        """Sign in while the code of the first verb is imported."""
        if azure.signs_in_ahead:
            threading.Thread(target=azure.sign_in_ahead, name="purview-mpe-sign-in", daemon=True).start()

    def look_ahead(self, colour: Colour) -> None:
        """Import what verbs need next, on a thread, once per process."""
        with _lock:
            if self.has_looked_ahead or not self.is_on:
                return
            self.has_looked_ahead = True
        threading.Thread(target=self._import_ahead, args=(colour,), name="purview-mpe-imports", daemon=True).start()

    def _import_ahead(self, colour: Colour) -> None:
        for package in _AHEAD:
            if not self.is_on:
                return
            try:
                loading.load(package if colour == "sync" else f"{package}.aio")
            except Exception:  # noqa: BLE001 - the verb that needs the package raises it again
                break
        with _lock:
            if self.is_on:
                self._freeze()

    def _freeze(self) -> None:
        if gc.get_freeze_count() == 0:  # else it would be unknown which objects to unfreeze
            self.has_frozen = True
        gc.freeze()
        self.lower_thresholds()

    def lower_thresholds(self) -> None:
        before, self.thresholds = self.thresholds, None
        # If the host has set its own meanwhile, they count.
        if before is not None and gc.get_threshold() == (_YOUNG_OBJECTS, *before[1:]):
            gc.set_threshold(*before)


_lock = threading.RLock()
_start = _QuickStart()
