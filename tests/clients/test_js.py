"""Azure's JavaScript SDKs against the served emulator."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Served, program, tool


def test_create_list_approve_and_delete(served: Served):
    """Created, listed, approved and deleted; ingestion storage is left out because no SDK approves there."""
    packages, node = tool("PURVIEW_MPE_NODE_MODULES", "a folder with Azure's JavaScript SDKs"), program("node")
    emulator = served.emulator
    targets = {
        group: str(target)
        for group, target in emulator.targets(emulator.account).items()
        if target.subscription == emulator.subscription
    }
    described = {**served.server.announcement(), "targets": targets}
    script = str(Path(__file__).with_name("js") / "job.mjs")
    output = served.run(
        [node, script, packages, json.dumps(described)], NODE_EXTRA_CA_CERTS=served.server.ca_file, NO_PROXY="127.0.0.1"
    )
    seen = json.loads(output)
    assert seen["created"] == list(targets)
    assert seen["approved"] == ["Approved"] * len(targets)
    assert seen["left"] == 0
