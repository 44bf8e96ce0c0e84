"""Help texts and shell completion."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from purview_mpe import __version__
from purview_mpe._cli.completion import script
from purview_mpe._cli.main import main, make_parser
from purview_mpe._cli.verbs import VERBS

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [verb.name for verb in VERBS]
SHELLS = ["bash", "zsh", "fish"]


def test_help_lists_every_verb_and_how_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    """The first page fits 80 columns and says how to begin, how to sign in, and what the exit codes mean."""
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for word in (*NAMES, "az login", "130", "NO_COLOR", "DefaultAzureCredential"):
        assert word in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("verb", NAMES)
def test_help_of_each_verb_has_examples(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    """Each help text has examples of its verb and fits 80 columns."""
    assert main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"purview-mpe {verb}" in shown.partition("\nexamples:\n  ")[2]
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("example", [example for verb in VERBS for example in verb.examples])
def test_help_examples_are_valid_commands(example: str) -> None:
    """The parser accepts every example in the help."""
    command = re.split(r" [|>] |\)", example.replace("\\\n", " ").partition("purview-mpe ")[2])[0]
    assert make_parser().parse_args(shlex.split(command, comments=True)).run


def test_a_mistyped_verb_gets_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    """The error names the nearest verb, or else the help that lists them."""
    assert main(["creat"]) == 2
    assert "did you mean 'create'?" in capsys.readouterr().err
    assert main(["zzz"]) == 2
    assert capsys.readouterr().err == "error: the verb 'zzz' does not exist\n  See: purview-mpe --help\n"


def test_missing_verb_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The error points to the help."""
    assert main([]) == 2
    assert "See: purview-mpe --help" in capsys.readouterr().err


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` names the package and its version."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"purview-mpe {__version__}\n"


# --- completion


@pytest.mark.parametrize("name", SHELLS)
def test_completion_prints_a_valid_script(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """The script names every verb and option, and the shell's syntax check accepts it."""
    assert main(["completion", name]) == 0
    text = capsys.readouterr().out
    for word in (*NAMES, "version", "fail-on-changes", "us-government"):
        assert word in text
    if (shell := shutil.which(name)) is not None:
        assert subprocess.run([shell, "-n"], input=text, text=True, capture_output=True, check=True).stderr == ""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", {*NAMES}),
        ("-", {"--help", "--version", "-h"}),
        ("cr", {"create"}),
        ("de", {"demo", "delete"}),
        ("plan --fa", {"--factory", "--fail-on-changes"}),
        ("plan --cloud ", {"public", "us-government", "china"}),
        ("plan -o j", {"json"}),
        ("plan --name ", set()),
        ("completion f", {"fish"}),
        ("create --plan a", {"a plan.json", "another"}),
    ],
)
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes(tmp_path: Path, line: str, expected: set[str]) -> None:
    """Bash offers verbs, options, choices and files at the right positions."""
    (tmp_path / "a plan.json").touch()
    (tmp_path / "another").touch()
    words = ["purview-mpe", *line.split(" ")]
    ask = f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; _shtab_purview_mpe; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    printed = subprocess.run(
        ["bash", "-c", f"{script('bash', make_parser())}\n{ask}"],  # noqa: S607 - the bash of this machine
        cwd=tmp_path,
        text=True,
        capture_output=True,
        check=True,
    )
    assert printed.stderr == ""
    assert set(filter(None, printed.stdout.split("\n"))) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cr", {"create"}),
        ("plan --fa", {"--factory", "--fail-on-changes"}),
        ("plan --cloud ", {"public", "us-government", "china"}),
        ("completion f", {"fish"}),
    ],
)
@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes(tmp_path: Path, line: str, expected: set[str]) -> None:
    """The same in fish; the test ignores fish's descriptions."""
    command = tmp_path / "purview-mpe"
    command.touch(mode=0o755)
    ask = f"set PATH {tmp_path} $PATH; {script('fish', make_parser())}\ncomplete -C 'purview-mpe {line}'"
    printed = subprocess.run(["fish", "--no-config", "-c", ask], text=True, capture_output=True, check=True)  # noqa: S607 - as above
    assert {offer.partition("\t")[0] for offer in printed.stdout.splitlines()} == expected
