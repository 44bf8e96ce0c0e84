"""The documentation is correct: its code runs, and it covers every public name and error code."""

from __future__ import annotations

import inspect
import logging
import re
import runpy
import shlex
from pathlib import Path
from typing import get_args

import pytest

import purview_mpe
from purview_mpe import Client, aio, durable, emulator, errors, notebook
from purview_mpe._cli.main import make_parser
from purview_mpe._model.matrix import RuntimeKind
from purview_mpe._model.results import Action, ConnectionList, Firewall, Result, Severity, Shape, Subject, Verdict
from purview_mpe._rules.findings.catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parent.parent
generated = runpy.run_path(str(ROOT / "docs" / "generated.py"))
SOURCE = ROOT / "src" / "purview_mpe"
FUNCTION_APP = ROOT / "docs" / "examples" / "function_app"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: A text block right after the code holds its output; `…` stands for anything within a line.
OUTPUT = re.compile(r"\n*^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WITH_CODE = [page for page in PAGES if BLOCK.search(page.read_text())]


@pytest.fixture
def _same_logger():
    """A page can configure the library's logger, so the fixture restores it for other tests."""
    logger = logging.getLogger("purview_mpe")
    level, handlers = logger.level, list(logger.handlers)
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers


@pytest.mark.usefixtures("_same_logger")
@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_blocks_run(page, tmp_path, monkeypatch, capsys):
    """Every Python block of a page runs, one after the other, and prints what the page says it prints."""
    monkeypatch.syspath_prepend(str(FUNCTION_APP))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").symlink_to(ROOT / "docs")  # as in a checkout, without leaving files in the real one
    namespace: dict[str, object] = {"__name__": "page"}
    text = page.read_text()
    for block in BLOCK.finditer(text):
        line = text[: block.start(1)].count("\n")
        code = compile("\n" * line + block[1], str(page), "exec")
        exec(code, namespace)  # noqa: S102 - the project's documentation
        printed = capsys.readouterr().out
        if shown := OUTPUT.match(text, block.end()):
            assert_looks_like(printed, shown[1])


def assert_looks_like(printed, shown):
    """Assert equal lines, except for `…` and trailing spaces."""
    given, expected = ([line.rstrip() for line in text.strip().splitlines()] for text in (printed, shown))
    patterns = [".*".join(re.escape(part) for part in line.split("…")) for line in expected]
    fits = len(given) == len(patterns) and all(map(re.fullmatch, patterns, given))
    assert fits, f"the page shows\n{shown}\nand the code prints\n{printed}"


SHELL = re.compile(r"^```(?:console|sh|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = {
    f"{page.relative_to(ROOT)}: {command}": command
    for page in PAGES
    for block in SHELL.findall(page.read_text())
    for command in re.findall(r"^(?:\$ )?(purview-mpe .*)$", block.replace("\\\n", " "), re.MULTILINE)
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_commands_are_understood(command):
    """Every command on a page uses existing options; the commands are only parsed."""
    words = shlex.split(re.split(r" [|>;]| && ", command)[0], comments=True)
    try:
        make_parser().parse_args(words[1:])
    except SystemExit as end:
        assert end.code == 0, command  # noqa: PT017 - argparse ends the process, for --help as for a mistake


def test_every_error_code_has_a_heading():
    """Each leaf of the error tree and each outcome code has a heading in docs/errors.md."""
    headings = re.findall(r"^## `([a-z-]+)`", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE)
    codes = {getattr(errors, name).code for name in errors.__all__ if name != "PurviewMpeError"}
    assert set(headings) == codes | set(errors.OUTCOME_CODES)


def test_every_finding_code_has_a_heading():
    """Each code of the catalogue has a heading in docs/findings.md, and no other code has one."""
    page = (ROOT / "docs" / "findings.md").read_text()
    assert re.findall(r"^### `([a-z-]+)`$", page, re.MULTILINE) == list(CATALOGUE)


def test_every_finding_has_cause_and_remedy():
    """The section of each code has the cause first, then the remedy."""
    page = (ROOT / "docs" / "findings.md").read_text()
    sections = re.split(r"^##+ ", page, flags=re.MULTILINE)
    lacking = [
        section.splitlines()[0]
        for section in sections
        if section.startswith("`") and not re.search(r"^\*\*Cause:\*\* .+\n\*\*Remedy:\*\* .+", section, re.MULTILINE)
    ]
    assert lacking == []


PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in (purview_mpe, aio, durable, errors, emulator, notebook)
    for name in module.__all__
    if not name.startswith("__")
}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_in_the_reference(name):
    """The reference documents every name that can be imported."""
    pages = "\n".join(page.read_text() for page in (ROOT / "docs" / "reference").glob("*.md"))
    assert re.search(rf"^\.\. (auto\w+|py:data):: {re.escape(name)}$", pages, re.MULTILINE)


def test_every_public_name_has_a_docstring():
    """Every importable class and function, and each of their methods, has a docstring."""
    without = [
        f"{name}.{member}" if member else name
        for name, value in PUBLIC.items()
        if inspect.isclass(value) or inspect.isroutine(value)
        for member in ("", *(_methods(value) if inspect.isclass(value) else ()))
        if not inspect.getdoc(getattr(value, member) if member else value)
    ]
    assert without == []


@pytest.mark.parametrize("client", [Client, aio.Client])
def test_docstring_of_every_verb_has_the_same_facts(client):
    """It says what is read, which role is needed, whether repeating is safe, the units, and what is raised."""
    lacking = {}
    for verb in (name for name in dir(client) if not name.startswith("_") and name != "close"):
        docstring = " ".join(inspect.getdoc(getattr(client, verb)).casefold().split())
        words = ["reads", "needs", "safe to repeat", "raises"]
        if {"timeout", "every"} & set(inspect.signature(getattr(client, verb)).parameters):
            words.append("seconds")
        lacking[verb] = [word for word in words if word not in docstring]
    assert {verb: words for verb, words in lacking.items() if words} == {}


def _methods(value):
    return [
        name
        for name, member in vars(value).items()
        if not name.startswith("_") and (inspect.isroutine(member) or isinstance(member, property))
    ]


GUIDES = sorted((ROOT / "docs" / "contributing").glob("*.md"))


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_guide_names_existing_files(page):
    """Every folder and file that a guide for contributors names exists."""
    named = re.findall(r"`((?:src|docs|tests)/[\w/.-]+)`", page.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_new_verb_has_at_most_ten_places():
    """The guide lists them, and each contains an existing verb."""
    places = re.findall(
        r"^\d+\. `([\w/.-]+)`", (ROOT / "docs" / "contributing" / "add-a-verb.md").read_text(), re.MULTILINE
    )
    assert len(places) <= 10
    assert [path for path in places if not re.search(r"\bdisconnect\b", (ROOT / path).read_text())] == []


def test_guide_lists_every_place_of_a_verb():
    """Only the files that the guide lists name an existing verb."""
    guide = (ROOT / "docs" / "contributing" / "add-a-verb.md").read_text()
    library = [path for path in SOURCE.rglob("*.py") if "emulator" not in path.parts]
    naming = {
        str(path.relative_to(ROOT))
        for path in library
        if re.search(r"\bverbs\.disconnect\b|\"disconnect\"", path.read_text())
    }
    assert {path for path in naming if f"`{path}`" not in guide} == set()


def test_every_folder_of_the_library_has_a_line():
    """The overview says what each folder and module is for."""
    page = (ROOT / "docs" / "contributing" / "index.md").read_text()
    there = [path for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    named = [f"src/purview_mpe/{path.name}{'/' if path.is_dir() else ''}" for path in there if path.stem[:2] != "__"]
    assert [name for name in named if f"`{name}`" not in page and name != "src/purview_mpe/_version.py"] == []


WORDS = {
    "Shapes": Shape,
    "Firewall settings": Firewall,
    "Where connections are listed": ConnectionList,
    "Actions": Action,
    "Results": Result,
    "Verdicts": Verdict,
    "Subjects": Subject,
    "Severities": Severity,
    "Kinds of runtime": RuntimeKind,
}


@pytest.mark.parametrize("heading", WORDS)
def test_every_word_of_a_value_is_explained(heading):
    """A field with a fixed set of words has a table with exactly those words."""
    page = (ROOT / "docs" / "reference" / "words.md").read_text()
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([\w-]+)` \|", section, re.MULTILINE) == list(get_args(WORDS[heading]))


@pytest.mark.parametrize("page", generated["pages"](), ids=lambda page: page.name)
def test_generated_parts_are_current(page):
    """Generated parts of the pages match the source; `python docs/generated.py` updates them."""
    assert page.read_text(encoding="utf-8") == generated["pages"]()[page]


@pytest.mark.parametrize("client", [Client, aio.Client])
def test_the_reference_shows_every_verb(client):
    """Verbs of a base class would be missing from the reference unless it asks for inherited members."""
    pages = "\n".join(page.read_text() for page in (ROOT / "docs" / "reference").glob("*.md"))
    directive = pages.partition(f"autoclass:: {client.__module__.replace('._client.client', '')}.Client\n")[
        2
    ].partition("\n\n")[0]
    inherited = [name for name in dir(client) if not name.startswith("_") and name not in vars(client)]
    assert ":members:" in directive
    assert not inherited or ":inherited-members:" in directive


VERBS = sorted(name for name in dir(Client) if not name.startswith("_") and name != "close")
#: Verbs for many factories share one page.
OF_FLEETS = [verb for verb in VERBS if verb.endswith("_many") or verb == "find_specs"]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in OF_FLEETS])
def test_every_verb_has_a_page(verb):
    """A verb's page says what it reads, writes and needs, what it raises, and whether repeating is safe."""
    page = (ROOT / "docs" / "verbs" / f"{verb}.md").read_text().casefold()
    for word in ("reads", "writes", "needs", "raises", "repeat", "```python", "purview-mpe "):
        assert word in page, word


def test_verbs_for_fleets_share_a_page():
    """Each verb for many factories is shown on the page on fleets."""
    if OF_FLEETS:
        page = (ROOT / "docs" / "fleets.md").read_text()
        assert [verb for verb in OF_FLEETS if f"{verb}(" not in page and f"`{verb}`" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_prose_has_one_sentence_per_line(page):
    """A change of one sentence is a change of one line, so that reviews show it."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    crowded = [
        line
        for line in text.splitlines()
        if not line.startswith(("|", "#", "- [", "**", "["))
        and re.search(r"[a-z\)`\*]\. [A-Z]", re.sub(r"`[^`]*`", "``", line))
    ]
    assert crowded == []


def test_relative_links_point_to_existing_files():
    """Links in README and docs are checked."""
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(
            r"\]\(([^)#:]+)(?:#[^)]*)?\)", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        )
        if not (page.parent / target).exists()
    ]
    assert broken == []
