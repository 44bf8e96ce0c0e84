"""The page about the emulator: its code runs, and its tables are complete."""

import inspect
import os
import re
import typing
from dataclasses import fields
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from purview_mpe.emulator import Answers, Emulator, Times, pytest_plugin
from purview_mpe.emulator._control.catalogs import Catalogs
from purview_mpe.emulator._control.networks import Networks
from purview_mpe.emulator._state import answers

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("code", [code for code in blocks("python") if "pytest" not in code])
def test_the_code_runs(code):
    """Each block runs by itself."""
    if ".serve()" in code:
        pytest.importorskip("cheroot")
    exec(compile(code, "docs/emulator.md", "exec"), {})  # noqa: S102  our own page


def test_the_plugin_works_as_documented(tmp_path):
    """The test on the page passes with the plugin, and the server fixture serves."""
    pytest.importorskip("cheroot")
    [code] = [code for code in blocks("python") if "pytest" in code]
    served = "\n\ndef test_served(purview_emulator, purview_emulator_server):\n    assert purview_emulator_server.url\n"
    page = tmp_path / "test_page.py"
    page.write_text(code + served, encoding="utf-8")
    # If the package is installed, pytest loads the plugin by itself.
    installed = {point.value for point in entry_points(group="pytest11")}
    plugins = [] if pytest_plugin.__name__ in installed else [pytest_plugin]
    args = [
        "-q",
        "--strict-markers",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        "-c",
        os.devnull,
        str(page),
    ]
    assert pytest.main(args, plugins=plugins) == pytest.ExitCode.OK


def test_the_scenario_can_be_loaded(tmp_path):
    """The page's scenario is valid."""
    pytest.importorskip("yaml")
    [text] = blocks("yaml")
    path = tmp_path / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    emulator = Emulator.from_scenario(path)
    assert [endpoint.name for endpoint in emulator.endpoints()] == ["purview", "purview_blob"]


def listed_in(start, end):
    """The names in the first column of the tables of a section."""
    section = PAGE.split(f"\n{start}\n")[1].split(f"\n{end}\n")[0]
    return {
        name
        for cell in re.findall(r"^\| (`[^|]*) \|", section, flags=re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cell)
    }


def test_every_answer_and_time_is_listed():
    """The tables of `Answers` and `Times` have exactly their fields, with choices and defaults."""
    assert listed_in("### Answers", "### Times") == {field.name for field in fields(Answers)}
    assert listed_in("### Times", "## Time") == {field.name for field in fields(Times)}
    for field in fields(Answers):
        choices = ", ".join(f"`{choice}`" for choice in choices_of(field.name))
        assert re.search(rf"^\| `{field.name}` \| {choices} \|", PAGE, flags=re.MULTILINE), field.name
        assert choices_of(field.name)[0] == field.default
    for field in fields(Times):
        assert f"| `{field.name}` | {Times().of(field.name, real=False):g} |" in PAGE


def choices_of(name):
    return typing.get_args(typing.get_type_hints(Answers, vars(answers))[name])


def test_every_option_is_listed():
    """The table of options has exactly the arguments of `Emulator`, and its docstring names each."""
    listed = listed_in("## Options", "### Answers")
    options = set(inspect.signature(Emulator).parameters)
    assert listed == options
    assert all(re.search(rf"^ +{option}: ", Emulator.__doc__, flags=re.MULTILINE) for option in options)


def test_every_method_is_listed():
    """Every public name of `Emulator` is on the page."""
    missing = {name for name in dir(Emulator) if not name.startswith("_") and not re.search(rf"\b{name}\b", PAGE)}
    assert missing == set()


def test_every_method_of_the_catalog_is_listed():
    """Every public name of `Emulator.catalog` is in the section about it."""
    section = PAGE.split("\n## Purview's own host\n")[1].split("\n## ")[0]
    assert {name for name in dir(Catalogs) if not name.startswith("_") and f"`{name}`" not in section} == set()


def test_every_method_of_the_networks_is_listed():
    """Every public name of `Emulator.networks` is in the section about it."""
    section = PAGE.split("\n## Networks of the customer\n")[1].split("\n## ")[0]
    assert {name for name in dir(Networks) if not name.startswith("_") and f"`{name}`" not in section} == set()


def test_every_admin_route_is_listed():
    """The table of the admin path has all of its routes."""
    routes = Emulator(empty=True)._service.router.routes
    for route in routes:
        if route.template.startswith("/_emulator"):
            assert f"`{route.method} {route.template}`" in PAGE
