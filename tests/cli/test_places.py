"""Names in place of ids, and variables in place of options."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe._cli.main import make_parser

if TYPE_CHECKING:
    from pathlib import Path

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
NAMES = {"PURVIEW_MPE_FACTORY": "df1", "PURVIEW_MPE_ACCOUNT": "pv1", "PURVIEW_MPE_NAME": "purview"}


def listed(shell: Any) -> list[str]:
    """The lists of factories and accounts that were read."""
    paths = [request.path.rpartition("/")[2] for request in shell.emulator.requests]
    return [path for path in paths if path in {"factories", "accounts"}]


def planned(ended: Any) -> tuple[str, str]:
    assert ended.code == 0, ended.err
    return ended.json["spec"]["factory"], ended.json["spec"]["account"]


def test_names_with_group_and_subscription_need_no_lookup(shell: Any) -> None:
    """`-n df1 -g rg1 --subscription ID` makes the full id, so no list is read."""
    options = ("-n", "df1", "--account", "pv1", "--name", "purview", "-g", "rg1", "--subscription", SUBSCRIPTION)
    assert planned(shell.run("plan", *options)) == (shell.spec.factory, shell.spec.account)
    assert listed(shell) == []


def test_a_name_can_bring_its_group(shell: Any) -> None:
    """GROUP/NAME names a resource in another resource group."""
    options = ("--factory", "rg1/df1", "--account", "rg1/pv1", "--name", "purview", "--subscription", SUBSCRIPTION)
    assert planned(shell.run("plan", *options)) == (shell.spec.factory, shell.spec.account)
    assert listed(shell) == []


def test_a_name_without_a_group_is_looked_up_once(shell: Any) -> None:
    """One list of the subscription for the factory, and one for the account."""
    options = ("-n", "DF1", "--account", "pv1", "--name", "purview", "--subscription", SUBSCRIPTION)
    assert planned(shell.run("plan", *options)) == (shell.spec.factory, shell.spec.account)
    assert listed(shell) == ["factories", "accounts"]


def test_the_subscription_of_a_full_id_serves_the_other_name(shell: Any) -> None:
    """With the factory's id, the account's name is enough."""
    options = ("--factory", shell.spec.factory, "--account", "pv1", "--name", "purview")
    assert planned(shell.run("plan", *options)) == (shell.spec.factory, shell.spec.account)


def test_an_account_is_found_by_its_name(shell: Any) -> None:
    """`discover` and `orphans` accept a name as well."""
    ended = shell.run("discover", "-n", "pv1", "--subscription", SUBSCRIPTION)
    assert ended.json["id"] == shell.spec.account
    ended = shell.run("orphans", PURVIEW_MPE_ACCOUNT="pv1", AZURE_SUBSCRIPTION_ID=SUBSCRIPTION)
    assert ended.json["account"] == shell.spec.account


def test_unknown_name_ends_with_1(shell: Any) -> None:
    """The message says where the name was searched."""
    options = ("-n", "df-absent", "--name", "purview", "--subscription", SUBSCRIPTION)
    ended = shell.run("plan", *options)
    assert ended.code == 1
    assert f"The subscription {SUBSCRIPTION} has no data factory 'df-absent'" in ended.said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-n", "df1", "--name", "p"), "--factory: 'df1' is a name, so --subscription ID is required as well"),
        (("-n", "df1", "--name", "p", "--subscription", "Prod"), "--subscription: 'Prod' is not the id"),
        (("--name", "p"), "--factory: is required; or PURVIEW_MPE_FACTORY"),
        (("-n", "df1", "--subscription", SUBSCRIPTION, "-g", "rg1"), "--name: is required; or PURVIEW_MPE_NAME"),
    ],
)
def test_missing_options_are_named(shell: Any, options: Any, said: str) -> None:
    """The command ends with 2 before anything is sent."""
    ended = shell.run("plan", *options)
    assert ended.code == 2
    assert said in ended.said
    assert list(shell.emulator.requests) == []


# --- variables


def test_variables_replace_options(shell: Any) -> None:
    """Factory, account, name and place come from variables, as in a pipeline."""
    place = {"PURVIEW_MPE_SUBSCRIPTION": SUBSCRIPTION, "PURVIEW_MPE_RESOURCE_GROUP": "rg1"}
    ended = shell.run("plan", **NAMES, **place, PURVIEW_MPE_OUTPUT="json", tty=True)
    assert planned(ended) == (shell.spec.factory, shell.spec.account)
    assert listed(shell) == []


def test_option_and_file_override_a_variable(shell: Any, tmp_path: Path) -> None:
    """An option comes first, then the file, then the variable."""
    path = tmp_path / "spec.json"
    path.write_text(shell.spec.model_dump_json())
    left = {"PURVIEW_MPE_FACTORY": f"{shell.spec.factory}-old", "PURVIEW_MPE_NAME": "old", "PURVIEW_MPE_OUTPUT": "tsv"}
    ended = shell.run("plan", "--spec", str(path), "--name", "mine", "-o", "json", **left)
    assert planned(ended) == (shell.spec.factory, shell.spec.account)
    assert ended.json["spec"]["name"] == "mine"


def test_a_wrong_variable_is_named(shell: Any) -> None:
    """The message names the variable, since no option was given."""
    ended = shell.run("plan", PURVIEW_MPE_FACTORY="/subscriptions/nonsense", PURVIEW_MPE_NAME="purview")
    assert ended.code == 2
    assert "PURVIEW_MPE_FACTORY: " in ended.said
    ended = shell.ends("plan", PURVIEW_MPE_CLOUD="germany")
    assert ended.code == 2
    assert "PURVIEW_MPE_CLOUD: 'germany' is none of public, us-government, china" in ended.said


def test_ca_file_can_come_from_a_variable(shell: Any) -> None:
    """The variable has the option's name or the name of the example app's setting."""
    for variable in ("PURVIEW_MPE_CA", "PURVIEW_MPE_CA_FILE"):
        ended = shell.ends("plan", **{variable: "missing.pem"})
        assert (ended.code, "'missing.pem' is not a file" in ended.said) == (2, True)


def test_an_empty_variable_is_not_set(shell: Any) -> None:
    """CI systems leave such variables."""
    assert shell.ends("plan", PURVIEW_MPE_ACCOUNT="", PURVIEW_MPE_CLOUD="").code == 0


def test_factory_variable_is_ignored_for_a_fleet(shell: Any, tmp_path: Path) -> None:
    """The file names the factories; account and name can come from variables."""
    path = tmp_path / "fleet.csv"
    path.write_text(f"factory\n{shell.spec.factory}\n")
    ended = shell.run("plan", "--fleet", str(path), **NAMES, AZURE_SUBSCRIPTION_ID=SUBSCRIPTION)
    assert ended.code == 0, ended.err
    [one] = ended.json["factories"]
    assert one["spec"]["factory"] == shell.spec.factory
    assert one["spec"]["account"] == shell.spec.account


# --- find


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_find_writes_a_fleet_file(shell: Any, tmp_path: Path, kind: str) -> None:
    """`find --out` writes the file that `--fleet` reads."""
    for number in range(3):
        shell.emulator.add_factory(f"adf-{number}", purview_account=shell.emulator.account)
    path = tmp_path / f"fleet.{kind}"
    found = shell.run("find", "--subscription", SUBSCRIPTION, "--out", str(path))
    assert found.code == 0
    assert f"purview-mpe plan --fleet {path}" in found.said
    count = len(found.json["specs"])
    plan = shell.run("plan", "--fleet", str(path))
    assert (plan.code, len(plan.json["factories"])) == (0, count)
    piped = shell.run("plan", "--fleet", "-", stdin=found.out)
    assert len(piped.json["factories"]) == count


def test_find_shows_a_table_and_values(shell: Any) -> None:
    """Factory, resource group and account on a terminal; ids as tsv."""
    shell.emulator.add_factory("adf-a", purview_account=shell.emulator.account)
    options = ("find", "--subscription", SUBSCRIPTION, "-g", "rg1", "--account", "rg1/pv1", "--name", "lineage")
    table = shell.run(*options, "-o", "table")
    assert "2 factories are connected to an account" in table.out
    assert "  adf-a    rg1             pv1" in table.out
    values = shell.run(*options, "-o", "tsv").out.split()
    assert values[1:3] == [shell.spec.account, "lineage"]


@pytest.mark.parametrize(
    ("options", "said"),
    [((), "--subscription: is required"), (("--subscription", SUBSCRIPTION, "--out", "x.txt"), "must end in .csv")],
)
def test_find_names_missing_options(shell: Any, options: Any, said: str) -> None:
    """The command ends with 2 before anything is sent."""
    ended = shell.run("find", *options)
    assert ended.code == 2
    assert said in ended.said


def test_durations_have_one_form(shell: Any) -> None:
    """A number with its unit, for every option that takes a time."""
    assert shell.ends("create", "--timeout", "10m").code == 0
    assert shell.ends("diagnose", "--since", "90m").code in {0, 1, 5}
    for wrong in ("soon", "0s", "-5s", "5w", "1e3s", "nan", "600"):
        ended = shell.ends("create", f"--timeout={wrong}")
        assert (ended.code, ended.out) == (2, ""), wrong


def test_a_spec_from_find_is_a_spec_file(shell: Any) -> None:
    """Each spec in the JSON of `find` is a valid spec file."""
    [spec] = shell.run("find", "--subscription", SUBSCRIPTION).json["specs"]
    ended = shell.run("plan", "--spec", "-", stdin=json.dumps(spec))
    assert ended.code == 0


# --- options only on the verbs that use them


@pytest.mark.parametrize("verb", ["connect", "grant", "revoke", "disconnect"])
def test_verbs_without_endpoints_do_not_need_a_name(shell: Any, verb: str) -> None:
    """These verbs do not touch endpoints; they accept --name, so one set of options works for every verb."""
    ends = ("--factory", shell.spec.factory, "--account", str(shell.spec.account))
    assert shell.run(verb, *ends).code == 0
    assert shell.run(verb, *ends, "--name", "purview").code == 0


@pytest.mark.parametrize(
    ("option", "verbs"),
    [
        ("--replace-broken", {"check", "plan", "create", "onboard", "export", "private-endpoints"}),
        ("--runtime", {"check", "plan", "create", "onboard", "export"}),
        ("--purview-endpoint", {"check", "diagnose", "grant", "revoke", "onboard", "offboard", "prove"}),
        ("--journal", {"create", "onboard", "delete"}),
        ("--fleet", {"check", "plan", "create", "approve", "onboard", "status", "delete"}),
        (
            "--hand-off",
            {"create", "approve", "reject", "grant", "revoke", "onboard", "offboard", "private-endpoints"},
        ),
        ("--fail-on-changes", {"plan"}),
    ],
)
def test_option_exists_only_on_verbs_that_use_it(option: str, verbs: set[str]) -> None:
    """Exactly these verbs offer the option."""
    parser: Any = make_parser()
    known = next(action.choices for action in parser._actions if action.nargs == "A...")
    offered = {verb: {flag for one in child._actions for flag in one.option_strings} for verb, child in known.items()}
    assert {verb for verb, flags in offered.items() if option in flags} == verbs
