"""Fixtures: an emulator, a spec that fits it, and the client in both colours."""

from __future__ import annotations

import gc
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import purview_mpe
from purview_mpe.emulator import Emulator
from tests.support.colours import Colour, spec_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purview_mpe import Spec

# Tests in the background ignore Ctrl-C, and tests under `nohup` ignore SIGHUP. Tests of these signals would then wait
# until the verb's timeout.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# No deadline, because machines with shared processors are sometimes slow. Every run uses the same examples, so a
# failure is caused by the change under test.
settings.register_profile("purview-mpe", deadline=None, derandomize=True, database=None)
settings.load_profile("purview-mpe")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-wheel", action="store_true", help="fail if the package comes from the checkout, not from a wheel"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--require-wheel") and "site-packages" not in str(purview_mpe.__file__):
        raise pytest.UsageError(f"The package comes from {purview_mpe.__file__}, not from an installed wheel.")


def pytest_collection() -> None:
    """Let no garbage collection search the tests while they are collected, because almost all of them stay."""
    gc.disable()


def pytest_collection_finish() -> None:
    """From here on, garbage is collected as usual, but no collection searches the modules and the collected tests."""
    gc.freeze()
    gc.enable()


def pytest_sessionfinish() -> None:
    """Write what coverage has measured: xdist kills a worker that takes more than ten seconds to exit."""
    if (coverage := sys.modules.get("coverage")) and (measuring := coverage.Coverage.current()):
        measuring.save()


@pytest.fixture
def untraced() -> Iterator[None]:
    """Coverage does not trace the test, which then takes half of the time.

    For tests that do the same with many values: what they run, others measure.
    """
    coverage = sys.modules.get("coverage")
    measuring = coverage and coverage.Coverage.current()
    if measuring:
        measuring.stop()
    yield
    if measuring:
        measuring.start()


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> Colour:
    """Each client in turn."""
    return Colour(request.param)


@pytest.fixture
def emulator() -> Emulator:
    """A new emulator: one factory, one closed account of shape A."""
    return Emulator()


@pytest.fixture
def spec(emulator: Emulator) -> Spec:
    """The spec that connects the emulator's factory to its account."""
    return spec_for(emulator)
