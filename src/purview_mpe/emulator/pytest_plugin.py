"""Fixtures to test your own automation against the emulator.

`purview_emulator` is a fresh emulator in the test's process; `purview_emulator_server` serves it over HTTPS.
A marker chooses the options: `@pytest.mark.purview_emulator(shape="C", provisioning=5)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purview_mpe.emulator import Emulator, Server


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers", "purview_emulator(**options): options of the emulator in the fixture purview_emulator"
    )


@pytest.fixture
def purview_emulator(request: pytest.FixtureRequest) -> Emulator:
    """A fresh emulator of Azure Resource Manager around Purview and Data Factory."""
    from purview_mpe.emulator import Emulator  # noqa: PLC0415  every pytest run loads this plugin

    options: dict[str, Any] = {}
    for marker in request.node.iter_markers("purview_emulator"):
        options = {**marker.kwargs, **options}
    return Emulator(**options)


@pytest.fixture
def purview_emulator_server(purview_emulator: Emulator) -> Iterator[Server]:
    """The same emulator, served over HTTPS on 127.0.0.1; a client needs its `url` and `ca_file`."""
    with purview_emulator.serve() as server:
        yield server
