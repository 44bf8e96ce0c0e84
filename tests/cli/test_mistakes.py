"""Mistakes of shell users: for each, the exit code and a message that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Client

if TYPE_CHECKING:
    from pathlib import Path

S = "00000000-0000-0000-0000-000000000001"
#: Stands for --factory, --account and --name with the ids of the emulator.
ENDS = "ENDS"

#: The mistake, the command, its exit code, and a part of the message.
MISTAKES = [
    ("no verb", (), 2, "a verb is missing; begin with purview-mpe demo"),
    ("a verb misspelt", ("statsu",), 2, "the verb 'statsu' does not exist; did you mean 'status'?"),
    ("a verb of Terraform", ("apply",), 2, "the verb 'apply' does not exist; did you mean 'create'?"),
    (
        "an option misspelt",
        ("plan", "--acount", "x"),
        2,
        "the option '--acount' does not exist; did you mean '--account'?",
    ),
    ("an option of Terraform", ("plan", ENDS, "--detailed-exitcode"), 2, "did you mean '--fail-on-changes'?"),
    ("one dash", ("plan", "-factory", "x"), 2, "did you mean '--factory'?"),
    ("an option without its value", ("plan", "--factory"), 2, "argument -n/--factory: a value is missing"),
    ("nothing to work on", ("plan",), 2, "--factory: is required; or PURVIEW_MPE_FACTORY"),
    ("a variable that is not set", ("plan", "--factory", "", "--name", "pv"), 2, "perhaps a variable of your shell"),
    ("a name alone", ("plan", "-n", "df1", "--name", "pv"), 2, "'df1' is a name, so --subscription ID is required"),
    ("a subscription's name", ("discover", "-n", "pv1", "--subscription", "Prod"), 2, "az account show --query id"),
    ("ids swapped", ("plan", "--factory", "ACCOUNT", "--name", "pv"), 2, "did you swap --factory and --account?"),
    ("a name with a blank", ("plan", "--factory", "FACTORY", "--name", "my pe"), 2, "--name: 'my pe' may hold only"),
    ("an unknown group", ("plan", ENDS, "--groups", "blobs"), 2, "use one of account, blob, queue, namespace"),
    ("a time without a unit", ("create", ENDS, "--timeout", "600"), 2, "needs a unit (s, m, h or d); for example 90s"),
    ("a time in words", ("diagnose", ENDS, "--since", "yesterday"), 2, "for example 90s, 30m, 24h or 7d"),
    ("a cloud that is gone", ("plan", ENDS, "--cloud", "germany"), 2, "choose from 'public', 'us-government', 'china'"),
    ("a missing file", ("plan", "--spec", "sale.json"), 2, "sale.json: cannot be read: No such file"),
    ("a comma too many", ("plan", "--spec", "comma.json"), 2, "comma.json: is not JSON: Expecting property name"),
    ("a spec as a plan", ("create", "--plan", "sales.json"), 2, "holds a spec, not a plan; use --spec FILE"),
    ("a plan as a report", ("approve", "--report", "plan.json"), 2, "holds a plan, not a report; use create --plan"),
    ("a plan as a spec", ("plan", "--spec", "plan.json"), 2, "holds a plan, not a spec; use create --plan FILE"),
    (
        "a status as a report",
        ("approve", "--report", "status.json"),
        2,
        "not a report; purview-mpe create -o json prints one",
    ),
    ("a plan and options", ("create", "--plan", "plan.json", "--name", "x1"), 2, "--plan: already holds a spec"),
    ("a column misspelt", ("create", "--fleet", "typo.csv"), 2, "acount: is not a column; did you mean 'account'?"),
    ("a factory twice", ("create", "--fleet", "twice.csv"), 2, "line 3: says the same as line 2; remove one of them"),
    ("a spreadsheet", ("create", "--fleet", "fleet.xlsx"), 2, '.json or .csv; save it as "CSV UTF-8"'),
    ("an empty fleet", ("status", "--fleet", "empty.csv"), 2, "the file holds no spec"),
    ("a fleet and a factory", ("plan", "--fleet", "twice.csv", ENDS), 2, "--factory: is for one factory; leave it out"),
    ("a journal for one factory", ("create", ENDS, "--journal", "j"), 2, "--journal: goes with --fleet FILE"),
    (
        "no terminal to ask",
        ("delete", ENDS),
        2,
        "--yes: is required because without a terminal the command cannot ask: Delete",
    ),
    ("a query cut off", ("plan", ENDS, "--query", "steps[?"), 2, "--query: is not JMESPath: Invalid jmespath"),
    ("a query as a table", ("plan", ENDS, "--query", "steps", "-o", "table"), 2, "goes with -o json or -o tsv"),
    ("a code misspelt", ("explain", "acces-denied"), 2, "did you mean 'access-denied'?"),
    ("missing certificates", ("plan", ENDS, "--ca", "missing.pem"), 2, "--ca: 'missing.pem' is not a file"),
    ("a missing folder", ("plan", ENDS, "--out", "no/plan.json"), 2, "--out: 'no/plan.json' cannot be written"),
    ("http", ("plan", ENDS, "--endpoint", "http://example.com"), 2, "--endpoint: 'http://example.com' is not an https"),
    ("prove without a run", ("prove", ENDS), 2, "--pipeline NAME starts one, and --run ID follows one"),
    ("find without a place", ("find",), 2, "--subscription: is required; or PURVIEW_MPE_SUBSCRIPTION"),
    ("a missing factory", ("plan", "--factory", "ABSENT", "--name", "pv"), 1, "az resource show --ids"),
    ("the command twice", ("purview-mpe", "plan"), 2, "purview-mpe stands there twice"),
    ("an id without its option", ("plan", "FACTORY"), 2, "stands alone; every value goes behind its option"),
    ("a flag with a value", ("create", ENDS, "--approve=true"), 2, "--approve: takes no value; leave out '=true'"),
    ("a default as an option", ("create", ENDS, "--wait"), 2, "waiting is the default; --no-wait ends without it"),
    ("force", ("delete", ENDS, "--force"), 2, "the option '--force' does not exist; did you mean '--yes'?"),
    ("an option of other verbs", ("status", ENDS, "--journal", "j"), 2, "for status, only for create, onboard"),
    (
        "a factory for an account",
        ("orphans", "--factory", "FACTORY"),
        2,
        "the option '--factory' does not exist for orphans",
    ),
    ("a fleet as a spec", ("plan", "--spec", "typo.csv"), 2, "--spec: 'typo.csv' is a CSV file; use --fleet FILE"),
    ("a list as a spec", ("plan", "--spec", "list.json"), 2, "a list of specs goes behind --fleet"),
    ("a spec as a fleet", ("plan", "--fleet", "sales.json"), 2, "sales.json: holds a spec, not a fleet; use --spec"),
    ("no heading", ("plan", "--fleet", "bare.csv"), 2, "line 1: must name the columns, for example factory,account"),
    (
        "names in a fleet",
        ("plan", "--fleet", "names.csv"),
        2,
        "line 2, factory: 'df1' is a name, and a file takes full ids",
    ),
    ("another encoding", ("plan", "--fleet", "latin.csv"), 2, 'is not written in UTF-8; save it as "CSV UTF-8"'),
    ("a missing fleet", ("plan", "--fleet", "no.csv"), 2, "no.csv: cannot be read: No such file"),
    ("no journal", ("create", "--fleet", "one.csv", "--resume", "list.json"), 2, "--resume: 'list.json' is neither"),
    ("another file", ("create", "--fleet", "one.csv", "--journal", "sales.json"), 2, "--journal: 'sales.json' holds"),
    ("a limit without a unit", ("create", "--fleet", "one.csv", "--stop-after", "2"), 2, "needs a unit (s, m, h or d)"),
    ("half a report", ("approve", "--report", "half.json"), 2, "half.json is not valid: spec: is required"),
    ("a report and options", ("approve", ENDS, "--report", "half.json"), 2, "--report: already holds a spec"),
    ("no such pipeline", ("prove", ENDS, "--pipeline", "nope"), 1, "factories/df1/pipelines/nope"),
    ("a run's name", ("prove", ENDS, "--run", "nope"), 2, "--run: 'nope' is not the id of a run, which is a GUID"),
    ("no action", ("private-endpoints", ENDS), 2, "are required: action (plan, create, delete, status), --subnet"),
    ("a network's name", ("private-endpoints", "plan", ENDS, "--subnet", "v1", "--purpose", "studio"), 2, "--subnet:"),
    ("a role not given", ("onboard", ENDS, "--become-admin", "--no-grant"), 2, "leave it out with --no-grant"),
    ("a runtime's name", ("onboard", ENDS, "--runtime", "my_ir"), 2, "--runtime: runtime name 'my_ir' must be"),
    (
        "no such role",
        ("emulator", "--roles", "boss"),
        2,
        "--roles: the role 'boss' does not exist; known are none, reader",
    ),
    ("a spec as a scenario", ("emulator", "--scenario", "sales.json"), 2, "holds a spec, not a scenario"),
    ("a broken scenario", ("emulator", "--scenario", "list.json"), 2, "The scenario is not valid"),
    ("a missing scenario", ("emulator", "--scenario", "no.yaml"), 2, "no.yaml: cannot be read"),
    ("no shell", ("completion",), 2, "are required: shell (bash, zsh, fish)"),
    ("a code of Azure's", ("explain", "AuthorizationFailed"), 2, "'AuthorizationFailed' is Azure's"),
    ("a factory as an account", ("discover", "--account", "FACTORY"), 2, "--account: is the id of a Microsoft.Data"),
    (
        "a place beside an id",
        ("plan", ENDS, "-g", "rg9"),
        2,
        "--resource-group: 'rg9' contradicts --factory, which says",
    ),
    ("two lists", ("plan", ENDS, "--groups", "blob", "--groups", "queue"), 2, "give it once, with commas between its"),
    (
        "an option that no line takes",
        ("plan", "--fleet", "one.csv", "--name", "new"),
        2,
        "--name: has no effect, because",
    ),
    (
        "a function misspelt",
        ("plan", ENDS, "--query", "lenght(steps)"),
        2,
        "no function 'lenght'; did you mean 'length'?",
    ),
    (
        "an action's option",
        ("private-endpoints", "status", ENDS, "--subnet", "SUBNET", "--purpose", "studio", "--approve"),
        2,
        "--approve: is for create",
    ),
    ("no language", ("export", ENDS), 2, "are required: --format"),
    (
        "an unknown name",
        ("plan", "-n", "df9", "--name", "pv", "--subscription", S),
        1,
        "no data factory 'df9'",
    ),
]


@pytest.fixture
def files(shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the commands name, in the working directory; the emulator's factory has its endpoints."""
    monkeypatch.chdir(tmp_path)
    shell.ends("create")
    fleet = f"factory,name\n{shell.spec.factory},purview\n"
    contents = {
        "sales.json": shell.spec.model_dump_json(),
        "comma.json": '{"factory": "x",}',
        "plan.json": shell.ends("plan").out,
        "status.json": shell.ends("status").out,
        "typo.csv": fleet.replace("name", "acount", 1),
        "twice.csv": f"{fleet}{shell.spec.factory},purview\n",
        "empty.csv": "",
        "fleet.xlsx": "PK",
        "list.json": "[1]",
        "half.json": '{"verb": "create_all"}',
        "bare.csv": f"{shell.spec.factory},purview\n",
        "names.csv": "factory,name\ndf1,purview\n",
        "one.csv": fleet,
    }
    (tmp_path / "latin.csv").write_bytes("factory,name\nGrö".encode("latin-1"))
    for name, content in contents.items():
        (tmp_path / name).write_text(content)


def words_of(shell: Any, words: tuple[str, ...]) -> list[str]:
    spec = shell.spec
    ids = {"FACTORY": spec.factory, "ACCOUNT": spec.account, "ABSENT": f"{spec.factory}-absent"}
    ids["SUBNET"] = f"{spec.factory.partition('/providers')[0]}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
    given: list[str] = []
    for word in words:
        if word == ENDS:
            given += ["--factory", spec.factory, "--account", spec.account, "--name", spec.name]
        else:
            given.append(ids.get(word, word))
    return given


def written(shell: Any) -> list[Any]:
    """The writes that Azure has accepted."""
    return [write for write in shell.emulator.writes if write.status < 400]


@pytest.mark.untraced
@pytest.mark.parametrize(("words", "code", "said"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
@pytest.mark.usefixtures("files")
def test_a_mistake_has_its_exit_code_and_its_message(
    shell: Any, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    """Stdout stays empty, no traceback or Python name is shown, and nothing is written to Azure."""
    before = len(written(shell))
    ended = shell.run(*words_of(shell, words))
    printed = " ".join((ended.err + capsys.readouterr().err).split())
    assert (ended.code, ended.out) == (code, "")
    assert said in printed
    assert "Traceback" not in printed
    assert "client." not in printed
    assert len(written(shell)) == before


def test_a_host_that_does_not_answer_is_named(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names host, port and the variable for a proxy; the command ends with 1."""
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    real = shell.connecting(Client)
    ended = real.run("discover", "--account", shell.spec.account, "--endpoint", "https://127.0.0.1:9")
    assert ended.code == 1
    assert "no answer came from 127.0.0.1:9" in ended.said
    assert "set HTTPS_PROXY" in ended.said


def test_a_missing_role_is_named_with_its_command(shell: Any) -> None:
    """The command ends with 5 and shows a command that an owner can paste."""
    connect = shell.connect
    powerless = shell.connecting(lambda **given: connect(credential=shell.emulator.credential_for("none"), **given))
    ended = powerless.ends("plan")
    assert ended.code == 5
    assert "az role assignment create --role 'Reader' --assignee YOU --scope /subscriptions/" in ended.said
