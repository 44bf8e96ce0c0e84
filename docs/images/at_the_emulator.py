"""Runs one command as the terminal screenshots show it: `python docs/images/at_the_emulator.py SCENE VERB …`.

The command is the real one, in a process of its own; only the Azure behind it is emulated, in the same process.
It works in the current folder, which gets the files that the command names.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from purview_mpe import Client, Spec
from purview_mpe._cli.main import main
from purview_mpe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable

_SUBSCRIPTIONS = [f"00000000-0000-0000-0000-00000000000{number}" for number in (1, 2, 3, 4)]


def new() -> Emulator:
    """A factory that has its network, and no endpoints yet."""
    azure = Emulator(empty=True, provisioning={"account": 40, "blob": 90, "queue": 140, "namespace": 75})
    account = azure.add_account("contoso")
    factory = azure.add_factory("adf-sales", purview_account=account)
    azure.add_pipeline("copy-sales", factory)
    _write(Spec(factory=str(factory), account=str(account), name="purview"))
    return azure


def bare() -> Emulator:
    """A factory without identity, connection and network."""
    azure = Emulator(empty=True, provisioning={"account": 40, "blob": 90, "queue": 140, "namespace": 75})
    account = azure.add_account("contoso")
    factory = azure.add_factory("adf-orders", managed_vnet=False, identity=False)
    azure.add_pipeline("copy-orders", factory)
    _write(Spec(factory=str(factory), account=str(account), name="purview"))
    return azure


def decided() -> Emulator:
    """A factory with its endpoints; two owners have said yes, one no, and one has not answered."""
    azure = new()
    with Client(azure.credential, transport=azure.transport()) as client:
        client.create_all(Spec.model_validate_json(Path("sales.json").read_text(encoding="utf-8")))
    azure.approve("purview")
    azure.approve("purview_blob")
    azure.reject("purview_queue")
    return azure


def fleet() -> Emulator:
    """Three hundred factories in four subscriptions, with an account in each."""
    azure = Emulator(empty=True)
    lines = ["factory,account,name"]
    for number, subscription in enumerate(_SUBSCRIPTIONS):
        account = azure.add_account(f"contoso{number}", subscription=subscription)
        for each in range(75):
            factory = azure.add_factory(
                f"adf-{number * 75 + each:03}", subscription=subscription, purview_account=account
            )
            lines.append(f"{factory},{account},purview")
    Path("fleet.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return azure


def team() -> Emulator:
    """Five factories: two are ready, two are new, and in one the name of an endpoint is taken."""
    azure = Emulator(empty=True)
    account = azure.add_account("contoso")
    names = ("adf-sales-eu", "adf-sales-us", "adf-stock", "adf-orders", "adf-web")
    factories = [azure.add_factory(name, purview_account=account) for name in names]
    specs = [Spec(factory=str(factory), account=str(account), name="purview") for factory in factories]
    with Client(azure.credential, transport=azure.transport()) as client:
        client.create_many(specs[:2], approve=True)
    logs = account.in_group("Microsoft.Storage", "storageAccounts", "webshoplogs")
    azure.add_endpoint(factories[-1], "purview_blob", logs, "blob")
    lines = ["factory,account,name", *(f"{spec.factory},{account},purview" for spec in specs)]
    Path("fleet.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return azure


SCENES: dict[str, Callable[[], Emulator]] = {"new": new, "bare": bare, "decided": decided, "team": team, "fleet": fleet}


def _write(spec: Spec) -> None:
    Path("sales.json").write_text(spec.model_dump_json(exclude_defaults=True, indent=2) + "\n", encoding="utf-8")


def run(scene: str, command: list[str]) -> int:
    """Run the command, and return its exit code."""
    azure = SCENES[scene]()
    credential: Any = azure.credential
    return main(command, connect=partial(Client, credential, transport=azure.transport()))


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))
