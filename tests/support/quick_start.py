"""A pytest plugin that calls `quick_start` before any SDK is imported: `nox -s quick-start` loads it.

`-p tests.support.quick_start`. A test that switches it off does so for itself. Interpreters that tests start are not affected: what they import and what they leave
unchanged is what those tests are about.
"""

from __future__ import annotations

from purview_mpe import quick_start

quick_start()


def pytest_runtest_setup() -> None:
    """Switch it on again."""
    quick_start()
