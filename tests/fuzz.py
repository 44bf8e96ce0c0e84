"""Fuzzing every public entry: whatever comes in, what comes out is right or a typed error; `nox -s fuzz -- --inputs 100000`.

Each input is drawn from a seed: a valid document that is bent in a few places, or plain rubbish. Bent are specs, plan,
report and scenario files, arguments, and Azure's answers. A bent plan or report that is still valid is carried out, and
must cause nothing that its spec could not cause by itself.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections import Counter
from copy import deepcopy
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING, Any

from purview_mpe import Client, Plan, Report, Retry, Spec, errors, export, requirement
from purview_mpe.emulator import Emulator, Fault, InvalidScenario

if TYPE_CHECKING:
    from collections.abc import Callable

RUBBISH = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        float("nan"),
        2**63,
        "",
        " ",
        "x",
        "é",
        "\ud800",
        "\x1b[2J",
        "a" * 5000,
        "..",
        "%2e",
    ),
    *(
        "'; DROP",
        "<script>",
        "${x}",
        "/subscriptions/",
        "https://example.org/",
        [],
        {},
        [[]],
        {"a": 1},
        [None],
        {"": None},
    ),
    "/subscriptions/00000000-0000-0000-0000-000000000009/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/evil",
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1/providers/Microsoft.Purview/accounts/pv2",
)
TYPED = (errors.PurviewMpeError, InvalidScenario)


def rubbish(random: Random) -> Any:
    """Something of no use; a copy, since what it is put into may be bent as well."""
    return deepcopy(random.choice(RUBBISH))


def bent(random: Random, document: Any) -> Any:
    """The document with one to four places changed, removed, doubled or exchanged."""
    document = deepcopy(document)
    for _ in range(random.randrange(1, 5)):
        places = list(_places(document))
        if not places:
            return rubbish(random)
        holder, key = random.choice(places)
        other, other_key = random.choice(places)
        match random.randrange(5):
            case 0:
                del holder[key]
            case 1:
                holder[key] = deepcopy(other[other_key])
            case 2 if isinstance(holder, dict):
                holder[random.choice(("extra", "id", "name", "nextLink", "value", "\x00"))] = rubbish(random)
            case 3 if isinstance(holder[key], list):
                holder[key] *= 2
            case _:
                holder[key] = rubbish(random)
    return document


def _places(document: Any) -> Any:
    if isinstance(document, dict):
        for key, value in document.items():
            yield document, key
            yield from _places(value)
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield document, index
            yield from _places(value)


class Fuzzer:
    """The entries, each with valid input to start from."""

    def __init__(self) -> None:
        azure = Emulator()
        self.spec = Spec(factory=str(azure.factory), account=str(azure.account), name="purview")
        with Client(azure.credential, transport=azure.transport()) as client:
            plan = client.plan(self.spec)
            report = client.create_all(self.spec)
        self.documents = {
            "spec": json.loads(self.spec.model_dump_json()),
            "plan": json.loads(plan.model_dump_json()),
            "report": json.loads(report.model_dump_json()),
            "scenario": json.loads(json.dumps(azure.dump())),
        }
        self.entries: dict[str, Callable[[Random], None]] = {
            "spec": self.spec_fields,
            "spec file": lambda random: _read(Spec, random, self.documents["spec"]),
            "plan file": self.plan_file,
            "report file": self.report_file,
            "scenario": self.scenario,
            "argument": self.arguments,
            "answer": self.answers,
        }
        self.weights = (30, 20, 12, 12, 6, 15, 5)

    def one(self, random: Random) -> str:
        """Draw an entry, feed it, and say which it was."""
        name = random.choices(list(self.entries), self.weights)[0]
        try:
            self.entries[name](random)
        except TYPED as error:
            str(error)
            return name
        return name

    def spec_fields(self, random: Random) -> None:
        """The constructor, with any fields."""
        fields = bent(random, self.documents["spec"])
        spec = Spec(**fields) if isinstance(fields, dict) and all(isinstance(key, str) for key in fields) else None
        if spec is not None:
            assert Spec.model_validate_json(spec.model_dump_json()) == spec

    def plan_file(self, random: Random) -> None:
        """A plan file that was tampered with: read, printed, exported, and carried out if it is valid."""
        plan = _read(Plan, random, self.documents["plan"])
        if plan is None:
            return
        str(plan)
        for format_ in ("bicep", "terraform", "az"):
            export(plan, format_)
        azure = Emulator(provisioning=1)
        with Client(azure.credential, transport=azure.transport(), retry=Retry(attempts=1)) as client:
            self.assert_only_ours(azure, lambda: client.apply(plan, timeout=120))

    def report_file(self, random: Random) -> None:
        """A report file that was tampered with: approving from it lets nobody in but whom its ids name."""
        report = _read(Report, random, self.documents["report"])
        if report is None:
            return
        str(report)
        azure = Emulator(provisioning=1, connection_delay=0.5)
        with Client(azure.credential, transport=azure.transport(), retry=Retry(attempts=1)) as client:
            client.create_all(self.spec, timeout=60)
            named = {str(outcome.private_endpoint_id).casefold() for outcome in report.outcomes}
            try:
                client.approve(report, timeout=5)
            finally:
                approved = [c for c in azure.connections() if c.status == "Approved"]
                assert all(c.private_endpoint_id.casefold() in named for c in approved), approved

    def assert_only_ours(self, azure: Emulator, act: Callable[[], Any]) -> None:
        """Whatever a plan says, the targets of the one account there alone get endpoints."""
        allowed = {str(target).casefold() for target in azure.targets(azure.account).values()}
        try:
            act()
        finally:
            assert {endpoint.target.casefold() for endpoint in azure.endpoints()} <= allowed

    def scenario(self, random: Random) -> None:
        """A scenario document."""
        document = bent(random, self.documents["scenario"])
        Emulator.from_scenario(document if isinstance(document, dict) else {"x": document})

    def arguments(self, random: Random) -> None:
        """Arguments of verbs and functions; nothing is sent for a wrong one."""
        value = random.choice(RUBBISH)
        azure = Emulator()
        with Client(azure.credential, transport=azure.transport()) as client:
            calls: tuple[Callable[[], Any], ...] = (
                lambda: client.discover(value),
                lambda: client.plan(value),
                lambda: client.apply(value),
                lambda: client.create_all(self.spec, timeout=value, wait=False),
                lambda: client.approve(value),
                lambda: client.status(value),
                lambda: next(iter(client.watch(self.spec, every=value, timeout=1))),
                lambda: client.delete_all(value),
                lambda: client.diagnose(self.spec, since=value),
                lambda: client.orphans(value),
                lambda: client.connect(value),
                lambda: Client(azure.credential, endpoint=value, transport=azure.transport()).close(),
                lambda: Client(value, transport=azure.transport()).close() if value is not None else None,
                lambda: Retry(attempts=value),
                lambda: requirement(value, value),
            )
            random.choice(calls)()

    def answers(self, random: Random) -> None:
        """Azure's answers, bent, for every verb."""
        azure = Emulator(provisioning=1, connection_delay=0.5, deletion=1)
        with Client(azure.credential, transport=azure.transport(), retry=Retry(attempts=2)) as client:
            verbs: tuple[Callable[[], Any], ...] = (
                lambda: client.create_all(self.spec, approve=True, timeout=60),
                lambda: client.approve(self.spec, timeout=10),
                lambda: client.status(self.spec),
                lambda: client.check(self.spec),
                lambda: client.diagnose(self.spec),
                lambda: client.orphans(str(azure.account)),
                lambda: client.connect(self.spec),
                lambda: client.delete_all(self.spec, timeout=30),
            )
            for _ in range(random.randrange(1, 4)):
                seed = random.random()
                azure.inject(
                    Fault.rewrite(
                        random.choice(("GET", "PUT", "POST")),
                        lambda body, seed=seed: bent(Random(seed), body),
                        times=random.choice((1, 2, None)),
                        probability=random.choice((1.0, 0.5)),
                    )
                )
            str(random.choice(verbs)())
            assert not [c for c in azure.connections() if c.factory is None and c.status == "Approved"]


def _read(noun: Any, random: Random, document: Any) -> Any:
    text = json.dumps(bent(random, document))
    if random.random() < 0.1:
        text = text[: random.randrange(len(text) + 1)]
    return noun.model_validate_json(text)


def fuzz(inputs: int, seed: int) -> int:
    """Feed the inputs, print the table, and give the number of untyped exceptions and broken promises."""
    began, fed, wrong, fuzzer = perf_counter(), Counter[str](), 0, Fuzzer()
    for number in range(inputs):
        drawn = seed * 1_000_003 + number
        try:
            fed[fuzzer.one(Random(drawn))] += 1
        except Exception:  # noqa: BLE001 - whatever is not a typed error is what is looked for
            wrong += 1
            if wrong <= 20:
                print(f"\ninput {drawn}\n{traceback.format_exc(limit=-8)}", file=sys.stderr)  # noqa: T201
    print(f"{inputs} inputs, seed {seed}, {perf_counter() - began:.0f} s, {wrong} wrong")  # noqa: T201
    for entry, count in sorted(fed.items()):
        print(f"  {entry:<14}{count:>8}")  # noqa: T201
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sys.exit(1 if fuzz(given.inputs, given.seed) else 0)
