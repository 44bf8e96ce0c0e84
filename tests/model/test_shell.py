"""The translation of messages and remedies from Python calls to commands."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from purview_mpe import Client, ErrorDetail, Finding, Spec, Step
from purview_mpe._cli.main import make_parser
from purview_mpe._cli.verbs import VERBS
from purview_mpe._model.shell import command_of, in_shell, option_of
from purview_mpe.errors import NotFound
from tests.support.nouns import ACCOUNT
from tests.support.shell_words import PYTHON

SOURCE = Path(__file__).resolve().parents[2] / "src" / "purview_mpe"
#: Only Python programs meet these texts: clients and credentials, the engines, and fleets.
FOR_PROGRAMS = (
    "_model/shell.py",
    "emulator",
    "durable",
    "aio.py",
    "notebook.py",
    "_client",
    "_azure/clients.py",
    "_azure/credentials.py",
)


def sentences():
    """Every text of the source that mentions Python calls, without docstrings."""
    for path in sorted(SOURCE.rglob("*.py")):
        if str(path.relative_to(SOURCE)).startswith(FOR_PROGRAMS):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        about = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "x" for part in node.values]
                about |= {id(part) for part in node.values}
                text = "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in about:
                text = node.value
            else:
                continue
            if " " in text and PYTHON.search(text):
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", text


SENTENCES = dict(sentences())


def test_texts_with_python_calls_are_found():
    """The search finds more than a few texts."""
    assert len(SENTENCES) > 10


@pytest.mark.parametrize("place", SENTENCES)
def test_command_line_texts_have_no_python_calls(place):
    """Every text of the library has a translation for the command line."""
    assert PYTHON.findall(in_shell(SENTENCES[place])) == []


@pytest.mark.parametrize(
    ("python", "shell"),
    [
        (
            "Make it: client.create_all(spec), then client.approve(spec).",
            "Make it: purview-mpe create, then purview-mpe approve.",
        ),
        ("Call connect(spec, replace=True) if", "Run purview-mpe connect --replace if"),
        ("Call create_all with Spec(replace_broken=True), which", "Run purview-mpe create --replace-broken, which"),
        ("client.create_all(spec) with Spec(replace_broken=True)", "purview-mpe create --replace-broken"),
        ("Repeat the call with Spec(replace_broken=True).", "Repeat the command with --replace-broken."),
        ("approve(report) and apply(plan)", "purview-mpe approve --report FILE and purview-mpe create --plan FILE"),
        ("client.diagnose(spec, since=7d)", "purview-mpe diagnose --since 7d"),
        ("Set Spec.replace_broken to True to have", "Give --replace-broken to have"),
        ("set Spec.groups to ('account', 'blob').", "give --groups account,blob."),
        ("Pass groups=('account',) or", "Give --groups account or"),
        ("Set Spec.managed_virtual_network to 'dmz'.", "Give --managed-vnet dmz."),
        ("or set Spec.names['blob']; the", "or give --name-of blob=NAME; the"),
        ("Spec.names['blob']", "--name-of blob=NAME"),
        ("Set Spec.account, or", "Give --account, or"),
        ("Spec.groups asks for blob", "--groups asks for blob"),
        ("back with since=.", "back with --since."),
        ("a longer timeout", "a longer --timeout"),
        ("connection_verify='ca.pem'", "--ca ca.pem"),
        ("so the caller has to apply the plan", "so the caller has to apply the plan"),
        (
            "client.create_private_endpoints(spec, network, purpose='studio').",
            "purview-mpe private-endpoints create --purpose studio.",
        ),
        ("with private_endpoints_status(spec, network)", "with purview-mpe private-endpoints status"),
        ("Set Network.dns to 'create' to", "Give --dns create to"),
        ("set Network.zone_resource_group to their", "give --zone-resource-group their"),
        ("set Network.zone_resource_group to the id", "give --zone-resource-group the id"),
        ("Repeat the proof for this run (run_id).", "Repeat the proof for this run (--run)."),
        ("Drop become_admin if", "Drop --become-admin if"),
        ("the call", "the command"),
    ],
)
def test_translations(python, shell):
    """Calls become commands, fields and arguments become options, and other text stays."""
    assert in_shell(python) == shell


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_command_names_are_not_translated(verb):
    """The name of a command is not the Python name of another one."""
    assert command_of(verb) == verb


def test_every_verb_has_a_command():
    """Every verb that a remedy can name exists on the command line, except the verbs for fleets."""
    called = {name for name in dir(Client) if not name.startswith("_") and name not in {"close", "find_specs"}}
    commands = {command_of(name).split()[0] for name in called if not name.endswith("_many")}
    assert commands == {verb.name for verb in VERBS} & commands


@pytest.mark.parametrize("field", Spec.model_fields)
def test_every_field_of_a_spec_is_an_option(field):
    """`create` has the option that the translation uses."""
    (verbs,) = (action for action in make_parser()._actions if action.choices and "create" in action.choices)
    options = {flag for action in verbs.choices["create"]._actions for flag in action.option_strings}
    assert option_of(field) in options


@pytest.mark.parametrize(
    "carrier",
    [
        NotFound("m", remedy="Create it first with create_all(spec)."),
        Finding(code="c", severity="info", message="m", remedy="Create it first with create_all(spec)."),
        ErrorDetail(code="c", message="m", remedy="Create it first with create_all(spec)."),
        Step(
            action="conflict",
            name="n",
            group_id="account",
            resource_id=ACCOUNT,
            reason="r",
            remedy="Create it first with create_all(spec).",
        ),
    ],
    ids=lambda carrier: type(carrier).__name__,
)
def test_remedies_exist_in_both_forms(carrier):
    """Errors, findings and steps carry the remedy as a Python call and as a command."""
    assert carrier.remedy == "Create it first with create_all(spec)."
    assert carrier.shell_remedy == "Create it first with purview-mpe create."


def test_step_without_a_remedy_has_no_shell_remedy():
    """Only conflicts have a remedy."""
    step = Step(action="keep", name="n", group_id="account", resource_id=ACCOUNT, reason="r")
    assert step.shell_remedy is None
