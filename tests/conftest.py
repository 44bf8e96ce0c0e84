"""Fixtures: an emulator, a spec that fits it, and the client in both colours."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import purview_mpe
from purview_mpe.emulator import Emulator
from tests.support.colours import Colour, spec_for

if TYPE_CHECKING:
    from purview_mpe import Spec

# A shell that starts the tests in the background has them ignore Ctrl-C, and `nohup` has them ignore SIGHUP: what is
# promised about these signals would wait until the end of a verb's time.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# No deadline, because machines that share their processors are slow at times; the same examples in every run, so that
# a change that breaks something is the change that is seen to break it.
settings.register_profile("purview-mpe", deadline=None, derandomize=True, database=None)
settings.load_profile("purview-mpe")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-wheel", action="store_true", help="fail if the package comes from the checkout, not from a wheel"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--require-wheel") and "site-packages" not in str(purview_mpe.__file__):
        raise pytest.UsageError(f"The package comes from {purview_mpe.__file__}, not from an installed wheel.")


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> Colour:
    """Each client in turn."""
    return Colour(request.param)


@pytest.fixture
def emulator() -> Emulator:
    """An Azure of its own: one factory, one closed account of shape A."""
    return Emulator()


@pytest.fixture
def spec(emulator: Emulator) -> Spec:
    """The spec that connects the emulator's factory to its account."""
    return spec_for(emulator)
