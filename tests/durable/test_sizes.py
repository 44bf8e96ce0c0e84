"""How long an engine's messages become: pages follow the bytes of their names."""

from __future__ import annotations

import json
import logging
import random
from bisect import bisect_left

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purview_mpe import Client, Spec, durable
from purview_mpe.durable._limits import bytes_of, carries, pages_of
from purview_mpe.durable._logic import logic_of
from purview_mpe.durable._request import checked_size
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import InvalidSpec
from tests.support.engine import Engine

SUBSCRIPTION = "00000000-0000-0000-0000-000000000100"
MOST = 200_000
#: Letters that a resource group's name may have, which JSON in ASCII writes with one, six and twelve bytes.
SCRIPTS = {"ascii": ("0", "z"), "cjk": ("\u4e00", "\u9fa4"), "beyond the BMP": ("\U00020000", "\U0002a6d0")}
FACTORY = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.DataFactory/factories/{}"
ACCOUNT = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Purview/accounts/{}"


@pytest.fixture(autouse=True)
def _quiet():
    """Workers of the engine log what they carry out."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def letters(drawn, script, most, least=1):
    """A name of some length, in letters of a script that have nothing in common with one another."""
    first, last = map(ord, SCRIPTS[script])
    pool = [chr(code) for code in range(first, last) if chr(code).isalnum()][:10_000]
    return "".join(drawn.choice(pool) for _ in range(drawn.randint(least, most)))


def named_factories(azure, drawn, script, count, *, least):
    """Factories of one subscription and one account, whose names have at least this part of the longest length."""
    account = azure.add_account(
        "pv" + letters(drawn, "ascii", 61, int(61 * least) or 1),
        resource_group=letters(drawn, script, 90, int(90 * least) or 1),
    )
    for _ in range(count):
        factory = azure.add_factory(
            "adf" + letters(drawn, "ascii", 60, int(60 * least) or 1),
            purview_account=account,
            subscription=SUBSCRIPTION,
            resource_group=letters(drawn, script, 90, int(90 * least) or 1),
        )
        yield Spec(factory=str(factory), account=str(account), name="purview")


def largest_accepted(specs, **fields):
    """How many of these factories one fleet takes, with the longest instance id; one more is refused."""

    def is_accepted(count):
        request = durable.FleetRequest(specs=specs[:count], **fields)
        try:
            checked_size(request, None, keeps=True, instance=len(LONGEST_ID))
        except InvalidSpec:
            return False
        return True

    count = bisect_left(range(len(specs) + 1), True, key=lambda count: count > 41 and not is_accepted(count)) - 1
    assert is_accepted(count)
    assert not is_accepted(count + 1)
    return count


def lanes_and_names(azure, subscriptions, count):
    """Factories in so many subscriptions, in letters beyond the BMP; with many subscriptions, with short names."""
    drawn, script = random.Random(count), "beyond the BMP"
    account = azure.add_account("pv" + letters(drawn, "ascii", 61, 61), resource_group=letters(drawn, script, 90, 90))
    for number in range(count):
        names = {"resource_group": letters(drawn, script, 90, 90)} if subscriptions < 20 else {}
        place = f"00000000-0000-0000-0000-{100 + number % subscriptions:012}"
        name = f"adf{number}" if subscriptions >= 20 else "adf" + letters(drawn, "ascii", 60, 60)
        factory = azure.add_factory(name, purview_account=account, subscription=place, **names)
        yield Spec(factory=str(factory), account=str(account), name="purview", groups=("account",))


@pytest.mark.untraced
@pytest.mark.parametrize(
    ("subscriptions", "fields", "says"),
    [
        (1, {}, []),
        (7, {"approval": "when-told"}, [(50_000, durable.APPROVAL, False)]),
        (1_000, {"approval": "when-told", "hand_off": True}, [(50_000, durable.APPROVAL, False)]),
    ],
)
def test_the_largest_fleet_that_is_accepted_stays_below_200_kb(subscriptions, fields, says):
    """One factory more is refused at the start; the calculation leaves a tenth at most unused."""
    azure = Emulator(request_log=10)
    specs = list(lanes_and_names(azure, subscriptions, 330))
    accepted = specs[: largest_accepted(specs, **fields)]
    client = Client(azure.credential, transport=azure.transport())
    engine = Engine(azure, lambda worker: durable.register_worker(worker, lambda: client), says=says)
    given = durable.FleetRequest(specs=accepted, **fields).to_input()
    instance = engine.run(durable.FLEET, given, LONGEST_ID)
    assert instance.failure is None, instance.failure.errorMessage
    assert 0.9 * MOST < engine.hub.largest["turn"] < MOST, engine.hub.largest


#: Durable Functions takes ids of 100 letters.
LONGEST_ID = "f" * 100
YES, NO = [(5_000, durable.APPROVAL, True)], [(5_000, durable.APPROVAL, False)]
DECIDED = {"approval": "when-told", "hand_off": True}


@pytest.mark.untraced
@pytest.mark.parametrize(
    ("script", "least", "count", "fields", "says"),
    [
        ("ascii", 1, 20, {"verb": "onboard", "hand_off": True}, []),
        ("ascii", 0, 41, {"verb": "onboard", "approval": "at-once"}, []),
        ("ascii", 1, 41, DECIDED, NO),
        ("cjk", 1, 20, {"verb": "onboard", "approval": "when-told"}, YES),
        ("cjk", 0, 24, {"approval": "at-once", "hand_off": True}, []),
        ("beyond the BMP", 1, 23, DECIDED, YES),
    ],
)
def test_no_message_is_longer_than_200_kb(script, least, count, fields, says):
    """With the longest names and with names of all lengths, approved and declined."""
    azure = Emulator()
    client = Client(azure.credential, transport=azure.transport())
    engine = Engine(azure, lambda worker: durable.register_worker(worker, lambda: client), says=list(says))
    specs = list(named_factories(azure, random.Random(count), script, count, least=least))
    instance = engine.run(durable.FLEET, durable.FleetRequest(specs=specs, **fields).to_input())
    assert instance.failure is None, instance.failure.errorMessage
    assert json.loads(instance.output)["succeeded"]
    assert max(engine.hub.largest.values()) < MOST, engine.hub.largest


@st.composite
def fleets(draw):
    """Specs of one subscription with names of any length, in any letters."""
    group = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=90)
    name = st.from_regex(r"[a-z0-9]{3,63}", fullmatch=True)
    count = draw(st.integers(0, 45))
    groups, names = draw(st.lists(group, min_size=1, max_size=4)), draw(st.lists(name, min_size=1, max_size=4))
    account = ACCOUNT.format(SUBSCRIPTION, groups[0], names[0])
    return [
        Spec(
            factory=FACTORY.format(
                SUBSCRIPTION, groups[number % len(groups)], f"{names[number % len(names)][:60]}{number}"
            ),
            account=draw(st.sampled_from([account, None])),
            name="purview",
        )
        for number in range(count)
    ]


@settings(max_examples=60, deadline=None)
@given(specs=fleets(), hand_off=st.booleans())
def test_a_page_has_as_many_factories_as_fit(specs, hand_off):
    """Every factory is in one page, in order; a page that could take the next factory has taken it."""
    logic = logic_of(3)
    pages = list(pages_of(specs, logic, hand_off=hand_off))
    assert [spec for page in pages for spec in page] == specs
    room = 0.9 * MOST
    filled = [sum(bytes_of(spec, hand_off=hand_off) for spec in page) for page in pages]
    assert all(each <= room for each in filled)
    for page, used, following in zip(pages, filled, pages[1:], strict=False):
        assert len(page) == 20 or used + bytes_of(following[0], hand_off=hand_off) > room


@given(specs=fleets())
@settings(max_examples=20, deadline=None)
def test_earlier_versions_count_factories(specs):
    """Their pages have twenty factories, whatever the names."""
    sizes = [len(page) for page in pages_of(specs, logic_of(2), hand_off=True)]
    assert sizes == [20] * (len(specs) // 20) + [len(specs) % 20] * (len(specs) % 20 > 0)
    assert carries(specs, logic_of(2), hand_off=True, decided=True)


def test_short_names_fill_a_page_and_the_longest_ones_share_it():
    """Twenty factories as before; with the longest names in another script, a few."""
    short = Spec(factory=FACTORY.format(SUBSCRIPTION, "rg1", "adf-0001"), name="purview")
    group = "\U00020000" * 90
    account = ACCOUNT.format(SUBSCRIPTION, group, "p" * 63)
    longest = Spec(factory=FACTORY.format(SUBSCRIPTION, group, "f" * 63), account=account, name="purview")
    logic = logic_of(3)
    assert [len(page) for page in pages_of([short] * 45, logic, hand_off=False)] == [20, 20, 5]
    assert [len(page) for page in pages_of([longest] * 11, logic, hand_off=True)] == [5, 5, 1]
    assert carries([short] * 40, logic, hand_off=True, decided=True)
    assert not carries([longest] * 40, logic, hand_off=False, decided=False)


def test_a_fleet_carries_the_reports_that_fit_however_many_lanes_it_has():
    """An account that a spec leaves open counts with the longest id that an account can have."""
    account = ACCOUNT.format(SUBSCRIPTION, "rg1", "pv1")
    named = [
        Spec(factory=FACTORY.format(SUBSCRIPTION, "rg1", f"adf-{number}"), account=account, name="purview")
        for number in range(40)
    ]
    left_open = [spec.model_copy(update={"account": None}) for spec in named]
    apart = [
        spec.model_copy(update={"factory": spec.factory.replace(SUBSCRIPTION, f"{SUBSCRIPTION[:-2]}{number:02}")})
        for number, spec in enumerate(named)
    ]
    logic = logic_of(4)
    assert carries(named, logic, hand_off=True, decided=True)
    assert carries(left_open, logic, hand_off=False, decided=True)
    assert not carries(left_open, logic, hand_off=True, decided=True)
    assert carries(left_open[:20], logic, hand_off=True, decided=True)
    assert carries(apart, logic, hand_off=True, decided=False)
    assert not carries(apart, logic, hand_off=False, decided=True)


@pytest.mark.untraced
@pytest.mark.parametrize(
    ("count", "lanes", "fields", "says"),
    [
        (20, 1, {**DECIDED, "verb": "onboard"}, NO),
        (18, 9, {"approval": "when-told"}, YES),
        (22, 1, DECIDED, YES),
        (20, 1, {"verb": "onboard", "approval": "at-once", "hand_off": True, "batch": 1}, []),
    ],
)
def test_no_message_is_longer_where_the_accounts_are_left_open(count, lanes, fields, says):
    """Each factory has an account of its own, with the longest names, of which nothing is known at the start."""
    azure, drawn, specs = Emulator(), random.Random(count), list[Spec]()
    for number in range(count):
        group = letters(drawn, "beyond the BMP", 90, 90)
        account = azure.add_account("pv" + letters(drawn, "ascii", 61, 61), resource_group=group)
        place = f"{SUBSCRIPTION[:-2]}{number % lanes:02}"
        factory = azure.add_factory(f"adf{number}", purview_account=account, subscription=place)
        specs.append(Spec(factory=str(factory), name="purview"))
    client = Client(azure.credential, transport=azure.transport())
    engine = Engine(azure, lambda worker: durable.register_worker(worker, lambda: client), says=list(says))
    instance = engine.run(durable.FLEET, durable.FleetRequest(specs=specs, **fields).to_input())
    assert instance.failure is None, instance.failure.errorMessage
    assert json.loads(instance.output)["succeeded"]
    assert 50_000 < max(engine.hub.largest.values()) < MOST, engine.hub.largest


def test_no_message_is_longer_where_azure_answers_with_long_errors():
    """Twenty thousand letters for each endpoint, of which the reports keep the beginning."""
    azure, drawn = Emulator(), random.Random(1)
    account = azure.account
    specs = [Spec(factory=str(azure.add_factory(f"adf{n}x")), account=str(account), name="purview") for n in range(20)]
    for number in range(20):
        for group in ("blob", "queue", "namespace"):
            said = "no: " + "".join(drawn.choices("abcdefghijklmnopqrstuvwxyz 0123456789", k=20_000))
            at = f"*adf{number}x/managed*{group}*"
            azure.inject(Fault.status("PUT", 403, path=at, times=None, code="RequestDisallowedByPolicy", message=said))
    client = Client(azure.credential, transport=azure.transport())
    engine = Engine(azure, lambda worker: durable.register_worker(worker, lambda: client))
    instance = engine.run(durable.FLEET, durable.FleetRequest(specs=specs).to_input())
    report = durable.report_in(json.loads(instance.output))
    assert report.counts == {"created": 20, "failed": 60}
    errors = [outcome.error.message for outcome in report.outcomes if outcome.error]
    assert all("no: " in error for error in errors)
    assert any(error.endswith("… (cut here)") for error in errors)
    assert max(engine.hub.largest.values()) < MOST, engine.hub.largest
