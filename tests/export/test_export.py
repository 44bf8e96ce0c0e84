"""Exports: each language is read back by an independent parser, and has to mean what the library would do."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from azure.core.rest import HttpRequest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from purview_mpe import Account, Client, Plan, Spec, Step, export
from purview_mpe.emulator import Emulator
from purview_mpe.errors import InvalidSpec, PlanConflict
from tests.support.export_readers import GROUP, Put, read, read_hcl, run_az

TERRAFORM = shutil.which("terraform")
FORMATS = ("bicep", "terraform", "terraform-azapi", "arm", "az", "powershell")
SHAPES = ("A", "B", "C", "D", "E")
FACTORY = f"{GROUP}/providers/Microsoft.DataFactory/factories/df2"
NETWORK = "Microsoft.DataFactory/factories/managedVirtualNetworks"
ENDPOINT = f"{NETWORK}/managedPrivateEndpoints"
SHELLCHECK = Path(sys.executable).with_name("shellcheck")


# --- an account that needs everything, and the requests of `apply` for it


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
    """The endpoints that the requests create on a fresh emulator."""
    emulator, spec = empty_factory(shape)
    token = emulator.credential.get_token("https://management.azure.com/.default").token
    for path, body in puts:
        url = f"https://management.azure.com{path}?api-version=2018-06-01"
        request = HttpRequest("PUT", url, json=body, headers={"Authorization": f"Bearer {token}"})
        answer = emulator.transport().send(request)
        assert answer.status_code == 200, answer.text()
    return endpoints_of(emulator, spec)


# --- what exports promise


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("language", FORMATS)
def test_code_creates_what_apply_creates(language, shape, tmp_path):
    """Running the exported code leads to the same endpoints as apply, including the missing network."""
    emulator, spec = empty_factory(shape)
    text = export(plan_of(emulator, spec), language)
    assert made_by(read(text, language, tmp_path), shape) == made_by_apply(shape)


@pytest.mark.parametrize("language", FORMATS)
def test_existing_endpoints_are_in_the_code(language, tmp_path):
    """Code describes the desired state, so it has every endpoint; an existing network is not created."""
    emulator, spec = empty_factory("A")
    with Client(emulator.credential, transport=emulator.transport()) as client:
        client.apply(spec.model_copy(update={"groups": ("account", "blob")}))
    plan = plan_of(emulator, spec)
    assert [step.action for step in plan.steps] == ["keep", "keep", "create", "create"]
    puts = read(export(plan, language), language, tmp_path)
    assert [path.rpartition("/")[2] for path, _ in puts] == [step.name for step in plan.steps]


@pytest.mark.parametrize("language", FORMATS)
def test_endpoints_on_one_storage_account_wait_for_each_other(language, tmp_path):
    """Storage runs one private endpoint operation at a time, so queue follows the end of blob, in every language."""
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
def test_terraform_imports_existing_endpoints(language):
    """Both providers refuse to create an existing resource, so exactly the existing endpoints have an import block."""
    emulator, spec = empty_factory("A")
    with Client(emulator.credential, transport=emulator.transport()) as client:
        client.apply(spec.model_copy(update={"groups": ("account",)}))
    # A user's letter case must not reach the ids, because Terraform compares them exactly.
    shouted = spec.model_copy(
        update={"factory": spec.factory.replace("Microsoft.DataFactory", "MICROSOFT.DATAFACTORY")}
    )
    resources, imports = read_hcl(export(plan_of(emulator, shouted), language))
    (only,) = imports
    assert only["id"] == f"{FACTORY}/managedVirtualNetworks/default/managedPrivateEndpoints/purview"
    assert resources[only["to"][2:-1]]["name"] == "purview"


@pytest.mark.parametrize("language", ["terraform", "terraform-azapi"])
@pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed")
def test_terraform_fmt_changes_nothing(language, tmp_path):
    """`terraform fmt -check` accepts the code, so syntax and layout are Terraform's own."""
    emulator, spec = empty_factory("A")
    before = export(plan_of(emulator, spec), language)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        client.apply(spec)
    whole = plan_of(emulator, spec.model_copy(update={"runtime": "ir-lineage"}))
    for text in (before, export(plan_of(emulator, spec), language), export(whole, language, onboard=True)):
        check = subprocess.run(
            [TERRAFORM, "fmt", "-check", "-diff", "-"], input=text, capture_output=True, text=True, check=False
        )
        assert (check.returncode, check.stdout) == (0, ""), check.stderr


def test_shellcheck_accepts_the_script(tmp_path):
    """The script passes shellcheck without exceptions."""
    emulator, spec = empty_factory("A")
    (tmp_path / "script.sh").write_text(export(plan_of(emulator, spec), "az"))
    check = subprocess.run([SHELLCHECK, tmp_path / "script.sh"], capture_output=True, text=True, check=False)
    assert (check.returncode, check.stdout) == (0, "")


def test_the_script_stops_at_a_failed_endpoint(tmp_path):
    """It names an endpoint that ends Failed, and does not create the next one on its storage account."""
    emulator, spec = empty_factory("C")
    done, calls = run_az(export(plan_of(emulator, spec), "az"), tmp_path, state="Failed")
    assert done.returncode == 1
    assert "purview is Failed" in done.stderr
    assert not any(call["--url"].endswith("purview_blob") for call in calls)


def test_the_script_stops_waiting(tmp_path):
    """An endpoint that stays Provisioning ends the script after half an hour of polling."""
    emulator, spec = empty_factory("C")
    text = export(plan_of(emulator, spec), "az").replace("seq 180", "seq 3")
    done, calls = run_az(text, tmp_path, state="Provisioning")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "purview is Provisioning")
    assert sum(call["--method"] == "get" for call in calls) == 3


@pytest.mark.parametrize("language", FORMATS)
def test_a_replaced_endpoint_has_a_remark(language):
    """The code cannot delete the broken endpoint, so a comment says that it has to be deleted first."""
    emulator, spec = empty_factory("A")
    emulator.add_endpoint(spec.factory, "purview", str(spec.account), "account", status="Rejected")
    plan = plan_of(emulator, spec.model_copy(update={"replace_broken": True}))
    assert plan.steps[0].action == "replace"
    assert "must be deleted first" in export(plan, language)


@pytest.mark.parametrize("language", FORMATS)
def test_conflicts_are_not_exported(language):
    """A plan that cannot be applied is refused, as by apply."""
    emulator, spec = empty_factory("A")
    emulator.add_endpoint(spec.factory, "purview", str(emulator.add_account("other")), "account")
    with pytest.raises(PlanConflict):
        export(plan_of(emulator, spec), language)


@pytest.mark.parametrize(
    ("cloud", "language", "said"),
    [
        ("us-government", "terraform", 'environment     = "usgovernment"'),
        ("china", "terraform-azapi", 'environment     = "china"'),
        ("us-government", "az", "az cloud set --name AzureUSGovernment && az login"),
        ("china", "az", "az cloud set --name AzureChinaCloud && az login"),
        ("us-government", "powershell", "Connect-AzAccount -Environment AzureUSGovernment"),
        ("china", "powershell", "Connect-AzAccount -Environment AzureChinaCloud"),
    ],
)
def test_code_for_another_cloud_signs_in_to_it(cloud, language, said):
    """Providers and scripts name the cloud; the requests are the same, and the public cloud is not mentioned."""
    emulator, spec = empty_factory("A")
    plan = plan_of(emulator, spec)
    code = export(plan, language, cloud=cloud)
    assert said in code
    assert not re.search("environment|cloud set|-Environment", export(plan, language))
    if language.startswith("terraform"):
        assert read_hcl(code) == read_hcl(export(plan, language))


@pytest.mark.parametrize("cloud", ["moon", ["public"], None])
def test_an_invalid_cloud_is_refused(cloud):
    """The error lists the clouds."""
    emulator = Emulator()
    spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
    with pytest.raises(InvalidSpec) as refused:
        export(plan_of(emulator, spec), "az", cloud=cloud)
    assert refused.value.problems == [("cloud", f"{cloud!r} is not one of public, us-government, china")]


def test_both_providers_use_the_cloud():
    """If azapi creates the missing network for azurerm, both sign in to the same cloud."""
    emulator, spec = empty_factory("A")
    assert export(plan_of(emulator, spec), "terraform", cloud="china").count('environment     = "china"') == 2


def test_an_unknown_cloud_is_refused_for_arm():
    """The error lists the clouds."""
    emulator, spec = empty_factory("A")
    with pytest.raises(InvalidSpec, match="'moon' is not one of public, us-government, china"):
        export(plan_of(emulator, spec), "arm", cloud="moon")


def test_an_unknown_format_is_refused():
    """The error lists the formats."""
    emulator, spec = empty_factory("A")
    with pytest.raises(InvalidSpec, match=r"pulumi.*bicep, terraform, terraform-azapi, arm, az, powershell"):
        export(plan_of(emulator, spec), "pulumi")


# --- hostile data: names and targets of existing endpoints come from Azure, and group ids from a plan file

TEXT = st.text(min_size=1, max_size=12)
HOSTILE = st.one_of(
    TEXT,
    st.sampled_from(
        [
            "${file('x')}",
            "%{if}",
            "$${x}",
            "[resourceId('x')]",
            "[[x]",
            "'; rm -rf ~ #",
            '"\n}\n',
            "`$(id)`",
            "\u2019;id",
            "\\",
            "\r\n//",
            "*/",
            "{subscriptionId}",
            "@file",
            "a?b#c%20",
            "💥",
            "\u202e",
            "' + 'x",
            "$(1)",
            "#{",
        ]
    ),
)


@pytest.mark.parametrize("language", FORMATS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=HOSTILE.filter(lambda text: "/" not in text and text.strip(".")), target=HOSTILE, group=HOSTILE)
def test_texts_from_azure_stay_data(language, tmp_path, name, target, group):
    """A name, target or group id comes out of the other language's parser unchanged, without other requests."""
    if language == "az":  # bash once per example would take minutes; test_escaping.py uses bash itself
        language = "powershell"
    if language == "bicep":  # this grammar takes these for comments even inside strings; Bicep does not
        assume(not any(mark in f"/{target} {group}" for mark in ("//", "/*")))
    account = FACTORY.replace("Microsoft.DataFactory/factories/df2", "Microsoft.Purview/accounts/pv1")
    spec = Spec(factory=FACTORY, account=account, name="purview")
    step = Step(action="create", name="x", group_id="x", resource_id=account, reason="x").model_copy(
        update={"name": name, "group_id": group, "resource_id": f"/{target}", "reason": name}
    )
    second = step.model_copy(update={"action": "replace", "name": f"{name}2"})
    plan = Plan(spec=spec, account=Account(id=account, name="pv1"), steps=(step, second))
    folder = f"{FACTORY}/managedVirtualNetworks/default/managedPrivateEndpoints"
    body = {"properties": {"privateLinkResourceId": f"/{target}", "groupId": group}}
    assert read(export(plan, language), language, tmp_path) == [(f"{folder}/{name}", body), (f"{folder}/{name}2", body)]


@pytest.mark.parametrize("name", ["a/../b", "..", ".", "a/b"])
def test_a_name_with_path_segments_is_refused(name):
    """Code from a tampered plan file cannot write another resource."""
    emulator, spec = empty_factory("A")
    plan = plan_of(emulator, spec)
    tampered = plan.model_copy(update={"steps": (*plan.steps, plan.steps[-1].model_copy(update={"name": name}))})
    for language in FORMATS:
        with pytest.raises(InvalidSpec, match=re.escape(repr(name))):
            export(tampered, language)


# --- the runtime, the identity and the role


@pytest.mark.parametrize("language", FORMATS)
def test_the_runtime_of_the_spec_is_in_the_code(language, tmp_path):
    """It is created in the managed virtual network, after the network and before the endpoints."""
    emulator, spec = empty_factory("A")
    plan = plan_of(emulator, spec.model_copy(update={"runtime": "ir-lineage"}))
    puts = read(export(plan, language), language, tmp_path)
    assert [path.rpartition("/")[2] for path, _ in puts][:3] == ["default", "ir-lineage", "purview"]
    assert made_by(puts, "A") == made_by_apply("A")
    fresh, _ = empty_factory("A")
    for path, body in puts[:2]:
        put(fresh, path, body)
    network = fresh.dump()["factories"][1]["runtimes"][0]["properties"]["managedVirtualNetwork"]
    assert network == {"type": "ManagedVirtualNetworkReference", "referenceName": "default"}


def put(emulator: Emulator, path: str, body: dict) -> None:
    token = emulator.credential.get_token("https://management.azure.com/.default").token
    url = f"https://management.azure.com{path}?api-version=2018-06-01"
    answer = emulator.transport().send(HttpRequest("PUT", url, json=body, headers={"Authorization": f"Bearer {token}"}))
    assert answer.status_code == 200, answer.text()


#: Replaces the Azure CLI, and sends requests to a served emulator: `az rest` with `--query` of nested names.
AZ_AT_EMULATOR = """\
import json, ssl, sys, urllib.request
options = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
url = options["--url"].replace("https://pv1.purview.azure.com", "BASE/purview/pv1")
url = url if url.startswith("https:") else "BASE" + url
body = options.get("--body")
data = sys.stdin.buffer.read() if body == "@-" else body and body.encode()
request = urllib.request.Request(url, data, {"Authorization": "Bearer x"}, method=options["--method"].upper())
with urllib.request.urlopen(request, context=ssl.create_default_context(cafile="CA")) as answer:
    found = json.load(answer)
for name in filter(None, options.get("--query", "").split(".")):
    found = (found or {}).get(name)
if options.get("--output") == "tsv":
    print("" if found is None else found)
elif options.get("--output") != "none":
    print(json.dumps(found))
"""


def run_at_emulator(emulator: Emulator, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    with emulator.serve() as server:
        (folder / "fake.py").write_text(
            AZ_AT_EMULATOR.replace("BASE", server.url).replace("CA", str(server.ca_file), 1)
        )
        for name, line in {"az": f'exec {sys.executable} {folder}/fake.py "$@"', "sleep": "exec sleep 0.1"}.items():
            (folder / name).write_text(f"#!/bin/sh\n{line.replace('exec sleep', 'exec /bin/sleep')}\n")
            (folder / name).chmod(0o755)
        (folder / "script.sh").write_text(text)
        return subprocess.run(
            ["bash", folder / "script.sh"],  # noqa: S607 - our own script
            env={"PATH": f"{folder}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


JQ = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
USER = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mine"


@JQ
@pytest.mark.parametrize("kinds", ["none", "user-assigned", "system-assigned"])
def test_the_script_turns_on_the_identity_and_grants_the_role(kinds, tmp_path):
    """The identity is Data Curator, user-assigned identities stay, and a second run changes nothing."""
    emulator = Emulator()
    identity = {"none": None, "system-assigned": {"type": "SystemAssigned"}}.get(
        kinds, {"type": "UserAssigned", "userAssignedIdentities": {USER: {}}}
    )
    body = {"id": FACTORY, "properties": {}} | ({} if identity is None else {"identity": identity})
    emulator.add_factory(body=body, managed_vnet=False)
    spec = Spec(factory=FACTORY, account=str(emulator.account), name="purview", groups=("account",))
    text = export(plan_of(emulator, spec), "az", onboard=True)
    for _ in range(2):
        done = run_at_emulator(emulator, text, tmp_path)
        assert done.returncode == 0, done.stderr
    principal = emulator.identity_of(FACTORY)
    assert principal
    assert emulator.catalog.members("data-curator").count(principal) == 1
    shown = next(one["body"]["identity"] for one in emulator.dump()["factories"] if one["body"]["id"] == FACTORY)
    assert ("userAssignedIdentities" in shown) == (kinds == "user-assigned")
    check = subprocess.run([SHELLCHECK, tmp_path / "script.sh"], capture_output=True, text=True, check=False)
    assert (check.returncode, check.stdout) == (0, "")


@pytest.mark.parametrize("language", FORMATS)
def test_onboarding_is_exported_only_on_request(language):
    """Without `onboard` no code mentions the identity; with it each language does what it can, and names the rest."""
    emulator, spec = empty_factory("A")
    plan = plan_of(emulator, spec)
    assert "identity" not in export(plan, language)
    code = export(plan, language, onboard=True)
    match language:
        case "az":
            assert "metadataPolicies" in code
        case "powershell":
            assert "Enable-Identity -Path '/subscriptions/" in code
        case "terraform" | "terraform-azapi":
            resources, _ = read_hcl(code)
            assert resources["azapi_update_resource.factory_identity"]["resource_id"] == FACTORY
            assert 'source  = "Azure/azapi"' in code
        case _:
            assert "script for the Azure CLI switches it on" in code
    if language != "az":
        assert "script for the Azure CLI gives it" in code


def test_a_hostile_account_is_not_in_the_script():
    """A tampered host or collection name is not in any line that the shell runs."""
    emulator, spec = empty_factory("A")
    plan = plan_of(emulator, spec)
    for change in ({"endpoints": {"catalog": "https://evil.example/catalog"}}, {"default_domain": "x'; id; '"}):
        tampered = plan.model_copy(update={"account": plan.account.model_copy(update=change)})
        code = export(tampered, "az", onboard=True)
        assert "you have to give the role yourself" in code
        assert "metadataPolicies" not in code
        assert "evil" not in code


def test_onboard_must_be_true_or_false():
    """The text "false" would count as true."""
    emulator, spec = empty_factory("A")
    with pytest.raises(InvalidSpec, match="neither True nor False"):
        export(plan_of(emulator, spec), "az", onboard="false")
