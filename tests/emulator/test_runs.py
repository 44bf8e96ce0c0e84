"""Runs of pipelines and activities, and their lineage."""

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
def test_lineage_is_in_the_output(datafactory, emulator, added, shown):
    """An activity that can report lineage shows the result, under the right key or a misspelled one."""
    emulator.add_activity_run(**added)
    [run] = pipeline_runs(datafactory)
    answer = datafactory.activity_runs.query_by_pipeline_run("rg1", "df1", run.run_id, window())
    [activity] = [found.as_dict() for found in answer.value]
    assert {key: value for key, value in activity["output"].items() if "Lineage" in key} == shown
    assert activity["pipelineRunId"] == run.run_id
    assert datafactory.pipeline_runs.get("rg1", "df1", run.run_id).as_dict() == run.as_dict()


def test_runs_are_found_by_time_on_either_clock():
    """A client takes its dates from the calendar; the emulator's clock may be far ahead of it."""
    emulator = Emulator()
    client = DataFactoryManagementClient(
        emulator.credential, emulator.factory.subscription, transport=emulator.transport()
    )
    emulator.add_pipeline_run(pipeline="old", ago=25 * 3600)
    emulator.clock.advance(7200)
    emulator.add_pipeline_run(pipeline="new", ago=60)
    assert [run.pipeline_name for run in pipeline_runs(client)] == ["new"]


def test_an_epoch_changes_the_dates(make_arm):
    """With an epoch, the dates in a query are dates of the emulator."""
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
    """Invalid dates, unknown operands and foreign tokens are a 400, even without any run."""
    assert arm.send("POST", f"{emulator.factory}/queryPipelineRuns", body=body).status_code == 400


def test_a_missing_run_is_not_found(arm, emulator):
    """GET and queries are a 404."""
    path = f"{emulator.factory}/pipelineruns/00000000-0000-4000-8000-000000000000"
    assert arm.get(path).status_code == 404
    assert arm.send("POST", f"{path}/queryActivityruns", body=window()).status_code == 404


def test_a_run_has_several_activities(datafactory, emulator):
    """They are in order."""
    run_id = emulator.add_pipeline_run()
    for name in ("first", "second"):
        emulator.add_activity_run(run_id=run_id, name=name)
    answer = datafactory.activity_runs.query_by_pipeline_run("rg1", "df1", run_id, window())
    assert [activity.activity_name for activity in answer.value] == ["first", "second"]


# --- pipelines that are started


def create_run(datafactory, name="pl_copy"):
    return datafactory.pipelines.create_run("rg1", "df1", name, parameters={"day": 3}).run_id


def one_activity(datafactory, emulator, run_id):
    now = datetime.now(UTC)
    asked = {
        "lastUpdatedAfter": (now - timedelta(hours=24)).isoformat(),
        "lastUpdatedBefore": (now + timedelta(hours=24)).isoformat(),
    }
    [found] = datafactory.activity_runs.query_by_pipeline_run("rg1", "df1", run_id, asked).value
    return found.as_dict()


def test_a_run_progresses_by_itself(datafactory, emulator):
    """It is queued, in progress and done, on the emulator's clock; its activity ends with it."""
    run_id = create_run(datafactory)
    seen = []
    for seconds in (0, 5, 179, 1):
        emulator.clock.sleep(seconds)
        run = datafactory.pipeline_runs.get("rg1", "df1", run_id).as_dict()
        seen.append((run["status"], run["runEnd"] is None))
    assert seen == [("Queued", True), ("InProgress", True), ("InProgress", True), ("Succeeded", False)]
    assert run["parameters"] == {"day": "3"}
    assert run["durationInMs"] == 185_000
    activity = one_activity(datafactory, emulator, run_id)
    assert (activity["status"], activity["durationInMs"]) == ("Succeeded", 180_000)


@pytest.mark.parametrize(
    ("firewall", "network", "role", "status"),
    [
        ("enabled-from-all-networks", False, True, "Succeeded"),
        ("enabled-from-all-networks", False, False, "NotReported"),
        ("disabled-for-ingestion-only", False, True, "NotReported"),
        ("disabled-for-ingestion-only", True, True, "Succeeded"),
        ("disabled-from-all-networks", True, True, "NotReported"),
    ],
)
def test_lineage_needs_the_role_and_approved_endpoints(firewall, network, role, status):
    """Every closed target needs an endpoint; a closed account needs one of its own."""
    emulator = Emulator(firewall=firewall)
    if network:
        targets = emulator.targets(emulator.account)
        for group in ("blob", "queue", "namespace"):
            emulator.add_endpoint(emulator.factory, group, targets[group], group)
    if not role:
        emulator.catalog.revoke("data-curator", emulator.identity_of(emulator.factory))
    run_id = emulator.start_pipeline()
    emulator.clock.sleep(300)
    with DataFactoryManagementClient(
        emulator.credential, emulator.factory.subscription, transport=emulator.transport()
    ) as client:
        activity = one_activity(client, emulator, run_id)
    assert activity["output"]["reportLineageToPurview"]["status"] == status
    assert bool(emulator.catalog.entities()) is (status == "Succeeded")


def test_two_runs_update_the_same_entities(emulator):
    """Lineage arrives some time after each run, and the second one changes the entities of the first one."""
    emulator.add_pipeline("pl_forced", lineage_status="Succeeded")
    emulator.start_pipeline("pl_forced")
    emulator.clock.sleep(244)
    assert emulator.catalog.entities() == []
    emulator.clock.sleep(1)
    first = {entity.kind: entity for entity in emulator.catalog.entities()}
    assert set(first) == {
        "azure_data_factory", "adf_pipeline", "adf_copy_activity", "adf_copy_operation", "azure_blob_path"}  # fmt: skip
    emulator.start_pipeline("pl_forced")
    emulator.clock.sleep(300)
    second = {entity.kind: entity for entity in emulator.catalog.entities()}
    assert second["adf_copy_activity"].guid == first["adf_copy_activity"].guid
    ran = [one["adf_copy_activity"].attributes["lastRunTime"] for one in (first, second)]
    assert ran[1] > ran[0]
    assert len(emulator.catalog.relations()) == 2


def test_a_self_hosted_runtime_reaches_every_target(emulator):
    """Its network is the customer's own, which the emulator does not simulate."""
    emulator.add_runtime(emulator.factory, "shir", "self-hosted")
    emulator.add_pipeline(runtime="shir")
    emulator.start_pipeline()
    emulator.clock.sleep(300)
    assert len(emulator.catalog.entities()) == 6


def test_a_missing_pipeline_cannot_be_started(arm, emulator):
    """It is a 404; a caller without the right gets 403."""
    path = f"{emulator.factory}/pipelines/none/createRun"
    assert arm.send("POST", path).status_code == 404
    with pytest.raises(LookupError, match="has no pipeline 'none'"):
        emulator.start_pipeline("none")
    reader = type(arm)(emulator, emulator.credential_for("Reader"))
    assert reader.send("POST", f"{emulator.factory}/pipelines/pl_copy/createRun").status_code == 403


def test_a_run_in_progress_restarts_after_a_dump(emulator):
    """The dump has the pipelines with their options."""
    emulator.add_pipeline("pl_lonely", relations=False)
    emulator.start_pipeline("pl_lonely")
    emulator.clock.sleep(60)
    document = emulator.dump()
    again = Emulator.from_scenario(document)
    assert [one["name"] for one in document["factories"][0]["pipelines"]] == ["pl_copy", "pl_lonely"]
    again.clock.sleep(300)
    [run] = again.dump()["factories"][0]["runs"]
    assert (run["pipeline"], run["status"]) == ("pl_lonely", "Succeeded")
