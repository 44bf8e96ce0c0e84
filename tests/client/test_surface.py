"""What users can see: the exports, what importing costs, and that both clients are one client in two colours."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import purview_mpe
from purview_mpe import Client, aio, emulator, errors
from purview_mpe._model.spec import Noun

EXPORTS = [
    "MATRIX",
    "SCENARIOS",
    "STUDIO",
    "Account",
    "Budget",
    "Check",
    "Client",
    "Diagnosis",
    "Endpoint",
    "EndpointStatus",
    "ErrorDetail",
    "Event",
    "ExportFormat",
    "FactoryCheck",
    "FactoryPlan",
    "FactoryStatus",
    "Finding",
    "FleetCheck",
    "FleetPlan",
    "FleetReport",
    "FleetStatus",
    "FoundSpecs",
    "Link",
    "Network",
    "OrphanConnection",
    "OrphanEndpoint",
    "Orphans",
    "Outcome",
    "Plan",
    "Proof",
    "Rate",
    "Report",
    "Requirement",
    "Retry",
    "Right",
    "RuntimeCheck",
    "Spec",
    "Status",
    "Step",
    "Target",
    "__version__",
    "export",
    "export_customer_endpoints",
    "quick_start",
    "read_specs",
    "requirement",
    "scenario",
]
VERBS = [
    "apply",
    "approve",
    "approve_many",
    "check",
    "check_many",
    "close",
    "connect",
    "create_all",
    "create_many",
    "create_private_endpoints",
    "delete_all",
    "delete_many",
    "delete_private_endpoints",
    "diagnose",
    "disconnect",
    "discover",
    "find_id",
    "find_specs",
    "grant",
    "iter_approve_many",
    "iter_create_many",
    "iter_delete_many",
    "iter_onboard_many",
    "offboard",
    "onboard",
    "onboard_many",
    "orphans",
    "plan",
    "plan_many",
    "plan_private_endpoints",
    "private_endpoints_status",
    "prove",
    "reject",
    "revoke",
    "status",
    "status_many",
    "watch",
]
#: What is iterated over instead of being awaited.
ITERATED = {"watch", "iter_create_many", "iter_approve_many", "iter_delete_many", "iter_onboard_many"}


def python(code: str) -> list[str]:
    """What a fresh interpreter prints, as JSON on its last line."""
    ran = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120)  # noqa: PLW1510 - our own code
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def loaded(code: str, *names: str) -> list[str]:
    """Which of these packages a fresh interpreter has loaded after running some code."""
    listing = "import sys, json; print(json.dumps(sorted(sys.modules)))"
    found = python(f"{code}\n{listing}")
    return [name for name in names if any(module == name or module.startswith(f"{name}.") for module in found)]


# --- exports


def test_the_exports_are_these():
    """What can be imported from the package is a promise; a change of it is a decision."""
    assert sorted(purview_mpe.__all__) == sorted(EXPORTS)
    assert sorted(emulator.__all__) == sorted(set(emulator.__all__))
    assert aio.__all__ == ["Client"]


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_is_there(name):
    """Each name can be had from the package, and is what its own module has."""
    assert getattr(purview_mpe, name) is not None
    assert name in dir(purview_mpe)


def test_everything_can_be_imported_at_once():
    """`from purview_mpe import *` gives exactly the exports."""
    namespace: dict[str, object] = {}
    exec("from purview_mpe import *", namespace)  # noqa: S102 - that is the point
    assert set(namespace) - {"__builtins__"} == set(EXPORTS)


@pytest.mark.parametrize("name", ["aio", "durable", "emulator", "errors", "notebook"])
def test_the_public_modules_come_with_the_package(name):
    """After `import purview_mpe` alone they are there, although nothing was loaded for them before."""
    assert loaded("import purview_mpe", f"purview_mpe.{name}") == []
    assert loaded(f"import purview_mpe; purview_mpe.{name}.__doc__", f"purview_mpe.{name}") == [f"purview_mpe.{name}"]
    assert name in dir(purview_mpe)


def test_other_names_are_refused_as_python_does():
    """An unknown name is an AttributeError that names the module."""
    with pytest.raises(AttributeError, match="module 'purview_mpe' has no attribute 'Cliant'"):
        _ = purview_mpe.Cliant


def documented() -> list[object]:
    found: list[object] = [purview_mpe, aio, emulator, errors, aio.Client]
    found += [getattr(purview_mpe, name) for name in EXPORTS if not name.isupper() and not name.startswith("__")]
    found += [getattr(errors, name) for name in errors.__all__]
    found += [getattr(client, verb) for client in (Client, aio.Client) for verb in VERBS]
    return [thing for thing in found if inspect.isclass(thing) or inspect.isroutine(thing) or inspect.ismodule(thing)]


@pytest.mark.parametrize("thing", documented(), ids=lambda thing: getattr(thing, "__qualname__", thing.__name__))
def test_every_public_name_is_documented(thing):
    """help() says something about everything that can be imported or called."""
    assert inspect.getdoc(thing)


@pytest.mark.parametrize(
    "noun", [v for v in vars(purview_mpe).values() if inspect.isclass(v) and issubclass(v, Noun)] or [purview_mpe.Spec]
)
def test_nouns_say_what_they_are(noun):
    """A noun's documentation is its own, not that of its base."""
    assert noun.__doc__ != Noun.__doc__


# --- what importing costs

HEAVY = ("azure", "pydantic", "requests", "aiohttp", "tenacity")


@pytest.mark.parametrize("code", ["import purview_mpe", "import purview_mpe.errors", "from purview_mpe import errors"])
def test_importing_loads_nothing_heavy(code):
    """Serverless functions pay for imports at every cold start, so neither SDKs nor pydantic are loaded."""
    assert loaded(code, *HEAVY) == []


def test_a_spec_needs_no_sdk():
    """Specs and plans are read and checked without any SDK."""
    code = "from purview_mpe import Spec, Plan, Report, requirement"
    assert loaded(code, *HEAVY) == ["pydantic"]


CREATE = """
from purview_mpe import Client, Spec
from purview_mpe.emulator import Emulator
emulator = Emulator(shape={shape!r})
spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
with Client(emulator.credential, transport=emulator.transport()) as client:
    client.create_all(spec, approve={approve}).raise_for_failures()
"""
APPROVERS = ("azure.mgmt.storage", "azure.mgmt.eventhub")


@pytest.mark.parametrize(
    ("shape", "approve", "needed"),
    [("A", False, []), ("A", True, [*APPROVERS]), ("B", True, [*APPROVERS[:1]]), ("C", True, [])],
)
def test_sdks_are_loaded_when_they_approve(shape, approve, needed):
    """Storage and Event Hubs are needed where connections on them are approved; to list them is a plain request."""
    assert loaded(CREATE.format(shape=shape, approve=approve), *APPROVERS, "aiohttp") == needed


EIGHT = """
import json, sys, threading
from purview_mpe import Client, Spec
from purview_mpe.emulator import Emulator
emulator = Emulator()
spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
transport = emulator.transport()
assert not [name for name in sys.modules if name.startswith("azure.mgmt")]
start, failures = threading.Barrier(8), []

def use():
    start.wait()
    try:
        with Client(emulator.credential, transport=transport) as client:
            client.plan(spec)
            client.status(spec)
    except BaseException as error:
        failures.append(repr(error))

threads = [threading.Thread(target=use) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(failures))
"""


def test_first_clients_of_eight_threads_at_once():
    """Eight threads that each make and use their first client at once never meet an import error, in 20 processes."""
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: python(EIGHT), range(20))) == [[]] * 20


# --- one client in two colours


def verbs(client: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(member)
        for name, member in inspect.getmembers(client, callable)
        if not name.startswith("_")
    }


def test_both_clients_have_these_verbs():
    """The verbs of the contract, in both colours, and no others."""
    assert sorted(verbs(Client)) == sorted(verbs(aio.Client)) == sorted(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_has_one_signature(verb):
    """Names, kinds and defaults of the parameters are the same; so are the results, but for being awaited."""
    one, other = verbs(Client)[verb], verbs(aio.Client)[verb]
    assert list(one.parameters.values()) == list(other.parameters.values())
    assert str(other.return_annotation) == str(one.return_annotation).replace("Iterator", "AsyncIterator")


@pytest.mark.parametrize("verb", VERBS)
def test_asynchronous_verbs_are_awaited(verb):
    """Every verb of the asynchronous client is a coroutine function, except those that are iterated."""
    assert inspect.iscoroutinefunction(getattr(aio.Client, verb)) == (verb not in ITERATED)
    assert not inspect.iscoroutinefunction(getattr(Client, verb))


def test_both_clients_are_made_alike():
    """The same options with the same defaults; only the credential is of another kind."""
    one, other = (list(inspect.signature(client).parameters.values()) for client in (Client, aio.Client))
    assert [(p.name, p.kind, p.default) for p in one] == [(p.name, p.kind, p.default) for p in other]
    assert [p.annotation for p in one[1:]] == [p.annotation for p in other[1:]]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "close"])
def test_what_a_verb_does_is_said_in_one_place(verb):
    """The asynchronous verb refers to the synchronous one, which says what it reads, needs and raises."""
    assert (inspect.getdoc(getattr(aio.Client, verb)) or "").startswith(f"As `purview_mpe.Client.{verb}`")
    # A verb that is another one in another form refers to that.
    assert re.search(r"\breads\b|^as `", inspect.getdoc(getattr(Client, verb)) or "", re.IGNORECASE)


def test_the_default_wait_is_that_of_the_contract():
    """Creating and proving wait half an hour, decisions and roles five minutes, deletion ten."""
    defaults = {
        verb: verbs(Client)[verb].parameters["timeout"].default
        for verb in VERBS
        if "timeout" in verbs(Client)[verb].parameters
    }
    assert defaults == {
        "apply": 1800,
        "create_all": 1800,
        "approve": 300,
        "reject": 300,
        "delete_all": 600,
        "watch": None,
        "grant": 300,
        "revoke": 300,
        "onboard": 1800,
        "offboard": 600,
        "prove": 1800,
        "create_many": 1800,
        "iter_create_many": 1800,
        "onboard_many": 1800,
        "iter_onboard_many": 1800,
        "create_private_endpoints": 1800,
        "delete_private_endpoints": 600,
        "approve_many": 300,
        "iter_approve_many": 300,
        "delete_many": 600,
        "iter_delete_many": 600,
    }


def written_docstrings(module: object) -> dict[str, str]:
    """The docstrings of the methods of `Client` as its file says them, which is what an editor shows."""
    tree = ast.parse(inspect.getsource(module))
    [client] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Client"]
    return {
        node.name: ast.get_docstring(node) or ""
        for node in client.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


@pytest.mark.parametrize("verb", VERBS)
def test_an_editor_shows_what_an_asynchronous_verb_does(verb):
    """Below the reference to the synchronous verb stands that verb's own summary, in the file itself."""
    reference, _, summary = written_docstrings(aio)[verb].partition("\n\n")
    assert re.fullmatch(rf"As `purview_mpe\.Client\.{verb}`(; iterate with `async for`)?\.", reference)
    assert ("async for" in reference) == (verb in ITERATED)
    synchronous = written_docstrings(sys.modules["purview_mpe._client.client"])[verb]
    assert summary == synchronous.partition("\n\n")[0]
    assert inspect.getdoc(getattr(aio.Client, verb)) == f"{reference}\n\n{synchronous}"
