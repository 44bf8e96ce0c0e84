"""Single classes of an SDK's module, without running the rest of the module.

`azure.mgmt.datafactory.models` defines more than 800 classes. Reading the answers of a verb needs about ten of them.
The modules `_models` and `_enums` behind `models` consist of imports followed by classes (SDK sources: the code
generator is the same for all SDKs), so one class can be compiled and run alone, with its bases. When the module runs as
a whole later, it keeps the classes that exist already.

A class that needs the rest of its module is not taken: a model with `__mapping__` finds its subclasses there.
"""

from __future__ import annotations

import ast
import builtins
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

_CLASS = b"\nclass "
#: How many classes to take one by one. Beyond it, running the whole module from its bytecode costs less.
_MANY = 60


class SingleClasses:
    """The classes that were taken from one module, and the module's source."""

    def __init__(self, namespace: dict[str, Any], loader: Any) -> None:
        """Read the source and run the imports at its beginning.

        Raises:
            Exception: the module has no source, or its imports fail.
        """
        self._namespace = namespace
        self._path: str = loader.path
        self._source: bytes = loader.get_data(self._path)
        self.taken: dict[str, type] = {}
        imports = self._source[: max(0, self._source.find(_CLASS))]
        if b"__future__" in imports:
            raise ImportError(f"{self._path} changes how its classes are compiled")
        exec(compile(imports, self._path, "exec", dont_inherit=True), namespace)

    def take(self, name: str) -> type | None:
        """The class of this name; None if the module has no such class, or if it has to run as a whole.

        Raises:
            Exception: the class needs more than its bases and the module's imports.
        """
        if (known := self.taken.get(name)) is not None:
            return known
        if len(self.taken) >= _MANY or (found := self._read(name)) is None:
            return None
        defined, bases = found
        for base in bases:
            is_there = base in self._namespace or hasattr(builtins, base)
            if not is_there and self.take(base) is None:
                return None
        code = compile(ast.Module([defined], []), self._path, "exec", dont_inherit=True)
        exec(code, self._namespace)
        self.taken[name] = self._namespace[name]
        return self.taken[name]

    def _read(self, name: str) -> tuple[ast.ClassDef, list[str]] | None:
        begin = self._source.find(_CLASS + name.encode() + b"(") + 1
        if not begin:
            return None
        end = self._source.find(_CLASS, begin)
        part = self._source[begin:] if end < 0 else self._source[begin:end]
        if b"__mapping__" in part:
            return None
        [defined] = ast.parse(part, self._path).body
        if not isinstance(defined, ast.ClassDef) or _discriminator(defined):
            return None
        ast.increment_lineno(defined, self._source.count(b"\n", 0, begin))
        return defined, [base.id for base in defined.bases if isinstance(base, ast.Name)]

    @contextmanager
    def kept(self) -> Generator[None]:
        """While the whole module runs in this context, its statements for classes that exist give these classes."""

        def build_class(function: Any, name: str, *bases: Any, **options: Any) -> Any:
            # The running code keeps its built-in names, and so this function. Methods get the usual ones.
            self._namespace["__builtins__"] = usual
            is_on_top = function.__globals__ is self._namespace and function.__qualname__ == name
            if is_on_top and (known := self.taken.get(name)) is not None:
                return known
            return build(function, name, *bases, **options)

        build = builtins.__build_class__
        usual = self._namespace["__builtins__"]
        self._namespace["__builtins__"] = {**vars(builtins), "__build_class__": build_class}
        try:
            yield
        finally:
            self._namespace["__builtins__"] = usual


def _discriminator(defined: ast.ClassDef) -> bool:
    """Whether other classes find this one by the value of a field."""
    return any(keyword.arg == "discriminator" for keyword in defined.keywords)
