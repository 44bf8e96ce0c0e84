"""The modules that a process loads for the package's name, and for its first verb."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .figures import Figure, figure, paired
from .processes import run, served

if TYPE_CHECKING:
    from collections.abc import Iterator

_TELL = "\nimport json, sys, time; print(json.dumps([time.process_time(), len(sys.modules)]))"
_NOTHING = ""
_NAME = "import purview_mpe"
_SDKS = """
from azure.identity import DefaultAzureCredential
from azure.mgmt.datafactory import DataFactoryManagementClient
from azure.mgmt.purview import PurviewManagementClient
"""
_VERB = """
import os, sys
from purview_mpe import Client, Spec
with Client(endpoint=os.environ["AZURE_ENDPOINT"]) as client:
    client.plan(Spec(factory=sys.argv[1], account=sys.argv[2], name="pv"))
"""


def measure(pairs: int) -> Iterator[Figure]:
    """Processor seconds and modules of new processes, including those of the interpreter."""
    with served(factories=1) as azure:
        for what, script, other, against in (
            (_NAME, _NAME, _NOTHING, "the interpreter alone"),
            ("first verb, plan", _VERB, _SDKS, "importing the SDKs alone"),
        ):
            given = (azure.factories[0], azure.account)
            measured = [
                tuple(
                    json.loads(run("-c", code + _TELL, *given, environment=azure.environment).printed)
                    for code in (script, other)
                )
                for _ in range(pairs + 1)
            ][1:]
            seconds = [(ours[0], theirs[0]) for ours, theirs in measured]
            yield paired("imports", what, seconds, "s of processor", against=against)
            (_, modules), (_, fewer) = measured[-1]
            yield figure("imports", what, modules, "modules", baseline=fewer, against=against)
