"""`quick_start`: what it changes in a process, that it can be undone, and that the SDKs behave the same with it."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from purview_mpe import quick_start
from purview_mpe._azure import deferred_imports
from purview_mpe._azure.empty_modules import PACKAGES
from tests.support import sdk_requests
from tests.support.processes import in_a_fresh_process, unmeasured

ROOT = Path(__file__).resolve().parents[2]
#: A script that creates all endpoints in each colour, on the emulator.
CREATE = {
    "sync": """
        from purview_mpe import Client, Spec
        from purview_mpe.emulator import Emulator
        emulator = Emulator()
        spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
        with Client(emulator.credential, transport=emulator.transport()) as client:
            client.create_all(spec, approve=True).raise_for_failures()
    """,
    "async": """
        import asyncio
        from purview_mpe import Spec, aio
        from purview_mpe.emulator import Emulator
        emulator = Emulator()
        spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
        async def main():
            async with aio.Client(emulator.async_credential, transport=emulator.async_transport()) as client:
                (await client.create_all(spec, approve=True)).raise_for_failures()
        asyncio.run(main())
    """,
}
#: Waits until the thread that imports ahead has ended.
ENDED = """
import threading
for thread in threading.enumerate():
    if thread.name == "purview-mpe-imports":
        thread.join()
"""
#: Counts the SDKs' `types` modules that have run their code, and those that have not.
COUNTED = """
import sys, types
places = [sys.modules[name] for name in sys.modules if name.startswith("azure.mgmt.") and name.endswith(".types")]
print(sum(type(place) is types.ModuleType for place in places), sum(type(place) is not types.ModuleType for place in places))
"""


def process(*parts: str, warnings: str = "error") -> list[str]:
    """The words that a fresh interpreter prints on its last line."""
    return in_a_fresh_process("\n".join(map(textwrap.dedent, parts)), warnings=warnings).splitlines()[-1].split()


START = "import purview_mpe; purview_mpe.quick_start()"

# --- the SDKs


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_verb_needs_no_types_module(colour):
    """Creating and approving all endpoints imports four SDKs without running the code of their `types` modules."""
    assert process(START, CREATE[colour], ENDED, COUNTED) == ["0", "4"]


def test_importing_an_sdk_does_not_load_its_models():
    """The models are loaded with the first answer."""
    code = "import azure.mgmt.datafactory, sys; print('azure.mgmt.datafactory.models._models' in sys.modules)"
    assert process(START, code) == ["False"]
    assert process(code) == ["True"]


@pytest.mark.parametrize(
    "use",
    [
        "from azure.mgmt.purview.types import Account",
        "from azure.mgmt.purview.types import *",
        "import azure.mgmt.purview.types as place; place.Account",
        "from azure.mgmt import purview; purview.types.Account",
        "from azure.mgmt.purview import types as place; vars(place)['Account']",
        "from azure.mgmt.purview import types as place; assert 'Account' in dir(place)",
        "import typing as t; from azure.mgmt.purview.operations import AccountsOperations as a; t.get_type_hints(a.begin_update)",
        "import azure.mgmt.purview as p, importlib; importlib.reload(importlib.import_module('azure.mgmt.purview.types'))",
    ],
)
@pytest.mark.parametrize("name", ["types", "models"])
def test_any_use_of_a_deferred_module_loads_its_content(use, name):
    """However a program reaches the module after importing the SDK, it gets the real content."""
    place = f"azure.mgmt.purview.{name}"
    real = process(f"import {place}, sys; print(*sorted(vars(sys.modules[{place!r}])))")
    found = f"import sys, types; print(*sorted(vars(types.ModuleType)['__dict__'].__get__(sys.modules[{place!r}])))"
    quick = process(START, "import azure.mgmt.purview", use.replace("types", name), found)
    assert "Account" in quick
    assert {*real} <= {*quick}


def test_a_missing_name_is_an_attribute_error():
    """A name that the real module lacks raises the same error message."""
    code = """
        import azure.mgmt.purview.types as place
        try:
            place.Nothing
        except AttributeError as error:
            print(error)
    """
    assert process(START, code) == process(code)


def test_operations_send_the_same_requests_with_quick_start():
    """Every operation that the library uses sends the same request and shows the same types, sync and async."""
    usual, quick = (
        json.loads(
            subprocess.run(
                [sys.executable, "-W", "error", "-m", "tests.support.sdk_requests", how],
                cwd=ROOT,
                env=unmeasured(),
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for how in ("usual", "quick")
    )
    assert quick == usual
    assert {key.rpartition(".")[0] for key in usual["sync"]} >= {
        f"{client}.{group}" for client, group in sdk_requests.used() if group != "send_request"
    }
    assert usual["sync"].keys() == usual["async"].keys()


# --- single models

MODELS = "azure.mgmt.datafactory.models"
TAKE = f"import azure.mgmt.datafactory, sys; models = sys.modules['{MODELS}']"
#: Prints whether the whole models module has run.
IS_WHOLE = f"print('Activity' in types.ModuleType.__dict__['__dict__'].__get__(sys.modules['{MODELS}']))"


def test_reading_an_answer_defines_only_its_models():
    """Reading one endpoint defines its models and none of Data Factory's other thousand."""
    read = """
        import types
        from azure.mgmt.datafactory._utils.model_base import _deserialize
        body = {"properties": {"groupId": "blob", "connectionState": {"status": "Approved"}}}
        found = _deserialize(models.ManagedPrivateEndpointResource, body)
        assert found.properties.connection_state.status == "Approved"
        assert found.as_dict() == body
    """
    assert process(START, TAKE, read, IS_WHOLE) == ["False"]
    assert process(TAKE, read, IS_WHOLE) == ["True"]


@pytest.mark.parametrize(
    "name",
    ["ManagedPrivateEndpointResource", "Factory", "IntegrationRuntimeType", "CloudError", "Activity", "CopySink"],
)
def test_single_model_is_the_whole_modules_class(name):
    """A class loaded alone stays the module's class, with the same bases, source and module."""
    shown = f"""
        import inspect
        taken = models.{name}
        first = [repr(taken.__mro__), taken.__module__, inspect.getsource(taken), sorted(vars(taken))]
        dir(models)  # runs the whole module
        assert models.{name} is taken is vars(sys.modules[taken.__module__])["{name}"]
        assert all(vars(sys.modules[one.__module__])[one.__name__] is one for one in taken.__mro__)
        second = [repr(taken.__mro__), taken.__module__, inspect.getsource(taken), sorted(vars(taken))]
        print(hash(tuple(map(str, first))) == hash(tuple(map(str, second))), len(first[2]))
    """
    quick = process(START, TAKE, shown)
    assert quick == process(TAKE, shown)
    assert quick[0] == "True"


def test_polymorphic_model_knows_all_its_subclasses():
    """A pipeline activity is read as its own type, although no code has used that type before."""
    read = """
        from azure.mgmt.datafactory._utils.model_base import _deserialize
        print(type(_deserialize(models.Activity, {"name": "one", "type": "Execution"})).__name__)
    """
    assert process(START, TAKE, read) == ["ExecutionActivity"]


def test_whole_module_is_the_same_after_single_models_were_taken():
    """The whole module has the same names, and each class the same fields, bases and subclasses."""
    listed = """
        import types
        for name in ("ManagedPrivateEndpointResource", "Factory", "IntegrationRuntimeResource", "ManagedVirtualNetwork"):
            getattr(models, name)
        dir(models)
        classes = [one for one in vars(models).values() if isinstance(one, type)]
        shown = sorted((repr(one), repr(one.__mro__), list(vars(one)), sorted(map(repr, one.__subclasses__()))) for one in classes)
        import hashlib
        names = sorted(name for name in vars(models) if not name.startswith("__"))
        print(len(classes), hashlib.sha256(repr([shown, names, type(models)]).encode()).hexdigest())
    """
    assert process(START, TAKE, listed) == process(TAKE, listed)


def test_many_models_run_the_whole_module():
    """A program that uses dozens of models gets them from the module's bytecode."""
    use = """
        import types
        with open(models.__file__) as file:
            names = [line.strip(" ,\\n") for line in file if line.startswith("    Azure")]
        for name in names:
            getattr(models, name)
    """
    assert process(START, TAKE, use, IS_WHOLE) == ["True"]


def test_models_without_a_source_run_as_a_whole():
    """A package shipped only as bytecode has no source to take a class from."""
    use = """
        import types
        from importlib.machinery import SourceFileLoader
        usual = SourceFileLoader.get_data
        SourceFileLoader.get_data = lambda loader, path: usual(loader, f"{path}c" if path.endswith("_models.py") else path)
        models.ManagedPrivateEndpointResource
    """
    assert process(START, TAKE, use, IS_WHOLE) == ["True"]


def test_many_threads_can_take_models_at_once():
    """Eight threads take the same classes while one runs the whole module: each class exists once."""
    use = """
        import threading
        barrier, found, failures = threading.Barrier(9), [], []
        names = ["Factory", "ManagedPrivateEndpointResource", "ManagedVirtualNetworkResource", "IntegrationRuntimeType"]

        def work(number):
            try:
                barrier.wait()
                found.extend((name, getattr(models, name)) for name in names[number % 4 :] + names[: number % 4])
            except BaseException as error:
                failures.append(repr(error))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        threads.append(threading.Thread(target=lambda: (barrier.wait(), dir(models))))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(*failures, len(found), len(set(found)))
    """
    assert process(START, TAKE, use) == ["32", "4"]


# --- signing in

#: A credential that records the thread of each token request, and a client of a served emulator.
SIGNED = """
import threading
from purview_mpe import Client
from purview_mpe.emulator import Emulator
emulator, asked, came = Emulator(), [], threading.Event()

class Credential:
    def get_token_info(self, *scopes, options=None):
        asked.append(threading.current_thread().name)
        came.set()
        if {fails}:
            raise ValueError("not today")
        return emulator.credential.get_token_info(*scopes, options=options)

def ended():
    for thread in threading.enumerate():
        if thread.name in ("purview-mpe-sign-in", "purview-mpe-imports"):
            thread.join()

with emulator.serve() as server, Client(Credential(), {options}) as client:
    ended()
    {verbs}
    print(*asked)
"""
OWN_CONNECTION = "endpoint=server.url, connection_verify=server.ca_file"


def signed(verbs: str, *, fails: bool = False, options: str = OWN_CONNECTION) -> str:
    return SIGNED.format(verbs=verbs, fails=fails, options=options)


def test_a_client_signs_in_before_its_first_verb():
    """The token is requested once, when the client is made, and the verb uses it."""
    assert process(START, signed("client.discover(emulator.account)")) == ["purview-mpe-sign-in"]
    assert process(signed("client.discover(emulator.account)")) == ["MainThread"]


def test_failed_early_sign_in_fails_the_next_verb():
    """The verb raises what the credential raised, without asking it again; the verb after it asks again."""
    verbs = """
    from purview_mpe import errors
    for _ in range(2):
        try:
            client.discover(emulator.account)
        except errors.AccessDenied as error:
            assert "not today" in str(error)
    """
    assert process(START, signed(verbs, fails=True)) == ["purview-mpe-sign-in", "MainThread"]


def test_old_failure_of_the_early_sign_in_is_ignored():
    """A much later verb signs in itself, because the reason for the failure may be gone."""
    verbs = """
    from purview_mpe._azure import credentials
    credentials._RECENT = 0.0
    try:
        client.discover(emulator.account)
    except Exception:
        pass
    """
    assert process(START, signed(verbs, fails=True)) == ["purview-mpe-sign-in", "MainThread"]


@pytest.mark.parametrize("before", ["pass", f"{START}; purview_mpe.quick_start(False)"], ids=["never", "undone"])
def test_without_quick_start_a_client_does_not_sign_in(before):
    """Making a client requests no token."""
    assert process(before, signed("print('asked', end=' ')")) == ["asked"]


def test_client_with_the_callers_transport_does_not_sign_in_early():
    """The caller's transport may have its own clock, so only verbs use it."""
    given = signed("print('asked', end=' ')", options="transport=emulator.transport()")
    assert process(START, given) == ["asked"]


def test_existing_token_is_not_requested_again():
    """A second client with the same credential uses the token that the first one has."""
    verbs = """
    client.discover(emulator.account)
    with Client(client._azure._credential.inner, endpoint=server.url, connection_verify=server.ca_file) as second:
        ended()
        second.discover(emulator.account)
    """
    assert process(START, signed(verbs)) == ["purview-mpe-sign-in"]


# --- imports that only functions need


LATER = "import sys; print(*(name in sys.modules for name in ('cryptography.x509', 'asyncio')))"


def test_signing_in_without_a_certificate_imports_no_certificates():
    """A synchronous client and a credential that reads no certificate need neither cryptography's X.509 nor asyncio."""
    code = """
        import time
        from azure.core.credentials import AccessTokenInfo
        from azure.identity import DefaultAzureCredential
        from purview_mpe import Client

        class AtHand:
            def get_token_info(self, *scopes, options=None):
                return AccessTokenInfo("token", int(time.time()) + 3600)

        Client(AtHand(), endpoint="https://127.0.0.1:1").close()
    """
    assert process(START, code, LATER) == ["False", "False"]
    assert process(code, LATER) == ["True", "True"]


CERTIFICATE = """
    import datetime
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app")])
    day = datetime.datetime(2026, 1, 1)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day + datetime.timedelta(1)).sign(key, hashes.SHA256())
    pem = made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
"""


def test_credential_with_a_certificate_reads_it():
    """With the deferred imports, both of the SDK's readers find the certificate's thumbprint."""
    code = """
        from azure.identity import CertificateCredential
        from azure.identity._internal.aadclient_certificate import AadClientCertificate
        right = made.fingerprint(hashes.SHA1())
        credential = CertificateCredential("tenant", "client", certificate_data=pem)
        print(credential._client_credential["thumbprint"] == right.hex(), AadClientCertificate(pem)._thumbprint != "")
        print(bytes.fromhex(credential._client_credential["thumbprint"]) == __import__("base64").urlsafe_b64decode(AadClientCertificate(pem).thumbprint) == right)
    """
    assert process(START, CERTIFICATE, code) == ["True"]


def test_credential_with_a_certificate_is_first_used_by_many_threads():
    """Eight threads read a certificate at once, although the first of them imports the package."""
    make = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CERTIFICATE) + "print(pem.decode())"],
        capture_output=True,
        text=True,
        check=True,
    )
    code = f"""
        import threading
        from azure.identity import CertificateCredential
        pem, found, barrier = {make.stdout.encode()!r}, [], threading.Barrier(8)

        def work():
            barrier.wait()
            found.append(CertificateCredential("tenant", "client", certificate_data=pem)._client_credential["thumbprint"])

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(len(found), len(set(found)))
    """
    assert process(START, code) == ["8", "1"]


@pytest.mark.parametrize(
    "use",
    [
        "mock.patch('azure.identity._credentials.certificate.x509.load_pem_x509_certificate', 1).start()",
        "certificate.x509.load_pem_x509_certificate = 1",
    ],
)
def test_changing_a_deferred_module_changes_the_real_one(use):
    """A test that patches a module by way of its importer has the usual effect."""
    code = f"""
        from unittest import mock
        from azure.identity._credentials import certificate
        {use}
        from cryptography import x509
        print(x509.load_pem_x509_certificate, "load_pem_x509_certificate" in dir(certificate.x509))
        del certificate.x509.load_pem_x509_certificate
        print(hasattr(x509, "load_pem_x509_certificate"), hasattr(certificate.x509, "load_pem_x509_certificate"))
    """
    assert process(START, code) == process(code) == ["False", "False"]


def test_functions_see_changed_built_in_functions():
    """A test that patches `open` reaches the code whose imports are deferred, and models that were taken before."""
    code = """
        import builtins, io
        from unittest import mock
        from azure.identity import CertificateCredential
        with mock.patch("builtins.open", lambda *_: io.BytesIO(pem)):
            credential = CertificateCredential("tenant", "client", certificate_path="nowhere")
        import azure.mgmt.datafactory
        from azure.mgmt.datafactory import models
        models.Factory, dir(models)
        print(*(run.__globals__["__builtins__"] is vars(builtins) is run.__builtins__ for run in (
            CertificateCredential.__init__, models.Factory.__init__, models.LinkedService.__init__
        )))
    """
    assert process(START, CERTIFICATE, code) == ["True", "True", "True"]


def test_importer_that_uses_a_module_at_once_gets_it(tmp_path):
    """If a version of an SDK uses a deferred module while it is imported, the module is imported then."""
    home = tmp_path / "azure" / "mgmt" / "core" / "policies"
    home.mkdir(parents=True)
    (home / "_base_async.py").write_text("import asyncio\nfrom asyncio import sleep\nDEFAULT = asyncio.Event\n")
    code = f"""
        import importlib.machinery, importlib.util, sys
        from purview_mpe._azure import deferred_imports
        place = [{str(home)!r}]
        spec = deferred_imports.Finder().find_spec("azure.mgmt.core.policies._base_async", place)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        import asyncio
        print(module.DEFAULT is asyncio.Event, module.sleep is asyncio.sleep, type(module.__loader__).__name__)
    """
    assert process(code) == ["True", "True", "SourceFileLoader"]


#: An importer in the directory `home`, loaded with placeholders if `quick` is true.
IMPORTER = """
import importlib, sys
from pathlib import Path
from purview_mpe._azure import deferred_imports

def importer(source, quick, home):
    Path(home, "importer").mkdir()
    Path(home, "importer", "__init__.py").touch()
    Path(home, "importer", "cryptography.py").write_text("x509 = 'its own'")
    Path(home, "importer", "code.py").write_text(source)
    sys.path.insert(0, home)
    if quick:
        names = frozenset({"cryptography.x509", "cryptography.hazmat.primitives.serialization", "asyncio"})
        deferred_imports.LATER["importer.code"] = names
        deferred_imports.Finder().install()
    return importlib.import_module("importer.code")
"""


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("import cryptography.x509", "vars(code['cryptography'])['x509'].__name__"),
        ("import cryptography.x509 as x509", "code['x509'].Name"),
        ("from .cryptography import x509", "code['x509']"),
        ("from cryptography.x509 import *", "code['Name']"),
        ("from cryptography import x509, __version__", "code['x509'].Name, code['__version__']"),
        ("j = __import__(name='json', globals=globals(), fromlist=('loads',), level=0)", "code['j'].__name__"),
        ("a = __import__('asyncio')", "code['a'].Task"),
        ("try:\n from cryptography import x509, gone\nexcept ImportError as e: text = str(e)", "code['text']"),
        (
            "import sys\nsys.modules['asyncio'] = None\ntry: import asyncio\nexcept ImportError as e: text = str(e)",
            "code['text']",
        ),
        (
            "from cryptography import x509",
            "vars(code['x509'])['Name'], code['x509'].__spec__.name, code['x509'].__file__",
        ),
        ("from cryptography import x509", "repr(code['x509']), code['x509'].__class__, code['x509'].__package__"),
        ("import asyncio", "code['asyncio'].__doc__, sorted(code['asyncio'].__all__)"),
        ("import asyncio", "error(lambda: setattr(code['asyncio'], 1, 1)), type(code['asyncio']).__name__"),
        ("import copy, asyncio", "error(lambda: copy.copy(code['asyncio']))"),
        ("import pickle, asyncio", "error(lambda: pickle.dumps(code['asyncio']))"),
    ],
)
def test_import_statement_and_its_module_show_the_same(tmp_path, source, shown):
    """Whatever statement a version of an SDK has, its names and their attributes are as without `quick_start`."""
    code = """
        import copy, pickle
        def error(act):
            try:
                act()
            except Exception as error:
                return repr(error)
    """
    usual, quick = (
        in_a_fresh_process(
            f"{IMPORTER}{textwrap.dedent(code)}\n"
            f"code = vars(importer({source!r}, {quick}, {str(tmp_path / str(quick))!r}))\nprint({shown})"
        )
        for quick in (False, True)
        if (tmp_path / str(quick)).mkdir() is None
    )
    assert quick == usual


def test_deferred_module_stays_the_one_that_was_used_first(tmp_path):
    """A test that restores `sys.modules` after the first use leaves the importer with its module, as usual."""
    code = f"""
        code = importer("import asyncio", True, {str(tmp_path)!r})
        assert "asyncio" not in sys.modules
        first = code.asyncio.Runner
        for name in [name for name in sys.modules if name.partition(".")[0] == "asyncio"]:
            del sys.modules[name]
        print(code.asyncio.Runner is first)
    """
    assert process(IMPORTER, code) == ["True"]


def test_module_that_is_imported_already_is_not_deferred(tmp_path):
    """A program that has imported the module before gets no placeholder."""
    code = f"""
        import asyncio
        print(importer("import asyncio", True, {str(tmp_path)!r}).asyncio is asyncio)
    """
    assert process(IMPORTER, code) == ["True"]


def test_other_finders_see_the_importers():
    """A tool that has installed a finder before `quick_start` is asked for the importers as well."""
    code = """
        import sys

        class Tool:
            def find_spec(self, name, path, target=None):
                if name.endswith("aadclient_certificate"):
                    print(name)

        sys.meta_path.insert(0, Tool())
        import purview_mpe
        purview_mpe.quick_start()
        import azure.identity._internal.aadclient_certificate
    """
    assert process(code) == ["azure.identity._internal.aadclient_certificate"]


def test_source_of_an_importer_can_be_read_before_it_is_imported():
    """`python -m`, `trace` and others ask the loader for the source and the code."""
    code = """
        import importlib.util
        name = "azure.identity._credentials.certificate"
        loader = importlib.util.find_spec(name).loader
        print("CertificateCredential" in loader.get_source(name), loader.get_code(name).co_name, hasattr(loader, "nothing"))
    """
    assert process(START, code) == process(code) == ["True", "<module>", "False"]


# --- what the SDKs look like


@pytest.mark.parametrize("module", sorted(deferred_imports.LATER))
def test_importers_use_deferred_modules_in_functions_alone(module):
    """`quick_start` relies on it: the code that runs when the importer is loaded reads no attribute of them."""
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text(encoding="utf-8")
    tree = ast.parse(source)
    names = {name.rpartition(".")[2] for name in deferred_imports.LATER[module]}
    in_functions = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for inner in ast.walk(ast.Module(node.body, []))
    }
    annotations = {
        id(inner)
        for node in ast.walk(tree)
        for annotation in (getattr(node, "returns", None), getattr(node, "annotation", None))
        if annotation is not None and "from __future__ import annotations" in source
        for inner in ast.walk(annotation)
    }
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in names]
    assert used, "nothing to defer"
    assert [node.lineno for node in used if id(node) not in in_functions | annotations] == []


@pytest.mark.untraced
@pytest.mark.parametrize("module", ["operations/_operations.py", "aio/operations/_operations.py"])
@pytest.mark.parametrize("package", PACKAGES)
def test_sdks_need_nothing_but_annotations_when_they_are_imported(package, module):
    """`quick_start` relies on it: types occur only in annotations, models also inside functions."""
    spec = importlib.util.find_spec(f"azure.mgmt.{package}")
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse((Path(spec.origin).parent / module).read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    annotations = {
        id(inner)
        for node in nodes
        for annotation in (
            [node.annotation] if isinstance(node, (ast.arg, ast.AnnAssign)) else [getattr(node, "returns", None)]
        )
        if annotation is not None
        for inner in ast.walk(annotation)
    }
    later = {
        id(inner)
        for node in nodes
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for name, harmless in (("_types", annotations), ("_models", annotations | later)):
        uses = [node for node in nodes if isinstance(node, ast.Name) and node.id == name]
        assert uses
        assert [node.lineno for node in uses if id(node) not in harmless] == []


# --- SDKs that look different


def fake_sdk(folder: Path, operations: str) -> str:
    """Code that replaces the installed private DNS package with a fake one."""
    package = folder / "azure" / "mgmt" / "privatedns"
    (package / "operations").mkdir(parents=True)
    (package / "__init__.py").write_text("from .operations import Zones\n")
    for module in ("types.py", "models.py"):
        (package / module).write_text("class Zone(dict):\n    kind = 'zone'\n")
    (package / "operations" / "__init__.py").write_text("from ._operations import Zones\n")
    (package / "operations" / "_operations.py").write_text(textwrap.dedent(operations))
    return f"import sys; sys.path.insert(0, {str(folder)!r})"


UNEXPECTED = {
    "as a base class": """
        from .. import types as _types
        class Zones(_types.Zone):
            def get(self, zone: _types.Zone = None): return self.kind
    """,
    "as a default": """
        from .. import types as _types
        class Zones:
            def get(self, zone: _types.Zone = None, made=_types.Zone): return made.kind
    """,
    "as a keyword's default": """
        from .. import types as _types
        class Zones:
            def get(self, *, made=_types.Zone): return made.kind
    """,
    "as an attribute": """
        from .. import types as _types
        class Zones:
            zone = _types.Zone
            def get(self): return self.zone.kind
    """,
    "as a value of the module": """
        from .. import types as _types
        Zone = _types.Zone
        class Zones:
            def get(self): return Zone.kind
    """,
    "by another name": """
        from typing import Optional
        from .. import types as other
        Zone = Optional[other.Zone]
        class Zones:
            def get(self, zone: Zone = None): return other.Zone.kind
    """,
    "a model as a default": """
        from .. import models as _models
        class Zones:
            def get(self, zone: _models.Zone = None, made=_models.Zone): return made.kind
    """,
}


@pytest.mark.parametrize("operations", UNEXPECTED.values(), ids=UNEXPECTED)
def test_an_sdk_that_needs_its_types_gets_them_with_a_warning(tmp_path, operations):
    """If an SDK uses the module for more than annotations, it is imported as usual and a warning is shown."""
    code = """
        import warnings, typing
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            from azure.mgmt.privatedns import Zones
        typing.get_type_hints(Zones.get)
        print(Zones().get(), len(caught), "azure.mgmt.privatedns" in str(caught[0].message), caught[0].category.__name__)
    """
    assert process(START, fake_sdk(tmp_path, operations), code) == ["zone", "1", "True", "RuntimeWarning"]


def test_an_operation_that_needs_a_type_when_it_runs_gets_the_real_one(tmp_path):
    """Code inside a function runs later and finds the real module."""
    operations = """
        from .. import types as _types
        class Zones:
            def get(self, zone: _types.Zone = None): return _types.Zone.kind
    """
    code = "from azure.mgmt.privatedns import Zones; print(Zones().get())"
    assert process(START, fake_sdk(tmp_path, operations), code) == ["zone"]


def test_an_sdk_without_types_is_imported_as_usual(tmp_path):
    """Older SDK generations have no such module, so nothing is deferred and no warning is shown."""
    operations = "class Zones:\n    def get(self): return 'zone'\n"
    code = "from azure.mgmt.privatedns import Zones; print(Zones().get())"
    assert process(START, fake_sdk(tmp_path, operations), code) == ["zone"]


def test_an_sdk_that_cannot_be_imported_fails_as_usual(tmp_path):
    """An error that has nothing to do with the types reaches the program."""
    code = """
        try:
            import azure.mgmt.privatedns
        except ZeroDivisionError as error:
            print(error)
    """
    assert process(START, fake_sdk(tmp_path, "1 / 0"), code) == ["division", "by", "zero"]


def test_types_module_that_reads_itself_does_not_recurse(tmp_path):
    """Code that reads a name of its own module before it exists gets an AttributeError, as usual."""
    operations = "from .. import types as _types\nclass Zones:\n    def get(self, zone: _types.Zone): ...\n"
    fake = fake_sdk(tmp_path, operations)
    (tmp_path / "azure" / "mgmt" / "privatedns" / "types.py").write_text(
        "import sys\ntry:\n    sys.modules[__name__].Zone\nexcept AttributeError:\n    Zone = 'none yet'\n"
    )
    assert process(START, fake, "from azure.mgmt.privatedns import types; print(types.Zone)") == ["none", "yet"]


def test_a_types_module_that_cannot_run_fails_each_time(tmp_path):
    """A second use raises the error again."""
    operations = "from .. import types as _types\nclass Zones:\n    def get(self, zone: _types.Zone): ...\n"
    fake = fake_sdk(tmp_path, operations)
    (tmp_path / "azure" / "mgmt" / "privatedns" / "types.py").write_text("raise LookupError('no types')\n")
    code = """
        from azure.mgmt.privatedns import types
        for _ in range(2):
            try:
                types.Zone
            except LookupError as error:
                print(error, end=" ")
    """
    assert process(START, fake, code) == ["no", "types", "no", "types"]


# --- the process


STATE = "(gc.isenabled(), gc.get_threshold(), gc.get_freeze_count() > 0, sys.meta_path[:])"


@pytest.mark.parametrize(
    "before", ["pass", "gc.disable()", "gc.set_threshold(0, 10, 10)", "gc.set_threshold(50, 5, 5)"]
)
def test_the_collector_is_as_before_once_the_sdks_are_imported(before):
    """After the first verb the thresholds are the program's own, and what was imported is frozen."""
    code = f"""
        import gc, sys
        {before}
        was = {STATE}
        import purview_mpe
        purview_mpe.quick_start()
    """
    after = f"""
        now = {STATE}
        print(was[:2] == now[:2], now[2])
    """
    assert process(code, CREATE["sync"], ENDED, after) == ["True", "True"]


@pytest.mark.parametrize(
    "verb", ["", CREATE["sync"] + textwrap.indent(ENDED, " " * 8)], ids=["at once", "after a verb"]
)
@pytest.mark.parametrize("times", [1, 3])
def test_quick_start_false_restores_the_process(verb, times):
    """After any number of calls, one `quick_start(False)` restores collector, frozen objects and imports."""
    begin = f"import gc, sys\nwas = {STATE}\nimport purview_mpe\nfor _ in range({times}): purview_mpe.quick_start()"
    end = f"purview_mpe.quick_start(False)\nprint(was == {STATE})"
    assert process(begin, verb, end) == ["True"]


def test_quick_start_works_again_after_it_was_undone():
    """On, off and on again: the second time has the same effect as the first."""
    again = "purview_mpe.quick_start(False); purview_mpe.quick_start()"
    begin = f"import gc, sys\nwas = {STATE}\n{START}\n{again}"
    end = f"now = {STATE}\nprint(was[:2] == now[:2], now[2])"
    assert process(begin, CREATE["sync"], ENDED, end) == ["True", "True"]


def test_quick_start_false_without_a_start_changes_nothing():
    """Switching it off when it is not on leaves the process unchanged."""
    code = f"import gc, sys\ngc.freeze()\nwas = {STATE}\nimport purview_mpe\npurview_mpe.quick_start(False)"
    assert process(code, f"print(was == {STATE})") == ["True"]


def test_thresholds_set_after_quick_start_are_kept():
    """A program that sets up the collector after the call keeps its own thresholds."""
    code = """
        import gc
        gc.set_threshold(7000, 7, 7)
        purview_mpe.quick_start(False)
        print(gc.get_threshold()[0])
    """
    assert process(START, code) == ["7000"]


def test_quick_start_loads_nothing_heavy():
    """A Functions host imports the app, which contains the call, at every start."""
    loaded = process(START, "import sys; print(*sys.modules)")
    assert [name for name in loaded if name.partition(".")[0] in {"azure", "pydantic", "requests", "msal"}] == []


def test_library_does_not_call_quick_start():
    """Without the call, a verb imports the SDKs as they are."""
    assert process(CREATE["sync"], COUNTED) == ["4", "0"]


def test_the_next_sdk_is_imported_ahead():
    """After a verb without a factory, the SDK that the next verb needs is imported early, and no other."""
    code = """
        from purview_mpe import Client
        from purview_mpe.emulator import Emulator
        emulator = Emulator()
        for _ in range(2):
            with Client(emulator.credential_for("reader"), transport=emulator.transport()) as client:
                client.discover(emulator.account)
    """
    after = (
        "import sys; print(*(f'azure.mgmt.{name}' in sys.modules for name in ('datafactory', 'storage', 'eventhub')))"
    )
    assert process(START, code, ENDED, after) == ["True", "False", "False"]


def test_many_threads_can_call_quick_start_at_once():
    """Eight threads call it, use a client and an SDK's types: no error occurs, and no import finder exists twice."""
    code = """
        import sys, threading
        from purview_mpe.emulator import Emulator
        emulator = Emulator()
        barrier, failures = threading.Barrier(8), []

        def work(number):
            try:
                barrier.wait()
                from purview_mpe import Client, Spec, quick_start
                quick_start()
                spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
                with Client(emulator.credential, transport=emulator.transport()) as client:
                    client.plan(spec)
                from azure.mgmt.storage.types import StorageAccountMigration
                from azure.mgmt.datafactory import types
                assert types.Factory and StorageAccountMigration
            except BaseException as error:
                failures.append(repr(error))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(*failures, sum("purview_mpe" in type(finder).__module__ for finder in sys.meta_path))
    """
    assert process(code) == ["2"]


def test_quick_start_shows_its_public_module():
    """Tracebacks and help name the module that users import it from."""
    assert (quick_start.__module__, quick_start.__name__) == ("purview_mpe", "quick_start")
