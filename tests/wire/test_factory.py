"""What a factory lists: runtimes and runs, as values."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from purview_mpe._wire.factory import read_run, read_runtime


@pytest.mark.parametrize(
    ("stamp", "started"),
    [
        ("2026-11-02T03:04:05.1234567Z", datetime(2026, 11, 2, 3, 4, 5, 123456, tzinfo=UTC)),
        ("2026-11-02T03:04:05Z", datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_start_of_a_run_is_read_if_it_is_a_time(stamp, started):
    """Azure writes up to seven decimal places of a second; other text is not a time."""
    assert read_run({"runStart": stamp}).started == started


def test_runtime_that_runs_no_activities_is_dropped():
    """Airflow stands in the same list, and reports no lineage."""
    assert read_runtime({"name": "af", "properties": {"type": "Airflow"}}) is None
