"""A host's Durable extension: orchestrations with their history, in a file that a later host continues.

A turn is one invocation of the orchestrator with the whole history as JSON, as the real extension sends it. A turn or
an activity whose worker died is given to another one. A child whose id belongs to a running instance is dropped, and
its parent is not notified.
"""

from __future__ import annotations

import json
import threading
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from azure.durable_functions.models.actions.ActionType import ActionType
from azure.durable_functions.models.history.HistoryEventType import HistoryEventType

from tests.functions_host.workers import KINDS, Dead, Workers

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]
#: How many turns and activities run at once.
_AT_ONCE = 8


class Extension:
    """All orchestrations of one task hub."""

    def __init__(self, workers: Workers, store: Path) -> None:
        self._workers, self._store = workers, store
        self._changed = threading.Condition()
        self._under_way: set[tuple[str, int]] = set()
        """Turns (number -1) and activities that a worker has."""
        self._is_open = True
        self.largest: dict[str, int] = {}
        """Bytes of the largest context of each orchestrator."""
        self.instances: dict[str, Json] = json.loads(store.read_bytes()) if store.exists() else {}
        self._loop = threading.Thread(target=self._run)
        self._loop.start()

    def close(self) -> None:
        """Stop: results of work in progress are ignored."""
        with self._changed:
            self._is_open = False
            self._changed.notify_all()
        self._loop.join()

    # --- operations of clients

    def start(self, name: str, given: str | None, instance: str | None, parent: list[Any] | None = None) -> str | None:
        """Start an orchestration; its id, or None if a running instance has it."""
        with self._changed:
            chosen = instance or uuid.uuid4().hex
            there = self.instances.get(chosen)
            if there is not None and there["state"] in {"Pending", "Running"}:
                return None
            self.instances[chosen] = {
                "id": chosen,
                "name": name,
                "generation": 0,
                "parent": parent,
                "state": "Pending",
                "status": None,
                "output": None,
                **_fresh(name, given),
            }
            self._save()
            return chosen

    def raise_event(self, instance: str, name: str, data: str) -> bool:
        """Raise an event; False if the instance has ended."""
        with self._changed:
            each = self.instances[instance]
            if each["state"] not in {"Pending", "Running"}:
                return False
            each["news"].append(_event(HistoryEventType.EVENT_RAISED, Name=name, Input=data))
            self._save()
            return True

    # --- work

    def _run(self) -> None:
        with self._changed:
            while self._is_open:
                for each in list(self.instances.values()):
                    self._look_at(each)
                self._changed.wait(0.05)

    def _look_at(self, each: Json) -> None:
        """Start the work that this instance needs next."""
        if each["state"] not in {"Pending", "Running"}:
            return
        for number, due in list(each["timers"].items()):
            if datetime.fromisoformat(due) <= datetime.now(UTC):
                del each["timers"][number]
                each["news"].append(_event(HistoryEventType.TIMER_FIRED, TimerId=int(number)))
        if each["news"]:
            self._begin(each, -1)
        for number in each["activities"]:
            self._begin(each, int(number))

    def _begin(self, each: Json, number: int) -> None:
        key = each["id"], number
        if key not in self._under_way and len(self._under_way) < _AT_ONCE:
            self._under_way.add(key)
            target, args = (self._turn, (each,)) if number < 0 else (self._activity, (each, number))
            threading.Thread(target=target, args=args, daemon=True).start()

    def _end_of(self, each: Json, number: int) -> None:
        self._under_way.discard((each["id"], number))
        self._save()

    def _activity(self, each: Json, number: int) -> None:
        wanted, generation = each["activities"][str(number)], each["generation"]
        trigger = self._workers.functions()[wanted["functionName"]].binding("activityTrigger")
        assert trigger is not None
        try:
            answer = self._workers.call(
                wanted["functionName"], {trigger["name"]: KINDS.TypedData(json=wanted.get("input") or "null")}
            )
        except Dead:
            return
        with self._changed:
            if self._is_open and each["generation"] == generation and str(number) in each["activities"]:
                del each["activities"][str(number)]
                each["news"].append(_completed("TASK", number, answer))
            self._end_of(each, number)

    def _turn(self, each: Json) -> None:
        with self._changed:
            seen = [_event(HistoryEventType.ORCHESTRATOR_STARTED), *each["news"]]
            count = len(each["news"])
            context = json.dumps(
                {
                    "history": [*each["history"], *seen],
                    "instanceId": each["id"],
                    "isReplaying": False,
                    "parentInstanceId": each["parent"][0] if each["parent"] else None,
                    "input": each["input"],
                    "upperSchemaVersion": 1,
                }
            )
            self.largest[each["name"]] = max(self.largest.get(each["name"], 0), len(context))
        trigger = self._workers.functions()[each["name"]].binding("orchestrationTrigger")
        assert trigger is not None
        try:
            answer = self._workers.call(each["name"], {trigger["name"]: KINDS.TypedData(string=context)})
        except Dead:
            return
        with self._changed:
            if self._is_open:
                each["news"] = each["news"][count:]
                each["history"] += seen
                self._decided(each, answer)
            self._end_of(each, -1)

    def _decided(self, each: Json, answer: Any) -> None:
        """Record what an orchestrator decided in its turn."""
        if answer.result.status != KINDS.StatusResult.Success:
            self._over(each, "Failed", answer.result.exception.message)
            return
        decided = json.loads(_text(answer.return_value))
        decided = json.loads(decided) if isinstance(decided, str) else decided
        each["history"].append(_event(HistoryEventType.ORCHESTRATOR_COMPLETED))
        each["state"] = "Running"
        if decided.get("customStatus") is not None:
            each["status"] = decided["customStatus"]
        wanted = list(_flat(action for actions in decided["actions"] for action in actions))
        known = len(each["asked"])
        for before, after in zip(each["asked"], wanted, strict=False):
            assert (before[0], before[1]) == _asked(after), "the orchestrator decided otherwise in its replay"
        each["asked"] = [_asked(action) for action in wanted]
        for number, action in enumerate(wanted):
            if action.get("isCanceled"):
                each["timers"].pop(str(number), None)
            elif action["actionType"] == ActionType.CONTINUE_AS_NEW:
                each.update(_fresh(each["name"], action["input"], early=each["news"]))
                each["generation"] += 1
                return
            elif number >= known:
                self._act(each, number, action)
        if decided["isDone"]:
            self._over(each, "Completed", decided.get("output"))

    def _act(self, each: Json, number: int, action: Json) -> None:
        name = action.get("functionName")
        match action["actionType"]:
            case ActionType.CALL_ACTIVITY:
                each["history"].append(_event(HistoryEventType.TASK_SCHEDULED, number, Name=name))
                each["activities"][str(number)] = action
            case ActionType.CALL_SUB_ORCHESTRATOR:
                created = HistoryEventType.SUB_ORCHESTRATION_INSTANCE_CREATED
                child = action["instanceId"]
                given = action["input"]
                each["history"].append(_event(created, number, Name=name, InstanceId=child, Input=given))
                self.start(str(name), given, child, [each["id"], number])
            case ActionType.CREATE_TIMER:
                each["history"].append(_event(HistoryEventType.TIMER_CREATED, number, FireAt=action["fireAt"]))
                each["timers"][str(number)] = action["fireAt"]
            case unknown:
                raise AssertionError(unknown)

    def _over(self, each: Json, state: str, output: Any) -> None:
        each.update(state=state, output=output, news=[], timers={}, activities={})
        if each["parent"] is None:
            return
        parent, number = each["parent"]
        kind = "SUB_ORCHESTRATION_INSTANCE"
        if state == "Completed":
            completed = HistoryEventType[f"{kind}_COMPLETED"]
            news = _event(completed, TaskScheduledId=number, Result=json.dumps(output))
        else:
            news = _event(HistoryEventType[f"{kind}_FAILED"], TaskScheduledId=number, Reason=str(output), Details="")
        self.instances[parent]["news"].append(news)

    def _save(self) -> None:
        if self._is_open:
            half = self._store.with_suffix(".half")
            half.write_text(json.dumps(self.instances), encoding="utf-8")
            half.replace(self._store)
        self._changed.notify_all()


def _fresh(name: str, given: str | None, early: list[Json] | None = None) -> Json:
    """The state of an instance that starts, or starts again."""
    started = _event(HistoryEventType.EXECUTION_STARTED, Name=name, Input=json.dumps(given), Version=None)
    kept = [each for each in early or () if each["EventType"] == HistoryEventType.EVENT_RAISED]
    return {"input": given, "history": [], "news": [started, *kept], "asked": [], "timers": {}, "activities": {}}


def _event(kind: HistoryEventType, number: int = -1, **more: Any) -> Json:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {"EventType": int(kind), "EventId": number, "IsPlayed": False, "Timestamp": stamp, **more}


def _completed(what: str, number: int, answer: Any) -> Json:
    if answer.result.status == KINDS.StatusResult.Success:
        return _event(HistoryEventType[f"{what}_COMPLETED"], TaskScheduledId=number, Result=_text(answer.return_value))
    reason = answer.result.exception.message
    return _event(HistoryEventType[f"{what}_FAILED"], TaskScheduledId=number, Reason=reason, Details="")


def _text(data: Any) -> str:
    return str(getattr(data, data.WhichOneof("data")))


def _asked(action: Json) -> tuple[int, str | None]:
    """The action that a replay has to request again."""
    return int(action["actionType"]), action.get("functionName")


def _flat(actions: Any) -> Any:
    """Actions as the extension counts them: those of a compound action count separately, events do not count."""
    for action in actions:
        if "compoundActions" in action:
            yield from _flat(action["compoundActions"])
        elif action["actionType"] != ActionType.WAIT_FOR_EXTERNAL_EVENT:
            yield action
