"""How users' code type-checks; read by mypy and pyright, never run."""

from __future__ import annotations

from purview_mpe import Account, Client, Plan, Report, Spec, Status, aio


def sync_verbs(spec: Spec) -> None:
    with Client() as client:
        account: Account = client.discover("id")
        plan: Plan = client.plan(spec)
        report: Report = client.apply(plan)
        report = client.create_all(spec, wait=False, timeout=60)
        status: Status = client.status(spec)
    del account, report, status


async def async_verbs(spec: Spec) -> None:
    async with aio.Client() as client:
        account: Account = await client.discover("id")
        plan: Plan = await client.plan(spec)
        report: Report = await client.apply(plan)
        report = await client.create_all(spec, wait=False, timeout=60)
        status: Status = await client.status(spec)
    del account, report, status


def a_spec() -> Spec:
    return Spec(factory="id", account=None, name="purview", separator="-", names={"blob": "b"}, groups=("account",))
