"""The catalogue of findings: each code once, every sentence complete, and no finding made anywhere else."""

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
    """The names that a template leaves to be filled in."""
    return {name for template in templates for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("name", ALL)
def test_a_kind_is_complete(name):
    """Code in kebab-case, a sentence for what it is, a remedy that starts with a verb, and a page without blanks."""
    kind = ALL[name]
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", kind.code)
    assert kind.message.endswith((".", "}"))
    assert re.match(r"[A-Z][a-z]+\b|\{remedy\}$", kind.remedy)
    page = (kind.meaning, kind.why or kind.cause, kind.fix or kind.remedy)
    assert all(page)
    assert blanks(*page) == set()


@pytest.mark.parametrize("name", ALL)
def test_a_finding_fills_every_blank(name):
    """What is filled in stands in the sentences as it is, braces included."""
    kind = ALL[name]
    values = dict.fromkeys(blanks(kind.message, kind.cause, kind.remedy), "{0} %s {x}")
    finding = kind.found(**values, evidence=("e",))
    assert (finding.code, finding.severity, finding.evidence) == (kind.code, kind.severity, ("e",))
    assert ("{0} %s {x}" in finding.message) == bool(blanks(kind.message))
    assert kind.found(**values, severity="info").severity == "info"


def test_a_blank_that_is_not_filled_is_an_error():
    """A rule that forgets a value does not print its template."""
    with pytest.raises(KeyError):
        factory.NOT_CONNECTED.found()


def test_each_code_is_one_kind():
    """Under one code there is one page, whatever a verb says about it."""
    for kind in ALL.values():
        first = CATALOGUE[kind.code]
        assert (kind.link, kind.meaning, kind.why, kind.fix) == (first.link, first.meaning, first.why, first.fix)
    assert set(CATALOGUE) == {kind.code for kind in ALL.values()}
    assert list(dict.fromkeys(kind.link for kind in CATALOGUE.values())) == list(get_args(Link))


def test_rights_are_steps():
    """A missing right is a finding under the name of its step."""
    assert all(kind.code == f"may-not-{step}" for step, kind in rights.MISSING_RIGHTS.items())
    assert set(rights.MISSING_RIGHTS) <= set(get_args(RightStep))


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_finding_is_made_outside_the_catalogue(path):
    """Rules fill in what the catalogue holds: no other module makes a finding, or spells a code of one."""
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


#: Codes that an error or an outcome has as well.
ALSO_ERRORS = {"connected-elsewhere", "plan-conflict", "unsupported-setup"}


def test_every_kind_is_used():
    """An entry that no rule fills in goes."""
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for path in SOURCE.rglob("*.py")
        if not path.is_relative_to(SOURCE / "_rules" / "findings")
    )
    assert [name for name in KINDS if not re.search(rf"\b{name}\b", source)] == []


def test_the_catalogue_knows_every_section():
    """A module of the folder that the catalogue leaves out has no page."""
    files = {path.stem for path in (SOURCE / "_rules" / "findings").glob("*.py")} - {"__init__", "kind", "catalogue"}
    assert files == {module.__name__.rpartition(".")[2] for module in catalogue._SECTIONS}
