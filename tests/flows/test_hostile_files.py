"""Reports, plans and journals that were tampered with reach only the spec in them and its account.

A few dozen files of each kind by default; `PURVIEW_MPE_HOSTILE_FILES=1000` tries as many.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from purview_mpe import FleetReport, Plan, Report, Spec
from purview_mpe.emulator import Emulator
from purview_mpe.errors import PurviewMpeError
from tests.support.colours import Colour, spec_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random

EXAMPLES = int(os.environ.get("PURVIEW_MPE_HOSTILE_FILES", "24"))
STRANGER = (
    "/subscriptions/99999999-9999-9999-9999-999999999999/resourceGroups/stranger/providers"
    "/Microsoft.Network/privateEndpoints"
)
#: The callers that use a file, from one with every right to one who can read only storage.
CALLERS = (None, ("approver",), ("Contributor",), ("Storage Account Contributor",))


class World:
    """An Azure with the caller's factory and account, and another factory with another account beside them."""

    def __init__(self, shape: str) -> None:
        self.azure = Emulator(shape=shape, foreign_connections=2)
        self.own = spec_for(self.azure)
        victim = self.azure.add_account("victim", shape="A")
        other = self.azure.add_factory("df2", purview_account=victim)
        for group, target in {"account": victim, **self.azure.targets(victim)}.items():
            self.azure.add_endpoint(other, f"purview_{group}", target, group)
            self.azure.add_connection(target, private_endpoint_id=f"{STRANGER}/evil.{group}", status="Pending")
            self.azure.add_connection(
                target, private_endpoint_id=f"{STRANGER}/df1.purview_{group}", status="Pending", group_id=group
            )
        self.azure.clock.sleep(300)
        #: What an attacker would write into a file: ids that are not the caller's, and texts that are not ids.
        self.words: list[Any] = [
            *(str(target) for target in self.azure.targets(victim).values()),
            *(str(target) for target in self.azure.targets(self.azure.account).values()),
            *(connection.private_endpoint_id for connection in self.azure.connections()),
            *(str(connection.id) for connection in self.azure.connections()),
            *(str(one) for one in (victim, other, self.azure.account, self.azure.factory)),
            *("account", "blob", "queue", "namespace", "portal", "storage", "ingestion", "approved", "created", "keep"),
            *(
                "create",
                "replace",
                "purview",
                "purview_blob",
                "df2",
                "..",
                "../..",
                "a/b",
                "",
                "*",
                "\x1b[2J",
                "x" * 300,
            ),
            *(None, True, 0, [], {}),
        ]

    def around(self, spec: Spec, account: str | None) -> set[str]:
        """The prefixes of every path that may be requested: the spec's own, and its account's as Azure shows it."""
        found = {spec.factory}
        for one in {spec.account or account or self._connected(spec.factory)} - {None}:
            found |= {one, *(str(target) for target in self._targets(one))}
        return {path.casefold() for path in found}

    def _connected(self, factory: str) -> str | None:
        known = {str(self.azure.factory).casefold(): str(self.azure.account)}
        return known.get(factory.casefold()) or next(
            (word for word in self.words if isinstance(word, str) and word.endswith("/accounts/victim")), None
        )

    def _targets(self, account: str) -> list[Any]:
        try:
            return list(self.azure.targets(account).values())
        except LookupError:
            return []

    def strangers(self) -> dict[str, str]:
        """The state of every connection that does not belong to a managed endpoint."""
        return {str(one.id): one.status for one in self.azure.connections() if one.endpoint is None}


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON document."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (*path, key)
        yield from places(value, (*path, key))


def tampered(random: Random, world: World, document: dict[str, Any]) -> dict[str, Any]:
    """The document with a few of its values replaced, removed or doubled."""
    document = copy.deepcopy(document)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        everywhere = [path for path in places(document) if path[0] != "spec" or random.random() < 0.1]
        if not everywhere:
            break
        *path, last = random.choice(everywhere)
        holder: Any = document
        for key in path:
            holder = holder[key]
        match random.randrange(6):
            case 0 if isinstance(holder, dict):
                del holder[last]
            case 1 if isinstance(holder, list):
                holder.append(copy.deepcopy(random.choice(holder)))
            case 2 if isinstance(holder[last], str):
                holder[last] = random.choice((holder[last].upper(), holder[last].replace("pv1", "victim")))
            case _:
                holder[last] = random.choice(world.words)
    return document


def named_account(document: dict[str, Any]) -> str | None:
    account = document.get("account")
    return account.get("id") if isinstance(account, dict) else None


def use(world: World, colour: Colour, random: Random | None, action: Any, allowed: set[str]) -> None:
    """Run a verb with a file, as one of the callers, and check its requests."""
    world.azure.clear_requests()
    before = world.strangers()
    with contextlib.suppress(PurviewMpeError):  # the file may be refused before or after the first read
        colour.run(world.azure, action, roles=random.choice(CALLERS) if random else None)
    if random:
        event("writes" if world.azure.writes else "reads" if world.azure.requests else "asks nothing")
    for request in world.azure.requests:
        path = request.path.casefold()
        assert any(path == one or path.startswith(f"{one}/") for one in allowed), f"{request.method} {request.path}"
    now = world.strangers()
    changed = [one for one, status in before.items() if now.get(one) != status and "/victim" in one.casefold()]
    assert not changed


def hostile(random: Random) -> tuple[World, Colour]:
    return World(random.choice("ABCDE")), Colour(random.choice(("sync", "async")))


several = settings(max_examples=EXAMPLES)
randoms = st.randoms(use_true_random=True)


@pytest.mark.untraced
@several
@given(random=randoms)
def test_tampered_reports_reach_no_other_resource(random):
    """A report supplies private endpoint ids; every resource is in the spec, or is named by the account."""
    world, colour = hostile(random)
    made = colour.run(world.azure, lambda client: client.create_all(world.own)).model_dump(mode="json")
    document = tampered(random, world, made)
    try:
        report = Report.model_validate_json(json.dumps(document))
    except PurviewMpeError:
        event("refused when it is read")
        return
    allowed = world.around(report.spec, report.account.id if report.account else None)
    verb = random.choice(("approve", "reject", "approve_many"))
    if verb == "approve_many":
        use(world, colour, random, lambda client: client.approve_many([report], timeout=30), allowed)
    else:
        use(world, colour, random, lambda client: getattr(client, verb)(report, timeout=30), allowed)


@several
@given(random=randoms)
def test_tampered_plans_reach_no_other_resource(random):
    """A plan file can only do what its spec can do, and decides on no connection."""
    world, colour = hostile(random)
    made = colour.run(world.azure, lambda client: client.plan(world.own)).model_dump(mode="json")
    try:
        plan = Plan.model_validate_json(json.dumps(tampered(random, world, made)))
    except PurviewMpeError:
        event("refused when it is read")
        return
    allowed = world.around(plan.spec, None)
    use(world, colour, random, lambda client: client.apply(plan, timeout=60), allowed)
    assert all("/managedvirtualnetworks" in request.path.casefold() for request in world.azure.writes)


@pytest.mark.untraced
@several
@given(random=randoms)
def test_tampered_journals_reach_no_other_resource(random, tmp_path_factory):
    """Resuming from a journal uses the caller's specs; approving from it uses the specs in it."""
    world, colour = hostile(random)
    path: Path = tmp_path_factory.mktemp("hostile") / "journal"
    specs = [world.own, spec_for(world.azure, factory=str(world.azure.add_factory("df3")))]
    colour.run(world.azure, lambda client: client.create_many(specs, journal=path))
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [tampered(random, world, line) if random.random() < 0.7 else line for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    if random.random() < 0.5:
        allowed = set().union(*(world.around(spec, None) for spec in specs))
        approve = random.random() < 0.5

        def action(client):
            return client.create_many(specs, resume=path, approve=approve, timeout=60)

    else:
        try:
            fleet = FleetReport.load(path)
        except PurviewMpeError:
            event("refused when it is read")
            return
        named = [(report.spec, report.account.id if report.account else None) for report in fleet.reports]
        allowed = set().union(*(world.around(*one) for one in named))

        def action(client):
            return client.approve_many(fleet, timeout=30)

    use(world, colour, random, action, allowed)


def test_unchanged_files_work():
    """Without tampering, the same report approves every connection and no foreign one."""
    world = World("A")
    colour = Colour("sync")
    report = colour.run(world.azure, lambda client: client.create_all(world.own))
    done = colour.run(world.azure, lambda client: client.approve(report), roles=("approver",))
    assert [outcome.result for outcome in done.outcomes] == ["approved"] * 4
    assert "Approved" not in world.strangers().values()


def test_the_check_notices_a_foreign_request():
    """The check of these tests fails for a verb that works on another account."""
    world = World("A")
    victim = str(world.azure.account).replace("pv1", "victim")
    other = spec_for(world.azure, victim, factory=str(world.azure.factory).replace("df1", "df2"))
    allowed = world.around(world.own, None)
    with pytest.raises(AssertionError):
        use(world, Colour("sync"), None, lambda client: client.status(other), allowed)
