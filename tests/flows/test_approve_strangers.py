"""Approving with fifty foreign connections on every target, which imitate names and descriptions."""

from __future__ import annotations

from random import Random

import pytest

from purview_mpe.emulator import Emulator
from tests.support.colours import spec_for
from tests.support.strangers import OWN_WORDS, imitations

STRANGERS = 50


def crowd(emulator, random, spec, *, exact=False) -> None:
    """Put foreign pending connections on every target of the account, some with Data Factory's description."""
    for group_id, target in emulator.targets(emulator.account).items():
        name = spec.name_of(group_id)
        # blob and queue share a target, so the other group's exact name would count as the factory's own.
        ours = {
            f"{emulator.factory.name}.{spec.name_of(group)}".casefold() for group in emulator.targets(emulator.account)
        }
        names = [called for called in imitations(name) if exact or called.casefold() not in ours]
        for number in range(STRANGERS):
            called = random.choice(names)
            emulator.add_connection(
                target,
                private_endpoint_id=f"/subscriptions/{random.getrandbits(32):08x}-0000-0000-0000-{number:012x}"
                f"/resourceGroups/rg-{number}/providers/Microsoft.Network/privateEndpoints/{called}",
                group_id=group_id,
                description=random.choice((OWN_WORDS.format(name=name), "Please approve", "")),
            )


def statuses(emulator, *, ours) -> list[str]:
    return [c.status for c in emulator.connections() if (c.factory is not None) == ours]


@pytest.mark.untraced
@pytest.mark.parametrize("reveal", ["at-once", "never"])
@pytest.mark.parametrize(("shape", "count"), [("A", 4), ("B", 3), ("C", 3), ("D", 4), ("E", 3)])
def test_only_the_factorys_connections_are_approved(colour, shape, count, reveal):
    """In every shape, with foreign connections listed before and after the factory's own."""
    emulator = Emulator(shape=shape, reveal_private_endpoint_ids=reveal, foreign_connections=0, page_size=30)
    random, spec = Random(shape + reveal), spec_for(emulator)  # noqa: S311 - test data, not secrets
    crowd(emulator, random, spec)
    colour.run(emulator, lambda client: client.create_all(spec))
    crowd(emulator, random, spec)
    report = colour.run(emulator, lambda client: client.approve(spec))
    assert [outcome.result for outcome in report.outcomes] == ["approved"] * count
    assert statuses(emulator, ours=True) == ["Approved"] * count
    assert set(statuses(emulator, ours=False)) == {"Pending"}


@pytest.mark.parametrize("shape", ["A", "C"])
def test_exact_ids_tell_connections_of_one_name_apart(colour, shape):
    """With exact ids, foreign connections with the same name change nothing."""
    emulator = Emulator(shape=shape, foreign_connections=0)
    random, spec = Random(7), spec_for(emulator)  # noqa: S311 - as above
    crowd(emulator, random, spec, exact=True)
    report = colour.run(emulator, lambda client: client.create_all(spec, approve=True))
    assert report.complete
    assert set(statuses(emulator, ours=True)) == {"Approved"}
    assert set(statuses(emulator, ours=False)) == {"Pending"}


def test_a_foreign_connection_is_not_approved_after_the_factorys_was_removed(colour):
    """The factory still says Approved, so a pending connection with the endpoint's name is not its own."""
    emulator = Emulator(reveal_private_endpoint_ids="never", foreign_connections=0)
    spec = spec_for(emulator, groups=("blob",))
    colour.run(emulator, lambda client: client.create_all(spec, approve=True))
    target = emulator.targets(emulator.account)["blob"]
    [ours] = emulator.connections(target)
    emulator.remove(ours.id)
    emulator.add_connection(
        target, private_endpoint_id=ours.private_endpoint_id.replace("vnet-", "vnot-"), group_id="blob"
    )
    report = colour.run(emulator, lambda client: client.approve(spec, timeout=20))
    assert [outcome.result for outcome in report.outcomes] == ["timed-out"]
    assert {c.status for c in emulator.connections(target)} == {"Pending"}
    status = colour.run(emulator, lambda client: client.status(spec))
    assert [endpoint.verdict for endpoint in status.endpoints] == ["stale"]
