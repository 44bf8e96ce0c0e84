"""Both clients, and specs for the emulator's resources."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from purview_mpe import Client, Spec, aio

if TYPE_CHECKING:
    from purview_mpe.emulator import Emulator


@dataclass(frozen=True)
class Colour:
    """One of the two clients; a test with the fixture `colour` runs once with each."""

    name: str

    def run(self, emulator: Emulator, action: Any, *, roles: tuple[str, ...] | None = None, **options: Any) -> Any:
        """The result of `action(client)`: awaited, collected into a list, or unchanged."""
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


def spec_for(emulator: Emulator, account: object = None, **fields: Any) -> Spec:
    """A spec for the emulator's factory and one of its accounts."""
    given = {"factory": str(emulator.factory), "account": str(account or emulator.account), "name": "purview"}
    return Spec(**(given | fields))


def fleet_of(emulator: Emulator, count: int, *, account: object = None, **fields: Any) -> list[Spec]:
    """This many more factories, with a spec for each; `fields` are those of `add_factory`."""
    return [
        spec_for(emulator, account, factory=str(emulator.add_factory(f"adf-{number}", **fields)))
        for number in range(count)
    ]
