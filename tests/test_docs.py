"""What the documentation says is true: its code runs, and every public name and error code has its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import purview_mpe
from purview_mpe import errors

ROOT = Path(__file__).resolve().parent.parent
FUNCTION_APP = ROOT / "docs" / "examples" / "function_app"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Output stands in a text block right behind the code that prints it; `…` stands for anything within a line.
OUTPUT = re.compile(r"\n*^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WITH_CODE = [page for page in PAGES if BLOCK.search(page.read_text())]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_blocks_run(page, tmp_path, monkeypatch, capsys):
    """Every Python block of a page runs, one after the other, and prints what the page says it prints."""
    monkeypatch.syspath_prepend(str(FUNCTION_APP))
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "page"}
    text = page.read_text()
    for block in BLOCK.finditer(text):
        line = text[: block.start(1)].count("\n")
        code = compile("\n" * line + block[1], str(page), "exec")
        exec(code, namespace)  # noqa: S102 - our own documentation
        printed = capsys.readouterr().out
        if shown := OUTPUT.match(text, block.end()):
            assert_looks_like(printed, shown[1])


def assert_looks_like(printed, shown):
    """The lines are the same, but for what `…` stands for and for spaces at their ends."""
    given, expected = ([line.rstrip() for line in text.strip().splitlines()] for text in (printed, shown))
    patterns = [".*".join(re.escape(part) for part in line.split("…")) for line in expected]
    fits = len(given) == len(patterns) and all(map(re.fullmatch, patterns, given))
    assert fits, f"the page shows\n{shown}\nand the code prints\n{printed}"


def test_every_error_code_has_a_heading():
    """Each leaf of the error tree is explained under its code in docs/errors.md."""
    headings = re.findall(r"^## `([a-z-]+)`", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE)
    codes = {getattr(errors, name).code for name in errors.__all__ if name != "PurviewMpeError"}
    assert set(headings) == codes


def test_every_public_name_has_a_docstring():
    """help() says something about everything that can be imported from the package."""
    without = [
        name
        for name in purview_mpe.__all__
        if not name.startswith("__") and name.upper() != name and not getattr(purview_mpe, name).__doc__
    ]
    assert without == []


def test_links_lead_somewhere():
    """Relative links in README and docs point to files that exist."""
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []
