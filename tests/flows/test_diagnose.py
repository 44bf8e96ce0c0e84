"""diagnose says why lineage does not arrive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe import Diagnosis, Finding
from purview_mpe._model.matrix import CLOSED, INGESTION, OPEN
from purview_mpe._model.results import ErrorDetail
from purview_mpe._model.survey import ActivityRun, RecentRuns, Runtime
from purview_mpe._rules import diagnosing
from purview_mpe._wire import factory
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import InvalidSpec, NotFound
from tests.support.colours import spec_for
from tests.support.nouns import ACCOUNT, OTHER_STORAGE, TARGETS, a_spec, an_account, an_endpoint, json_values
from tests.support.situations import ALL_ENDPOINTS, INSIDE, a_situation, codes

DAY = timedelta(hours=24)
REFUSED = ErrorDetail(code="access-denied", message="Azure answered 403", remedy="Ask.")
UNKNOWN_SHAPE = Finding(code="shape-unknown", severity="error", message="It cannot be told.", remedy="Wait.")
APPROVED = dict.fromkeys((target.group_id for target in TARGETS), "Approved")


def a_run(activity: str = "copy", lineage: str | None = "Succeeded", **fields: Any) -> ActivityRun:
    given = {"pipeline": "pl", "activity": activity, "kind": "Copy", "run_id": "r1", "lineage": lineage}
    return ActivityRun(**(given | fields))


def diagnosed(runs: Any = None, target_status: Any = None, **fields: Any) -> Diagnosis:
    """The diagnosis of a working setup, with the given changes."""
    return diagnosing.diagnose(
        a_situation(**({"endpoints": ALL_ENDPOINTS} | fields)),
        target_status=APPROVED if target_status is None else target_status,
        target_findings=(),
        runs=runs or RecentRuns(runs=1, more=False, activities=(a_run(),)),
        since=DAY,
    )


def changed(group_id: str, **fields: Any) -> tuple[Any, ...]:
    """All endpoints, with one of them changed."""
    return tuple(one.model_copy(update=fields) if one.group_id == group_id else one for one in ALL_ENDPOINTS)


def test_a_working_situation_has_no_errors():
    """Everything is in place, and the newest run says that lineage arrives."""
    diagnosis = diagnosed()
    assert diagnosis.ok
    assert codes(diagnosis) == {"lineage-arrives": "info"}
    assert (diagnosis.runs, diagnosis.lineage) == (1, {"Succeeded": 1})


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"runtimes": ()}, "managed-runtime-missing"),
        ({"connected_to": None}, "not-connected"),
        ({"connected_to": ACCOUNT.replace("pv1", "pv2")}, "connected-elsewhere"),
        ({"endpoints": ALL_ENDPOINTS[1:]}, "endpoint-missing"),
        ({"endpoints": ALL_ENDPOINTS[:3]}, "event-hubs-enabled-later"),
        ({"endpoints": changed("blob", resource_id=OTHER_STORAGE)}, "endpoint-wrong-target"),
        ({"endpoints": changed("blob", provisioning_state="Failed")}, "endpoint-failed"),
        ({"endpoints": changed("blob", connection_status="Rejected")}, "approval-rejected"),
        ({"endpoints": changed("blob", connection_status="Pending"), "target_status": {"blob": "Pending"}}, "approval-pending"),
        ({"target_status": APPROVED | {"blob": ""}}, "approval-stale"),
        ({"runs": RecentRuns(1, False, (a_run(lineage="TimedOut"),))}, "lineage-failed"),
    ],
)  # fmt: skip
def test_each_broken_link_is_an_error(fields, code):
    """Each finding has a remedy."""
    diagnosis = diagnosed(**fields)
    assert not diagnosis.ok
    assert codes(diagnosis)[code] == "error"
    assert all(finding.remedy for finding in diagnosis.findings)


def test_errors_are_in_the_order_of_the_chain():
    """Runtime, connection, endpoints, approvals, runs."""
    diagnosis = diagnosed(
        runtimes=(),
        connected_to=None,
        endpoints=changed("blob", connection_status="Rejected")[1:],
        runs=RecentRuns(runs=1, more=False, activities=(a_run(lineage="Failed"),)),
    )
    errors = [finding.code for finding in diagnosis.findings if finding.severity == "error"]
    assert errors == [
        "managed-runtime-missing",
        "not-connected",
        "endpoint-missing",
        "approval-rejected",
        "lineage-failed",
    ]


def test_event_hubs_enabled_later_comes_after_the_approvals():
    """A namespace that the account got later is a later link than the approvals of the other endpoints."""
    diagnosis = diagnosed(endpoints=changed("blob", connection_status="Rejected")[:3])
    errors = [finding.code for finding in diagnosis.findings if finding.severity == "error"]
    assert errors == ["approval-rejected", "event-hubs-enabled-later"]


@pytest.mark.parametrize("firewall", [OPEN, INGESTION])
def test_a_missing_endpoint_is_not_an_error_if_the_firewall_is_open(firewall):
    """With these settings lineage needs no endpoint, so the finding is an info."""
    diagnosis = diagnosed(account=an_account(firewall=firewall), endpoints=())
    assert codes(diagnosis)["endpoint-missing"] == "info"
    assert diagnosis.ok


def test_an_endpoint_being_provisioned_is_a_warning():
    """Waiting is enough."""
    diagnosis = diagnosed(
        endpoints=changed("blob", provisioning_state="Provisioning", connection_status=""), target_status={}
    )
    assert codes(diagnosis)["endpoint-provisioning"] == "warning"
    assert diagnosis.ok


def test_missing_endpoints_are_one_finding():
    """They have one cause and one remedy."""
    diagnosis = diagnosed(endpoints=())
    (finding,) = [one for one in diagnosis.findings if one.code == "endpoint-missing"]
    assert len(finding.evidence) == 4
    assert finding.message == "The factory has no endpoint to account, blob, queue and namespace."


def test_endpoints_to_resources_no_longer_used_are_named():
    """They are a warning."""
    account = an_account(shape="E", retired=(OTHER_STORAGE,))
    old = an_endpoint("old", "blob", resource_id=OTHER_STORAGE)
    diagnosis = diagnosed(account=account, endpoints=(*ALL_ENDPOINTS, old))
    assert codes(diagnosis)["targets-changed"] == "warning"
    (finding,) = (one for one in diagnosis.findings if one.code == "targets-changed")
    assert finding.message == "Some endpoints of the factory point to resources that the account no longer uses."
    assert finding.evidence == (f"old: blob on {OTHER_STORAGE}",)


def test_an_endpoint_of_the_name_with_another_target_is_a_finding_of_its_own():
    """The name does not prove that the account ever used the target, so the message does not claim it."""
    account = an_account(shape="E", retired=(OTHER_STORAGE,))
    old = an_endpoint("old", "blob", resource_id=OTHER_STORAGE)
    foreign = f"{OTHER_STORAGE}2"
    theirs = an_endpoint("purview_blob", "blob", resource_id=foreign)
    diagnosis = diagnosed(account=account, endpoints=(ALL_ENDPOINTS[0], *ALL_ENDPOINTS[2:], old, theirs))
    past, name = (one for one in diagnosis.findings if one.code == "targets-changed")
    assert (past.evidence, name.evidence) == ((f"old: blob on {OTHER_STORAGE}",), (f"purview_blob: blob on {foreign}",))
    assert name.message == (
        "Some endpoints of the factory carry names of this spec but point to resources that the account does not use."
    )
    assert name.cause == (
        "The account was changed and no longer uses these resources, or the endpoints were created for another "
        "purpose: a name does not show which."
    )
    assert name.remedy == (
        "Find out in Data Factory Studio what uses them, and delete only unused ones; if a name blocks "
        "client.create_all(spec), choose another base name, or set Spec.names for that group id."
    )


def test_findings_about_targets_come_after_the_endpoints():
    """A missing target is a link of the chain."""
    gone = Finding(code="target-gone", severity="error", message="m", remedy="Plan again.")
    diagnosis = diagnosing.diagnose(
        a_situation(endpoints=()), target_status={}, target_findings=(gone,), runs=REFUSED, since=DAY
    )
    errors = [finding.code for finding in diagnosis.findings if finding.severity == "error"]
    assert errors == ["endpoint-missing", "target-gone"]


def test_unreadable_runs_are_not_an_error():
    """The finding is an info, and the rest of the chain is judged."""
    diagnosis = diagnosed(runs=REFUSED)
    assert codes(diagnosis)["runs-unreadable"] == "info"
    assert diagnosis.ok
    assert diagnosis.runs is None


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        (RecentRuns(0, False, ()), {"no-recent-runs": "info"}),
        (RecentRuns(2, False, ()), {"no-lineage-activities": "info"}),
        (RecentRuns(2, False, (), ("403",)), {"runs-partly-unreadable": "info"}),
        (RecentRuns(1, False, (a_run(lineage="NotReported"),)), {"lineage-not-reported": "warning"}),
        (RecentRuns(1, False, (a_run(lineage=None),)), {"lineage-silent": "warning"}),
        (RecentRuns(1, False, (a_run(lineage="Gedeihlich"),)), {"lineage-status-unknown": "warning"}),
        (RecentRuns(1, False, (a_run(lineage="Timed Out"),)), {"lineage-failed": "error"}),
        (RecentRuns(1, False, (a_run(lineage="failed"),)), {"lineage-failed": "error"}),
        (RecentRuns(1, True, (a_run(lineage="SUCCEEDED"), a_run("b"))), {"lineage-arrives": "info"}),
        (RecentRuns(1, False, (a_run(lineage=None, status="Failed"),)), {"activities-not-succeeded": "info"}),
        (RecentRuns(1, False, (a_run(lineage="Failed", status="InProgress"),)), {"activities-not-succeeded": "info"}),
    ],
)  # fmt: skip
def test_lineage_statuses_of_runs(runs, expected):
    """Each status is read in any spelling; an undocumented one is unknown."""
    found = codes(diagnosed(runs=runs))
    assert found == expected


OUTSIDE = Runtime("ir-azure", "azure")


@pytest.mark.parametrize(
    ("runtimes", "ran_on", "firewall", "is_outside"),
    [
        ((INSIDE,), "AutoResolveIntegrationRuntime (West Europe)", CLOSED, True),
        ((INSIDE,), "autoresolveintegrationruntime", CLOSED, True),
        ((INSIDE, OUTSIDE), "IR-azure (West Europe)", CLOSED, True),
        ((INSIDE,), "ir-vnet (West Europe)", CLOSED, False),
        ((Runtime("AutoResolveIntegrationRuntime", "azure-managed-vnet"),), "AutoResolveIntegrationRuntime (x)", CLOSED, False),
        ((INSIDE,), "ir-of-another-factory (West Europe)", CLOSED, False),
        ((INSIDE,), None, CLOSED, False),
        (None, "AutoResolveIntegrationRuntime (West Europe)", CLOSED, False),
        ((INSIDE,), "AutoResolveIntegrationRuntime (West Europe)", OPEN, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("lineage", ["Failed", None, "Gedeihlich"])
def test_lineage_lost_on_a_public_runtime_is_an_error(runtimes, ran_on, firewall, is_outside, lineage):
    """With a closed firewall, a public runtime is the reason why lineage did not arrive."""
    ran = RecentRuns(1, False, (a_run(lineage=lineage, runtime=ran_on),))
    diagnosis = diagnosed(ran, runtimes=runtimes, account=an_account(firewall=firewall))
    found = [one for one in diagnosis.findings if one.code == "ran-outside-the-network"]
    assert bool(found) is is_outside
    assert all("ir-vnet" in one.remedy and one.severity == "error" for one in found)


def test_a_public_runtime_is_not_an_error_if_lineage_arrived():
    """No cause is needed."""
    ran = RecentRuns(1, False, (a_run(runtime="AutoResolveIntegrationRuntime (West Europe)"),))
    assert "ran-outside-the-network" not in codes(diagnosed(ran, runtimes=(INSIDE,)))


def test_the_status_of_an_activity_is_evidence():
    """The evidence of an activity that did not succeed is its own status, not that of its lineage."""
    ran = RecentRuns(1, False, (a_run(lineage=None, status="Cancelled"),))
    [finding] = [one for one in diagnosed(ran).findings if one.code == "activities-not-succeeded"]
    assert finding.evidence == ("pl / copy (Copy): Cancelled, run r1",)


def test_the_newest_run_of_an_activity_decides():
    """A failure last week does not matter if today's run succeeds; both are counted."""
    both = (a_run(), a_run(lineage="Failed", run_id="r0"))
    diagnosis = diagnosed(runs=RecentRuns(runs=2, more=False, activities=both))
    assert diagnosis.ok
    assert diagnosis.lineage == {"Succeeded": 1, "Failed": 1}


def test_evidence_is_cut_after_ten_lines():
    """The last line counts the others; each line names the runtime."""
    many = tuple(a_run(f"a{n}", "Failed", runtime="ir") for n in range(100))
    (finding,) = [
        one
        for one in diagnosed(runs=RecentRuns(runs=9, more=True, activities=many)).findings
        if one.code == "lineage-failed"
    ]
    assert len(finding.evidence) == 11
    assert finding.evidence[-1] == "and 90 more"
    assert "on ir" in finding.evidence[0]
    assert "newest 9" in finding.message


@pytest.mark.parametrize(
    "fields",
    [
        {"account": None},
        {"endpoints": None, "networks": None},
        {"account": an_account(shape="F", targets=(), warnings=(UNKNOWN_SHAPE,))},
        {"spec": a_spec(groups=("namespace",)), "account": an_account(shape="B", targets=TARGETS[:3])},
    ],
)
def test_a_partly_readable_setup_is_diagnosed(fields):
    """Unknown links have no finding, and no exception is raised."""
    found = codes(diagnosed(**fields))
    assert not {code for code in found if code.startswith(("endpoint-", "approval-"))}


@given(output=json_values, kind=st.sampled_from(("Copy", "copy", "ExecuteDataFlow", "ForEach", "")))
def test_any_output_of_an_activity_is_accepted(output, kind):
    """The lineage status is a text or None."""
    runs, token = factory.read_activity_page({"value": [{"activityType": kind, "output": output}, 3]})
    assert token is None
    assert len(runs) == (kind.casefold() in {"copy", "executedataflow"})
    assert all(run.lineage is None or run.lineage for run in runs)


@given(page=st.dictionaries(st.sampled_from(("value", "continuationToken")), json_values))
def test_any_page_of_runs_is_accepted(page):
    """Fields of the wrong type are read as absent."""
    ids, token = factory.read_run_page(page)
    assert all(ids)
    assert token is None or token


@pytest.mark.parametrize(
    "output",
    [
        {"reportLineageToPurview": {"status": "Failed"}},
        {"reportLineageToPurvew": {"status": "Failed"}},
        {"REPORTLINEAGETOPURVIEW": {"Status": "Failed"}},
        {"reportLineageToPurview": "Failed"},
        {"reportLineageToPurview": {"status": ""}, "reportlineagetopurvew": {"STATUS": "Failed"}},
    ],
)
def test_every_spelling_of_the_lineage_key_is_read(output):
    """Microsoft's pages misspell it, and its letter case is not documented."""
    (run,), _ = factory.read_activity_page({"value": [{"activityType": "Copy", "output": output}]})
    assert run.lineage == "Failed"


# --- the verb


def writes(emulator: Emulator) -> list[Any]:
    """Requests that change something; a query for runs is a POST and changes nothing."""
    return [request for request in emulator.writes if "query" not in request.path]


def test_a_working_setup_is_ok(colour, emulator, ready):
    """No finding is a warning or an error, and no request writes."""
    emulator.add_activity_run()
    before = len(writes(emulator))
    diagnosis = colour.run(emulator, lambda client: client.diagnose(ready))
    assert diagnosis.ok
    assert diagnosis.lineage == {"Succeeded": 1}
    assert {finding.severity for finding in diagnosis.findings} == {"info"}
    assert len(writes(emulator)) == before


def test_a_removed_connection_is_stale(colour, emulator, ready):
    """The targets are read, because the factory still says Approved."""
    emulator.disconnect("purview_blob")
    diagnosis = colour.run(emulator, lambda client: client.diagnose(ready))
    assert codes(diagnosis)["approval-stale"] == "error"


def test_without_rights_on_the_targets_the_factory_counts(colour, emulator, ready):
    """An info says that the targets were not read."""
    diagnosis = colour.run(emulator, lambda client: client.diagnose(ready), roles=("requester",))
    assert codes(diagnosis)["target-unreadable"] == "info"
    assert diagnosis.ok


def test_runs_before_since_are_left_out(colour, emulator, ready):
    """`since` sets the time range."""
    emulator.add_activity_run(lineage_status="Failed", ago=3 * 3600)
    assert colour.run(emulator, lambda client: client.diagnose(ready, since=timedelta(hours=1))).runs == 0
    diagnosis = colour.run(emulator, lambda client: client.diagnose(ready, since=timedelta(hours=4)))
    assert diagnosis.lineage == {"Failed": 1}
    assert diagnosis.since == timedelta(hours=4)


@pytest.mark.parametrize("page_size", [100, 7])
def test_at_most_fifty_runs_are_read(colour, page_size):
    """The newest ones, whatever the page size."""
    emulator = Emulator(page_size=page_size)
    for n in range(60):
        emulator.add_activity_run(name=f"a{n}", lineage_status="Succeeded" if n < 50 else "Failed", ago=60 + n)
    diagnosis = colour.run(emulator, lambda client: client.diagnose(spec_for(emulator)))
    assert (diagnosis.runs, diagnosis.lineage) == (50, {"Succeeded": 50})
    queries = [request for request in emulator.requests if request.path.casefold().endswith("queryactivityruns")]
    assert len(queries) == 50


def test_activities_are_read_over_pages(colour):
    """A run with more activities than one page is read to its end."""
    emulator = Emulator(page_size=2)
    run = emulator.add_pipeline_run()
    for n in range(5):
        emulator.add_activity_run(run_id=run, name=f"a{n}")
    diagnosis = colour.run(emulator, lambda client: client.diagnose(spec_for(emulator)))
    assert diagnosis.lineage == {"Succeeded": 5}


def test_endless_pages_are_given_up(colour, emulator, ready):
    """The pages that were read count."""
    emulator.add_activity_run()
    forever = b'{"value": [{"activityType": "Copy", "activityName": "a"}], "continuationToken": "YWZ0ZXI6MA"}'
    emulator.inject(Fault.body("POST", forever, times=None))
    diagnosis = colour.run(emulator, lambda client: client.diagnose(ready))
    assert diagnosis.runs == 0
    emulator.clear_faults()
    emulator.inject(Fault.body("POST", forever, path="queryActivityruns", times=None))
    diagnosis = colour.run(emulator, lambda client: client.diagnose(ready))
    assert diagnosis.lineage == {"(silent)": 20}


@pytest.mark.parametrize("status", [403, 404, 500])
def test_an_unreadable_run_does_not_hide_the_others(colour, emulator, ready, status):
    """A finding says that its activities are missing."""
    bad = emulator.add_pipeline_run()
    emulator.add_activity_run()
    emulator.inject(Fault.status("POST", status, path=f"{bad}/queryActivityruns", times=None))
    diagnosis = colour.run(emulator, lambda client: client.diagnose(ready))
    assert codes(diagnosis)["runs-partly-unreadable"] == "info"
    assert diagnosis.lineage == {"Succeeded": 1}


@pytest.mark.parametrize("body", ["{}", '{"error": {"code": "Oops"}}', "[1]", '{"value": null}'])
def test_an_answer_without_a_list_does_not_mean_no_runs(colour, emulator, ready, body):
    """Runs, or the activities of a run, are reported as unreadable."""
    bad = emulator.add_pipeline_run()
    emulator.add_activity_run()
    emulator.inject(Fault.body("POST", body, path=f"{bad}/queryActivityruns", times=None))
    diagnosis = colour.run(emulator, lambda client: client.diagnose(ready))
    (partly,) = (one for one in diagnosis.findings if one.code == "runs-partly-unreadable")
    assert partly.evidence[0].startswith(f"Could not list the activities of the pipeline run '{bad}': the answer 200 ")
    assert diagnosis.lineage == {"Succeeded": 1}
    emulator.inject(Fault.body("POST", body, path="queryPipelineRuns", times=None))
    diagnosis = colour.run(emulator, lambda client: client.diagnose(ready))
    (unreadable,) = (one for one in diagnosis.findings if one.code == "runs-unreadable")
    assert unreadable.evidence[0].startswith(
        "Could not list the recent pipeline runs of the factory 'df1': the answer 200 cannot be read ("
    )
    assert unreadable.cause == "The request for them failed, so it is not known whether any pipeline ran."
    assert (diagnosis.runs, "no-recent-runs" in codes(diagnosis)) == (None, False)


def test_one_forbidden_read_does_not_end_the_diagnosis(colour, emulator, ready):
    """Each read of the factory and of its runs may be forbidden."""
    for path in ("*/factories/df1", "*/managedVirtualNetworks", "*/managedPrivateEndpoints", "*/integrationRuntimes"):
        emulator.inject(Fault.status("GET", 403, path=path))
        diagnosis = colour.run(emulator, lambda client: client.diagnose(ready))
        assert "factory-unreadable" in codes(diagnosis), path
    emulator.inject(Fault.status("POST", 403, path="queryPipelineRuns"))
    diagnosis = colour.run(emulator, lambda client: client.diagnose(ready))
    assert codes(diagnosis)["runs-unreadable"] == "info"


def test_a_replaced_account_is_diagnosed(colour, emulator, ready):
    """The old account is missing, and for the new one the factory is connected elsewhere."""
    new = emulator.add_account("pv2")
    emulator.remove(emulator.account)
    assert "account-missing" in codes(colour.run(emulator, lambda client: client.diagnose(ready)))
    moved = spec_for(emulator, new)
    found = codes(colour.run(emulator, lambda client: client.diagnose(moved)))
    assert found["connected-elsewhere"] == "error"


def test_event_hubs_enabled_later_is_an_error(colour):
    """The account has a namespace now, and the factory has no endpoint to it."""
    emulator = Emulator()
    spec = spec_for(emulator)
    without = spec.model_copy(update={"groups": ("account", "blob", "queue")})
    colour.run(emulator, lambda client: client.create_all(without, approve=True)).raise_for_failures()
    found = codes(colour.run(emulator, lambda client: client.diagnose(spec)))
    assert found["event-hubs-enabled-later"] == "error"
    assert "endpoint-missing" not in found


def test_a_missing_factory_raises_not_found(colour, emulator):
    """Without a factory a diagnosis is impossible."""
    spec = spec_for(emulator)
    emulator.remove(emulator.factory)
    with pytest.raises(NotFound):
        colour.run(emulator, lambda client: client.diagnose(spec))


@pytest.mark.parametrize("since", [0, 24, timedelta(0), timedelta(days=46), timedelta(seconds=-1), None])
def test_since_is_checked_before_anything_is_sent(colour, emulator, since):
    """It is a timedelta, and not longer than Data Factory keeps runs."""
    with pytest.raises(InvalidSpec, match="since"):
        colour.run(emulator, lambda client: client.diagnose(spec_for(emulator), since=since))
    assert not emulator.requests


def test_a_diagnosis_survives_json(colour, emulator, ready):
    """It is equal after it was written and read."""
    emulator.add_activity_run(lineage_status="Failed")
    diagnosis = colour.run(emulator, lambda client: client.diagnose(ready))
    assert Diagnosis.model_validate_json(diagnosis.model_dump_json()) == diagnosis
