"""Imports a module that only functions use when such a function runs, instead of when its importer is imported.

`azure.identity` imports the package cryptography for credentials with a certificate, and azure.mgmt.core imports
asyncio for asynchronous clients. Most cold starts need neither. The importers named below use these modules inside
functions alone (SDK sources). If another version of an SDK uses one earlier, it is imported then.
"""

from __future__ import annotations

import builtins
import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.machinery import ModuleSpec

_CERTIFICATES = frozenset({"cryptography.x509", "cryptography.hazmat.primitives.serialization"})
_EVENT_LOOPS = frozenset({"asyncio"})
#: The importers, each with the modules that it imports later.
LATER: Mapping[str, frozenset[str]] = {
    "azure.identity._credentials.certificate": _CERTIFICATES,
    "azure.identity._internal.aadclient_certificate": _CERTIFICATES,
    "azure.mgmt.core.policies._base_async": _EVENT_LOOPS,
    "purview_mpe._azure.credentials": _EVENT_LOOPS,
    "purview_mpe._azure.io": _EVENT_LOOPS,
    "purview_mpe._azure.policies": _EVENT_LOOPS,
    "purview_mpe._azure.team": _EVENT_LOOPS,
}


class Finder(MetaPathFinder):
    """Finds exactly the importers."""

    def install(self) -> None:
        """From now on, importers are loaded without the modules that they can import later."""
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Later imports are as usual; importers that are loaded stay as they are."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The usual place of an importer, with another loader; None for every other module."""
        if fullname not in LATER:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """Runs the code of an importer, whose import statements give placeholders for some modules."""

    def __init__(self, usual: Any) -> None:
        self._usual = usual

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As usual."""
        created: ModuleType | None = self._usual.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        """Run the code."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._usual  # it gives the source, and reloads
        module.__loader__ = self._usual
        names = vars(module)
        names["__builtins__"] = {**vars(builtins), "__import__": _import_with_placeholders(module)}
        try:
            self._usual.exec_module(module)
        finally:
            names["__builtins__"] = vars(builtins)


class _Placeholder(ModuleType):
    """Stands for a module in its importer; the first use of a name imports the module."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(import_module(self.__name__), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(import_module(self.__name__), name)

    def __dir__(self) -> list[str]:
        return dir(import_module(self.__name__))


def _import_with_placeholders(importer: ModuleType) -> Callable[..., Any]:
    """The function behind the importer's import statements."""
    later, usual = LATER[importer.__name__], builtins.__import__

    def import_(
        name: str, namespace: Any = None, local: Any = None, names: Sequence[str] | None = (), level: int = 0
    ) -> Any:
        # The running code keeps its built-in names, and so this function. The importer's functions get the usual ones.
        vars(importer)["__builtins__"] = vars(builtins)
        if not names:
            return _Placeholder(name) if name in later else usual(name, namespace, local, names, level)
        given: dict[str, Any] = {part: _Placeholder(f"{name}.{part}") for part in names if f"{name}.{part}" in later}
        if not given:
            return usual(name, namespace, local, names, level)
        if rest := [part for part in names if part not in given]:
            found = usual(name, namespace, local, rest, level)
            given.update((part, getattr(found, part)) for part in rest)
        return SimpleNamespace(**given)

    return import_
