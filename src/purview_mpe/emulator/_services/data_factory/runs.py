"""Microsoft.DataFactory: runs of pipelines and activities, whose output says whether lineage arrived."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import bad_request, read_token, write_token
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_factory.factories import find_factory
from purview_mpe.emulator._services.versions import DATA_FACTORY
from purview_mpe.emulator._state.nouns import PipelineRun
from purview_mpe.emulator._values.exchange import ArmError, Response
from purview_mpe.emulator._values.json_values import list_of, object_of, strings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.nouns import Factory
    from purview_mpe.emulator._state.world import World

# The activities that can report lineage (documentation); others have no such output.
LINEAGE_TYPES = frozenset({"Copy", "ExecuteDataFlow", "ExecuteSSISPackage"})

#: The statuses of a run that has not ended (docs).
UNDER_WAY = frozenset({"Queued", "InProgress"})

# Operands of filters and orders, with their properties (spec).
_OPERANDS = {
    "PipelineName": "pipelineName",
    "Status": "status",
    "RunStart": "runStart",
    "RunEnd": "runEnd",
    "ActivityName": "activityName",
    "ActivityType": "activityType",
    "ActivityRunStart": "activityRunStart",
    "ActivityRunEnd": "activityRunEnd",
    "RunGroupId": "runGroupId",
    # No run of the emulator was started by a trigger.
    "TriggerName": "triggerName",
    "TriggerRunTimestamp": "triggerRunTimestamp",
    "LatestOnly": "latestOnly",
}
_OPERATORS = {"Equals": True, "In": True, "NotEquals": False, "NotIn": False}


def new_run(world: World, factory: Factory, *, pipeline: str, status: str, ago: float) -> PipelineRun:
    """Record that a pipeline ran, `ago` seconds before now."""
    at = world.now() - ago
    run = _add_run(world, factory, pipeline, status, at - 60)
    run.last_updated = at
    run.body |= {"runEnd": world.stamp(at), "durationInMs": 60_000, "lastUpdated": world.stamp(at)}
    return run


def _add_run(world: World, factory: Factory, pipeline: str, status: str, began: float) -> PipelineRun:
    run_id = world.guid()
    body: dict[str, Any] = {
        "runId": run_id,
        "runGroupId": run_id,
        "isLatest": True,
        "pipelineName": pipeline,
        "parameters": {},
        "invokedBy": {"id": world.hex(32), "name": "Manual", "invokedByType": "Manual"},
        "runStart": world.stamp(began),
        "runEnd": None,
        "durationInMs": None,
        "status": status,
        "message": "",
        "lastUpdated": world.stamp(began),
    }
    run = PipelineRun(run_id, body, began, serial=world.serial(), began=began)
    factory.runs[run_id] = run
    return run


def begin_run(world: World, factory: Factory, *, pipeline: str) -> PipelineRun:
    """Begin a run now."""
    return _add_run(world, factory, pipeline, "Queued", world.now())


def change_run(world: World, run: PipelineRun, status: str) -> None:
    """Change the status of a run, or end it."""
    now = world.now()
    run.last_updated = now
    run.body |= {"status": status, "lastUpdated": world.stamp(now)}
    if status not in UNDER_WAY:
        run.body |= {"runEnd": world.stamp(now), "durationInMs": round((now - run.began) * 1000)}
        # The message of a failed run is not documented.
        run.body["message"] = "" if status == "Succeeded" else f"The run ended as {status}."


def begin_activity(world: World, run: PipelineRun, *, name: str, kind: str, runtime: str) -> None:
    """Begin an activity now, on an integration runtime."""
    run.activities.append(
        {
            "activityName": name,
            "activityRunId": world.guid(),
            "activityType": kind,
            "activityRunStart": world.stamp(),
            "activityRunEnd": None,
            "durationInMs": None,
            "pipelineName": run.body["pipelineName"],
            "pipelineRunId": run.run_id,
            "linkedServiceName": "",
            "status": "InProgress",
            "error": {"errorCode": "", "message": "", "failureType": "", "target": name},
            "input": {},
            "output": {"effectiveIntegrationRuntime": f"{runtime} (West Europe)"},
        }
    )


def end_activity(world: World, run: PipelineRun, *, status: str, lineage_status: str | None) -> None:
    """End the last activity of a run, with what it reports about its lineage."""
    activity = run.activities[-1]
    output: dict[str, Any] = activity["output"]
    if lineage_status is not None and activity["activityType"] in LINEAGE_TYPES:
        output["reportLineageToPurview"] = {"status": lineage_status, "durationInSecond": 4}
    seconds = world.seconds("pipeline_run")
    activity |= {"status": status, "activityRunEnd": world.stamp(), "durationInMs": round(seconds * 1000)}


def new_activity_run(
    world: World,
    run: PipelineRun,
    *,
    name: str,
    kind: str,
    status: str,
    lineage_status: str | None,
    lineage_key: str,
    output: Mapping[str, Any] | None,
) -> str:
    """Record that an activity ran as part of a pipeline run."""
    outputs = dict(output or {"effectiveIntegrationRuntime": "AutoResolveIntegrationRuntime (West Europe)"})
    if lineage_status is not None and kind in LINEAGE_TYPES:
        outputs[lineage_key] = {"status": lineage_status, "durationInSecond": 4}
    activity_run_id = world.guid()
    run.activities.append(
        {
            "activityName": name,
            "activityRunId": activity_run_id,
            "activityType": kind,
            "activityRunStart": world.stamp(run.last_updated - 50),
            "activityRunEnd": world.stamp(run.last_updated),
            "durationInMs": 50_000,
            "pipelineName": run.body["pipelineName"],
            "pipelineRunId": run.run_id,
            "linkedServiceName": "",
            "status": status,
            "error": {"errorCode": "", "message": "", "failureType": "", "target": name},
            "input": {},
            "output": outputs,
        }
    )
    return activity_run_id


def _query_pipeline_runs(call: Call) -> Response:
    factory, body = find_factory(call), call.json
    after, before = _window(call, body)
    found = [run.body for run in factory.runs.values() if after <= run.last_updated <= before]
    return _answer(call, body, found)


def _get_run(call: Call) -> Response:
    return Response(200, _find_run(call).body)


def _query_activity_runs(call: Call) -> Response:
    run, body = _find_run(call), call.json
    after, before = _window(call, body)
    return _answer(call, body, run.activities if after <= run.last_updated <= before else [])


def _find_run(call: Call) -> PipelineRun:
    run = find_factory(call).runs.get(call["run"].casefold())
    if run is None:
        raise ArmError(404, "RunNotFound", f"The run '{call['run']}' could not be found.")
    return run


def _answer(call: Call, body: Mapping[str, Any], rows: Iterable[dict[str, Any]]) -> Response:
    # The whole query is checked first, so a malformed one is refused even if there are no runs.
    filters, order = _filters(body), _order(body)
    rows = [row for row in rows if all(passes(row) for passes in filters)]
    for key, descending in reversed(order):
        rows = sorted(rows, key=lambda row: str(row.get(key, "")), reverse=descending)
    token = body.get("continuationToken")
    if token is not None and not isinstance(token, str):
        raise _invalid("continuationToken")
    start = read_token(token) if token else 0
    size = call.world.settings.page_size
    answer: dict[str, Any] = {"value": rows[start : start + size]}
    if len(rows) > start + size:
        # Not a link: the client sends it back in the body (spec).
        answer["continuationToken"] = write_token(start + size)
    return Response(200, answer)


def _filters(body: Mapping[str, Any]) -> list[Callable[[dict[str, Any]], bool]]:
    return [_filter(item) for item in _items(body, "filters")]


def _filter(wanted: Mapping[str, Any]) -> Callable[[dict[str, Any]], bool]:
    key, values = _OPERANDS.get(str(wanted.get("operand"))), strings_of(wanted.get("values"))
    wants_in = _OPERATORS.get(str(wanted.get("operator")))
    if key is None or values is None or wants_in is None:
        raise _invalid("filters")
    return lambda row: (str(row.get(key, "")) in values) is wants_in


def _order(body: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """The properties to sort by, the most significant first, and whether each is descending."""
    order: list[tuple[str, bool]] = []
    for item in _items(body, "orderBy"):
        key = _OPERANDS.get(str(item.get("orderBy")))
        if key is None or item.get("order") not in ("ASC", "DESC"):
            raise _invalid("orderBy")
        order.append((key, item["order"] == "DESC"))
    return order


def _items(body: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    given = body.get(key)
    items = [] if given is None else list_of(given)
    objects = [object_of(item) for item in items or ()]
    if items is None or None in objects:
        raise _invalid(key)
    return [item for item in objects if item is not None]


def _invalid(key: str) -> ArmError:
    return bad_request(f"The property '{key}' has an invalid value.", "InvalidPropertyValue")


def _window(call: Call, body: Mapping[str, Any]) -> tuple[float, float]:
    """The requested times on the emulator's clock."""
    return _moment(call, body, "lastUpdatedAfter"), _moment(call, body, "lastUpdatedBefore")


def _moment(call: Call, body: Mapping[str, Any], key: str) -> float:
    try:
        moment = datetime.fromisoformat(str(body.get(key, "")))
    except ValueError:
        raise bad_request(f"The property '{key}' must be an ISO 8601 time.", "InvalidPropertyValue") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return call.world.moment_of(moment) + call.world.ahead_of_calendar()


_FACTORIES = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.DataFactory/factories"
_FACTORY = f"{_FACTORIES}/{{factory}}"
_RUN = f"{_FACTORY}/pipelineruns/{{run}}"
_ACTION = "Microsoft.DataFactory/factories"
_ACTIVITIES_READ = f"{_ACTION}/pipelineruns/queryactivityruns/read"

# A Reader can monitor a factory (documentation), so these POSTs count as reading.
ROUTES = (
    Route(
        "POST", f"{_FACTORY}/queryPipelineRuns", DATA_FACTORY, _query_pipeline_runs, f"{_ACTION}/querypipelineruns/read"
    ),
    Route("GET", _RUN, DATA_FACTORY, _get_run, f"{_ACTION}/pipelineruns/read"),
    Route("POST", f"{_RUN}/queryActivityruns", DATA_FACTORY, _query_activity_runs, _ACTIVITIES_READ),
)
