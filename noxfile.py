"""Everything that is run on this project, one session each: `nox -s tests`."""

from __future__ import annotations

import argparse
import os
import re
import shutil
from itertools import chain
from pathlib import Path

import nox

nox.options.sessions = ["tests", "types", "lint", "docs", "wheel"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_external_run = True

EVERYTHING = ".[aio,durable,emulator,network]"


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


def _on_another_python(session: nox.Session) -> None:
    """All tests, on another Python; skipped where it is not installed."""
    session.install("-e", EVERYTHING, *_group("tests"))
    session.run("python", "-m", "pytest", "-n", "auto", "--dist", "worksteal", *session.posargs)


for _version in ("3.12", "3.13", "3.14"):
    nox.session(_on_another_python, python=_version, name=f"tests-{_version}")


@nox.session
def lowest(session: nox.Session) -> None:
    """All tests, on the lowest versions that are allowed of what the package depends on."""
    constraints = Path(session.create_tmp()).resolve() / "lowest.txt"
    constraints.write_text("".join(f"{line}\n" for line in _lowest_versions()), encoding="utf-8")
    session.install("-e", EVERYTHING, *_group("tests"), "-c", str(constraints))
    session.run("python", "-m", "pytest", "-n", "auto", "--dist", "worksteal", *session.posargs)


@nox.session(name="quick-start")
def quick_started(session: nox.Session) -> None:
    """All tests, in processes that have called `purview_mpe.quick_start`."""
    session.install("-e", EVERYTHING, *_group("tests"))
    plugin = ["-p", "tests.support.quick_start"]
    session.run("python", "-m", "pytest", *plugin, "-n", "auto", "--dist", "worksteal", *session.posargs)


def _lowest_versions() -> list[str]:
    """`name==version` for each dependency of the project and its extras: the version behind its `>=`."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    found = [re.fullmatch(r"([-\w]+)>=([\w.]+)(?:,<[\w.]+)?", one) for one in wanted]
    return sorted({f"{one[1]}=={one[2]}" for one in found if one})


#: The rows "words" to "wire" of the structure: whatever is decided is decided here, or in a file of the last line.
_DECIDING = [
    f"*/purview_mpe/{pattern}.py"
    for pattern in (
        *("errors", "_model/*", "_rules/*", "_wire/*"),
        *("_client/files", "durable/_request", "durable/_limits"),
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
def wheel(session: nox.Session) -> None:
    """The wheel as users get it: its metadata, and what it does in an environment with nothing else in it."""
    work = Path(session.create_tmp()).resolve()
    built = work / "dist"
    shutil.rmtree(built, ignore_errors=True)
    session.run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(built), ".")
    [file] = built.glob("*.whl")
    judge = work / "twine"
    if not judge.exists():
        session.run("python", "-m", "venv", str(judge))
        session.run(str(judge / "bin" / "pip"), "install", "--quiet", "twine", external=True)
    session.run(str(judge / "bin" / "twine"), "check", "--strict", str(file), external=True)
    session.install("--force-reinstall", "--no-deps", str(file))
    session.install(f"{file}[emulator]")
    smoke, following = (Path(f"tests/support/{name}.py").resolve() for name in ("smoke", "following"))
    checkout = Path.cwd()
    session.chdir(work)  # so that nothing comes from the checkout
    session.run("python", "-I", str(smoke), str(file))
    # The apps get an environment of their own, with nothing but what their pages install.
    apps = work / "apps"
    shutil.rmtree(apps, ignore_errors=True)
    session.run("python", "-m", "venv", str(apps))
    session.run(str(apps / "bin" / "python"), "-I", str(following), str(checkout), str(file), external=True)
    # The pages' code and commands; the tests come from the checkout, the package from the wheel.
    session.chdir(checkout)
    session.install(f"{file}[aio,durable,emulator,network]", *_group("pages"))
    session.run("python", "-m", "pytest", "-q", "-n", "auto", "--require-wheel", *_PAGES)


#: The tests that run what the documentation shows.
_PAGES = [
    "tests/test_docs.py::test_code_blocks_run",
    "tests/test_docs.py::test_commands_are_understood",
    "tests/cli/test_docs.py",
    "tests/display/test_notebook.py::test_the_page_about_notebooks_runs",
    "tests/display/test_notebook.py::test_the_tutorial_runs_from_clean",
]


@nox.session
def chaos(session: nox.Session) -> None:
    """The long campaign of random faults: `nox -s chaos -- --runs 2000 --seed 1`."""
    session.install("-e", EVERYTHING)
    session.run("python", "-W", "error", "tests/support/chaos.py", *session.posargs)


@nox.session
def interruptions(session: nox.Session) -> None:
    """Interruptions at random instants of every writing verb: `nox -s interruptions -- --runs 300 --seed 1`."""
    session.install("-e", EVERYTHING)
    session.run("python", "-m", "tests.support.interrupting", *session.posargs)


#: What depends on when one thread lets another go on.
_TIMED = [
    "tests/durable",
    *(
        f"tests/flows/test_{name}.py"
        for name in ("approve", "approve_many", "create_all", "create_many", "provisioning", "replacing", "waiting")
    ),
]


@nox.session
def pauses(session: nox.Session) -> None:
    """The tests with time in them, threads held up at random: `nox -s pauses -- --rounds 10 --seed 1`."""
    parser = argparse.ArgumentParser(prog="nox -s pauses --", description=pauses.__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="how often all of them are run")
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--short", action="store_true", help="many short pauses instead of few long ones")
    chosen = parser.parse_args(session.posargs)
    session.install("-e", EVERYTHING, *_group("tests"))
    kind = ["--short-pauses"] if chosen.short else []
    for seed in range(chosen.seed, chosen.seed + chosen.rounds):
        # Most of the time all of them sleep, so that there is room for more than one for each core.
        session.run(
            *("python", "-m", "pytest", "-q", "-n", "12", "--dist", "worksteal"),
            *("-p", "tests.support.pauses", "--pauses", str(seed), *kind, *_TIMED),
        )


@nox.session
def durable(session: nox.Session) -> None:
    """A fleet of 500 factories on four worker processes, two of which are killed half-way."""
    session.install("-e", EVERYTHING)
    session.run("python", "-W", "error", "-m", "tests.support.durable_fleet", *session.posargs)


@nox.session
def dask(session: nox.Session) -> None:
    """A fleet spread over Dask: undisturbed, with a worker or the scheduler killed, and against one process."""
    session.install("-e", EVERYTHING, "distributed")
    for kill in ("none", "worker", "scheduler"):
        session.run("python", "-m", "tests.support.dask_fleet", "--kill", kill, *session.posargs)
    compared = ["--provisioning", "40", "--against-one", "1.15"]
    session.run("python", "-m", "tests.support.dask_fleet", *compared, *session.posargs)


@nox.session
def engine(session: nox.Session) -> None:
    """A fleet on any durabletask engine: `PURVIEW_MPE_TASKHUB=localhost:4001 nox -s engine`."""
    if not os.environ.get("PURVIEW_MPE_TASKHUB"):
        session.skip("Say where the engine is: PURVIEW_MPE_TASKHUB=HOST:PORT")
    session.install("-e", EVERYTHING)
    session.run("python", "-m", "tests.support.engine_fleet", *session.posargs)


#: What has to be installed besides, so that everything of the recipe for the Durable Task Scheduler can be imported.
_SCHEDULER = ["durabletask-azuremanaged", "durabletask[azure-blob-payloads]"]


@nox.session(python="3.13")
def functions(session: nox.Session) -> None:
    """Both example apps under Microsoft's runtime for Functions, with kills; the Durable Task Scheduler's recipe."""
    session.install("-e", EVERYTHING, *_group("tests"), "azure-functions-runtime", *_SCHEDULER)
    session.run("python", "-m", "tests.functions_host", *session.posargs)
    must = {"PURVIEW_MPE_SCHEDULER": "1"}
    session.run("python", "-m", "pytest", "-q", "tests/durable/test_scheduler.py", env=must)


@nox.session
def bench(session: nox.Session) -> None:
    """How fast the library is, against baselines of the same run: `nox -s bench -- [BENCH …] --json FILE`."""
    session.install("-e", EVERYTHING)
    environment: dict[str, str] = {}
    if shutil.which("node") and shutil.which("npm"):
        # The bench `cold` has one more baseline then.
        environment["PURVIEW_MPE_NODE_MODULES"] = str(_npm(session, *_JAVASCRIPT))
    session.run("python", "-W", "error", "-m", "tests.bench", *session.posargs, env=environment)


#: Microsoft's validator. Its 4.0.3 package lacks a template that this one has.
_OAV = "oav@4.0.0"


@nox.session
def conformance(session: nox.Session) -> None:
    """The client tests' traffic against Azure's OpenAPI files: `nox -s conformance -- --specs DIR`.

    DIR has the layout of Azure's public specification repository: DIR/specification/purview/resource-manager/...
    Node.js with npm is needed.
    """
    parser = argparse.ArgumentParser(prog="nox -s conformance --", description=conformance.__doc__)
    parser.add_argument("--specs", type=Path, help="the folder with `specification` in it")
    parser.add_argument(
        "--data-plane-specs", type=Path, help="for Purview's data plane and networks; by default --specs"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the generated requests")
    parser.add_argument("--requests", type=int, default=2000, help="how many requests to generate")
    given = parser.parse_args(session.posargs)
    if given.specs is None:
        session.skip("Say where Azure's OpenAPI files are: nox -s conformance -- --specs DIR")
    specs = given.specs.resolve()
    if not (specs / "specification").is_dir():
        session.error(f"{specs} has no folder `specification`")
    session.install("-e", EVERYTHING, *_group("tests"), *_group("conformance"))
    oav, exchanges = _npm(session, _OAV), Path(session.create_tmp()) / "exchanges.ndjson"
    environment = {"PURVIEW_MPE_CONFORMANCE_SPECS": str(specs), "PURVIEW_MPE_CONFORMANCE_OAV": str(oav)}
    # The emulator's own tests ask it for things that no client asks, and test_judge breaks it.
    chosen = ["--ignore=tests/emulator", "--ignore=tests/conformance/test_judge.py"]
    record = ["-p", "tests.conformance.recorder", f"--record-exchanges={exchanges}"]
    session.run("python", "-m", "pytest", "-q", *record, *chosen, "tests")
    session.run("python", "-m", "tests.conformance.judging", f"--specs={specs}", f"--oav={oav}", str(exchanges))
    data_plane = (given.data_plane_specs or given.specs).resolve()
    if data_plane != specs:
        # Networks and private DNS can be among the newer files.
        more = [f"--specs={data_plane}", f"--oav={oav}", "--enough=1", str(exchanges)]
        session.run("python", "-m", "tests.conformance.judging", *more)
        session.run("python", "-m", "tests.conformance.generated", f"--specs={data_plane}", "--requests=500")
    if (data_plane / "specification" / "purview" / "data-plane").is_dir():
        session.run("python", "-m", "tests.conformance.data_plane", f"--specs={data_plane}", str(exchanges))
        environment["PURVIEW_MPE_DATA_PLANE_SPECS"] = str(data_plane)
        session.run("python", "-m", "pytest", "-q", "tests/conformance/test_data_plane.py", env=environment)
    if (data_plane / "specification" / "privatedns").is_dir():
        environment["PURVIEW_MPE_NETWORK_SPECS"] = str(data_plane)
        session.run("python", "-m", "pytest", "-q", "tests/conformance/test_networks.py", env=environment)
    session.run("python", "-m", "pytest", "-q", "tests/conformance/test_judge.py", env=environment)
    size = [f"--seed={given.seed}", f"--requests={given.requests}"]
    session.run("python", "-m", "tests.conformance.generated", f"--specs={specs}", *size)


#: Versions that the tests were written with; newer ones are welcome to show what is missing.
_JAVASCRIPT = [
    "@azure/identity@^4",
    "@azure/arm-datafactory@>=12",
    "@azure/arm-purview@^1",
    "@azure/arm-storage@>=20",
    "@azure/arm-eventhub@^5",
]


@nox.session
def clients(session: nox.Session) -> None:
    """Other official clients do the whole job against the served emulator: the Azure CLI, the JavaScript SDKs.

    Needs Node.js with npm. What cannot be installed is skipped with its reason.
    """
    session.install("-e", EVERYTHING, *_group("tests"), *_group("clients"))
    # An environment of its own: the Azure CLI pins other versions of what we use.
    home = Path(session.create_tmp()).resolve() / "az"
    if not (home / "bin" / "az").exists():
        session.run("python", "-m", "venv", str(home))
        session.run(str(home / "bin" / "pip"), "install", "--quiet", "azure-cli", external=True)
    packages = _npm(session, *_JAVASCRIPT)
    environment = {"PURVIEW_MPE_AZ": str(home / "bin" / "az"), "PURVIEW_MPE_NODE_MODULES": str(packages)}
    session.run("python", "-m", "pytest", "tests/clients", *session.posargs, env=environment)


@nox.session
def live(session: nox.Session) -> None:
    """The emulator's contract against a real subscription; see docs/emulator.md for the variables that allow it."""
    names = ("PURVIEW_MPE_LIVE_FACTORY", "PURVIEW_MPE_LIVE_ACCOUNT")
    if os.environ.get("PURVIEW_MPE_LIVE") != "create-and-delete" or not all(os.environ.get(name) for name in names):
        # Whoever asks for this by name and gets it not must not take that for a pass.
        session.error(f"Refused: set PURVIEW_MPE_LIVE=create-and-delete, {' and '.join(names)}")
    session.install("-e", EVERYTHING, *_group("tests"))
    session.run("python", "-m", "pytest", "tests/test_contract.py", *session.posargs)


def _npm(session: nox.Session, *packages: str) -> Path:
    """The folder `node_modules` with packages of npm in it."""
    folder = Path(session.create_tmp()).resolve() / "npm"
    folder.mkdir(exist_ok=True)
    session.run("npm", "install", "--no-audit", "--no-fund", f"--prefix={folder}", *packages, external=True)
    return folder / "node_modules"


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, into docs/_build; every warning is an error, and nothing is fetched."""
    session.install("-e", EVERYTHING, *_group("docs"))
    session.run("sphinx-build", "-W", "--keep-going", "-E", "-b", "html", "docs", "docs/_build", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """The long fuzzing of every public entry: `nox -s fuzz -- --inputs 100000 --seed 1`."""
    session.install("-e", EVERYTHING)
    session.run("python", "-W", "error", "-m", "tests.fuzz", *session.posargs)
