"""The catalogue of findings: codes are unique, sentences are complete, and findings are made nowhere else."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from purview_mpe._model.checkup import RightStep
from purview_mpe._rules.findings import (
    account,
    approvals,
    catalogue,
    endpoints,
    factory,
    fleets,
    network,
    proof,
    rights,
    runs,
)
from purview_mpe._rules.findings.catalogue import CATALOGUE
from purview_mpe._rules.findings.kind import Kind, Link

SOURCE = Path(__file__).resolve().parents[2] / "src" / "purview_mpe"
MODULES = (account, factory, endpoints, network, approvals, rights, runs, proof, fleets)
KINDS = {name: value for module in MODULES for name, value in vars(module).items() if isinstance(value, Kind)}
ALL = {**KINDS, **{kind.code: kind for kind in rights.MISSING_RIGHTS.values()}}


def blanks(*templates: str) -> set[str]:
    """The placeholders of the templates."""
    return {name for template in templates for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("name", ALL)
def test_kind_is_complete(name):
    """Kebab-case code, a sentence as message, a remedy that starts with a verb, and a page without placeholders."""
    kind = ALL[name]
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", kind.code)
    assert kind.message.endswith((".", "}"))
    assert re.match(r"[A-Z][a-z]+\b|\{remedy\}$", kind.remedy)
    page = (kind.meaning, kind.why or kind.cause, kind.fix or kind.remedy)
    assert all(page)
    assert blanks(*page) == set()


@pytest.mark.parametrize("name", ALL)
def test_finding_fills_every_placeholder(name):
    """Values appear in the sentences unchanged, braces included."""
    kind = ALL[name]
    values = dict.fromkeys(blanks(kind.message, kind.cause, kind.remedy), "{0} %s {x}")
    finding = kind.found(**values, evidence=("e",))
    assert (finding.code, finding.severity, finding.evidence) == (kind.code, kind.severity, ("e",))
    assert ("{0} %s {x}" in finding.message) == bool(blanks(kind.message))
    assert kind.found(**values, severity="info").severity == "info"


def test_missing_value_raises():
    """A rule that forgets a value raises KeyError instead of printing its template."""
    with pytest.raises(KeyError):
        factory.NOT_CONNECTED.found()


def test_each_code_has_one_page():
    """Kinds that share a code share its page, whatever verb reports them."""
    for kind in ALL.values():
        first = CATALOGUE[kind.code]
        assert (kind.link, kind.meaning, kind.why, kind.fix) == (first.link, first.meaning, first.why, first.fix)
    assert set(CATALOGUE) == {kind.code for kind in ALL.values()}
    assert list(dict.fromkeys(kind.link for kind in CATALOGUE.values())) == list(get_args(Link))


def test_missing_right_is_named_after_its_step():
    """The finding for a missing right has the code `may-not-<step>`."""
    assert all(kind.code == f"may-not-{step}" for step, kind in rights.MISSING_RIGHTS.items())
    assert set(rights.MISSING_RIGHTS) <= set(get_args(RightStep))


@pytest.mark.untraced
@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_findings_are_made_only_in_the_catalogue(path):
    """No other module constructs a Finding or spells the code of one."""
    if path.is_relative_to(SOURCE / "_rules" / "findings") or path.is_relative_to(SOURCE / "emulator"):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    made = [
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding"
    ]
    spelled = [
        f"{node.value} (line {node.lineno})"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in set(CATALOGUE) - ALSO_ERRORS
    ]
    assert (made, spelled) == ([], [])


#: Codes that errors or outcomes use too.
ALSO_ERRORS = {"connected-elsewhere", "plan-conflict", "unsupported-setup"}


def test_every_kind_is_used():
    """A kind that no rule uses has to be removed."""
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for path in SOURCE.rglob("*.py")
        if not path.is_relative_to(SOURCE / "_rules" / "findings")
    )
    assert [name for name in KINDS if not re.search(rf"\b{name}\b", source)] == []


def test_catalogue_lists_every_section():
    """A module of the folder that the catalogue does not list has no page."""
    files = {path.stem for path in (SOURCE / "_rules" / "findings").glob("*.py")} - {"__init__", "kind", "catalogue"}
    assert files == {module.__name__.rpartition(".")[2] for module in catalogue._SECTIONS}
