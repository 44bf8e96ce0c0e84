"""How the package is installed: from a wheel, and never by a name that is on no package index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from purview_mpe import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TEXTS = sorted(
    path
    for folder in ("src", "docs", "tests", ".")
    for kind in ("*.py", "*.md", "*.txt", "*.ipynb", "*.toml", "*.yml", "*.yaml")
    for path in ((ROOT / folder).glob(kind) if folder == "." else (ROOT / folder).rglob(kind))
    if "_build" not in path.parts and path != Path(__file__)
)
WHEEL = f"purview_mpe-{__version__}-py3-none-any.whl"


def test_no_text_installs_the_package_by_its_name() -> None:
    """Anyone can register a free name on a package index: a text that points there leads users to what it holds."""
    by_name = re.compile(r"pip install (?:[^\n`]*[ '\"])?purview[-_]mpe(?!-\d|\S* @ |_)", re.IGNORECASE)
    found = [f"{path.relative_to(ROOT)}: {hit[0]}" for path in TEXTS for hit in by_name.finditer(path.read_text())]
    assert found == []


@pytest.mark.parametrize("file", sorted((ROOT / "docs").rglob("requirements.txt")), ids=lambda file: file.parent.name)
def test_the_apps_take_the_wheel_beside_their_requirements(file: Path) -> None:
    """The file that `pip wheel` writes for this version, by a path that pip takes for one."""
    ours = [line for line in file.read_text().splitlines() if "purview" in line and not line.startswith("#")]
    assert ours == [f"./{WHEEL}"]


def test_the_apps_deploy_the_wheel() -> None:
    """What `.funcignore` lists is not uploaded."""
    for file in (ROOT / "docs").rglob(".funcignore"):
        assert not re.search(r"whl|^\*$", file.read_text(), re.MULTILINE)


def test_the_pages_name_the_wheel_of_this_version() -> None:
    """A page that names another version cannot be followed."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "docs").rglob("*.yml")]
    names = {name for page in pages for name in re.findall(r"purview_mpe-[\w.]+-py3-none-any\.whl", page.read_text())}
    assert names == {WHEEL}


def test_the_newest_version_is_in_the_changelog_with_its_date() -> None:
    """The version in the code is the first one there."""
    first = re.search(r"^## \[([^\]]+)\] - (\d{4}-\d{2}-\d{2})$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first[1] == __version__


def test_the_text_for_an_index_works_there() -> None:
    """No link and no picture that only the repository has; the same first steps as in the README."""
    text = (ROOT / PROJECT["readme"]).read_text()
    assert [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("https://")] == []
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert code in (ROOT / "README.md").read_text()


def test_the_metadata_has_no_placeholder() -> None:
    """An address that does not exist is worse than none."""
    assert PROJECT["authors"]
    addresses = PROJECT.get("urls", {}).values()
    assert [address for address in addresses if re.search(r"example|HOST|OWNER|TODO", address)] == []
    assert "Programming Language :: Python :: 3.14" in PROJECT["classifiers"]


def test_there_is_a_way_to_report_a_vulnerability() -> None:
    """The file that servers look for, with the versions that get fixes."""
    text = (ROOT / "SECURITY.md").read_text()
    assert f"| {__version__.rpartition('.')[0]}.x | yes |" in text
