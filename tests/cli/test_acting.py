"""The verbs that change existing things: onboard, approve, reject, delete, connect, and create with approval."""

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
    """Stderr counts the network, the runtime, the endpoints, the role, the identity and the connection."""
    factory = shell.emulator.add_factory("df2", managed_vnet=False, identity=False)
    place = ("--factory", str(factory), "--account", str(shell.spec.account), "--name", "purview")
    ended = shell.run("onboard", *place, "--approve", "--dry-run")
    assert ended.code == 0
    assert ended.said.endswith("1 would-enable, 1 would-connect, 6 would-create, 1 would-grant.")
    assert not shell.emulator.writes


# --- approve


def test_create_with_approve_approves_all_connections(shell: Any) -> None:
    """`create --approve` ends with all connections approved: exit 0, and status is ready."""
    ended = shell.ends("create", "--approve")
    assert (ended.code, results(ended)) == (0, ["created"] * 4 + ["approved"] * 4)
    assert shell.ends("status").code == 0


def test_create_without_approval_rights_hands_off(shell: Any) -> None:
    """If others have to approve, the run ends with 4, and the table says what they have to do."""
    ended = shell.of("requester").ends("create", "--approve", "-o", "table")
    assert ended.code == 4
    assert "\nFor the owners of the targets\n  Please approve 4 private endpoint connections" in ended.out
    assert "az network private-endpoint-connection approve" in ended.out


def test_approve_approves_the_factorys_connections(pending: Any) -> None:
    """All four are approved; a second run writes nothing."""
    ended = pending.ends("approve")
    assert (ended.code, results(ended)) == (0, ["approved"] * 4)
    writes = len(pending.emulator.writes)
    again = pending.ends("approve")
    assert (again.code, results(again)) == (0, ["already-approved"] * 4)
    assert len(pending.emulator.writes) == writes


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_dry_run_approves_and_rejects_nothing(pending: Any, verb: str) -> None:
    """`--dry-run` shows what would be done, and ends with 0."""
    writes = len(pending.emulator.writes)
    ended = pending.ends(verb, "--dry-run")
    assert (ended.code, results(ended)) == (0, [f"would-{verb}"] * 4)
    assert len(pending.emulator.writes) == writes


def test_an_approver_needs_only_the_report(shell: Any, tmp_path: Path) -> None:
    """An approver without access to the factory approves exactly what the requester's report names."""
    file = tmp_path / "report.json"
    file.write_text(shell.of("requester").ends("create").out)
    approver = shell.of("approver")
    ended = approver.run("approve", "--report", str(file))
    assert (ended.code, results(ended)) == (0, ["approved"] * 4)
    assert approver.run("approve", "--report", "-", stdin=file.read_text()).code == 0
    both = approver.ends("approve", "--report", str(file))
    assert both.code == 2
    assert "--report: already holds a spec" in both.said


def test_invalid_report_file_is_refused(shell: Any, tmp_path: Path) -> None:
    """A file that is not a report is refused before the first request."""
    file = tmp_path / "report.json"
    file.write_text('{"verb": "approve", "outcomes": 7}')
    ended = shell.run("approve", "--report", str(file))
    assert ended.code == 2
    assert "outcomes" in ended.err
    assert shell.emulator.requests == []


def test_caller_without_approval_rights_gets_the_hand_off(pending: Any) -> None:
    """Without rights on the targets: exit 4, the outcomes say handed-off, and the table has the text."""
    requester = pending.of("requester")
    ended = requester.ends("approve")
    assert (ended.code, results(ended)) == (4, ["handed-off"] * 4)
    table = requester.ends("approve", "-o", "table")
    assert "For the owners of the targets" in table.out


def test_the_hand_off_can_go_to_a_file(pending: Any, tmp_path: Path) -> None:
    """`--hand-off` writes the text for the owners; the table then omits it, and JSON still contains it."""
    file = tmp_path / "please.txt"
    requester = pending.of("requester")
    table = requester.ends("approve", "-o", "table", "--hand-off", str(file))
    assert "For the owners" not in table.out
    assert f"What is left for the owners of the targets is in {file}." in table.said
    whole = requester.ends("approve", "--hand-off", str(file))
    assert file.read_text() == whole.json["hand_off"]


def test_empty_hand_off_writes_no_file(pending: Any, tmp_path: Path) -> None:
    """If everything is approved, no file is written, and stderr says so."""
    file = tmp_path / "please.txt"
    ended = pending.ends("approve", "--hand-off", str(file))
    assert ended.code == 0
    assert f"Nothing is left for others, so {file} was not written." in ended.said
    assert not file.exists()


def test_create_writes_the_hand_off_for_those_who_approve(shell: Any, tmp_path: Path) -> None:
    """`create --hand-off` writes the text for the approvers and omits it from the table."""
    file = tmp_path / "please.txt"
    ended = shell.ends("create", "-o", "table", "--hand-off", str(file))
    assert "For the owners" not in ended.out
    assert file.read_text().startswith("Please approve 4 private endpoint connections of the data factory 'df1'")
    assert "--hand-off" not in ended.err


def test_create_plan_with_approve_is_refused(shell: Any) -> None:
    """`create --plan --approve` is refused: approving takes a spec or a report."""
    ended = shell.run("create", "--plan", "plan.json", "--approve")
    assert ended.code == 2
    assert "--approve: goes with a spec" in ended.said


def test_replace_broken_can_be_combined_with_approve(shell: Any) -> None:
    """A broken endpoint is created again, and its new connection is approved with the others."""
    shell.emulator.add_endpoint(
        shell.emulator.factory, "purview", shell.spec.account, "account", provisioning_state="Failed"
    )
    ended = shell.ends("create", "--replace-broken", "--approve", "--yes")
    assert (ended.code, results(ended)) == (0, ["replaced"] + ["created"] * 3 + ["approved"] * 4)


# --- reject


@pytest.mark.parametrize(("more", "answer"), [(("--yes",), ""), ((), "yes\n")])
def test_reject_rejects_the_factorys_connections(pending: Any, more: tuple[str, ...], answer: str) -> None:
    """`--yes` or a yes to the question, which names the endpoints, confirms it."""
    ended = pending.ends("reject", "-o", "json", *more, tty=bool(answer), stdin=answer)
    assert (ended.code, results(ended)) == (0, ["rejected"] * 4)
    assert ("Reject purview, purview_blob, purview_queue, purview_namespace?" in ended.err) == bool(answer)


def test_reject_asks_first(pending: Any) -> None:
    """A no changes nothing, and without a terminal `--yes` is required."""
    writes = len(pending.emulator.writes)
    declined = pending.ends("reject", tty=True, stdin="n\n")
    assert (declined.code, declined.out) == (1, "")
    assert declined.stderr.seen.endswith("[y/N] Nothing was written.\n")
    assert pending.ends("reject").code == 2
    assert len(pending.emulator.writes) == writes


def test_reject_without_connections_asks_nothing(shell: Any) -> None:
    """Without a connection of the factory, no question is asked; the report lists them as absent."""
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
def test_table_names_the_command_and_json_the_verb(
    pending: Any, command: tuple[str, ...], verb: str, called: str
) -> None:
    """The table's heading is the typed word; JSON keeps the verb, so other commands can read the file."""
    ended = pending.ends(*command, "-o", "table")
    assert ended.out.splitlines()[0] == called
    assert pending.ends(*command, "-o", "json").json["verb"] == verb


# --- delete


@pytest.mark.parametrize(("more", "answer"), [(("-y",), ""), ((), "y\n")])
def test_delete_deletes_the_endpoints(pending: Any, more: tuple[str, ...], answer: str) -> None:
    """`--yes` or a yes confirms it; a second run reports all as absent."""
    ended = pending.ends("delete", "-o", "json", *more, tty=bool(answer), stdin=answer)
    assert (ended.code, results(ended)) == (0, ["deleted"] * 4)
    again = pending.ends("delete", "--yes")
    assert (again.code, results(again)) == (0, ["absent"] * 4)


def test_delete_asks_first(pending: Any) -> None:
    """The question names the endpoints; without a yes, or without a terminal, nothing is written."""
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
    """A dry run asks and deletes nothing; once all are deleted, `delete` asks nothing."""
    writes = len(pending.emulator.writes)
    ended = pending.ends("delete", "--dry-run")
    assert (ended.code, results(ended)) == (0, ["would-delete"] * 4)
    assert len(pending.emulator.writes) == writes
    pending.ends("delete", "--yes")
    assert results(pending.ends("delete")) == ["absent"] * 4


def test_delete_that_exceeds_its_timeout_fails(pending: Any) -> None:
    """`--timeout` limits the wait."""
    ended = pending.ends("delete", "--yes", "--timeout", "5s")
    assert (ended.code, set(results(ended))) == (1, {"timed-out"})


# --- connect


def test_connect_sets_the_account(shell: Any) -> None:
    """A factory without a connected account is connected, and the table names factory and account."""
    factory = shell.emulator.add_factory("df2")
    options = ("--factory", str(factory), "--account", shell.spec.account, "--name", "purview")
    ended = shell.run("connect", *options, "-o", "table")
    assert ended.code == 0
    assert ended.out.startswith("connect: 1 connected\n")
    assert (
        "    FACTORY  GROUP         RESULT     TIME  TARGET\n  + df2      (connection)  connected  0:00  pv1\n"
        in ended.out
    )


def test_connect_replaces_another_account_only_with_replace(shell: Any) -> None:
    """A factory that is connected elsewhere is a conflict without `--replace`."""
    other = shell.emulator.add_account("pv2")
    options = ("--factory", shell.spec.factory, "--account", str(other), "--name", "purview")
    refused = shell.run("connect", *options)
    assert (refused.code, results(refused)) == (1, ["conflict"])
    replaced = shell.run("connect", *options, "--replace")
    assert (replaced.code, results(replaced)) == (0, ["connected"])


def test_every_report_can_be_read_back(pending: Any) -> None:
    """The output of the writing verbs is a Report."""
    for argv in (("approve",), ("connect",), ("delete", "--yes")):
        assert isinstance(Report.model_validate_json(pending.ends(*argv).out), Report)


@pytest.mark.parametrize(
    ("verb", "more"),
    [("create", ()), ("delete", ("--yes",)), ("delete", ("--dry-run",)), ("status", ()), ("diagnose", ())],
)
def test_unknown_endpoints_end_with_exit_code_5(shell: Any, verb: str, more: tuple[str, ...]) -> None:
    """Without Reader on the account, three endpoints are unknown: exit 5 with the missing role, never 0."""
    shell.ends("create", "--approve")
    requester = shell.emulator.credential_for("Data Factory Contributor")
    ended = shell.connecting(lambda **options: shell.connect(credential=requester, **options)).ends(verb, *more)
    assert ended.code == 5
    assert "--role Reader" in ended.out
    assert ended.json.get("complete") in {False, None}


def test_plan_with_unknown_endpoints_does_not_report_no_drift(shell: Any) -> None:
    """Without Reader on the account, an empty plan ends with 5, except for the group `account`."""
    shell.ends("create")
    requester = shell.emulator.credential_for("Data Factory Contributor")
    requesting = shell.connecting(lambda **options: shell.connect(credential=requester, **options))
    assert requesting.ends("plan", "--fail-on-changes").code == 5
    assert requesting.ends("plan", "--fail-on-changes", "--groups", "account").code == 0
