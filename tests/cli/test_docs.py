"""The documentation page about the command line matches the command line."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from purview_mpe._cli.exit_codes import Exit
from purview_mpe._cli.main import make_parser
from purview_mpe._cli.verbs import VERBS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
ALL_PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks() -> list[str]:
    return re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[tuple[str, str]]:
    """Each command of a console block with the output below it."""
    return [(command, output) for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)]


def without_made_up_names(text: str) -> str:
    """The text without the random names that the emulator generates."""
    return re.sub(r"(?<=scanwesteurope)\w{7}|(?<=atlas-)[-.0-9a-f]+", "*", text)


def test_examples_on_the_page_print_the_shown_output(
    shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every console example runs in the order of the page and prints the output below it."""
    monkeypatch.chdir(tmp_path)
    Path("sales.json").write_text(shell.spec.model_dump_json())
    Path("ids.csv").write_text(f"factory\n{shell.spec.factory}\n")
    variables = {
        "$FACTORY": shell.spec.factory,
        "$ACCOUNT": shell.spec.account,
        "$SUBSCRIPTION": shell.spec.factory.split("/")[2],
    }
    for command, output in (one for block in blocks() for one in commands(block)):
        call, _, file = command.partition(" > ")
        words = [variables.get(word, word) for word in shlex.split(call)]
        assert words[0] == "purview-mpe"
        ended = shell.run(*words[1:], *(["-o", "table"] if output else []))
        assert ended.code in {Exit.DONE, Exit.DRIFT}, f"{command}: {ended.err}"
        if file:
            Path(file).write_text(ended.out)
        if output:
            assert without_made_up_names(ended.out.strip()) == without_made_up_names(output.strip())


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_on_every_page_are_valid(page: Path) -> None:
    """The parser accepts every purview-mpe call in the shell examples of all pages."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```(?:sh|console|bash)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        joined = block.replace("\\\n", " ")
        for call in re.findall(r"(?:^|[$(] ?)purview-mpe ([^|>)#\n]*)", joined, re.MULTILINE):
            assert make_parser().parse_args(shlex.split(call)).run


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_every_verb_is_on_the_page(verb: str) -> None:
    """The page's table lists every verb."""
    assert f"| `{verb}` |" in PAGE


def test_every_option_is_on_the_page() -> None:
    """The page mentions every option of every verb."""
    parser: Any = make_parser()
    verbs = next(action.choices for action in parser._actions if action.nargs == "A...")
    flags = {flag for verb in verbs.values() for action in verb._actions for flag in action.option_strings}
    for flag in sorted(flags - {"-h", "--verbose", "--output"}):
        assert re.search(rf"(?<![\w-]){flag}(?![\w-])", PAGE), flag


@pytest.mark.parametrize("code", list(Exit))
def test_every_exit_code_is_on_the_page(code: Exit) -> None:
    """The table of exit codes is complete."""
    assert f"\n| {code.value} | " in PAGE
