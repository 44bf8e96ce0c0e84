"""Combinations of options: each option has an effect or is refused before anything is sent."""

from __future__ import annotations

import json
from argparse import Namespace
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import FleetPlan, Plan
from purview_mpe._cli import main as command
from purview_mpe._cli.main import make_parser
from purview_mpe._cli.options import SPEC_FIELDS

if TYPE_CHECKING:
    from argparse import Action, ArgumentParser
    from collections.abc import Callable, Iterator
    from pathlib import Path

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
OTHER = "00000000-0000-0000-0000-000000000009"
RUN = "11111111-1111-1111-1111-111111111111"
#: Options that the spec, the connection or the output format always reads.
EVERYWHERE = {
    *SPEC_FIELDS,
    *("spec", "fleet", "resource_group", "subscription", "help", "verbose", "output", "query"),
    *("cloud", "endpoint", "purview_endpoint", "ca", "record"),
}
#: A dry run accepts the options of the real run, and consent that is not needed does no harm.
NO_HARM = {"yes", "no_wait", "timeout", "journal", "stop_after", "hand_off"}
#: Verbs that reach Azure, and what they need besides factory, account and name.
NEEDED: dict[str, tuple[str, ...]] = {
    "check": (),
    "plan": (),
    "create": (),
    "approve": (),
    "reject": (),
    "status": (),
    "diagnose": (),
    "connect": (),
    "grant": (),
    "revoke": (),
    "onboard": (),
    "offboard": (),
    "prove": ("--run", RUN),
    "delete": (),
    "export": ("--format", "az"),
}


@cache
def verbs() -> dict[str, ArgumentParser]:
    parser: Any = make_parser()
    return next(action.choices for action in parser._actions if action.nargs == "A...")


def options_of(verb: str) -> list[Action]:
    actions: Any = verbs()[verb]
    return [action for action in actions._actions if action.option_strings]


# --- an option that is given twice


TWICE = [
    pytest.param(verb, action, id=f"{verb}{action.option_strings[-1]}")
    for verb in verbs()
    for action in options_of(verb)
    if action.nargs is None and type(action).__name__ == "Once"
]


@pytest.mark.untraced
@pytest.mark.parametrize(("verb", "action"), TWICE)
def test_an_option_with_two_values_is_refused(verb: str, action: Action) -> None:
    """Neither value wins silently; the same value twice is accepted."""
    one, two = map(str, list(action.choices)[:2]) if action.choices else ("1h", "2h")
    if action.dest == "port":
        one, two = "1", "2"
    parser: Any = make_parser()
    flags = (action.option_strings[0], action.option_strings[-1])
    with pytest.raises(SystemExit) as ended:
        parser.parse_known_args([verb, flags[0], one, flags[1], two])
    assert ended.value.code == 2
    child: Any = verbs()[verb]
    for each in child._actions:
        each.required = False
    child._mutually_exclusive_groups.clear()
    words = [*(str(next(iter(each.choices))) for each in child._actions if not each.option_strings and each.choices)]
    found, unknown = child.parse_known_args(
        [*words, *(("x",) if verb == "validate" else ()), flags[0], one, flags[1], one]
    )
    assert unknown == []
    assert found.given[action.dest] == getattr(found, action.dest)


def test_the_message_names_the_option(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The message shows both names of the option; for a list it says how to give several values."""
    assert shell.ends("plan", "-n", "df2").code == 2
    assert "argument -n/--factory: is given twice with different values; give it once\n" in capsys.readouterr().err
    assert shell.ends("plan", "--groups", "blob", "--groups", "queue").code == 2
    assert (
        "argument --groups: is given twice with different values; give it once, with commas" in capsys.readouterr().err
    )
    ended = shell.ends("plan", "--name-of", "blob=one", "--name-of", "blob=two")
    assert (ended.code, "--name-of: names blob twice, 'one' and 'two'" in ended.said) == (2, True)


# --- options that act, or are refused


class Watched(Namespace):
    """Arguments that know which of them were read."""

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_"):
            object.__getattribute__(self, "_read").add(name)
        return object.__getattribute__(self, name)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the arguments that the verb's function has read."""
    names: set[str] = set()

    class Parser:
        def parse_known_args(self, argv: Any) -> Any:
            arguments, unknown = make_parser().parse_known_args(argv)
            run: Callable[[Any], Any] = arguments.run
            watched = Watched.__new__(Watched)
            object.__setattr__(watched, "_read", names)
            vars(watched).update(vars(arguments))
            watched.run = lambda call: (names.clear(), run(call))[1]
            return watched, unknown

    monkeypatch.setattr(command, "make_parser", Parser)
    return names


@pytest.fixture
def values(shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A value for every option that takes one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.json").write_text(shell.ends("plan").out)
    (tmp_path / "report.json").write_text(shell.ends("create").out)
    (tmp_path / "fleet.csv").write_text(f"factory,account,name\n{shell.spec.factory},{shell.spec.account},purview\n")
    shell.run("create", "--fleet", "fleet.csv", "--journal", "done.jsonl")
    subnet = f"{shell.spec.factory.partition('/providers')[0]}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
    return {
        "plan": "plan.json",
        "report": "report.json",
        "journal": "journal.jsonl",
        "resume": "done.jsonl",
        "hand_off": "please.txt",
        "out": "out.json",
        "own_subnet": subnet,
        "own_location": "westeurope",
        "pipeline": "copy",
        "run_id": RUN,
    }


def words_for(action: Action, values: dict[str, str]) -> tuple[str, ...]:
    flag = action.option_strings[-1]
    if action.nargs == 0:
        return (flag,)
    value = str(list(action.choices)[-1]) if action.choices else values.get(action.dest, "1h")
    return (flag, value)


def pairs(verb: str) -> Iterator[tuple[Action, Action]]:
    own = [action for action in options_of(verb) if action.dest not in EVERYWHERE]
    return combinations(own, 2) if len(own) > 1 else iter((one, one) for one in own)


@pytest.mark.untraced
@pytest.mark.parametrize("fleet", [False, True], ids=["one", "fleet"])
@pytest.mark.parametrize("verb", NEEDED)
def test_each_pair_of_options_has_an_effect_or_is_refused(
    shell: Any, read: set[str], values: dict[str, str], verb: str, fleet: bool
) -> None:
    """Each pair of a verb's own options: the verb reads both, or the command ends with 2 and sends nothing."""
    if fleet and not any(action.dest == "fleet" for action in options_of(verb)):
        return
    for one, two in pairs(verb):
        dests = {one.dest, two.dest}
        words = [*words_for(one, values), *words_for(two, values)]
        for word, value in zip(NEEDED[verb][::2], NEEDED[verb][1::2], strict=True):
            words += [] if word in words else [word, value]
        holds_spec = dests & {"plan", "report"}
        before = len(shell.emulator.requests)
        run = shell.run if fleet or holds_spec else shell.ends
        ended = run(verb, *(("--fleet", "fleet.csv") if fleet and not holds_spec else ()), *words)
        if ended.code == 2:
            assert len(shell.emulator.requests) == before or "--yes" in ended.err
            continue
        allowed = NO_HARM if dests & {"dry_run"} else {"yes"}
        assert dests - read <= allowed, (words, ended.said)


@pytest.mark.parametrize("action", ["plan", "create", "delete", "status"])
def test_the_actions_of_private_endpoints_take_their_own_options(shell: Any, read: set[str], action: str) -> None:
    """An option of another action is refused; `create` and `delete` accept `--dry-run`."""
    network = shell.emulator.networks.add_virtual_network()
    words = ("private-endpoints", action, "--subnet", str(network.child("subnets", "snet-pe")), "--purpose", "studio")
    ends = ("--factory", shell.spec.factory, "--account", str(shell.spec.account), "--name", "purview")
    given = {"approve": (), "no_wait": (), "dry_run": (), "yes": (), "timeout": ("1h",), "hand_off": ("x.txt",)}
    taken = set()
    for dest, value in given.items():
        ended = shell.run(*words, *ends, "--dns", "none", f"--{dest.replace('_', '-')}", *value)
        if ended.code == 2 and "leave it out with" in ended.said:
            continue
        taken.add(dest)
        assert dest in read | {"yes"}, ended.said
    expected = {"create": {*given}, "delete": {"dry_run", "yes", "timeout"}}
    assert taken == expected.get(action, set())


def test_a_resource_group_for_zones_needs_dns(shell: Any) -> None:
    """Zones are created in it, and those of a hub are searched in its subscription; without DNS it has no effect."""
    network = shell.emulator.networks.add_virtual_network()
    subnet, group = str(network.child("subnets", "snet-pe")), network.resource_group
    words = ("--subnet", subnet, "--purpose", "studio", "--zone-resource-group", group)
    ended = shell.ends("private-endpoints", "plan", *words, "--dns", "none")
    assert (ended.code, "--zone-resource-group: is for private DNS zones" in ended.said) == (2, True)
    for more in ((), ("--dns", "existing"), ("--dns", "create")):
        assert shell.ends("private-endpoints", "plan", *words, *more).code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--own-approval", "manual"), "--own-approval: goes with --own-subnet and --own-location"),
        (("--own-subnet", "ID", "--own-location", "x", "--onboard"), "--onboard: is for managed private endpoints"),
    ],
)
def test_export_refuses_options_of_the_other_kind_of_code(shell: Any, words: tuple[str, ...], said: str) -> None:
    """Export writes one of two kinds of code and accepts only the options of that kind."""
    ended = shell.ends("export", "--format", "az", *words)
    assert (ended.code, said in ended.said, list(shell.emulator.requests)) == (2, True, [])


@pytest.mark.parametrize("option", ["--record", "--endpoint", "--ca"])
def test_export_of_a_plan_refuses_connection_options(shell: Any, values: dict[str, str], option: str) -> None:
    """An option for requests is refused, because none is sent; a variable for them is ignored."""
    ended = shell.run("export", "--format", "az", "--plan", values["plan"], option, "x")
    assert (ended.code, f"{option}: is for requests, and with --plan none is sent" in ended.said) == (2, True)
    assert shell.run("export", "--format", "az", "--plan", "plan.json", PURVIEW_MPE_ENDPOINT="https://a.b").code == 0


# --- resource group and subscription beside full ids


PLACES = [
    (("-g", "rg9"), "--resource-group: 'rg9' contradicts --factory, which says 'rg1'; leave it out"),
    (("--subscription", OTHER), f"--subscription: '{OTHER}' contradicts --factory, which says '{SUBSCRIPTION}'"),
    (("-g", ""), "--resource-group: is empty; perhaps a variable of your shell is not set"),
]


@pytest.mark.parametrize(("words", "said"), PLACES)
def test_a_place_that_contradicts_the_ids_is_refused(shell: Any, words: tuple[str, ...], said: str) -> None:
    """Before anything is sent, for every verb that takes one factory."""
    for verb, needed in NEEDED.items():
        ended = shell.ends(verb, *needed, *words)
        assert (ended.code, said in ended.said) == (2, True), ended.said
    assert list(shell.emulator.requests) == []


def test_place_that_agrees_or_completes_another_name_is_accepted(shell: Any) -> None:
    """The place repeats an id in any letter case, or it says where the account is."""
    assert shell.ends("plan", "-g", "RG1", "--subscription", SUBSCRIPTION).code == 0
    account = shell.emulator.add_account("pv2", resource_group="rg2")
    options = ("--factory", shell.spec.factory, "--account", "pv2", "--name", "purview", "-g", "rg2")
    assert shell.run("plan", *options).json["spec"]["account"] == str(account)
    ended = shell.run("plan", *options[:3], str(account), *options[4:])
    assert ended.code == 0  # -g says where the account is


def test_group_in_a_name_that_contradicts_the_option_is_refused(shell: Any) -> None:
    """GROUP/NAME with another -g is a contradiction, because -g completes nothing."""
    ended = shell.run("plan", "-n", "rg1/df1", "-g", "rg9", "--name", "p1", "--subscription", SUBSCRIPTION)
    assert (ended.code, "'rg9' contradicts --factory, which says 'rg1'" in ended.said) == (2, True)


def test_contradiction_names_the_file_or_variable_with_the_ids(shell: Any, tmp_path: Path) -> None:
    """If a file or a variable holds the ids, the message names it."""
    spec, fleet = tmp_path / "sales.json", tmp_path / "fleet.csv"
    spec.write_text(shell.spec.model_dump_json())
    fleet.write_text(f"factory,name\n{shell.spec.factory},purview\n{shell.spec.factory[:-1]}2,purview\n")
    ended = shell.run("plan", "--spec", str(spec), "-g", "rg9")
    assert (ended.code, f"'rg9' contradicts the factory in {spec}" in ended.said) == (2, True)
    ended = shell.run("plan", "--fleet", str(fleet), "-g", "rg9")
    assert (ended.code, f"'rg9' contradicts the ids in {fleet}, which says 'rg1'" in ended.said) == (2, True)
    variables = {"PURVIEW_MPE_FACTORY": shell.spec.factory, "PURVIEW_MPE_NAME": "purview"}
    ended = shell.run("plan", "-g", "rg9", **variables)
    assert (ended.code, "'rg9' contradicts PURVIEW_MPE_FACTORY, which says 'rg1'" in ended.said) == (2, True)
    ended = shell.run("discover", "-n", str(shell.spec.account), "-g", "rg9")
    assert (ended.code, "'rg9' contradicts --account, which says 'rg1'" in ended.said) == (2, True)


def test_place_beside_a_plan_or_report_is_refused(shell: Any, values: dict[str, str]) -> None:
    """A plan and a report already hold full ids."""
    for words in (("create", "--plan", "plan.json"), ("approve", "--report", "report.json")):
        ended = shell.run(*words, "-g", "rg1")
        assert (ended.code, "--resource-group: completes names, and --" in ended.said) == (2, True)


def test_variables_never_contradict_options(shell: Any, tmp_path: Path) -> None:
    """A variable replaces only an option that was not given; a full id, an option and a file come first."""
    spec = tmp_path / "sales.json"
    spec.write_text(shell.spec.model_dump_json())
    places = {"PURVIEW_MPE_RESOURCE_GROUP": "rg9", "PURVIEW_MPE_SUBSCRIPTION": OTHER, "AZURE_SUBSCRIPTION_ID": "Prod"}
    assert shell.ends("plan", **places).code == 0
    assert shell.run("plan", "--spec", str(spec), **places).code == 0
    others = {f"PURVIEW_MPE_{name}": "df9" for name in ("FACTORY", "ACCOUNT", "NAME", "RUNTIME")}
    ended = shell.ends("plan", "--runtime", "ir-mine", **places, **others, PURVIEW_MPE_OUTPUT="markdown")
    assert ended.code == 0, ended.err
    ended = shell.ends("plan", "--query", "spec.name", PURVIEW_MPE_OUTPUT="markdown")
    assert ended.json == "purview"


def test_a_wrong_subscription_of_a_variable_is_named_when_it_is_needed(shell: Any) -> None:
    """A command that does not need the variable ignores it."""
    assert shell.ends("plan", AZURE_SUBSCRIPTION_ID="Prod").code == 0
    ended = shell.run("plan", "-n", "df1", "--name", "purview", AZURE_SUBSCRIPTION_ID="Prod")
    assert (ended.code, "AZURE_SUBSCRIPTION_ID: 'Prod' is not the id" in ended.said) == (2, True)


# --- options beside a fleet


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("--name", "lineage"), "--name"),
        (("--replace-broken",), "--replace-broken"),
        (("--groups", "blob"), "--groups"),
    ],
)
def test_option_that_every_line_overrides_is_refused(
    shell: Any, tmp_path: Path, words: tuple[str, ...], option: str
) -> None:
    """An option applies to lines without their own value; without such a line it has no effect."""
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps([shell.spec.model_dump(mode="json") | {"groups": ["account"]}]))
    ended = shell.run("plan", "--fleet", str(path), *words)
    assert (ended.code, f"{option}: has no effect, because every line of {path}" in ended.said) == (2, True)
    assert list(shell.emulator.requests) == []
    assert shell.run("plan", "--fleet", str(path), "--name", "purview", "--account", str(shell.spec.account)).code == 0


# --- accounts and searches


def test_account_option_replaces_the_account_of_the_spec_file(shell: Any, tmp_path: Path) -> None:
    """The file is still read, so an invalid file is reported."""
    spec = tmp_path / "sales.json"
    spec.write_text(shell.spec.model_dump_json())
    other = str(shell.emulator.add_account("pv2"))
    assert shell.run("discover", "--spec", str(spec), "--account", other).json["id"] == other
    assert shell.run("discover", "--spec", "absent.json", "--account", other).code == 2
    assert shell.run("discover", "--account", "", PURVIEW_MPE_ACCOUNT=other).code == 2


def test_find_takes_account_and_name_from_a_spec_file_or_variables(shell: Any, tmp_path: Path) -> None:
    """`find` searches the given resource group, which can differ from the account's."""
    other = shell.emulator.add_account("pv2", resource_group="rg-purview")
    shell.emulator.add_factory("adf-2", purview_account=other)
    place = ("find", "--subscription", SUBSCRIPTION)
    spec = tmp_path / "sales.json"
    spec.write_text(shell.spec.model_copy(update={"account": str(other), "name": "lineage"}).model_dump_json())
    [found] = shell.run(*place, "--spec", str(spec)).json["specs"]
    assert (found["account"], found["name"]) == (str(other), "lineage")
    assert len(shell.run(*place, PURVIEW_MPE_ACCOUNT=str(other)).json["specs"]) == 1
    [found] = shell.run(*place, "-g", "rg1", "--account", "pv2").json["specs"]
    assert found["account"] == str(other)


# --- a stored plan, and approvals, without writing


def test_stored_plan_can_be_run_dry(shell: Any, tmp_path: Path) -> None:
    """`create --plan FILE --dry-run` reads the state again, writes nothing, and reports each step's result."""
    file = tmp_path / "plan.json"
    shell.ends("plan", "--out", str(file))
    ended = shell.run("create", "--plan", str(file), "--dry-run", "--hand-off", str(tmp_path / "please.txt"))
    assert (ended.code, ended.json["counts"]) == (0, {"would-create": 4})
    assert "This was a dry run, so" in ended.said
    assert shell.emulator.writes == []
    shell.emulator.add_endpoint(shell.emulator.factory, "purview_blob", shell.target("queue"), "table")
    ended = shell.run("create", "--plan", str(file), "--dry-run")
    assert (ended.code, ended.json["counts"]) == (1, {"would-create": 3, "conflict": 1})
    shell.run("create", "--plan", str(file))
    writes = len(shell.emulator.writes)
    assert shell.run("create", "--plan", str(file), "--dry-run").json["counts"] == {"kept": 3, "conflict": 1}
    assert len(shell.emulator.writes) == writes


def test_stored_plan_of_a_fleet_can_be_run_dry(shell: Any, tmp_path: Path) -> None:
    """The same for many factories."""
    file = tmp_path / "plans.json"
    plan = Plan.model_validate(shell.ends("plan").json)
    file.write_text(FleetPlan.model_validate({"factories": [{"spec": plan.spec, "plan": plan}]}).model_dump_json())
    ended = shell.run("create", "--plan", str(file), "--dry-run")
    assert (ended.code, ended.json["counts"]) == (0, {"would-create": 4})
    assert shell.emulator.writes == []


def test_a_dry_run_with_approvals_says_what_would_be_approved(shell: Any) -> None:
    """`create --approve --dry-run` of one factory: what exists would be approved, and nothing is written."""
    shell.ends("create")
    writes = len(shell.emulator.writes)
    ended = shell.ends("create", "--approve", "--dry-run")
    assert (ended.code, ended.json["counts"]) == (0, {"kept": 4, "would-approve": 4})
    assert len(shell.emulator.writes) == writes
