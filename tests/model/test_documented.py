"""Every public field is documented: below the field, in the JSON schema, and in the docstring of a spec."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import purview_mpe
from purview_mpe import Spec, durable, emulator
from purview_mpe._model.documented import texts_of
from purview_mpe._model.spec import Noun

SOURCE = Path(__file__).resolve().parents[2] / "src" / "purview_mpe"
CLASSES = {
    value
    for module in (purview_mpe, durable, emulator)
    for name in module.__all__
    if inspect.isclass(value := getattr(module, name))
}
NOUNS = sorted((kind for kind in CLASSES if issubclass(kind, Noun)), key=lambda kind: kind.__name__)


def public_fields():
    """Class and field with the text below it, for every class that users import, read from the source."""
    names = {kind.__qualname__ for kind in CLASSES}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef) or node.name not in names or not _is_public(node):
                continue
            for field, below in zip(node.body, [*node.body[1:], None], strict=True):
                if isinstance(field, ast.AnnAssign) and not _is_private(field):
                    is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
                    yield f"{node.name}.{ast.unparse(field.target)}", below.value.value if is_text else ""


def _is_public(node):
    return any(ast.unparse(one).startswith("public") for one in node.decorator_list)


def _is_private(field):
    return ast.unparse(field.target).startswith("_") or "ClassVar" in ast.unparse(field.annotation)


FIELDS = dict(public_fields())


def test_all_public_fields_are_found():
    """The search finds every field of every noun."""
    missing = {f"{kind.__name__}.{field}" for kind in NOUNS for field in kind.model_fields} - set(FIELDS)
    assert missing == set()


@pytest.mark.parametrize("field", FIELDS)
def test_every_public_field_has_a_docstring(field):
    """A sentence below the field says what it holds."""
    assert re.match(r"[A-Z`].*[.:]", FIELDS[field], re.DOTALL), field


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.__name__)
def test_json_schema_describes_every_field(noun):
    """The JSON schema has the same texts, for tools that show them."""
    schema = noun.model_json_schema()
    described = {name: field.get("description") for name, field in schema["properties"].items()}
    expected = {name: " ".join(FIELDS[f"{noun.__name__}.{name}"].split()) for name in noun.model_fields}
    assert described == expected


def test_docstring_of_spec_lists_every_field():
    """An editor shows every field with its text for `Spec(`."""
    _, _, arguments = inspect.getdoc(Spec).partition("Args:\n")
    arguments, _, _ = arguments.partition("\n\n")
    found = dict(re.findall(r"^    (\w+): (.*(?:\n      .*)*)", arguments, re.MULTILINE))
    listed = {field: " ".join(text.split()) for field, text in found.items()}
    assert listed == texts_of("purview_mpe._model.spec", "Spec")


def test_typed_signature_of_spec_has_every_field():
    """The hand-written signature for type checkers has every field with its default, and accepts parsed ids."""
    tree = ast.parse((SOURCE / "_model" / "spec.py").read_text(encoding="utf-8"))
    [spec] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Spec"]
    [init] = [node for node in ast.walk(spec) if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    written = {
        argument.arg: default for argument, default in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
    }
    assert list(written) == list(Spec.model_fields)
    assert [name for name, default in written.items() if default is None] == [
        name for name, field in Spec.model_fields.items() if field.is_required()
    ]
    hints = {argument.arg: ast.unparse(argument.annotation) for argument in init.args.kwonlyargs}
    assert (hints["factory"], hints["account"]) == ("str | ArmId", "str | ArmId | None")


def test_spec_accepts_parsed_ids(emulator):
    """The emulator's ids can be passed to a spec, which keeps them as text."""
    spec = Spec(factory=emulator.factory, account=emulator.account, name="purview")
    assert (spec.factory, spec.account) == (str(emulator.factory), str(emulator.account))


def test_missing_source_gives_no_texts():
    """If the source is not installed, the texts are empty."""
    assert texts_of("sys", "Spec") == {}


class Bare(Noun):
    """A noun with an undocumented field."""

    field: int


def test_field_without_a_text_has_no_description():
    """The schema is created all the same."""
    assert "description" not in Bare.model_json_schema()["properties"]["field"]
