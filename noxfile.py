"""Everything that is run on this project, one session each: `nox -s tests`."""

from __future__ import annotations

import nox

nox.options.sessions = ["tests", "types", "lint", "docs"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_external_run = True

EVERYTHING = ".[aio,emulator]"


def _group(name: str) -> list[str]:
    project = nox.project.load_toml("pyproject.toml")
    return nox.project.dependency_groups(project, name)


@nox.session
def demo(session: nox.Session) -> None:
    """The main job on the embedded emulator: no account, no network."""
    session.install(".[emulator]")
    session.run("purview-mpe", "demo", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, with branch coverage."""
    session.install("-e", EVERYTHING, *_group("tests"))
    session.run("coverage", "erase")
    # One process for each core; the tests share nothing, so that they pass in any order and side by side.
    session.run("coverage", "run", "-m", "pytest", "-n", "auto", "--dist", "worksteal", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    if not session.posargs:
        session.run("coverage", "report", "--fail-under=95")
        session.run("coverage", "report", "--fail-under=100", f"--include={','.join(_DECIDING)}")


#: The rows "words" to "wire" of the structure: whatever is decided, is decided here.
_DECIDING = [
    f"*/purview_mpe/{name}.py"
    for name in (
        *("errors", "_arm_id"),
        *("_spec", "_model", "_naming", "_states", "_requirements", "_events", "_retry", "_assessment", "_situation"),
        *("_planning", "_approval", "_verdict", "_checking", "_diagnosis", "_rights", "_orphans"),
        *("_untrusted", "_wire", "_wire_connections", "_wire_errors", "_wire_factory", "_hand_off"),
    )
]


@nox.session
def types(session: nox.Session) -> None:
    """mypy and pyright, both strict."""
    session.install("-e", EVERYTHING, *_group("types"))
    session.run("mypy")
    session.run("pyright")


@nox.session
def lint(session: nox.Session) -> None:
    """ruff, both halves."""
    session.install(*_group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def chaos(session: nox.Session) -> None:
    """The long campaign of random faults: `nox -s chaos -- --runs 2000 --seed 1`."""
    session.install("-e", EVERYTHING)
    session.run("python", "-W", "error", "tests/chaos.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, into docs/_build; every warning is an error, and nothing is fetched."""
    session.install("-e", EVERYTHING, *_group("docs"))
    session.run("sphinx-build", "-W", "--keep-going", "-E", "-b", "html", "docs", "docs/_build", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """The long fuzzing of every public entry: `nox -s fuzz -- --inputs 100000 --seed 1`."""
    session.install("-e", EVERYTHING)
    session.run("python", "-W", "error", "tests/fuzz.py", *session.posargs)
