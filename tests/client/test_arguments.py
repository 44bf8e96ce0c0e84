"""Arguments of the verbs: a wrong one is refused before anything is sent, with a helpful message."""

from __future__ import annotations

import pytest

from purview_mpe import (
    Budget,
    Client,
    FleetReport,
    Rate,
    aio,
    export,
    export_customer_endpoints,
    read_specs,
    requirement,
    scenario,
)
from purview_mpe.errors import InvalidSpec
from tests.support.colours import spec_for

TIMEOUTS = {
    "create_all": lambda client, spec, seconds: client.create_all(spec, timeout=seconds),
    "apply": lambda client, spec, seconds: client.apply(spec, timeout=seconds),
    "approve": lambda client, spec, seconds: client.approve(spec, timeout=seconds),
    "delete_all": lambda client, spec, seconds: client.delete_all(spec, timeout=seconds),
    "watch": lambda client, spec, seconds: client.watch(spec, timeout=seconds),
    "create_many": lambda client, spec, seconds: client.create_many([spec], stop_after=seconds),
}


@pytest.mark.parametrize("number", [10**400, 10**5000], ids=["400 digits", "5000 digits"])
@pytest.mark.parametrize("verb", TIMEOUTS)
def test_huge_number_is_not_a_timeout(colour, emulator, verb, number):
    """A whole number can be too large for arithmetic, and an even larger one cannot be printed."""
    with pytest.raises(InvalidSpec, match="is not a positive number of seconds"):
        colour.run(emulator, lambda client: TIMEOUTS[verb](client, spec_for(emulator), number))
    assert emulator.requests == []


@pytest.mark.parametrize("client", [Client, aio.Client])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"budget": 0.5}, "is a float; pass a purview_mpe.Budget, for example Budget(0.5)"),
        ({"read_timeout": 10**400}, "must be a positive number of seconds up to a day, for example 60"),
        ({"connection_timeout": 1e300}, "must be a positive number of seconds up to a day, for example 10"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_client_refuses_invalid_options_when_it_is_made(client, emulator, given, said):
    """The refusal comes when the client is made, not with the first request."""
    credential = emulator.credential if client is Client else emulator.async_credential
    with pytest.raises(InvalidSpec) as caught:
        client(credential, **given)
    assert caught.value.problems == [(next(iter(given)), said)]


def test_huge_rate_is_refused():
    """A number too large for arithmetic is refused before the first request."""
    for number in (10**400, 10**5000):
        with pytest.raises(InvalidSpec, match="reads"):
            Budget(reads=Rate(number, 1))


class Unprintable:
    """A value whose repr raises."""

    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize("value", [10**5000, Unprintable()], ids=["number", "object"])
def test_unprintable_value_is_refused_like_any_other(colour, emulator, value):
    """The message names the type of the value, and the refusal is `InvalidSpec` for every argument."""
    spec = spec_for(emulator)
    calls = {
        "wait": lambda client: client.create_all(spec, wait=value),
        "dry_run": lambda client: client.approve(spec, dry_run=value),
        "since": lambda client: client.diagnose(spec, since=value),
        "every": lambda client: client.watch(spec, every=value),
        "stop_after": lambda client: client.create_many([spec], stop_after=value),
        "resume": lambda client: client.create_many([spec], resume=value),
        "journal": lambda client: client.create_many([spec], journal=value),
    }
    for argument, call in calls.items():
        with pytest.raises(InvalidSpec) as caught:
            colour.run(emulator, call)
        assert caught.value.problems[0][0] == argument
    for option in ("cloud", "endpoint", "budget", "retry", "read_timeout"):
        with pytest.raises(InvalidSpec, match=option):
            Client(emulator.credential, **{option: value})
    for refused in (lambda: requirement(value, "azure"), lambda: requirement("disabled-from-all-networks", value)):
        with pytest.raises(InvalidSpec, match="a value of type"):
            refused()
    with pytest.raises(InvalidSpec, match="a value of type"):
        scenario("disabled-from-all-networks", value)
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("given", "said"),
    [(None, "is a NoneType; pass a path"), ("a\0.json", "is not a path"), ("\ud800.json", "is not a path")],
)
def test_invalid_path_is_refused(given, said):
    """The message names the invalid value instead of raising an error of the file system."""
    for read in (read_specs, FleetReport.load):
        with pytest.raises(InvalidSpec, match=said):
            read(given)


def test_unwritable_journal_is_refused_at_once(colour, emulator, tmp_path):
    """It is refused before anything is sent, because a long run would have no record."""
    for journal in (tmp_path / "no folder" / "fleet.jsonl", 5):
        with pytest.raises(InvalidSpec, match="journal"):
            colour.run(
                emulator, lambda client, journal=journal: client.create_many([spec_for(emulator)], journal=journal)
            )
    assert emulator.requests == []


def test_file_in_another_encoding_is_not_a_fleet_report(tmp_path):
    """The error is typed and not the decoder's."""
    (tmp_path / "fleet.jsonl").write_bytes(b"\xff\xfe{")
    with pytest.raises(InvalidSpec):
        FleetReport.load(tmp_path / "fleet.jsonl")


def test_export_refuses_other_values_than_a_plan(colour, emulator):
    """An unknown format is refused, whatever its type."""
    plan = colour.run(emulator, lambda client: client.plan(spec_for(emulator)))
    with pytest.raises(InvalidSpec, match=r"plan: is a Spec; pass a purview_mpe\.Plan"):
        export(plan.spec, "bicep")
    with pytest.raises(InvalidSpec, match=r"plan: is a str; pass a purview_mpe\.Account or Plan"):
        export_customer_endpoints("plan", "bicep", subnet_id="x", location="westeurope")
    with pytest.raises(InvalidSpec, match="is not one of bicep"):
        export(plan, ["bicep"])
