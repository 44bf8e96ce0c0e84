"""Readers of exported code, one per language: the PUT requests that it would send, in order.

They use independent parsers: json, python-hcl2, tree-sitter's grammars of Bicep and PowerShell, and bash itself.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any
from urllib.parse import unquote

import hcl2
import tree_sitter
import tree_sitter_bicep
import tree_sitter_powershell

Put = tuple[str, dict[str, Any]]
"""A request: the path of the resource, and its body."""

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1"


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
    """Literals of a template, by Microsoft's rule: a text in brackets is an expression, a doubled bracket a literal."""
    if isinstance(value, dict):
        return {key: evaluated(item) for key, item in value.items()}
    if not (isinstance(value, str) and value.startswith("[") and value.endswith("]")):
        return value
    assert value.startswith("[["), f"{value!r} is an expression"
    return value[1:]


def path_of(resource_type: str, names: list[str]) -> str:
    provider, *types = resource_type.split("/")
    pairs = "/".join(f"{kind}/{name}" for kind, name in zip(types, names, strict=True))
    return f"{GROUP}/providers/{provider}/{pairs}"


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
    """A quoted HCL template without interpolation, by HashiCorp's rules."""
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
    # python-hcl2 fails on some escaped templates, so they are rewritten in their other form; test_export_escaping asks
    # Terraform itself.
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


def runtime_body(network: str) -> dict[str, Any]:
    """The relevant part of what azurerm sends for a runtime in the managed virtual network (its source)."""
    return {
        "properties": {
            "type": "Managed",
            "managedVirtualNetwork": {"type": "ManagedVirtualNetworkReference", "referenceName": network},
            "typeProperties": {"computeProperties": {"location": "AutoResolve"}},
        }
    }


#: From the provider's documentation: required arguments, optional arguments.
MANAGED = ({"name", "data_factory_id", "target_resource_id"}, {"subresource_name", "fqdns", "depends_on"})


def read_azurerm(text: str) -> list[Put]:
    resources, _ = read_hcl(text)
    puts: list[Put] = []
    for address, fields in resources.items():
        if address.startswith("azapi_resource."):
            puts.append((f"{fields['parent_id']}/managedVirtualNetworks/{fields['name']}", fields["body"]))
            continue
        if address.startswith("azurerm_data_factory_integration_runtime_azure."):
            assert fields.pop("depends_on", [])[:1] in ([], ["${azapi_resource.managed_virtual_network}"])
            assert fields.keys() == {"name", "data_factory_id", "location", "virtual_network_enabled"}
            assert fields["virtual_network_enabled"] is True
            puts.append((f"{fields['data_factory_id']}/integrationRuntimes/{fields['name']}", runtime_body("default")))
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


#: A fake Azure CLI that logs its calls, and reports an endpoint as ready at the second read.
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
    """Run the script with bash, a fake az, and a sleep that returns at once."""
    (folder / "fake.py").write_text(FAKE_AZ.replace("STATE", state))
    for name, line in {"az": f'exec {sys.executable} {folder}/fake.py "$@"', "sleep": "exit 0"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    script = folder / "script.sh"
    script.write_text(text)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["bash", script], env={"PATH": path}, capture_output=True, text=True, check=False)  # noqa: S607 - our own script
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
