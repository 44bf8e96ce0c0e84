"""How users' code type-checks; read by mypy and pyright, never run."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from purview_mpe import Account, Check, Client, Diagnosis, Orphans, Plan, Report, Spec, Status, aio
from purview_mpe.emulator import Emulator

if TYPE_CHECKING:
    from purview_mpe._azure.clients import Azure
    from purview_mpe._azure.io import AsyncIo, SyncIo
    from purview_mpe._flows.steps.io import Clients, Io


def both_colours_are_an_io(azure: Azure, sync: SyncIo, awaited: AsyncIo) -> tuple[Clients, Io, Io]:
    return azure, sync, awaited


def sync_verbs(spec: Spec) -> None:
    with Client() as client:
        account: Account = client.discover("id")
        plan: Plan = client.plan(spec)
        report: Report = client.apply(plan)
        report = client.create_all(spec, wait=False, timeout=60)
        status: Status = client.status(spec)
        check: Check = client.check(spec)
        report = client.connect(spec, replace=True)
        diagnosis: Diagnosis = client.diagnose(spec, since=timedelta(hours=1))
        report = client.delete_all(spec, timeout=60)
        orphans: Orphans = client.orphans("id")
    del account, report, status, check, diagnosis, orphans


async def async_verbs(spec: Spec) -> None:
    async with aio.Client() as client:
        account: Account = await client.discover("id")
        plan: Plan = await client.plan(spec)
        report: Report = await client.apply(plan)
        report = await client.create_all(spec, wait=False, timeout=60)
        status: Status = await client.status(spec)
        check: Check = await client.check(spec)
        report = await client.connect(spec, replace=True)
        diagnosis: Diagnosis = await client.diagnose(spec, since=timedelta(hours=1))
        report = await client.delete_all(spec, timeout=60)
        orphans: Orphans = await client.orphans("id")
    del account, report, status, check, diagnosis, orphans


def a_spec() -> Spec:
    return Spec(factory="id", account=None, name="purview", separator="-", names={"blob": "b"}, groups=("account",))


def on_the_emulator(spec: Spec) -> None:
    azure = Emulator()
    with Client(azure.credential, transport=azure.transport()) as client:
        client.plan(spec)


async def on_the_emulator_awaited(spec: Spec) -> None:
    azure = Emulator()
    async with aio.Client(azure.async_credential, transport=azure.async_transport()) as client:
        await client.plan(spec)
