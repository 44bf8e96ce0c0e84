"""The verbs that look closely: check, watch, diagnose, orphans."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Check, Diagnosis, Orphans, Proof, Status
from purview_mpe._display.text.page import Look
from purview_mpe._display.text.text import text
from purview_mpe.emulator import Fault

if TYPE_CHECKING:
    from purview_mpe import Client


def test_check_says_whether_everything_is_in_place(shell: Any) -> None:
    """0 if nothing is wrong and 1 otherwise; JSON is the Check."""
    fine = shell.ends("check")
    assert (fine.code, Check.model_validate_json(fine.out).ok) == (0, True)

    def connect(**options: Any) -> Client:
        client: Client = shell.connect(credential=shell.emulator.credential_for("reader"), **options)
        return client

    lacking = shell.connecting(connect).ends("check")
    assert (lacking.code, Check.model_validate_json(lacking.out).ok) == (1, False)


def test_check_is_a_table_for_a_person(shell: Any) -> None:
    """The table of the noun in the words of a shell: every runtime against the matrix, and every right."""
    factory, account = shell.emulator.factory, shell.emulator.account
    shell.emulator.catalog.revoke("data-curator", shell.emulator.identity_of(factory), account)
    shown = shell.ends("check", "-o", "table").out
    check = Check.model_validate(shell.ends("check").json)
    assert shown == f"{text(check, Look(on_command_line=True))}\n"
    assert "  More: purview-mpe explain data-curator-missing\n" in shown
    assert "  + AutoResolveIntegrationRuntime  azure-managed-vnet  supported  4 managed\n" in shown


def test_watch_shows_each_change_until_all_is_settled(shell: Any) -> None:
    """One line of JSON per status, from provisioning to ready; the exit code is that of the last."""
    shell.ends("create", "--no-wait")
    started = shell.emulator.clock.elapsed

    def connect(**options: Any) -> Client:
        transport: Any = shell.emulator.transport()
        sleep = transport.sleep

        def sleep_and_approve(seconds: float) -> None:
            sleep(seconds)
            if shell.emulator.clock.elapsed - started > 120:
                for endpoint in shell.emulator.endpoints():
                    if endpoint.status == "Pending":
                        shell.emulator.approve(endpoint.name)

        transport.sleep = sleep_and_approve
        client: Client = shell.connect(transport=transport, **options)
        return client

    watching = shell.connecting(connect)
    ended = watching.ends("watch", "--every", "30s")
    seen = [Status.model_validate(json.loads(line)) for line in ended.out.splitlines()]
    verdicts = [{endpoint.verdict for endpoint in status.endpoints} for status in seen]
    assert verdicts[0] == {"provisioning"}
    assert {"pending"} in verdicts
    assert verdicts[-1] == {"ready"}
    assert ended.code == 0


def test_watch_ends_when_its_time_is_over(shell: Any) -> None:
    """After `--timeout` the last status counts; tables are apart by an empty line."""
    shell.ends("create", "--no-wait")
    ended = shell.ends("watch", "--every", "10s", "--timeout", "100s", "-o", "table")
    assert ended.code == 4
    assert ended.out.startswith("Status: not ready (4 provisioning)\n")
    assert "\n\nStatus: not ready (4 pending)\n" in ended.out


def test_watch_says_that_its_time_was_too_short_for_one_look(shell: Any) -> None:
    """Without a single status there is no exit code of a status: 1, and what to do."""
    shell.emulator.inject(Fault.delay("GET", 30, times=None))
    ended = shell.ends("watch", "--timeout", "5s")
    assert (ended.code, ended.out) == (1, "")
    assert "Repeat the command with a longer --timeout." in ended.err


def test_diagnose_says_what_stands_in_the_way(shell: Any) -> None:
    """1 while something does, with cause and remedy; 0 when nothing does."""
    missing = shell.ends("diagnose")
    assert (missing.code, Diagnosis.model_validate_json(missing.out).ok) == (1, False)
    table = shell.ends("diagnose", "-o", "table")
    assert table.out.startswith("Diagnosis: not ok (1 error, 1 info)\n")
    assert "  runs     0 in the last 24 hours\n" in table.out
    shell.ends("create", "--approve")
    assert shell.ends("diagnose").code == 0


@pytest.mark.parametrize(("since", "told"), [("90m", "1.5 hours"), ("48h", "48 hours"), ("7d", "7 days")])
def test_diagnose_looks_as_far_back_as_asked(shell: Any, since: str, told: str) -> None:
    """Minutes, hours and days are understood."""
    assert f"0 in the last {told}\n" in shell.ends("diagnose", "--since", since, "-o", "table").out


@pytest.mark.parametrize("since", ["1w", "-1h", "h", "24", "46d", "999999d"])
def test_a_time_that_cannot_be_is_refused(shell: Any, since: str) -> None:
    """Other units, negative times and more than Data Factory keeps: exit 2, before the first request."""
    assert shell.ends("diagnose", f"--since={since}").code == 2
    assert shell.emulator.requests == []


def test_lineage_is_counted(shell: Any) -> None:
    """What recent activities reported stands in the table."""
    shell.ends("create", "--approve")
    shell.emulator.add_activity_run(lineage_status="Succeeded")
    shown = shell.ends("diagnose", "-o", "table").out
    assert "  runs     1 in the last 24 hours\n  lineage  1 Succeeded\n" in shown


def test_orphans_are_listed_with_what_is_certain(shell: Any) -> None:
    """What is left over after a factory is gone, with full ids; nothing that cannot be read is called gone."""
    none = shell.run("orphans", "--account", shell.spec.account)
    assert (none.code, Orphans.model_validate_json(none.out).connections) == (0, ())
    shell.ends("create", "--approve")
    blob = shell.target("blob")
    shell.emulator.remove(shell.emulator.factory)
    shown = shell.run("orphans", "--account", shell.spec.account, "-o", "table").out
    assert shown.startswith("Orphans: 4 left over (4 of them not certain)\n")
    assert "  ? df1      purview_blob " in shown
    assert f"\n    {blob}/privateEndpointConnections/" in shown


@pytest.mark.parametrize(("status", "code"), [("Succeeded", 1), ("Failed", 1)])
def test_prove_follows_the_run_that_is_named(shell: Any, status: str, code: int) -> None:
    """1 where lineage is not proven: the run reported it, or not, and Purview holds no entity of it."""
    run = shell.emulator.add_pipeline_run()
    shell.emulator.add_activity_run(run_id=run, lineage_status=status)
    proved = shell.ends("prove", "--run", run, "--timeout", "60s")
    proof = Proof.model_validate(proved.json)
    assert (proof.run_id, proof.proven, proved.code) == (run, False, code)


def test_prove_says_when_it_cannot_be_seen(shell: Any) -> None:
    """5 where the run reported lineage and this caller is not allowed to read Purview's catalog."""
    run = shell.emulator.add_pipeline_run()
    shell.emulator.add_activity_run(run_id=run, lineage_status="Succeeded")

    def connect(**options: Any) -> Client:
        client: Client = shell.connect(credential=shell.emulator.credential_for("contributor"), **options)
        return client

    proved = shell.connecting(connect).ends("prove", "--run", run, "--timeout", "60s")
    assert (Proof.model_validate(proved.json).proven, proved.code) == (None, 5)


def test_prove_takes_a_pipeline_or_a_run(shell: Any) -> None:
    """Neither is a usage error, before anything is sent."""
    assert shell.ends("prove").code == 2
    assert shell.emulator.requests == []
