"""The input to change: valid documents, and verbs in both colours, each on a new emulator."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import cached_property
from inspect import isawaitable
from itertools import islice
from typing import TYPE_CHECKING, Any

from purview_mpe import Client, Retry, Spec, aio, errors
from purview_mpe.durable import FleetRequest
from purview_mpe.emulator import Emulator, InvalidScenario

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

TYPED = (errors.PurviewMpeError, InvalidScenario)
_ITEMS = 3


@dataclass(frozen=True)
class Subject:
    """The valid input of every entry. Files can be written in `folder`."""

    folder: Path
    spec: Spec
    nouns: dict[str, Any]
    """Each noun that can be read from JSON, by its name."""
    scenario: dict[str, Any]

    @classmethod
    def made_in(cls, folder: Path) -> Subject:
        """The values that the library itself creates on an emulator."""
        azure = Emulator()
        spec = Spec(factory=str(azure.factory), account=str(azure.account), name="purview")
        with Client(azure.credential, transport=azure.transport()) as client:
            made = (
                spec,
                client.plan(spec),
                client.create_all(spec),
                client.discover(str(azure.account)),
                client.status(spec),
                client.check(spec),
                client.diagnose(spec),
                client.orphans(str(azure.account)),
                client.status_many([spec]),
                client.create_many([spec]),
                FleetRequest(specs=(spec,)),
            )
        return cls(folder, spec, {type(noun).__name__: noun for noun in made}, json.loads(json.dumps(azure.dump())))

    @cached_property
    def documents(self) -> dict[str, Any]:
        """The JSON of each noun."""
        return {name: json.loads(noun.model_dump_json()) for name, noun in self.nouns.items()}

    @cached_property
    def journal(self) -> str:
        """The file that `create_many` writes for three factories."""
        report = self.nouns["Report"]
        each = [
            report.model_copy(update={"spec": report.spec.model_copy(update={"factory": report.spec.factory + end})})
            for end in ("", "2", "3")
        ]
        return "".join(one.model_dump_json() + "\n" for one in each)


def called(random: Random, azure: Emulator, verb: Callable[[Any], Any], **options: Any) -> Any:
    """The result of `verb(client)` with a client of either colour; of an endless result, the first items."""
    options = {"retry": Retry(attempts=random.choice((1, 2)))} | options
    if random.random() < 0.3:
        return asyncio.run(_awaited(azure, verb, {"transport": azure.async_transport()} | options))
    with Client(azure.credential, **{"transport": azure.transport()} | options) as client:
        result = verb(client)
        return list(islice(result, _ITEMS)) if hasattr(result, "__next__") else result


async def _awaited(azure: Emulator, verb: Callable[[Any], Any], options: dict[str, Any]) -> Any:
    async with aio.Client(azure.async_credential, **options) as client:
        result = verb(client)
        if hasattr(result, "__anext__"):
            return [await anext(result, None) for _ in range(_ITEMS)]
        return await result if isawaitable(result) else result
