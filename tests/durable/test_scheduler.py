"""The recipe for the Durable Task Scheduler works with the real packages, which `nox -s functions` installs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "durable.md"

if not os.environ.get("PURVIEW_MPE_SCHEDULER"):
    pytest.importorskip("durabletask.azuremanaged")
    pytest.importorskip("durabletask.extensions.azure_blob_payloads")


def recipe():
    """The code of the recipe on the page."""
    section = PAGE.read_text(encoding="utf-8").partition("### The Durable Task Scheduler")[2]
    return section.partition("```text\n")[2].partition("```")[0]


def test_recipe_constructs_worker_and_client():
    """Every imported name and every argument exists, and the orchestrators are registered."""
    names = {}
    exec(compile(recipe(), str(PAGE), "exec"), names)  # noqa: S102 - the page's own lines
    worker, client = names["worker"], names["client"]
    try:
        assert {"purview_mpe_fleet", "purview_mpe_reports"} <= set(worker._registry.orchestrators)
        assert {"purview_mpe_create", "purview_mpe_approve"} <= set(worker._registry.activities)
        assert names["scheduler"]["channel_options"].max_receive_message_length == names["longest"]
        assert worker._payload_store is client._payload_store is names["store"]
    finally:
        client.close()
