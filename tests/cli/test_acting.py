"""The verbs that decide and take away: approve, reject, delete, connect, and create with approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Report

if TYPE_CHECKING:
    from pathlib import Path


ALL = ["purview", "purview_blob", "purview_queue", "purview_namespace"]


def results(ended: Any) -> list[str]:
    return [outcome["result"] for outcome in ended.json["outcomes"]]


@pytest.fixture
def pending(shell: Any) -> Any:
    """A shell whose four endpoints wait for approval."""
    assert shell.ends("create").code == 0
    return shell


# --- onboard


def test_a_dry_run_of_onboarding_counts_every_change(shell: Any) -> None:
    """Stderr sums up the network, the runtime, the endpoints and the role, beside the identity and the connection."""
    factory = shell.emulator.add_factory("df2", managed_vnet=False, identity=False)
    place = ("--factory", str(factory), "--account", str(shell.spec.account), "--name", "purview")
    ended = shell.run("onboard", *place, "--approve", "--dry-run")
    assert ended.code == 0
    assert ended.said.endswith("1 would-enable, 1 would-connect, 6 would-create, 1 would-grant.")
    assert not shell.emulator.writes


# --- approve


def test_create_can_approve_on_the_way(shell: Any) -> None:
    """`create --approve` ends with all connections approved: exit 0, and status is ready."""
    ended = shell.ends("create", "--approve")
    assert (ended.code, results(ended)) == (0, ["created"] * 4 + ["approved"] * 4)
    assert shell.ends("status").code == 0


def test_create_that_may_not_approve_hands_off(shell: Any) -> None:
    """Where approval was asked and others have to give it the run ends with 4, and the table says what they do."""
    ended = shell.of("requester").ends("create", "--approve", "-o", "table")
    assert ended.code == 4
    assert "\nFor the owners of the targets\n  Please approve 4 private endpoint connections" in ended.out
    assert "az network private-endpoint-connection approve" in ended.out


def test_approve_lets_our_own_connections_in(pending: Any) -> None:
    """All four, and a second time there is nothing to write."""
    ended = pending.ends("approve")
    assert (ended.code, results(ended)) == (0, ["approved"] * 4)
    writes = len(pending.emulator.writes)
    again = pending.ends("approve")
    assert (again.code, results(again)) == (0, ["already-approved"] * 4)
    assert len(pending.emulator.writes) == writes


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_a_dry_run_decides_nothing(pending: Any, verb: str) -> None:
    """`--dry-run` shows what would be done, and ends with 0."""
    writes = len(pending.emulator.writes)
    ended = pending.ends(verb, "--dry-run")
    assert (ended.code, results(ended)) == (0, [f"would-{verb}"] * 4)
    assert len(pending.emulator.writes) == writes


def test_an_approver_needs_only_the_report(shell: Any, tmp_path: Path) -> None:
    """Somebody who cannot even read the factory approves exactly what the requester's report names."""
    file = tmp_path / "report.json"
    file.write_text(shell.of("requester").ends("create").out)
    approver = shell.of("approver")
    ended = approver.run("approve", "--report", str(file))
    assert (ended.code, results(ended)) == (0, ["approved"] * 4)
    assert approver.run("approve", "--report", "-", stdin=file.read_text()).code == 0
    both = approver.ends("approve", "--report", str(file))
    assert both.code == 2
    assert "--report: already holds a spec" in both.said


def test_a_report_file_is_not_trusted(shell: Any, tmp_path: Path) -> None:
    """A file that is no report is refused before the first request."""
    file = tmp_path / "report.json"
    file.write_text('{"verb": "approve", "outcomes": 7}')
    ended = shell.run("approve", "--report", str(file))
    assert ended.code == 2
    assert "outcomes" in ended.err
    assert shell.emulator.requests == []


def test_who_may_not_approve_gets_the_text_for_those_who_may(pending: Any) -> None:
    """Without rights on the targets: exit 4, the outcomes say handed-off, and the table has the text."""
    requester = pending.of("requester")
    ended = requester.ends("approve")
    assert (ended.code, results(ended)) == (4, ["handed-off"] * 4)
    table = requester.ends("approve", "-o", "table")
    assert "For the owners of the targets" in table.out


def test_the_hand_off_can_go_to_a_file(pending: Any, tmp_path: Path) -> None:
    """`--hand-off` writes the text for the owners; the table then leaves it out, and JSON has it all the same."""
    file = tmp_path / "please.txt"
    requester = pending.of("requester")
    table = requester.ends("approve", "-o", "table", "--hand-off", str(file))
    assert "For the owners" not in table.out
    assert f"What is left for the owners of the targets is in {file}." in table.said
    whole = requester.ends("approve", "--hand-off", str(file))
    assert file.read_text() == whole.json["hand_off"]


def test_a_hand_off_of_nothing_writes_nothing(pending: Any, tmp_path: Path) -> None:
    """Where everything is approved no file is made, and that is told."""
    file = tmp_path / "please.txt"
    ended = pending.ends("approve", "--hand-off", str(file))
    assert ended.code == 0
    assert f"Nothing is left for others, so {file} was not written." in ended.said
    assert not file.exists()


def test_create_writes_the_hand_off_for_those_who_approve(shell: Any, tmp_path: Path) -> None:
    """The table of `create` points to the text, which `--hand-off` writes."""
    file = tmp_path / "please.txt"
    ended = shell.ends("create", "-o", "table", "--hand-off", str(file))
    assert "For the owners" not in ended.out
    assert file.read_text().startswith("Please approve 4 private endpoint connections of the data factory 'df1'")
    assert "--hand-off" not in ended.err


def test_a_plan_does_not_go_with_an_approval(shell: Any) -> None:
    """`create --plan --approve` is refused: approving takes a spec or a report."""
    ended = shell.run("create", "--plan", "plan.json", "--approve")
    assert ended.code == 2
    assert "--approve: goes with a spec" in ended.said


def test_replacing_and_approving_go_together(shell: Any) -> None:
    """A broken endpoint is created again after a yes, and its new connection is approved with the others."""
    shell.emulator.add_endpoint(
        shell.emulator.factory, "purview", shell.spec.account, "account", provisioning_state="Failed"
    )
    ended = shell.ends("create", "--replace-broken", "--approve", "--yes")
    assert (ended.code, results(ended)) == (0, ["replaced"] + ["created"] * 3 + ["approved"] * 4)


# --- reject


@pytest.mark.parametrize(("more", "answer"), [(("--yes",), ""), ((), "yes\n")])
def test_reject_turns_our_own_connections_away(pending: Any, more: tuple[str, ...], answer: str) -> None:
    """With `--yes`, or a yes to the question that names them."""
    ended = pending.ends("reject", "-o", "json", *more, tty=bool(answer), stdin=answer)
    assert (ended.code, results(ended)) == (0, ["rejected"] * 4)
    assert ("Reject purview, purview_blob, purview_queue, purview_namespace?" in ended.err) == bool(answer)


def test_reject_asks_first(pending: Any) -> None:
    """A no changes nothing, and where nobody can be asked `--yes` is needed."""
    writes = len(pending.emulator.writes)
    declined = pending.ends("reject", tty=True, stdin="n\n")
    assert (declined.code, declined.out) == (1, "")
    assert declined.stderr.seen.endswith("[y/N] Nothing was written.\n")
    assert pending.ends("reject").code == 2
    assert len(pending.emulator.writes) == writes


def test_nothing_to_reject_is_nothing_to_ask(shell: Any) -> None:
    """Without a connection of ours there is no question; the report says what is not there."""
    ended = shell.ends("reject", "--no-wait")
    assert (ended.code, results(ended)) == (0, ["absent"] * 4)


@pytest.mark.parametrize(
    ("command", "verb", "called"),
    [
        (("create",), "create_all", "create: 4 kept"),
        (("create", "--replace-broken", "-y"), "apply", "create: 4 kept"),
        (("approve", "--dry-run"), "approve", "approve: 4 would-approve"),
        (("delete", "-y"), "delete_all", "delete: 4 deleted"),
    ],
)
def test_a_report_is_called_by_its_command(pending: Any, command: tuple[str, ...], verb: str, called: str) -> None:
    """The table bears the word that was typed; JSON keeps the verb, so that a file fits what reads it."""
    ended = pending.ends(*command, "-o", "table")
    assert ended.out.splitlines()[0] == called
    assert pending.ends(*command, "-o", "json").json["verb"] == verb


# --- delete


@pytest.mark.parametrize(("more", "answer"), [(("-y",), ""), ((), "y\n")])
def test_delete_takes_our_endpoints_away(pending: Any, more: tuple[str, ...], answer: str) -> None:
    """With `--yes`, or a yes; a second time all are absent."""
    ended = pending.ends("delete", "-o", "json", *more, tty=bool(answer), stdin=answer)
    assert (ended.code, results(ended)) == (0, ["deleted"] * 4)
    again = pending.ends("delete", "--yes")
    assert (again.code, results(again)) == (0, ["absent"] * 4)


def test_delete_asks_first(pending: Any) -> None:
    """The question names what would go; without a yes, and where nobody can be asked, nothing is written."""
    writes = len(pending.emulator.writes)
    declined = pending.ends("delete", tty=True, stdin="\n")
    assert declined.code == 1
    question = "Delete purview, purview_blob, purview_queue, purview_namespace of the factory 'df1'?"
    assert f"{question} [y/N] " in declined.err
    refused = pending.ends("delete")
    assert refused.code == 2
    assert f"--yes: is required because without a terminal the command cannot ask: {question}" in refused.said
    assert "Repeat the command with --yes if you agree; nothing was written to Azure." in refused.said
    assert len(pending.emulator.writes) == writes


def test_a_dry_run_shows_what_would_be_deleted(pending: Any) -> None:
    """It asks nothing and deletes nothing; afterwards there is nothing to delete and nothing to ask."""
    writes = len(pending.emulator.writes)
    ended = pending.ends("delete", "--dry-run")
    assert (ended.code, results(ended)) == (0, ["would-delete"] * 4)
    assert len(pending.emulator.writes) == writes
    pending.ends("delete", "--yes")
    assert results(pending.ends("delete")) == ["absent"] * 4


def test_a_deletion_that_takes_too_long_has_failed(pending: Any) -> None:
    """`--timeout` bounds the wait."""
    ended = pending.ends("delete", "--yes", "--timeout", "5s")
    assert (ended.code, set(results(ended))) == (1, {"timed-out"})


# --- connect


def test_connect_sets_the_account(shell: Any) -> None:
    """A factory that is connected to nothing is connected, and the table names factory and account."""
    factory = shell.emulator.add_factory("df2")
    options = ("--factory", str(factory), "--account", shell.spec.account, "--name", "purview")
    ended = shell.run("connect", *options, "-o", "table")
    assert ended.code == 0
    assert ended.out.startswith("connect: 1 connected\n")
    assert (
        "    FACTORY  GROUP         RESULT     TIME  TARGET\n  + df2      (connection)  connected  0:00  pv1\n"
        in ended.out
    )


def test_another_account_is_not_replaced_unasked(shell: Any) -> None:
    """A factory that is connected elsewhere is a conflict without `--replace`."""
    other = shell.emulator.add_account("pv2")
    options = ("--factory", shell.spec.factory, "--account", str(other), "--name", "purview")
    refused = shell.run("connect", *options)
    assert (refused.code, results(refused)) == (1, ["conflict"])
    replaced = shell.run("connect", *options, "--replace")
    assert (replaced.code, results(replaced)) == (0, ["connected"])


def test_every_report_can_be_read_back(pending: Any) -> None:
    """What the writing verbs print is a Report."""
    for argv in (("approve",), ("connect",), ("delete", "--yes")):
        assert isinstance(Report.model_validate_json(pending.ends(*argv).out), Report)


@pytest.mark.parametrize(
    ("verb", "more"),
    [("create", ()), ("delete", ("--yes",)), ("delete", ("--dry-run",)), ("status", ()), ("diagnose", ())],
)
def test_what_is_not_known_ends_as_denied(shell: Any, verb: str, more: tuple[str, ...]) -> None:
    """Without Reader on the account three endpoints are unknown: 5, with the role to ask for, and never 0."""
    shell.ends("create", "--approve")
    requester = shell.emulator.credential_for("Data Factory Contributor")
    ended = shell.connecting(lambda **options: shell.connect(credential=requester, **options)).ends(verb, *more)
    assert ended.code == 5
    assert "--role Reader" in ended.out
    assert ended.json.get("complete") in {False, None}


def test_no_drift_is_not_claimed_of_what_is_not_known(shell: Any) -> None:
    """A plan that finds nothing to do without Reader on the account does not end as without drift."""
    shell.ends("create")
    requester = shell.emulator.credential_for("Data Factory Contributor")
    requesting = shell.connecting(lambda **options: shell.connect(credential=requester, **options))
    assert requesting.ends("plan", "--fail-on-changes").code == 5
    assert requesting.ends("plan", "--fail-on-changes", "--groups", "account").code == 0
