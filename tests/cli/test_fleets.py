"""Many factories from a shell: `--fleet FILE`, journals, exit codes and progress by subscription."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Client, Event, FleetCheck, FleetPlan, FleetReport, FleetStatus
from purview_mpe._cli.fleet_progress import FleetBlock, FleetLines
from purview_mpe._cli.terminal import Terminal
from purview_mpe.emulator import Fault
from tests.support.colours import fleet_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from purview_mpe import Spec

OTHER = "00000000-0000-0000-0000-000000000002"


@pytest.fixture
def specs(shell: Any) -> list[Spec]:
    """Three factories without endpoints."""
    return fleet_of(shell.emulator, 3)


@pytest.fixture
def file(specs: list[Spec], tmp_path: Path) -> str:
    """A fleet file for them."""
    path = tmp_path / "fleet.csv"
    rows = "".join(f"{spec.factory},{spec.account},{spec.name}\n" for spec in specs)
    path.write_text(f"factory,account,name\n{rows}")
    return str(path)


def test_a_fleet_from_plan_to_ready(shell: Any, file: str) -> None:
    """Plan, dry run, create, approve and status of three factories, each with the exit code of one factory."""
    plan = shell.run("plan", "--fleet", file, "--fail-on-changes")
    assert (plan.code, FleetPlan.model_validate(plan.json).counts) == (3, {"create": 12})
    dry = shell.run("create", "--fleet", file, "--dry-run")
    assert (dry.code, dry.json["counts"]) == (0, {"would-create": 12})
    assert shell.emulator.writes == []
    created = shell.run("create", "--fleet", file)
    assert (created.code, FleetReport.model_validate(created.json).counts) == (0, {"created": 12})
    assert "3 of 3 factories wait until others act." in created.said
    waiting = shell.run("status", "--fleet", file)
    assert (waiting.code, FleetStatus.model_validate(waiting.json).counts) == (4, {"pending": 12})
    approved = shell.run("approve", "--fleet", file)
    assert (approved.code, approved.json["counts"]) == (0, {"approved": 12})
    assert shell.run("status", "--fleet", file).code == 0
    assert shell.run("plan", "--fleet", file, "--fail-on-changes").code == 0


def test_a_fleet_is_checked(shell: Any, file: str) -> None:
    """Exit 1 if a factory is not ok; the table lists each error once."""
    ended = shell.run("check", "--fleet", file)
    assert ended.code == (0 if FleetCheck.model_validate(ended.json).ok else 1)
    table = shell.run("check", "--fleet", file, "-o", "table", tty=True)
    assert "Check of 3 factories: not ok (3 not ok)" in table.out
    assert table.out.count("purview-mpe explain data-curator-missing") == 1


def test_a_fleet_is_onboarded(shell: Any, file: str) -> None:
    """Onboarding covers every factory; a dry run afterwards has nothing left to do."""
    dry = shell.run("onboard", "--fleet", file, "--approve", "--dry-run")
    assert (dry.code, dry.json["counts"]["would-grant"]) == (0, 3)
    first = shell.run("onboard", "--fleet", file, "--approve")
    assert first.code == 0, first.err
    again = shell.run("onboard", "--fleet", file, "--approve", "--dry-run")
    assert again.json["complete"] is True


def test_fleet_is_deleted_only_after_consent(shell: Any, file: str) -> None:
    """Without a terminal --yes is required; on a terminal the question says how many endpoints are deleted."""
    shell.run("create", "--fleet", file)
    assert shell.run("delete", "--fleet", file).code == 2
    refused = shell.run("delete", "--fleet", file, tty=True, stdin="n\n")
    assert refused.code == 1
    assert "Delete 12 endpoints of 3 factories?" in refused.err
    gone = shell.run("delete", "--fleet", file, "--yes")
    assert (gone.code, gone.json["counts"]) == (0, {"deleted": 12})


def test_options_apply_to_lines_without_their_own_value(shell: Any, specs: list[Spec], tmp_path: Path) -> None:
    """A list of factories is enough; account, name and groups can come from the options."""
    path = tmp_path / "fleet.csv"
    path.write_text(f"factory,name\n{specs[0].factory},\n{specs[1].factory},special\n")
    options = ("--account", str(specs[0].account), "--name", "purview", "--groups", "account")
    ended = shell.run("plan", "--fleet", str(path), *options)
    names = [[step["name"] for step in one["plan"]["steps"]] for one in ended.json["factories"]]
    assert names == [["purview"], ["special"]]


def test_a_fleet_comes_from_stdin(shell: Any, specs: list[Spec]) -> None:
    """`--fleet -` accepts CSV and JSON."""
    csv = f"factory,account,name\n{specs[0].factory},{specs[0].account},purview\n"
    assert shell.run("plan", "--fleet", "-", stdin=csv).json["counts"] == {"create": 4}
    listed = json.dumps([spec.model_dump(mode="json") for spec in specs])
    assert shell.run("plan", "--fleet", "-", stdin=listed).json["counts"] == {"create": 12}


def test_wrong_lines_are_listed_before_anything_is_sent(shell: Any, specs: list[Spec], tmp_path: Path) -> None:
    """Each error names its line and field; a wrong option is named as an option."""
    path = tmp_path / "fleet.csv"
    path.write_text(f"factory,name\n{specs[0].factory},not allowed!\n,purview\n")
    ended = shell.run("create", "--fleet", str(path), "--account", "/no/id")
    assert ended.code == 2
    for place in ("line 2, name", "line 3, factory", "--account: '/no/id'"):
        assert place in ended.said
    assert list(shell.emulator.requests) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--factory", "/subscriptions/x"), "--factory: is for one factory"),
        (("--spec", "sales.json"), "--spec: is for one factory"),
        (("--plan", "plan.json"), "--plan: already says for which factories; leave out --fleet"),
    ],
)
def test_options_for_one_factory_are_refused_with_a_fleet(shell: Any, file: str, more: Any, said: str) -> None:
    """The command ends with 2 and names the option to leave out."""
    ended = shell.run("create", "--fleet", file, *more)
    assert ended.code == 2
    assert said in ended.said


@pytest.mark.parametrize("option", ["--journal", "--resume", "--stop-after"])
def test_options_for_a_fleet_are_refused_for_one_factory(shell: Any, option: str) -> None:
    """An option without effect is an error."""
    ended = shell.ends("create", option, "60s")
    assert ended.code == 2
    assert f"{option}: goes with --fleet FILE" in ended.said


def test_missing_fleet_file_is_refused(shell: Any, tmp_path: Path) -> None:
    """The error names the path and the reason, and the command ends with 2."""
    ended = shell.run("create", "--fleet", str(tmp_path / "absent.csv"))
    assert ended.code == 2
    assert "absent.csv: cannot be read: No such file or directory" in ended.said


def test_run_resumes_from_its_journal(shell: Any, specs: list[Spec], file: str, tmp_path: Path) -> None:
    """The same command starts and resumes a run: factories that are complete are not read again."""
    journal = str(tmp_path / "fleet.jsonl")
    shell.emulator.inject(Fault.status("GET", 403, path=f"{specs[1].factory}/managedVirtualNetworks", times=99))
    again = ("create", "--fleet", file, "--journal", journal, "--resume", journal)
    first = shell.run(*again)
    assert (first.code, first.json["counts"]) == (5, {"created": 8, "failed": 1})
    shell.emulator.clear_faults()
    before = len(shell.emulator.requests)
    second = shell.run(*again)
    assert (second.code, second.json["counts"]) == (0, {"created": 12})
    asked = {request.path for request in list(shell.emulator.requests)[before:]}
    assert not any(path.startswith(specs[0].factory) for path in asked)


def test_missing_file_to_resume_from_is_refused(shell: Any, file: str, tmp_path: Path) -> None:
    """A mistyped path is a usage error, not a run from the beginning."""
    ended = shell.run("create", "--fleet", file, "--resume", str(tmp_path / "absent.jsonl"))
    assert ended.code == 2
    assert "--resume: " in ended.said
    assert "cannot be read: No such file" in ended.said


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_approve_accepts_the_report_of_a_fleet(shell: Any, file: str, tmp_path: Path, kind: str) -> None:
    """`approve --report` accepts the JSON report and the journal of a fleet."""
    path = tmp_path / f"report.{kind}"
    ended = shell.run("create", "--fleet", file, *(["--journal", str(path)] if kind == "jsonl" else []))
    if kind == "json":
        path.write_text(ended.out)
    approved = shell.run("approve", "--report", str(path))
    assert (approved.code, approved.json["counts"]) == (0, {"approved": 12})
    assert shell.run("approve", "--report", str(path), "--fleet", file).code == 2


def test_hand_off_of_a_fleet_goes_to_one_file(shell: Any, file: str, specs: list[Spec], tmp_path: Path) -> None:
    """The file covers the whole fleet, with exit 4; if nothing is left to approve, no file is written."""
    path = tmp_path / "please.txt"
    ended = shell.of("requester").run("create", "--fleet", file, "--approve", "--hand-off", str(path))
    assert ended.code == 4
    assert path.read_text().count("Please approve 4 private endpoint connections") == 3
    assert all(spec.factory in path.read_text() for spec in specs)
    path.unlink()
    assert shell.run("create", "--fleet", file, "--approve", "--hand-off", str(path)).code == 0
    assert not path.exists()


def test_broken_endpoints_of_a_fleet_are_replaced_only_after_consent(shell: Any, file: str, specs: list[Spec]) -> None:
    """The question says how many endpoints are replaced; --yes answers it."""
    shell.run("create", "--fleet", file)
    with shell.connect() as client:
        client.reject(specs[0]).raise_for_failures()
    replace = ("create", "--fleet", file, "--replace-broken")
    refused = shell.run(*replace, tty=True, stdin="n\n")
    assert refused.code == 1
    assert "Delete 4 broken endpoints of 3 factories and create them again?" in refused.said
    assert shell.run(*replace).code == 2
    assert shell.run(*replace, "--yes").json["counts"] == {"kept": 8, "replaced": 4}
    assert shell.run(*replace).json["counts"] == {"kept": 12}  # nothing is broken, so nothing is asked


def test_one_denied_factory_ends_with_exit_code_5(shell: Any, specs: list[Spec], file: str) -> None:
    """The worst result of the factories decides the exit code."""
    shell.emulator.inject(Fault.status("GET", 403, path=f"{specs[1].factory}/", times=99))
    assert shell.run("status", "--fleet", file).code in {1, 5}
    assert shell.run("plan", "--fleet", file).code == 5


def test_fleet_interrupted_at_once_prints_no_report(shell: Any, file: str) -> None:
    """The command ends with 130 and says that no factory was finished."""

    class Interrupted(Client):
        def create_many(self, *_arguments: Any, **_options: Any) -> Any:
            stopped = KeyboardInterrupt()
            vars(stopped)["report"] = FleetReport()
            raise stopped

    emulator = {"credential": shell.emulator.credential, "transport": shell.emulator.transport()}
    ended = shell.connecting(lambda **options: Interrupted(**emulator | options)).run("create", "--fleet", file)
    assert (ended.code, ended.out) == (130, "")
    assert "Interrupted before a factory was finished." in ended.said


def test_interrupted_fleet_prints_the_finished_factories(shell: Any, file: str, specs: list[Spec]) -> None:
    """The command ends with 130 and prints the reports so far."""
    done = shell.run("create", "--fleet", file).json["reports"][:1]

    class Interrupted(Client):
        def create_many(self, *_arguments: Any, **_options: Any) -> Any:
            stopped = KeyboardInterrupt()
            vars(stopped)["report"] = FleetReport.model_validate({"reports": done})
            raise stopped

    def connect(**options: Any) -> Client:
        emulator = shell.emulator
        return Interrupted(**{"credential": emulator.credential, "transport": emulator.transport()} | options)

    ended = shell.connecting(connect).run("create", "--fleet", file)
    assert ended.code == 130
    assert [one["spec"]["factory"] for one in ended.json["reports"]] == [specs[0].factory]
    assert "Interrupted. The report has the factories that were finished by then." in ended.said


# --- progress


def ended(factory: str, seconds: float = 0.0, **counts: int) -> Event:
    message = f"{factory.rpartition('/')[2]}: done"
    results = {key.replace("_", "-"): value for key, value in counts.items()}
    return Event(kind="finished", verb="create_all", seconds=seconds, message=message, factory=factory, counts=results)


def started() -> Event:
    return Event(kind="started", verb="create_many", seconds=0.0, message="create_many started")


def test_log_shows_failures_and_periodic_counts(specs: list[Spec]) -> None:
    """A successful factory gets no line of its own."""
    lines: list[str] = []
    with FleetLines(specs, lines.append) as progress:
        progress(started())
        progress(ended(specs[0].factory, 1, created=4))
        progress(ended(specs[1].factory, 31, failed=1))
        progress(Event(kind="warning", verb="create_many", seconds=32, message="The disk is full."))
        progress(ended(specs[2].factory, 33, created=4))
        progress(Event(kind="finished", verb="create_many", seconds=40, message="create_many finished"))
    assert lines == [
        "[0:31] adf-1: done",
        "[0:31] create: 2 of 3 factories done, 1 with failures",
        "[0:32] The disk is full.",
        "[0:40] create: 3 of 3 factories done, 1 with failures",
    ]


def test_log_lists_at_most_twenty_failures(specs: list[Spec]) -> None:
    """The first twenty are named, then one line says where the others are."""
    lines: list[str] = []
    with FleetLines(specs * 100, lines.append) as progress:
        progress(started())
        for _ in range(100):
            progress(ended(specs[0].factory, 1, failed=1))
    assert lines == ["[0:01] adf-0: done"] * 20 + ["[0:01] Further failures are in the answer."]


def test_a_terminal_shows_a_line_per_subscription(specs: list[Spec], screen: Callable[..., Any]) -> None:
    """Subscriptions with work in progress come first, with their counts; the block disappears at the end."""
    there = [spec.model_copy(update={"factory": spec.factory.replace("0001", "0002")}) for spec in specs]
    terminal = Terminal(stdin=screen(tty=True), stdout=screen(), stderr=screen(tty=True), environ={})
    stderr: Any = terminal.stderr
    with FleetBlock(terminal, [*specs, *there], now=count(step=0.3).__next__) as progress:
        for event in (started(), *(ended(spec.factory, 5, created=4) for spec in specs)):
            progress(event)
        progress(Event(kind="waiting", verb="create_many", seconds=9, message="Azure's limits let it wait"))
        seen = str(stderr.seen)
        progress(ended(there[0].factory, 40, created=4))
        later = str(stderr.seen)
        progress(Event(kind="warning", verb="create_many", seconds=9, message="The disk is full."))
    assert "create  0:09  3 of 6 factories done" in seen
    rows = [line.split() for line in seen.splitlines() if "00000000-" in line]
    assert [(row[0], row[1], row[2]) for row in rows] == [("*", OTHER, "0"), ("+", OTHER[:-1] + "1", "3")]
    assert "12 created" in seen
    assert "Azure's limits let it wait" in seen
    assert "Azure's limits" not in later
    assert "factories" not in str(stderr.seen)
    assert "The disk is full." in str(stderr.seen)


def test_very_many_subscriptions_fit_the_terminal(specs: list[Spec], screen: Callable[..., Any]) -> None:
    """The block is never taller than the screen, and says how much is hidden."""
    many = [
        specs[0].model_copy(update={"factory": specs[0].factory.replace("0001", f"{number:04}", 1)})
        for number in range(100)
    ]
    terminal = Terminal(stdin=screen(tty=True), stdout=screen(), stderr=screen(tty=True), environ={})
    stderr: Any = terminal.stderr
    with FleetBlock(terminal, many) as progress:
        progress(started())
        assert "more lines" in str(stderr.seen)
        assert len(str(stderr.seen).splitlines()) <= 24


def test_counts_of_a_subscription_are_never_cut_in_a_word(specs: list[Spec], screen: Callable[..., Any]) -> None:
    """On 80 columns the whole id is shown, and the last counts are dropped if they do not fit."""
    terminal = Terminal(stdin=screen(tty=True), stdout=screen(), stderr=screen(tty=True), environ={})
    stderr: Any = terminal.stderr
    with FleetBlock(terminal, specs, now=count(step=0.3).__next__) as progress:
        progress(started())
        progress(ended(specs[0].factory, 5, created=4, approved=4, handed_off=4))
        narrow = str(stderr.seen)
        progress(ended(specs[1].factory, 5, **{"created": 4, "approved": 4, "handed-off": 4, "failed": 4}))
        row = next(line for line in str(stderr.seen).splitlines() if specs[0].factory_id.subscription in line)
    assert "1 of 3  4 created, 4 approved" in narrow
    assert row.endswith("8 created, ...")
    assert len(row) < 80


def test_the_time_of_a_fleet_moves_on_between_events(specs: list[Spec], screen: Callable[..., Any]) -> None:
    """A fleet that waits for Azure's limits has no event for many seconds, and still shows that it runs."""
    terminal = Terminal(stdin=screen(tty=True), stdout=screen(), stderr=screen(tty=True), environ={})
    stderr: Any = terminal.stderr
    time = [100.0]
    block = FleetBlock(terminal, specs, now=lambda: time[0])
    block(started())
    time[0] = 112.0
    block.draw()
    assert str(stderr.seen).startswith("create  0:12  0 of 3 factories done")


def test_the_plan_of_a_fleet_is_carried_out(shell: Any, tmp_path: Path, specs: list[Spec]) -> None:
    """`plan --fleet --out` shows the command, and `create --plan` runs it, here with a journal."""
    fleet, plan, journal = (str(tmp_path / name) for name in ("fleet.json", "plans.json", "p.jsonl"))
    (tmp_path / "fleet.json").write_text(f"[{','.join(spec.model_dump_json() for spec in specs)}]")
    planned = shell.run("plan", "--fleet", fleet, "--out", plan)
    assert f"Carry it out with: purview-mpe create --plan {plan}" in planned.said
    made = shell.run("create", "--plan", plan, "--journal", journal, "--resume", journal)
    assert (made.code, made.json["counts"]) == (0, {"created": 12})
    assert len(FleetReport.load(journal).reports) == 3
    refused = shell.run("export", "--plan", plan, "--format", "bicep")
    assert (refused.code, "holds the plan of a fleet" in refused.said) == (2, True)


def test_deletion_of_a_fleet_resumes_from_a_journal(shell: Any, tmp_path: Path, specs: list[Spec]) -> None:
    """A second run with the same journal sends no request for deleted endpoints."""
    fleet, journal = str(tmp_path / "fleet.json"), str(tmp_path / "gone.jsonl")
    (tmp_path / "fleet.json").write_text(f"[{','.join(spec.model_dump_json() for spec in specs)}]")
    shell.run("create", "--fleet", fleet)
    words = ("delete", "--fleet", fleet, "--yes", "--journal", journal, "--resume", journal)
    assert shell.run(*words).json["counts"] == {"deleted": 12}
    before = len(shell.emulator.requests)
    assert shell.run(*words).json["counts"] == {"deleted": 12}
    assert len(shell.emulator.requests) == before
