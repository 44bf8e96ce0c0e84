"""`validate`: spec and fleet files are read, and nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def test_good_files_are_counted(shell: Any, tmp_path: Path) -> None:
    """A spec, a fleet as CSV and a fleet as JSON: one line each, exit 0."""
    one, csv, many = tmp_path / "purview.json", tmp_path / "fleet.csv", tmp_path / "fleet.json"
    one.write_text(shell.spec.model_dump_json())
    csv.write_text(f"factory,name\n{shell.spec.factory},purview\n{shell.spec.factory}2,purview\n")
    many.write_text(f'{{"defaults": {{"name": "p1"}}, "specs": [{{"factory": "{shell.spec.factory}"}}]}}')
    ended = shell.run("validate", str(one), str(csv), str(many))
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == [f"{one}: 1 spec", f"{csv}: 2 specs", f"{many}: 1 spec"]
    assert list(shell.emulator.requests) == []


def test_every_wrong_file_is_reported(shell: Any, tmp_path: Path) -> None:
    """All files are read even if one is wrong; the command ends with 2."""
    bad, worse = tmp_path / "fleet.csv", tmp_path / "purview.json"
    bad.write_text("factory,nmae\nx,y\n")
    worse.write_text('{"factory": "x", "name": "!"}')
    ended = shell.run("validate", str(bad), str(worse), str(tmp_path / "absent.csv"), str(tmp_path / "notes.txt"))
    assert (ended.code, ended.out) == (2, "")
    for said in ("line 1, nmae: is not a column", "factory: 'x' is not a resource id", "No such file", "must end in"):
        assert said in ended.said


def test_invalid_json_is_reported_with_its_line(shell: Any, tmp_path: Path) -> None:
    """The message names the broken line."""
    file = tmp_path / "purview.json"
    file.write_text('{\n"factory": \n}')
    ended = shell.run("validate", str(file))
    assert ended.code == 2
    assert "line 3: is not JSON" in ended.said


def test_stdin_is_validated(shell: Any) -> None:
    """`-` reads a spec, or a fleet as CSV or JSON."""
    spec = shell.spec.model_dump_json()
    for text, count in (
        (spec, "1 spec"),
        (f"[{spec}]", "1 spec"),
        (f"factory,name\n{shell.spec.factory},pv\n", "1 spec"),
    ):
        ended = shell.run("validate", "-", stdin=text)
        assert (ended.code, ended.out) == (0, f"-: {count}\n")
    assert shell.run("validate", "-", stdin="factory,name\nx,y z\n").code == 2
