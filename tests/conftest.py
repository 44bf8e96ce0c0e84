"""Fixtures: an emulator, a spec that fits it, and the client in both colours."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings

from purview_mpe import Client, Spec, aio
from purview_mpe.emulator import Emulator

# A shell that starts the tests in the background has them ignore Ctrl-C, and what is promised about it would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline, because machines that share their processors are slow at times; the same examples in every run, so that
# a change that breaks something is the change that is seen to break it.
settings.register_profile("purview-mpe", deadline=None, derandomize=True, database=None)
settings.load_profile("purview-mpe")


@dataclass(frozen=True)
class Colour:
    """One of the two clients; a test that takes the fixture `colour` runs once with each."""

    name: str

    def run(self, emulator: Emulator, action: Any, *, roles: tuple[str, ...] | None = None, **options: Any) -> Any:
        """What `action(client)` gives: awaited, iterated to a list, or as it is."""
        if self.name == "sync":
            credential = emulator.credential if roles is None else emulator.credential_for(*roles)
            with Client(credential, **{"transport": emulator.transport()} | options) as client:
                result = action(client)
                return list(result) if hasattr(result, "__next__") else result
        credential = emulator.async_credential if roles is None else emulator.async_credential_for(*roles)
        return asyncio.run(self._await(emulator, action, credential, options))

    async def _await(self, emulator: Emulator, action: Any, credential: Any, options: dict[str, Any]) -> Any:
        async with aio.Client(credential, **{"transport": emulator.async_transport()} | options) as client:
            result = action(client)
            if hasattr(result, "__anext__"):
                return [item async for item in result]
            return await result


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


def spec_for(emulator: Emulator, account: object = None, **fields: Any) -> Spec:
    """A spec for the emulator's factory and one of its accounts."""
    given = {"factory": str(emulator.factory), "account": str(account or emulator.account), "name": "purview"}
    return Spec(**(given | fields))
