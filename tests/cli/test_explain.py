"""`purview-mpe explain`: the pages of the documentation, offline."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from purview_mpe._display.pages import ERRORS, codes, error_page, explained, finding_page
from purview_mpe._model.results import Action, Result, Subject, Verdict
from purview_mpe._rules.findings.catalogue import CATALOGUE
from purview_mpe.errors import OUTCOME_CODES
from tests.support.shell_words import PYTHON

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).resolve().parents[2] / "docs"
CODES = [*ERRORS, *OUTCOME_CODES, *CATALOGUE]
WORDS = sorted({word for words in (Action, Result, Verdict, Subject) for word in get_args(words)})


def plain(markdown: str) -> str:
    """The words of a page, without its marks and links."""
    without = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"\*\*|`", "", markdown))
    return " ".join(without.replace("Remedy:", "What to do:").split())


@pytest.mark.parametrize("code", dict.fromkeys(CODES))
def test_every_code_is_explained(shell: Any, code: str) -> None:
    """`explain` prints the page of a code in at most 80 columns, without Markdown and Python."""
    ended = shell.run("explain", code)
    assert (ended.code, ended.err) == (0, "")
    assert PYTHON.findall(ended.out) == []
    assert not re.search(r"\]\(|\*\*|`", ended.out)
    assert max(map(len, ended.out.splitlines())) <= 80
    assert "What to do: " in ended.out


def test_a_finding_is_explained_in_the_words_of_the_site(shell: Any) -> None:
    """The output repeats the documentation page word for word."""
    page = finding_page(CATALOGUE["flags-disagree"])
    assert page in (DOCS / "findings.md").read_text(encoding="utf-8")
    assert plain(page) in " ".join(shell.run("explain", "flags-disagree").out.split())


def test_an_error_is_explained_in_the_words_of_the_site(shell: Any) -> None:
    """The output repeats the documentation page, in the words of the command line."""
    page = error_page("throttled")
    assert page in (DOCS / "errors.md").read_text(encoding="utf-8")
    said = " ".join(shell.run("explain", "throttled").out.split())
    assert plain(page).replace("the call", "the command") in said


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_a_table_is_explained(shell: Any, word: str) -> None:
    """Results, verdicts, actions and subjects, in any letter case."""
    ended = shell.run("explain", word.upper())
    assert ended.code == 0
    assert ended.out.startswith(f"{word}: ")


def test_a_word_with_two_meanings_has_both(shell: Any) -> None:
    """`conflict` is an action, a result and the code of an error."""
    headings = [heading for heading, _ in explained("conflict")]
    assert [heading.partition(": ")[2] for heading in headings] == [
        "an error",
        "the action of a step, shown as !",
        "a result, shown as !",
    ]
    assert all(f"{heading}\n" in shell.run("explain", "conflict").out for heading in headings)


def test_without_a_code_all_are_listed(shell: Any) -> None:
    """The list shows every code under the heading of its kind."""
    said = " ".join(shell.run("explain").out.split())
    assert [code for code in CODES if not re.search(rf"\b{code}\b", said)] == []
    assert [heading for heading in codes() if heading not in said] == []


@pytest.mark.parametrize(
    ("given", "said"),
    [("acces-denied", "did you mean 'access-denied'?"), ("zzzz", "List them all: purview-mpe explain")],
)
def test_an_unknown_code_is_refused(shell: Any, given: str, said: str) -> None:
    """A mistyped code ends with 2 and a hint: the nearest code, or the command that lists all codes."""
    ended = shell.run("explain", given)
    assert ended.code == 2
    assert said in ended.said


def error_codes() -> Iterator[str]:
    """Codes that the source gives to an outcome's error, exceptions apart."""
    for path in (DOCS.parent / "src" / "purview_mpe").rglob("*.py"):
        yield from re.findall(r'ErrorDetail\(\s*code="([a-z-]+)"', path.read_text(encoding="utf-8"))


def test_every_code_of_an_outcome_is_explained() -> None:
    """No report holds a code that `explain` does not know."""
    assert set(error_codes()) >= {"conflict", "interrupted"}
    assert [code for code in error_codes() if not list(explained(code))] == []
