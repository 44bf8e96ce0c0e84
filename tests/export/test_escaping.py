"""Literals of the exported languages mean the text that they were made from, whatever characters it has."""

from __future__ import annotations

import base64
import json
import shlex
import shutil
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from purview_mpe import Account, Plan, Spec, Step, export
from purview_mpe._export import arm, bicep, hcl, powershell
from purview_mpe._export.hcl import Block, Code, block_lines
from purview_mpe._export.resources import one_line, unique_words
from tests.support.export_readers import GROUP, bicep_text, hcl_text

TERRAFORM = shutil.which("terraform")
CORPUS = (
    "${file('x')}",
    "$${x}",
    "$$${",
    "%{if true}",
    "%%{",
    "a\"b\\c'd",
    "line\r\nbreak\tand tab",
    "\x01\x7f\u2028\u202e",
    "\U0001f4a5 \u2018quotes\u2019 \u201a\u201b",
    "[resourceId('x')]",
    "[[x]",
    "[x",
    "'; rm -rf ~ #",
    "$(id) `id` !! ~ *",
    "{subscriptionId}?a=b#c%20&d",
    "@file",
    "#{ruby}",
    "trailing\\",
)


@given(st.text())
@example("${x}")
@example("\\${x}")
@example("'")
def test_bicep_strings(text):
    """A Bicep literal is one line, contains no interpolation and decodes to the text."""
    literal = bicep.string(text)
    assert len(literal.splitlines()) == 1
    assert "${" not in literal.replace("\\\\", "").replace("\\$", "")
    assert bicep_text(literal) == text


@given(st.text())
@example("$${x}")
@example("%%{x")
@example("$$$${")
def test_hcl_strings(text):
    """A Terraform literal is one line, contains no template and decodes to the text."""
    literal = hcl.string(text)
    assert len(literal.splitlines()) == 1
    assert hcl_text(literal.replace("$${", "\\u0024{").replace("%%{", "\\u0025{")) == text


@pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed")
def test_terraform_evaluates_literals_to_the_text(tmp_path):
    """Terraform itself evaluates each literal of the corpus to the text."""
    expression = f"base64encode(jsonencode([{', '.join(map(hcl.string, CORPUS))}]))\n"
    console = subprocess.run(
        [TERRAFORM, "console"], cwd=tmp_path, input=expression, capture_output=True, text=True, check=True
    )
    assert json.loads(base64.b64decode(json.loads(console.stdout))) == list(CORPUS)


@given(st.text())
@example("\u2019")
def test_powershell_strings(text):
    """Doubled quotes are the only escape in a PowerShell literal, and a typographic quote counts as a quote."""
    literal = powershell.string(text)
    inner = literal[1:-1]
    undone: list[str] = []
    position = 0
    while position < len(inner):
        if inner[position] in "'\u2018\u2019\u201a\u201b":
            assert inner[position + 1] == inner[position], "the literal ends early"
            position += 1
        undone.append(inner[position])
        position += 1
    assert "".join(undone) == text


@given(st.text())
@example("[x]")
@example("[[x]")
@example("[x")
@example("[]")
def test_arm_strings(text):
    """Brackets around a text mean an expression in a template, so the first one is doubled; other texts stay."""
    literal = arm.literal(text)
    in_brackets = literal.startswith("[") and literal.endswith("]")
    assert (literal[1:] if in_brackets else literal) == text
    assert not in_brackets or literal.startswith("[[")


def test_bash_passes_arguments_unchanged():
    """Bash passes every hostile name and id to the request as it was, and executes no part of it."""
    account = f"{GROUP}/providers/Microsoft.Purview/accounts/pv1"
    spec = Spec(factory=f"{GROUP}/providers/Microsoft.DataFactory/factories/df2", account=account, name="purview")
    step = Step(action="create", name="x", group_id="x", resource_id=account, reason="x")
    steps = [step.model_copy(update=dict.fromkeys(("name", "group_id", "resource_id", "reason"), t)) for t in CORPUS]
    script = export(Plan(spec=spec, account=Account(id=account, name="pv1"), steps=tuple(steps)), "az")
    calls = [line for line in script.splitlines() if line.startswith("put ")]
    assert len(calls) == len(CORPUS)
    stand_in = "put() { printf '%s\\0' \"$3\"; }\n" + "\n".join(calls)
    done = subprocess.run(["bash", "-c", stand_in], capture_output=True, check=True)  # noqa: S607 - our own script
    bodies = [json.loads(body) for body in done.stdout.decode().split("\0")[:-1]]
    assert [body["properties"]["groupId"] for body in bodies] == list(CORPUS)
    assert [shlex.split(call)[3] for call in calls] == [json.dumps(body) for body in bodies]
    assert all(shlex.split(call)[1].isascii() and not set(shlex.split(call)[1]) & set(" ?#{}'\"\\") for call in calls)


@given(st.text())
def test_comments_stay_on_one_line(text):
    """A comment contains neither line ends nor characters that change the direction of text."""
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert not set(line) & set("\u202e\u2066\u2028\x00")


@given(st.lists(st.tuples(st.just("purview"), st.text(max_size=6)), max_size=8))
def test_symbols_are_unique_identifiers(words):
    """Whatever the group ids are, each symbol in the code is an identifier and occurs once."""
    taken: set[str] = set()
    made = [unique_words(each, taken) for each in words]
    for symbols in (["_".join(each) for each in made], ["".join(each) for each in made]):
        assert len(set(symbols)) == len(made)
        assert all(symbol.isascii() and symbol.isidentifier() for symbol in symbols)


def test_layout_of_blocks():
    """Equals signs of consecutive single lines are aligned; a value over several lines starts a new group."""
    block = Block(
        "resource",
        ("a", "b"),
        {"x": "1", "long": True, "body": {"y": "2"}, "of": Code("a.b"), "empty": {}, "list": [{"k": "v"}, "w"]},
        (Block("features"), Block("inner", (), {"z": "3"}, note="why")),
        note="about it",
    )
    assert (
        "\n".join(block_lines(block))
        == """\
# about it
resource "a" "b" {
  x    = "1"
  long = true
  body = {
    y = "2"
  }
  of    = a.b
  empty = {}
  list = [
    {
      k = "v"
    },
    "w",
  ]

  features {}

  # why
  inner {
    z = "3"
  }
}"""
    )
