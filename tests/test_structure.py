"""The layering, read from the imports: a module knows its own row and the rows above it, and nothing else."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "purview_mpe"

#: From top to bottom. Each module stands in exactly one row.
ROWS: dict[str, tuple[str, ...]] = {
    "words": ("errors", "_arm_id", "_version"),
    "nouns": (
        "_spec",
        "_model",
        "_naming",
        "_states",
        "_requirements",
        "_events",
        "_retry",
        "_assessment",
        "_situation",
        "_fleet",
        "durable._request",
    ),
    "decisions": (
        "_planning",
        "_approval",
        "_verdict",
        "_checking",
        "_diagnosis",
        "_rights",
        "_orphans",
        "_budget",
        "_backlog",
        "_register",
        "_fleet_files",
        "durable._pace",
    ),
    "wire": ("_untrusted", "_wire", "_wire_connections", "_wire_errors", "_wire_factory", "_hand_off"),
    "choreography": ("_flows", "_flows.*"),
    "the outside": (
        "_io",
        "_azure",
        "_imports",
        "_pipeline",
        "_pipeline.*",
    ),
    "doors": (
        "_client",
        "_client_fleet",
        "aio",
        "_aio_fleet",
        "_arguments",
        "_fleet_arguments",
        "durable",
        "durable._activities",
        "durable._course",
        "durable._elsewhere",
        "durable._engine",
        "durable._functions",
        "durable._once",
        "durable._orchestration",
        "durable._worker",
    ),
    "faces": ("_display", "_display.*", "notebook", "_export", "_export.*"),
    "command line": ("_cli", "_cli.*", "__main__"),
}
#: What a module imports from below all the same, and why.
EXCEPTIONS = {
    ("_spec", "_display.text"): "a noun that is printed loads its face when somebody looks",
    ("_spec", "_display.html"): "as above, in a notebook",
    ("_spec", "_display.picture_svg"): "as above, as a picture",
    ("_spec", "_display.picture_mermaid"): "as above, as text that becomes a picture",
    ("_spec", "_display.tables"): "as above, as a data frame",
    ("errors", "_fleet"): "as below, of a fleet",
    ("errors", "_model"): "an error that holds a plan or a report says so, to type checkers alone",
    ("_flows.connect", "_imports"): "the SDK's word for If-Match is asked for where it is used",
    ("_flows.plain", "_imports"): "a request for which no client has an operation is made by azure.core",
    ("_flows.connect", "azure"): "as above",
    ("_flows.plain", "azure"): "as above",
    ("_cli.options", "azure"): "the emulator's credential answers in azure-core's words",
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
}


@dataclass(frozen=True)
class Imported:
    """One import: of which module, by which, and whether only for type checkers."""

    by: str
    module: str
    for_types: bool
    line: int

    def __str__(self) -> str:
        return f"{self.by} imports {self.module} (line {self.line})"


def modules() -> dict[str, Path]:
    """The library's own modules by name within the package; the emulator stands beside it."""
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


def row_of(module: str) -> list[str]:
    return [row for row, patterns in ROWS.items() if any(fnmatchcase(module, pattern) for pattern in patterns)]


class _Reader(ast.NodeVisitor):
    """Collects imports, those of a string given to `load` or `import_module` among them."""

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
    """The name within the package of what is imported, if it is ours."""
    if imported.module == "purview_mpe":
        return "__init__"
    return imported.module.removeprefix("purview_mpe.") if imported.module.startswith("purview_mpe.") else None


def test_every_module_stands_in_one_row():
    """A new module has to say where it stands."""
    assert {module: row_of(module) for module in MODULES if len(row_of(module)) != 1} == {}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_knows_only_its_own_row_and_those_above(module):
    """Whatever is imported, at run time or for type checkers, stands in the same row or higher."""
    order = list(ROWS)
    [row] = row_of(module)
    wrong = [
        str(imported)
        for imported in imports(module)
        if (name := own(imported)) in MODULES
        and order.index(row_of(name)[0]) > order.index(row)
        and (module, name) not in EXCEPTIONS
    ]
    assert wrong == []


@pytest.mark.parametrize(("module", "name"), EXCEPTIONS)
def test_an_exception_is_still_needed(module, name):
    """An exception that nobody uses any more goes."""
    assert name in {own(imported) or package(imported) for imported in imports(module)}


def test_exceptions_for_types_are_for_types():
    """What is said to be for type checkers alone is not imported at run time."""
    assert all(imported.for_types for imported in imports("errors") if own(imported) == "_model")


@pytest.mark.parametrize("module", MODULES)
def test_only_the_command_line_imports_the_package_itself(module):
    """`import purview_mpe` from inside would go in a circle; the demo and the command line stand outside."""
    whole = [str(imported) for imported in imports(module) if own(imported) == "__init__" and not imported.for_types]
    assert not whole or row_of(module) == ["command line"]


@pytest.mark.parametrize("module", MODULES)
def test_packages_are_imported_where_they_belong(module):
    """Pydantic makes nouns, tenacity waits in flows, and only the outside touches the SDKs."""
    wrong = [
        str(imported)
        for imported in imports(module)
        if not imported.for_types
        and PACKAGES.get(package(imported)) not in {None, *row_of(module)}
        and (module, package(imported)) not in EXCEPTIONS
    ]
    assert wrong == []


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("_flows")])
def test_flows_know_neither_threads_nor_tasks_nor_time(module):
    """A flow awaits its Io alone: that is what lets one text run in both colours."""
    forbidden = {"asyncio", "concurrent", "threading", "time", "random", "socket", "subprocess"}
    assert [str(i) for i in imports(module) if not i.for_types and package(i) in forbidden] == []
    # Dates are values; asking what time it is would be another matter.
    assert not re.search(r"\b(?:datetime|date)\.(?:now|today|utcnow)\b", MODULES[module].read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "path", sorted((SOURCE / "emulator").rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_the_emulator_shares_the_id_parser_and_nothing_else(path):
    """A fake that shares code with what it checks proves nothing."""
    ours = {i.module for i in imports(f"emulator:{path.stem}", path) if i.module.startswith("purview_mpe")}
    assert {name for name in ours if not name.startswith("purview_mpe.emulator")} <= {"purview_mpe._arm_id"}


def test_nothing_but_the_demo_knows_the_emulator():
    """The library runs without its emulator; the command line serves it and shows it."""
    knowing = {m for m in MODULES for i in imports(m) if i.module.startswith("purview_mpe.emulator")}
    assert {row_of(module)[0] for module in knowing} <= {"command line"}


def test_the_design_page_draws_the_same_rows():
    """docs/design.md names every row, in this order, and puts no module anywhere else."""
    table = re.findall(r"^\| ([a-z ]+) \| (`.*?) \|", (ROOT / "docs" / "design.md").read_text("utf-8"), re.MULTILINE)
    drawn = {row: re.findall(r"`(\w+)/?`", cell) for row, cell in table if row != "beside"}
    assert [row for row in drawn if row in ROWS] == list(ROWS)
    assert {
        module: row for row, names in drawn.items() for module in names if module in MODULES and row_of(module) != [row]
    } == {}
