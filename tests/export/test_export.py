"""Exports: each language is read back by a parser that is not ours, and has to mean what the library would do."""

from __future__ import annotations

import json
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
    shouted = spec.model_copy(
        update={"factory": spec.factory.replace("Microsoft.DataFactory", "MICROSOFT.DATAFACTORY")}
    )
    resources, imports = read_hcl(export(plan_of(emulator, shouted), language))
    (only,) = imports
    assert only["id"] == f"{FACTORY}/managedVirtualNetworks/default/managedPrivateEndpoints/purview"
    assert resources[only["to"][2:-1]]["name"] == "purview"


@pytest.mark.parametrize("language", ["terraform", "terraform-azapi"])
@pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed")
def test_terraform_itself_accepts_it(language, tmp_path):
    """`terraform fmt -check` finds nothing to change, so syntax and layout are Terraform's own."""
    emulator, spec = empty_factory("A")
    before = export(plan_of(emulator, spec), language)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        client.apply(spec)
    for text in (before, export(plan_of(emulator, spec), language)):
        check = subprocess.run(
            [TERRAFORM, "fmt", "-check", "-diff", "-"], input=text, capture_output=True, text=True, check=False
        )
        assert (check.returncode, check.stdout) == (0, ""), check.stderr


def test_shellcheck_accepts_the_script(tmp_path):
    """The script passes shellcheck without an exception."""
    emulator, spec = empty_factory("A")
    (tmp_path / "script.sh").write_text(export(plan_of(emulator, spec), "az"))
    check = subprocess.run([SHELLCHECK, tmp_path / "script.sh"], capture_output=True, text=True, check=False)
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
def test_code_for_another_cloud_signs_in_there(cloud, language, said):
    """Providers and scripts are told the cloud; what is sent is the same, and public is not mentioned."""
    emulator, spec = empty_factory("A")
    plan = plan_of(emulator, spec)
    code = export(plan, language, cloud=cloud)
    assert said in code
    assert not re.search("environment|cloud set|-Environment", export(plan, language))
    if language.startswith("terraform"):
        assert read_hcl(code) == read_hcl(export(plan, language))


@pytest.mark.parametrize("cloud", ["moon", ["public"], None])
def test_a_cloud_that_is_none(cloud):
    """Whatever is no cloud is refused with those that are."""
    emulator = Emulator()
    spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
    with pytest.raises(InvalidSpec) as refused:
        export(plan_of(emulator, spec), "az", cloud=cloud)
    assert refused.value.problems == [("cloud", f"{cloud!r} is none of public, us-government, china")]


def test_every_provider_is_told_the_cloud():
    """Where azapi makes the missing network for azurerm, both sign in to the same cloud."""
    emulator, spec = empty_factory("A")
    assert export(plan_of(emulator, spec), "terraform", cloud="china").count('environment     = "china"') == 2


def test_an_unknown_cloud_is_refused():
    """The message lists the clouds there are."""
    emulator, spec = empty_factory("A")
    with pytest.raises(InvalidSpec, match="'moon' is none of public, us-government, china"):
        export(plan_of(emulator, spec), "arm", cloud="moon")


def test_an_unknown_format_is_refused():
    """The message lists the formats there are."""
    emulator, spec = empty_factory("A")
    with pytest.raises(InvalidSpec, match=r"pulumi.*bicep, terraform, terraform-azapi, arm, az, powershell"):
        export(plan_of(emulator, spec), "pulumi")


# --- hostile data: endpoint names and targets that exist come from Azure, and group ids from a plan file

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
def test_whatever_azure_says_stays_data(language, tmp_path, name, target, group):
    """A name, target or group id comes out of the other language's parser as it went in; nothing else does."""
    if language == "az":  # bash once per example would take minutes; `test_export_escaping` asks bash itself
        language = "powershell"
    if language == "bicep":  # the grammar at hand takes these for comments inside strings too; Bicep does not
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
def test_a_name_that_leads_elsewhere_is_refused(name):
    """A tampered plan file cannot make code that writes another resource."""
    emulator, spec = empty_factory("A")
    plan = plan_of(emulator, spec)
    tampered = plan.model_copy(update={"steps": (*plan.steps, plan.steps[-1].model_copy(update={"name": name}))})
    for language in FORMATS:
        with pytest.raises(InvalidSpec, match=re.escape(repr(name))):
            export(tampered, language)
