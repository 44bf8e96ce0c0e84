"""Every import is declared, so an installation that resolves also works."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAMED = [*PROJECT["dependencies"], *chain.from_iterable(PROJECT["optional-dependencies"].values())]
DECLARED = {re.match(r"[-\w]+", one)[0].casefold() for one in NAMED}
#: Distributions by the start of their import name, if the names differ.
DISTRIBUTIONS = {
    "azure.core": "azure-core",
    "azure.identity": "azure-identity",
    "azure.mgmt": "azure-mgmt-",
    "azure.functions": "azure-functions-durable",
    "azure.durable_functions": "azure-functions-durable",
    "yaml": "pyyaml",
    "pydantic_core": "pydantic",
}
#: Loaded only if they are installed, for their own formats.
OPTIONAL = {"opentelemetry", "pandas", "IPython", "pytest"}


def imported() -> set[str]:
    """The modules outside the standard library that the package names in an import."""
    found: set[str] = set()
    for file in (ROOT / "src" / "purview_mpe").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
                found |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    known = {"purview_mpe", *OPTIONAL, *sys.stdlib_module_names}
    return {name for name in found if name.partition(".")[0] not in known}


def distribution_of(module: str) -> str:
    parts = module.split(".")
    found = DISTRIBUTIONS.get(".".join(parts[:2])) or DISTRIBUTIONS.get(parts[0]) or parts[0].replace("_", "-")
    return found + parts[2] if found.endswith("-") else found


@pytest.mark.parametrize("module", sorted(imported()))
def test_every_import_is_declared(module):
    """A package that only another one brings in can disappear or be too old without notice."""
    assert distribution_of(module) in DECLARED


@pytest.mark.parametrize("named", NAMED)
def test_every_dependency_has_a_lower_bound(named):
    """`nox -s lowest` tests these bounds."""
    assert re.fullmatch(r"[-\w]+>=[\w.]+(?:,<[\w.]+)?", named)
