"""Imports the operations of Azure's management SDKs without their modules `types`, and with their `models` later.

In `azure.mgmt.datafactory`, these two take most of the time of importing the SDK. The operations use TypedDicts of
`types` in annotations alone, and classes of `models` in annotations and to read answers (SDK sources; the code
generator is the same for all of them). An annotation is evaluated when its method is defined, so both are imported.

Here the operations get the same modules, but empty. While their code runs for the first time, a name of such a module
is the text that a programmer would write for a forward reference: `"_types.Factory"`. Later, a name of `models` is its
real class, which is taken alone if it can be (`single_classes`). Any other use of a module runs its code first. So
`typing.get_type_hints`, an operation that reads an answer, and code that imports the module get the real content.
"""

from __future__ import annotations

import sys
import threading
import warnings
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import PathFinder
from inspect import currentframe, unwrap
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from purview_mpe._azure.finders import OwnFinder
from purview_mpe._azure.single_classes import SingleClasses

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import FrameType

#: The SDK packages that the library uses.
PACKAGES = ("datafactory", "purview", "storage", "eventhub", "network", "privatedns")
_OPERATIONS = ("operations._operations", "aio.operations._operations")
#: The modules that are left empty, with the name that the operations give to each (SDK sources): a reference is
#: resolved by that name.
_ALIASES = {"types": "_types", "_types": "_types", "models": "_models"}
#: The modules that hold the classes of `models`.
_PARTS = ("models._models", "models._enums")
#: Bytes of source from which taking classes alone costs less than running the whole module.
_LARGE = 1_000_000
#: The functions of an SDK's `_utils.model_base` that look up one name in a module's dictionary (SDK sources), each with
#: the argument that is the name.
_LOOKING_UP = {"_get_model": "model_name", "_get_type_alias_type": "alias_name"}
#: The names of the modules that this finder is asked for, with their SDK packages.
_HOMES = {
    f"azure.mgmt.{package}.{module}": f"azure.mgmt.{package}"
    for package in PACKAGES
    for module in (*_OPERATIONS, *_ALIASES, *_PARTS)
}
#: Held while the code of an empty module runs, and while a class is taken.
_filling = threading.RLock()


class Finder(OwnFinder):
    """Finds exactly the operations, and the modules `types` and `models`, of the SDK packages.

    Once it is removed, an empty module still fills itself when it is used.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The usual place of the module, with another loader; None for every module that is not meant."""
        if fullname not in _HOMES:
            return None
        leaves_empty = not fullname.endswith(_OPERATIONS)
        is_needed = _thread.takes if fullname.endswith(_PARTS) else _running_of(_HOMES[fullname])
        if leaves_empty and not is_needed:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _LoaderForLater(spec.loader) if leaves_empty else _LoaderOfOperations(spec.loader)
        return spec


class _Name(str):
    """A forward reference to a name of an empty module."""

    __slots__ = ()


class _Unfilled(ModuleType):
    """A module whose code runs when the module is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        # The frame of the code that uses the module: no other way shows which code that is.
        user = frame.f_back if (frame := currentframe()) is not None else None
        if user is not None and (running := _running.get(id(user.f_globals))) is not None:
            return running.reference(_ALIASES[_last(self.__name__)], name)
        if name != "__all__" and (taken := _taken(self, name)) is not None:
            return taken
        _fill(self)
        # Not `getattr`: if this thread is running the module's code just now, that would come back here.
        return ModuleType.__getattribute__(self, name)

    def __dir__(self) -> list[str]:
        _fill(self)
        return list(ModuleType.__dir__(self))

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        frame = currentframe()
        if (name := _looked_up(self, frame.f_back if frame is not None else None)) is not None:
            if (taken := _taken(self, name)) is not None:
                return {name: taken}
            if self in _parts:  # it is not a class of this part
                return _dict_of(self)
        _fill(self)
        return _dict_of(self)


#: `super()` would not do: a module is an ordinary one as soon as it is filled.
_dict_of: Callable[[ModuleType], dict[str, Any]] = vars(ModuleType)["__dict__"].__get__
#: The modules whose code has not run yet, with their usual loaders.
_unfilled: dict[ModuleType, Any] = {}


class _Thread(threading.local):
    """What the current thread is doing."""

    takes = False
    """True while it imports the parts of a module `models` in order to take a class."""


_thread = _Thread()
#: The parts from which classes were taken, as long as they have not run as a whole.
_parts: dict[ModuleType, SingleClasses] = {}


def _fill(module: ModuleType) -> None:
    """Run the code of an empty module, unless it has run already or is running in this thread."""
    with _filling:
        if (loader := _unfilled.pop(module, None)) is None:
            return
        try:
            for name in _PARTS if _last(module.__name__) == "models" else ():
                if (part := sys.modules.get(f"{_HOMES[module.__name__]}.{name}")) is not None:
                    _fill(part)
            if (classes := _parts.pop(module, None)) is None:
                loader.exec_module(module)
            else:
                with classes.kept():
                    exec(loader.get_code(module.__name__), _dict_of(module))
        except BaseException:
            _unfilled[module] = loader
            raise
        module.__class__ = ModuleType  # from now on nothing about it is special


def _taken(module: ModuleType, name: str) -> object:
    """The class of this name in an empty module, taken alone; None if the module has to run as a whole."""
    with _filling:
        if module not in _unfilled or _last(module.__name__) not in {"models", "_models", "_enums"}:
            return None
        before, _thread.takes = _thread.takes, True
        try:
            with suppress(Exception):  # running the whole module raises what matters
                return _taken_from(_parts_of(module), module, name)
        finally:
            _thread.takes = before
    return None


def _taken_from(parts: list[ModuleType], module: ModuleType, name: str) -> object:
    for part in parts:
        if isinstance(part, _Unfilled):
            if part not in _parts:
                _parts[part] = SingleClasses(_dict_of(part), _unfilled[part])
            found = _parts[part].take(name)
        else:
            found = vars(part).get(name)
        if isinstance(found, type) and found.__module__ == part.__name__:
            setattr(module, name, found)
            return found
    return None


def _parts_of(module: ModuleType) -> list[ModuleType]:
    """The modules to take a class from; none if that does not pay, or if the SDK changes its generated models."""
    if _last(module.__name__) != "models":
        return [module]
    home = _HOMES[module.__name__]
    if Path(module.__path__[0], "_models.py").stat().st_size < _LARGE:
        return []
    changes = import_module(f"{home}.models._patch")
    if changes.__all__ or changes.patch_sdk.__code__.co_names:
        return []
    return [import_module(f"{home}.{name}") for name in _PARTS]


def _looked_up(module: ModuleType, user: FrameType | None) -> str | None:
    """The one name that the SDK looks up in the module's dictionary; None if other code, or more, needs it."""
    if user is None or user.f_globals.get("__name__") != f"{_HOMES[module.__name__]}._utils.model_base":
        return None
    name = user.f_locals.get(_LOOKING_UP.get(user.f_code.co_name, ""))
    return _last(name) if isinstance(name, str) else None


class _LoaderForLater(Loader):
    """Leaves a module empty."""

    def __init__(self, usual: Any) -> None:
        self._usual = usual

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module that fills itself."""
        return _Unfilled(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Only note how to fill it."""
        _give_back(module, self._usual)
        _unfilled[module] = self._usual


class _LoaderOfOperations(Loader):
    """Runs the code of the operations, for which other modules are empty."""

    def __init__(self, usual: Any) -> None:
        self._usual = usual

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As usual."""
        created: ModuleType | None = self._usual.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        """Run the code; if it needs more than names for annotations, run it again with the real modules."""
        _give_back(module, self._usual)
        given_before = set(vars(module))
        run = _Run(module)
        try:
            with run.under_way():
                self._usual.exec_module(module)
        except Exception:
            if not run.given:
                raise
        else:
            if run.is_as_expected():
                return
        for name in set(vars(module)) - given_before:
            delattr(module, name)
        self._usual.exec_module(module)
        warnings.warn(
            f"purview_mpe.quick_start has no effect on {run.package}: this version needs its module 'types' or "
            "'models' earlier than expected. It works as without quick_start.",
            RuntimeWarning,
            stacklevel=2,
        )


class _Run:
    """One run of the code of a module with operations."""

    def __init__(self, module: ModuleType) -> None:
        self.package = _HOMES[module.__name__]
        #: The aliases of the modules to which references were given.
        self.given: set[str] = set()
        self._module = module

    def reference(self, alias: str, name: str) -> _Name:
        """What the code gets for a name of an empty module."""
        self.given.add(alias)
        return _Name(f"{alias}.{name}")

    @contextmanager
    def under_way(self) -> Generator[None]:
        """In this context, the code runs and gets references."""
        key = id(vars(self._module))
        _running[key] = self
        try:
            yield
        finally:
            del _running[key]

    def is_as_expected(self) -> bool:
        """Whether references are in annotations alone, and can be resolved there."""
        if not self.given:
            return True
        can_be_resolved = all(isinstance(vars(self._module).get(alias), ModuleType) for alias in self.given)
        return can_be_resolved and not any(isinstance(value, _Name) for value in self._values())

    def _values(self) -> Iterator[object]:
        """Everything that the code has defined, with the default values of its functions."""
        for one in vars(self._module).values():
            inner = vars(one).values() if isinstance(one, type) and one.__module__ == self._module.__name__ else ()
            for value in (one, *inner):
                yield value
                function = unwrap(value) if callable(value) else value
                if isinstance(function, FunctionType):
                    yield from function.__defaults__ or ()
                    yield from (function.__kwdefaults__ or {}).values()


#: The runs under way, by the id of their module's globals.
_running: dict[int, _Run] = {}


def _last(fullname: str) -> str:
    return fullname.rpartition(".")[2]


def _running_of(package: str) -> bool:
    return any(run.package == package for run in tuple(_running.values()))


def _give_back(module: ModuleType, usual: Any) -> None:
    """Show the usual loader: it gives the source, and reloads."""
    if module.__spec__ is not None:
        module.__spec__.loader = usual
    module.__loader__ = usual
