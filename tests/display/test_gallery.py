"""The pictures and terminal screenshots of the documentation are current."""

from __future__ import annotations

import importlib
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
SHOTS = runpy.run_path(str(IMAGES / "shots.py"))["SHOTS"]


@pytest.fixture(scope="module")
def drawings() -> dict[Path, str]:
    made: dict[Path, str] = runpy.run_path(str(IMAGES / "pictures.py"))["drawings"]()
    return made


def test_pictures_of_the_gallery_are_current(drawings: dict[Path, str]) -> None:
    """`python docs/images/pictures.py` updates them."""
    outdated = [path.name for path, drawing in drawings.items() if path.read_text(encoding="utf-8") != drawing]
    assert outdated == []
    assert set((IMAGES / "gallery").iterdir()) == set(drawings)


def test_picture_with_a_fixed_theme_keeps_its_colours(drawings: dict[Path, str]) -> None:
    """Its own colours come after those of the system's theme, so they apply."""
    for path, drawing in drawings.items():
        style = drawing.partition("<style>")[2].partition("</style>")[0]
        paper = {"light": "--paper:#fff;", "dark": "--paper:#0d1117;"}[path.stem.rpartition("-")[2]]
        assert style.rpartition("svg.pmpe{")[2].count(paper) == 1, path.name


@pytest.fixture
def screens(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that runs commands in terminals, as it is when it runs as a script."""
    pytest.importorskip("termios")
    monkeypatch.syspath_prepend(str(IMAGES))
    yield importlib.import_module("screens")
    for name in ("screens", "shots"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("shot", [shot for shot in SHOTS if shot.is_repeatable], ids=lambda shot: shot.name)
def test_terminals_of_the_gallery_are_current(shot: Any, screens: Any) -> None:
    """A run in a terminal shows the text of the screenshots; `python docs/images/screens.py` updates them."""
    shown = screens.taken(shot)
    for theme in screens.THEMES:
        kept = (screens.FOLDER / f"{shot.name}-{theme}.svg").read_text(encoding="utf-8")
        assert screens.text_in(kept).splitlines() == shown.text.splitlines()


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
def test_no_line_of_a_terminal_is_cut(shot: Any, screens: Any) -> None:
    """Nothing in a screenshot is wider than its terminal, so no terminal wraps it."""
    for theme in screens.THEMES:
        kept = (screens.FOLDER / f"{shot.name}-{theme}.svg").read_text(encoding="utf-8")
        assert max(map(len, screens.text_in(kept).splitlines())) <= shot.columns


def test_screenshots_load_nothing_external(screens: Any) -> None:
    """A screenshot contains no font, script or address except its XML namespace."""
    for path in screens.FOLDER.iterdir():
        text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not [word for word in ("http", "@font-face", "@import", "<script") if word in text], path.name
