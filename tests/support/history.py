"""Records what each turn of a fleet decides, for the latest logic number: `python -m tests.support.history FILE`.

Run it once for each new number, before its release; `tests/durable/test_engine.py` replays the file from then on.
"""

from __future__ import annotations

import base64
import json
import logging
import lzma
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import durabletask.internal.orchestrator_service_pb2 as pb
from durabletask.worker import TaskHubGrpcWorker

from purview_mpe import Client, durable
from purview_mpe.durable._messages import opened
from purview_mpe.emulator import Emulator
from tests.support.durable_fleet import factories
from tests.support.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator


def turns(azure: Emulator, fields: dict[str, Any], count: int) -> Iterator[dict[str, Any]]:
    """Each turn of a fleet, as the engine sent it, with the orchestrator's decisions."""
    client = Client(azure.credential, transport=azure.transport())
    requests: list[pb.OrchestratorRequest] = []

    class Recorder(TaskHubGrpcWorker):
        def _execute_orchestrator(self, req: Any, stub: Any, completion_token: str) -> None:
            requests.append(req)
            super()._execute_orchestrator(req, stub, completion_token)

    def register(worker: Any) -> None:
        worker.__class__ = Recorder
        durable.register_worker(worker, lambda: client)

    engine = Engine(azure, register, says=[(5000, durable.APPROVAL, True)] if "approval" in fields else [])
    specs = [spec.model_copy(update={"groups": ("account",)}) for spec in factories(azure, count, 2)]
    ended = engine.run(durable.FLEET, durable.FleetRequest(specs=specs, **fields).to_input())
    assert ended.failure is None, ended.failure
    for request in requests:
        yield {"request": base64.b64encode(request.SerializeToString()).decode(), "decisions": decided_in(request)}


def decided_in(request: pb.OrchestratorRequest) -> list[Any]:
    """The decisions of today's orchestrators in this turn, without packed data."""
    worker = TaskHubGrpcWorker(host_address="127.0.0.1:1")  # it never connects
    durable.register_worker(worker)
    heard: list[Any] = []
    worker._execute_orchestrator(request, SimpleNamespace(CompleteOrchestratorTask=heard.append), "token")
    return [_short(action) for action in heard[0].actions]


def _short(action: pb.OrchestratorAction) -> list[Any]:
    kind = action.WhichOneof("orchestratorActionType") or ""
    wanted = getattr(action, kind)
    if kind == "createTimer":
        return [kind, wanted.fireAt.ToJsonString()]
    if kind == "scheduleTask":
        return [kind, wanted.name, opened(json.loads(wanted.input.value))]
    if kind == "createSubOrchestration":
        return [kind, wanted.name, wanted.instanceId]
    return [kind, pb.OrchestrationStatus.Name(wanted.orchestrationStatus)]


def main(file: str) -> None:
    """Record small and large fleets, with and without a person's decision."""
    logging.disable(logging.WARNING)
    decided = {"approval": "when-told"}
    fleets: list[tuple[dict[str, Any], int]] = [(decided, 3), ({}, 44), (decided, 44)]
    found = [turn for fields, count in fleets for turn in turns(Emulator(), fields, count)]
    Path(file).write_bytes(lzma.compress(json.dumps(found).encode()))


if __name__ == "__main__":
    main(*sys.argv[1:])
