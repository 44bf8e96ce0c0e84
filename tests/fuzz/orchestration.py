"""A whole orchestration, on an engine that loses answers and passes any data on as the decision."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from purview_mpe import Client, FleetReport, Retry
from purview_mpe.durable import FleetRequest, _activities
from purview_mpe.durable._engine import APPROVAL, APPROVE, CREATE, LANE, ONBOARD, PAGE, TURN, Unanswered
from purview_mpe.durable._lane import lane
from purview_mpe.durable._orchestration import fleet
from purview_mpe.durable._page import page
from purview_mpe.durable._turn import turn
from purview_mpe.emulator import Emulator

from .bending import bent, rubbish

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from .subject import Subject


def run(subject: Subject, random: Random) -> None:
    """A valid or changed request, to its end: a report for each of its specs, and no approval without a decision."""
    document = subject.documents["FleetRequest"] | {"approval": random.choice(("none", "at-once", "when-told"))}
    document["verb"] = random.choice(("create", "onboard"))
    if random.random() < 0.5:
        document = bent(random, document)
    azure = Emulator(provisioning=1, connection_delay=0.5)
    with Client(azure.credential, transport=azure.transport(), retry=Retry(attempts=1)) as client:
        engine = _Engine(random, client)
        report = FleetReport.model_validate(json.loads(json.dumps(engine.whole(document))))
    request = FleetRequest.model_validate(document)
    assert [one.spec for one in report.reports] == list(request.specs)
    if request.approval == "none" or (request.approval == "when-told" and not engine.is_agreed):
        assert not [one for one in azure.connections() if one.status == "Approved"]


class _Engine:
    """Each call is done at once, or never; timers and events come when they are due."""

    def __init__(self, random: Random, client: Client) -> None:
        self._random, self._client = random, client
        # Workers compare an order's deadline with their own clocks.
        self._now = datetime.now(UTC)
        self.is_agreed = False
        self.next_order: Mapping[str, Any] | None = None
        self.instance, self.carries = "fuzz", None

    def run(self, steps: Any) -> Any:
        """The result of an orchestration."""
        while True:
            try:
                self.wait(next(steps))
            except StopIteration as end:
                return end.value

    def whole(self, document: Any) -> Any:
        """The output of a fleet."""
        answer, self.next_order = None, document
        while answer is None:
            given, self.next_order = json.loads(json.dumps(self.next_order)), None
            answer = self.run(fleet(self, given))
        return answer

    def child(self, orchestrator: str, order: Mapping[str, Any], instance: str) -> Any:
        assert instance
        run = {TURN: turn, LANE: lane, PAGE: page}[orchestrator]
        self.next_order = order
        answer = None
        while answer is None:
            given, self.next_order = json.loads(json.dumps(self.next_order)), None
            answer = self.run(run(self, given))
        return {"answer": answer}

    def again(self, order: Mapping[str, Any]) -> None:
        self.next_order = order

    def signal(self, instance: str, name: str) -> None:
        """Does nothing: no instance is stopped here."""

    def wait(self, tasks: Sequence[Any]) -> None:
        """Advance the time until one of the tasks is done."""
        if not any(map(self.is_done, tasks)):
            self._now = min(task["at"] for task in tasks if "at" in task)

    def now(self) -> datetime:
        return self._now

    def call(self, activity: str, order: Mapping[str, Any]) -> Any:
        if self._random.random() < 0.2:
            return {"lost": self._random.random() < 0.5}
        works = {CREATE: _activities.create, ONBOARD: _activities.onboard, APPROVE: _activities.approve}
        work = works[activity]
        return {"answer": json.loads(json.dumps(work(lambda: self._client, json.loads(json.dumps(order)))))}

    def timer(self, seconds: float) -> Any:
        return {"at": self._now + timedelta(seconds=seconds)}

    def event(self, name: str) -> Any:
        if name != APPROVAL:
            return {"event": name, "at": self._now + timedelta(days=1000)}
        decision = self._random.choice((True, False, {"approved": True}, {"approved": 1}, rubbish(self._random)))
        return {"event": name, "at": self._now + timedelta(seconds=self._random.randrange(10**6)), "answer": decision}

    def first_of(self, tasks: Sequence[Any]) -> Any:
        raise NotImplementedError  # only for engines with their own kind of tasks

    def is_done(self, task: Any) -> bool:
        return task["at"] <= self._now if "at" in task else task.get("lost", True)

    def answer(self, task: Any) -> Any:
        if "answer" not in task:
            raise Unanswered("A worker died.")
        answer = task["answer"]
        if "at" in task:
            self.is_agreed = self.is_agreed or answer is True or answer == {"approved": True}
        return answer

    def cancel(self, timer: Any) -> None:
        """Does nothing: no task waits for the timer."""

    def tell(self, status: dict[str, Any]) -> None:
        """Check that the status is JSON."""
        json.dumps(status)
