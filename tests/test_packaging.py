"""How the package is installed: from a wheel, never by its name from a package index."""

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
    """Anyone can register a free name on a package index, so the bare name could install foreign code."""
    by_name = re.compile(r"pip install (?:[^\n`]*[ '\"])?purview[-_]mpe(?!-\d|\S* @ |_)", re.IGNORECASE)
    found = [f"{path.relative_to(ROOT)}: {hit[0]}" for path in TEXTS for hit in by_name.finditer(path.read_text())]
    assert found == []


@pytest.mark.parametrize("file", sorted((ROOT / "docs").rglob("requirements.txt")), ids=lambda file: file.parent.name)
def test_example_apps_require_the_local_wheel(file: Path) -> None:
    """The requirement is the path of the wheel that `pip wheel` writes for this version."""
    lines = [line for line in file.read_text().splitlines() if "purview" in line and not line.startswith("#")]
    assert lines == [f"./{WHEEL}"]


def test_the_apps_deploy_the_wheel() -> None:
    """`.funcignore` does not exclude the wheel from the upload."""
    for file in (ROOT / "docs").rglob(".funcignore"):
        assert not re.search(r"whl|^\*$", file.read_text(), re.MULTILINE)


def test_the_pages_name_the_wheel_of_this_version() -> None:
    """A page that names another version cannot be followed."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "docs").rglob("*.yml")]
    names = {name for page in pages for name in re.findall(r"purview_mpe-[\w.]+-py3-none-any\.whl", page.read_text())}
    assert names == {WHEEL}


def test_the_newest_version_is_in_the_changelog_with_its_date() -> None:
    """The first version in the changelog is the version in the code."""
    first = re.search(r"^## \[([^\]]+)\] - (\d{4}-\d{2}-\d{2})$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first[1] == __version__


def test_index_readme_has_only_absolute_links() -> None:
    """It links to no file of the repository, and its first steps are those of the README."""
    text = (ROOT / PROJECT["readme"]).read_text()
    assert [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("https://")] == []
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert code in (ROOT / "README.md").read_text()


def test_the_metadata_has_no_placeholder() -> None:
    """The addresses contain no example host or TODO."""
    assert PROJECT["authors"]
    addresses = PROJECT.get("urls", {}).values()
    assert [address for address in addresses if re.search(r"example|HOST|OWNER|TODO", address)] == []
    assert "Programming Language :: Python :: 3.14" in PROJECT["classifiers"]


def test_security_page_names_the_supported_version() -> None:
    """SECURITY.md lists the versions that get fixes."""
    text = (ROOT / "SECURITY.md").read_text()
    assert f"| {__version__.rpartition('.')[0]}.x | yes |" in text
