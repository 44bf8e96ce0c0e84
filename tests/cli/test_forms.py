"""The forms of an answer: Markdown for summaries, tab-separated values and queries for shells."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from purview_mpe._cli.querying import tsv


def test_a_query_gives_part_of_the_json(shell: Any) -> None:
    """As in az, a query prints JSON by default, and plain values as tsv."""
    asked = ("plan", "--query", "steps[].{name: name, group: group_id}")
    assert shell.ends(*asked).json[0] == {"name": "purview", "group": "account"}
    lines = shell.ends(*asked, "-o", "tsv").out.splitlines()
    assert lines[:2] == ["purview\taccount", "purview_blob\tblob"]
    assert shell.ends("plan", "--query", "steps[].name", "-o", "tsv").out.splitlines()[0] == "purview"
    assert shell.ends("plan", "--query", "account.shape", "-o", "tsv").out == "A\n"


def test_query_prints_json_on_a_terminal(shell: Any) -> None:
    """With a query, a terminal gets the data instead of the table."""
    assert shell.ends("plan", "--query", "account.shape", tty=True).json == "A"


def test_query_that_does_not_fit_the_answer_fails_after_the_run(shell: Any) -> None:
    """The command ends with 1 and shows the outcome as a table on stderr."""
    ended = shell.ends("create", "--query", "length(spec.name_of)")
    assert (ended.code, ended.out) == (1, "")
    assert "error: --query does not fit the answer: In function length()" in ended.said
    assert "create: 4 created" in ended.said
    assert shell.ends("plan", "--query", "abs(steps)").said.count("…") == 1  # the mismatched value is shortened
    assert shell.ends("plan", "--query", "steps[:2].length(name)").json == [7, 12]


def test_unknown_query_function_is_refused(shell: Any) -> None:
    """The command ends with 2 before anything is sent."""
    ended = shell.ends("create", "--query", "steps[].lenght(name)")
    assert (ended.code, list(shell.emulator.requests)) == (2, [])
    assert "--query: has no function 'lenght'; did you mean 'length'?" in ended.said
    assert "--query: has no function 'x'\n" in shell.ends("create", "--query", "x(@)").err


def test_tsv_is_the_list_without_a_heading(shell: Any) -> None:
    """A line for each row, as az prints it."""
    rows = [line.split("\t") for line in shell.ends("plan", "-o", "tsv").out.splitlines()]
    assert [row[:3] for row in rows[:2]] == [["create", "purview", "account"], ["create", "purview_blob", "blob"]]


def test_tsv_of_a_query_without_a_result_is_nothing(shell: Any) -> None:
    """The output is empty, so a shell variable stays empty."""
    ended = shell.ends("plan", "--query", "absent", "-o", "tsv")
    assert (ended.code, ended.out) == (0, "")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (None, ""),
        (True, "true"),
        (1.5, "1.5"),
        ([None, "a\tb\nc"], "\na b c"),
        ([[1, {"x": 2}], {"a": "b", "c": [3]}], '1\t{"x": 2}\nb\t[3]'),
    ],
)
def test_values_stay_in_their_column(data: object, text: str) -> None:
    """Tabs and line breaks become spaces; nested values are written as JSON."""
    assert tsv(data) == text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--query", "steps["), "--query: is not JMESPath"),
        (("--query", "steps", "-o", "markdown"), "--query: goes with -o json or -o tsv"),
        (("--query", "steps", "-o", "table"), "--query: goes with -o json or -o tsv"),
    ],
)
def test_a_wrong_query_is_refused_before_the_first_request(shell: Any, options: Any, said: str) -> None:
    """The command ends with 2, and nothing is sent."""
    ended = shell.ends("create", *options)
    assert ended.code == 2
    assert said in ended.said
    assert list(shell.emulator.requests) == []


def test_a_query_without_jmespath_says_what_to_install(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package can be installed without its dependencies."""
    monkeypatch.setitem(sys.modules, "jmespath", None)
    ended = shell.ends("plan", "--query", "steps")
    assert ended.code == 2
    assert "--query: needs the package jmespath: pip install jmespath" in ended.said


def test_markdown_is_a_summary_for_ci(shell: Any) -> None:
    """The summary has a heading, a table of steps and the remedies, in the words of the command line."""
    text = shell.ends("plan", "-o", "markdown").out
    lines = text.splitlines()
    assert lines[0] == "## Plan: 4 to create"
    assert "|  | Endpoint | Group | Target |" in lines
    assert "| `+` | purview_blob | blob |" in text
    bare = shell.emulator.add_factory("adf-bare")
    checked = shell.run(
        "check", "--factory", str(bare), "--account", str(shell.spec.account), "--name", "purview", "-o", "markdown"
    ).out
    assert "**What to do:" in checked
    assert "\n```\npurview-mpe grant\n```\n" in checked


def test_markdown_shows_the_hand_off_as_code(shell: Any) -> None:
    """The text for the owners is a code block, so its commands can be copied."""
    shell.ends("create")
    client = shell.connect
    ended = shell.connecting(
        lambda **options: client(credential=shell.emulator.credential_for("requester"), **options)
    ).ends("approve", "-o", "markdown")
    assert ended.code == 4
    assert "\n```\nPlease approve 4 private endpoint connections" in ended.out
