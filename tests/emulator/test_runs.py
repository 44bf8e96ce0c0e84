"""Runs of pipelines and activities, and what they say about lineage."""

from datetime import UTC, datetime, timedelta

import pytest
from azure.mgmt.datafactory import DataFactoryManagementClient

from purview_mpe.emulator import Emulator


def window(**more):
    now = datetime.now(UTC)
    return {
        "lastUpdatedAfter": (now - timedelta(hours=24)).isoformat(),
        "lastUpdatedBefore": now.isoformat(),
        **more,
    }


def pipeline_runs(client, **more):
    found, token = [], None
    while True:
        answer = client.pipeline_runs.query_by_factory("rg1", "df1", window(continuationToken=token, **more))
        found += answer.value
        token = answer.continuation_token
        if not token:
            return found


@pytest.mark.parametrize(
    ("added", "shown"),
    [
        ({}, {"reportLineageToPurview": {"status": "Succeeded", "durationInSecond": 4}}),
        (
            {"lineage_status": "NotReported"},
            {"reportLineageToPurview": {"status": "NotReported", "durationInSecond": 4}},
        ),
        (
            {"lineage_key": "reportLineageToPurvew"},
            {"reportLineageToPurvew": {"status": "Succeeded", "durationInSecond": 4}},
        ),
        ({"lineage_status": None}, {}),
        ({"activity_type": "Lookup"}, {}),
        (
            {"lineage_status": None, "output": {"reportLineageToPurview": "odd"}},
            {"reportLineageToPurview": "odd"},
        ),
    ],
)
def test_lineage_shows_in_the_output(datafactory, emulator, added, shown):
    """An activity that can report lineage says how that went, under the right key or a misspelled one."""
    emulator.add_activity_run(**added)
    [run] = pipeline_runs(datafactory)
    answer = datafactory.activity_runs.query_by_pipeline_run("rg1", "df1", run.run_id, window())
    [activity] = [found.as_dict() for found in answer.value]
    assert {key: value for key, value in activity["output"].items() if "Lineage" in key} == shown
    assert activity["pipelineRunId"] == run.run_id
    assert datafactory.pipeline_runs.get("rg1", "df1", run.run_id).as_dict() == run.as_dict()


def test_runs_are_found_by_time_on_whichever_clock():
    """A client reads its dates from the calendar; the emulator's clock may be far ahead of it."""
    emulator = Emulator()
    client = DataFactoryManagementClient(
        emulator.credential, emulator.factory.subscription, transport=emulator.transport()
    )
    emulator.add_pipeline_run(pipeline="old", ago=25 * 3600)
    emulator.clock.advance(7200)
    emulator.add_pipeline_run(pipeline="new", ago=60)
    assert [run.pipeline_name for run in pipeline_runs(client)] == ["new"]


def test_an_epoch_brings_its_own_dates(make_arm):
    """With an epoch the dates in a query are dates of the emulator."""
    emulator = Emulator(epoch=datetime(2025, 1, 1, tzinfo=UTC))
    emulator.add_pipeline_run()
    path = f"{emulator.factory}/queryPipelineRuns"
    for day, count in (("2024-12-31", 1), ("2025-01-01", 0)):
        body = {"lastUpdatedAfter": f"{day}T00:00:00", "lastUpdatedBefore": "2025-01-02T00:00:00Z"}
        assert len(make_arm(emulator).send("POST", path, body=body).json()["value"]) == count


def test_runs_are_filtered_ordered_and_continued():
    """Filters and order work; a long answer is continued by a token in the body."""
    emulator = Emulator(page_size=2)
    client = DataFactoryManagementClient(
        emulator.credential, emulator.factory.subscription, transport=emulator.transport()
    )
    for number in range(5):
        emulator.add_pipeline_run(
            pipeline=f"p{number}", ago=600 - number, status="Failed" if number == 2 else "Succeeded"
        )
    assert [run.pipeline_name for run in pipeline_runs(client)] == ["p0", "p1", "p2", "p3", "p4"]
    newest = pipeline_runs(client, orderBy=[{"orderBy": "RunEnd", "order": "DESC"}])
    assert [run.pipeline_name for run in newest] == ["p4", "p3", "p2", "p1", "p0"]
    for operator, names in (
        ("Equals", ["p2"]),
        ("NotEquals", ["p0", "p1", "p3", "p4"]),
        ("In", ["p2"]),
        ("NotIn", ["p0", "p1", "p3", "p4"]),
    ):
        filters = [{"operand": "Status", "operator": operator, "values": ["Failed"]}]
        assert [run.pipeline_name for run in pipeline_runs(client, filters=filters)] == names


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"lastUpdatedAfter": "yesterday", "lastUpdatedBefore": "2025-01-01"},
        {"lastUpdatedAfter": 5, "lastUpdatedBefore": "2025-01-01"},
        {**window(), "filters": [{"operand": "Colour", "operator": "Equals", "values": ["red"]}]},
        {**window(), "filters": ["nonsense"]},
        {**window(), "filters": 5},
        {**window(), "filters": [{"operand": "Status", "operator": "Resembles", "values": ["Failed"]}]},
        {**window(), "filters": [{"operand": "Status", "operator": "In", "values": "Failed"}]},
        {**window(), "orderBy": {"orderBy": "RunEnd", "order": "DESC"}},
        {**window(), "orderBy": [{"orderBy": "Colour", "order": "ASC"}]},
        {**window(), "orderBy": [{"orderBy": "RunEnd", "order": "downwards"}]},
        {**window(), "orderBy": ["RunEnd"]},
        {**window(), "continuationToken": "nonsense"},
        {**window(), "continuationToken": 5},
    ],
)
def test_a_malformed_query_is_refused(arm, emulator, body):
    """Dates that are none, unknown operands and foreign tokens are a 400, although there is no run to look at."""
    assert arm.send("POST", f"{emulator.factory}/queryPipelineRuns", body=body).status_code == 400


def test_an_unknown_run_is_not_found(arm, emulator):
    """GET and queries of an absent run are a 404."""
    path = f"{emulator.factory}/pipelineruns/00000000-0000-4000-8000-000000000000"
    assert arm.get(path).status_code == 404
    assert arm.send("POST", f"{path}/queryActivityruns", body=window()).status_code == 404


def test_activities_share_a_run(datafactory, emulator):
    """Several activities can belong to one run, in order."""
    run_id = emulator.add_pipeline_run()
    for name in ("first", "second"):
        emulator.add_activity_run(run_id=run_id, name=name)
    answer = datafactory.activity_runs.query_by_pipeline_run("rg1", "df1", run_id, window())
    assert [activity.activity_name for activity in answer.value] == ["first", "second"]
