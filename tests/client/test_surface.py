"""The public surface: exports, the cost of imports, and the equality of both clients."""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import purview_mpe
from purview_mpe import Client, aio, emulator, errors
from purview_mpe._model.spec import Noun
from tests.support.processes import in_a_fresh_process

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
#: Verbs that are iterated instead of awaited.
ITERATED = {"watch", "iter_create_many", "iter_approve_many", "iter_delete_many", "iter_onboard_many"}


def python(code: str) -> list[str]:
    """What a fresh interpreter prints, as JSON on its last line."""
    return json.loads(in_a_fresh_process(code).splitlines()[-1])


def loaded(code: str, *names: str) -> list[str]:
    """Which of these packages a fresh interpreter has loaded after running some code."""
    listing = "import sys, json; print(json.dumps(sorted(sys.modules)))"
    found = python(f"{code}\n{listing}")
    return [name for name in names if any(module == name or module.startswith(f"{name}.") for module in found)]


# --- exports


def test_exports_are_exactly_the_listed_names():
    """The exports are a public promise, so a change must be deliberate."""
    assert sorted(purview_mpe.__all__) == sorted(EXPORTS)
    assert sorted(emulator.__all__) == sorted(set(emulator.__all__))
    assert aio.__all__ == ["Client"]


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_exists(name):
    """Each name can be read from the package and appears in dir()."""
    assert getattr(purview_mpe, name) is not None
    assert name in dir(purview_mpe)


def test_star_import_gives_exactly_the_exports():
    """`from purview_mpe import *` adds no other name."""
    namespace: dict[str, object] = {}
    exec("from purview_mpe import *", namespace)  # noqa: S102 - that is the point
    assert set(namespace) - {"__builtins__"} == set(EXPORTS)


@pytest.mark.parametrize("name", ["aio", "durable", "emulator", "errors", "notebook"])
def test_public_modules_load_on_first_use(name):
    """After `import purview_mpe` each public module is available, but is loaded only when it is used."""
    assert loaded("import purview_mpe", f"purview_mpe.{name}") == []
    assert loaded(f"import purview_mpe; purview_mpe.{name}.__doc__", f"purview_mpe.{name}") == [f"purview_mpe.{name}"]
    assert name in dir(purview_mpe)


def test_unknown_name_is_an_attribute_error():
    """The error names the module and the name."""
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
    """Every name that can be imported or called has a docstring."""
    assert inspect.getdoc(thing)


@pytest.mark.parametrize(
    "noun", [v for v in vars(purview_mpe).values() if inspect.isclass(v) and issubclass(v, Noun)] or [purview_mpe.Spec]
)
def test_each_noun_has_its_own_docstring(noun):
    """A noun does not inherit the docstring of its base."""
    assert noun.__doc__ != Noun.__doc__


# --- what importing costs

HEAVY = ("azure", "pydantic", "requests", "aiohttp", "tenacity")


@pytest.mark.parametrize("code", ["import purview_mpe", "import purview_mpe.errors", "from purview_mpe import errors"])
def test_importing_loads_nothing_heavy(code):
    """Serverless functions pay for imports at every cold start, so neither SDKs nor pydantic are loaded."""
    assert loaded(code, *HEAVY) == []


def test_a_spec_needs_no_sdk():
    """Specs and plans can be imported without any SDK."""
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
def test_sdks_of_the_targets_are_loaded_only_to_approve(shape, approve, needed):
    """The SDKs of Storage and Event Hubs are loaded only to approve; listing connections is a plain request."""
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
    """In 20 processes, eight threads make and use their first client at once without an import error."""
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
    """Both clients have exactly the listed verbs."""
    assert sorted(verbs(Client)) == sorted(verbs(aio.Client)) == sorted(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_has_one_signature(verb):
    """Names, kinds and defaults of the parameters are the same, and so are the results except that they are awaited."""
    one, other = verbs(Client)[verb], verbs(aio.Client)[verb]
    assert list(one.parameters.values()) == list(other.parameters.values())
    assert str(other.return_annotation) == str(one.return_annotation).replace("Iterator", "AsyncIterator")


@pytest.mark.parametrize("verb", VERBS)
def test_asynchronous_verbs_are_awaited(verb):
    """Every verb of the asynchronous client is a coroutine function, except those that are iterated."""
    assert inspect.iscoroutinefunction(getattr(aio.Client, verb)) == (verb not in ITERATED)
    assert not inspect.iscoroutinefunction(getattr(Client, verb))


def test_both_clients_have_the_same_options():
    """Options and defaults are the same; only the type of the credential differs."""
    one, other = (list(inspect.signature(client).parameters.values()) for client in (Client, aio.Client))
    assert [(p.name, p.kind, p.default) for p in one] == [(p.name, p.kind, p.default) for p in other]
    assert [p.annotation for p in one[1:]] == [p.annotation for p in other[1:]]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "close"])
def test_asynchronous_docstring_refers_to_the_synchronous_verb(verb):
    """The asynchronous verb refers to the synchronous one, which says what it reads, needs and raises."""
    assert (inspect.getdoc(getattr(aio.Client, verb)) or "").startswith(f"As `purview_mpe.Client.{verb}`")
    # A verb that is a variant of another verb refers to it.
    assert re.search(r"\breads\b|^as `", inspect.getdoc(getattr(Client, verb)) or "", re.IGNORECASE)


def test_default_timeout_of_each_verb():
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
    """The docstrings of `Client`'s methods in its source file, which an editor shows."""
    tree = ast.parse(inspect.getsource(module))
    [client] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Client"]
    return {
        node.name: ast.get_docstring(node) or ""
        for node in client.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


@pytest.mark.parametrize("verb", VERBS)
def test_an_editor_shows_what_an_asynchronous_verb_does(verb):
    """In the source file, the synchronous verb's summary follows the reference."""
    reference, _, summary = written_docstrings(aio)[verb].partition("\n\n")
    assert re.fullmatch(rf"As `purview_mpe\.Client\.{verb}`(; iterate with `async for`)?\.", reference)
    assert ("async for" in reference) == (verb in ITERATED)
    synchronous = written_docstrings(sys.modules["purview_mpe._client.client"])[verb]
    assert summary == synchronous.partition("\n\n")[0]
    assert inspect.getdoc(getattr(aio.Client, verb)) == f"{reference}\n\n{synchronous}"
