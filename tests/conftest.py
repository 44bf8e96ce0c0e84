"""Fixtures: an emulator, a spec that fits it, and the client in both colours."""

from __future__ import annotations

import gc
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

import purview_mpe
from purview_mpe.emulator import Emulator
from tests.support.colours import Colour, spec_for

if TYPE_CHECKING:
    from collections.abc import Generator

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
    config.addinivalue_line(
        "markers",
        "untraced: coverage does not measure the test, which reads files, or repeats with many values what others do",
    )
    if config.getoption("--require-wheel") and "site-packages" not in str(purview_mpe.__file__):
        raise pytest.UsageError(f"The package comes from {purview_mpe.__file__}, not from an installed wheel.")


def pytest_collection() -> None:
    """Let no garbage collection search the tests while they are collected, because almost all of them stay."""
    gc.disable()


def pytest_collection_finish() -> None:
    """From here on, garbage is collected as usual, but no collection searches the modules and the collected tests."""
    gc.freeze()
    gc.enable()


def _measuring() -> Any:
    """What coverage measures this process with, if it does."""
    return sys.modules["coverage"].Coverage.current() if "coverage" in sys.modules else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Stop coverage while a test runs that is marked as untraced: line tracing takes half of its time."""
    measuring = _measuring() if item.get_closest_marker("untraced") else None
    if measuring is None:
        return (yield)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()


def pytest_sessionfinish() -> None:
    """Write what coverage has measured: xdist kills a worker that takes more than ten seconds to exit."""
    if measuring := _measuring():
        measuring.save()


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
