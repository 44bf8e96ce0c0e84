"""Specs from files: all errors are reported at once, with line and field."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe import Spec, read_specs
from purview_mpe.errors import InvalidSpec
from tests.support.nouns import ACCOUNT, FACTORY


def written(tmp_path, text: str, name: str = "fleet.json"):
    """A file with this text."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def problems(path) -> list[tuple[str, str]]:
    """The problems that reading the file reports."""
    with pytest.raises(InvalidSpec) as refused:
        read_specs(path)
    assert str(path) in refused.value.message or refused.value.message.startswith("The fleet")
    return refused.value.problems


def test_a_json_list(tmp_path):
    """A list of objects is a list of specs."""
    specs = [Spec(factory=f"{FACTORY}{n}", account=ACCOUNT, name="pv", groups=("blob",)) for n in range(3)]
    path = written(tmp_path, json.dumps([spec.model_dump(mode="json") for spec in specs], indent=2))
    assert read_specs(path) == tuple(specs)


def test_json_with_defaults(tmp_path):
    """Defaults apply to each spec without its own value."""
    text = json.dumps({"defaults": {"account": ACCOUNT, "name": "pv"}, "specs": [{"factory": FACTORY, "name": "own"}]})
    assert read_specs(written(tmp_path, text)) == (Spec(factory=FACTORY, account=ACCOUNT, name="own"),)


def test_json_errors_name_the_line_of_each_wrong_field(tmp_path):
    """Each wrong field is reported with its own line, and a missing field with the line of its spec."""
    text = f"""[
  {{"factory": "{FACTORY}",
    "name": "not allowed!",
    "replace_broken": "yes"}},
  {{
    "name": "pv",
    "colour": "red"
  }},
  7
]"""
    found = dict(problems(written(tmp_path, text)))
    assert {"line 3, name", "line 4, replace_broken", "line 7, colour", "line 5, factory", "line 9"} <= found.keys()
    assert found["line 9"] == "is a int, not the fields of a spec"


def test_wrong_default_is_reported_with_its_own_line(tmp_path):
    """The line is that of the defaults, not of the spec."""
    text = f'{{"defaults": {{\n"name": ""}},\n"specs": [{{"factory": "{FACTORY}"}}]}}'
    assert [place for place, _ in problems(written(tmp_path, text))] == ["line 2, name"]


def test_wrong_default_is_reported_once(tmp_path):
    """The number of specs that use the default does not matter."""
    text = f'{{"defaults": {{"name": ""}},\n"specs": [{{"factory": "{FACTORY}"}}, {{"factory": "{FACTORY}2"}}]}}'
    assert [place for place, _ in problems(written(tmp_path, text))] == ["line 1, name"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[\n{,}]", "line 2"),
        ("{}", "line 1"),
        ('{"specs": \n7}', "line 2"),
        ('{"specs": [],\n "spec": []}', "line 2, spec"),
        ('"specs"', "line 1"),
        ("[]", "line 1"),
        ("", "line 1"),
        ("[" * 100_000, "line 1"),
    ],
    ids=["syntax", "no specs", "no list", "misspelt", "text", "empty", "nothing", "deep"],
)
def test_json_that_is_not_a_fleet_is_refused(tmp_path, text, place):
    """The error names the line of the mistake."""
    assert problems(written(tmp_path, text))[0][0] == place


@pytest.mark.parametrize(("defaults", "kind"), [([{"account": ACCOUNT}], "list"), ("x", "str"), (None, "NoneType")])
def test_defaults_that_are_not_an_object_are_refused(tmp_path, defaults, kind):
    """Otherwise a list or text would be ignored silently."""
    text = json.dumps({"defaults": defaults, "specs": [{"factory": FACTORY, "name": "pv"}]})
    assert problems(written(tmp_path, text)) == [("line 1, defaults", f"is a {kind}, not the fields of a spec")]


SPEC_TEXT = json.dumps({"factory": FACTORY, "name": "pv"})


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f'{{"specs": [{SPEC_TEXT}],\n"specs": []}}', "line 2, specs"),
        (f'{{"defaults": {{"separator": "-"}},\n"defaults": {{}},\n"specs": [{SPEC_TEXT}]}}', "line 2, defaults"),
        (f'{{"defaults": {{"separator": "-",\n"separator": "_"}},\n"specs": [{SPEC_TEXT}]}}', "line 2, separator"),
        (f'[{{"factory": "{FACTORY}", "name": "pv", "names": {{"blob": "a1",\n"blob": "b1"}}}}]', "line 2, blob"),
        (f'[{{"factory": "{FACTORY}",\n"factory": "{FACTORY}2", "name": "pv"}}]', "line 2, factory"),
        (f'{{"defaults": {{"names": {{"blob": "a1",\n"blob": "b1"}}}}, "specs": [{SPEC_TEXT}]}}', "line 2, blob"),
    ],
    ids=["specs", "defaults", "in the defaults", "in names", "in a spec", "in the names of the defaults"],
)
def test_duplicate_key_is_refused(tmp_path, text, place):
    """Duplicate keys are refused at every level of the file, so no factory is lost."""
    assert (place, "is there twice") in problems(written(tmp_path, text))


def test_unknown_key_is_shown_without_control_characters(tmp_path):
    """A file can contain any key, and a terminal shows the refusal."""
    [(place, _)] = problems(written(tmp_path, '{"a\\u001b[2Jb": 1, "specs": []}'))
    assert place == "line 1, a [2Jb"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv(tmp_path, separator):
    """The file has a heading and a row per spec, with any separator of a spreadsheet; empty cells are ignored."""
    text = "\n".join(
        separator.join(row)
        for row in (
            ["factory", "account", "name", "groups", "replace_broken", "names.blob", "separator"],
            [FACTORY, ACCOUNT, "pv", "account blob", "TRUE", "lake", "-"],
            ["", "", "", "", "", "", ""],
            [FACTORY + "2", "", "pv", "", "false", "", ""],
        )
    )
    assert read_specs(written(tmp_path, "\ufeff" + text, "fleet.CSV")) == (
        Spec(
            factory=FACTORY,
            account=ACCOUNT,
            name="pv",
            groups=("account", "blob"),
            replace_broken=True,
            names={"blob": "lake"},
            separator="-",
        ),
        Spec(factory=FACTORY + "2", name="pv"),
    )


def test_csv_errors_name_line_and_field(tmp_path):
    """Lines are counted as in an editor, even if a cell spans several."""
    text = f'factory,name,replace_broken\n"{FACTORY}",pv,maybe\n"{FACTORY}\n",pv,\n,pv,\n{FACTORY}2,pv,,,\n'
    found = dict(problems(written(tmp_path, text, "fleet.csv")))
    assert {"line 2, replace_broken", "line 5, factory", "line 6"} == found.keys()
    assert found["line 6"] == "has 5 cells, and the heading has 3"


def test_csv_with_a_wrong_heading_is_refused(tmp_path):
    """An unknown or repeated column is reported before any row is read."""
    found = problems(written(tmp_path, "factory,nmae,,name,name\nx,y,z,a,b\n", "fleet.csv"))
    assert [place for place, _ in found] == ["line 1, nmae", "line 1, (empty)", "line 1, name"]


@pytest.mark.parametrize(("column", "shown"), [("fac\0tory", r"fac\x00tory"), ("factory\u200b", r"factory\u200b")])
def test_csv_with_an_invisible_character_in_its_heading(tmp_path, column, shown):
    """The message shows the character; without it, the heading would look correct."""
    found = problems(written(tmp_path, f"{column},account,name\nx,y,z\n", "fleet.csv"))
    assert found == [(f"line 1, {shown}", "is not a column; did you mean 'factory'?")]


@pytest.mark.parametrize("text", ["", "factory,name\n", "factory,name"])
def test_csv_without_a_row_is_refused(tmp_path, text):
    """A file that holds no spec is refused."""
    assert problems(written(tmp_path, text, "fleet.csv"))[0][0].startswith("line 1")


def test_csv_with_a_huge_cell_is_refused(tmp_path):
    """A cell larger than the limit of Python's reader is refused."""
    text = "factory,name\n" + "x" * 200_000 + ",pv\n"
    assert problems(written(tmp_path, text, "fleet.csv")) == [
        ("path", "is not CSV: field larger than field limit (131072)")
    ]


def test_another_kind_of_file_is_refused(tmp_path):
    """Only .json and .csv are read."""
    assert problems(written(tmp_path, "[]", "fleet.yaml")) == [("path", "must end in .json or .csv")]


def test_another_encoding_is_refused(tmp_path):
    """A file that is not UTF-8 is refused with advice how to save it."""
    path = tmp_path / "fleet.csv"
    path.write_bytes("factory,name\nä,b\n".encode("latin-1"))
    assert problems(path) == [("path", 'is not written in UTF-8; save it as "CSV UTF-8"')]


def test_conflicting_rows_are_reported_with_their_lines(tmp_path):
    """Two rows for one endpoint are refused with both lines."""
    text = f"factory,account,name\n{FACTORY},{ACCOUNT},pv\n{FACTORY.upper()},{ACCOUNT},other\n"
    assert problems(written(tmp_path, text, "fleet.csv")) == [
        ("line 3", "would create the endpoint for 'account' that line 2 creates; keep one of them")
    ]


def test_very_many_problems_are_counted(tmp_path):
    """The error lists the first fifty problems and the number of the others."""
    text = "factory,name\n" + "x,pv\n" * 80
    found = problems(written(tmp_path, text, "fleet.csv"))
    assert found[-1] == ("…", "and 30 more")
    assert len(found) == 51


@given(
    st.text(max_size=60)
    | st.recursive(st.none() | st.booleans() | st.text(max_size=5), st.lists, max_leaves=8).map(json.dumps)
)
def test_any_text_is_read_or_refused(text):
    """Any content of a file is either read or refused."""
    from purview_mpe._client import files as fleet_files

    for reader in (fleet_files._json_rows, fleet_files._csv_rows):
        found: list[tuple[str, str]] = []
        for row in reader(text, found):
            row.spec(found)


def test_a_file_without_a_heading_is_refused_once(tmp_path):
    """A first line with ids is not reported as wrong columns."""
    path = tmp_path / "fleet.csv"
    path.write_text(f"{FACTORY},purview\n")
    assert problems(path) == [("line 1", "must name the columns, for example factory,account,name; it holds an id")]
