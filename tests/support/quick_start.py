"""A pytest plugin that calls `quick_start` before any SDK is imported: `nox -s quick-start` loads it.

Use it with `-p tests.support.quick_start`. A test can switch it off for itself. The plugin does not affect interpreters
that tests start, because those tests check what an import loads and what it leaves unchanged.
"""

from __future__ import annotations

from purview_mpe import quick_start

quick_start()


def pytest_runtest_setup() -> None:
    """Switch quick start on again for each test."""
    quick_start()
