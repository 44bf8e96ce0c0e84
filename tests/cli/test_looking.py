"""The verbs check, watch, diagnose, orphans and prove."""

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
    """`check` ends with 0 if nothing is wrong and with 1 otherwise; JSON is the Check."""
    fine = shell.ends("check")
    assert (fine.code, Check.model_validate_json(fine.out).ok) == (0, True)

    def connect(**options: Any) -> Client:
        client: Client = shell.connect(credential=shell.emulator.credential_for("reader"), **options)
        return client

    lacking = shell.connecting(connect).ends("check")
    assert (lacking.code, Check.model_validate_json(lacking.out).ok) == (1, False)


def test_check_is_a_table_for_a_person(shell: Any) -> None:
    """The table shows every runtime and every role, in the words of a shell."""
    factory, account = shell.emulator.factory, shell.emulator.account
    shell.emulator.catalog.revoke("data-curator", shell.emulator.identity_of(factory), account)
    shown = shell.ends("check", "-o", "table").out
    check = Check.model_validate(shell.ends("check").json)
    assert shown == f"{text(check, Look(on_command_line=True))}\n"
    assert "  More: purview-mpe explain data-curator-missing\n" in shown
    assert "  + AutoResolveIntegrationRuntime  azure-managed-vnet  supported  4 managed\n" in shown


def test_watch_shows_each_change_until_all_is_settled(shell: Any) -> None:
    """One line of JSON per status, from provisioning to ready; the last status decides the exit code."""
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


def test_watch_ends_after_its_timeout(shell: Any) -> None:
    """After `--timeout` the last status decides the exit code; an empty line separates the tables."""
    shell.ends("create", "--no-wait")
    ended = shell.ends("watch", "--every", "10s", "--timeout", "100s", "-o", "table")
    assert ended.code == 4
    assert ended.out.startswith("Status: not ready (4 provisioning)\n")
    assert "\n\nStatus: not ready (4 pending)\n" in ended.out


def test_watch_with_too_short_a_timeout_fails(shell: Any) -> None:
    """Without a single status, the command ends with 1 and asks for a longer --timeout."""
    shell.emulator.inject(Fault.delay("GET", 30, times=None))
    ended = shell.ends("watch", "--timeout", "5s")
    assert (ended.code, ended.out) == (1, "")
    assert "Repeat the command with a longer --timeout." in ended.err


def test_diagnose_ends_with_1_if_something_is_wrong(shell: Any) -> None:
    """It ends with 1 and names cause and remedy; it ends with 0 if nothing is wrong."""
    missing = shell.ends("diagnose")
    assert (missing.code, Diagnosis.model_validate_json(missing.out).ok) == (1, False)
    table = shell.ends("diagnose", "-o", "table")
    assert table.out.startswith("Diagnosis: not ok (1 error, 1 info)\n")
    assert "  runs     0 in the last 24 hours\n" in table.out
    shell.ends("create", "--approve")
    assert shell.ends("diagnose").code == 0


@pytest.mark.parametrize(("since", "period"), [("90m", "1.5 hours"), ("48h", "48 hours"), ("7d", "7 days")])
def test_diagnose_looks_as_far_back_as_asked(shell: Any, since: str, period: str) -> None:
    """Minutes, hours and days are accepted."""
    assert f"0 in the last {period}\n" in shell.ends("diagnose", "--since", since, "-o", "table").out


@pytest.mark.parametrize("since", ["1w", "-1h", "h", "24", "46d", "999999d"])
def test_invalid_time_is_refused(shell: Any, since: str) -> None:
    """Other units, negative times and more than Data Factory keeps: exit 2, before the first request."""
    assert shell.ends("diagnose", f"--since={since}").code == 2
    assert shell.emulator.requests == []


def test_lineage_is_counted(shell: Any) -> None:
    """The table counts the lineage that recent activities reported."""
    shell.ends("create", "--approve")
    shell.emulator.add_activity_run(lineage_status="Succeeded")
    shown = shell.ends("diagnose", "-o", "table").out
    assert "  runs     1 in the last 24 hours\n  lineage  1 Succeeded\n" in shown


def test_orphans_are_listed_with_their_certainty(shell: Any) -> None:
    """Connections of a deleted factory are listed with full ids; an unreadable factory is marked as not certain."""
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
    """The command ends with 1 if Purview holds no entity of the run, whether or not the run reported lineage."""
    run = shell.emulator.add_pipeline_run()
    shell.emulator.add_activity_run(run_id=run, lineage_status=status)
    proved = shell.ends("prove", "--run", run, "--timeout", "60s")
    proof = Proof.model_validate(proved.json)
    assert (proof.run_id, proof.proven, proved.code) == (run, False, code)


def test_prove_without_rights_on_the_catalog_ends_with_5(shell: Any) -> None:
    """The run reported lineage, but the caller cannot read Purview's catalog."""
    run = shell.emulator.add_pipeline_run()
    shell.emulator.add_activity_run(run_id=run, lineage_status="Succeeded")

    def connect(**options: Any) -> Client:
        client: Client = shell.connect(credential=shell.emulator.credential_for("contributor"), **options)
        return client

    proved = shell.connecting(connect).ends("prove", "--run", run, "--timeout", "60s")
    assert (Proof.model_validate(proved.json).proven, proved.code) == (None, 5)


def test_prove_requires_a_pipeline_or_a_run(shell: Any) -> None:
    """Giving neither is a usage error before anything is sent."""
    assert shell.ends("prove").code == 2
    assert shell.emulator.requests == []
