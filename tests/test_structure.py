"""The layering, read from the imports: a module imports only from its own row and the rows above."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

pytestmark = pytest.mark.untraced

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "purview_mpe"

#: From top to bottom, one pattern per folder or file. The longest pattern that fits a module decides its row.
ROWS: dict[str, tuple[str, ...]] = {
    "words": ("errors", "_version", "_model.arm_id", "_model.public", "_model.shell", "_model.shown"),
    "nouns": ("_model*", "_model.fleets", *(f"durable._{name}" for name in ("request", "limits", "logic", "packing"))),
    "decisions": ("_rules*",),
    "wire": ("_wire*",),
    "choreography": ("_flows*",),
    "the outside": ("_azure*",),
    "doors": ("_client*", "aio", "durable*"),
    "faces": ("_display*", "_export*", "notebook"),
    "command line": ("_cli*", "__main__"),
}
#: Allowed imports from a lower row, with the reason.
EXCEPTIONS = {
    ("_model.spec", "_display.faces"): "a noun loads its display functions when it is shown",
    ("errors", "_model.fleets"): "as below, of a fleet",
    ("errors", "_model.results"): "an error that holds a plan or a report says so, to type checkers alone",
    ("_flows.steps.factory_change", "_azure.loading"): "the SDK's word for If-Match is asked for where it is used",
    ("_flows.steps.plain", "_azure.loading"): "a request for which no client has an operation is made by azure.core",
    ("_flows.steps.factory_change", "azure"): "as above",
    ("_flows.steps.plain", "azure"): "as above",
    ("_cli.connecting", "azure"): "the emulator's credential answers in azure-core's words",
}
#: Third-party packages, and the row that may import them at run time. Everything else is the standard library.
PACKAGES = {
    "pydantic": "nouns",
    "pydantic_core": "nouns",
    "tenacity": "choreography",
    "azure": "the outside",
    "requests": "the outside",
    "aiohttp": "the outside",
    "durabletask": "doors",
    "shtab": "command line",
    "jmespath": "command line",
}


@dataclass(frozen=True)
class Imported:
    """One import: the imported module, the importing module, and whether it is only for type checkers."""

    by: str
    module: str
    for_types: bool
    line: int

    def __str__(self) -> str:
        return f"{self.by} imports {self.module} (line {self.line})"


def modules() -> dict[str, Path]:
    """The library's own modules by name within the package, without the emulator."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        if name != "__init__" and not name.startswith("emulator"):
            found[name] = path
    return found


MODULES = modules()


def package(imported: Imported) -> str:
    """The top-level package of what is imported."""
    return imported.module.partition(".")[0]


def row_of(module: str) -> str | None:
    """The row of the longest matching pattern, so a single file can be in another row than its folder."""
    fitting = [(len(pattern), row) for row, patterns in ROWS.items() for pattern in patterns if _fits(module, pattern)]
    return max(fitting)[1] if fitting else None


def _fits(module: str, pattern: str) -> bool:
    folder = pattern.removesuffix("*")
    return module == folder or (pattern != folder and module.startswith(f"{folder}."))


class _Reader(ast.NodeVisitor):
    """Collects imports, including those of a string passed to `load` or `import_module`."""

    def __init__(self, by: str) -> None:
        self.by = by
        self.found: list[Imported] = []
        self.for_types = False

    def visit_If(self, node: ast.If) -> None:
        before = self.for_types
        self.for_types = before or ast.unparse(node.test) == "TYPE_CHECKING"
        for child in node.body:
            self.visit(child)
        self.for_types = before
        for child in node.orelse:
            self.visit(child)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        assert node.level == 0, f"{self.by} has a relative import in line {node.lineno}"
        for alias in node.names:
            # `from package import module` names the module; `from module import name` does not.
            inner = f"{node.module}.{alias.name}".removeprefix("purview_mpe.")
            self._add(f"purview_mpe.{inner}" if inner in MODULES else str(node.module), node)

    def visit_Call(self, node: ast.Call) -> None:
        if ast.unparse(node.func).endswith(("load", "import_module")):
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    self._add(argument.value, node)
        self.generic_visit(node)

    def _add(self, module: str, node: ast.stmt | ast.expr) -> None:
        self.found.append(Imported(self.by, module, self.for_types, node.lineno))


@cache
def imports(module: str, path: Path | None = None) -> tuple[Imported, ...]:
    reader = _Reader(module)
    reader.visit(ast.parse((path or MODULES[module]).read_text(encoding="utf-8")))
    return tuple(reader.found)


def own(imported: Imported) -> str | None:
    """The name within the package of what is imported, if it belongs to the library."""
    if imported.module == "purview_mpe":
        return "__init__"
    return imported.module.removeprefix("purview_mpe.") if imported.module.startswith("purview_mpe.") else None


def test_every_module_has_a_row():
    """A new module needs a row in ROWS."""
    assert [module for module in MODULES if row_of(module) is None] == []


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_only_its_own_row_and_those_above(module):
    """This holds for imports at run time and for type checkers."""
    order = list(ROWS)
    row = row_of(module)
    wrong = [
        str(imported)
        for imported in imports(module)
        if (name := own(imported)) in MODULES
        and order.index(row_of(name)) > order.index(row)
        and (module, name) not in EXCEPTIONS
    ]
    assert wrong == []


@pytest.mark.parametrize(("module", "name"), EXCEPTIONS)
def test_each_exception_is_still_needed(module, name):
    """An unused exception must be removed."""
    assert name in {own(imported) or package(imported) for imported in imports(module)}


def test_exceptions_for_types_are_for_types():
    """An import listed as only for type checkers is not made at run time."""
    assert all(imported.for_types for imported in imports("errors") if own(imported) == "_model.results")


@pytest.mark.parametrize("module", MODULES)
def test_only_the_command_line_imports_the_package_itself(module):
    """`import purview_mpe` inside the library would be circular; only the command line imports it."""
    whole = [str(imported) for imported in imports(module) if own(imported) == "__init__" and not imported.for_types]
    assert not whole or row_of(module) == "command line"


@pytest.mark.parametrize("module", MODULES)
def test_packages_are_imported_where_they_belong(module):
    """Only nouns use pydantic, only flows use tenacity, and only the outside uses the SDKs."""
    wrong = [
        str(imported)
        for imported in imports(module)
        if not imported.for_types
        and PACKAGES.get(package(imported)) not in {None, row_of(module)}
        and (module, package(imported)) not in EXCEPTIONS
    ]
    assert wrong == []


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("_flows")])
def test_flows_import_neither_threads_nor_tasks_nor_time(module):
    """A flow awaits only its Io, so the same code runs in both clients."""
    forbidden = {"asyncio", "concurrent", "threading", "time", "random", "socket", "subprocess"}
    assert [str(i) for i in imports(module) if not i.for_types and package(i) in forbidden] == []
    # Dates are allowed as values; reading the current time is not.
    assert not re.search(r"\b(?:datetime|date)\.(?:now|today|utcnow)\b", MODULES[module].read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "path", sorted((SOURCE / "emulator").rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_the_emulator_shares_the_id_parser_and_nothing_else(path):
    """A fake that shared code with the library would repeat its mistakes."""
    shared = {i.module for i in imports(f"emulator:{path.stem}", path) if i.module.startswith("purview_mpe")}
    assert {name for name in shared if not name.startswith("purview_mpe.emulator")} <= {"purview_mpe._model.arm_id"}


#: The emulator's own rows, from top to bottom.
EMULATOR_ROWS = ("_values", "_state", "_http", "_services", "_control", "_scenario", "_emulator")


def emulator_modules() -> dict[str, Path]:
    """The modules of the emulator by name within it."""
    root = SOURCE / "emulator"
    paths = [path for path in sorted(root.rglob("*.py")) if path.parent != root or path.stem == "_emulator"]
    return {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


@pytest.mark.parametrize("module", emulator_modules())
def test_emulator_module_imports_only_its_own_row_and_those_above(module):
    """This also holds for imports that only type checkers see."""
    order, modules = list(EMULATOR_ROWS), emulator_modules()
    row = order.index(module.partition(".")[0])
    inner = {i.module.removeprefix("purview_mpe.emulator.") for i in imports(f"emulator:{module}", modules[module])}
    below = {name for name in inner & set(modules) if order.index(name.partition(".")[0]) > row}
    assert below == set()


def test_no_module_of_the_emulator_imports_itself_through_others():
    """The imports of the emulator's modules form no circle, those for type checkers included."""
    modules = emulator_modules()
    graph = {
        module: {i.module.removeprefix("purview_mpe.emulator.") for i in imports(f"emulator:{module}", path)}
        & set(modules)
        for module, path in modules.items()
    }
    TopologicalSorter(graph).prepare()


def test_only_the_command_line_imports_the_emulator():
    """The library runs without its emulator; the command line serves it and shows it."""
    knowing = {m for m in MODULES for i in imports(m) if i.module.startswith("purview_mpe.emulator")}
    assert {row_of(module) for module in knowing} <= {"command line"}


def test_the_design_page_draws_the_same_rows():
    """docs/design.md names every row in this order, with the folders and files that stand in it."""
    table = re.findall(r"^\| ([a-z ]+) \| (`.*?) \|", (ROOT / "docs" / "design.md").read_text("utf-8"), re.MULTILINE)
    drawn = {row: re.findall(r"`([\w/]+?)/?`", cell) for row, cell in table if row in ROWS}
    assert list(drawn) == list(ROWS)
    places = [(row, name.replace("/", ".")) for row, names in drawn.items() for name in names]
    assert {name for row, name in places if name in MODULES and row_of(name) != row} == set()
    folders = {module.partition(".")[0] for module in MODULES} - {"_version"}
    assert folders - {name.partition(".")[0] for _, name in places} == set()


@pytest.mark.parametrize("module", MODULES)
def test_identity_of_a_value_is_read_from_the_value(module):
    """Code with a value uses its `identity`, not the free function with two of its fields."""
    calls = [
        node
        for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "identity" and module != "_model.results"
    ]
    fields = [[ast.unparse(argument) for argument in call.args] for call in calls]
    assert [one for one in fields if one[0].endswith(".resource_id") and one[1].endswith(".group_id")] == []


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: path.name)
def test_shared_test_code_is_in_support(path):
    """No file imports from a test file or conftest: code that two of them use is in tests/support."""
    texts = [path.read_text(encoding="utf-8")]
    # Code that a test gives to another interpreter counts as well.
    texts += [
        node.value
        for node in ast.walk(ast.parse(texts[0]))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    taken = re.findall(r"^\s*(?:from|import) (tests[\w.]*\.(?:test_\w+|conftest))\b", "\n".join(texts), re.MULTILINE)
    assert taken == []
