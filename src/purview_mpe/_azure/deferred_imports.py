"""Imports a module that only functions use when such a function runs, instead of when its importer is imported.

`azure.identity` imports the package cryptography for credentials with a certificate, and azure.mgmt.core imports
asyncio for asynchronous clients. Most cold starts need neither. The importers named below use these modules inside
functions alone (SDK sources). If another version of an SDK uses one earlier, it is imported then.
"""

from __future__ import annotations

import builtins
import sys
from importlib import import_module
from importlib.abc import Loader
from types import ModuleType
from typing import TYPE_CHECKING, Any

from purview_mpe._azure.finders import OwnFinder

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


class Finder(OwnFinder):
    """Finds exactly the importers."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The usual place of an importer, with another loader; None for every other module."""
        if fullname not in LATER:
            return None
        spec = self._usual_spec(fullname, path, target)
        if spec is not None and spec.loader is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _Loader(spec.loader)
        return spec

    def _usual_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        """What the other finders of the process find: a tool that watches imports may have installed one."""
        for finder in tuple(sys.meta_path):
            find = None if finder is self else getattr(finder, "find_spec", None)
            if find is not None and (spec := find(fullname, path, target)) is not None:
                found: ModuleSpec = spec
                return found
        return None


class _Loader(Loader):
    """Runs the code of an importer, whose import statements give placeholders for some modules."""

    def __init__(self, usual: Any) -> None:
        self._usual = usual

    def __getattr__(self, name: str) -> Any:
        # Tools ask the loader for the source and the code before the module is imported.
        if name == "_usual":
            raise AttributeError(name)
        return getattr(self._usual, name)

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


#: Not `vars`: that would ask the placeholder, which answers for the real module.
_dict_of: Callable[[ModuleType], dict[str, Any]] = vars(ModuleType)["__dict__"].__get__


class _Placeholder(ModuleType):
    """Stands for a module in its importer; the first use of a name imports the module and keeps it."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":  # `isinstance` reads it, which is not a use of the module
            return ModuleType
        return _dict_of(self)["__name__"] if name == "__name__" else getattr(_real(self), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(_real(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_real(self), name)

    def __dir__(self) -> list[str]:
        return dir(_real(self))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _real(self).__reduce_ex__(protocol)


#: Tools name the type of what they cannot find an attribute of.
_Placeholder.__name__ = _Placeholder.__qualname__ = ModuleType.__name__


def _real(placeholder: ModuleType) -> ModuleType:
    own = _dict_of(placeholder)
    if "real" not in own:
        own["real"] = import_module(own["__name__"])
    real: ModuleType = own["real"]
    return real


def _import_with_placeholders(importer: ModuleType) -> Callable[..., Any]:
    """The function behind the importer's import statements."""
    usual, later = builtins.__import__, LATER[importer.__name__]

    def import_(name: str, *given: Any, **named: Any) -> Any:
        # The running code keeps its built-in names, and so this function. The importer's functions get the usual ones.
        vars(importer)["__builtins__"] = vars(builtins)
        # An import statement passes all its arguments by position, and its level is 0 unless it is relative.
        by_place: list[Any] = [*given]
        if len(by_place) != 4 or named or by_place[3]:
            return usual(name, *by_place, **named)
        namespace, local, parts, level = by_place
        if not parts:  # `import a.b` gives `a`, so only `import a` can wait
            return _Placeholder(name) if "." not in name and _waits(name, later) else usual(name, *by_place)
        waiting: dict[str, Any] = {
            part: _Placeholder(f"{name}.{part}") for part in parts if _waits(f"{name}.{part}", later)
        }
        if not waiting:
            return usual(name, *by_place)
        rest: list[str] = [part for part in parts if part not in waiting]
        # With a name that every module has, this gives the package itself, and not the first part of its name.
        package: ModuleType = usual(name, namespace, local, rest or ["__name__"], level)
        shown = ModuleType(name)
        there: dict[str, Any] = {part: getattr(package, part) for part in rest if hasattr(package, part)}
        # The rest of the package's names is there for the message about a missing one.
        vars(shown).update(vars(package) | there | waiting)
        return shown

    return import_


def _waits(name: str, later: frozenset[str]) -> bool:
    """Whether the module is imported later: not if it is imported already, or if its import is blocked."""
    return name in later and name not in sys.modules
