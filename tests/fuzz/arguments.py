"""Arguments of verbs, functions and nouns; a wrong argument sends nothing."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from purview_mpe import (
    Budget,
    Client,
    FleetReport,
    Rate,
    Retry,
    Spec,
    export,
    export_customer_endpoints,
    read_specs,
    requirement,
    scenario,
)
from purview_mpe.durable import FleetRequest, create_one
from purview_mpe.emulator import Emulator

from .bending import bent, bent_text, rubbish
from .subject import called

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from .subject import Subject

_FORMATS = ("bicep", "terraform", "terraform-azapi", "arm", "az", "powershell")


def spec(subject: Subject, random: Random) -> None:
    """The constructor, with any fields."""
    fields = bent(random, subject.documents["Spec"])
    if isinstance(fields, dict) and all(isinstance(key, str) for key in fields):
        made = Spec(**fields)
        assert Spec.model_validate_json(made.model_dump_json()) == made


def ids_and_names(subject: Subject, random: Random) -> None:
    """Ids and names with a few wrong letters: refused, another spelling of the same id, or another id."""
    azure = Emulator()
    account, factory = (bent_text(random, str(one)) for one in (azure.account, azure.factory))
    group = bent_text(random, str(azure.factory).partition("/providers/")[0])
    name = bent_text(random, "purview")
    verbs: tuple[Callable[[Any], Any], ...] = (
        lambda client: client.discover(account),
        lambda client: client.orphans(account),
        lambda client: client.find_specs(group, name=name),
        lambda client: client.find_specs(group, account=account),
        lambda client: client.plan(Spec(factory=factory, account=str(azure.account), name="purview")),
        lambda client: client.plan(Spec(factory=str(azure.factory), account=account, name=name, names={"blob": name})),
        lambda client: client.create_all(
            Spec(factory=str(azure.factory), account=str(azure.account), name=name, managed_virtual_network=name)
        ),
    )
    called(random, azure, random.choice(verbs))
    assert {endpoint.target for endpoint in azure.endpoints()} <= set(map(str, azure.targets(azure.account).values()))


def verbs(subject: Subject, random: Random) -> None:
    """Any argument of a verb."""
    value, azure, good = rubbish(random), Emulator(), subject.spec
    calls: tuple[Callable[[Any], Any], ...] = (
        lambda client: client.discover(value),
        lambda client: client.plan(value),
        lambda client: client.apply(value),
        lambda client: client.create_all(good, timeout=value, wait=False),
        lambda client: client.create_all(good, approve=value, wait=False),
        lambda client: client.approve(value),
        lambda client: client.reject(value),
        lambda client: client.reject(good, dry_run=value, wait=False),
        lambda client: client.status(value),
        lambda client: client.check(value),
        lambda client: client.watch(good, every=value, timeout=1),
        lambda client: client.watch(good, every=1, timeout=value),
        lambda client: client.delete_all(value),
        lambda client: client.delete_all(good, dry_run=value, timeout=1),
        lambda client: client.diagnose(good, since=value),
        lambda client: client.orphans(value),
        lambda client: client.connect(value),
        lambda client: client.connect(good, replace=value),
        lambda client: client.find_specs(value),
        lambda client: client.find_specs(azure.subscription, account=value, name=value),
        lambda client: client.create_many(value),
        lambda client: client.create_many([good, value]),
        lambda client: client.create_many([good], wait=False, stop_after=value),
        lambda client: client.create_many([good], wait=False, resume=value),
        lambda client: client.create_many([good], wait=False, journal=value),
        lambda client: client.iter_create_many(value, timeout=value),
        lambda client: client.approve_many(value),
        lambda client: client.iter_approve_many([good, value]),
        lambda client: client.status_many(value),
    )
    with suppress(OSError):  # the path of a missing file
        called(random, azure, random.choice(calls))


def functions(subject: Subject, random: Random) -> None:
    """Any argument of a function, a client or a setting."""
    value, azure, plan = rubbish(random), Emulator(), subject.nouns["Plan"]
    calls: tuple[Callable[[], Any], ...] = (
        lambda: Client(azure.credential, endpoint=value, transport=azure.transport()).close(),
        lambda: Client(azure.credential, cloud=value, transport=azure.transport()).close(),
        lambda: Client(azure.credential, retry=value, transport=azure.transport()).close(),
        lambda: Client(azure.credential, budget=value, transport=azure.transport()).close(),
        lambda: Client(azure.credential, on_event=value, transport=azure.transport()).close(),
        lambda: Client(azure.credential, extra=value, transport=azure.transport()).close(),
        lambda: Client(value, transport=azure.transport()).close() if value is not None else None,
        lambda: Retry(attempts=value),
        lambda: Retry(**{random.choice(tuple(Retry.__dataclass_fields__)): value}),
        lambda: Budget(value),
        lambda: Budget(reads=value),
        lambda: Budget(writes=Rate(value, value)),
        lambda: requirement(value, value),
        lambda: scenario(value, value),
        lambda: read_specs(value),
        lambda: FleetReport.load(value),
        lambda: Emulator.from_scenario(value),
        lambda: FleetRequest(specs=value),
        lambda: FleetRequest(specs=(subject.spec,), **{random.choice(tuple(FleetRequest.model_fields)[1:]): value}),
        lambda: export(value, "bicep"),
        lambda: export(plan, value),
        lambda: export(plan, "az", cloud=value),
        lambda: _customer_endpoints(random, plan, value),
        lambda: create_one(value, connected),
        lambda: create_one(subject.documents["Spec"], connected, value),
        lambda: create_one(subject.documents["Spec"], connected, timeout=value, wait=False),
    )
    with suppress(OSError):  # the path of a missing file
        random.choice(calls)()


def _customer_endpoints(random: Random, plan: Any, value: Any) -> str:
    network = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1/providers/Microsoft.Network"
    good: dict[str, Any] = {
        "subnet_id": f"{network}/virtualNetworks/v1/subnets/s1",
        "location": "westeurope",
        "virtual_network_id": None,
        "resource_group_id": None,
        "groups": ("account",),
        "name": None,
        "zone_ids": None,
        "approval": "manual",
        "request_message": "Please.",
        "cloud": "public",
    }
    changed = random.choice(tuple(good))
    if isinstance(good[changed], str) and random.random() < 0.5:
        value = bent_text(random, good[changed])
    return export_customer_endpoints(plan, random.choice(_FORMATS), **good | {changed: value})


def since(subject: Subject, random: Random) -> None:
    """Time spans, up to those outside of any calendar."""
    span = random.choice((timedelta.max, timedelta.min, timedelta(0), timedelta(days=random.randrange(10**9))))
    called(random, Emulator(), lambda client: client.diagnose(subject.spec, since=span))


def connected(**settings: Any) -> Client:
    """A client of an emulator; each process creates it once for the same settings."""
    azure = Emulator()
    return Client(azure.credential, transport=azure.transport(), **settings)
