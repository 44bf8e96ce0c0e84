"""Output and exit code of each verb."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Account, Plan, Report, Status
from purview_mpe.emulator import Emulator

if TYPE_CHECKING:
    from pathlib import Path

ALL = ("purview", "purview_blob", "purview_namespace", "purview_queue")
PLANNED = ("purview", "purview_blob", "purview_queue", "purview_namespace")
APPROVAL = (
    "The connections wait until the owners of their targets approve them.",
    "Approve them with purview-mpe approve, or write the steps for the owners:",
    "--hand-off FILE.",
)


def results(ended: Any) -> list[str]:
    return [outcome["result"] for outcome in ended.json["outcomes"]]


# --- discover, plan


def test_discover_shows_the_account(shell: Any) -> None:
    """A pipe gets the Account as JSON and a person gets a table; stderr is empty."""
    piped = shell.run("discover", "--account", shell.spec.account)
    assert (piped.code, piped.err) == (0, "")
    account = Account.model_validate(piped.json)
    assert account.shape == "A"
    assert shell.run("discover", "--account", shell.spec.account, "-o", "table").out == f"{account}\n"


def test_discover_takes_the_account_of_a_spec(shell: Any, tmp_path: Path) -> None:
    """A spec file can name the account; a spec without an account is refused."""
    file = tmp_path / "spec.json"
    file.write_text(shell.spec.model_dump_json())
    assert shell.run("discover", "--spec", str(file)).json["name"] == "pv1"
    file.write_text(shell.spec.model_copy(update={"account": None}).model_dump_json())
    for missing in (("--spec", str(file)), ()):
        ended = shell.run("discover", *missing)
        assert (ended.code, ended.out) == (2, "")
        assert "--account: is required; or PURVIEW_MPE_ACCOUNT, or a spec file that names the account" in ended.said


def test_plan_is_json_when_piped(shell: Any) -> None:
    """A program gets the whole Plan, and can read it back."""
    ended = shell.ends("plan")
    assert (ended.code, ended.err) == (0, "")
    assert [step.action for step in Plan.model_validate_json(ended.out).steps] == ["create"] * 4
    assert ended.out.isascii()


def test_plan_is_a_table_for_a_person(shell: Any) -> None:
    """The table is in colour on a terminal, unless NO_COLOR is set or the terminal is dumb."""
    storage, namespace = (shell.target(group_id).rpartition("/")[2] for group_id in ("blob", "namespace"))
    expected = inspect.cleandoc(f"""
        Plan: 4 to create
          factory   df1 in rg1, subscription 00000000-0000-0000-0000-000000000001
          account   pv1 in rg1, subscription 00000000-0000-0000-0000-000000000001
          shape     A: managed storage and managed Event Hubs
          firewall  disabled from all networks

            ENDPOINT           GROUP      TARGET
          + purview            account    pv1
          + purview_blob       blob       {storage}
          + purview_queue      queue      {storage}
          + purview_namespace  namespace  {namespace}

          + No endpoint of the factory points to this target and group id.
    """)
    assert shell.ends("plan", "-o", "table").out == expected + "\n"
    coloured = shell.ends("plan", tty=True)
    assert "\x1b[32m+\x1b[0m purview_blob" in coloured.out
    assert coloured.stdout.seen == expected + "\n"
    assert shell.ends("plan", tty=True, NO_COLOR="1").out == expected + "\n"
    assert shell.ends("plan", tty=True, TERM="dumb").out == expected + "\n"
    assert shell.ends("plan", tty=True, NO_COLOR="").out == coloured.out


def test_json_on_a_terminal_has_no_colour(shell: Any) -> None:
    """`-o json` is the same text wherever it goes."""
    assert shell.ends("plan", "-o", "json", tty=True).out == shell.ends("plan").out


def test_reading_leaves_nothing_on_the_terminal(shell: Any) -> None:
    """The live block of a verb that only reads disappears completely."""
    for verb in ("plan", "status"):
        ended = shell.ends(verb, tty=True)
        assert f"{verb}  0:00" in ended.err
        assert ended.stderr.seen == ""


def test_fail_on_changes_ends_with_3_on_drift(shell: Any) -> None:
    """The command ends with 3 while something is missing, and with 0 afterwards."""
    assert shell.ends("plan", "--fail-on-changes").code == 3
    assert shell.ends("plan").code == 0
    shell.ends("create")
    assert shell.ends("plan", "--fail-on-changes").code == 0


def test_fail_on_changes_ends_with_1_on_a_conflict(shell: Any) -> None:
    """A conflict ends with 1; without the option the command ends with 0."""
    shell.emulator.add_endpoint(shell.emulator.factory, "purview", shell.target("blob"), "blob")
    assert shell.ends("plan", "--fail-on-changes").code == 1
    assert shell.ends("plan").code == 0


def test_stored_plan_can_be_carried_out_later(shell: Any, tmp_path: Path) -> None:
    """`plan --out` writes the file that `create --plan` reads, and shows that command."""
    file = tmp_path / "plan.json"
    assert shell.ends("plan", "--out", str(file)).said == f"Carry it out with: purview-mpe create --plan {file}"
    created = shell.run("create", "--plan", str(file))
    assert (created.code, results(created)) == (0, ["created"] * 4)
    again = shell.run("create", "--plan", "-", stdin=file.read_text())
    assert (again.code, results(again)) == (0, ["kept"] * 4)


# --- create


def test_create_makes_what_is_missing(shell: Any) -> None:
    """The report on stdout, the progress in plain lines on stderr."""
    ended = shell.ends("create")
    assert ended.code == 0
    assert [outcome.result for outcome in Report.model_validate_json(ended.out).outcomes] == ["created"] * 4
    lines = ended.err.splitlines()
    assert [*sorted(lines[:4]), *lines[4:]] == [
        *(f"[0:00] {name}: created (Provisioning)" for name in ALL),
        "[0:00] waiting for Azure to create purview, purview_blob, purview_queue,",
        "purview_namespace",
        "[0:30] waiting for Azure to create purview, purview_blob, purview_queue,",
        "purview_namespace",
        "[1:00] waiting for Azure to create purview, purview_blob, purview_queue,",
        "purview_namespace",
        *(f"[1:36] {name}: created (Succeeded)" for name in PLANNED),
        "create finished after 1:36: 4 created.",
        *APPROVAL,
    ]


def test_a_second_create_writes_nothing(shell: Any) -> None:
    """Existing endpoints are kept; the hint about approval is repeated until they are approved."""
    shell.ends("create")
    writes = len(shell.emulator.writes)
    ended = shell.ends("create")
    assert (ended.code, results(ended)) == (0, ["kept"] * 4)
    assert ended.err.splitlines() == [
        *(f"[0:00] {name}: kept (Succeeded)" for name in PLANNED),
        "create finished after 0:00: 4 kept.",
        *APPROVAL,
    ]
    assert len(shell.emulator.writes) == writes == 4


def test_create_on_a_terminal_leaves_the_table_and_the_next_steps(shell: Any) -> None:
    """The block on stderr disappears at the end, the table is on stdout, and an empty line precedes the next steps."""
    ended = shell.ends("create", tty=True)
    assert "under way" in ended.err
    assert ended.stderr.seen == "\n".join(["", *APPROVAL]) + "\n"
    storage = shell.target("blob").rpartition("/")[2]
    assert f"  + purview_blob       blob       created  1:36  {storage}\n" in ended.stdout.seen


def test_a_dry_run_writes_nothing(shell: Any) -> None:
    """`create --dry-run` shows what `plan` shows."""
    ended = shell.ends("create", "--dry-run")
    assert (ended.code, ended.json) == (0, shell.ends("plan").json)
    assert shell.emulator.writes == []


def test_no_wait_returns_after_the_requests_are_accepted(shell: Any) -> None:
    """No time passes, and the endpoints are still provisioning, so status ends with 4."""
    assert shell.ends("create", "--no-wait").code == 0
    assert shell.emulator.clock.elapsed == 0
    status = shell.ends("status")
    assert (status.code, {endpoint["verdict"] for endpoint in status.json["endpoints"]}) == (4, {"provisioning"})


def test_timeout_is_a_failure(shell: Any) -> None:
    """Endpoints still in progress at the timeout are timed-out, and the run fails."""
    ended = shell.ends("create", "--timeout", "10s")
    assert (ended.code, results(ended)) == (1, ["timed-out"] * 4)


def test_a_conflict_stops_create_before_the_first_write(shell: Any) -> None:
    """The error shows reason and remedy, and nothing is written."""
    elsewhere = shell.spec.factory_id.in_group("Microsoft.Storage", "storageAccounts", "elsewhere")
    shell.emulator.add_endpoint(shell.emulator.factory, "purview_blob", elsewhere, "blob")
    ended = shell.ends("create")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "error: The plan has 1 conflict, so nothing was written:\n"
        "  ! purview_blob: The name 'purview_blob' is taken by an endpoint to\n"
        f"  {elsewhere}\n"
        "  (blob).\n"
        "    Choose another base name, or give --name-of blob=NAME; the existing endpoint\n"
        "    is not touched.\n"
        "  What to do: Follow the remedy beside each conflict, then plan again.\n"
        "  More: purview-mpe explain plan-conflict\n"
    )
    assert shell.emulator.writes == []


@pytest.fixture
def broken(shell: Any) -> Any:
    """A shell whose factory has one Failed endpoint."""
    shell.emulator.add_endpoint(
        shell.emulator.factory, "purview", shell.spec.account, "account", provisioning_state="Failed"
    )
    return shell


def test_broken_endpoints_are_deleted_only_after_consent(broken: Any) -> None:
    """Without a terminal `--yes` is required; on a terminal, only a yes counts."""
    assert broken.ends("create").code == 1
    refused = broken.ends("create", "--replace-broken")
    assert refused.code == 2
    assert (
        "--yes: is required because without a terminal the command cannot ask: Delete purview and create it again?"
        in refused.said
    )
    for answer in ("n\n", "", "\n", "perhaps\n"):
        declined = broken.ends("create", "--replace-broken", tty=True, stdin=answer)
        assert (declined.code, declined.out) == (1, "")
        assert declined.stderr.seen == "Delete purview and create it again? [y/N] Nothing was written.\n"
    assert broken.emulator.writes == []


@pytest.mark.parametrize(("more", "answer"), [(("-y",), ""), ((), "y\n"), ((), "YES\n")])
def test_broken_endpoints_are_created_again_on_demand(broken: Any, more: tuple[str, ...], answer: str) -> None:
    """`--yes` or a yes replaces the broken endpoint and creates the others."""
    ended = broken.ends("create", "--replace-broken", "-o", "json", *more, tty=bool(answer), stdin=answer)
    assert (ended.code, results(ended)) == (0, ["replaced", "created", "created", "created"])


def test_several_broken_endpoints_are_asked_about_once(broken: Any) -> None:
    """One question names all endpoints that would be deleted."""
    broken.emulator.add_endpoint(
        broken.emulator.factory, "purview_blob", broken.target("blob"), "blob", status="Rejected"
    )
    declined = broken.ends("create", "--replace-broken", tty=True, stdin="n")
    assert "Delete purview, purview_blob and create them again? [y/N]" in declined.err


def test_replace_broken_asks_nothing_without_broken_endpoints(shell: Any) -> None:
    """`--replace-broken` alone asks nothing if nothing has to be deleted."""
    assert shell.ends("create", "--replace-broken").code == 0


# --- status


def test_status_exit_code_follows_the_endpoints(shell: Any) -> None:
    """Status ends with 1 if an endpoint is missing, with 4 if an approval is missing, and with 0 if all are ready."""
    missing = shell.ends("status")
    assert (missing.code, Status.model_validate_json(missing.out).ready) == (1, False)
    shell.ends("create")
    assert shell.ends("status").code == 4
    approved = Emulator()
    for group_id in ("account", "blob", "queue", "namespace"):
        name = shell.spec.name_of(group_id)
        approved.add_endpoint(approved.factory, name, shell.target(group_id), group_id, status="Approved")
    assert shell.on(approved).ends("status").code == 0


def test_status_is_a_table_for_a_person(shell: Any) -> None:
    """The output is the text of Status."""
    shell.ends("create")
    shown = shell.ends("status", "-o", "table").out
    assert shown.startswith("Status: not ready (4 pending)\n")
    assert shown == f"{Status.model_validate(shell.ends('status').json)}\n"
